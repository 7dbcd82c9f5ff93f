//! STEs that are said to be alike: STE.CONT (§5.2).
//!
//! CONT lets a cache serve a whole span of streams from one STE, and an invalidation of one of them need not reach it.
//! Where the STE of a stream is fetched, the first STE of its span stands for what such a cache may have fetched ahead.

use super::read_structure;
use super::recall::Recall;
use super::sources::{admits_ste, fetch_ste, ste_difference, ste_in_memory};
use crate::address::Pa;
use crate::cache::configuration::Streams;
use crate::choice::answer::SteContSpan;
use crate::config::Globals;
use crate::env::Env;
use crate::ids::StreamId;
use crate::layout::ste::{Ste, SteWord1};
use crate::outcome::Stop;
use crate::rule::Rule;
use crate::trace::Structure;

/// So many other STEs of a span are looked at; those after them are as if they were not cached.
const NEIGHBOURS_MAX: usize = 64;

/// Where the STE is that a lookup of `stream` finds among cached ones that stand for several streams, or in memory.
#[cold]
pub(super) fn find<E: Recall>(
    streams: &mut Streams,
    env: &mut E,
    g: &Globals<'_>,
    stream: StreamId,
) -> Result<usize, Stop> {
    let cached = streams.find(stream);
    let neighbours: Vec<_> = if g.stream_table().covers(g.features, stream) {
        streams.neighbours(stream).take(NEIGHBOURS_MAX).collect()
    } else {
        Vec::new()
    };
    let mut known: Vec<_> =
        cached.map(|slot| without_cont(Ste(streams.at(slot).words))).into_iter().collect();
    if known.is_empty() && !neighbours.is_empty() {
        let own = ste_in_memory(env, g, stream).and_then(|(_, words)| words.ok());
        known.extend(own.map(|words| without_cont(Ste(words))));
    }
    let (mut matches, has_own) = (usize::from(cached.is_some()), !known.is_empty());
    for (neighbour, slot) in neighbours {
        let ste = streams.at(slot);
        let words = without_cont(Ste(ste.words));
        if known.contains(&words) {
            continue;
        }
        known.push(words);
        matches += 1;
        // One match alone is no conflict of the cache, but may be one of the table.
        let conflicts = matches > 1 || has_own && ste_difference(env, g, neighbour, ste).is_none();
        let permitted: &[_] = if conflicts {
            &[SteContSpan::Own, SteContSpan::Neighbour, SteContSpan::Conflict]
        } else {
            &[SteContSpan::Own, SteContSpan::Neighbour]
        };
        match env.ask(permitted) {
            SteContSpan::Own => {}
            SteContSpan::Neighbour => {
                if admits_ste(env, g, neighbour, streams.at(slot)) {
                    env.note(Rule::SteContNeighbour);
                    return Ok(slot);
                }
            }
            SteContSpan::Conflict => return Err(Stop::configuration(Rule::SteContConflict)),
        }
    }
    match cached {
        Some(slot) if admits_ste(env, g, stream, streams.at(slot)) => Ok(slot),
        _missed => fetch_ste(streams, env, g, stream),
    }
}

/// The STE that a fetch for `stream` brings, and whose it is, where the table has `own` at `at`.
#[cold]
pub(super) fn fetched<E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    stream: StreamId,
    at: Pa,
    own: Ste,
) -> Result<(StreamId, Ste), Stop> {
    let log2_span = if own.word0().v() { own.word1().cont() } else { 0 };
    let Some((first, first_at)) = g.stream_table().first_of_span(g.features, stream, at, log2_span) else {
        return Ok((stream, own));
    };
    let Ok(words) = read_structure(env, Structure::Ste, first_at) else {
        return Ok((stream, own)); // a failed fetch is never cached (§5.2.1)
    };
    let neighbour = Ste(words);
    if without_cont(neighbour) == without_cont(own) {
        return Ok((stream, own));
    }
    match env.ask(&[SteContSpan::Own, SteContSpan::Neighbour, SteContSpan::Conflict]) {
        SteContSpan::Own => Ok((stream, own)),
        SteContSpan::Neighbour => {
            env.note(Rule::SteContNeighbour);
            Ok((first, neighbour))
        }
        SteContSpan::Conflict => Err(Stop::configuration(Rule::SteContConflict)),
    }
}

/// What must be the same in all STEs of a span.
fn without_cont(ste: Ste) -> [u64; 8] {
    let mut words = ste.0;
    words[1] = SteWord1::from_bits(words[1]).with_cont(0).into_bits();
    words
}
