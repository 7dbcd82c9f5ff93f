//! What of two answers must be equal: all that the architecture defines.

use smmu_model::layout::event::{EventCode, EventRecord};

use super::case::{Answer, Peer};

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
pub fn compare(ours: &Answer, peer: &Peer) -> Difference {
    let theirs = match peer {
        Peer::Crashed => return Difference { completed: true, landed: true, events: true },
        Peer::Answered(theirs) => theirs,
    };
    Difference {
        completed: ours.completed != theirs.completed,
        landed: ours.landed != theirs.landed,
        events: !ours.events.iter().copied().map(defined).eq(theirs.events.iter().copied().map(defined)),
    }
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
        Some(EventCode::FSteFetch) => {
            words[1] &= !STAG;
            words[3] &= BELOW_OAS;
        }
        Some(EventCode::FWalkEabt | EventCode::FCdFetch) => words[1] &= !STAG,
        _ => {}
    }
    EventRecord(words)
}

const SUBSTREAM_ID: u64 = 0xffff_f000;
/// [79:64]: STAG, which has a meaning in a stall only, or the Reason of the implementation.
const STAG: u64 = 0xffff;
/// FetchAddr above QEMU's 44 bits of output is UNKNOWN in F_STE_FETCH (§7.3.4).
const BELOW_OAS: u64 = (1 << 44) - 1;
const IMPL_DEF: u64 = 0xffff << 48;
const TTRNW: u64 = 1 << 44;
pub(super) const CLASS_TT: u8 = 0b01;
