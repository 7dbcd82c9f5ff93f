//! What is wrong with a scenario, as the tests of mistakes compare it.

use smmu_sim::scenario::{Files, check};

/// Each problem of `text`: the text that it points at, its message, and its help.
pub(crate) fn problems_of(text: &str, files: &impl Files) -> Vec<(String, String, String)> {
    let Err(broken) = check("test.kdl", text, files) else { return Vec::new() };
    let shown = broken.problems.iter().map(|problem| {
        let place = broken.sources.text(problem.span).to_owned();
        (place, problem.message.clone(), problem.help.clone().unwrap_or_default())
    });
    shown.collect()
}
