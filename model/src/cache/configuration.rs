//! Cached configuration structures (§16.2, §3.21.3): L1STDs and STEs by StreamID, L1CDs and CDs by StreamID and index.
//!
//! A structure is kept as it was read, legal or not, with what it means; a fetch that fails leaves nothing.

use super::Born;
use super::directory::{Directory, Key};
use super::scope::before;
use super::version::Changes;
use crate::address::Pa;
use crate::config::cd::{self, Context, ContextSetting};
use crate::config::ste::{self, Stream, StreamSetting};
use crate::env::Env;
use crate::features::Features;
use crate::ids::StreamId;
use crate::layout::cd::Cd;
use crate::layout::ste::Ste;
use crate::rule::Rule;
use crate::trace::CacheEntry;

/// Most structures that there are at once; one more and all go first. Over-invalidation is always permitted (§4.3).
pub(crate) const STRUCTURES_MAX: usize = 1 << 18;

/// Every cached configuration structure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Configuration {
    pub(crate) streams: Streams,
    pub(crate) contexts: Contexts,
}

/// L1STDs and STEs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Streams {
    /// By the first StreamID that it covers.
    pub(super) level1: Directory<StreamId, Level1>,
    pub(super) stes: Directory<StreamId, CachedSte>,
    widest: Widest,
    pub(super) changes: Changes,
}

/// log2 of the widest span of any STE (CONT) since there was none; what is cached now may have less.
#[derive(Clone, Copy, Debug, Default)]
struct Widest(u8);

/// It saves a search, and shows in no answer.
impl PartialEq for Widest {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Widest {}

/// L1CDs and CDs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contexts {
    /// By the first index that it covers.
    pub(super) level1: Directory<ContextKey, Level1>,
    pub(super) cds: Directory<ContextKey, CachedCd>,
    pub(super) changes: Changes,
}

/// Whose CD, and where in the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct ContextKey {
    pub(super) stream: StreamId,
    pub(super) index: u32,
}

/// A level 1 descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Level1 {
    /// Where it was read.
    pub(crate) at: Pa,
    pub(crate) word: u64,
    /// log2 of the streams or CDs that it covers.
    pub(crate) log2_span: u8,
    pub(crate) born: Born,
}

/// An STE.
pub(crate) type CachedSte = Cached<StreamSetting, Stream>;
/// A CD.
pub(crate) type CachedCd = Cached<ContextSetting, Context>;

/// A structure of eight words, and what it meant when it was fetched.
#[derive(Clone, Debug)]
pub(crate) struct Cached<S, T> {
    pub(crate) words: [u64; 8],
    pub(crate) setting: S,
    pub(crate) born: Born,
    /// What the words mean, once they were asked.
    meaning: Option<Result<T, Rule>>,
    /// The meaning is in the words alone; where the architecture leaves it open, it is asked for at each use.
    is_certain: bool,
}

/// The meaning follows from the rest.
impl<S: PartialEq, T> PartialEq for Cached<S, T> {
    fn eq(&self, other: &Self) -> bool {
        (self.words, self.born) == (other.words, other.born) && self.setting == other.setting
    }
}

impl<S: Eq, T> Eq for Cached<S, T> {}

impl<S: Copy, T> Cached<S, T> {
    pub(crate) fn new(words: [u64; 8], setting: S, born: Born) -> Self {
        Self { words, setting, born, meaning: None, is_certain: false }
    }

    /// What it means. `asks`: the meaning is not in the words alone.
    #[inline(always)]
    fn meaning(
        &mut self,
        asks: impl FnOnce(&[u64; 8]) -> bool,
        parse: impl FnOnce(&[u64; 8], S) -> Result<T, Rule>,
    ) -> Result<&T, Rule> {
        if !self.is_certain {
            self.meaning = Some(parse(&self.words, self.setting));
            self.is_certain = !asks(&self.words);
        }
        self.meaning.as_ref().expect("it was known, or has been parsed").as_ref().map_err(|rule| *rule)
    }
}

impl CachedSte {
    /// log2 of the streams that it stands for (§5.2 CONT).
    fn log2_span(&self) -> u8 {
        let ste = Ste(self.words);
        if ste.word0().v() { ste.word1().cont() } else { 0 }
    }

    /// The stream, or the check that the STE fails.
    #[inline(always)]
    pub(crate) fn stream(&mut self, env: &mut impl Env, f: &Features) -> Result<&Stream, Rule> {
        self.meaning(
            |words| ste::asks(f, &Ste(*words)),
            |words, setting| ste::parse(env, f, setting, &Ste(*words)),
        )
    }
}

impl CachedCd {
    /// The context, or the check that the CD fails.
    #[inline(always)]
    pub(crate) fn context(&mut self, env: &mut impl Env, f: &Features) -> Result<&Context, Rule> {
        self.meaning(
            |words| cd::asks(f, &Cd(*words)),
            |words, setting| cd::parse(env, f, setting, &Cd(*words)),
        )
    }
}

impl Key for StreamId {
    #[inline(always)]
    fn number(self) -> u64 {
        self.0.into()
    }

    fn from_number(number: u64) -> Self {
        Self(number.try_into().expect("a StreamID has 32 bits"))
    }
}

impl Key for ContextKey {
    #[inline(always)]
    fn number(self) -> u64 {
        u64::from(self.stream.0) << 32 | u64::from(self.index)
    }

    fn from_number(number: u64) -> Self {
        let index = number & u64::from(u32::MAX);
        let index = index.try_into().expect("masked to 32 bits");
        Self { stream: StreamId::from_number(number >> 32), index }
    }
}

/// What an invalidation of configuration removes (§4.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Structures {
    /// STEs and all that was found through them; L1STDs too if `level1`.
    Streams { first: StreamId, last: StreamId, level1: bool },
    /// A CD; its L1CD too if `level1`.
    Context { stream: StreamId, index: u32, level1: bool },
    /// All CDs and L1CDs of a stream.
    Contexts { stream: StreamId },
}

impl Structures {
    /// Whether an entry goes.
    pub(super) fn covers(self, entry: CacheEntry) -> bool {
        let (of, index, is_level1) = match entry {
            CacheEntry::L1StreamTable { stream } => (stream, None, true),
            CacheEntry::Ste { stream } => (stream, None, false),
            CacheEntry::L1Cd { stream, index } => (stream, Some(index), true),
            CacheEntry::Cd { stream, index } => (stream, Some(index), false),
            CacheEntry::Stage1Table { .. }
            | CacheEntry::Stage1 { .. }
            | CacheEntry::Combined { .. }
            | CacheEntry::Stage2Table { .. }
            | CacheEntry::Stage2 { .. } => return false,
        };
        match self {
            Self::Streams { first, last, level1 } => {
                (first..=last).contains(&of) && (index.is_some() || level1 || !is_level1)
            }
            Self::Context { stream, index: named, level1 } => {
                stream == of && index == Some(named) && (level1 || !is_level1)
            }
            Self::Contexts { stream } => stream == of && index.is_some(),
        }
    }
}

impl Configuration {
    /// How many structures there are.
    pub(crate) fn len(&self) -> usize {
        self.streams.len() + self.contexts.len()
    }

    /// Removes what `structures` covers of what was cached before `limit`.
    pub(crate) fn invalidate(&mut self, structures: Structures, limit: u32) {
        let of = |stream, index| ContextKey { stream, index };
        self.streams.changes.count();
        match structures {
            Structures::Streams { first, last, level1 } => {
                self.streams.stes.remove(first..=last, |_, ste| before(ste.born, limit));
                self.contexts.remove(of(first, 0), of(last, u32::MAX), limit);
                if level1 {
                    // A descriptor of which only the end is meant starts before.
                    let from = StreamId(first.0.saturating_sub(u32::from(u16::MAX)));
                    self.streams.level1.remove(from..=last, |start, level1| {
                        level1.reaches(start.0, first.0) && before(level1.born, limit)
                    });
                }
            }
            Structures::Context { stream, index, level1 } => {
                let key = of(stream, index);
                self.contexts.cds.remove(key..=key, |_, cd| before(cd.born, limit));
                if level1 {
                    self.contexts.level1.remove(of(stream, 0)..=key, |start, level1| {
                        level1.reaches(start.index, index) && before(level1.born, limit)
                    });
                }
            }
            Structures::Contexts { stream } => {
                self.contexts.remove(of(stream, 0), of(stream, u32::MAX), limit);
            }
        }
    }
}

impl Level1 {
    /// Whether it covers `number`, or one beyond, when it starts at `start`.
    fn reaches(&self, start: u32, number: u32) -> bool {
        u64::from(start) + (1 << self.log2_span) > u64::from(number)
    }
}

impl Streams {
    fn len(&self) -> usize {
        self.level1.len() + self.stes.len()
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self { changes: self.changes, ..Self::default() };
        self.changes.count();
    }

    /// Where the cached STE is, until one is removed.
    #[inline(always)]
    pub(crate) fn find(&mut self, stream: StreamId) -> Option<usize> {
        self.stes.slot(stream)
    }

    /// The STE that [`Streams::find`] found.
    #[inline(always)]
    pub(crate) fn at(&mut self, slot: usize) -> &mut CachedSte {
        self.stes.at_mut(slot)
    }

    /// Caches an STE that was fetched. Returns where.
    pub(crate) fn insert_ste(&mut self, stream: StreamId, ste: CachedSte) -> usize {
        if self.len() >= STRUCTURES_MAX {
            self.clear();
        }
        self.changes.count();
        self.widest.0 = self.widest.0.max(ste.log2_span());
        self.stes.insert(stream, ste)
    }

    /// Whether the STE of one stream may stand for others.
    #[inline(always)]
    pub(crate) fn has_spans(&self) -> bool {
        self.widest.0 != 0
    }

    /// The other streams whose cached STE stands for `stream` too, and where it is, until one is removed (§5.2 CONT).
    pub(crate) fn neighbours(&self, stream: StreamId) -> impl Iterator<Item = (StreamId, usize)> {
        let first = aligned(stream.0, self.widest.0);
        let last = first + ((1 << self.widest.0) - 1);
        self.stes.slots(StreamId(first)..=StreamId(last)).filter(move |&(other, slot)| {
            let log2_span = self.stes.at(slot).log2_span();
            other != stream && aligned(other.0, log2_span) == aligned(stream.0, log2_span)
        })
    }

    /// The cached level 1 descriptor of 2^`log2_span` streams, of which this is one.
    pub(crate) fn level1(&mut self, stream: StreamId, log2_span: u8) -> Option<Level1> {
        let slot = self.level1.slot(StreamId(aligned(stream.0, log2_span)))?;
        Some(*self.level1.at(slot)).filter(|level1| level1.log2_span == log2_span)
    }

    pub(crate) fn insert_level1(&mut self, stream: StreamId, level1: Level1) {
        self.level1.insert(StreamId(aligned(stream.0, level1.log2_span)), level1);
    }
}

impl Contexts {
    fn len(&self) -> usize {
        self.level1.len() + self.cds.len()
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self { changes: self.changes, ..Self::default() };
        self.changes.count();
    }

    /// Where the cached CD is, until one is removed.
    #[inline(always)]
    pub(crate) fn find(&mut self, stream: StreamId, index: u32) -> Option<usize> {
        self.cds.slot(ContextKey { stream, index })
    }

    /// The CD that [`Contexts::find`] found.
    #[inline(always)]
    pub(crate) fn at(&mut self, slot: usize) -> &mut CachedCd {
        self.cds.at_mut(slot)
    }

    /// Caches a CD that was fetched. Returns where.
    pub(crate) fn insert_cd(&mut self, stream: StreamId, index: u32, cd: CachedCd) -> usize {
        if self.len() >= STRUCTURES_MAX {
            self.clear();
        }
        self.changes.count();
        self.cds.insert(ContextKey { stream, index }, cd)
    }

    /// The cached level 1 descriptor of 2^`log2_span` CDs, of which this is one.
    pub(crate) fn level1(&mut self, stream: StreamId, index: u32, log2_span: u8) -> Option<Level1> {
        let slot = self.level1.slot(ContextKey { stream, index: aligned(index, log2_span) })?;
        Some(*self.level1.at(slot)).filter(|level1| level1.log2_span == log2_span)
    }

    pub(crate) fn insert_level1(&mut self, stream: StreamId, index: u32, level1: Level1) {
        self.level1.insert(ContextKey { stream, index: aligned(index, level1.log2_span) }, level1);
    }

    fn remove(&mut self, first: ContextKey, last: ContextKey, limit: u32) {
        self.cds.remove(first..=last, |_, cd| before(cd.born, limit));
        self.level1.remove(first..=last, |_, level1| before(level1.born, limit));
    }
}

fn aligned(number: u32, log2_span: u8) -> u32 {
    number >> log2_span << log2_span
}
