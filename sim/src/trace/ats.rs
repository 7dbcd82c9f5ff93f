//! ATS and PRI in both formats: what devices ask, what they get, and what the SMMU sends them (§3.9.1, §8). And what
//! it may fetch ahead of them (§3.21.1).

use std::fmt::Write;

use serde_json::{Value, json};
use smmu_model::ats::{
    AtsEntry, AtsReply, AtsRequest, Completion, InvalidateRequest, Invalidated, PageRequest, PrgResponse,
};
use smmu_model::command::Prefetch;
use smmu_model::hint::{Anticipated, PageHint};
use smmu_model::ids::{StreamId, SubstreamId};
use smmu_model::layout::names::PRI;
use smmu_model::layout::pri::PriRecord;
use smmu_model::transaction::Privilege;

use super::words;
use crate::output::hex;

/// `StreamID=0x10 SubstreamID=0x3`.
fn who(stream: StreamId, substream: Option<SubstreamId>) -> String {
    let mut text = format!("StreamID={stream}");
    if let Some(substream) = substream {
        write!(text, " SubstreamID={substream}").expect("writing to a String works");
    }
    text
}

/// The letters of the permissions, `RWX`, or `nothing`.
fn letters(permissions: [(bool, &str); 3]) -> String {
    let letters: String = permissions.iter().filter(|(given, _)| *given).map(|(_, letter)| *letter).collect();
    if letters.is_empty() { "nothing".to_owned() } else { letters }
}

/// The permissions of an entry, `RWX`.
pub(crate) fn permissions(entry: &AtsEntry) -> String {
    letters([(entry.read, "R"), (entry.write, "W"), (entry.execute, "X")])
}

pub(super) fn request_text(request: &AtsRequest) -> String {
    let AtsRequest { stream, substream, address, units, no_write, execute, privilege } = *request;
    let mut text = format!("asks for the translation of {address}");
    if units > 1 {
        write!(text, ", {units} units").expect("writing to a String works");
    }
    write!(text, ": {}", who(stream, substream)).expect("writing to a String works");
    for (given, word) in [
        (no_write, ", no write"),
        (execute, ", execute"),
        (privilege == Privilege::Privileged, ", privileged"),
    ] {
        text.push_str(if given { word } else { "" });
    }
    text
}

pub(super) fn reply_text(reply: &AtsReply) -> String {
    let because = reply.rule.map_or(String::new(), |rule| format!(" by {}", words::rule(rule)));
    format!("gets {}{because}", completion_text(&reply.completion))
}

fn entry_text(entry: &AtsEntry) -> String {
    let size = words::size(entry.size_log2);
    if !(entry.read || entry.write || entry.execute) {
        return format!("no access to {}, {size}", entry.input);
    }
    format!("{} for {} at {:#x}, {size}", permissions(entry), entry.input, entry.output)
}

pub(super) fn used_text(entry: &AtsEntry) -> String {
    format!("has in its ATC {}", entry_text(entry))
}

/// A completion as a device sees it.
pub(super) fn completion_text(completion: &Completion) -> String {
    match completion {
        Completion::UnsupportedRequest => "Unsupported Request".to_owned(),
        Completion::CompleterAbort => "Completer Abort".to_owned(),
        Completion::Success(entries) => {
            let entries: Vec<String> = entries.iter().map(entry_text).collect();
            entries.join("; ")
        }
    }
}

pub(super) fn page_request_text(request: &PageRequest) -> String {
    let PageRequest { stream, substream, address, prg_index, last, read, write, execute, privilege } =
        *request;
    let verb = if request.is_stop_marker() { "stops its page requests" } else { "requests the page" };
    let wanted = letters([(read, "R"), (write, "W"), (execute, "X")]);
    let mut text = format!("{verb} {address} for {wanted}: {}, group {prg_index:#x}", who(stream, substream));
    if request.is_stop_marker() {
        text = format!("{verb}: {}, group {prg_index:#x}", who(stream, substream));
    }
    for (given, word) in [(last, ", last"), (privilege == Privilege::Privileged, ", privileged")] {
        text.push_str(if given { word } else { "" });
    }
    text
}

/// What a device expects to do, with privilege or without.
fn anticipated(accesses: Anticipated) -> String {
    letters([(accesses.read, "R"), (accesses.write, "W"), (accesses.execute, "X")])
}

pub(super) fn hint_text(hint: &PageHint) -> String {
    let PageHint { stream, substream, address, pages, privileged, unprivileged } = *hint;
    format!(
        "hints at {pages:#x} pages from {address}, {} with privilege, {} without: {}",
        anticipated(privileged),
        anticipated(unprivileged),
        who(stream, substream)
    )
}

pub(super) fn record_text(record: PriRecord) -> String {
    words::fields(PRI, &record.0)
}

pub(super) fn invalidated_text(request: &InvalidateRequest, end: Invalidated) -> String {
    let InvalidateRequest { stream, substream, global, address, log2_span_bytes } = *request;
    let span = if log2_span_bytes == 64 {
        "all addresses".to_owned()
    } else {
        format!("{address:#x}, {}", words::size(log2_span_bytes))
    };
    let global = if global { ", global" } else { "" };
    let end = match end {
        Invalidated::Completed => "completed",
        Invalidated::Unsupported => "Unsupported Request",
        Invalidated::TimedOut => "no answer in time",
    };
    format!("invalidates {span} in the ATC of {}{global}: {end}", who(stream, substream))
}

pub(super) fn response_text(response: &PrgResponse) -> String {
    let PrgResponse { stream, substream, prg_index, code } = *response;
    format!("answers group {prg_index:#x} of {}: {}", who(stream, substream), code.name())
}

/// The SMMU may fetch ahead.
pub(super) fn fetch_ahead_text(expected: &Prefetch) -> String {
    let address = expected.addresses.map_or(String::new(), |addresses| format!(", {}", addresses.first));
    format!("may fetch ahead: {}{address}", who(expected.stream, expected.substream))
}

pub(super) fn fetch_ahead_json(expected: &Prefetch) -> Value {
    json!({
        "type": "may-fetch-ahead",
        "stream": expected.stream.0,
        "substream": expected.substream.map(|substream| substream.0),
        "address": expected.addresses.map(|addresses| hex(addresses.first.value())),
    })
}

pub(super) fn request_json(device: &str, request: &AtsRequest) -> Value {
    let AtsRequest { stream, substream, address, units, no_write, execute, privilege } = *request;
    json!({
        "type": "ats-request",
        "device": device,
        "stream": stream.0,
        "substream": substream.map(|substream| substream.0),
        "address": hex(address.value()),
        "units": units,
        "no_write": no_write,
        "execute": execute,
        "privileged": privilege == Privilege::Privileged,
    })
}

pub(super) fn reply_json(device: &str, reply: &AtsReply, rules: &[&str]) -> Value {
    let (status, entries) = match &reply.completion {
        Completion::Success(entries) => ("success", entries.as_slice()),
        Completion::UnsupportedRequest => ("ur", &[][..]),
        Completion::CompleterAbort => ("ca", &[][..]),
    };
    let entries: Vec<Value> = entries.iter().map(entry_json).collect();
    json!({
        "type": "ats-reply",
        "device": device,
        "status": status,
        "entries": entries,
        "rule": reply.rule.map(|rule| rule.label()),
        "section": reply.rule.map(|rule| rule.section()),
        "rules": rules,
    })
}

pub(super) fn entry_json(entry: &AtsEntry) -> Value {
    let AtsEntry { input, output, size_log2, read, write, execute, privilege } = *entry;
    json!({
        "input": hex(input.value()),
        "output": hex(output),
        "size_log2": size_log2,
        "read": read,
        "write": write,
        "execute": execute,
        "privileged": privilege == Privilege::Privileged,
    })
}

pub(super) fn page_request_json(device: &str, request: &PageRequest) -> Value {
    let PageRequest { stream, substream, address, prg_index, last, read, write, execute, privilege } =
        *request;
    json!({
        "type": "page-request",
        "device": device,
        "stream": stream.0,
        "substream": substream.map(|substream| substream.0),
        "address": hex(address.value()),
        "group": prg_index,
        "last": last,
        "read": read,
        "write": write,
        "execute": execute,
        "privileged": privilege == Privilege::Privileged,
    })
}

pub(super) fn hint_json(device: &str, hint: &PageHint) -> Value {
    let PageHint { stream, substream, address, pages, privileged, unprivileged } = *hint;
    let anticipated = |Anticipated { read, write, execute }: Anticipated| json!({ "read": read, "write": write, "execute": execute });
    json!({
        "type": "page-hint",
        "device": device,
        "stream": stream.0,
        "substream": substream.map(|substream| substream.0),
        "address": hex(address.value()),
        "pages": pages,
        "privileged": anticipated(privileged),
        "unprivileged": anticipated(unprivileged),
    })
}

pub(super) fn invalidated_json(request: &InvalidateRequest, end: Invalidated) -> Value {
    let InvalidateRequest { stream, substream, global, address, log2_span_bytes } = *request;
    json!({
        "type": "invalidated",
        "stream": stream.0,
        "substream": substream.map(|substream| substream.0),
        "global": global,
        "address": hex(address),
        "span_log2": log2_span_bytes,
        "end": match end {
            Invalidated::Completed => "completed",
            Invalidated::Unsupported => "unsupported",
            Invalidated::TimedOut => "timed-out",
        },
    })
}

pub(super) fn response_json(response: &PrgResponse) -> Value {
    let PrgResponse { stream, substream, prg_index, code } = *response;
    json!({
        "type": "prg-response",
        "stream": stream.0,
        "substream": substream.map(|substream| substream.0),
        "group": prg_index,
        "code": code.name(),
    })
}
