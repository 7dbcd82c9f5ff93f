//! The registers of the Non-secure programming interface (chapter 6): what they hold, and how software and
//! the SMMU change them.
//!
//! A value is stored once. Whether a queue runs, an error is active or how large a queue is are functions of
//! it. A write records; `update::complete_one` does what the SMMU does later.

pub(crate) mod access;
mod any;
pub(crate) mod ecmdq;
pub(crate) mod error;
mod fields;
mod guard;
mod map;
pub(crate) mod pmcg;
mod read;
mod reset;
mod store;
pub(crate) mod update;
mod write;

pub use any::AnyRegister;
pub use ecmdq::{EcmdqKind, EcmdqRegister};
pub use map::Register;
pub use pmcg::{PmcgKind, PmcgRegister};

use crate::features::Features;
use crate::layout::register::{
    CmdqCons, Cr0, Cr1, Cr2, Gbpa, Gerror, IrqCfg0, IrqCfg2, IrqCtrl, OutputQueueIndex, QueueBase,
    StrtabBase, StrtabBaseCfg,
};
use crate::queue::ring::Ring;
use ecmdq::Ecmdqs;
use pmcg::Pmcgs;

/// Every register that holds something, each value once.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Registers {
    pub(crate) cr0: Cr0,
    pub(crate) cr0ack: Cr0,
    pub(crate) cr1: Cr1,
    pub(crate) cr2: Cr2,
    /// As software reads it.
    pub(crate) gbpa: Gbpa,
    /// As transactions meet it: the value of the last completed update; its Update field is 0.
    pub(crate) gbpa_in_use: Gbpa,
    pub(crate) irq_ctrl: IrqCtrl,
    pub(crate) irq_ctrlack: IrqCtrl,
    pub(crate) gerror: Gerror,
    pub(crate) gerrorn: Gerror,
    pub(crate) gerror_irq: IrqConfig,
    pub(crate) strtab_base: StrtabBase,
    pub(crate) strtab_base_cfg: StrtabBaseCfg,
    pub(crate) cmdq_base: QueueBase,
    pub(crate) cmdq_prod: u32,
    pub(crate) cmdq_cons: CmdqCons,
    pub(crate) eventq_base: QueueBase,
    pub(crate) eventq_prod: OutputQueueIndex,
    pub(crate) eventq_cons: OutputQueueIndex,
    pub(crate) eventq_irq: IrqConfig,
    pub(crate) priq_base: QueueBase,
    pub(crate) priq_prod: OutputQueueIndex,
    pub(crate) priq_cons: OutputQueueIndex,
    pub(crate) priq_irq: IrqConfig,
    pub(crate) ecmdqs: Ecmdqs,
    pub(crate) pmcgs: Pmcgs,
}

/// The MSI of one interrupt source: *_IRQ_CFG0, 1 and 2 (§6.3.21–§6.3.23).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct IrqConfig {
    pub(crate) address: IrqCfg0,
    pub(crate) data: u32,
    pub(crate) attributes: IrqCfg2,
}

impl Registers {
    /// What software reads from a register on any page; zero from one that these features lack.
    pub(crate) fn get_any(&self, f: &Features, register: AnyRegister) -> u64 {
        match register {
            AnyRegister::Main(register) => self.get(f, register),
            AnyRegister::Ecmdq(register) if register.exists(f) => self.ecmdqs.read(f, register),
            AnyRegister::Pmcg(register) if register.exists() => {
                self.pmcgs.get(register.group).read(f, register)
            }
            AnyRegister::Ecmdq(_) | AnyRegister::Pmcg(_) => 0,
        }
    }

    /// The Command queue: 2^LOG2SIZE entries, at most as many as IDR1 allows (§6.3.26).
    pub(crate) fn command_ring(&self, f: &Features) -> Ring {
        let log2_entries = self.cmdq_base.log2size().min(f.cmdq_log2_max);
        Ring::new(log2_entries, self.cmdq_prod, self.cmdq_cons.rd())
    }

    /// The Event queue (§6.3.29).
    pub(crate) fn event_ring(&self, f: &Features) -> Ring {
        let log2_entries = self.eventq_base.log2size().min(f.eventq_log2_max);
        Ring::new(log2_entries, self.eventq_prod.index(), self.eventq_cons.index())
    }

    /// The PRI queue (§6.3.33).
    pub(crate) fn pri_ring(&self, f: &Features) -> Ring {
        let log2_entries = self.priq_base.log2size().min(f.priq_log2_max);
        Ring::new(log2_entries, self.priq_prod.index(), self.priq_cons.index())
    }

    /// Registers with a bit set that these features do not store; only a state from outside can have them.
    #[cfg(feature = "serde")]
    pub(crate) fn impossible(&self, f: &Features) -> Option<&'static str> {
        let possible = |register: Register| match register.exists(f) {
            true => fields::implemented(f, register) | fields::beyond_oas(f, register),
            false => 0,
        };
        let mut registers = Register::ALL.iter().copied();
        let stray = registers.find(|&register| self.get(f, register) & !possible(register) != 0);
        let in_use = u64::from(self.gbpa_in_use.into_bits());
        let in_use_is_possible = in_use & !possible(Register::Gbpa) == 0 && !self.gbpa_in_use.update();
        let others = [
            (!in_use_is_possible, Register::Gbpa.name()),
            (self.ecmdqs.is_impossible(f), "ECMDQ registers"),
            (self.pmcgs.is_impossible(f), "PMCG registers"),
        ];
        let found = others.into_iter().find_map(|(is_impossible, name)| is_impossible.then_some(name));
        stray.map(Register::name).or(found)
    }

    /// The global errors that are active (§7.5).
    pub(crate) fn active_errors(&self) -> Gerror {
        Gerror::from_bits(self.gerror.into_bits() ^ self.gerrorn.into_bits())
    }
}
