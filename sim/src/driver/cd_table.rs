//! The CD table of a master (IHI 0070 §3.3.2): linear, or of two levels with leaves of 1024 CDs.

use super::platform::{Platform, allocate_pages};
use super::probe::Features;
use super::ste::ContextTable;
use crate::errno::Errno;

const CD_BYTES: u64 = 64;
const LOG2_LEAF_CDS: u8 = 10;
const LEAF_BYTES: u64 = CD_BYTES << LOG2_LEAF_CDS;
const VALID: u64 = 1;

/// Where CDs are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct CdTable {
    base: u64,
    log2_contexts: u8,
    two_level: bool,
}

/// Whether the leaf of a CD had to be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Leaf {
    WasThere,
    New,
}

impl CdTable {
    pub(super) fn allocate(p: &mut impl Platform, f: &Features, ssid_bits: u8) -> Result<Self, Errno> {
        let two_level = f.two_level_cd && ssid_bits > LOG2_LEAF_CDS;
        let bytes = if two_level { 8 << (ssid_bits - LOG2_LEAF_CDS) } else { CD_BYTES << ssid_bits };
        let base = allocate_pages(p, bytes)?;
        Ok(Self { base, log2_contexts: ssid_bits, two_level })
    }

    /// What the STE says of it.
    pub(super) fn reference(&self) -> ContextTable {
        ContextTable { pointer: self.base, log2_contexts: self.log2_contexts, two_level: self.two_level }
    }

    /// Makes room for the CD of `ssid`, which is one of the table's.
    pub(super) fn ensure(&self, p: &mut impl Platform, ssid: u32) -> Result<Leaf, Errno> {
        if !self.two_level {
            return Ok(Leaf::WasThere);
        }
        let descriptor = self.descriptor(ssid);
        if p.load(descriptor) != 0 {
            return Ok(Leaf::WasThere);
        }
        let leaf = allocate_pages(p, LEAF_BYTES)?;
        p.store(descriptor, leaf | VALID);
        Ok(Leaf::New)
    }

    /// Where the CD of `ssid` is; `None` without room for it.
    pub(super) fn cd(&self, p: &mut impl Platform, ssid: u32) -> Option<u64> {
        if !self.two_level {
            return Some(self.base + u64::from(ssid) * CD_BYTES);
        }
        let descriptor = p.load(self.descriptor(ssid));
        let leaf = descriptor & 0x000f_ffff_ffff_f000;
        (descriptor & VALID != 0).then(|| leaf + (u64::from(ssid) & ((1 << LOG2_LEAF_CDS) - 1)) * CD_BYTES)
    }

    fn descriptor(&self, ssid: u32) -> u64 {
        self.base + (u64::from(ssid) >> LOG2_LEAF_CDS) * 8
    }
}
