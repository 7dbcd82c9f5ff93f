//! Context descriptors as the driver writes them (IHI 0070 §5.4).

use super::entry::{Entry, Kind};

/// A descriptor that is not there.
pub(super) const INVALID: Entry = [0; 8];

/// Stage 1 of a domain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stage1Bits {
    pub(super) asid: u32,
    /// T0SZ, TG0, IR0, OR0, SH0 in their places of word 0.
    pub(super) tcr: u64,
    /// IPS.
    pub(super) ips: u64,
    pub(super) table: u64,
    /// Hardware keeps Access flag and dirty state.
    pub(super) dirty: bool,
    pub(super) stall_enabled: bool,
    /// The ASID is that of a process, whose TLBIs by ASID are meant for the SMMU too.
    pub(super) shared: bool,
}

/// Index 0: Normal non-cacheable, 1: write-back, 2: Device-nGnRE, 3: write-back outside only; the rest is unused.
const MAIR: u64 = 0xffff_ffff_f404_ff44;

pub(super) fn stage1(domain: Stage1Bits) -> Entry {
    let word0 = domain.tcr
        | EPD1
        | V
        | domain.ips << 32
        | AA64
        | if domain.dirty { HD | HA } else { 0 }
        | if domain.stall_enabled { S } else { 0 }
        | R
        | A
        | if domain.shared { 0 } else { ASET }
        | u64::from(domain.asid) << 48;
    [word0, domain.table & TTB0, 0, MAIR, 0, 0, 0, 0]
}

const V: u64 = 1 << 31;
const EPD0: u64 = 1 << 14;
const EPD1: u64 = 1 << 30;
const AA64: u64 = 1 << 41;
const HD: u64 = 1 << 42;
const HA: u64 = 1 << 43;
const S: u64 = 1 << 44;
const R: u64 = 1 << 45;
const A: u64 = 1 << 46;
const ASET: u64 = 1 << 47;
const TTB0: u64 = 0x000f_ffff_ffff_fff0;

/// Context descriptors.
#[derive(Debug)]
pub(super) enum Cd {}

impl Kind for Cd {
    fn used(entry: &Entry) -> Entry {
        /// T0SZ, TG0, IR0, OR0, SH0.
        const TCR0: u64 = 0x3fff;
        if entry[0] & V == 0 {
            return [V, 0, 0, 0, 0, 0, 0, 0];
        }
        let mut used = [u64::MAX; 8];
        if entry[0] & EPD0 != 0 {
            used[0] &= !TCR0;
            used[1] &= !TTB0;
        }
        used
    }

    fn safe(_from: &Entry, _to: &Entry) -> Entry {
        [0; 8]
    }
}
