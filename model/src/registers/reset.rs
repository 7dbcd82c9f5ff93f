//! Register values out of reset (chapter 6).

use super::ecmdq::Ecmdqs;
use super::fields::implemented;
use super::pmcg::Pmcgs;
use super::{IrqConfig, Register, Registers};
use crate::choice::answer::{GbpaReset, ResetUnknown};
use crate::env::Env;
use crate::features::Features;
use crate::layout::register::{
    CmdqCons, Cr0, Cr1, Cr2, Gbpa, Gerror, IrqCfg0, IrqCfg2, IrqCtrl, OutputQueueIndex, QueueBase,
    StrtabBase, StrtabBaseCfg,
};

/// The registers that reset to an UNKNOWN value.
const UNKNOWN: [Register; 22] = [
    Register::Cr1,
    Register::Cr2,
    Register::GerrorIrqCfg0,
    Register::GerrorIrqCfg1,
    Register::GerrorIrqCfg2,
    Register::StrtabBase,
    Register::StrtabBaseCfg,
    Register::CmdqBase,
    Register::CmdqProd,
    Register::CmdqCons,
    Register::EventqBase,
    Register::EventqIrqCfg0,
    Register::EventqIrqCfg1,
    Register::EventqIrqCfg2,
    Register::PriqBase,
    Register::PriqIrqCfg0,
    Register::PriqIrqCfg1,
    Register::PriqIrqCfg2,
    Register::EventqProd,
    Register::EventqCons,
    Register::PriqProd,
    Register::PriqCons,
];

impl Registers {
    /// Asks once for all UNKNOWN values, so that exploring both answers stays cheap.
    pub(crate) fn after_reset(env: &mut impl Env, f: &Features) -> Self {
        let mut registers = ZEROS;
        let ones = match env.ask(&[ResetUnknown::Zeros, ResetUnknown::Ones]) {
            ResetUnknown::Zeros => false,
            ResetUnknown::Ones => true,
        };
        if ones {
            registers.fill_unknown(f);
        }
        registers.ecmdqs = Ecmdqs::after_reset(f, ones);
        registers.pmcgs = Pmcgs::after_reset(f, ones);
        registers.gbpa = gbpa(env);
        registers.gbpa_in_use = registers.gbpa;
        registers
    }

    fn fill_unknown(&mut self, f: &Features) {
        for register in UNKNOWN.into_iter().filter(|register| register.exists(f)) {
            self.set(register, implemented(f, register));
        }
        // Alone in its register, OVFLG resets to 0 (§6.3.97).
        self.priq_prod.set_overflow(false);
    }
}

fn gbpa(env: &mut impl Env) -> Gbpa {
    let use_incoming = Gbpa::new().with_shcfg(0b01);
    match env.ask(&[GbpaReset::Bypass, GbpaReset::Abort]) {
        GbpaReset::Bypass => use_incoming,
        GbpaReset::Abort => use_incoming.with_abort(true),
    }
}

const NO_INDEX: OutputQueueIndex = OutputQueueIndex::new();
const NO_QUEUE: QueueBase = QueueBase::new();
const NO_IRQ: IrqConfig = IrqConfig { address: IrqCfg0::new(), data: 0, attributes: IrqCfg2::new() };

const ZEROS: Registers = Registers {
    cr0: Cr0::new(),
    cr0ack: Cr0::new(),
    cr1: Cr1::new(),
    cr2: Cr2::new(),
    gbpa: Gbpa::new(),
    gbpa_in_use: Gbpa::new(),
    irq_ctrl: IrqCtrl::new(),
    irq_ctrlack: IrqCtrl::new(),
    gerror: Gerror::new(),
    gerrorn: Gerror::new(),
    gerror_irq: NO_IRQ,
    strtab_base: StrtabBase::new(),
    strtab_base_cfg: StrtabBaseCfg::new(),
    cmdq_base: NO_QUEUE,
    cmdq_prod: 0,
    cmdq_cons: CmdqCons::new(),
    eventq_base: NO_QUEUE,
    eventq_prod: NO_INDEX,
    eventq_cons: NO_INDEX,
    eventq_irq: NO_IRQ,
    priq_base: NO_QUEUE,
    priq_prod: NO_INDEX,
    priq_cons: NO_INDEX,
    priq_irq: NO_IRQ,
    ecmdqs: Ecmdqs::NONE,
    pmcgs: Pmcgs::NONE,
};
