//! One stalled transaction: what it waits for, and how it leaves (§3.12.2).

use crate::ids::Stag;
use crate::layout::event::EventRecord;
use crate::transaction::Transaction;

/// One tag in use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub(crate) struct Stall {
    pub(crate) transaction: Transaction,
    /// The SMMU may retry it without being told (§3.12.2.2).
    pub(crate) tries_early: bool,
    pub(crate) state: State,
}

/// What a stall waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum State {
    /// For a place: STALL_MAX stalls are recorded. It counts as not having arrived.
    Outside,
    /// For the Event queue to take its record.
    Unrecorded(Unrecorded),
    /// For software, which has its record.
    Recorded(EventRecord),
    /// For software to acknowledge the record: the transaction itself has ended by an early retry.
    Ended,
    /// For another stall to end, whose record stands for it (§3.12.2.1).
    Suppressed {
        /// The other.
        by: Stag,
    },
    /// For a command: its record never appears (§4.7.2).
    Withheld,
    /// For its turn to leave.
    Leaving(Departure),
}

/// A record that is not written yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub(crate) struct Unrecorded {
    pub(crate) record: EventRecord,
    /// The transaction has ended by an early retry.
    pub(crate) ended: bool,
}

/// How a stalled transaction leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Departure {
    /// It is handled as if it had just arrived.
    Retry,
    /// CMD_RESUME ends it with success.
    RazWi,
    /// CMD_RESUME ends it with an abort.
    Abort,
    /// CMD_STALL_TERM ends it with an abort.
    StreamTerminated,
    /// SMMUEN 0 ends it with an abort.
    Disabled,
}

impl State {
    /// Whether it waits for the Event queue or a place.
    pub(super) fn waits(self) -> bool {
        match self {
            Self::Outside | Self::Unrecorded(_) => true,
            Self::Recorded(_) | Self::Ended | Self::Suppressed { .. } | Self::Withheld | Self::Leaving(_) => {
                false
            }
        }
    }

    /// The record that waits.
    pub(super) fn unwritten(self) -> Option<EventRecord> {
        match self {
            Self::Unrecorded(Unrecorded { record, .. }) => Some(record),
            Self::Recorded(_)
            | Self::Ended
            | Self::Suppressed { .. }
            | Self::Withheld
            | Self::Outside
            | Self::Leaving(_) => None,
        }
    }

    pub(super) fn leaves(self) -> bool {
        match self {
            Self::Leaving(_) => true,
            Self::Recorded(_)
            | Self::Ended
            | Self::Suppressed { .. }
            | Self::Withheld
            | Self::Outside
            | Self::Unrecorded(_) => false,
        }
    }

    /// Whether the record of a stall in this state may stand for others.
    #[cfg(feature = "serde")]
    pub(super) fn may_have_followers(self) -> bool {
        match self {
            Self::Recorded(_) | Self::Ended | Self::Leaving(_) => true,
            Self::Unrecorded(_) | Self::Outside | Self::Suppressed { .. } | Self::Withheld => false,
        }
    }
}

impl Departure {
    /// Whether it is not the answer to one stall alone.
    pub(super) fn is_of_many(self) -> bool {
        match self {
            Self::StreamTerminated | Self::Disabled => true,
            Self::Retry | Self::RazWi | Self::Abort => false,
        }
    }
}

/// The record of a stall: `record`, with Stall 1 and the tag (§7.3).
pub(crate) fn stalling(record: EventRecord, stag: Stag) -> EventRecord {
    let word = record.word1().with_stall(true).with_stag(stag.0);
    let EventRecord([first, _, third, fourth]) = record;
    EventRecord([first, word.into_bits(), third, fourth])
}

pub(super) fn without_tag(record: EventRecord) -> EventRecord {
    stalling(record, Stag(0))
}
