//! Every scenario under every answer that the architecture permits: its expectations hold in all outcomes, and a litmus
//! scenario has exactly the outcomes that it states.

mod corpus;

use indicatif::ProgressBar;
use smmu_sim::explore::{Plan, Shard, explore};

/// Enough for nearly every scenario that states no outcomes to be exhausted.
const PLAIN_RUNS: u64 = 500;

#[test]
fn every_scenario_holds_whatever_the_answers() {
    let mut complaints = String::new();
    for name in corpus::scenarios() {
        let scenario = corpus::checked(&name);
        if name.starts_with("litmus/") && scenario.permitted.is_none() {
            complaints += &format!("{name} has no `permitted`\n");
        }
        let is_litmus = scenario.permitted.is_some();
        let plan = if is_litmus { Plan::default() } else { Plan::Enumerate { max_runs: PLAIN_RUNS } };
        let found = explore(&name, &scenario, &plan, Shard::WHOLE, &ProgressBar::hidden());
        if is_litmus && !found.is_exhaustive() {
            complaints += &format!("{name} has more runs than the default bound\n");
        }
        for outcome in found.outcomes.iter().filter(|outcome| !outcome.seen.failures.is_empty()) {
            complaints += &format!("{name}: with {:?}\n{}", outcome.witness, outcome.seen.failures.concat());
        }
        complaints.extend(found.unmet().map(|stated| stated.missing.as_str()));
    }
    assert!(complaints.is_empty(), "{complaints}");
}
