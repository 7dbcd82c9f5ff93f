//! What machine to boot.

use smmu_model::CachePolicy;
use smmu_model::features::Features;
use smmu_model::ids::Vmid;

use super::device::{BusDriver, DeviceSetup, GroupId};
use super::generation::Generation;
use super::hardware::IommuId;
use crate::driver::{self, DeviceDescription, Firmware};

/// A machine: SMMUs, and the devices behind them in the order in which the kernel finds them.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The SMMUs.
    pub smmus: Vec<SmmuSetup>,
    /// The devices.
    pub devices: Vec<DeviceSetup>,
    /// What the processors and the kernel's configuration settle. Pages are of 4 KiB.
    pub processors: driver::Host,
    /// Whether to note what drivers write to SMMUs.
    pub keeps_journal: bool,
    /// What the kernel offers beyond Linux 7.3.
    pub generation: Generation,
    /// The VMID of the first virtual machine of KVM. An SMMU's first is 1.
    pub first_kvm_vmid: Vmid,
    /// The interconnect carries atomic updates. Without, hardware updates of translation tables abort.
    pub has_atomics: bool,
}

impl Default for Setup {
    /// A machine without SMMUs, with Linux 7.3 and an interconnect that can do everything.
    fn default() -> Self {
        Self {
            smmus: Vec::new(),
            devices: Vec::new(),
            processors: driver::Host::default(),
            keeps_journal: false,
            generation: Generation::default(),
            first_kvm_vmid: Vmid(1),
            has_atomics: true,
        }
    }
}

/// One SMMU.
#[derive(Clone, Debug)]
pub struct SmmuSetup {
    /// What it has.
    pub features: Features,
    /// What firmware says about it.
    pub firmware: Firmware,
    /// What it caches.
    ///
    /// Linux cleans dirty pages without an invalidation. So an SMMU that keeps what it caches does not note a write to
    /// a page that it knows as dirty, and dirty tracking is exact with [`CachePolicy::None`] only.
    pub caches: CachePolicy,
}

impl SmmuSetup {
    /// An SMMU that firmware describes as coherent, with the default policy for caches.
    pub fn new(features: Features) -> Self {
        Self { features, firmware: Firmware::default(), caches: CachePolicy::default() }
    }
}

impl DeviceSetup {
    /// A PCI device with one StreamID that a root complex with CANWBS makes coherent, and that has neither ATS nor
    /// PASIDs; alone in its group.
    pub fn pci(iommu: IommuId, stream: u32, group: GroupId, driver: BusDriver) -> Self {
        let description = DeviceDescription {
            streams: vec![stream],
            ats: false,
            needs_ats: false,
            canwbs: true,
            can_stall: false,
            pasid_bits: 0,
        };
        Self {
            iommu,
            description,
            group,
            driver,
            reserved: Vec::new(),
            pasid_exec: false,
            pasid_priv: false,
            is_vf_with_pri: false,
            msi_isolated: true,
        }
    }
}
