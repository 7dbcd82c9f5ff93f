//! The doors of a monitor: register accesses of the guest that trap, guest memory, and the work that follows.

use smmu_model::address::Pa;
use smmu_model::bus::{Bus, ExternalAbort};
use smmu_model::choice::Defaults;
use smmu_model::env::World;
use smmu_model::outcome::Outcome;
use smmu_model::trace::Silence;
use smmu_model::{Progress, RegisterAbort};

use super::accelerated::Accelerated;
use super::error::VmmError;
use super::memory::GuestBus;
use super::{Back, NoSte, Vmm, stream_table};
use crate::kernel::{Direction, Kernel};

/// How many bytes a word of an ID register has.
const WORD_BYTES: u8 = 4;

impl Vmm {
    /// The guest reads a register: `offset` from the base of page 0, `bytes` as the access has it (IHI 0070 §6.2).
    pub fn mmio_read(&mut self, kernel: &mut Kernel, offset: u64, bytes: u8) -> Result<u64, RegisterAbort> {
        // ID registers are words as they were offered, whether there is an SMMU that has just them or not.
        let shown = self.offer.register(offset).filter(|_| bytes == WORD_BYTES);
        if let Some(word) = shown {
            return Ok(u64::from(word));
        }
        let mut bus = GuestBus { kernel, pid: self.client.pid, memory: &self.memory };
        let mut world = World { bus: &mut bus, chooser: &mut Defaults, sink: &mut Silence };
        self.front.read(&mut world, offset, bytes)
    }

    /// The guest writes a register. What follows is done by [`Vmm::step`].
    pub fn mmio_write(
        &mut self,
        kernel: &mut Kernel,
        offset: u64,
        bytes: u8,
        value: u64,
    ) -> Result<(), RegisterAbort> {
        let mut bus = GuestBus { kernel, pid: self.client.pid, memory: &self.memory };
        let mut world = World { bus: &mut bus, chooser: &mut Defaults, sink: &mut Silence };
        self.front.write(&mut world, offset, bytes, value)
    }

    /// The guest reads its memory at an IPA. All of it must be in one piece of memory.
    pub fn read_memory(&self, kernel: &mut Kernel, ipa: u64, bytes: &mut [u8]) -> Result<(), ExternalAbort> {
        GuestBus { kernel, pid: self.client.pid, memory: &self.memory }.read(Pa::new(ipa), bytes)
    }

    /// The guest writes its memory.
    pub fn write_memory(&self, kernel: &mut Kernel, ipa: u64, bytes: &[u8]) -> Result<(), ExternalAbort> {
        GuestBus { kernel, pid: self.client.pid, memory: &self.memory }.write(Pa::new(ipa), bytes)
    }

    /// Where the guest's STE of a device lies, as the monitor finds it.
    pub fn ste_address(&self, kernel: &mut Kernel, stream: u32) -> Result<u64, NoSte> {
        let mut bus = GuestBus { kernel, pid: self.client.pid, memory: &self.memory };
        stream_table::locate(&self.front, &mut bus, u64::from(stream)).map(Pa::value)
    }

    /// Does one unit of work: takes an event, completes a register Update, or serves a command.
    pub fn step(&mut self, kernel: &mut Kernel) -> Progress {
        if let Some(progress) = self.back(kernel, Accelerated::step) {
            return progress;
        }
        let Self { client, memory, front, back, .. } = self;
        let Back::Emulated(back) = back else { unreachable!("there are two kinds of machines") };
        back.step(front, GuestBus { kernel, pid: client.pid, memory })
    }

    /// Steps until nothing is left to do. Events that come faster than the guest takes them are lost, so that there is
    /// an end.
    pub fn run(&mut self, kernel: &mut Kernel) {
        while self.step(kernel) == Progress::Worked {}
    }

    /// A device of the guest moves `bytes` between its buffer, from offset 0 on, and memory at `address`, as
    /// [`Kernel::dma`] says. A device that is passed through does so by itself: the monitor adds nothing.
    pub fn dma(
        &mut self,
        kernel: &mut Kernel,
        stream: u32,
        pasid: Option<u32>,
        direction: Direction,
        address: u64,
        bytes: usize,
    ) -> Result<Vec<Outcome>, VmmError> {
        let Self { client, memory, front, back, .. } = self;
        match back {
            Back::Accelerated(back) => {
                let device = back.host_device(kernel, stream).ok_or(VmmError::StreamUnknown(stream))?;
                Ok(kernel.dma(device, pasid, direction, address, bytes))
            }
            Back::Emulated(back) => {
                let bus = GuestBus { kernel, pid: client.pid, memory };
                back.dma(front, bus, (stream, pasid), direction, address, bytes)
            }
        }
    }

    /// What a device of the guest reads memory into and writes it from.
    pub fn buffer<'a>(
        &'a mut self,
        kernel: &'a mut Kernel,
        stream: u32,
    ) -> Result<&'a mut Vec<u8>, VmmError> {
        let buffer = match &mut self.back {
            Back::Accelerated(back) => {
                back.host_device(kernel, stream).map(|device| &mut kernel.host.devices[device.0].buffer)
            }
            Back::Emulated(back) => back.buffer(stream),
        };
        buffer.ok_or(VmmError::StreamUnknown(stream))
    }
}
