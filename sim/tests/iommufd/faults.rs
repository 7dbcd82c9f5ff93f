//! Events and page faults: where an access that fails arrives.

use std::collections::BTreeSet;

use smmu_sim::iommufd::Check;
use smmu_sim::iommufd::uapi::{
    Layout, iommu_fault_alloc, iommu_hwpt_alloc, iommu_hwpt_pgfault, iommu_vdevice_alloc,
    iommu_veventq_alloc, iommu_viommu_alloc, vfio_device_attach_iommufd_pt,
};
use smmu_sim::kernel::Direction;
use smmu_sim::kernel::device::DeviceId;

use super::bench::*;
use super::hwpt::{FAULT, NEST_PARENT};

fn fault_queue(bench: &mut Bench) -> (u32, i32) {
    let reply = bench.call(FAULT_QUEUE_ALLOC, iommu_fault_alloc { size: 16, ..Default::default() });
    (reply.out_fault_id, i32::try_from(reply.out_fault_fd).expect("it is a descriptor"))
}

pub(crate) fn provoke() -> BTreeSet<Check> {
    let mut bench = Bench::new();
    let pid = bench.client.pid;
    bench.fails(
        Check::FaultFlags,
        FAULT_QUEUE_ALLOC,
        iommu_fault_alloc { size: 16, flags: 1, ..Default::default() },
    );
    let (_, fd) = fault_queue(&mut bench);
    let result = bench.kernel.read(pid, fd, bench.buffer, 39, 0);
    bench.failed(Check::FaultReadSize, result);
    let result = bench.kernel.read(pid, fd, bench.buffer, 40, 40);
    bench.failed(Check::FaultReadSize, result);
    assert_eq!(bench.kernel.read(pid, fd, bench.buffer, 40, 0), Ok(0), "an empty queue does not block");
    let respond = |bench: &mut Bench, bytes: &[u8], check| {
        let result = bench.client.write(&mut bench.kernel, fd, bytes);
        bench.failed(check, result);
    };
    respond(&mut bench, &[0; 7], Check::ResponseSize);
    respond(&mut bench, &[1, 0, 0, 0, 2, 0, 0, 0], Check::ResponseCode);
    respond(&mut bench, &[1, 0, 0, 0, 0, 0, 0, 0], Check::ResponseCookie);
    let result = bench.kernel.write(pid, fd, 8, 8);
    bench.failed(Check::ResponseUnreadable, result);
    events(&mut bench);
    bench.adopt(virtual_function());
    bench.seen()
}

#[test]
fn queues_refuse_in_order() {
    provoke();
}

/// An HWPT whose page faults go to a queue.
fn faulting_hwpt(bench: &mut Bench, device: u32, ioas: u32, fault_id: u32) -> u32 {
    let cmd = iommu_hwpt_alloc {
        size: 48,
        flags: FAULT,
        dev_id: device,
        pt_id: ioas,
        fault_id,
        ..Default::default()
    };
    bench.call(HWPT_ALLOC, cmd).out_hwpt_id
}

fn virtual_function() -> Bench {
    let mut setup = machine(&[]);
    setup.devices[0].is_vf_with_pri = true;
    let mut bench = Bench::on(&setup);
    let ioas = bench.ioas();
    let (fd, device) = bench.bind(0);
    let (fault_id, _) = fault_queue(&mut bench);
    let hwpt = faulting_hwpt(&mut bench, device, ioas, fault_id);
    let attach = vfio_device_attach_iommufd_pt { argsz: 16, pt_id: hwpt, ..Default::default() };
    bench.fails_on(fd, Check::AttachVirtualFunction, VFIO_ATTACH, attach);
    bench
}

/// An event of a guest's stage 1 reaches the queue of its virtual SMMU; room for it is checked when it is read.
fn events(bench: &mut Bench) {
    let pid = bench.client.pid;
    let ioas = bench.ioas();
    let (fd, device) = bench.bind(0);
    bench.map(ioas, 0, 0x40_0000, 0x4000_0000);
    let hwpt_id = bench.hwpt(device, ioas, NEST_PARENT);
    let cmd = iommu_viommu_alloc { size: 40, type_: 1, dev_id: device, hwpt_id, ..Default::default() };
    let viommu_id = bench.call(VIOMMU_ALLOC, cmd).out_viommu_id;
    let cmd =
        iommu_vdevice_alloc { size: 24, viommu_id, dev_id: device, virt_id: 0x123, ..Default::default() };
    let vdevice = bench.call(VDEVICE_ALLOC, cmd).out_vdevice_id;
    let cmd = iommu_veventq_alloc { size: 32, viommu_id, type_: 1, veventq_depth: 4, ..Default::default() };
    let queue = i32::try_from(bench.call(VEVENTQ_ALLOC, cmd).out_veventq_fd).expect("it is a descriptor");
    // The guest's CD table is zeros: C_BAD_CD.
    bench.poke(0x30_0000, &[0x4010_000b_u64.to_le_bytes(), [0; 8]].concat());
    let data_uptr = bench.buffer + 0x30_0000;
    let nested = iommu_hwpt_alloc {
        size: 48,
        dev_id: device,
        pt_id: viommu_id,
        data_type: 2,
        data_len: 16,
        data_uptr,
        ..Default::default()
    };
    let nested = bench.call(HWPT_ALLOC, nested).out_hwpt_id;
    bench.attach(fd, nested);
    bench.kernel.dma(DeviceId(0), None, Direction::Read, 0x1000, 4);
    assert_eq!(bench.kernel.is_readable(pid, queue), Ok(true));
    let small = bench.kernel.read(pid, queue, bench.buffer, 39, 0);
    bench.failed(Check::VeventRoom, small);
    let bad = bench.kernel.read(pid, queue, 8, 40, 0);
    bench.failed(Check::VeventUnwritable, bad);
    let event = bench.client.read(&mut bench.kernel, queue, 64).expect("it fits");
    assert_eq!(event.len(), 40);
    assert_eq!(
        (event[8], &event[12..16]),
        (0x0a, &0x123_u32.to_le_bytes()[..]),
        "C_BAD_CD, of the guest's stream"
    );
    assert_eq!(bench.kernel.is_readable(pid, queue), Ok(false));
    // Without a vDEVICE, stage 1 cannot be attached.
    bench.detach(fd);
    bench.destroy(vdevice);
    let attach = vfio_device_attach_iommufd_pt { argsz: 16, pt_id: nested, ..Default::default() };
    bench.fails_on(fd, Check::AttachCore, VFIO_ATTACH, attach);
}

/// The machine on which accesses can stall, with device 0 attached to an HWPT that has a fault queue.
fn stalling() -> (Bench, u32, i32) {
    let mut bench = Bench::on(&machine(&[("IDR0.STALL_MODEL", 0), ("IDR5.STALL_MAX", 16)]));
    let ioas = bench.ioas();
    let (fd, device) = bench.bind(0);
    let (fault_id, queue) = fault_queue(&mut bench);
    let hwpt = faulting_hwpt(&mut bench, device, ioas, fault_id);
    bench.attach(fd, hwpt);
    (bench, ioas, queue)
}

#[test]
fn a_stalled_access_goes_on_when_it_is_answered() {
    let (mut bench, ioas, queue) = stalling();
    bench.poke(0x10, b"here it is");
    bench.kernel.dma(DeviceId(0), None, Direction::Read, 0x10_0010, 10);
    assert_eq!(bench.kernel.stalled(), 1);
    let record = bench.client.read(&mut bench.kernel, queue, 40).expect("it is there");
    let record = iommu_hwpt_pgfault::decode(&record);
    assert_eq!((record.perm, record.addr, record.cookie), (1, 0x10_0010, 1));
    bench.map(ioas, 0, PAGE, 0x10_0000);
    assert_eq!(bench.client.write(&mut bench.kernel, queue, &[1, 0, 0, 0, 0, 0, 0, 0]), Ok(8));
    assert_eq!(bench.kernel.stalled(), 0);
    assert_eq!(&bench.kernel.host.devices[0].buffer[..10], b"here it is");
    // The answer that nothing is there.
    bench.kernel.dma(DeviceId(0), None, Direction::Read, 0x20_0000, 10);
    bench.client.read(&mut bench.kernel, queue, 40).expect("it is there");
    assert_eq!(bench.client.write(&mut bench.kernel, queue, &[1, 0, 0, 0, 1, 0, 0, 0]), Ok(8));
    assert_eq!((bench.kernel.stalled(), &bench.kernel.host.devices[0].buffer[..10]), (0, &[0; 10][..]));
}

#[test]
fn nobody_waits_for_ever() {
    let (mut bench, _, _) = stalling();
    bench.kernel.dma(DeviceId(0), None, Direction::Write, 0x10_0000, 10);
    assert_eq!(bench.kernel.stalled(), 1);
    bench.kernel.exit(bench.client.pid);
    assert_eq!(bench.kernel.stalled(), 0, "the end of the attachment answers");
    // A device without a fault queue is answered at once.
    bench.kernel.dma(DeviceId(1), None, Direction::Write, 0x10_0000, 10);
    assert_eq!(bench.kernel.stalled(), 0);
}

#[test]
fn a_fault_of_a_page_table_of_the_kernel_is_only_logged() {
    let mut bench = Bench::new();
    let ioas = bench.ioas();
    let (fd, _) = bench.bind(0);
    bench.attach(fd, ioas);
    bench.kernel.dma(DeviceId(0), None, Direction::Write, 0x10_0000, 4);
    let events: Vec<_> =
        bench.kernel.logged_events().iter().map(|[id, _, address, _]| (*id, *address)).collect();
    assert_eq!(events, [(0x80_0000_0010, 0x10_0000)], "F_TRANSLATION of stream 0x80");
    // An abort STE records nothing.
    bench.detach(fd);
    bench.kernel.dma(DeviceId(0), None, Direction::Write, 0x10_0000, 4);
    assert_eq!(bench.kernel.logged_events().len(), 1);
}
