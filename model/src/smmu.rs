//! The device as a whole: registers, queues and client transactions behind one façade.

mod ahead;
mod ats;
mod front;
mod hints;
mod monitored;
#[cfg(feature = "serde")]
mod saved;
mod speculative;
mod stalls;

use crate::atos;
use crate::broadcast::{self, Broadcast};
use crate::cache::{CachePolicy, Caches, Origin};
use crate::command::ats::Invalidations;
use crate::command::{self, Targets};
use crate::config::{Globals, substream};
use crate::env::Env;
use crate::fault::stall::{HELD_MAX, Stalls};
use crate::fault::{self, Ending, PendingRecord};
use crate::features::Features;
use crate::outcome::{Outcome, Stop};
use crate::queue::event::EventQueue;
use crate::queue::ring::CONSUMED_MAX;
use crate::registers::{AnyRegister, Registers, access, update};
use crate::transaction::{AddressType, Transaction};
use crate::translate::memo::Memo;
use crate::translate::{self, Seen, translated};

use monitored::follow;
#[cfg(feature = "serde")]
pub use saved::LoadError;
pub use stalls::Held;

/// One SMMUv3, Non-secure programming interface.
///
/// With the `serde` feature its whole state can be saved; an `Smmu` loaded from it goes on in the same way.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "saved::Saved", into = "saved::Saved"))]
pub struct Smmu {
    features: Features,
    registers: Registers,
    event_queue: EventQueue,
    invalidations: Invalidations,
    stalls: Stalls,
    memo: Memo,
    caches: Caches,
}

/// The interconnect answered a register access with an abort (§6.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RegisterAbort;

/// Whether [`Smmu::step`] found something to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// One unit of work was done.
    Worked,
    /// Nothing is left to do until software or a device acts.
    Idle,
}

/// No more steps than this have something to do. Besides its commands, a queue can have one error, and one more
/// where the first does not show (§3.5.6.3). An Update or a command can set every held transaction going, which then
/// waits for software again or is retried once more; nothing else that a step does makes more work.
fn steps_max(f: &Features) -> usize {
    let queues = 1 + usize::from(f.ecmdq_pages) * usize::from(f.ecmdq_per_page);
    (update::pending_max(f) + atos::RUNNING_MAX + queues * (CONSUMED_MAX + 2)) * (2 * HELD_MAX + 1)
}

impl Smmu {
    /// An SMMU out of reset. Asks for the reset values that the architecture leaves open.
    pub fn new(features: Features, env: &mut impl Env) -> Self {
        let registers = Registers::after_reset(env, &features);
        let (event_queue, invalidations, stalls, memo) = Default::default();
        let caches = Caches::new(CachePolicy::default());
        Self { features, registers, event_queue, invalidations, stalls, memo, caches }
    }

    /// The same SMMU with this policy, and with nothing cached.
    #[must_use]
    pub fn with_caches(self, policy: CachePolicy) -> Self {
        Self { caches: Caches::new(policy), ..self }
    }

    /// What is cached.
    pub fn cache_policy(&self) -> CachePolicy {
        self.caches.policy
    }

    /// Says which moment it is, as the caller counts: what is cached from now on was born then.
    pub fn at(&mut self, moment: u32) {
        self.caches.now.moment = moment;
    }

    /// What this SMMU has.
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// What software would read from `register`, without an access and so without its effects or questions.
    pub fn peek(&self, register: impl Into<AnyRegister>) -> u64 {
        self.registers.get_any(&self.features, register.into())
    }

    /// A register read: `offset` from the base of page 0, `size_bytes` as the bus has it.
    pub fn read(&mut self, env: &mut impl Env, offset: u64, size_bytes: u8) -> Result<u64, RegisterAbort> {
        access::read(env, &self.features, &self.registers, offset, size_bytes)
    }

    /// A register write. Records what was asked; [`Smmu::step`] does the work that follows.
    pub fn write(
        &mut self,
        env: &mut impl Env,
        offset: u64,
        size_bytes: u8,
        value: u64,
    ) -> Result<(), RegisterAbort> {
        access::write(env, &self.features, &mut self.registers, (offset, size_bytes), value)
    }

    /// Does one unit of pending work: goes on with one stalled transaction, completes one register Update or one
    /// address translation operation, or consumes one command.
    pub fn step(&mut self, env: &mut impl Env) -> Progress {
        if !self.stalls.is_empty() && self.step_stalls(env) == Progress::Worked {
            return Progress::Worked;
        }
        if let Some(interface) = atos::due(&self.registers) {
            self.run_atos(env, interface);
            return Progress::Worked;
        }
        let before = self.registers.cr0ack;
        if update::complete_one(env, &self.features, &mut self.registers) {
            if self.registers.cr0ack.eventqen() != before.eventqen() {
                self.event_queue.forget();
            }
            if before.smmuen() && !self.registers.cr0ack.smmuen() {
                self.stalls.disable(env);
            }
            return Progress::Worked;
        }
        if let Some(interface) = atos::next(env, &self.features, &self.registers) {
            self.run_atos(env, interface);
            return Progress::Worked;
        }
        let Self { features, registers, invalidations, stalls, caches, .. } = self;
        command::step(env, features, registers, &mut Targets { invalidations, stalls, caches }, follow)
    }

    /// A TLBI of a processing element arrives (§3.17).
    pub fn broadcast(&mut self, env: &mut impl Env, broadcast: Broadcast) {
        let Self { features, registers, caches, stalls, .. } = self;
        broadcast::receive(env, features, registers, (caches, stalls), broadcast);
    }

    /// A DVM Sync arrives: the broadcasts before it are complete when this returns (§3.21.1).
    pub fn synchronize_broadcasts(&mut self, env: &mut impl Env) {
        self.caches.synchronize(env, Origin::Broadcast);
        self.stalls.synchronize(Origin::Broadcast);
    }

    /// Steps until idle; stalled transactions that may be retried early are, once, on the way.
    pub fn settle(&mut self, env: &mut impl Env) {
        self.finish(env);
        if self.retry_early(env) == Progress::Worked {
            self.finish(env);
        }
    }

    fn finish(&mut self, env: &mut impl Env) {
        let (mut steps, steps_max) = (0, steps_max(&self.features));
        while !self.only_main_queue_works() {
            if self.step(env) == Progress::Idle {
                return;
            }
            steps += 1;
            assert!(steps <= steps_max, "a step made more work");
        }
        let Self { features, registers, invalidations, stalls, caches, .. } = self;
        command::drain(env, features, registers, &mut Targets { invalidations, stalls, caches }, follow);
    }

    /// Whether no step has anything to do but to consume from the Command queue that every SMMU has. Commands do not
    /// change that: Updates and address translation operations come from register writes, and what a command does to
    /// a stalled transaction needs one.
    fn only_main_queue_works(&self) -> bool {
        self.stalls.is_empty()
            && !update::is_pending(&self.registers)
            && !atos::is_running(&self.registers)
            && !self.registers.ecmdqs.are_in_use()
    }

    /// One client transaction, from arrival to its end (chapter 15).
    #[inline]
    pub fn transact(&mut self, env: &mut impl Env, tx: &Transaction) -> Outcome {
        if self.registers.pmcgs.is_counting() {
            return self.transact_watched(env, tx);
        }
        self.transact_unwatched(env, tx)
    }

    #[inline(always)]
    fn transact_unwatched(&mut self, env: &mut impl Env, tx: &Transaction) -> Outcome {
        if tx.address_type == AddressType::Translated || substream::is_too_wide(&self.features, tx.substream)
        {
            let presented = self.as_presented(env, tx);
            return self.transact_as(env, &presented);
        }
        self.transact_as(env, tx)
    }

    /// What of the transaction reaches the SMMU (§3.9).
    #[cold]
    fn as_presented(&self, env: &mut impl Env, tx: &Transaction) -> Transaction {
        let mut presented = match tx.address_type {
            AddressType::Translated => translated::as_presented(&self.features, tx),
            AddressType::Untranslated => *tx,
        };
        if substream::is_too_wide(&self.features, presented.substream) && self.registers.cr0ack.smmuen() {
            let arrival = |pasid| substream::on_arrival(env, &self.features, pasid);
            presented.substream = presented.substream.map(arrival);
        }
        presented
    }

    #[inline(always)]
    fn transact_as<E: Env>(&mut self, env: &mut E, tx: &Transaction) -> Outcome {
        let globals = Globals { features: &self.features, registers: &self.registers };
        let question = translate::question::<E>(&globals, tx);
        if let Some(question) = question
            && let Some(known) = self.memo.answers.find(self.caches.version(), question, tx)
        {
            return Outcome::Done(known);
        }
        let mut seen = Seen::nothing(tx);
        let memo = (&mut self.memo, question);
        match translate::resolve(env, &globals, memo, &mut self.caches, tx, &mut seen) {
            Ok(translation) => Outcome::Done(translation),
            Err(stop) => self.fail(env, tx, &seen, stop),
        }
    }

    /// The end of a transaction that stopped.
    #[cold]
    fn fail(&mut self, env: &mut impl Env, tx: &Transaction, seen: &Seen, stop: Stop) -> Outcome {
        let globals = Globals { features: &self.features, registers: &self.registers };
        match fault::conclude(env, &globals, tx, seen, stop) {
            Ending::Terminates { outcome, record } => {
                self.record(env, record);
                outcome
            }
            Ending::Stalls { rule, record } => self.hold(env, tx, rule, record),
        }
    }

    fn record(&mut self, env: &mut impl Env, record: Option<PendingRecord>) {
        if let Some(PendingRecord { record, mergeable }) = record {
            self.event_queue.record(env, &self.features, &mut self.registers, record, mergeable);
        }
    }
}
