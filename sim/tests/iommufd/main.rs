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
#[path = "../unreached/mod.rs"]
mod unreached;
mod viommu;

use std::collections::BTreeSet;

use smmu_sim::iommufd::Check;
use unreached::UNREACHED;

/// Provoked by unit tests beside the code, as a fault must wait.
const ELSEWHERE: [Check; 2] = [Check::FaultRoom, Check::FaultUnwritable];

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
    let is_excepted =
        |check: &Check| ELSEWHERE.contains(check) || UNREACHED.iter().any(|(known, _)| known == check);
    let missing: Vec<_> =
        Check::ALL.iter().filter(|check| !seen.contains(check) && !is_excepted(check)).collect();
    let stale: Vec<_> = seen.iter().filter(|check| is_excepted(check)).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "not provoked: {missing:?}; no exception any more: {stale:?}"
    );
}
