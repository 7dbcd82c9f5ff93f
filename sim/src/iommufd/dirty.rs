//! Dirty tracking: HWPT_SET_DIRTY_TRACKING and HWPT_GET_DIRTY_BITMAP.

use super::call::Call;
use super::check::{Check, Refusal};
use super::hwpt::PagingHwpt;
use super::ioas::range::IovaRange;
use super::object::ObjectId;
use super::uapi::{iommu_hwpt_get_dirty_bitmap, iommu_hwpt_set_dirty_tracking};
use crate::errno::Errno;
use crate::kernel::host::Driven;

const ENABLE: u32 = 1 << 0;
const NO_CLEAR: u32 = 1 << 0;

/// HWPT_SET_DIRTY_TRACKING.
pub(super) fn set_tracking(call: &mut Call<'_>, cmd: iommu_hwpt_set_dirty_tracking) -> Result<(), Refusal> {
    Check::SetDirtyFlags.refuse_if(cmd.flags & !ENABLE != 0)?;
    let paging = *call.context.objects.paging(ObjectId(cmd.hwpt_id)).ok_or(Check::SetDirtyAbsent)?;
    let driver = call.host.driver(paging.domain.iommu);
    Check::SetDirtyUnable.refuse_if(!driver.has_dirty_tracking(paging.domain.domain))?;
    if cmd.flags & ENABLE != 0 {
        // Tracking starts clean. The hardware notes dirty pages all the time: nothing else is to be switched.
        let areas = &call.context.objects.own_ioas(paging.ioas).space.areas;
        let ranges: Vec<_> = areas.values().map(|area| area.range).collect();
        for range in ranges {
            let read = read(call, &paging, range, true, &mut |_iova, _bytes| {});
            read.map_err(|error| Check::SetDirtyDriver.with(error))?;
        }
    }
    Ok(())
}

/// HWPT_GET_DIRTY_BITMAP.
pub(super) fn get_bitmap(call: &mut Call<'_>, cmd: iommu_hwpt_get_dirty_bitmap) -> Result<(), Refusal> {
    Check::BitmapFlags.refuse_if(cmd.flags & !NO_CLEAR != 0 || cmd.__reserved != 0)?;
    let paging = *call.context.objects.paging(ObjectId(cmd.hwpt_id)).ok_or(Check::BitmapAbsent)?;
    let last = cmd.length.checked_sub(1).ok_or(Check::BitmapLength)?;
    let last = cmd.iova.checked_add(last).ok_or(Check::BitmapWraps)?;
    let end = last.wrapping_add(1);
    let alignment = call.context.objects.own_ioas(paging.ioas).space.alignment();
    Check::BitmapAlignment.refuse_if((cmd.iova | end) & (alignment - 1) != 0)?;
    let page_mask = cmd.page_size.checked_sub(1).ok_or(Check::BitmapNoPage)?;
    Check::BitmapPageAlignment.refuse_if((cmd.iova | end) & page_mask != 0)?;
    let driver = call.host.driver(paging.domain.iommu);
    Check::BitmapUnable.refuse_if(!driver.has_dirty_tracking(paging.domain.domain))?;
    let range = IovaRange { start: cmd.iova, last };
    let space = &call.context.objects.own_ioas(paging.ioas).space;
    let pieces: Vec<_> = space.covering(range).map(|(_, piece)| piece).collect();
    let mut bitmap = Bitmap { start: cmd.iova, shift: cmd.page_size.trailing_zeros(), runs: Vec::new() };
    for piece in pieces {
        let clears = cmd.flags & NO_CLEAR == 0;
        let walked = read(call, &paging, piece, clears, &mut |iova, bytes| bitmap.set(piece, iova, bytes));
        if walked.is_err() {
            // The result of the walk is dropped; what was found so far is reported.
            break;
        }
    }
    for (first, last) in bitmap.runs {
        set_bits(call, cmd.data, first, last);
    }
    Ok(())
}

fn read(
    call: &mut Call<'_>,
    paging: &PagingHwpt,
    range: IovaRange,
    clears: bool,
    dirty: &mut dyn FnMut(u64, u64),
) -> Result<(), Errno> {
    let Driven { driver, mut port, .. } = call.host.driven(paging.domain.iommu);
    driver.read_dirty(&mut port, paging.domain.domain, range.start, range.bytes(), clears, dirty)
}

/// The bits to set: bit 0 is the page at `start`.
struct Bitmap {
    start: u64,
    shift: u32,
    runs: Vec<(u64, u64)>,
}

impl Bitmap {
    /// A leaf of `bytes` at `iova` is dirty, of which `within` was asked for.
    fn set(&mut self, within: IovaRange, iova: u64, bytes: u64) {
        let leaf = IovaRange { start: iova, last: iova.saturating_add(bytes.saturating_sub(1)) };
        let (first, last) = (leaf.start.max(within.start), leaf.last.min(within.last));
        let bit = |iova: u64| (iova - self.start) >> self.shift;
        match self.runs.last_mut() {
            Some((_, end)) if *end + 1 >= bit(first) => *end = bit(last).max(*end),
            Some(_) | None => self.runs.push((bit(first), bit(last))),
        }
    }
}

/// Sets bits of the byte array at `data`. Bytes that cannot be reached are left out.
fn set_bits(call: &mut Call<'_>, data: u64, first: u64, last: u64) {
    let mut bit = first;
    while bit <= last {
        let end = (bit | 7).min(last);
        let mask = (bit..=end).fold(0_u8, |mask, bit| mask | 1 << (bit % 8));
        let at = data.wrapping_add(bit / 8);
        let mut byte = [0];
        if call.copy_in(at, &mut byte).is_ok() {
            // A byte that can be read and not written is left out too.
            call.copy_out(at, &[byte[0] | mask]).ok();
        }
        bit = end + 1;
    }
}
