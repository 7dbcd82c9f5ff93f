//! Workloads shared by the benchmarks, and the bare loops that they are compared with.
//!
//! A workload is a programmed SMMU, its memory, and 4096 random mapped addresses. Its bare loop makes, for
//! the same addresses and in the same order, as many dependent loads as the walk: from the STE to the CD to
//! each descriptor, every address computed from the value loaded before.

mod bare;
mod commands;
mod contexts;
mod tables;
mod workload;

pub use bare::BareMemory;
pub use contexts::Contexts;
pub use workload::{PAGES, Placement, Stages, Workload, enabled_smmu};
