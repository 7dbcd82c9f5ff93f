//! `docs/peer-findings.md` against the code and the recorded vectors.

use smmu_sim::vectors::Finding;

use crate::vectors::report;

const DOCUMENT: &str = "../docs/peer-findings.md";

/// Each finding has a section of its own, in the order of the code, whose first line is true.
#[test]
fn the_document_names_every_finding_and_counts_its_cases() {
    let document = std::fs::read_to_string(DOCUMENT).expect("the document opens");
    let report = report();
    let summary = report.last().expect("a report ends with a summary");
    let count = |field: &str| summary[field].as_u64().expect("the summary counts");
    let total = count("agreed") + count("explained");
    let lines: Vec<_> = document.lines().collect();
    let headings = lines.iter().filter_map(|line| line.strip_prefix("## Q-")?.split_once(": "));
    let headings: Vec<_> = headings.map(|(label, _title)| format!("Q-{label}")).collect();
    assert_eq!(headings, Finding::ALL.iter().map(|finding| finding.label()).collect::<Vec<_>>());
    for finding in Finding::ALL {
        let label = finding.label();
        let cases: Vec<_> = report.iter().filter(|line| line["finding"] == label).collect();
        let expected = format!(
            "{}. {} of {total} vectors, for example case {}.",
            finding.section(),
            cases.len(),
            cases.first().expect("a finding has a case")["case"],
        );
        let heading = format!("## {label}: ");
        let at = lines.iter().position(|line| line.starts_with(&heading)).expect("it has a section");
        assert_eq!(lines.get(at + 2), Some(&&*expected), "the first line of {label} in {DOCUMENT}");
    }
}
