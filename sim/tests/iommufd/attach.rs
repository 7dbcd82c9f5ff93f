//! The VFIO device: bind, attach, replace and detach; groups and PASIDs.

use std::collections::BTreeSet;

use smmu_sim::iommufd::Check;
use smmu_sim::iommufd::uapi::{
    vfio_device_attach_iommufd_pt, vfio_device_bind_iommufd, vfio_device_detach_iommufd_pt,
};
use smmu_sim::kernel::Direction;
use smmu_sim::kernel::device::{BusDriver, DeviceId, ReservedKind, ReservedRegion};

use super::bench::*;
use super::hwpt::PASID;

pub(crate) fn provoke() -> BTreeSet<Check> {
    let mut bench = Bench::new();
    bind(&mut bench);
    attach(&mut bench);
    bench.adopt(devices_that_cannot_be_bound());
    bench.adopt(groups());
    bench.adopt(pasids());
    bench.seen()
}

#[test]
fn devices_refuse_in_order() {
    provoke();
}

fn bind(bench: &mut Bench) {
    let pid = bench.client.pid;
    let fd = bench.open_device(0);
    let good = vfio_device_bind_iommufd { argsz: 24, iommufd: bench.iommu, ..Default::default() };
    let attach = vfio_device_attach_iommufd_pt { argsz: 16, ..Default::default() };
    bench.fails_on(fd, Check::VfioUnbound, VFIO_ATTACH, attach);
    bench.fails_on(fd, Check::VfioUnbound, 0x3b64, attach);
    let null = bench.kernel.open(pid, "/dev/null").expect("it opens");
    let unreadable = bench.kernel.ioctl(pid, fd, VFIO_BIND, 8);
    bench.failed(Check::VfioBindUnreadable, unreadable);
    let token_uuid_ptr = bench.buffer;
    let cases = [
        (Check::VfioBindSize, vfio_device_bind_iommufd { argsz: 15, flags: 2, ..good }),
        (Check::VfioBindFlags, vfio_device_bind_iommufd { flags: 2, iommufd: 99, ..good }),
        (Check::VfioBindFlags, vfio_device_bind_iommufd { iommufd: -1, ..good }),
        (Check::VfioBindTokenUnreadable, vfio_device_bind_iommufd { flags: 1, iommufd: 99, ..good }),
        (Check::VfioBindToken, vfio_device_bind_iommufd { flags: 1, iommufd: 99, token_uuid_ptr, ..good }),
        (Check::VfioBindDescriptor, vfio_device_bind_iommufd { iommufd: 99, ..good }),
        (Check::VfioBindFile, vfio_device_bind_iommufd { iommufd: null, ..good }),
    ];
    for (check, cmd) in cases {
        bench.fails_on(fd, check, VFIO_BIND, cmd);
    }
    let mut long = [28_u32, 0, u32::try_from(bench.iommu).expect("it is open"), 0, 0, 0, 1]
        .map(u32::to_le_bytes)
        .concat();
    let result = bench.client.ioctl(&mut bench.kernel, fd, VFIO_BIND, &mut long);
    bench.failed(Check::VfioBindTail, result);
    assert_eq!(bench.call_on(fd, VFIO_BIND, vfio_device_bind_iommufd { argsz: 16, ..good }).out_devid, 1);
    bench.fails_on(fd, Check::VfioBindTwice, VFIO_BIND, good);
    let again = bench.open_device(0);
    bench.fails_on(again, Check::VfioBindOpen, VFIO_BIND, good);
    bench.fails_on(fd, Check::VfioUnknown, 0x3b64, attach);
    unwritable(bench, again);
    bench.kernel.close(pid, fd).expect("it is open");
    bench.call_on(again, VFIO_BIND, good);
    bench.kernel.close(pid, again).expect("it is open");
}

/// Structures that can be read and not written.
fn unwritable(bench: &mut Bench, _fd: i32) {
    let pid = bench.client.pid;
    let file = bench.kernel.memory_file(pid, PAGE).expect("there is memory");
    let writable = bench.kernel.map_memory_file(pid, file, true).expect("there is memory");
    let read_only = bench.kernel.map_memory_file(pid, file, false).expect("there is memory");
    let put = |bench: &mut Bench, words: &[u32]| {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bench.kernel.poke(pid, writable, &bytes).expect("it is writable");
    };
    let fd = bench.open_device(1);
    let iommu = u32::try_from(bench.iommu).expect("it is open");
    put(bench, &[24, 0, iommu, 0, 0, 0]);
    let result = bench.kernel.ioctl(pid, fd, VFIO_BIND, read_only);
    bench.failed(Check::VfioBindUnwritable, result);
    let good = vfio_device_bind_iommufd { argsz: 24, iommufd: bench.iommu, ..Default::default() };
    let device = bench.call_on(fd, VFIO_BIND, good).out_devid;
    let ioas = bench.ioas();
    put(bench, &[16, 0, ioas, 0]);
    let result = bench.kernel.ioctl(pid, fd, VFIO_ATTACH, read_only);
    bench.failed(Check::VfioAttachUnwritable, result);
    assert_eq!(bench.users(device), Some(2), "it is detached again");
    bench.destroy(ioas);
    bench.kernel.close(pid, fd).expect("it is open");
}

fn attach(bench: &mut Bench) {
    let pid = bench.client.pid;
    let (fd, device) = bench.bind(0);
    let ioas = bench.ioas();
    for (number, check) in
        [(VFIO_ATTACH, Check::VfioAttachUnreadable), (VFIO_DETACH, Check::VfioDetachUnreadable)]
    {
        let result = bench.kernel.ioctl(pid, fd, number, 8);
        bench.failed(check, result);
    }
    let good = vfio_device_attach_iommufd_pt { argsz: 16, flags: 0, pt_id: ioas, pasid: 0 };
    let cases = [
        (Check::VfioAttachSize, vfio_device_attach_iommufd_pt { argsz: 11, flags: 2, ..good }),
        (Check::VfioAttachFlags, vfio_device_attach_iommufd_pt { flags: 2, pt_id: 99, ..good }),
        (Check::VfioAttachPasidSize, vfio_device_attach_iommufd_pt { argsz: 15, flags: 1, ..good }),
        (
            Check::VfioAttachPasidRange,
            vfio_device_attach_iommufd_pt { flags: 1, pt_id: 99, pasid: 1 << 31, ..good },
        ),
        (Check::AttachAbsent, vfio_device_attach_iommufd_pt { pt_id: 99, ..good }),
        (Check::AttachType, vfio_device_attach_iommufd_pt { pt_id: device, ..good }),
        (Check::AttachPasid, vfio_device_attach_iommufd_pt { flags: 1, pasid: 1, ..good }),
    ];
    for (check, cmd) in cases {
        bench.fails_on(fd, check, VFIO_ATTACH, cmd);
    }
    let cases = [
        (Check::VfioDetachSize, vfio_device_detach_iommufd_pt { argsz: 7, flags: 2, pasid: 0 }),
        (Check::VfioDetachFlags, vfio_device_detach_iommufd_pt { argsz: 12, flags: 2, pasid: 0 }),
        (Check::VfioDetachPasidSize, vfio_device_detach_iommufd_pt { argsz: 11, flags: 1, pasid: 0 }),
    ];
    for (check, cmd) in cases {
        bench.fails_on(fd, check, VFIO_DETACH, cmd);
    }
    let hwpt = bench.attach(fd, ioas);
    assert_eq!(bench.attach(fd, ioas), hwpt, "the same again changes nothing");
    // Attached without the flag: with it, the same place is taken.
    let as_pasid = vfio_device_attach_iommufd_pt { flags: 1, pt_id: hwpt, ..good };
    bench.fails_on(fd, Check::AttachTwice, VFIO_ATTACH, as_pasid);
    bench.call_on(fd, VFIO_DETACH, vfio_device_detach_iommufd_pt { argsz: 12, flags: 1, pasid: 0 });
    assert_eq!(bench.users(hwpt), Some(2), "and nothing is detached");
    bench.detach(fd);
    assert_eq!(bench.users(hwpt), None, "an automatic HWPT goes with its last device");
    bench.map(ioas, 0, PAGE, 0x0800_0000);
    bench.fails_on(fd, Check::AttachReserved, VFIO_ATTACH, good);
    assert_eq!(bench.users(ioas), Some(1));
    bench.kernel.close(pid, fd).expect("it is open");
    bench.destroy(ioas);
}

fn devices_that_cannot_be_bound() -> Bench {
    let mut setup = machine(&[]);
    let region = |kind| ReservedRegion { kind, start: 0x1000, last: 0x1fff };
    setup.devices[0].msi_isolated = false;
    setup.devices[1].reserved = vec![region(ReservedKind::Direct)];
    setup.devices[2].driver = BusDriver::Native;
    setup.devices[4].reserved = vec![region(ReservedKind::Msi), region(ReservedKind::DirectRelaxable)];
    let mut bench = Bench::on(&setup);
    let good = vfio_device_bind_iommufd { argsz: 24, iommufd: bench.iommu, ..Default::default() };
    for (number, check) in [(0, Check::BindMsi), (1, Check::BindDirect), (2, Check::BindGroup)] {
        let fd = bench.open_device(number);
        bench.fails_on(fd, check, VFIO_BIND, good);
    }
    let (fd, _) = bench.bind(3);
    let ioas = bench.ioas();
    let attach = vfio_device_attach_iommufd_pt { argsz: 16, pt_id: ioas, ..Default::default() };
    bench.fails_on(fd, Check::AttachRegions, VFIO_ATTACH, attach);
    let mut incoherent = machine(&[]);
    incoherent.smmus[0].firmware.coherent = false;
    let mut other = Bench::on(&incoherent);
    let fd = other.open_device(0);
    let bind = vfio_device_bind_iommufd { argsz: 24, iommufd: other.iommu, ..Default::default() };
    other.fails_on(fd, Check::BindIncoherent, VFIO_BIND, bind);
    bench.adopt(other);
    bench
}

/// Two devices that are attached together.
fn groups() -> Bench {
    let mut bench = Bench::new();
    let ((first, _), (second, _)) = (bench.bind(2), bench.bind(3));
    let (one, two) = (bench.ioas(), bench.ioas());
    let hwpt = bench.attach(first, one);
    let to = |pt_id| vfio_device_attach_iommufd_pt { argsz: 16, pt_id, ..Default::default() };
    bench.fails_on(second, Check::AttachOther, VFIO_ATTACH, to(two));
    assert_eq!(bench.attach(second, one), hwpt);
    assert_eq!(bench.users(hwpt), Some(3), "each device holds it");
    let moved = bench.attach(first, two);
    assert_eq!((bench.users(hwpt), bench.users(moved)), (None, Some(3)), "the group moved as one");
    bench.detach(first);
    bench.detach(second);
    assert_eq!(bench.users(moved), None);
    // Another context cannot have a part of the group.
    let other = bench.kernel.open(bench.client.pid, "/dev/iommu").expect("it opens");
    bench.kernel.close(bench.client.pid, second).expect("it is open");
    let again = bench.open_device(3);
    let cmd = vfio_device_bind_iommufd { argsz: 24, iommufd: other, ..Default::default() };
    bench.fails_on(again, Check::BindGroup, VFIO_BIND, cmd);
    bench
}

fn pasids() -> Bench {
    let mut bench = Bench::on(&machine(&[("IDR1.SSIDSIZE", 5)]));
    let (fd, device) = bench.bind(0);
    let ioas = bench.ioas();
    let plain = bench.hwpt(device, ioas, 0);
    let (one, two) = (bench.hwpt(device, ioas, PASID), bench.hwpt(device, ioas, PASID));
    let at = |pt_id, pasid| vfio_device_attach_iommufd_pt { argsz: 16, flags: 1, pt_id, pasid };
    bench.fails_on(fd, Check::AttachPasid, VFIO_ATTACH, at(plain, 3));
    bench.fails_on(fd, Check::AttachCore, VFIO_ATTACH, at(one, 16));
    bench.attach(fd, plain);
    bench.fails_on(fd, Check::AttachPasid, VFIO_ATTACH, at(one, 3));
    bench.attach(fd, one);
    bench.call_on(fd, VFIO_ATTACH, at(one, 3));
    let rid = vfio_device_attach_iommufd_pt { argsz: 16, pt_id: plain, ..Default::default() };
    bench.fails_on(fd, Check::AttachPasid, VFIO_ATTACH, rid);
    bench.call_on(fd, VFIO_ATTACH, at(two, 3));
    assert_eq!((bench.users(one), bench.users(two)), (Some(2), Some(2)));
    bench.call_on(fd, VFIO_DETACH, vfio_device_detach_iommufd_pt { argsz: 12, flags: 1, pasid: 3 });
    assert_eq!(bench.users(two), Some(1));
    bench.kernel.close(bench.client.pid, fd).expect("it is open");
    assert_eq!(bench.users(one), Some(1));
    bench
}

#[test]
fn a_pasid_goes_its_own_way() {
    let mut bench = Bench::on(&machine(&[("IDR1.SSIDSIZE", 5)]));
    let (fd, device) = bench.bind(0);
    let (own, other) = (bench.ioas(), bench.ioas());
    let (rid, with_pasid) = (bench.hwpt(device, own, PASID), bench.hwpt(device, other, PASID));
    bench.attach(fd, rid);
    let cmd = vfio_device_attach_iommufd_pt { argsz: 16, flags: 1, pt_id: with_pasid, pasid: 3 };
    bench.call_on(fd, VFIO_ATTACH, cmd);
    bench.map(own, 0, PAGE, 0x10_0000);
    bench.map(other, PAGE, PAGE, 0x10_0000);
    bench.poke(0, b"own");
    bench.poke(PAGE, b"pas");
    let read = |bench: &mut Bench, pasid| {
        bench.kernel.dma(DeviceId(0), pasid, Direction::Read, 0x10_0000, 3);
        bench.kernel.host.devices[0].buffer[..3].to_vec()
    };
    assert_eq!(read(&mut bench, None), b"own");
    assert_eq!(read(&mut bench, Some(3)), b"pas");
    assert_eq!(read(&mut bench, Some(4)), [0; 3]);
    bench.call_on(fd, VFIO_DETACH, vfio_device_detach_iommufd_pt { argsz: 12, flags: 1, pasid: 3 });
    assert_eq!(read(&mut bench, Some(3)), [0; 3]);
    assert_eq!(read(&mut bench, None), b"own");
}

#[test]
fn a_pasid_of_a_device_without_any_is_only_noted() {
    let mut setup = machine(&[]);
    setup.devices[0].description.pasid_bits = 0;
    let mut bench = Bench::on(&setup);
    let (fd, device) = bench.bind(0);
    let ioas = bench.ioas();
    let hwpt = bench.hwpt(device, ioas, PASID);
    let cmd = vfio_device_attach_iommufd_pt { argsz: 16, flags: 1, pt_id: hwpt, pasid: 1000 };
    bench.call_on(fd, VFIO_ATTACH, cmd);
    // A device with PASIDs has one on an SMMU without substreams: that of the device itself.
    let (other, _) = bench.bind(1);
    bench.fails_on(other, Check::AttachCore, VFIO_ATTACH, vfio_device_attach_iommufd_pt { pasid: 1, ..cmd });
    assert_eq!(bench.users(hwpt), Some(2));
    bench.kernel.close(bench.client.pid, fd).expect("it is open");
    assert_eq!(bench.users(hwpt), Some(1));
}
