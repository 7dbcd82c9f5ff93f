//! What an invalidation of translations is about (§4.4, §3.17): regimes, stages, ASIDs, addresses.

use std::ops::RangeInclusive;

use super::Born;
use crate::ids::{AddressSpace, Asid, Regime, Vmid};
use crate::trace::CacheEntry;

/// The translations that an invalidation removes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Scope {
    pub(crate) regimes: Regimes,
    pub(crate) stages: Stages,
    /// All addresses if `None`.
    pub(crate) addresses: Option<Addresses>,
    /// Entries with CD.ASET may stay: a broadcast that names ASIDs (§3.17).
    pub(crate) spares_aset: bool,
}

/// Which regimes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Regimes {
    /// NS-EL1 of a VMID, of which the bits in `ignored` do not count (§3.17.6).
    El1 { vmid: Vmid, ignored: u16 },
    /// NS-EL1, all VMIDs.
    AllEl1,
    /// NS-EL2.
    El2,
    /// NS-EL2-E2H.
    El2E2h,
    /// NS-EL2 and NS-EL2-E2H.
    AnyEl2,
}

/// Which stages, and which ASIDs of stage 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Stages {
    /// Stage 1, and what combines it with stage 2.
    One(AsidMatch),
    /// Stage 2 alone.
    Two,
    /// Everything.
    Both,
}

/// Which stage 1 translations by their ASID.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum AsidMatch {
    /// All, the global ones too.
    Any,
    /// Those of the ASID, and global Blocks and Pages.
    AsidOrGlobal(Asid),
    /// Those of the ASID.
    NotGlobal(Asid),
}

/// Which addresses, and which descriptors that translate them. A set of sizes has bit n for regions of 2^n bytes: the
/// size of a region tells its granule and level.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Addresses {
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// Blocks and Pages of these sizes.
    pub(crate) leaves: u64,
    /// Table descriptors that cover these sizes.
    pub(crate) tables: u64,
}

/// An entry that was there before an invalidation came.
pub(super) fn before(born: Born, limit: u32) -> bool {
    born.epoch < limit
}

impl Addresses {
    /// Whether a Block or Page of 2^`size_bits` bytes is of a kind that goes.
    pub(super) fn takes_leaf(&self, size_bits: u8) -> bool {
        self.leaves >> size_bits & 1 != 0
    }

    /// The same addresses, from the first to the last of the regions of that size that they meet.
    pub(super) fn widened(&self, size_bits: u8) -> (u64, u64) {
        let low = crate::address::low_mask(size_bits);
        (self.first & !low, self.last | low)
    }
}

impl Scope {
    /// The regimes: the ignored bits of a VMID are its lowest ones, so those that match follow each other.
    pub(super) fn regimes(&self) -> RangeInclusive<Regime> {
        match self.regimes {
            Regimes::El1 { vmid: Vmid(vmid), ignored } => {
                Regime::NsEl1(Vmid(vmid & !ignored))..=Regime::NsEl1(Vmid(vmid | ignored))
            }
            Regimes::AllEl1 => Regime::NsEl1(Vmid(0))..=Regime::NsEl1(Vmid(u16::MAX)),
            Regimes::El2 => Regime::NsEl2..=Regime::NsEl2,
            Regimes::El2E2h => Regime::NsEl2E2h..=Regime::NsEl2E2h,
            Regimes::AnyEl2 => Regime::NsEl2..=Regime::NsEl2E2h,
        }
    }

    /// The stage 1 address spaces of each regime.
    pub(super) fn spaces(&self) -> impl Iterator<Item = RangeInclusive<AddressSpace>> {
        const GLOBAL: RangeInclusive<AddressSpace> =
            AddressSpace::Global { aset: false }..=AddressSpace::Global { aset: true };
        let at = |asid| AddressSpace::Asid(asid)..=AddressSpace::Asid(asid);
        let spaces = match self.stages {
            Stages::Two => [None, None],
            Stages::Both | Stages::One(AsidMatch::Any) => {
                [Some(AddressSpace::Only..=AddressSpace::Global { aset: true }), None]
            }
            Stages::One(AsidMatch::AsidOrGlobal(asid)) => [Some(at(asid)), Some(GLOBAL)],
            Stages::One(AsidMatch::NotGlobal(asid)) => [Some(at(asid)), None],
        };
        spaces.into_iter().flatten()
    }

    /// Whether an entry goes. Of a combined one only the smaller region is known here.
    pub(super) fn covers(&self, entry: CacheEntry) -> bool {
        let within = |address: u64, size_log2: u8, is_table: bool| {
            self.addresses.as_ref().is_none_or(|addresses| {
                let sizes = if is_table { addresses.tables } else { addresses.leaves };
                let (first, last) = addresses.widened(size_log2);
                sizes >> size_log2 & 1 != 0 && (first..=last).contains(&address)
            })
        };
        let in_space = |regime, space| {
            self.regimes().contains(&regime) && self.spaces().any(|spaces| spaces.contains(&space))
        };
        let in_vmid = |vmid| self.takes_stage2() && self.regimes().contains(&Regime::NsEl1(vmid));
        match entry {
            CacheEntry::Stage1Table { regime, space, va, size_log2 } => {
                in_space(regime, space) && within(va, size_log2, true)
            }
            CacheEntry::Stage1 { regime, space, va, size_log2 }
            | CacheEntry::Combined { regime, space, va, size_log2 } => {
                in_space(regime, space) && within(va, size_log2, false)
            }
            CacheEntry::Stage2Table { vmid, ipa, size_log2 } => in_vmid(vmid) && within(ipa, size_log2, true),
            CacheEntry::Stage2 { vmid, ipa, size_log2 } => in_vmid(vmid) && within(ipa, size_log2, false),
            CacheEntry::L1StreamTable { .. }
            | CacheEntry::Ste { .. }
            | CacheEntry::L1Cd { .. }
            | CacheEntry::Cd { .. } => false,
        }
    }

    /// Whether stage 2 translations go.
    pub(super) fn takes_stage2(&self) -> bool {
        match self.stages {
            Stages::Two | Stages::Both => true,
            Stages::One(_) => false,
        }
    }
}
