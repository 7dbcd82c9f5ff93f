//! Translation in software: the model that holds the guest's registers also walks its tables, and the monitor moves
//! the data.

use std::collections::BTreeMap;

use smmu_model::address::Iova;
use smmu_model::attributes::Attributes;
use smmu_model::bus::Bus;
use smmu_model::choice::Defaults;
use smmu_model::env::World;
use smmu_model::ids::{Stag, StreamId, SubstreamId};
use smmu_model::outcome::Outcome;
use smmu_model::trace::{Event, Silence};
use smmu_model::transaction::{self, Access, AddressType, Transaction};
use smmu_model::{Progress, Smmu};

use super::error::VmmError;
use super::memory::GuestBus;
use crate::kernel::Direction;
use crate::kernel::device::BUFFER_BYTES;
use crate::kernel::frames::PAGE_SIZE;

/// The devices that the monitor emulates.
#[derive(Debug)]
pub(super) struct Emulated {
    buffers: BTreeMap<u32, Vec<u8>>,
    /// The accesses that the SMMU holds.
    stalled: BTreeMap<Stag, Transfer>,
}

/// A part of a device's buffer, and which way it goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Transfer {
    stream: u32,
    direction: Direction,
    start: usize,
    end: usize,
}

impl Emulated {
    pub(super) fn new(streams: impl IntoIterator<Item = u32>) -> Self {
        let buffers = streams.into_iter().map(|stream| (stream, vec![0; BUFFER_BYTES]));
        Self { buffers: buffers.collect(), stalled: BTreeMap::new() }
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

    /// The accesses that were held are over, and nobody hears how.
    pub(super) fn forget_stalls(&mut self) {
        self.stalled.clear();
    }

    /// One unit of work of the front. Accesses that it holds no longer are done.
    pub(super) fn step(&mut self, front: &mut Smmu, mut bus: GuestBus<'_>) -> Progress {
        let mut events: Vec<Event> = Vec::new();
        let mut world = World { bus: &mut bus, chooser: &mut Defaults, sink: &mut events };
        let progress = front.step(&mut world);
        for event in events {
            if let Event::StallEnded { stag, outcome, .. } = event
                && let Some(transfer) = self.stalled.remove(&stag)
            {
                self.conclude(&mut bus, transfer, outcome);
            }
        }
        progress
    }

    /// As [`Kernel::dma`](crate::kernel::Kernel::dma).
    pub(super) fn dma(
        &mut self,
        front: &mut Smmu,
        mut bus: GuestBus<'_>,
        (stream, pasid): (u32, Option<u32>),
        direction: Direction,
        address: u64,
        bytes: usize,
    ) -> Result<Vec<Outcome>, VmmError> {
        let buffer = self.buffers.get(&stream).ok_or(VmmError::StreamUnknown(stream))?;
        let bytes = bytes.min(buffer.len());
        let mut outcomes = Vec::new();
        let mut start = 0;
        while start < bytes {
            let at = address.wrapping_add(u64::try_from(start).expect("a buffer is small"));
            let in_page = usize::try_from(PAGE_SIZE - at % PAGE_SIZE).expect("a page is small");
            let end = start + in_page.min(bytes - start);
            let world = &mut World { bus: &mut bus, chooser: &mut Defaults, sink: &mut Silence };
            let outcome = front.transact(world, &transaction(stream, pasid, direction, at));
            self.conclude(&mut bus, Transfer { stream, direction, start, end }, outcome);
            outcomes.push(outcome);
            start = end;
        }
        Ok(outcomes)
    }

    /// What an access does, now that it is known how it ends. What is not in guest memory reads as zero and takes no
    /// writes; a device that is gone moves nothing.
    fn conclude(&mut self, bus: &mut impl Bus, transfer: Transfer, outcome: Outcome) {
        let Transfer { stream, direction, start, end } = transfer;
        let Some(buffer) = self.buffers.get_mut(&stream) else { return };
        let buffer = &mut buffer[start..end];
        let is_moved = match outcome {
            Outcome::Done(translation) => match direction {
                Direction::Read => bus.read(translation.pa, buffer).is_ok(),
                Direction::Write => bus.write(translation.pa, buffer).is_ok(),
            },
            Outcome::Abort(_) | Outcome::RazWi(_) => false,
            Outcome::Stalled { stag, .. } => {
                self.stalled.insert(stag, transfer);
                return;
            }
        };
        if !is_moved && direction == Direction::Read {
            buffer.fill(0);
        }
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
