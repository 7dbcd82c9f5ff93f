//! Translation in software: the model that holds the guest's registers also walks its tables, and the monitor moves
//! the data.

use std::collections::BTreeMap;

use smmu_model::Smmu;
use smmu_model::address::{Iova, Pa};
use smmu_model::attributes::Attributes;
use smmu_model::bus::Bus;
use smmu_model::choice::Defaults;
use smmu_model::env::World;
use smmu_model::ids::{StreamId, SubstreamId};
use smmu_model::outcome::Outcome;
use smmu_model::trace::Silence;
use smmu_model::transaction::{self, Access, AddressType, Transaction};

use super::error::VmmError;
use super::memory::GuestBus;
use crate::kernel::Direction;
use crate::kernel::device::BUFFER_BYTES;
use crate::kernel::frames::PAGE_SIZE;

/// The devices that the monitor emulates: their buffers.
#[derive(Debug)]
pub(super) struct Emulated {
    buffers: BTreeMap<u32, Vec<u8>>,
}

impl Emulated {
    pub(super) fn new(streams: impl IntoIterator<Item = u32>) -> Self {
        let buffers = streams.into_iter().map(|stream| (stream, vec![0; BUFFER_BYTES]));
        Self { buffers: buffers.collect() }
    }

    pub(super) fn buffer(&mut self, stream: u32) -> Option<&mut Vec<u8>> {
        self.buffers.get_mut(&stream)
    }

    pub(super) fn plug(&mut self, stream: u32) -> Result<(), VmmError> {
        if self.buffers.contains_key(&stream) {
            return Err(VmmError::StreamTwice(stream));
        }
        self.buffers.insert(stream, vec![0; BUFFER_BYTES]);
        Ok(())
    }

    pub(super) fn unplug(&mut self, stream: u32) -> Result<(), VmmError> {
        self.buffers.remove(&stream).map(|_buffer| ()).ok_or(VmmError::StreamUnknown(stream))
    }

    /// As [`Kernel::dma`](crate::kernel::Kernel::dma). An access that stalls moves nothing: whoever plays the device
    /// tries it again.
    pub(super) fn dma(
        &mut self,
        front: &mut Smmu,
        mut bus: GuestBus<'_>,
        (stream, pasid): (u32, Option<u32>),
        direction: Direction,
        address: u64,
        bytes: usize,
    ) -> Result<Vec<Outcome>, VmmError> {
        let buffer = self.buffers.get_mut(&stream).ok_or(VmmError::StreamUnknown(stream))?;
        let bytes = bytes.min(buffer.len());
        let mut outcomes = Vec::new();
        let mut done = 0;
        while done < bytes {
            let at = address.wrapping_add(u64::try_from(done).expect("a buffer is small"));
            let in_page = usize::try_from(PAGE_SIZE - at % PAGE_SIZE).expect("a page is small");
            let end = done + in_page.min(bytes - done);
            let transaction = transaction(stream, pasid, direction, at);
            let world = &mut World { bus: &mut bus, chooser: &mut Defaults, sink: &mut Silence };
            let outcome = front.transact(world, &transaction);
            move_data(&mut bus, outcome, direction, &mut buffer[done..end]);
            outcomes.push(outcome);
            done = end;
        }
        Ok(outcomes)
    }
}

fn transaction(stream: u32, pasid: Option<u32>, direction: Direction, address: u64) -> Transaction {
    let direction = match direction {
        Direction::Read => transaction::Direction::Read,
        Direction::Write => transaction::Direction::Write,
    };
    Transaction {
        stream: StreamId(stream),
        substream: pasid.map(SubstreamId),
        address: Iova::new(address),
        access: Access::data(direction),
        address_type: AddressType::Untranslated,
        attributes: Attributes::INCOMING_DEFAULT,
    }
}

/// What is not in guest memory reads as zero and takes no writes.
fn move_data(bus: &mut impl Bus, outcome: Outcome, direction: Direction, buffer: &mut [u8]) {
    let pa = match outcome {
        Outcome::Done(translation) => Some(translation.pa),
        Outcome::Abort(_) | Outcome::RazWi(_) | Outcome::Stalled { .. } => None,
    };
    let moved = |pa: Pa, bus: &mut _, buffer: &mut [u8]| match direction {
        Direction::Read => Bus::read(bus, pa, buffer),
        Direction::Write => Bus::write(bus, pa, buffer),
    };
    let is_moved = pa.is_some_and(|pa| moved(pa, bus, buffer).is_ok());
    if !is_moved && direction == Direction::Read {
        buffer.fill(0);
    }
}
