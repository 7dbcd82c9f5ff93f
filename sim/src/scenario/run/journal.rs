//! The steps so far and what they changed in memory: it tells which step made a cache entry stale.

use smmu_model::trace::{CacheEntry, Difference};

use crate::changes::Changes;

/// The steps so far, and the bytes that each has changed.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// The line of each step, by its moment.
    lines: Vec<usize>,
    changes: Changes,
}

impl Journal {
    /// A step at this line begins: from now on, this is the moment.
    pub(super) fn begin(&mut self, line: usize) -> u32 {
        let moment = u32::try_from(self.lines.len()).expect("a scenario has fewer steps");
        self.lines.push(line);
        moment
    }

    /// The line of the step of a moment.
    pub(super) fn line(&self, moment: u32) -> Option<usize> {
        self.lines.get(usize::try_from(moment).ok()?).copied()
    }

    /// Bytes at `at` were overwritten.
    pub(super) fn wrote(&mut self, at: u64, before: &[u8], after: &[u8]) {
        let moment = u32::try_from(self.lines.len().saturating_sub(1)).expect("a scenario has fewer steps");
        self.changes.wrote(moment, at, before, after);
    }

    /// The line of the step that made `entry` stale, which was cached at the moment `born`.
    pub(super) fn made_stale(&self, entry: CacheEntry, born: u32, difference: Difference) -> Option<usize> {
        self.line(self.changes.made_stale(entry, born, difference)?)
    }
}
