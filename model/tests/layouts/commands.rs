//! Commands (chapter 4).

use smmu_model::layout::command::{Command, Opcode};
use smmu_model::layout::names;

use super::{accessors, check_names, check_typed, show};

/// Opcode, name, and the fields beside the opcode (§4.1.1, §4.2–§4.7).
const COMMANDS: &[(u8, &str, &str)] = &[
    (0x01, "PREFETCH_CONFIG", "SSec[10] SSV[11] SubstreamID[31:12] StreamID[63:32]"),
    (
        0x02,
        "PREFETCH_ADDR",
        "SSec[10] SSV[11] SubstreamID[31:12] StreamID[63:32] Size[68:64] Stride[73:69] NS[75] \
         Address[127:76]",
    ),
    (0x03, "CFGI_STE", "SSec[10] StreamID[63:32] Leaf[64]"),
    (0x04, "CFGI_STE_RANGE", "SSec[10] StreamID[63:32] Range[68:64]"),
    (0x05, "CFGI_CD", "SSec[10] SubstreamID[31:12] StreamID[63:32] Leaf[64]"),
    (0x06, "CFGI_CD_ALL", "SSec[10] StreamID[63:32]"),
    (0x07, "CFGI_VMS_PIDM", "SSec[10] VMID[47:32]"),
    (0x10, "TLBI_NH_ALL", "VMID[47:32]"),
    (0x11, "TLBI_NH_ASID", "VMID[47:32] ASID[63:48]"),
    (
        0x12,
        "TLBI_NH_VA",
        "NUM[16:12] SCALE[25:20] VMID[47:32] ASID[63:48] Leaf[64] TTL128[71] TTL[73:72] TG[75:74] \
         Address[127:76]",
    ),
    (
        0x13,
        "TLBI_NH_VAA",
        "NUM[16:12] SCALE[25:20] VMID[47:32] Leaf[64] TTL128[71] TTL[73:72] TG[75:74] Address[127:76]",
    ),
    (0x18, "TLBI_EL3_ALL", ""),
    (0x1a, "TLBI_EL3_VA", "NUM[16:12] SCALE[25:20] Leaf[64] TTL128[71] TTL[73:72] TG[75:74] Address[127:76]"),
    (0x20, "TLBI_EL2_ALL", ""),
    (0x21, "TLBI_EL2_ASID", "ASID[63:48]"),
    (
        0x22,
        "TLBI_EL2_VA",
        "NUM[16:12] SCALE[25:20] ASID[63:48] Leaf[64] TTL128[71] TTL[73:72] TG[75:74] Address[127:76]",
    ),
    (
        0x23,
        "TLBI_EL2_VAA",
        "NUM[16:12] SCALE[25:20] Leaf[64] TTL128[71] TTL[73:72] TG[75:74] Address[127:76]",
    ),
    (0x28, "TLBI_S12_VMALL", "VMID[47:32]"),
    (
        0x2a,
        "TLBI_S2_IPA",
        "NUM[16:12] SCALE[25:20] VMID[47:32] Leaf[64] TTL128[71] TTL[73:72] TG[75:74] Address[119:76]",
    ),
    (0x30, "TLBI_NSNH_ALL", ""),
    (0x40, "ATC_INV", "G[9] SSV[11] SubstreamID[31:12] StreamID[63:32] Size[69:64] Address[127:76]"),
    (0x41, "PRI_RESP", "SSV[11] SubstreamID[31:12] StreamID[63:32] PRGIndex[72:64] Resp[77:76]"),
    (0x44, "RESUME", "SSec[10] Ac[12] Ab[13] StreamID[63:32] STAG[79:64]"),
    (0x45, "STALL_TERM", "SSec[10] StreamID[63:32]"),
    (0x46, "SYNC", "CS[13:12] MSH[23:22] MSIAttr[27:24] MSIData[63:32] MSIAddress[119:66] MSI_NS[127]"),
    (0x50, "TLBI_S_EL2_ALL", ""),
    (0x51, "TLBI_S_EL2_ASID", "ASID[63:48]"),
    (
        0x52,
        "TLBI_S_EL2_VA",
        "NUM[16:12] SCALE[25:20] ASID[63:48] Leaf[64] TTL128[71] TTL[73:72] TG[75:74] Address[127:76]",
    ),
    (
        0x53,
        "TLBI_S_EL2_VAA",
        "NUM[16:12] SCALE[25:20] Leaf[64] TTL128[71] TTL[73:72] TG[75:74] Address[127:76]",
    ),
    (0x58, "TLBI_S_S12_VMALL", "VMID[47:32]"),
    (
        0x5a,
        "TLBI_S_S2_IPA",
        "NUM[16:12] SCALE[25:20] VMID[47:32] Leaf[64] NS[65] TTL128[71] TTL[73:72] TG[75:74] \
         Address[119:76]",
    ),
    (0x60, "TLBI_SNH_ALL", ""),
    (0x70, "DPTI_ALL", ""),
    (0x73, "DPTI_PA", "Leaf[64] SIZE[75:72] Address[119:76]"),
];

#[test]
fn names_are_where_the_specification_has_them() {
    assert_eq!(Opcode::ALL.len(), COMMANDS.len());
    for (opcode, (code, name, text)) in Opcode::ALL.iter().zip(COMMANDS) {
        assert_eq!((opcode.code(), opcode.name()), (*code, *name));
        assert_eq!(Opcode::from_code(*code), Some(*opcode));
        check_names::<2>(name, names::command(*opcode), text);
    }
}

#[test]
fn every_other_opcode_is_reserved() {
    let known = (0..=u8::MAX).filter(|code| Opcode::from_code(*code).is_some());
    assert_eq!(known.collect::<Vec<_>>(), COMMANDS.iter().map(|(code, ..)| *code).collect::<Vec<_>>());
}

#[test]
fn opcode() {
    check_typed::<2>(128, "Opcode[7:0]", accessors! { raw: "Opcode" Command(raw).code(), });
}

#[test]
fn commands_for_a_stream() {
    check_typed::<2>(
        128,
        "Opcode[7:0] G[9] SSec[10] SSV[11] SubstreamID[31:12] StreamID[63:32]",
        accessors! { raw:
            "Opcode" Command(raw).stream().opcode(),
            "G" Command(raw).stream().global(),
            "SSec" Command(raw).stream().ssec(),
            "SSV" Command(raw).stream().ssv(),
            "SubstreamID" Command(raw).stream().substream_id(),
            "StreamID" Command(raw).stream().stream_id(),
        },
    );
}

#[test]
fn tlb_invalidation() {
    check_typed::<2>(
        128,
        "Opcode[7:0] SSec[10] NUM[16:12] SCALE[25:20] VMID[47:32] ASID[63:48]
         Leaf[64] NS[65] TTL128[71] TTL[73:72] TG[75:74] Address[127:76]",
        accessors! { raw:
            "Opcode" Command(raw).tlbi0().opcode(),
            "SSec" Command(raw).tlbi0().ssec(),
            "NUM" Command(raw).tlbi0().num(),
            "SCALE" Command(raw).tlbi0().scale(),
            "VMID" Command(raw).tlbi0().vmid(),
            "ASID" Command(raw).tlbi0().asid(),
            "Leaf" Command(raw).tlbi1().leaf(),
            "NS" Command(raw).tlbi1().ns(),
            "TTL128" Command(raw).tlbi1().ttl128(),
            "TTL" Command(raw).tlbi1().ttl(),
            "TG" Command(raw).tlbi1().tg(),
            "Address" Command(raw).tlbi1().address(),
        },
    );
}

#[test]
fn synchronisation() {
    check_typed::<2>(
        128,
        "Opcode[7:0] CS[13:12] MSH[23:22] MSIAttr[27:24] MSIData[63:32] MSIAddress[119:66] MSI_NS[127]",
        accessors! { raw:
            "Opcode" Command(raw).sync0().opcode(),
            "CS" Command(raw).sync0().cs(),
            "MSH" Command(raw).sync0().msh(),
            "MSIAttr" Command(raw).sync0().msi_attr(),
            "MSIData" Command(raw).sync0().msi_data(),
            "MSIAddress" Command(raw).sync1().msi_address(),
            "MSI_NS" Command(raw).sync1().msi_ns(),
        },
    );
}

/// Queue entries of Linux 7.3; what is left over is the opcode.
#[test]
fn commands_of_a_linux_driver() {
    let cases = [
        ([0x4, 0x1f], Opcode::CfgiSteRange, "Range=0x1f rest0=0x4"),
        ([0x10_0000_0003, 0x1], Opcode::CfgiSte, "StreamID=0x10 Leaf=0x1 rest0=0x3"),
        ([0x10_0000_0005, 0x1], Opcode::CfgiCd, "StreamID=0x10 Leaf=0x1 rest0=0x5"),
        ([0x8_0000_0001, 0], Opcode::PrefetchConfig, "StreamID=0x8 rest0=0x1"),
        ([0x30, 0], Opcode::TlbiNsnhAll, "rest0=0x30"),
        (
            [0x0002_0000_0000_0012, 0xffff_c701],
            Opcode::TlbiNhVa,
            "ASID=0x2 Leaf=0x1 TTL=0x3 TG=0x1 Address=0xffffc000 rest0=0x12",
        ),
        (
            [0x2_0000_002a, 0xffff_c701],
            Opcode::TlbiS2Ipa,
            "VMID=0x2 Leaf=0x1 TTL=0x3 TG=0x1 Address=0xffffc000 rest0=0x2a",
        ),
        ([0x0fc0_2046, 0], Opcode::Sync, "CS=0x2 MSH=0x3 MSIAttr=0xf rest0=0x46"),
    ];
    for (words, opcode, expected) in cases {
        assert_eq!(Command(words).opcode(), Some(opcode));
        assert_eq!(show(names::command(opcode), &words), expected);
    }
}
