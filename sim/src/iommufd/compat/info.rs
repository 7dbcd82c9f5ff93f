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

/// Where the chain starts: DMA_AVAIL, of 12 bytes that fill 16.
const CHAIN_START: usize = size_of::<vfio_iommu_type1_info>();

/// Where the offset of the next capability lies in one.
const NEXT_OFFSET: usize = 4;

/// Where IOVA_RANGE starts, what it has before its ranges, and how long a range is.
const RANGES_START: usize = CHAIN_START + 16;
const RANGES_HEADER_BYTES: usize = 16;
const RANGE_BYTES: usize = 16;

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
    let Chain { pieces, end } = chain(space);
    for piece in pieces.iter().filter(|piece| stated >= piece.needs) {
        let offset = u64::try_from(piece.offset).expect("a chain is small");
        let at = call.argument.wrapping_add(offset);
        call.copy_out(at, &piece.bytes).map_err(|_fault| Check::CompatUnwritable)?;
    }
    if stated >= end {
        info.cap_offset = u32::try_from(CHAIN_START).expect("the structure is small");
    }
    info.argsz = u32::try_from(end).unwrap_or(u32::MAX);
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

/// The capabilities, as far as the caller has room for them.
struct Chain {
    pieces: Vec<Piece>,
    /// Where the last one ends, from the start of the structure.
    end: usize,
}

/// What is written at once, if the caller states `needs` bytes or more; other pieces may have room for less.
struct Piece {
    offset: usize,
    needs: usize,
    bytes: Vec<u8>,
}

/// DMA_AVAIL and IOVA_RANGE, each led by id, version and the offset of the next one. What lies between them stays the
/// caller's.
fn chain(space: &IovaSpace) -> Chain {
    let header = |id: u16, word: u32| {
        let (id, version) = (id.to_le_bytes(), CAP_VERSION.to_le_bytes());
        [&id[..], &version, &0_u32.to_le_bytes(), &word.to_le_bytes()].concat()
    };
    let next = u32::try_from(RANGES_START).expect("two structures are small").to_le_bytes().to_vec();
    let mut pieces = vec![
        Piece { offset: CHAIN_START, needs: CHAIN_START + 12, bytes: header(CAP_DMA_AVAIL, u32::MAX) },
        Piece { offset: CHAIN_START + NEXT_OFFSET, needs: RANGES_START, bytes: next },
    ];
    let usable = space.usable();
    let mut end = RANGES_START + RANGES_HEADER_BYTES;
    for range in &usable {
        let bytes = [range.start.to_le_bytes(), range.last.to_le_bytes()].concat();
        pieces.push(Piece { offset: end, needs: end + bytes.len(), bytes });
        end += RANGE_BYTES;
    }
    let mut bytes = header(CAP_IOVA_RANGE, u32::try_from(usable.len()).unwrap_or(u32::MAX));
    bytes.resize(RANGES_HEADER_BYTES, 0);
    pieces.push(Piece { offset: RANGES_START, needs: end, bytes });
    Chain { pieces, end }
}
