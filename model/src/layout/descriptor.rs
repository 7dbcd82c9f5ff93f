//! VMSAv8-64 translation table descriptors, 8 bytes (DDI 0487 D8.3; address placement depends on the format,
//! see `config::geometry`).

use bitfield_struct::bitfield;

/// A stage 1 Block or Page descriptor.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct Stage1Leaf {
    #[bits(2)]
    pub kind: u8, // [1:0]
    #[bits(3)]
    pub attr_indx: u8, // [4:2]
    pub ns: bool,
    #[bits(2)]
    pub ap: u8, // [7:6], AP[2:1]
    #[bits(2)]
    pub sh: u8, // [9:8], OA[51:50] with DS
    pub af: bool, // [10:10]
    pub ng: bool,
    #[bits(4)]
    __: u8,
    pub nt: bool, // [16:16], blocks only
    #[bits(33)]
    __: u64,
    pub gp: bool, // [50:50]
    pub dbm: bool,
    pub contiguous: bool,
    pub pxn: bool,
    pub uxn: bool, // [54:54], XN with one privilege level
    #[bits(4)]
    pub software: u8, // [58:55]
    pub attr_indx_3: bool, // [59:59] with AIE, else PBHA[0]
    #[bits(3)]
    pub pbha_3_1: u8, // [62:60]
    __: bool,
}

/// A stage 1 Table descriptor.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct Stage1Table {
    #[bits(2)]
    pub kind: u8, // [1:0]
    #[bits(8)]
    __: u8,
    pub af: bool, // [10:10] with HAFT
    #[bits(48)]
    __: u64,
    pub pxn_table: bool, // [59:59]
    pub uxn_table: bool, // [60:60], XNTable with one privilege level
    #[bits(2)]
    pub ap_table: u8, // [62:61]
    pub ns_table: bool,
}

/// A stage 2 Block or Page descriptor.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct Stage2Leaf {
    #[bits(2)]
    pub kind: u8, // [1:0]
    #[bits(4)]
    pub mem_attr: u8, // [5:2]
    pub s2ap_read: bool,  // [6:6], S2AP[0]
    pub s2ap_write: bool, // [7:7], S2AP[1]
    #[bits(2)]
    pub sh: u8, // [9:8], OA[51:50] with S2DS
    pub af: bool,         // [10:10]
    __: bool,
    #[bits(4)]
    __: u8,
    pub nt: bool, // [16:16], blocks only
    #[bits(34)]
    __: u64,
    pub dbm: bool, // [51:51]
    pub contiguous: bool,
    #[bits(2)]
    pub xn: u8, // [54:53]
    #[bits(9)]
    __: u16,
}
