//! Commands through the queue, and bringing an SMMU up.

use criterion::{Criterion, criterion_group, criterion_main};
use smmu_benches::enabled_smmu;
use smmu_model::address::Pa;
use smmu_model::bus::Bus;
use smmu_model::choice::Defaults;
use smmu_model::env::World;
use smmu_model::memory::SparseMemory;
use smmu_model::trace::Silence;

/// CMD_TLBI_NH_VA, ASID 1, VA 0x1000, leaf.
const TLBI: [u64; 2] = [0x0001_0000_0000_0012, 0x1001];
/// CMD_SYNC without a completion signal.
const SYNC: [u64; 2] = [0x46, 0];
const QUEUE: u64 = 0x9000_0000;
const ENTRIES: u32 = 4096;
const CMDQ_PROD: u64 = 0x98;
const BATCH: u32 = 1001;

fn commands(criterion: &mut Criterion) {
    let mut memory = SparseMemory::new();
    for slot in 0..ENTRIES {
        write_command(&mut memory, slot, TLBI);
    }
    let mut smmu = enabled_smmu(&mut memory, 0x8000_0000);
    let mut prod = 0;
    criterion.bench_function("commands/1000 TLBI + SYNC", |bencher| {
        bencher.iter(|| {
            write_command(&mut memory, (prod + BATCH - 1) % ENTRIES, SYNC);
            prod = (prod + BATCH) % (2 * ENTRIES);
            let mut world = World { bus: &mut memory, chooser: &mut Defaults, sink: &mut Silence };
            smmu.write(&mut world, CMDQ_PROD, 4, u64::from(prod)).expect("an aligned access");
            smmu.settle(&mut world);
        });
    });
    criterion.bench_function("enable/create and enable", |bencher| {
        bencher.iter(|| enabled_smmu(&mut memory, 0x8000_0000));
    });
}

fn write_command(memory: &mut SparseMemory, slot: u32, words: [u64; 2]) {
    let at = QUEUE + u64::from(slot) * 16;
    memory.write(Pa::new(at), &words[0].to_le_bytes()).expect("memory that never aborts");
    memory.write(Pa::new(at + 8), &words[1].to_le_bytes()).expect("memory that never aborts");
}

criterion_group!(benches, commands);
criterion_main!(benches);
