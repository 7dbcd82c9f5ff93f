//! The PRI queue's writer (§3.5.1, §8): which messages are recorded, and why the others are not.

use super::ring::{Fill, Ring};
use crate::ats::PageRequest;
use crate::bus::Bus;
use crate::choice::answer::{PriWriteAbort, QueueInconsistent};
use crate::env::Env;
use crate::features::Features;
use crate::ids::SubstreamId;
use crate::interrupt;
use crate::layout::pri::{PriRecord, PriWord0, PriWord1};
use crate::layout::register::Gerror;
use crate::registers::Registers;
use crate::registers::error::activate;
use crate::rule::Rule;
use crate::trace::Event;
use crate::transaction::Privilege;

/// log2 of the bytes of a record.
const LOG2_RECORD_BYTES: u8 = 4;

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Received {
    /// It was recorded, or lost in a way that shows nowhere.
    Taken,
    /// It was discarded because of overflow.
    Overflowed,
    /// It was discarded because nothing can be recorded: disabled, in error, or aborted.
    Refused,
}

/// Records a message, or discards it.
pub(crate) fn receive(
    env: &mut impl Env,
    f: &Features,
    registers: &mut Registers,
    request: &PageRequest,
) -> Received {
    if !(registers.cr0ack.priqen() && registers.cr0ack.smmuen()) {
        env.note(Rule::PageRequestDisabled);
        return Received::Refused;
    }
    if registers.active_errors().priq_abt_err() {
        env.note(Rule::PageRequestInError);
        return Received::Refused;
    }
    // An overflow keeps records out even where there is space again, unlike that of the Event queue.
    if registers.priq_prod.overflow() != registers.priq_cons.overflow() {
        env.note(Rule::PriQueueOverflowing);
        return overflowed(env, f, registers, request);
    }
    let ring = registers.pri_ring(f);
    match ring.fill() {
        Fill::Empty | Fill::Partial => {}
        Fill::Full => return overflow(env, f, registers, request),
        Fill::Inconsistent => {
            use QueueInconsistent::{Full, Proceed, Stop};
            match env.ask(&[Stop, Proceed, Full]) {
                Stop => {
                    env.note(Rule::PriQueueInconsistent);
                    return Received::Taken;
                }
                Proceed => {}
                Full => return overflow(env, f, registers, request),
            }
        }
    }
    append(env, f, registers, ring, request)
}

/// The overflow begins.
fn overflow(env: &mut impl Env, f: &Features, registers: &mut Registers, request: &PageRequest) -> Received {
    env.note(Rule::PriQueueOverflow);
    registers.priq_prod = registers.priq_prod.with_overflow(!registers.priq_prod.overflow());
    overflowed(env, f, registers, request)
}

/// With LO, the last request of a group interrupts although overflow took it (§6.3.36).
fn overflowed(
    env: &mut impl Env,
    f: &Features,
    registers: &mut Registers,
    request: &PageRequest,
) -> Received {
    if registers.priq_irq.attributes.lo() && request.last {
        interrupt::pri_queue(env, f, registers);
    }
    Received::Overflowed
}

fn append(
    env: &mut impl Env,
    f: &Features,
    registers: &mut Registers,
    ring: Ring,
    request: &PageRequest,
) -> Received {
    let (index, record) = (ring.prod_index(), record(request));
    let at = ring.slot(registers.priq_base, LOG2_RECORD_BYTES, index);
    let is_reported = match env.bus().write(at, &record.to_bytes()) {
        Ok(()) => {
            env.trace(|| Event::PageRequest { index, record });
            false
        }
        Err(_abort) => match env.ask(&[
            PriWriteAbort::Synchronous,
            PriWriteAbort::Asynchronous,
            PriWriteAbort::Unreported,
        ]) {
            PriWriteAbort::Synchronous => {
                report_abort(env, f, registers);
                return Received::Refused;
            }
            PriWriteAbort::Asynchronous => true,
            PriWriteAbort::Unreported => false,
        },
    };
    // The data is there before PROD says so (§3.5.2).
    registers.priq_prod = registers.priq_prod.with_index(ring.prod_after());
    if is_reported {
        report_abort(env, f, registers);
    }
    let interrupts =
        if registers.priq_irq.attributes.lo() { request.last } else { ring.fill() == Fill::Empty };
    if interrupts {
        interrupt::pri_queue(env, f, registers);
    }
    Received::Taken
}

fn report_abort(env: &mut impl Env, f: &Features, registers: &mut Registers) {
    env.note(Rule::PriQueueAborted);
    activate(env, f, registers, Gerror::new().with_priq_abt_err(true));
}

fn record(request: &PageRequest) -> PriRecord {
    let SubstreamId(id) = request.substream.unwrap_or_default();
    let word0 = PriWord0::new()
        .with_stream_id(request.stream.0)
        .with_substream_id(id & 0xf_ffff)
        .with_privileged(request.privilege == Privilege::Privileged)
        .with_x(request.execute)
        .with_r(request.read)
        .with_w(request.write)
        .with_l(request.last)
        .with_ssv(request.substream.is_some());
    let word1 =
        PriWord1::new().with_prg_index(request.prg_index).with_page_number(request.address.value() >> 12);
    PriRecord([word0.into_bits(), word1.into_bits()])
}
