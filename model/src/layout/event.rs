//! Event records, 32 bytes as four words (§7.3).

use bitfield_struct::bitfield;

macro_rules! event_codes {
    ($($name:ident = $code:literal $text:literal $section:literal,)*) => {
        /// The events that can be recorded (§7.3).
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum EventCode { $(#[doc = concat!($text, " (", $section, ").")] $name,)* }

        impl EventCode {
            /// All events, ascending by code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The event with this number.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }

            /// The number, bits `[7:0]` of the record.
            pub const fn code(self) -> u8 {
                match self { $(Self::$name => $code,)* }
            }

            /// The specification's name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

event_codes! {
    FUut = 0x01 "F_UUT" "§7.3.2",
    CBadStreamid = 0x02 "C_BAD_STREAMID" "§7.3.3",
    FSteFetch = 0x03 "F_STE_FETCH" "§7.3.4",
    CBadSte = 0x04 "C_BAD_STE" "§7.3.5",
    FBadAtsTreq = 0x05 "F_BAD_ATS_TREQ" "§7.3.6",
    FStreamDisabled = 0x06 "F_STREAM_DISABLED" "§7.3.7",
    FTranslForbidden = 0x07 "F_TRANSL_FORBIDDEN" "§7.3.8",
    CBadSubstreamid = 0x08 "C_BAD_SUBSTREAMID" "§7.3.9",
    FCdFetch = 0x09 "F_CD_FETCH" "§7.3.10",
    CBadCd = 0x0a "C_BAD_CD" "§7.3.11",
    FWalkEabt = 0x0b "F_WALK_EABT" "§7.3.12",
    FTranslation = 0x10 "F_TRANSLATION" "§7.3.13",
    FAddrSize = 0x11 "F_ADDR_SIZE" "§7.3.14",
    FAccess = 0x12 "F_ACCESS" "§7.3.15",
    FPermission = 0x13 "F_PERMISSION" "§7.3.16",
    FTlbConflict = 0x20 "F_TLB_CONFLICT" "§7.3.17",
    FCfgConflict = 0x21 "F_CFG_CONFLICT" "§7.3.18",
    EPageRequest = 0x24 "E_PAGE_REQUEST" "§7.3.19",
    FVmsFetch = 0x25 "F_VMS_FETCH" "§7.3.20",
}

/// An event record: words 0 to 3 are bits `[63:0]`, `[127:64]`, `[191:128]` and `[255:192]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EventRecord(pub [u64; 4]);

/// Word 0 (§7.3).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct EventWord0 {
    pub event_number: u8, // 0 [7:0]
    #[bits(3)]
    __: u8,
    pub ssv: bool, // 0 [11:11]
    #[bits(20)]
    pub substream_id: u32, // 0 [31:12]
    pub stream_id: u32, // 0 [63:32]
}

/// Word 1 of the faults of a translation (§7.3.12–§7.3.16): `[79:64]` is Reason in F_WALK_EABT, STAG otherwise.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct EventWord1 {
    pub stag: u16,  // 1 [15:0]
    pub gpcf: bool, // 1 [16:16]
    #[bits(14)]
    __: u16,
    pub stall: bool, // 1 [31:31]
    __: bool,
    pub pnu: bool, // 1 [33:33]
    pub ind: bool,
    pub rnw: bool, // 1 [35:35]
    #[bits(2)]
    __: u8,
    pub nsipa: bool, // 1 [38:38]
    pub s2: bool,
    #[bits(2)]
    pub class: u8, // 1 [41:40]
    pub dirty_bit: bool, // 1 [42:42], F_PERMISSION
    pub assured_only: bool,
    pub ttrnw: bool, // 1 [44:44]
    pub overlay: bool,
    #[bits(2)]
    __: u8,
    pub impl_def: u16, // 1 [63:48]
}

/// Word 1 of F_BAD_ATS_TREQ (§7.3.6): what the Translation Request asked for.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct AtsRequestWord1 {
    #[bits(4)]
    pub span: u8, // 1 [3:0], in Smallest Translation Units
    #[bits(24)]
    __: u32,
    pub privileged: bool, // 1 [28:28], P
    pub x: bool,
    pub w: bool,
    pub r: bool, // 1 [31:31]
    __: u32,
}

/// Word 1 of E_PAGE_REQUEST (§7.3.19).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct PageHintWord1 {
    #[bits(33)]
    __: u64,
    pub u_x: bool, // 1 [33:33]
    pub u_w: bool,
    pub u_r: bool, // 1 [35:35]
    __: bool,
    pub p_x: bool, // 1 [37:37]
    pub p_w: bool,
    pub p_r: bool, // 1 [39:39]
    #[bits(4)]
    __: u8,
    pub span: u8, // 1 [51:44], in pages of 4 KiB
    #[bits(12)]
    __: u16,
}

impl EventRecord {
    /// The record in the bytes of the queue.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(self.0) {
            *chunk = word.to_le_bytes();
        }
        bytes
    }

    /// The record from the bytes of the queue.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let mut words = [0; 4];
        for (word, chunk) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*chunk);
        }
        Self(words)
    }

    /// Word 0.
    pub const fn word0(self) -> EventWord0 {
        EventWord0::from_bits(self.0[0])
    }

    /// Word 1, for the faults of a translation.
    pub const fn word1(self) -> EventWord1 {
        EventWord1::from_bits(self.0[1])
    }

    /// Which event, if the architecture defines the number.
    pub const fn event_code(self) -> Option<EventCode> {
        EventCode::from_code(self.word0().event_number())
    }

    /// The fields that say whether it repeats another: some events leave out InputAddr[11:0] (§7.3.1).
    pub const fn comparable(self) -> Self {
        let Self([first, second, third, fourth]) = self;
        match self.event_code() {
            Some(
                EventCode::FTranslForbidden
                | EventCode::FWalkEabt
                | EventCode::FTranslation
                | EventCode::FAddrSize
                | EventCode::FAccess
                | EventCode::FPermission
                | EventCode::FTlbConflict,
            ) => Self([first, second, third & !0xfff, fourth]),
            Some(
                EventCode::FUut
                | EventCode::CBadStreamid
                | EventCode::FSteFetch
                | EventCode::CBadSte
                | EventCode::FBadAtsTreq
                | EventCode::FStreamDisabled
                | EventCode::CBadSubstreamid
                | EventCode::FCdFetch
                | EventCode::CBadCd
                | EventCode::FCfgConflict
                | EventCode::EPageRequest
                | EventCode::FVmsFetch,
            )
            | None => self,
        }
    }
}
