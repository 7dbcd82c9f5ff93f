//! A set of addresses, kept as sorted disjoint inclusive ranges.

/// Addresses that answer with an external abort.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds all addresses from `first` to `last`, both included. Nothing happens if `first > last`.
    pub fn insert(&mut self, first: u64, last: u64) {
        if first > last {
            return;
        }
        let (mut first, mut last) = (first, last);
        self.0.retain(|&(start, end)| {
            let apart = end.checked_add(1).is_some_and(|next| next < first)
                || last.checked_add(1).is_some_and(|next| next < start);
            if !apart {
                first = first.min(start);
                last = last.max(end);
            }
            apart
        });
        let at = self.0.partition_point(|&(start, _)| start < first);
        self.0.insert(at, (first, last));
    }

    /// Takes all addresses from `first` to `last`, both included, out of the set.
    pub fn remove(&mut self, first: u64, last: u64) {
        if first > last {
            return;
        }
        let mut kept = Vec::with_capacity(self.0.len() + 1);
        for &(start, end) in &self.0 {
            if end < first || start > last {
                kept.push((start, end));
                continue;
            }
            if start < first {
                kept.push((start, first - 1));
            }
            if end > last {
                kept.push((last + 1, end));
            }
        }
        self.0 = kept;
    }

    /// Whether any address from `first` to `last`, both included, is in the set.
    pub fn overlaps(&self, first: u64, last: u64) -> bool {
        let at = self.0.partition_point(|&(_, end)| end < first);
        self.0.get(at).is_some_and(|&(start, _)| start <= last)
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
                prop_assert!(ranges.0.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
            }
        }
    }
}
