//! What devices do beside accesses: Translation Requests, accesses through the ATC, and page requests.

use smmu_model::address::Iova;
use smmu_model::ats::{AtsEntry, AtsReply, AtsRequest, Completion, PageRequest, PrgResponse};
use smmu_model::choice::Chooser;
use smmu_model::env::World;
use smmu_model::transaction::{Direction, Privilege, Purpose};

use super::claims::{Mismatch, mismatch};
use super::{Found, Machine};
use crate::scenario::step::{Ats, Dma, Pri, ReplyClaim, ReplyStatus, ResponseClaim};
use crate::trace::{Happening, Listener, permissions};

impl<'a, C: Chooser, L: Listener> Machine<'a, C, L> {
    /// A Translation Request, whose entries the device keeps.
    pub(super) fn ats(&mut self, ats: &'a Ats) -> Result<(), String> {
        let address = Iova::new(self.value(ats.address)?);
        let Ats { stream, substream, units, no_write, execute, privilege, .. } = *ats;
        let request = AtsRequest { stream, substream, address, units, no_write, execute, privilege };
        self.request_translation(&ats.device, &request);
        let reply = self.reply.clone().expect("it came just now");
        self.remember(ats.result, Found::Translation(reply));
        if self.pace == super::Pace::Automatic {
            self.settle();
        }
        self.judge_all(&ats.claims, None);
        Ok(())
    }

    fn request_translation(&mut self, device: &str, request: &AtsRequest) {
        self.ear.say(Happening::AtsAsked { device, request });
        let rules_before = self.ear.step_rules.len();
        let mut world = World { bus: &mut self.memory, chooser: &mut self.chooser, sink: &mut self.ear };
        let reply = self.smmu.ats_request(&mut world, request);
        if let Some(atc) = self.memory.atc(request.stream) {
            atc.keep(request.substream, &reply.completion);
        }
        self.ear.say_answered(device, &reply, rules_before);
        self.reply = Some(reply);
    }

    /// The address for a Translated access by the device's ATC, which asks for what it does not have; `None` if it
    /// is not granted.
    pub(super) fn through_atc(&mut self, dma: &Dma, address: u64) -> Option<u64> {
        if let Some(output) = self.find_in_atc(dma, address) {
            return Some(output);
        }
        let request = AtsRequest {
            stream: dma.stream,
            substream: dma.substream,
            address: Iova::new(address),
            units: 1,
            no_write: dma.direction == Direction::Read,
            execute: dma.purpose == Purpose::Instruction,
            privilege: dma.privilege,
        };
        self.request_translation(&dma.device, &request);
        self.find_in_atc(dma, address)
    }

    fn find_in_atc(&mut self, dma: &Dma, address: u64) -> Option<u64> {
        // Priv of an entry means nothing without a PASID (§13.7).
        let privilege = dma.substream.map_or(Privilege::Unprivileged, |_| dma.privilege);
        let allows = |entry: &&AtsEntry| {
            entry.privilege == privilege
                && match (dma.direction, dma.purpose) {
                    (Direction::Write, _) => entry.write,
                    (Direction::Read, Purpose::Data) => entry.read,
                    (Direction::Read, Purpose::Instruction) => entry.execute,
                }
        };
        let entry = *self.memory.atc(dma.stream)?.find(dma.substream, address).find(allows)?;
        self.ear.say(Happening::AtcUsed { device: &dma.device, entry: &entry });
        Some(entry.output | (address & ((1 << entry.size_log2) - 1)))
    }

    /// A page request, or a Stop PASID marker.
    pub(super) fn pri(&mut self, pri: &'a Pri) -> Result<(), String> {
        let address = Iova::new(self.value(pri.address)?);
        let request = PageRequest { address, ..pri.request };
        self.ear.say(Happening::PageAsked { device: &pri.device, request: &request });
        let mut world = World { bus: &mut self.memory, chooser: &mut self.chooser, sink: &mut self.ear };
        self.smmu.page_request(&mut world, &request);
        Ok(())
    }

    /// Judges a claim about the last reply.
    pub(super) fn judge_reply(&self, claim: &ReplyClaim) -> Result<(), Mismatch> {
        let reply = self.reply.as_ref().expect("checked to stand at an `ats`");
        let found = ReplyStatus::of(reply, claim.entry);
        if found != Some(claim.status) {
            let because = reply.rule.map_or(String::new(), |rule| format!(" by {}", rule.label()));
            let found = found.map_or("there is no such entry", ReplyStatus::name);
            return mismatch(format!("the reply {}", claim.status.name()), format!("it is {found}{because}"));
        }
        let entries = match &reply.completion {
            Completion::Success(entries) => entries.as_slice(),
            Completion::UnsupportedRequest | Completion::CompleterAbort => return Ok(()),
        };
        if let Some(count) = claim.entries.filter(|count| *count != entries.len()) {
            return mismatch(format!("{count} entries"), format!("{}", entries.len()));
        }
        let entry = &entries[claim.entry];
        if let Some(output) = claim.output {
            let output = self.known(output)?;
            if output != entry.output {
                return mismatch(format!("address {output:#x}"), format!("{:#x}", entry.output));
            }
        }
        if let Some(size_log2) = claim.size_log2.filter(|size| *size != entry.size_log2) {
            let size = |log2: u8| format!("a region of {:#x} bytes", 1u64 << log2);
            return mismatch(size(size_log2), size(entry.size_log2));
        }
        if let Some(expected) = claim.permissions.as_ref().filter(|text| **text != permissions(entry)) {
            return mismatch(format!("permissions {expected}"), permissions(entry));
        }
        Ok(())
    }

    /// Judges a claim about the PRG Response that is `skip` after the oldest one not expected yet.
    pub(super) fn judge_response(&self, claim: &ResponseClaim, skip: usize) -> Result<(), Mismatch> {
        let ResponseClaim { stream, code, prg_index, substream, no_substream } = *claim;
        let expected = format!("the response {} to stream {stream}", code.name());
        let Some(found) = self.memory.responses.get(skip) else {
            return mismatch(expected, "there is no response");
        };
        let is_it = found.stream == stream
            && found.code == code
            && prg_index.is_none_or(|index| index == found.prg_index)
            && (substream.is_none() || substream == found.substream)
            && !(no_substream && found.substream.is_some());
        if is_it { Ok(()) } else { mismatch(expected, shown_response(found)) }
    }
}

/// The response as a line.
pub(super) fn shown_response(response: &PrgResponse) -> String {
    let PrgResponse { stream, substream, prg_index, code } = *response;
    let substream = substream.map_or(String::new(), |id| format!(" substream {id}"));
    format!("the response {} to stream {stream}{substream}, group {prg_index:#x}", code.name())
}

impl ReplyStatus {
    /// What the reply is, looked at its entry `entry`.
    pub(super) fn of(reply: &AtsReply, entry: usize) -> Option<Self> {
        match &reply.completion {
            Completion::UnsupportedRequest => Some(Self::UnsupportedRequest),
            Completion::CompleterAbort => Some(Self::CompleterAbort),
            Completion::Success(entries) => {
                let AtsEntry { read, write, execute, .. } = *entries.get(entry)?;
                Some(if read || write || execute { Self::Success } else { Self::NoAccess })
            }
        }
    }
}
