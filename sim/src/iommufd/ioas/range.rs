//! Ranges of addresses, both ends included.

/// From `start` to `last`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct IovaRange {
    /// The first address.
    pub start: u64,
    /// The last address, not before the first.
    pub last: u64,
}

impl IovaRange {
    /// All addresses.
    pub const ALL: Self = Self { start: 0, last: u64::MAX };

    /// `bytes` from `start`, if there are any and they do not wrap.
    pub fn of_length(start: u64, bytes: u64) -> Option<Self> {
        Some(Self { start, last: start.checked_add(bytes.checked_sub(1)?)? })
    }

    /// Whether both have an address.
    pub fn overlaps(self, other: Self) -> bool {
        self.start <= other.last && other.start <= self.last
    }

    /// Whether all addresses of `other` are here too.
    pub fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.last <= self.last
    }

    /// How many addresses; all of them count as `u64::MAX`.
    pub fn bytes(self) -> u64 {
        (self.last - self.start).saturating_add(1)
    }
}

/// The parts of `within` that none of `used` has, ascending.
pub fn holes(within: IovaRange, used: impl IntoIterator<Item = IovaRange>) -> Vec<IovaRange> {
    let mut used: Vec<_> = used.into_iter().filter(|range| range.overlaps(within)).collect();
    used.sort_unstable();
    let mut holes = Vec::new();
    let mut next = Some(within.start);
    for range in used {
        let Some(start) = next else { break };
        if range.start > start {
            holes.push(IovaRange { start, last: range.start - 1 });
        }
        next = range.last.checked_add(1).map(|after| after.max(start));
    }
    holes.extend(
        next.filter(|&start| start <= within.last).map(|start| IovaRange { start, last: within.last }),
    );
    holes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_what_is_left() {
        let range = |(start, last)| IovaRange { start, last };
        let check = |within, used: &[(u64, u64)], expected: &[(u64, u64)]| {
            let found = holes(range(within), used.iter().copied().map(range));
            assert_eq!(found, expected.iter().copied().map(range).collect::<Vec<_>>(), "{used:?}");
        };
        check((0, u64::MAX), &[], &[(0, u64::MAX)]);
        check((0, u64::MAX), &[(0, u64::MAX)], &[]);
        check((0, 9), &[(3, 4), (2, 3), (8, 20)], &[(0, 1), (5, 7)]);
        check((4, 9), &[(0, 4), (9, 9)], &[(5, 8)]);
        check((4, 9), &[(0, 3), (10, 11)], &[(4, 9)]);
        check((0, u64::MAX), &[(5, u64::MAX), (7, 8)], &[(0, 4)]);
    }
}
