//! Who decides when the SMMU works.

/// When the SMMU works.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pace {
    /// After each step, until nothing is pending.
    Automatic,
    /// When the scenario says so.
    Manual,
}
