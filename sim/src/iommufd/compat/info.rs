//! VFIO_IOMMU_GET_INFO: page sizes, and a chain of capabilities behind the structure.

use super::compat_ioas;
use crate::iommufd::call::Call;
use crate::iommufd::check::{Check, Refusal};
use crate::iommufd::ioas::IovaSpace;
use crate::iommufd::uapi::{Layout, vfio_iommu_type1_info};
use crate::kernel::frames::PAGE_SIZE;

/// What the first version of the structure had: up to `iova_pgsizes`.
const BYTES_MIN: usize = 16;

const FLAG_PGSIZES: u32 = 1 << 0;
const FLAG_CAPS: u32 = 1 << 1;

const CAP_IOVA_RANGE: u16 = 1;
const CAP_DMA_AVAIL: u16 = 3;
const CAP_VERSION: u16 = 1;

/// Serves the request.
pub(super) fn get(call: &mut Call<'_>) -> Result<i32, Refusal> {
    let mut bytes = [0; BYTES_MIN];
    call.copy_in(call.argument, &mut bytes).map_err(|_fault| Check::CompatUnreadable)?;
    let mut info = vfio_iommu_type1_info::decode(&bytes);
    let stated = usize::try_from(info.argsz).unwrap_or(usize::MAX);
    Check::CompatInfoSize.refuse_if(stated < BYTES_MIN)?;
    let ioas = compat_ioas(call)?;
    let space = &call.context.objects.own_ioas(ioas).space;
    let page_sizes = page_sizes(space);
    let header_bytes = size_of::<vfio_iommu_type1_info>();
    let chain = chain(space, header_bytes);
    let total = header_bytes + chain.len();
    if stated >= total {
        let start = u32::try_from(header_bytes).expect("the structure is small");
        let at = call.argument.wrapping_add(u64::from(start));
        call.copy_out(at, &chain).map_err(|_fault| Check::CompatUnwritable)?;
        info.cap_offset = start;
    }
    info.argsz = u32::try_from(total).unwrap_or(u32::MAX);
    info.flags = FLAG_PGSIZES | FLAG_CAPS;
    info.iova_pgsizes = page_sizes;
    let reply = info.encode();
    let reply = &reply[..stated.min(reply.len())];
    call.copy_out(call.argument, reply).map_err(|_fault| Check::CompatUnwritable)?;
    Ok(0)
}

/// The page sizes that all domains have; smaller ones than the host's count as one of the host's.
fn page_sizes(space: &IovaSpace) -> u64 {
    let common = space.domains.iter().fold(u64::MAX, |sizes, domain| sizes & domain.geometry.page_sizes);
    let below = PAGE_SIZE - 1;
    let folded = if common & below != 0 { common & !below | PAGE_SIZE } else { common };
    folded.max(space.alignment())
}

/// DMA_AVAIL and IOVA_RANGE, each led by id, version and the offset of the next one.
fn chain(space: &IovaSpace, start: usize) -> Vec<u8> {
    const AVAILABLE_BYTES: usize = 16;
    let next = u32::try_from(start + AVAILABLE_BYTES).expect("two structures are small");
    let mut chain = Vec::new();
    let header = |chain: &mut Vec<u8>, id: u16, next: u32| {
        chain.extend(id.to_le_bytes());
        chain.extend(CAP_VERSION.to_le_bytes());
        chain.extend(next.to_le_bytes());
    };
    header(&mut chain, CAP_DMA_AVAIL, next);
    chain.extend(u32::MAX.to_le_bytes());
    chain.resize(AVAILABLE_BYTES, 0);
    header(&mut chain, CAP_IOVA_RANGE, 0);
    let usable = space.usable();
    chain.extend(u32::try_from(usable.len()).unwrap_or(u32::MAX).to_le_bytes());
    chain.extend(0_u32.to_le_bytes());
    for range in usable {
        chain.extend(range.start.to_le_bytes());
        chain.extend(range.last.to_le_bytes());
    }
    chain
}
