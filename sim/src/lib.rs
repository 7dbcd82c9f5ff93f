//! The software stack around the model, and the tools on top of it.

mod atc;
mod changes;
pub mod coverage;
pub mod driver;
pub mod dvm;
pub mod errno;
pub mod explore;
pub mod guest;
mod hex;
pub mod image;
pub mod iommufd;
pub mod kernel;
mod lines;
pub mod machine;
pub mod matrix;
pub mod negotiation;
pub mod oracle;
pub mod output;
pub mod replay;
pub mod rules;
pub mod scenario;
pub mod trace;
pub mod transcript;
pub mod vectors;
pub mod vmm;
pub mod walk;
