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
        Effect::Silent | Effect::Command(_) | Effect::Ignored | Effect::Decision | Effect::Global => None,
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
