//! The trace for people: one line per thing that happened, who did it first.

use std::fmt::Write;

use smmu_model::attributes::Attributes;
use smmu_model::choice::Choice;
use smmu_model::ids::CommandQueue;
use smmu_model::layout::names;
use smmu_model::outcome::Outcome;
use smmu_model::rule::Effect;
use smmu_model::trace::Event;
use smmu_model::transaction::{AddressType, Direction, Privilege, Purpose, Transaction};

use super::explain::{self, Evidence};
use super::{Happening, Listener, StaleUse, ats, kernel, words};
use crate::scenario::{Answer, Backing, End, Place, Store};

/// How much is said.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Verbosity {
    /// Only what did not hold.
    Quiet,
    /// What software, devices and the SMMU did.
    #[default]
    Normal,
    /// Besides, each step, each descriptor that was read or written, each rule and each choice.
    Verbose,
}

/// Collects the text of a run.
#[derive(Clone, Debug, Default)]
pub struct TextTrace {
    text: String,
    verbosity: Verbosity,
    explain: bool,
    /// Of the access that is on its way.
    evidence: Evidence,
}

impl TextTrace {
    /// A trace without any lines. With `explain`, each access that does not succeed says why.
    pub fn new(verbosity: Verbosity, explain: bool) -> Self {
        Self { text: String::new(), verbosity, explain, evidence: Evidence::default() }
    }

    /// Adds a line that belongs to nobody.
    pub fn note(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// The lines so far.
    pub fn into_text(self) -> String {
        self.text
    }

    fn line(&mut self, who: &str, what: &str) {
        if self.verbosity > Verbosity::Quiet {
            writeln!(self.text, "{who:<9} {what}").expect("writing to a String works");
        }
    }

    fn detail(&mut self, who: &str, what: &str) {
        if self.verbosity == Verbosity::Verbose {
            self.line(who, what);
        }
    }

    fn explanation(&mut self, sentences: Vec<String>) {
        if self.explain {
            for sentence in sentences {
                self.note(&format!("          {sentence}"));
            }
        }
    }

    fn step(&mut self, line: usize, text: &str, loops: &str) {
        if self.verbosity == Verbosity::Verbose {
            let with = if loops.is_empty() { String::new() } else { format!("  [{loops}]") };
            self.note(&format!("-- {line}: {text}{with}"));
        }
    }

    fn stored(&mut self, summary: &str, stores: &[Store]) {
        if !summary.is_empty() && self.verbosity < Verbosity::Verbose {
            self.line("software", &format!("stores {summary}"));
            return;
        }
        for Store { what, at, words, fields } in stores {
            let shown = if fields.is_empty() {
                words.iter().map(|word| format!("{word:#x}")).collect::<Vec<_>>().join(" ")
            } else {
                words::fields(fields, words)
            };
            self.line("software", &words::named(&format!("stores {what} at {at:#x}"), &shown));
        }
    }

    fn access(&mut self, device: &str, transaction: &Transaction, speculative: bool, length: u32) {
        let Transaction { stream, substream, address, access, address_type, attributes } = *transaction;
        let verb = match access.direction {
            Direction::Read => "reads",
            Direction::Write => "writes",
        };
        let bytes = if length == 1 { "byte" } else { "bytes" };
        let mut line = format!("{verb} {length} {bytes} at {address}: StreamID={stream}");
        if let Some(substream) = substream {
            write!(line, " SubstreamID={substream}").expect("writing to a String works");
        }
        if access.privilege == Privilege::Privileged {
            line.push_str(", privileged");
        }
        if access.purpose == Purpose::Instruction {
            line.push_str(", instruction");
        }
        if address_type == AddressType::Translated {
            line.push_str(", translated");
        }
        if speculative {
            line.push_str(", speculative");
        }
        if attributes != Attributes::INCOMING_DEFAULT {
            write!(line, ", {attributes}").expect("writing to a String works");
        }
        self.line(device, &line);
    }

    fn ended(&mut self, device: &str, answer: &Answer) {
        let because = answer.rule.map_or(String::new(), |rule| format!(" by {}", words::rule(rule)));
        let line = match (answer.end, &answer.translation) {
            (End::Ok, Some(translation)) => {
                let data = if answer.data.is_empty() {
                    String::new()
                } else {
                    format!(": {}", words::little_endian(&answer.data))
                };
                format!("reaches {}, {}{data}", translation.pa, translation.attributes)
            }
            (End::Ok, None) => "succeeds".to_owned(),
            (End::Abort, _) => format!("is aborted{because}"),
            (End::RazWi, _) => format!("is completed as RAZ/WI{because}"),
            (End::ExternalAbort, Some(translation)) => {
                format!("gets an external abort from {}", translation.pa)
            }
            (End::Stall, _) => {
                let name = answer.stag.map_or(String::new(), |stag| format!(" with STAG {stag}"));
                format!("is stalled{name}{because}")
            }
            (End::ExternalAbort, None) => "gets an external abort".to_owned(),
            (End::NotGranted, _) => format!("does not access: not granted{because}"),
        };
        self.line(device, &line);
    }

    fn command(&mut self, who: &str, verb: &str, queue: CommandQueue, index: u32, words: [u64; 2]) {
        let (name, table) = words::command(words);
        let (fields, of_queue) = (words::fields(table, &words), words::of_queue(queue));
        self.line(who, &words::named(&format!("{verb} command {index:#x}{of_queue}, {name}"), &fields));
    }

    fn model(&mut self, event: &Event) {
        match *event {
            Event::Rule(rule) => match rule.effect() {
                Effect::Ignored | Effect::Command(_) | Effect::Global => {
                    self.line("smmu", &format!("applies {}", words::rule(rule)));
                }
                Effect::Event(_) | Effect::Silent | Effect::Decision | Effect::Operation(_) => {
                    self.detail("smmu", &format!("applies {}", words::rule(rule)));
                }
            },
            Event::Choice { choice, answer } => self.choice(choice, answer),
            Event::Structure { structure, at, words } => {
                let (name, table, count) = words::structure(structure);
                let fields = words::fields(table, &words[..count]);
                self.line("smmu", &words::named(&format!("fetches {name} at {at}"), &fields));
            }
            Event::Cached { entry, .. } => {
                self.detail("smmu", &format!("uses a cached {}", words::cache_entry(entry)));
            }
            // It comes as `Happening::Stale`, with its history.
            Event::Stale { .. } => {}
            Event::Descriptor { stage, class, level, at, raw } => {
                let (stage, class) = (words::stage(stage), class.map_or(String::new(), for_class));
                self.detail(
                    "smmu",
                    &format!("reads stage {stage} level {level} descriptor at {at}{class}: {raw:#x}"),
                );
            }
            Event::DescriptorUpdate { stage, at, raw } => {
                let stage = words::stage(stage);
                self.line("smmu", &format!("updates stage {stage} descriptor at {at}: {raw:#x}"));
            }
            Event::Translated { stage, class, input, output, size_log2 } => {
                let (stage, class) = (words::stage(stage), class.map_or(String::new(), for_class));
                let size = words::size(size_log2);
                self.line(
                    "smmu",
                    &format!("translates {input:#x} to {output:#x} at stage {stage}{class}, {size}"),
                );
            }
            Event::Command { queue, index, words } => self.command("smmu", "consumes", queue, index, words),
            Event::CommandError { queue: CommandQueue::Main, error } => {
                self.line("smmu", &format!("stops the Command queue with {}", error.name()));
            }
            Event::CommandError { queue: CommandQueue::Enhanced(id), error } => {
                self.line("smmu", &format!("stops ECMDQ {id} with {}", error.name()));
            }
            Event::StallEnded { stag, stream, outcome } => {
                let line = match outcome {
                    Outcome::Stalled { stag: anew, .. } => {
                        format!("stalls {stag} of StreamID={stream} anew, as {anew}")
                    }
                    Outcome::Done(_) | Outcome::Abort(_) | Outcome::RazWi(_) => {
                        format!("ends stall {stag} of StreamID={stream}")
                    }
                };
                self.line("smmu", &line);
            }
            Event::Record { index, record } => {
                let (name, table) = words::record(record);
                let fields = words::fields(table, &record.0);
                self.line("smmu", &words::named(&format!("records event {index:#x}, {name}"), &fields));
            }
            // The line of software's own access says it already.
            Event::RegisterWrite { .. } => {}
            Event::RegisterUpdate { register, value } => {
                let fields = words::fields(names::register_fields(register.name()), &[value]);
                self.line("smmu", &words::named(&format!("updates {register} to {value:#x}"), &fields));
            }
            Event::GlobalError { activated } => {
                let fields = words::fields(names::register_fields("GERROR"), &[activated.into_bits().into()]);
                self.line("smmu", &format!("activates global errors: {fields}"));
            }
            Event::AddressTranslation { interface, par, rule } => {
                let par = words::fields(names::register_fields_in("GATOS_PAR", par), &[par]);
                let because = rule.map_or(String::new(), |rule| format!(", by {}", words::rule(rule)));
                self.line("smmu", &format!("finishes the {} operation: {par}{because}", interface.name()));
            }
            Event::Invalidated { request, end } => self.line("smmu", &ats::invalidated_text(&request, end)),
            Event::PageRequest { index, record } => {
                let fields = ats::record_text(record);
                self.line("smmu", &format!("records page request {index:#x}: {fields}"));
            }
            Event::PrgResponse(response) => self.line("smmu", &ats::response_text(&response)),
            Event::WakeUp => self.line("smmu", "sends a wake-up event"),
            Event::Interrupt { source, msi } => {
                let source = source.name();
                let how = match msi {
                    None => "by wire".to_owned(),
                    Some((address, data)) => format!("by message: {data:#x} to {address}"),
                };
                self.line("smmu", &format!("raises interrupt {source} {how}"));
            }
        }
    }

    /// An answer that is not the default is always said.
    fn choice(&mut self, choice: Choice, answer: usize) {
        let line = format!("chooses {}: {}", choice.key(), choice.answers()[answer]);
        if answer == 0 {
            self.detail("smmu", &line);
        } else {
            self.line("smmu", &line);
        }
    }
}

impl Listener for TextTrace {
    fn hear(&mut self, happening: Happening<'_>) {
        match happening {
            Happening::Step { line, text, loops } => self.step(line, text, loops),
            Happening::Stored { summary, stores } => self.stored(summary, stores),
            Happening::Written { at, bytes, aborted } => {
                let end = if aborted { ", aborted" } else { "" };
                let bytes = words::little_endian(bytes);
                self.line("software", &format!("writes {bytes} at {at:#x}{end}"));
            }
            Happening::Racing { at, value } => {
                self.line("software", &format!("races to write {value:#x} at {at:#x}"));
            }
            Happening::Loaded { at, bytes: Some(bytes) } => {
                self.line("software", &format!("reads {} at {at:#x}", words::little_endian(bytes)));
            }
            Happening::Loaded { at, bytes: None } => {
                self.line("software", &format!("reads at {at:#x}, aborted"));
            }
            Happening::Region { first, last, backing } => {
                let what = match backing {
                    Backing::Ram => "is RAM",
                    Backing::ReadOnly => "aborts writes",
                    Backing::NoAtomics => "aborts atomic updates",
                    Backing::Abort => "aborts",
                };
                self.line("memory", &format!("{first:#x} to {last:#x} {what} from now on"));
            }
            Happening::RegisterWrite { place, value } => {
                self.line("software", &register("writes", place, value));
            }
            Happening::RegisterRead { place, value: Some(value) } => {
                self.line("software", &register("reads", place, value));
            }
            Happening::RegisterRead { place, value: None } => {
                self.line("software", &format!("reads {}, aborted", register_name(place)));
            }
            Happening::RegisterAborted => self.line("smmu", "aborts the register access"),
            Happening::CommandStored { queue, index, words } => {
                self.command("software", "queues", queue, index, words);
            }
            Happening::RecordTaken { index, record } => {
                let (name, _) = words::record(record);
                self.line("software", &format!("takes event {index:#x}, {name}"));
            }
            Happening::Broadcast(tlbi) => self.line("pe", &format!("broadcasts {}", words::tlbi(tlbi))),
            Happening::SyncBroadcasts => self.line("pe", "waits for its broadcasts"),
            Happening::MayFetchAhead(expected) => self.line("smmu", &ats::fetch_ahead_text(expected)),
            Happening::Reset => self.line("smmu", "is reset"),
            Happening::Access { device, transaction, speculative, length } => {
                self.evidence = Evidence::default();
                self.access(device, transaction, speculative, length);
            }
            Happening::AtsAsked { device, request } => {
                self.evidence = Evidence::default();
                self.line(device, &ats::request_text(request));
            }
            Happening::AtsAnswered { device, reply, rules } => {
                self.line(device, &ats::reply_text(reply));
                self.explanation(explain::why_reply(reply, rules, &self.evidence));
            }
            Happening::AtcUsed { device, entry } => self.line(device, &ats::used_text(entry)),
            Happening::PageAsked { device, request } => self.line(device, &ats::page_request_text(request)),
            Happening::PageHinted { device, hint } => self.line(device, &ats::hint_text(hint)),
            Happening::PageRequestTaken { index, .. } => {
                self.line("software", &format!("takes page request {index:#x}"));
            }
            Happening::Model(event) => {
                if self.explain {
                    self.evidence.take(event);
                }
                self.model(event);
            }
            Happening::Stale(stale) => self.line("smmu", &format!("uses {}", self::stale(stale))),
            Happening::Ended { device, answer, rules } => {
                self.ended(device, answer);
                self.explanation(explain::why(answer, rules, &self.evidence));
            }
            Happening::Kernel(happening) => {
                let (who, what) = kernel::line(happening);
                self.line(who, &what);
            }
            Happening::Failed { problem, sources } => self.text.push_str(&problem.render(sources)),
        }
    }
}

fn register(verb: &str, place: Place, value: u64) -> String {
    let table = place.register.map_or(&[][..], |register| names::register_fields_in(register.name(), value));
    words::named(&format!("{verb} {} = {value:#x}", register_name(place)), &words::fields(table, &[value]))
}

/// The name, with the size of the access if that is not the register's own; else the offset.
fn register_name(place: Place) -> String {
    match place.register {
        Some(register) if register.size_bytes() == place.size_bytes => register.to_string(),
        Some(register) => format!("{register} ({} bytes)", place.size_bytes),
        None => format!("offset {:#x} ({} bytes)", place.offset, place.size_bytes),
    }
}

fn for_class(class: smmu_model::outcome::Class) -> String {
    format!(" for {}", words::class(class))
}

/// `a stale STE of StreamID 0x10, cached in line 7: line 9 changed memory at 0x…; CFGI_STE and SYNC are owed`.
pub(super) fn stale(stale: &StaleUse) -> String {
    let StaleUse { entry, cached, changed, difference, invalidated } = stale;
    let cached = cached.map_or(String::new(), |line| format!(", cached in line {line}"));
    let place = difference.at.map_or(String::new(), |at| format!(" at {at}"));
    let changed = match changed {
        Some(line) => format!("line {line} changed memory{place}"),
        None => format!("memory differs{place}"),
    };
    let owed = if *invalidated {
        "it is invalidated, and the SYNC is owed".to_owned()
    } else {
        format!("{} and SYNC are owed", entry.removed_by().name())
    };
    format!("a stale {}{cached}: {changed}; {owed}", words::cache_entry(*entry))
}
