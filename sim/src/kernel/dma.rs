//! DMA: devices read and write memory through their SMMU.

use smmu_model::address::{Iova, Pa};
use smmu_model::attributes::Attributes;
use smmu_model::ids::{StreamId, SubstreamId};
use smmu_model::outcome::Outcome;
use smmu_model::transaction::{self, Access, AddressType, Transaction};

use super::Kernel;
use super::device::DeviceId;
use super::frames::PAGE_SIZE;

/// Which way a device moves data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// From memory into its buffer.
    Read,
    /// From its buffer to memory.
    Write,
}

impl Kernel {
    /// A device moves `bytes` between its buffer, from offset 0 on, and memory at `address`. What it cannot read is
    /// zero in its buffer. Returns how each of the accesses ended, none of which crosses a 4 KiB boundary.
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
            let size = in_page.min(bytes - done);
            outcomes.push(self.access(device, pasid, direction, at, done..done + size));
            done += size;
        }
        self.serve_interrupts();
        outcomes
    }

    fn access(
        &mut self,
        device: DeviceId,
        pasid: Option<u32>,
        direction: Direction,
        address: u64,
        range: std::ops::Range<usize>,
    ) -> Outcome {
        let device = &mut self.host.devices[device.0];
        let way = match direction {
            Direction::Read => transaction::Direction::Read,
            Direction::Write => transaction::Direction::Write,
        };
        let transaction = Transaction {
            stream: StreamId(device.setup.description.streams[0]),
            substream: pasid.map(SubstreamId),
            address: Iova::new(address),
            access: Access::data(way),
            address_type: AddressType::Untranslated,
            attributes: Attributes::INCOMING_DEFAULT,
        };
        let hardware = &mut self.host.hardware;
        let outcome = hardware.transact(device.setup.iommu, &transaction);
        let buffer = &mut device.buffer[range];
        match (outcome, direction) {
            (Outcome::Done(translation), Direction::Read) => hardware.read(pa(translation.pa), buffer),
            (Outcome::Done(translation), Direction::Write) => hardware.write(pa(translation.pa), buffer),
            (Outcome::Abort(_) | Outcome::RazWi(_), Direction::Read) => buffer.fill(0),
            (Outcome::Abort(_) | Outcome::RazWi(_), Direction::Write) => {}
        }
        outcome
    }
}

fn pa(address: Pa) -> u64 {
    address.value()
}
