//! `vectors`: QEMU's recorded answers to random configurations, and answers that it did not give.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use smmu_sim::output::Format;
use smmu_sim::vectors::{Finding, Reporter, run};

use crate::command::smmu_sim;

/// Relative, as it stands in the output; the folder of the test is the package's.
pub(crate) const RECORDED: &str = "../testdata/vectors/qemu-11.1.3-a.jsonl.gz";
/// Wider cases that were put to the same QEMU; their numbers begin at 10000.
const LIVE: &str = "../testdata/vectors/qemu-11.1.3-live.jsonl.gz";

/// The recorded cases by number, as text.
fn recorded() -> BTreeMap<u64, String> {
    let file = fs::File::open(RECORDED).expect("the vectors open");
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).expect("the vectors are gzip text");
    (0..).zip(text.lines().map(str::to_owned)).collect()
}

/// Runs the binary on a file with these lines, and returns its exit code and output.
fn run_lines(name: &str, lines: &[&str], more: &[&str]) -> (Option<i32>, String) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    fs::write(folder.join(name), lines.join("\n")).expect("the target folder can be written");
    let output = smmu_sim().current_dir(folder).args(["vectors", name]).args(more).output();
    let output = output.expect("the binary starts");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (output.status.code(), String::from_utf8(output.stdout).expect("a report is text"))
}

/// The report of the recorded vectors, one JSON object per line.
pub(crate) fn report() -> Vec<serde_json::Value> {
    let mut out = Vec::new();
    let files = [RECORDED, LIVE].map(PathBuf::from);
    run(&files, &mut Reporter::new(&mut out, Format::Json)).expect("the vectors run");
    let text = String::from_utf8(out).expect("a report is text");
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

#[test]
fn every_recorded_difference_is_explained() {
    let output = smmu_sim().args(["vectors", RECORDED, LIVE]).output().expect("the binary starts");
    let text = String::from_utf8(output.stdout).expect("a report is text");
    assert_eq!(text.lines().last(), Some("vectors: 1823 agreed, 893 explained, 0 open"));
    assert_eq!(output.status.code(), Some(0));
    for finding in Finding::ALL {
        assert!(text.contains(&format!("\nfinding {} (", finding.label())), "{}", finding.label());
    }
}

/// One case per finding, two of them with records on both sides, and one that agrees.
#[test]
fn the_report_stays_the_same() {
    let cases = recorded();
    let lines: Vec<_> = [0, 1, 10, 14, 47, 77, 80, 155, 330, 425].map(|id| cases[&id].as_str()).to_vec();
    insta::assert_snapshot!("vectors-text", run_lines("some.jsonl", &lines, &[]).1);
    insta::assert_snapshot!("vectors-json", run_lines("some.jsonl", &lines, &["--format", "json"]).1);
}

#[test]
fn an_answer_that_nothing_explains_is_open() {
    let agreed = &recorded()[&0];
    let changed = agreed.replacen("\"completed\": false", "\"completed\": true", 1);
    assert_ne!(&changed, agreed);
    let (code, text) = run_lines("open.jsonl", &[&changed], &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("line 1: case 0 (s1): OPEN\n"), "{text}");
    assert!(text.ends_with("vectors: 0 agreed, 0 explained, 1 open\n"), "{text}");
}

#[test]
fn a_malformed_line_is_named_and_the_rest_is_run() {
    let agreed = &recorded()[&0];
    let read = agreed.replacen("\"write\": true", "\"write\": false", 1);
    let (code, text) = run_lines("malformed.jsonl", &[agreed, "", "banana", &read, agreed], &[]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("line 3 is no case: expected value at line 1 column 1\n"), "{text}");
    assert!(text.contains("line 4 is no case: the access is not a write of 4 bytes"), "{text}");
    assert!(text.ends_with("malformed lines: 2\nvectors: 2 agreed, 0 explained, 0 open\n"), "{text}");
    let output = smmu_sim().args(["vectors", "/nowhere"]).output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(2));
}
