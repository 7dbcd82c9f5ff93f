//! What all ioctls share: descriptors, numbers, sizes.

use std::collections::BTreeSet;

use smmu_sim::iommufd::Check;
use smmu_sim::iommufd::uapi::iommu_ioas_noiommu_get_pa;
use smmu_sim::iommufd::uapi::{iommu_destroy, iommu_hw_queue_alloc, iommu_ioas_alloc};
use smmu_sim::kernel::MapRequest;

use super::bench::*;

pub(crate) fn provoke() -> BTreeSet<Check> {
    let mut bench = Bench::new();
    let pid = bench.client.pid;
    let null = bench.kernel.open(pid, "/dev/null").expect("it opens");
    let raw = |bench: &mut Bench, fd, number, argument, check| {
        let result = bench.kernel.ioctl(pid, fd, number, argument);
        bench.failed(check, result);
    };
    let iommu = bench.iommu;
    raw(&mut bench, 99, IOAS_ALLOC, 0, Check::BadDescriptor);
    raw(&mut bench, null, IOAS_ALLOC, 0, Check::NotForThisFile);
    // The pointer is not looked at before the number is known.
    for unknown in [0, 0x3b7f, 0x3b96, 0x3ba0, 0x3b00] {
        raw(&mut bench, iommu, unknown, 0, Check::UnknownRequest);
    }
    raw(&mut bench, iommu, IOAS_ALLOC, 0, Check::SizeUnreadable);
    raw(&mut bench, iommu, 0xc004_3b81, 0, Check::SizeUnreadable);
    sizes(&mut bench);
    replies(&mut bench);
    let read = bench.kernel.read(pid, iommu, bench.buffer, 8, 0);
    bench.failed(Check::NotForThisRead, read);
    mmap(&mut bench);
    bench.fails(
        Check::NoiommuUnable,
        IOAS_NOIOMMU_GET_PA,
        iommu_ioas_noiommu_get_pa { size: 40, ..Default::default() },
    );
    let queue = |flags, type_, length| iommu_hw_queue_alloc {
        size: 40,
        flags,
        viommu_id: 9,
        type_,
        length,
        nesting_parent_iova: u64::MAX,
        ..Default::default()
    };
    bench.fails(Check::HwQueueFlags, HW_QUEUE_ALLOC, queue(1, 1, 0));
    bench.fails(Check::HwQueueFlags, HW_QUEUE_ALLOC, queue(0, 0, 0));
    bench.fails(Check::HwQueueLength, HW_QUEUE_ALLOC, queue(0, 1, 0));
    bench.fails(Check::HwQueueWraps, HW_QUEUE_ALLOC, queue(0, 1, 2));
    bench.fails(Check::HwQueueViommu, HW_QUEUE_ALLOC, queue(0, 1, 1));
    bench.seen()
}

#[test]
fn requests_are_checked_before_their_handlers() {
    provoke();
}

fn sizes(bench: &mut Bench) {
    let fd = bench.iommu;
    let with_tail = |bench: &mut Bench, number, bytes: &[u8], check: Option<Check>| {
        let mut bytes = bytes.to_vec();
        let result = bench.client.ioctl(&mut bench.kernel, fd, number, &mut bytes);
        match check {
            Some(check) => bench.failed(check, result),
            None => assert_eq!(result, Ok(0)),
        }
        bytes
    };
    let alloc = |size: u8, more: &[u8]| [&[size, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], more].concat();
    with_tail(bench, 0xc004_3b81, &alloc(12, &[]), Some(Check::OtherRequest));
    with_tail(bench, IOAS_ALLOC, &alloc(11, &[]), Some(Check::SizeTooSmall));
    with_tail(bench, IOAS_ALLOC, &alloc(16, &[0, 0, 0, 1]), Some(Check::TailNotZero));
    let reply = with_tail(bench, IOAS_ALLOC, &alloc(16, &[0; 4]), None);
    assert_eq!(reply[8], 1, "a longer structure of zeros is a newer program's");
    // The least size of HWPT_ALLOC leaves its data out: the IOAS is there, the device is not.
    let short = [24_u32, 0, 9, 1, 0, 0].map(u32::to_le_bytes).concat();
    with_tail(bench, HWPT_ALLOC, &short, Some(Check::HwptDevice));
    let pid = bench.client.pid;
    let end = bench.buffer + BUFFER;
    let at_end = |bench: &mut Bench, bytes: &[u8], check| {
        let at = end - u64::try_from(bytes.len()).expect("it is short");
        bench.kernel.poke(pid, at, bytes).expect("the buffer is mapped");
        let result = bench.kernel.ioctl(pid, fd, IOAS_ALLOC, at);
        bench.failed(check, result);
    };
    at_end(bench, &alloc(16, &[0; 2]), Check::TailUnreadable);
    at_end(bench, &12_u32.to_le_bytes(), Check::StructUnreadable);
}

/// What fails because its reply cannot be written leaves no object.
fn replies(bench: &mut Bench) {
    let pid = bench.client.pid;
    let read_only = bench.kernel.map_memory(pid, PAGE, false).expect("there is memory");
    let fd = bench.kernel.memory_file(pid, PAGE).expect("there is memory");
    let writable = bench.kernel.map_memory_file(pid, fd, true).expect("there is memory");
    let same = bench.kernel.map_memory_file(pid, fd, false).expect("there is memory");
    let size = iommu_ioas_alloc { size: 12, ..Default::default() }.size.to_le_bytes();
    bench.kernel.poke(pid, writable, &size).expect("it is writable");
    let before: Vec<_> = bench.objects().ids().collect();
    let result = bench.kernel.ioctl(pid, bench.iommu, IOAS_ALLOC, same);
    bench.failed(Check::ReplyUnwritable, result);
    assert_eq!(bench.objects().ids().collect::<Vec<_>>(), before);
    bench.kernel.unmap_memory(pid, read_only, PAGE).expect("it is mapped");
    bench.destroy(1);
    bench.fails(Check::DestroyAbsent, DESTROY, iommu_destroy { size: 8, id: 1 });
}

fn mmap(bench: &mut Bench) {
    let good = MapRequest { bytes: PAGE, is_shared: true, is_executable: false, offset: PAGE };
    for (check, request) in [
        (Check::MmapLength, MapRequest { bytes: 1, is_shared: false, ..good }),
        (Check::MmapPrivate, MapRequest { is_shared: false, is_executable: true, ..good }),
        (Check::MmapExec, MapRequest { is_executable: true, ..good }),
        (Check::MmapOffset, good),
    ] {
        let result = bench.kernel.map_iommufd(bench.client.pid, bench.iommu, request);
        bench.failed(check, result);
    }
}
