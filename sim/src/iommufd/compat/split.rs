//! The mappings of type 1 can be cut: an unmap may take a part of what was mapped at once.

use crate::iommufd::check::{Check, Refusal};
use crate::iommufd::context::Context;
use crate::iommufd::ioas::IovaRange;
use crate::iommufd::ioas::space::Area;
use crate::iommufd::object::ObjectId;
use crate::iommufd::pages::Holder;

/// Cuts the mappings that stick out of the range, at both ends of it. Whether the range makes sense is tested later.
pub(super) fn cut_ends(context: &mut Context, ioas: ObjectId, iova: u64, bytes: u64) -> Result<(), Refusal> {
    cut_behind(context, ioas, iova.wrapping_add(bytes).wrapping_sub(1))?;
    iova.checked_sub(1).map_or(Ok(()), |before| cut_behind(context, ioas, before))
}

/// Cuts the mapping that has `last`, if one does, so that a part of it ends there. Linux leaves it alone if `last` is
/// its first byte, as if that were an end too.
fn cut_behind(context: &mut Context, ioas: ObjectId, last: u64) -> Result<(), Refusal> {
    let space = &context.objects.own_ioas(ioas).space;
    let here = IovaRange { start: last, last };
    let inside = |area: &Area| area.range.start != last && area.range.last != last;
    let Some(area) = space.areas_in(here).next().copied().filter(inside) else { return Ok(()) };
    let at = last + 1;
    Check::SplitGoing.refuse_if(area.is_going)?;
    Check::SplitAlignment.refuse_if(at & (space.alignment() - 1) != 0)?;
    Check::SplitPinned.refuse_if(area.pins > 0)?;
    let is_filled = !space.domains.is_empty();
    Check::SplitHuge.refuse_if(is_filled && space.huge_pages)?;
    let lower = Area { range: IovaRange { last, ..area.range }, ..area };
    let upper = Area {
        range: IovaRange { start: at, ..area.range },
        first_byte: area.first_byte + (at - area.range.start),
        ..area
    };
    let areas = &mut context.objects.own_ioas(ioas).space.areas;
    areas.insert(lower.range.start, lower);
    areas.insert(upper.range.start, upper);
    context.pages.add_area(area.pages);
    if is_filled {
        let holder = |area: &Area| Holder::Area(ioas, area.range.start);
        let pages = context.pages.get_mut(area.pages);
        pages.split_hold((holder(&lower), lower.page_indexes()), (holder(&upper), upper.page_indexes()));
    }
    Ok(())
}
