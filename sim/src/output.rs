//! What every command's output has in common: two formats, and one way to write rules and numbers in each.

use std::fmt;

use serde_json::{Value, json};
use smmu_model::attributes::{Attributes, Cacheability, Device, Hints, MemoryType, Shareability};
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

/// Memory attributes in words: `Normal, inner write-back RA WA, outer write-back RA WA, inner shareable`.
pub fn attributes_text(attributes: Attributes) -> String {
    let memory_type = match attributes.memory_type {
        MemoryType::Device(Device::Gre) => "Device-GRE".to_owned(),
        MemoryType::Device(Device::NGre) => "Device-nGRE".to_owned(),
        MemoryType::Device(Device::NGnRe) => "Device-nGnRE".to_owned(),
        MemoryType::Device(Device::NGnRnE) => "Device-nGnRnE".to_owned(),
        MemoryType::Normal { inner, outer } => {
            format!("Normal, inner {}, outer {}", cacheability_text(inner), cacheability_text(outer))
        }
    };
    let shareability = match attributes.shareability {
        Shareability::NonShareable => "non-shareable",
        Shareability::InnerShareable => "inner shareable",
        Shareability::OuterShareable => "outer shareable",
    };
    format!("{memory_type}, {shareability}")
}

fn cacheability_text(cacheability: Cacheability) -> String {
    match cacheability {
        Cacheability::NonCacheable => "non-cacheable".to_owned(),
        Cacheability::WriteThrough(hints) => format!("write-through{}", hints_text(hints)),
        Cacheability::WriteBack(hints) => format!("write-back{}", hints_text(hints)),
    }
}

fn hints_text(hints: Hints) -> String {
    let Hints { read_allocate, write_allocate, transient } = hints;
    let words = [(read_allocate, " RA"), (write_allocate, " WA"), (transient, " transient")];
    words.iter().filter(|(present, _)| *present).map(|(_, word)| *word).collect()
}
