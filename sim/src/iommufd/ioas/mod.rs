//! I/O address spaces: the objects whose mappings domains and accesses share.

mod allow;
mod change;
mod choose;
mod copy;
pub(super) mod fill;
mod map;
pub mod range;
pub mod space;
mod unmap;

use super::call::Call;
use super::check::{Check, Refusal};
use super::object::{Object, ObjectId};
use super::uapi::iommu_ioas_alloc;
use crate::driver::Prot;

pub(super) use allow::{allow_iovas, iova_ranges};
pub(super) use change::change_process;
pub(super) use copy::copy;
pub(super) use map::{Place, map, map_file, map_user};
pub(super) use unmap::{unmap, unmap_all, unmap_range};

pub use range::IovaRange;
pub use space::IovaSpace;

/// An I/O address space.
#[derive(Debug, Default)]
pub struct Ioas {
    /// Its addresses.
    pub space: IovaSpace,
    /// The paging HWPTs that hold its mappings, oldest first.
    pub hwpts: Vec<ObjectId>,
}

/// Flags of IOAS_MAP, IOAS_MAP_FILE and IOAS_COPY.
const FIXED_IOVA: u32 = 1 << 0;
const WRITEABLE: u32 = 1 << 1;
const READABLE: u32 = 1 << 2;
const MAP_FLAGS: u32 = FIXED_IOVA | WRITEABLE | READABLE;

/// What the flags of a map call let devices do.
fn prot(flags: u32) -> Prot {
    Prot {
        read: flags & READABLE != 0,
        write: flags & WRITEABLE != 0,
        cache: true,
        mmio: false,
        noexec: false,
    }
}

/// IOAS_ALLOC.
pub(super) fn alloc(call: &mut Call<'_>, mut cmd: iommu_ioas_alloc) -> Result<(), Refusal> {
    Check::IoasAllocFlags.refuse_if(cmd.flags != 0)?;
    let id = call.context.objects.insert(Object::Ioas(Ioas::default()));
    cmd.out_ioas_id = id.0;
    call.reply(&cmd).inspect_err(|_fault| {
        call.context.objects.remove(id, false);
    })
}
