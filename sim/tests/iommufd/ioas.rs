//! IOAS_ALLOC, IOAS_IOVA_RANGES, IOAS_ALLOW_IOVAS, OPTION, VFIO_IOAS, DESTROY and IOAS_CHANGE_PROCESS.

use std::collections::BTreeSet;

use smmu_sim::iommufd::Check;
use smmu_sim::iommufd::uapi::{
    iommu_destroy, iommu_ioas_alloc, iommu_ioas_allow_iovas, iommu_ioas_change_process,
    iommu_ioas_iova_ranges, iommu_ioas_map_file, iommu_option, iommu_vfio_ioas,
};
use smmu_sim::kernel::process::{Process, Rights};

use super::bench::*;

pub(crate) fn provoke() -> BTreeSet<Check> {
    let mut bench = Bench::new();
    bench.fails(Check::IoasAllocFlags, IOAS_ALLOC, iommu_ioas_alloc { size: 12, flags: 1, out_ioas_id: 0 });
    options(&mut bench);
    bench.adopt(limits());
    let ioas = bench.ioas();
    iova_ranges(&mut bench, ioas);
    allow(&mut bench, ioas);
    compat_ioas(&mut bench, ioas);
    change_process(&mut bench, ioas);
    bench.fails(Check::DestroyAbsent, DESTROY, iommu_destroy { size: 8, id: 0 });
    bench.fails(Check::DestroyAbsent, DESTROY, iommu_destroy { size: 8, id: 77 });
    let (device, id) = bench.bind(0);
    bench.fails(Check::DestroyInUse, DESTROY, iommu_destroy { size: 8, id });
    bench.kernel.close(bench.client.pid, device).expect("it is open");
    bench.seen()
}

#[test]
fn address_spaces_refuse_in_order() {
    provoke();
}

fn iova_ranges(bench: &mut Bench, ioas_id: u32) {
    let room = bench.buffer;
    let cmd = |num_iovas, allowed_iovas| iommu_ioas_iova_ranges {
        size: 32,
        ioas_id,
        num_iovas,
        allowed_iovas,
        ..Default::default()
    };
    let reserved = iommu_ioas_iova_ranges { __reserved: 1, ioas_id: 9, ..cmd(1, room) };
    bench.fails(Check::IovaRangesReserved, IOAS_IOVA_RANGES, reserved);
    let absent = iommu_ioas_iova_ranges { ioas_id: 9, ..cmd(1, room) };
    bench.fails(Check::IovaRangesAbsent, IOAS_IOVA_RANGES, absent);
    bench.fails(Check::IovaRangesUnwritable, IOAS_IOVA_RANGES, cmd(1, 8));
    let (reply, result) = bench.try_call(IOAS_IOVA_RANGES, cmd(0, 8));
    bench.failed(Check::IovaRangesTooMany, result);
    assert_eq!((reply.num_iovas, reply.out_iova_alignment), (1, 1), "it says how many there are");
    assert_eq!(bench.call(IOAS_IOVA_RANGES, cmd(4, room)).num_iovas, 1);
    assert_eq!(bench.peek(0, 16), [[0; 8], [0xff; 8]].concat());
}

fn allow(bench: &mut Bench, ioas_id: u32) {
    let at = bench.buffer;
    let cmd = |num_iovas, allowed_iovas| iommu_ioas_allow_iovas {
        size: 24,
        ioas_id,
        num_iovas,
        allowed_iovas,
        ..Default::default()
    };
    let entries = |bench: &mut Bench, ranges: &[(u64, u64)]| {
        let bytes: Vec<u8> =
            ranges.iter().flat_map(|(a, b)| [a.to_le_bytes(), b.to_le_bytes()].concat()).collect();
        bench.poke(0, &bytes);
    };
    let reserved = iommu_ioas_allow_iovas { __reserved: 1, ioas_id: 9, ..cmd(1, 8) };
    bench.fails(Check::AllowReserved, IOAS_ALLOW_IOVAS, reserved);
    let absent = iommu_ioas_allow_iovas { ioas_id: 9, ..cmd(1, 8) };
    bench.fails(Check::AllowAbsent, IOAS_ALLOW_IOVAS, absent);
    bench.fails(Check::AllowUnreadable, IOAS_ALLOW_IOVAS, cmd(1, 8));
    entries(bench, &[(0x1000, 0x1000)]);
    bench.fails(Check::AllowInverted, IOAS_ALLOW_IOVAS, cmd(1, at));
    entries(bench, &[(0x3000, 0x3fff), (0x1000, 0x1fff), (0x1fff, 0x2fff)]);
    bench.fails(Check::AllowOverlap, IOAS_ALLOW_IOVAS, cmd(3, at));
    bench.call(IOAS_ALLOW_IOVAS, cmd(2, at));
    let (device, _) = bench.bind(0);
    bench.call(IOAS_ALLOW_IOVAS, cmd(0, 0));
    bench.attach(device, ioas_id);
    entries(bench, &[(0x0800_0000, 0x0800_0fff)]);
    bench.fails(Check::AllowUnusable, IOAS_ALLOW_IOVAS, cmd(1, at));
    bench.kernel.close(bench.client.pid, device).expect("it is open");
}

fn options(bench: &mut Bench) {
    let cmd = |option_id, op, object_id, val64| iommu_option {
        size: 24,
        option_id,
        op,
        object_id,
        val64,
        ..Default::default()
    };
    bench.fails(Check::OptionReserved, OPTION, iommu_option { __reserved: 1, ..cmd(9, 0, 0, 0) });
    bench.fails(Check::OptionUnknown, OPTION, cmd(2, 0, 0, 0));
    bench.fails(Check::RlimitObject, OPTION, cmd(0, 9, 1, 0));
    bench.fails(Check::RlimitOperation, OPTION, cmd(0, 2, 0, 0));
    bench.fails(Check::RlimitValue, OPTION, cmd(0, 0, 0, 2));
    bench.call(OPTION, cmd(0, 0, 0, 1));
    assert_eq!(bench.call(OPTION, cmd(0, 1, 0, 7)).val64, 1);
    bench.call(OPTION, cmd(0, 0, 0, 0));
    let ioas = bench.ioas();
    bench.fails(Check::RlimitObjects, OPTION, cmd(0, 0, 0, 9));
    bench.fails(Check::HugeAbsent, OPTION, cmd(1, 0, 9, 0));
    bench.fails(Check::HugeValue, OPTION, cmd(1, 0, ioas, 2));
    bench.fails(Check::HugeOperation, OPTION, cmd(1, 2, ioas, 0));
    assert_eq!(bench.call(OPTION, cmd(1, 1, ioas, 7)).val64, 1);
    bench.map(ioas, 0, 0x801, 0x10_0000);
    bench.fails(Check::HugeAlignment, OPTION, cmd(1, 0, ioas, 0));
    let (device, _) = bench.bind(0);
    let other = bench.ioas();
    bench.attach(device, other);
    bench.map(other, 0, PAGE, 0x10_0000);
    bench.fails(Check::HugeMapped, OPTION, cmd(1, 0, other, 0));
    bench.kernel.close(bench.client.pid, device).expect("it is open");
    bench.destroy(other);
    bench.destroy(ioas);
}

/// A process of an ordinary user, who can lock four pages.
fn user() -> Process {
    let mut process = Process::new(1000, Rights::NONE);
    process.memlock_limit = 4 * PAGE;
    process
}

/// What an ordinary user cannot do.
fn limits() -> Bench {
    let mut bench = Bench::by(&machine(&[]), user());
    let cmd = iommu_option { size: 24, val64: 1, ..Default::default() };
    bench.fails(Check::RlimitRight, OPTION, cmd);
    let ioas = bench.ioas();
    let (device, _) = bench.bind(0);
    bench.attach(device, ioas);
    bench.map(ioas, 0, 4 * PAGE, 0x10_0000);
    let more = bench.map_cmd(ioas, 0, PAGE, 0x20_0000);
    bench.fails(Check::PinLimit, IOAS_MAP, more);
    bench
}

fn compat_ioas(bench: &mut Bench, ioas_id: u32) {
    let cmd = |op, ioas_id| iommu_vfio_ioas { size: 12, ioas_id, op, __reserved: 0 };
    bench.fails(Check::VfioIoasReserved, VFIO_IOAS, iommu_vfio_ioas { __reserved: 1, ..cmd(9, 9) });
    bench.fails(Check::VfioIoasOperation, VFIO_IOAS, cmd(3, ioas_id));
    bench.fails(Check::VfioIoasUnset, VFIO_IOAS, cmd(0, 0));
    bench.fails(Check::VfioIoasAbsent, VFIO_IOAS, cmd(1, 9));
    bench.call(VFIO_IOAS, cmd(1, ioas_id));
    assert_eq!(bench.call(VFIO_IOAS, cmd(0, 0)).ioas_id, ioas_id);
    bench.call(VFIO_IOAS, cmd(2, 0));
    bench.fails(Check::VfioIoasUnset, VFIO_IOAS, cmd(0, 0));
}

fn change_process(bench: &mut Bench, ioas: u32) {
    let reserved = iommu_ioas_change_process { size: 8, __reserved: 1 };
    bench.fails(Check::ChangeReserved, IOAS_CHANGE_PROCESS, reserved);
    let cmd = iommu_ioas_change_process { size: 8, __reserved: 0 };
    bench.map(ioas, 0, PAGE, 0x70_0000);
    bench.fails(Check::ChangeNotFile, IOAS_CHANGE_PROCESS, cmd);
    bench.adopt(change_of_a_limited_process());
}

fn change_of_a_limited_process() -> Bench {
    let mut bench = Bench::by(&machine(&[]), user());
    let ioas_id = bench.ioas();
    let (device, _) = bench.bind(0);
    bench.attach(device, ioas_id);
    let fd = bench.kernel.memory_file(bench.client.pid, 8 * PAGE).expect("there is memory");
    let flags = READ | WRITE;
    let map = |length| iommu_ioas_map_file { size: 40, flags, ioas_id, fd, start: 0, length, iova: 0 };
    bench.call(IOAS_MAP_FILE, map(3 * PAGE));
    let cmd = iommu_ioas_change_process { size: 8, __reserved: 0 };
    // Who pays already is not charged again.
    bench.call(IOAS_CHANGE_PROCESS, cmd);
    bench
}
