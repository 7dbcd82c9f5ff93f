//! The ID registers (§6.3.1–§6.3.8, §6.3.45). Positions as in the register tables of chapter 6.

use bitfield_struct::bitfield;

/// IDR0 (§6.3.1).
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct Idr0 {
    pub s2p: bool,
    pub s1p: bool,
    #[bits(2)]
    pub ttf: u8, // [3:2]
    pub cohacc: bool,
    pub btm: bool,
    #[bits(2)]
    pub httu: u8, // [7:6]
    pub dormhint: bool,
    pub hyp: bool,
    pub ats: bool,
    pub ns1ats: bool,
    pub asid16: bool,
    pub msi: bool,
    pub sev: bool,
    pub atos: bool,
    pub pri: bool,
    pub vmw: bool,
    pub vmid16: bool,
    pub cd2l: bool,
    pub vatos: bool,
    #[bits(2)]
    pub ttendian: u8, // [22:21]
    pub atsrecerr: bool,
    #[bits(2)]
    pub stall_model: u8, // [25:24]
    pub term_model: bool,
    #[bits(2)]
    pub st_level: u8, // [28:27]
    __: bool,
    pub rme_impl: bool, // [30]
    __: bool,
}

/// IDR1 (§6.3.2).
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct Idr1 {
    #[bits(6)]
    pub sidsize: u8, // [5:0]
    #[bits(5)]
    pub ssidsize: u8, // [10:6]
    #[bits(5)]
    pub priqs: u8, // [15:11]
    #[bits(5)]
    pub eventqs: u8, // [20:16]
    #[bits(5)]
    pub cmdqs: u8, // [25:21]
    pub attr_perms_ovr: bool,
    pub attr_types_ovr: bool,
    pub rel: bool,
    pub queues_preset: bool,
    pub tables_preset: bool,
    pub ecmdq: bool, // [31]
}

/// IDR2 (§6.3.3).
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct Idr2 {
    #[bits(10)]
    pub ba_vatos: u16, // [9:0]
    #[bits(22)]
    __: u32,
}

/// IDR3 (§6.3.4).
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct Idr3 {
    #[bits(2)]
    __: u8,
    pub had: bool, // [2]
    pub pbha: bool,
    pub xnx: bool,
    pub pps: bool,
    __: bool,
    pub mpam: bool, // [7]
    pub fwb: bool,
    pub stt: bool,
    pub ril: bool,
    #[bits(2)]
    pub bbml: u8, // [12:11]
    pub e0pd: bool,
    pub ptwnnc: bool,
    pub dpt: bool,
    pub pasidtt: bool,
    pub epan: bool,
    pub s1pi: bool,
    pub s2pi: bool,
    pub s2po: bool,
    pub the: bool,
    pub mteperm: bool,
    pub aie: bool, // [23]
    #[bits(8)]
    __: u8,
}

/// IDR5 (§6.3.6).
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct Idr5 {
    #[bits(3)]
    pub oas: u8, // [2:0]
    __: bool,
    pub gran4k: bool, // [4]
    pub gran16k: bool,
    pub gran64k: bool,
    pub ds: bool,
    pub d128: bool, // [8]
    __: bool,
    #[bits(2)]
    pub vax: u8, // [11:10]
    #[bits(4)]
    __: u8,
    pub stall_max: u16, // [31:16]
}

/// IDR6 (§6.3.45).
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct Idr6 {
    __: u16,
    #[bits(4)]
    pub cmdq_control_page_log2numq: u8, // [19:16]
    #[bits(4)]
    __: u8,
    #[bits(4)]
    pub cmdq_control_page_log2nump: u8, // [27:24]
    #[bits(4)]
    __: u8,
}

/// AIDR (§6.3.8).
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct Aidr {
    #[bits(4)]
    pub arch_minor_rev: u8, // [3:0]
    #[bits(4)]
    pub arch_major_rev: u8, // [7:4]
    #[bits(24)]
    __: u32,
}
