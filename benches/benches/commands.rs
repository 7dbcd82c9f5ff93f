//! Commands through the queue, and bringing an SMMU up.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
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
    let mut group = criterion.benchmark_group("commands");
    group.throughput(Throughput::Elements(u64::from(BATCH)));
    group.bench_function("1000 TLBI and a SYNC", |bencher| {
        bencher.iter(|| {
            write_command(&mut memory, (prod + BATCH - 1) % ENTRIES, SYNC);
            prod = (prod + BATCH) % (2 * ENTRIES);
            let mut world = World { bus: &mut memory, chooser: &mut Defaults, sink: &mut Silence };
            smmu.write(&mut world, CMDQ_PROD, 4, u64::from(prod)).expect("an aligned access");
            smmu.settle(&mut world);
        });
    });
    group.finish();
}

fn bringing_up(criterion: &mut Criterion) {
    let mut memory = SparseMemory::new();
    let mut group = criterion.benchmark_group("smmu");
    group.bench_function("create and enable", |bencher| {
        bencher.iter(|| enabled_smmu(&mut memory, 0x8000_0000));
    });
    group.finish();
}

fn write_command(memory: &mut SparseMemory, slot: u32, words: [u64; 2]) {
    let at = QUEUE + u64::from(slot) * 16;
    memory.write(Pa::new(at), &words[0].to_le_bytes()).expect("memory that never aborts");
    memory.write(Pa::new(at + 8), &words[1].to_le_bytes()).expect("memory that never aborts");
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = commands, bringing_up
}
criterion_main!(benches);
