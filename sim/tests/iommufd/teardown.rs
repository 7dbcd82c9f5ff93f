//! What is left when descriptors are closed in any order: nothing.

use smmu_sim::iommufd::uapi::{
    iommu_destroy, iommu_fault_alloc, iommu_hwpt_alloc, iommu_vdevice_alloc, iommu_veventq_alloc,
    iommu_viommu_alloc,
};
use smmu_sim::iommufd::{Check, ObjectId};

use super::bench::*;
use super::hwpt::{FAULT, NEST_PARENT};

/// A vIOMMU with all that it can have, attached. Returns all descriptors but that of the process's own memory.
fn full() -> (Bench, Vec<i32>) {
    let mut bench = Bench::new();
    let ioas = bench.ioas();
    let (fd, device) = bench.bind(0);
    bench.map(ioas, 0, 0x40_0000, 0x4000_0000);
    let hwpt_id = bench.hwpt(device, ioas, NEST_PARENT);
    let cmd = iommu_viommu_alloc { size: 40, type_: 1, dev_id: device, hwpt_id, ..Default::default() };
    let viommu_id = bench.call(VIOMMU_ALLOC, cmd).out_viommu_id;
    let cmd = iommu_vdevice_alloc { size: 24, viommu_id, dev_id: device, virt_id: 1, ..Default::default() };
    bench.call(VDEVICE_ALLOC, cmd);
    let cmd = iommu_veventq_alloc { size: 32, viommu_id, type_: 1, veventq_depth: 4, ..Default::default() };
    let events = bench.call(VEVENTQ_ALLOC, cmd).out_veventq_fd;
    let faults = bench.call(FAULT_QUEUE_ALLOC, iommu_fault_alloc { size: 16, ..Default::default() });
    bench.poke(0, &[0x4010_000b_u64.to_le_bytes(), [0; 8]].concat());
    let nested = iommu_hwpt_alloc {
        size: 48,
        flags: FAULT,
        dev_id: device,
        pt_id: viommu_id,
        data_type: 2,
        data_len: 16,
        data_uptr: bench.buffer,
        fault_id: faults.out_fault_id,
        ..Default::default()
    };
    let nested = bench.call(HWPT_ALLOC, nested).out_hwpt_id;
    bench.attach(fd, nested);
    let (other, _) = bench.bind(1);
    bench.attach(other, ioas);
    let queues = [events, faults.out_fault_fd].map(|fd| i32::try_from(fd).expect("it is a descriptor"));
    let descriptors = vec![bench.iommu, fd, other, queues[0], queues[1]];
    (bench, descriptors)
}

#[test]
fn descriptors_can_be_closed_in_any_order() {
    let taken = |bench: &Bench| bench.kernel.host.hardware.taken_bytes();
    let idle = taken(&Bench::new());
    for rotation in 0..5 {
        for reversed in [false, true] {
            let (mut bench, mut descriptors) = full();
            descriptors.rotate_left(rotation);
            if reversed {
                descriptors.reverse();
            }
            for fd in &descriptors {
                bench.kernel.close(bench.client.pid, *fd).expect("it is open");
            }
            assert_eq!(bench.kernel.contexts().count(), 0, "{descriptors:?}");
            assert_eq!(bench.kernel.host.files.count(), 0);
            let mm = bench.kernel.host.processes[bench.client.pid.0].mm.as_ref().expect("it runs");
            assert_eq!(mm.pinned_pages, 0);
            assert!(bench.kernel.host.groups.values().all(|group| group.owner.is_none()));
            // A device that had a CD table keeps it.
            assert_eq!(taken(&bench), idle, "{descriptors:?}");
        }
    }
}

#[test]
fn a_process_that_exits_leaves_nothing() {
    let (mut bench, _) = full();
    let used = bench.kernel.host.backings.count();
    assert!(used > 0);
    bench.kernel.exit(bench.client.pid);
    assert_eq!(bench.kernel.contexts().count(), 0);
    assert_eq!(bench.kernel.host.backings.count(), 0);
}

#[test]
fn an_unbound_device_leaves_a_tombstone_of_its_vdevice() {
    let mut bench = Bench::new();
    let ioas = bench.ioas();
    let ((fd, device), (_other, second)) = (bench.bind(0), bench.bind(1));
    let hwpt_id = bench.hwpt(device, ioas, NEST_PARENT);
    let cmd = iommu_viommu_alloc { size: 40, type_: 1, dev_id: device, hwpt_id, ..Default::default() };
    let viommu_id = bench.call(VIOMMU_ALLOC, cmd).out_viommu_id;
    let cmd = iommu_vdevice_alloc { size: 24, viommu_id, dev_id: device, virt_id: 1, ..Default::default() };
    let vdevice = bench.call(VDEVICE_ALLOC, cmd).out_vdevice_id;
    bench.kernel.close(bench.client.pid, fd).expect("it is open");
    assert_eq!(bench.users(device), None);
    bench.fails(Check::DestroyAbsent, DESTROY, iommu_destroy { size: 8, id: vdevice });
    let cmd = iommu_vdevice_alloc { dev_id: second, ..cmd };
    let next = bench.call(VDEVICE_ALLOC, cmd).out_vdevice_id;
    assert_eq!(next, device, "the id of the device is free, that of its vDEVICE is not");
    let after = bench.ioas();
    assert!(after > vdevice && bench.objects().get(ObjectId(vdevice)).is_none());
}
