//! Stage 1 memory types: the MAIR of a CD and the index into it (§5.4, DDI 0487 D8.6).

use super::{Cacheability, Device, Hints, MemoryType};
use crate::layout::descriptor::Stage1Leaf;

/// The types that a MAIR names, by AttrIndx.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct MemoryTypes {
    types: [MemoryType; 8],
    /// AttrIndx has four bits, of which 8 to 15 select byte 7 (§5.4 MAIR, AIE).
    extended: bool,
}

impl MemoryTypes {
    /// `extended`: CD.AIE in effect.
    pub(crate) fn new(mair: u64, extended: bool) -> Self {
        Self { types: mair.to_le_bytes().map(decode), extended }
    }

    /// The type that a descriptor selects.
    #[inline(always)]
    pub(crate) fn select(&self, leaf: Stage1Leaf) -> MemoryType {
        let index = if self.extended && leaf.attr_indx_3() { 7 } else { leaf.attr_indx() & 7 };
        self.types[usize::from(index)]
    }
}

/// One attribute byte. No encoding is without meaning: XS does not exist and Tagged is not supported, so
/// these are reserved ones (§3.17.8, §3.23).
const fn decode(attribute: u8) -> MemoryType {
    let (outer, inner) = (attribute >> 4, attribute & 0b1111);
    match (outer, inner) {
        // The low two bits are 00, or reserved and of no effect.
        (0, _) => MemoryType::Device(device(inner >> 2)),
        // Reserved: inner Write-Through Transient, RW = 11.
        (_, 0) => MemoryType::Normal { inner: level(0b0011), outer: level(outer) },
        _ => MemoryType::Normal { inner: level(inner), outer: level(outer) },
    }
}

/// The byte that names a type, as PAR has it (§6.3.40). Transient types without hints do not exist on output.
pub(crate) const fn encode(memory_type: MemoryType) -> u8 {
    match memory_type {
        MemoryType::Device(device) => match device {
            Device::NGnRnE => 0b0000,
            Device::NGnRe => 0b0100,
            Device::NGre => 0b1000,
            Device::Gre => 0b1100,
        },
        MemoryType::Normal { inner, outer } => nibble(outer) << 4 | nibble(inner),
    }
}

/// The inverse of [`level`].
const fn nibble(level: Cacheability) -> u8 {
    let (kind, hints) = match level {
        Cacheability::NonCacheable => return 0b0100,
        Cacheability::WriteThrough(hints) => (0b0000, hints),
        Cacheability::WriteBack(hints) => (0b0100, hints),
    };
    let transient = if hints.transient { 0 } else { 0b1000 };
    let read = if hints.read_allocate { 0b10 } else { 0 };
    let write = if hints.write_allocate { 0b01 } else { 0 };
    transient | kind | read | write
}

/// The two bits that stand for a Device type, in MAIR as in stage 2 MemAttr.
#[inline(always)]
pub(super) const fn device(bits: u8) -> Device {
    match bits & 0b11 {
        0b00 => Device::NGnRnE,
        0b01 => Device::NGnRe,
        0b10 => Device::NGre,
        _ => Device::Gre,
    }
}

/// One nibble, not 0000: 00RW WT transient, 0100 NC, 01RW WB transient, 10RW WT, 11RW WB.
const fn level(nibble: u8) -> Cacheability {
    let transient = nibble & 0b1000 == 0;
    let hints = Hints { read_allocate: nibble & 0b10 != 0, write_allocate: nibble & 0b01 != 0, transient };
    match nibble {
        0b0100 => Cacheability::NonCacheable,
        _ if nibble & 0b0100 == 0 => Cacheability::WriteThrough(hints),
        _ => Cacheability::WriteBack(hints),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By value of the nibble; the first one is what an inner 0000 means under an outer that is not 0000.
    const LEVELS: [&str; 16] = [
        "WT(RA,WA,TR)",
        "WT(nRA,WA,TR)",
        "WT(RA,nWA,TR)",
        "WT(RA,WA,TR)",
        "NC",
        "WB(nRA,WA,TR)",
        "WB(RA,nWA,TR)",
        "WB(RA,WA,TR)",
        "WT(nRA,nWA)",
        "WT(nRA,WA)",
        "WT(RA,nWA)",
        "WT(RA,WA)",
        "WB(nRA,nWA)",
        "WB(nRA,WA)",
        "WB(RA,nWA)",
        "WB(RA,WA)",
    ];

    /// By value of an inner nibble under outer 0000.
    const DEVICES: [&str; 16] = [
        "nGnRnE", "nGnRnE", "nGnRnE", "nGnRnE", "nGnRE", "nGnRE", "nGnRE", "nGnRE", "nGRE", "nGRE", "nGRE",
        "nGRE", "GRE", "GRE", "GRE", "GRE",
    ];

    #[test]
    fn every_byte() {
        for byte in 0..=255 {
            let (outer, inner) = (usize::from(byte / 16), usize::from(byte % 16));
            let expected = match outer {
                0 => format!("Device-{}", DEVICES[inner]),
                _ => format!("Normal-i{}-o{}", LEVELS[inner], LEVELS[outer]),
            };
            assert_eq!(decode(byte).to_string(), expected, "{byte:#04x}");
        }
    }

    #[test]
    fn a_type_is_named_by_the_byte_that_means_it() {
        for byte in [0x00, 0x04, 0x08, 0x0c, 0x44, 0x4f, 0xf4, 0xff, 0xbb, 0xaa, 0x77, 0x31, 0xc8] {
            assert_eq!(encode(decode(byte)), byte, "{byte:#04x}");
        }
        assert_eq!(encode(MemoryType::WRITE_BACK), 0xff);
        assert_eq!(encode(MemoryType::NON_CACHEABLE), 0x44);
    }

    #[test]
    fn bytes_of_which_software_is_fond() {
        let check = |byte, expected: &str| assert_eq!(decode(byte).to_string(), expected);
        check(0xff, "Normal-iWB(RA,WA)-oWB(RA,WA)");
        check(0x44, "Normal-iNC-oNC");
        check(0xbb, "Normal-iWT(RA,WA)-oWT(RA,WA)");
        check(0x04, "Device-nGnRE");
        check(0xf4, "Normal-iNC-oWB(RA,WA)");
        // Tagged, and the two XS types of Normal memory: reserved here.
        check(0xf0, "Normal-iWT(RA,WA,TR)-oWB(RA,WA)");
        check(0x40, "Normal-iWT(RA,WA,TR)-oNC");
        check(0xa0, "Normal-iWT(RA,WA,TR)-oWT(RA,nWA)");
    }

    #[test]
    fn the_index_stays_in_the_register() {
        let mair = 0xff_bb_f4_44_0c_08_04_00;
        let expected = [0x00, 0x04, 0x08, 0x0c, 0x44, 0xf4, 0xbb, 0xff];
        for index in 0..16u8 {
            let leaf = Stage1Leaf::new().with_attr_indx(index & 7).with_attr_indx_3(index >= 8);
            let (plain, extended) = (expected[usize::from(index & 7)], expected[usize::from(index.min(7))]);
            assert_eq!(MemoryTypes::new(mair, false).select(leaf), decode(plain), "index {index}");
            assert_eq!(MemoryTypes::new(mair, true).select(leaf), decode(extended), "index {index}");
        }
    }
}
