//! Fields of the Non-secure registers (§6.3.9–§6.3.36, §6.3.95–§6.3.98, §10.5.2). A register is word 0 of its own; a
//! 32-bit one has nothing above bit 31.

use super::{Field, address, ecmdq, number, pmcg};
use crate::naming;

/// The fields of the register with this name, spelled as people like (see [`naming`]); none where the name is
/// not in [`REGISTERS`].
pub fn register_fields(name: &str) -> &'static [Field] {
    let found = REGISTERS.iter().find(|(register, _)| naming::same(register, name));
    found.map_or(&[], |(_, fields)| fields)
}

/// The registers that have fields, by page and offset, without the ID registers: those are in
/// [`features::FIELDS`](crate::features::FIELDS).
pub const REGISTERS: &[(&str, &[Field])] = &[
    ("CR0", CR0),
    ("CR0ACK", CR0),
    ("CR1", CR1),
    ("CR2", CR2),
    ("STATUSR", STATUSR),
    ("GBPA", GBPA),
    ("IRQ_CTRL", IRQ_CTRL),
    ("IRQ_CTRLACK", IRQ_CTRL),
    ("GERROR", GERROR),
    ("GERRORN", GERROR),
    ("GERROR_IRQ_CFG0", IRQ_CFG0),
    ("GERROR_IRQ_CFG1", IRQ_CFG1),
    ("GERROR_IRQ_CFG2", IRQ_CFG2),
    ("STRTAB_BASE", STRTAB_BASE),
    ("STRTAB_BASE_CFG", STRTAB_BASE_CFG),
    ("CMDQ_BASE", &[LOG2SIZE, QUEUE_ADDR, RA]),
    ("CMDQ_PROD", &[WR]),
    ("CMDQ_CONS", &[RD, ERR]),
    ("EVENTQ_BASE", &[LOG2SIZE, QUEUE_ADDR, WA]),
    ("EVENTQ_IRQ_CFG0", IRQ_CFG0),
    ("EVENTQ_IRQ_CFG1", IRQ_CFG1),
    ("EVENTQ_IRQ_CFG2", IRQ_CFG2),
    ("PRIQ_BASE", &[LOG2SIZE, QUEUE_ADDR, WA]),
    ("PRIQ_IRQ_CFG0", IRQ_CFG0),
    ("PRIQ_IRQ_CFG1", IRQ_CFG1),
    ("PRIQ_IRQ_CFG2", &[MEM_ATTR, SH, LO]),
    ("EVENTQ_PROD", &[WR, OVFLG]),
    ("EVENTQ_CONS", &[RD, OVACKFLG]),
    ("PRIQ_PROD", &[WR, OVFLG]),
    ("PRIQ_CONS", &[RD, OVACKFLG]),
    ("CMDQ_CONTROL_PAGE_BASE", ecmdq::CONTROL_PAGE_BASE),
    ("CMDQ_CONTROL_PAGE_CFG", ecmdq::CONTROL_PAGE_CFG),
    ("CMDQ_CONTROL_PAGE_STATUS", ecmdq::CONTROL_PAGE_STATUS),
    ("ECMDQ_BASE", &[LOG2SIZE, QUEUE_ADDR, RA]),
    ("ECMDQ_PROD", ecmdq::ECMDQ_PROD),
    ("ECMDQ_CONS", ecmdq::ECMDQ_CONS),
    ("PMCG_EVCNTR", pmcg::EVCNTR),
    ("PMCG_EVTYPER", pmcg::EVTYPER),
    ("PMCG_SVR", pmcg::SVR),
    ("PMCG_SMR", pmcg::SMR),
    ("PMCG_CNTENSET0", pmcg::CNTEN),
    ("PMCG_CNTENCLR0", pmcg::CNTEN),
    ("PMCG_INTENSET0", pmcg::INTEN),
    ("PMCG_INTENCLR0", pmcg::INTEN),
    ("PMCG_OVSCLR0", pmcg::OVS),
    ("PMCG_OVSSET0", pmcg::OVS),
    ("PMCG_CAPR", pmcg::CAPR),
    ("PMCG_CFGR", pmcg::CFGR),
    ("PMCG_CR", pmcg::CR),
    ("PMCG_IRQ_CTRL", pmcg::IRQ_CTRL),
    ("PMCG_IRQ_CTRLACK", pmcg::IRQ_CTRL),
    ("PMCG_IRQ_CFG0", IRQ_CFG0),
    ("PMCG_IRQ_CFG1", IRQ_CFG1),
    ("PMCG_IRQ_CFG2", IRQ_CFG2),
    ("PMCG_IRQ_STATUS", pmcg::IRQ_STATUS),
];

const RA: Field = number("RA", 0, 62, 62);
const WA: Field = number("WA", 0, 62, 62);
const LOG2SIZE: Field = number("LOG2SIZE", 0, 4, 0);
const QUEUE_ADDR: Field = address("ADDR", 0, 55, 5);
/// Index and wrap.
const WR: Field = number("WR", 0, 19, 0);
/// Index and wrap.
const RD: Field = number("RD", 0, 19, 0);
const OVFLG: Field = number("OVFLG", 0, 31, 31);
const OVACKFLG: Field = number("OVACKFLG", 0, 31, 31);
const ERR: Field = number("ERR", 0, 30, 24);
const LO: Field = number("LO", 0, 31, 31);
const MEM_ATTR: Field = number("MemAttr", 0, 3, 0);
const SH: Field = number("SH", 0, 5, 4);

/// §6.3.9.
const CR0: &[Field] = &[
    number("SMMUEN", 0, 0, 0),
    number("PRIQEN", 0, 1, 1),
    number("EVENTQEN", 0, 2, 2),
    number("CMDQEN", 0, 3, 3),
    number("ATSCHK", 0, 4, 4),
    number("VMW", 0, 8, 6),
    number("DPT_WALK_EN", 0, 10, 10),
];

/// §6.3.11.
const CR1: &[Field] = &[
    number("QUEUE_IC", 0, 1, 0),
    number("QUEUE_OC", 0, 3, 2),
    number("QUEUE_SH", 0, 5, 4),
    number("TABLE_IC", 0, 7, 6),
    number("TABLE_OC", 0, 9, 8),
    number("TABLE_SH", 0, 11, 10),
];

/// §6.3.12.
const CR2: &[Field] = &[
    number("E2H", 0, 0, 0),
    number("RECINVSID", 0, 1, 1),
    number("PTM", 0, 2, 2),
    number("REC_CFG_ATS", 0, 3, 3),
];

/// §6.3.13.
const STATUSR: &[Field] = &[number("DORMANT", 0, 0, 0)];

/// §6.3.14.
const GBPA: &[Field] = &[
    MEM_ATTR,
    number("MTCFG", 0, 4, 4),
    number("ALLOCCFG", 0, 11, 8),
    number("SHCFG", 0, 13, 12),
    number("PRIVCFG", 0, 17, 16),
    number("INSTCFG", 0, 19, 18),
    number("ABORT", 0, 20, 20),
    number("Update", 0, 31, 31),
];

/// §6.3.16.
const IRQ_CTRL: &[Field] =
    &[number("GERROR_IRQEN", 0, 0, 0), number("PRIQ_IRQEN", 0, 1, 1), number("EVENTQ_IRQEN", 0, 2, 2)];

/// §6.3.19.
const GERROR: &[Field] = &[
    number("CMDQ_ERR", 0, 0, 0),
    number("EVENTQ_ABT_ERR", 0, 2, 2),
    number("PRIQ_ABT_ERR", 0, 3, 3),
    number("MSI_CMDQ_ABT_ERR", 0, 4, 4),
    number("MSI_EVENTQ_ABT_ERR", 0, 5, 5),
    number("MSI_PRIQ_ABT_ERR", 0, 6, 6),
    number("MSI_GERROR_ABT_ERR", 0, 7, 7),
    number("SFM_ERR", 0, 8, 8),
    number("CMDQP_ERR", 0, 9, 9),
    number("DPT_ERR", 0, 10, 10),
];

/// §6.3.24.
const STRTAB_BASE: &[Field] = &[address("ADDR", 0, 55, 6), RA];

/// §6.3.25.
const STRTAB_BASE_CFG: &[Field] =
    &[number("LOG2SIZE", 0, 5, 0), number("SPLIT", 0, 10, 6), number("FMT", 0, 17, 16)];

/// §6.3.21, and the same of the other sources of interrupts.
const IRQ_CFG0: &[Field] = &[address("ADDR", 0, 55, 2)];

/// §6.3.22.
const IRQ_CFG1: &[Field] = &[number("DATA", 0, 31, 0)];

/// §6.3.23.
const IRQ_CFG2: &[Field] = &[MEM_ATTR, SH];
