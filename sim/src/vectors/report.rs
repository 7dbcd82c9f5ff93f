//! What a run of vectors writes: each difference as it is found, then the counts.

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Map, Value, json};
use smmu_model::layout::event::EventRecord;
use smmu_model::layout::names;

use super::{Answer, Disagreement, Finding, Ours, Peer, ReadError, Summary};
use crate::hex::digits;
use crate::output::{Format, Report, RuleLine, hex, rule_json};

/// Writes the report of a run of vectors.
///
/// In JSON each line is one object, told apart by `type`:
///
/// - `file`: `path` as given; what follows is of this file.
/// - `difference`: `line` of the file, `case`, `mode`, `about` (as in the file), `sid`, `iova`, `finding` and
///   `section` (both null if the difference is open), `qemu` (null if it ended itself), `model`. An answer has
///   `completed`, `landed` and `events`: each `raw`, `name` and `fields` (those that are not zero). `model` also
///   has `pa` (or null) and `rules`.
/// - `malformed`: `message`, which names the line.
/// - `summary`: `agreed`, `explained`, `open`, `findings` (cases by label), `malformed_lines`. Always the last
///   line.
#[derive(Debug)]
pub struct Reporter<W>(Report<W>);

impl<W: Write> Reporter<W> {
    /// Writes to `out`.
    pub fn new(out: W, format: Format) -> Self {
        Self(Report::new(out, format))
    }

    pub(super) fn file(&mut self, path: &Path) -> io::Result<()> {
        self.0.entry(
            || json!({ "type": "file", "path": path.display().to_string() }),
            |out| writeln!(out, "file {}", path.display()),
        )
    }

    pub(super) fn disagreement(&mut self, disagreement: &Disagreement) -> io::Result<()> {
        self.0.entry(|| disagreement_json(disagreement), |out| write_disagreement(out, disagreement))
    }

    pub(super) fn malformed(&mut self, error: &ReadError) -> io::Result<()> {
        self.0.malformed(error)
    }

    pub(super) fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        self.0.entry(|| summary_json(summary), |out| write_summary(out, summary))?;
        self.0.out.flush()
    }
}

fn write_disagreement(out: &mut impl Write, disagreement: &Disagreement) -> io::Result<()> {
    let Disagreement { line, case, ours, finding } = disagreement;
    let verdict = finding.map_or_else(|| "OPEN".to_owned(), finding_text);
    writeln!(out, "line {line}: case {} ({}): {verdict}", case.id, case.mode)?;
    writeln!(
        out,
        "    write at sid {} iova {}, meant for {}; {}",
        case.stream, case.iova, case.pa, case.about
    )?;
    match &case.peer {
        Peer::Crashed => writeln!(out, "    QEMU:  ended itself")?,
        Peer::Answered(theirs) => write_answer(out, "QEMU: ", theirs, "")?,
    }
    let went = ours.pa.map(|pa| format!(", output {pa}")).unwrap_or_default();
    write_answer(out, "model:", &ours.answer, &went)?;
    for rule in &ours.rules {
        writeln!(out, "        {}", RuleLine(*rule))?;
    }
    Ok(())
}

fn finding_text(finding: Finding) -> String {
    format!("{} ({})", finding.label(), finding.section())
}

fn write_answer(out: &mut impl Write, who: &str, answer: &Answer, went: &str) -> io::Result<()> {
    let Answer { completed, landed, events } = answer;
    let completed = if *completed { "ok" } else { "abort" };
    let landed = if *landed { "the word landed" } else { "the word did not land" };
    let events_note = if events.is_empty() { ", no event" } else { "" };
    writeln!(out, "    {who} {completed}{went}, {landed}{events_note}")?;
    for record in events {
        let fields: Vec<_> = fields(record).map(|(name, value)| format!(" {name} {value:#x}")).collect();
        writeln!(out, "        {}:{}", name(record), fields.join(","))?;
    }
    Ok(())
}

fn write_summary(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    for (finding, count) in &summary.explained {
        writeln!(out, "finding {}: {count}", finding_text(*finding))?;
    }
    if summary.malformed_lines > 0 {
        writeln!(out, "malformed lines: {}", summary.malformed_lines)?;
    }
    let (agreed, explained, open) = (summary.agreed, summary.explained_total(), summary.open);
    writeln!(out, "vectors: {agreed} agreed, {explained} explained, {open} open")
}

fn disagreement_json(disagreement: &Disagreement) -> Value {
    let Disagreement { line, case, ours, finding } = disagreement;
    json!({
        "type": "difference", "line": line, "case": case.id, "mode": case.mode, "about": case.about,
        "sid": case.stream.0, "iova": hex(case.iova.value()),
        "finding": finding.map(Finding::label), "section": finding.map(Finding::section),
        "qemu": match &case.peer {
            Peer::Crashed => Value::Null,
            Peer::Answered(theirs) => answer_json(theirs),
        },
        "model": ours_json(ours),
    })
}

fn ours_json(ours: &Ours) -> Value {
    let mut line = answer_json(&ours.answer);
    line["pa"] = ours.pa.map_or(Value::Null, |pa| hex(pa.value()));
    line["rules"] = ours.rules.iter().map(|rule| rule_json(*rule)).collect();
    line
}

fn answer_json(answer: &Answer) -> Value {
    let Answer { completed, landed, events } = answer;
    let events: Vec<_> = events.iter().map(record_json).collect();
    json!({ "completed": completed, "landed": landed, "events": events })
}

fn record_json(record: &EventRecord) -> Value {
    let fields: Map<_, _> = fields(record).map(|(name, value)| (name.to_owned(), hex(value))).collect();
    json!({ "raw": digits(&record.to_bytes()), "name": name(record), "fields": fields })
}

fn summary_json(summary: &Summary) -> Value {
    let findings: Map<_, _> =
        summary.explained.iter().map(|(finding, count)| (finding.label().to_owned(), json!(count))).collect();
    json!({
        "type": "summary", "agreed": summary.agreed, "explained": summary.explained_total(),
        "open": summary.open, "findings": findings, "malformed_lines": summary.malformed_lines,
    })
}

/// The specification's name of an event; its number where it has none.
fn name(record: &EventRecord) -> String {
    let number = record.word0().event_number();
    record.event_code().map_or_else(|| format!("event {number:#04x}"), |code| code.name().to_owned())
}

/// The fields of a record that are not zero.
fn fields(record: &EventRecord) -> impl Iterator<Item = (&'static str, u64)> {
    let table = record.event_code().map_or(&[][..], names::event);
    let values = table.iter().map(|field| (field.name, field.get(&record.0)));
    values.filter(|(_, value)| *value != 0)
}
