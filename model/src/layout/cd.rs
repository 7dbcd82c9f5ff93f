//! Context descriptor, 64 bytes (§5.4).

use bitfield_struct::bitfield;

/// A CD as read from memory, word by word. Says nothing about its legality.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cd(pub [u64; 8]);

impl Cd {
    /// Word 0.
    #[inline]
    pub const fn word0(&self) -> CdWord0 {
        CdWord0::from_bits(self.0[0])
    }

    /// Word 1.
    #[inline]
    pub const fn word1(&self) -> CdWord1 {
        CdWord1::from_bits(self.0[1])
    }

    /// Word 2.
    #[inline]
    pub const fn word2(&self) -> CdWord2 {
        CdWord2::from_bits(self.0[2])
    }

    /// MAIR: word 3, eight attribute bytes (§5.4).
    #[inline]
    pub const fn mair(&self) -> u64 {
        self.0[3]
    }
}

/// Word 0 (§5.4).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct CdWord0 {
    #[bits(6)]
    pub t0sz: u8, // 0 [5:0]
    #[bits(2)]
    pub tg0: u8, // 0 [7:6]
    #[bits(2)]
    pub ir0: u8, // 0 [9:8]
    #[bits(2)]
    pub or0: u8, // 0 [11:10]
    #[bits(2)]
    pub sh0: u8, // 0 [13:12]
    pub epd0: bool,
    pub endi: bool, // 0 [15:15]
    #[bits(6)]
    pub t1sz: u8, // 0 [21:16]
    #[bits(2)]
    pub tg1: u8, // 0 [23:22]
    #[bits(2)]
    pub ir1: u8, // 0 [25:24]
    #[bits(2)]
    pub or1: u8, // 0 [27:26]
    #[bits(2)]
    pub sh1: u8, // 0 [29:28]
    pub epd1: bool,
    pub v: bool, // 0 [31:31]
    #[bits(3)]
    pub ips: u8, // 0 [34:32]
    pub affd: bool,
    pub wxn: bool,
    pub uwxn: bool,
    pub tbi0: bool,
    pub tbi1: bool,
    pub pan: bool, // 0 [40:40]
    pub aa64: bool,
    pub hd: bool,
    pub ha: bool,
    pub s: bool,
    pub r: bool,
    pub a: bool,
    pub aset: bool, // 0 [47:47]
    pub asid: u16,  // 0 [63:48]
}

/// Word 1 (§5.4). Bit 1 is DisCH0 and bits `[63:62]` are SKL0 where IDR5.D128 is 1.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct CdWord1 {
    pub nscfg0: bool, // 1 [0:0]
    pub had0: bool,
    pub e0pd0: bool,
    pub haft: bool, // 1 [3:3]
    #[bits(52)]
    ttb0_4: u64, // 1 [55:4], address bits [55:4]
    #[bits(2)]
    __: u8,
    pub pnch: bool, // 1 [58:58]
    pub epan: bool,
    pub hwu059: bool,
    pub hwu060: bool,
    pub hwu061: bool,
    pub hwu062: bool, // 1 [63:63]
}

impl CdWord1 {
    /// TTB0 as an address: bits `[55:4]`, the rest zero.
    #[inline]
    pub const fn ttb0(self) -> u64 {
        self.ttb0_4() << 4
    }
}

/// Word 2 (§5.4). Bit 1 is DisCH1 and bits `[63:62]` are SKL1 where IDR5.D128 is 1.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct CdWord2 {
    pub nscfg1: bool, // 2 [0:0]
    pub had1: bool,
    pub e0pd1: bool,
    pub aie: bool, // 2 [3:3]
    #[bits(52)]
    ttb1_4: u64, // 2 [55:4], address bits [55:4]
    #[bits(2)]
    __: u8,
    pub ds: bool, // 2 [58:58]
    pub pie: bool,
    pub hwu159: bool,
    pub hwu160: bool,
    pub hwu161: bool,
    pub hwu162: bool, // 2 [63:63]
}

impl CdWord2 {
    /// TTB1 as an address: bits `[55:4]`, the rest zero.
    #[inline]
    pub const fn ttb1(self) -> u64 {
        self.ttb1_4() << 4
    }
}
