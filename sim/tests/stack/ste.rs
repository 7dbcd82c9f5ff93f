//! STEs of the guest, on their way to the hardware (IHI 0070 §3.3.1, §5.2).

use smmu_model::features::Preset;
use smmu_sim::errno::Errno;
use smmu_sim::kernel::generation::{Generation, Reports};
use smmu_sim::kernel::{Direction, Setup};
use smmu_sim::vmm::{Installed, NoSte, Offer, Stalls, VmmSetup};

use super::bare::*;
use super::rig::*;

const V: u64 = 1;
const STAGE1: u64 = 0b101 << 1;
const STAGE2: u64 = 0b110 << 1;
const BYPASS: u64 = 0b100 << 1;
/// A CD table at 1 GiB and 256 KiB, of one CD.
const ROOT: u64 = 0x4004_0000;

/// The nested STE that a device goes by.
fn nested(bare: &Bare, stream: u32) -> Option<[u64; 2]> {
    match bare.vmm.installed(stream) {
        Some(Installed::Nested { words, .. }) => Some(words),
        Some(Installed::Abort | Installed::NoSte(_) | Installed::Refused(_) | Installed::Bypass) | None => {
            None
        }
    }
}

#[test]
fn an_ste_counts_once_the_guest_says_that_it_has_changed() {
    let mut bare = Bare::enabled();
    bare.install(STREAM, [V | BYPASS, 0]);
    assert_eq!(bare.vmm.installed(STREAM), Some(Installed::Bypass));
    bare.store(TABLE + u64::from(STREAM) * 64, &[V | STAGE1 | ROOT]);
    // About another device, and about another STE.
    bare.issue(&[[0x03 | u64::from(OTHER_STREAM) << 32, 1], [0x03 | 0x11 << 32, 1], SYNC]);
    assert_eq!(bare.vmm.installed(STREAM), Some(Installed::Bypass));
    // A range of 16 STEs, of which this one is the last but one, then of 32.
    bare.issue(&[[0x04, 3], SYNC]);
    assert_eq!(bare.vmm.installed(STREAM), Some(Installed::Bypass));
    bare.issue(&[[0x04, 4], SYNC]);
    assert_eq!(nested(&bare, STREAM), Some([V | STAGE1 | ROOT, 0]));
    bare.store(TABLE + u64::from(OTHER_STREAM) * 64, &[V | STAGE1 | ROOT, 0xd6]);
    bare.issue(&[CFGI_ALL, SYNC]);
    assert_eq!(nested(&bare, OTHER_STREAM), Some([V | STAGE1 | ROOT, 0xd6]));
}

#[test]
fn what_the_kernel_refuses_is_an_abort_and_an_event() {
    let mut bare = Bare::enabled();
    let bad_ste = 0x04 | u64::from(STREAM) << 32;
    // Stage 2, both stages, reserved kinds; split-stage ATS.
    for word in [V | STAGE2, V | 0b111 << 1, V | 0b001 << 1] {
        bare.install(STREAM, [word, 0]);
        assert_eq!(bare.vmm.installed(STREAM), Some(Installed::Refused(Errno::EIO)), "{word:#x}");
        bare.install(STREAM, [V, 0]);
    }
    bare.install(STREAM, [V | STAGE1 | ROOT, 2 << 28]);
    assert_eq!(bare.vmm.installed(STREAM), Some(Installed::Refused(Errno::EIO)));
    assert_eq!(bare.events(), [[bad_ste, 0]; 4]);
    assert_eq!(bare.errors(), 0, "the command itself is well");
    let outcomes = bare.vmm.dma(&mut bare.kernel, STREAM, None, Direction::Read, 0x1000, 4);
    assert!(matches!(outcomes.as_deref(), Ok([smmu_model::outcome::Outcome::Abort(_)])), "{outcomes:?}");
}

/// Without V, and without an STE, a device aborts; no event says so, as hardware would only record one per access.
#[test]
fn no_ste_is_an_abort() {
    let mut bare = Bare::enabled();
    bare.install(STREAM, [V | BYPASS, 0]);
    bare.install(STREAM, [STAGE1 | ROOT, 0]);
    assert_eq!(bare.vmm.installed(STREAM), Some(Installed::Abort));
    // 512 STEs: the second device has none.
    bare.install(OTHER_STREAM, [V | BYPASS, 0]);
    bare.write(CR0, 0xc);
    bare.write(STRTAB_BASE_CFG, 9);
    bare.write(CR0, ENABLED);
    assert_eq!(bare.vmm.installed(OTHER_STREAM), Some(Installed::NoSte(NoSte::Beyond)));
    bare.write(CR0, 0xc);
    bare.write64(STRTAB_BASE, 0x1000_0000);
    bare.write(CR0, ENABLED);
    assert_eq!(bare.vmm.installed(STREAM), Some(Installed::NoSte(NoSte::Aborted)));
    assert_eq!(bare.events(), [[0; 2]; 0]);
}

/// Two levels: descriptors of 8 bytes, each for 256 STEs; stream 0x208 is the ninth of the third leaf.
#[test]
fn tables_of_two_levels_are_walked() {
    const LEAF: u64 = RAM + 0x8_0000;
    let mut bare = Bare::enabled();
    bare.write(CR0, 0xc);
    bare.write(STRTAB_BASE_CFG, 1 << 16 | 8 << 6 | 10);
    bare.store(LEAF + 8 * 64, &[V | BYPASS]);
    bare.write(CR0, ENABLED);
    assert_eq!(bare.vmm.installed(OTHER_STREAM), Some(Installed::NoSte(NoSte::Beyond)));
    for (descriptor, expected) in [
        // Span 0; 2^8 STEs; 2^3, of which this is none; 2^4, of which it is; reserved.
        (LEAF, Installed::NoSte(NoSte::Beyond)),
        (LEAF | 9, Installed::Bypass),
        (LEAF | 4, Installed::NoSte(NoSte::Beyond)),
        (LEAF | 5, Installed::Bypass),
        (LEAF | 12, Installed::NoSte(NoSte::Beyond)),
        (0x1000_0000 | 9, Installed::NoSte(NoSte::Aborted)),
    ] {
        bare.store(TABLE + 2 * 8, &[descriptor]);
        bare.issue(&[[0x03 | u64::from(OTHER_STREAM) << 32, 0], SYNC]);
        assert_eq!(bare.vmm.installed(OTHER_STREAM), Some(expected), "{descriptor:#x}");
    }
}

#[test]
fn bits_that_the_kernel_does_not_take_are_left_out() {
    let mut bare = Bare::enabled();
    bare.lines();
    // MEV, STRW and SHCFG.
    let stray = 1 << 19 | 2 << 30 | 1 << 44;
    bare.install(STREAM, [V | STAGE1 | ROOT, 0xd6 | stray]);
    assert_eq!(nested(&bare, STREAM), Some([V | STAGE1 | ROOT, 0xd6]));
    let line = "bits of the STE of 0x10 are left out: 0x0 0x100080080000";
    assert!(bare.lines().iter().any(|found| found == line));
}

/// The same STE again is no new HWPT, but CDs that were reached through it must go (§4.3.1).
#[test]
fn an_ste_that_has_not_changed_has_its_cds_forgotten() {
    let mut bare = Bare::enabled();
    bare.install(STREAM, [V | STAGE1 | ROOT, 0xd6]);
    let before = bare.vmm.installed(STREAM);
    bare.lines();
    bare.install(STREAM, [V | STAGE1 | ROOT, 0xd6]);
    assert_eq!(bare.vmm.installed(STREAM), before);
    let expected = [
        "command CFGI_STE 0x1000000003 0x1: served",
        "IOMMU_HWPT_INVALIDATE(5) = 1",
        "device 0x10 goes by what it went by",
        "command SYNC 0x46 0x0: served",
    ];
    assert_eq!(bare.lines(), expected);
}

/// Stalls that nobody would answer are denied: a CD that stalls is then illegal. The guest must not be believed.
#[test]
fn stalls_are_denied_whatever_the_guest_says() {
    const S1STALLD: u64 = 1 << 27;
    const STAGE1_STE: [u64; 2] = [V | STAGE1 | ROOT, 0xd6];
    let both_models = [("IDR0.STALL_MODEL", 0)];
    let hidden = |mut offer: Offer| {
        offer.idr[0] |= 1 << 24;
        offer
    };
    let answered = Stalls::Answered([OTHER_STREAM].into());
    for (fields, stalls, is_hidden, expected) in [
        (&both_models[..], Stalls::Denied, false, 0xd6 | S1STALLD),
        (&both_models, Stalls::Unanswered, false, 0xd6),
        // An SMMU that is shown not to stall does not.
        (&both_models, Stalls::Unanswered, true, 0xd6 | S1STALLD),
        // The other device's are answered.
        (&both_models, answered, false, 0xd6 | S1STALLD),
        // The hardware cannot stall, and knows no S1STALLD.
        (&[], Stalls::Denied, false, 0xd6),
    ] {
        let change = |offer| if is_hidden { hidden(offer) } else { offer };
        let setup = |setup| VmmSetup { stalls: stalls.clone(), ..setup };
        let mut bare = Bare::enabled_with(fields, setup, change);
        bare.install(STREAM, STAGE1_STE);
        assert_eq!(nested(&bare, STREAM), Some([STAGE1_STE[0], expected]), "{stalls:?}");
    }
}

/// A kernel that says nothing of its hardware: what STEs deny could be an error there.
#[test]
fn hardware_of_which_nothing_is_known_gets_what_the_guest_says() {
    let shown = |_nothing: Offer| Offer::from_ids(&Preset::Qemu11_1.id_registers());
    let generation = Generation { reports: Reports::Nothing, ..Default::default() };
    let mut bare = Bare::enabled_as(&Setup { generation, ..machine(&[]) }, |setup| setup, shown);
    bare.install(STREAM, [V | STAGE1 | ROOT, 0xd6]);
    assert_eq!(nested(&bare, STREAM), Some([V | STAGE1 | ROOT, 0xd6]));
}
