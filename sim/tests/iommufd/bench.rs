//! A process with an iommufd and some devices, for the tests.

use std::collections::BTreeSet;

use smmu_model::features::{Features, IdRegisters, Preset};
use smmu_sim::errno::Errno;
use smmu_sim::iommufd::uapi::{Layout, *};
use smmu_sim::iommufd::{Check, ObjectId, Objects};
use smmu_sim::kernel::device::{BusDriver, DeviceSetup, GroupId};
use smmu_sim::kernel::hardware::IommuId;
use smmu_sim::kernel::process::{Process, Rights};
use smmu_sim::kernel::{Client, Kernel, Setup, SmmuSetup};

pub(crate) const PAGE: u64 = 4096;
/// Bytes of the buffer of a process.
pub(crate) const BUFFER: u64 = 16 << 20;

pub(crate) const DESTROY: u32 = 0x3b80;
pub(crate) const IOAS_ALLOC: u32 = 0x3b81;
pub(crate) const IOAS_ALLOW_IOVAS: u32 = 0x3b82;
pub(crate) const IOAS_COPY: u32 = 0x3b83;
pub(crate) const IOAS_IOVA_RANGES: u32 = 0x3b84;
pub(crate) const IOAS_MAP: u32 = 0x3b85;
pub(crate) const IOAS_UNMAP: u32 = 0x3b86;
pub(crate) const OPTION: u32 = 0x3b87;
pub(crate) const VFIO_IOAS: u32 = 0x3b88;
pub(crate) const HWPT_ALLOC: u32 = 0x3b89;
pub(crate) const GET_HW_INFO: u32 = 0x3b8a;
pub(crate) const SET_DIRTY_TRACKING: u32 = 0x3b8b;
pub(crate) const GET_DIRTY_BITMAP: u32 = 0x3b8c;
pub(crate) const HWPT_INVALIDATE: u32 = 0x3b8d;
pub(crate) const FAULT_QUEUE_ALLOC: u32 = 0x3b8e;
pub(crate) const IOAS_MAP_FILE: u32 = 0x3b8f;
pub(crate) const VIOMMU_ALLOC: u32 = 0x3b90;
pub(crate) const VDEVICE_ALLOC: u32 = 0x3b91;
pub(crate) const IOAS_CHANGE_PROCESS: u32 = 0x3b92;
pub(crate) const VEVENTQ_ALLOC: u32 = 0x3b93;
pub(crate) const HW_QUEUE_ALLOC: u32 = 0x3b94;
pub(crate) const IOAS_NOIOMMU_GET_PA: u32 = 0x3b95;
pub(crate) const VFIO_BIND: u32 = 0x3b76;
pub(crate) const VFIO_ATTACH: u32 = 0x3b77;
pub(crate) const VFIO_DETACH: u32 = 0x3b78;

pub(crate) const FIXED: u32 = 1;
pub(crate) const WRITE: u32 = 2;
pub(crate) const READ: u32 = 4;

/// A process on a machine.
pub(crate) struct Bench {
    pub(crate) kernel: Kernel,
    pub(crate) client: Client,
    /// The iommufd.
    pub(crate) iommu: i32,
    /// A writable buffer, aligned to 2 MiB.
    pub(crate) buffer: u64,
    seen: BTreeSet<Check>,
}

/// Two SMMUs with QEMU's registers and, on top of them, `fields`. Behind the first: devices 0 and 1 alone, devices 2
/// and 3 in one group. Behind the second: device 4. All can have PASIDs and be stalled if the SMMU lets them.
pub(crate) fn machine(fields: &[(&str, u64)]) -> Setup {
    let mut ids: IdRegisters = Preset::Qemu11_1.id_registers();
    for (name, value) in fields {
        ids.set_field(name, *value).expect("a field of an ID register");
    }
    let features = Features::new(ids).expect("the registers are legal");
    let smmu = SmmuSetup::new(features);
    let device = |iommu, stream, group| {
        let mut setup = DeviceSetup::pci(IommuId(iommu), stream, GroupId(group), BusDriver::Vfio);
        setup.description.pasid_bits = 4;
        setup.description.can_stall = true;
        setup
    };
    let devices = vec![
        device(0, 0x80, 0),
        device(0, 0x88, 1),
        device(0, 0x90, 2),
        device(0, 0x91, 2),
        device(1, 0x10, 3),
    ];
    Setup { smmus: vec![smmu.clone(), smmu], devices, ..Setup::default() }
}

impl Bench {
    /// On the machine with QEMU's SMMUs.
    pub(crate) fn new() -> Self {
        Self::on(&machine(&[]))
    }

    /// On the given machine.
    pub(crate) fn on(setup: &Setup) -> Self {
        Self::by(setup, Process::new(0, Rights::ROOT))
    }

    /// On the given machine, as the given process.
    pub(crate) fn by(setup: &Setup, process: Process) -> Self {
        let mut kernel = Kernel::boot(setup).expect("the machine boots");
        let client = Client::start(&mut kernel, process).expect("there is memory");
        let buffer = kernel.map_memory(client.pid, BUFFER, true).expect("there is memory");
        let iommu = kernel.open(client.pid, "/dev/iommu").expect("it opens");
        Self { kernel, client, iommu, buffer, seen: BTreeSet::new() }
    }

    /// The checks that were seen to fail.
    pub(crate) fn seen(self) -> BTreeSet<Check> {
        self.seen
    }

    /// An ioctl of the iommufd. The structure comes back with the result.
    pub(crate) fn try_call<T: Layout>(&mut self, number: u32, cmd: T) -> (T, Result<i32, Errno>) {
        self.try_on(self.iommu, number, cmd)
    }

    /// An ioctl of any descriptor.
    pub(crate) fn try_on<T: Layout>(&mut self, fd: i32, number: u32, mut cmd: T) -> (T, Result<i32, Errno>) {
        let result = self.client.call(&mut self.kernel, fd, number, &mut cmd);
        (cmd, result)
    }

    /// An ioctl of the iommufd that succeeds.
    #[track_caller]
    pub(crate) fn call<T: Layout>(&mut self, number: u32, cmd: T) -> T {
        self.call_on(self.iommu, number, cmd)
    }

    /// An ioctl that succeeds.
    #[track_caller]
    pub(crate) fn call_on<T: Layout>(&mut self, fd: i32, number: u32, cmd: T) -> T {
        let (cmd, result) = self.try_on(fd, number, cmd);
        let check = self.kernel.last_failed();
        assert!(result.is_ok(), "{number:#x}: {result:?} by {check:?}");
        cmd
    }

    /// An ioctl of the iommufd that fails by a check, and leaves the structure as it was.
    #[track_caller]
    pub(crate) fn fails<T: Layout>(&mut self, check: Check, number: u32, cmd: T) {
        self.fails_on(self.iommu, check, number, cmd);
    }

    /// An ioctl that fails by a check, and leaves the structure as it was.
    #[track_caller]
    pub(crate) fn fails_on<T: Layout>(&mut self, fd: i32, check: Check, number: u32, cmd: T) {
        let (after, result) = self.try_on(fd, number, cmd);
        self.failed(check, result);
        assert_eq!(after.encode(), cmd.encode(), "{number:#x}: the structure changed");
    }

    /// A system call has failed by a check.
    #[track_caller]
    pub(crate) fn failed<R: std::fmt::Debug + PartialEq>(&mut self, check: Check, result: Result<R, Errno>) {
        assert!(result.is_err(), "{check:?} did not fail: {result:?}");
        assert_eq!(self.kernel.last_failed(), Some(check), "{result:?}");
        self.seen.insert(check);
    }

    /// Also counts what other benches have seen.
    pub(crate) fn adopt(&mut self, other: Bench) {
        self.seen.extend(other.seen);
    }

    /// A new IOAS.
    pub(crate) fn ioas(&mut self) -> u32 {
        self.call(IOAS_ALLOC, iommu_ioas_alloc { size: 12, ..Default::default() }).out_ioas_id
    }

    /// Maps at a fixed address, for reading and writing.
    #[track_caller]
    pub(crate) fn map(&mut self, ioas: u32, offset: u64, length: u64, iova: u64) {
        let cmd = self.map_cmd(ioas, offset, length, iova);
        self.call(IOAS_MAP, cmd);
    }

    /// The structure for it.
    pub(crate) fn map_cmd(&self, ioas_id: u32, offset: u64, length: u64, iova: u64) -> iommu_ioas_map {
        let user_va = self.buffer + offset;
        iommu_ioas_map {
            size: 40,
            flags: FIXED | READ | WRITE,
            ioas_id,
            __reserved: 0,
            user_va,
            length,
            iova,
        }
    }

    /// Opens a VFIO device.
    pub(crate) fn open_device(&mut self, number: usize) -> i32 {
        let path = format!("/dev/vfio/devices/vfio{number}");
        self.kernel.open(self.client.pid, &path).expect("it opens")
    }

    /// Opens and binds a VFIO device. Returns the descriptor and the id of the DEVICE object.
    pub(crate) fn bind(&mut self, number: usize) -> (i32, u32) {
        let fd = self.open_device(number);
        let cmd = vfio_device_bind_iommufd { argsz: 24, iommufd: self.iommu, ..Default::default() };
        (fd, self.call_on(fd, VFIO_BIND, cmd).out_devid)
    }

    /// Attaches a device to an IOAS or HWPT. Returns the HWPT.
    #[track_caller]
    pub(crate) fn attach(&mut self, fd: i32, pt_id: u32) -> u32 {
        let cmd = vfio_device_attach_iommufd_pt { argsz: 16, flags: 0, pt_id, pasid: 0 };
        self.call_on(fd, VFIO_ATTACH, cmd).pt_id
    }

    /// Detaches a device.
    pub(crate) fn detach(&mut self, fd: i32) {
        self.call_on(fd, VFIO_DETACH, vfio_device_detach_iommufd_pt { argsz: 12, ..Default::default() });
    }

    /// A new paging HWPT.
    #[track_caller]
    pub(crate) fn hwpt(&mut self, dev_id: u32, pt_id: u32, flags: u32) -> u32 {
        let cmd = iommu_hwpt_alloc { size: 48, flags, dev_id, pt_id, ..Default::default() };
        self.call(HWPT_ALLOC, cmd).out_hwpt_id
    }

    /// Destroys an object.
    #[track_caller]
    pub(crate) fn destroy(&mut self, id: u32) {
        self.call(DESTROY, iommu_destroy { size: 8, id });
    }

    /// The objects of the only context.
    pub(crate) fn objects(&self) -> &Objects {
        &self.kernel.contexts().next().expect("the iommufd is open").objects
    }

    /// How many use an object.
    pub(crate) fn users(&self, id: u32) -> Option<u32> {
        self.objects().users(ObjectId(id))
    }

    /// Puts bytes into the buffer.
    pub(crate) fn poke(&mut self, offset: u64, bytes: &[u8]) {
        self.kernel.poke(self.client.pid, self.buffer + offset, bytes).expect("the buffer is mapped");
    }

    /// Bytes of the buffer.
    pub(crate) fn peek(&mut self, offset: u64, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.kernel.peek(self.client.pid, self.buffer + offset, &mut bytes).expect("the buffer is mapped");
        bytes
    }
}
