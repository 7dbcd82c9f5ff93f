//! The TLB (§3.17, §16.2): translations of both stages, found by their tags and address.
//!
//! Each address space keeps its own entries, so that an invalidation takes time for the entries that go, however many
//! others there are. A lookup reports a second entry that matches; what that means is judged by the caller (§3.20.1).

use std::ops::RangeInclusive;

use super::Born;
use super::directory::Directory;
use super::entry::{Combined, Stage1Entry, Stage2Entry, TableEntry};
use super::pages::{Found, Inserted, Pages};
use super::scope::{Scope, Stages, before};
pub(crate) use super::tags::Tags;
use super::tags::VirtualTag;
use super::version::Changes;

use crate::ids::{Regime, Vmid};

/// Most entries that there are at once; one more and all go first. Over-invalidation is always permitted (§4.4).
pub(crate) const ENTRIES_MAX: usize = 4 << 20;

/// Every cached translation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tlb {
    /// By VA.
    pub(super) virtual_spaces: Directory<VirtualTag, VirtualSpace>,
    /// By IPA.
    pub(super) intermediate_spaces: Directory<Vmid, IntermediateSpace>,
    live: usize,
    /// A translation that is global has been cached since the last time that nothing was.
    has_global: bool,
    pub(super) changes: Changes,
}

/// What is cached of one VA space.
#[derive(Clone, Debug, Default)]
pub(super) struct VirtualSpace {
    pub(super) combined: Pages<Combined>,
    pub(super) stage1: Pages<Stage1Entry>,
    /// None in a space of global translations.
    pub(super) tables: Pages<TableEntry>,
    /// The stage 1 sizes of `combined` entries that stage 2 made smaller.
    fractured: u64,
    /// The epoch of the latest entry.
    newest: u32,
}

/// What is cached of the IPAs of one VMID.
#[derive(Clone, Debug, Default)]
pub(super) struct IntermediateSpace {
    pub(super) pages: Pages<Stage2Entry>,
    pub(super) tables: Pages<TableEntry>,
    newest: u32,
}

/// The rest follows, or only says what need not be searched.
impl PartialEq for Tlb {
    fn eq(&self, other: &Self) -> bool {
        (&self.virtual_spaces, &self.intermediate_spaces)
            == (&other.virtual_spaces, &other.intermediate_spaces)
    }
}

impl Eq for Tlb {}

impl PartialEq for VirtualSpace {
    fn eq(&self, other: &Self) -> bool {
        (&self.combined, &self.stage1, &self.tables) == (&other.combined, &other.stage1, &other.tables)
    }
}

impl Eq for VirtualSpace {}

impl PartialEq for IntermediateSpace {
    fn eq(&self, other: &Self) -> bool {
        (&self.pages, &self.tables) == (&other.pages, &other.tables)
    }
}

impl Eq for IntermediateSpace {}

impl Tlb {
    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// Whether there are entries that combine both stages in the regimes of `scope`.
    pub(crate) fn has_combined(&self, scope: &Scope) -> bool {
        let mut spaces = self.virtual_spaces.range(VirtualTag::all(scope.regimes()));
        spaces.any(|space| !space.combined.is_empty())
    }

    /// What translates a VA through both stages.
    #[inline(always)]
    pub(crate) fn combined(&mut self, tags: Tags, va: u64) -> Option<Found<'_, Combined>> {
        self.find(tags, |space| space.combined.find(va))
    }

    /// What translates a VA through stage 1.
    #[inline(always)]
    pub(crate) fn stage1(&mut self, tags: Tags, va: u64) -> Option<Found<'_, Stage1Entry>> {
        self.find(tags, |space| space.stage1.find(va))
    }

    /// What translates an IPA.
    #[inline(always)]
    pub(crate) fn stage2(&mut self, vmid: Vmid, ipa: u64) -> Option<Found<'_, Stage2Entry>> {
        let slot = self.intermediate_spaces.slot(vmid)?;
        self.intermediate_spaces.at(slot).pages.find(ipa)
    }

    /// The lowest stage 1 table known for a VA, among those that descriptors of these sizes lead to.
    #[inline(always)]
    pub(crate) fn stage1_table(&mut self, tags: Tags, va: u64, sizes: u64) -> Option<(u8, TableEntry)> {
        let slot = self.virtual_spaces.slot(tags.own())?;
        self.virtual_spaces.at(slot).tables.smallest(va, sizes).map(|(size_bits, entry)| (size_bits, *entry))
    }

    /// The lowest stage 2 table known for an IPA, among those that descriptors of these sizes lead to.
    #[inline(always)]
    pub(crate) fn stage2_table(&mut self, vmid: Vmid, ipa: u64, sizes: u64) -> Option<(u8, TableEntry)> {
        let slot = self.intermediate_spaces.slot(vmid)?;
        self.intermediate_spaces
            .at(slot)
            .tables
            .smallest(ipa, sizes)
            .map(|(size_bits, entry)| (size_bits, *entry))
    }

    /// The cached stage 1 Table descriptor that covers exactly 2^`size_bits` bytes around a VA.
    pub(crate) fn stage1_table_exactly(&mut self, tags: Tags, va: u64, size_bits: u8) -> Option<TableEntry> {
        let slot = self.virtual_spaces.slot(tags.own())?;
        self.virtual_spaces.at(slot).tables.exactly(va, size_bits).copied()
    }

    /// The same of stage 2, around an IPA.
    pub(crate) fn stage2_table_exactly(&mut self, vmid: Vmid, ipa: u64, size_bits: u8) -> Option<TableEntry> {
        let slot = self.intermediate_spaces.slot(vmid)?;
        self.intermediate_spaces.at(slot).tables.exactly(ipa, size_bits).copied()
    }

    /// An entry in the space of the transaction, or a global one; both at once are a conflict.
    #[inline(always)]
    fn find<'a, V>(
        &'a mut self,
        tags: Tags,
        within: impl Fn(&'a VirtualSpace) -> Option<Found<'a, V>>,
    ) -> Option<Found<'a, V>> {
        let own = self.virtual_spaces.slot(tags.own());
        let global = if self.has_global {
            tags.global().and_then(|global| self.virtual_spaces.slot(global))
        } else {
            None
        };
        let spaces = &self.virtual_spaces;
        let own = own.and_then(|slot| within(spaces.at(slot)));
        match global {
            Some(slot) => beside(own, spaces.at(slot), within),
            None => own,
        }
    }

    #[inline(always)]
    pub(crate) fn insert_combined(&mut self, tags: Tags, va: u64, not_global: bool, entry: Combined) {
        self.make_room();
        self.restore_combined(tags.of(not_global), va, entry);
    }

    #[inline(always)]
    pub(crate) fn insert_stage1(&mut self, tags: Tags, va: u64, not_global: bool, entry: Stage1Entry) {
        self.make_room();
        self.restore_stage1(tags.of(not_global), va, entry);
    }

    pub(crate) fn insert_stage1_table(&mut self, tags: Tags, va: u64, size_bits: u8, entry: TableEntry) {
        self.make_room();
        self.restore_stage1_table(tags.own(), va, size_bits, entry);
    }

    #[inline(always)]
    pub(super) fn restore_combined(&mut self, tag: VirtualTag, va: u64, entry: Combined) {
        let space = self.virtual_space(tag, entry.stage1.born.later(entry.stage2.born));
        let (whole, part) = (entry.stage1.size_bits, entry.stage2.size_bits.min(entry.stage1.size_bits));
        if part < whole {
            space.fractured |= 1 << whole;
        }
        let inserted = space.combined.insert(va, part, entry);
        self.keep_leaf(inserted);
    }

    #[inline(always)]
    pub(super) fn restore_stage1(&mut self, tag: VirtualTag, va: u64, entry: Stage1Entry) {
        let inserted = self.virtual_space(tag, entry.born).stage1.insert(va, entry.size_bits, entry);
        self.keep_leaf(inserted);
    }

    pub(super) fn restore_stage1_table(
        &mut self,
        tag: VirtualTag,
        va: u64,
        size_bits: u8,
        entry: TableEntry,
    ) {
        let inserted = self.virtual_space(tag, entry.born).tables.insert(va, size_bits, entry);
        self.live += usize::from(inserted != Inserted::Replaced);
    }

    #[inline(always)]
    pub(crate) fn insert_stage2(&mut self, vmid: Vmid, ipa: u64, entry: Stage2Entry) {
        self.make_room();
        let space = self.intermediate_space(vmid, entry.born);
        let inserted = space.pages.insert(ipa, entry.size_bits, entry);
        self.keep_leaf(inserted);
    }

    pub(crate) fn insert_stage2_table(&mut self, vmid: Vmid, ipa: u64, size_bits: u8, entry: TableEntry) {
        self.make_room();
        let inserted = self.intermediate_space(vmid, entry.born).tables.insert(ipa, size_bits, entry);
        self.live += usize::from(inserted != Inserted::Replaced);
    }

    #[inline(always)]
    fn virtual_space(&mut self, tag: VirtualTag, born: Born) -> &mut VirtualSpace {
        self.has_global |= tag.is_global();
        let space = self.virtual_spaces.obtain(tag);
        space.newest = space.newest.max(born.epoch);
        space
    }

    #[inline(always)]
    fn intermediate_space(&mut self, vmid: Vmid, born: Born) -> &mut IntermediateSpace {
        let space = self.intermediate_spaces.obtain(vmid);
        space.newest = space.newest.max(born.epoch);
        space
    }

    /// A leaf that is the only one for its addresses changes no answer: it comes because there was none.
    #[inline(always)]
    fn keep_leaf(&mut self, inserted: Inserted) {
        self.live += usize::from(inserted != Inserted::Replaced);
        if inserted != Inserted::Alone || self.has_global {
            self.changes.count();
        }
    }

    #[inline(always)]
    fn make_room(&mut self) {
        if self.live >= ENTRIES_MAX {
            self.clear();
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self { changes: self.changes, ..Self::default() };
        self.changes.count();
    }

    /// Removes what `scope` covers of the entries born before `limit`, and returns how many.
    pub(crate) fn invalidate(&mut self, scope: &Scope, limit: u32) -> usize {
        let regimes = scope.regimes();
        let mut removed = 0;
        for spaces in scope.spaces() {
            // Few regimes are visited one by one, so that the spaces between those that are meant are passed over.
            for regimes in one_by_one(regimes.clone()) {
                let tags = VirtualTag::new(*regimes.start(), *spaces.start())
                    ..=VirtualTag::new(*regimes.end(), *spaces.end());
                self.virtual_spaces.remove(tags, |_, space| {
                    removed += space.remove(scope, limit);
                    space.is_empty()
                });
            }
        }
        if let (true, Regime::NsEl1(first), Regime::NsEl1(last)) =
            (scope.takes_stage2(), *regimes.start(), *regimes.end())
        {
            self.intermediate_spaces.remove(first..=last, |_, space| {
                removed += space.remove(scope, limit);
                space.is_empty()
            });
        }
        self.account(removed)
    }

    /// Removes what combines both stages in the regimes of `scope`: more than an invalidation by IPA has to (§4.4.3.1).
    pub(crate) fn invalidate_combined(&mut self, scope: &Scope, limit: u32) -> usize {
        let mut removed = 0;
        self.virtual_spaces.remove(VirtualTag::all(scope.regimes()), |_, space| {
            removed += space.combined.remove(0, u64::MAX, |_, entry| before(entry.stage2.born, limit));
            space.is_empty()
        });
        self.account(removed)
    }

    /// Removes every leaf that translates `va`: where several did (§3.21.1.3).
    pub(crate) fn drop_va(&mut self, tags: Tags, va: u64) {
        let mut removed = 0;
        for tag in [Some(tags.own()), tags.global()].into_iter().flatten() {
            self.virtual_spaces.remove(tag..=tag, |_, space| {
                removed +=
                    space.combined.remove(va, va, |_, _| true) + space.stage1.remove(va, va, |_, _| true);
                space.is_empty()
            });
        }
        self.account(removed);
    }

    /// The same for an IPA.
    pub(crate) fn drop_ipa(&mut self, vmid: Vmid, ipa: u64) {
        let mut removed = 0;
        self.intermediate_spaces.remove(vmid..=vmid, |_, space| {
            removed += space.pages.remove(ipa, ipa, |_, _| true);
            space.is_empty()
        });
        self.account(removed);
    }

    fn account(&mut self, removed: usize) -> usize {
        self.changes.count();
        self.live -= removed;
        self.has_global &= self.live != 0;
        removed
    }
}

/// What was found in the space of the transaction, or in that of global translations. Out of line, so that `within`
/// is in line in both places.
#[inline(never)]
fn beside<'a, V>(
    own: Option<Found<'a, V>>,
    global: &'a VirtualSpace,
    within: impl Fn(&'a VirtualSpace) -> Option<Found<'a, V>>,
) -> Option<Found<'a, V>> {
    match (own, within(global)) {
        (Some(own), Some(global)) => Some(Found { entry: own.entry, other: Some(global.entry) }),
        (own, global) => own.or(global),
    }
}

/// A range of at most 16 regimes as ranges of one, a longer one as it is.
fn one_by_one(regimes: RangeInclusive<Regime>) -> impl Iterator<Item = RangeInclusive<Regime>> {
    let (vmids, whole) = match (*regimes.start(), *regimes.end()) {
        (Regime::NsEl1(low), Regime::NsEl1(high)) if high.0 - low.0 < 16 => (Some(low.0..=high.0), None),
        _ => (None, Some(regimes)),
    };
    let single = vmids.into_iter().flatten().map(|vmid| Regime::NsEl1(Vmid(vmid)));
    single.map(|regime| regime..=regime).chain(whole)
}

impl VirtualSpace {
    fn is_empty(&self) -> bool {
        self.combined.is_empty() && self.stage1.is_empty() && self.tables.is_empty()
    }

    fn remove(&mut self, scope: &Scope, limit: u32) -> usize {
        let goes = |born: Born, aset: bool| before(born, limit) && !(scope.spares_aset && aset);
        let stages = scope.stages;
        let combined_goes = |entry: &Combined| goes(entry.born_for(stages), entry.stage1.aset);
        let Some(addresses) = &scope.addresses else {
            if self.newest < limit && !scope.spares_aset {
                return self.combined.clear() + self.stage1.clear() + self.tables.clear();
            }
            return self.combined.remove(0, u64::MAX, |_, entry| combined_goes(entry))
                + self.stage1.remove(0, u64::MAX, |_, entry| goes(entry.born, entry.aset))
                + self.tables.remove(0, u64::MAX, |_, entry| goes(entry.born, entry.aset));
        };
        let (first, last) = (addresses.first, addresses.last);
        let mut removed = self.stage1.remove(first, last, |size_bits, entry| {
            addresses.takes_leaf(size_bits) && goes(entry.born, entry.aset)
        });
        removed += self.combined.remove(first, last, |_, entry| {
            addresses.takes_leaf(entry.stage1.size_bits) && combined_goes(entry)
        });
        removed += self.tables.remove(first, last, |size_bits, entry| {
            addresses.tables >> size_bits & 1 != 0 && goes(entry.born, entry.aset)
        });
        // A stage 1 block is one translation, in however many parts it is cached (§16.2.1).
        for whole in (12..64).filter(|whole| (self.fractured & addresses.leaves) >> whole & 1 != 0) {
            let (first, last) = addresses.widened(whole);
            removed += self
                .combined
                .remove(first, last, |_, entry| entry.stage1.size_bits == whole && combined_goes(entry));
        }
        if self.combined.is_empty() {
            self.fractured = 0;
        }
        removed
    }
}

impl IntermediateSpace {
    fn is_empty(&self) -> bool {
        self.pages.is_empty() && self.tables.is_empty()
    }

    fn remove(&mut self, scope: &Scope, limit: u32) -> usize {
        let Some(addresses) = &scope.addresses else {
            if self.newest < limit {
                return self.pages.clear() + self.tables.clear();
            }
            return self.pages.remove(0, u64::MAX, |_, entry| before(entry.born, limit))
                + self.tables.remove(0, u64::MAX, |_, entry| before(entry.born, limit));
        };
        let (first, last) = (addresses.first, addresses.last);
        self.pages.remove(first, last, |size_bits, entry| {
            addresses.takes_leaf(size_bits) && before(entry.born, limit)
        }) + self.tables.remove(first, last, |size_bits, entry| {
            addresses.tables >> size_bits & 1 != 0 && before(entry.born, limit)
        })
    }
}

impl Combined {
    /// When the part of it came that an invalidation of these stages is about.
    fn born_for(&self, stages: Stages) -> Born {
        match stages {
            Stages::One(_) => self.stage1.born,
            Stages::Two => self.stage2.born,
            Stages::Both => self.stage1.born.earlier(self.stage2.born),
        }
    }
}
