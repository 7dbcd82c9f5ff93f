//! VFIO type 1 on an iommufd.

use std::collections::BTreeSet;

use smmu_sim::errno::Errno;
use smmu_sim::iommufd::Check;
use smmu_sim::iommufd::uapi::{
    Layout, iommu_vfio_ioas, vfio_iommu_type1_dma_map, vfio_iommu_type1_dma_unmap, vfio_iommu_type1_info,
};

use super::bench::*;

const CHECK_EXTENSION: u32 = 0x3b65;
const SET_IOMMU: u32 = 0x3b66;
const GET_INFO: u32 = 0x3b70;
const MAP_DMA: u32 = 0x3b71;
const UNMAP_DMA: u32 = 0x3b72;

const IOVA: u64 = 0x10_0000;

fn plain(bench: &mut Bench, number: u32, argument: u64) -> Result<i32, Errno> {
    bench.kernel.ioctl(bench.client.pid, bench.iommu, number, argument)
}

fn unmap_cmd(iova: u64, size: u64) -> vfio_iommu_type1_dma_unmap {
    vfio_iommu_type1_dma_unmap { argsz: 24, flags: 0, iova, size }
}

pub(crate) fn provoke() -> BTreeSet<Check> {
    let mut bench = Bench::new();
    assert_eq!(plain(&mut bench, 0x3b64, 0), Ok(0));
    for (extension, answer) in [(1, 1), (2, 0), (3, 1), (8, 0), (9, 1), (1 << 40, 0)] {
        assert_eq!(plain(&mut bench, CHECK_EXTENSION, extension), Ok(answer), "{extension}");
    }
    for (number, argument, check) in [
        (CHECK_EXTENSION, 4, Check::CompatUnset),
        (SET_IOMMU, 2, Check::CompatType),
        (SET_IOMMU, 1, Check::CompatUnset),
        (0x3b75, 0, Check::CompatDirty),
        (MAP_DMA, 8, Check::CompatUnreadable),
    ] {
        let result = plain(&mut bench, number, argument);
        bench.failed(check, result);
    }
    let ioas = bench.ioas();
    info(&mut bench, ioas);
    mapping(&mut bench);
    splitting(&mut bench, ioas);
    bench.seen()
}

#[test]
fn type_1_refuses_in_order() {
    provoke();
}

fn set_compat(bench: &mut Bench, ioas_id: u32) {
    bench.call(VFIO_IOAS, iommu_vfio_ioas { size: 12, ioas_id, op: 1, __reserved: 0 });
}

fn info(bench: &mut Bench, ioas: u32) {
    let cmd = |argsz| vfio_iommu_type1_info { argsz, ..Default::default() };
    bench.fails(Check::CompatInfoSize, GET_INFO, cmd(15));
    bench.fails(Check::CompatUnset, GET_INFO, cmd(24));
    set_compat(bench, ioas);
    let reply = bench.call(GET_INFO, cmd(24));
    let sizes = !(PAGE - 1);
    assert_eq!((reply.argsz, reply.flags, reply.iova_pgsizes, reply.cap_offset), (72, 3, sizes, 0));
    let mut bytes = [cmd(72).encode(), vec![0; 48]].concat();
    let result = bench.client.ioctl(&mut bench.kernel, bench.iommu, GET_INFO, &mut bytes);
    assert_eq!(result, Ok(0));
    assert_eq!(bytes[16], 24, "the chain starts behind the structure");
    let chain = [
        [3, 0, 1, 0, 40, 0, 0, 0],
        [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
        [1, 0, 1, 0, 0, 0, 0, 0],
        [1, 0, 0, 0, 0, 0, 0, 0],
        [0; 8],
        [0xff; 8],
    ];
    assert_eq!(bytes[24..], chain.concat());
    bench.call(VFIO_IOAS, iommu_vfio_ioas { size: 12, op: 2, ..Default::default() });
}

fn mapping(bench: &mut Bench) {
    let map = vfio_iommu_type1_dma_map { argsz: 32, flags: 3, vaddr: bench.buffer, iova: IOVA, size: PAGE };
    bench.fails(Check::CompatMap, MAP_DMA, vfio_iommu_type1_dma_map { argsz: 31, ..map });
    bench.fails(Check::CompatMap, MAP_DMA, vfio_iommu_type1_dma_map { flags: 4, ..map });
    bench.fails(Check::CompatUnset, MAP_DMA, map);
    let unmap = unmap_cmd(IOVA, PAGE);
    bench.fails(Check::CompatUnmap, UNMAP_DMA, vfio_iommu_type1_dma_unmap { argsz: 23, ..unmap });
    bench.fails(Check::CompatUnmap, UNMAP_DMA, vfio_iommu_type1_dma_unmap { flags: 1, ..unmap });
    bench.fails(Check::CompatUnset, UNMAP_DMA, unmap);
    let ioas = bench.ioas();
    set_compat(bench, ioas);
    assert_eq!(plain(bench, CHECK_EXTENSION, 4), Ok(1), "no HWPT: none that does not enforce");
    bench.fails(Check::CompatUnmapAll, UNMAP_DMA, vfio_iommu_type1_dma_unmap { flags: 2, ..unmap });
    bench.call(MAP_DMA, map);
    bench.fails(Check::MapIovaTaken, MAP_DMA, map);
    assert_eq!(bench.call(UNMAP_DMA, unmap).size, PAGE);
    assert_eq!(bench.call(UNMAP_DMA, unmap).size, 0, "nothing to unmap is no error");
    bench.call(MAP_DMA, map);
    // The size tells of an attempt that failed too.
    let (reply, result) = bench.try_call(UNMAP_DMA, unmap_cmd(IOVA, PAGE / 2));
    bench.failed(Check::UnmapPartial, result);
    assert_eq!(reply.size, 0);
    unwritable(bench);
    bench.call(MAP_DMA, vfio_iommu_type1_dma_map { flags: 0, ..map });
    let all = vfio_iommu_type1_dma_unmap { flags: 2, ..unmap_cmd(0, 0) };
    assert_eq!(bench.call(UNMAP_DMA, all).size, PAGE);
}

/// The mapping goes although the answer cannot be given.
fn unwritable(bench: &mut Bench) {
    let pid = bench.client.pid;
    let file = bench.kernel.memory_file(pid, PAGE).expect("there is memory");
    let writable = bench.kernel.map_memory_file(pid, file, true).expect("there is memory");
    let read_only = bench.kernel.map_memory_file(pid, file, false).expect("there is memory");
    bench.kernel.poke(pid, writable, &unmap_cmd(IOVA, PAGE).encode()).expect("it is writable");
    let result = plain(bench, UNMAP_DMA, read_only);
    bench.failed(Check::CompatUnwritable, result);
}

fn splitting(bench: &mut Bench, before: u32) {
    let pid = bench.client.pid;
    let ioas = bench.ioas();
    set_compat(bench, ioas);
    assert_eq!(plain(bench, SET_IOMMU, 3), Ok(0));
    assert_eq!(plain(bench, SET_IOMMU, 1), Ok(0));
    let (fd, _) = bench.bind(0);
    bench.attach(fd, ioas);
    bench.map(ioas, 0, 8 * PAGE, IOVA);
    let nothing = vfio_iommu_type1_dma_map { argsz: 32, flags: 0, vaddr: bench.buffer, iova: 0, size: PAGE };
    bench.fails(Check::DriverMap, MAP_DMA, nothing);
    bench.fails(Check::SplitAlignment, UNMAP_DMA, unmap_cmd(IOVA + 1, PAGE));
    assert_eq!(bench.call(UNMAP_DMA, unmap_cmd(IOVA + 2 * PAGE, 3 * PAGE)).size, 3 * PAGE);
    assert_eq!(bench.call(UNMAP_DMA, unmap_cmd(IOVA, 8 * PAGE)).size, 5 * PAGE);
    let pinned = bench.kernel.host.processes[pid.0].mm.as_ref().expect("it runs").pinned_pages;
    assert_eq!(pinned, 0);
    bench.kernel.close(pid, fd).expect("it is open");
    set_compat(bench, before);
}
