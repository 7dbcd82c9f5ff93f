//! Address spaces by PASID, ATS, and processors of the guest that change tables by themselves.

use smmu_model::ids::{Asid, Vmid};
use smmu_model::outcome::Outcome;
use smmu_sim::driver::{AllocFlags, DomainId, Target};
use smmu_sim::guest::{Guest, GuestSetup};
use smmu_sim::kernel::generation::{FLAG_VBTM, Generation};
use smmu_sim::kernel::kvm::GuestTlbi;
use smmu_sim::kernel::{Direction, Kernel, Setup};
use smmu_sim::vmm::{Call, GuestDevice, Note, Offer, Vmm, VmmError, VmmSetup};

use super::rig::*;

const DEVICE: GuestDevice = GuestDevice { stream: STREAM, vfio: 0 };
const PASIDS: [(&str, u64); 2] = [("IDR1.SSIDSIZE", 10), ("IDR0.CD2L", 1)];

/// A domain for PASIDs with a page at 0x5000 that holds `text`.
fn space(kernel: &mut Kernel, vm: &mut Vm, text: &[u8]) -> DomainId {
    let flags = AllocFlags { pasid: true, ..Default::default() };
    let domain = vm.guest.new_domain(kernel, &mut vm.vmm, flags).expect("there is memory");
    vm.map(kernel, domain, 0x5000, text);
    domain
}

fn attach(kernel: &mut Kernel, vm: &mut Vm, pasid: u32, domain: DomainId) {
    let target = Target::Domain { domain, handles_faults: false };
    vm.guest.attach(kernel, &mut vm.vmm, (STREAM, pasid), target).expect("it can be attached");
}

/// What a PASID of the device reads at 0x5000.
fn read(kernel: &mut Kernel, vm: &mut Vm, pasid: Option<u32>) -> Option<Vec<u8>> {
    let outcomes = vm.vmm.dma(kernel, STREAM, pasid, Direction::Read, 0x5000, 3).expect("it is there");
    let is_done = outcomes.iter().all(|outcome| matches!(outcome, Outcome::Done(_)));
    is_done.then(|| vm.vmm.buffer(kernel, STREAM).expect("it is there")[..3].to_vec())
}

#[test]
fn every_pasid_has_an_address_space() {
    let mut kernel = Kernel::boot(&machine(&PASIDS)).expect("the machine boots");
    let mut vm = Vm::boot(&mut kernel, &[DEVICE]);
    let (one, two) = (space(&mut kernel, &mut vm, b"one"), space(&mut kernel, &mut vm, b"two"));
    attach(&mut kernel, &mut vm, 1, one);
    attach(&mut kernel, &mut vm, 2, two);
    let found = [None, Some(1), Some(2), Some(3)].map(|pasid| read(&mut kernel, &mut vm, pasid));
    assert_eq!(found, [None, Some(b"one".to_vec()), Some(b"two".to_vec()), None]);
    // C_BAD_CD of PASID 3 has its name: SSV, and SubstreamID in [31:12].
    let reports = vm.guest.interrupts(&mut kernel, &mut vm.vmm);
    let word0 = 0x0a | 1 << 11 | 3 << 12 | u64::from(STREAM) << 32;
    assert!(format!("{reports:?}").contains(&format!("{word0}")), "{reports:?}");
    // One for the other, while the first stays.
    attach(&mut kernel, &mut vm, 1, two);
    assert_eq!(read(&mut kernel, &mut vm, Some(1)), Some(b"two".to_vec()));
    vm.guest.unmap(&mut kernel, &mut vm.vmm, two, 0x5000, PAGE);
    assert_eq!([Some(1), Some(2)].map(|pasid| read(&mut kernel, &mut vm, pasid)), [None, None]);
    let detach = Target::Blocked;
    vm.guest.attach(&mut kernel, &mut vm.vmm, (STREAM, 1), detach).expect("it can be detached");
    vm.vmm.stop(&mut kernel);
    check_nothing_is_left(&kernel);
}

/// ATS of the guest: EATS is passed on, and with each unmap an ATC_INV.
#[test]
fn ats_is_the_devices_and_the_guests() {
    let mut kernel = Kernel::boot(&machine(&[("IDR0.ATS", 1)])).expect("the machine boots");
    let setup = VmmSetup::accelerated(&[GuestDevice { stream: STREAM, vfio: 1 }]);
    let probed = Vmm::probe(&mut kernel, &setup).expect("it can be probed");
    const ATS_NOT_SUPPORTED: u64 = 1 << 3;
    assert_eq!(probed.replies()[0].reply.info.out_capabilities & ATS_NOT_SUPPORTED, 0);
    let offer = Offer::baseline(probed.hardware().expect("there is an SMMU")).with_ats();
    let mut vmm = probed.start(&mut kernel, offer).expect("it can be started");
    let mut device = GuestSetup::device(STREAM);
    device.ats = true;
    let guest = Guest::boot(&mut kernel, &mut vmm, &GuestSetup::new(vec![device])).expect("it boots");
    let mut vm = Vm { vmm, guest };
    let domain = vm.attach_new(&mut kernel, STREAM);
    vm.map(&mut kernel, domain, 0x5000, b"ats");
    assert!(vm.lines().iter().any(|line| line.contains("goes by nested") && line.ends_with("100000d6")));
    vm.guest.unmap(&mut kernel, &mut vm.vmm, domain, 0x5000, PAGE);
    let lines = vm.lines();
    let gathered = "command ATC_INV 0x1000000040 0x5000: gathered";
    assert!(lines.iter().any(|line| line == gathered), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("fails")), "{lines:?}");
}

/// A machine whose kernel lets guests broadcast, which no Linux does, or does not.
fn broadcasting(vbtm: bool) -> (Kernel, Result<Vm, VmmError>) {
    let fields = [PASIDS[0], PASIDS[1], ("IDR0.BTM", 1)];
    let generation = Generation { vbtm, ..Default::default() };
    let setup = Setup { generation, first_kvm_vmid: Vmid(9), ..machine(&fields) };
    let mut kernel = Kernel::boot(&setup).expect("the machine boots");
    let booted = boot_broadcasting(&mut kernel);
    (kernel, booted)
}

fn boot_broadcasting(kernel: &mut Kernel) -> Result<Vm, VmmError> {
    const BTM: u32 = 1 << 5;
    let probed = Vmm::probe(kernel, &VmmSetup::accelerated(&[DEVICE]))?;
    let mut offer = Offer::baseline(probed.hardware().expect("there is an SMMU"));
    offer.idr[0] |= BTM;
    offer.viommu_flags = FLAG_VBTM;
    let mut vmm = probed.start(kernel, offer)?;
    let mut device = GuestSetup::device(STREAM);
    device.pasid_bits = 4;
    let mut setup = GuestSetup::new(vec![device]);
    setup.host.listens_to_broadcasts = true;
    let guest = Guest::boot(kernel, &mut vmm, &setup).expect("it boots");
    Ok(Vm { vmm, guest })
}

#[test]
fn a_process_of_the_guest_broadcasts_where_the_kernel_lets_it() {
    let (mut kernel, vm) = broadcasting(true);
    let mut vm = vm.expect("the kernel has the flag");
    let domain = space(&mut kernel, &mut vm, b"one");
    let asid = vm.guest.share(domain).expect("the SMMU listens");
    let asid = Asid(u16::try_from(asid).expect("it is an ASID"));
    attach(&mut kernel, &mut vm, 1, domain);
    assert_eq!(read(&mut kernel, &mut vm, Some(1)), Some(b"one".to_vec()));
    let before = vm.guest.forget_page(&mut kernel, &mut vm.vmm, domain, 0x5000);
    assert!(before.is_some());
    // The TLB still has it, also after a TLBI for another address space.
    let other = GuestTlbi::Va(Asid(asid.0 + 1), 0x5000);
    vm.guest.tlbi(&mut kernel, &vm.vmm, other).expect("it is a virtual machine");
    assert_eq!(read(&mut kernel, &mut vm, Some(1)), Some(b"one".to_vec()));
    vm.vmm.take_notes();
    vm.guest.tlbi(&mut kernel, &vm.vmm, GuestTlbi::Va(asid, 0x5000)).expect("it is a virtual machine");
    assert_eq!(read(&mut kernel, &mut vm, Some(1)), None);
    assert_eq!(vm.lines(), [""; 0], "nothing of it traps");
}

#[test]
fn linux_refuses_to_let_guests_broadcast() {
    let (kernel, vm) = broadcasting(false);
    let error = vm.map(|_vm| ()).expect_err("Linux has no flags");
    assert!(matches!(error, VmmError::Refused { call: Call::ViommuAlloc, .. }), "{error}");
    let text = "refused by the kernel at IOMMU_VIOMMU_ALLOC, EOPNOTSUPP, allocating the vIOMMU";
    assert_eq!(error.to_string(), text);
    check_nothing_is_left(&kernel);
}

/// On Linux a TLBI of a processor does not reach the SMMU: a stale translation stays, until the driver sends a command.
#[test]
fn on_linux_a_broadcast_is_not_heard() {
    let mut kernel = Kernel::boot(&machine(&[("IDR0.BTM", 1)])).expect("the machine boots");
    let mut vm = Vm::boot(&mut kernel, &[DEVICE]);
    let domain = vm.attach_new(&mut kernel, STREAM);
    vm.map(&mut kernel, domain, 0x5000, b"old");
    assert_eq!(vm.read(&mut kernel, STREAM, 0x5000, 3).as_deref(), Some(&b"old"[..]));
    vm.guest.forget_page(&mut kernel, &mut vm.vmm, domain, 0x5000).expect("it is mapped");
    vm.guest.tlbi(&mut kernel, &vm.vmm, GuestTlbi::All).expect("it is a virtual machine");
    assert_eq!(vm.read(&mut kernel, STREAM, 0x5000, 3).as_deref(), Some(&b"old"[..]));
    let is_command = |note: &Note| matches!(note, Note::Command { .. });
    vm.vmm.take_notes();
    assert_eq!(vm.guest.share(domain), None);
    assert!(!vm.vmm.take_notes().iter().any(is_command));
}
