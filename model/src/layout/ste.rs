//! Stream table entry, 64 bytes (§5.2).

use bitfield_struct::bitfield;

/// An STE as read from memory, word by word. Says nothing about its legality.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ste(pub [u64; 8]);

impl Ste {
    /// Word 0.
    #[inline]
    pub const fn word0(&self) -> SteWord0 {
        SteWord0::from_bits(self.0[0])
    }

    /// Word 1.
    #[inline]
    pub const fn word1(&self) -> SteWord1 {
        SteWord1::from_bits(self.0[1])
    }

    /// Word 2.
    #[inline]
    pub const fn word2(&self) -> SteWord2 {
        SteWord2::from_bits(self.0[2])
    }

    /// Word 3.
    #[inline]
    pub const fn word3(&self) -> SteWord3 {
        SteWord3::from_bits(self.0[3])
    }
}

/// Word 0 (§5.2).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct SteWord0 {
    pub v: bool, // 0 [0:0]
    #[bits(3)]
    pub config: u8, // 0 [3:1]
    #[bits(2)]
    pub s1_fmt: u8, // 0 [5:4]
    #[bits(50)]
    s1_context_ptr_6: u64, // 0 [55:6], address bits [55:6]
    #[bits(3)]
    __: u8,
    #[bits(5)]
    pub s1_cd_max: u8, // 0 [63:59]
}

impl SteWord0 {
    /// S1ContextPtr as an address: bits `[55:6]`, the rest zero.
    #[inline]
    pub const fn s1_context_ptr(self) -> u64 {
        self.s1_context_ptr_6() << 6
    }
}

/// Word 1 (§5.2).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct SteWord1 {
    #[bits(2)]
    pub s1_dss: u8, // 1 [1:0]
    #[bits(2)]
    pub s1_cir: u8, // 1 [3:2]
    #[bits(2)]
    pub s1_cor: u8, // 1 [5:4]
    #[bits(2)]
    pub s1_csh: u8, // 1 [7:6]
    pub s2_hwu59: bool,
    pub s2_hwu60: bool,
    pub s2_hwu61: bool,
    pub s2_hwu62: bool,
    pub dre: bool, // 1 [12:12]
    #[bits(4)]
    pub cont: u8, // 1 [16:13]
    pub dcp: bool,
    pub ppar: bool,
    pub mev: bool, // 1 [19:19]
    #[bits(4)]
    pub sw_reserved: u8, // 1 [23:20]
    pub s1_pie: bool,
    pub s2_fwb: bool,
    pub s1_mpam: bool,
    pub s1_stalld: bool, // 1 [27:27]
    #[bits(2)]
    pub eats: u8, // 1 [29:28]
    #[bits(2)]
    pub strw: u8, // 1 [31:30]
    #[bits(4)]
    pub mem_attr: u8, // 1 [35:32]
    pub mtcfg: bool,
    #[bits(4)]
    pub alloccfg: u8, // 1 [40:37]
    #[bits(3)]
    __: u8,
    #[bits(2)]
    pub shcfg: u8, // 1 [45:44]
    #[bits(2)]
    pub nscfg: u8, // 1 [47:46]
    #[bits(2)]
    pub privcfg: u8, // 1 [49:48]
    #[bits(2)]
    pub instcfg: u8, // 1 [51:50]
    #[bits(12)]
    pub impdef: u16, // 1 [63:52]
}

/// Word 2 (§5.2).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct SteWord2 {
    pub s2_vmid: u16, // 2 [15:0]
    pub impdef: u16,  // 2 [31:16]
    #[bits(6)]
    pub s2_t0sz: u8, // 2 [37:32]
    #[bits(2)]
    pub s2_sl0: u8, // 2 [39:38]
    #[bits(2)]
    pub s2_ir0: u8, // 2 [41:40]
    #[bits(2)]
    pub s2_or0: u8, // 2 [43:42]
    #[bits(2)]
    pub s2_sh0: u8, // 2 [45:44]
    #[bits(2)]
    pub s2_tg: u8, // 2 [47:46]
    #[bits(3)]
    pub s2_ps: u8, // 2 [50:48]
    pub s2_aa64: bool,
    pub s2_endi: bool,
    pub s2_affd: bool,
    pub s2_ptw: bool,
    pub s2_hd: bool,
    pub s2_ha: bool,
    pub s2_s: bool, // 2 [57:57]
    pub s2_r: bool,
    pub s2_haft: bool,
    pub s2_pie: bool,
    pub s2_poe: bool, // 2 [61:61]
    #[bits(2)]
    pub dpt_vmatch: u8, // 2 [63:62]
}

/// Word 3 (§5.2).
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct SteWord3 {
    pub s2_nsw: bool, // 3 [0:0]
    pub s2_nsa: bool,
    pub s2_sl0_2: bool,
    pub s2_ds: bool, // 3 [3:3]
    #[bits(52)]
    s2_ttb_4: u64, // 3 [55:4], address bits [55:4]
    #[bits(5)]
    __: u8,
    #[bits(2)]
    pub s2_skl: u8, // 3 [62:61]
    __: bool,
}

impl SteWord3 {
    /// S2TTB as an address: bits `[55:4]`, the rest zero.
    #[inline]
    pub const fn s2_ttb(self) -> u64 {
        self.s2_ttb_4() << 4
    }
}
