//! Identifiers that are given out, the lowest free one first: ASIDs and VMIDs.

use std::collections::BTreeSet;

use crate::errno::Errno;

/// Numbers in use. ASIDs are given out from one place for all SMMUs together, VMIDs by each SMMU.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Numbers {
    used: BTreeSet<u32>,
}

impl Numbers {
    /// The lowest number from 1 to 2^`bits` - 1 that is free.
    pub(super) fn take(&mut self, bits: u8, exhausted: Errno) -> Result<u32, Errno> {
        let mut lowest = 1;
        for &used in &self.used {
            if used != lowest {
                break;
            }
            lowest += 1;
        }
        if lowest >> bits != 0 {
            return Err(exhausted);
        }
        self.used.insert(lowest);
        Ok(lowest)
    }

    /// Takes this number, if it is free.
    pub(super) fn take_exactly(&mut self, number: u32) -> bool {
        self.used.insert(number)
    }

    pub(super) fn give_back(&mut self, number: u32) {
        let was_used = self.used.remove(&number);
        assert!(was_used, "{number} was not given out");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_free_number_comes_first() {
        let mut numbers = Numbers::default();
        let take = |numbers: &mut Numbers| numbers.take(2, Errno::ENOSPC);
        assert_eq!([take(&mut numbers), take(&mut numbers), take(&mut numbers)], [Ok(1), Ok(2), Ok(3)]);
        assert_eq!(take(&mut numbers), Err(Errno::ENOSPC));
        numbers.give_back(2);
        assert_eq!(take(&mut numbers), Ok(2));
    }
}
