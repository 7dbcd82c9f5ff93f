//! Registers and register bits that the driver uses (IHI 0070 §6.3), as offsets from the base of page 0.

pub(super) const IDR0: u64 = 0x0;
pub(super) const IDR1: u64 = 0x4;
pub(super) const IDR2: u64 = 0x8;
pub(super) const IDR3: u64 = 0xc;
pub(super) const IDR4: u64 = 0x10;
pub(super) const IDR5: u64 = 0x14;
pub(super) const IIDR: u64 = 0x18;
pub(super) const AIDR: u64 = 0x1c;
pub(super) const CR0: u64 = 0x20;
pub(super) const CR0ACK: u64 = 0x24;
pub(super) const CR1: u64 = 0x28;
pub(super) const CR2: u64 = 0x2c;
pub(super) const GBPA: u64 = 0x44;
pub(super) const IRQ_CTRL: u64 = 0x50;
pub(super) const IRQ_CTRLACK: u64 = 0x54;
pub(super) const GERROR: u64 = 0x60;
pub(super) const GERRORN: u64 = 0x64;
pub(super) const GERROR_IRQ_CFG0: u64 = 0x68;
pub(super) const STRTAB_BASE: u64 = 0x80;
pub(super) const STRTAB_BASE_CFG: u64 = 0x88;
pub(super) const CMDQ_BASE: u64 = 0x90;
pub(super) const CMDQ_PROD: u64 = 0x98;
pub(super) const CMDQ_CONS: u64 = 0x9c;
pub(super) const EVTQ_BASE: u64 = 0xa0;
pub(super) const EVTQ_IRQ_CFG0: u64 = 0xb0;
pub(super) const PRIQ_BASE: u64 = 0xc0;
pub(super) const PRIQ_IRQ_CFG0: u64 = 0xd0;
pub(super) const EVTQ_PROD: u64 = 0x1_00a8;
pub(super) const EVTQ_CONS: u64 = 0x1_00ac;
pub(super) const PRIQ_PROD: u64 = 0x1_00c8;
pub(super) const PRIQ_CONS: u64 = 0x1_00cc;

pub(super) const CR0_SMMUEN: u32 = 1 << 0;
pub(super) const CR0_PRIQEN: u32 = 1 << 1;
pub(super) const CR0_EVTQEN: u32 = 1 << 2;
pub(super) const CR0_CMDQEN: u32 = 1 << 3;
pub(super) const CR0_ATSCHK: u32 = 1 << 4;

/// Tables and queues are inner and outer write-back, inner shareable.
pub(super) const CR1_WRITE_BACK_INNER_SHAREABLE: u32 = 0xd75;
pub(super) const CR2_E2H: u32 = 1 << 0;
pub(super) const CR2_RECINVSID: u32 = 1 << 1;
pub(super) const CR2_PTM: u32 = 1 << 2;

pub(super) const GBPA_ABORT: u32 = 1 << 20;
pub(super) const GBPA_UPDATE: u32 = 1 << 31;

pub(super) const IRQ_GERROR: u32 = 1 << 0;
pub(super) const IRQ_PRIQ: u32 = 1 << 1;
pub(super) const IRQ_EVTQ: u32 = 1 << 2;

/// The errors that the driver knows.
pub(super) const GERROR_KNOWN: u32 = 0x1fd;
pub(super) const GERROR_CMDQ: u32 = 1 << 0;
pub(super) const GERROR_SFM: u32 = 1 << 8;

/// RA of STRTAB_BASE and of the queue bases.
pub(super) const BASE_READ_ALLOCATE: u64 = 1 << 62;
/// The overflow flag of PROD, or its acknowledgement in CONS.
pub(super) const QUEUE_OVERFLOW: u32 = 1 << 31;
