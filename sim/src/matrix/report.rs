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

/// An expectation that was not met.
#[derive(Clone, Debug)]
pub struct Unmet<'a> {
    /// The expectation.
    pub expectation: &'a Expectation,
    /// The first cell that is otherwise; `None` if no cell is meant.
    pub cell: Option<usize>,
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

fn judge<'a>(matrix: &Matrix, expectation: &'a Expectation, cells: &[Cell]) -> Option<Unmet<'a>> {
    let meant = |cell: &&Cell| expectation.means(matrix.names(cell.place));
    let total = cells.iter().filter(meant).count();
    let is_otherwise = |cell: &Cell| !expectation.is_met(&cell.outcome);
    let count = cells.iter().filter(meant).filter(|cell| is_otherwise(cell)).count();
    let first = cells.iter().position(|cell| meant(&cell) && is_otherwise(cell));
    (count > 0 || total == 0).then_some(Unmet { expectation, cell: first, count: (count, total) })
}
