//! The arithmetic of circular queues (§3.5.1).
//!
//! For a queue of 2^n entries, PROD and CONS are n+1 bits: the index, and a wrap flag above it. One counter
//! of n+1 bits, incremented, does both.

use crate::address::Pa;
use crate::layout::register::QueueBase;

/// log2 of the largest queue that the architecture allows, in entries (§6.3.2).
const LOG2_ENTRIES_MAX: u8 = 19;

/// The most entries that can be consumed before PROD is met, in whatever state the indexes are.
pub(crate) const CONSUMED_MAX: usize = 1 << (LOG2_ENTRIES_MAX + 1);

/// The two indexes of a queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ring {
    log2_entries: u8,
    prod: u32,
    cons: u32,
}

/// How full a queue is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fill {
    Empty,
    Partial,
    Full,
    /// The indexes are further apart than the queue is long.
    Inconsistent,
}

impl Ring {
    /// A queue of 2^`log2_entries`; index bits above the wrap flag are ignored.
    pub(crate) fn new(log2_entries: u8, prod: u32, cons: u32) -> Self {
        assert!(log2_entries <= LOG2_ENTRIES_MAX, "queue sizes are capped by IDR1");
        let unmasked = Self { log2_entries, prod, cons };
        let mask = unmasked.mask();
        Self { prod: prod & mask, cons: cons & mask, ..unmasked }
    }

    /// The bits of index and wrap flag.
    pub(crate) const fn mask(self) -> u32 {
        (2 << self.log2_entries) - 1
    }

    /// Index and wrap flag of the next entry to write.
    pub(crate) const fn prod(self) -> u32 {
        self.prod
    }

    /// Index and wrap flag of the next entry to read.
    pub(crate) const fn cons(self) -> u32 {
        self.cons
    }

    /// PROD after one more entry.
    pub(crate) const fn prod_after(self) -> u32 {
        (self.prod + 1) & self.mask()
    }

    /// The queue with one entry less.
    pub(crate) const fn consumed(self) -> Self {
        Self { cons: (self.cons + 1) & self.mask(), ..self }
    }

    /// Index of the next entry to write.
    pub(crate) const fn prod_index(self) -> u32 {
        self.prod & (self.mask() >> 1)
    }

    /// Index of the next entry to read.
    pub(crate) const fn cons_index(self) -> u32 {
        self.cons & (self.mask() >> 1)
    }

    /// Whether there is something to read.
    pub(crate) const fn has_entries(self) -> bool {
        matches!(self.fill(), Fill::Partial | Fill::Full)
    }

    pub(crate) const fn fill(self) -> Fill {
        let entries = 1 << self.log2_entries;
        match self.prod.wrapping_sub(self.cons) & self.mask() {
            0 => Fill::Empty,
            used if used < entries => Fill::Partial,
            used if used == entries => Fill::Full,
            _more => Fill::Inconsistent,
        }
    }

    /// The address of entry `index` of 2^`log2_entry_bytes` bytes. The base is aligned to the size of the
    /// queue, at least to 32 bytes as its field is (§6.3.26). A base beyond OAS gives an address beyond OAS.
    pub(crate) fn slot(self, base: QueueBase, log2_entry_bytes: u8, index: u32) -> Pa {
        let offsets = u64::from(self.mask() >> 1) << log2_entry_bytes;
        Pa::new((base.addr() & !offsets) | u64::from(index) << log2_entry_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(log2_entries: u8, prod: u32, cons: u32, fill: Fill) {
        let ring = Ring::new(log2_entries, prod, cons);
        assert_eq!(ring.fill(), fill, "2^{log2_entries} entries, PROD {prod:#x}, CONS {cons:#x}");
    }

    #[test]
    fn fill_follows_index_and_wrap() {
        check(0, 0, 0, Fill::Empty);
        check(0, 1, 0, Fill::Full);
        check(0, 0, 1, Fill::Full);
        check(2, 3, 3, Fill::Empty);
        check(2, 0b011, 0b001, Fill::Partial);
        check(2, 0b100, 0b001, Fill::Partial);
        check(2, 0b101, 0b001, Fill::Full);
        check(2, 0b001, 0b101, Fill::Full);
        check(2, 0b000, 0b111, Fill::Partial);
        check(2, 0b001, 0b010, Fill::Inconsistent);
        check(2, 0b110, 0b001, Fill::Inconsistent);
        check(19, 0x8_0000, 0, Fill::Full);
        check(19, 0x8_0001, 0, Fill::Inconsistent);
        // Bits above the wrap flag do not count.
        check(2, 0xff8, 0, Fill::Empty);
    }

    #[test]
    fn increments_wrap_and_toggle_the_flag() {
        assert_eq!(Ring::new(2, 0b011, 0).prod_after(), 0b100);
        assert_eq!(Ring::new(2, 0b111, 0b100).prod_after(), 0b000);
        assert_eq!(Ring::new(2, 0, 0b111).consumed().cons(), 0b000);
        assert_eq!(Ring::new(0, 1, 0).prod_after(), 0);
        assert_eq!(Ring::new(2, 0b111, 0b110).prod_index(), 3);
        assert_eq!(Ring::new(2, 0b111, 0b110).cons_index(), 2);
    }

    #[test]
    fn slots_start_at_the_aligned_base() {
        let base = QueueBase::from_bits(0x8000_1fe0);
        assert_eq!(Ring::new(8, 0, 0).slot(base, 4, 3), Pa::new(0x8000_1030));
        assert_eq!(Ring::new(7, 0, 0).slot(base, 5, 2), Pa::new(0x8000_1040));
        // One command is 16 bytes, the queue is on 32 all the same.
        assert_eq!(Ring::new(0, 0, 0).slot(base, 4, 0), Pa::new(0x8000_1fe0));
        assert_eq!(Ring::new(1, 0, 0).slot(base, 4, 1), Pa::new(0x8000_1ff0));
    }
}
