//! DMA: devices read and write memory through their SMMU.

use smmu_model::address::Iova;
use smmu_model::attributes::Attributes;
use smmu_model::ids::{StreamId, SubstreamId};
use smmu_model::outcome::Outcome;
use smmu_model::transaction::{self, Access, AddressType, Transaction};

use super::Kernel;
use super::device::DeviceId;
use super::frames::PAGE_SIZE;
use super::hardware::{IommuId, StallEnd};
use super::host::Host;

/// Which way a device moves data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// From memory into its buffer.
    Read,
    /// From its buffer to memory.
    Write,
}

/// A part of a device's buffer, and which way it goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Transfer {
    device: DeviceId,
    direction: Direction,
    start: usize,
    end: usize,
}

impl Kernel {
    /// A device moves `bytes` between its buffer, from offset 0 on, and memory at `address`. What it cannot read is
    /// zero in its buffer. Returns how each of the accesses ended, none of which crosses a 4 KiB boundary. One that
    /// stalls is done when its page fault is answered.
    pub fn dma(
        &mut self,
        device: DeviceId,
        pasid: Option<u32>,
        direction: Direction,
        address: u64,
        bytes: usize,
    ) -> Vec<Outcome> {
        let iommu = self.host.device(device).setup.iommu;
        self.host.hardware.settle(iommu);
        let bytes = bytes.min(self.host.device(device).buffer.len());
        let mut outcomes = Vec::new();
        let mut done = 0;
        while done < bytes {
            let at = address.wrapping_add(u64::try_from(done).expect("a buffer is small"));
            let in_page = usize::try_from(PAGE_SIZE - at % PAGE_SIZE).expect("a page is small");
            let end = done + in_page.min(bytes - done);
            let transfer = Transfer { device, direction, start: done, end };
            let outcome = self.host.hardware.transact(iommu, &self.transaction(device, pasid, direction, at));
            self.conclude(transfer, iommu, outcome);
            outcomes.push(outcome);
            done = end;
        }
        self.serve_interrupts();
        outcomes
    }

    /// How many accesses of devices stall.
    pub fn stalled(&self) -> usize {
        self.stalled.len()
    }

    /// Ends the accesses that SMMUs hold no longer.
    pub(super) fn end_stalls(&mut self) {
        for StallEnd { iommu, stag, outcome } in self.host.hardware.take_ended_stalls() {
            if let Some(transfer) = self.stalled.remove(&(iommu, stag)) {
                self.conclude(transfer, iommu, outcome);
            }
        }
        self.host.hardware.watch_stalls(!self.stalled.is_empty());
    }

    fn transaction(
        &self,
        device: DeviceId,
        pasid: Option<u32>,
        direction: Direction,
        address: u64,
    ) -> Transaction {
        let direction = match direction {
            Direction::Read => transaction::Direction::Read,
            Direction::Write => transaction::Direction::Write,
        };
        Transaction {
            stream: StreamId(self.host.device(device).setup.description.streams[0]),
            substream: pasid.map(SubstreamId),
            address: Iova::new(address),
            access: Access::data(direction),
            address_type: AddressType::Untranslated,
            attributes: Attributes::INCOMING_DEFAULT,
        }
    }

    /// What an access does, now that it is known how it ends.
    fn conclude(&mut self, transfer: Transfer, iommu: IommuId, outcome: Outcome) {
        let Host { hardware, devices, .. } = &mut self.host;
        let buffer = &mut devices[transfer.device.0].buffer[transfer.start..transfer.end];
        match (outcome, transfer.direction) {
            (Outcome::Done(translation), Direction::Read) => hardware.read(translation.pa.value(), buffer),
            (Outcome::Done(translation), Direction::Write) => hardware.write(translation.pa.value(), buffer),
            (Outcome::Abort(_) | Outcome::RazWi(_), Direction::Read) => buffer.fill(0),
            (Outcome::Abort(_) | Outcome::RazWi(_), Direction::Write) => {}
            (Outcome::Stalled { stag, .. }, Direction::Read | Direction::Write) => {
                self.stalled.insert((iommu, stag), transfer);
                hardware.watch_stalls(true);
            }
        }
    }
}
