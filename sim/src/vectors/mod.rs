//! Vectors: random configurations with the answer of another implementation, compared with the model's.
//!
//! [`run`] is the command. [`answer`] runs one [`Case`], [`compare`] says in what the answers differ, and
//! [`explain`] names the [`Finding`] behind a difference.

mod case;
mod compare;
mod facts;
mod findings;
mod reader;
mod report;
mod run;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use smmu_model::choice::Scripted;

pub use case::{Answer, Case, CaseError, Peer, RegisterWrite, WORD};
pub use compare::{Difference, compare};
pub use findings::{Finding, explain};
pub use reader::{MAX_LINE_BYTES, ReadError};
pub use report::Reporter;
pub use run::{Ours, answer};

use reader::CaseReader;

/// What QEMU 11.1.3 chose where the architecture leaves it to the implementation; elsewhere the defaults.
pub const QEMU_CHOICES: [(&str, &str); 2] =
    [("granule-64k-high-bits", "ignore"), ("register-address-beyond-oas", "store")];

/// Runs every case of every file, and reports on the way and at the end.
///
/// Lines that cannot be read are reported, counted and passed over.
pub fn run(paths: &[PathBuf], reporter: &mut Reporter<impl Write>) -> Result<Summary, VectorsError> {
    let mut summary = Summary::default();
    for path in paths {
        run_file(path, reporter, &mut summary)?;
    }
    reporter.summary(&summary)?;
    Ok(summary)
}

/// Why vectors cannot be run at all.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum VectorsError {
    /// A file cannot be opened, or has no case.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Read(#[from] ReadError),
    /// The report cannot be written.
    #[error("cannot write the report")]
    Output(#[from] io::Error),
}

/// The counts of all files.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Cases with the same answer.
    pub agreed: u64,
    /// Cases with another answer, by what explains them.
    pub explained: BTreeMap<Finding, u64>,
    /// Cases with another answer that nothing explains.
    pub open: u64,
    /// Lines that cannot be read.
    pub malformed_lines: u64,
}

impl Summary {
    /// All cases with another answer that something explains.
    pub fn explained_total(&self) -> u64 {
        self.explained.values().sum()
    }
}

/// A case on which the two sides do not agree.
#[derive(Clone, Debug)]
pub struct Disagreement {
    /// Line of the file.
    pub line: u64,
    /// The case, with the other implementation's answer.
    pub case: Case,
    /// The model's answer.
    pub ours: Ours,
    /// What explains it, if anything does.
    pub finding: Option<Finding>,
}

fn run_file(
    path: &Path,
    reporter: &mut Reporter<impl Write>,
    summary: &mut Summary,
) -> Result<(), VectorsError> {
    let cases = CaseReader::open(path)?;
    reporter.file(path)?;
    let mut is_empty = true;
    for item in cases {
        is_empty = false;
        match item {
            Ok((line, case)) => match check(line, case) {
                None => summary.agreed += 1,
                Some(disagreement) => {
                    match disagreement.finding {
                        Some(finding) => *summary.explained.entry(finding).or_default() += 1,
                        None => summary.open += 1,
                    }
                    reporter.disagreement(&disagreement)?;
                }
            },
            Err(error) => {
                summary.malformed_lines += 1;
                reporter.malformed(&error)?;
            }
        }
    }
    if is_empty { Err(ReadError::Empty { path: path.to_owned() }.into()) } else { Ok(()) }
}

/// Runs one case; `None` if the answers agree.
fn check(line: u64, case: Case) -> Option<Disagreement> {
    let ours = answer(&case, &mut as_qemu_chooses());
    let difference = compare(&ours.answer, &case.peer);
    difference.any().then(|| {
        let finding = explain(&case, &ours, difference);
        Disagreement { line, case, ours, finding }
    })
}

/// The choices of the architecture in which QEMU differs from the model's defaults, and may.
fn as_qemu_chooses() -> Scripted {
    let mut choices = Scripted::default();
    for (choice, answer) in QEMU_CHOICES {
        choices.fix(choice, answer).expect("the answers are the model's own");
    }
    choices
}
