//! Attach, replace and detach: which HWPT a device, or one of its PASIDs, goes through.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{Check, Refusal};
use super::context::Context;
use super::device::Attachment;
use super::fault_queue;
use super::hwpt::{self, PagingSpec};
use super::ioas::range::IovaRange;
use super::ioas::space::Owner;
use super::object::{Object, ObjectId};
use super::teardown;
use crate::errno::Errno;
use crate::kernel::device::{GroupId, ReservedKind};
use crate::kernel::host::Host;

/// The PASID that stands for the device itself.
pub(super) const NO_PASID: u32 = 0;

/// What is to happen to a device that is, or is not, attached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum How {
    /// It is attached nowhere at this PASID.
    Attach,
    /// It is attached, and moves on.
    Replace,
}

/// Attaches a device at a PASID to an IOAS or HWPT. Returns the HWPT.
pub(crate) fn change(
    context: &mut Context,
    host: &mut Host,
    device: ObjectId,
    pasid: u32,
    to: ObjectId,
    how: How,
) -> Result<ObjectId, Refusal> {
    match context.objects.get(to).ok_or(Check::AttachAbsent)? {
        Object::Paging(_) | Object::Nested(_) => {
            go(context, host, device, pasid, to, how)?;
            Ok(to)
        }
        Object::Ioas(_) => change_to_ioas(context, host, device, pasid, to, how),
        Object::Device(_)
        | Object::Access(_)
        | Object::FaultQueue(_)
        | Object::Viommu(_)
        | Object::Vdevice(_)
        | Object::EventQueue(_) => Err(Check::AttachType.into()),
    }
}

/// Attaches to the first automatic HWPT of the IOAS that the device can use, or to a new one.
fn change_to_ioas(
    context: &mut Context,
    host: &mut Host,
    device: ObjectId,
    pasid: u32,
    ioas: ObjectId,
    how: How,
) -> Result<ObjectId, Refusal> {
    for hwpt in context.objects.own_ioas(ioas).hwpts.clone() {
        if !context.objects.own_paging(hwpt).is_automatic {
            continue;
        }
        match go(context, host, device, pasid, hwpt, how) {
            Ok(()) => return Ok(hwpt),
            Err(refusal) if refusal.errno == Errno::EINVAL => {}
            Err(refusal) => return Err(refusal),
        }
    }
    let spec = PagingSpec { flags: 0, is_automatic: true };
    let attach_at = (how == How::Attach).then_some(pasid);
    let hwpt = hwpt::alloc_paging(context, host, ioas, device, spec, attach_at)?;
    if how == How::Replace
        && let Err(refusal) = go(context, host, device, pasid, hwpt, how)
    {
        teardown::destroy(context, host, hwpt, false);
        return Err(refusal);
    }
    Ok(hwpt)
}

fn go(
    context: &mut Context,
    host: &mut Host,
    device: ObjectId,
    pasid: u32,
    hwpt: ObjectId,
    how: How,
) -> Result<(), Refusal> {
    match how {
        How::Attach => attach(context, host, device, pasid, hwpt),
        How::Replace => replace(context, host, device, pasid, hwpt),
    }
}

/// Attaches a device that is not attached at this PASID.
pub(super) fn attach(
    context: &mut Context,
    host: &mut Host,
    device: ObjectId,
    pasid: u32,
    hwpt: ObjectId,
) -> Result<(), Refusal> {
    let group = context.objects.own_device(device).group;
    let known = context.groups[&group].attachments.get(&pasid);
    Check::AttachTwice.refuse_if(known.is_some_and(|known| known.devices.contains(&device)))?;
    Check::AttachOther.refuse_if(known.is_some_and(|known| known.hwpt != hwpt))?;
    let is_first = known.is_none();
    let ioas = if pasid == NO_PASID { Some(hwpt::ioas_of(context, hwpt)) } else { None };
    if let Some(ioas) = ioas {
        reserve_regions(context, host, ioas, device)?;
    }
    if is_first && let Err(refusal) = switch(context, host, device, pasid, hwpt) {
        if let Some(ioas) = ioas {
            context.objects.own_ioas(ioas).space.unreserve(Owner::Device(device));
        }
        return Err(refusal);
    }
    let attachments = &mut attachments_of(context, group);
    let attachment =
        attachments.entry(pasid).or_insert_with(|| Attachment { hwpt, by: device, devices: BTreeSet::new() });
    attachment.devices.insert(device);
    context.objects.hold(hwpt);
    Ok(())
}

/// Moves the group of an attached device to another HWPT.
fn replace(
    context: &mut Context,
    host: &mut Host,
    device: ObjectId,
    pasid: u32,
    hwpt: ObjectId,
) -> Result<(), Refusal> {
    let group = context.objects.own_device(device).group;
    let known = context.groups[&group].attachments.get(&pasid).ok_or(Check::ReplaceUnattached)?;
    Check::ReplaceOther.refuse_if(!known.devices.contains(&device))?;
    let (old, devices) = (known.hwpt, known.devices.clone());
    if old == hwpt {
        return Ok(());
    }
    let (from, to) = (hwpt::ioas_of(context, old), hwpt::ioas_of(context, hwpt));
    let moves_regions = pasid == NO_PASID && from != to;
    if moves_regions {
        for &member in &devices {
            if let Err(refusal) = reserve_regions(context, host, to, member) {
                unreserve_regions(context, to, &devices);
                return Err(refusal);
            }
        }
    }
    if let Err(refusal) = switch(context, host, device, pasid, hwpt) {
        if pasid == NO_PASID {
            // Linux forgets them in the IOAS of the new HWPT even if the devices stay attached to that very IOAS.
            unreserve_regions(context, to, &devices);
        }
        return Err(refusal);
    }
    fault_queue::answer_group(context, host, old, group, pasid);
    if moves_regions {
        unreserve_regions(context, from, &devices);
    }
    let attachment = attachments_of(context, group).get_mut(&pasid).expect("it is attached");
    (attachment.hwpt, attachment.by) = (hwpt, device);
    for _ in &devices {
        context.objects.hold(hwpt);
        put(context, host, old);
    }
    Ok(())
}

/// Detaches a device; without effect if it is not attached.
pub(crate) fn detach(context: &mut Context, host: &mut Host, device: ObjectId, pasid: u32) {
    let group = context.objects.own_device(device).group;
    let Some(attachment) = attachments_of(context, group).get_mut(&pasid) else { return };
    if !attachment.devices.remove(&device) {
        return;
    }
    let hwpt = attachment.hwpt;
    if attachment.devices.is_empty() {
        if pasid == NO_PASID {
            host.detach_group(group);
        } else {
            host.detach_pasid(group, pasid);
        }
        fault_queue::answer_group(context, host, hwpt, group, pasid);
        attachments_of(context, group).remove(&pasid);
    }
    if pasid == NO_PASID {
        let ioas = hwpt::ioas_of(context, hwpt);
        context.objects.own_ioas(ioas).space.unreserve(Owner::Device(device));
    }
    put(context, host, hwpt);
}

/// A device less uses an HWPT; an automatic one goes with the last.
fn put(context: &mut Context, host: &mut Host, hwpt: ObjectId) {
    context.objects.put(hwpt);
    let is_automatic = context.objects.paging(hwpt).is_some_and(|paging| paging.is_automatic);
    if is_automatic && context.objects.is_unused(hwpt) {
        teardown::destroy(context, host, hwpt, false);
    }
}

/// Lets the core and the driver attach a group.
fn switch(
    context: &mut Context,
    host: &mut Host,
    device: ObjectId,
    pasid: u32,
    hwpt: ObjectId,
) -> Result<(), Refusal> {
    let bound = *context.objects.own_device(device);
    let domain = hwpt::domain_of(context, hwpt);
    let is_virtual_function = host.device(bound.device).setup.is_vf_with_pri;
    Check::AttachVirtualFunction.refuse_if(domain.handles_faults && is_virtual_function)?;
    check_pasid(context, bound.group, pasid, hwpt)?;
    let attached = if pasid == NO_PASID {
        host.attach_group(bound.group, domain)
    } else {
        host.attach_pasid(bound.group, pasid, domain)
    };
    attached.map_err(|error| Check::AttachCore.with(error))
}

/// A device and its PASIDs go through HWPTs for PASIDs, or the device alone through any.
fn check_pasid(context: &Context, group: GroupId, pasid: u32, hwpt: ObjectId) -> Result<(), Refusal> {
    let attachments = &context.groups[&group].attachments;
    let is_for_pasids = |hwpt| hwpt::is_for_pasids(context, hwpt);
    let fits = if pasid == NO_PASID {
        is_for_pasids(hwpt) || attachments.keys().all(|&known| known == NO_PASID)
    } else {
        is_for_pasids(hwpt) && attachments.get(&NO_PASID).is_none_or(|rid| is_for_pasids(rid.hwpt))
    };
    Check::AttachPasid.refuse_if(!fits)
}

/// Reserves what a device cannot have mapped.
fn reserve_regions(
    context: &mut Context,
    host: &Host,
    ioas: ObjectId,
    device: ObjectId,
) -> Result<(), Refusal> {
    let regions: Vec<_> = host.device(context.objects.own_device(device).device).reserved_regions().collect();
    let space = &mut context.objects.own_ioas(ioas).space;
    let owner = Owner::Device(device);
    for region in regions.iter().filter(|region| region.kind != ReservedKind::DirectRelaxable) {
        let range = IovaRange { start: region.start, last: region.last };
        if space.reserve(owner, range).is_err() {
            space.unreserve(owner);
            return Err(Check::AttachReserved.into());
        }
    }
    let count = |kind| regions.iter().filter(|region| region.kind == kind).count();
    let (hardware, software) = (count(ReservedKind::Msi), count(ReservedKind::SwMsi));
    if software > 1 || (software > 0 && hardware > 0) {
        space.unreserve(owner);
        return Err(Check::AttachRegions.into());
    }
    Ok(())
}

fn unreserve_regions(context: &mut Context, ioas: ObjectId, devices: &BTreeSet<ObjectId>) {
    let space = &mut context.objects.own_ioas(ioas).space;
    devices.iter().for_each(|&device| space.unreserve(Owner::Device(device)));
}

fn attachments_of(context: &mut Context, group: GroupId) -> &mut BTreeMap<u32, Attachment> {
    &mut context.groups.get_mut(&group).expect("a bound device has a group").attachments
}
