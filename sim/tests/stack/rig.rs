//! A machine with virtual machines on it, for the tests.

use smmu_model::features::{Features, IdRegisters, Preset};
use smmu_model::outcome::Outcome;
use smmu_sim::driver::{AllocFlags, DomainId, Target};
use smmu_sim::guest::{Guest, GuestSetup};
use smmu_sim::kernel::device::{BusDriver, DeviceSetup, GroupId};
use smmu_sim::kernel::hardware::IommuId;
use smmu_sim::kernel::{Direction, Kernel, Setup, SmmuSetup};
use smmu_sim::vmm::{GuestDevice, Note, Offer, Vmm, VmmError, VmmSetup};

pub(crate) const PAGE: u64 = 4096;

/// StreamIDs of the guest's devices; the host has others.
pub(crate) const STREAM: u32 = 0x10;
pub(crate) const OTHER_STREAM: u32 = 0x208;

/// One SMMU with these fields on top of QEMU's registers. Behind it are four devices, each alone.
pub(crate) fn machine(fields: &[(&str, u64)]) -> Setup {
    let mut ids: IdRegisters = Preset::Qemu11_1.id_registers();
    for (name, value) in fields {
        ids.set_field(name, *value).expect("a field of an ID register");
    }
    machine_of(ids)
}

pub(crate) fn machine_of(ids: IdRegisters) -> Setup {
    let smmu = SmmuSetup::new(Features::new(ids).expect("the registers are legal"));
    let device = |number: u32| {
        let group = GroupId(usize::try_from(number).expect("it is small"));
        let mut setup = DeviceSetup::pci(IommuId(0), 0x80 + 8 * number, group, BusDriver::Vfio);
        setup.description.pasid_bits = 4;
        setup.description.can_stall = number == 0;
        setup.description.ats = number == 1;
        setup
    };
    Setup { smmus: vec![smmu], devices: (0..4).map(device).collect(), ..Setup::default() }
}

/// A virtual machine with its guest.
pub(crate) struct Vm {
    pub(crate) vmm: Vmm,
    pub(crate) guest: Guest,
}

impl Vm {
    /// With the baseline offer, and devices with one StreamID each.
    pub(crate) fn boot(kernel: &mut Kernel, devices: &[GuestDevice]) -> Self {
        Self::try_boot(kernel, &VmmSetup::accelerated(devices), |offer| offer).expect("it boots")
    }

    pub(crate) fn try_boot(
        kernel: &mut Kernel,
        setup: &VmmSetup,
        change: impl FnOnce(Offer) -> Offer,
    ) -> Result<Self, VmmError> {
        let probed = Vmm::probe(kernel, setup)?;
        let qemu = Preset::Qemu11_1.id_registers();
        let offer = probed.hardware().map_or_else(|| Offer::from_ids(&qemu), Offer::baseline);
        let mut vmm = probed.start(kernel, change(offer))?;
        let devices = setup.devices.iter().map(|device| {
            let mut device = GuestSetup::device(device.stream);
            device.pasid_bits = 4;
            device
        });
        let guest = Guest::boot(kernel, &mut vmm, &GuestSetup::new(devices.collect()));
        let guest = guest.expect("the driver can use the SMMU");
        Ok(Self { vmm, guest })
    }

    /// A domain with a device attached to it.
    pub(crate) fn attach_new(&mut self, kernel: &mut Kernel, stream: u32) -> DomainId {
        let Self { vmm, guest } = self;
        let domain = guest.new_domain(kernel, vmm, AllocFlags::default()).expect("there is memory");
        self.attach(kernel, stream, domain);
        domain
    }

    pub(crate) fn attach(&mut self, kernel: &mut Kernel, stream: u32, domain: DomainId) {
        let target = Target::Domain { domain, handles_faults: false };
        self.guest.attach(kernel, &mut self.vmm, (stream, 0), target).expect("it can be attached");
    }

    /// Maps a new page at `iova`, which holds `text`.
    pub(crate) fn map(&mut self, kernel: &mut Kernel, domain: DomainId, iova: u64, text: &[u8]) -> u64 {
        let Self { vmm, guest } = self;
        let page = guest.take_pages(kernel, vmm, 1).expect("there is memory");
        vmm.write_memory(kernel, page, text).expect("it is memory");
        guest.map(kernel, vmm, domain, (iova, page), PAGE).expect("it can be mapped");
        page
    }

    /// A device reads so many bytes; `None` if it cannot.
    pub(crate) fn read(
        &mut self,
        kernel: &mut Kernel,
        stream: u32,
        iova: u64,
        count: usize,
    ) -> Option<Vec<u8>> {
        let outcomes = self.vmm.dma(kernel, stream, None, Direction::Read, iova, count).expect("it is there");
        let is_done = outcomes.iter().all(|outcome| matches!(outcome, Outcome::Done(_)));
        is_done.then(|| self.vmm.buffer(kernel, stream).expect("it is there")[..count].to_vec())
    }

    /// A device writes; whether it could.
    pub(crate) fn write(&mut self, kernel: &mut Kernel, stream: u32, iova: u64, text: &[u8]) -> bool {
        self.vmm.buffer(kernel, stream).expect("it is there")[..text.len()].copy_from_slice(text);
        let outcomes = self.vmm.dma(kernel, stream, None, Direction::Write, iova, text.len());
        outcomes.expect("it is there").iter().all(|outcome| matches!(outcome, Outcome::Done(_)))
    }

    /// What the guest has in memory.
    pub(crate) fn peek(&self, kernel: &mut Kernel, ipa: u64, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.vmm.read_memory(kernel, ipa, &mut bytes).expect("it is memory");
        bytes
    }

    /// What happened, a line for each thing.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        self.vmm.take_notes().iter().map(Note::to_string).collect()
    }
}

/// Nothing is left of processes that have ended.
pub(crate) fn check_nothing_is_left(kernel: &Kernel) {
    assert_eq!(kernel.contexts().count(), 0, "contexts");
    assert_eq!(kernel.host.backings.count(), 0, "memory of processes");
    for process in &kernel.host.processes {
        assert!(process.mm.is_none(), "a process runs");
    }
    assert!(kernel.host.locked_pages.values().all(|pages| *pages == 0), "locked pages");
    assert!(kernel.host.devices.iter().all(|device| !device.is_bound), "bound devices");
    assert_eq!(kernel.stalled(), 0, "stalled accesses");
}
