//! The guest's stream table (IHI 0070 §3.3.1), as the monitor reads it to pass an STE on.

use smmu_model::Register;
use smmu_model::Smmu;
use smmu_model::address::Pa;
use smmu_model::bus::{Bus, ExternalAbort};
use smmu_model::layout::l1std::L1Std;
use smmu_model::layout::register::{StrtabBase, StrtabBaseCfg};

/// Why a device has no STE.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum NoSte {
    /// Its StreamID lies beyond the table, or beyond the leaf.
    Beyond,
    /// The table, or the leaf, is not in guest memory.
    Aborted,
}

impl From<ExternalAbort> for NoSte {
    fn from(ExternalAbort: ExternalAbort) -> Self {
        Self::Aborted
    }
}

/// The STE of `stream` as it is in memory now.
pub(super) fn read(front: &Smmu, bus: &mut impl Bus, stream: u32) -> Result<[u64; 8], NoSte> {
    let at = locate(front, bus, u64::from(stream))?;
    Ok(bus.read_line(at)?)
}

/// Where the STE of `stream` lies.
pub(super) fn locate(front: &Smmu, bus: &mut impl Bus, stream: u64) -> Result<Pa, NoSte> {
    const STE_SHIFT: u8 = 6;
    const DESCRIPTOR_SHIFT: u8 = 3;
    let base = StrtabBase::from_bits(front.peek(Register::StrtabBase)).addr();
    let cfg = front.peek(Register::StrtabBaseCfg);
    let cfg = StrtabBaseCfg::from_bits(u32::try_from(cfg).expect("it is a 32-bit register"));
    let log2_streams = cfg.log2size().min(front.features().sid_bits);
    if stream >> log2_streams != 0 {
        return Err(NoSte::Beyond);
    }
    if cfg.fmt() != 1 || !front.features().two_level_stream_table {
        return Ok(Pa::new(aligned(base, cfg.log2size() + STE_SHIFT) | stream << STE_SHIFT));
    }
    // Other values are reserved, and act as 6 (§6.3.25).
    let split = if matches!(cfg.split(), 8 | 10) { cfg.split() } else { 6 };
    let descriptors_shift = (cfg.log2size().saturating_sub(split) + DESCRIPTOR_SHIFT).max(STE_SHIFT);
    let descriptor = aligned(base, descriptors_shift) | (stream >> split) << DESCRIPTOR_SHIFT;
    let descriptor = L1Std::from_bits(bus.read_u64(Pa::new(descriptor))?);
    let (span, index) = (descriptor.span(), stream & low_mask(split));
    if span == 0 || span > split + 1 || index >> (span - 1) != 0 {
        return Err(NoSte::Beyond);
    }
    Ok(Pa::new(aligned(descriptor.l2_ptr(), STE_SHIFT + span - 1) | index << STE_SHIFT))
}

fn aligned(address: u64, shift: u8) -> u64 {
    address & !low_mask(shift)
}

/// Ones in the `bits` low bits.
fn low_mask(bits: u8) -> u64 {
    1_u64.checked_shl(u32::from(bits)).map_or(u64::MAX, |bit| bit - 1)
}
