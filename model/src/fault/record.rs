//! The record of a failed transaction (§7.3). Fields that the architecture calls UNKNOWN are zero.

use crate::address::low_mask;
use crate::ats::AtsRequest;
use crate::features::Features;
use crate::ids::SubstreamId;
use crate::layout::event::{AtsRequestWord1, EventCode, EventRecord, EventWord0, EventWord1};
use crate::outcome::{Class, Site};
use crate::transaction::{Access, Direction, Privilege, Purpose, Transaction};

/// Address bits that an IPA field holds: [55:12] (§7.3).
const IPA_MASK: u64 = 0x00ff_ffff_ffff_f000;
/// Bits that a SubstreamID has in a record, and on any interconnect (§3.2).
const SUBSTREAM_MASK: u32 = 0xf_ffff;
/// Address bits that a FetchAddr field holds: [55:3] (§7.3).
const FETCH_MASK: u64 = 0x00ff_ffff_ffff_fff8;

/// CLASS (§7.3).
const CLASS_CD: u8 = 0b00;
const CLASS_TT: u8 = 0b01;
const CLASS_IN: u8 = 0b10;

/// Builds the record of `code`; `access` is the one after the overrides of the STE.
pub(super) fn build(
    f: &Features,
    code: EventCode,
    site: Site,
    tx: &Transaction,
    access: Access,
) -> EventRecord {
    let header = header(code, tx).into_bits();
    match code {
        EventCode::CBadStreamid
        | EventCode::CBadSte
        | EventCode::FStreamDisabled
        | EventCode::CBadSubstreamid
        | EventCode::CBadCd
        | EventCode::FCfgConflict => EventRecord([header, 0, 0, 0]),
        // Bits from OAS up are RES0, and UNKNOWN (§7.3.4); of a CD they are reported as they are (§3.4.3).
        EventCode::FSteFetch => EventRecord([header, 0, 0, fetch_address(site) & low_mask(f.oas_bits)]),
        EventCode::FCdFetch | EventCode::FVmsFetch => EventRecord([header, 0, 0, fetch_address(site)]),
        EventCode::FTranslForbidden => {
            let rnw = EventWord1::new().with_rnw(tx.access.direction == Direction::Read);
            EventRecord([header, rnw.into_bits(), tx.address.value(), 0])
        }
        EventCode::FWalkEabt => {
            EventRecord([header, fault_word(code, site, access), tx.address.value(), fetch_address(site)])
        }
        EventCode::FTranslation | EventCode::FAddrSize | EventCode::FAccess | EventCode::FPermission => {
            EventRecord([header, fault_word(code, site, access), tx.address.value(), ipa(site)])
        }
        // The same but for CLASS and what goes with it; our Reason is 0 (§7.3.17).
        EventCode::FTlbConflict => {
            let word = EventWord1::from_bits(fault_word(code, site, access)).with_class(0);
            EventRecord([header, word.into_bits(), tx.address.value(), ipa(site)])
        }
        EventCode::FUut | EventCode::FBadAtsTreq | EventCode::EPageRequest => {
            unreachable!("no check of an ordinary transaction leads to {code:?}")
        }
    }
}

/// F_BAD_ATS_TREQ (§7.3.6): what was asked for, before any override. PCIe always asks for R.
pub(super) fn translation_request(request: &AtsRequest) -> EventRecord {
    let SubstreamId(id) = request.substream.unwrap_or_default();
    let header = EventWord0::new()
        .with_event_number(EventCode::FBadAtsTreq.code())
        .with_stream_id(request.stream.0)
        .with_ssv(request.substream.is_some())
        .with_substream_id(id & SUBSTREAM_MASK);
    let asked = AtsRequestWord1::new()
        .with_span(request.units)
        .with_privileged(request.privilege == Privilege::Privileged)
        .with_x(request.execute)
        .with_w(!request.no_write)
        .with_r(true);
    EventRecord([header.into_bits(), asked.into_bits(), request.address.value() & !low_mask(12), 0])
}

/// Event number, StreamID, and the SubstreamID where the event has one.
fn header(code: EventCode, tx: &Transaction) -> EventWord0 {
    let word = EventWord0::new().with_event_number(code.code()).with_stream_id(tx.stream.0);
    let SubstreamId(id) = tx.substream.unwrap_or_default();
    let id = id & SUBSTREAM_MASK;
    match code {
        EventCode::FStreamDisabled | EventCode::FTranslForbidden => word,
        EventCode::CBadSubstreamid => word.with_substream_id(id),
        EventCode::FUut
        | EventCode::CBadStreamid
        | EventCode::FSteFetch
        | EventCode::CBadSte
        | EventCode::FBadAtsTreq
        | EventCode::FCdFetch
        | EventCode::CBadCd
        | EventCode::FWalkEabt
        | EventCode::FTranslation
        | EventCode::FAddrSize
        | EventCode::FAccess
        | EventCode::FPermission
        | EventCode::FTlbConflict
        | EventCode::FCfgConflict
        | EventCode::EPageRequest
        | EventCode::FVmsFetch => word.with_ssv(tx.substream.is_some()).with_substream_id(id),
    }
}

/// Word 1 of the faults of a translation (§7.3.12–§7.3.16).
fn fault_word(code: EventCode, site: Site, access: Access) -> u64 {
    let (s2, class, table_read) = match site {
        Site::Stage1Descriptor(_) => (false, CLASS_TT, false),
        Site::Stage2 { class, .. } | Site::Stage2Descriptor { class, .. } => match class {
            Class::Cd => (true, CLASS_CD, false),
            Class::TableWalk(direction) => (true, CLASS_TT, direction == Direction::Read),
            Class::Input => (true, CLASS_IN, false),
        },
        Site::Stage1 | Site::Configuration | Site::Structure(_) => (false, CLASS_IN, false),
    };
    EventWord1::new()
        .with_rnw(access.direction == Direction::Read)
        .with_ind(access.purpose == Purpose::Instruction)
        .with_pnu(access.privilege == Privilege::Privileged)
        .with_s2(s2)
        .with_class(class)
        .with_ttrnw(code == EventCode::FPermission && table_read)
        .into_bits()
}

fn ipa(site: Site) -> u64 {
    match site {
        Site::Stage2 { ipa, .. } | Site::Stage2Descriptor { ipa, .. } => ipa.value() & IPA_MASK,
        Site::Configuration | Site::Structure(_) | Site::Stage1 | Site::Stage1Descriptor(_) => 0,
    }
}

fn fetch_address(site: Site) -> u64 {
    match site {
        Site::Structure(at) | Site::Stage1Descriptor(at) | Site::Stage2Descriptor { descriptor: at, .. } => {
            at.value() & FETCH_MASK
        }
        Site::Configuration | Site::Stage1 | Site::Stage2 { .. } => 0,
    }
}
