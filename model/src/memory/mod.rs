//! Physical memory for tests, tools and embedders: sparse, with injectable external aborts, optionally on
//! top of a read-only image (an ELF core, a snapshot) whose contents stay untouched.

mod ranges;
mod sparse;

pub use ranges::Ranges;
pub use sparse::{Segment, SparseMemory};
