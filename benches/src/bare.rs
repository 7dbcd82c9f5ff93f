//! The bare loop: as many dependent loads as the walk makes, from a flat copy of the same memory.

use smmu_model::memory::SparseMemory;

use crate::tables::{POOL_BASE, POOL_BYTES};
use crate::workload::{Stages, Workload};

/// Address of the flat copy's first word; it spans the tables and the configuration structures.
const BASE: u64 = POOL_BASE;
const BYTES: u64 = 0x8002_0000 - BASE;
const _: () = assert!(POOL_BASE + POOL_BYTES <= BASE + BYTES);

/// A flat copy of a workload's memory, and the addresses to walk.
#[derive(Debug)]
pub struct BareMemory {
    words: Vec<u64>,
    addresses: Vec<u64>,
    next: usize,
    ste: u64,
    stages: Stages,
}

impl BareMemory {
    /// Copies the memory of `workload`.
    pub fn new(workload: &Workload, stages: Stages) -> Self {
        let addresses = workload.addresses().collect();
        let ste = workload.ste_address();
        Self { words: flatten(&workload.memory), addresses, next: 0, ste, stages }
    }

    /// The loads of the next walk; returns the output address, so that none can be left out.
    #[inline]
    pub fn walk(&mut self) -> u64 {
        let address = self.addresses[self.next];
        self.next = (self.next + 1) % self.addresses.len();
        match self.stages {
            Stages::One => self.stage1(address, 3),
            Stages::Block => self.stage1(address, 2),
            Stages::Two => self.levels(self.load(self.ste + 24), address, 3),
            Stages::Nested => self.nested(address),
        }
    }

    #[inline]
    fn stage1(&self, address: u64, last_level: u32) -> u64 {
        let cd = self.load(self.ste) & ADDRESS & !0x3f;
        self.levels(self.load(cd + 8), address, last_level)
    }

    #[inline]
    fn nested(&self, address: u64) -> u64 {
        let stage2 = self.load(self.ste + 24);
        let cd = self.levels(stage2, self.load(self.ste) & ADDRESS, 3);
        let mut table = self.load(cd + 8);
        for level in 0..=3 {
            let at = self.levels(stage2, table & ADDRESS, 3) | (index(address, level) * 8);
            table = self.load(at);
        }
        self.levels(stage2, (table & ADDRESS) | (address & 0xfff), 3)
    }

    #[inline]
    fn levels(&self, root: u64, address: u64, last_level: u32) -> u64 {
        let mut table = root;
        for level in 0..=last_level {
            table = self.load((table & ADDRESS) | (index(address, level) * 8));
        }
        (table & ADDRESS) | (address & 0xfff)
    }

    #[inline]
    fn load(&self, address: u64) -> u64 {
        self.words[slot(address)]
    }
}

const ADDRESS: u64 = 0x0000_ffff_ffff_f000;

#[inline]
fn index(input: u64, level: u32) -> u64 {
    input >> (39 - 9 * level) & 0x1ff
}

#[inline]
fn slot(address: u64) -> usize {
    usize::try_from((address - BASE) / 8).expect("inside the flat copy")
}

fn flatten(memory: &SparseMemory) -> Vec<u64> {
    let mut words = vec![0; slot(BASE + BYTES)];
    for (block, bytes) in memory.contents().into_iter().filter(|(block, _)| block.value() < BASE + BYTES) {
        let first = slot(block.value());
        for (word, chunk) in words[first..].iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*chunk);
        }
    }
    words
}
