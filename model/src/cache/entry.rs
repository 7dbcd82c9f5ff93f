//! What a TLB entry holds: the descriptor as hardware left it, and the fields of CD and STE that may be kept with it
//! (§5.2.1, §5.4.1). Everything else comes from the configuration that is in use at a hit.

use super::Born;
use crate::address::low_mask;
use crate::attributes::MemoryType;
use crate::attributes::stage1::ShareabilitySource;
use crate::attributes::stage2::Stage2Settings;
use crate::config::cd::Stage1Rules;

/// A Block or Page of stage 1, from a VA to an IPA (physical where stage 2 is bypassed).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Stage1Entry {
    /// The descriptor, with its hardware updates.
    pub(crate) leaf: u64,
    /// The first output address.
    pub(crate) output: u64,
    /// log2 of the bytes of page or block.
    pub(crate) size_bits: u8,
    /// Bits [63:59] of the table descriptors on the way, ORed; 0 where they do not count.
    pub(crate) hierarchy: u8,
    /// What judged it.
    pub(crate) terms: Stage1Terms,
    pub(crate) memory_type: MemoryType,
    pub(crate) shareability: ShareabilitySource,
    pub(crate) aset: bool,
    pub(crate) born: Born,
}

/// The fields of a CD by which a leaf is judged (§5.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Stage1Terms {
    pub(crate) rules: Stage1Rules,
    /// A clear Access flag does not fault; no meaning with `ha`.
    pub(crate) affd: bool,
    /// Hardware sets the Access flag.
    pub(crate) ha: bool,
    /// Hardware keeps the dirty state; implies `ha`.
    pub(crate) hd: bool,
}

/// A Block or Page of stage 2, from an IPA to a physical address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Stage2Entry {
    /// The descriptor, with its hardware updates.
    pub(crate) leaf: u64,
    /// The first output address.
    pub(crate) output: u64,
    /// log2 of the bytes of page or block.
    pub(crate) size_bits: u8,
    /// What judged it.
    pub(crate) terms: Stage2Terms,
    pub(crate) born: Born,
}

/// The fields of an STE by which a leaf is judged (§5.2.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Stage2Terms {
    /// A clear Access flag does not fault; no meaning with `ha`.
    pub(crate) affd: bool,
    /// Hardware sets the Access flag.
    pub(crate) ha: bool,
    /// Hardware keeps the dirty state; implies `ha`.
    pub(crate) hd: bool,
    /// Stage 1 walks and CD fetches through Device memory fault.
    pub(crate) ptw: bool,
    pub(crate) attributes: Stage2Settings,
}

/// Both stages in one, for the smaller of their regions (§16.2.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Combined {
    pub(crate) stage1: Stage1Entry,
    pub(crate) stage2: Stage2Entry,
}

/// A Table descriptor, found by the region that it covers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct TableEntry {
    /// Where the next table lies: an IPA in a nested stage 1.
    pub(crate) next: u64,
    /// Bits [63:59] of it and of the table descriptors before it, ORed.
    pub(crate) hierarchy: u8,
    pub(crate) aset: bool,
    pub(crate) born: Born,
}

impl Stage1Entry {
    /// The IPA of a VA in its region.
    #[inline(always)]
    pub(crate) fn ipa(&self, va: u64) -> u64 {
        self.output | va & low_mask(self.size_bits)
    }
}

impl Stage2Entry {
    /// The physical address of an IPA in its region.
    #[inline(always)]
    pub(crate) fn pa(&self, ipa: u64) -> u64 {
        self.output | ipa & low_mask(self.size_bits)
    }
}
