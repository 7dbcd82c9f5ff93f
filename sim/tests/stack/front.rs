//! The registers and queues that a guest sees (IHI 0070 chapters 4, 6 and 7).

use smmu_sim::kernel::Kernel;
use smmu_sim::vmm::{GuestDevice, Installed, Offer, Regime};

use super::bare::*;
use super::rig::*;

const CMDQ_ERR: u64 = 1 << 0;
const EVENTQ_ABT_ERR: u64 = 1 << 2;
const ILL: u64 = 1;
const ABT: u64 = 2;

#[test]
fn id_registers_are_what_was_offered_to_the_bit() {
    let offer = Offer { iidr: 0x1234_5678, aidr: 0x03, ..Offer::baseline(&Default::default()) };
    let strange = |known: Offer| Offer { idr: known.idr, ..offer };
    let mut bare = Bare::reset(&[], strange);
    let shown = [0x00, 0x04, 0x08, 0x0c, 0x10, 0x14, 0x18, 0x1c].map(|offset| bare.read(offset));
    assert_eq!(shown, [0x0d40_101a, 0x0273_0010, 0, 0x1400, 0, 0x74, 0x1234_5678, 0x03]);
    bare.write(0x00, 0);
    assert_eq!(bare.read(0x00), 0x0d40_101a);
    // What stands against it is said, and the guest is shown it all the same.
    let unlawful: Vec<_> = bare.lines().into_iter().filter(|line| line.starts_with("unlawful")).collect();
    assert!(unlawful.iter().any(|line| line.contains("V36")), "{unlawful:?}");
}

#[test]
fn devices_go_by_gbpa_until_the_tables_count() {
    let mut bare = Bare::reset(&[], |offer| offer);
    assert_eq!(bare.vmm.installed(STREAM), Some(Installed::Bypass));
    // ABORT without Update changes nothing; with it, at once.
    bare.write(GBPA, 1 << 20);
    assert_eq!(bare.vmm.installed(STREAM), Some(Installed::Bypass));
    bare.write(GBPA, 1 << 31 | 1 << 20);
    assert_eq!((bare.read(GBPA), bare.vmm.installed(STREAM)), (1 << 20, Some(Installed::Abort)));
    bare.write(GBPA, 1 << 31);
    assert_eq!(bare.vmm.installed(STREAM), Some(Installed::Bypass));
    bare.store(TABLE + u64::from(STREAM) * 64, &[1, 0]);
    bare.write64(STRTAB_BASE, TABLE);
    bare.write(STRTAB_BASE_CFG, 10);
    bare.write(CR0, 1);
    assert_eq!(bare.vmm.installed(STREAM), Some(Installed::Abort));
    // STRTAB_BASE is guarded by SMMUEN.
    bare.write64(STRTAB_BASE, 0);
    assert_eq!(bare.read(STRTAB_BASE), TABLE);
    bare.write(CR0, 0);
    assert_eq!(bare.vmm.installed(STREAM), Some(Installed::Bypass));
    let regimes = [Regime::Bypass, Regime::Abort, Regime::Bypass, Regime::Tables, Regime::Bypass];
    let seen: Vec<_> = bare.lines().into_iter().filter(|line| line.starts_with("devices go by")).collect();
    assert_eq!(seen, regimes.map(|regime| format!("devices go by {regime}")));
}

/// The queue stops at the command, and goes on once the guest has replaced it and acknowledged the error.
#[test]
fn an_illegal_command_stops_the_queue() {
    // What no SMMU has, what this one has not (stage 2, EL2, ATS), and a range that is reserved.
    for command in [[0xff, 0], [0x28, 0], [0x20, 0], [0x40, 0], [0x12, 0x400]] {
        let mut bare = Bare::enabled();
        bare.issue(&[SYNC, command, SYNC]);
        assert_eq!((bare.cons(), bare.errors()), ((1, ILL), CMDQ_ERR), "{command:x?}");
        bare.store(COMMANDS + 16, &SYNC);
        bare.acknowledge();
        assert_eq!((bare.cons().0, bare.errors()), (3, 0), "{command:x?}");
    }
}

/// What the guest was promised and the kernel does not take stops the queue too, before anything is passed on.
#[test]
fn a_command_that_cannot_be_carried_out_stops_the_queue() {
    // Stage 2 and EL2, which no guest of Linux can have; range invalidation, which this hardware has not.
    let promise = |mut offer: Offer| {
        offer.idr[0] |= 1 << 9 | 1;
        offer.idr[3] |= 1 << 10 | 1 << 2 | 1 << 4;
        offer.aidr = 1;
        offer
    };
    let mut bare = Bare::enabled_on(&[("IDR3.RIL", 0), ("IDR3.BBML", 0)], promise);
    bare.lines();
    bare.issue(&[[0x30, 0], [0x20, 0], SYNC]);
    assert_eq!((bare.cons(), bare.errors()), ((1, ILL), CMDQ_ERR));
    bare.store(COMMANDS + 16, &[0x0001_0000_0000_0012, 0x1_2500]);
    bare.acknowledge();
    assert_eq!((bare.cons(), bare.errors()), ((1, ILL), CMDQ_ERR));
    bare.store(COMMANDS + 16, &[0x0001_0000_0000_0012, 0x1_2000]);
    bare.acknowledge();
    assert_eq!((bare.cons().0, bare.errors()), (3, 0));
    let expected = [
        "command TLBI_NSNH_ALL 0x30 0x0: gathered",
        "command TLBI_EL2_ALL 0x20 0x0: refused, the kernel takes no such command",
        "the command queue stops: CERROR_ILL",
        "command TLBI_NH_VA 0x1000000000012 0x12500: refused, the hardware has no range invalidation",
        "the command queue stops: CERROR_ILL",
        "command TLBI_NH_VA 0x1000000000012 0x12000: gathered",
        "IOMMU_HWPT_INVALIDATE(5) = 2",
        "command SYNC 0x46 0x0: served",
    ];
    assert_eq!(bare.lines(), expected);
}

/// Commands with bits that mean nothing are passed on without them: the kernel would count them, and do nothing.
#[test]
fn stray_bits_do_not_reach_the_kernel() {
    let mut bare = Bare::enabled();
    bare.lines();
    let stream = u64::from(STREAM) << 32;
    bare.issue(&[[0x0007_0000_0000_0010, 0x10], [0x05 | stream | 1 << 11, 3], [0x06 | 0x999 << 32, 0], SYNC]);
    assert_eq!(bare.errors(), 0);
    let lines = bare.lines();
    assert!(lines.contains(&"IOMMU_HWPT_INVALIDATE(5) = 2".to_owned()), "{lines:?}");
    assert!(lines.contains(&"command CFGI_CD_ALL 0x99900000006 0x0: no such device".to_owned()), "{lines:?}");
}

/// What the monitor could not know to be wrong is left out, and the rest passed on in spite of the kernel, which counts
/// commands that it has not issued. The CMD_SYNC says that something was wrong.
#[test]
fn what_the_kernel_refuses_takes_nothing_else_with_it() {
    let mut bare = Bare::enabled_on(&[], Offer::with_ats);
    bare.lines();
    let atc_inv = [0x40 | u64::from(STREAM) << 32, 52];
    bare.issue(&[[0x10, 0], [0x11, 0], atc_inv, [0x30, 0], SYNC]);
    assert_eq!((bare.cons(), bare.errors()), ((4, ILL), CMDQ_ERR));
    let calls: Vec<_> = bare.lines().into_iter().filter(|line| line.starts_with("IOMMU")).collect();
    let expected = [
        "IOMMU_HWPT_INVALIDATE(5) fails: EIO",
        "IOMMU_HWPT_INVALIDATE(5) = 2",
        "IOMMU_HWPT_INVALIDATE(5) = 1",
    ];
    assert_eq!(calls, expected);
    bare.acknowledge();
    assert_eq!((bare.cons().0, bare.errors()), (5, 0));
}

/// An SMMU of which the kernel says so gets everything twice (ERRATA_REPEAT_TLBI_CFGI).
#[test]
fn an_erratum_doubles_what_is_passed_on() {
    let mut setup = machine(&[]);
    setup.smmus[0].firmware.repeat_invalidations = true;
    let mut kernel = Kernel::boot(&setup).expect("the machine boots");
    let mut vm = Vm::boot(&mut kernel, &[GuestDevice { stream: STREAM, vfio: 0 }]);
    let calls = vm.lines().into_iter().filter(|line| line == "IOMMU_HWPT_INVALIDATE(4) = 1").count();
    // TLBI_NSNH_ALL, and CFGI_CD at each of two stores.
    assert_eq!(calls, 2 * 3);
}

#[test]
fn more_commands_than_one_call_takes_are_passed_on_in_several() {
    let mut bare = Bare::reset(&[], |offer| offer);
    bare.write64(CMDQ_BASE, (RAM + 0x10_0000) | 12);
    bare.write(CR0, 8);
    for index in 0..3000 {
        bare.store(RAM + 0x10_0000 + index * 16, &[0x10, 0]);
    }
    bare.store(RAM + 0x10_0000 + 3000 * 16, &SYNC);
    bare.lines();
    bare.write(CMDQ_PROD, 3001);
    assert_eq!(bare.cons(), (3001, 0));
    let calls: Vec<_> = bare.lines().into_iter().filter(|line| line.starts_with("IOMMU")).collect();
    let counts = [1024, 1024, 952];
    assert_eq!(calls, counts.map(|count| format!("IOMMU_HWPT_INVALIDATE(5) = {count}")));
}

#[test]
fn queues_that_are_not_in_memory_abort() {
    let mut bare = Bare::reset(&[], |offer| offer);
    bare.write64(CMDQ_BASE, 0x1000_0000 | 6);
    bare.write64(EVENTQ_BASE, 0x1000_0000 | 3);
    bare.write(CR0, 0xc);
    bare.write(CMDQ_PROD, 1);
    assert_eq!((bare.cons(), bare.errors()), ((0, ABT), CMDQ_ERR));
    let mut bare = Bare::enabled();
    bare.write(CR0, 0x9);
    bare.write64(EVENTQ_BASE, 0x1000_0000 | 3);
    bare.write(CR0, ENABLED);
    // An STE that the kernel does not take makes an event.
    bare.install(STREAM, [1 | 0b110 << 1, 0]);
    assert_eq!(bare.errors(), EVENTQ_ABT_ERR);
    bare.acknowledge();
    assert_eq!(bare.errors(), 0);
}

#[test]
fn an_event_queue_that_is_full_says_so_once() {
    let mut bare = Bare::enabled();
    for index in 0..10 {
        // Not twice the same, which would be no news.
        bare.install(STREAM, [1 | 0b110 << 1, index & 1]);
        bare.install(STREAM, [1, 0]);
    }
    const OVERFLOW: u64 = 1 << 31;
    assert_eq!((bare.read(EVENTQ_PROD), bare.read(EVENTQ_CONS)), (OVERFLOW | 8, 0));
    bare.write(EVENTQ_CONS, OVERFLOW | 8);
    bare.install(STREAM, [1 | 0b110 << 1, 0]);
    assert_eq!(bare.read(EVENTQ_PROD), OVERFLOW | 9);
}

/// Whatever lies at an offset, page 0 and page 1 answer in both widths.
#[test]
fn every_offset_answers() {
    let mut bare = Bare::enabled();
    for offset in (0..0x2_0000).step_by(4) {
        bare.vmm.mmio_read(&mut bare.kernel, offset, 4).expect("it answers");
        bare.vmm.mmio_read(&mut bare.kernel, offset, 8).expect("it answers");
    }
    let Bare { mut kernel, vmm, .. } = bare;
    vmm.stop(&mut kernel);
    check(&kernel);
}

fn check(kernel: &Kernel) {
    check_nothing_is_left(kernel);
}
