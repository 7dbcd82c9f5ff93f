//! One cold translation, each beside a bare loop of as many dependent loads.

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use smmu_benches::{BareMemory, Placement, Stages, Workload};

fn translations(criterion: &mut Criterion) {
    for (stages, name) in [
        (Stages::One, "stage1"),
        (Stages::Two, "stage2"),
        (Stages::Nested, "nested"),
        (Stages::Block, "block"),
    ] {
        for (placement, spread) in [(Placement::Dense, "dense"), (Placement::Sparse, "sparse")] {
            let mut group = criterion.benchmark_group(format!("translate/{name}/{spread}"));
            let mut workload = Workload::new(stages, placement);
            let mut bare = BareMemory::new(&workload, stages);
            group.bench_function("model", |bencher| bencher.iter(|| workload.transact()));
            group.bench_function("bare", |bencher| bencher.iter(|| bare.walk()));
            group.finish();
        }
    }
}

criterion_group! {
    name = benches;
    // 16 functions in half a minute: a call takes a microsecond at most.
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = translations
}
criterion_main!(benches);
