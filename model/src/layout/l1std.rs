//! Level 1 stream table descriptor, 8 bytes (§5.1).

use bitfield_struct::bitfield;

/// One descriptor as read from memory. Says nothing about its legality.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct L1Std {
    #[bits(5)]
    pub span: u8, // 0 [4:0]
    __: bool,
    #[bits(50)]
    l2_ptr_6: u64, // 0 [55:6], address bits [55:6]
    #[bits(8)]
    __: u8,
}

impl L1Std {
    /// L2Ptr as an address: bits `[55:6]`, the rest zero.
    pub const fn l2_ptr(self) -> u64 {
        self.l2_ptr_6() << 6
    }
}
