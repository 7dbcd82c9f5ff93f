//! What the SMMU does about the transactions that it holds (§3.12.2): holds them, records them, retries them and ends
//! them, one at a time.

use super::{Progress, Smmu};
use crate::choice::answer::{
    DelayedStallRecord, EarlyRetry, EarlyRetryMoment, RecordAfterEarlyRetry, StallSuppression,
};
use crate::config::Globals;
use crate::env::Env;
use crate::fault::stall::{Departure, Invalidation, Stall, State, Unrecorded, stalling};
use crate::fault::{self, Ending, PendingRecord};
use crate::ids::Stag;
use crate::layout::event::EventRecord;
use crate::outcome::Outcome;
use crate::rule::Rule;
use crate::trace::Event;
use crate::transaction::Transaction;
use crate::translate::{self, Seen};

/// A transaction that an SMMU holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held<'a> {
    /// Its name.
    pub stag: Stag,
    /// What the client asks for.
    pub transaction: &'a Transaction,
    /// Whether the SMMU has recorded the stall.
    pub recorded: bool,
}

impl Smmu {
    /// The transactions that stall, in the order of their tags.
    pub fn held(&self) -> impl Iterator<Item = Held<'_>> {
        self.stalls.iter().filter_map(|(stag, Stall { transaction, state, .. })| {
            let recorded = match state {
                State::Ended | State::Unrecorded(Unrecorded { ended: true, .. }) => return None,
                State::Recorded(_) => true,
                State::Unrecorded(_) | State::Outside | State::Suppressed { .. } | State::Leaving(_) => false,
            };
            Some(Held { stag, transaction, recorded })
        })
    }

    /// Lets each stalled transaction that may retry without being told do so once (§3.12.2.2). No step does that by
    /// itself, as it could do so for ever.
    pub fn retry_early(&mut self, env: &mut impl Env) -> Progress {
        let mut progress = Progress::Idle;
        for stag in self.stalls.trying_early() {
            if env.ask(&[EarlyRetryMoment::Now, EarlyRetryMoment::Later]) == EarlyRetryMoment::Now {
                env.note(Rule::StallRetriedEarly);
                self.retry_one_early(env, stag);
                progress = Progress::Worked;
            }
        }
        progress
    }

    /// The fault `rule` asks for a stall; `pending` is its record.
    pub(super) fn hold(
        &mut self,
        env: &mut impl Env,
        tx: &Transaction,
        rule: Rule,
        pending: PendingRecord,
    ) -> Outcome {
        let Some(stag) = self.stalls.free_tag() else {
            // An SMMU that can hold no more would take no more transactions; here, each one is answered.
            env.note(Rule::StallTerminates);
            self.record(env, Some(pending));
            return Outcome::Abort(rule);
        };
        env.note(Rule::StallHeld);
        let state = self.first_state(env, stalling(pending.record, stag));
        let tries_early = match state {
            State::Recorded(_) | State::Unrecorded(_) => {
                env.ask(&[EarlyRetry::Never, EarlyRetry::Tries]) == EarlyRetry::Tries
            }
            State::Outside | State::Suppressed { .. } | State::Ended | State::Leaving(_) => false,
        };
        self.stalls.insert(stag, Stall { transaction: *tx, tries_early, state });
        Outcome::Stalled { stag, rule }
    }

    fn first_state(&mut self, env: &mut impl Env, record: EventRecord) -> State {
        if !self.has_place() {
            env.note(Rule::StallBeyondMax);
            return State::Outside;
        }
        if let Some(by) = self.stalls.like(record)
            && env.ask(&[StallSuppression::Record, StallSuppression::Suppress]) == StallSuppression::Suppress
        {
            env.note(Rule::StallSuppressed);
            return State::Suppressed { by };
        }
        if self.event_queue.is_writable(env, &self.features, &self.registers) {
            self.event_queue.record_stall(env, &self.features, &mut self.registers, record);
            return State::Recorded(record);
        }
        env.note(Rule::StallRecordWaits);
        State::Unrecorded(Unrecorded { record, invalidation: Invalidation::None, ended: false })
    }

    /// Whether one more stall may be recorded (§6.3.6).
    fn has_place(&self) -> bool {
        self.stalls.recorded() < usize::from(self.features.stall_max)
    }

    /// Goes on with one stalled transaction, if one can go on.
    pub(super) fn step_stalls(&mut self, env: &mut impl Env) -> Progress {
        if let Some((stag, tx, departure)) = self.stalls.next_leaving() {
            self.depart(env, stag, &tx, departure);
            return Progress::Worked;
        }
        let Some((stag, Stall { transaction, state, .. })) = self.stalls.first_waiting() else {
            return Progress::Idle;
        };
        if !self.has_place() {
            return Progress::Idle;
        }
        let State::Unrecorded(unrecorded) = state else {
            self.stalls.release(stag);
            self.depart(env, stag, &transaction, Departure::Retry);
            return Progress::Worked;
        };
        if !self.event_queue.is_writable(env, &self.features, &self.registers) {
            return Progress::Idle;
        }
        if is_obsolete(env, unrecorded) {
            env.note(Rule::StallRecordDropped);
            self.stalls.release(stag);
            if !unrecorded.ended {
                self.depart(env, stag, &transaction, Departure::Retry);
            }
        } else {
            let Unrecorded { record, ended, .. } = unrecorded;
            self.event_queue.record_stall(env, &self.features, &mut self.registers, record);
            self.stalls.set(stag, if ended { State::Ended } else { State::Recorded(record) });
        }
        Progress::Worked
    }

    /// A transaction leaves the table: for good, or to come back under a new name.
    fn depart(&mut self, env: &mut impl Env, stag: Stag, tx: &Transaction, departure: Departure) {
        let outcome = match departure {
            Departure::Retry => {
                env.note(Rule::StallRetried);
                self.transact_as(env, tx)
            }
            Departure::RazWi => {
                env.note(Rule::ResumedRazWi);
                Outcome::RazWi(Rule::ResumedRazWi)
            }
            Departure::Abort => aborted(env, Rule::ResumedWithAbort),
            Departure::StreamTerminated => aborted(env, Rule::StreamStallTerminated),
            Departure::Disabled => aborted(env, Rule::StallEndedByDisable),
        };
        env.trace(|| Event::StallEnded { stag, stream: tx.stream, outcome });
    }

    fn retry_one_early(&mut self, env: &mut impl Env, stag: Stag) {
        let Stall { transaction: tx, state, .. } = self.stalls.get(stag);
        let globals = Globals { features: &self.features, registers: &self.registers };
        let mut seen = Seen::nothing(&tx);
        let outcome =
            match translate::resolve(env, &globals, (&mut self.memo, None), &mut self.caches, &tx, &mut seen)
            {
                Ok(translation) => {
                    self.end_early(env, stag, state);
                    Outcome::Done(translation)
                }
                Err(stop) => match fault::conclude(env, &globals, &tx, &seen, stop) {
                    Ending::Stalls { record, .. } => {
                        return self.stays(stag, state, stalling(record.record, stag));
                    }
                    Ending::Terminates { outcome, record } => {
                        // The newest fault counts, unless the first is recorded.
                        if let State::Unrecorded(_) = state {
                            self.stalls.release(stag);
                            self.record(env, record);
                        } else {
                            self.stalls.set(stag, State::Ended);
                        }
                        outcome
                    }
                },
            };
        env.trace(|| Event::StallEnded { stag, stream: tx.stream, outcome });
    }

    /// An early retry passed. Software must acknowledge a record all the same.
    fn end_early(&mut self, env: &mut impl Env, stag: Stag, state: State) {
        let State::Unrecorded(unrecorded) = state else {
            return self.stalls.set(stag, State::Ended);
        };
        match env.ask(&[RecordAfterEarlyRetry::Drop, RecordAfterEarlyRetry::Record]) {
            RecordAfterEarlyRetry::Drop => {
                env.note(Rule::StallRecordDropped);
                self.stalls.release(stag);
            }
            RecordAfterEarlyRetry::Record => {
                self.stalls.set(stag, State::Unrecorded(Unrecorded { ended: true, ..unrecorded }));
            }
        }
    }

    /// An early retry stalls: the newest fault counts, unless the first is recorded.
    fn stays(&mut self, stag: Stag, state: State, record: EventRecord) {
        if let State::Unrecorded(_) = state {
            let newest = Unrecorded { record, invalidation: Invalidation::None, ended: false };
            self.stalls.set(stag, State::Unrecorded(newest));
        }
    }
}

fn aborted(env: &mut impl Env, rule: Rule) -> Outcome {
    env.note(rule);
    Outcome::Abort(rule)
}

/// Whether a record that can be written at last is dropped, and its transaction retried (§7.2.1).
fn is_obsolete(env: &mut impl Env, unrecorded: Unrecorded) -> bool {
    match unrecorded.invalidation {
        Invalidation::Complete => true,
        Invalidation::None | Invalidation::Begun if unrecorded.ended => false,
        Invalidation::None | Invalidation::Begun => {
            env.ask(&[DelayedStallRecord::Record, DelayedStallRecord::Retry]) == DelayedStallRecord::Retry
        }
    }
}
