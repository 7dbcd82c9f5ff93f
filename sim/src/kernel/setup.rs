//! What machine to boot.

use smmu_model::features::Features;

use super::device::{BusDriver, DeviceSetup, GroupId};
use super::hardware::IommuId;
use crate::driver::{self, DeviceDescription, Firmware};

/// A machine: SMMUs, and the devices behind them in the order in which the kernel finds them.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The SMMUs.
    pub smmus: Vec<SmmuSetup>,
    /// The devices.
    pub devices: Vec<DeviceSetup>,
    /// What the processors and the kernel's configuration settle. Pages are of 4 KiB.
    pub processors: driver::Host,
    /// Whether to note what drivers write to SMMUs.
    pub keeps_journal: bool,
}

/// One SMMU.
#[derive(Clone, Debug)]
pub struct SmmuSetup {
    /// What it has.
    pub features: Features,
    /// What firmware says about it.
    pub firmware: Firmware,
}

impl DeviceSetup {
    /// A PCI device with one StreamID that a root complex with CANWBS makes coherent, and that has neither ATS nor
    /// PASIDs; alone in its group.
    pub fn pci(iommu: IommuId, stream: u32, group: GroupId, driver: BusDriver) -> Self {
        let description = DeviceDescription {
            streams: vec![stream],
            ats: false,
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
