//! The devices that are passed through: opened, bound, named as the guest names them; and taken away again.

use std::collections::BTreeMap;

use super::{Accelerated, Behind};
use crate::kernel::Kernel;
use crate::kernel::device::DeviceId;
use crate::vmm::calls::Caller;
use crate::vmm::error::{Step, VmmError};
use crate::vmm::note::Installed;
use crate::vmm::setup::{DeviceReply, GuestDevice};

/// The iommufd and the devices that are bound to it.
#[derive(Debug)]
pub(in crate::vmm) struct Host {
    pub(super) iommu: i32,
    devices: BTreeMap<u32, Passed>,
}

/// A device that is passed through.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passed {
    vfio: usize,
    pub(super) cdev: i32,
    /// The DEVICE.
    pub(super) id: u32,
    /// The vDEVICE; 0 before there is one.
    vdevice: u32,
    /// What it goes by, once it is attached.
    pub(super) installed: Option<Installed>,
}

impl Host {
    /// Opens the iommufd and the devices, binds them and asks what they are.
    pub(in crate::vmm) fn open(
        caller: &mut Caller<'_>,
        devices: &[GuestDevice],
        replies: &mut Vec<DeviceReply>,
    ) -> Result<Self, VmmError> {
        let iommu = caller.for_step(Step::Open).open("/dev/iommu")?;
        let mut host = Self { iommu, devices: BTreeMap::new() };
        for &device in devices {
            replies.push(host.bind(caller, device)?);
        }
        Ok(host)
    }

    fn bind(&mut self, caller: &mut Caller<'_>, device: GuestDevice) -> Result<DeviceReply, VmmError> {
        let GuestDevice { stream, vfio } = device;
        let cdev = caller.for_step(Step::Bind(stream)).open(&format!("/dev/vfio/devices/vfio{vfio}"))?;
        let asked = caller.bind(cdev, self.iommu).and_then(|id| {
            let reply = caller.for_step(Step::HwInfo(stream)).hw_info(self.iommu, id)?;
            Ok((id, DeviceReply { device, reply }))
        });
        let (id, reply) = asked.inspect_err(|_error| caller.close(cdev))?;
        self.devices.insert(stream, Passed { vfio, cdev, id, vdevice: 0, installed: None });
        Ok(reply)
    }

    /// Gives the kernel the guest's names of the devices. Commands and events are about those.
    pub(super) fn name_devices(&mut self, caller: &mut Caller<'_>, viommu: u32) -> Result<(), VmmError> {
        let streams: Vec<u32> = self.streams().collect();
        streams.into_iter().try_for_each(|stream| self.name(caller, viommu, stream))
    }

    fn name(&mut self, caller: &mut Caller<'_>, viommu: u32, stream: u32) -> Result<(), VmmError> {
        let iommu = self.iommu;
        let device = self.get_mut(stream).ok_or(VmmError::StreamUnknown(stream))?;
        device.vdevice = caller.for_step(Step::Vdevice(stream)).vdevice(iommu, viommu, device.id, stream)?;
        Ok(())
    }

    /// The guest's name of a DEVICE.
    pub(super) fn stream_of(&self, id: u32) -> Option<u32> {
        self.devices.iter().find(|(_, device)| device.id == id).map(|(stream, _)| *stream)
    }

    /// The DEVICE that objects for all of them are made with.
    pub(super) fn any_device(&self) -> Option<u32> {
        self.devices.values().next().map(|device| device.id)
    }

    pub(super) fn streams(&self) -> impl Iterator<Item = u32> {
        self.devices.keys().copied()
    }

    pub(super) fn has(&self, stream: u32) -> bool {
        self.devices.contains_key(&stream)
    }

    pub(super) fn get(&self, stream: u32) -> Option<&Passed> {
        self.devices.get(&stream)
    }

    pub(super) fn get_mut(&mut self, stream: u32) -> Option<&mut Passed> {
        self.devices.get_mut(&stream)
    }
}

impl Accelerated {
    /// The device of the machine that the guest has under this StreamID.
    pub(in crate::vmm) fn host_device(&self, kernel: &Kernel, stream: u32) -> Option<DeviceId> {
        kernel.vfio_device(self.host.get(stream)?.vfio)
    }

    /// The guest gets another device. On an error it does not have it.
    pub(in crate::vmm) fn plug(
        &mut self,
        behind: &mut Behind<'_>,
        device: GuestDevice,
    ) -> Result<DeviceReply, VmmError> {
        if self.host.has(device.stream) {
            return Err(VmmError::StreamTwice(device.stream));
        }
        let reply = self.host.bind(&mut behind.caller, device)?;
        let named = self.host.name(&mut behind.caller, self.viommu, device.stream);
        let settled = named.and_then(|()| self.settle(behind, device.stream));
        if let Err(error) = settled {
            self.unplug(&mut behind.caller, device.stream)?;
            return Err(error);
        }
        Ok(reply)
    }

    /// The guest's device is gone: the kernel blocks it, and nothing of it is left here.
    pub(in crate::vmm) fn unplug(&mut self, caller: &mut Caller<'_>, stream: u32) -> Result<(), VmmError> {
        let device = self.host.devices.remove(&stream).ok_or(VmmError::StreamUnknown(stream))?;
        self.forget_faults(stream);
        caller.step = Step::Teardown;
        let iommu = self.host.iommu;
        let named = match device.vdevice {
            0 => Ok(0),
            vdevice => caller.destroy(iommu, vdevice),
        };
        caller.close(device.cdev);
        let nested = match device.installed {
            Some(Installed::Nested { hwpt, .. }) => caller.destroy(iommu, hwpt),
            Some(Installed::Abort | Installed::NoSte(_) | Installed::Refused(_) | Installed::Bypass)
            | None => Ok(0),
        };
        named.and(nested).map(|_zero| ())
    }
}
