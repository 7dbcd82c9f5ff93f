//! VIOMMU_ALLOC, VDEVICE_ALLOC, VEVENTQ_ALLOC, HWPT_INVALIDATE and HW_QUEUE_ALLOC.

use std::collections::BTreeSet;

use smmu_sim::iommufd::Check;
use smmu_sim::iommufd::uapi::{
    iommu_hw_queue_alloc, iommu_hwpt_alloc, iommu_hwpt_invalidate, iommu_vdevice_alloc, iommu_veventq_alloc,
    iommu_viommu_alloc,
};

use super::bench::*;
use super::hwpt::NEST_PARENT;

pub(crate) fn provoke() -> BTreeSet<Check> {
    let mut bench = Bench::new();
    let ioas = bench.ioas();
    let (_fd, device) = bench.bind(0);
    let viommu = viommus(&mut bench, ioas, device);
    vdevices(&mut bench, viommu, device);
    queues(&mut bench, viommu);
    invalidate(&mut bench, ioas, device, viommu);
    bench.seen()
}

#[test]
fn virtual_iommus_refuse_in_order() {
    provoke();
}

fn viommus(bench: &mut Bench, ioas: u32, device: u32) -> u32 {
    let parent = bench.hwpt(device, ioas, NEST_PARENT);
    let plain = bench.hwpt(device, ioas, 0);
    let good =
        iommu_viommu_alloc { size: 40, type_: 1, dev_id: device, hwpt_id: parent, ..Default::default() };
    let (_fd, elsewhere) = bench.bind(4);
    let cases = [
        (Check::ViommuFlags, iommu_viommu_alloc { flags: 1, dev_id: 99, ..good }),
        (Check::ViommuFlags, iommu_viommu_alloc { type_: 0, dev_id: 99, ..good }),
        (Check::ViommuDevice, iommu_viommu_alloc { dev_id: 99, type_: 2, ..good }),
        (Check::ViommuUnable, iommu_viommu_alloc { type_: 2, hwpt_id: 99, ..good }),
        (Check::ViommuParentAbsent, iommu_viommu_alloc { hwpt_id: ioas, ..good }),
        (Check::ViommuParent, iommu_viommu_alloc { hwpt_id: plain, ..good }),
        (Check::ViommuDriver, iommu_viommu_alloc { dev_id: elsewhere, ..good }),
    ];
    for (check, cmd) in cases {
        bench.fails(check, VIOMMU_ALLOC, cmd);
    }
    bench.call(VIOMMU_ALLOC, iommu_viommu_alloc { __reserved: 1, ..good }).out_viommu_id
}

fn vdevices(bench: &mut Bench, viommu_id: u32, dev_id: u32) {
    let good = iommu_vdevice_alloc { size: 24, viommu_id, dev_id, virt_id: 0x123, ..Default::default() };
    let (_fd, neighbour) = bench.bind(1);
    let cases = [
        (Check::VdeviceViommu, iommu_vdevice_alloc { viommu_id: dev_id, dev_id: 99, ..good }),
        (Check::VdeviceDevice, iommu_vdevice_alloc { dev_id: viommu_id, ..good }),
        (Check::VdeviceDevice, iommu_vdevice_alloc { dev_id: 0, ..good }),
    ];
    for (check, cmd) in cases {
        bench.fails(check, VDEVICE_ALLOC, cmd);
    }
    let id = bench.call(VDEVICE_ALLOC, good).out_vdevice_id;
    bench.fails(Check::VdeviceTwice, VDEVICE_ALLOC, good);
    bench.fails(Check::VdeviceTaken, VDEVICE_ALLOC, iommu_vdevice_alloc { dev_id: neighbour, ..good });
    bench.destroy(id);
    let again = bench.call(VDEVICE_ALLOC, good).out_vdevice_id;
    assert_eq!(again, id, "the lowest free id");
    bench.adopt(vdevices_of_others());
}

/// A device of another SMMU, and one that has two StreamIDs.
fn vdevices_of_others() -> Bench {
    let mut setup = machine(&[]);
    setup.devices[1].description.streams = vec![0x88, 0x89];
    let mut bench = Bench::on(&setup);
    let ioas = bench.ioas();
    let ((_one, device), (_two, double), (_three, elsewhere)) = (bench.bind(0), bench.bind(1), bench.bind(4));
    let hwpt_id = bench.hwpt(device, ioas, NEST_PARENT);
    let cmd = iommu_viommu_alloc { size: 40, type_: 1, dev_id: device, hwpt_id, ..Default::default() };
    let viommu_id = bench.call(VIOMMU_ALLOC, cmd).out_viommu_id;
    let good =
        iommu_vdevice_alloc { size: 24, viommu_id, dev_id: elsewhere, virt_id: 1, ..Default::default() };
    bench.fails(Check::VdeviceInstance, VDEVICE_ALLOC, good);
    bench.fails(Check::VdeviceDriver, VDEVICE_ALLOC, iommu_vdevice_alloc { dev_id: double, ..good });
    bench
}

fn queues(bench: &mut Bench, viommu_id: u32) {
    let good = iommu_veventq_alloc { size: 32, viommu_id, type_: 1, veventq_depth: 4, ..Default::default() };
    let cases = [
        (Check::VeventqFlags, iommu_veventq_alloc { flags: 1, veventq_depth: 0, ..good }),
        (Check::VeventqFlags, iommu_veventq_alloc { __reserved: 1, veventq_depth: 0, ..good }),
        (Check::VeventqFlags, iommu_veventq_alloc { type_: 0, veventq_depth: 0, ..good }),
        (Check::VeventqDepth, iommu_veventq_alloc { veventq_depth: 0, viommu_id: 99, ..good }),
        (Check::VeventqDepth, iommu_veventq_alloc { veventq_depth: (1 << 19) + 1, viommu_id: 99, ..good }),
        (Check::VeventqViommu, iommu_veventq_alloc { viommu_id: 99, ..good }),
    ];
    for (check, cmd) in cases {
        bench.fails(check, VEVENTQ_ALLOC, cmd);
    }
    let reply = bench.call(VEVENTQ_ALLOC, good);
    bench.fails(Check::VeventqTwice, VEVENTQ_ALLOC, good);
    // No type is too odd.
    bench.call(VEVENTQ_ALLOC, iommu_veventq_alloc { type_: 77, ..good });
    let fd = i32::try_from(reply.out_veventq_fd).expect("it is a descriptor");
    let pid = bench.client.pid;
    let position = bench.kernel.read(pid, fd, bench.buffer, 8, 1);
    bench.failed(Check::VeventPosition, position);
    let short = bench.kernel.read(pid, fd, bench.buffer, 7, 0);
    bench.failed(Check::VeventCount, short);
    assert_eq!(bench.kernel.read(pid, fd, bench.buffer, 8, 0), Ok(0));
    let written = bench.kernel.write(pid, fd, bench.buffer, 8);
    bench.failed(Check::NotForThisRead, written);
    bench.kernel.host.processes[pid.0].descriptor_limit = 8;
    let others = |type_| iommu_veventq_alloc { type_, ..good };
    let mut type_ = 100;
    let exhausted = loop {
        let (_, result) = bench.try_call(VEVENTQ_ALLOC, others(type_));
        if result.is_err() {
            break result;
        }
        type_ += 1;
    };
    bench.failed(Check::DescriptorsExhausted, exhausted);
    let queue = iommu_hw_queue_alloc { size: 40, viommu_id, type_: 1, length: 1, ..Default::default() };
    bench.fails(Check::HwQueueUnable, HW_QUEUE_ALLOC, queue);
}

fn invalidate(bench: &mut Bench, ioas: u32, device: u32, viommu: u32) {
    let good = iommu_hwpt_invalidate {
        size: 32,
        hwpt_id: viommu,
        data_uptr: bench.buffer,
        data_type: 1,
        entry_len: 16,
        entry_num: 1,
        __reserved: 0,
    };
    bench.poke(0x1000, &0x0b_u64.to_le_bytes());
    let nested = iommu_hwpt_alloc {
        size: 48,
        dev_id: device,
        pt_id: viommu,
        data_type: 2,
        data_len: 16,
        data_uptr: bench.buffer + 0x1000,
        ..Default::default()
    };
    let nested = bench.call(HWPT_ALLOC, nested).out_hwpt_id;
    let cases = [
        (Check::InvalidateReserved, iommu_hwpt_invalidate { __reserved: 1, entry_len: 0, ..good }),
        (Check::InvalidateArray, iommu_hwpt_invalidate { entry_len: 0, hwpt_id: 99, ..good }),
        (Check::InvalidateArray, iommu_hwpt_invalidate { entry_len: 4097, hwpt_id: 99, ..good }),
        (Check::InvalidateArray, iommu_hwpt_invalidate { data_uptr: 0, hwpt_id: 99, ..good }),
        (Check::InvalidateArray, iommu_hwpt_invalidate { entry_num: (1 << 19) + 1, hwpt_id: 99, ..good }),
        (Check::InvalidateAbsent, iommu_hwpt_invalidate { hwpt_id: 99, data_type: 9, ..good }),
        (Check::InvalidateUnable, iommu_hwpt_invalidate { hwpt_id: nested, data_type: 9, ..good }),
        (Check::InvalidateType, iommu_hwpt_invalidate { hwpt_id: ioas, data_type: 9, ..good }),
        (Check::InvalidateDataType, iommu_hwpt_invalidate { data_type: 0, entry_num: 0, ..good }),
        (Check::InvalidateEmpty, iommu_hwpt_invalidate { entry_num: 0, entry_len: 0, data_uptr: 0, ..good }),
        (Check::InvalidateUnreadable, iommu_hwpt_invalidate { data_uptr: 8, ..good }),
    ];
    for (check, cmd) in cases {
        let (reply, result) = bench.try_call(HWPT_INVALIDATE, cmd);
        bench.failed(check, result);
        assert_eq!(reply, iommu_hwpt_invalidate { entry_num: 0, ..cmd }, "{check:?}");
    }
    let many = iommu_hwpt_invalidate { entry_num: (1 << 18) + 1, data_type: 0, ..good };
    let (reply, result) = bench.try_call(HWPT_INVALIDATE, many);
    bench.failed(Check::InvalidateMemory, result);
    assert_eq!(reply.entry_num, many.entry_num, "here the count stays");
    commands(bench, good);
}

fn commands(bench: &mut Bench, good: iommu_hwpt_invalidate) {
    let words = |words: &[u64]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    // TLBI_NH_ALL in 8 bytes; then in 24, with a tail.
    bench.poke(0, &words(&[0x10, 0, 1]));
    assert_eq!(bench.call(HWPT_INVALIDATE, iommu_hwpt_invalidate { entry_len: 8, ..good }).entry_num, 1);
    let (reply, result) = bench.try_call(HWPT_INVALIDATE, iommu_hwpt_invalidate { entry_len: 24, ..good });
    bench.failed(Check::InvalidateTail, result);
    assert_eq!(reply.entry_num, 0);
    // The third one is CMD_SYNC, which a guest's queue keeps for itself.
    bench.poke(0, &words(&[0x10, 0, 0x30, 0, 0x46, 0, 0x10, 0]));
    let (reply, result) = bench.try_call(HWPT_INVALIDATE, iommu_hwpt_invalidate { entry_num: 4, ..good });
    bench.failed(Check::InvalidateCommand, result);
    assert_eq!(reply.entry_num, 2);
}
