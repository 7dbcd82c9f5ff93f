//! What every command's output has in common: two formats, and one way to write rules and numbers in each.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};

use serde_json::{Value, json};
use smmu_model::layout::event::EventCode;
use smmu_model::rule::{Effect, Rule};
use smmu_model::trace::Event;

/// How a command writes its output.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON object per line. Addresses, register values and raw words are `"0x…"` strings,
    /// everything else that counts is a plain number.
    Json,
}

/// Standard error: what cannot be written is dropped, as nowhere is left to say so, and exit codes do not change.
#[derive(Debug)]
pub struct Unfailing<W>(pub W);

impl<W: Write> Write for Unfailing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(bytes).ok();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().ok();
        Ok(())
    }
}

/// Standard output: once nobody reads it any more, as after `| head -1`, what is written is dropped. The work goes
/// on, so that the exit code is that of all of it. Other errors, such as a full disk, are errors.
#[derive(Debug)]
pub struct WhileRead<W> {
    out: W,
    is_read: bool,
}

impl<W: Write> WhileRead<W> {
    /// Writes to `out` for as long as it is read.
    pub fn new(out: W) -> Self {
        Self { out, is_read: true }
    }

    /// What `act` returns; `dropped` if nobody reads.
    fn attempt<T>(&mut self, dropped: T, act: impl FnOnce(&mut W) -> io::Result<T>) -> io::Result<T> {
        if !self.is_read {
            return Ok(dropped);
        }
        match act(&mut self.out) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_read = false;
                Ok(dropped)
            }
            result => result,
        }
    }
}

impl<W: Write> Write for WhileRead<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.attempt(bytes.len(), |out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt((), W::flush)
    }
}

/// A 64-bit value in JSON: `"0x…"`, as a plain number would lose bits above 53.
pub fn hex(value: u64) -> Value {
    Value::from(format!("{value:#x}"))
}

/// A rule in JSON: `{"label", "section", "text"}`.
pub fn rule_json(rule: Rule) -> Value {
    json!({ "label": rule.label(), "section": rule.section(), "text": rule.text() })
}

/// A rule on one line of text: `STE-20 (§5.2.2) S1CDMax exceeds IDR1.SSIDSIZE.`
pub struct RuleLine(pub Rule);

impl fmt::Display for RuleLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) {}", self.0.label(), self.0.section(), self.0.text())
    }
}

/// The event that a rule records, if it records one (§7.3).
pub fn event_of(rule: Rule) -> Option<EventCode> {
    match rule.effect() {
        Effect::Event(code) => Some(code),
        Effect::Silent
        | Effect::Command(_)
        | Effect::Ignored
        | Effect::Decision
        | Effect::Global
        | Effect::Operation(_) => None,
    }
}

/// The rules among `events`, in order.
pub fn rules_of(events: &[Event]) -> Vec<Rule> {
    let rule = |event: &Event| if let Event::Rule(rule) = *event { Some(rule) } else { None };
    events.iter().filter_map(rule).collect()
}

/// Where a report goes, in one of the two formats.
#[derive(Debug)]
pub(crate) struct Report<W> {
    pub(crate) out: W,
    format: Format,
}

impl<W: Write> Report<W> {
    pub(crate) fn new(out: W, format: Format) -> Self {
        Self { out, format }
    }

    /// Writes one entry: a line of JSON, or text.
    pub(crate) fn entry(
        &mut self,
        json: impl FnOnce() -> Value,
        text: impl FnOnce(&mut W) -> io::Result<()>,
    ) -> io::Result<()> {
        match self.format {
            Format::Json => writeln!(self.out, "{}", json()),
            Format::Text => text(&mut self.out),
        }
    }

    /// A line of the input that cannot be read: the error names it.
    pub(crate) fn malformed(&mut self, error: &impl Error) -> io::Result<()> {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        let message = format!("{error}{cause}");
        self.entry(|| json!({ "type": "malformed", "message": message }), |out| writeln!(out, "{message}"))
    }
}
