//! Random work of a guest's driver and its devices, once in hardware and once in software: both do the same, and what a
//! device sees is what its domain maps.

use std::collections::BTreeMap;

use proptest::prelude::*;
use smmu_model::outcome::Outcome;
use smmu_sim::driver::{AllocFlags, DomainId, Report, Target};
use smmu_sim::kernel::{Direction, Kernel};
use smmu_sim::vmm::{GuestDevice, VmmSetup};

use super::rig::*;

const STREAMS: [u32; 2] = [STREAM, OTHER_STREAM];
const DEVICES: [GuestDevice; 2] =
    [GuestDevice { stream: STREAM, vfio: 0 }, GuestDevice { stream: OTHER_STREAM, vfio: 1 }];
const DOMAINS: usize = 3;
/// Pages around the end of a block of 2 MiB; the same addresses, unmapped, are memory that the guest does not use.
const BASE: u64 = 0x403f_c000;
const PAGES: u64 = 8;
/// PASIDs are 1 and 2; 0 is the device itself.
const PASIDS: u32 = 3;

#[derive(Clone, Copy, Debug)]
enum Step {
    Map { domain: usize, page: u64 },
    Unmap { domain: usize, page: u64, count: u64 },
    Attach { device: usize, pasid: u32, to: Goal },
    Read { device: usize, pasid: u32, page: u64 },
    Write { device: usize, pasid: u32, page: u64, byte: u8 },
}

/// What a device, or a PASID of it, is attached to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Goal {
    Domain(usize),
    Blocked,
    Identity,
}

fn step() -> impl Strategy<Value = Step> {
    let (domain, device, page, pasid) = (0..DOMAINS, 0_usize..2, 0..PAGES, 0..PASIDS);
    let to = prop_oneof![6 => domain.clone().prop_map(Goal::Domain), 1 => Just(Goal::Blocked), 1 => Just(Goal::Identity)];
    prop_oneof![
        4 => (domain.clone(), page.clone()).prop_map(|(domain, page)| Step::Map { domain, page }),
        2 => (domain, page.clone(), 1_u64..4).prop_map(|(domain, page, count)| Step::Unmap { domain, page, count }),
        3 => (device.clone(), pasid.clone(), to).prop_map(|(device, pasid, to)| Step::Attach { device, pasid, to }),
        5 => (device.clone(), pasid.clone(), page.clone())
            .prop_map(|(device, pasid, page)| Step::Read { device, pasid, page }),
        4 => (device, pasid, page, any::<u8>())
            .prop_map(|(device, pasid, page, byte)| Step::Write { device, pasid, page, byte }),
    ]
}

/// A virtual machine and, as simply as can be, what must hold of it.
struct World {
    kernel: Kernel,
    vm: Vm,
    domains: Vec<DomainId>,
    /// The guest's memory behind the pages of the domains.
    mapped: BTreeMap<(usize, u64), u64>,
    attached: BTreeMap<(usize, u32), usize>,
}

impl World {
    fn new(is_emulated: bool) -> Self {
        let fields = [("IDR1.SSIDSIZE", 10), ("IDR0.CD2L", 1)];
        let mut kernel = Kernel::boot(&machine(&fields)).expect("the machine boots");
        let accelerated = Vm::boot(&mut kernel, &DEVICES);
        let offer = *accelerated.vmm.offer();
        let mut vm = if is_emulated {
            accelerated.vmm.stop(&mut kernel);
            Vm::try_boot(&mut kernel, &VmmSetup::emulated(&DEVICES), |_own| offer).expect("it boots")
        } else {
            accelerated
        };
        let flags = AllocFlags { pasid: true, ..Default::default() };
        let domain = |_| vm.guest.new_domain(&mut kernel, &mut vm.vmm, flags).expect("there is memory");
        let domains = (0..DOMAINS).map(domain).collect();
        Self { kernel, vm, domains, mapped: BTreeMap::new(), attached: BTreeMap::new() }
    }

    /// What a device sees of a step, if it does something in it; and what its guest hears.
    fn take(&mut self, step: Step) -> (Option<Option<u8>>, Vec<Report>) {
        let seen = self.act(step);
        (seen, self.vm.guest.interrupts(&mut self.kernel, &mut self.vm.vmm))
    }

    fn act(&mut self, step: Step) -> Option<Option<u8>> {
        let Self { kernel, vm, domains, mapped, attached } = self;
        match step {
            Step::Map { domain, page } => {
                let text = u8::try_from(page).expect("there are few pages");
                mapped
                    .entry((domain, page))
                    .or_insert_with(|| vm.map(kernel, domains[domain], iova(page), &[text]));
                None
            }
            Step::Unmap { domain, page, count } => {
                for page in page..(page + count).min(PAGES) {
                    let bytes = vm.guest.unmap(kernel, &mut vm.vmm, domains[domain], iova(page), PAGE);
                    assert_eq!(bytes == PAGE, mapped.remove(&(domain, page)).is_some());
                }
                None
            }
            Step::Attach { device, pasid, to } => {
                let target = match to {
                    Goal::Domain(domain) => Target::Domain { domain: domains[domain], handles_faults: false },
                    Goal::Blocked => Target::Blocked,
                    Goal::Identity => Target::Identity,
                };
                let done = vm.guest.attach(kernel, &mut vm.vmm, (STREAMS[device], pasid), target);
                assert_eq!(done, Ok(()));
                match to {
                    Goal::Domain(domain) => attached.insert((device, pasid), domain),
                    Goal::Blocked | Goal::Identity => attached.remove(&(device, pasid)),
                };
                None
            }
            Step::Read { device, pasid, page } => Some(self.access(Direction::Read, device, pasid, page)),
            Step::Write { device, pasid, page, byte } => {
                let buffer = vm.vmm.buffer(kernel, STREAMS[device]).expect("it is there");
                buffer[0] = byte;
                Some(self.access(Direction::Write, device, pasid, page))
            }
        }
    }

    /// The byte that an access moves, `None` if it fails. It goes where the domain says.
    fn access(&mut self, direction: Direction, device: usize, pasid: u32, page: u64) -> Option<u8> {
        let Self { kernel, vm, mapped, attached, .. } = self;
        let (stream, tag) = (STREAMS[device], (pasid != 0).then_some(pasid));
        let outcomes = vm.vmm.dma(kernel, stream, tag, direction, iova(page), 1).expect("it is there");
        let is_done = matches!(outcomes[..], [Outcome::Done(_)]);
        let moved = is_done.then(|| vm.vmm.buffer(kernel, stream).expect("it is there")[0]);
        if let Some(domain) = attached.get(&(device, pasid)) {
            let there = mapped.get(&(*domain, page)).map(|at| vm.peek(kernel, *at, 1)[0]);
            assert_eq!(moved, there, "a device sees what its domain maps");
        }
        moved
    }
}

fn iova(page: u64) -> u64 {
    BASE + page * PAGE
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn hardware_and_software_do_the_same(steps in prop::collection::vec(step(), 1..80)) {
        let (mut hardware, mut software) = (World::new(false), World::new(true));
        for step in steps {
            prop_assert_eq!(hardware.take(step), software.take(step), "{:?}", step);
        }
        for World { mut kernel, vm, .. } in [hardware, software] {
            vm.vmm.stop(&mut kernel);
            check_nothing_is_left(&kernel);
        }
    }
}
