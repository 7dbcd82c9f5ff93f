//! Interrupts of the SMMUs: their drivers drain the queues, and what they report goes to whom it concerns.

use super::Kernel;
use super::device::{Device, DeviceId};
use super::hardware::IommuId;
use super::host::Driven;
use crate::driver::{MasterId, PageResponse, Report, ViommuId};
use crate::iommufd::{Context, ObjectId, queues};

/// `IOMMU_VEVENTQ_TYPE_ARM_SMMUV3`.
const EVENTS_OF_SMMUV3: u32 = 1;

/// How often a driver is interrupted in a row. Interrupts are edges: one that it leaves pending is not served again.
const ROUNDS_MAX: usize = 8;

impl Kernel {
    /// Lets the SMMUs finish and their drivers look at the queues and global errors. An answer that a driver gives at
    /// once may be followed by more.
    pub(super) fn serve_interrupts(&mut self) {
        for iommu in self.host.iommus() {
            for _round in 0..ROUNDS_MAX {
                self.host.hardware.settle(iommu);
                self.end_stalls();
                if !self.host.hardware.is_interrupting(iommu) {
                    break;
                }
                let Driven { driver, mut port, .. } = self.host.driven(iommu);
                for report in driver.interrupts(&mut port) {
                    self.deliver(iommu, report);
                }
            }
        }
    }

    fn deliver(&mut self, iommu: IommuId, report: Report) {
        match report {
            Report::Virtual { viommu, record, hardware } => {
                if !self.deliver_virtual(iommu, viommu, record) {
                    self.logged.push(hardware);
                }
            }
            Report::Fault(fault) => {
                let device = self.device_of(iommu, fault.master);
                let host = &mut self.host;
                let bound = self.contexts.values_mut().find_map(|context| {
                    let id = object_of(context, device)?;
                    Some((context, id))
                });
                match bound {
                    Some((context, id)) => queues::report_fault(context, host, id, fault),
                    None => {
                        let Driven { driver, mut port, .. } = host.driven(iommu);
                        driver.page_response(&mut port, &fault, PageResponse::Invalid);
                    }
                }
            }
            Report::Logged(record) => self.logged.push(record),
        }
    }

    /// Whether a queue was there for the record.
    fn deliver_virtual(&mut self, iommu: IommuId, viommu: ViommuId, record: [u64; 4]) -> bool {
        let payload: Vec<u8> = record.iter().flat_map(|word| word.to_le_bytes()).collect();
        for context in self.contexts.values_mut() {
            let is_meant = |id: &ObjectId| {
                let known = context.objects.viommu(*id);
                known.is_some_and(|known| (known.iommu, known.driver) == (iommu, viommu))
            };
            let Some(id) = context.objects.ids().find(is_meant) else { continue };
            return queues::report_event(context, id, EVENTS_OF_SMMUV3, payload).is_ok();
        }
        false
    }

    fn device_of(&self, iommu: IommuId, master: MasterId) -> DeviceId {
        let is_meant = |device: &Device| (device.setup.iommu, device.master) == (iommu, master);
        DeviceId(self.host.devices.iter().position(is_meant).expect("a driver knows its masters"))
    }
}

fn object_of(context: &Context, device: DeviceId) -> Option<ObjectId> {
    let is_meant = |id: &ObjectId| context.objects.device(*id).is_some_and(|bound| bound.device == device);
    context.objects.ids().find(is_meant)
}
