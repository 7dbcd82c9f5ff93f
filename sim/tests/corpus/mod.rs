//! The scenarios of the repository, by name relative to `scenarios/`.

// Each test binary uses its own part.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};

use smmu_sim::scenario::{Disk, Files, Scenario, check};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("sim/ is in the repository").to_owned()
}

/// Every scenario, in the order of names. Files in folders called `common` are for including.
pub(crate) fn scenarios() -> Vec<String> {
    let mut names = files_below(&root().join("scenarios"), "kdl");
    names.retain(|name| !name.split('/').any(|part| part == "common"));
    names
}

/// The text of a scenario.
pub(crate) fn text(name: &str) -> String {
    fs::read_to_string(root().join("scenarios").join(name)).expect("a scenario can be read")
}

/// A scenario, called as a user in the root of the repository calls it.
pub(crate) fn checked(name: &str) -> Scenario {
    match check(&format!("scenarios/{name}"), &text(name), &FromRoot) {
        Ok(scenario) => scenario,
        Err(broken) => {
            let problems = broken.problems.iter().map(|problem| problem.render(&broken.sources));
            panic!("{name}:\n{}", problems.collect::<String>());
        }
    }
}

/// Files relative to the root of the repository, wherever the test runs.
pub(crate) struct FromRoot;

impl Files for FromRoot {
    fn read(&self, path: &str) -> Result<String, String> {
        Disk.read(&root().join(path).to_string_lossy())
    }
}

/// The files below `folder` with this extension, by name relative to it, sorted.
pub(crate) fn files_below(folder: &Path, extension: &str) -> Vec<String> {
    let mut names = Vec::new();
    collect(folder, "", extension, &mut names);
    names.sort();
    names
}

fn collect(folder: &Path, prefix: &str, extension: &str, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("an entry can be read").path();
        let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
        if path.is_dir() {
            collect(&path, &format!("{prefix}{name}/"), extension, names);
        } else if path.extension().is_some_and(|found| found == extension) {
            names.push(format!("{prefix}{name}"));
        }
    }
}
