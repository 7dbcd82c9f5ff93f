//! Vectors: random configurations with the answer of another implementation, run against the model.

mod case;
pub mod compare;
pub mod findings;
mod run;

pub use case::{Case, CaseError, Dma, Peer};
pub use run::{Ours, run};
