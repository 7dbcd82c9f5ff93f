//! Running a matrix, and what comes of it.

use rayon::prelude::*;

use super::axes::{Expectation, Matrix};
use super::cell::{Cell, run_cell};
use super::forward::{self, Breaks};

/// Everything that came of a matrix, in the order of its axes.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// What was run.
    pub matrix: &'a Matrix,
    /// All cells: hardware by hardware, platform by platform, kernel by kernel, VMM by VMM.
    pub cells: Vec<Cell>,
    /// What works today and breaks with a later kernel.
    pub breaks: Vec<Breaks>,
    /// Expectations that were not met.
    pub unmet: Vec<Unmet<'a>>,
}

impl Report<'_> {
    /// How many cells came to this kind of outcome, see [`Outcome::kind`](super::Outcome::kind).
    pub fn count(&self, kind: &str) -> usize {
        self.cells.iter().filter(|cell| cell.outcome.kind() == kind).count()
    }
}

/// An expectation that was not met.
#[derive(Clone, Debug)]
pub struct Unmet<'a> {
    /// The expectation.
    pub expectation: &'a Expectation,
    /// The first cell that is otherwise.
    pub cell: usize,
    /// How many of how many cells are otherwise.
    pub count: (usize, usize),
}

/// Runs every cell. `done` is called after each, from any thread.
pub fn run<'a>(matrix: &'a Matrix, done: impl Fn() + Sync) -> Report<'a> {
    let places: Vec<_> = matrix.places().collect();
    let run = |place: &[usize; 4]| {
        let cell = run_cell(matrix, *place);
        done();
        cell
    };
    let cells: Vec<Cell> = places.par_iter().map(run).collect();
    let breaks = forward::breaks(matrix, &cells);
    let unmet = matrix.expectations.iter().filter_map(|expectation| judge(matrix, expectation, &cells));
    let unmet = unmet.collect();
    Report { matrix, cells, breaks, unmet }
}

/// `None` if all cells that are meant are as expected. There are some: the names of an expectation are of the axes.
fn judge<'a>(matrix: &Matrix, expectation: &'a Expectation, cells: &[Cell]) -> Option<Unmet<'a>> {
    let meant = (0..cells.len()).filter(|index| expectation.means(matrix.names(cells[*index].place)));
    let (met, unmet): (Vec<_>, Vec<_>) = meant.partition(|index| expectation.is_met(&cells[*index].outcome));
    let cell = *unmet.first()?;
    Some(Unmet { expectation, cell, count: (unmet.len(), met.len() + unmet.len()) })
}
