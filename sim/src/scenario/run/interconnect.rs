//! What lies behind the SMMU: memory, and the devices that it sends messages to.

use std::collections::{BTreeMap, VecDeque};

use smmu_model::address::Pa;
use smmu_model::ats::{InvalidateRequest, Invalidated, PrgResponse};
use smmu_model::bus::{Bus, ExternalAbort};
use smmu_model::ids::StreamId;
use smmu_model::memory::SparseMemory;

use super::race::Race;
use crate::atc::Atc;

/// Memory and devices.
#[derive(Debug)]
pub(super) struct Interconnect {
    pub(super) memory: SparseMemory,
    /// The ATCs of those devices that have one.
    atcs: BTreeMap<StreamId, Atc>,
    /// PRG Responses that no expectation has taken yet.
    pub(super) responses: VecDeque<PrgResponse>,
    /// A store of another master that has been announced and not made.
    pub(super) race: Option<Race>,
}

impl Interconnect {
    /// Memory, and an empty ATC for each of `streams`.
    pub(super) fn new(memory: SparseMemory, streams: impl IntoIterator<Item = StreamId>) -> Self {
        let atcs = streams.into_iter().map(|stream| (stream, Atc::default())).collect();
        Self { memory, atcs, responses: VecDeque::new(), race: None }
    }

    /// The ATC of a device, if it has one.
    pub(super) fn atc(&mut self, stream: StreamId) -> Option<&mut Atc> {
        self.atcs.get_mut(&stream)
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
        self.atcs.get_mut(&request.stream).map_or(Invalidated::Unsupported, |atc| atc.invalidate(request).0)
    }

    fn respond(&mut self, response: &PrgResponse) {
        self.responses.push_back(*response);
    }
}
