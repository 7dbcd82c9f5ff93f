//! What a translation table descriptor is, and its fields (DDI 0487 D8.3).

use smmu_model::layout::names::{self, Field};
use smmu_model::outcome::Stage;

/// What a descriptor is at its level.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DescriptorKind {
    Invalid,
    Table,
    Block,
    Page,
}

impl DescriptorKind {
    /// By the lowest two bits. Level 0 has no blocks save with 52-bit addresses, which the walk knows.
    pub(crate) fn of(level: i8, raw: u64) -> Self {
        match (raw & 0b11, level) {
            (0b11, 3) => Self::Page,
            (0b11, _) => Self::Table,
            (0b01, ..=2) => Self::Block,
            (_, _) => Self::Invalid,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Table => "table",
            Self::Block => "block",
            Self::Page => "page",
        }
    }

    /// Its fields; an invalid one has none.
    pub(crate) const fn fields(self, stage: Stage) -> &'static [Field] {
        match (self, stage) {
            (Self::Invalid, _) => &[],
            (Self::Table, Stage::One) => names::STAGE1_TABLE,
            (Self::Table, Stage::Two) => names::STAGE2_TABLE,
            (Self::Block | Self::Page, Stage::One) => names::STAGE1_LEAF,
            (Self::Block | Self::Page, Stage::Two) => names::STAGE2_LEAF,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_bits_mean_different_things_by_level() {
        use DescriptorKind::{Block, Invalid, Page, Table};
        let kinds = |raw| [-1, 0, 1, 2, 3].map(|level| DescriptorKind::of(level, raw));
        assert_eq!(kinds(0b00), [Invalid; 5]);
        assert_eq!(kinds(0b01), [Block, Block, Block, Block, Invalid]);
        assert_eq!(kinds(0b10), [Invalid; 5]);
        assert_eq!(kinds(0b11), [Table, Table, Table, Table, Page]);
    }
}
