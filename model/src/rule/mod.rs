//! Every architectural check by name: its label, its section, and what follows when it fires.
//!
//! Labels `STE-nn` and `CD-nn` are those of the validity lists of chapter 5 as numbered in our working
//! reference; the others are ours, one family per concept. A rule is one of two kinds: a *check* that ends
//! a transaction or a command, or a *decision* that picks one of several legal ways on. Both are reported,
//! so that an outcome can be explained and a set of scenarios can be counted.

#[macro_use]
mod table;
mod list;

pub use list::Rule;
pub use table::{CommandError, Effect, OperationError};
