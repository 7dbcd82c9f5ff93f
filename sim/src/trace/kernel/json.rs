//! The kernel level for programs.

use serde_json::{Map, Value, json};
use smmu_model::layout::event::EventRecord;

use super::{Call, CallEnd, DeviceEnd, FieldValue, KernelHappening};
use crate::hex::digits;
use crate::iommufd::uapi::{Layout, iommu_hwpt_pgfault};
use crate::kernel::Direction;
use crate::output::hex;
use crate::scenario::{CallData, GuestStructure, HW_INFO, field_name, get};
use crate::trace::words;

/// The object of one happening.
pub(in crate::trace) fn json(happening: &KernelHappening<'_>) -> Value {
    match *happening {
        KernelHappening::Started { process } => json!({ "type": "process-start", "process": process }),
        KernelHappening::Exited { process } => json!({ "type": "process-exit", "process": process }),
        KernelHappening::Limited { process, memlock, descriptors } => json!({
            "type": "process-limits", "process": process, "memlock": memlock.map(hex), "descriptors": descriptors,
        }),
        KernelHappening::Called { process, call } => {
            let Call { name, path, fd, fields, data } = call;
            json!({
                "type": "call", "process": process, "call": name, "path": path, "fd": fd,
                "fields": field_values(fields), "data": data.as_ref().map(call_data),
            })
        }
        KernelHappening::Returned { process, call, end } => returned(process, call, end),
        KernelHappening::Poked { process, at, bytes, structures, faulted } => {
            let structures = structures.iter().map(|GuestStructure { name, fields, words }| {
                json!({ "name": name, "fields": set_fields(fields, words) })
            });
            json!({
                "type": "poke", "process": process, "at": hex(at), "bytes": digits(bytes),
                "structures": structures.collect::<Value>(), "faulted": faulted,
            })
        }
        KernelHappening::Peeked { process, at, bytes } => json!({
            "type": "peek", "process": process, "at": hex(at), "bytes": bytes.map(digits), "faulted": bytes.is_none(),
        }),
        KernelHappening::Access { device, pasid, direction, address, bytes } => {
            let direction = match direction {
                Direction::Read => "read",
                Direction::Write => "write",
            };
            json!({
                "type": "device-access", "device": device, "direction": direction, "pasid": pasid,
                "address": hex(address), "length": bytes,
            })
        }
        KernelHappening::AccessEnded { device, end } => {
            let DeviceEnd { end, rule, data } = end;
            json!({
                "type": "device-ended", "device": device, "end": end.name(), "rule": rule.map(|rule| rule.label()),
                "section": rule.map(|rule| rule.section()), "data": digits(data),
            })
        }
        KernelHappening::Vm { vm, happening } => super::stack::json(vm, happening),
        KernelHappening::Logged { record } => {
            let (name, fields) = named_record(record);
            json!({ "type": "logged", "name": name, "words": record_words(record), "fields": fields })
        }
        KernelHappening::Readable { queue, id } => {
            json!({ "type": "readable", "queue": queue.name(), "id": id })
        }
        KernelHappening::StallsEnded { count } => json!({ "type": "stalls-ended", "count": count }),
    }
}

fn returned(process: &str, call: &Call, end: &CallEnd) -> Value {
    let failure = end.result.err();
    json!({
        "type": "return",
        "process": process,
        "call": call.name,
        "ret": end.result.ok().map(hex),
        "errno": failure.map(|(errno, _)| errno.name()),
        "check": failure.and_then(|(_, check)| check).map(|check| check.label()),
        "fields": field_values(&end.fields),
        "data": end.data.as_ref().map(call_data),
    })
}

fn field_values(fields: &[FieldValue]) -> Value {
    fields.iter().map(|field| (field.name.to_owned(), hex(field.value))).collect::<Map<_, _>>().into()
}

/// An array of what the data consists of; raw bytes as digits.
fn call_data(data: &CallData) -> Value {
    match data {
        CallData::Bytes(bytes) => json!(digits(bytes)),
        CallData::Ste(words) => words.iter().copied().map(hex).collect(),
        CallData::Commands(commands) => commands.iter().map(|command| shown_command(*command)).collect(),
        CallData::Ranges(ranges) => {
            ranges.iter().map(|(first, last)| json!({ "start": hex(*first), "last": hex(*last) })).collect()
        }
        CallData::HwInfo(bytes) => {
            let fields = HW_INFO.iter().map(|field| (field.name.to_owned(), hex(get(bytes, field))));
            fields.collect::<Map<_, _>>().into()
        }
        CallData::Dirty(pages) => json!(pages),
        CallData::Faults(faults) => faults
            .iter()
            .map(|fault| {
                let fields = iommu_hwpt_pgfault::FIELDS.iter();
                let fields = fields.map(|field| (field_name(field).to_owned(), hex(get(fault, field))));
                Value::from(fields.collect::<Map<_, _>>())
            })
            .collect(),
        CallData::Responses(responses) => {
            responses.iter().map(|(cookie, code)| json!({ "cookie": cookie, "code": code })).collect()
        }
        CallData::Events(events) => events
            .iter()
            .map(|event| {
                let record = event.record.map(EventRecord);
                let named = record.map(named_record);
                json!({
                    "sequence": event.sequence, "name": named.as_ref().map(|(name, _)| name),
                    "words": record.map(record_words), "fields": named.as_ref().map(|(_, fields)| fields),
                })
            })
            .collect(),
    }
}

pub(super) fn shown_command(command: [u64; 2]) -> Value {
    let (name, table) = words::command(command);
    json!({
        "name": name, "words": command.iter().copied().map(hex).collect::<Value>(),
        "fields": set_fields(table, &command),
    })
}

pub(super) fn named_record(record: EventRecord) -> (String, Value) {
    let (name, table) = words::record(record);
    (name, set_fields(table, &record.0))
}

pub(super) fn record_words(record: EventRecord) -> Value {
    record.0.iter().copied().map(hex).collect()
}

fn set_fields(table: &[smmu_model::layout::names::Field], words: &[u64]) -> Value {
    let fields = words::set_fields(table, words).into_iter();
    fields.map(|(name, value)| (name.to_owned(), hex(value))).collect::<Map<_, _>>().into()
}
