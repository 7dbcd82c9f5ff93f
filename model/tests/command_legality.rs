//! Which commands the Non-secure queue accepts (§4.1.1), and what their fields say (§4.2–§4.7).

mod common;

use std::ops::RangeInclusive;

use common::features;
use smmu_model::address::{Iova, Pa};
use smmu_model::ats::{InvalidateRequest, PrgResponse, ResponseCode};
use smmu_model::choice::Scripted;
use smmu_model::command::{
    Addresses, Cfgi, Decoded, Pages, Prefetch, Range, Resume, Signal, StallAction, Tlbi, decode,
};
use smmu_model::env::World;
use smmu_model::features::{Features, Preset, StallModel};
use smmu_model::ids::{Asid, StreamId, SubstreamId, Vmid};
use smmu_model::layout::command::Command;
use smmu_model::memory::SparseMemory;
use smmu_model::rule::{Effect, Rule};
use smmu_model::trace::Silence;

/// What a command needs, and the rules that refuse it without.
#[derive(Clone, Copy)]
enum Needs {
    Nothing,
    Stage1,
    Stage2,
    El2,
    Ats,
    Pri,
    Stall,
    Never(&'static str),
}

const RESERVED: Needs = Needs::Never("CMD-02");
const SECURE: Needs = Needs::Never("CMD-05");

/// The opcode table, every opcode once.
const OPCODES: &[(RangeInclusive<u8>, Needs)] = &[
    (0x00..=0x00, RESERVED),
    (0x01..=0x04, Needs::Nothing),
    (0x05..=0x06, Needs::Stage1),
    (0x07..=0x07, Needs::Never("CMD-09")),
    (0x08..=0x0f, RESERVED),
    (0x10..=0x13, Needs::Stage1),
    (0x14..=0x17, RESERVED),
    (0x18..=0x18, SECURE),
    (0x19..=0x19, RESERVED),
    (0x1a..=0x1a, SECURE),
    (0x1b..=0x1f, RESERVED),
    (0x20..=0x23, Needs::El2),
    (0x24..=0x27, RESERVED),
    (0x28..=0x28, Needs::Stage2),
    (0x29..=0x29, RESERVED),
    (0x2a..=0x2a, Needs::Stage2),
    (0x2b..=0x2f, RESERVED),
    (0x30..=0x30, Needs::Nothing),
    (0x31..=0x3f, RESERVED),
    (0x40..=0x40, Needs::Ats),
    (0x41..=0x41, Needs::Pri),
    (0x42..=0x43, RESERVED),
    (0x44..=0x45, Needs::Stall),
    (0x46..=0x46, Needs::Nothing),
    (0x47..=0x4f, RESERVED),
    (0x50..=0x53, SECURE),
    (0x54..=0x57, RESERVED),
    (0x58..=0x58, SECURE),
    (0x59..=0x59, RESERVED),
    (0x5a..=0x5a, SECURE),
    (0x5b..=0x5f, RESERVED),
    (0x60..=0x60, SECURE),
    (0x61..=0x6f, RESERVED),
    (0x70..=0x70, Needs::Never("CMD-14")),
    (0x71..=0x72, RESERVED),
    (0x73..=0x73, Needs::Never("CMD-14")),
    (0x74..=0x7f, RESERVED),
    (0x80..=0x8f, Needs::Never("CMD-03")),
    (0x90..=0xff, RESERVED),
];

fn refusal(needs: Needs, f: &Features) -> Option<&'static str> {
    match needs {
        Needs::Nothing => None,
        Needs::Stage1 => (!f.s1p).then_some("CMD-06"),
        Needs::Stage2 => (!f.s2p).then_some("CMD-07"),
        Needs::El2 if !f.s1p => Some("CMD-06"),
        Needs::El2 => (!f.hyp).then_some("CMD-08"),
        Needs::Ats => (!f.ats).then_some("CMD-10"),
        Needs::Pri => (!f.pri).then_some("CMD-11"),
        Needs::Stall => (f.stall_model == StallModel::TerminateOnly).then_some("CMD-13"),
        Needs::Never(rule) => Some(rule),
    }
}

const STAGE_1_ONLY: &str = "S2P=0 MTEPERM=0 PTWNNC=0 VMW=0 HYP=0 VATOS=0";
const STAGE_2_ONLY: &str = "S1P=0 AIE=0 HAD=0 PBHA=0 SSIDSIZE=0 PASIDTT=0 HYP=0 VATOS=0";

fn run(f: &Features, answers: &str, words: [u64; 2]) -> Result<Decoded, Rule> {
    let (mut memory, mut chooser) = (SparseMemory::new(), Scripted::default());
    for answer in answers.split_whitespace() {
        let (choice, answer) = answer.split_once('=').expect("choice=answer");
        chooser.fix(choice, answer).unwrap();
    }
    decode(&mut World { bus: &mut memory, chooser: &mut chooser, sink: &mut Silence }, f, Command(words))
}

#[test]
fn every_opcode_is_in_the_table_once() {
    let listed: Vec<u8> = OPCODES.iter().flat_map(|(codes, _)| codes.clone()).collect();
    assert_eq!(listed, (0..=255).collect::<Vec<u8>>());
}

#[test]
fn every_opcode_with_several_sets_of_features() {
    let stall_only = "STALL_MODEL=2";
    let no_stall = "STALL_MODEL=1 STALL_MAX=0";
    let sets = [
        features(Preset::Max, ""),
        features(Preset::Max, no_stall),
        features(Preset::Max, stall_only),
        features(Preset::Max, STAGE_1_ONLY),
        features(Preset::Max, STAGE_2_ONLY),
        features(Preset::Max, "PRI=0"),
        features(Preset::Qemu11_1, ""),
        features(Preset::Grace, ""),
    ];
    for f in &sets {
        for (codes, needs) in OPCODES {
            for code in codes.clone() {
                let decoded = run(f, "", [u64::from(code), 0]);
                assert_eq!(decoded.err().map(Rule::label), refusal(*needs, f), "{code:#x} with {:x?}", f.ids);
            }
        }
    }
}

#[track_caller]
fn check_refused(changes: &str, answers: &str, words: [u64; 2], label: &str) {
    let f = features(Preset::Max, changes);
    let rule = run(&f, answers, words).expect_err("legal");
    assert_eq!(rule.label(), label, "{words:x?}");
    assert!(matches!(rule.effect(), Effect::Command(_)));
}

#[track_caller]
fn check(changes: &str, words: [u64; 2], expected: Decoded) {
    let f = features(Preset::Max, changes);
    assert_eq!(run(&f, "command-reserved-bits=illegal", words), Ok(expected), "{words:x?}");
}

#[track_caller]
fn check_ignored(changes: &str, words: [u64; 2]) {
    let f = features(Preset::Max, changes);
    assert_eq!(run(&f, "", words), Ok(Decoded::Ignored(Rule::CommandOutOfRange)), "{words:x?}");
}

#[test]
fn ssec_is_illegal_wherever_it_is_a_field() {
    for code in [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x44, 0x45] {
        check_refused("", "", [0x400 | code, 0], "CMD-04");
    }
    // Elsewhere it is a reserved bit.
    for code in [0x10, 0x12, 0x30, 0x40, 0x41, 0x46] {
        assert!(run(&features(Preset::Max, ""), "", [0x400 | code, 0]).is_ok());
        check_refused("", "command-reserved-bits=illegal", [0x400 | code, 0], "CMD-17");
    }
}

#[test]
fn illegal_parameters() {
    check_refused("", "", [0x41, 0x3000], "CMD-12");
    check_refused("", "", [0x3046, 0], "CMD-15");
    check_refused("", "", [0x40, 53], "CMD-20");
    check_refused("", "", [0x40, 63], "CMD-20");
    let unknown_span = run(&features(Preset::Max, ""), "atc-inv-size=unknown", [0x40, 53]);
    assert_eq!(unknown_span, Ok(Decoded::Ignored(Rule::CommandOutOfRange)));
    // Illegal beats ignored: the StreamID is out of range besides.
    check_refused("SIDSIZE=8", "", [0xffff_0000_0000_0041, 0x3000], "CMD-12");
    check_refused("SIDSIZE=8", "command-reserved-bits=illegal", [0xffff_0000_0000_0003, 2], "CMD-17");
}

/// A granule with NUM, SCALE and TTL all zero is reserved (§4.4.1.1).
#[test]
fn range_invalidations() {
    for code in [0x12, 0x13, 0x22, 0x23, 0x2a] {
        for granule in [0x400, 0x800, 0xc00] {
            check_refused("", "", [code, granule], "CMD-16");
            assert!(run(&features(Preset::Max, ""), "", [code, granule | 0x200]).is_ok());
            // Without RIL these are reserved bits.
            let no_ril = features(Preset::Qemu11_1, "RIL=0 BBML=0 HYP=1");
            assert!(run(&no_ril, "", [code, granule]).is_ok());
            assert_eq!(
                run(&no_ril, "command-reserved-bits=illegal", [code, granule]),
                Err(Rule::CommandReservedBit)
            );
        }
    }
    let no_ds = "DS=0 VAX=0 OAS=5";
    // 16 KiB granules have a level 1 leaf only with DS.
    check_refused(no_ds, "", [0x12, 0x900], "CMD-16");
    assert!(run(&features(Preset::Max, ""), "", [0x12, 0x900]).is_ok());
    // Without DS bit 25 is no part of SCALE.
    check_refused(no_ds, "", [0x12 | 1 << 25, 0x400], "CMD-16");
    check_refused(no_ds, "command-reserved-bits=illegal", [0x12 | 1 << 25, 0x600], "CMD-17");
    // Without a granule NUM, SCALE and TTL are reserved.
    for words in [[0x1012, 0], [0x10_0012, 0], [0x12, 0x100], [0x12, 0x80]] {
        check_refused("", "command-reserved-bits=illegal", words, "CMD-17");
    }
}

#[test]
fn range_invalidation_fields() {
    let range = |log2_granule_bytes, bytes, level| Range {
        log2_granule_bytes: Some(log2_granule_bytes),
        bytes,
        level,
        is_128_bit: false,
    };
    let pages = |address, leaf, range| Pages { address, leaf, range };
    // ASID 0x1234, VMID 0x5678, NUM 3, SCALE 2, TG 4 KiB, TTL 2, leaf.
    let words = [0x1234_5678_0020_3012, 0xffff_1234_5678_9601];
    let four = Some(range(12, 4 << 14, Some(2)));
    let nh_va = |pages| Decoded::Tlbi(Tlbi::NhVa { pages, vmid: Vmid(0x5678), asid: Asid(0x1234) });
    check("", words, nh_va(pages(0xffff_1234_5678_9000, true, four)));
    // SCALE above 39 counts as 39.
    let words = [0x0000_0000_03f1_f013 & !0x1_0000 | 0x1_0000, 0xc00];
    let widest = Some(range(16, 32 << 55, None));
    check("", words, Decoded::Tlbi(Tlbi::NhVaa { pages: pages(0, false, widest), vmid: Vmid(0) }));
    // TTL128 says something from v3.4, and is reserved before.
    let words = [0x12, 0x680];
    let hinted = |is_128_bit| {
        let range = Range { bytes: 1 << 12, is_128_bit, ..range(12, 0, Some(2)) };
        Decoded::Tlbi(Tlbi::NhVa { pages: pages(0, false, Some(range)), vmid: Vmid(0), asid: Asid(0) })
    };
    check("", words, hinted(true));
    let old = features(Preset::Grace, "");
    assert_eq!(run(&old, "", words), Ok(hinted(false)));
    assert_eq!(run(&old, "command-reserved-bits=illegal", words), Err(Rule::CommandReservedBit));
    // An IPA has bits [55:12] from v3.4, [51:12] before.
    let words = [0x2a, 0x00ff_ffff_ffff_f000];
    check("", words, Decoded::Tlbi(Tlbi::S2Ipa { pages: pages(words[1], false, None), vmid: Vmid(0) }));
    assert_eq!(
        run(&old, "", words),
        Ok(Decoded::Tlbi(Tlbi::S2Ipa { pages: pages(0x000f_ffff_ffff_f000, false, None), vmid: Vmid(0) }))
    );
    assert_eq!(run(&old, "command-reserved-bits=illegal", words), Err(Rule::CommandReservedBit));
}

#[test]
fn decoded_fields() {
    let stream = StreamId(0x1234_5678);
    let substream = SubstreamId(0xabcde);
    let word = |low: u64| 0x1234_5678_0000_0000 | low;
    let prefetch = |substream, addresses| Decoded::Prefetch(Prefetch { stream, substream, addresses });
    check("", [word(0xabcd_e801), 0], prefetch(Some(substream), None));
    let first = Iova::new(0xffff_8000_1234_5000);
    let addresses = Addresses { first, log2_count: 0x1f, log2_stride_bytes: 12 + 9 };
    check("", [word(0x02), 0xffff_8000_1234_513f], prefetch(None, Some(addresses)));
    check("", [word(0x03), 1], Decoded::Cfgi(Cfgi::Ste { stream, leaf: true }));
    let (first, last) = (StreamId(0x1234_5670), StreamId(0x1234_567f));
    check("", [word(0x04), 3], Decoded::Cfgi(Cfgi::SteRange { first, last }));
    check("", [word(0x04), 31], Decoded::Cfgi(Cfgi::All));
    check("", [word(0xabcd_e005), 0], Decoded::Cfgi(Cfgi::Cd { stream, index: substream, leaf: false }));
    check("", [word(0x06), 0], Decoded::Cfgi(Cfgi::CdAll { stream }));
    check("", [0x5678_0000_0010, 0], Decoded::Tlbi(Tlbi::NhAll { vmid: Vmid(0x5678) }));
    let nh_asid = Tlbi::NhAsid { vmid: Vmid(0x5678), asid: Asid(0x1234) };
    check("", [0x1234_5678_0000_0011, 0], Decoded::Tlbi(nh_asid));
    check("", [0x20, 0], Decoded::Tlbi(Tlbi::El2All));
    check("", [0x1234_0000_0000_0021, 0], Decoded::Tlbi(Tlbi::El2Asid { asid: Asid(0x1234) }));
    let pages = Pages { address: 0x1000, leaf: false, range: None };
    check("", [0x1234_0000_0000_0022, 0x1000], Decoded::Tlbi(Tlbi::El2Va { pages, asid: Asid(0x1234) }));
    check("", [0x23, 0x1000], Decoded::Tlbi(Tlbi::El2Vaa { pages }));
    check("", [0x5678_0000_0028, 0], Decoded::Tlbi(Tlbi::S12Vmall { vmid: Vmid(0x5678) }));
    check("", [0x30, 0], Decoded::Tlbi(Tlbi::NsnhAll));
    let atc_inv = |substream, global, address, log2_span_bytes| {
        Decoded::AtcInv(InvalidateRequest { stream, substream, global, address, log2_span_bytes })
    };
    check(
        "",
        [word(0xabcd_ea40), 0xffff_1234_5678_9004],
        atc_inv(Some(substream), true, 0xffff_1234_5678_0000, 16),
    );
    check("", [word(0x240), 0xffff_1234_5678_9034], atc_inv(None, false, 0, 64));
    let response = PrgResponse { stream, substream: None, prg_index: 0x1ff, code: ResponseCode::Success };
    check("", [word(0x41), 0x21ff], Decoded::PriResp(response));
    for (low, action) in
        [(0x1044, StallAction::Retry), (0x44, StallAction::RazWi), (0x2044, StallAction::Abort)]
    {
        check("", [word(low), 0xbeef], Decoded::Resume(Resume { stream, stag: 0xbeef, action }));
    }
    let abort = Resume { stream, stag: 0, action: StallAction::Abort };
    check("TERM_MODEL=1", [word(0x44), 0], Decoded::Resume(abort));
    check("", [word(0x45), 0], Decoded::StallTerm(stream));
    check("", [0x46, 0], Decoded::Sync(Signal::None));
    let msi = Some((Pa::new(0x1234_5678_9abc), 0xdead_beef));
    check("", [0xdead_beef_0fc0_1046, 0x1234_5678_9abc], Decoded::Sync(Signal::Interrupt { msi }));
    check("", [0xdead_beef_0000_1046, 0], Decoded::Sync(Signal::Interrupt { msi: None }));
    check("", [0x2046, 0], Decoded::Sync(Signal::WakeUp));
    // The zero check is of the whole field, the write of what fits 52 bits.
    let msi = Some((Pa::new(0), 0));
    check("", [0x1046, 0x0010_0000_0000_0000], Decoded::Sync(Signal::Interrupt { msi }));
}

#[test]
fn every_reserved_bit_can_be_illegal() {
    // The bits with a field, of both words, while TG is 4 KiB and TTL is 3 where they are fields.
    let by_va = 0xffff_ffff_ffff_ff81;
    let fields: &[(u64, u64, u64)] = &[
        (0x01, 0xffff_ffff_ffff_fcff, 0),
        (0x02, 0xffff_ffff_ffff_fcff, 0xffff_ffff_ffff_f3ff),
        (0x03, 0xffff_ffff_0000_04ff, 1),
        (0x04, 0xffff_ffff_0000_04ff, 0x1f),
        (0x05, 0xffff_ffff_ffff_f4ff, 1),
        (0x06, 0xffff_ffff_0000_04ff, 0),
        (0x10, 0x0000_ffff_0000_00ff, 0),
        (0x11, 0xffff_ffff_0000_00ff, 0),
        (0x12, 0xffff_ffff_03f1_f0ff, by_va),
        (0x13, 0x0000_ffff_03f1_f0ff, by_va),
        (0x20, 0x0000_0000_0000_00ff, 0),
        (0x21, 0xffff_0000_0000_00ff, 0),
        (0x22, 0xffff_0000_03f1_f0ff, by_va),
        (0x23, 0x0000_0000_03f1_f0ff, by_va),
        (0x28, 0x0000_ffff_0000_00ff, 0),
        (0x2a, 0x0000_ffff_03f1_f0ff, by_va & 0x00ff_ffff_ffff_ffff),
        (0x30, 0x0000_0000_0000_00ff, 0),
        (0x40, 0xffff_ffff_ffff_faff, 0xffff_ffff_ffff_f03f),
        (0x41, 0xffff_ffff_ffff_f8ff, 0x31ff),
        (0x44, 0xffff_ffff_0000_34ff, 0xffff),
        (0x45, 0xffff_ffff_0000_04ff, 0),
        (0x46, 0xffff_ffff_0fc0_30ff, 0x00ff_ffff_ffff_fffc),
    ];
    let f = features(Preset::Max, "");
    for &(code, word0, word1) in fields {
        let base =
            if word1 & 0xf80 == 0xf80 && word0 & 0xf0_0000 == 0xf0_0000 && code < 0x40 { 0x700 } else { 0 };
        for bit in 0..128u32 {
            let mut words = [code, base];
            let (index, mask) = if bit < 64 { (0, 1 << bit) } else { (1, 1 << (bit - 64)) };
            if bit < 8 || words[index] & mask != 0 {
                continue;
            }
            words[index] |= mask;
            let refused = run(&f, "command-reserved-bits=illegal", words) == Err(Rule::CommandReservedBit);
            let is_field = [word0, word1][index] & mask != 0;
            assert_eq!(refused, !is_field, "bit {bit} of command {code:#x}");
        }
    }
}

#[test]
fn parameters_out_of_range_have_no_effect() {
    let narrow = "SIDSIZE=8 SSIDSIZE=4 ASID16=0 VMID16=0";
    for code in [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x40, 0x41, 0x44, 0x45] {
        check_ignored(narrow, [0x100_0000_0000 | code, 0]);
        assert!(
            matches!(run(&features(Preset::Max, narrow), "", [0xff_0000_0000 | code, 0]), Ok(decoded) if !matches!(decoded, Decoded::Ignored(_)))
        );
    }
    check_ignored(narrow, [0x1_0801, 0]);
    check_ignored(narrow, [0x1_0005, 0]);
    check_ignored("SSIDSIZE=0 PASIDTT=0", [0x801, 0]);
    check_ignored("SSIDSIZE=0 PASIDTT=0", [0x840, 0]);
    check_ignored(narrow, [0x0100_0000_0000_0011, 0]);
    check_ignored(narrow, [0x0100_0000_0010, 0]);
    check_ignored(narrow, [0x0100_0000_0028, 0]);
    check_ignored(STAGE_1_ONLY, [0x1_0000_0010, 0]);
    // A range starts in range or not.
    check(
        narrow,
        [0xff_0000_0004, 30],
        Decoded::Cfgi(Cfgi::SteRange { first: StreamId(0), last: StreamId(0x7fff_ffff) }),
    );
}
