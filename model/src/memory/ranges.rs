//! A set of addresses, kept as sorted disjoint inclusive ranges.

use std::collections::BTreeMap;

/// Addresses that answer with an external abort.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>"))]
pub struct Ranges {
    /// The last address of each range by its first; they neither overlap nor touch.
    last_of: BTreeMap<u64, u64>,
}

impl Ranges {
    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.last_of.is_empty()
    }

    /// How many ranges there are.
    pub fn len(&self) -> usize {
        self.last_of.len()
    }

    /// Adds all addresses from `first` to `last`, both included. Nothing happens if `first > last`.
    pub fn insert(&mut self, first: u64, last: u64) {
        if first > last {
            return;
        }
        let (mut first, mut last) = (first, last);
        // What touches it becomes part of it.
        let beyond = last.saturating_add(1);
        while let Some((&start, &end)) = self.last_of.range(..=beyond).next_back()
            && end >= first.saturating_sub(1)
        {
            self.last_of.remove(&start);
            (first, last) = (first.min(start), last.max(end));
        }
        self.last_of.insert(first, last);
    }

    /// Takes all addresses from `first` to `last`, both included, out of the set.
    pub fn remove(&mut self, first: u64, last: u64) {
        if first > last {
            return;
        }
        while let Some((&start, &end)) = self.last_of.range(..=last).next_back()
            && end >= first
        {
            self.last_of.remove(&start);
            if end > last {
                self.last_of.insert(last + 1, end);
            }
            if start < first {
                self.last_of.insert(start, first - 1);
            }
        }
    }

    /// Whether any address from `first` to `last`, both included, is in the set.
    pub fn overlaps(&self, first: u64, last: u64) -> bool {
        self.last_of.range(..=last).next_back().is_some_and(|(_, &end)| end >= first)
    }
}

impl From<Vec<(u64, u64)>> for Ranges {
    fn from(ranges: Vec<(u64, u64)>) -> Self {
        let mut set = Self::default();
        ranges.into_iter().for_each(|(first, last)| set.insert(first, last));
        set
    }
}

impl From<Ranges> for Vec<(u64, u64)> {
    fn from(set: Ranges) -> Self {
        set.last_of.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_top_of_the_space_can_be_named() {
        let mut ranges = Ranges::default();
        ranges.insert(u64::MAX - 1, u64::MAX);
        ranges.insert(0, 0);
        assert!(ranges.overlaps(u64::MAX, u64::MAX) && ranges.overlaps(0, 5) && !ranges.overlaps(1, 5));
        ranges.remove(0, u64::MAX);
        assert!(ranges.is_empty());
    }

    proptest! {
        /// The second opinion is a plain array of flags.
        #[test]
        fn agrees_with_a_bitmap(steps in prop::collection::vec((any::<bool>(), 0u64..40, 0u64..40), 0..40)) {
            let mut ranges = Ranges::default();
            let mut flags = [false; 40];
            for (insert, a, b) in steps {
                let (first, last) = (a.min(b), a.max(b));
                if insert { ranges.insert(first, last) } else { ranges.remove(first, last) }
                for flag in &mut flags[usize::try_from(first).unwrap()..=usize::try_from(last).unwrap()] {
                    *flag = insert;
                }
                for (address, &flag) in (0..).zip(&flags) {
                    prop_assert_eq!(ranges.overlaps(address, address), flag);
                }
                let sorted = Vec::from(ranges.clone());
                prop_assert!(sorted.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
            }
        }
    }
}
