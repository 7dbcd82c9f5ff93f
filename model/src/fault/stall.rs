//! Stalled transactions: the table of those that the SMMU holds, and what commands do to it (§3.12.2, §4.7).
//!
//! What takes a translation or the Event queue, a retry or a record, is left to `smmu/stalls.rs`; this table only
//! says whose turn it is.

use std::collections::{BTreeMap, VecDeque};

use super::grounds::{Doubts, Grounds};
use super::stalled::without_tag;
pub(crate) use super::stalled::{Departure, Stall, State, Unrecorded, stalling};
use crate::cache::{self, Origin};
use crate::choice::answer::ResumeUnseenStall;
use crate::env::Env;
#[cfg(feature = "serde")]
use crate::features::{Features, StallModel};
use crate::ids::{Stag, StreamId};
use crate::layout::event::EventRecord;
use crate::rule::Rule;
#[cfg(feature = "serde")]
use crate::transaction::Access;
use crate::transaction::Transaction;

/// The most transactions that are held at once: as many as a STAG can name.
pub(crate) const HELD_MAX: usize = 1 << 16;

/// The transactions that the SMMU holds, and the tags that are not free.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub(crate) struct Stalls {
    entries: BTreeMap<Stag, Stall>,
    /// Those that wait for the Event queue, or for one of STALL_MAX places: in order of arrival.
    waiting: VecDeque<Stag>,
    /// Those that leave: in the order of the commands that made them.
    leaving: VecDeque<Stag>,
    /// What makes records out of date that are not written yet.
    doubts: BTreeMap<Stag, Doubts>,
    /// Records that wait although their transactions have been terminated (§4.7.2.1).
    orphans: VecDeque<EventRecord>,
}

impl Stalls {
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.orphans.is_empty()
    }

    /// Every tag in use, in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Stag, &Stall)> {
        self.entries.iter().map(|(stag, stall)| (*stag, stall))
    }

    /// The lowest tag that is not in use.
    pub(crate) fn free_tag(&self) -> Option<Stag> {
        let used = self.entries.keys().map(|Stag(used)| *used);
        let gap = (0..=u16::MAX).zip(used).find(|(free, used)| free != used).map(|(free, _)| free);
        let above = || u16::try_from(self.entries.len()).ok();
        gap.or_else(above).map(Stag)
    }

    /// How many records software has and has not answered (§6.3.6).
    pub(crate) fn recorded(&self) -> usize {
        let states = self.entries.values().map(|stall| stall.state);
        states.filter(|state| matches!(state, State::Recorded(_) | State::Ended)).count()
    }

    /// A recorded stall whose record may stand for `record` too (§3.12.2.1).
    pub(crate) fn like(&self, record: EventRecord) -> Option<Stag> {
        let record = without_tag(record).comparable();
        let is_like = |stall: &Stall| match stall.state {
            State::Recorded(known) => without_tag(known).comparable() == record,
            State::Unrecorded(_)
            | State::Outside
            | State::Ended
            | State::Withheld
            | State::Suppressed { .. }
            | State::Leaving(_) => false,
        };
        self.iter().find(|(_, stall)| is_like(stall)).map(|(stag, _)| stag)
    }

    /// Holds a transaction under a free tag.
    pub(crate) fn insert(&mut self, stag: Stag, stall: Stall) {
        let before = self.entries.insert(stag, stall);
        assert!(before.is_none(), "a tag names one transaction");
        if stall.state.waits() {
            self.waiting.push_back(stag);
        }
    }

    /// The record of a stall waits, for a fault on these grounds.
    pub(crate) fn doubt(&mut self, stag: Stag, grounds: Grounds) {
        assert!(matches!(self.entries[&stag].state, State::Unrecorded(_)), "{stag} has no record that waits");
        self.doubts.insert(stag, Doubts::none(grounds));
    }

    /// Moves a stall to another state. One that goes on waiting keeps its place.
    pub(crate) fn set(&mut self, stag: Stag, state: State) {
        let stall = self.entries.get_mut(&stag).expect("the tag is in use");
        let (waited, left) = (stall.state.waits(), stall.state.leaves());
        stall.state = state;
        if !matches!(state, State::Unrecorded(_)) {
            self.doubts.remove(&stag);
        }
        match (waited, state.waits()) {
            (false, true) => self.waiting.push_back(stag),
            (true, false) => self.waiting.retain(|other| *other != stag),
            (false, false) | (true, true) => {}
        }
        if state.leaves() && !left {
            self.leaving.push_back(stag);
        }
    }

    /// Makes the tag free. What its record stood for is retried (§3.12.2.1).
    pub(crate) fn release(&mut self, stag: Stag) -> Stall {
        let stall = self.entries.remove(&stag).expect("the tag is in use");
        self.waiting.retain(|other| *other != stag);
        self.doubts.remove(&stag);
        let followers: Vec<Stag> =
            self.where_state(|state| state == State::Suppressed { by: stag }).collect();
        for follower in followers {
            self.set(follower, State::Leaving(Departure::Retry));
        }
        stall
    }

    /// The next that leaves; its tag is free from now on.
    pub(crate) fn next_leaving(&mut self) -> Option<(Stag, Transaction, Departure)> {
        let stag = self.leaving.pop_front()?;
        let Stall { transaction, state, .. } = self.release(stag);
        let State::Leaving(departure) = state else { unreachable!("{stag} is not about to leave") };
        Some((stag, transaction, departure))
    }

    /// The first that waits for the Event queue or a place.
    pub(crate) fn first_waiting(&self) -> Option<(Stag, Stall)> {
        self.waiting.front().map(|stag| (*stag, self.entries[stag]))
    }

    /// Those that the SMMU may retry without being told.
    pub(crate) fn trying_early(&self) -> Vec<Stag> {
        let tries = |stall: &Stall| match stall.state {
            State::Recorded(_) => stall.tries_early,
            State::Unrecorded(unrecorded) => stall.tries_early && !unrecorded.ended,
            State::Outside
            | State::Ended
            | State::Suppressed { .. }
            | State::Withheld
            | State::Leaving(_) => false,
        };
        self.iter().filter(|(_, stall)| tries(stall)).map(|(stag, _)| stag).collect()
    }

    pub(crate) fn get(&self, stag: Stag) -> Stall {
        self.entries[&stag]
    }

    /// CMD_RESUME (§4.7.1).
    pub(crate) fn resume(&mut self, env: &mut impl Env, stream: StreamId, stag: Stag, departure: Departure) {
        let named = self.entries.get(&stag).filter(|stall| stall.transaction.stream == stream);
        let answers = match named.map(|stall| stall.state) {
            None => false,
            Some(State::Recorded(_) | State::Ended) => true,
            Some(State::Unrecorded(_) | State::Suppressed { .. } | State::Withheld) => {
                env.ask(&[ResumeUnseenStall::Ignore, ResumeUnseenStall::Apply]) == ResumeUnseenStall::Apply
            }
            // It has not arrived, or was answered before.
            Some(State::Outside | State::Leaving(_)) => false,
        };
        if !answers {
            return env.note(Rule::StallUnmatched);
        }
        self.dismiss(env, stag, departure);
    }

    /// CMD_STALL_TERM (§4.7.2).
    pub(crate) fn terminate(&mut self, env: &mut impl Env, stream: StreamId) {
        for stag in self.of_stream(stream) {
            self.dismiss(env, stag, Departure::StreamTerminated);
        }
    }

    /// The records of `stream` that wait are to be written whatever becomes of their transactions.
    pub(crate) fn keep_records(&mut self, stream: StreamId) {
        let waiting = self.iter().filter(|(_, stall)| stall.transaction.stream == stream);
        let records: Vec<EventRecord> = waiting.filter_map(|(_, stall)| stall.state.unwritten()).collect();
        let room = HELD_MAX.saturating_sub(self.orphans.len());
        self.orphans.extend(records.into_iter().take(room));
    }

    /// The records of `stream` that wait are never written, and their transactions go on stalling.
    pub(crate) fn withhold_records(&mut self, env: &mut impl Env, stream: StreamId) {
        for stag in self.of_stream(stream) {
            match self.get(stag).state {
                State::Unrecorded(Unrecorded { ended: true, .. }) => {
                    env.note(Rule::StallRecordDropped);
                    self.release(stag);
                }
                State::Unrecorded(_) => {
                    env.note(Rule::StallRecordDropped);
                    self.set(stag, State::Withheld);
                }
                State::Recorded(_)
                | State::Outside
                | State::Ended
                | State::Withheld
                | State::Suppressed { .. }
                | State::Leaving(_) => {}
            }
        }
    }

    /// A record that waits for nothing but the Event queue.
    pub(crate) fn next_orphan(&self) -> Option<EventRecord> {
        self.orphans.front().copied()
    }

    /// That record is written.
    pub(crate) fn drop_orphan(&mut self) {
        self.orphans.pop_front();
    }

    /// Whether anything of `stream` is held.
    pub(crate) fn hold_any_of(&self, stream: StreamId) -> bool {
        !self.of_stream(stream).is_empty()
    }

    /// SMMUEN has become 0 (§6.3.9.6).
    pub(crate) fn disable(&mut self, env: &mut impl Env) {
        let all: Vec<Stag> = self.entries.keys().copied().collect();
        for stag in all {
            self.dismiss(env, stag, Departure::Disabled);
        }
    }

    /// Whether the record of some stall waits, so that invalidations may bear on it.
    #[inline(always)]
    pub(crate) fn await_records(&self) -> bool {
        !self.doubts.is_empty()
    }

    /// An invalidation becomes visible (§7.2.1).
    pub(crate) fn invalidate(&mut self, origin: Origin, invalidation: &cache::Invalidation) {
        self.doubts.values_mut().for_each(|doubts| doubts.invalidate(origin, invalidation));
    }

    /// A CMD_SYNC or a DVM Sync completes: so do invalidations before it (§4.7.3). What a CMD_SYNC finds of records of
    /// terminated transactions is discarded.
    pub(crate) fn synchronize(&mut self, origin: Origin) {
        if let Origin::Command(_) = origin {
            self.orphans.clear();
        }
        self.doubts.values_mut().for_each(|doubts| doubts.synchronize(origin));
    }

    /// Whether a record that waits must not appear any more.
    pub(crate) fn is_obsolete(&self, stag: Stag) -> bool {
        self.doubts[&stag].are_confirmed()
    }

    /// Whether no SMMU with the features `f` can be in this state.
    #[cfg(feature = "serde")]
    pub(crate) fn is_impossible(&self, f: &Features) -> bool {
        let sorted = |list: &VecDeque<Stag>| {
            let mut list = Vec::from(list.clone());
            list.sort_unstable();
            list
        };
        let waiting: Vec<Stag> = self.where_state(State::waits).collect();
        let leaving: Vec<Stag> = self.where_state(|state| matches!(state, State::Leaving(_))).collect();
        let forbidden = f.stall_model == StallModel::TerminateOnly && !self.is_empty();
        let are_stalls = self.orphans.iter().all(|record| record.word1().stall());
        forbidden
            || !are_stalls
            || self.orphans.len() > HELD_MAX
            || self.recorded() > usize::from(f.stall_max)
            || sorted(&self.waiting) != waiting
            || sorted(&self.leaving) != leaving
            || !self
                .doubts
                .keys()
                .copied()
                .eq(self.where_state(|state| matches!(state, State::Unrecorded(_))))
            || !self.doubts.values().all(Doubts::are_possible)
            || !self.iter().all(|(stag, stall)| self.is_possible(stag, stall))
    }

    #[cfg(feature = "serde")]
    fn is_possible(&self, stag: Stag, stall: &Stall) -> bool {
        let Transaction { access, stream, .. } = stall.transaction;
        let belongs = |record| record == stalling(record, stag) && record.word0().stream_id() == stream.0;
        let state_is_possible = match stall.state {
            State::Recorded(record) | State::Unrecorded(Unrecorded { record, .. }) => belongs(record),
            State::Suppressed { by } => {
                self.entries.get(&by).is_some_and(|other| other.state.may_have_followers())
            }
            State::Outside | State::Ended | State::Withheld | State::Leaving(_) => true,
        };
        state_is_possible && access == Access::new(access.direction, access.privilege, access.purpose)
    }

    /// Sends a stall on its way, or forgets it if nothing of it is left but its tag.
    fn dismiss(&mut self, env: &mut impl Env, stag: Stag, departure: Departure) {
        match self.get(stag).state {
            State::Ended => {
                env.note(Rule::StallAcknowledged);
                self.release(stag);
            }
            State::Unrecorded(Unrecorded { ended: true, .. }) => {
                env.note(Rule::StallRecordDropped);
                self.release(stag);
            }
            State::Unrecorded(_) => {
                env.note(Rule::StallRecordDropped);
                self.set(stag, State::Leaving(departure));
            }
            State::Recorded(_) | State::Outside | State::Suppressed { .. } | State::Withheld => {
                self.set(stag, State::Leaving(departure));
            }
            // A retry that has not been made yet ends like the rest of the stream, or of the SMMU (§3.12.2.2).
            State::Leaving(Departure::Retry) if departure.is_of_many() => {
                self.set(stag, State::Leaving(departure));
            }
            State::Leaving(_) => {}
        }
    }

    fn of_stream(&self, stream: StreamId) -> Vec<Stag> {
        self.iter().filter(|(_, stall)| stall.transaction.stream == stream).map(|(stag, _)| stag).collect()
    }

    fn where_state(&self, is_sought: impl Fn(State) -> bool) -> impl Iterator<Item = Stag> {
        self.iter().filter(move |(_, stall)| is_sought(stall.state)).map(|(stag, _)| stag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Iova;
    use crate::attributes::Attributes;
    use crate::transaction::{Access, AddressType, Direction};

    fn table(tags: impl IntoIterator<Item = u16>) -> Stalls {
        let transaction = Transaction {
            stream: StreamId(0),
            substream: None,
            address: Iova::new(0),
            access: Access::data(Direction::Read),
            address_type: AddressType::Untranslated,
            attributes: Attributes::INCOMING_DEFAULT,
        };
        let mut stalls = Stalls::default();
        for tag in tags {
            stalls.insert(Stag(tag), Stall { transaction, tries_early: false, state: State::Outside });
        }
        stalls
    }

    #[test]
    fn the_lowest_tag_is_taken_until_there_is_none() {
        assert_eq!(table([]).free_tag(), Some(Stag(0)));
        assert_eq!(table([0, 1, 3]).free_tag(), Some(Stag(2)));
        assert_eq!(table([1]).free_tag(), Some(Stag(0)));
        assert_eq!(table(0..0xffff).free_tag(), Some(Stag(0xffff)));
        assert_eq!(table(0..=0xffff).free_tag(), None);
    }

    #[test]
    fn what_waits_keeps_its_order() {
        let mut stalls = table([2, 0, 1]);
        assert_eq!(stalls.first_waiting().map(|(stag, _)| stag), Some(Stag(2)));
        stalls.set(Stag(2), State::Leaving(Departure::Retry));
        assert_eq!(stalls.first_waiting().map(|(stag, _)| stag), Some(Stag(0)));
        assert_eq!(
            stalls.next_leaving().map(|(stag, _, departure)| (stag, departure)),
            Some((Stag(2), Departure::Retry))
        );
        assert_eq!(stalls.next_leaving(), None);
    }
}
