//! The requests of VFIO type 1 on an iommufd: they work on one IOAS, the compatibility IOAS.

mod info;
mod split;

use super::call::Call;
use super::check::{Check, Refusal};
use super::ioas::{self, Place};
use super::object::ObjectId;
use super::uapi::{Layout, vfio_iommu_type1_dma_map, vfio_iommu_type1_dma_unmap};
use crate::driver::Prot;

const GET_API_VERSION: u32 = 0x3b64;
const CHECK_EXTENSION: u32 = 0x3b65;
const SET_IOMMU: u32 = 0x3b66;
const IOMMU_GET_INFO: u32 = 0x3b70;
const IOMMU_MAP_DMA: u32 = 0x3b71;
const IOMMU_UNMAP_DMA: u32 = 0x3b72;
const IOMMU_DIRTY_PAGES: u32 = 0x3b75;

/// What CHECK_EXTENSION and SET_IOMMU name.
const TYPE1: u64 = 1;
const TYPE1_V2: u64 = 3;
const DMA_CC: u64 = 4;
const UNMAP_ALL: u64 = 9;

/// Flags of MAP_DMA.
const MAP_READ: u32 = 1 << 0;
const MAP_WRITE: u32 = 1 << 1;

/// Flag of UNMAP_DMA.
const UNMAP_FLAG_ALL: u32 = 1 << 1;

/// Where `size` lies in `struct vfio_iommu_type1_dma_unmap`.
const UNMAP_SIZE_OFFSET: u64 = 16;

/// Serves a request whose number is not in the table of iommufd.
pub(super) fn ioctl(call: &mut Call<'_>, number: u32) -> Result<i32, Refusal> {
    match number {
        GET_API_VERSION => Ok(0),
        CHECK_EXTENSION => check_extension(call),
        SET_IOMMU => set_iommu(call),
        IOMMU_GET_INFO => info::get(call),
        IOMMU_MAP_DMA => map_dma(call),
        IOMMU_UNMAP_DMA => unmap_dma(call),
        IOMMU_DIRTY_PAGES => Err(Check::CompatDirty.into()),
        _unknown => Err(Check::UnknownRequest.into()),
    }
}

fn compat_ioas(call: &Call<'_>) -> Result<ObjectId, Refusal> {
    call.context.compat_ioas.ok_or(Check::CompatUnset.into())
}

fn check_extension(call: &mut Call<'_>) -> Result<i32, Refusal> {
    match call.argument {
        TYPE1 | TYPE1_V2 | UNMAP_ALL => Ok(1),
        DMA_CC => {
            let ioas = compat_ioas(call)?;
            let hwpts = call.context.objects.own_ioas(ioas).hwpts.clone();
            let is_coherent = |hwpt: &ObjectId| {
                let domain = call.context.objects.paging(*hwpt).expect("an IOAS knows its HWPTs").domain;
                call.host.driver(domain.iommu).enforces_coherency(domain.domain)
            };
            Ok(i32::from(hwpts.iter().all(is_coherent)))
        }
        _unknown => Ok(0),
    }
}

fn set_iommu(call: &mut Call<'_>) -> Result<i32, Refusal> {
    Check::CompatType.refuse_if(call.argument != TYPE1 && call.argument != TYPE1_V2)?;
    let ioas = compat_ioas(call)?;
    if call.argument == TYPE1 {
        // Type 1 can unmap a part of what was mapped at once, at any page.
        call.context.objects.own_ioas(ioas).space.disable_huge_pages()?;
    }
    Ok(0)
}

/// The caller's structure.
fn structure<T: Layout>(call: &mut Call<'_>) -> Result<T, Refusal> {
    let mut bytes = vec![0; size_of::<T>()];
    call.copy_in(call.argument, &mut bytes).map_err(|_fault| Check::CompatUnreadable)?;
    Ok(T::decode(&bytes))
}

/// Whether `argsz` covers all of the structure.
fn covers<T: Layout>(argsz: u32) -> bool {
    usize::try_from(argsz).is_ok_and(|argsz| argsz >= size_of::<T>())
}

fn map_dma(call: &mut Call<'_>) -> Result<i32, Refusal> {
    let cmd: vfio_iommu_type1_dma_map = structure(call)?;
    let is_known = cmd.flags & !(MAP_READ | MAP_WRITE) == 0;
    Check::CompatMap.refuse_if(!covers::<vfio_iommu_type1_dma_map>(cmd.argsz) || !is_known)?;
    let ioas = compat_ioas(call)?;
    let prot = Prot {
        read: cmd.flags & MAP_READ != 0,
        write: cmd.flags & MAP_WRITE != 0,
        cache: true,
        mmio: false,
        noexec: false,
    };
    let (context, host) = (&mut *call.context, &mut *call.host);
    let source = (cmd.vaddr, cmd.size);
    ioas::map_user(context, host, call.pid, ioas, source, Place::Fixed(cmd.iova), prot)?;
    Ok(0)
}

fn unmap_dma(call: &mut Call<'_>) -> Result<i32, Refusal> {
    let cmd: vfio_iommu_type1_dma_unmap = structure(call)?;
    let is_known = cmd.flags & !UNMAP_FLAG_ALL == 0;
    Check::CompatUnmap.refuse_if(!covers::<vfio_iommu_type1_dma_unmap>(cmd.argsz) || !is_known)?;
    let ioas = compat_ioas(call)?;
    let (context, host) = (&mut *call.context, &mut *call.host);
    let (bytes, unmapped) = if cmd.flags & UNMAP_FLAG_ALL != 0 {
        Check::CompatUnmapAll.refuse_if(cmd.iova != 0 || cmd.size != 0)?;
        ioas::unmap_all(context, host, ioas)
    } else {
        if !context.objects.own_ioas(ioas).space.huge_pages {
            split::cut_ends(context, ioas, cmd.iova, cmd.size)?;
        }
        ioas::unmap_range(context, host, ioas, cmd.iova, cmd.size)
    };
    let at = call.argument.wrapping_add(UNMAP_SIZE_OFFSET);
    call.copy_out(at, &bytes.to_le_bytes()).map_err(|_fault| Check::CompatUnwritable)?;
    unmapped.map(|()| 0)
}
