//! Entries found by address, each for an aligned region of a size of its own: the store of one TLB space.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rustc_hash::FxBuildHasher;

use crate::address::low_mask;

/// At most one entry for each region.
///
/// A first use writes its entry behind the last, so that memory is written in order, and only positions are spread
/// over a table, and moved when it grows.
#[derive(Clone, Debug)]
pub(super) struct Pages<V> {
    /// Bit n: there may be an entry for a region of 2^n bytes.
    sizes: u64,
    /// With the [`key`] of each.
    entries: Vec<(u64, V)>,
    /// In `entries`, by key.
    positions: HashTable<u32>,
}

/// What is cached for an address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'a, V> {
    /// The entry of the smallest region.
    pub(crate) entry: &'a V,
    /// That of the largest region, if there are several: software has to prevent that (§3.20.1).
    pub(crate) other: Option<&'a V>,
}

/// How an entry was put in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Inserted {
    /// No other entry is for any of its addresses.
    Alone,
    /// There are regions of other sizes, which may be within it or around it.
    Beside,
    /// It took the place of another.
    Replaced,
}

/// Regions have at least 4 KiB, so the low bits of their address are free for the size.
#[inline(always)]
fn key(address: u64, size_bits: u32) -> u64 {
    (address >> size_bits) << size_bits | u64::from(size_bits)
}

/// The region of a key: (first address, log2 of its bytes).
#[inline]
fn region(key: u64) -> (u64, u8) {
    let size_bits = u8::try_from(key & 0x3f).expect("six bits");
    (key & !low_mask(12), size_bits)
}

impl<V> Default for Pages<V> {
    fn default() -> Self {
        Self { sizes: 0, entries: Vec::new(), positions: HashTable::new() }
    }
}

/// `sizes` may have bits of entries that went, and where an entry is shows in no answer.
impl<V: PartialEq> PartialEq for Pages<V> {
    fn eq(&self, other: &Self) -> bool {
        let has = |(key, value): &(u64, V)| other.get(*key) == Some(value);
        self.entries.len() == other.entries.len() && self.entries.iter().all(has)
    }
}

impl<V: Eq> Eq for Pages<V> {}

impl<V> Pages<V> {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries whose regions hold `address`.
    #[inline(always)]
    pub(super) fn find(&self, address: u64) -> Option<Found<'_, V>> {
        let mut found: Option<Found<'_, V>> = None;
        let mut sizes = self.sizes;
        while let Some(size_bits) = next_bit(&mut sizes) {
            if let Some(entry) = self.get(key(address, size_bits)) {
                found = Some(match found {
                    None => Found { entry, other: None },
                    Some(smaller) => Found { other: Some(entry), ..smaller },
                });
            }
        }
        found
    }

    /// The entry of the smallest region that holds `address` and has one of these sizes: (log2 of bytes, entry).
    #[inline(always)]
    pub(super) fn smallest(&self, address: u64, sizes: u64) -> Option<(u8, &V)> {
        let mut sizes = self.sizes & sizes;
        while let Some(size_bits) = next_bit(&mut sizes) {
            let key = key(address, size_bits);
            if let Some(entry) = self.get(key) {
                return Some((region(key).1, entry));
            }
        }
        None
    }

    /// The entry of exactly this region.
    pub(super) fn exactly(&self, address: u64, size_bits: u8) -> Option<&V> {
        self.get(key(address, u32::from(size_bits)))
    }

    /// Puts an entry in, in place of one for the same region.
    #[inline(always)]
    pub(super) fn insert(&mut self, address: u64, size_bits: u8, value: V) -> Inserted {
        assert!((12..64).contains(&size_bits), "a region has 4 KiB at least, and less than everything");
        let key = key(address, u32::from(size_bits));
        let Self { sizes, entries, positions } = self;
        let is_this = |&other: &u32| entries[at(other)].0 == key;
        match positions.entry(hash(key), is_this, |&other| hash(entries[at(other)].0)) {
            Entry::Occupied(position) => {
                entries[at(*position.get())].1 = value;
                return Inserted::Replaced;
            }
            Entry::Vacant(place) => {
                place.insert(u32::try_from(entries.len()).expect("fewer than ENTRIES_MAX"));
                entries.push((key, value));
            }
        }
        *sizes |= 1 << size_bits;
        if self.sizes == 1 << size_bits { Inserted::Alone } else { Inserted::Beside }
    }

    #[inline(always)]
    fn get(&self, key: u64) -> Option<&V> {
        self.position(key).map(|position| &self.entries[position].1)
    }

    /// Where the entry of a key is.
    #[inline(always)]
    fn position(&self, key: u64) -> Option<usize> {
        self.positions
            .find(hash(key), |&position| self.entries[at(position)].0 == key)
            .map(|&position| at(position))
    }

    /// Removes the entry at a position; the last one takes its place.
    fn remove_at(&mut self, position: usize) {
        let (gone, _) = self.entries.swap_remove(position);
        let is_this = |&other: &u32| at(other) == position;
        let found = self.positions.find_entry(hash(gone), is_this);
        found.expect("each entry has its position in the table").remove();
        if let Some(&(moved, _)) = self.entries.get(position) {
            let last = self.entries.len();
            let found = self.positions.find_mut(hash(moved), |&other| at(other) == last);
            *found.expect("each entry has its position in the table") =
                u32::try_from(position).expect("it was one of those in the table");
        }
    }

    /// Removes the entries of regions that meet `first..=last` if `goes` (log2 of the bytes, entry), and returns how
    /// many. Takes time for the regions that there could be, or for the entries that there are, whichever are fewer.
    pub(super) fn remove(&mut self, first: u64, last: u64, mut goes: impl FnMut(u8, &V) -> bool) -> usize {
        let before = self.entries.len();
        let candidates = |size_bits: u32| (last >> size_bits) - (first >> size_bits) + 1;
        let all = bits(self.sizes).fold(0u64, |sum, size_bits| sum.saturating_add(candidates(size_bits)));
        if usize::try_from(all).is_ok_and(|all| all <= before) {
            for size_bits in bits(self.sizes) {
                for number in first >> size_bits..=last >> size_bits {
                    let key = key(number << size_bits, size_bits);
                    if let Some(position) = self.position(key)
                        && goes(region(key).1, &self.entries[position].1)
                    {
                        self.remove_at(position);
                    }
                }
            }
        } else {
            // From the last, so that the one that takes a place has been judged.
            for position in (0..before).rev() {
                let (key, value) = &self.entries[position];
                let (base, size_bits) = region(*key);
                let meets = base <= last && first <= base | low_mask(size_bits);
                if meets && goes(size_bits, value) {
                    self.remove_at(position);
                }
            }
        }
        if self.entries.is_empty() {
            self.sizes = 0;
        }
        before - self.entries.len()
    }

    /// Removes everything, and returns how many there were. Their memory is kept for the next ones, unless it is for
    /// many more: that would take time to clear.
    pub(super) fn clear(&mut self) -> usize {
        let count = self.entries.len();
        if self.positions.capacity() / 8 > count.max(64) {
            *self = Self::default();
        } else {
            self.entries.clear();
            self.positions.clear();
            self.sizes = 0;
        }
        count
    }

    /// All entries by address, the smaller region first where two begin: (first address, log2 of bytes, entry).
    #[cfg(any(feature = "serde", test))]
    pub(super) fn in_order(&self) -> impl Iterator<Item = (u64, u8, &V)> {
        let mut entries: Vec<&(u64, V)> = self.entries.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        entries.into_iter().map(|(key, value)| {
            let (address, size_bits) = region(*key);
            (address, size_bits, value)
        })
    }
}

#[inline(always)]
fn hash(key: u64) -> u64 {
    FxBuildHasher.hash_one(key)
}

/// A position in a table as one in a vector.
#[inline(always)]
fn at(position: u32) -> usize {
    usize::try_from(position).expect("a usize has 32 bits at least")
}

/// The positions of the bits that are set, from the lowest.
fn bits(mut mask: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || next_bit(&mut mask))
}

/// Takes the lowest bit that is set, and returns its position.
#[inline(always)]
fn next_bit(mask: &mut u64) -> Option<u32> {
    let bit = (*mask != 0).then(|| mask.trailing_zeros())?;
    *mask &= *mask - 1;
    Some(bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages of 4 KiB at 0, 0x1000 and 0x20_0000, and a block of 2 MiB over the last, named by their order.
    fn pages() -> Pages<u32> {
        let mut pages = Pages::default();
        for (value, address, size_bits) in
            [(0, 0x0, 12), (1, 0x1000, 12), (2, 0x20_0000, 12), (3, 0x20_0000, 21)]
        {
            assert_ne!(pages.insert(address, size_bits, value), Inserted::Replaced);
        }
        pages
    }

    fn left(pages: &Pages<u32>) -> Vec<u32> {
        let mut left: Vec<u32> = pages.in_order().map(|(.., value)| *value).collect();
        left.sort_unstable();
        left
    }

    #[test]
    fn an_address_finds_the_regions_that_hold_it() {
        let pages = pages();
        let find = |address| pages.find(address).map(|found| (*found.entry, found.other.copied()));
        assert_eq!(find(0xfff), Some((0, None)));
        assert_eq!(find(0x2000), None);
        assert_eq!(find(0x20_0fff), Some((2, Some(3))));
        assert_eq!(find(0x20_1000), Some((3, None)));
        assert_eq!(find(0x40_0000), None);
        assert_eq!(pages.smallest(0x20_0000, 1 << 21), Some((21, &3)));
    }

    #[test]
    fn a_removal_takes_what_it_meets() {
        let check = |first, last, expected: &[u32]| {
            let mut pages = pages();
            let gone = pages.remove(first, last, |_, _| true);
            assert_eq!(
                (left(&pages), gone),
                (expected.to_vec(), 4 - expected.len()),
                "{first:#x}..={last:#x}"
            );
        };
        check(0x0, 0x0, &[1, 2, 3]);
        check(0xfff, 0x1000, &[2, 3]);
        check(0x20_1000, 0x20_1000, &[0, 1, 2]);
        check(0x20_0000, 0x20_0000, &[0, 1]);
        check(0x1000, 0x3f_ffff, &[0]); // more candidates than entries: they are walked
        check(0x2000, 0x1f_ffff, &[0, 1, 2, 3]);
        check(0, u64::MAX, &[]);
    }

    #[test]
    fn a_removal_spares_what_does_not_go() {
        let mut pages = pages();
        assert_eq!(pages.remove(0, u64::MAX, |_, value| *value == 1), 1);
        assert_eq!(pages.remove(0x20_0000, 0x20_0000, |_, value| *value == 3), 1);
        assert_eq!(left(&pages), [0, 2]);
        assert_eq!(pages.clear(), 2);
        assert!(pages.find(0).is_none() && pages.is_empty());
    }
}
