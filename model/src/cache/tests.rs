//! Which command removes which entry: every CMD_TLBI_* and CMD_CFGI_* against one entry of each kind.

use super::Born;
use super::configuration::{CachedCd, CachedSte, Configuration, Level1};
use super::entry::{Combined, Stage1Entry, Stage1Terms, Stage2Entry, Stage2Terms, TableEntry};
use super::tlb::{Tags, Tlb};
use crate::address::Pa;
use crate::attributes::MemoryType;
use crate::attributes::stage1::ShareabilitySource;
use crate::attributes::stage2::Stage2Settings;
use crate::command::effect::TagSetting;
use crate::command::{Cfgi, Pages, Range, Tlbi};
use crate::config::StreamWorld;
use crate::config::cd::{ContextSetting, Stage1Rules};
use crate::config::ste::StreamSetting;
use crate::ids::{Asid, Regime, StreamId, SubstreamId, Vmid};

const BORN: Born = Born { moment: 1, epoch: 0 };

fn stage1(size_bits: u8) -> Stage1Entry {
    Stage1Entry {
        leaf: 0x403,
        output: 0,
        size_bits,
        hierarchy: 0,
        terms: Stage1Terms {
            rules: Stage1Rules { two_levels: true, pan: false, epan: false, wxn: false },
            affd: false,
            ha: false,
            hd: false,
        },
        memory_type: MemoryType::WRITE_BACK,
        shareability: ShareabilitySource::Descriptor,
        aset: false,
        born: BORN,
    }
}

fn stage2(size_bits: u8) -> Stage2Entry {
    let attributes =
        Stage2Settings { fwb: false, mteperm: false, shareability: ShareabilitySource::Descriptor };
    let terms = Stage2Terms { affd: false, ha: false, hd: false, ptw: false, attributes };
    Stage2Entry { leaf: 0x403, output: 0, size_bits, terms, born: BORN }
}

fn table() -> TableEntry {
    TableEntry { next: 0x8000, hierarchy: 0, aset: false, born: BORN }
}

fn tags(regime: Regime, asid: Option<u16>) -> Tags {
    Tags::new(regime, asid.map(Asid), false)
}

fn el1() -> Tags {
    tags(Regime::NsEl1(Vmid(0x10)), Some(5))
}

fn el1_asid_6() -> Tags {
    tags(Regime::NsEl1(Vmid(0x10)), Some(6))
}

fn el1_vmid_11() -> Tags {
    tags(Regime::NsEl1(Vmid(0x11)), Some(5))
}

fn el2() -> Tags {
    tags(Regime::NsEl2, None)
}

fn e2h() -> Tags {
    tags(Regime::NsEl2E2h, Some(5))
}

/// One entry of each kind.
fn tlb() -> Tlb {
    let mut tlb = Tlb::default();
    for tags in [el1(), el1_asid_6(), el1_vmid_11(), el2(), e2h()] {
        tlb.insert_stage1(tags, 0x1000, true, stage1(12));
    }
    tlb.insert_stage1(el1(), 0x2000, false, stage1(12));
    tlb.insert_stage1(el1(), 0x20_0000, true, stage1(21));
    tlb.insert_stage1(el1(), 0x1_0000, true, stage1(16));
    tlb.insert_stage1_table(el1(), 0x1000, 21, table());
    tlb.insert_stage1_table(el1(), 0x1000, 30, table());
    tlb.insert_combined(el1(), 0x1000, true, Combined { stage1: stage1(12), stage2: stage2(12) });
    tlb.insert_combined(el1(), 0x20_1000, true, Combined { stage1: stage1(21), stage2: stage2(12) });
    for vmid in [0x10, 0x11] {
        tlb.insert_stage2(Vmid(vmid), 0x1000, stage2(12));
    }
    tlb.insert_stage2(Vmid(0x10), 0x20_0000, stage2(21));
    tlb.insert_stage2_table(Vmid(0x10), 0x1000, 21, table());
    tlb
}

/// What is left, by name: `a` a page of ASID 5, `6` of ASID 6, `v` of VMID 0x11, `h` of el2(), `e` of el2()-e2h(), `g` a global
/// one, `b` a block of 2 MiB and `k` a page of 64 KiB; `t` and `T` the tables of level 2 and 1; `c` a combined page and
/// `f` a part of a block; of stage 2, `i` a page, `V` of VMID 0x11, `I` a block and `u` a table.
fn left(tlb: &mut Tlb) -> String {
    let sizes = |size_bits: u8| 1 << size_bits;
    let present = [
        ('a', tlb.stage1(el1(), 0x1000).is_some()),
        ('6', tlb.stage1(el1_asid_6(), 0x1000).is_some()),
        ('v', tlb.stage1(el1_vmid_11(), 0x1000).is_some()),
        ('h', tlb.stage1(el2(), 0x1000).is_some()),
        ('e', tlb.stage1(e2h(), 0x1000).is_some()),
        ('g', tlb.stage1(el1_asid_6(), 0x2000).is_some()),
        ('b', tlb.stage1(el1(), 0x20_1000).is_some()),
        ('k', tlb.stage1(el1(), 0x1_2000).is_some()),
        ('t', tlb.stage1_table(el1(), 0x1000, sizes(21)).is_some()),
        ('T', tlb.stage1_table(el1(), 0x1000, sizes(30)).is_some()),
        ('c', tlb.combined(el1(), 0x1000).is_some()),
        ('f', tlb.combined(el1(), 0x20_1000).is_some()),
        ('i', tlb.stage2(Vmid(0x10), 0x1000).is_some()),
        ('V', tlb.stage2(Vmid(0x11), 0x1000).is_some()),
        ('I', tlb.stage2(Vmid(0x10), 0x20_0000).is_some()),
        ('u', tlb.stage2_table(Vmid(0x10), 0x1000, sizes(21)).is_some()),
    ];
    present.iter().filter(|(_, is_present)| *is_present).map(|(name, _)| *name).collect()
}

#[track_caller]
fn check(setting: TagSetting, command: Tlbi, expected: &str) {
    let mut tlb = tlb();
    let all = tlb.len();
    let removed = command.scope(setting).map_or(0, |scope| tlb.invalidate(&scope, 1));
    assert_eq!(left(&mut tlb), expected, "{command:?}");
    assert_eq!((removed, tlb.len()), (16 - expected.len(), all - removed), "{command:?}");
    if let Some(scope) = command.scope(setting) {
        let mut tlb = self::tlb();
        assert_eq!(tlb.invalidate(&scope, 0), 0, "{command:?} concerns what is older only");
    }
}

fn page(address: u64, leaf: bool) -> Pages {
    Pages { address, leaf, range: None }
}

fn range(address: u64, leaf: bool, log2_granule_bytes: u8, bytes: u64, level: u8) -> Pages {
    let level = (level != 0).then_some(level);
    Pages { address, leaf, range: Some(Range { log2_granule_bytes, bytes, level, is_128_bit: false }) }
}

const VMID: Vmid = Vmid(0x10);
const ASID: Asid = Asid(5);

#[test]
fn whole_regimes_and_asids() {
    let setting = TagSetting::default();
    check(setting, Tlbi::NhAll { vmid: VMID }, "vheiVIu");
    check(setting, Tlbi::NhAsid { vmid: VMID, asid: ASID }, "6vhegiVIu");
    check(setting, Tlbi::El2All, "a6vgbktTcfiVIu");
    check(setting, Tlbi::El2Asid { asid: ASID }, "a6vhgbktTcfiVIu");
    check(setting, Tlbi::El2Asid { asid: Asid(6) }, "a6vhegbktTcfiVIu");
    check(setting, Tlbi::S12Vmall { vmid: VMID }, "vheV");
    check(setting, Tlbi::NsnhAll, "he");
}

#[test]
fn addresses() {
    let setting = TagSetting::default();
    let by_va = |pages, expected| check(setting, Tlbi::NhVa { pages, vmid: VMID, asid: ASID }, expected);
    by_va(page(0x1000, true), "6vhegbktTfiVIu");
    by_va(page(0x1000, false), "6vhegbkfiVIu");
    by_va(page(0x2000, true), "a6vhebktTcfiVIu");
    // The whole block goes, and whatever part of it is combined with stage 2.
    by_va(page(0x3f_f000, true), "a6vhegktTciVIu");
    by_va(page(0x1_3000, true), "a6vhegbtTcfiVIu");
    check(setting, Tlbi::NhVaa { pages: page(0x1000, true), vmid: VMID }, "vhegbktTfiVIu");
    check(setting, Tlbi::S2Ipa { pages: page(0x1000, true), vmid: VMID }, "a6vhegbktTcfVIu");
    check(setting, Tlbi::S2Ipa { pages: page(0x1000, false), vmid: VMID }, "a6vhegbktTcfVI");
    check(setting, Tlbi::S2Ipa { pages: page(0x30_0000, true), vmid: VMID }, "a6vhegbktTcfiVu");
}

#[test]
fn ranges_and_levels() {
    let setting = TagSetting::default();
    let by_va = |pages, expected| check(setting, Tlbi::NhVa { pages, vmid: VMID, asid: ASID }, expected);
    by_va(range(0x1000, true, 12, 0x2000, 0), "6vhebktTfiVIu");
    by_va(range(0, true, 12, 0x40_0000, 0), "6vhektTiVIu");
    // Only the level that software names, and the tables above it.
    by_va(range(0, true, 12, 0x40_0000, 3), "6vhebktTfiVIu");
    by_va(range(0, false, 12, 0x40_0000, 2), "a6vhegktciVIu");
    by_va(range(0, false, 12, 0x40_0000, 3), "6vhebkfiVIu");
    // Only the granule that software names.
    by_va(range(0, false, 16, 0x1_0000_0000, 0), "a6vhegbtTcfiVIu");
    by_va(range(0, false, 14, 0x1_0000_0000, 0), "a6vhegbktTcfiVIu");
    check(setting, Tlbi::S2Ipa { pages: range(0, true, 12, 0x40_0000, 0), vmid: VMID }, "a6vhegbktTcfVu");
    let of_128_bit = Range { log2_granule_bytes: 12, bytes: 0x40_0000, level: Some(3), is_128_bit: true };
    let pages = Pages { range: Some(of_128_bit), ..page(0, false) };
    by_va(pages, "a6vhegbktTcfiVIu");
}

#[test]
fn e2h_selects_the_entries_of_el2() {
    let without = TagSetting::default();
    check(without, Tlbi::El2Va { pages: page(0x1000, true), asid: Asid(9) }, "a6vegbktTcfiVIu");
    check(without, Tlbi::El2Vaa { pages: page(0x1000, true) }, "a6vegbktTcfiVIu");
    let with = TagSetting { e2h: true, ..without };
    check(with, Tlbi::El2Va { pages: page(0x1000, true), asid: Asid(9) }, "a6vhegbktTcfiVIu");
    check(with, Tlbi::El2Va { pages: page(0x1000, true), asid: ASID }, "a6vhgbktTcfiVIu");
    check(with, Tlbi::El2Vaa { pages: page(0x1000, true) }, "a6vhgbktTcfiVIu");
}

#[test]
fn wildcards_of_vmids() {
    let with = |ignored| TagSetting { e2h: false, ignored };
    check(with(1), Tlbi::NhAsid { vmid: VMID, asid: ASID }, "6hegiVIu");
    check(with(15), Tlbi::S12Vmall { vmid: Vmid(0x1f) }, "he");
    check(with(15), Tlbi::S2Ipa { pages: page(0x1000, true), vmid: Vmid(0x1f) }, "a6vhegbktTcfIu");
}

#[test]
fn a_second_match_is_found() {
    let mut tlb = tlb();
    assert!(tlb.stage1(el1(), 0x1000).expect("it is there").other.is_none());
    tlb.insert_stage1(el1(), 0, true, stage1(21));
    let found = tlb.stage1(el1(), 0x1000).expect("it is there");
    assert_eq!((found.entry.size_bits, found.other.map(|other| other.size_bits)), (12, Some(21)));
    // A global one beside one of the ASID.
    tlb.insert_stage1(el1(), 0x20_0000, false, stage1(12));
    assert!(tlb.stage1(el1(), 0x20_0000).expect("it is there").other.is_some());
    tlb.drop_va(el1(), 0x20_0000);
    assert!(tlb.stage1(el1(), 0x20_0000).is_none());
}

/// STEs of streams 1, 2 and 0x41 with their CDs 0 and 70, and level 1 descriptors for 64 streams and 64 CDs.
fn configuration() -> Configuration {
    let mut cached = Configuration::default();
    for stream in [1, 2, 0x41].map(StreamId) {
        let setting = StreamSetting { e2h: false, atschk: false };
        cached.streams.insert_ste(stream, CachedSte::new([0; 8], setting, BORN));
        for index in [0, 70] {
            let setting = ContextSetting { world: StreamWorld::NsEl1, s1_stalld: false };
            cached.contexts.insert_cd(stream, index, CachedCd::new([0; 8], setting, BORN));
            cached.contexts.insert_level1(stream, index, level1());
        }
        cached.streams.insert_level1(stream, level1());
    }
    cached
}

fn level1() -> Level1 {
    Level1 { at: Pa::new(0), word: 0, log2_span: 6, born: BORN }
}

#[test]
fn configuration_by_command() {
    // What is left per stream: s its STE, S its L1STD, c and d its CDs, C and D its L1CDs.
    let check = |command: Cfgi, expected: &str| {
        let mut cached = configuration();
        cached.invalidate(command.structures(), 0);
        assert_eq!(cached.len(), configuration().len(), "{command:?} concerns what is older only");
        cached.invalidate(command.structures(), 1);
        let left = [1, 2, 0x41].map(StreamId).map(|stream| {
            let present = [
                ('s', cached.streams.find(stream).is_some()),
                ('S', cached.streams.level1(stream, 6).is_some()),
                ('c', cached.contexts.find(stream, 0).is_some()),
                ('C', cached.contexts.level1(stream, 63, 6).is_some()),
                ('d', cached.contexts.find(stream, 70).is_some()),
                ('D', cached.contexts.level1(stream, 64, 6).is_some()),
            ];
            let left: String = present.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
            format!("{}:{left}", stream.0)
        });
        assert_eq!(left.join(" "), expected, "{command:?}");
    };
    let (stream, all) = (StreamId(1), "2:sScCdD 65:sScCdD");
    check(Cfgi::Ste { stream, leaf: true }, &format!("1:S {all}"));
    check(Cfgi::Ste { stream, leaf: false }, "1: 2:scCdD 65:sScCdD");
    check(Cfgi::SteRange { first: StreamId(0), last: StreamId(1) }, "1: 2:scCdD 65:sScCdD");
    check(Cfgi::SteRange { first: StreamId(0x40), last: StreamId(0x7f) }, "1:sScCdD 2:sScCdD 65:");
    check(Cfgi::All, "1: 2: 65:");
    check(Cfgi::Cd { stream, index: SubstreamId(70), leaf: true }, &format!("1:sScCD {all}"));
    check(Cfgi::Cd { stream, index: SubstreamId(70), leaf: false }, &format!("1:sScC {all}"));
    check(Cfgi::Cd { stream, index: SubstreamId(5), leaf: false }, &format!("1:sScdD {all}"));
    check(Cfgi::CdAll { stream }, &format!("1:sS {all}"));
}
