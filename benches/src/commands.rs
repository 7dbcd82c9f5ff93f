//! Commands that a workload gives to its SMMU.

use smmu_model::Smmu;
use smmu_model::address::Pa;
use smmu_model::bus::Bus;
use smmu_model::choice::Defaults;
use smmu_model::env::World;
use smmu_model::memory::SparseMemory;
use smmu_model::trace::Silence;

/// Where the Command queue of [`enabled_smmu`](crate::enabled_smmu) is, and how many commands it holds.
const QUEUE: u64 = 0x9000_0000;
const ENTRIES: u32 = 4096;
const CMDQ_PROD: u64 = 0x98;
/// CMD_SYNC without a completion signal.
const SYNC: [u64; 2] = [0x46, 0];

/// The producer of a Command queue.
#[derive(Debug, Default)]
pub struct Commands {
    prod: u32,
}

impl Commands {
    /// Writes a command and a CMD_SYNC; [`Commands::consume`] executes them.
    pub fn produce(&mut self, memory: &mut SparseMemory, command: [u64; 2]) {
        for words in [command, SYNC] {
            let at = QUEUE + u64::from(self.prod % ENTRIES) * 16;
            for (address, word) in [at, at + 8].into_iter().zip(words) {
                memory.write(Pa::new(address), &word.to_le_bytes()).expect("memory that never aborts");
            }
            self.prod = (self.prod + 1) % (2 * ENTRIES);
        }
    }

    /// Tells the SMMU of them, and lets it finish.
    pub fn consume(&self, smmu: &mut Smmu, memory: &mut SparseMemory) {
        let mut world = World { bus: memory, chooser: &mut Defaults, sink: &mut Silence };
        smmu.write(&mut world, CMDQ_PROD, 4, u64::from(self.prod)).expect("an aligned access");
        smmu.settle(&mut world);
    }
}
