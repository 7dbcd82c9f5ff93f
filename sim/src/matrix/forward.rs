//! Forward compatibility: what works on a kernel of today, and not on one that has learnt more.

use super::axes::Matrix;
use super::cell::Cell;
use super::outcome::Outcome;

/// A VMM that works today, and misleads its guest, or is refused, once the kernel gains something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Breaks {
    /// The cell of today.
    pub today: [usize; 4],
    /// The cell with the later kernel.
    pub later: [usize; 4],
    /// What the kernel has gained: `vHTTU`, `vBTM`, `a longer list`.
    pub gains: Vec<&'static str>,
}

/// All pairs of cells that differ in the kernel only, where the later kernel reports in the same way and offers more.
pub(super) fn breaks(matrix: &Matrix, cells: &[Cell]) -> Vec<Breaks> {
    let mut found = Vec::new();
    for today in cells.iter().filter(|cell| cell.outcome == Outcome::Works) {
        for later in cells.iter().filter(|cell| cell.outcome != Outcome::Works) {
            if let Some(gains) = gains(matrix, today.place, later.place) {
                found.push(Breaks { today: today.place, later: later.place, gains });
            }
        }
    }
    found
}

/// What the kernel of `later` offers beyond that of `today`, if that is the only difference.
fn gains(matrix: &Matrix, today: [usize; 4], later: [usize; 4]) -> Option<Vec<&'static str>> {
    let without_kernel = |[hardware, platform, _, vmm]: [usize; 4]| [hardware, platform, vmm];
    if without_kernel(today) != without_kernel(later) {
        return None;
    }
    let [one, other] = [today, later].map(|place| matrix.kernels[place[2]].generation);
    let later_list = (one.list < other.list).then_some("a longer list");
    let changes = [("vHTTU", one.vhttu, other.vhttu), ("vBTM", one.vbtm, other.vbtm)];
    let is_later = one.reports == other.reports
        && one.list <= other.list
        && changes.iter().all(|(_, before, after)| before <= after);
    let gained = changes.into_iter().filter(|(_, before, after)| before < after).map(|(name, ..)| name);
    let gains: Vec<_> = gained.chain(later_list).collect();
    (is_later && !gains.is_empty()).then_some(gains)
}
