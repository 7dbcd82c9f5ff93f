//! Fields of the event records, 32 bytes each (§7.3).

use super::{Field, address, number};
use crate::layout::event::EventCode;

/// The fields that the records of this event have, without the event number, bits `[7:0]` of word 0. So a
/// caller of [`reserved`](super::reserved) leaves out those.
pub const fn event(code: EventCode) -> &'static [Field] {
    match code {
        EventCode::FUut => F_UUT,
        EventCode::CBadStreamid | EventCode::CBadSte | EventCode::CBadCd => &[SSV, SUBSTREAM_ID, STREAM_ID],
        EventCode::FSteFetch | EventCode::FCdFetch | EventCode::FVmsFetch => FETCH,
        EventCode::FBadAtsTreq => F_BAD_ATS_TREQ,
        EventCode::FStreamDisabled => &[STREAM_ID],
        EventCode::FTranslForbidden => &[STREAM_ID, RNW, INPUT_ADDR],
        EventCode::CBadSubstreamid => &[SUBSTREAM_ID, STREAM_ID],
        EventCode::FWalkEabt => F_WALK_EABT,
        EventCode::FTranslation | EventCode::FAddrSize | EventCode::FAccess => TRANSLATION_RELATED,
        EventCode::FPermission => F_PERMISSION,
        EventCode::FTlbConflict => F_TLB_CONFLICT,
        EventCode::FCfgConflict => &[SSV, SUBSTREAM_ID, STREAM_ID, CONFLICT_REASON],
        EventCode::EPageRequest => E_PAGE_REQUEST,
    }
}

const SSV: Field = number("SSV", 0, 11, 11);
const SUBSTREAM_ID: Field = number("SubstreamID", 0, 31, 12);
const STREAM_ID: Field = number("StreamID", 0, 63, 32);
const REASON: Field = number("Reason", 1, 15, 0);
const CONFLICT_REASON: Field = number("Reason", 1, 31, 0);
const STAG: Field = number("STAG", 1, 15, 0);
const GPCF: Field = number("GPCF", 1, 16, 16);
const STALL: Field = number("Stall", 1, 31, 31);
const PNU: Field = number("PnU", 1, 33, 33);
const IND: Field = number("InD", 1, 34, 34);
const RNW: Field = number("RnW", 1, 35, 35);
const NSIPA: Field = number("NSIPA", 1, 38, 38);
const S2: Field = number("S2", 1, 39, 39);
const CLASS: Field = number("CLASS", 1, 41, 40);
const IMPL_DEF: Field = number("IMPL_DEF", 1, 63, 48);
const INPUT_ADDR: Field = address("InputAddr", 2, 63, 0);
const INPUT_PAGE: Field = address("InputAddr", 2, 63, 12);
const FETCH_ADDR: Field = address("FetchAddr", 3, 55, 3);
const IPA: Field = address("IPA", 3, 55, 12);

/// §7.3.2.
const F_UUT: &[Field] = &[SSV, SUBSTREAM_ID, STREAM_ID, REASON, PNU, IND, RNW, INPUT_ADDR];

/// F_STE_FETCH, F_CD_FETCH, F_VMS_FETCH (§7.3.4, §7.3.10, §7.3.20).
const FETCH: &[Field] = &[SSV, SUBSTREAM_ID, STREAM_ID, REASON, GPCF, FETCH_ADDR];

/// §7.3.6.
const F_BAD_ATS_TREQ: &[Field] = &[
    SSV,
    SUBSTREAM_ID,
    STREAM_ID,
    number("Span", 1, 3, 0),
    number("P", 1, 28, 28),
    number("X", 1, 29, 29),
    number("W", 1, 30, 30),
    number("R", 1, 31, 31),
    INPUT_PAGE,
];

/// §7.3.12.
const F_WALK_EABT: &[Field] =
    &[SSV, SUBSTREAM_ID, STREAM_ID, REASON, GPCF, PNU, IND, RNW, NSIPA, S2, CLASS, INPUT_ADDR, FETCH_ADDR];

/// F_TRANSLATION, F_ADDR_SIZE, F_ACCESS (§7.3.13–§7.3.15).
const TRANSLATION_RELATED: &[Field] =
    &[SSV, SUBSTREAM_ID, STREAM_ID, STAG, STALL, PNU, IND, RNW, NSIPA, S2, CLASS, IMPL_DEF, INPUT_ADDR, IPA];

/// §7.3.16. That DirtyBit is [106], AssuredOnly [107] and Overlay [109] is our reading of the diagram.
const F_PERMISSION: &[Field] = &[
    SSV,
    SUBSTREAM_ID,
    STREAM_ID,
    STAG,
    STALL,
    PNU,
    IND,
    RNW,
    NSIPA,
    S2,
    CLASS,
    number("DirtyBit", 1, 42, 42),
    number("AssuredOnly", 1, 43, 43),
    number("TTRnW", 1, 44, 44),
    number("Overlay", 1, 45, 45),
    IMPL_DEF,
    INPUT_ADDR,
    IPA,
];

/// §7.3.17.
const F_TLB_CONFLICT: &[Field] =
    &[SSV, SUBSTREAM_ID, STREAM_ID, CONFLICT_REASON, PNU, IND, RNW, NSIPA, S2, INPUT_ADDR, IPA];

/// §7.3.19.
const E_PAGE_REQUEST: &[Field] = &[
    SSV,
    SUBSTREAM_ID,
    STREAM_ID,
    number("uX", 1, 33, 33),
    number("uW", 1, 34, 34),
    number("uR", 1, 35, 35),
    number("pX", 1, 37, 37),
    number("pW", 1, 38, 38),
    number("pR", 1, 39, 39),
    number("Span", 1, 51, 44),
    INPUT_PAGE,
];
