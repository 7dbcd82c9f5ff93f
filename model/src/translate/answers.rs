//! The answers that the caches gave lately.
//!
//! An answer that came from the caches alone, without a look at memory and without a question, is a function of the
//! transaction and of what they hold: while that is the same, so is the answer. This is no cache of the architecture,
//! only a short way through those that are.

use std::ops::RangeInclusive;

use crate::address::{Pa, low_mask};
use crate::attributes::Attributes;
use crate::cache::Version;
use crate::outcome::Translation;
use crate::transaction::{Direction, Privilege, Purpose, Transaction};

/// log2 of the bytes in which one answer holds: a transaction does not cross such a boundary, and no page is smaller.
const PAGE_BITS: u8 = 12;
/// How many answers there is room for at first, and at most.
const ROOM: RangeInclusive<usize> = 1 << 6..=1 << 13;

/// Answers by transaction, each in the one place that it can have.
#[derive(Debug, Default)]
pub(crate) struct Answers(Vec<Option<Answer>>);

#[derive(Clone, Copy, Debug)]
struct Answer {
    /// Of the caches that gave it.
    version: Version,
    question: Question,
    /// Of the first address of the page.
    translation: Translation,
}

/// All of a transaction but where it lies in its page and that it presents no attributes of its own (§13.1.3): few
/// clients do, and theirs take the long way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Question {
    /// The address of the page, and the access in the bits below.
    page_and_access: u64,
    /// The StreamID, and from bit 32 one more than the SubstreamID, if there is one.
    client: u64,
}

/// What is known shows in no answer, so a copy starts with nothing.
impl Clone for Answers {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Answers {
    /// What caches of this version answer, if it is known.
    #[inline(always)]
    pub(crate) fn find(&self, version: Version, question: Question, tx: &Transaction) -> Option<Translation> {
        let answer = self.0.get(self.place(question))?.as_ref()?;
        let is_known = answer.version == version && answer.question == question;
        let pa = Pa::new(answer.translation.pa.value() | offset(tx));
        is_known.then_some(Translation { pa, ..answer.translation })
    }

    /// Caches of this version have answered.
    pub(super) fn keep(
        &mut self,
        version: Version,
        question: Question,
        tx: &Transaction,
        translation: &Translation,
    ) {
        // Somebody who listened may have left in the caches what is asked for the first time now.
        self.make_room();
        let place = self.place(question);
        let is_taken = self.0[place].is_some_and(|other| other.version == version);
        if is_taken && self.0.len() < *ROOM.end() {
            self.0 = vec![None; self.0.len() * 2];
            return;
        }
        let pa = Pa::new(translation.pa.value() - offset(tx));
        self.0[place] = Some(Answer { version, question, translation: Translation { pa, ..*translation } });
    }

    /// Makes room before there is an answer to keep, so that the way to one that is known does not allocate.
    pub(super) fn make_room(&mut self) {
        if self.0.is_empty() {
            self.0 = vec![None; *ROOM.start()];
        }
    }

    /// The fraction that the golden ratio makes of a number spreads well those that lie evenly.
    #[inline(always)]
    fn place(&self, question: Question) -> usize {
        const GOLDEN_RATIO: u64 = 0x9e37_79b9_7f4a_7c15;
        let number =
            question.page_and_access.rotate_right(PAGE_BITS.into()) ^ question.client.rotate_left(32);
        let fraction = u128::from(number.wrapping_mul(GOLDEN_RATIO));
        let room = u128::try_from(self.0.len()).expect("128 bits hold any length");
        usize::try_from((fraction * room) >> 64).expect("less than the length")
    }
}

impl Question {
    /// `None` if the client presents attributes.
    #[inline(always)]
    pub(super) fn new(tx: &Transaction) -> Option<Self> {
        const DEFAULT: Attributes = Attributes::INCOMING_DEFAULT;
        let Attributes { memory_type, shareability } = tx.attributes;
        if !memory_type.is_weakest() || shareability != DEFAULT.shareability {
            return None;
        }
        let access = u64::from(tx.access.direction == Direction::Write)
            | u64::from(tx.access.privilege == Privilege::Privileged) << 1
            | u64::from(tx.access.purpose == Purpose::Instruction) << 2;
        let substream = tx.substream.map_or(0, |substream| u64::from(substream.0) + 1);
        Some(Self {
            page_and_access: (tx.address.value() - offset(tx)) | access,
            client: u64::from(tx.stream.0) | substream << 32,
        })
    }
}

/// Where in its page the transaction lies.
#[inline(always)]
fn offset(tx: &Transaction) -> u64 {
    tx.address.value() & low_mask(PAGE_BITS)
}
