//! iommufd from outside: every check that a caller can fail, by system calls with structures as bytes.
//!
//! Each module has a function `provoke`, which makes each check of its operations fail, with the legal neighbour
//! beside it where that is short; [`every_check_is_provoked`] wants all of them.

mod attach;
mod bench;
mod compat;
mod dirty;
mod dispatch;
mod faults;
mod generation;
mod hostile;
mod hwpt;
mod ioas;
mod kernel_users;
mod mapping;
mod teardown;
mod traffic;
mod transcripts;
mod viommu;

use std::collections::BTreeSet;

use smmu_sim::iommufd::Check;

/// Checks that no call can fail here, and why.
const UNREACHED: &[(Check, &str)] = &[
    (Check::UnmapLocked, "only an HW_QUEUE locks a mapping, and the driver has none"),
    (Check::SetDirtyDriver, "every mapping lies in the aperture of the domains"),
    (Check::FaultUnwritable, "tested with the queue: fault_queue/tests.rs"),
    (Check::AccessReadOnly, "COPY refuses to make such a mapping"),
    (Check::ReplaceUnattached, "an opened VFIO device replaces only what it has attached"),
    (Check::ReplaceOther, "an opened VFIO device replaces only what it has attached"),
    (Check::SplitHuge, "mappings are cut only while huge pages are off"),
];

#[test]
fn every_check_is_provoked() {
    let mut seen = BTreeSet::new();
    for provoke in [
        attach::provoke,
        compat::provoke,
        dirty::provoke,
        dispatch::provoke,
        faults::provoke,
        generation::provoke,
        hwpt::provoke,
        ioas::provoke,
        kernel_users::provoke,
        mapping::provoke,
        viommu::provoke,
    ] {
        seen.extend(provoke());
    }
    let is_excepted = |check: &Check| UNREACHED.iter().any(|(known, _)| known == check);
    let missing: Vec<_> =
        Check::ALL.iter().filter(|check| !seen.contains(check) && !is_excepted(check)).collect();
    let stale: Vec<_> = seen.iter().filter(|check| is_excepted(check)).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "not provoked: {missing:?}; no exception any more: {stale:?}"
    );
}
