//! What was written to memory in which step: it tells which step made a cache entry stale.

/// The steps so far, and the bytes that each has changed.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// The line of each step, by its moment.
    lines: Vec<usize>,
    changes: Vec<Change>,
}

/// Bytes that have another value since.
#[derive(Clone, Copy, Debug)]
struct Change {
    moment: u32,
    first: u64,
    last: u64,
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

    /// Bytes at `at` were overwritten. Those that were the same before do not count.
    pub(super) fn wrote(&mut self, at: u64, before: &[u8], after: &[u8]) {
        let differs = |(before, after): (&u8, &u8)| before != after;
        let Some(first) = before.iter().zip(after).position(differs) else { return };
        let last = before.iter().zip(after).rposition(differs).expect("one byte differs");
        let address = |index: usize| at.wrapping_add(u64::try_from(index).expect("a length"));
        let moment = u32::try_from(self.lines.len().saturating_sub(1)).expect("a scenario has fewer steps");
        self.changes.push(Change { moment, first: address(first), last: address(last) });
    }

    /// The line of the first step after `moment` that changed one of the `size_bytes` bytes at `at`.
    pub(super) fn changed_since(&self, moment: u32, at: u64, size_bytes: u64) -> Option<usize> {
        let end = at.saturating_add(size_bytes - 1);
        let is_it = |change: &&Change| change.moment > moment && change.first <= end && at <= change.last;
        self.changes.iter().find(is_it).and_then(|change| self.line(change.moment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_later_counts() {
        let mut journal = Journal::default();
        assert_eq!(journal.begin(10), 0);
        journal.wrote(0x1000, &[0; 8], &[1; 8]);
        assert_eq!(journal.begin(20), 1);
        journal.wrote(0x1000, &[1; 8], &[1; 8]);
        assert_eq!(journal.begin(30), 2);
        journal.wrote(0x1000, &[1; 8], &[1, 1, 1, 1, 1, 1, 2, 1]);
        assert_eq!(journal.begin(40), 3);
        journal.wrote(0x1000, &[0; 8], &[5; 8]);
        for (moment, at, expected) in [
            (0, 0x1000, Some(30)),
            (0, 0x0fff, Some(40)),
            (2, 0x1000, Some(40)),
            (3, 0x1000, None),
            (0, 0x1008, None),
        ] {
            assert_eq!(
                journal.changed_since(moment, at, if at == 0x0fff { 2 } else { 8 }),
                expected,
                "{moment} {at:#x}"
            );
        }
    }
}
