//! Runs files and folders of scenarios: in parallel, with the output in the order of the files.

use std::io::{self, Write};
use std::path::Path;

use rayon::prelude::*;
use serde_json::json;
use smmu_model::choice::{Defaults, Seeded};

use super::answers::Answers;
use super::files::{Found, find, load};
use super::run::{Denied, Run, execute_denying};
use super::step::{Level, Scenario};
use crate::output::Format;
use crate::trace::{JsonTrace, Listener, TextTrace, Verbosity};

/// What to run and how to say it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How much the text says.
    pub verbosity: Verbosity,
    /// Whether each access that does not succeed says why.
    pub explain: bool,
    /// Text or JSON lines.
    pub format: Format,
    /// Who gives the answers that a scenario does not fix.
    pub answers: Answering,
    /// What fails a scenario besides its expectations.
    pub denied: Denied,
}

/// Where the answers come from that a scenario does not fix itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Answering {
    /// The defaults.
    #[default]
    Defaults,
    /// Drawn, from this seed.
    Seed(u64),
    /// These, in the order of the questions, as `explore` writes them; then the defaults.
    List(Vec<usize>),
}

impl Answering {
    /// The command that runs `file` with the same answers.
    pub fn repeat(&self, file: &str) -> String {
        match self {
            Self::Defaults => format!("smmu-sim run {file}"),
            Self::Seed(seed) => format!("smmu-sim run --seed {seed} {file}"),
            Self::List(answers) => {
                let answers: Vec<String> = answers.iter().map(usize::to_string).collect();
                format!("smmu-sim run --answers {} {file}", answers.join(","))
            }
        }
    }
}

/// How the command ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Exit {
    /// Every expectation held.
    Passed,
    /// Some expectation did not hold.
    Failed,
    /// Some scenario could not be run.
    Broken,
}

impl Exit {
    /// The exit code of the process.
    pub const fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Broken => 2,
        }
    }
}

/// Runs the scenarios at `paths`: files, and folders with all `.kdl` files below them in the order of their
/// names, without folders called `common`, whose files are for including.
///
/// The trace and the summary go to `out`, what is wrong with scenarios that cannot run goes to `err`. An error
/// is one of writing.
pub fn run_paths<P: AsRef<Path> + Sync>(
    paths: &[P],
    options: &Options,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    if let Answering::Seed(seed) = options.answers {
        match options.format {
            Format::Text => writeln!(out, "seed {seed}")?,
            Format::Json => writeln!(out, "{}", json!({ "type": "seed", "seed": seed }))?,
        }
    }
    let (files, complaints) = find(paths);
    err.write_all(complaints.as_bytes())?;
    let exit = if complaints.is_empty() { Exit::Passed } else { Exit::Broken };
    let reports: Vec<Report> = files.par_iter().map(|file| run_file(file, options)).collect();
    for report in &reports {
        out.write_all(report.out.as_bytes())?;
        err.write_all(report.err.as_bytes())?;
    }
    let passed = reports.iter().filter(|report| report.exit == Exit::Passed).count();
    let failed = reports.len() - passed;
    match options.format {
        Format::Text => writeln!(out, "scenarios: {passed} passed, {failed} failed")?,
        Format::Json => {
            writeln!(out, "{}", json!({ "type": "summary", "passed": passed, "failed": failed }))?
        }
    }
    Ok(reports.iter().map(|report| report.exit).fold(exit, Ord::max))
}

struct Report {
    out: String,
    err: String,
    exit: Exit,
}

fn run_file(file: &Found, options: &Options) -> Report {
    match load(file) {
        Ok(scenario) => run_scenario(&file.name, &scenario, options),
        Err(err) => {
            let out = match options.format {
                Format::Text => String::new(),
                Format::Json => format!("{}\n", json!({ "type": "unusable", "file": file.name })),
            };
            Report { out, err, exit: Exit::Broken }
        }
    }
}

fn run_scenario(file: &str, scenario: &Scenario, options: &Options) -> Report {
    let repeat = answering(scenario, options).repeat(file);
    let (out, run) = match options.format {
        Format::Text => {
            let mut trace = TextTrace::new(options.verbosity, options.explain);
            if options.verbosity > Verbosity::Quiet {
                trace.note(&format!("scenario {file}"));
            }
            let run = run_once(scenario, options, &mut trace);
            if !run.passed() {
                trace.note(&format!("failed; to repeat: {repeat}"));
            }
            (trace.into_text(), run)
        }
        Format::Json => {
            let mut trace = JsonTrace::default();
            trace.note(&json!({ "type": "scenario", "file": file }));
            let run = run_once(scenario, options, &mut trace);
            let end =
                json!({ "type": "end", "passed": run.passed(), "outcome": run.outcome, "repeat": repeat });
            trace.note(&end);
            (trace.into_lines(), run)
        }
    };
    let exit = if run.passed() { Exit::Passed } else { Exit::Failed };
    Report { out, err: String::new(), exit }
}

/// Who answers: on the kernel level, nobody is asked.
fn answering(scenario: &Scenario, options: &Options) -> Answering {
    match scenario.level {
        Level::Registers(_) => options.answers.clone(),
        Level::Kernel(_) => Answering::Defaults,
    }
}

fn run_once(scenario: &Scenario, options: &Options, listener: &mut impl Listener) -> Run {
    let denied = options.denied;
    match answering(scenario, options) {
        Answering::Defaults => execute_denying(denied, scenario, &mut Defaults, listener),
        Answering::Seed(seed) => execute_denying(denied, scenario, &mut Seeded::new(seed), listener),
        Answering::List(answers) => execute_denying(denied, scenario, &mut Answers::new(&answers), listener),
    }
}
