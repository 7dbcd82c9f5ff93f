//! IOAS_COPY: the same pages at another place, pinned and accounted once.

use super::fill::NewArea;
use super::map::{Place, map_areas};
use super::range::IovaRange;
use super::space::Area;
use super::{FIXED_IOVA, MAP_FLAGS, READABLE, WRITEABLE, prot};
use crate::iommufd::call::Call;
use crate::iommufd::check::{Check, Refusal};
use crate::iommufd::object::ObjectId;
use crate::iommufd::pages::Source;
use crate::iommufd::uapi::iommu_ioas_copy;

/// IOAS_COPY.
pub(in crate::iommufd) fn copy(call: &mut Call<'_>, mut cmd: iommu_ioas_copy) -> Result<(), Refusal> {
    Check::CopyFlags.refuse_if(cmd.flags & !MAP_FLAGS != 0)?;
    let too_large = [cmd.length, cmd.src_iova, cmd.dst_iova].contains(&u64::MAX);
    Check::CopyTooLarge.refuse_if(too_large)?;
    Check::CopyNoAccess.refuse_if(cmd.flags & (WRITEABLE | READABLE) == 0)?;
    let parts = source_parts(call, &cmd)?;
    let destination = ObjectId(cmd.dst_ioas_id);
    Check::CopyDestinationAbsent.refuse_if(call.context.objects.ioas(destination).is_none())?;
    let place = if cmd.flags & FIXED_IOVA != 0 {
        Place::Fixed(cmd.dst_iova)
    } else {
        let first = parts.first().expect("a range that is mapped has a first part");
        let (Source::User(start) | Source::File(_, start)) = call.context.pages.get(first.pages).source;
        Place::Choose(start + first.first_byte)
    };
    let (context, host) = (&mut *call.context, &mut *call.host);
    cmd.dst_iova = map_areas(context, host, destination, &parts, place, prot(cmd.flags))?;
    call.reply(&cmd)
}

/// The parts of pages that the source range is made of, steps 4 to 7.
fn source_parts(call: &Call<'_>, cmd: &iommu_ioas_copy) -> Result<Vec<NewArea>, Refusal> {
    let ioas = call.context.objects.ioas(ObjectId(cmd.src_ioas_id)).ok_or(Check::CopySourceAbsent)?;
    Check::CopyLength.refuse_if(cmd.length == 0)?;
    let range = IovaRange::of_length(cmd.src_iova, cmd.length).ok_or(Check::CopySourceWraps)?;
    let mut end = None;
    let part = |(area, piece): (Area, IovaRange)| {
        end = Some(piece.last);
        let first_byte = area.first_byte + (piece.start - area.range.start);
        NewArea { pages: area.pages, first_byte, bytes: piece.bytes() }
    };
    let parts: Vec<_> = ioas.space.covering(range).map(part).collect();
    Check::CopySourceHole.refuse_if(end != Some(range.last))?;
    Ok(parts)
}
