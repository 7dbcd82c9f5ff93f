//! What `smmu-sim transcript` writes: each difference as it is found, then the counts.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::compare::request_name;
use super::{Action, CallFinding, Difference, SnapshotFinding, Summary, Tally};
use crate::kernel::Direction;
use crate::output::{Format, Report};

/// Writes the report.
///
/// In JSON each line is one object, told apart by `type`:
///
/// - `call`: a call with another answer. `file`, `line`, `call` (in words), `differences`: a list of `field`,
///   `expected` and `found`, in words; `check` (`label`, `errno`, `text`), or null: why our kernel refuses.
/// - `snapshot`: a snapshot of the hardware that differs. `file`, `line` after which it was taken, `index`,
///   `differences`.
/// - `summary`: `calls` and, if snapshots were given, `snapshots`: `agreed` and `disagreed`. Always the last line.
#[derive(Debug)]
pub struct Reporter<W>(Report<W>);

impl<W: Write> Reporter<W> {
    /// Writes to `out`.
    pub fn new(out: W, format: Format) -> Self {
        Self(Report::new(out, format))
    }

    pub(super) fn call(&mut self, finding: &CallFinding<'_>) -> io::Result<()> {
        let CallFinding { path, line, action, differences, check } = finding;
        let json = || {
            let check = check.map(|check| {
                json!({ "label": check.label(), "errno": check.errno().name(), "text": check.text() })
            });
            json!({
                "type": "call", "file": path.display().to_string(), "line": line,
                "call": action_text(action), "differences": differences_json(differences), "check": check,
            })
        };
        self.0.entry(json, |out| {
            writeln!(out, "{}:{line}: {}", path.display(), action_text(action))?;
            write_differences(out, differences)?;
            match check {
                Some(check) => writeln!(out, "    refused here by {}: {}", check.label(), check.text()),
                None => Ok(()),
            }
        })
    }

    pub(super) fn snapshot(&mut self, finding: &SnapshotFinding<'_>) -> io::Result<()> {
        let SnapshotFinding { path, line, index, differences } = finding;
        let json = || {
            json!({
                "type": "snapshot", "file": path.display().to_string(), "line": line, "index": index,
                "differences": differences_json(differences),
            })
        };
        self.0.entry(json, |out| {
            writeln!(out, "{}:{line}: snapshot {index}", path.display())?;
            write_differences(out, differences)
        })
    }

    pub(super) fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        let json = || {
            let mut value = json!({ "type": "summary", "calls": tally_json(summary.calls) });
            if let Some(snapshots) = summary.snapshots {
                value["snapshots"] = tally_json(snapshots);
            }
            value
        };
        self.0.entry(json, |out| {
            if let Some(Tally { agreed, disagreed }) = summary.snapshots {
                writeln!(out, "snapshots: {agreed} agreed, {disagreed} disagreed")?;
            }
            let Tally { agreed, disagreed } = summary.calls;
            writeln!(out, "calls: {agreed} agreed, {disagreed} disagreed")
        })?;
        self.0.out.flush()
    }
}

fn action_text(action: &Action) -> String {
    match action {
        Action::Open { path, .. } => format!("open {path}"),
        Action::Close { name } => format!("close {name}"),
        Action::Ioctl { fd, number, .. } => format!("{} on {fd}", request_name(*number)),
        Action::Write { offset, bytes } => format!("write of {} bytes at {offset:#x}", bytes.len()),
        Action::Read { offset, bytes } => format!("read of {bytes} bytes at {offset:#x}"),
        Action::Fd { name, offset } => format!("descriptor {name} from offset {offset} of the reply"),
        Action::Event { name, .. } => format!("events of {name}"),
        Action::Dma { direction: Direction::Read, address, bytes } => {
            format!("DMA read of {bytes} bytes at {address:#x}")
        }
        Action::Dma { direction: Direction::Write, address, bytes } => {
            format!("DMA write of {bytes} bytes at {address:#x}")
        }
    }
}

fn write_differences(out: &mut impl Write, differences: &[Difference]) -> io::Result<()> {
    differences.iter().try_for_each(|Difference { field, expected, found }| {
        writeln!(out, "    {field}: {expected} in the real kernel, {found} here")
    })
}

fn differences_json(differences: &[Difference]) -> Value {
    let one = |Difference { field, expected, found }: &Difference| json!({ "field": field, "expected": expected, "found": found });
    differences.iter().map(one).collect()
}

fn tally_json(Tally { agreed, disagreed }: Tally) -> Value {
    json!({ "agreed": agreed, "disagreed": disagreed })
}
