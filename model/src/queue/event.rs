//! The Event queue's writer (§3.5.3, §7.2, §7.4).

use super::ring::{Fill, Ring};
use crate::bus::Bus;
use crate::choice::answer::{EventMerge, EventWriteAbort, QueueInconsistent};
use crate::env::Env;
use crate::features::Features;
use crate::interrupt;
use crate::layout::event::{EventCode, EventRecord};
use crate::layout::register::Gerror;
use crate::registers::Registers;
use crate::registers::error::activate;
use crate::rule::Rule;
use crate::trace::Event;

/// log2 of the bytes of a record.
const LOG2_RECORD_BYTES: u8 = 5;

/// What the writer remembers beside its registers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct EventQueue {
    /// The record at PROD - 1, if this writer put it there.
    last: Option<EventRecord>,
}

impl EventQueue {
    /// Software may have moved the queue: what was written last is not in it any more.
    pub(crate) fn forget(&mut self) {
        self.last = None;
    }

    /// Records an event that does not stall, or discards it. `mergeable` says whether STE.MEV or the kind of
    /// event permits merging (§7.3.1).
    pub(crate) fn record(
        &mut self,
        env: &mut impl Env,
        f: &Features,
        registers: &mut Registers,
        record: EventRecord,
        mergeable: bool,
    ) {
        if !registers.cr0ack.eventqen() {
            return env.note(Rule::EventQueueDisabled);
        }
        if registers.active_errors().eventq_abt_err() {
            return env.note(Rule::EventQueueInError);
        }
        let ring = registers.event_ring(f);
        let fill = ring.fill();
        // Needs no space, so it comes first. A record that software has taken is too long ago (§3.5.5).
        if mergeable && fill != Fill::Empty && self.merges(env, record) {
            return env.note(Rule::EventMerged);
        }
        match fill {
            Fill::Empty | Fill::Partial => {}
            Fill::Full => return overflow(env, registers),
            Fill::Inconsistent => {
                use QueueInconsistent::{Full, Proceed, Stop};
                match env.ask(&[Stop, Proceed, Full]) {
                    Stop => return env.note(Rule::EventQueueInconsistent),
                    Proceed => {}
                    Full => return overflow(env, registers),
                }
            }
        }
        self.append(env, f, registers, ring, record);
    }

    /// Whether a stall can be recorded now (§7.2.1).
    pub(crate) fn is_writable(&self, env: &mut impl Env, f: &Features, registers: &Registers) -> bool {
        if !registers.cr0ack.eventqen() || registers.active_errors().eventq_abt_err() {
            return false;
        }
        match registers.event_ring(f).fill() {
            Fill::Empty | Fill::Partial => true,
            Fill::Full => false,
            Fill::Inconsistent => {
                use QueueInconsistent::{Proceed, Stop};
                env.ask(&[Stop, Proceed]) == Proceed
            }
        }
    }

    /// Records a stall in a queue that is writable. It never merges (§7.3.1).
    pub(crate) fn record_stall(
        &mut self,
        env: &mut impl Env,
        f: &Features,
        registers: &mut Registers,
        record: EventRecord,
    ) {
        let ring = registers.event_ring(f);
        self.append(env, f, registers, ring, record);
    }

    fn merges(&self, env: &mut impl Env, record: EventRecord) -> bool {
        let is_repetition = self.last.is_some_and(|last| last.comparable() == record.comparable());
        is_repetition
            && !is_stall(record)
            && env.ask(&[EventMerge::Separate, EventMerge::Merge]) == EventMerge::Merge
    }

    fn append(
        &mut self,
        env: &mut impl Env,
        f: &Features,
        registers: &mut Registers,
        ring: Ring,
        record: EventRecord,
    ) {
        let index = ring.prod_index();
        let at = ring.slot(registers.eventq_base, LOG2_RECORD_BYTES, index).truncated(f.oas_bits);
        let is_reported = match env.bus().write(at, &record.to_bytes()) {
            Ok(()) => {
                self.last = Some(record);
                env.trace(|| Event::Record { index, record });
                false
            }
            Err(_abort) => {
                self.last = None;
                match env.ask(&[
                    EventWriteAbort::Synchronous,
                    EventWriteAbort::Asynchronous,
                    EventWriteAbort::Unreported,
                ]) {
                    EventWriteAbort::Synchronous => return report_abort(env, f, registers),
                    EventWriteAbort::Asynchronous => true,
                    EventWriteAbort::Unreported => false,
                }
            }
        };
        // The data is there before PROD says so (§3.5.2).
        registers.eventq_prod = registers.eventq_prod.with_index(ring.prod_after());
        if is_reported {
            report_abort(env, f, registers);
        }
        if ring.fill() == Fill::Empty {
            interrupt::event_queue(env, f, registers);
        }
    }
}

/// The enabled queue is full: a second loss before software acknowledges the first goes unreported (§7.4).
fn overflow(env: &mut impl Env, registers: &mut Registers) {
    let (prod, cons) = (registers.eventq_prod, registers.eventq_cons);
    if prod.overflow() != cons.overflow() {
        return env.note(Rule::EventQueueOverflowPending);
    }
    env.note(Rule::EventQueueOverflow);
    registers.eventq_prod = prod.with_overflow(!prod.overflow());
}

fn report_abort(env: &mut impl Env, f: &Features, registers: &mut Registers) {
    env.note(Rule::EventQueueAborted);
    activate(env, f, registers, Gerror::new().with_eventq_abt_err(true));
}

/// Whether the record says that its transaction is stalled; few kinds of event can (§7.3).
fn is_stall(record: EventRecord) -> bool {
    const CAN_STALL: [EventCode; 4] =
        [EventCode::FTranslation, EventCode::FAddrSize, EventCode::FAccess, EventCode::FPermission];
    record.event_code().is_some_and(|code| CAN_STALL.contains(&code)) && record.word1().stall()
}

#[cfg(test)]
mod tests;
