//! DMA of a passed-through device, after a boot by drivers and ioctls: through the guest's tables and the host's, four
//! levels each, with nothing cached. Beside it is what the model itself takes on the same machine, and on one that was
//! made by hand: the stack has no part in an access.

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use smmu_benches::{PAGES, Placement, Stages, Workload};
use smmu_model::CachePolicy;
use smmu_model::address::Iova;
use smmu_model::attributes::Attributes;
use smmu_model::features::{Features, Preset};
use smmu_model::ids::StreamId;
use smmu_model::outcome::Outcome;
use smmu_model::transaction::{self, Access, AddressType, Transaction};
use smmu_sim::driver::{AllocFlags, Target};
use smmu_sim::guest::{Guest, GuestSetup};
use smmu_sim::kernel::device::{BusDriver, DeviceId, DeviceSetup, GroupId};
use smmu_sim::kernel::hardware::IommuId;
use smmu_sim::kernel::{Direction, Kernel, Setup, SmmuSetup};
use smmu_sim::vmm::{GuestDevice, Offer, Ram, Vmm, VmmSetup};

const PAGE: u64 = 4096;
const STREAM: u32 = 0x80;
const GUEST_STREAM: u32 = 0x10;
const RAM: Ram = Ram { ipa: 0x4000_0000, bytes: 64 << 20 };
/// What one access moves: the line of a cache.
const LINE: usize = 64;

/// A machine with a guest, whose device has 4096 pages in random order.
struct Stack {
    kernel: Kernel,
    addresses: Vec<u64>,
    next: usize,
}

impl Stack {
    fn new() -> Self {
        let features = Features::new(Preset::Qemu11_1.id_registers()).expect("the preset is legal");
        let smmu = SmmuSetup { caches: CachePolicy::None, ..SmmuSetup::new(features) };
        let devices = vec![DeviceSetup::pci(IommuId(0), STREAM, GroupId(0), BusDriver::Vfio)];
        let setup = Setup { smmus: vec![smmu], devices, ..Setup::default() };
        let mut kernel = Kernel::boot(&setup).expect("the machine boots");
        let addresses = boot(&mut kernel).expect("the guest boots");
        let mut stack = Self { kernel, addresses, next: 0 };
        for _ in 0..PAGES {
            let (by_device, alone) = (stack.dma(), stack.transact());
            assert!(matches!(by_device, Outcome::Done(_)) && matches!(alone, Outcome::Done(_)));
        }
        stack
    }

    /// The device reads a line.
    fn dma(&mut self) -> Outcome {
        let address = self.address();
        self.kernel.dma(DeviceId(0), None, Direction::Read, address, LINE)[0]
    }

    /// The SMMU of the machine translates, and that is all.
    fn transact(&mut self) -> Outcome {
        let transaction = Transaction {
            stream: StreamId(STREAM),
            substream: None,
            address: Iova::new(self.address()),
            access: Access::data(transaction::Direction::Read),
            address_type: AddressType::Untranslated,
            attributes: Attributes::INCOMING_DEFAULT,
        };
        self.kernel.host.hardware.transact(IommuId(0), &transaction)
    }

    fn address(&mut self) -> u64 {
        self.next = (self.next + 1) % self.addresses.len();
        self.addresses[self.next]
    }
}

/// Boots a virtual machine and its guest, and maps. Returns what is mapped. The guest goes on to exist for the kernel.
fn boot(kernel: &mut Kernel) -> Result<Vec<u64>, Box<dyn std::error::Error>> {
    let device = GuestDevice { stream: GUEST_STREAM, vfio: 0 };
    let setup = VmmSetup { ram: vec![RAM], huge_pages: false, ..VmmSetup::accelerated(&[device]) };
    let probed = Vmm::probe(kernel, &setup)?;
    let offer = Offer::baseline(probed.hardware().ok_or("there is no SMMU")?);
    let vmm = &mut probed.start(kernel, offer)?;
    let setup = GuestSetup { ram: RAM, ..GuestSetup::new(vec![GuestSetup::device(GUEST_STREAM)]) };
    let mut guest = Guest::boot(kernel, vmm, &setup)?;
    let domain = guest.new_domain(kernel, vmm, AllocFlags::default())?;
    let target = Target::Domain { domain, handles_faults: false };
    guest.attach(kernel, vmm, (GUEST_STREAM, 0), target)?;
    let pages = guest.take_pages(kernel, vmm, PAGES).ok_or("there is no memory")?;
    let mut addresses: Vec<u64> = (0..PAGES).map(|page| 0x1000_0000_0000 + page * PAGE).collect();
    addresses.shuffle(&mut ChaCha8Rng::seed_from_u64(1));
    for (page, &address) in (0..).zip(&addresses) {
        guest.map(kernel, vmm, domain, (address, pages + page * PAGE), PAGE)?;
    }
    Ok(addresses)
}

fn nested(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stack/nested");
    let mut stack = Stack::new();
    group.bench_function("dma of a device", |bencher| bencher.iter(|| stack.dma()));
    group.bench_function("model on this machine", |bencher| bencher.iter(|| stack.transact()));
    let mut workload = Workload::new(Stages::Nested, Placement::Dense);
    group.bench_function("model by hand", |bencher| bencher.iter(|| workload.transact()));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    targets = nested
}
criterion_main!(benches);
