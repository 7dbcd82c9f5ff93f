//! The ratios that the project promises: model against bare loop, measured alternately in one process.
//!
//! Prints a table; never fails. The best of many short rounds counts, so that other load hardly shows.

use std::hint::black_box;
use std::time::{Duration, Instant};

use smmu_benches::{BareMemory, PAGES, Placement, Stages, Workload, enabled_smmu};
use smmu_model::address::Pa;
use smmu_model::bus::Bus;
use smmu_model::choice::Defaults;
use smmu_model::env::World;
use smmu_model::memory::SparseMemory;
use smmu_model::trace::Silence;

const ROUNDS: u32 = 60;

fn main() {
    // `cargo bench --bench ratios -- nested` measures only what has this in its name.
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    println!("{:<16} {:>10} {:>10} {:>7} {:>6}", "cold walk", "model ns", "bare ns", "ratio", "aim");
    for (stages, placement, name, aim) in [
        (Stages::One, Placement::Dense, "stage1 dense", "12"),
        (Stages::One, Placement::Sparse, "stage1 sparse", "4"),
        (Stages::Two, Placement::Dense, "stage2 dense", "-"),
        (Stages::Two, Placement::Sparse, "stage2 sparse", "-"),
        (Stages::Nested, Placement::Dense, "nested dense", "5"),
        (Stages::Nested, Placement::Sparse, "nested sparse", "2"),
        (Stages::Block, Placement::Dense, "block dense", "-"),
        (Stages::Block, Placement::Sparse, "block sparse", "-"),
    ]
    .into_iter()
    .filter(|(_, _, name, _)| name.contains(&filter))
    {
        let mut workload = Workload::new(stages, placement);
        let mut bare = BareMemory::new(&workload, stages);
        let mut best = (Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS {
            best.0 = best.0.min(timed(|| workload.transact()));
            best.1 = best.1.min(timed(|| bare.walk()));
        }
        let (model, bare) = (per_call(best.0), per_call(best.1));
        println!("{name:<16} {model:>10.1} {bare:>10.1} {:>7.1} {aim:>6}", model / bare);
    }
    if "one command".contains(&filter) {
        commands();
    }
}

fn timed<T>(mut call: impl FnMut() -> T) -> Duration {
    let start = Instant::now();
    for _ in 0..PAGES {
        black_box(call());
    }
    start.elapsed()
}

fn per_call(total: Duration) -> f64 {
    total.as_secs_f64() * 1e9 / 4096.0
}

/// A command against one load of the bare stage 1 loop over dense tables.
fn commands() {
    let mut memory = SparseMemory::new();
    for slot in 0..4096u64 {
        memory.write(Pa::new(0x9000_0000 + slot * 16), &[0x12, 0, 0, 0]).expect("memory that never aborts");
    }
    let mut smmu = enabled_smmu(&mut memory, 0x8000_0000);
    let workload = Workload::new(Stages::One, Placement::Dense);
    let mut bare = BareMemory::new(&workload, Stages::One);
    let (mut prod, mut best, mut load) = (0u64, Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        prod = (prod + 4000) % 8192;
        let mut world = World { bus: &mut memory, chooser: &mut Defaults, sink: &mut Silence };
        smmu.write(&mut world, 0x98, 4, prod).expect("an aligned access");
        smmu.settle(&mut world);
        best = best.min(start.elapsed());
        load = load.min(timed(|| bare.walk()));
    }
    let (command, load) = (best.as_secs_f64() * 1e9 / 4000.0, per_call(load) / 6.0);
    println!("{:<16} {command:>10.1} {load:>10.1} {:>7.1} {:>6}", "one command", command / load, "10");
}
