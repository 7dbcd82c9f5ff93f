//! The steps of a walk, each at its place in the tree.

use smmu_model::address::Pa;
use smmu_model::choice::Choice;
use smmu_model::layout::event::EventRecord;
use smmu_model::layout::names::{self, Field};
use smmu_model::layout::register::Gerror;
use smmu_model::outcome::{Class, Stage};
use smmu_model::rule::Rule;
use smmu_model::trace::{Event, Structure};

use crate::machine::Machine;

/// One thing that happened.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// How many steps led to it, as levels of the tree.
    pub(super) depth: usize,
    pub(super) what: What,
}

/// What of a transaction's events a walk shows.
#[derive(Clone, Debug)]
pub(super) enum What {
    Structure(StructureRead),
    Descriptor(DescriptorRead),
    DescriptorUpdate { stage: Stage, at: Pa, raw: u64 },
    Translated { stage: Stage, class: Option<Class>, input: u64, output: u64, size_log2: u8 },
    Rule(Rule),
    Choice { choice: Choice, answer: &'static str },
    Record(EventRecord),
    GlobalError(Gerror),
    Interrupt { msi: Option<(Pa, u32)> },
}

/// A configuration structure that was read.
#[derive(Clone, Debug)]
pub(super) struct StructureRead {
    /// The specification's name.
    pub(super) name: &'static str,
    pub(super) at: Pa,
    pub(super) words: Vec<u64>,
    /// The fields that are not zero, by the specification's name.
    pub(super) fields: Vec<(&'static str, u64)>,
    /// Whether the image has it; if not, it reads as zero.
    pub(super) held: bool,
}

/// A translation table descriptor that was read.
#[derive(Clone, Debug)]
pub(super) struct DescriptorRead {
    pub(super) stage: Stage,
    pub(super) class: Option<Class>,
    pub(super) level: i8,
    pub(super) at: Pa,
    pub(super) raw: u64,
    pub(super) kind: DescriptorKind,
    /// The fields that are not zero, by the specification's name.
    pub(super) fields: Vec<(&'static str, u64)>,
    /// Whether the image has it; if not, it reads as zero.
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
    let mut steps = Vec::with_capacity(events.len());
    let (mut links, mut stage2_links) = (0, 0);
    for what in events.into_iter().filter_map(|event| what(machine, event)) {
        let depth = links + stage2_links;
        match &what {
            What::Structure(_) | What::Descriptor(DescriptorRead { stage: Stage::One, .. }) => {
                steps.push(Step { depth: links, what });
                (links, stage2_links) = (links + 1, 0);
                continue;
            }
            What::Descriptor(DescriptorRead { stage: Stage::Two, .. }) => stage2_links += 1,
            What::Translated { stage: Stage::Two, .. } => stage2_links = 0,
            What::Translated { stage: Stage::One, .. }
            | What::DescriptorUpdate { .. }
            | What::Rule(_)
            | What::Choice { .. }
            | What::Record(_)
            | What::GlobalError(_)
            | What::Interrupt { .. } => {}
        }
        steps.push(Step { depth, what });
    }
    steps
}

/// `None` for what no transaction does: commands, and software's register accesses.
fn what(machine: &Machine, event: Event) -> Option<What> {
    Some(match event {
        Event::Structure { structure, at, words } => {
            let (name, table, count) = layout(structure);
            let words = words[..count].to_vec();
            let fields = set_fields(table, &words);
            What::Structure(StructureRead { name, at, words, fields, held: machine.holds(at) })
        }
        Event::Descriptor { stage, class, level, at, raw } => {
            let kind = DescriptorKind::of(level, raw);
            let (fields, held) = (set_fields(kind.table(stage), &[raw]), machine.holds(at));
            What::Descriptor(DescriptorRead { stage, class, level, at, raw, kind, fields, held })
        }
        Event::DescriptorUpdate { stage, at, raw } => What::DescriptorUpdate { stage, at, raw },
        Event::Translated { stage, class, input, output, size_log2 } => {
            What::Translated { stage, class, input, output, size_log2 }
        }
        Event::Rule(rule) => What::Rule(rule),
        Event::Choice { choice, answer } => What::Choice { choice, answer: choice.answers()[answer] },
        Event::Record { record, .. } => What::Record(record),
        Event::GlobalError { activated } => What::GlobalError(activated),
        Event::Interrupt { msi, .. } => What::Interrupt { msi },
        Event::Command { .. }
        | Event::CommandError { .. }
        | Event::StallEnded { .. }
        | Event::RegisterWrite { .. }
        | Event::RegisterUpdate { .. }
        | Event::Cached { .. }
        | Event::Stale { .. }
        | Event::WakeUp
        | Event::Invalidated { .. }
        | Event::PageRequest { .. }
        | Event::PrgResponse(_) => return None,
    })
}

/// The specification's name of a structure, its fields, and how many words it has.
fn layout(structure: Structure) -> (&'static str, &'static [Field], usize) {
    match structure {
        Structure::L1StreamTable => ("L1STD", names::L1STD, 1),
        Structure::Ste => ("STE", names::STE, 8),
        Structure::L1Cd => ("L1CD", names::L1CD, 1),
        Structure::Cd => ("CD", names::CD, 8),
    }
}

fn set_fields(table: &[Field], words: &[u64]) -> Vec<(&'static str, u64)> {
    table.iter().map(|field| (field.name, field.get(words))).filter(|(_, value)| *value != 0).collect()
}

impl DescriptorKind {
    /// By the lowest two bits. Level 0 has no blocks save with 52-bit addresses, which the walk knows.
    fn of(level: i8, raw: u64) -> Self {
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

    fn table(self, stage: Stage) -> &'static [Field] {
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
