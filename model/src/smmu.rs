//! The device as a whole: registers, queues and client transactions behind one façade.

mod ats;
#[cfg(feature = "serde")]
mod saved;

use crate::command;
use crate::command::ats::Invalidations;
use crate::config::{Globals, substream};
use crate::env::Env;
use crate::fault::{self, PendingRecord};
use crate::features::Features;
use crate::outcome::{Outcome, Stop};
use crate::queue::event::EventQueue;
use crate::queue::ring::CONSUMED_MAX;
use crate::registers::{Register, Registers, access, update};
use crate::transaction::{AddressType, Transaction};
use crate::translate::memo::Memo;
use crate::translate::{self, Seen, translated};

#[cfg(feature = "serde")]
pub use saved::LoadError;

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
    memo: Memo,
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

/// No more than this can be pending at once: nothing that a step does makes more work.
const STEPS_MAX: usize = update::PENDING_MAX + CONSUMED_MAX;

impl Smmu {
    /// An SMMU out of reset. Asks for the reset values that the architecture leaves open.
    pub fn new(features: Features, env: &mut impl Env) -> Self {
        let registers = Registers::after_reset(env, &features);
        Self {
            features,
            registers,
            event_queue: EventQueue::default(),
            invalidations: Invalidations::default(),
            memo: Memo::default(),
        }
    }

    /// What this SMMU has.
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// What software would read from `register`, without an access and so without its effects or questions.
    pub fn peek(&self, register: Register) -> u64 {
        self.registers.get(&self.features, register)
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

    /// Does one unit of pending work: completes one register Update, or consumes one command.
    pub fn step(&mut self, env: &mut impl Env) -> Progress {
        let was_recording = self.registers.cr0ack.eventqen();
        if update::complete_one(env, &mut self.registers) {
            if self.registers.cr0ack.eventqen() != was_recording {
                self.event_queue.forget();
            }
            return Progress::Worked;
        }
        command::step(env, &self.features, &mut self.registers, &mut self.invalidations)
    }

    /// Steps until idle.
    pub fn settle(&mut self, env: &mut impl Env) {
        let mut steps = 0;
        while self.step(env) == Progress::Worked {
            steps += 1;
            assert!(steps <= STEPS_MAX, "a step made more work");
        }
    }

    /// One client transaction, from arrival to its end (chapter 15).
    #[inline]
    pub fn transact(&mut self, env: &mut impl Env, tx: &Transaction) -> Outcome {
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
    fn transact_as(&mut self, env: &mut impl Env, tx: &Transaction) -> Outcome {
        let globals = Globals { features: &self.features, registers: &self.registers };
        let mut seen = Seen::nothing(tx);
        match translate::resolve(env, &globals, &mut self.memo, tx, &mut seen) {
            Ok(translation) => Outcome::Done(translation),
            Err(stop) => self.fail(env, tx, &seen, stop),
        }
    }

    /// The end of a transaction that stopped.
    #[cold]
    fn fail(&mut self, env: &mut impl Env, tx: &Transaction, seen: &Seen, stop: Stop) -> Outcome {
        let globals = Globals { features: &self.features, registers: &self.registers };
        let ending = fault::conclude(env, &globals, tx, seen, stop);
        if let Some(pending) = ending.record {
            self.record(env, pending);
        }
        ending.outcome
    }

    fn record(&mut self, env: &mut impl Env, pending: PendingRecord) {
        let PendingRecord { record, mergeable } = pending;
        self.event_queue.record(env, &self.features, &mut self.registers, record, mergeable);
    }
}
