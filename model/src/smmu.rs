//! The device as a whole: registers, queues and client transactions behind one façade.

use crate::env::Env;
use crate::features::Features;
use crate::outcome::Outcome;
use crate::transaction::Transaction;

/// One SMMUv3, Non-secure programming interface.
#[derive(Clone, Debug)]
pub struct Smmu {
    features: Features,
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

impl Smmu {
    /// An SMMU out of reset. Asks for the reset values that the architecture leaves open.
    pub fn new(features: Features, _env: &mut impl Env) -> Self {
        Self { features }
    }

    /// What this SMMU has.
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// A register read: `offset` from the base of page 0, `size_bytes` as the bus has it.
    pub fn read(&mut self, _env: &mut impl Env, _offset: u64, _size_bytes: u8) -> Result<u64, RegisterAbort> {
        Ok(0)
    }

    /// A register write. Records what was asked; [`Smmu::step`] does the work that follows.
    pub fn write(
        &mut self,
        _env: &mut impl Env,
        _offset: u64,
        _size_bytes: u8,
        _value: u64,
    ) -> Result<(), RegisterAbort> {
        Ok(())
    }

    /// Does one unit of pending work: completes one register Update, or consumes one command.
    pub fn step(&mut self, _env: &mut impl Env) -> Progress {
        Progress::Idle
    }

    /// Steps until idle.
    pub fn settle(&mut self, env: &mut impl Env) {
        while self.step(env) == Progress::Worked {}
    }

    /// One client transaction, from arrival to its end (chapter 15).
    pub fn transact(&mut self, _env: &mut impl Env, _tx: &Transaction) -> Outcome {
        Outcome::Abort(crate::rule::Rule::GlobalAbort)
    }
}
