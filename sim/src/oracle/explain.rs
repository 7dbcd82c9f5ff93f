//! `explain`: what `dma` would do, and everything that led to it, without doing it.

use serde::Serialize;
use smmu_model::bus::ReadOnly;
use smmu_model::choice::Choice;
use smmu_model::env::World;
use smmu_model::layout::names;
use smmu_model::outcome::{Class, Stage};
use smmu_model::rule::Rule;
use smmu_model::trace::{Event, Structure};

use super::access::{self, Advance, Ongoing, Request};
use super::event_queue::Record;
use super::fields::Fields;
use super::machine::{Machine, note_once};
use super::method;
use super::params::Params;
use super::rpc::Error;
use crate::hex::Hex;
use crate::trace::cache_entry;

/// A walk of a longer access would be too long to read.
const MAX_BYTES: u64 = 64 << 10;

/// `explain`.
pub(super) fn explain(machine: &mut Machine, params: &Params) -> Result<method::Reply, Error> {
    let request = Request::new(params, MAX_BYTES)?;
    let (mut smmu, mut answers) = (machine.smmu.clone(), machine.answers.clone());
    let mut events: Vec<Event> = Vec::new();
    let mut bus = ReadOnly(&mut machine.memory);
    let mut world = World { bus: &mut bus, chooser: &mut answers, sink: &mut events };
    let done = match Ongoing::new(request).go_on(&mut smmu, &mut world) {
        Advance::Ended(done) => done,
        Advance::Stalled(stag, ongoing) => ongoing.stalled(stag),
    };
    let mut rules = Vec::new();
    for event in &events {
        if let Event::Rule(rule) = event {
            note_once(&mut rules, *rule);
        }
    }
    let walk = events.into_iter().filter_map(Step::new).collect();
    Ok(method::Reply::Explanation(Reply { outcome: done.reply(&rules), walk }))
}

/// The answer to `explain`.
#[derive(Serialize, Debug)]
pub(super) struct Reply {
    #[serde(flatten)]
    outcome: access::Reply,
    walk: Vec<Step>,
}

/// One thing that happened on the way.
#[derive(Serialize, Debug)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Step {
    /// A rule decided.
    Rule { label: &'static str, section: &'static str, text: &'static str },
    /// The architecture left it free.
    Choice { name: &'static str, answer: &'static str, section: &'static str, text: &'static str },
    /// A configuration structure was read.
    Structure { name: &'static str, addr: Hex, words: Vec<Hex>, fields: Fields },
    /// A cache entry was used instead of memory.
    Cached { entry: String },
    /// Memory no longer agrees with the cache entry that is used next; `needs` is the command that is owed.
    Stale {
        entry: String,
        needs: &'static str,
        invalidated: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        addr: Option<Hex>,
    },
    /// A translation table descriptor was read.
    Descriptor {
        stage: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        class: Option<&'static str>,
        level: i8,
        addr: Hex,
        words: [Hex; 1],
        fields: Fields,
    },
    /// Hardware would write a descriptor.
    Update { stage: u8, addr: Hex, words: [Hex; 1] },
    /// A stage translated an address.
    Translated {
        stage: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        class: Option<&'static str>,
        input: Hex,
        output: Hex,
        size: Hex,
    },
    /// An event would be recorded.
    Event(Record),
}

impl Step {
    /// Nothing for what belongs to a queue or an interrupt.
    fn new(event: Event) -> Option<Self> {
        Some(match event {
            Event::Rule(rule) => Self::rule(rule),
            Event::Choice { choice, answer } => Self::choice(choice, answer),
            Event::Structure { structure, at, words } => Self::structure(structure, at.value(), &words),
            Event::Cached { entry, .. } => Self::Cached { entry: cache_entry(entry) },
            Event::Stale { entry, difference, invalidated, .. } => Self::Stale {
                entry: cache_entry(entry),
                needs: entry.removed_by().name(),
                invalidated,
                addr: difference.at.map(|at| Hex(at.value())),
            },
            Event::Descriptor { stage, class, level, at, raw } => Self::Descriptor {
                stage: number(stage),
                class: class.map(class_name),
                level,
                addr: Hex(at.value()),
                words: [Hex(raw)],
                fields: descriptor_fields(stage, level, raw),
            },
            Event::DescriptorUpdate { stage, at, raw } => {
                Self::Update { stage: number(stage), addr: Hex(at.value()), words: [Hex(raw)] }
            }
            Event::Translated { stage, class, input, output, size_log2 } => Self::Translated {
                stage: number(stage),
                class: class.map(class_name),
                input: Hex(input),
                output: Hex(output),
                size: Hex(1 << size_log2),
            },
            Event::Record { record, .. } => Self::Event(Record::new(record)),
            Event::Command { .. }
            | Event::CommandError { .. }
            | Event::StallEnded { .. }
            | Event::RegisterWrite { .. }
            | Event::RegisterUpdate { .. }
            | Event::GlobalError { .. }
            | Event::WakeUp
            | Event::AddressTranslation { .. }
            | Event::Invalidated { .. }
            | Event::PageRequest { .. }
            | Event::PrgResponse(_)
            | Event::Interrupt { .. } => return None,
        })
    }

    fn rule(rule: Rule) -> Self {
        Self::Rule { label: rule.label(), section: rule.section(), text: rule.text() }
    }

    fn choice(choice: Choice, answer: usize) -> Self {
        let text = choice.answer_texts()[answer].trim_start();
        Self::Choice { name: choice.key(), answer: choice.answers()[answer], section: choice.section(), text }
    }

    fn structure(structure: Structure, address: u64, words: &[u64; 8]) -> Self {
        let (name, table, count) = match structure {
            Structure::L1StreamTable => ("L1STD", names::L1STD, 1),
            Structure::Ste => ("STE", names::STE, 8),
            Structure::L1Cd => ("L1CD", names::L1CD, 1),
            Structure::Cd => ("CD", names::CD, 8),
        };
        let words = &words[..count];
        let fields = Fields::new(table, words);
        Self::Structure { name, addr: Hex(address), words: words.iter().copied().map(Hex).collect(), fields }
    }
}

const fn number(stage: Stage) -> u8 {
    match stage {
        Stage::One => 1,
        Stage::Two => 2,
    }
}

/// The value of CLASS in records (§7.3.12).
const fn class_name(class: Class) -> &'static str {
    match class {
        Class::Cd => "CD",
        Class::TableWalk(_) => "TTD",
        Class::Input => "IN",
    }
}

/// An invalid descriptor has no field but its type (DDI 0487 D8.3).
fn descriptor_fields(stage: Stage, level: i8, raw: u64) -> Fields {
    let is_table = raw & 0b11 == 0b11 && level < 3;
    let table = match (stage, is_table) {
        (Stage::One, true) => names::STAGE1_TABLE,
        (Stage::One, false) => names::STAGE1_LEAF,
        (Stage::Two, true) => names::STAGE2_TABLE,
        (Stage::Two, false) => names::STAGE2_LEAF,
    };
    let table = if raw & 1 == 0 { &table[..1] } else { table };
    Fields::new(table, &[raw])
}
