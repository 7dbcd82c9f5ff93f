//! What the caches promise: a hit beside a lookup in a hash map, a miss beside a walk without caches, and an
//! invalidation beside the entries that it does not touch. Measured alternately in one process.
//!
//! Prints a table; never fails. The best of many rounds counts for each part of a round, so that other load hardly
//! shows.

use std::hint::black_box;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use smmu_benches::{Contexts, PAGES, Placement, Stages, Workload};
use smmu_model::CachePolicy;

const ROUNDS: u32 = 60;

fn main() {
    // `cargo bench --bench caches -- nested` measures only what has this in its name.
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    println!("{:<16} {:>10} {:>10} {:>7} {:>6}", "hit", "model ns", "map ns", "ratio", "aim");
    for (stages, name) in [
        (Stages::One, "stage1"),
        (Stages::Two, "stage2"),
        (Stages::Nested, "nested"),
        (Stages::Block, "block"),
    ]
    .into_iter()
    .filter(|(_, name)| format!("hit {name}").contains(&filter))
    {
        hit(stages, name);
    }
    println!("{:<16} {:>10} {:>10} {:>7} {:>6}", "miss", "keep ns", "none ns", "ratio", "aim");
    for (stages, placement, name) in [
        (Stages::One, Placement::Dense, "stage1 dense"),
        (Stages::One, Placement::Sparse, "stage1 sparse"),
        (Stages::Nested, Placement::Dense, "nested dense"),
        (Stages::Nested, Placement::Sparse, "nested sparse"),
    ]
    .into_iter()
    .filter(|(_, _, name)| format!("miss {name}").contains(&filter))
    {
        miss(stages, placement, name);
    }
    if "one asid".contains(&filter) {
        println!("{:<16} {:>10} {:>10} {:>7} {:>6}", "one ASID", "us", "alone us", "ratio", "aim");
        invalidation();
    }
}

/// All of STE, CD and TLB is cached, and the map has as many entries.
fn hit(stages: Stages, name: &str) {
    let mut workload = Workload::new(stages, Placement::Dense);
    workload.set_caches(CachePolicy::Keep);
    let addresses: Vec<u64> = workload.addresses().collect();
    let map: FxHashMap<u64, u64> = addresses.iter().map(|&address| (address >> 12, address)).collect();
    let (mut model, mut lookup) = (Best::default(), Best::default());
    for _ in 0..ROUNDS {
        model.round(|| workload.transact());
        let mut next = addresses.iter();
        lookup.round(|| map.get(&(next.next().expect("one for each call") >> 12)));
    }
    print(name, model.per_call_ns(), lookup.per_call_ns(), "5");
}

/// Each page is met for the first time since everything was invalidated.
fn miss(stages: Stages, placement: Placement, name: &str) {
    let mut keep = Workload::new(stages, placement);
    let mut none = Workload::new(stages, placement);
    keep.set_caches(CachePolicy::Keep);
    let (mut with, mut without) = (Best::default(), Best::default());
    for _ in 0..ROUNDS {
        keep.invalidate_all();
        with.round(|| keep.transact());
        without.round(|| none.transact());
    }
    print(name, with.per_call_ns(), without.per_call_ns(), "1.15");
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

/// The best time of each part of a round: a part is so short that other load seldom falls into all of its rounds.
#[derive(Default)]
struct Best(Vec<Duration>);

/// Calls in one part of a round.
const PART: u64 = 64;

impl Best {
    fn round<T>(&mut self, mut call: impl FnMut() -> T) {
        let parts = usize::try_from(PAGES / PART).expect("few parts");
        self.0.resize(parts, Duration::MAX);
        for best in &mut self.0 {
            let start = Instant::now();
            for _ in 0..PART {
                black_box(call());
            }
            *best = start.elapsed().min(*best);
        }
    }

    fn per_call_ns(&self) -> f64 {
        self.0.iter().sum::<Duration>().as_secs_f64() * 1e9 / 4096.0
    }
}
