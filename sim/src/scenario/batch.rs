//! Runs files and folders of scenarios: in parallel, with the output in the order of the files.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use rayon::prelude::*;
use serde_json::json;
use smmu_model::choice::{Defaults, Seeded};

use super::check::{Broken, Files, check};
use super::run::{Run, execute};
use super::step::Scenario;
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
    /// Draws the answers that a scenario does not fix; without, they are the defaults.
    pub seed: Option<u64>,
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
    if let Some(seed) = options.seed {
        match options.format {
            Format::Text => writeln!(out, "seed {seed}")?,
            Format::Json => writeln!(out, "{}", json!({ "type": "seed", "seed": seed }))?,
        }
    }
    let mut exit = Exit::Passed;
    let mut files = Vec::new();
    for path in paths {
        if let Err(error) = collect(path.as_ref(), &mut files) {
            writeln!(err, "{}: {error}", shown(path.as_ref()))?;
            exit = Exit::Broken;
        }
    }
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

/// Reads included files from the file system.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &str) -> Result<String, String> {
        fs::read_to_string(path).map_err(|error| error.to_string())
    }
}

/// The files at `path`, with `/` between the parts of each name.
fn collect(path: &Path, files: &mut Vec<String>) -> io::Result<()> {
    if !fs::metadata(path)?.is_dir() {
        files.push(shown(path));
        return Ok(());
    }
    let mut entries: Vec<_> =
        fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    entries.sort();
    for entry in entries {
        let is_common = entry.file_name().is_some_and(|name| name == "common");
        if entry.is_dir() && !is_common || entry.extension().is_some_and(|extension| extension == "kdl") {
            collect(&entry, files)?;
        }
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' {
        text.into_owned()
    } else {
        text.replace(std::path::MAIN_SEPARATOR, "/")
    }
}

struct Report {
    out: String,
    err: String,
    exit: Exit,
}

fn run_file(file: &str, options: &Options) -> Report {
    let text = match Disk.read(file) {
        Ok(text) => text,
        Err(error) => {
            return Report { out: String::new(), err: format!("{file}: {error}\n"), exit: Exit::Broken };
        }
    };
    match check(file, &text, &Disk) {
        Ok(scenario) => run_scenario(file, &scenario, options),
        Err(Broken { sources, problems }) => {
            let err = problems.iter().map(|problem| problem.render(&sources)).collect();
            Report { out: String::new(), err, exit: Exit::Broken }
        }
    }
}

fn run_scenario(file: &str, scenario: &Scenario, options: &Options) -> Report {
    let repeat = match options.seed {
        None => format!("smmu-sim run {file}"),
        Some(seed) => format!("smmu-sim run --seed {seed} {file}"),
    };
    let (out, run) = match options.format {
        Format::Text => {
            let mut trace = TextTrace::new(options.verbosity, options.explain);
            if options.verbosity > Verbosity::Quiet {
                trace.note(&format!("scenario {file}"));
            }
            let run = run_once(scenario, options.seed, &mut trace);
            if !run.passed() {
                trace.note(&format!("failed; to repeat: {repeat}"));
            }
            (trace.into_text(), run)
        }
        Format::Json => {
            let mut trace = JsonTrace::default();
            trace.note(&json!({ "type": "scenario", "file": file }));
            let run = run_once(scenario, options.seed, &mut trace);
            let end =
                json!({ "type": "end", "passed": run.passed(), "outcome": run.outcome, "repeat": repeat });
            trace.note(&end);
            (trace.into_lines(), run)
        }
    };
    let exit = if run.passed() { Exit::Passed } else { Exit::Failed };
    Report { out, err: String::new(), exit }
}

fn run_once(scenario: &Scenario, seed: Option<u64>, listener: &mut impl Listener) -> Run {
    match seed {
        None => execute(scenario, &mut Defaults, listener),
        Some(seed) => execute(scenario, &mut Seeded::new(seed), listener),
    }
}
