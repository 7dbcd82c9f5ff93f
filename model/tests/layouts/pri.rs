//! Records of the PRI queue (§8).

use smmu_model::layout::names;
use smmu_model::layout::pri::PriRecord;

use super::{accessors, check_names, check_typed, show};

/// The fields (§8).
const RECORD: &str = "StreamID[31:0] SubstreamID[51:32] Priv[58] X[59] R[60] W[61] L[62] SSV[63] PRGIndex[72:64] \
                      PageAddress[127:76]";

#[test]
fn names_and_words() {
    check_names::<2>("PRI record", names::PRI, RECORD);
    check_typed::<2>(
        128,
        RECORD,
        accessors! { raw:
            "StreamID" PriRecord(raw).word0().stream_id(),
            "SubstreamID" PriRecord(raw).word0().substream_id(),
            "Priv" PriRecord(raw).word0().privileged(),
            "X" PriRecord(raw).word0().x(),
            "R" PriRecord(raw).word0().r(),
            "W" PriRecord(raw).word0().w(),
            "L" PriRecord(raw).word0().l(),
            "SSV" PriRecord(raw).word0().ssv(),
            "PRGIndex" PriRecord(raw).word1().prg_index(),
            "PageAddress" PriRecord(raw).word1().page_number() << 12,
        },
    );
}

/// The last request of group 0x105, by PASID 3 of stream 0x10, to read and write the page at 0xffff_1234_5000.
#[test]
fn a_record_as_bytes() {
    let bytes = [
        0x10, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00,
        0xf0, // SSV is bit 7 of byte 7, L bit 6, W bit 5, R bit 4
        0x05, 0x51, 0x34, 0x12, 0xff, 0xff, 0x00, 0x00, // PRGIndex[8] is bit 0 of byte 9
    ];
    let record = PriRecord::from_bytes(bytes);
    assert_eq!(
        show(names::PRI, &record.0),
        "StreamID=0x10 SubstreamID=0x3 R=0x1 W=0x1 L=0x1 SSV=0x1 PRGIndex=0x105 PageAddress=0xffff12345000"
    );
    assert_eq!(record.to_bytes(), bytes);
}
