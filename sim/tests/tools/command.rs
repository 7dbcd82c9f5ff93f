//! The binary: exit codes, and what goes where.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};

use crate::captures;

/// The binary, with nothing in its environment that changes its output.
pub(crate) fn smmu_sim() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smmu-sim"));
    command.env_remove("RUST_LOG").env("NO_COLOR", "1");
    command
}

fn run(arguments: &[&str]) -> Output {
    smmu_sim().args(arguments).output().expect("the binary starts")
}

/// `expected` is in standard error, which miette may have broken into lines.
fn check(arguments: &[&str], code: i32, expected: &str) {
    let output = run(arguments);
    let errors = String::from_utf8(output.stderr).expect("errors are text");
    let words = errors.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
    assert!(words.contains(expected), "{arguments:?}: {errors}");
}

#[test]
fn a_replay_ends_with_its_verdict() {
    let (trace, memory) = (captures::trace(captures::STAGE2), captures::memory(captures::STAGE2));
    let output = smmu_sim().arg("replay").arg("--trace").arg(trace).arg("--memory").arg(memory).output();
    let output = output.expect("the binary starts");
    let text = String::from_utf8(output.stdout).expect("a report is text");
    assert_eq!(text.lines().last(), Some("translations: 8158 agreed, 0 disagreed"));
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
}

#[test]
fn a_malformed_line_is_named_and_the_rest_is_replayed() {
    let folder = captures::STAGE1;
    let text = captures::trace_text(folder).replacen("iova=0x", "iova=banana", 1);
    let line = 1 + text.lines().position(|line| line.contains("banana")).expect("it was put there");
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("malformed.log");
    std::fs::write(&path, text).expect("the target folder can be written");
    let memory = captures::memory(folder);
    let output = smmu_sim().arg("replay").arg("--trace").arg(&path).arg("--memory").arg(memory).output();
    let output = output.expect("the binary starts");
    let text = String::from_utf8(output.stdout).expect("a report is text");
    assert!(text.contains(&format!("line {line} of the trace: expected hex after `iova=`")), "{text}");
    assert!(text.ends_with("malformed lines: 1\ntranslations: 8176 agreed, 0 disagreed\n"), "{text}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn errors_name_what_is_wrong() {
    let memory = captures::memory(captures::STAGE1);
    let memory = memory.to_str().expect("the path is text");
    let trace = captures::trace(captures::STAGE1);
    let trace = trace.to_str().expect("the path is text");
    let table = ["--strtab-base", "0x44e17000", "--strtab-cfg", "0x10210"];
    let walk = |more: &[&'static str]| {
        let start = ["walk", "--memory", memory, "--sid", "8", "--iova", "0"].map(str::to_owned).to_vec();
        start.into_iter().chain(more.iter().map(|word| (*word).to_owned())).collect::<Vec<_>>()
    };
    let check_walk = |more: &[&'static str], expected| {
        let arguments = walk(more);
        check(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), 2, expected);
    };
    check(&["replay", "--trace", "/nowhere", "--memory", memory], 2, "cannot open trace /nowhere");
    check(&["replay", "--trace", trace, "--memory", "/nowhere"], 2, "cannot load memory image /nowhere");
    check(&["replay", "--trace", memory, "--memory", memory], 2, "does not show any ID register being read");
    check(&["vectors", "/dev/null"], 2, "no case is in vectors /dev/null");
    check_walk(&[], "--strtab-base <VALUE>");
    check_walk(&[&table[..], &["--idr", "IDR0.HTUU=1"]].concat(), "did you mean IDR0.HTTU?");
    check_walk(&[&table[..], &["--idr", "IDR0.HTTU=4"]].concat(), "0x4 does not fit IDR0.HTTU, 2 bits wide");
    check_walk(&[&table[..], &["--idr", "IDR0.HTTU=1"]].concat(), "stage 1, stage 2 or both");
    check_walk(&[&table[..], &["--preset", "qemu"]].concat(), "qemu-11.1");
    check_walk(&[&table[..], &["--ssid", "0x100000"]].concat(), "does not fit 20 bits");
    check_walk(
        &[&table[..], &["--preset", "max", "--memory-base", "0"]].concat(),
        "leave out `--memory-base`",
    );
}

#[test]
fn a_reader_who_leaves_early_is_no_error() {
    let mut child = smmu_sim().arg("rules").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.as_mut().expect("the binary starts");
    let mut start = [0; 7];
    child.stdout.take().expect("it is piped").read_exact(&mut start).expect("the list has a first line");
    assert_eq!(&start, b"rules: ");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    let mut errors = String::new();
    child.stderr.take().expect("it is piped").read_to_string(&mut errors).expect("errors are text");
    assert_eq!(errors, "");
}

#[test]
fn a_reader_who_leaves_early_does_not_change_the_verdict() {
    let failing = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("failing.kdl");
    let text = "smmu; device \"nic\" stream=1; dma \"nic\" read 0x1000 { expect abort; }";
    std::fs::write(&failing, text).expect("the target folder can be written");
    let failing = failing.to_str().expect("the path is text");
    for (arguments, code) in [(["run", failing], 1), (["vectors", super::vectors::RECORDED], 0)] {
        let (reader, writer) = std::io::pipe().expect("a pipe can be made");
        drop(reader);
        let output = smmu_sim().args(arguments).stdout(writer).output().expect("the binary starts");
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(code), &[][..]), "{arguments:?}");
        if let Ok(full) = OpenOptions::new().write(true).open("/dev/full") {
            let output = smmu_sim().args(arguments).stdout(full).output().expect("the binary starts");
            assert_eq!(output.status.code(), Some(2), "{arguments:?}");
            assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write"), "{arguments:?}");
        }
    }
}

#[test]
fn errors_that_nobody_can_read_keep_their_exit_code() {
    for arguments in [
        &["run", "/nowhere"][..],
        &["vectors", "/nowhere"],
        &["replay", "--trace", "/nowhere", "--memory", "/nowhere"],
        &["serve", "--listen", "/nowhere/socket"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe can be made");
        drop(reader);
        let closed = smmu_sim().args(arguments).stderr(writer).output().expect("the binary starts");
        assert_eq!(closed.status.code(), Some(2), "{arguments:?}");
        if let Ok(full) = OpenOptions::new().write(true).open("/dev/full") {
            let output = smmu_sim().args(arguments).stderr(full).output().expect("the binary starts");
            assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        }
    }
}

#[test]
fn seeds_may_be_hexadecimal() {
    let output = run(&["run", "--seed", "0x10", "/nowhere"]);
    assert!(output.stdout.starts_with(b"seed 16\n"), "{output:?}");
    check(&["explore", "--max-runs", "0x0", "/nowhere"], 2, "it must be at least 1");
}

#[test]
fn serve_answers_until_its_input_ends() {
    let child = smmu_sim().arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.expect("the binary starts");
    let mut input = child.stdin.take().expect("it is piped");
    input
        .write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"choices\"}\nnonsense\n")
        .expect("it is read");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8(output.stdout).expect("answers are text").lines().count(), 2);
    assert_eq!(output.status.code(), Some(0));
    check(&["serve", "--listen", "/nowhere/socket"], 2, "cannot listen at /nowhere/socket");
}

#[test]
fn help_teaches() {
    for command in ["run", "explore", "replay", "vectors", "walk", "rules", "serve"] {
        let text = String::from_utf8(run(&[command, "--help"]).stdout).expect("help is text");
        assert!(text.contains(&format!("smmu-sim {command}")) && text.contains("Examples:"), "{text}");
    }
    let text = String::from_utf8(run(&["--help"]).stdout).expect("help is text");
    assert!(text.contains("Exit codes:"), "{text}");
}

#[test]
fn examples_can_be_pasted_whatever_the_width_of_the_terminal() {
    for command in ["run", "explore", "replay", "vectors", "walk", "rules", "serve"] {
        let output = smmu_sim().args([command, "--help"]).env("COLUMNS", "60").output();
        let text = String::from_utf8(output.expect("the binary starts").stdout).expect("help is text");
        assert_eq!(text.lines().find(|line| line.chars().count() > 100), None, "{command}");
        let (_, examples) = text.split_once("Examples:\n").expect("there are examples");
        let mut continues = false;
        for line in examples.lines().take_while(|line| !line.is_empty()) {
            let start = if continues { "      --" } else { "  smmu-sim " };
            assert!(line.starts_with(start), "{command}: {line}");
            continues = line.ends_with(" \\");
        }
        assert!(!continues, "{command}");
    }
}

/// What only `--deny` makes a failure fails where the step does not expect it, and nowhere else.
#[test]
fn mistakes_are_denied_where_nobody_expects_them() {
    let scenario =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/03-operation/stall-of-pcie-function.kdl");
    let text = std::fs::read_to_string(scenario).expect("the scenario is there");
    let unexpected = text
        .replace("expect rules \"STL-15\" \"STL-01\";", "")
        .replace("../common/", concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/common/"));
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("unexpected.kdl");
    std::fs::write(&path, unexpected).expect("the target folder can be written");
    let path = path.to_str().expect("the path is text");
    let denies = |arguments: &[&str]| {
        let output = run(arguments);
        let text = String::from_utf8(output.stdout).expect("a report is text");
        let is_denied = text.contains("a device is to be stalled that must not be");
        assert_eq!(output.status.code(), Some(i32::from(is_denied)), "{arguments:?}: {text}");
        is_denied
    };
    assert!(!denies(&["run", "-q", "--deny", "unsafe-stall", scenario]));
    assert!(!denies(&["run", "-q", path]));
    assert!(!denies(&["run", "-q", "--deny", "stale", path]));
    assert!(denies(&["run", "-q", "--deny", "unsafe-stall", path]));
}
