//! Where the configuration of a transaction comes from: from memory every time, or from the configuration cache.

use super::agree::looking;
use super::context;
use super::memo::Last;
use super::read_structure;
use super::recall::Recall;
use super::span;
use crate::address::Pa;
use crate::bus::ExternalAbort;
use crate::cache::configuration::{CachedCd, CachedSte, Contexts, Level1, Streams};
use crate::config::Globals;
use crate::config::cd::{self, Context, ContextSetting};
use crate::config::ste::{self, Stream, StreamSetting};
use crate::features::Features;
use crate::ids::StreamId;
use crate::layout::cd::Cd;
use crate::layout::ste::Ste;
use crate::outcome::Stop;
use crate::rule::Rule;
use crate::trace::{CacheEntry, Difference, Structure};

/// Where streams come from.
pub(crate) trait StreamSource {
    /// The stream, legal and enabled.
    fn stream<E: Recall>(&mut self, env: &mut E, g: &Globals<'_>, id: StreamId) -> Result<&Stream, Stop>;
}

/// Where contexts come from.
pub(crate) trait ContextSource {
    /// The context that CD `index` of a stream describes.
    fn context<E: Recall>(
        &mut self,
        env: &mut E,
        f: &Features,
        stream: (StreamId, &Stream),
        index: u32,
    ) -> Result<&Context, Stop>;
}

/// A level 1 descriptor that was read, and where.
pub(crate) type Level1Word = (Pa, u64);

/// Memory, with the structure parsed last.
impl StreamSource for Last<StreamSetting, Stream> {
    #[inline(always)]
    fn stream<E: Recall>(&mut self, env: &mut E, g: &Globals<'_>, id: StreamId) -> Result<&Stream, Stop> {
        let f = g.features;
        let at = g.stream_table().locate(env, f, id, &mut None)?; // C_BAD_STREAMID
        let Ok(words) = read_structure(env, Structure::Ste, at) else {
            return Err(Stop::at_structure(Rule::SteFetchAborted, at)); // F_STE_FETCH
        };
        let (mut ste, setting) = (Ste(words), g.stream_setting());
        if ste.word1().cont() != 0 {
            (_, ste) = span::fetched(env, g, id, at, ste)?; // F_CFG_CONFLICT
        }
        let parse = || ste::parse(env, f, setting, &ste);
        let stream = self.get(&ste.0, setting, || !ste::asks(f, &ste), parse);
        stream.map_err(Stop::configuration) // C_BAD_STE, silent abort
    }
}

impl ContextSource for Last<ContextSetting, Context> {
    #[inline(always)]
    fn context<E: Recall>(
        &mut self,
        env: &mut E,
        f: &Features,
        (_, stream): (StreamId, &Stream),
        index: u32,
    ) -> Result<&Context, Stop> {
        let at = locate_cd(env, f, stream, index, &mut None)?; // C_BAD_SUBSTREAMID, faults of stage 2
        let Ok(words) = read_structure(env, Structure::Cd, at) else {
            return Err(Stop::at_structure(Rule::CdFetchAborted, at)); // F_CD_FETCH
        };
        let (cd, setting) = (Cd(words), stream.context_setting());
        let parse = || cd::parse(env, f, setting, &cd);
        let context = self.get(&cd.0, setting, || !cd::asks(f, &cd), parse);
        context.map_err(Stop::configuration) // C_BAD_CD
    }
}

impl StreamSource for Streams {
    #[inline(always)]
    fn stream<E: Recall>(&mut self, env: &mut E, g: &Globals<'_>, id: StreamId) -> Result<&Stream, Stop> {
        let slot = match self.find(id) {
            _ if self.has_spans() => span::find(self, env, g, id)?, // F_CFG_CONFLICT
            Some(slot) if admits_ste(env, g, id, self.at(slot)) => slot,
            _missed => fetch_ste(self, env, g, id)?,
        };
        self.at(slot).stream(env, g.features).map_err(Stop::configuration)
    }
}

impl ContextSource for Contexts {
    #[inline(always)]
    fn context<E: Recall>(
        &mut self,
        env: &mut E,
        f: &Features,
        stream: (StreamId, &Stream),
        index: u32,
    ) -> Result<&Context, Stop> {
        let slot = match self.find(stream.0, index) {
            Some(slot) if admits_cd(env, f, stream, index, self.at(slot)) => slot,
            _missed => fetch_cd(self, env, f, stream, index)?,
        };
        self.at(slot).context(env, f).map_err(Stop::configuration)
    }
}

#[inline(always)]
pub(super) fn admits_ste<E: Recall>(env: &mut E, g: &Globals<'_>, stream: StreamId, ste: &CachedSte) -> bool {
    env.admits(|| CacheEntry::Ste { stream }, ste.born, |env| ste_difference(env, g, stream, ste))
}

/// Where memory no longer agrees with an STE.
pub(super) fn ste_difference<E: Recall>(
    env: &mut E,
    g: &Globals<'_>,
    stream: StreamId,
    ste: &CachedSte,
) -> Option<Difference> {
    differing(ste_in_memory(env, g, stream), &ste.words)
        .or_else(|| reinterpreted(ste.setting == g.stream_setting()))
}

/// What the table has for a stream; `None` if nothing.
pub(super) fn ste_in_memory<E: Recall>(
    env: &mut E,
    g: &Globals<'_>,
    stream: StreamId,
) -> Option<(Pa, Result<[u64; 8], ExternalAbort>)> {
    looking(env.bus(), |env| {
        let at = g.stream_table().locate(env, g.features, stream, &mut None).ok()?;
        Some((at, read_structure(env, Structure::Ste, at)))
    })
}

#[inline(never)]
pub(super) fn fetch_ste<E: Recall>(
    streams: &mut Streams,
    env: &mut E,
    g: &Globals<'_>,
    id: StreamId,
) -> Result<usize, Stop> {
    let (f, table) = (g.features, g.stream_table());
    let log2_span = table.log2_span();
    let known = log2_span.and_then(|log2_span| streams.level1(id, log2_span)).filter(|level1| {
        let cached = || CacheEntry::L1StreamTable { stream: id };
        env.admits(cached, level1.born, |env| {
            let mut now = None;
            let _at = looking(env.bus(), |env| table.locate(env, f, id, &mut now));
            level1.difference(now)
        })
    });
    let mut word = known.map(|level1| (level1.at, level1.word));
    let at = table.locate(env, f, id, &mut word);
    if let (None, Some(log2_span), Some((at, word))) = (known, log2_span, word) {
        streams.insert_level1(id, Level1 { at, word, log2_span, born: env.now() });
    }
    let at = at?;
    let Ok(words) = read_structure(env, Structure::Ste, at) else {
        return Err(Stop::at_structure(Rule::SteFetchAborted, at));
    };
    let (mut owner, mut ste) = (id, Ste(words));
    if ste.word1().cont() != 0 {
        (owner, ste) = span::fetched(env, g, id, at, ste)?;
    }
    Ok(streams.insert_ste(owner, CachedSte::new(ste.0, g.stream_setting(), env.now())))
}

#[inline(always)]
fn admits_cd<E: Recall>(
    env: &mut E,
    f: &Features,
    (id, stream): (StreamId, &Stream),
    index: u32,
    cd: &CachedCd,
) -> bool {
    let (words, setting) = (&cd.words, cd.setting);
    env.admits(
        || CacheEntry::Cd { stream: id, index },
        cd.born,
        |env| {
            let now = looking(env.bus(), |env| {
                let at = locate_cd(env, f, stream, index, &mut None).ok()?;
                Some((at, read_structure(env, Structure::Cd, at)))
            });
            differing(now, words).or_else(|| reinterpreted(setting == stream.context_setting()))
        },
    )
}

#[inline(never)]
fn fetch_cd<E: Recall>(
    contexts: &mut Contexts,
    env: &mut E,
    f: &Features,
    (id, stream): (StreamId, &Stream),
    index: u32,
) -> Result<usize, Stop> {
    let log2_span = stream.stage1.as_ref().and_then(|table| table.log2_span());
    let known = log2_span.and_then(|log2_span| contexts.level1(id, index, log2_span)).filter(|level1| {
        let cached = || CacheEntry::L1Cd { stream: id, index };
        env.admits(cached, level1.born, |env| {
            let mut now = None;
            let _at = looking(env.bus(), |env| locate_cd(env, f, stream, index, &mut now));
            level1.difference(now)
        })
    });
    let mut word = known.map(|level1| (level1.at, level1.word));
    let at = locate_cd(env, f, stream, index, &mut word);
    if let (None, Some(log2_span), Some((at, word))) = (known, log2_span, word) {
        contexts.insert_level1(id, index, Level1 { at, word, log2_span, born: env.now() });
    }
    let at = at?;
    let Ok(words) = read_structure(env, Structure::Cd, at) else {
        return Err(Stop::at_structure(Rule::CdFetchAborted, at));
    };
    Ok(contexts.insert_cd(id, index, CachedCd::new(words, stream.context_setting(), env.now())))
}

#[inline(always)]
fn locate_cd<E: Recall>(
    env: &mut E,
    f: &Features,
    stream: &Stream,
    index: u32,
    level1: &mut Option<Level1Word>,
) -> Result<Pa, Stop> {
    let table = stream.stage1.as_ref().expect("a CD is selected only where stage 1 is configured");
    context::locate(env, f, table, stream.stage2.as_ref(), index, level1)
}

/// The first word of a structure in memory that is not the cached one.
fn differing(now: Option<(Pa, Result<[u64; 8], ExternalAbort>)>, words: &[u64; 8]) -> Option<Difference> {
    let Some((at, found)) = now else { return Some(Difference { at: None, now: None }) };
    let Ok(found) = found else { return Some(Difference { at: Some(at), now: None }) };
    let (offset, (&now, _)) =
        (0u64..).step_by(8).zip(found.iter().zip(words)).find(|(_, (now, cached))| now != cached)?;
    Some(Difference { at: at.checked_add(offset), now: Some(now) })
}

/// The words are the same, and may mean something else.
fn reinterpreted(same: bool) -> Option<Difference> {
    (!same).then_some(Difference { at: None, now: None })
}

impl Level1 {
    fn difference(&self, now: Option<Level1Word>) -> Option<Difference> {
        match now {
            Some((_, word)) if word == self.word => None,
            Some((at, word)) => Some(Difference { at: Some(at), now: Some(word) }),
            None => Some(Difference { at: Some(self.at), now: None }),
        }
    }
}
