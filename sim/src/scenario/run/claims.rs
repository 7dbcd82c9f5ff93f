//! Judges expectations against what software and devices can see.

use smmu_model::Register;
use smmu_model::address::Pa;
use smmu_model::bus::Bus;
use smmu_model::choice::Chooser;
use smmu_model::ids::{CommandQueue, Stag};
use smmu_model::layout::event::{EventCode, EventRecord};
use smmu_model::layout::names::{self, Field};

use super::ats::shown_response;
use super::{Answer, Found, Machine, not_held};
use crate::scenario::step::{
    Claim, ClaimKind, Data, EndClaim, MessageClaim, Operand, Place, Queue, QueueClaim,
};
use crate::trace::Listener;

/// How much a claim takes of what is there once: unread records and interrupts.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    records: u32,
    interrupts: usize,
    page_requests: u32,
    responses: usize,
}

/// A claim that does not hold.
#[derive(Clone, Debug)]
pub(super) struct Mismatch {
    pub(super) expected: String,
    pub(super) found: String,
}

pub(super) fn mismatch<T>(expected: impl Into<String>, found: impl Into<String>) -> Result<T, Mismatch> {
    Err(Mismatch { expected: expected.into(), found: found.into() })
}

impl<'a, C: Chooser, L: Listener> Machine<'a, C, L> {
    /// Judges claims in order and takes what they speak about. `answer` is that of the access they stand at.
    pub(super) fn judge_all(&mut self, claims: &[Claim], answer: Option<&Answer>) {
        for claim in claims {
            match self.judge(claim, answer, Taken::default()) {
                Ok(taken) => {
                    self.take_records(taken.records);
                    self.take_page_requests(taken.page_requests);
                    self.memory.responses.drain(..taken.responses);
                    self.ear.interrupts.drain(..taken.interrupts);
                }
                Err(Mismatch { expected, found }) => {
                    let problem = not_held(claim.span, &expected, found);
                    let help = self.fired();
                    self.fail(if help.is_empty() { problem } else { problem.with_help(help) });
                    // What came instead is taken, so that one difference does not make the next one.
                    if matches!(claim.kind, ClaimKind::Event { .. }) {
                        self.take_records(1);
                    }
                    if matches!(claim.kind, ClaimKind::PageRequest { .. }) {
                        self.take_page_requests(1);
                    }
                    if matches!(claim.kind, ClaimKind::Response(_)) {
                        self.memory.responses.pop_front();
                    }
                    if matches!(claim.kind, ClaimKind::Interrupt { .. }) {
                        self.ear.interrupts.pop_front();
                    }
                }
            }
        }
    }

    /// The rules of this step, for a reader who wonders.
    fn fired(&self) -> String {
        let rules = self.ear.step_rules.iter();
        let lines: Vec<String> =
            rules.map(|rule| format!("{} ({}) {}", rule.label(), rule.section(), rule.text())).collect();
        lines.join("\n")
    }

    /// Whether the claim holds, after `before` was taken; then what is taken with it.
    fn judge(&mut self, claim: &Claim, answer: Option<&Answer>, before: Taken) -> Result<Taken, Mismatch> {
        match &claim.kind {
            ClaimKind::End(end) => {
                let answer = answer.expect("checked to stand at an access");
                self.judge_end(end, answer).map(|()| before)
            }
            ClaimKind::Result(result, end) => {
                let answer = match &self.results[result.0] {
                    Some(Found::Access(answer)) => answer,
                    Some(Found::Translation(_) | Found::Value(_)) => unreachable!("checked to be an access"),
                    None => return mismatch("the access to have begun", "it has not come yet"),
                };
                self.judge_end(end, answer).map(|()| before)
            }
            ClaimKind::Stalls(expected) => {
                let found: Vec<Stag> = self.smmu.held().map(|held| held.stag).collect();
                if found == *expected {
                    Ok(before)
                } else {
                    mismatch(shown_stalls(expected), shown_stalls(&found))
                }
            }
            ClaimKind::Rules(rules) => match rules.iter().find(|rule| !self.ear.step_rules.contains(rule)) {
                None => Ok(before),
                Some(rule) => mismatch(format!("rule {} to fire", rule.label()), "it did not"),
            },
            ClaimKind::NoRules(rules) => match rules.iter().find(|rule| self.ear.step_rules.contains(rule)) {
                None => Ok(before),
                Some(rule) => mismatch(format!("rule {} not to fire", rule.label()), "it did"),
            },
            ClaimKind::Stale if self.ear.stale.is_empty() => {
                mismatch("a stale cache entry to be used", "none was")
            }
            ClaimKind::Stale => Ok(before),
            ClaimKind::NoStale => match self.ear.stale.first() {
                None => Ok(before),
                Some(stale) => mismatch("no stale cache entry to be used", stale.sentence()),
            },
            ClaimKind::Event { code, fields } => {
                self.judge_event(*code, fields, before.records)?;
                Ok(Taken { records: before.records + 1, ..before })
            }
            ClaimKind::NoEvent => match self.unread(before.records)? {
                None => Ok(before),
                Some(record) => mismatch("no event", shown_record(record)),
            },
            ClaimKind::Reply(claim) => self.judge_reply(claim).map(|()| before),
            ClaimKind::PageRequest { fields } => {
                self.judge_page_request(fields, before.page_requests)?;
                Ok(Taken { page_requests: before.page_requests + 1, ..before })
            }
            ClaimKind::NoPageRequest => {
                match self.unread_page_request(before.page_requests).map_err(unknown)? {
                    None => Ok(before),
                    Some(_) => mismatch("no page request", "there is one"),
                }
            }
            ClaimKind::Response(claim) => {
                self.judge_response(claim, before.responses)?;
                Ok(Taken { responses: before.responses + 1, ..before })
            }
            ClaimKind::NoResponse => match self.memory.responses.get(before.responses) {
                None => Ok(before),
                Some(response) => mismatch("no response", shown_response(response)),
            },
            ClaimKind::Register { place, value } => {
                let value = self.known(*value)?;
                let expected = format!("{} = {value:#x}", name_of(*place));
                match self.peek(*place) {
                    Ok(found) if found == value => Ok(before),
                    Ok(found) => mismatch(expected, format!("{found:#x}")),
                    Err(_abort) => mismatch(expected, "the access is aborted"),
                }
            }
            ClaimKind::RegisterFields { place, fields } => {
                let found = self.peek(*place);
                let Ok(found) = found else { return mismatch(name_of(*place), "the access is aborted") };
                judge_fields(name_of(*place), fields, &[found]).map(|()| before)
            }
            ClaimKind::Memory { at, data } => self.judge_memory(*at, data).map(|()| before),
            ClaimKind::Queue(queue) => self.judge_queue(queue).map(|()| before),
            ClaimKind::Interrupt { source, message } => {
                self.judge_interrupt(*source, *message, before.interrupts)?;
                Ok(Taken { interrupts: before.interrupts + 1, ..before })
            }
            ClaimKind::NoInterrupt => match self.ear.interrupts.get(before.interrupts) {
                None => Ok(before),
                Some((source, _)) => mismatch("no interrupt", format!("interrupt {}", source.name())),
            },
            ClaimKind::GlobalErrors(expected) => self.judge_global_errors(*expected).map(|()| before),
            ClaimKind::All(claims) => {
                claims.iter().try_fold(before, |taken, claim| self.judge(claim, answer, taken))
            }
            ClaimKind::Either(claims) => {
                let mut found: Vec<String> = Vec::new();
                for claim in claims {
                    match self.judge(claim, answer, before) {
                        Ok(taken) => return Ok(taken),
                        Err(mismatch) if found.contains(&mismatch.found) => {}
                        Err(mismatch) => found.push(mismatch.found),
                    }
                }
                mismatch(format!("one of {} permitted results", claims.len()), found.join("; "))
            }
        }
    }

    fn judge_end(&self, claim: &EndClaim, answer: &Answer) -> Result<(), Mismatch> {
        if answer.end != claim.end {
            let because = answer.rule.map_or(String::new(), |rule| format!(" by {}", rule.label()));
            return mismatch(
                format!("the access to end as {}", claim.end.name()),
                format!("it ends as {}{because}", answer.end.name()),
            );
        }
        let translation = answer.translation;
        if let Some(pa) = claim.pa {
            let pa = self.known(pa)?;
            let found = translation.map(|translation| translation.pa.value());
            if found != Some(pa) {
                return mismatch(
                    format!("output address {pa:#x}"),
                    shown(found.map(|found| format!("{found:#x}"))),
                );
            }
        }
        if let Some(stag) = claim.stag
            && answer.stag != Some(stag)
        {
            return mismatch(format!("STAG {stag}"), shown(answer.stag.map(|stag| stag.to_string())));
        }
        if let Some(size_log2) = claim.size_log2 {
            let found = translation.map(|translation| translation.size_log2);
            if found != Some(size_log2) {
                let found = found.map(|found| format!("{:#x} bytes", 1u64 << found));
                return mismatch(format!("a translation of {:#x} bytes", 1u64 << size_log2), shown(found));
            }
        }
        if let Some(attributes) = claim.attributes {
            let found = translation.map(|translation| translation.attributes);
            if found != Some(attributes) {
                return mismatch(attributes.to_string(), shown(found.map(|found| found.to_string())));
            }
        }
        if let Some(data) = claim.data {
            let data = self.known(data)?;
            let found = super::found::little_endian(&answer.data);
            if found != Some(data) {
                return mismatch(format!("data {data:#x}"), shown(found.map(|found| format!("{found:#x}"))));
            }
        }
        Ok(())
    }

    fn judge_event(
        &mut self,
        code: EventCode,
        fields: &[(Field, Operand)],
        skip: u32,
    ) -> Result<(), Mismatch> {
        let Some(record) = self.unread(skip)? else { return mismatch(code.name(), "there is no event") };
        if record.event_code() != Some(code) {
            return mismatch(code.name(), shown_record(record));
        }
        let known = fields.iter().map(|(field, value)| Ok((*field, self.known(*value)?)));
        judge_fields(code.name().to_owned(), &known.collect::<Result<Vec<_>, _>>()?, &record.0)
    }

    fn judge_page_request(&mut self, fields: &[(Field, Operand)], skip: u32) -> Result<(), Mismatch> {
        let Some(record) = self.unread_page_request(skip).map_err(unknown)? else {
            return mismatch("a page request", "there is none");
        };
        let known = fields.iter().map(|(field, value)| Ok((*field, self.known(*value)?)));
        judge_fields("a page request".to_owned(), &known.collect::<Result<Vec<_>, _>>()?, &record.0)
    }

    fn judge_memory(&mut self, at: Operand, data: &Data) -> Result<(), Mismatch> {
        let at = self.known(at)?;
        let expected = self.bytes(data).map_err(unknown)?;
        let mut found = vec![0; expected.len()];
        let text = format!("{} at {at:#x}", shown_bytes(&expected));
        match self.memory.read(Pa::new(at), &mut found) {
            Ok(()) if found == expected => Ok(()),
            Ok(()) => mismatch(text, shown_bytes(&found)),
            Err(_abort) => mismatch(text, "the read is aborted"),
        }
    }

    fn judge_queue(&mut self, claim: &QueueClaim) -> Result<(), Mismatch> {
        let ring = self.queue(claim.queue).map_err(unknown)?;
        let name = match claim.queue {
            Queue::Command(queue) => queue_name(queue),
            Queue::Event => "the Event queue".to_owned(),
            Queue::Pri => "the PRI queue".to_owned(),
        };
        let numbers = [
            ("PROD", claim.prod, ring.prod),
            ("CONS", claim.cons, ring.cons),
            ("entries", claim.entries, ring.entries()),
            ("ERR", claim.error.map(u32::from), ring.error.into()),
            ("overflow", claim.overflow.map(u32::from), ring.overflow.into()),
        ];
        for (what, expected, found) in numbers {
            if let Some(expected) = expected.filter(|expected| *expected != found) {
                return mismatch(
                    format!("{name} with {what} = {expected:#x}"),
                    format!("{what} = {found:#x}"),
                );
            }
        }
        Ok(())
    }

    fn judge_interrupt(
        &self,
        source: smmu_model::trace::InterruptSource,
        message: MessageClaim,
        skip: usize,
    ) -> Result<(), Mismatch> {
        let expected = format!("interrupt {}", source.name());
        let Some((found, msi)) = self.ear.interrupts.get(skip) else {
            return mismatch(expected, "there is no interrupt");
        };
        if *found != source {
            return mismatch(expected, format!("interrupt {}", found.name()));
        }
        let came = match msi {
            None => "by wire".to_owned(),
            Some((address, data)) => format!("by message {data:#x} to {address}"),
        };
        match (message, msi) {
            (MessageClaim::Any, _) | (MessageClaim::Wire, None) => Ok(()),
            (MessageClaim::Message { address, data }, Some((to, found)))
                if to.value() == address && *found == data =>
            {
                Ok(())
            }
            (MessageClaim::Wire, Some(_)) => mismatch(format!("{expected} by wire"), came),
            (MessageClaim::Message { address, data }, _) => {
                mismatch(format!("{expected} by message {data:#x} to {address:#x}"), came)
            }
        }
    }

    fn judge_global_errors(&mut self, expected: u32) -> Result<(), Mismatch> {
        let mut read = |register| self.peek(Place::whole(register)).unwrap_or(0);
        let found = read(Register::Gerror) ^ read(Register::Gerrorn);
        if found == u64::from(expected) {
            return Ok(());
        }
        mismatch(shown_errors(expected.into()), shown_errors(found))
    }

    fn unread(&mut self, skip: u32) -> Result<Option<EventRecord>, Mismatch> {
        self.unread_record(skip).map_err(unknown)
    }

    pub(super) fn known(&self, operand: Operand) -> Result<u64, Mismatch> {
        self.value(operand).map_err(unknown)
    }
}

/// What was to be compared cannot be found out.
pub(super) fn unknown(why: String) -> Mismatch {
    Mismatch { expected: "a value to compare with".to_owned(), found: why }
}

/// Whether the fields of `name` are these.
pub(super) fn judge_fields(name: String, fields: &[(Field, u64)], words: &[u64]) -> Result<(), Mismatch> {
    let wrong = fields.iter().find(|(field, value)| field.get(words) != *value);
    match wrong {
        None => Ok(()),
        Some((field, value)) => {
            let found = format!("{} = {:#x}", field.name, field.get(words));
            mismatch(format!("{name} with {} = {value:#x}", field.name), found)
        }
    }
}

fn shown(found: Option<String>) -> String {
    found.unwrap_or_else(|| "nothing".to_owned())
}

fn shown_stalls(stalls: &[Stag]) -> String {
    if stalls.is_empty() {
        return "no stalled transaction".to_owned();
    }
    let stalls: Vec<String> = stalls.iter().map(ToString::to_string).collect();
    format!("stalled transactions {}", stalls.join(" "))
}

pub(super) fn shown_bytes(bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}

pub(super) fn shown_record(record: EventRecord) -> String {
    match record.event_code() {
        Some(code) => code.name().to_owned(),
        None => format!("event {:#x}", record.word0().event_number()),
    }
}

fn shown_errors(bits: u64) -> String {
    let table = names::register_fields("GERROR").iter();
    let names: Vec<&str> = table.filter(|field| field.get(&[bits]) != 0).map(|field| field.name).collect();
    if names.is_empty() { "no global error".to_owned() } else { format!("global errors {}", names.join(" ")) }
}

fn queue_name(queue: CommandQueue) -> String {
    match queue {
        CommandQueue::Main => "the Command queue".to_owned(),
        CommandQueue::Enhanced(id) => format!("the Enhanced Command queue {id}"),
    }
}

fn name_of(place: Place) -> String {
    match place.register {
        Some(register) => register.to_string(),
        None => format!("the register at {:#x}", place.offset),
    }
}
