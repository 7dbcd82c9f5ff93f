//! Values by key: found at once when used lately, else by a search in order; removed by ranges of keys.
//!
//! A value that is removed leaves its memory to the next one.

use std::collections::{BTreeMap, VecDeque};
use std::marker::PhantomData;
use std::ops::RangeInclusive;

/// log2 of how many values are remembered as used lately.
const RECENT_BITS: u32 = 6;

/// A key that is a number.
pub(super) trait Key: Copy {
    /// A number of its own, in the order of the keys; not `u64::MAX`.
    fn number(self) -> u64;

    /// The key with this number.
    fn from_number(number: u64) -> Self;
}

/// Values `V` by key `K`.
#[derive(Clone, Debug)]
pub(super) struct Directory<K, V> {
    /// Position in `slots`, by number.
    order: BTreeMap<u64, usize>,
    slots: Vec<V>,
    /// Slots of values that were removed, which are still there. The first to go is the first to be used again, so that
    /// values that come back in the same order find what they left.
    free: VecDeque<usize>,
    /// Numbers used lately and their positions, each in the one place that it can have.
    recent: [(u64, usize); 1 << RECENT_BITS],
    keys: PhantomData<K>,
}

/// The number of no key.
const NOBODY: (u64, usize) = (u64::MAX, 0);

impl<K, V> Default for Directory<K, V> {
    fn default() -> Self {
        let recent = [NOBODY; 1 << RECENT_BITS];
        Self { order: BTreeMap::new(), slots: Vec::new(), free: VecDeque::new(), recent, keys: PhantomData }
    }
}

/// Which slot a value has shows in no answer.
impl<K: Key, V: PartialEq> PartialEq for Directory<K, V> {
    fn eq(&self, other: &Self) -> bool {
        let numbers = self.order.keys().eq(other.order.keys());
        numbers && self.in_order().map(|(_, value)| value).eq(other.in_order().map(|(_, value)| value))
    }
}

impl<K: Key, V: Eq> Eq for Directory<K, V> {}

impl<K: Key, V> Directory<K, V> {
    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// All values, by key.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (K, &V)> {
        self.order.iter().map(|(&number, &slot)| (K::from_number(number), self.at(slot)))
    }

    /// The values in a range of keys.
    pub(super) fn range(&self, keys: RangeInclusive<K>) -> impl Iterator<Item = &V> {
        self.order.range(numbers(keys)).map(|(_, &slot)| self.at(slot))
    }

    /// The value in a slot that [`Directory::slot`] named.
    #[inline(always)]
    pub(super) fn at(&self, slot: usize) -> &V {
        &self.slots[slot]
    }

    /// The same, to be changed.
    #[inline(always)]
    pub(super) fn at_mut(&mut self, slot: usize) -> &mut V {
        &mut self.slots[slot]
    }

    /// The keys in a range, and where their values are, until one is removed.
    pub(super) fn slots(&self, keys: RangeInclusive<K>) -> impl Iterator<Item = (K, usize)> {
        self.order.range(numbers(keys)).map(|(&number, &slot)| (K::from_number(number), slot))
    }

    /// Where the value of `key` is, until one is removed.
    #[inline(always)]
    pub(super) fn slot(&mut self, key: K) -> Option<usize> {
        let number = key.number();
        let (lately, slot) = self.recent[place(number)];
        if lately == number { Some(slot) } else { self.search(number) }
    }

    #[inline(never)]
    fn search(&mut self, number: u64) -> Option<usize> {
        let slot = *self.order.get(&number)?;
        self.recent[place(number)] = (number, slot);
        Some(slot)
    }

    /// Puts a value in, in place of one with the same key. Returns where it is.
    pub(super) fn insert(&mut self, key: K, value: V) -> usize {
        let known = self.slot(key).or_else(|| self.recycled(key));
        match known {
            Some(slot) => {
                self.slots[slot] = value;
                slot
            }
            None => self.added(key, value),
        }
    }

    /// The value of `key`; if it is new, one that was removed, as it was then, or `V::default()`.
    #[inline(always)]
    pub(super) fn obtain(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let slot = match self.slot(key) {
            Some(slot) => slot,
            None => self.recycled(key).unwrap_or_else(|| self.added(key, V::default())),
        };
        self.at_mut(slot)
    }

    /// Gives a new key the slot of a value that was removed.
    fn recycled(&mut self, key: K) -> Option<usize> {
        let slot = self.free.pop_front()?;
        self.order.insert(key.number(), slot);
        Some(slot)
    }

    /// Gives a new key a new slot.
    fn added(&mut self, key: K, value: V) -> usize {
        self.order.insert(key.number(), self.slots.len());
        self.slots.push(value);
        self.slots.len() - 1
    }

    /// Removes the values in a range of keys for which `goes`, which may change the others.
    pub(super) fn remove(&mut self, keys: RangeInclusive<K>, mut goes: impl FnMut(K, &mut V) -> bool) {
        let keys = numbers(keys);
        let mut next = Some(*keys.start());
        while let Some(from) = next {
            // The search goes on behind one that is removed.
            next = None;
            let mut gone = None;
            for (&number, &slot) in self.order.range(from..=*keys.end()) {
                if gone.is_some() {
                    next = Some(number);
                    break;
                }
                let goes = goes(K::from_number(number), &mut self.slots[slot]);
                gone = goes.then_some((number, slot));
            }
            if let Some((number, slot)) = gone {
                self.order.remove(&number);
                self.free.push_back(slot);
                let recent = &mut self.recent[place(number)];
                if recent.0 == number {
                    *recent = NOBODY;
                }
            }
        }
    }
}

fn numbers<K: Key>(keys: RangeInclusive<K>) -> RangeInclusive<u64> {
    keys.start().number()..=keys.end().number()
}

/// The one place of a number among those used lately: the fraction that the golden ratio makes of it spreads well.
#[inline(always)]
fn place(number: u64) -> usize {
    const GOLDEN_RATIO: u64 = 0x9e37_79b9_7f4a_7c15;
    usize::try_from(number.wrapping_mul(GOLDEN_RATIO) >> (64 - RECENT_BITS)).expect("few places")
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Key for u32 {
        fn number(self) -> u64 {
            self.into()
        }

        fn from_number(number: u64) -> Self {
            number.try_into().expect("it came from one")
        }
    }

    #[test]
    fn values_are_found_and_replaced() {
        let mut directory = Directory::default();
        for key in [5u32, 1, 9] {
            directory.insert(key, key * 10);
        }
        directory.insert(1, 11);
        *directory.obtain(2) += 1;
        let slot = directory.slot(9).expect("it is there");
        assert_eq!(*directory.at(slot), 90);
        assert_eq!(directory.slot(3), None);
        assert_eq!(directory.in_order().collect::<Vec<_>>(), [(1, &11), (2, &1), (5, &50), (9, &90)]);
    }

    #[test]
    fn ranges_are_removed_and_their_room_used_again() {
        let mut directory = Directory::default();
        for key in 0..10u32 {
            directory.insert(key, key);
        }
        directory.remove(2..=8, |key, value| {
            *value += 100;
            key % 2 == 0
        });
        let left: Vec<u32> = directory.in_order().map(|(_, value)| *value).collect();
        assert_eq!(left, [0, 1, 103, 105, 107, 9]);
        assert_eq!((directory.slot(4), directory.len()), (None, 6));
        directory.insert(4, 4);
        assert!(directory.slot(4).expect("it is there") < 10);
        assert_eq!(*directory.obtain(2), 104, "the memory of 4, as it was left");
    }
}
