//! What of two answers must be equal: all that the architecture defines.

use smmu_model::layout::event::{EventCode, EventRecord};

use super::case::{CaseError, Peer, bytes};
use super::run::Ours;

/// How the two answers differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Difference {
    /// The device saw success on one side only.
    pub completed: bool,
    /// The word arrived on one side only.
    pub landed: bool,
    /// The records differ in a field that the architecture defines.
    pub events: bool,
}

impl Difference {
    /// Whether anything differs.
    pub fn any(self) -> bool {
        self != Self::default()
    }
}

/// Compares; a peer that crashed differs in everything.
pub fn compare(ours: &Ours, peer: &Peer) -> Result<Difference, CaseError> {
    if peer.crashed {
        return Ok(Difference { completed: true, landed: true, events: true });
    }
    let theirs = peer_records(peer)?;
    let ours_defined: Vec<_> = ours.events.iter().copied().map(defined).collect();
    let theirs_defined: Vec<_> = theirs.into_iter().map(defined).collect();
    Ok(Difference {
        completed: ours.completed != peer.completed,
        landed: ours.landed != peer.landed,
        events: ours_defined != theirs_defined,
    })
}

/// The peer's records.
pub fn peer_records(peer: &Peer) -> Result<Vec<EventRecord>, CaseError> {
    peer.events
        .iter()
        .map(|text| {
            let raw: Result<[u8; 32], _> = bytes(text)?.try_into();
            raw.map(EventRecord::from_bytes).map_err(|_length| CaseError::Bytes(text.clone()))
        })
        .collect()
}

/// The record without what the architecture calls UNKNOWN or leaves to the implementation (§7.3).
fn defined(record: EventRecord) -> EventRecord {
    let mut words = record.0;
    if !record.word0().ssv() {
        words[0] &= !SUBSTREAM_ID;
    }
    match record.event_code() {
        Some(
            EventCode::FTranslation | EventCode::FAddrSize | EventCode::FAccess | EventCode::FPermission,
        ) => {
            words[1] &= !(STAG | IMPL_DEF);
            if !record.word1().s2() {
                words[3] = 0;
            }
            if record.word1().class() != CLASS_TT {
                words[1] &= !TTRNW;
            }
        }
        Some(EventCode::FWalkEabt | EventCode::FSteFetch | EventCode::FCdFetch) => words[1] &= !STAG,
        _ => {}
    }
    EventRecord(words)
}

const SUBSTREAM_ID: u64 = 0xffff_f000;
/// [79:64]: STAG, which has a meaning in a stall only, or the Reason of the implementation.
const STAG: u64 = 0xffff;
const IMPL_DEF: u64 = 0xffff << 48;
const TTRNW: u64 = 1 << 44;
const CLASS_TT: u8 = 0b01;
