//! What happens in virtual machines, for people and for programs.

use std::fmt::Write;

use serde_json::{Map, Value, json};
use smmu_model::features::{FIELDS, Field};
use smmu_model::layout::event::EventRecord;

use crate::errno::Errno;
use crate::iommufd::uapi::iommu_hwpt_pgfault;
use crate::output::hex;
use crate::trace::words;
use crate::vmm::{Call, Installed, Note, Offer};

/// One thing that happened in a virtual machine.
#[derive(Debug)]
pub enum VmHappening<'a> {
    /// Somebody begins to do something.
    Act(&'a VmAct),
    /// The monitor has something to say.
    Note(&'a Note),
    /// The monitor has decided what its guest is shown.
    Offer(&'a Offer),
    /// The guest has found an event record.
    Event([u64; 4]),
    /// The guest has found a page fault.
    Fault(&'a iommu_hwpt_pgfault),
    /// What was begun ended so.
    Ended(&'a VmEnd<'a>),
}

/// Who does something in a virtual machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Actor {
    /// The monitor.
    Vmm,
    /// The guest's driver.
    Guest,
    /// A processor of the guest by itself.
    Vcpu,
}

/// What somebody begins to do.
#[derive(Clone, Debug)]
pub struct VmAct {
    /// Who.
    pub actor: Actor,
    /// What, in the word of scenarios.
    pub verb: &'static str,
    /// Names of what it is about.
    pub about: Vec<String>,
    /// Numbers that go with it; those that are 0 are not shown.
    pub numbers: Vec<(&'static str, u64)>,
}

/// How a step of a virtual machine ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum VmEnd<'a> {
    /// It gives this number.
    Value(u64),
    /// These pages are dirty.
    Dirty(&'a [u64]),
    /// It fails; of a monitor, with the call that the kernel refused.
    Failed(Errno, Option<Call>),
    /// The monitor refuses.
    Declined(&'a str),
    /// An access is aborted.
    Aborted,
}

impl Actor {
    /// The name in traces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vmm => "vmm",
            Self::Guest => "guest",
            Self::Vcpu => "vcpu",
        }
    }
}

/// One happening for people.
pub(super) fn line(happening: &VmHappening<'_>) -> String {
    match happening {
        VmHappening::Act(VmAct { actor, verb, about, numbers }) => {
            let mut text = format!("{}: {verb}", actor.name());
            for name in about {
                write!(text, " {name}").expect("writing to a String works");
            }
            for (name, value) in numbers.iter().filter(|(_, value)| *value != 0) {
                write!(text, " {name}={value:#x}").expect("writing to a String works");
            }
            text
        }
        VmHappening::Note(note) => format!("vmm: {note}"),
        VmHappening::Offer(offer) => {
            let shown: Vec<String> =
                shown_fields(offer).map(|(field, value)| format!("{}={value:#x}", field.name)).collect();
            format!("vmm: shows {}; vIOMMU flags {:#x}", shown.join(" "), offer.viommu_flags)
        }
        VmHappening::Event(record) => {
            let record = EventRecord(*record);
            let (name, table) = words::record(record);
            format!("guest: finds {}", words::named(&name, &words::fields(table, &record.0)))
        }
        VmHappening::Fault(fault) => {
            let iommu_hwpt_pgfault { flags, dev_id, pasid, grpid, perm, addr, .. } = fault;
            let pasid = if flags & 1 != 0 { format!(", PASID {pasid:#x}") } else { String::new() };
            format!(
                "guest: finds a page fault of {dev_id:#x}{pasid}, group {grpid}, perm {perm:#x}, at {addr:#x}"
            )
        }
        VmHappening::Ended(end) => match end {
            VmEnd::Value(value) => format!("gets {value:#x}"),
            VmEnd::Dirty([]) => "finds nothing dirty".to_owned(),
            VmEnd::Dirty(pages) => {
                let pages: Vec<String> = pages.iter().map(u64::to_string).collect();
                format!("finds dirty {}", pages.join(" "))
            }
            VmEnd::Failed(errno, None) => format!("fails with {errno}"),
            VmEnd::Failed(errno, Some(call)) => format!("cannot go on: {call} ends with {errno}"),
            VmEnd::Declined(why) => format!("does not go on: {why}"),
            VmEnd::Aborted => "is aborted".to_owned(),
        },
    }
}

/// One happening for programs.
pub(super) fn json(vm: &str, happening: &VmHappening<'_>) -> Value {
    match happening {
        VmHappening::Act(VmAct { actor, verb, about, numbers }) => {
            let numbers = numbers.iter().map(|(name, value)| ((*name).to_owned(), hex(*value)));
            let numbers: Map<_, _> = numbers.collect();
            json!({
                "type": "vm-act", "vm": vm, "actor": actor.name(), "verb": verb, "about": about, "numbers": numbers,
            })
        }
        VmHappening::Note(note) => {
            let (kind, details) = details(note);
            json!({ "type": "vm-note", "vm": vm, "note": kind, "details": details, "text": note.to_string() })
        }
        VmHappening::Offer(offer) => {
            let Offer { idr, iidr, aidr, viommu_flags } = **offer;
            let fields = shown_fields(offer).map(|(field, value)| (field.name.to_owned(), hex(value)));
            json!({
                "type": "vm-offer", "vm": vm, "idr": idr.map(|word| hex(u64::from(word))),
                "iidr": hex(u64::from(iidr)), "aidr": hex(u64::from(aidr)),
                "fields": fields.collect::<Map<_, _>>(), "viommu_flags": hex(u64::from(viommu_flags)),
            })
        }
        VmHappening::Event(record) => {
            let record = EventRecord(*record);
            let (name, fields) = super::json::named_record(record);
            let words = super::json::record_words(record);
            json!({ "type": "vm-event", "vm": vm, "name": name, "words": words, "fields": fields })
        }
        VmHappening::Fault(fault) => json!({
            "type": "vm-fault", "vm": vm, "stream": fault.dev_id,
            "pasid": (fault.flags & 1 != 0).then_some(fault.pasid), "group": fault.grpid, "perm": fault.perm,
            "address": hex(fault.addr),
        }),
        VmHappening::Ended(end) => ended(vm, end),
    }
}

/// The fields of ID registers that the guest is shown as something other than 0.
fn shown_fields(offer: &Offer) -> impl Iterator<Item = (&'static Field, u64)> {
    let ids = offer.ids();
    let fields = FIELDS.iter().filter(|field| !field.is_register());
    let valued = fields.map(move |field| (field, ids.field(field.name).expect("it is a field")));
    valued.filter(|(_, value)| *value != 0)
}

fn ended(vm: &str, end: &VmEnd<'_>) -> Value {
    let kind = match end {
        VmEnd::Value(_) => "value",
        VmEnd::Dirty(_) => "dirty",
        VmEnd::Failed(..) => "failed",
        VmEnd::Declined(_) => "declined",
        VmEnd::Aborted => "aborted",
    };
    let mut object = json!({ "type": "vm-end", "vm": vm, "end": kind });
    match end {
        VmEnd::Value(value) => object["value"] = hex(*value),
        VmEnd::Dirty(pages) => object["pages"] = json!(pages),
        VmEnd::Failed(errno, call) => {
            object["errno"] = json!(errno.name());
            object["call"] = json!(call.map(Call::name));
        }
        VmEnd::Declined(why) => object["why"] = json!(why),
        VmEnd::Aborted => {}
    }
    object
}

/// The kind of a note, and what it says.
fn details(note: &Note) -> (&'static str, Value) {
    match note {
        Note::Call { call, on, result } => {
            let errno = result.err().map(Errno::name);
            ("call", json!({ "call": call.name(), "on": on, "result": result.ok(), "errno": errno }))
        }
        Note::Unlawful(violation) => ("unlawful", json!({ "violation": violation.to_string() })),
        Note::Command { words, fate } => {
            ("command", json!({ "command": super::json::shown_command(*words), "fate": fate.to_string() }))
        }
        Note::Stopped(error) => ("stopped", json!({ "error": error.name() })),
        Note::Regime(regime) => ("regime", json!({ "regime": regime.to_string() })),
        Note::Ste { stream, installed } => {
            ("ste", json!({ "stream": stream, "installed": shown(installed) }))
        }
        Note::SteUnchanged { stream } => ("ste-unchanged", json!({ "stream": stream })),
        Note::SteBits { stream, dropped } => {
            ("ste-bits", json!({ "stream": stream, "dropped": dropped.map(hex) }))
        }
        Note::Event { record, source } => {
            let (name, fields) = super::json::named_record(*record);
            let words = super::json::record_words(*record);
            let source = source.to_string();
            ("event", json!({ "name": name, "words": words, "fields": fields, "source": source }))
        }
        Note::EventsLost { sequence } => ("events-lost", json!({ "sequence": sequence })),
    }
}

fn shown(installed: &Installed) -> Value {
    match installed {
        Installed::Nested { hwpt, words } => {
            json!({ "kind": "nested", "hwpt": hwpt, "words": words.map(hex) })
        }
        Installed::Abort => json!({ "kind": "abort" }),
        Installed::NoSte(_) => json!({ "kind": "no-ste" }),
        Installed::Refused(errno) => json!({ "kind": "refused", "errno": errno.name() }),
        Installed::Bypass => json!({ "kind": "bypass" }),
    }
}
