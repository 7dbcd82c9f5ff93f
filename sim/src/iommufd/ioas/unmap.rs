//! IOAS_UNMAP.

use super::range::IovaRange;
use crate::iommufd::access;
use crate::iommufd::call::Call;
use crate::iommufd::check::{Check, Refusal};
use crate::iommufd::context::Context;
use crate::iommufd::object::ObjectId;
use crate::iommufd::uapi::iommu_ioas_unmap;
use crate::kernel::host::Host;

/// How often an access is asked to unpin the same mapping.
const TRIES_MAX: u32 = 100;

/// IOAS_UNMAP.
pub(in crate::iommufd) fn unmap(call: &mut Call<'_>, mut cmd: iommu_ioas_unmap) -> Result<(), Refusal> {
    let ioas = ObjectId(cmd.ioas_id);
    Check::UnmapAbsent.refuse_if(call.context.objects.ioas(ioas).is_none())?;
    let everything = (cmd.iova, cmd.length) == (0, u64::MAX);
    let (bytes, result) = if everything {
        unmap_all(call.context, call.host, ioas)
    } else {
        Check::UnmapTooLarge.refuse_if(cmd.iova == u64::MAX || cmd.length == u64::MAX)?;
        unmap_range(call.context, call.host, ioas, cmd.iova, cmd.length)
    };
    result?;
    Check::UnmapNothing.refuse_if(bytes == 0 && !everything)?;
    cmd.length = bytes;
    call.reply(&cmd)
}

/// How many bytes were unmapped, and whether that was all.
type Unmapped = (u64, Result<(), Refusal>);

/// Unmaps everything.
pub(in crate::iommufd) fn unmap_all(context: &mut Context, host: &mut Host, ioas: ObjectId) -> Unmapped {
    let mut bytes = 0;
    let result = unmap_areas(context, host, ioas, IovaRange::ALL, &mut bytes);
    (bytes, result)
}

/// Unmaps what lies in the range, steps 4 to 6.
pub(in crate::iommufd) fn unmap_range(
    context: &mut Context,
    host: &mut Host,
    ioas: ObjectId,
    iova: u64,
    bytes: u64,
) -> Unmapped {
    if bytes == 0 {
        return (0, Err(Check::UnmapLength.into()));
    }
    let Some(range) = IovaRange::of_length(iova, bytes) else {
        return (0, Err(Check::UnmapWraps.into()));
    };
    let mut bytes = 0;
    let result = unmap_areas(context, host, ioas, range, &mut bytes);
    (bytes, result)
}

fn unmap_areas(
    context: &mut Context,
    host: &mut Host,
    ioas: ObjectId,
    range: IovaRange,
    bytes: &mut u64,
) -> Result<(), Refusal> {
    let mut tries = 0;
    let mut next = range;
    loop {
        let Some(area) = context.objects.own_ioas(ioas).space.areas_in(next).next().copied() else {
            return Ok(());
        };
        Check::UnmapPartial.refuse_if(!next.contains(area.range))?;
        if area.range.start != next.start {
            tries = 0;
        }
        if area.pins > 0 {
            next.start = area.range.start;
            Check::UnmapPinned.refuse_if(tries == TRIES_MAX)?;
            tries += 1;
            context.own_area(ioas, area.range.start).is_going = true;
            access::notify_unmap(context, host, ioas, area.range);
            continue;
        }
        context.mapper(host, ioas).remove_area(area);
        *bytes = bytes.saturating_add(area.range.bytes());
        match area.range.last.checked_add(1).filter(|&start| start <= range.last) {
            Some(start) => next.start = start,
            None => return Ok(()),
        }
    }
}
