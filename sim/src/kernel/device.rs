//! Devices behind the SMMUs, and the groups that they form.

use std::collections::BTreeMap;

use super::hardware::IommuId;
use crate::driver::{DeviceDescription, DomainId, MasterId};
use crate::iommufd::ContextId;

/// A device of the machine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DeviceId(pub usize);

/// An IOMMU group: devices that cannot be told apart, and so are attached together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GroupId(pub usize);

/// What a device is, before the kernel knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceSetup {
    /// Behind which SMMU.
    pub iommu: IommuId,
    /// What firmware says.
    pub description: DeviceDescription,
    /// Its group; devices with the same number are in one.
    pub group: GroupId,
    /// Who drives it.
    pub driver: BusDriver,
    /// Reserved regions besides the MSI window that the driver of the SMMU adds.
    pub reserved: Vec<ReservedRegion>,
    /// Its PASIDs can fetch instructions.
    pub pasid_exec: bool,
    /// Its PASIDs can be privileged.
    pub pasid_priv: bool,
    /// It is a virtual function with PRI.
    pub is_vf_with_pri: bool,
    /// Its interrupts are isolated from those of other devices.
    pub msi_isolated: bool,
}

/// Who drives a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BusDriver {
    /// Nobody.
    None,
    /// A driver of the host kernel, which uses the DMA API.
    Native,
    /// vfio-pci.
    Vfio,
}

/// What a reserved region is for (`enum iommu_resv_type`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReservedKind {
    /// Mapped 1:1 at all times.
    Direct,
    /// Mapped 1:1 until somebody takes the device over.
    DirectRelaxable,
    /// Not usable.
    Reserved,
    /// Interrupts, by hardware.
    Msi,
    /// Interrupts, through a mapping of the kernel.
    SwMsi,
}

/// A range of IOVAs that a device cannot have mapped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReservedRegion {
    /// What for.
    pub kind: ReservedKind,
    /// Its first byte.
    pub start: u64,
    /// Its last byte.
    pub last: u64,
}

/// The window of arm-smmu-v3 for software-mapped interrupts, of every device.
pub const SW_MSI: ReservedRegion =
    ReservedRegion { kind: ReservedKind::SwMsi, start: 0x0800_0000, last: 0x080f_ffff };

/// The buffer that a device reads memory into and writes it from.
pub const BUFFER_BYTES: usize = 4096;

/// A device that its SMMU's driver has added.
#[derive(Debug)]
pub struct Device {
    /// What it is.
    pub setup: DeviceSetup,
    /// What the driver of the SMMU calls it.
    pub master: MasterId,
    /// Its own memory.
    pub buffer: Vec<u8>,
    /// An opened VFIO device has bound it.
    pub is_bound: bool,
}

impl Device {
    /// All regions that it cannot have mapped.
    pub fn reserved_regions(&self) -> impl Iterator<Item = ReservedRegion> {
        std::iter::once(SW_MSI).chain(self.setup.reserved.iter().copied())
    }
}

/// What the core of the kernel knows about a group.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// The devices, in the order in which they were added.
    pub devices: Vec<DeviceId>,
    /// Who has taken the group over, and for how many devices.
    pub owner: Option<(ContextId, u32)>,
    /// What the devices themselves are attached to.
    pub attached: GroupDomain,
    /// What their PASIDs are attached to.
    pub pasids: BTreeMap<u32, DomainOf>,
}

/// What the devices of a group are attached to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum GroupDomain {
    /// The kernel's DMA domain.
    #[default]
    Default,
    /// Nothing.
    Blocked,
    /// A domain that somebody allocated.
    Domain(DomainOf),
}

/// A domain and the SMMU that it is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DomainOf {
    /// The SMMU.
    pub iommu: IommuId,
    /// The domain.
    pub domain: DomainId,
    /// It has a fault queue.
    pub handles_faults: bool,
}
