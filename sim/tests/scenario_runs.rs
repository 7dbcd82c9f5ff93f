//! `run`: what it prints, in which order, and how it ends.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use smmu_sim::output::Format;
use smmu_sim::scenario::{Answering, Exit, Options, run_paths};
use smmu_sim::trace::Verbosity;

const GOOD: &str = "smmu; device \"nic\" stream=1; dma \"nic\" read 0x1000 { expect ok; }";
const BAD: &str =
    "smmu; device \"nic\" stream=1\nfor \"at\" 0x1000 { dma \"nic\" read $at { expect abort; }; }";
const BROKEN: &str = "smmu; frob";

const FAILURE: &str = "\
seed 3
  × expected the access to end as abort
   ╭─[DIR/bad.kdl:2:40]
 1 │ smmu; device \"nic\" stream=1
 2 │ for \"at\" 0x1000 { dma \"nic\" read $at { expect abort; }; }
   ·                                        ──────┬─────
   ·                                              ╰── it ends as ok
   ╰────
  help: in the turn with at=0x1000
        GBP-03 (§6.3.14) SMMUEN is 0 and GBPA.ABORT is 0: the transaction passes untranslated with GBPA
        attributes.
failed; to repeat: smmu-sim run --seed 3 DIR/bad.kdl
scenarios: 1 passed, 1 failed
";

/// A folder of its own for each test, with these files.
fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::remove_dir_all(&folder).ok();
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a folder can be made");
        std::fs::write(path, text).expect("a file can be written");
    }
    folder
}

/// Exit, output and error output, with the folder's own path as `DIR`.
fn run(folder: &PathBuf, options: &Options) -> (Exit, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = run_paths(&[folder], options, &mut out, &mut err).expect("writing to memory works");
    let text = |bytes| {
        String::from_utf8(bytes).expect("the output is text").replace(&*folder.to_string_lossy(), "DIR")
    };
    (exit, text(out), text(err))
}

#[test]
fn files_come_in_order_and_common_ones_do_not_run() {
    let folder =
        folder("order", &[("b.kdl", GOOD), ("a/z.kdl", GOOD), ("common/x.kdl", BROKEN), ("c.txt", BROKEN)]);
    let (exit, out, err) = run(&folder, &Options::default());
    let headers: Vec<&str> = out.lines().filter(|line| line.starts_with("scenario")).collect();
    assert_eq!(headers, ["scenario DIR/a/z.kdl", "scenario DIR/b.kdl", "scenarios: 2 passed, 0 failed"]);
    assert_eq!((exit, err.as_str()), (Exit::Passed, ""));
}

#[test]
fn a_failure_is_underlined_and_says_how_to_repeat_it() {
    let folder = folder("failure", &[("bad.kdl", BAD), ("good.kdl", GOOD)]);
    let options = Options { answers: Answering::Seed(3), verbosity: Verbosity::Quiet, ..Options::default() };
    let (exit, out, _) = run(&folder, &options);
    assert_eq!(out, FAILURE);
    assert_eq!(exit, Exit::Failed);
}

#[test]
fn json_names_the_scenario_that_cannot_run() {
    let folder = folder("unusable", &[("a.kdl", BROKEN)]);
    let (exit, out, _) = run(&folder, &Options { format: Format::Json, ..Options::default() });
    let lines = [r#"{"file":"DIR/a.kdl","type":"unusable"}"#, r#"{"failed":1,"passed":0,"type":"summary"}"#];
    assert_eq!((exit, out.lines().collect::<Vec<_>>()), (Exit::Broken, lines.to_vec()));
}

#[test]
fn a_scenario_that_cannot_run_weighs_more() {
    let folder = folder("broken", &[("bad.kdl", BAD), ("broken.kdl", BROKEN)]);
    let (exit, out, err) = run(&folder, &Options::default());
    assert_eq!(exit, Exit::Broken);
    assert!(err.contains("no step is called `frob`"), "{err}");
    assert!(out.ends_with("scenarios: 0 passed, 2 failed\n"), "{out}");
    let missing = folder.join("missing.kdl");
    let (exit, _, err) = run(&missing, &Options::default());
    assert!(exit == Exit::Broken && err.starts_with("DIR: "), "{err}");
}

#[test]
fn a_folder_without_scenarios_is_no_success() {
    let folder = folder("empty", &[("notes.txt", "")]);
    let (exit, _, err) = run(&folder, &Options::default());
    assert_eq!((exit, err.as_str()), (Exit::Broken, "DIR: no scenario (.kdl) is in this folder\n"));
}

#[test]
fn odd_names_run_and_links_in_a_circle_end() {
    let folder = folder("odd", &[("a/good.kdl", GOOD)]);
    let name = OsStr::from_bytes(b"a/\xff.kdl");
    std::fs::write(folder.join(name), GOOD).expect("a file can be written");
    for (to, link) in [("..", "a/round"), ("a/good.kdl", "linked.kdl")] {
        symlink(to, folder.join(link)).expect("a link can be made");
    }
    let (exit, out, err) = run(&folder, &Options::default());
    assert_eq!((exit, err.as_str()), (Exit::Passed, ""));
    assert!(out.contains("scenario DIR/a/\u{fffd}.kdl\n"), "{out}");
    assert!(out.ends_with("scenarios: 3 passed, 0 failed\n"), "{out}");
}

#[test]
fn every_json_line_is_an_object_with_a_type_of_the_page() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/trace-json.md"));
    let page = page.expect("the page can be read");
    let options = Options { format: Format::Json, answers: Answering::Seed(1), ..Options::default() };
    let (_, out, _) = run(&PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios")), &options);
    for line in out.lines() {
        let object: serde_json::Value = serde_json::from_str(line).expect(line);
        let kind = object["type"].as_str().expect(line);
        let row = page.lines().find(|row| row.starts_with(&format!("| `{kind}` |")));
        let row = row.unwrap_or_else(|| panic!("{kind} is not described"));
        for key in object.as_object().expect(line).keys().filter(|key| *key != "type") {
            assert!(
                row.contains(&format!("`{key}`")) || row.contains("the same"),
                "{kind}.{key} is not described"
            );
        }
    }
}

#[test]
fn the_number_of_threads_does_not_show() {
    let corpus = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios"));
    let options =
        Options { verbosity: Verbosity::Verbose, answers: Answering::Seed(7), ..Options::default() };
    let with = |threads| {
        let pool =
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
        pool.install(|| run(&corpus, &options))
    };
    assert_eq!(with(1), with(8));
}
