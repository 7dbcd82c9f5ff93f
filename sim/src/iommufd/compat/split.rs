//! The mappings of type 1 can be cut: an unmap may take a part of what was mapped at once.

use crate::iommufd::check::{Check, Refusal};
use crate::iommufd::context::Context;
use crate::iommufd::ioas::IovaRange;
use crate::iommufd::ioas::space::Area;
use crate::iommufd::object::ObjectId;
use crate::iommufd::pages::Holder;

/// Cuts the mappings that stick out of the range, at both ends of it.
pub(super) fn cut_ends(context: &mut Context, ioas: ObjectId, iova: u64, bytes: u64) -> Result<(), Refusal> {
    let Some(range) = IovaRange::of_length(iova, bytes) else { return Ok(()) };
    cut(context, ioas, range.start)?;
    range.last.checked_add(1).map_or(Ok(()), |after| cut(context, ioas, after))
}

/// Cuts the mapping that `at` lies inside of, if one does, so that a mapping starts there.
fn cut(context: &mut Context, ioas: ObjectId, at: u64) -> Result<(), Refusal> {
    let space = &context.objects.own_ioas(ioas).space;
    let here = IovaRange { start: at, last: at };
    let Some(area) = space.areas_in(here).next().copied().filter(|area| area.range.start < at) else {
        return Ok(());
    };
    Check::SplitAlignment.refuse_if(at & (space.alignment() - 1) != 0)?;
    Check::SplitPinned.refuse_if(area.pins > 0)?;
    let is_filled = !space.domains.is_empty();
    Check::SplitHuge.refuse_if(is_filled && space.huge_pages)?;
    let lower = Area { range: IovaRange { last: at - 1, ..area.range }, ..area };
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
