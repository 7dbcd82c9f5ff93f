//! IOAS_MAP, IOAS_MAP_FILE, IOAS_COPY and IOAS_UNMAP.

use std::collections::BTreeSet;

use smmu_sim::iommufd::Check;
use smmu_sim::iommufd::uapi::{iommu_ioas_copy, iommu_ioas_map, iommu_ioas_map_file, iommu_ioas_unmap};

use super::bench::*;

const UMAX: u64 = u64::MAX;

pub(crate) fn provoke() -> BTreeSet<Check> {
    let mut bench = Bench::new();
    let ioas = bench.ioas();
    map(&mut bench, ioas);
    map_file(&mut bench, ioas);
    copy(&mut bench, ioas);
    unmap(&mut bench, ioas);
    filled(&mut bench);
    bench.seen()
}

#[test]
fn mappings_refuse_in_order() {
    provoke();
}

fn map(bench: &mut Bench, ioas: u32) {
    let good = bench.map_cmd(ioas, 0, PAGE, 0x10_0000);
    let cases = [
        (Check::MapFlags, iommu_ioas_map { flags: 8, iova: UMAX, ..good }),
        (Check::MapFlags, iommu_ioas_map { __reserved: 1, iova: UMAX, ..good }),
        (Check::MapTooLarge, iommu_ioas_map { flags: 0, iova: UMAX, ..good }),
        (Check::MapTooLarge, iommu_ioas_map { flags: 0, length: UMAX, ..good }),
        (Check::MapNoAccess, iommu_ioas_map { flags: FIXED, ioas_id: 9, ..good }),
        (Check::MapAbsent, iommu_ioas_map { ioas_id: 9, user_va: UMAX, ..good }),
        (Check::MapSourceWraps, iommu_ioas_map { user_va: UMAX, length: UMAX - PAGE, ..good }),
        (Check::MapLength, iommu_ioas_map { length: 0, ..good }),
        (Check::MapLength, iommu_ioas_map { user_va: 0, length: UMAX - 1, ..good }),
        (Check::MapAutoTooLarge, iommu_ioas_map { flags: READ, user_va: 0, length: UMAX / 2, ..good }),
        (Check::MapIovaWraps, iommu_ioas_map { iova: UMAX - 1, ..good }),
    ];
    for (check, cmd) in cases {
        bench.fails(check, IOAS_MAP, cmd);
    }
    bench.call(IOAS_MAP, good);
    bench.fails(Check::MapIovaTaken, IOAS_MAP, good);
    bench.fails(Check::MapIovaTaken, IOAS_MAP, iommu_ioas_map { iova: good.iova + PAGE - 1, ..good });
    bench.call(IOAS_MAP, iommu_ioas_map { iova: good.iova + PAGE, ..good });
    // Without a domain nobody looks at the memory.
    bench.call(IOAS_MAP, iommu_ioas_map { iova: 0x20_0000, user_va: 8, ..good });
}

fn map_file(bench: &mut Bench, ioas_id: u32) {
    let fd = bench.kernel.memory_file(bench.client.pid, 4 * PAGE).expect("there is memory");
    let flags = READ | WRITE;
    let good = iommu_ioas_map_file { size: 40, flags, ioas_id, fd, start: 0, length: PAGE, iova: 0 };
    let cases = [
        (Check::MapFileFlags, iommu_ioas_map_file { flags: 8, ..good }),
        (Check::MapTooLarge, iommu_ioas_map_file { flags: 0, length: UMAX, ..good }),
        (Check::MapNoAccess, iommu_ioas_map_file { flags: 0, ioas_id: 9, ..good }),
        (Check::MapAbsent, iommu_ioas_map_file { ioas_id: 9, length: 0, ..good }),
        (Check::MapFileLength, iommu_ioas_map_file { fd: 99, length: 0, ..good }),
        (Check::MapFileWraps, iommu_ioas_map_file { fd: 99, start: UMAX, length: 2, ..good }),
        (Check::MapFileDescriptor, iommu_ioas_map_file { fd: 99, ..good }),
    ];
    for (check, cmd) in cases {
        bench.fails(check, IOAS_MAP_FILE, cmd);
    }
    assert_eq!(bench.call(IOAS_MAP_FILE, good).iova, PAGE, "the lowest address but 0");
    let null = bench.kernel.open(bench.client.pid, "/dev/null").expect("it opens");
    bench.call(IOAS_MAP_FILE, iommu_ioas_map_file { fd: null, ..good });
}

fn copy(bench: &mut Bench, ioas: u32) {
    let read_only = bench.map_cmd(ioas, 0, PAGE, 0x40_0000);
    bench.call(IOAS_MAP, iommu_ioas_map { flags: FIXED | READ, ..read_only });
    let flags = FIXED | READ;
    let good = iommu_ioas_copy {
        size: 40,
        flags,
        dst_ioas_id: ioas,
        src_ioas_id: ioas,
        length: PAGE,
        dst_iova: 0x41_0000,
        src_iova: 0x40_0000,
    };
    let cases = [
        (Check::CopyFlags, iommu_ioas_copy { flags: 8, length: UMAX, ..good }),
        (Check::CopyTooLarge, iommu_ioas_copy { flags: 0, dst_iova: UMAX, ..good }),
        (Check::CopyNoAccess, iommu_ioas_copy { flags: FIXED, src_ioas_id: 9, ..good }),
        (Check::CopySourceAbsent, iommu_ioas_copy { src_ioas_id: 9, length: 0, ..good }),
        (Check::CopyLength, iommu_ioas_copy { length: 0, ..good }),
        (Check::CopySourceWraps, iommu_ioas_copy { src_iova: UMAX - 1, ..good }),
        (Check::CopySourceHole, iommu_ioas_copy { length: PAGE + 1, dst_ioas_id: 9, ..good }),
        (Check::CopyDestinationAbsent, iommu_ioas_copy { dst_ioas_id: 9, ..good }),
        (Check::MapIovaTaken, iommu_ioas_copy { flags: flags | WRITE, dst_iova: 0x40_0000, ..good }),
        (Check::CopyReadOnly, iommu_ioas_copy { flags: flags | WRITE, ..good }),
    ];
    for (check, cmd) in cases {
        bench.fails(check, IOAS_COPY, cmd);
    }
    bench.call(IOAS_COPY, iommu_ioas_copy { length: 0x10, src_iova: 0x40_0010, ..good });
}

fn unmap(bench: &mut Bench, ioas_id: u32) {
    let good = iommu_ioas_unmap { size: 24, ioas_id, iova: 0x10_0000, length: PAGE };
    let cases = [
        (Check::UnmapAbsent, iommu_ioas_unmap { ioas_id: 9, length: 0, ..good }),
        (Check::UnmapTooLarge, iommu_ioas_unmap { iova: UMAX, length: 0, ..good }),
        (Check::UnmapTooLarge, iommu_ioas_unmap { iova: 1, length: UMAX, ..good }),
        (Check::UnmapLength, iommu_ioas_unmap { length: 0, ..good }),
        (Check::UnmapWraps, iommu_ioas_unmap { iova: UMAX - 1, length: 4, ..good }),
        (Check::UnmapPartial, iommu_ioas_unmap { length: PAGE - 1, ..good }),
        (Check::UnmapPartial, iommu_ioas_unmap { iova: good.iova + 1, ..good }),
        (Check::UnmapNothing, iommu_ioas_unmap { iova: 0xf0_0000, ..good }),
    ];
    for (check, cmd) in cases {
        bench.fails(check, IOAS_UNMAP, cmd);
    }
    // The first mapping goes although the second one sticks out: this is not told.
    bench.fails(Check::UnmapPartial, IOAS_UNMAP, iommu_ioas_unmap { length: 2 * PAGE - 1, ..good });
    bench.fails(Check::UnmapNothing, IOAS_UNMAP, good);
    let all = iommu_ioas_unmap { iova: 0, length: UMAX, ..good };
    assert!(bench.call(IOAS_UNMAP, all).length > 0);
    assert_eq!(bench.call(IOAS_UNMAP, all).length, 0, "nothing is left, and that is no error");
}

/// What a domain adds.
fn filled(bench: &mut Bench) {
    let ioas_id = bench.ioas();
    let (device, _) = bench.bind(0);
    bench.attach(device, ioas_id);
    let good = bench.map_cmd(ioas_id, 0, PAGE, 0x10_0000);
    let cases = [
        (Check::MapLengthAlignment, iommu_ioas_map { length: PAGE + 1, iova: 1, ..good }),
        (Check::MapIovaAlignment, iommu_ioas_map { iova: 1, user_va: good.user_va + 1, ..good }),
        (Check::MapIovaReserved, iommu_ioas_map { iova: 0x0800_0000, ..good }),
        (Check::MapOffsetAlignment, iommu_ioas_map { user_va: good.user_va + 1, ..good }),
        (Check::MapAutoAlignment, iommu_ioas_map { flags: READ, user_va: good.user_va + 1, ..good }),
        (Check::MapAutoFull, iommu_ioas_map { flags: READ, length: 1 << 48, ..good }),
        (Check::PinFault, iommu_ioas_map { user_va: 0, ..good }),
        (Check::PinFault, iommu_ioas_map { user_va: good.user_va + BUFFER - PAGE, length: 2 * PAGE, ..good }),
    ];
    for (check, cmd) in cases {
        bench.fails(check, IOAS_MAP, cmd);
    }
    let read_only = bench.kernel.map_memory(bench.client.pid, PAGE, false).expect("there is memory");
    bench.fails(Check::PinFault, IOAS_MAP, iommu_ioas_map { user_va: read_only, ..good });
    bench.call(IOAS_MAP, iommu_ioas_map { user_va: read_only, flags: FIXED | READ, ..good });
    let null = bench.kernel.open(bench.client.pid, "/dev/null").expect("it opens");
    let file =
        iommu_ioas_map_file { size: 40, flags: READ, ioas_id, fd: null, start: 0, length: PAGE, iova: 0 };
    bench.fails(Check::PinNotMappable, IOAS_MAP_FILE, file);
    let fd = bench.kernel.memory_file(bench.client.pid, 4 * PAGE).expect("there is memory");
    let beyond = iommu_ioas_map_file { fd, start: 3 * PAGE, length: 2 * PAGE, ..file };
    bench.fails(Check::PinNotMappable, IOAS_MAP_FILE, beyond);
    bench.call(IOAS_MAP_FILE, iommu_ioas_map_file { fd, start: 3 * PAGE, ..file });
    bench.kernel.close(bench.client.pid, device).expect("it is open");
}

#[test]
fn shared_pages_are_pinned_and_paid_for_once() {
    let mut bench = Bench::new();
    let (one, two) = (bench.ioas(), bench.ioas());
    let (first, second) = (bench.bind(0).0, bench.bind(1).0);
    bench.attach(first, one);
    bench.attach(second, two);
    bench.map(one, 0, 4 * PAGE, 0x10_0000);
    let copy = iommu_ioas_copy {
        size: 40,
        flags: FIXED | READ,
        dst_ioas_id: two,
        src_ioas_id: one,
        length: 2 * PAGE,
        dst_iova: 0x50_0000,
        src_iova: 0x10_1000,
    };
    bench.call(IOAS_COPY, copy);
    let pinned = |bench: &Bench| {
        let mm = bench.kernel.host.processes[bench.client.pid.0].mm.as_ref().expect("it runs");
        mm.pinned_pages
    };
    assert_eq!(pinned(&bench), 4);
    let unmap = |ioas_id, iova, length| iommu_ioas_unmap { size: 24, ioas_id, iova, length };
    bench.call(IOAS_UNMAP, unmap(one, 0x10_0000, 4 * PAGE));
    assert_eq!(pinned(&bench), 2, "the copy keeps what it covers");
    bench.call(IOAS_UNMAP, unmap(two, 0x50_0000, 2 * PAGE));
    assert_eq!(pinned(&bench), 0);
}
