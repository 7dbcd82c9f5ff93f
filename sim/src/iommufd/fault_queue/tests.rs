//! Faults that a driver reports: to whom they go, what a reader gets, and who answers in the end.

use smmu_model::features::{Features, Preset};

use super::*;
use crate::driver::MasterId;
use crate::errno::Errno;
use crate::iommufd::uapi::{
    iommu_hwpt_alloc, iommu_ioas_alloc, vfio_device_attach_iommufd_pt, vfio_device_bind_iommufd,
};
use crate::kernel::device::{BusDriver, DeviceSetup};
use crate::kernel::hardware::IommuId;
use crate::kernel::process::{Process, Rights};
use crate::kernel::{Client, Kernel, Setup, SmmuSetup};

/// A device attached to an HWPT with a fault queue.
struct Bench {
    kernel: Kernel,
    client: Client,
    vfio: i32,
    queue: i32,
    device: ObjectId,
}

impl Bench {
    fn new() -> Self {
        let features = Features::new(Preset::Qemu11_1.id_registers()).expect("the preset is legal");
        let device = DeviceSetup::pci(IommuId(0), 0x80, GroupId(0), BusDriver::Vfio);
        let smmus = vec![SmmuSetup::new(features)];
        let setup = Setup { smmus, devices: vec![device], ..Setup::default() };
        let mut kernel = Kernel::boot(&setup).expect("it boots");
        let client = Client::start(&mut kernel, Process::new(0, Rights::ROOT)).expect("there is memory");
        let iommu = kernel.open(client.pid, "/dev/iommu").expect("it opens");
        let vfio = kernel.open(client.pid, "/dev/vfio/devices/vfio0").expect("it opens");
        let mut bind = vfio_device_bind_iommufd { argsz: 24, iommufd: iommu, ..Default::default() };
        client.call(&mut kernel, vfio, 0x3b76, &mut bind).expect("the device is free");
        let mut ioas = iommu_ioas_alloc { size: 12, ..Default::default() };
        client.call(&mut kernel, iommu, 0x3b81, &mut ioas).expect("it allocates");
        let mut faults = iommu_fault_alloc { size: 16, ..Default::default() };
        client.call(&mut kernel, iommu, 0x3b8e, &mut faults).expect("it allocates");
        let (dev_id, pt_id, fault_id) = (bind.out_devid, ioas.out_ioas_id, faults.out_fault_id);
        let mut hwpt =
            iommu_hwpt_alloc { size: 48, flags: 1 << 2, dev_id, pt_id, fault_id, ..Default::default() };
        client.call(&mut kernel, iommu, 0x3b89, &mut hwpt).expect("it allocates");
        let mut attach =
            vfio_device_attach_iommufd_pt { argsz: 16, pt_id: hwpt.out_hwpt_id, ..Default::default() };
        client.call(&mut kernel, vfio, 0x3b77, &mut attach).expect("it attaches");
        let queue = i32::try_from(faults.out_fault_fd).expect("it is a descriptor");
        Self { kernel, client, vfio, queue, device: ObjectId(dev_id) }
    }

    fn report(&mut self, group: u32) {
        let context = self.kernel.contexts().next().expect("it is open").id;
        let (context, host) = self.kernel.context_mut(context).expect("it is open");
        let fault = PageFault { master: MasterId(0), pasid: None, group, perm: 2, address: 0x1234 };
        report(context, host, self.device, fault);
    }

    /// Reads up to so many records: group and cookie of each.
    fn read(&mut self, records: usize) -> Vec<(u32, u32)> {
        let bytes = self.client.read(&mut self.kernel, self.queue, records * RECORD_BYTES).expect("it reads");
        let records = bytes.chunks(RECORD_BYTES).map(iommu_hwpt_pgfault::decode);
        records.map(|record| (record.grpid, record.cookie)).collect()
    }

    fn respond(&mut self, responses: &[(u32, u32)]) -> Result<usize, Errno> {
        let words = responses.iter().flat_map(|&(cookie, code)| [cookie, code]);
        let bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
        self.client.write(&mut self.kernel, self.queue, &bytes)
    }
}

#[test]
fn a_record_has_the_fields_of_the_header() {
    let mut bench = Bench::new();
    bench.report(7);
    assert_eq!(bench.kernel.is_readable(bench.client.pid, bench.queue), Ok(true));
    let record = bench.client.read(&mut bench.kernel, bench.queue, RECORD_BYTES).expect("it reads");
    let expected = [LAST_PAGE, 1, 0, 7, 2, 0, 0x1234, 0, 0, 1].map(u32::to_le_bytes).concat();
    assert_eq!(record, expected);
    assert_eq!(bench.kernel.is_readable(bench.client.pid, bench.queue), Ok(false));
}

#[test]
fn cookies_are_the_lowest_free_and_answered_once() {
    let mut bench = Bench::new();
    (0..4).for_each(|group| bench.report(group));
    assert_eq!(bench.read(2), [(0, 1), (1, 2)]);
    assert_eq!(bench.respond(&[(1, 0)]), Ok(8));
    assert_eq!(bench.read(9), [(2, 1), (3, 3)]);
    assert_eq!(bench.respond(&[(2, 1), (2, 1), (3, 0)]), Ok(8), "what comes before the bad one counts");
    assert_eq!(bench.respond(&[(2, 1)]), Err(Errno::EINVAL));
    assert_eq!(bench.respond(&[(1, 2)]), Err(Errno::EINVAL), "no such code, and the cookie stays");
    assert_eq!(bench.respond(&[(1, 0), (3, 1)]), Ok(16));
}

#[test]
fn a_record_that_cannot_be_delivered_stays() {
    let mut bench = Bench::new();
    bench.report(5);
    let read = bench.kernel.read(bench.client.pid, bench.queue, 8, RECORD_BYTES, 0);
    assert_eq!((read, bench.kernel.last_failed()), (Err(Errno::EFAULT), Some(Check::FaultUnwritable)));
    let read = bench.kernel.read(bench.client.pid, bench.queue, 8, 0, 0);
    assert_eq!((read, bench.kernel.last_failed()), (Err(Errno::EINVAL), Some(Check::FaultRoom)));
    assert_eq!(bench.read(1), [(5, 1)]);
}

#[test]
fn a_detach_answers_what_is_left() {
    let mut bench = Bench::new();
    (0..3).for_each(|group| bench.report(group));
    assert_eq!(bench.read(1), [(0, 1)]);
    bench.kernel.close(bench.client.pid, bench.vfio).expect("it is open");
    assert_eq!(bench.read(9), []);
    assert_eq!(bench.respond(&[(1, 0)]), Err(Errno::EINVAL));
}
