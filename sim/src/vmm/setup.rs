//! From nothing to a running monitor: the calls that Linux wants in this order.

use std::collections::BTreeSet;

use smmu_model::choice::Defaults;
use smmu_model::env::World;
use smmu_model::features::{Features, violations};
use smmu_model::trace::Silence;
use smmu_model::{CachePolicy, Smmu};

use super::accelerated::{Accelerated, Host, Plan};
use super::calls::{Call, Caller, HwInfo};
use super::emulated::Emulated;
use super::error::{Step, VmmError};
use super::memory::{GuestBus, GuestMemory, Ram};
use super::note::Note;
use super::offer::Offer;
use super::{Back, Vmm};
use crate::errno::Errno;
use crate::iommufd::uapi::iommu_hw_info_arm_smmuv3;
use crate::kernel::process::{Process, Rights};
use crate::kernel::{Client, Kernel};

/// Memory for what structures of calls point to.
const DATA_BYTES: u64 = 1 << 16;

/// How the guest's SMMU translates.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Mode {
    /// In hardware, nested under stage 2 of the kernel.
    Accelerated,
    /// In software, by the monitor.
    Emulated,
}

/// A device of the guest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GuestDevice {
    /// The guest's StreamID.
    pub stream: u32,
    /// The N of `/dev/vfio/devices/vfioN` if it is passed through; an emulated device has no use for it.
    pub vfio: usize,
}

/// A virtual machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VmmSetup {
    /// How its SMMU translates.
    pub mode: Mode,
    /// Its memory. The kernel refuses to map any over 0x08000000–0x080fffff, where interrupts of devices go.
    pub ram: Vec<Ram>,
    /// Its devices.
    pub devices: Vec<GuestDevice>,
    /// Stage 2 of the kernel has blocks where it can; else pages of 4 KiB (IOMMU_OPTION_HUGE_PAGES).
    pub huge_pages: bool,
    /// How many events the kernel keeps for the monitor.
    pub event_depth: u32,
    /// Whether devices that are passed through may stall.
    pub stalls: Stalls,
    /// What an emulated SMMU caches.
    pub caches: CachePolicy,
}

/// Which devices may stall, where the hardware lets the guest's contexts say so (IDR0.STALL_MODEL 0). The kernel cannot
/// be asked which devices it would have an answer for, and leaves it to the guest's STEs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stalls {
    /// Every device, as the guest likes, and nobody answers: the kernel ends what stalls, and nobody hears of it. A device
    /// that the kernel does not expect to stall hangs for ever. Monitors of today do this.
    Unanswered,
    /// No device: every STE says so. A context that stalls is then a bad one, and the guest hears of that.
    Denied,
    /// The devices with these StreamIDs of the guest, which the kernel must know as ones that can stall. Their page faults
    /// go to the guest, which answers. The others may not.
    Answered(BTreeSet<u32>),
}

impl Stalls {
    /// Page faults of the device go to the guest.
    pub(super) fn are_answered(&self, stream: u32) -> bool {
        match self {
            Self::Unanswered | Self::Denied => false,
            Self::Answered(streams) => streams.contains(&stream),
        }
    }

    /// The device may not stall, whatever the guest says.
    pub(super) fn are_denied(&self, stream: u32) -> bool {
        match self {
            Self::Unanswered => false,
            Self::Denied => true,
            Self::Answered(streams) => !streams.contains(&stream),
        }
    }
}

impl VmmSetup {
    /// A virtual machine with passed-through devices that may not stall, some memory, and room for 1024 events.
    pub fn accelerated(devices: &[GuestDevice]) -> Self {
        Self {
            mode: Mode::Accelerated,
            ram: vec![Ram::DEFAULT],
            devices: devices.to_vec(),
            huge_pages: true,
            event_depth: 1024,
            stalls: Stalls::Denied,
            caches: CachePolicy::default(),
        }
    }

    /// The same with emulated devices.
    pub fn emulated(devices: &[GuestDevice]) -> Self {
        Self { mode: Mode::Emulated, ..Self::accelerated(devices) }
    }
}

/// What GET_HW_INFO said about a device.
#[derive(Clone, Copy, Debug)]
pub struct DeviceReply {
    /// The device.
    pub device: GuestDevice,
    /// The reply.
    pub reply: HwInfo,
}

/// A monitor that knows what there is, and has not decided what to show the guest.
#[derive(Debug)]
pub struct Probed {
    setup: VmmSetup,
    client: Client,
    data: u64,
    memory: GuestMemory,
    machine: i32,
    /// Of an accelerated machine.
    host: Option<Host>,
    replies: Vec<DeviceReply>,
    notes: Vec<Note>,
}

impl Vmm {
    /// Starts the process, which opens and binds the devices and asks what they are. On an error nothing is left.
    pub fn probe(kernel: &mut Kernel, setup: &VmmSetup) -> Result<Probed, VmmError> {
        let memory_refused = |errno: Errno| VmmError::Refused { step: Step::Memory, call: Call::Mmap, errno };
        let client = Client::start(kernel, Process::new(0, Rights::ROOT)).map_err(memory_refused)?;
        let mut probed = Probed {
            setup: setup.clone(),
            client,
            data: 0,
            memory: GuestMemory::default(),
            machine: 0,
            host: None,
            replies: Vec::new(),
            notes: Vec::new(),
        };
        let result = probed.probe(kernel);
        if result.is_err() {
            kernel.exit(client.pid);
        }
        result.map(|()| probed)
    }
}

impl Probed {
    /// What is known of the devices; nothing of emulated ones.
    pub fn replies(&self) -> &[DeviceReply] {
        &self.replies
    }

    /// The hardware behind the devices; `None` of an emulated machine.
    pub fn hardware(&self) -> Option<&iommu_hw_info_arm_smmuv3> {
        self.replies.first().map(|device| &device.reply.smmu)
    }

    /// What happened since the last call.
    pub fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    /// Gives up.
    pub fn kill(self, kernel: &mut Kernel) {
        kernel.exit(self.client.pid);
    }

    /// Goes on with what the guest is to be shown. On an error nothing is left.
    pub fn start(mut self, kernel: &mut Kernel, offer: Offer) -> Result<Vmm, VmmError> {
        let client = self.client;
        let back = self.start_back(kernel, &offer);
        let front = back.and_then(|back| Ok((back, self.front(kernel, &offer)?)));
        let (back, front) = front.inspect_err(|_error| kernel.exit(client.pid))?;
        let Self { data, memory, machine, notes, .. } = self;
        let mut vmm = Vmm { client, data, memory, machine, offer, front, back, notes };
        vmm.first_attachment(kernel).inspect_err(|_error| kernel.exit(client.pid))?;
        Ok(vmm)
    }

    fn probe(&mut self, kernel: &mut Kernel) -> Result<(), VmmError> {
        let Self { setup, client, data, memory, machine, host, replies, notes } = self;
        let mut streams = BTreeSet::new();
        if let Some(twice) = setup.devices.iter().find(|device| !streams.insert(device.stream)) {
            return Err(VmmError::StreamTwice(twice.stream));
        }
        let mut caller = Caller { kernel, client: *client, notes, data: 0, step: Step::Memory };
        *data = caller.map_memory(DATA_BYTES)?;
        caller.data = *data;
        for &ram in &setup.ram {
            memory.insert(ram, caller.map_memory(ram.bytes)?);
        }
        *machine = caller.for_step(Step::Machine).create_vm()?;
        match setup.mode {
            Mode::Accelerated => {
                *host = Some(Host::open(&mut caller, &setup.devices, replies)?);
            }
            Mode::Emulated => {}
        }
        Ok(())
    }

    fn start_back(&mut self, kernel: &mut Kernel, offer: &Offer) -> Result<Back, VmmError> {
        let Self { setup, client, data, memory, machine, host, replies, notes } = self;
        let Some(host) = host.take() else {
            return Ok(Back::Emulated(Emulated::new(setup.devices.iter().map(|device| device.stream))));
        };
        let mut caller = Caller { kernel, client: *client, notes, data: *data, step: Step::Map };
        let smmu = replies.first().ok_or(VmmError::NoDevice)?.reply.smmu;
        let plan = Plan { memory, machine: *machine, offer, smmu, setup };
        Ok(Back::Accelerated(Accelerated::start(&mut caller, host, &plan)?))
    }

    fn front(&mut self, kernel: &mut Kernel, offer: &Offer) -> Result<Smmu, VmmError> {
        let features = offer.features().map_err(VmmError::Offer)?;
        self.notes.extend(violations(&offer.ids()).into_iter().map(Note::Unlawful));
        let bus = GuestBus { kernel, pid: self.client.pid, memory: &self.memory };
        Ok(out_of_reset(features, self.setup.caches, bus))
    }
}

/// The guest's SMMU as it is when the machine is turned on.
pub(super) fn out_of_reset(features: Features, caches: CachePolicy, mut bus: GuestBus<'_>) -> Smmu {
    let mut world = World { bus: &mut bus, chooser: &mut Defaults, sink: &mut Silence };
    Smmu::new(features, &mut world).with_caches(caches)
}
