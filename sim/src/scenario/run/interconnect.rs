//! What lies behind the SMMU: memory, and the devices that it sends messages to.

use std::collections::{BTreeMap, VecDeque};

use smmu_model::address::Pa;
use smmu_model::ats::{AtsEntry, InvalidateRequest, Invalidated, PrgResponse};
use smmu_model::bus::{Bus, ExternalAbort, StallSafety};
use smmu_model::ids::{StreamId, SubstreamId};
use smmu_model::memory::SparseMemory;

use super::race::Race;

/// Memory and devices.
#[derive(Debug)]
pub(super) struct Interconnect {
    pub(super) memory: SparseMemory,
    /// The devices with an ATC.
    endpoints: BTreeMap<StreamId, Endpoint>,
    /// What the system says of stalling them.
    stall_safety: BTreeMap<StreamId, StallSafety>,
    /// PRG Responses that no expectation has taken yet.
    pub(super) responses: VecDeque<PrgResponse>,
    /// A store of another master that has been announced and not made.
    pub(super) race: Option<Race>,
}

/// A device with an ATC.
#[derive(Clone, Debug)]
struct Endpoint {
    /// How it answers Invalidate Requests.
    invalidated: Invalidated,
    /// What it keeps, oldest first.
    cached: Vec<(Option<SubstreamId>, AtsEntry)>,
}

/// An ATC holds no more than this: the oldest entry goes.
const CACHED_MAX: usize = 1024;

impl Interconnect {
    /// Memory, and an empty ATC for each of `streams`.
    pub(super) fn new(
        memory: SparseMemory,
        streams: impl IntoIterator<Item = StreamId>,
        stall_safety: &[(StreamId, StallSafety)],
    ) -> Self {
        let endpoint = || Endpoint { invalidated: Invalidated::Completed, cached: Vec::new() };
        let endpoints = streams.into_iter().map(|stream| (stream, endpoint())).collect();
        let stall_safety = stall_safety.iter().copied().collect();
        Self { memory, endpoints, stall_safety, responses: VecDeque::new(), race: None }
    }

    /// How the device answers Invalidate Requests from now on.
    pub(super) fn answer_invalidations(&mut self, stream: StreamId, invalidated: Invalidated) {
        if let Some(endpoint) = self.endpoints.get_mut(&stream) {
            endpoint.invalidated = invalidated;
        }
    }

    /// The device keeps an entry, in the place of those that it overlaps.
    pub(super) fn cache(&mut self, stream: StreamId, substream: Option<SubstreamId>, entry: AtsEntry) {
        let Some(endpoint) = self.endpoints.get_mut(&stream) else { return };
        let (first, last) = (entry.input.value(), last_of(&entry));
        endpoint.cached.retain(|(owner, old)| {
            *owner != substream || old.privilege != entry.privilege || !overlaps(old, first, last)
        });
        if endpoint.cached.len() == CACHED_MAX {
            endpoint.cached.remove(0);
        }
        endpoint.cached.push((substream, entry));
    }

    /// The entries that the device has for an address.
    pub(super) fn cached(
        &self,
        stream: StreamId,
        substream: Option<SubstreamId>,
        address: u64,
    ) -> impl Iterator<Item = &AtsEntry> {
        let cached = self.endpoints.get(&stream).into_iter().flat_map(|endpoint| &endpoint.cached);
        cached
            .filter(move |(owner, entry)| *owner == substream && overlaps(entry, address, address))
            .map(|(_, entry)| entry)
    }
}

impl Bus for Interconnect {
    fn read(&mut self, pa: Pa, bytes: &mut [u8]) -> Result<(), ExternalAbort> {
        self.memory.read(pa, bytes)
    }

    fn write(&mut self, pa: Pa, bytes: &[u8]) -> Result<(), ExternalAbort> {
        if bytes.len() == 8 {
            self.catch_up(pa)?;
        }
        self.memory.write(pa, bytes)
    }

    fn read_u64(&mut self, pa: Pa) -> Result<u64, ExternalAbort> {
        self.memory.read_u64(pa)
    }

    fn read_line(&mut self, pa: Pa) -> Result<[u64; 8], ExternalAbort> {
        self.memory.read_line(pa)
    }

    fn compare_exchange_u64(&mut self, pa: Pa, expected: u64, new: u64) -> Result<u64, ExternalAbort> {
        self.catch_up(pa)?;
        self.memory.compare_exchange_u64(pa, expected, new)
    }

    /// A StreamID without an ATC behind it is no function that supports ATS.
    fn invalidate(&mut self, request: &InvalidateRequest) -> Invalidated {
        let Some(endpoint) = self.endpoints.get_mut(&request.stream) else { return Invalidated::Unsupported };
        if endpoint.invalidated == Invalidated::Completed {
            endpoint.cached.retain(|(owner, entry)| !is_meant(request, *owner, entry));
        }
        endpoint.invalidated
    }

    fn stall_safety(&mut self, stream: StreamId) -> StallSafety {
        self.stall_safety.get(&stream).copied().unwrap_or_default()
    }

    fn respond(&mut self, response: &PrgResponse) {
        self.responses.push_back(*response);
    }
}

/// Whether the request asks for this entry to go.
fn is_meant(request: &InvalidateRequest, owner: Option<SubstreamId>, entry: &AtsEntry) -> bool {
    let last = match request.log2_span_bytes {
        64.. => u64::MAX,
        bits => request.address | ((1 << bits) - 1),
    };
    let is_owner = owner == request.substream || request.global && owner.is_some();
    is_owner && overlaps(entry, request.address, last)
}

fn overlaps(entry: &AtsEntry, first: u64, last: u64) -> bool {
    entry.input.value() <= last && first <= last_of(entry)
}

fn last_of(entry: &AtsEntry) -> u64 {
    entry.input.value() | ((1 << entry.size_log2) - 1)
}
