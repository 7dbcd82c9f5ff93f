//! The Command queue's reader (§4.1.2, §7.1): which command is next, and what stops the queue.

use super::ring::{Fill, Ring};
use crate::bus::Bus;
use crate::choice::answer::QueueInconsistent;
use crate::env::Env;
use crate::features::Features;
use crate::layout::command::Command;
use crate::layout::register::Gerror;
use crate::registers::Registers;
use crate::registers::error::activate;
use crate::rule::{CommandError, Rule};
use crate::trace::Event;

/// log2 of the bytes of a command.
const LOG2_COMMAND_BYTES: u8 = 4;

/// The queue as it is when a command is to be consumed; `None` if none is: the queue is disabled, in error,
/// empty, or inconsistent in a way that stops it.
pub(crate) fn pending(env: &mut impl Env, f: &Features, registers: &Registers) -> Option<Ring> {
    if !registers.cr0ack.cmdqen() || registers.active_errors().cmdq_err() {
        return None;
    }
    let ring = registers.command_ring(f);
    match ring.fill() {
        Fill::Empty => None,
        Fill::Partial | Fill::Full => Some(ring),
        Fill::Inconsistent => match env.ask(&[QueueInconsistent::Stop, QueueInconsistent::Proceed]) {
            QueueInconsistent::Stop => {
                env.note(Rule::CommandQueueInconsistent);
                None
            }
            QueueInconsistent::Proceed | QueueInconsistent::Full => Some(ring),
        },
    }
}

/// Whether another command waits behind one that was just consumed.
pub(crate) fn has_more(f: &Features, registers: &Registers) -> bool {
    !registers.active_errors().cmdq_err()
        && matches!(registers.command_ring(f).fill(), Fill::Partial | Fill::Full)
}

/// Reads the next command.
pub(crate) fn fetch(
    env: &mut impl Env,
    f: &Features,
    registers: &Registers,
    ring: Ring,
) -> Result<Command, Rule> {
    let index = ring.cons_index();
    let at = ring.slot(registers.cmdq_base, LOG2_COMMAND_BYTES, index).truncated(f.oas_bits);
    let words = env.bus().read_pair(at).map_err(|_abort| Rule::CommandFetchAborted)?;
    env.trace(|| Event::Command { index, words });
    Ok(Command(words))
}

/// Moves CONS over the command.
pub(crate) fn consume(env: &mut impl Env, f: &Features, registers: &mut Registers, ring: Ring) {
    env.note(Rule::CommandConsumed);
    registers.cmdq_cons = registers.cmdq_cons.with_rd(ring.cons_after());
    // Software that waits for space sleeps in WFE (§4.1.2).
    if f.sev && ring.fill() == Fill::Full {
        env.trace(|| Event::WakeUp);
    }
}

/// Stops at the command: CONS stays, and the reason is there before the error is (§7.1).
pub(crate) fn stop(env: &mut impl Env, f: &Features, registers: &mut Registers, error: CommandError) {
    registers.cmdq_cons = registers.cmdq_cons.with_err(error.code());
    env.trace(|| Event::CommandError { error });
    activate(env, f, registers, Gerror::new().with_cmdq_err(true));
}
