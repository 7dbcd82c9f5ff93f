//! Shape of a translation table (DDI 0487 D8.2, §3.4): granule, levels, address formats.

use std::ops::RangeInclusive;

use crate::address::low_mask;
use crate::features::{Features, Revision};

/// Translation granule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Granule {
    K4,
    K16,
    K64,
}

impl Granule {
    /// TG0 and S2TG: 0b11 is reserved (§5.4, §5.2). `None` if reserved or not implemented.
    pub(crate) fn from_tg0(f: &Features, field: u8) -> Option<Self> {
        match field {
            0 => Self::K4.implemented(f),
            1 => Self::K64.implemented(f),
            2 => Self::K16.implemented(f),
            _ => None,
        }
    }

    /// TG1 has its own encoding: 0b00 is reserved (§5.4). `None` if reserved or not implemented.
    pub(crate) fn from_tg1(f: &Features, field: u8) -> Option<Self> {
        match field {
            1 => Self::K16.implemented(f),
            2 => Self::K4.implemented(f),
            3 => Self::K64.implemented(f),
            _ => None,
        }
    }

    fn implemented(self, f: &Features) -> Option<Self> {
        let implemented = match self {
            Self::K4 => f.granule_4k,
            Self::K16 => f.granule_16k,
            Self::K64 => f.granule_64k,
        };
        implemented.then_some(self)
    }

    /// log2 of the bytes in a page.
    #[inline]
    pub(crate) const fn bits(self) -> u8 {
        match self {
            Self::K4 => 12,
            Self::K16 => 14,
            Self::K64 => 16,
        }
    }

    /// Address bits that one level resolves: log2 of the entries in a full table.
    #[inline]
    pub(crate) const fn stride(self) -> u8 {
        self.bits() - 3
    }

    /// How many levels resolve so many address bits, rounded down. Divisions by a constant are quick.
    #[inline(always)]
    const fn strides_in(self, bits: u8) -> u8 {
        match self {
            Self::K4 => bits / Self::K4.stride(),
            Self::K16 => bits / Self::K16.stride(),
            Self::K64 => bits / Self::K64.stride(),
        }
    }
}

/// Where a descriptor keeps the high bits of an address (DDI 0487 D8.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AddressFormat {
    /// Bits [47:granule]; 48-bit addresses.
    Bits48,
    /// The same with the 64 KiB granule, which leaves [15:12] of a descriptor without a meaning.
    Bits48Of64K,
    /// 64 KiB granule with 52-bit output implemented: [51:48] in descriptor bits [15:12].
    Wide64K,
    /// 4 and 16 KiB granule with DS: [49:48] in place, [51:50] in descriptor bits [9:8].
    Lpa2,
}

impl AddressFormat {
    pub(crate) const fn of(f: &Features, granule: Granule, ds: bool) -> Self {
        match granule {
            Granule::K64 if f.oas_bits >= 52 => Self::Wide64K,
            Granule::K64 => Self::Bits48Of64K,
            Granule::K4 | Granule::K16 if ds => Self::Lpa2,
            Granule::K4 | Granule::K16 => Self::Bits48,
        }
    }
}

/// What a CD or an STE says about a translation table, beside where it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Shape {
    pub(crate) granule: Granule,
    pub(crate) format: AddressFormat,
    /// Bits of the input address that are translated: 64 - TxSZ.
    pub(crate) input_bits: u8,
    /// Bits that an output address may have: the effective IPS or S2PS.
    pub(crate) output_bits: u8,
    /// -1 to 3.
    pub(crate) start_level: i8,
    pub(crate) big_endian: bool,
}

/// One translation table and how to walk it: the same for both stages. What every walk needs of the shape is
/// worked out once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Table {
    /// Address of the starting-level table, aligned to its size.
    pub(crate) base: u64,
    pub(crate) shape: Shape,
    /// log2 of the bytes that one entry of the starting level covers.
    pub(crate) start_shift: u8,
    /// The bits of an index into the starting level, concatenated tables included.
    pub(crate) start_index_mask: u64,
    /// The bits of an index into any other level.
    pub(crate) index_mask: u64,
    /// How much less the entry of a lower level covers, as a power of two.
    pub(crate) stride: u8,
    /// What its Table descriptors cover: bit n for 2^n bytes.
    pub(crate) table_sizes: u64,
    /// The bits of a descriptor that hold address bits in their place, in every [`AddressFormat`].
    pub(crate) address_mask: u64,
    /// The bits that an input address must not have, where it has no sign.
    pub(crate) beyond_input: u64,
    /// The bits that an output address must not have.
    pub(crate) beyond_output: u64,
}

impl Table {
    /// The table at `base`, aligned to its size: at least to 64 bytes where the output has 52 bits (§5.4 TTB0,
    /// §5.2 S2TTB). Concatenated stage 2 tables count as one.
    pub(crate) fn new(base: u64, shape: Shape) -> Self {
        let start_shift = Self::entry_bits(shape.granule, shape.start_level);
        let index_bits = shape.input_bits.saturating_sub(start_shift);
        let size_bits = index_bits + 3;
        let align_bits = if shape.output_bits == 52 { size_bits.max(6) } else { size_bits };
        Self {
            base: base & !low_mask(align_bits),
            shape,
            start_shift,
            start_index_mask: low_mask(index_bits),
            index_mask: low_mask(shape.granule.stride()),
            stride: shape.granule.stride(),
            table_sizes: Self::sizes(shape.granule, shape.start_level..=2),
            address_mask: low_mask(48) & !low_mask(shape.granule.bits()),
            beyond_input: !low_mask(shape.input_bits),
            beyond_output: !low_mask(shape.output_bits),
        }
    }

    /// The value of a descriptor that was read as little-endian, and back.
    #[inline(always)]
    pub(crate) fn in_order(&self, value: u64) -> u64 {
        if self.shape.big_endian { swapped(value) } else { value }
    }

    /// The level whose entries cover 2^`size_bits` bytes.
    #[inline]
    pub(crate) fn level_of(&self, size_bits: u8) -> i8 {
        let granule = self.shape.granule;
        3i8.saturating_sub_unsigned(granule.strides_in(size_bits - granule.bits()))
    }

    /// What the entries at `levels` cover: bit n for 2^n bytes, less than everything.
    pub(crate) fn sizes(granule: Granule, levels: RangeInclusive<i8>) -> u64 {
        let sizes = levels.map(|level| Self::entry_bits(granule, level));
        sizes.filter(|size_bits| *size_bits < 64).fold(0, |sizes, size_bits| sizes | 1 << size_bits)
    }

    /// log2 of the bytes that one entry at `level` covers.
    #[inline]
    pub(crate) const fn entry_bits(granule: Granule, level: i8) -> u8 {
        debug_assert!(level >= -1 && level <= 3);
        granule.bits() + granule.stride() * (3 - level).unsigned_abs()
    }
}

/// Out of line, so that a little-endian walk does not wait for the answer.
#[cold]
#[inline(never)]
fn swapped(value: u64) -> u64 {
    value.swap_bytes()
}

/// Start level of stage 1 (DDI 0487 D8.2): as many levels as the input needs.
pub(crate) fn stage1_start_level(granule: Granule, input_bits: u8) -> i8 {
    let beyond_page = input_bits.saturating_sub(granule.bits() + 1);
    3i8.saturating_sub_unsigned(granule.strides_in(beyond_page))
}

/// Start level that S2SL0 (and S2SL0_2, with S2DS) selects; `None` where the encoding is reserved (§5.2).
pub(crate) fn stage2_start_level(
    f: &Features,
    granule: Granule,
    sl0: u8,
    sl0_2: bool,
    ds: bool,
) -> Option<i8> {
    let high = sl0_2 && ds && granule == Granule::K4;
    match (granule, sl0) {
        (Granule::K4, 0) if high => Some(-1),
        (Granule::K4, _) if high => None,
        (Granule::K4, 0) => Some(2),
        (Granule::K4, 1) => Some(1),
        (Granule::K4, 2) => Some(0),
        (Granule::K4, _) => f.stt.then_some(3),
        (Granule::K16 | Granule::K64, 0) => Some(3),
        (Granule::K16 | Granule::K64, 1) => Some(2),
        (Granule::K16 | Granule::K64, 2) => Some(1),
        (Granule::K16, _) => ds.then_some(0),
        (Granule::K64, _) => None,
    }
}

/// Whether up to 16 concatenated tables at `start_level` translate exactly `input_bits` (DDI 0487 D8.2.9).
pub(crate) fn stage2_size_fits(granule: Granule, start_level: i8, input_bits: u8) -> bool {
    let below = Table::entry_bits(granule, start_level);
    (below + 1..=below + granule.stride() + 4).contains(&input_bits)
}

/// Whether the output size is too small for so low a start level (DDI 0487 D8.1.10).
pub(crate) const fn start_level_exceeds_output(f: &Features, granule: Granule, start_level: i8) -> bool {
    let needed = match (granule, start_level) {
        (Granule::K4, -1) | (Granule::K16, 0) => 52,
        (Granule::K4, 0) | (Granule::K64, 1) => 44,
        (Granule::K16, 1) => 42,
        _ => 0,
    };
    f.oas_bits < needed
}

/// IPS and S2PS in bits, capped to OAS, with the reserved values of each version (§5.4 IPS, §5.2 S2PS).
pub(crate) fn effective_output_bits(f: &Features, field: u8) -> u8 {
    let bits = match field {
        0 => 32,
        1 => 36,
        2 => 40,
        3 => 42,
        4 => 44,
        5 => 48,
        _ if f.revision == Revision::V3_0 => 48,
        6 => 52,
        _ if f.revision < Revision::V3_4 => 52,
        _ => 56,
    };
    bits.min(f.oas_bits)
}

/// Largest TxSZ (§5.4, §5.2).
pub(crate) const fn max_txsz(f: &Features, granule: Granule) -> u8 {
    match (f.stt, granule) {
        (false, _) => 39,
        (true, Granule::K64) => 47,
        (true, Granule::K4 | Granule::K16) => 48,
    }
}

/// Smallest T0SZ and T1SZ (§5.4.2).
pub(crate) fn min_stage1_txsz(f: &Features, granule: Granule, ds: bool) -> u8 {
    if f.vax_bits >= 52 && (granule == Granule::K64 || ds) { 12 } else { 16 }
}

/// Smallest S2T0SZ (§5.2.2).
pub(crate) fn min_stage2_t0sz(f: &Features, granule: Granule, ds: bool) -> u8 {
    let by_ias = 64 - f.ias_bits;
    if f.revision == Revision::V3_0 {
        by_ias
    } else if granule == Granule::K64 || ds {
        by_ias.max(12)
    } else {
        by_ias.max(16)
    }
}

/// The address that a TTB field holds: bits [51:4], in v3.0 [47:4] (§5.2 S2TTB, §5.4 TTB0). [55:52] belong to
/// VMSAv9-128.
#[inline(always)]
pub(crate) fn ttb(f: &Features, field: u64) -> u64 {
    field & !ttb_reserved(f)
}

/// Whether a word that holds a TTB field in [55:4] has a bit set above the address.
#[inline(always)]
pub(crate) fn beyond_ttb(f: &Features, word: u64) -> bool {
    word & ttb_reserved(f) != 0
}

#[inline(always)]
fn ttb_reserved(f: &Features) -> u64 {
    if f.revision == Revision::V3_0 { 0x00ff_0000_0000_0000 } else { 0x00f0_0000_0000_0000 }
}

/// Whether a table base lies where the format cannot reach: beyond the output size, or beyond 48 bits with
/// a 4 or 16 KiB granule and without DS (§5.4, §5.2).
pub(crate) fn base_out_of_range(base: u64, output_bits: u8, granule: Option<Granule>, ds: bool) -> bool {
    let small = matches!(granule, Some(Granule::K4 | Granule::K16)) && !ds;
    !crate::address::fits(base, output_bits) || (small && !crate::address::fits(base, 48))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Preset;

    fn max() -> Features {
        Features::new(Preset::Max.id_registers()).expect("the preset is legal")
    }

    /// The table of DDI 0487 D8.2 as our working reference prints it: (granule, TxSZ range, level).
    #[test]
    fn stage1_start_levels_follow_the_table() {
        let rows: [(Granule, u8, u8, i8); 11] = [
            (Granule::K4, 12, 15, -1),
            (Granule::K4, 16, 24, 0),
            (Granule::K4, 25, 33, 1),
            (Granule::K4, 34, 42, 2),
            (Granule::K4, 43, 48, 3),
            (Granule::K16, 12, 16, 0),
            (Granule::K16, 17, 27, 1),
            (Granule::K16, 28, 38, 2),
            (Granule::K16, 39, 48, 3),
            (Granule::K64, 12, 21, 1),
            (Granule::K64, 22, 34, 2),
        ];
        for (granule, first, last, level) in rows {
            for txsz in first..=last {
                assert_eq!(stage1_start_level(granule, 64 - txsz), level, "{granule:?} TxSZ {txsz}");
            }
        }
    }

    /// S2T0SZ ranges per start level, before the limits of IAS (05-ste.md 6.4).
    #[test]
    fn stage2_sizes_follow_the_table() {
        let rows: [(Granule, i8, u8, u8); 12] = [
            (Granule::K4, 3, 39, 51),
            (Granule::K4, 2, 30, 42),
            (Granule::K4, 1, 21, 33),
            (Granule::K4, 0, 12, 24),
            (Granule::K4, -1, 3, 15),
            (Granule::K16, 3, 35, 49),
            (Granule::K16, 2, 24, 38),
            (Granule::K16, 1, 13, 27),
            (Granule::K16, 0, 2, 16),
            (Granule::K64, 3, 31, 47),
            (Granule::K64, 2, 18, 34),
            (Granule::K64, 1, 5, 21),
        ];
        for (granule, level, first, last) in rows {
            for t0sz in 0..64 {
                let fits = stage2_size_fits(granule, level, 64 - t0sz);
                assert_eq!(fits, (first..=last).contains(&t0sz), "{granule:?} level {level} S2T0SZ {t0sz}");
            }
        }
    }

    #[test]
    fn s2sl0_selects_the_level_of_its_granule() {
        let f = max();
        let levels =
            |granule, sl0_2, ds| [0, 1, 2, 3].map(|sl0| stage2_start_level(&f, granule, sl0, sl0_2, ds));
        assert_eq!(levels(Granule::K4, false, false), [Some(2), Some(1), Some(0), Some(3)]);
        assert_eq!(levels(Granule::K4, true, true), [Some(-1), None, None, None]);
        assert_eq!(levels(Granule::K4, true, false), [Some(2), Some(1), Some(0), Some(3)]);
        assert_eq!(levels(Granule::K16, false, false), [Some(3), Some(2), Some(1), None]);
        assert_eq!(levels(Granule::K16, true, true), [Some(3), Some(2), Some(1), Some(0)]);
        assert_eq!(levels(Granule::K64, false, true), [Some(3), Some(2), Some(1), None]);
    }
}
