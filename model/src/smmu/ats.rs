//! The ATS port: Translation Requests (§3.9.1.2) and page requests (chapter 8).

use super::Smmu;
use crate::address::{Iova, low_mask};
use crate::ats::{AtsEntry, AtsReply, AtsRequest, Completion, PageRequest, PrgResponse, ResponseCode};
use crate::attributes::Attributes;
use crate::choice::answer::{AtsRegionSize, PriStreamCheck};
use crate::command::ats::respond;
use crate::config::{Globals, substream};
use crate::env::Env;
use crate::fault::ats::{AtsEnding, conclude_request, conclude_stream_check};
use crate::features::Features;
use crate::ids::{StreamId, SubstreamId};
use crate::monitor::{self, Arrival, Occurrence, Watched};
use crate::queue::pri::{self, Received};
use crate::rule::Rule;
use crate::transaction::{Access, AddressType, Direction, Privilege, Transaction};
use crate::translate::Seen;
use crate::translate::ats::{Grant, grant, ppar};

impl Smmu {
    /// One ATS Translation Request.
    ///
    /// A page after the first that cannot be translated for an error of configuration (only a walk can find one)
    /// ends the completion before it: the device may ask for it alone.
    pub fn ats_request(&mut self, env: &mut impl Env, request: &AtsRequest) -> AtsReply {
        if !self.registers.pmcgs.is_counting() {
            return self.complete(env, request);
        }
        let mut watched = Watched::new(env);
        let reply = self.complete(&mut watched, request);
        let occurrence = Occurrence {
            arrival: Arrival::TranslationRequest,
            stream: request.stream,
            is_speculative: false,
            is_terminated: false,
            tally: watched.tally(),
        };
        monitor::count(env, &self.features, &mut self.registers, &occurrence);
        reply
    }

    fn complete(&mut self, env: &mut impl Env, request: &AtsRequest) -> AtsReply {
        assert!((1..=AtsRequest::UNITS_MAX).contains(&request.units), "1 to 15 Smallest Translation Units");
        let mut request = request.as_presented();
        if substream::is_too_wide(&self.features, request.substream) && self.registers.cr0ack.smmuen() {
            let arrival = |pasid| substream::on_arrival(env, &self.features, pasid);
            request.substream = request.substream.map(arrival);
        }
        let unit_log2 = unit_log2(&self.features);
        let first = request.address.value() & !low_mask(unit_log2);
        let last = first.saturating_add((u64::from(request.units) << unit_log2) - 1);
        let mut entries: Vec<AtsEntry> = Vec::new();
        let mut rule = None;
        let mut next = Some(first);
        while let Some(address) = next.filter(|&address| address <= last) {
            let (entry, refusal) = match self.translate_unit(env, &request, Iova::new(address)) {
                Ok(granted) => granted,
                Err(ended) if entries.is_empty() => return ended,
                Err(_later) => break,
            };
            if entries.is_empty() {
                rule = refusal;
            }
            next = (entry.input.value() | low_mask(entry.size_log2)).checked_add(1);
            entries.push(entry);
        }
        AtsReply { completion: Completion::Success(entries), rule }
    }

    /// The entry for one address and the rule that leaves it without permissions, or the end of the request.
    fn translate_unit(
        &mut self,
        env: &mut impl Env,
        request: &AtsRequest,
        address: Iova,
    ) -> Result<(AtsEntry, Option<Rule>), AtsReply> {
        let globals = Globals { features: &self.features, registers: &self.registers };
        let tx = as_transaction(request.stream, request.substream, address, request.privilege);
        let mut seen = Seen::nothing(&tx);
        let known = (&mut self.memo, &mut self.caches);
        let stop = match grant(env, &globals, known, (request, address), &mut seen) {
            Ok(granted) => return Ok((self.entry(env, request, address, granted), None)),
            Err(stop) => stop,
        };
        let (ending, record) = conclude_request(env, &globals, request, &tx, &seen, stop);
        self.record(env, record);
        let end = |completion| Err(AtsReply { completion, rule: Some(stop.rule) });
        match ending {
            AtsEnding::NoAccess => Ok((self.no_access(request, address), Some(stop.rule))),
            AtsEnding::UnsupportedRequest => end(Completion::UnsupportedRequest),
            AtsEnding::CompleterAbort => end(Completion::CompleterAbort),
        }
    }

    fn entry(&self, env: &mut impl Env, request: &AtsRequest, address: Iova, granted: Grant) -> AtsEntry {
        let Grant { output, size_log2, read, write, execute } = granted;
        let is_reduced = !read || !(write || request.no_write) || execute != request.execute;
        if is_reduced {
            env.note(Rule::AtsReduced);
        }
        if !(read || write || execute) {
            return self.no_access(request, address);
        }
        let unit_log2 = unit_log2(&self.features);
        let is_whole = size_log2 == unit_log2
            || env.ask(&[AtsRegionSize::Largest, AtsRegionSize::Unit]) == AtsRegionSize::Largest;
        let size_log2 = if is_whole { size_log2 } else { unit_log2 };
        AtsEntry {
            input: Iova::new(address.value() & !low_mask(size_log2)),
            output: output & !low_mask(size_log2),
            size_log2,
            read,
            write,
            execute,
            privilege: request.privilege,
        }
    }

    /// R and W are 0: the entry covers one unit (§3.9.1.2).
    fn no_access(&self, request: &AtsRequest, address: Iova) -> AtsEntry {
        AtsEntry {
            input: address,
            output: 0,
            size_log2: unit_log2(&self.features),
            read: false,
            write: false,
            execute: false,
            privilege: request.privilege,
        }
    }

    /// One PRI message: a page request or a Stop PASID marker. What the SMMU answers by itself goes out through
    /// [`Bus::respond`](crate::bus::Bus::respond).
    pub fn page_request(&mut self, env: &mut impl Env, request: &PageRequest) {
        let request = request.as_presented(&self.features);
        let answer = match pri::receive(env, &self.features, &mut self.registers, &request) {
            Received::Taken => return,
            Received::Refused | Received::Overflowed if request.is_stop_marker() => None,
            Received::Refused => Some((ResponseCode::ResponseFailure, None)),
            Received::Overflowed if !request.last => None,
            Received::Overflowed => Some(self.answer_overflow(env, &request)),
        };
        let PageRequest { stream, prg_index, .. } = request;
        match answer {
            None => env.note(Rule::PageRequestUnanswered),
            Some((code, substream)) => respond(env, PrgResponse { stream, substream, prg_index, code }),
        }
    }

    /// The answer to the last request of a group that overflow took, and its PASID (§8.1).
    fn answer_overflow(
        &mut self,
        env: &mut impl Env,
        request: &PageRequest,
    ) -> (ResponseCode, Option<SubstreamId>) {
        let f = &self.features;
        let asks_ste = match request.substream {
            Some(_) => !f.pps,
            None => {
                f.ssid_bits == 0
                    && env.ask(&[PriStreamCheck::Skip, PriStreamCheck::Check]) == PriStreamCheck::Check
            }
        };
        let carries_pasid = if asks_ste { self.read_ppar(env, request) } else { Some(true) };
        match carries_pasid {
            None => {
                env.note(Rule::PparUnavailable);
                (ResponseCode::ResponseFailure, None)
            }
            Some(carries_pasid) => {
                env.note(Rule::PageRequestAnswered);
                (ResponseCode::Success, request.substream.filter(|_| carries_pasid))
            }
        }
    }

    /// STE.PPAR, or `None` if there is no valid STE.
    fn read_ppar(&mut self, env: &mut impl Env, request: &PageRequest) -> Option<bool> {
        let globals = Globals { features: &self.features, registers: &self.registers };
        let PageRequest { stream, substream, address, privilege, .. } = *request;
        match ppar(env, &globals, stream) {
            Ok(ppar) => {
                env.note(Rule::PasidByPpar);
                Some(ppar)
            }
            Err(stop) => {
                let tx = as_transaction(stream, substream, address, privilege);
                let record = conclude_stream_check(env, &globals, &tx, stop);
                self.record(env, record);
                None
            }
        }
    }
}

/// log2 of the bytes of the Smallest Translation Unit.
fn unit_log2(f: &Features) -> u8 {
    u8::try_from(AtsRequest::unit_bytes(f).trailing_zeros()).expect("at most 16")
}

/// A request in the shape of a transaction, for its records; RnW, which is UNKNOWN, comes out as 0 (§3.9.1.2).
fn as_transaction(
    stream: StreamId,
    substream: Option<SubstreamId>,
    address: Iova,
    privilege: Privilege,
) -> Transaction {
    let access = Access { privilege, ..Access::data(Direction::Write) };
    let (address_type, attributes) = (AddressType::Untranslated, Attributes::INCOMING_DEFAULT);
    Transaction { stream, substream, address, access, address_type, attributes }
}
