//! Several virtual machines on one machine: what is whose, and what is left when one goes.

use smmu_sim::driver::Target;
use smmu_sim::errno::Errno;
use smmu_sim::guest::{Guest, GuestSetup};
use smmu_sim::kernel::Kernel;
use smmu_sim::vmm::{Call, GuestDevice, Mode, Offer, Ram, Step, Vmm, VmmError, VmmSetup};

use super::rig::*;

const FIRST: GuestDevice = GuestDevice { stream: STREAM, vfio: 0 };
const SECOND: GuestDevice = GuestDevice { stream: STREAM, vfio: 1 };
const SPARE: GuestDevice = GuestDevice { stream: OTHER_STREAM, vfio: 2 };

#[test]
fn two_machines_do_not_know_of_each_other() {
    let mut kernel = Kernel::boot(&machine(&[])).expect("the machine boots");
    let mut one = Vm::boot(&mut kernel, &[FIRST]);
    let mut two = Vm::boot(&mut kernel, &[SECOND]);
    // The same stream, the same ASIDs and addresses in both.
    let domains = (one.attach_new(&mut kernel, STREAM), two.attach_new(&mut kernel, STREAM));
    one.map(&mut kernel, domains.0, 0x5000, b"one");
    two.map(&mut kernel, domains.1, 0x5000, b"two");
    let both = |kernel: &mut Kernel, one: &mut Vm, two: &mut Vm| {
        [one.read(kernel, STREAM, 0x5000, 3), two.read(kernel, STREAM, 0x5000, 3)]
    };
    let texts = [Some(b"one".to_vec()), Some(b"two".to_vec())];
    assert_eq!(both(&mut kernel, &mut one, &mut two), texts);
    // Invalidations of one, everything included, change nothing for the other.
    one.guest.unmap(&mut kernel, &mut one.vmm, domains.0, 0x5000, PAGE);
    assert_eq!(both(&mut kernel, &mut one, &mut two), [None, texts[1].clone()]);
    // So does its end, in whatever way.
    one.vmm.kill(&mut kernel);
    assert_eq!(two.read(&mut kernel, STREAM, 0x5000, 3), texts[1]);
    two.vmm.stop(&mut kernel);
    check_nothing_is_left(&kernel);
}

#[test]
fn a_device_moves_from_one_machine_to_another() {
    let mut kernel = Kernel::boot(&machine(&[])).expect("the machine boots");
    let mut one = Vm::boot(&mut kernel, &[FIRST, SPARE]);
    let mut two = Vm::boot(&mut kernel, &[SECOND]);
    let domain = one.attach_new(&mut kernel, OTHER_STREAM);
    one.map(&mut kernel, domain, 0x5000, b"one");
    assert!(one.read(&mut kernel, OTHER_STREAM, 0x5000, 3).is_some());
    // While one has it, the other cannot.
    let refused = two.vmm.plug(&mut kernel, SPARE).map(|_reply| ());
    let step = Step::Bind(OTHER_STREAM);
    assert_eq!(refused, Err(VmmError::Refused { step, call: Call::Bind, errno: Errno::EINVAL }));
    one.vmm.unplug(&mut kernel, OTHER_STREAM).expect("it is there");
    let gone = one.vmm.dma(&mut kernel, OTHER_STREAM, None, smmu_sim::kernel::Direction::Read, 0x5000, 3);
    assert_eq!(gone, Err(VmmError::StreamUnknown(OTHER_STREAM)));
    let reply = two.vmm.plug(&mut kernel, SPARE).expect("it is free");
    assert!(reply.is_some());
    // The other guest has no STE for it, and hears of none of the first one's pages.
    assert_eq!(two.read(&mut kernel, OTHER_STREAM, 0x5000, 3), None);
    let device = GuestSetup::device(OTHER_STREAM);
    two.guest.add_device(&mut kernel, &mut two.vmm, &device).expect("there is memory");
    let domain = two.attach_new(&mut kernel, OTHER_STREAM);
    two.map(&mut kernel, domain, 0x5000, b"two");
    assert_eq!(two.read(&mut kernel, OTHER_STREAM, 0x5000, 3), Some(b"two".to_vec()));
    // The first guest does not know yet that it lost the device: its commands are about nothing.
    let blocked = one.guest.attach(&mut kernel, &mut one.vmm, (OTHER_STREAM, 0), Target::Blocked);
    assert_eq!(blocked, Ok(()));
    assert_eq!(two.read(&mut kernel, OTHER_STREAM, 0x5000, 3), Some(b"two".to_vec()));
    one.vmm.stop(&mut kernel);
    two.vmm.stop(&mut kernel);
    check_nothing_is_left(&kernel);
}

/// An orderly end leaves nothing for the kernel to clean up: every object is destroyed by its owner.
#[test]
fn a_machine_that_stops_destroys_what_it_made() {
    let mut kernel = Kernel::boot(&machine(&[])).expect("the machine boots");
    let mut vm = Vm::boot(&mut kernel, &[FIRST, SPARE]);
    vm.attach_new(&mut kernel, STREAM);
    let notes = vm.vmm.stop(&mut kernel);
    let failures: Vec<_> = notes.iter().map(ToString::to_string).filter(|l| l.contains("fails")).collect();
    assert_eq!(failures, [""; 0]);
    check_nothing_is_left(&kernel);
}

/// A guest that boots again, without having shut down, finds an SMMU that works.
#[test]
fn a_guest_boots_again() {
    let mut kernel = Kernel::boot(&machine(&[])).expect("the machine boots");
    let mut vm = Vm::boot(&mut kernel, &[FIRST]);
    let domain = vm.attach_new(&mut kernel, STREAM);
    vm.map(&mut kernel, domain, 0x5000, b"old");
    assert!(vm.read(&mut kernel, STREAM, 0x5000, 3).is_some());
    let setup = GuestSetup::new(vec![GuestSetup::device(STREAM)]);
    vm.guest = Guest::boot(&mut kernel, &mut vm.vmm, &setup).expect("it boots");
    assert_eq!(vm.read(&mut kernel, STREAM, 0x5000, 3), None);
    let domain = vm.attach_new(&mut kernel, STREAM);
    vm.map(&mut kernel, domain, 0x5000, b"new");
    assert_eq!(vm.read(&mut kernel, STREAM, 0x5000, 3), Some(b"new".to_vec()));
}

/// Out of reset the tables count no more, and what the guest had is still in memory.
#[test]
fn a_machine_can_be_reset() {
    let mut kernel = Kernel::boot(&machine(&[])).expect("the machine boots");
    let mut vm = Vm::boot(&mut kernel, &[FIRST]);
    let domain = vm.attach_new(&mut kernel, STREAM);
    let page = vm.map(&mut kernel, domain, 0x5000, b"old");
    vm.vmm.reset(&mut kernel).expect("the kernel goes along");
    assert_eq!(vm.read(&mut kernel, STREAM, 0x5000, 3), None, "stage 2 has nothing there");
    assert_eq!(vm.read(&mut kernel, STREAM, page, 3), Some(b"old".to_vec()));
    let setup = GuestSetup::new(vec![GuestSetup::device(STREAM)]);
    vm.guest = Guest::boot(&mut kernel, &mut vm.vmm, &setup).expect("it boots");
    assert_eq!(vm.read(&mut kernel, STREAM, page, 3), None, "it is in a domain");
}

/// Each refusal names the call, the error and what for; nothing is left of the attempt.
#[test]
fn what_cannot_be_set_up_is_said() {
    let refused = |step, call, errno| VmmError::Refused { step, call, errno };
    let window = Ram { ipa: 0x0800_0000, bytes: 1 << 20 };
    let accelerated = VmmSetup::accelerated(&[FIRST]);
    let over_window = VmmSetup { ram: vec![window], ..accelerated.clone() };
    let twice = VmmSetup { ram: vec![Ram::DEFAULT, Ram::DEFAULT], ..accelerated.clone() };
    let odd = VmmSetup { ram: vec![Ram { ipa: 0, bytes: 100 }], ..accelerated.clone() };
    let no_events = VmmSetup { event_depth: 0, ..accelerated.clone() };
    let absent = VmmSetup::accelerated(&[GuestDevice { stream: 1, vfio: 99 }]);
    let same = VmmSetup::accelerated(&[FIRST, SECOND]);
    let nesting = [("IDR0.S1P", 1), ("IDR0.S2P", 0), ("IDR3.XNX", 0)];
    for (fields, setup, expected) in [
        (&[][..], &over_window, refused(Step::Attach(STREAM), Call::Attach, Errno::EADDRINUSE)),
        (&[], &twice, refused(Step::Map, Call::IoasMap, Errno::EEXIST)),
        (&[], &odd, refused(Step::Memory, Call::Mmap, Errno::EINVAL)),
        (&[], &no_events, refused(Step::EventQueue, Call::VeventqAlloc, Errno::EINVAL)),
        (&[], &absent, refused(Step::Bind(1), Call::Open, Errno::ENOENT)),
        (&[], &same, VmmError::StreamTwice(STREAM)),
        (&[], &VmmSetup::accelerated(&[]), VmmError::NoDevice),
        (&nesting, &accelerated, refused(Step::NestParent, Call::HwptAlloc, Errno::EOPNOTSUPP)),
    ] {
        let mut kernel = Kernel::boot(&machine(fields)).expect("the machine boots");
        let started = Vm::try_boot(&mut kernel, setup, |offer| offer).map(|_vm| ());
        assert_eq!(started, Err(expected));
        check_nothing_is_left(&kernel);
    }
}

#[test]
fn no_guest_is_shown_what_no_smmu_can_be() {
    let mut kernel = Kernel::boot(&machine(&[])).expect("the machine boots");
    // No stage, and a reserved format.
    let nothing = |offer: Offer| Offer { idr: [0; 6], ..offer };
    let error = Vm::try_boot(&mut kernel, &VmmSetup::accelerated(&[FIRST]), nothing).map(|_vm| ());
    let error = error.expect_err("it is no SMMU").to_string();
    assert!(error.starts_with("no SMMU has what the guest is to be shown: V01"), "{error}");
    check_nothing_is_left(&kernel);
    let probed = Vmm::probe(&mut kernel, &VmmSetup::accelerated(&[FIRST])).expect("it can be probed");
    probed.kill(&mut kernel);
    check_nothing_is_left(&kernel);
}

#[test]
fn an_emulated_machine_needs_no_device_of_the_host() {
    let mut kernel = Kernel::boot(&machine(&[])).expect("the machine boots");
    let mut vm = Vm::try_boot(&mut kernel, &VmmSetup::emulated(&[FIRST]), |offer| offer).expect("it boots");
    assert_eq!((vm.vmm.mode(), kernel.contexts().count()), (Mode::Emulated, 0));
    let moved = GuestDevice { stream: OTHER_STREAM, vfio: 0 };
    vm.vmm.plug(&mut kernel, moved).expect("it is new");
    let again = vm.vmm.plug(&mut kernel, moved).map(|_reply| ());
    assert_eq!(again, Err(VmmError::StreamTwice(OTHER_STREAM)));
    vm.vmm.unplug(&mut kernel, OTHER_STREAM).expect("it is there");
    let gone = vm.vmm.unplug(&mut kernel, OTHER_STREAM);
    assert_eq!(gone, Err(VmmError::StreamUnknown(OTHER_STREAM)));
    vm.vmm.stop(&mut kernel);
    check_nothing_is_left(&kernel);
}
