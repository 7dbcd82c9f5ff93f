//! What a replay writes: each difference as it is found, then the counts.

use std::io::{self, Write};

use serde_json::{Value, json};
use smmu_model::outcome::Outcome;
use smmu_model::transaction::Direction;

use super::commands::{self, CommandMismatch};
use super::trace::{MmioAccess, TraceError, TracedPermission, TracedStages};
use super::{AidrSource, Attempt, Cleared, Disagreement, Finding, Identity, Summary, Tally, TracedOutcome};
use crate::output::{Format, Report, RuleLine, event_of, hex, rule_json};

/// Writes the report of a replay.
///
/// In JSON each line is one object, told apart by `type`:
///
/// - `smmu`: `idr` (seven words), `iidr`, `aidr`, `aidr_assumed` (a bool), `cleared`: fields
///   that the architecture excludes here, each with `field` and its `traced` value. Always the first line.
/// - `translation`: a disagreement. `line` of the trace, `sid`, `iova` (or null), `qemu` (`outcome`, and for
///   `success` `pa`, `permission`, `stages`), `model`: a list of `access`, `agrees`, `outcome` (`ok`, `abort`
///   or `raz-wi`), `pa` or `event` (or null), `rules`.
/// - `register-read`: `line`, `offset` as traced, `size`, `qemu`, `model` (null for an abort).
/// - `register-write`: `line`, `offset`, `size`, `value`, `aborted_by`.
/// - `command`: `line` of the register write, `qemu` and `model`: `name`, `error` (or null), or null.
/// - `malformed`: `message`, which names the line.
/// - `summary`: `translations`, `register_reads`, `register_writes`: each `agreed` and `disagreed`; the same
///   in `commands` by name and in `outcomes` by QEMU's outcome; `not_compared`, `malformed_lines`. Always the
///   last line.
#[derive(Debug)]
pub struct Reporter<W>(Report<W>);

impl<W: Write> Reporter<W> {
    /// Writes to `out`.
    pub fn new(out: W, format: Format) -> Self {
        Self(Report::new(out, format))
    }

    pub(super) fn identity(&mut self, identity: &Identity) -> io::Result<()> {
        let ids = identity.features.ids;
        let assumed = identity.aidr == AidrSource::Assumed;
        let json = || {
            json!({
                "type": "smmu", "idr": ids.idr.map(|word| hex(u64::from(word))).to_vec(),
                "iidr": hex(u64::from(ids.iidr)), "aidr": hex(u64::from(ids.aidr)), "aidr_assumed": assumed,
                "cleared": identity.cleared.iter().map(cleared_json).collect::<Vec<_>>(),
            })
        };
        self.0.entry(json, |out| {
            let [idr0, idr1, _, idr3, _, idr5, _] = ids.idr;
            let note = if assumed { " (assumed: the trace does not show it being read)" } else { "" };
            writeln!(
                out,
                "smmu: IDR0 {idr0:#x}, IDR1 {idr1:#x}, IDR3 {idr3:#x}, IDR5 {idr5:#x}, AIDR {:#x}{note}",
                ids.aidr
            )?;
            identity.cleared.iter().try_for_each(|Cleared { field, stage, traced }| {
                writeln!(out, "smmu: {field} is {traced:#x} in the trace, 0 here, as {stage} is 0")
            })
        })
    }

    pub(super) fn findings(&mut self, findings: &[Finding]) -> io::Result<()> {
        let write = |finding| self.0.entry(|| finding_json(finding), |out| write_finding(out, finding));
        findings.iter().try_for_each(write)
    }

    pub(super) fn malformed(&mut self, error: &TraceError) -> io::Result<()> {
        self.0.malformed(error)
    }

    pub(super) fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        self.0.entry(|| summary_json(summary), |out| write_summary(out, summary))?;
        self.0.out.flush()
    }
}

fn write_finding(out: &mut impl Write, finding: &Finding) -> io::Result<()> {
    match finding {
        Finding::Translation(disagreement) => write_disagreement(out, disagreement),
        Finding::Register { line, access, model } => {
            let model = model.map_or_else(|| "abort".to_owned(), |value| format!("{value:#x}"));
            let qemu =
                traced_value(*access).map_or_else(|| "abort".to_owned(), |value| format!("{value:#x}"));
            writeln!(out, "line {line}: register {:#x} reads as {qemu} in QEMU, {model} here", access.offset)
        }
        Finding::WriteAbort { line, access } => writeln!(
            out,
            "line {line}: the write of {:#x} to register {:#x} is aborted {}",
            access.value,
            access.offset,
            if access.result == 0 { "here, not in QEMU" } else { "in QEMU, not here" }
        ),
        Finding::Command(CommandMismatch { line, qemu, model }) => {
            let qemu = qemu.as_ref().map(|qemu| command_text(&qemu.name, qemu.error));
            let model = model.map(|(command, error)| {
                command_text(&commands::name(command), error.map(|error| error.code()))
            });
            let or_nothing = |side: Option<String>| side.unwrap_or_else(|| "nothing".to_owned());
            writeln!(out, "line {line}: QEMU consumed {}, the model {}", or_nothing(qemu), or_nothing(model))
        }
    }
}

fn command_text(name: &str, error: Option<u8>) -> String {
    error.map_or_else(|| name.to_owned(), |code| format!("{name} with error {code}"))
}

fn write_disagreement(out: &mut impl Write, disagreement: &Disagreement) -> io::Result<()> {
    let Disagreement { line, traced, attempts } = disagreement;
    let iova = traced.iova.map_or_else(|| "unknown".to_owned(), |iova| iova.to_string());
    writeln!(out, "line {line}: translation of sid {} iova {iova}", traced.stream)?;
    writeln!(out, "    QEMU:  {}", traced_text(&traced.outcome))?;
    for Attempt { direction, outcome, rules, agrees } in attempts {
        let verdict = if *agrees { "" } else { ", not as QEMU" };
        writeln!(out, "    model: {}: {}{verdict}", direction_name(*direction), outcome_text(*outcome))?;
        for rule in rules {
            writeln!(out, "        {}", RuleLine(*rule))?;
        }
    }
    Ok(())
}

fn traced_text(outcome: &TracedOutcome) -> String {
    match outcome {
        TracedOutcome::Success { translated, permission, stages } => {
            let (permission, stages) = (permission_name(*permission), stages_name(*stages));
            format!("ok, output {translated:#x}, permits {permission}, {stages}")
        }
        TracedOutcome::Disabled => "ok, untranslated, as the SMMU is disabled".to_owned(),
        TracedOutcome::Bypassed => "ok, untranslated, as the STE says".to_owned(),
        TracedOutcome::Aborted => "abort without an event".to_owned(),
        TracedOutcome::Event(name) => format!("abort with {name}"),
    }
}

fn outcome_text(outcome: Outcome) -> String {
    let with_event = |rule| event_of(rule).map_or("no event", |code| code.name());
    match outcome {
        Outcome::Done(done) => format!("ok, output {}", done.pa),
        Outcome::Abort(rule) => format!("abort by {}, {}", rule.label(), with_event(rule)),
        Outcome::Stalled { rule, .. } => format!("stall by {}, {}", rule.label(), with_event(rule)),
        Outcome::RazWi(rule) => {
            format!("reads zero, ignores writes by {}, {}", rule.label(), with_event(rule))
        }
    }
}

fn write_summary(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    for (name, tally) in &summary.commands {
        writeln!(out, "command {name}: {}", compared(*tally, "differed"))?;
    }
    for (kind, tally) in &summary.outcomes {
        writeln!(out, "outcome {kind}: {}", compared(*tally, "disagreed"))?;
    }
    writeln!(out, "register writes: {}", compared(summary.register_writes, "differed"))?;
    writeln!(out, "register reads: {}", compared(summary.register_reads, "differed"))?;
    writeln!(out, "commands: {}", compared(summary.commands_total(), "differed"))?;
    if summary.not_compared > 0 {
        writeln!(out, "not compared: {} (the trace does not tell the access)", summary.not_compared)?;
    }
    if summary.malformed_lines > 0 {
        writeln!(out, "malformed lines: {}", summary.malformed_lines)?;
    }
    writeln!(out, "translations: {}", compared(summary.translations(), "disagreed"))
}

fn compared(tally: Tally, otherwise: &str) -> String {
    format!("{} agreed, {} {otherwise}", tally.agreed, tally.disagreed)
}

fn finding_json(finding: &Finding) -> Value {
    match finding {
        Finding::Translation(Disagreement { line, traced, attempts }) => json!({
            "type": "translation", "line": line, "sid": traced.stream.0,
            "iova": traced.iova.map(|iova| hex(iova.value())),
            "qemu": traced_json(&traced.outcome),
            "model": attempts.iter().map(attempt_json).collect::<Vec<_>>(),
        }),
        Finding::Register { line, access, model } => json!({
            "type": "register-read", "line": line, "offset": hex(access.offset), "size": access.size_bytes,
            "qemu": traced_value(*access).map(hex), "model": model.map(hex),
        }),
        Finding::WriteAbort { line, access } => json!({
            "type": "register-write", "line": line, "offset": hex(access.offset), "size": access.size_bytes,
            "value": hex(access.value), "aborted_by": if access.result == 0 { "model" } else { "qemu" },
        }),
        Finding::Command(CommandMismatch { line, qemu, model }) => json!({
            "type": "command", "line": line,
            "qemu": qemu.as_ref().map(|qemu| json!({ "name": qemu.name, "error": qemu.error })),
            "model": model.map(|(command, error)| {
                json!({ "name": commands::name(command), "error": error.map(|error| error.code()) })
            }),
        }),
    }
}

fn cleared_json(cleared: &Cleared) -> Value {
    json!({ "field": cleared.field, "traced": hex(cleared.traced) })
}

fn traced_json(outcome: &TracedOutcome) -> Value {
    match outcome {
        TracedOutcome::Success { translated, permission, stages } => json!({
            "outcome": outcome.kind(), "pa": hex(*translated),
            "permission": permission_name(*permission), "stages": stages_name(*stages),
        }),
        TracedOutcome::Disabled
        | TracedOutcome::Bypassed
        | TracedOutcome::Aborted
        | TracedOutcome::Event(_) => {
            json!({ "outcome": outcome.kind() })
        }
    }
}

fn attempt_json(attempt: &Attempt) -> Value {
    let (kind, pa, rule) = match attempt.outcome {
        Outcome::Done(done) => ("ok", Some(done.pa), None),
        Outcome::Abort(rule) => ("abort", None, Some(rule)),
        Outcome::RazWi(rule) => ("raz-wi", None, Some(rule)),
        Outcome::Stalled { rule, .. } => ("stall", None, Some(rule)),
    };
    json!({
        "access": direction_name(attempt.direction), "agrees": attempt.agrees, "outcome": kind,
        "pa": pa.map(|pa| hex(pa.value())),
        "event": rule.and_then(event_of).map(|code| code.name()),
        "rules": attempt.rules.iter().map(|rule| rule_json(*rule)).collect::<Vec<_>>(),
    })
}

fn summary_json(summary: &Summary) -> Value {
    let tally = |tally: Tally| json!({ "agreed": tally.agreed, "disagreed": tally.disagreed });
    let by_name = |tallies: &std::collections::BTreeMap<String, Tally>| {
        tallies.iter().map(|(name, count)| (name.clone(), tally(*count))).collect::<serde_json::Map<_, _>>()
    };
    json!({
        "type": "summary",
        "translations": tally(summary.translations()),
        "register_reads": tally(summary.register_reads),
        "register_writes": tally(summary.register_writes),
        "commands": by_name(&summary.commands),
        "outcomes": by_name(&summary.outcomes),
        "not_compared": summary.not_compared,
        "malformed_lines": summary.malformed_lines,
    })
}

fn traced_value(access: MmioAccess) -> Option<u64> {
    (access.result == 0).then_some(access.value)
}

fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Read => "read",
        Direction::Write => "write",
    }
}

fn permission_name(permission: TracedPermission) -> &'static str {
    match permission {
        TracedPermission::None => "nothing",
        TracedPermission::Read => "reads",
        TracedPermission::Write => "writes",
        TracedPermission::ReadWrite => "reads and writes",
    }
}

fn stages_name(stages: TracedStages) -> &'static str {
    match stages {
        TracedStages::Stage1 => "stage 1",
        TracedStages::Stage2 => "stage 2",
        TracedStages::Nested => "both stages",
    }
}
