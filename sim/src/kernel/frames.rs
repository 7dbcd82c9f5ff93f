//! Physical memory that the kernel gives out: lowest address first, the same in every run.

use std::collections::BTreeMap;

/// Bytes of a page of the host.
pub const PAGE_SIZE: u64 = 4096;

/// Bytes of a transparent huge page.
pub const HUGE_PAGE_SIZE: u64 = 2 << 20;

/// Free physical memory. A block comes back with the size and alignment that it was taken with, and is given out
/// again for a request of the same kind; the rest comes from memory that nobody has used yet.
#[derive(Clone, Debug)]
pub struct Frames {
    next: u64,
    end: u64,
    /// By bytes and alignment, the last one freed at the end.
    freed: BTreeMap<(u64, u64), Vec<u64>>,
    taken_bytes: u64,
}

/// A block of physical memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Block {
    /// Its first byte.
    pub address: u64,
    /// Whether it was used before, and so may hold something.
    pub is_used: bool,
}

impl Frames {
    /// Memory from `start` up to `end`.
    pub fn new(start: u64, end: u64) -> Self {
        Self { next: start, end, freed: BTreeMap::new(), taken_bytes: 0 }
    }

    /// A block of `bytes`, aligned to `alignment`, a power of two.
    pub fn take(&mut self, bytes: u64, alignment: u64) -> Option<Block> {
        assert!(bytes > 0 && alignment.is_power_of_two(), "{bytes:#x} bytes aligned to {alignment:#x}");
        if let Some(address) = self.freed.get_mut(&(bytes, alignment)).and_then(Vec::pop) {
            self.taken_bytes += bytes;
            return Some(Block { address, is_used: true });
        }
        let address = self.next.checked_next_multiple_of(alignment)?;
        let next = address.checked_add(bytes).filter(|&next| next <= self.end)?;
        self.next = next;
        self.taken_bytes += bytes;
        Some(Block { address, is_used: false })
    }

    /// Gives back what [`Frames::take`] gave out.
    pub fn give_back(&mut self, address: u64, bytes: u64, alignment: u64) {
        self.taken_bytes = self.taken_bytes.checked_sub(bytes).expect("only what was taken comes back");
        self.freed.entry((bytes, alignment)).or_default().push(address);
    }

    /// Bytes that are in use.
    pub fn taken_bytes(&self) -> u64 {
        self.taken_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_fitting_block_comes_first_and_returns() {
        let mut frames = Frames::new(0x1000, 0x40_0000);
        let mut take = |bytes, alignment| frames.take(bytes, alignment).map(|b| (b.address, b.is_used));
        assert_eq!(take(0x1000, 0x1000), Some((0x1000, false)));
        assert_eq!(take(0x20_0000, 0x20_0000), Some((0x20_0000, false)));
        assert_eq!(take(0x1000, 0x1000), None);
        frames.give_back(0x1000, 0x1000, 0x1000);
        assert_eq!(frames.take(0x1000, 0x1000), Some(Block { address: 0x1000, is_used: true }));
        assert_eq!(frames.taken_bytes(), 0x20_1000);
    }
}
