//! The tags of translations (§3.17): by them an address space, or a VMID, is found.

use std::ops::RangeInclusive;

use super::directory::Key;
use crate::ids::{AddressSpace, Asid, Regime, Vmid};

/// The tags of a stage 1 translation, as one number that has the order of (regime, space).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct VirtualTag(u64);

/// Where the regime begins; below it is the space.
const REGIME_SHIFT: u32 = 32;
/// In both, what the number of a VMID or an ASID begins with, or what comes in its place.
const KIND_SHIFT: u32 = 16;

/// The tags with which a transaction looks stage 1 translations up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tags {
    own: VirtualTag,
    /// Those of global translations; `None` in a regime without ASIDs.
    global: Option<VirtualTag>,
}

impl VirtualTag {
    #[inline(always)]
    pub(super) fn new(regime: Regime, space: AddressSpace) -> Self {
        let regime = match regime {
            Regime::NsEl1(Vmid(vmid)) => u64::from(vmid),
            Regime::NsEl2 => 1 << KIND_SHIFT,
            Regime::NsEl2E2h => 1 << KIND_SHIFT | 1,
        };
        let space = match space {
            AddressSpace::Only => 0,
            AddressSpace::Asid(Asid(asid)) => 1 << KIND_SHIFT | u64::from(asid),
            AddressSpace::Global { aset } => 2 << KIND_SHIFT | u64::from(aset),
        };
        Self(regime << REGIME_SHIFT | space)
    }

    #[cfg(any(feature = "serde", test))]
    pub(super) fn regime(self) -> Regime {
        match halves(self.0 >> REGIME_SHIFT) {
            (0, vmid) => Regime::NsEl1(Vmid(vmid)),
            (_, 0) => Regime::NsEl2,
            (_, _) => Regime::NsEl2E2h,
        }
    }

    pub(super) fn space(self) -> AddressSpace {
        match halves(self.0) {
            (0, _) => AddressSpace::Only,
            (1, asid) => AddressSpace::Asid(Asid(asid)),
            (_, aset) => AddressSpace::Global { aset: aset != 0 },
        }
    }

    #[inline(always)]
    pub(super) fn is_global(self) -> bool {
        self.0 >> KIND_SHIFT & 2 != 0
    }

    /// The tags of all spaces of these regimes.
    pub(super) fn all(regimes: RangeInclusive<Regime>) -> RangeInclusive<Self> {
        Self::new(*regimes.start(), AddressSpace::Only)
            ..=Self::new(*regimes.end(), AddressSpace::Global { aset: true })
    }
}

/// Bits [31:16] and [15:0].
fn halves(number: u64) -> (u16, u16) {
    let [.., a, b, c, d] = number.to_be_bytes();
    (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
}

impl Tags {
    /// The tags of a regime, of its ASID (`None` if it has none) and its CD.ASET.
    #[inline(always)]
    pub(crate) fn new(regime: Regime, asid: Option<Asid>, aset: bool) -> Self {
        let of = |space| VirtualTag::new(regime, space);
        match asid {
            Some(asid) => {
                Self { own: of(AddressSpace::Asid(asid)), global: Some(of(AddressSpace::Global { aset })) }
            }
            None => Self { own: of(AddressSpace::Only), global: None },
        }
    }

    #[inline(always)]
    pub(super) fn own(self) -> VirtualTag {
        self.own
    }

    #[inline(always)]
    pub(super) fn global(self) -> Option<VirtualTag> {
        self.global
    }

    /// Those that a leaf gets: nG has a meaning only where there are ASIDs (§3.17).
    #[inline(always)]
    pub(super) fn of(self, not_global: bool) -> VirtualTag {
        self.global.filter(|_| !not_global).unwrap_or(self.own)
    }

    /// The space that a leaf belongs to.
    pub(crate) fn space(self, not_global: bool) -> AddressSpace {
        self.of(not_global).space()
    }
}

impl Key for VirtualTag {
    #[inline(always)]
    fn number(self) -> u64 {
        self.0
    }

    fn from_number(number: u64) -> Self {
        Self(number)
    }
}

impl Key for Vmid {
    #[inline(always)]
    fn number(self) -> u64 {
        self.0.into()
    }

    fn from_number(number: u64) -> Self {
        Self(number.try_into().expect("a VMID has 16 bits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_the_order_of_what_they_are_made_of() {
        let regimes = [Regime::NsEl1(Vmid(0)), Regime::NsEl1(Vmid(0xabcd)), Regime::NsEl2, Regime::NsEl2E2h];
        let spaces = [
            AddressSpace::Only,
            AddressSpace::Asid(Asid(0)),
            AddressSpace::Asid(Asid(0xfedc)),
            AddressSpace::Global { aset: false },
            AddressSpace::Global { aset: true },
        ];
        let parts: Vec<_> =
            regimes.into_iter().flat_map(|regime| spaces.map(|space| (regime, space))).collect();
        let tags: Vec<_> = parts.iter().map(|&(regime, space)| VirtualTag::new(regime, space)).collect();
        assert!(parts.is_sorted() && tags.is_sorted_by_key(|tag| tag.number()));
        for ((regime, space), tag) in parts.into_iter().zip(tags) {
            assert_eq!((tag.regime(), tag.space()), (regime, space));
            assert_eq!(tag.is_global(), matches!(space, AddressSpace::Global { .. }));
        }
    }
}
