//! Level 1 context descriptor, 8 bytes (§5.3).

use bitfield_struct::bitfield;

/// One descriptor as read from memory. Says nothing about its legality.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct L1Cd {
    pub v: bool, // 0 [0:0]
    #[bits(11)]
    __: u16,
    #[bits(44)]
    l2_ptr_12: u64, // 0 [55:12], address bits [55:12]
    #[bits(8)]
    __: u8,
}

impl L1Cd {
    /// L2Ptr as an address: bits `[55:12]`, the rest zero.
    pub const fn l2_ptr(self) -> u64 {
        self.l2_ptr_12() << 12
    }
}
