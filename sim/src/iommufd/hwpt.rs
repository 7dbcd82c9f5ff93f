//! Hardware page tables: those that the kernel fills, and those of a guest on top of one.

use super::attach;
use super::call::Call;
use super::check::{Check, Refusal};
use super::context::Context;
use super::ioas::space::SpaceDomain;
use super::object::{Object, ObjectId};
use super::teardown;
use super::uapi::{Layout, iommu_hwpt_alloc, iommu_hwpt_arm_smmuv3};
use crate::driver::AllocFlags;
use crate::kernel::device::DomainOf;
use crate::kernel::host::{Driven, Host};

const NEST_PARENT: u32 = 1 << 0;
const DIRTY_TRACKING: u32 = 1 << 1;
const FAULT_ID_VALID: u32 = 1 << 2;
const PASID: u32 = 1 << 3;

/// `IOMMU_HWPT_DATA_NONE` and `IOMMU_HWPT_DATA_ARM_SMMUV3`.
const DATA_NONE: u32 = 0;
const DATA_ARM_SMMUV3: u32 = 2;

/// A page table that holds the mappings of an IOAS.
#[derive(Clone, Copy, Debug)]
pub struct PagingHwpt {
    /// The IOAS.
    pub ioas: ObjectId,
    /// The domain.
    pub domain: DomainOf,
    /// The kernel made it for an attach to the IOAS.
    pub is_automatic: bool,
    /// Guests' page tables can be on top of it.
    pub is_nest_parent: bool,
    /// PASIDs can be attached, and the devices that have them.
    pub is_for_pasids: bool,
    /// Its fault queue.
    pub fault: Option<ObjectId>,
}

/// A page table of a guest.
#[derive(Clone, Copy, Debug)]
pub struct NestedHwpt {
    /// The virtual IOMMU.
    pub viommu: ObjectId,
    /// The domain.
    pub domain: DomainOf,
    /// Its fault queue.
    pub fault: Option<ObjectId>,
}

/// How a paging HWPT is to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct PagingSpec {
    pub(super) flags: u32,
    pub(super) is_automatic: bool,
}

/// HWPT_ALLOC.
pub(super) fn alloc(call: &mut Call<'_>, mut cmd: iommu_hwpt_alloc) -> Result<(), Refusal> {
    Check::HwptReserved.refuse_if(cmd.__reserved != 0)?;
    Check::HwptData.refuse_if((cmd.data_type == DATA_NONE) != (cmd.data_len == 0))?;
    let device = ObjectId(cmd.dev_id);
    Check::HwptDevice.refuse_if(call.context.objects.device(device).is_none())?;
    let parent = ObjectId(cmd.pt_id);
    let id = match call.context.objects.get(parent).ok_or(Check::HwptParentAbsent)? {
        Object::Ioas(_) => {
            let spec = PagingSpec { flags: cmd.flags, is_automatic: false };
            check_paging(call, device, &cmd)?;
            alloc_paging(call.context, call.host, parent, device, spec, None)?
        }
        // arm-smmu-v3 has no `domain_alloc_nested`; that is tested with the flags, before the parent.
        Object::Paging(_) => return Err(Check::NestedDirect.into()),
        Object::Viommu(_) => alloc_nested(call, device, parent, &cmd)?,
        Object::Device(_)
        | Object::Nested(_)
        | Object::Access(_)
        | Object::FaultQueue(_)
        | Object::Vdevice(_)
        | Object::EventQueue(_) => return Err(Check::HwptParentType.into()),
    };
    cmd.out_hwpt_id = id.0;
    let done = set_fault_queue(call.context, id, &cmd).and_then(|()| call.reply(&cmd));
    done.inspect_err(|_refusal| teardown::destroy(call.context, call.host, id, false))
}

/// What is tested of the caller's wishes before the driver sees them.
fn check_paging(call: &Call<'_>, device: ObjectId, cmd: &iommu_hwpt_alloc) -> Result<(), Refusal> {
    let known = NEST_PARENT | DIRTY_TRACKING | FAULT_ID_VALID | PASID;
    Check::PagingFlags.refuse_if(cmd.flags & !known != 0)?;
    let bound = call.context.objects.device(device).expect("it was just found");
    let device = call.host.device(bound.device);
    let capabilities = call.host.driver(device.setup.iommu).capabilities(device.master);
    let asks_for = |flag| cmd.flags & flag != 0;
    Check::PagingDirty.refuse_if(asks_for(DIRTY_TRACKING) && !capabilities.dirty_tracking)?;
    Check::PagingFault.refuse_if(asks_for(FAULT_ID_VALID) && asks_for(NEST_PARENT))?;
    Check::PagingData.refuse_if(cmd.data_len != 0)
}

/// Allocates a paging HWPT on an IOAS, attaches the device at a PASID if one is given, and fills it.
pub(super) fn alloc_paging(
    context: &mut Context,
    host: &mut Host,
    ioas: ObjectId,
    device: ObjectId,
    spec: PagingSpec,
    attach_at: Option<u32>,
) -> Result<ObjectId, Refusal> {
    let bound = *context.objects.own_device(device);
    let (iommu, master) = (host.device(bound.device).setup.iommu, host.device(bound.device).master);
    let has = |flag| spec.flags & flag != 0;
    let flags =
        AllocFlags { nest_parent: has(NEST_PARENT), dirty_tracking: has(DIRTY_TRACKING), pasid: has(PASID) };
    let Driven { driver, mut port, asids } = host.driven(iommu);
    let domain = driver.domain_alloc(&mut port, asids, flags);
    let domain = domain.map_err(|error| Check::PagingDriver.with(error))?;
    if bound.enforces_coherency {
        let enforced = driver.enforce_coherency(domain, master);
        assert!(enforced, "a device that can be forced coherent lets its domains force it");
    }
    let geometry = driver.geometry(domain);
    let domain = DomainOf { iommu, domain, handles_faults: false };
    let paging = PagingHwpt {
        ioas,
        domain,
        is_automatic: spec.is_automatic,
        is_nest_parent: flags.nest_parent,
        is_for_pasids: flags.pasid,
        fault: None,
    };
    let id = context.objects.insert(Object::Paging(paging));
    context.objects.hold(ioas);
    let filled = match attach_at {
        Some(pasid) => attach::attach(context, host, device, pasid, id),
        None => Ok(()),
    };
    let filled = filled.and_then(|()| {
        let added = context.mapper(host, ioas).add_domain(SpaceDomain { hwpt: id, domain, geometry });
        if added.is_err()
            && let Some(pasid) = attach_at
        {
            // It is not automatic yet for the detach, which would end it.
            context.objects.own_paging(id).is_automatic = false;
            attach::detach(context, host, device, pasid);
        }
        added
    });
    if let Err(refusal) = filled {
        context.objects.remove(id, false);
        context.objects.put(ioas);
        let Driven { driver, mut port, asids } = host.driven(iommu);
        driver.domain_free(&mut port, asids, domain.domain);
        return Err(refusal);
    }
    context.objects.own_ioas(ioas).hwpts.push(id);
    Ok(id)
}

/// Allocates a nested HWPT on a virtual IOMMU.
fn alloc_nested(
    call: &mut Call<'_>,
    device: ObjectId,
    viommu: ObjectId,
    cmd: &iommu_hwpt_alloc,
) -> Result<ObjectId, Refusal> {
    let bound = call.context.objects.own_device(device).device;
    let (iommu, driver_id) = {
        let viommu = call.context.objects.own_viommu(viommu);
        (viommu.iommu, viommu.driver)
    };
    Check::NestedInstance.refuse_if(call.host.device(bound).setup.iommu != iommu)?;
    Check::NestedFlags.refuse_if(cmd.flags & !(FAULT_ID_VALID | PASID) != 0)?;
    Check::NestedNoData.refuse_if(cmd.data_len == 0)?;
    Check::NestedDriverFlags.refuse_if(cmd.flags & PASID != 0)?;
    Check::NestedDataType.refuse_if(cmd.data_type != DATA_ARM_SMMUV3)?;
    let mut data = [0; size_of::<iommu_hwpt_arm_smmuv3>()];
    Check::NestedDataLength.refuse_if(usize::try_from(cmd.data_len) != Ok(data.len()))?;
    call.copy_in(cmd.data_uptr, &mut data).map_err(|_fault| Check::NestedDataUnreadable)?;
    let ste = iommu_hwpt_arm_smmuv3::decode(&data).ste;
    let Driven { driver, .. } = call.host.driven(iommu);
    let domain = driver.nested_alloc(driver_id, ste).map_err(|error| Check::NestedDriver.with(error))?;
    let domain = DomainOf { iommu, domain, handles_faults: false };
    let id = call.context.objects.insert(Object::Nested(NestedHwpt { viommu, domain, fault: None }));
    call.context.objects.hold(viommu);
    Ok(id)
}

/// Step 6: the fault queue that the caller names.
fn set_fault_queue(context: &mut Context, id: ObjectId, cmd: &iommu_hwpt_alloc) -> Result<(), Refusal> {
    if cmd.flags & FAULT_ID_VALID == 0 {
        return Ok(());
    }
    let fault = ObjectId(cmd.fault_id);
    Check::HwptFault.refuse_if(context.objects.fault_queue(fault).is_none())?;
    context.objects.hold(fault);
    if let Some(paging) = context.objects.paging_mut(id) {
        paging.fault = Some(fault);
        paging.domain.handles_faults = true;
    } else {
        let nested = context.objects.own_nested(id);
        nested.fault = Some(fault);
        nested.domain.handles_faults = true;
    }
    Ok(())
}

/// The domain of an HWPT of either type.
pub(super) fn domain_of(context: &Context, id: ObjectId) -> DomainOf {
    match (context.objects.paging(id), context.objects.nested(id)) {
        (Some(paging), _) => paging.domain,
        (None, Some(nested)) => nested.domain,
        (None, None) => unreachable!("{id:?} is an HWPT"),
    }
}

/// The fault queue of an HWPT of either type.
pub(super) fn fault_queue_of(context: &Context, id: ObjectId) -> Option<ObjectId> {
    let nested = || context.objects.nested(id).and_then(|nested| nested.fault);
    context.objects.paging(id).map_or_else(nested, |paging| paging.fault)
}

/// The IOAS that an HWPT goes through in the end: its own, or that of its parent.
pub(super) fn ioas_of(context: &Context, id: ObjectId) -> ObjectId {
    let parent = |nested: &NestedHwpt| {
        let viommu = context.objects.viommu(nested.viommu).expect("a nested HWPT holds its virtual IOMMU");
        viommu.parent
    };
    let paging = context.objects.nested(id).map_or(id, parent);
    context.objects.paging(paging).expect("a virtual IOMMU holds its parent").ioas
}

/// Whether PASIDs can go through an HWPT.
pub(super) fn is_for_pasids(context: &Context, id: ObjectId) -> bool {
    context.objects.paging(id).is_some_and(|paging| paging.is_for_pasids)
}
