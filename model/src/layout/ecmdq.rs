//! Enhanced Command queues: the registers of page 0 that describe a control page, and those in one (§6.3.49,
//! §6.3.107–§6.3.109). ECMDQ_BASE is a [`QueueBase`](super::register::QueueBase).

use bitfield_struct::bitfield;

/// CMDQ_CONTROL_PAGE_BASE (§6.3.49).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct ControlPageBase {
    pub preset: bool, // [0]
    #[bits(2)]
    pub cmdqgs: u8, // [2:1]
    #[bits(13)]
    __: u16,
    #[bits(40)]
    addr_16: u64, // [55:16], offset bits [55:16]
    __: u8,
}

impl ControlPageBase {
    /// ADDR: where the page begins, from the base of page 0.
    pub const fn addr(self) -> u64 {
        self.addr_16() << 16
    }

    /// Sets ADDR to `offset`, of which bits `[55:16]` count.
    pub const fn with_addr(self, offset: u64) -> Self {
        self.with_addr_16((offset >> 16) & 0xff_ffff_ffff)
    }
}

/// ECMDQ_PROD (§6.3.108).
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EcmdqProd {
    #[bits(20)]
    pub wr: u32, // [19:0], index and wrap
    #[bits(3)]
    __: u8,
    pub errack: bool, // [23]
    #[bits(7)]
    __: u8,
    pub en: bool, // [31]
}

/// ECMDQ_CONS (§6.3.109).
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EcmdqCons {
    #[bits(20)]
    pub rd: u32, // [19:0], index and wrap
    #[bits(3)]
    __: u8,
    pub err: bool, // [23]
    #[bits(3)]
    pub err_reason: u8, // [26:24]
    #[bits(4)]
    __: u8,
    pub enack: bool, // [31]
}
