//! Commands, 16 bytes as two words (chapter 4).

use bitfield_struct::bitfield;

macro_rules! opcodes {
    ($($(#[$doc:meta])* $name:ident = $code:literal $text:literal,)*) => {
        /// Bits `[7:0]` of a command (§4.1.1). CMD_CFGI_ALL is CMD_CFGI_STE_RANGE with Range 31.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum Opcode { $(#[doc = concat!("`", $text, "`")] $(#[$doc])* $name = $code,)* }

        impl Opcode {
            /// All opcodes that the architecture defines, ascending.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The opcode with this value; `None` where it is reserved or IMPLEMENTATION DEFINED.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }

            /// The value.
            pub const fn code(self) -> u8 {
                match self { $(Self::$name => $code,)* }
            }

            /// The specification's name, without `CMD_`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

opcodes! {
    PrefetchConfig = 0x01 "PREFETCH_CONFIG",
    PrefetchAddr = 0x02 "PREFETCH_ADDR",
    CfgiSte = 0x03 "CFGI_STE",
    CfgiSteRange = 0x04 "CFGI_STE_RANGE",
    CfgiCd = 0x05 "CFGI_CD",
    CfgiCdAll = 0x06 "CFGI_CD_ALL",
    CfgiVmsPidm = 0x07 "CFGI_VMS_PIDM",
    TlbiNhAll = 0x10 "TLBI_NH_ALL",
    TlbiNhAsid = 0x11 "TLBI_NH_ASID",
    TlbiNhVa = 0x12 "TLBI_NH_VA",
    TlbiNhVaa = 0x13 "TLBI_NH_VAA",
    TlbiEl3All = 0x18 "TLBI_EL3_ALL",
    TlbiEl3Va = 0x1a "TLBI_EL3_VA",
    TlbiEl2All = 0x20 "TLBI_EL2_ALL",
    TlbiEl2Asid = 0x21 "TLBI_EL2_ASID",
    TlbiEl2Va = 0x22 "TLBI_EL2_VA",
    TlbiEl2Vaa = 0x23 "TLBI_EL2_VAA",
    TlbiS12Vmall = 0x28 "TLBI_S12_VMALL",
    TlbiS2Ipa = 0x2a "TLBI_S2_IPA",
    TlbiNsnhAll = 0x30 "TLBI_NSNH_ALL",
    AtcInv = 0x40 "ATC_INV",
    PriResp = 0x41 "PRI_RESP",
    Resume = 0x44 "RESUME",
    StallTerm = 0x45 "STALL_TERM",
    Sync = 0x46 "SYNC",
    TlbiSEl2All = 0x50 "TLBI_S_EL2_ALL",
    TlbiSEl2Asid = 0x51 "TLBI_S_EL2_ASID",
    TlbiSEl2Va = 0x52 "TLBI_S_EL2_VA",
    TlbiSEl2Vaa = 0x53 "TLBI_S_EL2_VAA",
    TlbiSS12Vmall = 0x58 "TLBI_S_S12_VMALL",
    TlbiSS2Ipa = 0x5a "TLBI_S_S2_IPA",
    TlbiSnhAll = 0x60 "TLBI_SNH_ALL",
    DptiAll = 0x70 "DPTI_ALL",
    DptiPa = 0x73 "DPTI_PA",
}

/// A command as read from the queue. Each accessor has a meaning for some opcodes only (§4.2–§4.7).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Command(pub [u64; 2]);

/// Word 0 of the commands that name a stream: PREFETCH, CFGI, ATC_INV, PRI_RESP, RESUME, STALL_TERM.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct StreamWord {
    pub opcode: u8, // 0 [7:0]
    __: bool,
    pub global: bool, // 0 [9:9], ATC_INV
    pub ssec: bool,
    pub ssv: bool, // 0 [11:11]
    #[bits(20)]
    pub substream_id: u32, // 0 [31:12]; RESUME: Ac [12], Ab [13]
    pub stream_id: u32, // 0 [63:32]
}

/// Word 0 of the TLBI commands, and of CFGI_VMS_PIDM (§4.4).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct TlbiWord0 {
    pub opcode: u8, // 0 [7:0]
    #[bits(2)]
    __: u8,
    pub ssec: bool, // 0 [10:10], CFGI_VMS_PIDM
    __: bool,
    #[bits(5)]
    pub num: u8, // 0 [16:12]
    #[bits(3)]
    __: u8,
    #[bits(6)]
    pub scale: u8, // 0 [25:20]
    #[bits(6)]
    __: u8,
    pub vmid: u16, // 0 [47:32]
    pub asid: u16, // 0 [63:48]
}

/// Word 1 of the TLBI commands with an address (§4.4).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct TlbiWord1 {
    pub leaf: bool, // 1 [0:0]; also of CFGI_STE and CFGI_CD
    pub ns: bool,
    #[bits(5)]
    __: u8,
    pub ttl128: bool, // 1 [7:7]
    #[bits(2)]
    pub ttl: u8, // 1 [9:8]
    #[bits(2)]
    pub tg: u8, // 1 [11:10]
    #[bits(52)]
    address_12: u64, // 1 [63:12], address bits [63:12]
}

impl TlbiWord1 {
    /// The address: bits `[63:12]`, the rest zero.
    pub const fn address(self) -> u64 {
        self.address_12() << 12
    }
}

/// Word 1 of PREFETCH_ADDR (§4.2.2).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct PrefetchWord1 {
    #[bits(5)]
    pub size: u8, // 1 [4:0]
    #[bits(5)]
    pub stride: u8, // 1 [9:5]
    __: bool,
    pub ns: bool, // 1 [11:11]
    #[bits(52)]
    address_12: u64, // 1 [63:12], address bits [63:12]
}

impl PrefetchWord1 {
    /// The address: bits [63:12], the rest zero.
    pub const fn address(self) -> u64 {
        self.address_12() << 12
    }
}

/// Word 1 of CFGI_STE, CFGI_CD and CFGI_STE_RANGE (§4.3).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct CfgiWord1 {
    #[bits(5)]
    pub range: u8, // 1 [4:0], CFGI_STE_RANGE; bit 0 is Leaf of the others
    #[bits(59)]
    __: u64,
}

impl CfgiWord1 {
    /// Leaf of CFGI_STE and CFGI_CD: bit 0.
    pub const fn leaf(self) -> bool {
        self.range() & 1 != 0
    }
}

/// Word 1 of ATC_INV (§4.5.1).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct AtcInvWord1 {
    #[bits(6)]
    pub size: u8, // 1 [5:0]
    #[bits(6)]
    __: u8,
    #[bits(52)]
    address_12: u64, // 1 [63:12], address bits [63:12]
}

impl AtcInvWord1 {
    /// The address: bits [63:12], the rest zero.
    pub const fn address(self) -> u64 {
        self.address_12() << 12
    }
}

/// Word 1 of PRI_RESP (§4.5.2).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct PriRespWord1 {
    #[bits(9)]
    pub prg_index: u16, // 1 [8:0]
    #[bits(3)]
    __: u8,
    #[bits(2)]
    pub resp: u8, // 1 [13:12]
    #[bits(50)]
    __: u64,
}

/// Word 0 of RESUME (§4.7.1).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct ResumeWord0 {
    pub opcode: u8, // 0 [7:0]
    #[bits(2)]
    __: u8,
    pub ssec: bool, // 0 [10:10]
    __: bool,
    pub action: bool, // 0 [12:12]
    pub abort: bool,  // 0 [13:13]
    #[bits(18)]
    __: u32,
    pub stream_id: u32, // 0 [63:32]
}

/// Word 1 of RESUME (§4.7.1).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct ResumeWord1 {
    pub stag: u16, // 1 [15:0]
    #[bits(48)]
    __: u64,
}

/// Word 0 of SYNC (§4.7.3).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct SyncWord0 {
    pub opcode: u8, // 0 [7:0]
    #[bits(4)]
    __: u8,
    #[bits(2)]
    pub cs: u8, // 0 [13:12]
    __: u8,
    #[bits(2)]
    pub msh: u8, // 0 [23:22]
    #[bits(4)]
    pub msi_attr: u8, // 0 [27:24]
    #[bits(4)]
    __: u8,
    pub msi_data: u32, // 0 [63:32]
}

/// Word 1 of SYNC (§4.7.3).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct SyncWord1 {
    #[bits(2)]
    __: u8,
    #[bits(54)]
    msi_address_2: u64, // 1 [55:2], address bits [55:2]
    #[bits(7)]
    __: u8,
    pub msi_ns: bool, // 1 [63:63], Realm only
}

impl SyncWord1 {
    /// MSIAddress: bits `[55:2]`, the rest zero.
    pub const fn msi_address(self) -> u64 {
        self.msi_address_2() << 2
    }
}

impl Command {
    /// Bits `[7:0]`.
    pub const fn code(self) -> u8 {
        self.0[0].to_le_bytes()[0]
    }

    /// The opcode, if the architecture defines it.
    pub const fn opcode(self) -> Option<Opcode> {
        Opcode::from_code(self.code())
    }

    /// Word 0 of a command that names a stream.
    pub const fn stream(self) -> StreamWord {
        StreamWord::from_bits(self.0[0])
    }

    /// Word 0 of a TLBI command.
    pub const fn tlbi0(self) -> TlbiWord0 {
        TlbiWord0::from_bits(self.0[0])
    }

    /// Word 1 of a TLBI command with an address.
    pub const fn tlbi1(self) -> TlbiWord1 {
        TlbiWord1::from_bits(self.0[1])
    }

    /// Word 1 of PREFETCH_ADDR.
    pub const fn prefetch1(self) -> PrefetchWord1 {
        PrefetchWord1::from_bits(self.0[1])
    }

    /// Word 1 of a CFGI command.
    pub const fn cfgi1(self) -> CfgiWord1 {
        CfgiWord1::from_bits(self.0[1])
    }

    /// Word 1 of ATC_INV.
    pub const fn atc_inv1(self) -> AtcInvWord1 {
        AtcInvWord1::from_bits(self.0[1])
    }

    /// Word 1 of PRI_RESP.
    pub const fn pri_resp1(self) -> PriRespWord1 {
        PriRespWord1::from_bits(self.0[1])
    }

    /// Word 0 of RESUME.
    pub const fn resume0(self) -> ResumeWord0 {
        ResumeWord0::from_bits(self.0[0])
    }

    /// Word 1 of RESUME.
    pub const fn resume1(self) -> ResumeWord1 {
        ResumeWord1::from_bits(self.0[1])
    }

    /// Word 0 of SYNC.
    pub const fn sync0(self) -> SyncWord0 {
        SyncWord0::from_bits(self.0[0])
    }

    /// Word 1 of SYNC.
    pub const fn sync1(self) -> SyncWord1 {
        SyncWord1::from_bits(self.0[1])
    }
}
