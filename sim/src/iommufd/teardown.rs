//! How objects end: IOMMU_DESTROY, and the destructor of each type.

use super::call::Call;
use super::check::{Check, Refusal};
use super::context::Context;
use super::object::{Object, ObjectId};
use super::uapi::iommu_destroy;
use super::{fault_queue, ioas};
use crate::kernel::host::{Driven, Host};

/// DESTROY.
pub(super) fn destroy_ioctl(call: &mut Call<'_>, cmd: iommu_destroy) -> Result<(), Refusal> {
    let id = ObjectId(cmd.id);
    let users = call.context.objects.users(id).ok_or(Check::DestroyAbsent)?;
    Check::DestroyInUse.refuse_if(users != 1)?;
    destroy(call.context, call.host, id, false);
    Ok(())
}

/// Ends an object that nobody uses.
pub(super) fn destroy(context: &mut Context, host: &mut Host, id: ObjectId, leaves_tombstone: bool) {
    assert!(context.objects.is_unused(id), "an object ends after its users");
    if context.objects.ioas(id).is_some() {
        let (_bytes, unmapped) = ioas::unmap_all(context, host, id);
        unmapped.expect("no access is left that could keep a mapping");
        if context.compat_ioas == Some(id) {
            context.compat_ioas = None;
        }
    }
    if let Some(paging) = context.objects.paging(id) {
        let ioas = paging.ioas;
        context.mapper(host, ioas).remove_domain(id);
        context.objects.own_ioas(ioas).hwpts.retain(|&hwpt| hwpt != id);
    }
    if context.objects.fault_queue(id).is_some() {
        fault_queue::answer_all(context, host, id);
    }
    let object = context.objects.remove(id, leaves_tombstone);
    end(context, host, object);
}

/// What an object of this type held is free again.
fn end(context: &mut Context, host: &mut Host, object: Object) {
    match object {
        Object::Ioas(_) | Object::FaultQueue(_) => {}
        Object::Device(device) => {
            let group = context.groups.get_mut(&device.group).expect("a device has a group");
            group.bound -= 1;
            if group.bound == 0 {
                context.groups.remove(&device.group);
            }
            host.release_group(device.group);
        }
        Object::Paging(paging) => {
            let Driven { driver, mut port, asids } = host.driven(paging.domain.iommu);
            driver.domain_free(&mut port, asids, paging.domain.domain);
            context.objects.put(paging.ioas);
            paging.fault.into_iter().for_each(|fault| context.objects.put(fault));
        }
        Object::Nested(nested) => {
            let Driven { driver, mut port, asids } = host.driven(nested.domain.iommu);
            driver.domain_free(&mut port, asids, nested.domain.domain);
            context.objects.put(nested.viommu);
            nested.fault.into_iter().for_each(|fault| context.objects.put(fault));
        }
        Object::Access(access) => {
            assert!(access.ioas.is_none(), "who ends an access detaches it first");
        }
        Object::Viommu(viommu) => {
            let Driven { driver, .. } = host.driven(viommu.iommu);
            driver.viommu_destroy(viommu.driver);
            context.objects.put(viommu.parent);
        }
        Object::Vdevice(vdevice) => {
            let viommu = context.objects.own_viommu(vdevice.viommu);
            viommu.vdevices.remove(&vdevice.virt_id);
            let (iommu, driver_id) = (viommu.iommu, viommu.driver);
            let Driven { driver, .. } = host.driven(iommu);
            driver.vdevice_destroy(driver_id, vdevice.virt_id);
            context.objects.own_device(vdevice.device).vdevice = None;
            context.objects.put(vdevice.device);
            context.objects.put(vdevice.viommu);
        }
        Object::EventQueue(queue) => {
            let id = queue.viommu;
            context.objects.own_viommu(id).queues.remove(&queue.kind);
            context.objects.put(id);
        }
    }
}
