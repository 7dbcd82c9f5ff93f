//! IOAS_IOVA_RANGES and IOAS_ALLOW_IOVAS: what can be mapped, and what shall be.

use super::range::IovaRange;
use crate::iommufd::call::Call;
use crate::iommufd::check::{Check, Refusal};
use crate::iommufd::object::ObjectId;
use crate::iommufd::uapi::{Layout, iommu_ioas_allow_iovas, iommu_ioas_iova_ranges, iommu_iova_range};

/// Bytes of an entry of the arrays of both.
const ENTRY_BYTES: u64 = 16;

/// IOAS_IOVA_RANGES.
pub(in crate::iommufd) fn iova_ranges(
    call: &mut Call<'_>,
    mut cmd: iommu_ioas_iova_ranges,
) -> Result<(), Refusal> {
    Check::IovaRangesReserved.refuse_if(cmd.__reserved != 0)?;
    let ioas = call.context.objects.ioas(ObjectId(cmd.ioas_id)).ok_or(Check::IovaRangesAbsent)?;
    let usable = ioas.space.usable();
    cmd.out_iova_alignment = ioas.space.alignment();
    let mut at = cmd.allowed_iovas;
    let room = usize::try_from(cmd.num_iovas).unwrap_or(usize::MAX);
    for range in usable.iter().take(room) {
        let entry = iommu_iova_range { start: range.start, last: range.last };
        call.copy_out(at, &entry.encode()).map_err(|_fault| Check::IovaRangesUnwritable)?;
        at = at.wrapping_add(ENTRY_BYTES);
    }
    cmd.num_iovas = u32::try_from(usable.len()).unwrap_or(u32::MAX);
    call.reply(&cmd)?;
    Check::IovaRangesTooMany.refuse_if(usable.len() > room)
}

/// IOAS_ALLOW_IOVAS.
pub(in crate::iommufd) fn allow_iovas(
    call: &mut Call<'_>,
    cmd: iommu_ioas_allow_iovas,
) -> Result<(), Refusal> {
    Check::AllowReserved.refuse_if(cmd.__reserved != 0)?;
    let id = ObjectId(cmd.ioas_id);
    Check::AllowAbsent.refuse_if(call.context.objects.ioas(id).is_none())?;
    let mut ranges: Vec<IovaRange> = Vec::new();
    for index in 0..u64::from(cmd.num_iovas) {
        let mut entry = [0; 16];
        let at = cmd.allowed_iovas.wrapping_add(index * ENTRY_BYTES);
        call.copy_in(at, &mut entry).map_err(|_fault| Check::AllowUnreadable)?;
        let iommu_iova_range { start, last } = iommu_iova_range::decode(&entry);
        Check::AllowInverted.refuse_if(start >= last)?;
        let range = IovaRange { start, last };
        // Ascending, so that a long list costs no more than a sorted one.
        let place = ranges.partition_point(|known| known.start < start);
        let near = ranges[place.saturating_sub(1)..].iter().take(2);
        Check::AllowOverlap.refuse_if(near.into_iter().any(|known| known.overlaps(range)))?;
        ranges.insert(place, range);
    }
    call.context.objects.own_ioas(id).space.allow(ranges)
}
