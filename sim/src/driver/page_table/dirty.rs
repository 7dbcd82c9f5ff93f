//! Reading dirty leaves, by the walk of Linux with what is odd about it (`arm_lpae_read_and_clear_dirty`).

use super::descriptor::{AP_READ_ONLY, DBM, VALID, address_of, is_leaf};
use super::{PageTable, Stage};
use crate::driver::platform::Platform;
use crate::errno::Errno;

/// A walk over the leaves of a range.
///
/// Each leaf moves `at` on by its size, wherever in the leaf `at` was. So a walk that begins inside of a block is ahead
/// of the descriptors that it reads: it reports leaves further on than they are, misses as much where the leaves get
/// smaller, and ends early.
pub(in crate::driver) struct DirtyWalk<'a> {
    pub(in crate::driver) at: u64,
    pub(in crate::driver) end: u64,
    /// Dirty leaves are clean afterwards.
    pub(in crate::driver) clear: bool,
    /// Hears of each dirty leaf: where the walk is, and the bytes of the leaf.
    pub(in crate::driver) dirty: &'a mut dyn FnMut(u64, u64),
}

impl PageTable {
    /// Reads the dirty leaves of a range. EINVAL for a range that is empty, or that the table cannot hold, for stage 2,
    /// and at a hole.
    pub(in crate::driver) fn read_dirty(
        &self,
        p: &mut impl Platform,
        mut walk: DirtyWalk<'_>,
    ) -> Result<(), Errno> {
        let fits = walk.at < walk.end && walk.end - 1 <= self.geometry().last;
        if !fits || self.stage == Stage::Two {
            return Err(Errno::EINVAL);
        }
        self.read_dirty_below(p, self.root, self.start_level, &mut walk)
    }

    fn read_dirty_below(
        &self,
        p: &mut impl Platform,
        table: u64,
        level: u8,
        walk: &mut DirtyWalk<'_>,
    ) -> Result<(), Errno> {
        for index in self.index(walk.at, level)..self.entries_at(level) {
            if walk.at >= walk.end {
                break;
            }
            let entry = table + 8 * index;
            let found = p.load(entry);
            if found & VALID == 0 {
                return Err(Errno::EINVAL);
            }
            if !is_leaf(found, level) {
                self.read_dirty_below(p, address_of(self.granule_shift, found), level + 1, walk)?;
                continue;
            }
            let bytes = self.leaf_bytes(level);
            if found & DBM != 0 && found & AP_READ_ONLY == 0 {
                (walk.dirty)(walk.at, bytes);
                if walk.clear {
                    p.store(entry, found | AP_READ_ONLY);
                }
            }
            walk.at += bytes;
        }
        Ok(())
    }
}
