//! `explore`: what it finds, judges and prints, alone and spread over shards and threads.

use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use smmu_model::choice::Defaults;
use smmu_sim::explore::{
    Exploration, Options, Plan, Seeds, Shard, View, explore, explore_paths, merge_files,
};
use smmu_sim::output::Format;
use smmu_sim::scenario::{Answers, Disk, Exit, Scenario, check, execute};
use smmu_sim::trace::Deaf;

/// Software writes CMDQ_CONS.ERR, with another value in each turn: two answers each, all of them distinct.
const WRITES: &str = "\
smmu { choices { gbpa-reset \"bypass\"; reset-unknown \"zeros\"; }; }
for \"turn\" from=1 to=TURNS { reg CMDQ_CONS ERR=$turn; reg-read CMDQ_CONS as=\"r$turn\"; }
";

/// The access depends on GBPA's reset value, and nothing on that of the other registers.
const RESET: &str = "\
smmu
device \"nic\" stream=1
dma \"nic\" read 0x1000 as=\"r\" { expect ok; }
";

const RESET_REPORT: &str = "\
scenario reset.kdl
outcome 1: 2 of 4 runs, with the defaults
    r=ok r.data=0x0 r.pa=0x1000
  nic ok 0x1000, Normal-iWB(RA,WA)-oWB(RA,WA)-NSH: 0x0000000000000000
outcome 2: FAILS in 2 of 4 runs, with gbpa-reset=abort
    r=abort
  nic abort
  × expected the access to end as ok
   ╭─[reset.kdl:3:32]
 2 │ device \"nic\" stream=1
 3 │ dma \"nic\" read 0x1000 as=\"r\" { expect ok; }
   ·                                ────┬────
   ·                                    ╰── it ends as abort by GBP-01
   ╰────
  help: GBP-01 (§6.3.14) SMMUEN is 0 and GBPA.ABORT is 1: the transaction is aborted, no event.
to repeat: smmu-sim run --answers 0,1 reset.kdl
    or with this in its `smmu`: choices { gbpa-reset \"abort\"; }
outcomes: 2 in 4 runs, exhaustive
scenarios: 0 passed, 1 failed
";

const LITMUS: &str = "\
smmu { choices { reset-unknown \"zeros\"; }; }
device \"nic\" stream=1
dma \"nic\" read 0x1000 as=\"r\"
permitted { STATED }
";

fn writes(turns: u32) -> String {
    WRITES.replace("TURNS", &turns.to_string())
}

fn checked(text: &str) -> Scenario {
    check("scenario.kdl", text, &Disk).expect("a scenario of this file can run")
}

fn all(text: &str, max_runs: u64) -> Exploration {
    let plan = Plan::Enumerate { max_runs };
    explore("scenario.kdl", &checked(text), &plan, Shard::WHOLE, &ProgressBar::hidden())
}

/// A folder of its own for each test, with these files.
fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("explore").join(name);
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    for (path, text) in files {
        std::fs::write(folder.join(path), text).expect("a file can be written");
    }
    folder
}

/// Exit and output; the folder's own path is left out.
fn report(folder: &Path, options: &Options) -> (Exit, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = explore_paths(&[folder], options, &ProgressBar::hidden(), &mut out, &mut err);
    let text = String::from_utf8([out, err].concat()).expect("the output is text");
    (exit.expect("memory takes all bytes"), text.replace(&format!("{}/", folder.to_string_lossy()), ""))
}

fn options(plan: Plan, shard: Shard, format: Format) -> Options {
    Options { plan, shard, view: View { format, verbose: false } }
}

#[test]
fn every_outcome_is_found_with_its_runs() {
    let found = all(&writes(5), 100);
    assert_eq!((found.runs, found.outcomes.len()), (32, 32));
    assert!(found.is_exhaustive() && found.passed());
    let found = all(RESET, 100);
    let runs: Vec<u64> = found.outcomes.iter().map(|outcome| outcome.runs).collect();
    assert_eq!(runs, [2, 2]);
}

#[test]
fn a_bound_that_is_hit_is_said() {
    assert!(all(&writes(5), 32).is_exhaustive());
    let found = all(&writes(5), 31);
    assert_eq!((found.runs, found.outcomes.len(), found.bound_hit), (31, 31, true));
    assert!(found.passed() && !found.is_exhaustive());
    let folder = folder("bound", &[("writes.kdl", &writes(5))]);
    let (exit, text) = report(&folder, &options(Plan::Enumerate { max_runs: 7 }, Shard::WHOLE, Format::Text));
    assert!(text.contains("\noutcomes: 7 in 7 runs, NOT exhaustive: --max-runs 7 was hit\n"), "{text}");
    assert_eq!(exit, Exit::Passed);
}

#[test]
fn the_kernel_level_has_the_defaults_only_and_says_so() {
    let text = "kernel; smmu; process \"p\"; open \"/dev/iommu\"; IOMMU_IOAS_ALLOC as=\"ioas\"";
    let folder = folder("kernel", &[("kernel.kdl", text)]);
    let report_of =
        |plan, number, count| report(&folder, &options(plan, Shard { number, count }, Format::Text)).1;
    let expected = "\
scenario kernel.kdl
outcome 1: 1 of 1 run, with the defaults
    ioas=0x1
outcomes: 1 in 1 run, NOT exhaustive: the kernel level has the default answers
scenarios: 1 passed, 0 failed
";
    assert_eq!(report_of(Plan::default(), 1, 1), expected);
    assert_eq!(report_of(Plan::Sample("0..9".parse::<Seeds>().expect("a range")), 1, 1), expected);
    assert!(
        report_of(Plan::default(), 2, 2).contains("outcomes: 0 in 0 runs, NOT exhaustive of shard 2 of 2")
    );
}

#[test]
fn an_expectation_must_hold_in_every_outcome() {
    let folder = folder("reset", &[("reset.kdl", RESET)]);
    let (exit, text) = report(&folder, &options(Plan::default(), Shard::WHOLE, Format::Text));
    assert_eq!(text, RESET_REPORT);
    assert_eq!(exit, Exit::Failed);
}

/// What the report says leads to an outcome does.
#[test]
fn each_outcome_can_be_repeated() {
    for text in [RESET, &writes(3)] {
        for outcome in all(text, 100).outcomes {
            let smmu_sim::explore::Source::Answers(answers) = &outcome.witness.source else {
                panic!("a seed")
            };
            let run = execute(&checked(text), &mut Answers::new(answers), &mut Deaf);
            assert_eq!(run.outcome, outcome.seen.results);
            if let Some(block) = outcome.witness.block() {
                let inside = block.trim_start_matches("choices { ").trim_end_matches('}');
                let pasted = if text.starts_with("smmu {") {
                    text.replacen("choices { ", &format!("choices {{ {inside}"), 1)
                } else {
                    text.replacen("smmu", &format!("smmu {{ {block}; }}"), 1)
                };
                let run = execute(&checked(&pasted), &mut Defaults, &mut Deaf);
                assert_eq!(run.outcome, outcome.seen.results, "{pasted}");
            }
        }
    }
}

#[test]
fn answers_that_differ_have_no_block() {
    let found = all(&writes(2), 100);
    let blocks: Vec<_> = found.outcomes.iter().map(|outcome| outcome.witness.block()).collect();
    let alike = |inside: &str| Some(format!("choices {{ {inside}}}"));
    assert_eq!(blocks, [alike(""), None, None, alike("cmdq-cons-err-write \"keep\"; ")]);
    assert_eq!(found.outcomes[1].witness.changed[0].answers, ["take", "keep"]);
}

#[test]
fn a_litmus_states_the_exact_set() {
    for (stated, expected) in [
        ("outcome r=\"ok\"; outcome r=\"abort\"", &[][..]),
        ("outcome r=\"ok\"", &["the outcome is not among the permitted ones", "with gbpa-reset=abort"]),
        (
            "outcome r=\"ok\"; outcome r=\"abort\"; outcome r=\"raz-wi\"",
            &["the architecture does not permit this outcome"],
        ),
    ] {
        let folder = folder("litmus", &[("litmus.kdl", &LITMUS.replace("STATED", stated))]);
        let (exit, text) = report(&folder, &options(Plan::default(), Shard::WHOLE, Format::Text));
        assert_eq!(exit, if expected.is_empty() { Exit::Passed } else { Exit::Failed }, "{text}");
        assert!(expected.iter().all(|expected| text.contains(expected)), "{text}");
    }
}

/// A run too few to see all: what is missing is said and does not count.
#[test]
fn a_litmus_is_judged_by_what_was_tried() {
    let text = LITMUS.replace("STATED", "outcome r=\"ok\"; outcome r=\"abort\"");
    let found = all(&text, 1);
    assert!(found.passed());
    assert_eq!(found.unmet().map(|stated| stated.text.as_str()).collect::<Vec<_>>(), ["outcome r=\"abort\""]);
}

/// The reports of all shards merge into that of one process, in any order; some of them make no whole.
#[test]
fn merged_shards_are_the_whole() {
    let litmus = LITMUS.replace("STATED", "outcome r=\"ok\"; outcome r=\"abort\"");
    let files =
        [("a.kdl", writes(5)), ("b.kdl", RESET.to_owned()), ("c.kdl", "frob".to_owned()), ("d.kdl", litmus)];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let folder = folder("shards", &files);
    for plan in [Plan::default(), Plan::Sample(Seeds { start: 3, end: 2100 })] {
        for count in [2, 5, 64] {
            let part = |number| {
                let shard = Shard { number, count };
                let json = report(&folder, &options(plan.clone(), shard, Format::Json)).1;
                let lines = json.lines().filter(|line| line.starts_with('{'));
                let path = folder.join(format!("{number}.json"));
                std::fs::write(&path, lines.collect::<Vec<_>>().join("\n")).expect("a file can be written");
                path
            };
            let parts: Vec<PathBuf> = (1..=count).rev().map(part).collect();
            for format in [Format::Text, Format::Json] {
                let view = View { format, verbose: false };
                let whole = report(&folder, &options(plan.clone(), Shard::WHOLE, format)).1;
                let mut merged = Vec::new();
                let exit = merge_files(&parts, view, &mut merged).expect("the reports can be merged");
                let merged = String::from_utf8(merged).expect("the output is text");
                assert!(whole.starts_with(&merged), "{count}:\n{whole}\n{merged}");
                assert_eq!(exit, Exit::Broken);
            }
            let mut some = Vec::new();
            merge_files(&parts[1..], View::default(), &mut some).expect("the reports can be merged");
            let some = String::from_utf8(some).expect("the output is text");
            assert!(!some.contains("exhaustive") && some.contains(&format!(" of {count}\n")), "{some}");
            let mut twice = Vec::new();
            let error = merge_files(&[&parts[0], &parts[0]], View::default(), &mut twice).expect_err("twice");
            assert!(error.to_string().ends_with(&format!("a.kdl has shard {count} twice")), "{error}");
        }
    }
}

#[test]
fn the_number_of_threads_does_not_show() {
    let folder = folder("threads", &[("a.kdl", &writes(4)), ("b.kdl", RESET), ("c.kdl", &writes(3))]);
    for plan in [Plan::default(), Plan::Sample(Seeds { start: 0, end: 3000 })] {
        let options = options(plan, Shard::WHOLE, Format::Json);
        let with = |threads| {
            let pool =
                rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
            pool.install(|| report(&folder, &options))
        };
        assert_eq!(with(1), with(8));
    }
}
