//! The registers of address translation operations: GATOS_*, VATOS_* and VATOS_SEL (§6.3.37–§6.3.40, §6.3.44,
//! §6.3.99–§6.3.102).

use bitfield_struct::bitfield;

/// A group of registers that makes one lookup at a time (§9).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AtosInterface {
    /// GATOS_*: every kind of lookup, any Non-secure stream.
    Gatos,
    /// VATOS_*: stage 1 lookups for the streams of one VMID.
    Vatos,
}

impl AtosInterface {
    /// The prefix of its registers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gatos => "GATOS",
            Self::Vatos => "VATOS",
        }
    }
}

/// GATOS_CTRL and VATOS_CTRL (§6.3.37, §6.3.99).
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AtosCtrl {
    pub run: bool, // [0]
    #[bits(31)]
    __: u32,
}

/// GATOS_SID and VATOS_SID (§6.3.38, §6.3.100).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AtosSid {
    pub stream_id: u32, // [31:0]
    #[bits(20)]
    pub substream_id: u32, // [51:32]
    pub ssid_valid: bool, // [52]
    #[bits(11)]
    __: u16,
}

/// GATOS_ADDR and VATOS_ADDR (§6.3.39, §6.3.101).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AtosAddr {
    #[bits(6)]
    __: u8,
    pub httui: bool, // [6]
    pub ind: bool,
    pub rnw: bool, // [8]
    pub pnu: bool,
    #[bits(2)]
    pub kind: u8, // [11:10], TYPE
    #[bits(52)]
    addr_12: u64, // [63:12], address bits [63:12]
}

impl AtosAddr {
    /// ADDR as an address: bits `[63:12]`, the rest zero.
    pub const fn addr(self) -> u64 {
        self.addr_12() << 12
    }
}

/// GATOS_PAR and VATOS_PAR with FAULT 0 (§6.3.40, §6.3.102).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct AtosParSuccess {
    pub fault: bool, // [0]
    #[bits(7)]
    __: u8,
    #[bits(2)]
    pub sh: u8, // [9:8]
    __: bool,
    pub size: bool, // [11]
    #[bits(44)]
    addr_12: u64, // [55:12], address bits [55:12]
    pub attr: u8,   // [63:56]
}

impl AtosParSuccess {
    /// ADDR as an address: bits `[55:12]`, the rest zero.
    pub const fn addr(self) -> u64 {
        self.addr_12() << 12
    }

    /// Replaces ADDR by bits `[55:12]` of `address`.
    #[must_use]
    pub const fn with_addr(self, address: u64) -> Self {
        self.with_addr_12(address >> 12 & 0xfff_ffff_ffff)
    }
}

/// GATOS_PAR and VATOS_PAR with FAULT 1 (§6.3.40, §6.3.102).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct AtosParFault {
    pub fault: bool, // [0]
    #[bits(2)]
    pub reason: u8, // [2:1]
    __: bool,
    pub faultcode: u8, // [11:4]
    #[bits(44)]
    faddr_12: u64, // [55:12], address bits [55:12]
    #[bits(4)]
    __: u8,
    #[bits(4)]
    pub impdef: u8, // [63:60]
}

impl AtosParFault {
    /// FADDR as an address: bits `[55:12]`, the rest zero.
    pub const fn faddr(self) -> u64 {
        self.faddr_12() << 12
    }

    /// Replaces FADDR by bits `[55:12]` of `address`.
    #[must_use]
    pub const fn with_faddr(self, address: u64) -> Self {
        self.with_faddr_12(address >> 12 & 0xfff_ffff_ffff)
    }
}

/// VATOS_SEL (§6.3.44).
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VatosSel {
    pub vmid: u16, // [15:0]
    __: u16,
}
