//! What the caches promise: a hit beside a lookup in a hash map, a miss beside a walk without caches, and an
//! invalidation beside the entries that it does not touch. Measured alternately in one process.
//!
//! Prints a table; never fails. The best of many short rounds counts, so that other load hardly shows.

use std::hint::black_box;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use smmu_benches::{Contexts, PAGES, Placement, Stages, Workload};
use smmu_model::CachePolicy;

const ROUNDS: u32 = 60;

fn main() {
    println!("{:<16} {:>10} {:>10} {:>7} {:>6}", "hit", "model ns", "map ns", "ratio", "aim");
    for (stages, name) in [
        (Stages::One, "stage1"),
        (Stages::Two, "stage2"),
        (Stages::Nested, "nested"),
        (Stages::Block, "block"),
    ] {
        hit(stages, name);
    }
    println!("{:<16} {:>10} {:>10} {:>7} {:>6}", "miss", "keep ns", "none ns", "ratio", "aim");
    for (stages, placement, name) in [
        (Stages::One, Placement::Dense, "stage1 dense"),
        (Stages::One, Placement::Sparse, "stage1 sparse"),
        (Stages::Nested, Placement::Dense, "nested dense"),
        (Stages::Nested, Placement::Sparse, "nested sparse"),
    ] {
        miss(stages, placement, name);
    }
    println!("{:<16} {:>10} {:>10} {:>7} {:>6}", "one ASID", "us", "alone us", "ratio", "aim");
    invalidation();
}

/// All of STE, CD and TLB is cached, and the map has as many entries.
fn hit(stages: Stages, name: &str) {
    let mut workload = Workload::new(stages, Placement::Dense);
    workload.set_caches(CachePolicy::Keep);
    let addresses: Vec<u64> = workload.addresses().collect();
    let map: FxHashMap<u64, u64> = addresses.iter().map(|&address| (address >> 12, address)).collect();
    timed(|| workload.transact());
    let mut best = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        best.0 = best.0.min(timed(|| workload.transact()));
        let mut next = addresses.iter();
        best.1 = best.1.min(timed(|| map.get(&(next.next().expect("one for each call") >> 12))));
    }
    print(name, per_call(best.0), per_call(best.1), "5");
}

/// Each page is met for the first time.
fn miss(stages: Stages, placement: Placement, name: &str) {
    let mut keep = Workload::new(stages, placement);
    let mut none = Workload::new(stages, placement);
    let mut best = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        keep.set_caches(CachePolicy::Keep);
        best.0 = best.0.min(timed(|| keep.transact()));
        best.1 = best.1.min(timed(|| none.transact()));
    }
    print(name, per_call(best.0), per_call(best.1), "1.15");
}

/// CMD_TLBI_NH_ASID and CMD_SYNC among a million entries, and where there are no others.
fn invalidation() {
    let mut many = Contexts::new(1024);
    let mut one = Contexts::new(1);
    let mut best = (Duration::MAX, Duration::MAX);
    for round in 0..ROUNDS {
        let asid = u16::try_from(round).expect("few rounds");
        best.0 = best.0.min(many.invalidate(asid));
        many.fill(asid);
        best.1 = best.1.min(one.invalidate(0));
        one.fill(0);
    }
    print("1024 entries", best.0.as_secs_f64() * 1e6, best.1.as_secs_f64() * 1e6, "1");
}

fn print(name: &str, ours: f64, theirs: f64, aim: &str) {
    println!("{name:<16} {ours:>10.1} {theirs:>10.1} {:>7.2} {aim:>6}", ours / theirs);
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
