//! The corpus of iommufd: it makes every ioctl, and every check that a process can fail, fail.

mod corpus;
mod unreached;

use std::collections::BTreeMap;

use smmu_model::choice::Defaults;
use smmu_sim::iommufd::Check;
use smmu_sim::scenario::{execute, ioctls};
use smmu_sim::trace::Deaf;

use self::unreached::UNREACHED;

const FOLDER: &str = "20-iommufd/";

/// Checks that no process can fail: what they are about is not behind a system call.
const OF_THE_KERNEL: &str = "only drivers in the kernel have accesses: sim/tests/iommufd/kernel_users.rs";
const NOT_FOR_PROCESSES: [Check; 13] = [
    Check::AccessTwice,
    Check::AccessDetached,
    Check::AccessIoas,
    Check::AccessAlignment,
    Check::AccessLength,
    Check::AccessWraps,
    Check::AccessHole,
    Check::AccessGoing,
    Check::AccessProtection,
    Check::AccessFault,
    Check::UnmapPinned,
    Check::SplitGoing,
    Check::SplitPinned,
];

/// Checks that no Linux has.
const HYPOTHETICAL: &str = "only kernels that do not exist have it: sim/tests/iommufd/generation.rs";
const NOT_OF_LINUX: [Check; 4] =
    [Check::ViommuNoHttu, Check::ViommuNoBroadcasts, Check::ViommuKvm, Check::ViommuJoin];

fn scenarios() -> impl Iterator<Item = String> {
    corpus::scenarios().into_iter().filter(|name| name.starts_with(FOLDER))
}

#[test]
fn every_check_is_provoked_or_excused() {
    let mut provoked: BTreeMap<Check, String> = BTreeMap::new();
    for name in scenarios() {
        let run = execute(&corpus::checked(&name), &mut Defaults, &mut Deaf);
        assert!(run.passed(), "{name} fails");
        for check in run.checks {
            provoked.entry(check).or_insert_with(|| name.clone());
        }
    }
    let of_the_kernel = NOT_FOR_PROCESSES.map(|check| (check, OF_THE_KERNEL));
    let hypothetical = NOT_OF_LINUX.map(|check| (check, HYPOTHETICAL));
    let excused = UNREACHED.iter().copied().chain(of_the_kernel).chain(hypothetical);
    let excused: BTreeMap<Check, &str> = excused.collect();
    let mut complaints = Vec::new();
    for check in Check::ALL {
        let (label, errno) = (check.label(), check.errno());
        match (provoked.get(check), excused.get(check)) {
            (None, None) => {
                complaints.push(format!("no scenario provokes {label}, {errno}: {}", check.text()))
            }
            (Some(name), Some(reason)) => {
                complaints.push(format!("{name} provokes {label}, though {reason}"))
            }
            (Some(_), None) | (None, Some(_)) => {}
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn every_ioctl_is_made() {
    let texts: String = scenarios().map(|name| corpus::text(&name)).collect();
    let shared = std::fs::read_to_string(corpus::root().join("scenarios/common/viommu.kdl"));
    let texts = texts + &shared.expect("the file can be read");
    let missing: Vec<String> = ioctls().filter(|name| !texts.contains(&format!("\n{name} "))).collect();
    assert!(missing.is_empty(), "no scenario has {missing:?}");
}
