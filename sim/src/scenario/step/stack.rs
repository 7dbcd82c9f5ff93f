//! Virtual machines of a scenario of the kernel level, after checking: what monitors and guests do.

use smmu_model::features::IdRegisters;

use super::{KernelData, Place, Value};
use crate::driver::{AllocFlags, DeviceDescription, Firmware, PageResponse};
use crate::errno::Errno;
use crate::kernel::device::DeviceId;
use crate::negotiation::{Policy, Vintage};
use crate::vmm::{Call, GuestDevice, VmmSetup};

/// The names that a virtual machine brings.
#[derive(Clone, Debug, Default)]
pub struct VmNames {
    /// Its own.
    pub name: String,
    /// Those of its devices, with their StreamIDs.
    pub devices: Vec<(String, u32)>,
    /// Those of its guest's domains, by [`VmDomain`].
    pub domains: Vec<String>,
}

/// A virtual machine: its position in the order in which they are named.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct VmId(pub usize);

/// A domain of a guest: its position among those that the guest has named.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct VmDomain(pub usize);

/// Which device makes an access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Initiator {
    /// One of the machine.
    Host(DeviceId),
    /// One that a monitor emulates, by its StreamID.
    Emulated(VmId, u32),
}

/// What a monitor does, or a guest.
#[derive(Clone, Debug)]
pub enum VmDeed {
    /// The monitor starts, and decides what its guest is shown.
    Start(Box<VmStart>),
    /// The guest gets another device.
    Plug(GuestDevice),
    /// A device is taken away, by its StreamID.
    Unplug(u32),
    /// The monitor takes everything away and ends.
    Stop,
    /// A signal ends the monitor.
    Kill,
    /// The guest's driver starts.
    Boot(Box<VmBoot>),
    /// The guest's driver gets to know a device.
    Add(Box<DeviceDescription>),
    /// The guest asks its driver for something.
    Domain(DomainDeed),
    /// A processor of the guest accesses memory or registers, or broadcasts a TLBI.
    Processor(ProcessorDeed),
    /// The guest serves the interrupts of its SMMU.
    Events,
    /// The guest answers the oldest page fault that it knows of.
    Respond(PageResponse),
}

/// A monitor that starts.
#[derive(Clone, Debug)]
pub struct VmStart {
    /// The machine.
    pub setup: VmmSetup,
    /// What is made of GET_HW_INFO, and when that was written.
    pub policy: (Policy, Vintage),
    /// The ID registers of an emulated SMMU.
    pub emulated: IdRegisters,
    /// Fields of ID registers that are shown whatever the policy says.
    pub fields: Vec<(String, u64)>,
    /// `flags` of VIOMMU_ALLOC, whatever the policy says.
    pub viommu_flags: Option<u32>,
}

/// A guest's driver that starts.
#[derive(Clone, Debug)]
pub struct VmBoot {
    /// What firmware says of the SMMU.
    pub firmware: Firmware,
    /// The guest's kernel would take part in broadcasts.
    pub listens_to_broadcasts: bool,
    /// The devices.
    pub devices: Vec<DeviceDescription>,
}

/// What a guest's driver does with domains.
#[derive(Clone, Debug)]
pub enum DomainDeed {
    /// Allocates one.
    Alloc {
        /// Which.
        domain: VmDomain,
        /// How it is to be.
        flags: AllocFlags,
        /// Its tables are those of a process.
        shared: bool,
    },
    /// Frees it.
    Free(VmDomain),
    /// Attaches a device, or a PASID of it.
    Attach {
        /// The device.
        stream: u32,
        /// 0 for the device itself.
        pasid: u32,
        /// To what.
        to: AttachTo,
        /// Page faults are handled.
        handles_faults: bool,
    },
    /// Maps memory.
    Map {
        /// Where to.
        domain: VmDomain,
        /// The address of devices.
        iova: Value,
        /// The address in the guest.
        ipa: Value,
        /// How many bytes.
        bytes: u64,
    },
    /// Unmaps it.
    Unmap {
        /// From where.
        domain: VmDomain,
        /// The address of devices.
        iova: Value,
        /// How many bytes.
        bytes: u64,
    },
    /// Reads which pages are dirty.
    Dirty {
        /// Of which domain.
        domain: VmDomain,
        /// From where on.
        iova: Value,
        /// How many bytes.
        bytes: u64,
        /// They are clean afterwards.
        clear: bool,
    },
    /// A process takes a page out of its tables, and tells nobody.
    Forget {
        /// The tables.
        domain: VmDomain,
        /// The address of the page.
        iova: Value,
    },
}

/// What a guest attaches devices to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AttachTo {
    /// A domain.
    Domain(VmDomain),
    /// The device's own.
    Default,
    /// Every access passes.
    Identity,
    /// No access passes.
    Blocked,
}

/// What a processor of a guest does by itself.
#[derive(Clone, Debug)]
pub enum ProcessorDeed {
    /// Takes zeroed memory, so many pages.
    Alloc(u64),
    /// Writes memory.
    Write {
        /// The IPA.
        at: Value,
        /// What.
        data: KernelData,
    },
    /// Reads memory.
    Read {
        /// The IPA.
        at: Value,
        /// How many bytes, 1 to 8.
        bytes: u8,
    },
    /// Writes a register.
    RegisterWrite {
        /// Which.
        place: Place,
        /// What.
        value: Value,
    },
    /// Reads a register.
    RegisterRead(Place),
    /// Puts a command into the Command queue, and moves PROD over it.
    Command([u64; 2]),
    /// Writes an STE into the stream table; tells nobody.
    Ste {
        /// Of which device.
        stream: u32,
        /// The words.
        words: [u64; 8],
    },
    /// Executes a TLBI, and waits for it.
    Tlbi {
        /// Which.
        operation: GuestTlbiName,
        /// The ASID, of one that has one.
        asid: Value,
        /// The address, of one that has one.
        address: Value,
    },
}

/// A TLBI that a guest can execute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GuestTlbiName {
    /// Everything of the guest.
    All,
    /// An address space.
    Asid,
    /// A page of an address space.
    Va,
    /// A page of all address spaces.
    Vaa,
}

impl GuestTlbiName {
    /// All.
    pub const ALL: &'static [Self] = &[Self::All, Self::Asid, Self::Va, Self::Vaa];

    /// The name in DDI 0487.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "VMALLE1IS",
            Self::Asid => "ASIDE1IS",
            Self::Va => "VAE1IS",
            Self::Vaa => "VAAE1IS",
        }
    }
}

/// What must hold of virtual machines.
#[derive(Clone, Debug)]
pub enum VmClaim {
    /// A monitor, or a guest's driver, ends what it does with this error.
    Fails {
        /// The error.
        errno: Errno,
        /// The call that the kernel refused, if stated.
        at: Option<Call>,
    },
    /// A monitor refuses, and says why with this text in it.
    Declined(String),
    /// An access of a guest's processor is aborted.
    Aborted,
    /// The guest has found no other event record.
    NoEvent,
    /// Something that the monitor had to say in this step has this text in it.
    Note(String),
    /// The memory of a guest holds this.
    Memory {
        /// Whose.
        vm: VmId,
        /// The IPA.
        at: Value,
        /// What.
        data: KernelData,
    },
    /// No process runs, and nothing is left of one.
    Released,
}

impl VmClaim {
    /// Whether it says how the step ends.
    pub const fn is_about_end(&self) -> bool {
        match self {
            Self::Fails { .. } | Self::Declined(_) | Self::Aborted => true,
            Self::NoEvent | Self::Note(_) | Self::Memory { .. } | Self::Released => false,
        }
    }
}
