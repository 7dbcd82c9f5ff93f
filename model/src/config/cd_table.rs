//! CD tables (§3.3.2, §5.2 S1Fmt, §5.3): where the CD of an index lies.

use crate::address::low_mask;
use crate::choice::answer::S1ContextPtrLowBits;
use crate::env::Env;
use crate::layout::l1cd::L1Cd;
use crate::layout::ste::{SteWord0, SteWord1};

/// Shift from an index to the offset of a CD.
const CD_SHIFT: u8 = 6;
/// Shift from an index to the offset of a level 1 context descriptor.
const L1CD_SHIFT: u8 = 3;

/// The CDs of a stream. Addresses are IPAs if stage 2 translates, else physical.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CdTable {
    /// S1ContextPtr as written.
    base: u64,
    /// The bits of an address inside the first table.
    within: u64,
    format: CdFormat,
    /// log2 of the number of CDs; 0 where the stream has a single CD.
    pub(crate) log2_count: u8,
    /// What traffic without a SubstreamID does; no meaning with a single CD.
    pub(crate) default_substream: DefaultSubstream,
}

/// S1Fmt (§5.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CdFormat {
    Linear,
    /// Two levels with 64 CDs in a leaf.
    Leaf4K,
    /// Two levels with 1024 CDs in a leaf.
    Leaf64K,
}

/// S1DSS (§5.2); the reserved 0b11 acts as 0b00.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DefaultSubstream {
    /// 0b00: it is terminated.
    Terminate,
    /// 0b01: it bypasses stage 1.
    Bypass,
    /// 0b10: it uses CD 0.
    UseZero,
}

impl CdFormat {
    /// log2 of the CDs in a leaf.
    const fn leaf_bits(self) -> u8 {
        match self {
            Self::Linear => 0,
            Self::Leaf4K => 6,
            Self::Leaf64K => 10,
        }
    }
}

impl CdTable {
    /// `substreams`: they are implemented and the stream has more than one CD.
    #[inline(always)]
    pub(super) fn new(substreams: bool, w0: SteWord0, w1: SteWord1) -> Self {
        let format = match w0.s1_fmt() {
            0b01 if substreams => CdFormat::Leaf4K,
            0b10 if substreams => CdFormat::Leaf64K,
            _ => CdFormat::Linear,
        };
        let default_substream = match w1.s1_dss() {
            0b01 => DefaultSubstream::Bypass,
            0b10 => DefaultSubstream::UseZero,
            _ => DefaultSubstream::Terminate,
        };
        let log2_count = if substreams { w0.s1_cd_max() } else { 0 };
        let table_bits = match format {
            CdFormat::Linear => log2_count + CD_SHIFT,
            CdFormat::Leaf4K | CdFormat::Leaf64K => {
                log2_count.saturating_sub(format.leaf_bits()) + L1CD_SHIFT
            }
        };
        let within = low_mask(table_bits.max(CD_SHIFT));
        Self { base: w0.s1_context_ptr(), within, format, log2_count, default_substream }
    }

    /// Whether traffic without a SubstreamID is terminated.
    pub(crate) fn demands_substream(&self) -> bool {
        self.log2_count != 0 && self.default_substream == DefaultSubstream::Terminate
    }

    #[inline(always)]
    pub(crate) fn format(&self) -> CdFormat {
        self.format
    }

    /// log2 of the CDs that one level 1 descriptor covers; `None` for a linear table.
    pub(crate) fn log2_span(&self) -> Option<u8> {
        (self.format != CdFormat::Linear).then(|| self.format.leaf_bits())
    }

    /// S1ContextPtr as written.
    pub(crate) fn pointer(&self) -> u64 {
        self.base
    }

    /// Where the lookup of CD `index` starts: the CD itself, or its level 1 descriptor.
    #[inline(always)]
    pub(crate) fn first_address(&self, env: &mut impl Env, index: u32) -> u64 {
        let index = u64::from(index);
        let offset = match self.format {
            CdFormat::Linear => index << CD_SHIFT,
            CdFormat::Leaf4K | CdFormat::Leaf64K => (index >> self.format.leaf_bits()) << L1CD_SHIFT,
        };
        if self.base & self.within != 0 && merges_low_bits(env) {
            return (self.base & !self.within) | ((self.base | offset) & self.within);
        }
        (self.base & !self.within).wrapping_add(offset)
    }

    /// Where the CD `index` lies in the leaf that its level 1 descriptor names. Low bits of L2Ptr that the
    /// leaf size makes RES0 ([15:12] with 64 KiB leaves) are taken as zero.
    #[inline(always)]
    pub(crate) fn leaf_address(&self, descriptor: L1Cd, index: u32) -> u64 {
        let leaf = descriptor.l2_ptr() & !low_mask(self.format.leaf_bits() + CD_SHIFT);
        leaf + ((u64::from(index) & low_mask(self.format.leaf_bits())) << CD_SHIFT)
    }
}

#[cold]
fn merges_low_bits(env: &mut impl Env) -> bool {
    env.ask(&[S1ContextPtrLowBits::Zero, S1ContextPtrLowBits::Merge]) == S1ContextPtrLowBits::Merge
}
