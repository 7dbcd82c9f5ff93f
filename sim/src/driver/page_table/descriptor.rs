//! Descriptors as the driver writes them (DDI 0487 D8.3): types, leaf attributes, and where the address lies.

use super::{Quirks, Stage};
use crate::driver::Prot;

pub(super) const LAST_LEVEL: u8 = 3;
pub(super) const VALID: u64 = 1;
const TYPE: u64 = 0b11;
pub(super) const TYPE_TABLE_OR_PAGE: u64 = 0b11;
pub(super) const TYPE_BLOCK: u64 = 0b01;
const AF: u64 = 1 << 10;
const NOT_GLOBAL: u64 = 1 << 11;
const AP_UNPRIVILEGED: u64 = 1 << 6;
pub(super) const AP_READ_ONLY: u64 = 1 << 7;
const HAP_READ: u64 = 1 << 6;
const HAP_WRITE: u64 = 1 << 7;
pub(super) const DBM: u64 = 1 << 51;
const XN: u64 = 0b11 << 53;
const OUTER_SHAREABLE: u64 = 2 << 8;
const INNER_SHAREABLE: u64 = 3 << 8;

pub(super) fn is_leaf(descriptor: u64, level: u8) -> bool {
    level == LAST_LEVEL || descriptor & TYPE == TYPE_BLOCK
}

/// All of a leaf but its type and its address.
pub(super) fn leaf_attributes(stage: Stage, quirks: Quirks, prot: Prot) -> u64 {
    let access = match stage {
        Stage::One => {
            let index = if prot.mmio { 2 } else { u64::from(prot.cache) };
            let writable = match (prot.write, quirks.dirty) {
                (true, true) => DBM,
                (true, false) => 0,
                (false, _) => AP_READ_ONLY,
            };
            NOT_GLOBAL | writable | AP_UNPRIVILEGED | index << 2
        }
        Stage::Two => {
            let types = match (prot.mmio, prot.cache, quirks.fwb) {
                (true, _, _) => 0x1,
                (false, true, true) => 0x6,
                (false, true, false) => 0xf,
                (false, false, _) => 0x5,
            };
            types << 2 | if prot.read { HAP_READ } else { 0 } | if prot.write { HAP_WRITE } else { 0 }
        }
    };
    let shareability = if prot.cache { INNER_SHAREABLE } else { OUTER_SHAREABLE };
    access | AF | shareability | if prot.noexec { XN } else { 0 }
}

/// Where an address goes in a descriptor: bits [51:48] lie in [15:12] with 64 KiB pages.
pub(super) fn address_bits(granule_shift: u8, address: u64) -> u64 {
    if granule_shift == 16 { address & 0x0000_ffff_ffff_0000 | address >> 48 << 12 & 0xf000 } else { address }
}

/// The address in a descriptor.
pub(super) fn address_of(granule_shift: u8, descriptor: u64) -> u64 {
    if granule_shift == 16 {
        descriptor & 0x0000_ffff_ffff_0000 | (descriptor >> 12 & 0xf) << 48
    } else {
        descriptor & 0x0000_ffff_ffff_f000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_have_the_bits_of_the_architecture() {
        let prot = Prot { read: true, write: true, cache: true, mmio: false, noexec: false };
        let plain = Quirks { dirty: false, fwb: false };
        let dirty = Quirks { dirty: true, ..plain };
        let fwb = Quirks { fwb: true, ..plain };
        let read_only = Prot { write: false, ..prot };
        let mmio = Prot { cache: false, mmio: true, noexec: true, ..prot };
        for (stage, quirks, prot, expected) in [
            (Stage::One, plain, prot, 0xf44),
            (Stage::One, plain, read_only, 0xfc4),
            (Stage::One, dirty, prot, 1 << 51 | 0xf44),
            (Stage::One, dirty, read_only, 0xfc4),
            (Stage::One, plain, mmio, 3 << 53 | 0xe48),
            (Stage::Two, plain, prot, 0x7fc),
            (Stage::Two, plain, read_only, 0x77c),
            (Stage::Two, fwb, prot, 0x7d8),
            (Stage::Two, plain, mmio, 3 << 53 | 0x6c4),
        ] {
            assert_eq!(leaf_attributes(stage, quirks, prot), expected, "{stage:?} {quirks:?} {prot:?}");
        }
    }
}
