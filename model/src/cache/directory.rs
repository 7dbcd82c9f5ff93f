//! Values by key: found at once when used lately, else by a search in order; removed by ranges of keys.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// log2 of how many values are remembered as used lately.
const RECENT_BITS: u32 = 6;

/// A key, of which some bits tell most keys apart.
pub(super) trait Key: Copy + Ord {
    /// Those bits.
    fn hint(self) -> u16;
}

/// Values `V` by key `K`.
#[derive(Clone, Debug)]
pub(super) struct Directory<K, V> {
    /// Position in `slots`.
    order: BTreeMap<K, usize>,
    slots: Vec<Option<(K, V)>>,
    free: Vec<usize>,
    /// Positions of values used lately, by hint.
    recent: [usize; 1 << RECENT_BITS],
}

impl<K, V> Default for Directory<K, V> {
    fn default() -> Self {
        Self { order: BTreeMap::new(), slots: Vec::new(), free: Vec::new(), recent: [0; 1 << RECENT_BITS] }
    }
}

/// Which slot a value has shows in no answer.
impl<K: Ord, V: PartialEq> PartialEq for Directory<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.in_order().eq(other.in_order())
    }
}

impl<K: Ord, V: Eq> Eq for Directory<K, V> {}

impl<K, V> Directory<K, V> {
    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// All values, by key.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (&K, &V)> {
        self.order.values().map(|&slot| {
            let (key, value) = self.slots[slot].as_ref().expect("a slot in the directory is taken");
            (key, value)
        })
    }

    /// The value in a slot that [`Directory::slot`] named.
    #[inline(always)]
    pub(super) fn at(&self, slot: usize) -> &V {
        &self.slots[slot].as_ref().expect("a slot is named while it is taken").1
    }

    /// The same, to be changed.
    #[inline(always)]
    pub(super) fn at_mut(&mut self, slot: usize) -> &mut V {
        &mut self.slots[slot].as_mut().expect("a slot is named while it is taken").1
    }
}

impl<K: Key, V> Directory<K, V> {
    /// The values in a range of keys.
    pub(super) fn range(&self, keys: RangeInclusive<K>) -> impl Iterator<Item = &V> {
        self.order.range(keys).map(|(_, &slot)| self.at(slot))
    }

    /// The keys in a range, and where their values are, until one is removed.
    pub(super) fn slots(&self, keys: RangeInclusive<K>) -> impl Iterator<Item = (K, usize)> {
        self.order.range(keys).map(|(&key, &slot)| (key, slot))
    }

    /// Where the value of `key` is, until one is removed.
    #[inline(always)]
    pub(super) fn slot(&mut self, key: K) -> Option<usize> {
        let recent = usize::from(key.hint()) & (self.recent.len() - 1);
        let slot = self.recent[recent];
        match self.slots.get(slot) {
            Some(Some((owner, _))) if *owner == key => Some(slot),
            _ => self.search(key, recent),
        }
    }

    #[inline(never)]
    fn search(&mut self, key: K, recent: usize) -> Option<usize> {
        let slot = *self.order.get(&key)?;
        self.recent[recent] = slot;
        Some(slot)
    }

    /// Puts a value in, in place of one with the same key. Returns where it is.
    pub(super) fn insert(&mut self, key: K, value: V) -> usize {
        let slot = match self.slot(key) {
            Some(slot) => slot,
            None => {
                let slot = self.free.pop().unwrap_or(self.slots.len());
                if slot == self.slots.len() {
                    self.slots.push(None);
                }
                self.order.insert(key, slot);
                slot
            }
        };
        self.slots[slot] = Some((key, value));
        slot
    }

    /// The value of `key`, `V::default()` if it is new.
    pub(super) fn obtain(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let slot = self.slot(key).unwrap_or_else(|| self.insert(key, V::default()));
        self.at_mut(slot)
    }

    /// Removes the values in a range of keys for which `goes`, which may change the others.
    pub(super) fn remove(&mut self, keys: RangeInclusive<K>, mut goes: impl FnMut(K, &mut V) -> bool) {
        let mut next = Some(*keys.start());
        while let Some(from) = next {
            // The search goes on behind one that is removed.
            next = None;
            let mut gone = None;
            for (&key, &slot) in self.order.range(from..=*keys.end()) {
                if gone.is_some() {
                    next = Some(key);
                    break;
                }
                let value = &mut self.slots[slot].as_mut().expect("a slot in the directory is taken").1;
                gone = goes(key, value).then_some((key, slot));
            }
            if let Some((key, slot)) = gone {
                self.order.remove(&key);
                self.slots[slot] = None;
                self.free.push(slot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Key for u32 {
        fn hint(self) -> u16 {
            7 // all alike
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
        assert_eq!(directory.in_order().collect::<Vec<_>>(), [(&1, &11), (&2, &1), (&5, &50), (&9, &90)]);
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
    }
}
