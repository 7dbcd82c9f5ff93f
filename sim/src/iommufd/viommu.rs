//! Virtual IOMMUs and the devices that they have.

use std::collections::BTreeMap;

use super::call::Call;
use super::check::{Check, Refusal};
use super::object::{Object, ObjectId};
use super::teardown;
use super::uapi::{iommu_vdevice_alloc, iommu_viommu_alloc};
use crate::driver::{DomainId, ViommuId};
use crate::errno::Errno;
use crate::kernel::generation::{FLAG_VBTM, FLAG_VHTTU};
use crate::kernel::hardware::IommuId;
use crate::kernel::host::Driven;

/// `IOMMU_VIOMMU_TYPE_DEFAULT`, which cannot be allocated.
const TYPE_DEFAULT: u32 = 0;

/// A virtual IOMMU.
#[derive(Clone, Debug)]
pub struct Viommu {
    /// The IOMMU that it is a part of.
    pub iommu: IommuId,
    /// What the driver calls it.
    pub driver: ViommuId,
    /// The nest parent.
    pub parent: ObjectId,
    /// Its vEVENTQs, by type.
    pub queues: BTreeMap<u32, ObjectId>,
    /// Its vDEVICEs, by virtual id.
    pub vdevices: BTreeMap<u64, ObjectId>,
}

/// A device of a virtual IOMMU.
#[derive(Clone, Copy, Debug)]
pub struct Vdevice {
    /// The virtual IOMMU.
    pub viommu: ObjectId,
    /// The device.
    pub device: ObjectId,
    /// What the guest calls it: its StreamID.
    pub virt_id: u64,
}

/// VIOMMU_ALLOC.
pub(super) fn alloc(call: &mut Call<'_>, mut cmd: iommu_viommu_alloc) -> Result<(), Refusal> {
    let generation = call.host.generation;
    let offered = [(FLAG_VHTTU, generation.vhttu), (FLAG_VBTM, generation.vbtm)];
    let known: u32 = offered.iter().filter(|(_, is_offered)| *is_offered).map(|(flag, _)| flag).sum();
    Check::ViommuFlags.refuse_if(cmd.flags & !known != 0 || cmd.type_ == TYPE_DEFAULT)?;
    let bound = *call.context.objects.device(ObjectId(cmd.dev_id)).ok_or(Check::ViommuDevice)?;
    let (iommu, master) = (call.host.device(bound.device).setup.iommu, call.host.device(bound.device).master);
    let supported = call.host.driver(iommu).viommu_supported(master, cmd.type_);
    supported.map_err(|error| Check::ViommuUnable.with(error))?;
    let parent = ObjectId(cmd.hwpt_id);
    let paging = *call.context.objects.paging(parent).ok_or(Check::ViommuParentAbsent)?;
    Check::ViommuParent.refuse_if(!paging.is_nest_parent)?;
    Check::ViommuDriver.refuse_if(paging.domain.iommu != iommu)?;
    enable_beyond_linux(call, &cmd, iommu, paging.domain.domain)?;
    let Driven { driver, .. } = call.host.driven(iommu);
    let driver = driver.viommu_init(paging.domain.domain);
    let viommu = Viommu { iommu, driver, parent, queues: BTreeMap::new(), vdevices: BTreeMap::new() };
    let id = call.context.objects.insert(Object::Viommu(viommu));
    call.context.objects.hold(parent);
    cmd.out_viommu_id = id.0;
    call.reply(&cmd).inspect_err(|_fault| teardown::destroy(call.context, call.host, id, false))
}

/// What flags ask for that no Linux has: nothing, unless the generation of the kernel has the flags.
fn enable_beyond_linux(
    call: &mut Call<'_>,
    cmd: &iommu_viommu_alloc,
    iommu: IommuId,
    parent: DomainId,
) -> Result<(), Refusal> {
    let support = call.host.driver(iommu).guest_support();
    if cmd.flags & FLAG_VHTTU != 0 {
        Check::ViommuNoHttu.refuse_if(support.httu == 0)?;
    }
    if cmd.flags & FLAG_VBTM != 0 {
        Check::ViommuNoBroadcasts.refuse_if(!support.broadcasts)?;
        let vmid = vmid_of_machine(call, cmd).ok_or(Check::ViommuKvm)?;
        let joined = call.host.driven(iommu).driver.join_vmid(parent, vmid);
        joined.map_err(|errno: Errno| Check::ViommuJoin.with(errno))?;
    }
    Ok(())
}

fn vmid_of_machine(call: &mut Call<'_>, cmd: &iommu_viommu_alloc) -> Option<u32> {
    let mut fd = [0; 4];
    if usize::try_from(cmd.data_len).ok()? < fd.len() {
        return None;
    }
    call.copy_in(cmd.data_uptr, &mut fd).ok()?;
    call.host.vm_of(call.pid, i32::from_le_bytes(fd)).map(|vmid| u32::from(vmid.0))
}

/// VDEVICE_ALLOC.
pub(super) fn alloc_vdevice(call: &mut Call<'_>, mut cmd: iommu_vdevice_alloc) -> Result<(), Refusal> {
    let (viommu_id, device_id) = (ObjectId(cmd.viommu_id), ObjectId(cmd.dev_id));
    let viommu = call.context.objects.viommu(viommu_id).ok_or(Check::VdeviceViommu)?;
    let bound = call.context.objects.device(device_id).ok_or(Check::VdeviceDevice)?;
    let device = call.host.device(bound.device);
    let (iommu, master, driver_id) = (device.setup.iommu, device.master, viommu.driver);
    Check::VdeviceInstance.refuse_if(iommu != viommu.iommu)?;
    Check::VdeviceTwice.refuse_if(bound.vdevice.is_some())?;
    Check::VdeviceTaken.refuse_if(viommu.vdevices.contains_key(&cmd.virt_id))?;
    let Driven { driver, .. } = call.host.driven(iommu);
    let made = driver.vdevice_init(driver_id, master, cmd.virt_id);
    made.map_err(|error| Check::VdeviceDriver.with(error))?;
    let objects = &mut call.context.objects;
    let vdevice = Vdevice { viommu: viommu_id, device: device_id, virt_id: cmd.virt_id };
    let id = objects.insert(Object::Vdevice(vdevice));
    objects.hold(viommu_id);
    objects.hold(device_id);
    objects.own_viommu(viommu_id).vdevices.insert(cmd.virt_id, id);
    objects.own_device(device_id).vdevice = Some(id);
    cmd.out_vdevice_id = id.0;
    call.reply(&cmd).inspect_err(|_fault| teardown::destroy(call.context, call.host, id, false))
}
