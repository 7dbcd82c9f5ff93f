//! Fields of the Non-secure registers that the model interprets (§6.3.9–§6.3.36, §6.3.95–§6.3.98).

use bitfield_struct::bitfield;

/// CR0 and CR0ACK (§6.3.9, §6.3.10).
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cr0 {
    pub smmuen: bool, // [0]
    pub priqen: bool,
    pub eventqen: bool,
    pub cmdqen: bool,
    pub atschk: bool, // [4]
    __: bool,
    #[bits(3)]
    pub vmw: u8, // [8:6]
    __: bool,
    pub dpt_walk_en: bool, // [10]
    #[bits(21)]
    __: u32,
}

/// CR1 (§6.3.11).
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cr1 {
    #[bits(2)]
    pub queue_ic: u8, // [1:0]
    #[bits(2)]
    pub queue_oc: u8, // [3:2]
    #[bits(2)]
    pub queue_sh: u8, // [5:4]
    #[bits(2)]
    pub table_ic: u8, // [7:6]
    #[bits(2)]
    pub table_oc: u8, // [9:8]
    #[bits(2)]
    pub table_sh: u8, // [11:10]
    #[bits(20)]
    __: u32,
}

/// CR2 (§6.3.12).
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cr2 {
    pub e2h: bool, // [0]
    pub recinvsid: bool,
    pub ptm: bool,
    pub rec_cfg_ats: bool, // [3]
    #[bits(28)]
    __: u32,
}

/// GBPA (§6.3.14).
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Gbpa {
    #[bits(4)]
    pub mem_attr: u8, // [3:0]
    pub mtcfg: bool, // [4]
    #[bits(3)]
    __: u8,
    #[bits(4)]
    pub alloccfg: u8, // [11:8]
    #[bits(2)]
    pub shcfg: u8, // [13:12]
    #[bits(2)]
    __: u8,
    #[bits(2)]
    pub privcfg: u8, // [17:16]
    #[bits(2)]
    pub instcfg: u8, // [19:18]
    pub abort: bool, // [20]
    #[bits(10)]
    __: u16,
    pub update: bool, // [31]
}

/// IRQ_CTRL and IRQ_CTRLACK (§6.3.16, §6.3.18).
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct IrqCtrl {
    pub gerror_irqen: bool, // [0]
    pub priq_irqen: bool,
    pub eventq_irqen: bool, // [2]
    #[bits(29)]
    __: u32,
}

/// GERROR and GERRORN (§6.3.19, §6.3.20).
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Gerror {
    pub cmdq_err: bool, // [0]
    __: bool,
    pub eventq_abt_err: bool, // [2]
    pub priq_abt_err: bool,
    pub msi_cmdq_abt_err: bool,
    pub msi_eventq_abt_err: bool,
    pub msi_priq_abt_err: bool,
    pub msi_gerror_abt_err: bool,
    pub sfm_err: bool,
    pub cmdqp_err: bool,
    pub dpt_err: bool, // [10]
    #[bits(21)]
    __: u32,
}

/// STRTAB_BASE (§6.3.24).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StrtabBase {
    #[bits(6)]
    __: u8,
    #[bits(50)]
    addr_6: u64, // [55:6], address bits [55:6]
    #[bits(6)]
    __: u8,
    pub ra: bool, // [62]
    __: bool,
}

impl StrtabBase {
    /// ADDR as an address: bits `[55:6]`, the rest zero.
    #[inline]
    pub const fn addr(self) -> u64 {
        self.addr_6() << 6
    }
}

/// STRTAB_BASE_CFG (§6.3.25).
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StrtabBaseCfg {
    #[bits(6)]
    pub log2size: u8, // [5:0]
    #[bits(5)]
    pub split: u8, // [10:6]
    #[bits(5)]
    __: u8,
    #[bits(2)]
    pub fmt: u8, // [17:16]
    #[bits(14)]
    __: u16,
}

/// CMDQ_BASE, EVENTQ_BASE and PRIQ_BASE (§6.3.26, §6.3.29, §6.3.33).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct QueueBase {
    #[bits(5)]
    pub log2size: u8, // [4:0]
    #[bits(51)]
    addr_5: u64, // [55:5], address bits [55:5]
    #[bits(6)]
    __: u8,
    /// RA of a command queue, WA of an output queue.
    pub allocate: bool, // [62]
    __: bool,
}

impl QueueBase {
    /// ADDR as an address: bits `[55:5]`, the rest zero.
    #[inline]
    pub const fn addr(self) -> u64 {
        self.addr_5() << 5
    }
}

/// CMDQ_CONS (§6.3.28).
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CmdqCons {
    #[bits(20)]
    pub rd: u32, // [19:0], index and wrap
    #[bits(4)]
    __: u8,
    #[bits(7)]
    pub err: u8, // [30:24]
    __: bool,
}

/// EVENTQ_PROD, EVENTQ_CONS, PRIQ_PROD and PRIQ_CONS (§6.3.95–§6.3.98).
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OutputQueueIndex {
    #[bits(20)]
    pub index: u32, // [19:0], index and wrap
    #[bits(11)]
    __: u16,
    /// OVFLG of PROD, OVACKFLG of CONS.
    pub overflow: bool, // [31]
}

/// The address register of an MSI: GERROR_IRQ_CFG0, EVENTQ_IRQ_CFG0, PRIQ_IRQ_CFG0 (§6.3.21).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct IrqCfg0 {
    #[bits(2)]
    __: u8,
    #[bits(54)]
    addr_2: u64, // [55:2], address bits [55:2]
    #[bits(8)]
    __: u8,
}

impl IrqCfg0 {
    /// ADDR as an address: bits `[55:2]`, the rest zero.
    pub const fn addr(self) -> u64 {
        self.addr_2() << 2
    }
}

/// The attribute register of an MSI: *_IRQ_CFG2 (§6.3.23, §6.3.36).
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct IrqCfg2 {
    #[bits(4)]
    pub mem_attr: u8, // [3:0]
    #[bits(2)]
    pub sh: u8, // [5:4]
    #[bits(25)]
    __: u32,
    /// PRIQ_IRQ_CFG2 only.
    pub lo: bool, // [31]
}
