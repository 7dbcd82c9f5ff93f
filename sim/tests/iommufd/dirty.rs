//! HWPT_SET_DIRTY_TRACKING and HWPT_GET_DIRTY_BITMAP, on an SMMU that updates tables by itself.

use std::collections::BTreeSet;

use smmu_model::CachePolicy;
use smmu_sim::iommufd::Check;
use smmu_sim::iommufd::uapi::{iommu_hwpt_get_dirty_bitmap, iommu_hwpt_set_dirty_tracking};
use smmu_sim::kernel::Direction;
use smmu_sim::kernel::device::DeviceId;

use super::bench::*;
use super::hwpt::DIRTY;

const IOVA: u64 = 0x10_0000;
const BITMAP: u64 = 0x40_0000;

fn tracking(caches: CachePolicy) -> Bench {
    let mut setup = machine(&[("IDR0.HTTU", 2)]);
    setup.smmus[0].caches = caches;
    Bench::on(&setup)
}

fn bitmap(bench: &Bench, hwpt_id: u32, pages: u64) -> iommu_hwpt_get_dirty_bitmap {
    iommu_hwpt_get_dirty_bitmap {
        size: 48,
        hwpt_id,
        iova: IOVA,
        length: pages * PAGE,
        page_size: PAGE,
        data: bench.buffer + BITMAP,
        ..Default::default()
    }
}

pub(crate) fn provoke() -> BTreeSet<Check> {
    let mut bench = tracking(CachePolicy::None);
    let ioas = bench.ioas();
    let (_fd, device) = bench.bind(0);
    let (plain, tracked) = (bench.hwpt(device, ioas, 0), bench.hwpt(device, ioas, DIRTY));
    let set = |flags, hwpt_id| iommu_hwpt_set_dirty_tracking { size: 16, flags, hwpt_id, __reserved: 1 };
    bench.fails(Check::SetDirtyFlags, SET_DIRTY_TRACKING, set(2, 99));
    bench.fails(Check::SetDirtyAbsent, SET_DIRTY_TRACKING, set(1, ioas));
    bench.fails(Check::SetDirtyUnable, SET_DIRTY_TRACKING, set(0, plain));
    bench.call(SET_DIRTY_TRACKING, set(1, tracked));
    let good = bitmap(&bench, tracked, 8);
    let cases = [
        (Check::BitmapFlags, iommu_hwpt_get_dirty_bitmap { flags: 2, hwpt_id: 99, ..good }),
        (Check::BitmapFlags, iommu_hwpt_get_dirty_bitmap { __reserved: 1, hwpt_id: 99, ..good }),
        (Check::BitmapAbsent, iommu_hwpt_get_dirty_bitmap { hwpt_id: ioas, length: 0, ..good }),
        (Check::BitmapLength, iommu_hwpt_get_dirty_bitmap { length: 0, iova: 1, ..good }),
        (Check::BitmapWraps, iommu_hwpt_get_dirty_bitmap { iova: u64::MAX, length: 2, ..good }),
        (Check::BitmapAlignment, iommu_hwpt_get_dirty_bitmap { iova: IOVA + 1, page_size: 0, ..good }),
        (Check::BitmapAlignment, iommu_hwpt_get_dirty_bitmap { length: 1, page_size: 0, ..good }),
        (Check::BitmapNoPage, iommu_hwpt_get_dirty_bitmap { page_size: 0, ..good }),
        (Check::BitmapPageAlignment, iommu_hwpt_get_dirty_bitmap { page_size: 0x20_0000, ..good }),
        (Check::BitmapUnable, iommu_hwpt_get_dirty_bitmap { hwpt_id: plain, ..good }),
    ];
    for (check, cmd) in cases {
        bench.fails(check, GET_DIRTY_BITMAP, cmd);
    }
    bench.seen()
}

#[test]
fn dirty_tracking_refuses_in_order() {
    provoke();
}

#[test]
fn written_pages_are_dirty_once() {
    let mut bench = tracking(CachePolicy::None);
    let ioas = bench.ioas();
    let (fd, device) = bench.bind(0);
    let tracked = bench.hwpt(device, ioas, DIRTY);
    bench.attach(fd, tracked);
    bench.map(ioas, PAGE, 12 * PAGE, IOVA);
    let enable = iommu_hwpt_set_dirty_tracking { size: 16, flags: 1, hwpt_id: tracked, __reserved: 0 };
    bench.call(SET_DIRTY_TRACKING, enable);
    let cmd = bitmap(&bench, tracked, 12);
    let read = |bench: &mut Bench, cmd| {
        bench.poke(BITMAP, &[0; 2]);
        bench.call(GET_DIRTY_BITMAP, cmd);
        bench.peek(BITMAP, 2)
    };
    assert_eq!(read(&mut bench, cmd), [0, 0], "enabling starts clean");
    bench.kernel.dma(DeviceId(0), None, Direction::Read, IOVA, 64);
    for page in [1, 9] {
        bench.kernel.dma(DeviceId(0), None, Direction::Write, IOVA + page * PAGE, 64);
    }
    assert_eq!(read(&mut bench, iommu_hwpt_get_dirty_bitmap { flags: 1, ..cmd }), [0b10, 0b10]);
    let half = iommu_hwpt_get_dirty_bitmap { iova: IOVA + 8 * PAGE, length: 4 * PAGE, ..cmd };
    assert_eq!(read(&mut bench, half), [0b10, 0], "bit 0 is the first page that is asked about");
    assert_eq!(read(&mut bench, cmd), [0b10, 0], "that one was cleared, the other one is told now");
    assert_eq!(read(&mut bench, cmd), [0, 0]);
    bench.kernel.dma(DeviceId(0), None, Direction::Write, IOVA + PAGE, 64);
    assert_eq!(read(&mut bench, cmd), [0b10, 0], "written again");
}

#[test]
fn the_walk_ends_at_the_first_hole() {
    let mut bench = tracking(CachePolicy::None);
    let ioas = bench.ioas();
    let (_fd, device) = bench.bind(0);
    let tracked = bench.hwpt(device, ioas, DIRTY);
    // Fresh writable mappings read as dirty.
    bench.map(ioas, 0, 2 * PAGE, IOVA);
    bench.map(ioas, 4 * PAGE, 2 * PAGE, IOVA + 4 * PAGE);
    let cmd = bitmap(&bench, tracked, 8);
    bench.poke(BITMAP, &[0x80]);
    bench.call(GET_DIRTY_BITMAP, cmd);
    assert_eq!(bench.peek(BITMAP, 1), [0x83], "bits are set, and never cleared");
    bench.poke(BITMAP, &[0]);
    bench.call(
        GET_DIRTY_BITMAP,
        iommu_hwpt_get_dirty_bitmap { iova: IOVA + 2 * PAGE, length: 4 * PAGE, ..cmd },
    );
    assert_eq!(bench.peek(BITMAP, 1), [0], "nothing from an unmapped start");
    bench.call(GET_DIRTY_BITMAP, iommu_hwpt_get_dirty_bitmap { data: 8, ..cmd });
}

/// Linux cleans a page and sends no invalidation: the SMMU still knows the page as dirty, and writes on.
#[test]
fn a_kept_translation_loses_the_next_mark() {
    let mut bench = tracking(CachePolicy::Keep);
    let ioas = bench.ioas();
    let (fd, device) = bench.bind(0);
    let tracked = bench.hwpt(device, ioas, DIRTY);
    bench.attach(fd, tracked);
    bench.map(ioas, 0, PAGE, IOVA);
    let cmd = bitmap(&bench, tracked, 1);
    let write_and_read = |bench: &mut Bench| {
        bench.kernel.dma(DeviceId(0), None, Direction::Write, IOVA, 64);
        bench.poke(BITMAP, &[0]);
        bench.call(GET_DIRTY_BITMAP, cmd);
        bench.peek(BITMAP, 1)
    };
    assert_eq!(write_and_read(&mut bench), [1]);
    assert_eq!(write_and_read(&mut bench), [0]);
}
