//! The tags of translations (§3.17): by them an address space, or a VMID, is found.

use std::ops::RangeInclusive;

use super::directory::Key;
use crate::ids::{AddressSpace, Asid, Regime, Vmid};

/// The tags of a stage 1 translation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct VirtualTag {
    pub(super) regime: Regime,
    pub(super) space: AddressSpace,
}

/// The tags with which a transaction looks stage 1 translations up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Tags {
    pub(crate) regime: Regime,
    /// `None` in a regime without ASIDs.
    pub(crate) asid: Option<Asid>,
    pub(crate) aset: bool,
}

impl VirtualTag {
    /// The tags of all spaces of these regimes.
    pub(super) fn all(regimes: RangeInclusive<Regime>) -> RangeInclusive<Self> {
        Self { regime: *regimes.start(), space: AddressSpace::Only }..=Self {
            regime: *regimes.end(),
            space: AddressSpace::Global { aset: true },
        }
    }
}

impl Tags {
    pub(super) fn own(self) -> VirtualTag {
        let space = self.asid.map_or(AddressSpace::Only, AddressSpace::Asid);
        VirtualTag { regime: self.regime, space }
    }

    pub(super) fn global(self) -> VirtualTag {
        VirtualTag { regime: self.regime, space: AddressSpace::Global { aset: self.aset } }
    }

    pub(super) fn of(self, not_global: bool) -> VirtualTag {
        VirtualTag { regime: self.regime, space: self.space(not_global) }
    }

    /// The space that a leaf belongs to: nG has a meaning only where there are ASIDs (§3.17).
    pub(crate) fn space(self, not_global: bool) -> AddressSpace {
        if not_global || self.asid.is_none() { self.own().space } else { self.global().space }
    }
}

impl Key for VirtualTag {
    #[inline(always)]
    fn hint(self) -> u16 {
        let vmid = match self.regime {
            Regime::NsEl1(Vmid(vmid)) => vmid,
            Regime::NsEl2 | Regime::NsEl2E2h => 1,
        };
        match self.space {
            AddressSpace::Asid(Asid(asid)) => asid ^ vmid,
            AddressSpace::Only => 2,
            AddressSpace::Global { .. } => vmid ^ 0xf,
        }
    }
}

impl Key for Vmid {
    #[inline(always)]
    fn hint(self) -> u16 {
        self.0
    }
}
