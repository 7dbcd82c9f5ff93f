//! The reader of Command queues (§3.5.6, §4.1.2, §7.1): which command is next, and what stops a queue.
//!
//! The one that every SMMU has and the Enhanced ones differ in where their indexes, their enable and their error
//! lie, and in nothing else.

use super::ring::{Fill, Ring};
use crate::bus::Bus;
use crate::choice::answer::{CommandQueueOrder, EcmdqErrackMismatch, QueueInconsistent};
use crate::env::Env;
use crate::features::Features;
use crate::ids::CommandQueue;
use crate::layout::command::Command;
use crate::layout::register::Gerror;
use crate::registers::Registers;
use crate::registers::ecmdq::ErrorState;
use crate::registers::error::activate;
use crate::rule::{CommandError, Rule};
use crate::trace::Event;

/// log2 of the bytes of a command.
const LOG2_COMMAND_BYTES: u8 = 4;

/// A queue as it is when a command of it is to be consumed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    queue: CommandQueue,
    ring: Ring,
}

/// The queue to consume from; `None` if every one is disabled, in error, empty, inconsistent in a way that stops
/// it, or `hangs` for ever in a CMD_SYNC. Queues have no order among each other (§3.5.6.1): where several are pending, each may be next.
pub(crate) fn next(
    env: &mut impl Env,
    f: &Features,
    registers: &Registers,
    hangs: impl Fn(CommandQueue) -> bool,
) -> Option<Pending> {
    let enhanced = registers.ecmdqs.ids(f).map(CommandQueue::Enhanced);
    let mut chosen = None;
    for queue in std::iter::once(CommandQueue::Main).chain(enhanced).filter(|&queue| !hangs(queue)) {
        let Some(found) = pending(env, f, registers, queue) else { continue };
        if chosen.is_some()
            && env.ask(&[CommandQueueOrder::First, CommandQueueOrder::Later]) == CommandQueueOrder::First
        {
            break;
        }
        chosen = Some(found);
    }
    chosen
}

/// The same for the Command queue that every SMMU has alone, which stands at `ring` and does not hang.
#[inline(always)]
pub(crate) fn next_of_main(
    env: &mut impl Env,
    f: &Features,
    registers: &Registers,
    ring: Ring,
) -> Option<Pending> {
    main_is_open(registers).then(|| at(env, f, registers, CommandQueue::Main, ring))?
}

/// Whether some queue has a command that could be consumed; nothing is asked.
pub(crate) fn waits(f: &Features, registers: &Registers) -> bool {
    let mut enhanced = registers.ecmdqs.ids(f).map(|id| registers.ecmdqs.get(f, id));
    main_has_more(registers, registers.command_ring(f))
        || enhanced.any(|queue| {
            queue.is_enabled()
                && matches!(queue.error_state(), ErrorState::None)
                && queue.ring(f).has_entries()
        })
}

/// Whether the Command queue that every SMMU has, which stands at `ring`, has another command.
#[inline(always)]
pub(crate) fn main_has_more(registers: &Registers, ring: Ring) -> bool {
    main_is_open(registers) && ring.has_entries()
}

#[inline(always)]
fn main_is_open(registers: &Registers) -> bool {
    registers.cr0ack.cmdqen() && !registers.active_errors().cmdq_err()
}

fn pending(env: &mut impl Env, f: &Features, registers: &Registers, queue: CommandQueue) -> Option<Pending> {
    let ring = match queue {
        CommandQueue::Main => main_is_open(registers).then(|| registers.command_ring(f))?,
        CommandQueue::Enhanced(id) => {
            let queue = registers.ecmdqs.get(f, id);
            queue.is_enabled().then(|| queue.ring(f))?
        }
    };
    at(env, f, registers, queue, ring)
}

/// The command at CONS of an enabled queue, if it may be consumed.
#[inline(always)]
fn at(
    env: &mut impl Env,
    f: &Features,
    registers: &Registers,
    queue: CommandQueue,
    ring: Ring,
) -> Option<Pending> {
    let is_pending = match ring.fill() {
        Fill::Empty => false,
        Fill::Partial | Fill::Full => passes_errors(env, f, registers, queue),
        Fill::Inconsistent => passes_errors(env, f, registers, queue) && passes_inconsistency(env),
    };
    is_pending.then_some(Pending { queue, ring })
}

/// An Enhanced queue stops while ERRACK and ERR differ, but software may not make them so (§3.5.6.3).
fn passes_errors(env: &mut impl Env, f: &Features, registers: &Registers, queue: CommandQueue) -> bool {
    let CommandQueue::Enhanced(id) = queue else { return true };
    match registers.ecmdqs.get(f, id).error_state() {
        ErrorState::None => true,
        ErrorState::Active => false,
        ErrorState::Mismatch => match env.ask(&[EcmdqErrackMismatch::Stop, EcmdqErrackMismatch::Consume]) {
            EcmdqErrackMismatch::Stop => {
                env.note(Rule::EcmdqErrackMismatch);
                false
            }
            EcmdqErrackMismatch::Consume => true,
        },
    }
}

fn passes_inconsistency(env: &mut impl Env) -> bool {
    match env.ask(&[QueueInconsistent::Stop, QueueInconsistent::Proceed]) {
        QueueInconsistent::Stop => {
            env.note(Rule::CommandQueueInconsistent);
            false
        }
        QueueInconsistent::Proceed | QueueInconsistent::Full => true,
    }
}

impl Pending {
    /// Which queue.
    pub(crate) const fn queue(self) -> CommandQueue {
        self.queue
    }

    /// The queue behind the command, once it is consumed.
    pub(crate) fn rest(self) -> Ring {
        self.ring.consumed()
    }

    /// Whether another command of the same queue waits behind one that was just consumed.
    pub(crate) fn has_more(self, f: &Features, registers: &Registers) -> bool {
        match self.queue {
            CommandQueue::Main => main_has_more(registers, registers.command_ring(f)),
            CommandQueue::Enhanced(id) => {
                let queue = registers.ecmdqs.get(f, id);
                matches!(queue.error_state(), ErrorState::None) && queue.ring(f).has_entries()
            }
        }
    }

    /// Reads the next command.
    #[inline(always)]
    pub(crate) fn fetch(
        self,
        env: &mut impl Env,
        f: &Features,
        registers: &Registers,
    ) -> Result<Command, Rule> {
        let Self { queue, ring } = self;
        let base = match queue {
            CommandQueue::Main => registers.cmdq_base,
            CommandQueue::Enhanced(id) => registers.ecmdqs.get(f, id).base,
        };
        let index = ring.cons_index();
        let at = ring.slot(base, LOG2_COMMAND_BYTES, index).truncated(f.oas_bits);
        let words = env.bus().read_pair(at).map_err(|_abort| Rule::CommandFetchAborted)?;
        env.trace(|| Event::Command { queue, index, words });
        Ok(Command(words))
    }

    /// Moves CONS over the command.
    pub(crate) fn consume(self, env: &mut impl Env, f: &Features, registers: &mut Registers) {
        env.note(Rule::CommandConsumed);
        let rd = self.rest().cons();
        match self.queue {
            CommandQueue::Main => registers.cmdq_cons.set_rd(rd),
            CommandQueue::Enhanced(id) => registers.ecmdqs.get_mut(f, id).set_rd(rd),
        }
        // Software that waits for space sleeps in WFE (§4.1.2, §3.5.6.1).
        if f.sev && self.ring.fill() == Fill::Full {
            env.trace(|| Event::WakeUp);
        }
    }

    /// Stops at the command: CONS stays, and the reason is there before the error is (§7.1, §3.5.6.3).
    pub(crate) fn stop(
        self,
        env: &mut impl Env,
        f: &Features,
        registers: &mut Registers,
        error: CommandError,
    ) {
        let queue = self.queue;
        let flags = match queue {
            CommandQueue::Main => {
                registers.cmdq_cons.set_err(error.code());
                Gerror::new().with_cmdq_err(true)
            }
            CommandQueue::Enhanced(id) => {
                env.note(Rule::EcmdqError);
                registers.ecmdqs.get_mut(f, id).fail(error);
                Gerror::new().with_cmdqp_err(true)
            }
        };
        env.trace(|| Event::CommandError { queue, error });
        activate(env, f, registers, flags);
    }
}
