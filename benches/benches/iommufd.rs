//! The whole stack: an ioctl, the driver's tables and commands, and the model; beside the model's part of it alone.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use smmu_model::features::{Features, Preset};
use smmu_sim::driver::Platform;
use smmu_sim::iommufd::uapi::{
    Layout, iommu_ioas_alloc, iommu_ioas_map, iommu_ioas_unmap, iommu_option, vfio_device_attach_iommufd_pt,
    vfio_device_bind_iommufd,
};
use smmu_sim::kernel::device::{BusDriver, DeviceSetup, GroupId};
use smmu_sim::kernel::hardware::IommuId;
use smmu_sim::kernel::process::{Process, Rights};
use smmu_sim::kernel::{Client, Kernel, Setup, SmmuSetup};

const PAGE: u64 = 4096;
const GIB: u64 = 1 << 30;

const IOAS_ALLOC: u32 = 0x3b81;
const IOAS_MAP: u32 = 0x3b85;
const IOAS_UNMAP: u32 = 0x3b86;
const OPTION: u32 = 0x3b87;
const BIND: u32 = 0x3b76;
const ATTACH: u32 = 0x3b77;

/// FIXED_IOVA, WRITEABLE and READABLE.
const FLAGS: u32 = 7;

/// CMD_TLBI_NH_VA and CMD_SYNC, as the driver sends them for a page.
const COMMANDS: [[u64; 2]; 2] = [[0x0004_0000_0000_0012, 0x1701], [0x0fc0_2046, 0]];
const CMDQ_PROD: u64 = 0x98;

/// A device attached to an IOAS, of a process with a buffer of 1 GiB.
struct Stack {
    kernel: Kernel,
    client: Client,
    iommu: i32,
    ioas: u32,
    buffer: u64,
}

impl Stack {
    fn new(huge_pages: bool) -> Self {
        let features = Features::new(Preset::Qemu11_1.id_registers()).expect("the preset is legal");
        let smmus = vec![SmmuSetup::new(features)];
        let devices = vec![DeviceSetup::pci(IommuId(0), 0x80, GroupId(0), BusDriver::Vfio)];
        let setup = Setup { smmus, devices, ..Setup::default() };
        let mut kernel = Kernel::boot(&setup).expect("the machine boots");
        let client = Client::start(&mut kernel, Process::new(0, Rights::ROOT)).expect("there is memory");
        let buffer = kernel.map_memory(client.pid, GIB, true).expect("there is memory");
        let iommu = kernel.open(client.pid, "/dev/iommu").expect("it opens");
        let device = kernel.open(client.pid, "/dev/vfio/devices/vfio0").expect("it opens");
        let mut stack = Self { kernel, client, iommu, ioas: 0, buffer };
        stack.call(
            device,
            BIND,
            vfio_device_bind_iommufd { argsz: 24, iommufd: iommu, ..Default::default() },
        );
        let ioas = iommu_ioas_alloc { size: 12, ..Default::default() };
        stack.ioas = stack.call(iommu, IOAS_ALLOC, ioas).out_ioas_id;
        let huge = iommu_option {
            size: 24,
            option_id: 1,
            object_id: stack.ioas,
            val64: u64::from(huge_pages),
            ..Default::default()
        };
        stack.call(iommu, OPTION, huge);
        let attach = vfio_device_attach_iommufd_pt { argsz: 16, pt_id: stack.ioas, ..Default::default() };
        stack.call(device, ATTACH, attach);
        stack
    }

    fn call<T: Layout>(&mut self, fd: i32, number: u32, mut cmd: T) -> T {
        let result = self.client.call(&mut self.kernel, fd, number, &mut cmd);
        result.expect("the call is a good one");
        cmd
    }

    fn map(&mut self, iova: u64, length: u64) {
        let (ioas_id, user_va) = (self.ioas, self.buffer);
        let cmd = iommu_ioas_map { size: 40, flags: FLAGS, ioas_id, __reserved: 0, user_va, length, iova };
        self.call(self.iommu, IOAS_MAP, cmd);
    }

    fn unmap(&mut self, iova: u64, length: u64) {
        let cmd = iommu_ioas_unmap { size: 24, ioas_id: self.ioas, iova, length };
        self.call(self.iommu, IOAS_UNMAP, cmd);
    }

    /// Sends the commands of an unmap to the SMMU, past the driver.
    fn commands(&mut self) {
        let hardware = &mut self.kernel.host.hardware;
        let base = hardware.smmu(IommuId(0)).peek(smmu_model::Register::CmdqBase);
        let entries = 1_u32 << (base & 0x1f);
        let mut port = hardware.port(IommuId(0));
        let mut prod = port.read32(CMDQ_PROD);
        for words in COMMANDS {
            let slot = (base & 0x000f_ffff_ffff_ffe0) + u64::from(prod % entries) * 16;
            port.store(slot, words[0]);
            port.store(slot + 8, words[1]);
            prod = (prod + 1) % (2 * entries);
        }
        port.write32(CMDQ_PROD, prod);
        port.relax();
    }
}

fn one_page(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("map and unmap 4 KiB");
    let mut stack = Stack::new(true);
    group.bench_function("all", |bencher| {
        bencher.iter(|| {
            stack.map(0x10_0000, PAGE);
            stack.unmap(0x10_0000, PAGE);
        });
    });
    let mut stack = Stack::new(true);
    group.bench_function("the model's part", |bencher| bencher.iter(|| stack.commands()));
    group.finish();
}

/// In pages of 4 KiB, with and without many mapped already, each by a call of its own.
fn one_gibibyte(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("map and unmap 1 GiB in pages");
    group.sample_size(10).throughput(Throughput::Elements(GIB / PAGE));
    for mapped_pages in [0, 1 << 14, 1 << 18] {
        let mut stack = Stack::new(false);
        for page in 0..mapped_pages {
            stack.map(16 * GIB + page * PAGE, PAGE);
        }
        group.bench_function(BenchmarkId::from_parameter(mapped_pages), |bencher| {
            bencher.iter(|| {
                stack.map(64 * GIB, GIB);
                stack.unmap(64 * GIB, GIB);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, one_page, one_gibibyte);
criterion_main!(benches);
