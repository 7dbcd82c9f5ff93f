//! Which pages are pinned, and where they are: runs of adjoining physical pages by the index of their first.

use std::collections::BTreeMap;

use crate::kernel::backing::Frame;
use crate::kernel::frames::PAGE_SIZE;

/// The pinned pages of one pages object.
#[derive(Clone, Debug, Default)]
pub struct Pinned {
    runs: BTreeMap<u64, Frame>,
}

impl Pinned {
    /// How many pages are pinned.
    pub fn count(&self) -> u64 {
        self.runs.values().map(|frame| frame.pages).sum()
    }

    /// The parts of `first` to `last` that are not pinned.
    pub(super) fn gaps(&self, first: u64, last: u64) -> Vec<(u64, u64)> {
        complement(first, last, self.overlapping(first, last).map(|(at, f)| (at, at + f.pages - 1)).collect())
    }

    /// Adds pages from index `first` on.
    pub(super) fn insert(&mut self, first: u64, frames: &[Frame]) {
        let mut index = first;
        for &frame in frames {
            self.runs.insert(index, frame);
            index += frame.pages;
        }
    }

    /// Takes out pages `first` to `last`, all pinned.
    pub(super) fn remove(&mut self, first: u64, last: u64) -> Vec<Frame> {
        let touched: Vec<_> = self.overlapping(first, last).collect();
        let mut removed = Vec::new();
        for (at, frame) in touched {
            self.runs.remove(&at);
            let (from, to) = (first.max(at), (at + frame.pages).min(last + 1));
            let part = |from: u64, to: u64| Frame {
                address: frame.address + (from - at) * PAGE_SIZE,
                pages: to - from,
                ..frame
            };
            if at < from {
                self.runs.insert(at, part(at, from));
            }
            if to < at + frame.pages {
                self.runs.insert(to, part(to, at + frame.pages));
            }
            removed.push(part(from, to));
        }
        removed
    }

    /// Pages `first` to `last`, all pinned, as physical runs as long as can be.
    pub(super) fn runs(&self, first: u64, last: u64) -> Vec<(u64, u64)> {
        let mut runs: Vec<(u64, u64)> = Vec::new();
        let mut next = first;
        for (at, frame) in self.overlapping(first, last) {
            let (from, to) = (first.max(at), (at + frame.pages).min(last + 1));
            assert_eq!(from, next, "somebody holds all of these pages");
            next = to;
            let (address, pages) = (frame.address + (from - at) * PAGE_SIZE, to - from);
            match runs.last_mut() {
                Some((start, count)) if *start + *count * PAGE_SIZE == address => *count += pages,
                Some(_) | None => runs.push((address, pages)),
            }
        }
        assert_eq!(next, last + 1, "somebody holds all of these pages");
        runs
    }

    fn overlapping(&self, first: u64, last: u64) -> impl Iterator<Item = (u64, Frame)> {
        let before = self.runs.range(..first).next_back().filter(|(at, frame)| *at + frame.pages > first);
        before.into_iter().chain(self.runs.range(first..=last)).map(|(&at, &frame)| (at, frame))
    }
}

/// What of `first` to `last` none of `used` has.
pub(super) fn complement(first: u64, last: u64, mut used: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    used.sort_unstable();
    let mut next = first;
    let mut free = Vec::new();
    for (from, to) in used {
        if from > next {
            free.push((next, from - 1));
        }
        next = next.max(to + 1);
    }
    if next <= last {
        free.push((next, last));
    }
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_is_left_out() {
        assert_eq!(complement(0, 9, vec![]), [(0, 9)]);
        assert_eq!(complement(2, 9, vec![(5, 6), (0, 2), (6, 7)]), [(3, 4), (8, 9)]);
        assert_eq!(complement(2, 9, vec![(0, 20)]), []);
    }
}
