//! Entries found by address, each for an aligned region of a size of its own: the store of one TLB space.

use rustc_hash::FxHashMap;

use crate::address::low_mask;

/// At most one entry for each region. It is found by key; where entries are walked, their order does not show.
#[derive(Clone, Debug)]
pub(super) struct Pages<V> {
    /// Bit n: there may be an entry for a region of 2^n bytes.
    sizes: u64,
    /// By [`key`].
    entries: FxHashMap<u64, V>,
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
fn key(address: u64, size_bits: u32) -> u64 {
    (address >> size_bits) << size_bits | u64::from(size_bits)
}

/// The region of a key: (first address, log2 of its bytes).
fn region(key: u64) -> (u64, u8) {
    let size_bits = u8::try_from(key & 0x3f).expect("six bits");
    (key & !low_mask(12), size_bits)
}

impl<V> Default for Pages<V> {
    fn default() -> Self {
        Self { sizes: 0, entries: FxHashMap::default() }
    }
}

/// `sizes` may have bits of entries that went, which shows in no answer.
impl<V: PartialEq> PartialEq for Pages<V> {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
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
        for size_bits in bits(self.sizes) {
            if let Some(entry) = self.entries.get(&key(address, size_bits)) {
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
        bits(self.sizes & sizes).find_map(|size_bits| {
            let key = key(address, size_bits);
            self.entries.get(&key).map(|entry| (region(key).1, entry))
        })
    }

    /// The entry of exactly this region.
    pub(super) fn exactly(&self, address: u64, size_bits: u8) -> Option<&V> {
        self.entries.get(&key(address, u32::from(size_bits)))
    }

    /// Puts an entry in, in place of one for the same region.
    pub(super) fn insert(&mut self, address: u64, size_bits: u8, value: V) -> Inserted {
        assert!((12..64).contains(&size_bits), "a region has 4 KiB at least, and less than everything");
        self.sizes |= 1 << size_bits;
        match self.entries.insert(key(address, u32::from(size_bits)), value) {
            Some(_) => Inserted::Replaced,
            None if self.sizes == 1 << size_bits => Inserted::Alone,
            None => Inserted::Beside,
        }
    }

    /// Removes the entries of regions that meet `first..=last` if `goes` (log2 of the
    /// bytes, entry), and returns how many. Takes time for the
    /// regions that there could be, or for the entries that there are, whichever are fewer.
    pub(super) fn remove(&mut self, first: u64, last: u64, mut goes: impl FnMut(u8, &V) -> bool) -> usize {
        let before = self.entries.len();
        let candidates = |size_bits: u32| (last >> size_bits) - (first >> size_bits) + 1;
        let all = bits(self.sizes).fold(0u64, |sum, size_bits| sum.saturating_add(candidates(size_bits)));
        if usize::try_from(all).is_ok_and(|all| all <= before) {
            for size_bits in bits(self.sizes) {
                for number in first >> size_bits..=last >> size_bits {
                    let key = key(number << size_bits, size_bits);
                    if self.entries.get(&key).is_some_and(|value| goes(region(key).1, value)) {
                        self.entries.remove(&key);
                    }
                }
            }
        } else {
            self.entries.retain(|&key, value| {
                let (base, size_bits) = region(key);
                let meets = base <= last && first <= base | low_mask(size_bits);
                !(meets && goes(size_bits, value))
            });
        }
        if self.entries.is_empty() {
            self.sizes = 0;
        }
        before - self.entries.len()
    }

    /// Removes everything, and returns how many there were.
    pub(super) fn clear(&mut self) -> usize {
        let count = self.entries.len();
        *self = Self::default();
        count
    }

    /// All entries by address, the smaller region first where two begin: (first address, log2 of bytes, entry).
    pub(super) fn in_order(&self) -> impl Iterator<Item = (u64, u8, &V)> {
        let mut keys: Vec<u64> = self.entries.keys().copied().collect();
        keys.sort_unstable();
        keys.into_iter().map(|key| {
            let (address, size_bits) = region(key);
            (address, size_bits, &self.entries[&key])
        })
    }
}

/// The positions of the bits that are set, from the lowest.
#[inline(always)]
fn bits(mut mask: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let bit = (mask != 0).then(|| mask.trailing_zeros())?;
        mask &= mask - 1;
        Some(bit)
    })
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
