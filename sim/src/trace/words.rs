//! Values in the specification's words, shared by all formats.

use std::fmt::Write;

use smmu_model::ids::{AddressSpace, Asid, CommandQueue, Regime, Vmid};
use smmu_model::layout::command::Command;
use smmu_model::layout::event::EventRecord;
use smmu_model::layout::names::{self, CD, Field, L1CD, L1STD, STE};
use smmu_model::outcome::{Class, Stage};
use smmu_model::rule::{Effect, Rule};
use smmu_model::trace::{CacheEntry, Structure};
use smmu_model::transaction::Direction;

use crate::dvm::Operands;
use crate::scenario::Tlbi;

/// A cache entry with its tags: `stage 1 page for VA 0x1000, ASID 0x5, VMID 0x1`.
pub fn cache_entry(entry: CacheEntry) -> String {
    match entry {
        CacheEntry::L1StreamTable { stream } => format!("L1STD of StreamID {stream}"),
        CacheEntry::Ste { stream } => format!("STE of StreamID {stream}"),
        CacheEntry::L1Cd { stream, index } => format!("L1CD of StreamID {stream}, CD {index:#x}"),
        CacheEntry::Cd { stream, index } => format!("CD {index:#x} of StreamID {stream}"),
        CacheEntry::Stage1Table { regime, space, va, .. } => {
            format!("stage 1 table for VA {va:#x}{}", tags(regime, space))
        }
        CacheEntry::Stage1 { regime, space, va, size_log2 } => {
            format!("stage 1 translation of VA {va:#x}, {}{}", size(size_log2), tags(regime, space))
        }
        CacheEntry::Combined { regime, space, va, size_log2 } => {
            format!("translation by both stages of VA {va:#x}, {}{}", size(size_log2), tags(regime, space))
        }
        CacheEntry::Stage2Table { vmid, ipa, .. } => format!("stage 2 table for IPA {ipa:#x}, VMID {vmid}"),
        CacheEntry::Stage2 { vmid, ipa, size_log2 } => {
            format!("stage 2 translation of IPA {ipa:#x}, {}, VMID {vmid}", size(size_log2))
        }
    }
}

fn tags(regime: Regime, space: AddressSpace) -> String {
    let space = match space {
        AddressSpace::Only => String::new(),
        AddressSpace::Asid(Asid(asid)) => format!(", ASID {asid:#x}"),
        AddressSpace::Global { .. } => ", global".to_owned(),
    };
    match regime {
        Regime::NsEl1(Vmid(vmid)) => format!("{space}, VMID {vmid:#x}"),
        Regime::NsEl2 => format!("{space}, EL2"),
        Regime::NsEl2E2h => format!("{space}, EL2-E2H"),
    }
}

/// `TLBI VAE1: VMID=0x0 ASID=0x1 address=0x1000`.
pub(super) fn tlbi(tlbi: &Tlbi) -> String {
    let Operands { vmid, asid, address, bytes, e2h } = tlbi.operands;
    let operands = [
        ("VMID", vmid.map(u64::from)),
        ("ASID", asid.map(u64::from)),
        ("address", address),
        ("bytes", bytes),
    ];
    let given = operands.into_iter().filter_map(|(name, value)| Some(format!("{name}={:#x}", value?)));
    let from = if e2h { ", from EL2 with E2H" } else { "" };
    named(&format!("TLBI {}", tlbi.operation), &given.collect::<Vec<_>>().join(" ")) + from
}

/// The fields of `words` that are not zero: `V=1 Config=5 S1ContextPtr=0x40010000`.
pub(super) fn fields(table: &[Field], words: &[u64]) -> String {
    let mut text = String::new();
    for (name, value) in set_fields(table, words) {
        let separator = if text.is_empty() { "" } else { " " };
        let written = if value < 10 {
            write!(text, "{separator}{name}={value}")
        } else {
            write!(text, "{separator}{name}={value:#x}")
        };
        written.expect("writing to a String works");
    }
    text
}

/// The fields that are not zero, in the order of the table.
pub(crate) fn set_fields(table: &[Field], words: &[u64]) -> Vec<(&'static str, u64)> {
    let values = table.iter().map(|field| (field.name, field.get(words)));
    values.filter(|(_, value)| *value != 0).collect()
}

/// `name: fields`, or the name alone where no field is set.
pub(super) fn named(name: &str, fields: &str) -> String {
    if fields.is_empty() { name.to_owned() } else { format!("{name}: {fields}") }
}

/// A structure's name and its fields, and how many words it has.
pub(crate) fn structure(structure: Structure) -> (&'static str, &'static [Field], usize) {
    match structure {
        Structure::L1StreamTable => ("L1STD", L1STD, 1),
        Structure::Ste => ("STE", STE, 8),
        Structure::L1Cd => ("L1CD", L1CD, 1),
        Structure::Cd => ("CD", CD, 8),
    }
}

/// A command's name and its fields.
pub(super) fn command(words: [u64; 2]) -> (String, &'static [Field]) {
    match Command(words).opcode() {
        Some(opcode) => (opcode.name().to_owned(), names::command(opcode)),
        None => (format!("opcode {:#x}", Command(words).code()), &[]),
    }
}

/// An event's name and its fields.
pub(super) fn record(record: EventRecord) -> (String, &'static [Field]) {
    match record.event_code() {
        Some(code) => (code.name().to_owned(), names::event(code)),
        None => (format!("event {:#x}", record.word0().event_number()), &[]),
    }
}

/// `STE-20 (§5.2.2) S1CDMax exceeds IDR1.SSIDSIZE.`
pub(super) fn rule(rule: Rule) -> String {
    format!("{} ({}) {}", rule.label(), rule.section(), rule.text())
}

/// What follows from a rule, as one word or an event's or error's name.
pub(super) fn effect(rule: Rule) -> &'static str {
    match rule.effect() {
        Effect::Event(code) => code.name(),
        Effect::Command(error) => error.name(),
        Effect::Silent => "silent",
        Effect::Ignored => "ignored",
        Effect::Decision => "decision",
        Effect::Global => "global",
        Effect::Operation(error) => error.name(),
    }
}

pub(super) fn stage(stage: Stage) -> u8 {
    match stage {
        Stage::One => 1,
        Stage::Two => 2,
    }
}

/// What stage 2 translates, as the CLASS field calls it.
pub(super) fn class(class: Class) -> &'static str {
    match class {
        Class::Cd => "CD",
        Class::TableWalk(Direction::Read) => "TT",
        Class::TableWalk(Direction::Write) => "TT update",
        Class::Input => "IN",
    }
}

/// ` of ECMDQ page=0 queue=1`; nothing for the Command queue itself.
pub(super) fn of_queue(queue: CommandQueue) -> String {
    match queue {
        CommandQueue::Main => String::new(),
        CommandQueue::Enhanced(id) => format!(" of ECMDQ {id}"),
    }
}

/// The bytes as a hexadecimal number of the same length, the last byte first: as a little-endian value reads.
pub(super) fn little_endian(bytes: &[u8]) -> String {
    let mut text = String::from("0x");
    for byte in bytes.iter().rev() {
        write!(text, "{byte:02x}").expect("writing to a String works");
    }
    text
}

/// `4 KiB`, `2 MiB`.
pub(super) fn size(log2: u8) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let unit = UNITS.get(usize::from(log2 / 10)).unwrap_or(&"EiB");
    format!("{} {unit}", 1u32 << (log2 % 10))
}
