//! An SMMU as the front of another: it has registers and queues of its own, and something else translates, as when a
//! virtual machine monitor shows an SMMU whose devices are behind a real one.
//!
//! Whoever is behind it looks at each command before it is consumed, may stop the queue at one that it cannot carry
//! out, and hands in the events that happen there.

use super::Smmu;
use crate::atos;
use crate::bus::Bus;
use crate::choice::Defaults;
use crate::command::{self, Decoded};
use crate::env::{Env, World};
use crate::ids::CommandQueue;
use crate::layout::command::Command;
use crate::layout::event::EventRecord;
use crate::queue::command as queue;
use crate::rule::CommandError;
use crate::trace::Silence;

impl Smmu {
    /// The command that the next [`step`](Smmu::step) consumes from the Command queue; `None` if the step does
    /// something else, or stops the queue (§7.1).
    pub fn next_command(&self, bus: &mut impl Bus) -> Option<(Command, Decoded)> {
        let env = &mut World { bus, chooser: &mut Defaults, sink: &mut Silence };
        let next = self.next_of_main_queue(env)?;
        let command = next.fetch(env, &self.features, &self.registers).ok()?;
        let decoded = command::decode(env, &self.features, command).ok()?;
        Some((command, decoded))
    }

    /// Stops the Command queue at its next command as if the command were at fault, for `error` (§7.1). Returns
    /// whether there is one.
    pub fn stop_commands(&mut self, env: &mut impl Env, error: CommandError) -> bool {
        let next = self.next_of_main_queue(env);
        if let Some(next) = next {
            next.stop(env, &self.features, &mut self.registers, error);
        }
        next.is_some()
    }

    /// Records an event that happened elsewhere, if the Event queue takes it (§7.2).
    pub fn record_event(&mut self, env: &mut impl Env, record: EventRecord) {
        self.event_queue.record(env, &self.features, &mut self.registers, record, false);
    }

    /// Whether an event could be recorded now: a stall is not, until it can be (§7.2.1).
    pub fn takes_events(&self, env: &mut impl Env) -> bool {
        self.event_queue.is_writable(env, &self.features, &self.registers)
    }

    /// The Main queue, if it is next: stalls, Updates and address translation operations come first.
    fn next_of_main_queue(&self, env: &mut impl Env) -> Option<queue::Pending> {
        let Self { features, registers, invalidations, stalls, .. } = self;
        let is_updating = registers.cr0 != registers.cr0ack
            || registers.irq_ctrl != registers.irq_ctrlack
            || registers.gbpa.update();
        if is_updating || !stalls.is_empty() || atos::next(env, features, registers).is_some() {
            return None;
        }
        let next = queue::next(env, features, registers, |queue| invalidations.hang(queue))?;
        (next.queue() == CommandQueue::Main).then_some(next)
    }
}
