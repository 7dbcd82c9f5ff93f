//! The corpus: every scenario passes, says the same twice, and says what its snapshot has.
//!
//! `INSTA_UPDATE=always cargo test -p smmu-sim --test scenarios` accepts what they say now.

mod corpus;

use std::collections::BTreeSet;
use std::path::Path;

use smmu_model::choice::Defaults;
use smmu_sim::scenario::{Disk, Problem, Scenario, check, execute};
use smmu_sim::trace::{TextTrace, Verbosity};

#[test]
fn every_scenario_says_what_its_snapshot_has() {
    let root = corpus::root();
    for name in corpus::scenarios() {
        let scenario = corpus::checked(&name);
        let (text, failures) = run(&scenario);
        let failures: Vec<String> =
            failures.iter().map(|failure| failure.render(&scenario.sources)).collect();
        assert!(failures.is_empty(), "{name}:\n{}", failures.concat());
        assert_eq!(run(&scenario).0, text, "{name} says something else on its second run");

        let (folder, file) = name.rsplit_once('/').unwrap_or(("", &name));
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(root.join("snapshots").join(folder));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(file.trim_end_matches(".kdl"), text));
    }
}

#[test]
fn every_snapshot_belongs_to_a_scenario() {
    let root = corpus::root().join("snapshots");
    let scenarios: BTreeSet<String> =
        corpus::scenarios().iter().map(|name| name.trim_end_matches(".kdl").to_owned()).collect();
    for snapshot in corpus::files_below(&root, "snap") {
        assert!(scenarios.contains(snapshot.trim_end_matches(".snap")), "snapshots/{snapshot} is an orphan");
    }
}

#[test]
fn every_scenario_begins_with_what_it_shows() {
    for name in corpus::scenarios() {
        let text = corpus::text(&name);
        assert!(text.starts_with("// "), "{name} does not begin with a comment");
    }
}

fn run(scenario: &Scenario) -> (String, Vec<Problem>) {
    let mut trace = TextTrace::new(Verbosity::Normal, true);
    let run = execute(scenario, &mut Defaults, &mut trace);
    (trace.into_text(), run.failures)
}

#[test]
fn included_files_are_found_from_the_scenario() {
    let path = corpus::root().join("scenarios/03-operation/stage1-page.kdl");
    assert!(check_file(&path).is_ok());
}

fn check_file(path: &Path) -> Result<Scenario, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    check(&path.to_string_lossy(), &text, &Disk).map_err(|broken| broken.problems[0].message.clone())
}
