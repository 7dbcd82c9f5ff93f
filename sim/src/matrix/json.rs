//! The report for programs: one object per line.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::cell::Cell;
use super::outcome::Outcome;
use super::report::Report;

/// Writes a line for each cell, each thing that breaks, each expectation that was not met, and a summary.
///
/// - `{"type": "cell", "hardware", "platform", "kernel", "vmm", "outcome", "shown", "uses", "evidence"}`, with `by`, `at`
///   and `errno` of a refusal, or `symptoms` of a misled guest;
/// - `{"type": "breaks", "hardware", "platform", "vmm", "today", "later", "gains"}`;
/// - `{"type": "unmet", "line", "cells", "of"}`;
/// - `{"type": "summary", "works", "refused", "misled", "unmet"}`.
pub fn write(out: &mut impl Write, report: &Report<'_>) -> io::Result<()> {
    for cell in &report.cells {
        writeln!(out, "{}", cell_json(report, cell))?;
    }
    for breaks in &report.breaks {
        let [hardware, platform, today, vmm] = report.matrix.names(breaks.today);
        let [.., later, _] = report.matrix.names(breaks.later);
        let line = json!({
            "type": "breaks", "hardware": hardware, "platform": platform, "vmm": vmm, "today": today,
            "later": later, "gains": breaks.gains,
        });
        writeln!(out, "{line}")?;
    }
    for unmet in &report.unmet {
        let line = report.matrix.sources.line(unmet.expectation.span);
        let (count, total) = unmet.count;
        writeln!(out, "{}", json!({ "type": "unmet", "line": line, "cells": count, "of": total }))?;
    }
    let last = json!({
        "type": "summary", "works": report.count("works"), "refused": report.count("refused"), "misled": report.count("misled"),
        "unmet": report.unmet.len(),
    });
    writeln!(out, "{last}")
}

fn cell_json(report: &Report<'_>, cell: &Cell) -> Value {
    let [hardware, platform, kernel, vmm] = report.matrix.names(cell.place);
    let uses: Vec<_> = cell.uses.iter().map(|used| used.name()).collect();
    let shown =
        cell.shown.map(|ids| ids.idr[..6].iter().map(|word| format!("{word:#x}")).collect::<Vec<_>>());
    let mut value = json!({
        "type": "cell", "hardware": hardware, "platform": platform, "kernel": kernel, "vmm": vmm,
        "outcome": cell.outcome.kind(), "shown": shown, "uses": uses, "evidence": cell.evidence,
    });
    match &cell.outcome {
        Outcome::Works => {}
        Outcome::Refused(refusal) => {
            value["by"] = json!(refusal.by.name());
            value["at"] = json!(refusal.at);
            value["errno"] = json!(refusal.errno.map(|errno| errno.name()));
        }
        Outcome::Misled(symptoms) => {
            value["symptoms"] = symptoms.iter().map(|symptom| symptom.name()).collect();
        }
    }
    value
}
