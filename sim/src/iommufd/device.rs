//! Devices that a driver of the kernel has bound to a context, and their groups.

use std::collections::{BTreeMap, BTreeSet};

use super::attach;
use super::check::{Check, Refusal};
use super::context::Context;
use super::object::{Object, ObjectId};
use super::teardown;
use crate::kernel::device::{DeviceId, GroupId};
use crate::kernel::host::Host;

/// A device of the context.
#[derive(Clone, Copy, Debug)]
pub struct BoundDevice {
    /// The device.
    pub device: DeviceId,
    /// Its group.
    pub group: GroupId,
    /// HWPTs allocated for it force DMA to be coherent.
    pub enforces_coherency: bool,
    /// Its vDEVICE.
    pub vdevice: Option<ObjectId>,
}

/// A group of which at least one device is bound.
#[derive(Clone, Debug, Default)]
pub(super) struct BoundGroup {
    /// How many devices are bound.
    pub(super) bound: u32,
    /// By PASID; 0 are the devices themselves.
    pub(super) attachments: BTreeMap<u32, Attachment>,
}

/// What the devices of a group are attached to at one PASID.
#[derive(Clone, Debug)]
pub(super) struct Attachment {
    /// To which HWPT.
    pub(super) hwpt: ObjectId,
    /// The device whose call attached the group there, for all page faults of the group.
    pub(super) by: ObjectId,
    /// Which devices. Each one holds the HWPT.
    pub(super) devices: BTreeSet<ObjectId>,
}

/// Binds a device (`iommufd_device_bind`). Its DMA ends.
pub(crate) fn bind(context: &mut Context, host: &mut Host, device: DeviceId) -> Result<ObjectId, Refusal> {
    let setup = &host.device(device).setup;
    let (group, iommu) = (setup.group, setup.iommu);
    Check::BindIncoherent.refuse_if(!host.firmware(iommu).coherent)?;
    Check::BindMsi.refuse_if(!setup.msi_isolated)?;
    host.claim_group(group, context.id)?;
    let capabilities = host.driver(iommu).capabilities(host.device(device).master);
    let enforces_coherency = capabilities.enforced_coherency;
    let bound = BoundDevice { device, group, enforces_coherency, vdevice: None };
    let id = context.objects.insert(Object::Device(bound));
    // Whoever binds keeps the device, so that no user can destroy it.
    context.objects.hold(id);
    context.groups.entry(group).or_default().bound += 1;
    Ok(id)
}

/// Unbinds a device that is attached nowhere (`iommufd_device_unbind`). Its vDEVICE goes with it, and leaves a
/// tombstone.
pub(crate) fn unbind(context: &mut Context, host: &mut Host, id: ObjectId) {
    if let Some(vdevice) = context.objects.own_device(id).vdevice {
        teardown::destroy(context, host, vdevice, true);
    }
    context.objects.put(id);
    teardown::destroy(context, host, id, false);
}

/// Detaches a device from everything.
pub(crate) fn detach_all(
    context: &mut Context,
    host: &mut Host,
    id: ObjectId,
    pasids: &BTreeSet<u32>,
    rid: bool,
) {
    for &pasid in pasids {
        attach::detach(context, host, id, pasid);
    }
    if rid {
        attach::detach(context, host, id, 0);
    }
}
