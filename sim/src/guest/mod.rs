//! A guest: the driver of the host's kernel once more, over the doors that a virtual machine has.
//!
//! It reaches its SMMU by register accesses, which trap, and by memory, and knows nothing of the monitor behind them.

mod cpu;
mod platform;

use std::collections::BTreeMap;

use crate::driver::{
    AllocFlags, ArmSmmuV3, DeviceDescription, DomainId, Firmware, Host, MasterId, Numbers, Platform, Prot,
    Report, Target,
};
use crate::errno::Errno;
use crate::kernel::Kernel;
use crate::kernel::device::SW_MSI;
use crate::kernel::frames::{Frames, PAGE_SIZE};
use crate::vmm::{Ram, Vmm};

pub use platform::GuestPlatform;

/// The guest's kernel and what firmware tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GuestSetup {
    /// What firmware says of the SMMU.
    pub firmware: Firmware,
    /// The processors, and how the kernel was built.
    pub host: Host,
    /// The memory that the kernel has for itself.
    pub ram: Ram,
    /// Ranges of addresses that devices use without being told: every domain maps them 1:1 (IORT RMR). A machine with
    /// passed-through devices has the window of their interrupts here.
    pub reserved: Vec<Ram>,
    /// The devices, by StreamID.
    pub devices: Vec<DeviceDescription>,
}

impl GuestSetup {
    /// The kernel with queues of 64 KiB at most and 16 MiB of memory, on a machine with these devices.
    pub fn new(devices: Vec<DeviceDescription>) -> Self {
        let window = Ram { ipa: SW_MSI.start, bytes: SW_MSI.last - SW_MSI.start + 1 };
        Self {
            firmware: Firmware::default(),
            host: Host { log2_queue_bytes_max: 16, ..Host::default() },
            ram: Ram::DEFAULT,
            reserved: vec![window],
            devices,
        }
    }

    /// A device with one StreamID, without ATS, stalls or PASIDs.
    pub fn device(stream: u32) -> DeviceDescription {
        DeviceDescription {
            streams: vec![stream],
            ats: false,
            needs_ats: false,
            canwbs: true,
            can_stall: false,
            pasid_bits: 0,
        }
    }
}

/// Memory that can be read and written.
const READ_WRITE: Prot = Prot { read: true, write: true, cache: true, mmio: false, noexec: false };

/// Registers that a device writes.
const DOORBELL: Prot = Prot { cache: false, mmio: true, ..READ_WRITE };

/// A running guest. Every call takes the machine and the monitor that it runs on.
#[derive(Debug)]
pub struct Guest {
    driver: ArmSmmuV3,
    frames: Frames,
    asids: Numbers,
    masters: BTreeMap<u32, MasterId>,
    reserved: Vec<Ram>,
}

impl Guest {
    /// Boots: probes the SMMU, then adds every device. The error is the driver's.
    pub fn boot(kernel: &mut Kernel, vmm: &mut Vmm, setup: &GuestSetup) -> Result<Self, Errno> {
        let mut frames = Frames::new(setup.ram.ipa, setup.ram.ipa.saturating_add(setup.ram.bytes));
        let p = &mut GuestPlatform { kernel, vmm, frames: &mut frames };
        let driver = ArmSmmuV3::probe(p, &setup.firmware, &setup.host)?;
        let (asids, masters, reserved) = (Numbers::default(), BTreeMap::new(), setup.reserved.clone());
        let mut guest = Self { driver, frames, asids, masters, reserved };
        for device in &setup.devices {
            guest.add_device(kernel, vmm, device)?;
        }
        Ok(guest)
    }

    /// Adds a device, which gets a domain of its own.
    pub fn add_device(
        &mut self,
        kernel: &mut Kernel,
        vmm: &mut Vmm,
        device: &DeviceDescription,
    ) -> Result<(), Errno> {
        let Self { driver, frames, asids, masters, .. } = self;
        let p = &mut GuestPlatform { kernel, vmm, frames };
        let master = driver.add_device(p, asids, device, None)?;
        masters.extend(device.streams.iter().map(|stream| (*stream, master)));
        Ok(())
    }

    /// A domain that maps nothing but the reserved ranges.
    pub fn new_domain(
        &mut self,
        kernel: &mut Kernel,
        vmm: &mut Vmm,
        flags: AllocFlags,
    ) -> Result<DomainId, Errno> {
        let Self { driver, frames, asids, reserved, .. } = self;
        let p = &mut GuestPlatform { kernel, vmm, frames };
        let domain = driver.domain_alloc(p, asids, flags)?;
        for &Ram { ipa, bytes } in reserved.iter() {
            driver.map(p, domain, ipa, ipa, bytes, DOORBELL)?;
        }
        Ok(domain)
    }

    /// Frees a domain that no device is attached to.
    pub fn free_domain(&mut self, kernel: &mut Kernel, vmm: &mut Vmm, domain: DomainId) {
        let Self { driver, frames, asids, .. } = self;
        driver.domain_free(&mut GuestPlatform { kernel, vmm, frames }, asids, domain);
    }

    /// Attaches a device, or a PASID of it (0: the device itself).
    ///
    /// Panics if the guest has no such device.
    pub fn attach(
        &mut self,
        kernel: &mut Kernel,
        vmm: &mut Vmm,
        (stream, pasid): (u32, u32),
        target: Target,
    ) -> Result<(), Errno> {
        let master = self.masters[&stream];
        let Self { driver, frames, .. } = self;
        driver.attach(&mut GuestPlatform { kernel, vmm, frames }, master, pasid, target)
    }

    /// Maps memory for reading and writing.
    pub fn map(
        &mut self,
        kernel: &mut Kernel,
        vmm: &mut Vmm,
        domain: DomainId,
        (iova, ipa): (u64, u64),
        bytes: u64,
    ) -> Result<(), Errno> {
        let Self { driver, frames, .. } = self;
        driver.map(&mut GuestPlatform { kernel, vmm, frames }, domain, iova, ipa, bytes, READ_WRITE)
    }

    /// Unmaps and invalidates. Returns how many bytes were unmapped.
    pub fn unmap(
        &mut self,
        kernel: &mut Kernel,
        vmm: &mut Vmm,
        domain: DomainId,
        iova: u64,
        bytes: u64,
    ) -> u64 {
        let Self { driver, frames, .. } = self;
        driver.unmap(&mut GuestPlatform { kernel, vmm, frames }, domain, iova, bytes)
    }

    /// The guest's interrupt handlers: what its SMMU has to say.
    pub fn interrupts(&mut self, kernel: &mut Kernel, vmm: &mut Vmm) -> Vec<Report> {
        let Self { driver, frames, .. } = self;
        let p = &mut GuestPlatform { kernel, vmm, frames };
        p.relax();
        driver.interrupts(p)
    }

    /// Zeroed memory of the guest, of so many pages, a power of two; `None` if there is none.
    pub fn take_pages(&mut self, kernel: &mut Kernel, vmm: &mut Vmm, pages: u64) -> Option<u64> {
        let frames = &mut self.frames;
        GuestPlatform { kernel, vmm, frames }.allocate(pages * PAGE_SIZE)
    }

    /// The driver, to ask.
    pub fn driver(&self) -> &ArmSmmuV3 {
        &self.driver
    }

    /// The driver with its doors, for what is not here.
    pub fn driver_mut<'a>(
        &'a mut self,
        kernel: &'a mut Kernel,
        vmm: &'a mut Vmm,
    ) -> (&'a mut ArmSmmuV3, GuestPlatform<'a>) {
        let Self { driver, frames, .. } = self;
        (driver, GuestPlatform { kernel, vmm, frames })
    }
}
