//! Where the builders put what the scenario gives no address: queues, level 2 tables, translation tables.

/// The next free address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area(u64);

/// Below 4 GiB, so that every output size reaches it.
const START: u64 = 0xe000_0000;

impl Default for Area {
    fn default() -> Self {
        Self(START)
    }
}

impl Area {
    pub(super) fn starting_at(address: u64) -> Self {
        Self(address)
    }

    /// The address of `bytes` more, aligned to their size rounded up to a power of two; `None` at the end of
    /// the address space.
    pub(super) fn take(&mut self, bytes: u64) -> Option<u64> {
        let align = bytes.checked_next_power_of_two()?;
        let at = self.0.checked_next_multiple_of(align)?;
        self.0 = at.checked_add(bytes)?;
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_aligned_to_its_size() {
        let mut area = Area::starting_at(0x1001);
        assert_eq!(area.take(0x1000), Some(0x2000));
        assert_eq!(area.take(64), Some(0x3000));
        assert_eq!(area.take(0x1_0000), Some(0x1_0000));
        assert_eq!(Area::starting_at(u64::MAX).take(2), None);
    }
}
