//! Which bytes of memory changed when: it tells what made a cache entry stale.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use smmu_model::trace::{CacheEntry, Difference};

/// The latest changes of memory by software and devices, oldest first. A moment is whatever the caller counts: see
/// [`Smmu::at`](smmu_model::Smmu::at).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Default, Debug)]
pub(crate) struct Changes(VecDeque<Change>);

/// Bytes that have another value since a moment: that, the first and the last.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
struct Change(u32, u64, u64);

impl Changes {
    /// So many are kept: each use of a stale entry looks through them.
    pub(crate) const MAX: usize = 1 << 16;

    /// At `moment`, bytes at `at` were overwritten. Those that were the same before do not count.
    pub(crate) fn wrote(&mut self, moment: u32, at: u64, before: &[u8], after: &[u8]) {
        let differs = |(before, after): (&u8, &u8)| before != after;
        let Some(first) = before.iter().zip(after).position(differs) else { return };
        let last = before.iter().zip(after).rposition(differs).expect("one byte differs");
        let address = |index: usize| at.wrapping_add(u64::try_from(index).expect("a length"));
        if self.0.len() == Self::MAX {
            self.0.pop_front();
        }
        self.0.push_back(Change(moment, address(first), address(last)));
    }

    /// The first known moment after `born` that changed what `entry`, which was cached then, was made of. `None` if
    /// none did, as where configuration leads elsewhere.
    pub(crate) fn made_stale(&self, entry: CacheEntry, born: u32, difference: Difference) -> Option<u32> {
        // A structure has at most 64 bytes, and the difference is where it begins.
        let size_bytes = match entry {
            CacheEntry::Ste { .. } | CacheEntry::Cd { .. } => 64,
            CacheEntry::L1StreamTable { .. }
            | CacheEntry::L1Cd { .. }
            | CacheEntry::Stage1Table { .. }
            | CacheEntry::Stage1 { .. }
            | CacheEntry::Combined { .. }
            | CacheEntry::Stage2Table { .. }
            | CacheEntry::Stage2 { .. } => 8,
        };
        self.since(born, difference.at?.value(), size_bytes)
    }

    /// The first known moment after `moment` that changed one of the `size_bytes` bytes at `at`.
    fn since(&self, moment: u32, at: u64, size_bytes: u64) -> Option<u32> {
        let end = at.saturating_add(size_bytes - 1);
        let is_it = |Change(then, first, last): &&Change| *then > moment && *first <= end && at <= *last;
        self.0.iter().find(is_it).map(|Change(then, ..)| *then)
    }

    /// Whether no more are kept than there may be.
    pub(crate) fn is_possible(&self) -> bool {
        self.0.len() <= Self::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_later_counts() {
        let mut changes = Changes::default();
        changes.wrote(0, 0x1000, &[0; 8], &[1; 8]);
        changes.wrote(1, 0x1000, &[1; 8], &[1; 8]);
        changes.wrote(2, 0x1000, &[1; 8], &[1, 1, 1, 1, 1, 1, 2, 1]);
        changes.wrote(3, 0x1000, &[0; 8], &[5; 8]);
        for (moment, at, size_bytes, expected) in [
            (0, 0x1000, 8, Some(2)),
            (0, 0x0fff, 2, Some(3)),
            (2, 0x1000, 8, Some(3)),
            (3, 0x1000, 8, None),
            (0, 0x1008, 8, None),
        ] {
            assert_eq!(changes.since(moment, at, size_bytes), expected, "{moment} {at:#x}");
        }
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut changes = Changes::default();
        for moment in 1..=65_537 {
            changes.wrote(moment, 0x1000, &[0], &[1]);
        }
        assert_eq!(changes.since(0, 0x1000, 1), Some(2));
        assert!(changes.is_possible());
    }
}
