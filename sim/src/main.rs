//! The command line of smmu-sim.
fn main() {}
