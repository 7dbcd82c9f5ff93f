//! TLB maintenance of a processing element, as a step.

use smmu_model::broadcast::Broadcast;

use crate::dvm::Operands;

/// TLB maintenance of a processing element.
#[derive(Clone, Copy, Debug)]
pub struct Tlbi {
    /// Its name in DDI 0487.
    pub operation: &'static str,
    /// What goes with it.
    pub operands: Operands,
    /// What reaches the SMMU.
    pub broadcast: Broadcast,
}
