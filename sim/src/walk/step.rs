//! The steps of a walk, each at its place in the tree.

use smmu_model::address::Pa;
use smmu_model::layout::names::{self, Field};
use smmu_model::outcome::Stage;
use smmu_model::trace::{Event, Structure};

use crate::machine::Machine;

/// One thing that happened.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// How many steps led to it, as levels of the tree.
    pub(super) depth: usize,
    pub(super) event: Event,
    /// Whether the image has what was read; if not, it reads as zero.
    pub(super) held: bool,
}

/// What a descriptor is at its level (DDI 0487 D8.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DescriptorKind {
    Invalid,
    Table,
    Block,
    Page,
}

/// Puts each event under the one that led to it.
///
/// The chain L1STD, STE, L1CD, CD, stage 1 descriptors grows by a level each. What stage 2 reads hangs below
/// the link that needed it, as a chain of its own. All else belongs to what was read last.
pub(super) fn steps(machine: &Machine, events: Vec<Event>) -> Vec<Step> {
    let mut chain = 0;
    let mut below = 0;
    let step = |event| {
        let (depth, read) = match event {
            Event::Structure { at, .. } | Event::Descriptor { stage: Stage::One, at, .. } => {
                chain += 1;
                below = 0;
                (chain - 1, Some(at))
            }
            Event::Descriptor { stage: Stage::Two, at, .. } => {
                below += 1;
                (chain + below - 1, Some(at))
            }
            Event::Translated { stage: Stage::Two, .. } => {
                let depth = chain + below;
                below = 0;
                (depth, None)
            }
            Event::Rule(_)
            | Event::Choice { .. }
            | Event::DescriptorUpdate { .. }
            | Event::Translated { stage: Stage::One, .. }
            | Event::Command { .. }
            | Event::CommandError { .. }
            | Event::Record { .. }
            | Event::Interrupt { .. } => (chain + below, None),
        };
        Step { depth, event, held: read.is_none_or(|at: Pa| machine.holds(at)) }
    };
    events.into_iter().map(step).collect()
}

/// The specification's name of a structure, its fields, and how many words it has.
pub(super) fn structure(structure: Structure) -> (&'static str, &'static [Field], usize) {
    match structure {
        Structure::L1StreamTable => ("L1STD", names::L1STD, 1),
        Structure::Ste => ("STE", names::STE, 8),
        Structure::L1Cd => ("L1CD", names::L1CD, 1),
        Structure::Cd => ("CD", names::CD, 8),
    }
}

impl DescriptorKind {
    /// By the lowest two bits. Level 0 has no blocks save with 52-bit addresses, which the walk knows.
    pub(super) fn of(level: i8, raw: u64) -> Self {
        match (raw & 0b11, level) {
            (0b11, 3) => Self::Page,
            (0b11, _) => Self::Table,
            (0b01, ..=2) => Self::Block,
            (_, _) => Self::Invalid,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Table => "table",
            Self::Block => "block",
            Self::Page => "page",
        }
    }

    pub(super) fn fields(self, stage: Stage) -> &'static [Field] {
        match (self, stage) {
            (Self::Invalid, _) => &[],
            (Self::Table, Stage::One) => names::STAGE1_TABLE,
            (Self::Table, Stage::Two) => names::STAGE2_TABLE,
            (Self::Block | Self::Page, Stage::One) => names::STAGE1_LEAF,
            (Self::Block | Self::Page, Stage::Two) => names::STAGE2_LEAF,
        }
    }
}

/// The fields that are not zero, with their values.
pub(super) fn set_fields<'a>(
    fields: &'a [Field],
    words: &'a [u64],
) -> impl Iterator<Item = (&'static str, u64)> + 'a {
    fields.iter().map(|field| (field.name, field.get(words))).filter(|(_, value)| *value != 0)
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
