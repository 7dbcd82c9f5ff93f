//! What a fault that waits to be recorded rests on, and which invalidations bear on it (§7.2.1, §4.7.3).
//!
//! One that would remove something that the transaction was translated with, were it cached, or that names an address
//! or a structure at which it stopped: what is not valid is never cached, and so has no level or size.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use crate::cache::configuration::Structures;
use crate::cache::scope::{Addresses, Scope};
use crate::cache::tlb::Tags;
use crate::cache::{Invalidation, Origin};
use crate::ids::{Asid, CommandQueue, Regime, StreamId, Vmid};

/// The configuration and the translations that led to a fault.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub(crate) struct Grounds {
    pub(crate) stream: StreamId,
    /// The streams of its level 1 descriptor.
    pub(crate) level1: RangeInclusive<StreamId>,
    pub(crate) context: Option<ContextGrounds>,
    /// What stage 1 was asked.
    pub(crate) stage1: Option<(VirtualSpace, Looked)>,
    /// What stage 2 was asked: where CDs and tables lie, and what stage 1 put out.
    pub(crate) stage2: Vec<(Vmid, Looked)>,
}

/// A CD.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub(crate) struct ContextGrounds {
    pub(crate) index: u32,
    /// The CDs of its level 1 descriptor.
    pub(crate) level1: RangeInclusive<u32>,
}

/// What the tags of stage 1 translations come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub(crate) struct VirtualSpace {
    pub(crate) regime: Regime,
    /// `None` in a regime without ASIDs.
    pub(crate) asid: Option<Asid>,
    pub(crate) aset: bool,
}

/// An address that was translated, or was not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub(crate) struct Looked {
    pub(crate) address: u64,
    /// The sizes of the regions of the Table descriptors on the way: bit n for 2^n bytes.
    pub(crate) tables: u64,
    /// The Block or Page, if there is one.
    pub(crate) leaf: Option<FoundLeaf>,
}

/// A Block or Page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub(crate) struct FoundLeaf {
    pub(crate) size_log2: u8,
    /// nG of stage 1.
    pub(crate) not_global: bool,
}

/// Why a record that waits may be out of date.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub(crate) struct Doubts {
    grounds: Grounds,
    /// The invalidations that bear on it are not complete before these.
    awaited: BTreeSet<Awaited>,
    /// They are complete: the record must not appear.
    is_obsolete: bool,
}

/// Which synchronisation completes an invalidation towards event records (§4.7.3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Awaited {
    /// A CMD_SYNC of the queue of the command.
    Own(CommandQueue),
    /// A DVM Sync, and then any CMD_SYNC.
    Dvm,
    /// Any CMD_SYNC: the DVM Sync has been.
    Any,
}

impl Doubts {
    /// None yet.
    pub(crate) fn none(grounds: Grounds) -> Self {
        Self { grounds, awaited: BTreeSet::new(), is_obsolete: false }
    }

    /// An invalidation becomes visible.
    pub(crate) fn invalidate(&mut self, origin: Origin, invalidation: &Invalidation) {
        if self.grounds.are_touched_by(invalidation) {
            self.awaited.insert(match origin {
                Origin::Command(queue) => Awaited::Own(queue),
                Origin::Broadcast => Awaited::Dvm,
            });
        }
    }

    /// A CMD_SYNC or a DVM Sync completes.
    pub(crate) fn synchronize(&mut self, origin: Origin) {
        match origin {
            Origin::Command(queue) => {
                let completed = [Awaited::Own(queue), Awaited::Any];
                self.is_obsolete |= completed.iter().any(|sync| self.awaited.contains(sync));
            }
            Origin::Broadcast => {
                if self.awaited.remove(&Awaited::Dvm) {
                    self.awaited.insert(Awaited::Any);
                }
            }
        }
    }

    /// The record must not appear.
    pub(crate) fn are_confirmed(&self) -> bool {
        self.is_obsolete
    }

    /// Whether a state from outside is one that the SMMU gets into.
    #[cfg(feature = "serde")]
    pub(crate) fn are_possible(&self) -> bool {
        let Grounds { stage1, stage2, .. } = &self.grounds;
        let looked = stage1.iter().map(|(_, looked)| looked).chain(stage2.iter().map(|(_, looked)| looked));
        looked.filter_map(|looked| looked.leaf).all(|leaf| leaf.size_log2 < 64)
    }
}

impl Grounds {
    fn are_touched_by(&self, invalidation: &Invalidation) -> bool {
        match invalidation {
            Invalidation::Configuration(structures) => self.are_found_through(*structures),
            Invalidation::Translations(scope) => {
                let stage1 = self.stage1.iter().any(|(space, looked)| scope.takes_virtual(*space, looked));
                stage1 || self.stage2.iter().any(|(vmid, looked)| scope.takes_physical(*vmid, looked))
            }
        }
    }

    fn are_found_through(&self, structures: Structures) -> bool {
        match structures {
            Structures::Streams { first, last, level1 } => {
                let shared = level1 && first <= *self.level1.end() && *self.level1.start() <= last;
                shared || (first..=last).contains(&self.stream)
            }
            Structures::Context { stream, index, level1 } => self.context.as_ref().is_some_and(|context| {
                let shared = level1 && context.level1.contains(&index);
                stream == self.stream && (shared || index == context.index)
            }),
            Structures::Contexts { stream } => stream == self.stream && self.context.is_some(),
        }
    }
}

impl Scope {
    fn takes_virtual(&self, of: VirtualSpace, looked: &Looked) -> bool {
        let tags = Tags::new(of.regime, of.asid, of.aset);
        let in_spaces = |not_global| {
            let space = tags.space(not_global);
            self.spaces().any(|spaces| spaces.contains(&space))
        };
        let spared = self.spares_aset && of.aset;
        !spared && self.regimes().contains(&of.regime) && self.takes(looked, in_spaces)
    }

    fn takes_physical(&self, vmid: Vmid, looked: &Looked) -> bool {
        self.takes_stage2() && self.regimes().contains(&Regime::NsEl1(vmid)) && self.takes(looked, |_| true)
    }

    /// Table descriptors have the ASID of the context; so has what was not found.
    fn takes(&self, looked: &Looked, in_spaces: impl Fn(bool) -> bool) -> bool {
        let Some(addresses) = &self.addresses else {
            return in_spaces(true) || looked.leaf.is_some_and(|leaf| in_spaces(leaf.not_global));
        };
        let at_end = match looked.leaf {
            Some(leaf) => {
                in_spaces(leaf.not_global)
                    && addresses.takes_leaf(leaf.size_log2)
                    && addresses.meet(looked.address, leaf.size_log2)
            }
            None => in_spaces(true) && addresses.meet(looked.address, 0),
        };
        let mut sizes = (0..64).filter(|size_log2| looked.tables & addresses.tables & 1 << size_log2 != 0);
        at_end || in_spaces(true) && sizes.any(|size_log2| addresses.meet(looked.address, size_log2))
    }
}

impl Addresses {
    /// Whether they meet the region of 2^`size_log2` bytes around an address.
    fn meet(&self, address: u64, size_log2: u8) -> bool {
        let (first, last) = self.widened(size_log2);
        (first..=last).contains(&address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::effect::TagSetting;
    use crate::command::{Pages, Range, Tlbi};

    /// A fault at 0x21_5000 of ASID 1, VMID 7, behind tables of 4 KiB granules.
    fn grounds(leaf: Option<FoundLeaf>) -> Grounds {
        let space = VirtualSpace { regime: Regime::NsEl1(Vmid(7)), asid: Some(Asid(1)), aset: false };
        let looked = Looked { address: 0x21_5000, tables: 1 << 39 | 1 << 30, leaf };
        Grounds {
            stream: StreamId(0x10),
            level1: StreamId(0)..=StreamId(0xff),
            context: Some(ContextGrounds { index: 3, level1: 0..=63 }),
            stage1: Some((space, looked)),
            stage2: Vec::new(),
        }
    }

    #[track_caller]
    fn check(grounds: &Grounds, tlbi: Tlbi, touches: bool) {
        let scope = tlbi.scope(TagSetting::default()).expect("it is about something");
        assert_eq!(grounds.are_touched_by(&Invalidation::Translations(scope)), touches, "{tlbi:?}");
    }

    fn by_va(address: u64, leaf: bool, asid: u16, level: Option<u8>) -> Tlbi {
        let range = level.map(|level| Range {
            log2_granule_bytes: Some(12),
            bytes: 0x1000,
            level: (level != 0).then_some(level),
            is_128_bit: false,
        });
        Tlbi::NhVa { pages: Pages { address, leaf, range }, vmid: Vmid(7), asid: Asid(asid) }
    }

    #[test]
    fn by_address_asid_and_level() {
        let block = |not_global| grounds(Some(FoundLeaf { size_log2: 21, not_global }));
        let nothing = grounds(None);
        // The address, and the block around it.
        check(&nothing, by_va(0x21_5000, true, 1, None), true);
        check(&nothing, by_va(0x21_6000, true, 1, None), false);
        check(&block(true), by_va(0x21_6000, true, 1, None), true);
        check(&block(true), by_va(0x41_5000, true, 1, None), false);
        // A table on the way leads elsewhere too.
        check(&nothing, by_va(0x41_5000, false, 1, None), true);
        check(&nothing, by_va(0x80_0000_0000, false, 1, None), false);
        // Another ASID, which does not matter for a global leaf.
        check(&block(true), by_va(0x21_5000, true, 2, None), false);
        check(&block(false), by_va(0x21_5000, true, 2, None), true);
        // The level of the leaf; what was not found has none.
        check(&block(true), by_va(0x21_5000, true, 1, Some(2)), true);
        check(&block(true), by_va(0x21_5000, true, 1, Some(3)), false);
        check(&nothing, by_va(0x21_5000, true, 1, Some(3)), true);
    }

    #[test]
    fn by_structure() {
        let grounds = grounds(None);
        let touches = |structures| grounds.are_touched_by(&Invalidation::Configuration(structures));
        let streams =
            |first, level1| Structures::Streams { first: StreamId(first), last: StreamId(first), level1 };
        assert!(touches(streams(0x10, false)));
        assert!(!touches(streams(0x11, false)));
        assert!(touches(streams(0x11, true)), "its level 1 descriptor is that of the stream, too");
        assert!(!touches(streams(0x100, true)));
        let context = |index, level1| Structures::Context { stream: StreamId(0x10), index, level1 };
        assert!(touches(context(3, false)));
        assert!(!touches(context(4, false)));
        assert!(touches(context(4, true)));
        assert!(!touches(context(64, true)));
        assert!(touches(Structures::Contexts { stream: StreamId(0x10) }));
        assert!(!touches(Structures::Contexts { stream: StreamId(0x11) }));
    }
}
