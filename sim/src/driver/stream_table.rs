//! The stream table that the driver makes (IHI 0070 §3.3.1): linear, or of two levels with leaves of 256 STEs.

use super::entry::Entry;
use super::platform::{Platform, allocate_pages};
use super::probe::Features;
use super::registers::{BASE_READ_ALLOCATE, STRTAB_BASE, STRTAB_BASE_CFG};
use super::ste;
use crate::errno::Errno;

const STE_BYTES: u64 = 64;
const SPLIT: u8 = 8;
const LEAF_STES: u64 = 1 << SPLIT;
/// Level 1 descriptors at most.
const LOG2_LEVEL1_MAX: u8 = 17;
/// Span of a full leaf.
const SPAN: u64 = 9;

/// Where STEs are.
#[derive(Clone, Copy, Debug)]
pub(super) struct StreamTable {
    base: u64,
    sid_bits: u8,
    /// log2 of the level 1 descriptors, if there are two levels.
    log2_level1: Option<u8>,
}

impl StreamTable {
    pub(super) fn allocate(p: &mut impl Platform, f: &Features) -> Result<Self, Errno> {
        let sid_bits = f.sid_bits;
        if f.two_level_stream_table {
            let log2_level1 = (sid_bits - SPLIT).min(LOG2_LEVEL1_MAX);
            let base = allocate_pages(p, 8 << log2_level1)?;
            return Ok(Self { base, sid_bits, log2_level1: Some(log2_level1) });
        }
        let base = allocate_pages(p, STE_BYTES << sid_bits)?;
        fill_with_aborts(p, base, 1 << sid_bits);
        Ok(Self { base, sid_bits, log2_level1: None })
    }

    pub(super) fn program(&self, p: &mut impl Platform) {
        let cfg = match self.log2_level1 {
            None => u32::from(self.sid_bits),
            Some(log2_level1) => 1 << 16 | u32::from(SPLIT) << 6 | u32::from(log2_level1 + SPLIT),
        };
        p.write64(STRTAB_BASE, self.base | BASE_READ_ALLOCATE);
        p.write32(STRTAB_BASE_CFG, cfg);
    }

    /// Makes room for the STE of `sid`. ERANGE outside of the table.
    pub(super) fn ensure(&self, p: &mut impl Platform, sid: u32) -> Result<(), Errno> {
        let sid = u64::from(sid);
        let Some(log2_level1) = self.log2_level1 else {
            return if sid >> self.sid_bits == 0 { Ok(()) } else { Err(Errno::ERANGE) };
        };
        if sid >> (log2_level1 + SPLIT) != 0 {
            return Err(Errno::ERANGE);
        }
        let descriptor = self.base + (sid >> SPLIT) * 8;
        if p.load(descriptor) == 0 {
            let leaf = allocate_pages(p, STE_BYTES * LEAF_STES)?;
            fill_with_aborts(p, leaf, LEAF_STES);
            // The SMMU is not told: it has nothing to forget but an invalid descriptor.
            p.store(descriptor, leaf | SPAN);
        }
        Ok(())
    }

    /// Where the STE of `sid` is, for which there is room.
    pub(super) fn ste(&self, p: &mut impl Platform, sid: u32) -> u64 {
        let sid = u64::from(sid);
        if self.log2_level1.is_none() {
            return self.base + sid * STE_BYTES;
        }
        let leaf = p.load(self.base + (sid >> SPLIT) * 8) & !0x3f;
        leaf + (sid & (LEAF_STES - 1)) * STE_BYTES
    }
}

/// Reads an STE or CD.
pub(super) fn read_entry(p: &mut impl Platform, at: u64) -> Entry {
    let mut entry = [0; 8];
    for (position, word) in (0..).zip(&mut entry) {
        *word = p.load(at + 8 * position);
    }
    entry
}

fn fill_with_aborts(p: &mut impl Platform, base: u64, count: u64) {
    for index in 0..count {
        p.store(base + index * STE_BYTES, ste::ABORT[0]);
    }
}
