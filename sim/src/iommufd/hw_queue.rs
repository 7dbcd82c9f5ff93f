//! HW_QUEUE_ALLOC: refused, as arm-smmu-v3 without a Tegra241 CMDQV has no queues to give away.

use super::call::Call;
use super::check::{Check, Refusal};
use super::object::ObjectId;
use super::uapi::iommu_hw_queue_alloc;

/// `IOMMU_HW_QUEUE_TYPE_DEFAULT`, which cannot be allocated.
const TYPE_DEFAULT: u32 = 0;

/// HW_QUEUE_ALLOC.
pub(super) fn alloc(call: &mut Call<'_>, cmd: iommu_hw_queue_alloc) -> Result<(), Refusal> {
    Check::HwQueueFlags.refuse_if(cmd.flags != 0 || cmd.type_ == TYPE_DEFAULT)?;
    let last = cmd.length.checked_sub(1).ok_or(Check::HwQueueLength)?;
    cmd.nesting_parent_iova.checked_add(last).ok_or(Check::HwQueueWraps)?;
    let viommu = call.context.objects.viommu(ObjectId(cmd.viommu_id));
    Check::HwQueueViommu.refuse_if(viommu.is_none())?;
    Err(Check::HwQueueUnable.into())
}
