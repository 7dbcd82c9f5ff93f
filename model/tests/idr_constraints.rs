//! The configuration against golden words, and every constraint broken alone (§6.3.1–§6.3.8, §6.3.45).

use smmu_model::features::{
    Constraint, FIELDS, Features, Httu, IdRegisters, NOT_JUDGED, Preset, Refusal, Revision, StallModel,
    TableEndianness, Unmodelled, violations,
};

/// `(label, start, changes that stay legal, changes that break exactly that label)`.
type Case = (&'static str, Preset, &'static str, &'static str);

use Preset::{Grace, Max, Qemu11_1 as Qemu};

const D128: &str = "D128=1 S1PI=1 S2PI=1 S2PO=1";
const STAGE_1_ONLY: &str = "S2P=0 MTEPERM=0 PTWNNC=0 VMW=0 HYP=0 VATOS=0";
const STAGE_2_ONLY: &str = "S1P=0 AIE=0 HAD=0 PBHA=0 SSIDSIZE=0 PASIDTT=0 HYP=0 VATOS=0";
const NO_ATS: &str = "ATS=0 PRI=0 ATSRECERR=0 PASIDTT=0";
const V3_0: &str = "ArchMinorRev=0 RIL=0 BBML=0 XNX=0";
const V3_3_D128: &str = "ArchMinorRev=3 D128=1 S1PI=1 S2PI=1 S2PO=1";

const CASES: &[Case] = &[
    ("V00", Max, "", "IDR0=0x888fb6bb"),
    ("V00", Max, "", "IDR3=0x00c3775c"),
    ("V00", Max, "", "IDR5=0xffff14f6"),
    ("V00", Max, "", "AIDR=0x104"),
    ("V01", Max, "", "TTF=0"),
    ("V02", Max, STAGE_2_ONLY, "S2P=0 MTEPERM=0 PTWNNC=0 VMW=0"),
    ("V03", Max, "TTF=3", "GRAN4K=0"),
    ("V04", Max, D128, "TTF=3"),
    ("V05", Max, D128, "S1PI=0"),
    ("V05", Max, D128, "S2PO=0"),
    ("V05", Max, D128, "AIE=0"),
    ("V05", Max, V3_3_D128, "MTEPERM=0"),
    ("V06", Max, "", "VAX=3"),
    ("V06", Max, "", "VAX=2"),
    ("V07", Max, "DS=0 OAS=5", "GRAN64K=0"),
    ("V08", Max, "", "VAX=0"),
    ("V08", Max, "GRAN4K=0", "GRAN16K=0"),
    ("V09", Max, "DS=0 VAX=0 GRAN64K=0 OAS=5", "OAS=6"),
    ("V09", Max, "", "OAS=7"),
    ("V10", Max, "DPT=1", "TTF=3"),
    ("V11", Max, "", "TTENDIAN=1"),
    ("V11", Max, "", "ST_LEVEL=2"),
    ("V11", Max, "", "ST_LEVEL=3"),
    ("V11", Max, "", "STALL_MODEL=3"),
    ("V11", Max, "", "BBML=3"),
    ("V12", Max, STAGE_2_ONLY, "AIE=1"),
    ("V12", Max, STAGE_2_ONLY, "THE=1 S2PI=1"),
    ("V12", Max, STAGE_2_ONLY, "S1PI=1"),
    ("V12", Max, STAGE_2_ONLY, "HAD=1"),
    ("V13", Max, STAGE_1_ONLY, "MTEPERM=1"),
    ("V13", Max, STAGE_1_ONLY, "S2PI=1"),
    ("V13", Max, STAGE_1_ONLY, "PTWNNC=1"),
    ("V13", Max, STAGE_1_ONLY, "VMW=1"),
    ("V14", Max, "THE=1 S2PI=1", "S2PI=0"),
    ("V15", Max, "S2PI=1", "S2PI=0 S2PO=1"),
    ("V16", Max, STAGE_1_ONLY, "HYP=1"),
    ("V16", Max, STAGE_2_ONLY, "NS1ATS=1"),
    ("V17", Max, STAGE_2_ONLY, "PBHA=1"),
    ("V18", Max, STAGE_2_ONLY, "SSIDSIZE=1"),
    ("V19", Max, NO_ATS, "PRI=1"),
    ("V19", Max, NO_ATS, "ATSRECERR=1"),
    ("V19", Max, NO_ATS, "NS1ATS=1"),
    ("V19", Max, NO_ATS, "PASIDTT=1"),
    ("V19", Max, NO_ATS, "DPT=1"),
    ("V20", Max, "SSIDSIZE=0 PASIDTT=0", "PASIDTT=1"),
    ("V20", Max, "SSIDSIZE=0 PASIDTT=0", "PPS=1"),
    ("V20", Max, "PRI=0", "PPS=1"),
    ("V21", Max, "ATOS=0 VATOS=0", "VATOS=1"),
    ("V21", Max, "VATOS=0", "BA_VATOS=1"),
    ("V21", Max, "S2P=0 MTEPERM=0 PTWNNC=0 VMW=0 HYP=0 VATOS=0", "VATOS=1"),
    ("V21", Max, "S1P=0 AIE=0 HAD=0 PBHA=0 SSIDSIZE=0 PASIDTT=0 HYP=0 VATOS=0", "VATOS=1"),
    ("V23", Max, "", "CMDQS=20"),
    ("V23", Max, "", "EVENTQS=20"),
    ("V23", Max, "PRI=0 PRIQS=31", "PRI=1"),
    ("V24", Max, "", "SSIDSIZE=21"),
    ("V24", Max, "", "SIDSIZE=33"),
    ("V25", Max, "SIDSIZE=6 ST_LEVEL=0", "SIDSIZE=7"),
    ("V27", Max, "STALL_MODEL=1 STALL_MAX=0", "STALL_MAX=1"),
    ("V28", Max, "REL=1 QUEUES_PRESET=1", "QUEUES_PRESET=0"),
    ("V29", Max, "ECMDQ=1", "COHACC=0"),
    ("V29", Max, "ECMDQ=1", "QUEUES_PRESET=1"),
    ("V30", Max, "ECMDQ=1", "MSI=0"),
    ("V31", Max, "ECMDQ=1 IDR6=0x08080000", "IDR6=0x09080000"),
    ("V31", Max, "ECMDQ=1 IDR6=0x08080000", "IDR6=0x08090000"),
    ("V31", Max, "", "IDR6=0x00010000"),
    ("V31", Max, "", "IDR6=0x01000000"),
    ("V35", Qemu, V3_0, "VAX=1"),
    ("V35", Qemu, V3_0, "XNX=1"),
    ("V35", Qemu, V3_0, "PBHA=1"),
    ("V35", Qemu, V3_0, "OAS=6"),
    ("V36", Qemu, "", "HAD=0"),
    ("V36", Qemu, "", "XNX=0"),
    ("V37", Max, "", "HYP=0"),
    ("V38", Max, "", "BBML=0"),
    ("V38", Max, "BBML=1", "RIL=0"),
    ("V38", Max, "", "FWB=0"),
    ("V39", Max, "", "E0PD=0"),
    ("V39", Max, "", "PTWNNC=0"),
    ("V40", Max, "", "EPAN=0"),
    ("V40", Max, "", "MTEPERM=0"),
    ("V41", Max, V3_3_D128, "OAS=7"),
    ("V42", Qemu, V3_0, "BBML=1"),
    ("V42", Qemu, V3_0, "RIL=1"),
    ("V42", Qemu, V3_0, "STT=1"),
    ("V42", Qemu, V3_0, "MPAM=1"),
    ("V42", Qemu, V3_0, "FWB=1"),
    ("V42", Qemu, "", "E0PD=1"),
    ("V42", Qemu, "", "PTWNNC=1"),
    ("V42", Qemu, "MSI=1", "ECMDQ=1"),
    ("V42", Qemu, "ATS=1", "ATSRECERR=1"),
    ("V42", Qemu, "ATS=1", "DPT=1"),
    ("V42", Qemu, "", "RME_IMPL=1"),
    ("V42", Grace, "", "HTTU=3"),
    ("V42", Grace, "", "EPAN=1"),
    ("V42", Grace, "", "THE=1 S2PI=1"),
    ("V42", Grace, "", "S1PI=1"),
    ("V42", Grace, "", "S2PI=1"),
    ("V42", Grace, "", "S2PI=1 S2PO=1"),
    ("V42", Grace, "", "AIE=1"),
    ("V42", Grace, "", "MTEPERM=1"),
    ("V42", Grace, "", "PASIDTT=1"),
    ("V42", Grace, "VAX=1", "DS=1"),
    ("V42", Grace, "", "D128=1 S1PI=1 S2PI=1 S2PO=1 AIE=1 MTEPERM=1"),
    ("V42", Grace, "", "D128=1 S1PI=1 S2PI=1 S2PO=1 AIE=1 MTEPERM=1 VAX=2"),
];

#[test]
fn each_constraint_broken_alone_is_the_only_one_reported() {
    for (label, start, legal, broken) in CASES {
        let mut ids = changed(start.id_registers(), legal);
        assert_eq!(labels(&ids), [""; 0], "{label}: {} with {legal}", start.name());
        ids = changed(ids, broken);
        assert_eq!(labels(&ids), [*label], "{label}: {} with {legal}, then {broken}", start.name());
    }
}

#[test]
fn every_label_is_broken_by_a_case_or_listed_as_not_judged() {
    for constraint in Constraint::ALL {
        assert!(
            CASES.iter().any(|case| case.0 == constraint.label()),
            "no case breaks {}",
            constraint.label()
        );
    }
    let judged = Constraint::ALL.iter().map(|constraint| constraint.label().to_owned());
    let mut all: Vec<String> =
        judged.chain(NOT_JUDGED.iter().map(|(label, _)| (*label).to_owned())).collect();
    all.sort();
    let expected: Vec<String> = (0..=50).map(|number| format!("V{number:02}")).collect();
    assert_eq!(all, expected);
}

#[test]
fn all_violations_are_listed_with_their_values() {
    let ids = changed(Max.id_registers(), "TTF=0 VAX=0 THE=1 S2PI=1");
    let said: Vec<String> = Features::new(ids).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "V01 (§6.3.1): TTF names a translation table format, 00 is reserved; here IDR0.TTF = 0x0",
            "V08 (§6.3.6): DS = 1 needs VAX >= 1 and a 4K or 16K granule; here IDR5.DS = 0x1, IDR5.VAX = 0x0, \
             IDR5.GRAN4K = 0x1, IDR5.GRAN16K = 0x1",
            "not modelled (§3.26.2): stage 2 permissions are direct only; here IDR3.S2PI = 0x1",
            "not modelled (§3.27): stage 2 does not distinguish protected and checked tables; here IDR3.THE = 0x1",
        ]
    );
    // Each row of each table must be printable, since its field names are text.
    for (_, start, legal, broken) in CASES {
        let ids = changed(changed(start.id_registers(), legal), broken);
        assert!(
            Features::new(ids).unwrap_err().iter().all(|refusal| refusal.to_string().contains("; here "))
        );
    }
    let too_new = changed(Grace.id_registers(), "EPAN=1");
    let said = Features::new(too_new).unwrap_err()[0].to_string();
    assert!(said.ends_with("; here AIDR.ArchMinorRev = 0x2, IDR3.EPAN = 0x1"), "{said}");
}

#[test]
fn legal_features_that_are_not_modelled_are_refused_by_name() {
    use Unmodelled as U;
    let cases: &[(&str, &[Unmodelled])] = &[
        ("ArchMinorRev=5", &[U::LaterRevision]),
        ("ArchMajorRev=1", &[U::LaterRevision]),
        ("TTF=3", &[U::Lpae]),
        ("TTF=1", &[U::Lpae]),
        ("RME_IMPL=1", &[U::Rme]),
        ("TABLES_PRESET=1", &[U::Presets]),
        ("QUEUES_PRESET=1 REL=1", &[U::Presets]),
        ("MPAM=1", &[U::Mpam]),
        ("DPT=1", &[U::Dpt]),
        ("S1PI=1", &[U::S1pi]),
        ("S2PI=1", &[U::S2pi]),
        ("S2PI=1 S2PO=1", &[U::S2pi, U::S2po]),
        ("S2PI=1 THE=1", &[U::S2pi, U::The]),
        (D128, &[U::S1pi, U::S2pi, U::S2po, U::D128]),
    ];
    for (changes, expected) in cases {
        let refusals = Features::new(changed(Max.id_registers(), changes)).unwrap_err();
        let named: Vec<Unmodelled> = refusals
            .iter()
            .map(|refusal| match refusal {
                Refusal::Unmodelled { feature, .. } => *feature,
                Refusal::Violation(violation) => panic!("{changes}: {violation}"),
            })
            .collect();
        assert_eq!(named, *expected, "{changes}");
    }
    assert!(Unmodelled::ALL.iter().all(|feature| cases.iter().any(|(_, named)| named.contains(feature))));
}

#[test]
fn each_supported_choice_is_accepted() {
    let changes = "HTTU=0|HTTU=1|HTTU=3|STALL_MODEL=2|STALL_MODEL=1 STALL_MAX=0|TTENDIAN=2|TTENDIAN=3|ATOS=1|\
                   ATOS=1 VATOS=1 BA_VATOS=0x3ff|SEV=1|DORMHINT=1|PPS=1|NS1ATS=1|OAS=0|IDR4=0xffffffff|\
                   IIDR=0xffffffff|SIDSIZE=0 ST_LEVEL=0|CMDQS=0 EVENTQS=0 PRIQS=0|ECMDQ=1|\
                   ECMDQ=1 CMDQ_CONTROL_PAGE_LOG2NUMP=8 CMDQ_CONTROL_PAGE_LOG2NUMQ=8";
    for change in changes.split('|').chain([STAGE_1_ONLY, STAGE_2_ONLY, NO_ATS]) {
        Features::new(changed(Max.id_registers(), change))
            .unwrap_or_else(|refusals| panic!("{change}: {refusals:?}"));
    }
}

/// One bit or some two bits away from a legal configuration, the answer is a decoded value or printable reasons.
#[test]
fn no_words_make_it_panic() {
    let bits = 9 * 32;
    let pairs = (0..bits).flat_map(|first| (first..bits).step_by(5).map(move |second| (first, second)));
    for (first, second) in pairs {
        let mut words = [0x089f_b6bb, 0x0e73_9d20, 0, 0x00c3_771c, 0, 0xffff_04f6, 0, 0, 4_u32];
        words[first / 32] ^= 1 << (first % 32);
        if first != second {
            words[second / 32] ^= 1 << (second % 32);
        }
        let [idr @ .., iidr, aidr] = words;
        if let Err(refusals) = Features::new(IdRegisters { idr, iidr, aidr }) {
            assert!(refusals.iter().all(|refusal| !refusal.to_string().is_empty()));
        }
    }
}

#[test]
fn presets_have_their_words_and_are_accepted() {
    let words = |preset: Preset| preset.id_registers().idr;
    assert_eq!(words(Max), [0x089f_b6bb, 0x0e73_9d20, 0, 0x00c3_771c, 0, 0xffff_04f6, 0]);
    assert_eq!(words(Qemu), [0x0d44_101b, 0x0273_0010, 0, 0x0000_1414, 0, 0x0000_0074, 0]);
    assert_eq!(words(Grace), [0x0c0f_36bb, 0x0e73_9d18, 0, 0x0000_1714, 0, 0x0040_0075, 0]);
    assert_eq!([Max, Qemu, Grace].map(|preset| preset.id_registers().aidr), [4, 1, 2]);
    for preset in Preset::ALL {
        assert!(Features::new(preset.id_registers()).is_ok(), "{}", preset.name());
        assert_eq!(Preset::from_name(preset.name()), Some(*preset));
    }
    assert_eq!(Preset::from_name("Max"), None);
}

#[test]
fn presets_decode_to_what_their_words_say() {
    let max = Features::new(Max.id_registers()).unwrap();
    assert_eq!((max.revision, max.oas_bits, max.ias_bits, max.vax_bits), (Revision::V3_4, 52, 52, 52));
    assert_eq!((max.sid_bits, max.ssid_bits, max.stall_max, max.bbml), (32, 20, 0xffff, 2));
    assert_eq!((max.cmdq_log2_max, max.eventq_log2_max, max.priq_log2_max), (19, 19, 19));
    assert_eq!((max.httu, max.stall_model), (Httu::AccessAndDirty, StallModel::StallAndTerminate));
    assert!(max.granule_4k && max.granule_16k && max.granule_64k && max.ds && max.stt && max.pasidtt);

    let qemu = Features::new(Qemu.id_registers()).unwrap();
    assert_eq!((qemu.revision, qemu.oas_bits, qemu.ias_bits, qemu.vax_bits), (Revision::V3_1, 44, 44, 48));
    assert_eq!((qemu.sid_bits, qemu.ssid_bits, qemu.stall_max, qemu.bbml), (16, 0, 0, 2));
    assert_eq!((qemu.cmdq_log2_max, qemu.eventq_log2_max, qemu.priq_log2_max), (19, 19, 0));
    assert_eq!((qemu.httu, qemu.stall_model), (Httu::None, StallModel::TerminateOnly));
    assert_eq!(qemu.table_endianness, TableEndianness::LittleOnly);
    assert!(qemu.term_abort_only && qemu.two_level_stream_table && qemu.vmid16 && qemu.asid16 && qemu.cohacc);
    assert!(!(qemu.hyp || qemu.ats || qemu.pri || qemu.msi || qemu.btm || qemu.two_level_cd || qemu.fwb));

    let grace = Features::new(Grace.id_registers()).unwrap();
    assert_eq!(
        (grace.revision, grace.oas_bits, grace.ias_bits, grace.vax_bits),
        (Revision::V3_2, 48, 48, 48)
    );
    assert_eq!((grace.sid_bits, grace.ssid_bits, grace.stall_max, grace.bbml), (24, 20, 64, 2));
    assert!(
        Revision::V3_0 < qemu.revision && qemu.revision < grace.revision && grace.revision < max.revision
    );
}

/// `(name, word, the bits of the field)`: words 0 to 6 are IDR0 to IDR6, 7 is IIDR, 8 is AIDR.
const GOLDEN: &[(&str, usize, u32)] = &[
    ("IDR0.RME_IMPL", 0, 0x4000_0000),
    ("IDR0.ST_LEVEL", 0, 0x1800_0000),
    ("IDR0.TERM_MODEL", 0, 0x0400_0000),
    ("IDR0.STALL_MODEL", 0, 0x0300_0000),
    ("IDR0.ATSRECERR", 0, 0x0080_0000),
    ("IDR0.TTENDIAN", 0, 0x0060_0000),
    ("IDR0.VATOS", 0, 0x0010_0000),
    ("IDR0.CD2L", 0, 0x0008_0000),
    ("IDR0.VMID16", 0, 0x0004_0000),
    ("IDR0.VMW", 0, 0x0002_0000),
    ("IDR0.PRI", 0, 0x0001_0000),
    ("IDR0.ATOS", 0, 0x0000_8000),
    ("IDR0.SEV", 0, 0x0000_4000),
    ("IDR0.MSI", 0, 0x0000_2000),
    ("IDR0.ASID16", 0, 0x0000_1000),
    ("IDR0.NS1ATS", 0, 0x0000_0800),
    ("IDR0.ATS", 0, 0x0000_0400),
    ("IDR0.HYP", 0, 0x0000_0200),
    ("IDR0.DORMHINT", 0, 0x0000_0100),
    ("IDR0.HTTU", 0, 0x0000_00c0),
    ("IDR0.BTM", 0, 0x0000_0020),
    ("IDR0.COHACC", 0, 0x0000_0010),
    ("IDR0.TTF", 0, 0x0000_000c),
    ("IDR0.S1P", 0, 0x0000_0002),
    ("IDR0.S2P", 0, 0x0000_0001),
    ("IDR1.ECMDQ", 1, 0x8000_0000),
    ("IDR1.TABLES_PRESET", 1, 0x4000_0000),
    ("IDR1.QUEUES_PRESET", 1, 0x2000_0000),
    ("IDR1.REL", 1, 0x1000_0000),
    ("IDR1.ATTR_TYPES_OVR", 1, 0x0800_0000),
    ("IDR1.ATTR_PERMS_OVR", 1, 0x0400_0000),
    ("IDR1.CMDQS", 1, 0x03e0_0000),
    ("IDR1.EVENTQS", 1, 0x001f_0000),
    ("IDR1.PRIQS", 1, 0x0000_f800),
    ("IDR1.SSIDSIZE", 1, 0x0000_07c0),
    ("IDR1.SIDSIZE", 1, 0x0000_003f),
    ("IDR2.BA_VATOS", 2, 0x0000_03ff),
    ("IDR3.AIE", 3, 0x0080_0000),
    ("IDR3.MTEPERM", 3, 0x0040_0000),
    ("IDR3.THE", 3, 0x0020_0000),
    ("IDR3.S2PO", 3, 0x0010_0000),
    ("IDR3.S2PI", 3, 0x0008_0000),
    ("IDR3.S1PI", 3, 0x0004_0000),
    ("IDR3.EPAN", 3, 0x0002_0000),
    ("IDR3.PASIDTT", 3, 0x0001_0000),
    ("IDR3.DPT", 3, 0x0000_8000),
    ("IDR3.PTWNNC", 3, 0x0000_4000),
    ("IDR3.E0PD", 3, 0x0000_2000),
    ("IDR3.BBML", 3, 0x0000_1800),
    ("IDR3.RIL", 3, 0x0000_0400),
    ("IDR3.STT", 3, 0x0000_0200),
    ("IDR3.FWB", 3, 0x0000_0100),
    ("IDR3.MPAM", 3, 0x0000_0080),
    ("IDR3.PPS", 3, 0x0000_0020),
    ("IDR3.XNX", 3, 0x0000_0010),
    ("IDR3.PBHA", 3, 0x0000_0008),
    ("IDR3.HAD", 3, 0x0000_0004),
    ("IDR5.STALL_MAX", 5, 0xffff_0000),
    ("IDR5.VAX", 5, 0x0000_0c00),
    ("IDR5.D128", 5, 0x0000_0100),
    ("IDR5.DS", 5, 0x0000_0080),
    ("IDR5.GRAN64K", 5, 0x0000_0040),
    ("IDR5.GRAN16K", 5, 0x0000_0020),
    ("IDR5.GRAN4K", 5, 0x0000_0010),
    ("IDR5.OAS", 5, 0x0000_0007),
    ("IDR6.CMDQ_CONTROL_PAGE_LOG2NUMP", 6, 0x0f00_0000),
    ("IDR6.CMDQ_CONTROL_PAGE_LOG2NUMQ", 6, 0x000f_0000),
    ("IIDR.ProductID", 7, 0xfff0_0000),
    ("IIDR.Variant", 7, 0x000f_0000),
    ("IIDR.Revision", 7, 0x0000_f000),
    ("IIDR.Implementer", 7, 0x0000_0fff),
    ("AIDR.ArchMajorRev", 8, 0x0000_00f0),
    ("AIDR.ArchMinorRev", 8, 0x0000_000f),
];

#[test]
fn every_field_lies_at_its_golden_place() {
    let all_words = |ids: &IdRegisters| [ids.idr.as_slice(), &[ids.iidr, ids.aidr]].concat();
    for (name, word, bits) in GOLDEN {
        let ones = u64::from(bits >> bits.trailing_zeros());
        let mut expected = [0; 9];
        expected[*word] = *bits;
        let mut ids = IdRegisters::default();
        ids.set_field(name, ones).unwrap();
        assert_eq!(all_words(&ids), expected, "{name}");

        let [all_but @ .., iidr, aidr] = expected.map(|word| !word);
        let ids = IdRegisters { idr: all_but, iidr, aidr };
        assert_eq!(ids.field(name), Ok(0), "{name}");
    }
    let names: Vec<&str> =
        FIELDS.iter().filter(|field| !field.is_register()).map(|field| field.name).collect();
    assert_eq!(names, GOLDEN.iter().map(|golden| golden.0).collect::<Vec<_>>());
}

fn labels(ids: &IdRegisters) -> Vec<&'static str> {
    violations(ids).iter().map(|violation| violation.constraint.label()).collect()
}

/// Applies `NAME=value NAME=value`.
fn changed(mut ids: IdRegisters, changes: &str) -> IdRegisters {
    for change in changes.split_whitespace() {
        let (name, text) = change.split_once('=').unwrap();
        let value = match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).unwrap(),
            None => text.parse().unwrap(),
        };
        ids.set_field(name, value).unwrap();
    }
    ids
}
