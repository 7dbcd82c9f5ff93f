//! One value per register: reading and replacing it by name.

use super::{Register, Registers};
use crate::features::Features;
use crate::layout::atos::{AtosAddr, AtosCtrl, AtosSid, VatosSel};
use crate::layout::register::{
    CmdqCons, Cr0, Cr1, Cr2, Gbpa, Gerror, IrqCfg0, IrqCfg2, IrqCtrl, OutputQueueIndex, QueueBase,
    StrtabBase, StrtabBaseCfg,
};

impl Registers {
    /// What software reads. Index bits above the wrap flag read as zero, whatever LOG2SIZE was when they
    /// were written (§6.3.27, §6.3.28, §6.3.95–§6.3.98).
    pub(crate) fn get(&self, f: &Features, register: Register) -> u64 {
        let word = match register {
            Register::GerrorIrqCfg0 => return self.gerror_irq.address.into_bits(),
            Register::StrtabBase => return self.strtab_base.into_bits(),
            Register::CmdqBase => return self.cmdq_base.into_bits(),
            Register::EventqBase => return self.eventq_base.into_bits(),
            Register::EventqIrqCfg0 => return self.eventq_irq.address.into_bits(),
            Register::PriqBase => return self.priq_base.into_bits(),
            Register::PriqIrqCfg0 => return self.priq_irq.address.into_bits(),
            Register::GatosSid => return self.gatos.sid.into_bits(),
            Register::GatosAddr => return self.gatos.addr.into_bits(),
            Register::GatosPar => return self.gatos.par,
            Register::VatosSid => return self.vatos.sid.into_bits(),
            Register::VatosAddr => return self.vatos.addr.into_bits(),
            Register::VatosPar => return self.vatos.par,
            Register::Idr0 => f.ids.idr[0],
            Register::Idr1 => f.ids.idr[1],
            Register::Idr2 => f.ids.idr[2],
            Register::Idr3 => f.ids.idr[3],
            Register::Idr4 => f.ids.idr[4],
            Register::Idr5 => f.ids.idr[5],
            Register::Idr6 => f.ids.idr[6],
            Register::Iidr => f.ids.iidr,
            Register::Aidr => f.ids.aidr,
            Register::Cr0 => self.cr0.into_bits(),
            Register::Cr0Ack => self.cr0ack.into_bits(),
            Register::Cr1 => self.cr1.into_bits(),
            Register::Cr2 => self.cr2.into_bits(),
            Register::Gbpa => self.gbpa.into_bits(),
            Register::IrqCtrl => self.irq_ctrl.into_bits(),
            Register::IrqCtrlAck => self.irq_ctrlack.into_bits(),
            Register::Gerror => self.gerror.into_bits(),
            Register::Gerrorn => self.gerrorn.into_bits(),
            Register::GerrorIrqCfg1 => self.gerror_irq.data,
            Register::GerrorIrqCfg2 => self.gerror_irq.attributes.into_bits(),
            Register::StrtabBaseCfg => self.strtab_base_cfg.into_bits(),
            Register::CmdqProd => self.command_ring(f).prod(),
            Register::CmdqCons => self.cmdq_cons.with_rd(self.command_ring(f).cons()).into_bits(),
            Register::EventqIrqCfg1 => self.eventq_irq.data,
            Register::EventqIrqCfg2 => self.eventq_irq.attributes.into_bits(),
            Register::EventqProd => self.eventq_prod.with_index(self.event_ring(f).prod()).into_bits(),
            Register::EventqCons => self.eventq_cons.with_index(self.event_ring(f).cons()).into_bits(),
            Register::PriqIrqCfg1 => self.priq_irq.data,
            Register::PriqIrqCfg2 => self.priq_irq.attributes.into_bits(),
            Register::PriqProd => self.priq_prod.with_index(self.pri_ring(f).prod()).into_bits(),
            Register::PriqCons => self.priq_cons.with_index(self.pri_ring(f).cons()).into_bits(),
            Register::GatosCtrl => self.gatos.ctrl.into_bits(),
            Register::VatosCtrl => self.vatos.ctrl.into_bits(),
            Register::VatosSel => self.vatos_sel.into_bits(),
            // DORMANT may stay 0 for ever (§6.3.13).
            Register::Statusr => 0,
            Register::S2pii
            | Register::Agbpa
            | Register::Mpamidr
            | Register::Gmpam
            | Register::Gbpmpam
            | Register::DptBase
            | Register::DptBaseCfg
            | Register::DptCfgFar => 0,
        };
        u64::from(word)
    }

    /// Replaces the value of a register that stores one; `value` holds implemented bits only.
    pub(super) fn set(&mut self, register: Register, value: u64) {
        let word = low_word(value);
        match register {
            Register::GerrorIrqCfg0 => self.gerror_irq.address = IrqCfg0::from_bits(value),
            Register::StrtabBase => self.strtab_base = StrtabBase::from_bits(value),
            Register::CmdqBase => self.cmdq_base = QueueBase::from_bits(value),
            Register::EventqBase => self.eventq_base = QueueBase::from_bits(value),
            Register::EventqIrqCfg0 => self.eventq_irq.address = IrqCfg0::from_bits(value),
            Register::PriqBase => self.priq_base = QueueBase::from_bits(value),
            Register::PriqIrqCfg0 => self.priq_irq.address = IrqCfg0::from_bits(value),
            Register::Cr0 => self.cr0 = Cr0::from_bits(word),
            Register::Cr0Ack => self.cr0ack = Cr0::from_bits(word),
            Register::Cr1 => self.cr1 = Cr1::from_bits(word),
            Register::Cr2 => self.cr2 = Cr2::from_bits(word),
            Register::Gbpa => self.gbpa = Gbpa::from_bits(word),
            Register::IrqCtrl => self.irq_ctrl = IrqCtrl::from_bits(word),
            Register::IrqCtrlAck => self.irq_ctrlack = IrqCtrl::from_bits(word),
            Register::Gerror => self.gerror = Gerror::from_bits(word),
            Register::Gerrorn => self.gerrorn = Gerror::from_bits(word),
            Register::GerrorIrqCfg1 => self.gerror_irq.data = word,
            Register::GerrorIrqCfg2 => self.gerror_irq.attributes = IrqCfg2::from_bits(word),
            Register::StrtabBaseCfg => self.strtab_base_cfg = StrtabBaseCfg::from_bits(word),
            Register::CmdqProd => self.cmdq_prod = word,
            Register::CmdqCons => self.cmdq_cons = CmdqCons::from_bits(word),
            Register::EventqIrqCfg1 => self.eventq_irq.data = word,
            Register::EventqIrqCfg2 => self.eventq_irq.attributes = IrqCfg2::from_bits(word),
            Register::EventqProd => self.eventq_prod = OutputQueueIndex::from_bits(word),
            Register::EventqCons => self.eventq_cons = OutputQueueIndex::from_bits(word),
            Register::PriqIrqCfg1 => self.priq_irq.data = word,
            Register::PriqIrqCfg2 => self.priq_irq.attributes = IrqCfg2::from_bits(word),
            Register::PriqProd => self.priq_prod = OutputQueueIndex::from_bits(word),
            Register::PriqCons => self.priq_cons = OutputQueueIndex::from_bits(word),
            Register::GatosCtrl => self.gatos.ctrl = AtosCtrl::from_bits(word),
            Register::GatosSid => self.gatos.sid = AtosSid::from_bits(value),
            Register::GatosAddr => self.gatos.addr = AtosAddr::from_bits(value),
            Register::GatosPar => self.gatos.par = value,
            Register::VatosSel => self.vatos_sel = VatosSel::from_bits(word),
            Register::VatosCtrl => self.vatos.ctrl = AtosCtrl::from_bits(word),
            Register::VatosSid => self.vatos.sid = AtosSid::from_bits(value),
            Register::VatosAddr => self.vatos.addr = AtosAddr::from_bits(value),
            Register::VatosPar => self.vatos.par = value,
            Register::Idr0
            | Register::Idr1
            | Register::Idr2
            | Register::Idr3
            | Register::Idr4
            | Register::Idr5
            | Register::Idr6
            | Register::Iidr
            | Register::Aidr
            | Register::Statusr
            | Register::S2pii
            | Register::Agbpa
            | Register::Mpamidr
            | Register::Gmpam
            | Register::Gbpmpam
            | Register::DptBase
            | Register::DptBaseCfg
            | Register::DptCfgFar => unreachable!("{} stores nothing", register.name()),
        }
    }
}

/// Bits [31:0].
pub(super) fn low_word(value: u64) -> u32 {
    u32::try_from(value & 0xffff_ffff).expect("32 bits")
}
