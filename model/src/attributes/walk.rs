//! Attributes of the SMMU's own reads: configuration structures and translation tables (§13.8).
//!
//! All of these are Normal memory until stage 2 has its say. Hints that the architecture leaves to the
//! implementation are ours to give: none is shown that a field does not name (§5.2 S1CIR, §5.4 IR0). None is
//! ever transient, so these attributes are consistent as they stand (§13.1.7).

use super::stage2::Stage2Page;
use super::{Attributes, Cacheability, Hints, MemoryType, Shareability};
use crate::layout::register::{Cr1, StrtabBase};
use crate::layout::ste::SteWord1;

const READ: Hints = Hints { read_allocate: true, write_allocate: false, transient: false };
const NO_ALLOCATE: Hints = Hints { read_allocate: false, write_allocate: false, transient: false };

/// A fetch of an STE or of a level 1 stream table descriptor (§6.3.11, §6.3.24).
pub(crate) fn stream_table(cr1: Cr1, base: StrtabBase) -> Attributes {
    let hints = if base.ra() { READ } else { NO_ALLOCATE };
    normal(register_level(cr1.table_ic(), hints), register_level(cr1.table_oc(), hints), cr1.table_sh())
}

/// A fetch of a CD or of a level 1 context descriptor, as stage 1 asks for it (§5.2 S1CIR, S1COR, S1CSH).
pub(crate) fn context_descriptor(ste: SteWord1) -> Attributes {
    let level = |field| table_level(field, READ, NO_ALLOCATE);
    normal(level(ste.s1_cir()), level(ste.s1_cor()), ste.s1_csh())
}

/// A read of a translation table with these IRx, ORx and SHx of a CD, or S2IR0, S2OR0 and S2SH0 of an STE
/// (§5.4, §5.2).
pub(crate) fn table(ir: u8, or: u8, sh: u8) -> Attributes {
    let level = |field| table_level(field, Hints::ALLOCATE, READ);
    normal(level(ir), level(or), sh)
}

/// Whether stage 2 maps the target of `own`, a fetch of a CD or of a stage 1 descriptor, as any Device type:
/// what STE.S2PTW forbids (§5.2).
#[inline]
pub(crate) fn is_device(own: Attributes, page: &Stage2Page) -> bool {
    match page.apply(own).memory_type {
        MemoryType::Device(_) => true,
        MemoryType::Normal { .. } => false,
    }
}

/// The attributes of `own`, a fetch of a CD or of a stage 1 descriptor, through `page` of stage 2. With
/// IDR3.PTWNNC a Device type becomes Normal Non-cacheable (§5.2 S2PTW).
pub(crate) fn nested(own: Attributes, page: &Stage2Page, ptwnnc: bool) -> Attributes {
    if ptwnnc && is_device(own, page) {
        Attributes::new(MemoryType::NON_CACHEABLE, Shareability::OuterShareable)
    } else {
        page.apply(own)
    }
}

/// Both 00 is Outer Shareable whatever the shareability field says.
fn normal(inner: Cacheability, outer: Cacheability, sh: u8) -> Attributes {
    Attributes::new(MemoryType::Normal { inner, outer }, Shareability::from_field(sh))
}

/// CR1: 00 NC, 01 WB, 10 WT, 11 reserved and acts as 00; the hints are elsewhere.
fn register_level(field: u8, hints: Hints) -> Cacheability {
    match field {
        0b01 => Cacheability::WriteBack(hints),
        0b10 => Cacheability::WriteThrough(hints),
        _ => Cacheability::NonCacheable,
    }
}

/// STE and CD: 00 NC, 01 and 11 WB that differ in their hints, 10 WT with read allocation.
fn table_level(field: u8, hints_01: Hints, hints_11: Hints) -> Cacheability {
    match field {
        0b01 => Cacheability::WriteBack(hints_01),
        0b10 => Cacheability::WriteThrough(READ),
        0b11 => Cacheability::WriteBack(hints_11),
        _ => Cacheability::NonCacheable,
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage1::ShareabilitySource;
    use super::super::stage2::Stage2Settings;
    use super::super::testing::ask;
    use super::*;
    use crate::layout::descriptor::Stage2Leaf;

    fn check(actual: Attributes, expected: &str) {
        assert_eq!(actual.to_string(), expected);
    }

    #[test]
    fn stream_table_fetches() {
        // TABLE_IC [7:6], TABLE_OC [9:8], TABLE_SH [11:10]; RA is bit 62 of STRTAB_BASE.
        let of = |cr1, base| stream_table(Cr1::from_bits(cr1), StrtabBase::from_bits(base));
        check(of(0xd40, 1 << 62), "Normal-iWB(RA,nWA)-oWB(RA,nWA)-ISH");
        check(of(0xd40, 0), "Normal-iWB(nRA,nWA)-oWB(nRA,nWA)-ISH");
        check(of(0x980, 1 << 62), "Normal-iWT(RA,nWA)-oWB(RA,nWA)-OSH");
        check(of(0x600, 1 << 62), "Normal-iNC-oWT(RA,nWA)-NSH");
        check(of(0xfc0, 1 << 62), "Normal-iNC-oNC-OSH");
        check(of(0x03f, 1 << 62), "Normal-iNC-oNC-OSH");
    }

    #[test]
    fn context_descriptor_fetches() {
        // S1CIR [3:2], S1COR [5:4], S1CSH [7:6].
        let of = |word| context_descriptor(SteWord1::from_bits(word));
        check(of(0xd4), "Normal-iWB(RA,nWA)-oWB(RA,nWA)-ISH");
        check(of(0xb8), "Normal-iWT(RA,nWA)-oWB(nRA,nWA)-OSH");
        check(of(0x60), "Normal-iNC-oWT(RA,nWA)-NSH");
        check(of(0xc3), "Normal-iNC-oNC-OSH");
    }

    #[test]
    fn table_walks() {
        check(table(1, 1, 3), "Normal-iWB(RA,WA)-oWB(RA,WA)-ISH");
        check(table(3, 2, 2), "Normal-iWB(RA,nWA)-oWT(RA,nWA)-OSH");
        check(table(0, 1, 0), "Normal-iNC-oWB(RA,WA)-NSH");
        check(table(0, 1, 1), "Normal-iNC-oWB(RA,WA)-NSH");
        check(table(0, 0, 3), "Normal-iNC-oNC-OSH");
    }

    #[test]
    fn walks_through_stage_2() {
        let page = |fwb, mem_attr: u64| {
            let shareability = ShareabilitySource::Descriptor;
            let settings = Stage2Settings { fwb, mteperm: false, shareability };
            ask([], |env| settings.decode(env, Stage2Leaf::from_bits(mem_attr << 2))).0
        };
        let walk = table(1, 1, 3);
        let uncached = table(0, 0, 0);
        let check = |own, page, device: bool, without_ptwnnc: &str, with_ptwnnc: &str| {
            assert_eq!(is_device(own, &page), device);
            check(nested(own, &page, false), without_ptwnnc);
            check(nested(own, &page, true), with_ptwnnc);
        };
        let (cached, none) = ("Normal-iWB(RA,WA)-oWB(RA,WA)-ISH", "Normal-iNC-oNC-OSH");
        for fwb in [false, true] {
            check(walk, page(fwb, 0b0000), true, "Device-nGnRnE-OSH", none);
            check(walk, page(fwb, 0b0011), true, "Device-GRE-OSH", none);
            check(walk, page(fwb, 0b0101), false, none, none);
            check(uncached, page(fwb, 0b1111), false, none, none);
        }
        check(walk, page(false, 0b1111), false, cached, cached);
        check(walk, page(true, 0b0111), false, cached, cached);
        check(walk, page(true, 0b0110), false, cached, cached);
        let forced = "Normal-iWB(RA,WA)-oWB(RA,WA)-OSH";
        check(uncached, page(true, 0b0110), false, forced, forced);
    }
}
