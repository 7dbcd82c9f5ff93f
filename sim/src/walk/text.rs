//! A walk as an indented tree.

use std::io::{self, Write};

use smmu_model::outcome::{Class, Outcome, Stage};
use smmu_model::trace::Event;
use smmu_model::transaction::{Direction, Privilege, Purpose, Transaction};

use super::Walk;
use super::step::Step;
use crate::output::{RuleLine, event_of};
use crate::trace::{DescriptorKind, StaleUse, cache_entry, words};

const LINE_WIDTH: usize = 110;
/// A list of fields gets this many columns even deep in the tree.
const LIST_WIDTH_MIN: usize = 50;

pub(super) fn write(out: &mut impl Write, walk: &Walk) -> io::Result<()> {
    writeln!(out, "{}", transaction_text(&walk.transaction))?;
    for step in &walk.steps {
        let indent = "  ".repeat(step.depth + 1);
        for line in lines(step, LINE_WIDTH.saturating_sub(indent.len() + 4)) {
            writeln!(out, "{indent}{line}")?;
        }
    }
    write_result(out, walk.outcome)?;
    out.flush()
}

fn transaction_text(transaction: &Transaction) -> String {
    let direction = match transaction.access.direction {
        Direction::Read => "read",
        Direction::Write => "write",
    };
    let privilege = match transaction.access.privilege {
        Privilege::Unprivileged => "unprivileged",
        Privilege::Privileged => "privileged",
    };
    let purpose = match transaction.access.purpose {
        Purpose::Data => "data",
        Purpose::Instruction => "instruction",
    };
    let substream = transaction.substream.map(|substream| format!(" ssid {substream}")).unwrap_or_default();
    let (stream, iova) = (transaction.stream, transaction.address);
    format!("sid {stream}{substream} iova {iova}: {direction}, {privilege}, {purpose}")
}

/// The first line of a step, and indented below it what belongs to it. Nothing for what no transaction does: commands,
/// and software's register accesses.
fn lines(step: &Step, width: usize) -> Vec<String> {
    let held = step.held.unwrap_or(true);
    let (head, details) = match step.event {
        Event::Structure { structure, at, words } => {
            let (name, table, count) = words::structure(structure);
            let words = &words[..count];
            let rows = words.chunks(4).map(words_text).collect();
            let fields = wrapped(&words::set_fields(table, words), width);
            (read_text(format!("{name} at {at}"), held), [rows, fields].concat())
        }
        Event::Descriptor { stage, class, level, at, raw } => {
            let kind = DescriptorKind::of(level, raw);
            let (stage_text, name) = (stage_text(stage, class), kind.name());
            let head = format!("{stage_text} level {level} {name} at {at}: {raw:#x}");
            (read_text(head, held), wrapped(&words::set_fields(kind.fields(stage), &[raw]), width))
        }
        Event::DescriptorUpdate { stage, at, raw } => (
            format!("would write {raw:#x} to the {} descriptor at {at}", stage_text(stage, None)),
            Vec::new(),
        ),
        Event::Translated { stage, class, input, output, size_log2 } => {
            let (stage, size) = (stage_text(stage, class), size_text(size_log2));
            (format!("{stage} translates {input:#x} to {output:#x}, {size}"), Vec::new())
        }
        Event::Rule(rule) => (format!("- {}", RuleLine(rule)), Vec::new()),
        Event::Choice { choice, answer } => {
            let (key, section, text) = (choice.key(), choice.section(), choice.text());
            let answer = choice.answers()[answer];
            (format!("- choice {key} ({section}): {answer}. {text}"), Vec::new())
        }
        Event::Cached { entry, .. } => (format!("uses a cached {}", cache_entry(entry)), Vec::new()),
        Event::Stale { entry, difference, invalidated, .. } => {
            let stale = StaleUse::without_history(entry, difference, invalidated);
            (format!("uses {}", stale.sentence()), Vec::new())
        }
        Event::Record { record, .. } => {
            let name = record.event_code().map_or("an event without a name", |code| code.name());
            (format!("would record {name}"), vec![words_text(&record.0)])
        }
        Event::RegisterUpdate { register, value } => {
            (format!("would update {register} to {value:#x}"), Vec::new())
        }
        Event::GlobalError { activated } => {
            (format!("would raise the global errors {:#x}", activated.into_bits()), Vec::new())
        }
        Event::Interrupt { msi: None, .. } => ("would raise its wired interrupt".to_owned(), Vec::new()),
        Event::Interrupt { msi: Some((at, data)), .. } => {
            (format!("would write the MSI {data:#x} to {at}"), Vec::new())
        }
        Event::Command { .. }
        | Event::CommandError { .. }
        | Event::StallEnded { .. }
        | Event::RegisterWrite { .. }
        | Event::AddressTranslation { .. }
        | Event::WakeUp
        | Event::Invalidated { .. }
        | Event::PageRequest { .. }
        | Event::PrgResponse(_) => return Vec::new(),
    };
    std::iter::once(head).chain(details.into_iter().map(|detail| format!("    {detail}"))).collect()
}

fn words_text(words: &[u64]) -> String {
    words.iter().map(|word| format!("{word:#018x}")).collect::<Vec<_>>().join(" ")
}

fn read_text(head: String, held: bool) -> String {
    if held { head } else { format!("{head} (not in the image: reads as zero)") }
}

fn stage_text(stage: Stage, class: Option<Class>) -> &'static str {
    match (stage, class) {
        (Stage::One, _) => "stage 1",
        (Stage::Two, Some(Class::Cd)) => "stage 2 (for the CD)",
        (Stage::Two, Some(Class::TableWalk(_))) => "stage 2 (for the stage 1 walk)",
        (Stage::Two, Some(Class::Input) | None) => "stage 2",
    }
}

fn write_result(out: &mut impl Write, outcome: Outcome) -> io::Result<()> {
    let (how, rule) = match outcome {
        Outcome::Done(done) => {
            writeln!(out, "result: ok, output {}", done.pa)?;
            writeln!(out, "    holds for {} around it", size_text(done.size_log2))?;
            return writeln!(out, "    {}", done.attributes);
        }
        Outcome::Abort(rule) => ("abort", rule),
        Outcome::RazWi(rule) => ("reads as zero, writes are ignored", rule),
        Outcome::Stalled { rule, .. } => ("stall", rule),
    };
    let event = event_of(rule).map_or("no event", |code| code.name());
    writeln!(out, "result: {how}, {event}")?;
    writeln!(out, "    {}", RuleLine(rule))
}

/// Bytes by the largest unit that divides them.
fn size_text(size_log2: u8) -> String {
    const UNITS: [&str; 7] = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let unit = UNITS[usize::from(size_log2 / 10).min(UNITS.len() - 1)];
    format!("{} {unit}", 1_u64 << (size_log2 % 10))
}

/// `name value, name value, …` in lines of at most `width` columns.
fn wrapped(fields: &[(&str, u64)], width: usize) -> Vec<String> {
    let width = width.max(LIST_WIDTH_MIN);
    let mut lines: Vec<String> = Vec::new();
    for (name, value) in fields {
        let item = format!("{name} {value:#x}");
        match lines.last_mut() {
            Some(line) if line.len() + 2 + item.len() <= width => {
                line.push_str(", ");
                line.push_str(&item);
            }
            Some(_) | None => lines.push(item),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_largest_unit() {
        assert_eq!(
            [0, 12, 21, 30, 39, 52].map(size_text),
            ["1 bytes", "4 KiB", "2 MiB", "1 GiB", "512 GiB", "4 PiB"]
        );
    }

    #[test]
    fn lists_wrap_between_items() {
        let fields: Vec<_> = (0..20).map(|value| ("Field", value)).collect();
        let lines = wrapped(&fields, 60);
        assert!(lines.iter().all(|line| line.len() <= 60 && line.starts_with("Field")));
        assert_eq!(lines.join(", ").matches("Field").count(), 20);
    }
}
