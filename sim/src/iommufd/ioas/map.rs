//! IOAS_MAP and IOAS_MAP_FILE.

use super::fill::NewArea;
use super::{FIXED_IOVA, MAP_FLAGS, READABLE, WRITEABLE, prot};
use crate::driver::Prot;
use crate::iommufd::call::Call;
use crate::iommufd::check::{Check, Refusal};
use crate::iommufd::context::Context;
use crate::iommufd::object::ObjectId;
use crate::iommufd::pages::{self, PagesId, Source};
use crate::iommufd::uapi::{iommu_ioas_map, iommu_ioas_map_file};
use crate::kernel::frames::PAGE_SIZE;
use crate::kernel::host::Host;
use crate::kernel::process::Pid;

/// Where a mapping is to be.
#[derive(Clone, Copy, Debug)]
pub(in crate::iommufd) enum Place {
    /// At this address.
    Fixed(u64),
    /// Wherever it fits, for memory with this address.
    Choose(u64),
}

/// IOAS_MAP.
pub(in crate::iommufd) fn map(call: &mut Call<'_>, mut cmd: iommu_ioas_map) -> Result<(), Refusal> {
    Check::MapFlags.refuse_if(cmd.flags & !MAP_FLAGS != 0 || cmd.__reserved != 0)?;
    check_common(cmd.flags, cmd.iova, cmd.length)?;
    let ioas = ObjectId(cmd.ioas_id);
    Check::MapAbsent.refuse_if(call.context.objects.ioas(ioas).is_none())?;
    let place = place(cmd.flags, cmd.iova, cmd.user_va);
    cmd.iova =
        map_user(call.context, call.host, call.pid, ioas, (cmd.user_va, cmd.length), place, prot(cmd.flags))?;
    call.reply(&cmd)
}

/// IOAS_MAP_FILE.
pub(in crate::iommufd) fn map_file(call: &mut Call<'_>, mut cmd: iommu_ioas_map_file) -> Result<(), Refusal> {
    Check::MapFileFlags.refuse_if(cmd.flags & !MAP_FLAGS != 0)?;
    check_common(cmd.flags, cmd.iova, cmd.length)?;
    let ioas = ObjectId(cmd.ioas_id);
    Check::MapAbsent.refuse_if(call.context.objects.ioas(ioas).is_none())?;
    Check::MapFileLength.refuse_if(cmd.length == 0)?;
    cmd.start.checked_add(cmd.length - 1).ok_or(Check::MapFileWraps)?;
    let file = call.host.file_of(call.pid, cmd.fd).ok_or(Check::MapFileDescriptor)?;
    Check::MapLength.refuse_if(cmd.length > u64::MAX - PAGE_SIZE)?;
    let (context, host) = (&mut *call.context, &mut *call.host);
    host.files.hold(file);
    let offset = cmd.start % PAGE_SIZE;
    let payer = pages::payer(host, call.pid, context.accounting);
    let prot = prot(cmd.flags);
    let source = Source::File(file, cmd.start - offset);
    let pages = context.pages.create(source, offset, cmd.length, prot.write, payer);
    let place = place(cmd.flags, cmd.iova, cmd.start);
    let new = NewArea { pages, first_byte: offset, bytes: cmd.length };
    cmd.iova = map_new(context, host, ioas, new, place, prot)?;
    call.reply(&cmd)
}

/// Steps 2 and 3.
fn check_common(flags: u32, iova: u64, length: u64) -> Result<(), Refusal> {
    Check::MapTooLarge.refuse_if(iova == u64::MAX || length == u64::MAX)?;
    Check::MapNoAccess.refuse_if(flags & (WRITEABLE | READABLE) == 0)
}

fn place(flags: u32, iova: u64, source: u64) -> Place {
    if flags & FIXED_IOVA != 0 { Place::Fixed(iova) } else { Place::Choose(source) }
}

/// Maps `(address, bytes)` of a process, steps 5 to 13. Returns the IOVA.
pub(in crate::iommufd) fn map_user(
    context: &mut Context,
    host: &mut Host,
    pid: Pid,
    ioas: ObjectId,
    (address, bytes): (u64, u64),
    place: Place,
    prot: Prot,
) -> Result<u64, Refusal> {
    address.checked_add(bytes).ok_or(Check::MapSourceWraps)?;
    Check::MapLength.refuse_if(bytes == 0 || bytes > u64::MAX - PAGE_SIZE)?;
    let offset = address % PAGE_SIZE;
    let payer = pages::payer(host, pid, context.accounting);
    let pages = context.pages.create(Source::User(address - offset), offset, bytes, prot.write, payer);
    let new = NewArea { pages, first_byte: offset, bytes };
    map_new(context, host, ioas, new, place, prot)
}

/// Maps pages that were just made; they go again if that fails.
fn map_new(
    context: &mut Context,
    host: &mut Host,
    ioas: ObjectId,
    new: NewArea,
    place: Place,
    prot: Prot,
) -> Result<u64, Refusal> {
    let pages: PagesId = new.pages;
    // The call itself keeps the pages until it is over.
    context.pages.add_area(pages);
    let mapped = map_areas(context, host, ioas, &[new], place, prot);
    context.pages.remove_area(host, pages);
    mapped
}

/// Steps 7 to 13, for parts of pages that are to adjoin.
pub(super) fn map_areas(
    context: &mut Context,
    host: &mut Host,
    ioas: ObjectId,
    new: &[NewArea],
    place: Place,
    prot: Prot,
) -> Result<u64, Refusal> {
    let bytes: u64 = new.iter().map(|part| part.bytes).sum();
    let mut mapper = context.mapper(host, ioas);
    Check::MapLengthAlignment.refuse_if(bytes & (mapper.space.alignment() - 1) != 0)?;
    let range = match place {
        Place::Fixed(iova) => mapper.space.check(iova, bytes)?,
        Place::Choose(source) => mapper.space.choose(source, bytes)?,
    };
    mapper.add_areas(range.start, new, prot)?;
    Ok(range.start)
}
