//! The kernel level for people.

use std::fmt::Write;

use smmu_model::layout::event::EventRecord;
use smmu_model::layout::names::STE;

use super::{Call, CallEnd, DeviceEnd, FieldValue, KernelHappening};
use crate::iommufd::uapi::{Layout, iommu_hwpt_pgfault};
use crate::kernel::Direction;
use crate::scenario::{CallData, End, GuestStructure, HW_INFO, field_name, get};
use crate::trace::words;

/// Who did it, and what.
pub(in crate::trace) fn line<'a>(happening: &KernelHappening<'a>) -> (&'a str, String) {
    match *happening {
        KernelHappening::Started { process } => (process, "starts".to_owned()),
        KernelHappening::Exited { process } => (process, "exits".to_owned()),
        KernelHappening::Limited { process, memlock, descriptors } => {
            let memlock = memlock.map(|bytes| format!(" RLIMIT_MEMLOCK={bytes:#x}"));
            let descriptors = descriptors.map(|count| format!(" RLIMIT_NOFILE={count}"));
            let limits = [memlock, descriptors].into_iter().flatten().collect::<String>();
            (process, format!("has other limits:{limits}"))
        }
        KernelHappening::Called { process, call } => (process, called(call)),
        KernelHappening::Returned { end, .. } => ("kernel", returned(end)),
        KernelHappening::Poked { process, at, bytes, structures, faulted } => {
            let end = if faulted { ", which faults" } else { "" };
            let shown = structures.iter().map(|GuestStructure { name, fields, words }| {
                format!("{name} {}", in_braces(&words::fields(fields, words)))
            });
            let shown =
                shown.reduce(|all, next| format!("{all}; {next}")).unwrap_or_else(|| shown_bytes(bytes));
            (process, format!("writes {shown} at {at:#x}{end}"))
        }
        KernelHappening::Peeked { process, at, bytes: Some(bytes) } => {
            (process, format!("reads {} at {at:#x}", words::little_endian(bytes)))
        }
        KernelHappening::Peeked { process, at, bytes: None } => {
            (process, format!("reads at {at:#x}, which faults"))
        }
        KernelHappening::Access { device, pasid, direction, address, bytes } => {
            let verb = match direction {
                Direction::Read => "reads",
                Direction::Write => "writes",
            };
            let unit = if bytes == 1 { "byte" } else { "bytes" };
            let pasid = pasid.map_or(String::new(), |pasid| format!(", PASID {pasid:#x}"));
            (device, format!("{verb} {bytes} {unit} at {address:#x}{pasid}"))
        }
        KernelHappening::AccessEnded { device, end } => (device, ended(end)),
        KernelHappening::Vm { vm, happening } => (vm, super::stack::line(happening)),
        KernelHappening::Logged { record } => ("kernel", format!("logs {}", shown_record(record))),
        KernelHappening::Readable { queue, id } => {
            ("kernel", format!("has something to read in {} {id}", queue.name()))
        }
        KernelHappening::StallsEnded { count: 1 } => ("smmu", "has ended a stalled access".to_owned()),
        KernelHappening::StallsEnded { count } => ("smmu", format!("has ended {count} stalled accesses")),
    }
}

fn called(call: &Call) -> String {
    let Call { name, path, fd, fields, data } = call;
    let mut text = name.clone();
    if let Some(path) = path {
        write!(text, " {path}").expect("writing to a String works");
    }
    if let Some(fd) = fd {
        write!(text, " on {fd}").expect("writing to a String works");
    }
    words::named(&text, &with_data(fields, data.as_ref()))
}

fn returned(end: &CallEnd) -> String {
    let CallEnd { result, fields, data } = end;
    let changed = with_data(fields, data.as_ref());
    match result {
        Ok(value) => words::named(&format!("returns {}", number(*value)), &changed),
        Err((errno, check)) => {
            let because =
                check.map_or(String::new(), |check| format!(" by {}: {}", check.label(), check.text()));
            let changed = if changed.is_empty() { changed } else { format!(" [{changed}]") };
            format!("refuses with {errno}{because}{changed}")
        }
    }
}

fn with_data(fields: &[FieldValue], data: Option<&CallData>) -> String {
    let mut parts: Vec<String> = fields.iter().map(field).collect();
    parts.extend(data.map(shown_data).filter(|text| !text.is_empty()));
    parts.join(" ")
}

fn field(FieldValue { name, value, words }: &FieldValue) -> String {
    match words {
        Some(words) => format!("{name}={words}"),
        None => format!("{name}={}", number(*value)),
    }
}

fn number(value: u64) -> String {
    if value < 10 { value.to_string() } else { format!("{value:#x}") }
}

/// What lies behind a pointer, or comes out of a queue.
fn shown_data(data: &CallData) -> String {
    let each = |parts: Vec<String>| parts.join("; ");
    match data {
        CallData::Bytes(bytes) => shown_bytes(bytes),
        CallData::Ste(ste) => {
            format!("STE {}", in_braces(&words::fields(STE, &[ste[0], ste[1], 0, 0, 0, 0, 0, 0])))
        }
        CallData::Commands(commands) => {
            each(commands.iter().map(|command| shown_command(*command)).collect())
        }
        CallData::Ranges(ranges) => {
            let shown = ranges.iter().map(|(first, last)| format!("{first:#x}..={last:#x}"));
            shown.collect::<Vec<_>>().join(" ")
        }
        CallData::HwInfo(bytes) => {
            let set = HW_INFO.iter().map(|field| (field.name, get(bytes, field)));
            let set =
                set.filter(|(_, value)| *value != 0).map(|(name, value)| format!("{name}={}", number(value)));
            in_braces(&set.collect::<Vec<_>>().join(" "))
        }
        CallData::Dirty(pages) if pages.is_empty() => "nothing dirty".to_owned(),
        CallData::Dirty(pages) => {
            let pages: Vec<String> = pages.iter().map(u64::to_string).collect();
            format!("dirty {}", pages.join(" "))
        }
        CallData::Faults(faults) => each(faults.iter().map(|fault| shown_fault(fault)).collect()),
        CallData::Responses(responses) => {
            let shown = responses.iter().map(|(cookie, code)| format!("cookie={cookie} code={code}"));
            each(shown.collect())
        }
        CallData::Events(events) => {
            let shown = events.iter().map(|event| match event.record {
                Some(record) => format!("event {}, {}", event.sequence, shown_record(EventRecord(record))),
                None => format!("events lost up to {}", event.sequence),
            });
            each(shown.collect())
        }
    }
}

fn shown_command(command: [u64; 2]) -> String {
    let (name, table) = words::command(command);
    let fields = words::fields(table, &command);
    if fields.is_empty() { name } else { format!("{name} {}", in_braces(&fields)) }
}

fn shown_fault(bytes: &[u8]) -> String {
    let fields = iommu_hwpt_pgfault::FIELDS.iter().map(|field| (field_name(field), get(bytes, field)));
    let set =
        fields.filter(|(_, value)| *value != 0).map(|(name, value)| format!("{name}={}", number(value)));
    format!("fault {}", in_braces(&set.collect::<Vec<_>>().join(" ")))
}

fn shown_record(record: EventRecord) -> String {
    let (name, table) = words::record(record);
    words::named(&name, &words::fields(table, &record.0))
}

fn in_braces(fields: &str) -> String {
    format!("{{{fields}}}")
}

/// Up to eight bytes as a number, else as they lie in memory.
fn shown_bytes(bytes: &[u8]) -> String {
    if bytes.len() <= 8 { words::little_endian(bytes) } else { crate::hex::digits(bytes) }
}

fn ended(end: &DeviceEnd) -> String {
    let DeviceEnd { end, rule, data } = end;
    let because = rule.map_or(String::new(), |rule| format!(" by {}", words::rule(rule)));
    match end {
        End::Ok if data.is_empty() => "succeeds".to_owned(),
        End::Ok => format!("gets {}", shown_bytes(data)),
        End::Abort => format!("is aborted{because}"),
        End::RazWi => format!("is completed as RAZ/WI{because}"),
        End::Stall => format!("is stalled{because}"),
        End::ExternalAbort | End::NotGranted => end.name().to_owned(),
    }
}
