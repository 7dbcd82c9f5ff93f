//! From a request number to its handler: the checks that all ioctls share.

use super::call::Call;
use super::check::{Check, Refusal};
use super::uapi::{Layout, Op, Request};
use super::{
    compat, dirty, event_queue, fault_queue, hw_info, hw_queue, hwpt, invalidate, ioas, option, teardown,
    viommu,
};
use crate::kernel::frames::PAGE_SIZE;

/// Bytes of a tail that are looked at in one go.
const TAIL_CHUNK: usize = 256;

/// Serves one ioctl of an iommufd. Returns what the system call returns.
pub(crate) fn ioctl(call: &mut Call<'_>, number: u32) -> Result<i32, Refusal> {
    let Some(request) = Request::in_slot_of(number) else {
        return compat::ioctl(call, number);
    };
    let mut size = [0; 4];
    call.copy_in(call.argument, &mut size).map_err(|_fault| Check::SizeUnreadable)?;
    call.size = u32::from_le_bytes(size);
    Check::OtherRequest.refuse_if(request.number != number)?;
    Check::SizeTooSmall.refuse_if(call.size < request.bytes_min)?;
    let bytes = structure(call, request.bytes)?;
    serve(call, request.op, &bytes)?;
    Ok(0)
}

/// The caller's structure: `bytes` of it, or less if the caller has less. What it has more must be zero.
fn structure(call: &mut Call<'_>, bytes: usize) -> Result<Vec<u8>, Refusal> {
    let stated = usize::try_from(call.size).unwrap_or(usize::MAX);
    let checks = Tail { not_zero: Check::TailNotZero, unreadable: Check::TailUnreadable };
    check_tail(call, call.argument, (bytes, stated), checks)?;
    let mut structure = vec![0; stated.min(bytes)];
    call.copy_in(call.argument, &mut structure).map_err(|_fault| Check::StructUnreadable)?;
    Ok(structure)
}

/// What is wrong with bytes that the kernel does not know.
#[derive(Clone, Copy)]
pub(super) struct Tail {
    pub(super) not_zero: Check,
    pub(super) unreadable: Check,
}

/// Bytes from the first to the second of `range` of user memory at `address` are zero.
pub(super) fn check_tail(
    call: &mut Call<'_>,
    address: u64,
    range: (usize, usize),
    checks: Tail,
) -> Result<(), Refusal> {
    let mut at = range.0;
    while at < range.1 {
        let mut bytes = [0; TAIL_CHUNK];
        let offset = u64::try_from(at).map_err(|_too_large| checks.unreadable)?;
        let from = address.wrapping_add(offset);
        // What is wrong in one page is found before the next one is touched.
        let left_in_page = usize::try_from(PAGE_SIZE - from % PAGE_SIZE).expect("a page is small");
        let bytes = &mut bytes[..TAIL_CHUNK.min(left_in_page).min(range.1 - at)];
        call.copy_in(from, bytes).map_err(|_fault| checks.unreadable)?;
        checks.not_zero.refuse_if(bytes.iter().any(|&byte| byte != 0))?;
        at += bytes.len();
    }
    Ok(())
}

fn serve(call: &mut Call<'_>, op: Op, bytes: &[u8]) -> Result<(), Refusal> {
    fn with<T: Layout>(
        call: &mut Call<'_>,
        bytes: &[u8],
        handler: fn(&mut Call<'_>, T) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        handler(call, T::decode(bytes))
    }
    match op {
        Op::Destroy => with(call, bytes, teardown::destroy_ioctl),
        Op::IoasAlloc => with(call, bytes, ioas::alloc),
        Op::IoasAllowIovas => with(call, bytes, ioas::allow_iovas),
        Op::IoasCopy => with(call, bytes, ioas::copy),
        Op::IoasIovaRanges => with(call, bytes, ioas::iova_ranges),
        Op::IoasMap => with(call, bytes, ioas::map),
        Op::IoasUnmap => with(call, bytes, ioas::unmap),
        Op::Option => with(call, bytes, option::option),
        Op::VfioIoas => with(call, bytes, option::vfio_ioas),
        Op::HwptAlloc => with(call, bytes, hwpt::alloc),
        Op::GetHwInfo => with(call, bytes, hw_info::get),
        Op::HwptSetDirtyTracking => with(call, bytes, dirty::set_tracking),
        Op::HwptGetDirtyBitmap => with(call, bytes, dirty::get_bitmap),
        Op::HwptInvalidate => with(call, bytes, invalidate::invalidate),
        Op::FaultQueueAlloc => with(call, bytes, fault_queue::alloc),
        Op::IoasMapFile => with(call, bytes, ioas::map_file),
        Op::ViommuAlloc => with(call, bytes, viommu::alloc),
        Op::VdeviceAlloc => with(call, bytes, viommu::alloc_vdevice),
        Op::IoasChangeProcess => with(call, bytes, ioas::change_process),
        Op::VeventqAlloc => with(call, bytes, event_queue::alloc),
        Op::HwQueueAlloc => with(call, bytes, hw_queue::alloc),
        Op::IoasNoiommuGetPa => Err(Check::NoiommuUnable.into()),
    }
}
