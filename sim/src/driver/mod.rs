//! The arm-smmu-v3 driver of Linux: what it makes of an SMMU's ID registers and of firmware, and what it writes to
//! registers, tables and queues for each thing that its callers ask.
//!
//! It reaches the hardware through a [`Platform`] and nothing else, so that the same code drives the host's SMMU
//! and a guest's virtual one.

pub mod firmware;
pub mod platform;

use crate::errno::Errno;

pub use firmware::{DeviceDescription, Firmware, HttuOverride, Source};
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

/// Numbers that are given out, lowest first: ASIDs (of all SMMUs together) and VMIDs.
#[derive(Clone, Debug, Default)]
pub struct Numbers(());

/// One SMMU and everything that its driver keeps about it.
#[derive(Debug)]
pub struct ArmSmmuV3(());

impl ArmSmmuV3 {
    /// Probes, resets and enables the SMMU.
    pub fn probe(_p: &mut impl Platform, _firmware: &Firmware) -> Result<Self, Errno> {
        unimplemented!()
    }

    /// Adds a device and attaches it to its default domain.
    pub fn add_device(
        &mut self,
        _p: &mut impl Platform,
        _asids: &mut Numbers,
        _device: &DeviceDescription,
    ) -> Result<MasterId, Errno> {
        unimplemented!()
    }

    /// What the SMMU says about itself, read now.
    pub fn hw_info(&self, _p: &mut impl Platform) -> HwInfo {
        unimplemented!()
    }

    /// What `master` can do here.
    pub fn capabilities(&self, _master: MasterId) -> Capabilities {
        unimplemented!()
    }

    /// A paging domain for `master` (`domain_alloc_paging_flags`): EOPNOTSUPP for flags it does not offer together.
    pub fn domain_alloc(
        &mut self,
        _p: &mut impl Platform,
        _asids: &mut Numbers,
        _master: MasterId,
        _flags: AllocFlags,
    ) -> Result<DomainId, Errno> {
        unimplemented!()
    }

    /// Frees a domain that no master is attached to, paging or nested.
    pub fn domain_free(&mut self, _p: &mut impl Platform, _asids: &mut Numbers, _domain: DomainId) {
        unimplemented!()
    }

    /// What a paging domain can map.
    pub fn geometry(&self, _domain: DomainId) -> Geometry {
        unimplemented!()
    }

    /// The domain forces its devices' DMA to be coherent from now on (`enforce_cache_coherency`).
    pub fn enforce_coherency(&mut self, _domain: DomainId, _master: MasterId) -> bool {
        unimplemented!()
    }

    /// Whether the domain forces coherency.
    pub fn enforces_coherency(&self, _domain: DomainId) -> bool {
        unimplemented!()
    }

    /// Maps `bytes` at `iova` to `pa`, all multiples of the smallest page; on an error nothing stays mapped.
    pub fn map(
        &mut self,
        _p: &mut impl Platform,
        _domain: DomainId,
        _iova: u64,
        _pa: u64,
        _bytes: u64,
        _prot: Prot,
    ) -> Result<(), Errno> {
        unimplemented!()
    }

    /// Unmaps and invalidates; returns how many bytes were unmapped (`iommu_unmap`).
    pub fn unmap(&mut self, _p: &mut impl Platform, _domain: DomainId, _iova: u64, _bytes: u64) -> u64 {
        unimplemented!()
    }

    /// Where `iova` goes, if it is mapped.
    pub fn iova_to_phys(&self, _p: &mut impl Platform, _domain: DomainId, _iova: u64) -> Option<u64> {
        unimplemented!()
    }

    /// Whether the domain tracks dirty pages.
    pub fn has_dirty_tracking(&self, _domain: DomainId) -> bool {
        unimplemented!()
    }

    /// Calls `dirty(iova, bytes)` for each dirty leaf of the range, and clears it if `clear`.
    pub fn read_dirty(
        &mut self,
        _p: &mut impl Platform,
        _domain: DomainId,
        _iova: u64,
        _bytes: u64,
        _clear: bool,
        _dirty: &mut dyn FnMut(u64, u64),
    ) -> Result<(), Errno> {
        unimplemented!()
    }

    /// Attaches `master` at `pasid` (0: the device itself) to `target`, in place of what it was attached to.
    pub fn attach(
        &mut self,
        _p: &mut impl Platform,
        _master: MasterId,
        _pasid: u32,
        _target: Target,
    ) -> Result<(), Errno> {
        unimplemented!()
    }

    /// Whether a virtual SMMU of `kind` (`IOMMU_VIOMMU_TYPE_*`) can be made for `master`: EOPNOTSUPP if not.
    pub fn viommu_supported(&self, _master: MasterId, _kind: u32) -> Result<(), Errno> {
        unimplemented!()
    }

    /// Makes a virtual SMMU over `parent`.
    pub fn viommu_init(&mut self, _parent: DomainId) -> Result<ViommuId, Errno> {
        unimplemented!()
    }

    /// Forgets a virtual SMMU.
    pub fn viommu_destroy(&mut self, _viommu: ViommuId) {
        unimplemented!()
    }

    /// A device of the guest: `virt_id` names `master` in the commands of the guest.
    pub fn vdevice_init(&mut self, _viommu: ViommuId, _master: MasterId, _virt_id: u64) -> Result<(), Errno> {
        unimplemented!()
    }

    /// The guest's device is gone.
    pub fn vdevice_destroy(&mut self, _viommu: ViommuId, _virt_id: u64) {
        unimplemented!()
    }

    /// A nested domain from two words of the guest's STE.
    pub fn nested_alloc(&mut self, _viommu: ViommuId, _ste: [u64; 2]) -> Result<DomainId, Errno> {
        unimplemented!()
    }

    /// Validates and issues commands of a guest. Returns how many count as handled, and the error if any.
    pub fn invalidate(
        &mut self,
        _p: &mut impl Platform,
        _viommu: ViommuId,
        _commands: &[[u64; 2]],
    ) -> (u32, Result<(), Errno>) {
        unimplemented!()
    }

    /// The event interrupt: drains the Event queue and the PRI queue, and handles global errors.
    pub fn interrupts(&mut self, _p: &mut impl Platform) -> Vec<Report> {
        unimplemented!()
    }

    /// Answers a page fault.
    pub fn page_response(&mut self, _p: &mut impl Platform, _fault: &PageFault, _response: PageResponse) {
        unimplemented!()
    }
}
