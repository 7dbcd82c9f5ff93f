//! Event records (§7.3).

use smmu_model::layout::event::{AtsRequestWord1, EventCode, EventRecord};
use smmu_model::layout::names;

use super::{accessors, check_names, check_typed, show};

/// Number, name, and the fields beside the number (§7.3.2–§7.3.20).
const EVENTS: &[(u8, &str, &str)] = &[
    (
        0x01,
        "F_UUT",
        "SSV[11] SubstreamID[31:12] StreamID[63:32] Reason[79:64] PnU[97] InD[98] RnW[99] \
         InputAddr[191:128]",
    ),
    (0x02, "C_BAD_STREAMID", "SSV[11] SubstreamID[31:12] StreamID[63:32]"),
    (
        0x03,
        "F_STE_FETCH",
        "SSV[11] SubstreamID[31:12] StreamID[63:32] Reason[79:64] GPCF[80] FetchAddr[247:195]",
    ),
    (0x04, "C_BAD_STE", "SSV[11] SubstreamID[31:12] StreamID[63:32]"),
    (
        0x05,
        "F_BAD_ATS_TREQ",
        "SSV[11] SubstreamID[31:12] StreamID[63:32] Span[67:64] P[92] X[93] W[94] R[95] \
         InputAddr[191:140]",
    ),
    (0x06, "F_STREAM_DISABLED", "StreamID[63:32]"),
    (0x07, "F_TRANSL_FORBIDDEN", "StreamID[63:32] RnW[99] InputAddr[191:128]"),
    (0x08, "C_BAD_SUBSTREAMID", "SubstreamID[31:12] StreamID[63:32]"),
    (
        0x09,
        "F_CD_FETCH",
        "SSV[11] SubstreamID[31:12] StreamID[63:32] Reason[79:64] GPCF[80] FetchAddr[247:195]",
    ),
    (0x0a, "C_BAD_CD", "SSV[11] SubstreamID[31:12] StreamID[63:32]"),
    (
        0x0b,
        "F_WALK_EABT",
        "SSV[11] SubstreamID[31:12] StreamID[63:32] Reason[79:64] GPCF[80] PnU[97] InD[98] RnW[99] \
         NSIPA[102] S2[103] CLASS[105:104] InputAddr[191:128] FetchAddr[247:195]",
    ),
    (
        0x10,
        "F_TRANSLATION",
        "SSV[11] SubstreamID[31:12] StreamID[63:32] STAG[79:64] Stall[95] PnU[97] InD[98] RnW[99] \
         NSIPA[102] S2[103] CLASS[105:104] IMPL_DEF[127:112] InputAddr[191:128] IPA[247:204]",
    ),
    (
        0x11,
        "F_ADDR_SIZE",
        "SSV[11] SubstreamID[31:12] StreamID[63:32] STAG[79:64] Stall[95] PnU[97] InD[98] RnW[99] \
         NSIPA[102] S2[103] CLASS[105:104] IMPL_DEF[127:112] InputAddr[191:128] IPA[247:204]",
    ),
    (
        0x12,
        "F_ACCESS",
        "SSV[11] SubstreamID[31:12] StreamID[63:32] STAG[79:64] Stall[95] PnU[97] InD[98] RnW[99] \
         NSIPA[102] S2[103] CLASS[105:104] IMPL_DEF[127:112] InputAddr[191:128] IPA[247:204]",
    ),
    (
        0x13,
        "F_PERMISSION",
        "SSV[11] SubstreamID[31:12] StreamID[63:32] STAG[79:64] Stall[95] PnU[97] InD[98] RnW[99] \
         NSIPA[102] S2[103] CLASS[105:104] DirtyBit[106] AssuredOnly[107] TTRnW[108] Overlay[109] \
         IMPL_DEF[127:112] InputAddr[191:128] IPA[247:204]",
    ),
    (
        0x20,
        "F_TLB_CONFLICT",
        "SSV[11] SubstreamID[31:12] StreamID[63:32] Reason[95:64] PnU[97] InD[98] RnW[99] NSIPA[102] \
         S2[103] InputAddr[191:128] IPA[247:204]",
    ),
    (0x21, "F_CFG_CONFLICT", "SSV[11] SubstreamID[31:12] StreamID[63:32] Reason[95:64]"),
    (
        0x24,
        "E_PAGE_REQUEST",
        "SSV[11] SubstreamID[31:12] StreamID[63:32] uX[97] uW[98] uR[99] pX[101] pW[102] pR[103] \
         Span[115:108] InputAddr[191:140]",
    ),
    (
        0x25,
        "F_VMS_FETCH",
        "SSV[11] SubstreamID[31:12] StreamID[63:32] Reason[79:64] GPCF[80] FetchAddr[247:195]",
    ),
];

#[test]
fn names_are_where_the_specification_has_them() {
    assert_eq!(EventCode::ALL.len(), EVENTS.len());
    for (event, (code, name, text)) in EventCode::ALL.iter().zip(EVENTS) {
        assert_eq!((event.code(), event.name()), (*code, *name));
        assert_eq!(EventCode::from_code(*code), Some(*event));
        check_names::<4>(name, names::event(*event), text);
    }
}

#[test]
fn every_other_number_is_reserved() {
    let known = (0..=u8::MAX).filter(|code| EventCode::from_code(*code).is_some());
    assert_eq!(known.collect::<Vec<_>>(), EVENTS.iter().map(|(code, ..)| *code).collect::<Vec<_>>());
}

/// The common fields (§7.3) and those of F_PERMISSION (§7.3.16).
#[test]
fn typed_words() {
    check_typed::<4>(
        256,
        "Number[7:0] SSV[11] SubstreamID[31:12] StreamID[63:32] STAG[79:64] GPCF[80] Stall[95] PnU[97] InD[98]
         RnW[99] NSIPA[102] S2[103] CLASS[105:104] DirtyBit[106] AssuredOnly[107] TTRnW[108] Overlay[109]
         IMPL_DEF[127:112]",
        accessors! { raw:
            "Number" EventRecord(raw).word0().event_number(),
            "SSV" EventRecord(raw).word0().ssv(),
            "SubstreamID" EventRecord(raw).word0().substream_id(),
            "StreamID" EventRecord(raw).word0().stream_id(),
            "STAG" EventRecord(raw).word1().stag(),
            "GPCF" EventRecord(raw).word1().gpcf(),
            "Stall" EventRecord(raw).word1().stall(),
            "PnU" EventRecord(raw).word1().pnu(),
            "InD" EventRecord(raw).word1().ind(),
            "RnW" EventRecord(raw).word1().rnw(),
            "NSIPA" EventRecord(raw).word1().nsipa(),
            "S2" EventRecord(raw).word1().s2(),
            "CLASS" EventRecord(raw).word1().class(),
            "DirtyBit" EventRecord(raw).word1().dirty_bit(),
            "AssuredOnly" EventRecord(raw).word1().assured_only(),
            "TTRnW" EventRecord(raw).word1().ttrnw(),
            "Overlay" EventRecord(raw).word1().overlay(),
            "IMPL_DEF" EventRecord(raw).word1().impl_def(),
        },
    );
}

#[test]
fn what_a_translation_request_asked_for() {
    check_typed::<4>(
        256,
        "Span[67:64] P[92] X[93] W[94] R[95]",
        accessors! { raw:
            "Span" AtsRequestWord1::from_bits(raw[1]).span(),
            "P" AtsRequestWord1::from_bits(raw[1]).privileged(),
            "X" AtsRequestWord1::from_bits(raw[1]).x(),
            "W" AtsRequestWord1::from_bits(raw[1]).w(),
            "R" AtsRequestWord1::from_bits(raw[1]).r(),
        },
    );
}

/// A stalled privileged read of stream 0x80, substream 5, that stage 2 has no entry for.
#[test]
fn a_record_as_bytes() {
    let bytes = [
        0x10, 0x58, 0x00, 0x00, 0x80, 0x00, 0x00, 0x00, // SSV is bit 3 of byte 1
        0x07, 0x00, 0x00, 0x80, 0x8a, 0x02, 0x34, 0x12, // RnW is bit 3 of byte 12
        0x78, 0x56, 0x34, 0x12, 0xff, 0xff, 0x00, 0x00, //
        0x00, 0x20, 0x7d, 0x91, 0x00, 0x00, 0x00, 0x00,
    ];
    let record = EventRecord::from_bytes(bytes);
    assert_eq!(record.event_code(), Some(EventCode::FTranslation));
    assert_eq!(
        show(names::event(EventCode::FTranslation), &record.0),
        "SSV=0x1 SubstreamID=0x5 StreamID=0x80 STAG=0x7 Stall=0x1 PnU=0x1 RnW=0x1 S2=0x1 CLASS=0x2 \
         IMPL_DEF=0x1234 InputAddr=0xffff12345678 IPA=0x917d2000 rest0=0x10"
    );
    assert_eq!(record.to_bytes(), bytes);
}

/// Records that QEMU wrote, as 64-bit words.
#[test]
fn records_of_qemu() {
    let cases = [
        (
            [0x80_0000_0012, 0x280_0000_0000, 0xed19_0000, 0x91_7d21_0000],
            EventCode::FAccess,
            "StreamID=0x80 S2=0x1 CLASS=0x2 InputAddr=0xed190000 IPA=0x917d210000 rest0=0x12",
        ),
        (
            [0x80_0000_0010, 0x200_0000_0000, 0x54_4e89_0000, 0],
            EventCode::FTranslation,
            "StreamID=0x80 CLASS=0x2 InputAddr=0x544e890000 rest0=0x10",
        ),
        ([0x80_0000_0004, 0, 0, 0], EventCode::CBadSte, "StreamID=0x80 rest0=0x4"),
    ];
    for (words, event, expected) in cases {
        assert_eq!(EventRecord(words).event_code(), Some(event));
        assert_eq!(show(names::event(event), &words), expected);
    }
}
