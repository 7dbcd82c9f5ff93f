//! Faults, from the hardware to the guest and back.

use smmu_model::features::Preset;
use smmu_model::outcome::Outcome;
use smmu_sim::driver::{AllocFlags, DomainId, PageResponse, Report, Target};
use smmu_sim::guest::{Guest, GuestSetup};
use smmu_sim::kernel::{Direction, Kernel};
use smmu_sim::vmm::{EventSource, GuestDevice, Note, Offer, Stalls, Vmm, VmmSetup};

use super::rig::*;

const DEVICES: [GuestDevice; 2] =
    [GuestDevice { stream: STREAM, vfio: 0 }, GuestDevice { stream: OTHER_STREAM, vfio: 1 }];

/// Records name the guest's streams, and tell reads from writes: F_TRANSLATION, RnW in bit 35 of word 1, and CLASS IN.
#[test]
fn records_have_the_guests_names() {
    const CLASS_IN: u64 = 0b10 << 40;
    let mut kernel = Kernel::boot(&machine(&[])).expect("the machine boots");
    let mut vm = Vm::boot(&mut kernel, &DEVICES);
    vm.attach_new(&mut kernel, STREAM);
    assert_eq!(vm.read(&mut kernel, STREAM, 0x8000_1234, 4), None);
    assert!(!vm.write(&mut kernel, OTHER_STREAM, 0x9000, b"text"));
    let reports = vm.guest.interrupts(&mut kernel, &mut vm.vmm);
    let read = [0x10 | u64::from(STREAM) << 32, CLASS_IN | 1 << 35, 0x8000_1234, 0];
    let write = [0x10 | u64::from(OTHER_STREAM) << 32, CLASS_IN, 0x9000, 0];
    assert_eq!(reports, [Report::Logged(read), Report::Logged(write)]);
    let by_hardware = |note: &&Note| matches!(note, Note::Event { source: EventSource::Hardware, .. });
    assert_eq!(vm.vmm.take_notes().iter().filter(by_hardware).count(), 2);
    assert_eq!(kernel.logged_events(), [[0; 4]; 0], "the host has nothing to say about it");
}

/// What is not mapped in stage 2 is the host's: the guest made no mistake that its SMMU would know of.
#[test]
fn faults_of_stage_2_are_not_the_guests() {
    let mut kernel = Kernel::boot(&machine(&[])).expect("the machine boots");
    let mut vm = Vm::boot(&mut kernel, &DEVICES[..1]);
    let domain = vm.attach_new(&mut kernel, STREAM);
    let Vm { vmm, guest } = &mut vm;
    guest.map(&mut kernel, vmm, domain, (0x9000, 0x7000_0000), PAGE).expect("it can be mapped");
    assert_eq!(vm.read(&mut kernel, STREAM, 0x9000, 4), None);
    assert_eq!(vm.guest.interrupts(&mut kernel, &mut vm.vmm), []);
    assert_eq!(kernel.logged_events().len(), 1);
}

/// Nobody reads the kernel's queue of events while a device goes on: what does not fit is lost, and said to be.
#[test]
fn endless_faults_end_in_lost_events() {
    let mut kernel = Kernel::boot(&machine(&[])).expect("the machine boots");
    let setup = VmmSetup { event_depth: 4, ..VmmSetup::accelerated(&DEVICES[..1]) };
    let mut vm = Vm::try_boot(&mut kernel, &setup, |offer| offer).expect("it boots");
    for page in 0..100 {
        assert_eq!(vm.read(&mut kernel, STREAM, page * PAGE, 4), None);
    }
    assert_eq!(vm.guest.interrupts(&mut kernel, &mut vm.vmm).len(), 4);
    let lost = |note: &Note| matches!(note, Note::EventsLost { sequence: 99 });
    assert!(vm.vmm.take_notes().iter().any(lost));
    // A guest that never looks fills its own queue, and the rest is lost there.
    for page in 0..3000 {
        assert_eq!(vm.read(&mut kernel, STREAM, page * PAGE, 4), None);
        vm.vmm.run(&mut kernel);
    }
    assert_eq!(vm.guest.interrupts(&mut kernel, &mut vm.vmm).len(), 2048);
}

fn answered() -> Stalls {
    Stalls::Answered([STREAM].into())
}

/// A machine whose first device stalls, and a guest that knows.
fn stalling(stalls: Stalls) -> (Kernel, Vm, DomainId) {
    stalling_as(VmmSetup { stalls, ..VmmSetup::accelerated(&DEVICES[..1]) })
}

fn stalling_as(setup: VmmSetup) -> (Kernel, Vm, DomainId) {
    let mut ids = Preset::Qemu11_1.id_registers();
    ids.set_field("IDR0.STALL_MODEL", 0).expect("it is a field");
    ids.set_field("IDR5.STALL_MAX", 8).expect("it is a field");
    let mut kernel = Kernel::boot(&machine_of(ids)).expect("the machine boots");
    let probed = Vmm::probe(&mut kernel, &setup).expect("it can be probed");
    let offer = probed.hardware().map_or_else(|| Offer::from_ids(&ids), Offer::baseline);
    let mut vmm = probed.start(&mut kernel, offer).expect("it can be started");
    let mut device = GuestSetup::device(STREAM);
    device.can_stall = true;
    let guest = Guest::boot(&mut kernel, &mut vmm, &GuestSetup::new(vec![device])).expect("it boots");
    let mut vm = Vm { vmm, guest };
    let flags = AllocFlags::default();
    let domain = vm.guest.new_domain(&mut kernel, &mut vm.vmm, flags).expect("there is memory");
    let target = Target::Domain { domain, handles_faults: true };
    vm.guest.attach(&mut kernel, &mut vm.vmm, (STREAM, 0), target).expect("it can be attached");
    (kernel, vm, domain)
}

fn start_read(kernel: &mut Kernel, vm: &mut Vm) -> Outcome {
    let outcomes = vm.vmm.dma(kernel, STREAM, None, Direction::Read, 0x5000, 4).expect("it is there");
    outcomes[0]
}

#[test]
fn an_access_that_stalls_waits_for_the_guest() {
    let accelerated = VmmSetup { stalls: answered(), ..VmmSetup::accelerated(&DEVICES[..1]) };
    for setup in [accelerated, VmmSetup::emulated(&DEVICES[..1])] {
        wait_for_the_guest(setup);
    }
}

fn wait_for_the_guest(setup: VmmSetup) {
    let (mut kernel, mut vm, domain) = stalling_as(setup);
    assert!(matches!(start_read(&mut kernel, &mut vm), Outcome::Stalled { .. }));
    let reports = vm.guest.interrupts(&mut kernel, &mut vm.vmm);
    let [Report::Fault(fault)] = reports[..] else { panic!("one fault: {reports:?}") };
    assert_eq!((fault.address, fault.pasid, fault.perm), (0x5000, None, 1));
    vm.map(&mut kernel, domain, 0x5000, b"late");
    let (driver, mut doors) = vm.guest.driver_mut(&mut kernel, &mut vm.vmm);
    driver.page_response(&mut doors, &fault, PageResponse::Success);
    assert_eq!(kernel.stalled(), 0);
    assert_eq!(&vm.vmm.buffer(&mut kernel, STREAM).expect("it is there")[..4], b"late");
}

#[test]
fn an_access_that_stalls_can_be_ended() {
    let (mut kernel, mut vm, _domain) = stalling(answered());
    // By the guest, and by the end of the guest.
    for answers in [true, false] {
        assert!(matches!(start_read(&mut kernel, &mut vm), Outcome::Stalled { .. }));
        let reports = vm.guest.interrupts(&mut kernel, &mut vm.vmm);
        let [Report::Fault(fault)] = reports[..] else { panic!("one fault: {reports:?}") };
        if answers {
            let (driver, mut doors) = vm.guest.driver_mut(&mut kernel, &mut vm.vmm);
            driver.page_response(&mut doors, &fault, PageResponse::Failure);
            assert_eq!(kernel.stalled(), 0);
        }
    }
    assert_eq!(kernel.stalled(), 1);
    vm.vmm.stop(&mut kernel);
    check_nothing_is_left(&kernel);
}

/// Without a queue of page faults the kernel ends the access, and the guest never hears of it.
#[test]
fn without_a_queue_a_stall_is_lost() {
    let (mut kernel, mut vm, _domain) = stalling(Stalls::Unanswered);
    assert!(matches!(start_read(&mut kernel, &mut vm), Outcome::Stalled { .. }));
    assert_eq!(kernel.stalled(), 0);
    assert_eq!(vm.guest.interrupts(&mut kernel, &mut vm.vmm), []);
}

/// What may not stall is a mistake of the guest, and the guest hears of it: C_BAD_CD.
#[test]
fn a_denied_stall_is_a_bad_context() {
    let (mut kernel, mut vm, _domain) = stalling(Stalls::Denied);
    assert!(matches!(start_read(&mut kernel, &mut vm), Outcome::Abort(_)));
    let reports = vm.guest.interrupts(&mut kernel, &mut vm.vmm);
    assert_eq!(reports, [Report::Logged([0x0a | u64::from(STREAM) << 32, 0, 0, 0])]);
}
