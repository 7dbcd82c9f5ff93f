//! Translation tables with a 4 KiB granule and four levels, in pages that are dense or scattered.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use smmu_model::address::Pa;
use smmu_model::bus::Bus;
use smmu_model::memory::SparseMemory;

use crate::workload::Placement;

/// Physical memory that tables come from: 64 MiB.
pub(crate) const POOL_BASE: u64 = 0x4000_0000;
pub(crate) const POOL_BYTES: u64 = 64 << 20;
const PAGE_BYTES: u64 = 4096;

/// Hands out zeroed table pages.
pub(crate) struct Pool {
    free: Vec<u64>,
}

impl Pool {
    pub(crate) fn new(placement: Placement, random: &mut ChaCha8Rng) -> Self {
        let mut free: Vec<u64> =
            (0..POOL_BYTES / PAGE_BYTES).map(|page| POOL_BASE + page * PAGE_BYTES).collect();
        match placement {
            Placement::Dense => free.reverse(),
            Placement::Sparse => free.shuffle(random),
        }
        Self { free }
    }

    pub(crate) fn page(&mut self) -> u64 {
        self.free.pop().expect("the pool holds more pages than any workload needs")
    }
}

/// One table hierarchy.
pub(crate) struct Tables {
    pub(crate) root: u64,
    /// Low bits of a leaf descriptor: type of a page, attributes, permissions.
    pub(crate) leaf: u64,
}

impl Tables {
    /// Maps the page (level 3) or block (level 2) of `input` to `output`.
    pub(crate) fn map(
        &self,
        memory: &mut SparseMemory,
        pool: &mut Pool,
        input: u64,
        output: u64,
        level: u32,
    ) {
        let mut table = self.root;
        for step in 0..level {
            let at = Pa::new(table + index(input, step) * 8);
            let found = memory.read_u64(at).expect("the pool never aborts");
            table = if found == 0 {
                let next = pool.page();
                memory.write(at, &(next | 0b11).to_le_bytes()).expect("the pool never aborts");
                next
            } else {
                found & 0x0000_ffff_ffff_f000
            };
        }
        let kind = if level == 3 { 0b11 } else { 0b01 };
        let descriptor = output | self.leaf | kind;
        let at = Pa::new(table + index(input, level) * 8);
        memory.write(at, &descriptor.to_le_bytes()).expect("the pool never aborts");
    }
}

fn index(input: u64, level: u32) -> u64 {
    input >> (39 - 9 * level) & 0x1ff
}
