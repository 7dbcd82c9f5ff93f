//! The trace for programs: one JSON object per line. `docs/trace-json.md` is its schema.
//!
//! Addresses, register values and raw words are `"0x…"` strings; what else counts is a plain number.

use serde_json::{Map, Value, json};
use smmu_model::ids::CommandQueue;
use smmu_model::layout::names::{self, Field};
use smmu_model::layout::pri::PriRecord;
use smmu_model::outcome::Outcome;
use smmu_model::rule::Rule;
use smmu_model::trace::Event;
use smmu_model::transaction::{AddressType, Direction, Privilege, Purpose, Transaction};

use super::descriptor::DescriptorKind;
use super::{Happening, Listener, StaleUse, ats, kernel, words};
use crate::dvm::Operands;
use crate::output::hex;
use crate::scenario::{Answer, Backing, End, Place, Store};

/// Collects the JSON lines of a run.
#[derive(Clone, Debug, Default)]
pub struct JsonTrace {
    lines: String,
}

impl JsonTrace {
    /// Adds a line.
    pub fn note(&mut self, line: &Value) {
        self.lines.push_str(&line.to_string());
        self.lines.push('\n');
    }

    /// The lines so far.
    pub fn into_lines(self) -> String {
        self.lines
    }
}

impl Listener for JsonTrace {
    fn hear(&mut self, happening: Happening<'_>) {
        let line = match happening {
            Happening::Step { line, text, loops } => {
                json!({ "type": "step", "line": line, "text": text, "loops": loops })
            }
            Happening::Stored { stores, .. } => {
                json!({ "type": "store", "stores": stores.iter().map(store).collect::<Vec<_>>() })
            }
            Happening::Written { at, bytes, aborted } => {
                json!({ "type": "write", "at": hex(at), "bytes": digits(bytes), "aborted": aborted })
            }
            Happening::Racing { at, value } => {
                json!({ "type": "race", "at": hex(at), "value": hex(value) })
            }
            Happening::Loaded { at, bytes } => {
                json!({ "type": "read", "at": hex(at), "bytes": bytes.map(digits), "aborted": bytes.is_none() })
            }
            Happening::Region { first, last, backing } => {
                let backing = match backing {
                    Backing::Ram => "ram",
                    Backing::ReadOnly => "read-only",
                    Backing::NoAtomics => "no-atomics",
                    Backing::Abort => "abort",
                };
                json!({ "type": "region", "first": hex(first), "last": hex(last), "backing": backing })
            }
            Happening::RegisterWrite { place, value } => register("register-write", place, Some(value)),
            Happening::RegisterRead { place, value } => register("register-read", place, value),
            Happening::RegisterAborted => json!({ "type": "register-abort" }),
            Happening::CommandStored { queue, index, words } => {
                command("command-stored", queue, index, words)
            }
            Happening::RecordTaken { index, record } => record_line("record-taken", index, record),
            Happening::Broadcast(tlbi) => {
                let Operands { vmid, asid, address, bytes, e2h } = tlbi.operands;
                json!({
                    "type": "broadcast", "tlbi": tlbi.operation, "vmid": vmid, "asid": asid,
                    "address": address.map(hex), "bytes": bytes, "e2h": e2h,
                })
            }
            Happening::SyncBroadcasts => json!({ "type": "broadcast-sync" }),
            Happening::MayFetchAhead(expected) => ats::fetch_ahead_json(expected),
            Happening::Reset => json!({ "type": "reset" }),
            Happening::Access { device, transaction, speculative, length } => {
                access_line(Some(device), transaction, speculative, Some(length))
            }
            Happening::AtsAsked { device, request } => ats::request_json(device, request),
            Happening::AtsAnswered { device, reply, rules } => ats::reply_json(device, reply, &labels(rules)),
            Happening::AtcUsed { device, entry } => {
                json!({ "type": "atc-hit", "device": device, "entry": ats::entry_json(entry) })
            }
            Happening::PageAsked { device, request } => ats::page_request_json(device, request),
            Happening::PageHinted { device, hint } => ats::hint_json(device, hint),
            Happening::PageRequestTaken { index, record } => page_record("page-record-taken", index, record),
            Happening::Model(event) => event_line(event),
            Happening::Stale(stale) => stale_line(stale, "line"),
            Happening::Ended { device, answer, rules } => ended_line(Some(device), answer, rules),
            Happening::Kernel(happening) => kernel::json(happening),
            Happening::Failed { problem, sources } => json!({
                "type": "failure",
                "file": sources.get(problem.span.file).name,
                "line": sources.line(problem.span),
                "message": problem.message,
                "found": problem.label,
                "help": problem.help,
            }),
        };
        self.note(&line);
    }
}

fn labels(rules: &[Rule]) -> Vec<&'static str> {
    rules.iter().map(|rule| rule.label()).collect()
}

fn words_hex(words: &[u64]) -> Value {
    words.iter().copied().map(hex).collect()
}

/// The bytes as they lie in memory, two digits each.
fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn fields(table: &[Field], words: &[u64]) -> Value {
    let fields: Map<String, Value> = words::set_fields(table, words)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), hex(value)))
        .collect();
    Value::Object(fields)
}

fn store(store: &Store) -> Value {
    let Store { what, at, words, fields: table } = store;
    json!({ "what": what, "at": hex(*at), "words": words_hex(words), "fields": fields(table, words) })
}

fn register(kind: &str, place: Place, value: Option<u64>) -> Value {
    let fields_in = |value| match place.register {
        Some(register) => fields(names::register_fields_in(register.name(), value), &[value]),
        None => fields(&[], &[value]),
    };
    json!({
        "type": kind,
        "register": place.register.map(|register| register.to_string()),
        "offset": hex(place.offset),
        "bytes": place.size_bytes,
        "value": value.map(hex),
        "fields": value.map(fields_in),
    })
}

fn command(kind: &str, queue: CommandQueue, index: u32, command: [u64; 2]) -> Value {
    let (name, table) = words::command(command);
    json!({
        "type": kind, "queue": queue_name(queue), "index": index, "name": name,
        "words": words_hex(&command), "fields": fields(table, &command),
    })
}

/// `CMDQ`, or `ECMDQ page=0 queue=1`.
fn queue_name(queue: CommandQueue) -> String {
    match queue {
        CommandQueue::Main => "CMDQ".to_owned(),
        CommandQueue::Enhanced(id) => format!("ECMDQ {id}"),
    }
}

fn record_line(kind: &str, index: u32, record: smmu_model::layout::event::EventRecord) -> Value {
    let (name, table) = words::record(record);
    json!({
        "type": kind, "index": index, "name": name, "words": words_hex(&record.0), "fields": fields(table, &record.0),
    })
}

fn page_record(kind: &str, index: u32, record: PriRecord) -> Value {
    json!({ "type": kind, "index": index, "words": words_hex(&record.0), "fields": fields(names::PRI, &record.0) })
}

/// How an access begins; what is explained alone has no device and no length.
pub(crate) fn access_line(
    device: Option<&str>,
    transaction: &Transaction,
    speculative: bool,
    length: Option<u32>,
) -> Value {
    let Transaction { stream, substream, address, access, address_type, attributes } = *transaction;
    json!({
        "type": "access",
        "device": device,
        "direction": match access.direction { Direction::Read => "read", Direction::Write => "write" },
        "stream": stream.0,
        "substream": substream.map(|substream| substream.0),
        "address": hex(address.value()),
        "length": length,
        "privileged": access.privilege == Privilege::Privileged,
        "instruction": access.purpose == Purpose::Instruction,
        "translated": address_type == AddressType::Translated,
        "speculative": speculative,
        "attributes": attributes.to_string(),
    })
}

/// How it ended.
pub(crate) fn ended_line(device: Option<&str>, answer: &Answer, rules: &[Rule]) -> Value {
    let translation = answer.translation.as_ref();
    json!({
        "type": "ended",
        "device": device,
        "end": answer.end.name(),
        "rule": answer.rule.map(|rule| rule.label()),
        "section": answer.rule.map(|rule| rule.section()),
        "pa": translation.map(|translation| hex(translation.pa.value())),
        "size_log2": translation.map(|translation| translation.size_log2),
        "attributes": translation.map(|translation| translation.attributes.to_string()),
        "data": digits(&answer.data),
        "stag": answer.stag.map(|stag| stag.0),
        "rules": labels(rules),
    })
}

/// The use of a stale entry; the history counts in `unit`s: lines of a scenario, or requests.
pub(crate) fn stale_line(stale: &StaleUse, unit: &str) -> Value {
    let StaleUse { entry, cached, changed, difference, invalidated } = *stale;
    json!({
        "type": "stale", "entry": words::cache_entry(entry),
        format!("cached_{unit}"): cached, format!("changed_{unit}"): changed,
        "at": difference.at.map(|at| hex(at.value())), "now": difference.now.map(hex),
        "needs": entry.removed_by().name(), "invalidated": invalidated,
    })
}

/// What happened in the SMMU, save the use of a stale entry, which has a history: [`stale_line`].
pub(crate) fn event_line(event: &Event) -> Value {
    match *event {
        Event::Rule(rule) => json!({
            "type": "rule", "label": rule.label(), "section": rule.section(), "effect": words::effect(rule), "text": rule.text(),
        }),
        Event::Choice { choice, answer } => json!({
            "type": "choice", "key": choice.key(), "section": choice.section(), "answer": choice.answers()[answer],
            "text": choice.answer_texts()[answer].trim_start(),
        }),
        Event::Structure { structure, at, words } => {
            let (name, table, count) = words::structure(structure);
            let words = &words[..count];
            json!({
                "type": "structure", "name": name, "at": hex(at.value()),
                "words": words_hex(words), "fields": fields(table, words),
            })
        }
        Event::Cached { entry, born } => json!({
            "type": "cached", "entry": words::cache_entry(entry), "born": born,
        }),
        Event::Stale { .. } => unreachable!("it comes with its history"),
        Event::Descriptor { stage, class, level, at, raw } => {
            let kind = DescriptorKind::of(level, raw);
            json!({
                "type": "descriptor", "stage": words::stage(stage), "class": class.map(words::class),
                "level": level, "at": hex(at.value()), "raw": hex(raw), "kind": kind.name(),
                "fields": fields(kind.fields(stage), &[raw]),
            })
        }
        Event::DescriptorUpdate { stage, at, raw } => json!({
            "type": "descriptor-update", "stage": words::stage(stage), "at": hex(at.value()), "raw": hex(raw),
        }),
        Event::Translated { stage, class, input, output, size_log2 } => json!({
            "type": "translated", "stage": words::stage(stage), "class": class.map(words::class),
            "input": hex(input), "output": hex(output), "size_log2": size_log2,
        }),
        Event::Command { queue, index, words } => command("command", queue, index, words),
        Event::CommandError { queue, error } => {
            json!({ "type": "command-error", "queue": queue_name(queue), "error": error.name() })
        }
        Event::StallEnded { stag, stream, outcome } => {
            let (end, anew) = match outcome {
                Outcome::Done(_) => (End::Ok, None),
                Outcome::Abort(_) => (End::Abort, None),
                Outcome::RazWi(_) => (End::RazWi, None),
                Outcome::Stalled { stag, .. } => (End::Stall, Some(stag.0)),
            };
            json!({ "type": "stall-ended", "stag": stag.0, "stream": stream.0, "end": end.name(), "anew": anew })
        }
        Event::Record { index, record } => record_line("record", index, record),
        Event::RegisterWrite { register, value } => json!({
            "type": "register-stored", "register": register.to_string(), "value": hex(value),
        }),
        Event::RegisterUpdate { register, value } => json!({
            "type": "register-update", "register": register.to_string(), "value": hex(value),
        }),
        Event::GlobalError { activated } => {
            let active = fields(names::register_fields("GERROR"), &[activated.into_bits().into()]);
            json!({ "type": "global-error", "activated": active })
        }
        Event::AddressTranslation { interface, par, rule } => json!({
            "type": "address-translation", "interface": interface.name(), "par": hex(par),
            "rule": rule.map(|rule| rule.label()),
            "fields": fields(names::register_fields_in("GATOS_PAR", par), &[par]),
        }),
        Event::Invalidated { request, end } => ats::invalidated_json(&request, end),
        Event::PageRequest { index, record } => page_record("page-record", index, record),
        Event::PrgResponse(response) => ats::response_json(&response),
        Event::WakeUp => json!({ "type": "wake-up" }),
        Event::Interrupt { source, msi } => json!({
            "type": "interrupt", "source": source.name(),
            "address": msi.map(|(address, _)| hex(address.value())),
            "data": msi.map(|(_, data)| data),
        }),
    }
}
