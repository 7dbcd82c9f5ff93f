//! Guards: what software may change only while an enable is 0 (§6.2, §6.3; the matrix of chapter 6).
//!
//! A guard is closed from the write that sets the enable until the Update that clears it has completed.

use super::Registers;
use crate::layout::register::{Cr0, Cr1, IrqCtrl};

/// What stands guard over a register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Guard {
    /// CR0.SMMUEN.
    Smmuen,
    /// CR0.CMDQEN.
    Cmdqen,
    /// CR0.EVENTQEN.
    Eventqen,
    /// CR0.PRIQEN, the literal field (§6.3.9.5).
    Priqen,
    /// IRQ_CTRL.GERROR_IRQEN.
    GerrorIrqen,
    /// IRQ_CTRL.EVENTQ_IRQEN.
    EventqIrqen,
    /// IRQ_CTRL.PRIQ_IRQEN.
    PriqIrqen,
    /// TABLE_* by SMMUEN, QUEUE_* by the three queue enables and those of Enhanced Command queues (§6.3.11).
    Cr1Fields,
}

impl Guard {
    /// The bits of the guarded register that software may not change now.
    pub(super) fn closed_bits(self, registers: &Registers) -> u64 {
        let enabled = registers.enabled_or_in_transition();
        let irq = registers.irq_enabled_or_in_transition();
        let closed = match self {
            Self::Smmuen => enabled.smmuen(),
            Self::Cmdqen => enabled.cmdqen(),
            Self::Eventqen => enabled.eventqen(),
            Self::Priqen => enabled.priqen(),
            Self::GerrorIrqen => irq.gerror_irqen(),
            Self::EventqIrqen => irq.eventq_irqen(),
            Self::PriqIrqen => irq.priq_irqen(),
            Self::Cr1Fields => return u64::from(closed_cr1_fields(registers, enabled).into_bits()),
        };
        if closed { u64::MAX } else { 0 }
    }
}

fn closed_cr1_fields(registers: &Registers, enabled: Cr0) -> Cr1 {
    let mut closed = Cr1::new();
    if enabled.smmuen() {
        closed = closed.with_table_sh(0b11).with_table_oc(0b11).with_table_ic(0b11);
    }
    if enabled.cmdqen() || enabled.eventqen() || enabled.priqen() || registers.ecmdqs.are_in_use() {
        closed = closed.with_queue_sh(0b11).with_queue_oc(0b11).with_queue_ic(0b11);
    }
    closed
}

impl Registers {
    fn enabled_or_in_transition(&self) -> Cr0 {
        Cr0::from_bits(self.cr0.into_bits() | self.cr0ack.into_bits())
    }

    fn irq_enabled_or_in_transition(&self) -> IrqCtrl {
        IrqCtrl::from_bits(self.irq_ctrl.into_bits() | self.irq_ctrlack.into_bits())
    }
}
