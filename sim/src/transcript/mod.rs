//! `smmu-sim transcript`: what a real kernel answered, call by call, against the fake one.

mod compare;
mod hardware;
mod observe;
mod play;
mod report;
mod snapshot;
mod step;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use smmu_model::features::Features;

pub use compare::Difference;
pub use play::{PlayError, Player};
pub use report::Reporter;
pub use snapshot::{Snapshot, SnapshotError};
pub use step::{Action, Answer, Pointer, Step, StepError};

use crate::errno::Errno;
use crate::iommufd::Check;
use crate::kernel::device::{BusDriver, DeviceSetup, GroupId};
use crate::kernel::hardware::IommuId;
use crate::kernel::journal::Journal;
use crate::kernel::{Kernel, Setup, SmmuSetup};
use crate::lines::{Advanced, Lines};

/// Most bytes of a line.
const LINE_MAX: usize = 8 << 20;

/// The devices of the recorded machine, in the order in which its kernel found them: the host bridge, and the two
/// that vfio-pci drives.
const DEVICES: [(u32, BusDriver); 3] =
    [(0x00, BusDriver::None), (0x80, BusDriver::Vfio), (0x88, BusDriver::Vfio)];

/// How many agreed and how many did not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// All of it was the same.
    pub agreed: u64,
    /// Something differed.
    pub disagreed: u64,
}

impl Tally {
    fn count(&mut self, agrees: bool) {
        let side = if agrees { &mut self.agreed } else { &mut self.disagreed };
        *side += 1;
    }
}

/// What came of some transcripts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Of the calls.
    pub calls: Tally,
    /// Of the snapshots, if there were some to compare.
    pub snapshots: Option<Tally>,
}

/// A call that our kernel answers otherwise.
#[derive(Clone, Debug)]
pub struct CallFinding<'a> {
    /// The file.
    pub path: &'a Path,
    /// The line.
    pub line: u64,
    /// What was done.
    pub action: &'a Action,
    /// What differs.
    pub differences: Vec<Difference>,
    /// Why our kernel refuses, if it does.
    pub check: Option<Check>,
}

/// A snapshot in which our driver wrote something else.
#[derive(Clone, Debug)]
pub struct SnapshotFinding<'a> {
    /// The transcript.
    pub path: &'a Path,
    /// The line after which it was taken.
    pub line: u64,
    /// Which one.
    pub index: u64,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// Why a transcript cannot be played.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum TranscriptError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A line is too long.
    #[error("line {line} of {path} has more than {LINE_MAX} bytes")]
    Long {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
    },
    /// A line is no step.
    #[error("line {line} of {path} is no step of a transcript")]
    Step {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// Why.
        #[source]
        cause: StepError,
    },
    /// A line is no snapshot.
    #[error("line {line} of {path} is no snapshot")]
    Snapshot {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// Why.
        #[source]
        cause: SnapshotError,
    },
    /// A file has no line.
    #[error("no step is in {0}")]
    Empty(PathBuf),
    /// A step cannot be done.
    #[error("line {line} of {path} cannot be played")]
    Play {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// Why.
        #[source]
        cause: PlayError,
    },
    /// The machine does not boot.
    #[error("the kernel does not boot on this SMMU: {0}")]
    Boot(Errno),
    /// Snapshots of other transcripts only.
    #[error("{path} has no snapshot of {scripts}")]
    Unrelated {
        /// The file of the snapshots.
        path: PathBuf,
        /// The transcripts.
        scripts: String,
    },
    /// The report cannot be written.
    #[error("cannot write the report")]
    Output(#[from] io::Error),
}

/// The machine that was recorded, with an SMMU that has `features`.
pub fn machine(features: Features) -> Setup {
    let device = |(group, (stream, driver)): (usize, (u32, BusDriver))| {
        DeviceSetup::pci(IommuId(0), stream, GroupId(group), driver)
    };
    Setup {
        smmus: vec![SmmuSetup::new(features)],
        devices: DEVICES.into_iter().enumerate().map(device).collect(),
        keeps_journal: true,
        ..Setup::default()
    }
}

/// Plays each transcript on a fresh machine, and reports on the way and at the end.
pub fn run(
    paths: &[PathBuf],
    snapshots: Option<&Path>,
    features: Features,
    reporter: &mut Reporter<impl Write>,
) -> Result<Summary, TranscriptError> {
    let known = snapshots.map(|path| read_snapshots(path, paths)).transpose()?;
    let mut summary = Summary { snapshots: known.as_ref().map(|_| Tally::default()), ..Summary::default() };
    for path in paths {
        let script = name_of(path);
        let of_script = known.iter().flatten().filter(|snapshot| snapshot.script == script).cloned();
        run_one(path, of_script.collect(), features, &mut summary, reporter)?;
    }
    reporter.summary(&summary)?;
    Ok(summary)
}

fn run_one(
    path: &Path,
    snapshots: VecDeque<Snapshot>,
    features: Features,
    summary: &mut Summary,
    reporter: &mut Reporter<impl Write>,
) -> Result<(), TranscriptError> {
    let mut kernel = Kernel::boot(&machine(features)).map_err(TranscriptError::Boot)?;
    let seen = kernel.host.hardware.take_journal();
    let mut points = Points { path, expected: snapshots, seen };
    let mut player = Player::new(kernel).map_err(TranscriptError::Boot)?;
    let mut last_line = None;
    for_each_line(path, |line, text| {
        let place = || (path.to_owned(), line);
        let step = Step::parse(text).map_err(|cause| {
            let (path, line) = place();
            TranscriptError::Step { path, line, cause }
        })?;
        let found = player.play(&step.action).map_err(|cause| {
            let (path, line) = place();
            TranscriptError::Play { path, line, cause }
        })?;
        let differences = compare::differences(&step.action, &step.answer, &found);
        summary.calls.count(differences.is_empty());
        if !differences.is_empty() {
            let check = player.last_failed().filter(|_| found.ret < 0);
            reporter.call(&CallFinding { path, line, action: &step.action, differences, check })?;
        }
        last_line = Some(line);
        points.check(player.kernel_mut(), line, false, summary, reporter)
    })?;
    let last_line = last_line.ok_or_else(|| TranscriptError::Empty(path.to_owned()))?;
    points.check(player.kernel_mut(), last_line, true, summary, reporter)
}

/// The snapshots of a transcript that are still to come.
///
/// Their file does not say after which step each was taken. But what the driver wrote since the point before says it:
/// a point is where as much was written as the snapshot has.
struct Points<'a> {
    path: &'a Path,
    expected: VecDeque<Snapshot>,
    seen: Journal,
}

impl Points<'_> {
    /// Compares the snapshots whose point has come; all that are left at the `end`.
    fn check(
        &mut self,
        kernel: &mut Kernel,
        line: u64,
        end: bool,
        summary: &mut Summary,
        reporter: &mut Reporter<impl Write>,
    ) -> Result<(), TranscriptError> {
        let Journal { writes, commands } = kernel.host.hardware.take_journal();
        self.seen.writes.extend(writes);
        self.seen.commands.extend(commands);
        while let Some(next) = self.expected.front() {
            let has_come = self.seen.commands.len() >= next.commands.len()
                && self.seen.writes.len() >= next.writes.len();
            if !has_come && !end {
                break;
            }
            let device = kernel.vfio_device(0);
            let found = observe::observe(kernel, device, &mut self.seen);
            let differences = hardware::differences(next, &found);
            let tally = summary.snapshots.get_or_insert_default();
            tally.count(differences.is_empty());
            if !differences.is_empty() {
                let (path, index) = (self.path, next.index);
                reporter.snapshot(&SnapshotFinding { path, line, index, differences })?;
            }
            self.expected.pop_front();
        }
        Ok(())
    }
}

fn name_of(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn read_snapshots(path: &Path, transcripts: &[PathBuf]) -> Result<Vec<Snapshot>, TranscriptError> {
    let mut snapshots = Vec::new();
    for_each_line(path, |line, text| {
        let parsed = Snapshot::parse(text);
        snapshots.push(parsed.map_err(|cause| TranscriptError::Snapshot {
            path: path.to_owned(),
            line,
            cause,
        })?);
        Ok(())
    })?;
    let scripts: Vec<_> = transcripts.iter().map(|path| name_of(path)).collect();
    if snapshots.iter().any(|snapshot| scripts.contains(&snapshot.script)) {
        return Ok(snapshots);
    }
    Err(TranscriptError::Unrelated { path: path.to_owned(), scripts: scripts.join(", ") })
}

/// Calls `each` with the number and text of every line that is not empty.
fn for_each_line(
    path: &Path,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), TranscriptError>,
) -> Result<(), TranscriptError> {
    let unreadable = |cause| TranscriptError::Read { path: path.to_owned(), cause };
    let mut lines = lines_of(path).map_err(unreadable)?;
    loop {
        match lines.advance().map_err(unreadable)? {
            Advanced::End => return Ok(()),
            Advanced::TooLong => {
                return Err(TranscriptError::Long { path: path.to_owned(), line: lines.number() });
            }
            Advanced::Line if lines.bytes().trim_ascii().is_empty() => {}
            Advanced::Line => each(lines.number(), lines.bytes())?,
        }
    }
}

fn lines_of(path: &Path) -> io::Result<Lines<impl BufRead>> {
    Ok(Lines::new(BufReader::new(File::open(path)?), LINE_MAX))
}
