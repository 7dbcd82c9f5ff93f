//! What is cached, outside the process: every entry with its tags, in order.

use super::configuration::{Cached, ContextKey, Level1};
use super::entry::{Combined, Stage1Entry, Stage2Entry, TableEntry};
use super::scope::{Addresses, Regimes, Scope};
use super::tags::VirtualTag;
use super::tlb::ENTRIES_MAX;
use super::{Born, CachePolicy, Caches, Invalidation, PENDING_MAX, Pending, Structures};
use crate::config::cd::ContextSetting;
use crate::config::ste::StreamSetting;
use crate::ids::{AddressSpace, Regime, StreamId, Vmid};

/// The saved form of [`Caches`].
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedCaches {
    policy: CachePolicy,
    now: Born,
    pending: Vec<Pending>,
    l1stds: Vec<(StreamId, Level1)>,
    stes: Vec<(StreamId, Words<StreamSetting>)>,
    l1cds: Vec<(StreamId, u32, Level1)>,
    cds: Vec<(StreamId, u32, Words<ContextSetting>)>,
    /// (regime, space, VA, entry), as the others of stage 1.
    stage1: Vec<(Regime, AddressSpace, u64, Stage1Entry)>,
    combined: Vec<(Regime, AddressSpace, u64, Combined)>,
    /// With log2 of the bytes that the descriptor covers.
    stage1_tables: Vec<(Regime, AddressSpace, u64, u8, TableEntry)>,
    /// (VMID, IPA, entry).
    stage2: Vec<(Vmid, u64, Stage2Entry)>,
    stage2_tables: Vec<(Vmid, u64, u8, TableEntry)>,
}

/// A structure as it was read. What it means follows.
#[derive(serde::Serialize, serde::Deserialize)]
struct Words<S> {
    words: [u64; 8],
    setting: S,
    born: Born,
}

impl<S: Copy> Words<S> {
    fn of<T>(cached: &Cached<S, T>) -> Self {
        Self { words: cached.words, setting: cached.setting, born: cached.born }
    }

    fn cached<T>(self) -> Cached<S, T> {
        Cached::new(self.words, self.setting, self.born)
    }
}

impl From<Caches> for SavedCaches {
    fn from(caches: Caches) -> Self {
        let Caches { policy, configuration, tlb, pending, now } = caches;
        let (streams, contexts) = (&configuration.streams, &configuration.contexts);
        let mut saved = Self {
            policy,
            now,
            pending,
            l1stds: streams.level1.in_order().map(|(stream, &level1)| (stream, level1)).collect(),
            stes: streams.stes.in_order().map(|(stream, ste)| (stream, Words::of(ste))).collect(),
            l1cds: contexts.level1.in_order().map(|(key, &level1)| (key.stream, key.index, level1)).collect(),
            cds: contexts.cds.in_order().map(|(key, cd)| (key.stream, key.index, Words::of(cd))).collect(),
            stage1: Vec::new(),
            combined: Vec::new(),
            stage1_tables: Vec::new(),
            stage2: Vec::new(),
            stage2_tables: Vec::new(),
        };
        for (tag, entries) in tlb.virtual_spaces.in_order() {
            let (regime, space) = (tag.regime(), tag.space());
            let leaves = entries.stage1.in_order();
            saved.stage1.extend(leaves.map(|(va, _, &entry)| (regime, space, va, entry)));
            let leaves = entries.combined.in_order();
            saved.combined.extend(leaves.map(|(va, _, &entry)| (regime, space, va, entry)));
            let tables = entries.tables.in_order();
            saved.stage1_tables.extend(tables.map(|(va, size, &entry)| (regime, space, va, size, entry)));
        }
        for (vmid, entries) in tlb.intermediate_spaces.in_order() {
            saved.stage2.extend(entries.pages.in_order().map(|(ipa, _, &entry)| (vmid, ipa, entry)));
            let tables = entries.tables.in_order();
            saved.stage2_tables.extend(tables.map(|(ipa, size, &entry)| (vmid, ipa, size, entry)));
        }
        saved
    }
}

impl SavedCaches {
    /// The caches; `None` if no run could have left them so.
    pub(crate) fn load(self) -> Option<Caches> {
        let mut caches = Caches::new(self.policy);
        caches.now = self.now;
        let known = |born: Born| born.epoch <= self.now.epoch;
        let pends = |pending: &Pending| pending.limit <= self.now.epoch && pending.invalidation.is_possible();
        if self.pending.len() > PENDING_MAX || !self.pending.iter().all(pends) {
            return None;
        }
        caches.pending = self.pending;
        for (stream, level1) in self.l1stds {
            is(known(level1.born) && level1.log2_span <= 10)?;
            caches.configuration.streams.insert_level1(stream, level1);
        }
        for (stream, ste) in self.stes {
            is(known(ste.born))?;
            caches.configuration.streams.insert_ste(stream, ste.cached());
        }
        for (stream, index, level1) in self.l1cds {
            is(known(level1.born) && level1.log2_span <= 10)?;
            caches.configuration.contexts.insert_level1(stream, index, level1);
        }
        for (stream, index, cd) in self.cds {
            is(known(cd.born))?;
            caches.configuration.contexts.cds.insert(ContextKey { stream, index }, cd.cached());
        }
        let count = self.stage1.len() + self.combined.len() + self.stage1_tables.len();
        is(count + self.stage2.len() + self.stage2_tables.len() <= ENTRIES_MAX)?;
        for (regime, space, va, entry) in self.stage1 {
            is(tags_are_possible(regime, space) && entry.is_possible() && known(entry.born))?;
            caches.tlb.restore_stage1(VirtualTag::new(regime, space), va, entry);
        }
        for (regime, space, va, entry) in self.combined {
            is(tags_are_possible(regime, space) && entry.stage1.is_possible() && entry.stage2.is_possible())?;
            is(known(entry.stage1.born) && known(entry.stage2.born))?;
            caches.tlb.restore_combined(VirtualTag::new(regime, space), va, entry);
        }
        for (regime, space, va, size_bits, entry) in self.stage1_tables {
            let is_global = matches!(space, AddressSpace::Global { .. });
            is(tags_are_possible(regime, space) && !is_global)?;
            is(is_region(size_bits) && known(entry.born) && entry.hierarchy < 32)?;
            caches.tlb.restore_stage1_table(VirtualTag::new(regime, space), va, size_bits, entry);
        }
        for (vmid, ipa, entry) in self.stage2 {
            is(entry.is_possible() && known(entry.born))?;
            caches.tlb.insert_stage2(vmid, ipa, entry);
        }
        for (vmid, ipa, size_bits, entry) in self.stage2_tables {
            is(is_region(size_bits) && known(entry.born) && entry.hierarchy == 0)?;
            caches.tlb.insert_stage2_table(vmid, ipa, size_bits, entry);
        }
        Some(caches)
    }
}

fn is(possible: bool) -> Option<()> {
    possible.then_some(())
}

/// log2 of the bytes that a descriptor of some granule and level covers.
fn is_region(size_bits: u8) -> bool {
    matches!(size_bits, 12 | 21 | 30 | 39 | 48 | 14 | 25 | 36 | 47 | 16 | 29 | 42)
}

/// Only NS-EL2 has no ASIDs.
fn tags_are_possible(regime: Regime, space: AddressSpace) -> bool {
    (regime == Regime::NsEl2) == (space == AddressSpace::Only)
}

impl Stage1Entry {
    fn is_possible(&self) -> bool {
        is_region(self.size_bits) && self.hierarchy < 32
    }
}

impl Stage2Entry {
    fn is_possible(&self) -> bool {
        is_region(self.size_bits)
    }
}

impl Invalidation {
    fn is_possible(&self) -> bool {
        match self {
            Self::Configuration(Structures::Streams { first, last, .. }) => first <= last,
            Self::Configuration(Structures::Context { .. } | Structures::Contexts { .. }) => true,
            Self::Translations(scope) => scope.is_possible(),
        }
    }
}

impl Scope {
    fn is_possible(&self) -> bool {
        let ordered = self.addresses.is_none_or(|Addresses { first, last, .. }| first <= last);
        let regimes = match self.regimes {
            Regimes::El1 { ignored, .. } => matches!(ignored, 0 | 1 | 3 | 7 | 15),
            Regimes::AllEl1 | Regimes::El2 | Regimes::El2E2h | Regimes::AnyEl2 => true,
        };
        ordered && regimes
    }
}
