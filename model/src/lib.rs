//! A deterministic functional model of Arm SMMUv3 hardware, IHI 0070 edition G.b, Non-secure state.
//!
//! A pure library: no I/O, no clock, no global state. The outside world of every operation is an
//! [`Env`](env::Env): memory behind a [`Bus`](bus::Bus), a [`Chooser`](choice::Chooser) that answers wherever
//! the architecture permits more than one behaviour, and a trace [`Sink`](trace::Sink).
//!
//! # Reading order
//!
//! 1. [`smmu`]: the façade. Register accesses, client transactions, and the steps in between.
//! 2. [`rule`] and [`choice`]: what the model can say about why, and where the architecture leaves it free.
//! 3. [`features`]: what an implementation has, as checked ID registers.
//! 4. [`layout`]: where every field lies.
//! 5. `config`, `translate`, `fault`: from a StreamID to an output address, or to an event record.
//! 6. `registers`, `queue`, `command`: what software programs.

#[macro_use]
mod refuse;

pub mod address;
mod atos;
pub mod ats;
pub mod attributes;
pub mod broadcast;
pub mod bus;
mod cache;
pub mod choice;
pub mod command;
mod config;
pub mod env;
mod fault;
pub mod features;
pub mod hint;
pub mod ids;
mod interrupt;
pub mod layout;
pub mod memory;
mod monitor;
pub mod naming;
pub mod outcome;
mod queue;
pub mod registers;
pub mod rule;
pub mod smmu;
pub mod trace;
pub mod transaction;
mod translate;

pub use cache::CachePolicy;
pub use registers::{AnyRegister, Register};
pub use smmu::{Progress, RegisterAbort, Smmu};
