//! The corpus reaches every rule, but for those that `scenarios/unreached.txt` excuses.

mod corpus;

use smmu_sim::coverage::{Coverage, Exceptions};

#[test]
fn every_rule_is_reached_or_excused() {
    let scenarios = corpus::root().join("scenarios");
    let coverage = Coverage::of_paths(&[&scenarios]);
    let exceptions = Exceptions::open(&scenarios.join("unreached.txt")).expect("the exceptions can be read");
    let mut complaints = coverage.stale(&exceptions);
    for rule in coverage.missing(&exceptions) {
        complaints.push(format!("no scenario reaches {} ({}) {}", rule.label(), rule.section(), rule.text()));
    }
    assert_eq!(coverage.problems, "");
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn a_stale_exception_is_found() {
    let coverage = Coverage::of_paths(&[corpus::root().join("scenarios/05-structures/ste-s1cdmax.kdl")]);
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("stale.txt");
    std::fs::write(&path, "STE-20 reached\nSTE-99 unknown\nGBP-01 rightly\n").expect("it can be written");
    let exceptions = Exceptions::open(&path).expect("it can be read");
    let stale = coverage.stale(&exceptions);
    assert_eq!(stale.len(), 2, "{stale:?}");
    assert!(
        stale[0].starts_with("line 1: STE-20 is reached, by ") && stale[1].contains("STE-99"),
        "{stale:?}"
    );
    let missing = coverage.missing(&exceptions);
    assert!(!missing.iter().any(|rule| ["STE-20", "GBP-01"].contains(&rule.label())));
    assert!(missing.iter().any(|rule| rule.label() == "STE-01"));
}
