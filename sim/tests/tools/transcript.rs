//! `smmu-sim transcript`: verdicts and errors.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::smmu_sim;

fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/transcripts").join(name)
}

fn written(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).expect("the target folder can be written");
    path
}

/// Exit code, standard output and the words of standard error.
fn run(arguments: &[&str], files: &[&Path]) -> (Option<i32>, String, String) {
    let output =
        smmu_sim().arg("transcript").args(files).args(arguments).output().expect("the binary starts");
    let text = |bytes| String::from_utf8(bytes).expect("output is text");
    let errors = text(output.stderr);
    let words = errors.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    (output.status.code(), text(output.stdout), words)
}

#[test]
fn what_agrees_is_only_counted() {
    let (paging, nested) = (recorded("paging.jsonl"), recorded("nested.jsonl"));
    let (code, text, _) = run(&[], &[&paging, &nested]);
    assert_eq!((code, text.as_str()), (Some(0), "calls: 86 agreed, 0 disagreed\n"));
}

#[test]
fn a_difference_is_named_by_field_and_check() {
    let good = fs::read_to_string(recorded("ioas.jsonl")).expect("it can be read");
    let other = written("ioas.jsonl", &good.replacen("\"errno\": 17", "\"errno\": 22", 1));
    let (code, text, _) = run(&[], &[&other]);
    let expected = "11: IOAS_MAP on iommu\n    errno: EINVAL (22) in the real kernel, EEXIST (17) here\n    \
                    refused here by IOAS_MAP-9d: The range intersects a mapping.\n\
                    calls: 64 agreed, 1 disagreed\n";
    assert_eq!(code, Some(1));
    assert!(text.ends_with(expected), "{text}");
    let (code, text, _) = run(&["--format", "json"], &[&other]);
    assert_eq!((code, text.lines().count()), (Some(1), 2));
    let summary = r#"{"calls":{"agreed":64,"disagreed":1},"type":"summary"}"#;
    assert_eq!(text.lines().last(), Some(summary));
}

#[test]
fn snapshots_are_compared_word_by_word() {
    let snapshots = fs::read_to_string(recorded("hardware-snapshots.jsonl")).expect("it can be read");
    let other = written("snapshots.jsonl", &snapshots.replace("0x0000000100a0002a", "0x0000000100a1002a"));
    let other = other.to_str().expect("the path is text");
    let (code, text, _) = run(&["--snapshots", other], &[&recorded("hardware.jsonl")]);
    let expected = "21: snapshot 9\n    command 0: 0x0000000100a1002a 0x0000000040000601 in the real kernel, \
                    0x0000000100a0002a 0x0000000040000601 here\n\
                    snapshots: 14 agreed, 1 disagreed\ncalls: 27 agreed, 0 disagreed\n";
    assert_eq!(code, Some(1));
    assert!(text.ends_with(expected), "{text}");
    let (code, _, words) = run(&["--snapshots", other], &[&recorded("ioas.jsonl")]);
    assert_eq!(code, Some(2));
    assert!(words.contains("has no snapshot of ioas"), "{words}");
}

#[test]
fn errors_name_the_line() {
    let good = r#"{"op": "open", "args": ["iommu", "/dev/iommu"], "ret": 0, "errno": 0}"#;
    let check = |name: &str, second: &str, expected: &str| {
        let (code, _, words) = run(&[], &[&written(name, &format!("{good}\n{second}\n"))]);
        assert_eq!(code, Some(2), "{words}");
        assert!(words.contains(expected), "{words}");
    };
    check("jump.jsonl", r#"{"op": "jump", "ret": 0, "errno": 0}"#, "`jump` is no operation");
    check("cut.jsonl", r#"{"op": "#, "is no step of a transcript");
    let unnamed = r#"{"op": "close", "args": ["evq"], "ret": 0, "errno": 0}"#;
    check("unnamed.jsonl", unnamed, "no descriptor is called `evq`");
    for (file, expected) in [("/dev/null", "no step is in /dev/null"), ("/nowhere", "cannot read /nowhere")] {
        let (code, _, words) = run(&[], &[Path::new(file)]);
        assert_eq!(code, Some(2));
        assert!(words.contains(expected), "{words}");
    }
    let ioas = recorded("ioas.jsonl");
    let (code, _, words) = run(&["--idr", "IDR0.TTF=0"], &[&ioas]);
    assert_eq!(code, Some(2), "{words}");
}
