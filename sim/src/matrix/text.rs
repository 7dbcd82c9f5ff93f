//! The report for people: a table for each platform of each SMMU, then what is behind it.

use std::io::{self, Write};

use super::cell::Cell;
use super::outcome::Outcome;
use super::report::{Report, Unmet};

/// Writes tables of outcomes, kernels down and VMMs across, the evidence for each misled guest, what breaks with later
/// kernels, expectations that were not met, and how many cells came to what.
///
/// `quiet` leaves out the evidence.
pub fn write(out: &mut impl Write, report: &Report<'_>, quiet: bool) -> io::Result<()> {
    for block in report.cells.chunk_by(|one, other| one.place[..2] == other.place[..2]) {
        table(out, report, block)?;
    }
    if !quiet {
        for cell in report.cells.iter().filter(|cell| matches!(cell.outcome, Outcome::Misled(_))) {
            evidence(out, report, cell)?;
        }
    }
    breaks(out, report)?;
    for unmet in &report.unmet {
        write!(out, "{}", complaint(report, unmet))?;
    }
    let (works, refused, misled) = (report.count("works"), report.count("refused"), report.count("misled"));
    let unmet = report.unmet.len();
    writeln!(out, "cells: {works} work, {refused} refused, {misled} misled; {unmet} expectations not met")
}

/// An expectation that was not met, with its line underlined.
fn complaint(report: &Report<'_>, unmet: &Unmet<'_>) -> String {
    let (count, total) = unmet.count;
    let cell = &report.cells[unmet.cell];
    let names = report.matrix.names(cell.place).join(" × ");
    let message = format!("not so in {count} of {total} cells, first {names}: {}", cell.outcome);
    let problem = crate::scenario::Problem::new(unmet.expectation.span, message);
    problem.labelled("not met").render(&report.matrix.sources)
}

fn table(out: &mut impl Write, report: &Report<'_>, cells: &[Cell]) -> io::Result<()> {
    let matrix = report.matrix;
    let [hardware, platform, ..] = matrix.names(cells[0].place);
    writeln!(out, "{hardware} × {platform}")?;
    let kernel_width = matrix.kernels.iter().map(|kernel| kernel.name.len()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..matrix.vmms.len())
        .map(|vmm| {
            let column = cells.iter().filter(|cell| cell.place[3] == vmm);
            let widest = column.map(|cell| short(cell).chars().count()).max().unwrap_or_default();
            widest.max(matrix.vmms[vmm].name.chars().count())
        })
        .collect();
    let mut head = format!("  {:kernel_width$}", "");
    for (vmm, width) in matrix.vmms.iter().zip(&widths) {
        head += &format!("  {:width$}", vmm.name);
    }
    writeln!(out, "{}", head.trim_end())?;
    for row in cells.chunk_by(|one, other| one.place[2] == other.place[2]) {
        let mut line = format!("  {:kernel_width$}", matrix.kernels[row[0].place[2]].name);
        for (cell, width) in row.iter().zip(&widths) {
            line += &format!("  {:width$}", short(cell));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    writeln!(out)
}

/// A cell in a few letters: what works with what, who refused, what went wrong.
pub(super) fn short(cell: &Cell) -> String {
    match &cell.outcome {
        Outcome::Works => {
            let uses: Vec<_> = cell.uses.iter().map(|used| used.name()).collect();
            if uses.is_empty() { "works".to_owned() } else { format!("works +{}", uses.join(" +")) }
        }
        Outcome::Refused(refusal) => {
            let errno = refusal.errno.map(|errno| format!(" {errno}")).unwrap_or_default();
            format!("refused {}{errno}", refusal.by.name())
        }
        Outcome::Misled(symptoms) => {
            let names: Vec<_> = symptoms.iter().map(|symptom| symptom.name()).collect();
            format!("MISLED {}", names.join(", "))
        }
    }
}

fn evidence(out: &mut impl Write, report: &Report<'_>, cell: &Cell) -> io::Result<()> {
    writeln!(out, "{}: {}", report.matrix.names(cell.place).join(" × "), cell.outcome)?;
    for line in &cell.evidence {
        writeln!(out, "    {line}")?;
    }
    writeln!(out)
}

fn breaks(out: &mut impl Write, report: &Report<'_>) -> io::Result<()> {
    for breaks in &report.breaks {
        let [hardware, platform, today, vmm] = report.matrix.names(breaks.today);
        let [.., later, _] = report.matrix.names(breaks.later);
        let gains = breaks.gains.join(" and ");
        let cell = report.cells.iter().find(|cell| cell.place == breaks.later);
        let outcome = cell.map(|cell| cell.outcome.to_string()).unwrap_or_default();
        writeln!(
            out,
            "{hardware} × {platform} × {vmm}: works on {today}, breaks when the kernel gains {gains} ({later}): {outcome}"
        )?;
    }
    if report.breaks.is_empty() { Ok(()) } else { writeln!(out) }
}
