//! Stream table entries as the driver writes them (IHI 0070 §5.2): what it puts into each kind, and which bits
//! the SMMU looks at in each.

use super::entry::{Entry, Kind};

/// A valid entry that ends every access.
pub(super) const ABORT: Entry = [V, 0, 0, 0, 0, 0, 0, 0];

/// What becomes of accesses without a SubstreamID (S1DSS).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum WithoutSubstream {
    Terminate,
    Bypass,
    ContextZero,
}

/// What every entry that a master gets depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct MasterBits {
    /// The device may use ATS.
    pub(super) ats: bool,
    /// IDR1.ATTR_TYPES_OVR: attributes come from the client unless an entry says so.
    pub(super) attr_types_ovr: bool,
    /// The SMMU can stall.
    pub(super) stalls: bool,
    /// The device can be stalled.
    pub(super) stall_enabled: bool,
    pub(super) e2h: bool,
}

/// Where CDs are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ContextTable {
    pub(super) pointer: u64,
    /// S1CDMax.
    pub(super) log2_contexts: u8,
    /// Two levels, with leaves of 64 KiB.
    pub(super) two_level: bool,
}

/// Stage 2 of a domain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stage2Bits {
    pub(super) vmid: u32,
    /// S2T0SZ to S2PS, at bit 0.
    pub(super) vtcr: u64,
    pub(super) table: u64,
    pub(super) fwb: bool,
}

pub(super) fn bypass(master: MasterBits) -> Entry {
    [V | CONFIG_BYPASS, incoming_attributes(master.attr_types_ovr), 0, 0, 0, 0, 0, 0]
}

pub(super) fn stage1(master: MasterBits, table: ContextTable, without: WithoutSubstream) -> Entry {
    const CIR_COR_WRITE_BACK_CSH_INNER: u64 = 1 << 2 | 1 << 4 | 3 << 6;
    const STALLD: u64 = 1 << 27;
    const STRW_EL2: u64 = 2 << 30;
    const FMT_64K_LEAVES: u64 = 2 << 4;
    let word0 = V
        | CONFIG_STAGE1
        | if table.two_level { FMT_64K_LEAVES } else { 0 }
        | table.pointer & ADDRESS
        | u64::from(table.log2_contexts) << 59;
    let dss = match without {
        WithoutSubstream::Terminate => 0,
        WithoutSubstream::Bypass => 1,
        WithoutSubstream::ContextZero => 2,
    };
    let word1 = dss
        | CIR_COR_WRITE_BACK_CSH_INNER
        | if master.stalls && !master.stall_enabled { STALLD } else { 0 }
        | eats(master.ats)
        | incoming_attributes(master.attr_types_ovr && without == WithoutSubstream::Bypass)
        | if master.e2h { STRW_EL2 } else { 0 };
    [word0, word1, 0, 0, 0, 0, 0, 0]
}

pub(super) fn stage2(master: MasterBits, domain: Stage2Bits) -> Entry {
    const AA64: u64 = 1 << 51;
    const PTW: u64 = 1 << 54;
    const STALL: u64 = 1 << 57;
    const RECORD: u64 = 1 << 58;
    const FWB: u64 = 1 << 25;
    let word1 =
        eats(master.ats) | if domain.fwb { FWB } else { 0 } | incoming_attributes(master.attr_types_ovr);
    let word2 = u64::from(domain.vmid)
        | domain.vtcr << 32
        | AA64
        | PTW
        | if master.stall_enabled { STALL } else { 0 }
        | RECORD;
    [V | CONFIG_STAGE2, word1, word2, domain.table & ADDRESS, 0, 0, 0, 0]
}

/// Stage 1 of a guest over stage 2 of `parent`. `guest` holds the two words that were validated.
pub(super) fn nested(master: MasterBits, parent: Stage2Bits, guest: [u64; 2]) -> Entry {
    const GUEST_WORD0: u64 = 0xf80f_ffff_ffff_fff0;
    const GUEST_WORD1: u64 = 0x0000_0000_0800_00ff;
    let [_, word1, word2, word3, ..] = stage2(master, parent);
    let word0 = V | CONFIG_NESTED | guest[0] & GUEST_WORD0;
    [word0, word1 | guest[1] & GUEST_WORD1 | MEV, word2, word3, 0, 0, 0, 0]
}

const V: u64 = 1;
const CONFIG: u64 = 0b111 << 1;
const CONFIG_BYPASS: u64 = 0b100 << 1;
const CONFIG_STAGE1: u64 = 0b101 << 1;
const CONFIG_STAGE2: u64 = 0b110 << 1;
const CONFIG_NESTED: u64 = 0b111 << 1;
const ADDRESS: u64 = 0x000f_ffff_ffff_fff0;
const MEV: u64 = 1 << 19;
const EATS_FULL: u64 = 1 << 28;
const EATS_SPLIT: u64 = 1 << 29;
const SHCFG: u64 = 0b11 << 44;
const SHCFG_INCOMING: u64 = 1 << 44;
const S2S: u64 = 1 << 57;

fn eats(ats: bool) -> u64 {
    if ats { EATS_FULL } else { 0 }
}

fn incoming_attributes(stated: bool) -> u64 {
    if stated { SHCFG_INCOMING } else { 0 }
}

/// Stream table entries.
#[derive(Debug)]
pub(super) enum Ste {}

impl Kind for Ste {
    fn used(entry: &Entry) -> Entry {
        const S1_WORD0: u64 = 0b11 << 4 | 0x000f_ffff_ffff_ffc0 | 0x1f << 59;
        const S1_WORD1: u64 = 0xff | 1 << 27 | 0b11 << 30 | EATS_FULL | EATS_SPLIT | MEV;
        const VMID: u64 = 0xffff;
        const S2_WORD1: u64 = 1 << 25 | EATS_FULL | EATS_SPLIT | SHCFG | MEV;
        const S2_WORD2: u64 = VMID | 0x7_ffff << 32 | 1 << 51 | 1 << 52 | 1 << 54 | S2S | 1 << 58;
        const S2_WORD3: u64 = ADDRESS;
        let mut used = [V, 0, 0, 0, 0, 0, 0, 0];
        if entry[0] & V == 0 {
            return used;
        }
        used[0] |= CONFIG;
        let config = entry[0] & CONFIG;
        if config & CONFIG_BYPASS == 0 {
            return used;
        }
        if config == CONFIG_STAGE1 || config == CONFIG_NESTED {
            used[0] |= S1_WORD0;
            used[1] |= S1_WORD1;
            used[2] |= VMID;
            if entry[1] & 0b11 == 0b01 {
                used[1] |= SHCFG;
            }
        }
        if config == CONFIG_STAGE2 || config == CONFIG_NESTED {
            used[1] |= S2_WORD1;
            used[2] |= S2_WORD2;
            used[3] |= S2_WORD3;
        }
        if config == CONFIG_BYPASS {
            used[1] |= SHCFG;
        }
        used
    }

    /// Where neither entry uses split-stage ATS or stalls at stage 2, ATS may go on or off at any time, and so may
    /// the merging of events; but only bits that both entries look at.
    fn safe(from: &Entry, to: &Entry) -> Entry {
        let mut safe = [0; 8];
        safe[1] = MEV;
        if (from[1] | to[1]) & EATS_SPLIT == 0 && (from[2] | to[2]) & S2S == 0 {
            safe[1] |= EATS_FULL;
        }
        let (from, to) = (Self::used(from), Self::used(to));
        for (index, word) in safe.iter_mut().enumerate() {
            *word &= from[index] & to[index];
        }
        safe
    }
}
