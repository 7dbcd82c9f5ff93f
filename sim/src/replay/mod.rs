//! Recorded traces, replayed against the model: what another implementation did, one line at a time.
//!
//! [`run`] is the command; [`Replay`] takes one line at a time and says what does not agree.

mod commands;
mod event;
mod fields;
mod identity;
mod report;
mod summary;
pub mod trace;
mod translation;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use smmu_model::{CachePolicy, RegisterAbort};

pub use commands::{CommandMismatch, TracedCommand};
pub use identity::{ASSUMED, AidrSource, Cleared, Identity, IdentityError, assume_revision, identify};
pub use report::Reporter;
pub use summary::{Summary, Tally};
pub use translation::{Attempt, Disagreement, TracedOutcome, TracedTranslation};

use crate::image::MemoryImage;
use crate::machine::Machine;
use commands::CommandOrder;
use trace::{MmioAccess, TraceError, TraceEvent, TraceLine, TraceReader};

/// Replays the trace at `path` over `image`, and reports on the way and at the end.
///
/// The trace is read twice: first for the ID registers, then for the rest. Lines that cannot be read are
/// reported, counted and passed over.
pub fn run(
    path: &Path,
    image: MemoryImage,
    progress: &ProgressBar,
    reporter: &mut Reporter<impl Write>,
) -> Result<Summary, ReplayError> {
    let trace = || TraceReader::open_with_progress(path, progress);
    let identity = identify(trace()?).map_err(|source| ReplayError::identity(path, source))?;
    reporter.identity(&identity)?;
    let mut replay = Replay::new(&identity, image);
    for item in trace()? {
        match item {
            Ok(line) => {
                let findings = replay.step(&line);
                if !findings.is_empty() {
                    progress.suspend(|| reporter.findings(&findings))?;
                }
            }
            Err(error) => {
                replay.summary.malformed_lines += 1;
                progress.suspend(|| reporter.malformed(&error))?;
            }
        }
    }
    progress.finish_and_clear();
    reporter.summary(&replay.summary)?;
    Ok(replay.summary)
}

/// The machine as it is at the end of the trace at `path`: its registers, and in memory the descriptors that
/// the trace shows. Nothing is cached, so that all is read from there. Stops at the first line that cannot be read.
pub fn machine_at_end(path: &Path, image: MemoryImage) -> Result<Machine, ReplayError> {
    let identity = identify(TraceReader::open(path)?);
    let identity = identity.map_err(|source| ReplayError::identity(path, source))?;
    let mut machine = Machine::new(identity.features, CachePolicy::None, image);
    for line in TraceReader::open(path)? {
        let event = line.map_err(|source| ReplayError::Line { path: path.to_owned(), source })?.event;
        if let TraceEvent::DescriptorRead { address, value, .. } = event {
            machine.store_u64(address, value);
        } else if let TraceEvent::MmioWrite(access) = event {
            // An abort leaves the register as it was, as it does in hardware; `run` reports it.
            let _: Result<_, RegisterAbort> =
                machine.write_register(untraced_offset(access.offset), access.size_bytes, access.value);
        }
    }
    Ok(machine)
}

/// Why a trace cannot be replayed at all.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ReplayError {
    /// The trace cannot be opened.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Open(#[from] TraceError),
    /// A line of the trace cannot be read.
    #[error("cannot use the trace {}", path.display())]
    #[diagnostic(forward(source))]
    Line {
        /// The file.
        path: PathBuf,
        /// Which line, and why.
        source: TraceError,
    },
    /// The ID registers are missing, or not accepted.
    #[error("cannot use the trace {}", path.display())]
    #[diagnostic(forward(source))]
    Identity {
        /// The file.
        path: PathBuf,
        /// Why.
        source: IdentityError,
    },
    /// The report cannot be written.
    #[error("cannot write the report")]
    Output(#[from] io::Error),
}

impl ReplayError {
    fn identity(path: &Path, source: IdentityError) -> Self {
        Self::Identity { path: path.to_owned(), source }
    }
}

/// One trace in the course of being replayed.
#[derive(Debug)]
pub struct Replay {
    machine: Machine,
    commands: CommandOrder,
    /// The address that QEMU walks for, since the last translation ended: the one of stage 1 if it took part.
    walked: Option<(u8, u64)>,
    summary: Summary,
}

/// Something in which QEMU and the model differ.
#[derive(Clone, Debug)]
pub enum Finding {
    /// A translation: the only kind that counts as a failed expectation.
    Translation(Disagreement),
    /// The value of a register, `None` for an abort.
    Register {
        /// Line of the trace.
        line: u64,
        /// What was read.
        access: MmioAccess,
        /// What the model reads.
        model: Option<u64>,
    },
    /// A write that only one of the two aborts.
    WriteAbort {
        /// Line of the trace.
        line: u64,
        /// What was written.
        access: MmioAccess,
    },
    /// A consumed command.
    Command(CommandMismatch),
}

impl Replay {
    /// An SMMU out of reset with the ID registers of the trace, over the memory of the capture.
    pub fn new(identity: &Identity, image: MemoryImage) -> Self {
        Self {
            machine: Machine::new(identity.features, CachePolicy::Keep, image),
            commands: CommandOrder::default(),
            walked: None,
            summary: Summary::default(),
        }
    }

    /// What was counted so far.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Does what one line of the trace says, and compares what can be compared.
    pub fn step(&mut self, line: &TraceLine) -> Vec<Finding> {
        let number = line.line;
        match &line.event {
            TraceEvent::MmioRead(access) => self.read_register(number, *access).into_iter().collect(),
            TraceEvent::MmioWrite(access) => self.write_register(number, *access),
            TraceEvent::CommandOpcode { name } => {
                self.commands.traced(number, name);
                Vec::new()
            }
            TraceEvent::CommandError { error, .. } => {
                self.commands.traced_error(*error);
                Vec::new()
            }
            TraceEvent::DescriptorRead { address, value, .. } => {
                self.machine.store_u64(*address, *value);
                Vec::new()
            }
            TraceEvent::WalkLevel { stage, iova } => {
                if self.walked.is_none_or(|(known, _)| *stage < known) {
                    self.walked = Some((*stage, *iova));
                }
                Vec::new()
            }
            TraceEvent::TranslateSuccess { .. }
            | TraceEvent::TranslateDisable { .. }
            | TraceEvent::TranslateBypass { .. }
            | TraceEvent::TranslateAbort { .. }
            | TraceEvent::EventRecorded { .. } => self.translate(number, &line.event).into_iter().collect(),
            TraceEvent::Interrupt { .. }
            | TraceEvent::GerrorRaised { .. }
            | TraceEvent::GerrorAcknowledged { .. }
            | TraceEvent::NotifierAdded { .. }
            | TraceEvent::NotifierRemoved { .. }
            | TraceEvent::Other { .. } => Vec::new(),
        }
    }

    fn read_register(&mut self, line: u64, access: MmioAccess) -> Option<Finding> {
        let ours = self.machine.read_register(untraced_offset(access.offset), access.size_bytes);
        let agrees = match ours {
            Ok(value) => access.result == 0 && value == access.value,
            Err(RegisterAbort) => access.result != 0,
        };
        self.summary.register_reads.count(agrees);
        (!agrees).then(|| Finding::Register { line, access, model: ours.ok() })
    }

    /// QEMU traces a write after its effects: the commands that it consumed stand on the lines before.
    fn write_register(&mut self, line: u64, access: MmioAccess) -> Vec<Finding> {
        let offset = untraced_offset(access.offset);
        let written = self.machine.write_register(offset, access.size_bytes, access.value);
        let agrees = written.is_ok() == (access.result == 0);
        self.summary.register_writes.count(agrees);
        let abort = (!agrees).then_some(Finding::WriteAbort { line, access });
        let mismatches = self.commands.compare(line, written.unwrap_or_default(), &mut self.summary);
        abort.into_iter().chain(mismatches.into_iter().map(Finding::Command)).collect()
    }

    fn translate(&mut self, line: u64, event: &TraceEvent) -> Option<Finding> {
        let walked = self.walked.take().map(|(_, iova)| iova);
        let traced = TracedTranslation::of(event, walked)?;
        match traced.compare(&mut self.machine) {
            None => {
                self.summary.not_compared += 1;
                None
            }
            Some(attempts) => {
                let agrees = attempts.iter().any(|attempt| attempt.agrees)
                    && (traced.outcome.any_will_do() || attempts.iter().all(|attempt| attempt.agrees));
                self.summary.translation(&traced.outcome, agrees);
                (!agrees).then_some(Finding::Translation(Disagreement { line, traced, attempts }))
            }
        }
    }
}

/// The offset from the base of page 0 (§6.2) of a register whose offset QEMU traced without bit 16.
fn untraced_offset(offset: u64) -> u64 {
    const PAGE1: u64 = 0x1_0000;
    match offset {
        0xa8 | 0xac | 0xc8 | 0xcc => offset | PAGE1, // EVENTQ_PROD, EVENTQ_CONS, PRIQ_PROD, PRIQ_CONS
        _ => offset,
    }
}
