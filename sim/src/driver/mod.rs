//! The arm-smmu-v3 driver of Linux: what it makes of an SMMU's ID registers and of firmware, and what it writes to
//! registers, tables and queues for each thing that its callers ask.
//!
//! It reaches the hardware through a [`Platform`] and nothing else, so that the same code drives the host's SMMU
//! and a guest's virtual one.

mod attach;
mod cd;
mod cd_table;
mod command;
mod domain;
mod entry;
mod events;
pub mod firmware;
mod invalidation;
mod master;
mod nested;
mod numbers;
mod page_table;
pub mod platform;
mod probe;
mod queue;
mod registers;
mod reset;
mod ste;
mod stream_table;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use domain::Domain;
use master::Master;
use nested::Viommu;
use probe::Features;
use queue::{CommandQueue, ReadQueue};
use stream_table::StreamTable;

pub use firmware::{DeviceDescription, Firmware, Host, HttuOverride, Source};
pub use nested::VIOMMU_TYPE_ARM_SMMUV3;
pub use numbers::Numbers;
pub use platform::Platform;

/// A device behind an SMMU, once its driver has added it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MasterId(pub usize);

/// A domain that a caller allocated, of one SMMU.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DomainId(pub usize);

/// A virtual SMMU, as the driver knows it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ViommuId(pub usize);

/// How a paging domain is to be, in the terms of `IOMMU_HWPT_ALLOC_*` (without the fault queue).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AllocFlags {
    /// Stage 2, and the parent of nested domains.
    pub nest_parent: bool,
    /// Dirty pages can be tracked.
    pub dirty_tracking: bool,
    /// PASIDs can be attached.
    pub pasid: bool,
}

/// What a mapping lets a device do (`IOMMU_READ`, …).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Prot {
    /// Reads.
    pub read: bool,
    /// Writes.
    pub write: bool,
    /// Cacheable memory; else device or non-cacheable memory.
    pub cache: bool,
    /// Memory-mapped registers.
    pub mmio: bool,
    /// No instruction fetches.
    pub noexec: bool,
}

/// What a master is attached to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// Every access passes.
    Identity,
    /// No access passes.
    Blocked,
    /// The kernel's own DMA domain of the master's group.
    Default,
    /// A domain.
    Domain {
        /// Which.
        domain: DomainId,
        /// Page faults of the domain are handled (it has a fault queue).
        handles_faults: bool,
    },
}

/// What a domain can map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Geometry {
    /// The last input address; the first is 0.
    pub last: u64,
    /// Bit n is set if leaves of 2^n bytes exist.
    pub page_sizes: u64,
}

/// What a master and its SMMU can do together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// Dirty tracking domains.
    pub dirty_tracking: bool,
    /// ATS.
    pub ats: bool,
    /// DMA of the device can be forced coherent.
    pub enforced_coherency: bool,
    /// PASIDs, counting 0; 0 for none.
    pub max_pasids: u32,
}

/// What the driver reports upwards from the Event queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Report {
    /// For the vEVENTQ of a virtual SMMU: the record with the guest's StreamID.
    Virtual {
        /// The virtual SMMU.
        viommu: ViommuId,
        /// The 32 bytes, as words.
        record: [u64; 4],
        /// The record as the SMMU wrote it: what is logged if there is no vEVENTQ.
        hardware: [u64; 4],
    },
    /// A stalled access for the handler of the domain.
    Fault(PageFault),
    /// Logged by the host kernel, and no more.
    Logged([u64; 4]),
}

/// A stalled access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PageFault {
    /// The device.
    pub master: MasterId,
    /// Its PASID, if the access carried one.
    pub pasid: Option<u32>,
    /// The stall tag, which the answer names.
    pub group: u32,
    /// R, W, X, PRIV in bits 0 to 3.
    pub perm: u32,
    /// The address.
    pub address: u64,
}

/// The answer to a [`PageFault`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PageResponse {
    /// Try again.
    Success,
    /// The address is not valid.
    Invalid,
    /// The fault could not be handled.
    Failure,
}

/// The hardware information of `IOMMU_GET_HW_INFO`, `struct iommu_hw_info_arm_smmuv3`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HwInfo {
    /// Bit 0: every TLBI and CFGI must be issued twice.
    pub flags: u32,
    /// IDR0 to IDR5.
    pub idr: [u32; 6],
    /// IIDR.
    pub iidr: u32,
    /// AIDR.
    pub aidr: u32,
}

/// What an SMMU and its firmware can do for guests, as the driver knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GuestSupport {
    /// Hardware update of translation tables, encoded as IDR0.HTTU: firmware's word, if it has one.
    pub httu: u8,
    /// The SMMU takes part in broadcast TLB maintenance.
    pub broadcasts: bool,
}

/// One SMMU and everything that its driver keeps about it.
///
/// Domains, masters and virtual SMMUs are named by what the driver gave out for them; a name of something that is
/// gone, or of another SMMU, is a mistake of the caller and panics.
#[derive(Debug)]
pub struct ArmSmmuV3 {
    host: Host,
    firmware: Firmware,
    features: Features,
    queue: CommandQueue,
    events: ReadQueue<4>,
    page_request_queue: Option<ReadQueue<2>>,
    stream_table: StreamTable,
    masters: Vec<Master>,
    domains: Vec<Option<Domain>>,
    viommus: Vec<Option<Viommu>>,
    vmids: Numbers,
}

impl ArmSmmuV3 {
    /// Issues a command of the caller's, whatever it is, and does not wait for it.
    pub fn issue(&mut self, p: &mut impl Platform, command: [u64; 2]) {
        self.queue.issue(p, command);
    }

    fn domain(&self, domain: DomainId) -> &Domain {
        self.domains[domain.0].as_ref().expect("the domain exists")
    }
}
