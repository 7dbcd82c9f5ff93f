//! The commands of boots, attachments and unmaps on hardware of many kinds, put together by hand from IHI 0070
//! chapter 4 for the order in which Linux 7.3 writes them.

use super::rig::{Rig, SYNC, on, qemu_with};
use super::*;
use crate::driver::command::Command;

const ATS: (&str, u64) = ("IDR0.ATS", 1);
const NO_RANGES: (&str, u64) = ("IDR3.RIL", 0);
const PAGE: u64 = 0x1000;
const BLOCK: u64 = 0x20_0000;

const CFGI_STE: Command = [0x80_0000_0003, 1];
const PREFETCH: Command = [0x80_0000_0001, 0];
const ATC_INV_ALL: Command = [0x80_0000_0040, 52];

const fn cfgi_cd(ssid: u64) -> Command {
    [0x80_0000_0005 | ssid << 12, 1]
}

/// Each command with a CMD_SYNC of its own.
fn synced(commands: &[Command]) -> Vec<Command> {
    commands.iter().flat_map(|command| [*command, SYNC]).collect()
}

/// A device with ATS and PASIDs on an SMMU with both.
fn with_ats(fields: &[(&str, u64)]) -> Rig {
    let device = DeviceDescription { ats: true, pasid_bits: 4, ..device(&[STREAM]) };
    Rig::with_device(qemu_with(&[fields, &[ATS, ("IDR1.SSIDSIZE", 5)]].concat()), &device)
}

#[test]
fn what_is_enabled_depends_on_the_hardware() {
    let vhe = Host { vhe: true, ..Host::default() };
    let firmware = Firmware::default();
    for (fields, host, cr0, cr2, irq_ctrl) in [
        (&[ATS][..], Host::default(), &[0, 0x8, 0xc, 0x1c, 0x1d][..], 6, 5),
        (&[("IDR0.PRI", 1), ATS], Host::default(), &[0, 0x8, 0xc, 0xe, 0x1e, 0x1f], 6, 7),
        (&[("IDR0.HYP", 1)], Host::default(), &[0, 0x8, 0xc, 0xd], 6, 5),
        (&[("IDR0.HYP", 1)], vhe, &[0, 0x8, 0xc, 0xd], 7, 5),
    ] {
        let mut rig = Rig::new(qemu_with(fields), firmware, host, &device(&[STREAM]));
        let writes = &rig.desk.writes;
        let values = |at| {
            writes.iter().filter(|(offset, _)| *offset == at).map(|(_, value)| *value).collect::<Vec<_>>()
        };
        assert_eq!(values(registers::CR0), cr0, "{fields:?}");
        assert_eq!((values(registers::CR2), values(registers::IRQ_CTRL)), (vec![cr2], vec![0, irq_ctrl]));
        let el2_all = [[0x20, 0], SYNC];
        let has_el2_all = rig.desk.take_commands()[2..4] == el2_all;
        assert_eq!(has_el2_all, fields[0].0 == "IDR0.HYP");
    }
}

#[test]
fn the_stream_table_is_as_large_as_the_hardware_asks() {
    for (fields, cfg) in [
        (&[("IDR1.SIDSIZE", 8)][..], 0x8),
        (&[("IDR1.SIDSIZE", 9)], 0x1_0209),
        (&[("IDR1.SIDSIZE", 32)], 0x1_0219),
    ] {
        let rig = Rig::with_device(qemu_with(fields), &device(&[STREAM]));
        let written = rig.desk.writes.iter().find(|(at, _)| *at == registers::STRTAB_BASE_CFG);
        assert_eq!(written, Some(&(registers::STRTAB_BASE_CFG, cfg)), "{fields:?}");
    }
}

/// A CMD_SYNC that completes by a message has the address of its own slot; on a machine that is not coherent the driver
/// reads CONS.
#[test]
fn a_sync_names_its_own_slot() {
    for (coherent, expected) in [(true, [0x0fc0_1046, 0x10]), (false, SYNC)] {
        let firmware = Firmware { coherent, ..Firmware::default() };
        let mut rig = Rig::new(qemu_with(&[("IDR0.MSI", 1)]), firmware, Host::default(), &device(&[STREAM]));
        let [word0, word1] = rig.desk.take_commands()[1];
        assert_eq!([word0, word1 & 0x3f_ffff], expected);
    }
}

/// A PASID comes to a device that is blocked, moves to another domain, and goes.
#[test]
fn a_pasid_on_a_blocked_device() {
    let mut rig = with_ats(&[]);
    let flags = AllocFlags { pasid: true, ..Default::default() };
    let (one, other) = (rig.domain(flags), rig.domain(flags));
    rig.attach(0, Target::Blocked);
    rig.desk.take_commands();
    let cd = cfgi_cd(3);
    let of_pasid = [0x80_0000_3840, 52];
    let ste = |rest: &[Command]| [&synced(&[CFGI_STE, CFGI_STE])[..], &[PREFETCH], &synced(rest)].concat();
    for (target, expected) in [
        (on(one), [synced(&[cd, cd]), ste(&[ATC_INV_ALL])].concat()),
        (on(other), synced(&[cd, cd, cd, of_pasid, [0x0002_0000_0000_0011, 0]])),
        (
            Target::Blocked,
            [synced(&[cd, cd, of_pasid, [0x0003_0000_0000_0011, 0]]), ste(&[ATC_INV_ALL])].concat(),
        ),
    ] {
        rig.attach(3, target);
        assert_eq!(rig.desk.take_commands(), expected, "{target:?}");
    }
}

/// The first CD of a leaf: CFGI_CD without Leaf tells of the leaf.
#[test]
fn a_leaf_of_the_cd_table_is_announced() {
    let device = DeviceDescription { pasid_bits: 12, ..device(&[STREAM, STREAM + 1]) };
    let ids = qemu_with(&[("IDR0.CD2L", 1), ("IDR1.SSIDSIZE", 16)]);
    let mut rig = Rig::with_device(ids, &device);
    let boot = rig.desk.take_commands();
    assert_eq!(boot[4..7], [[0x80_0000_0005, 0], [0x81_0000_0005, 0], SYNC]);
    assert_eq!(boot[7..10], [[0x80_0000_0005, 1], [0x81_0000_0005, 1], SYNC]);
    let domain = rig.domain(AllocFlags { pasid: true, ..Default::default() });
    rig.attach(0x401, on(domain));
    let cd = |sid: u64, leaf| [sid << 32 | 0x40_1005, leaf];
    let written = [cd(0x80, 1), cd(0x81, 1), SYNC];
    let expected = [&[cd(0x80, 0), cd(0x81, 0), SYNC][..], &written, &written].concat();
    assert_eq!(rig.desk.take_commands(), expected);
}

/// ATS goes on and off with what a guest says; the parent's tag stays in use.
#[test]
fn nested_domains_replace_each_other() {
    let mut rig = with_ats(&[]);
    let parent = rig.domain(AllocFlags { nest_parent: true, ..Default::default() });
    let viommu = rig.smmu.viommu_init(parent);
    rig.smmu.vdevice_init(viommu, rig.master, 1).expect("it has one stream");
    rig.attach(0, on(parent));
    rig.desk.take_commands();
    for (words, expected) in [
        // Full ATS: the parent had it too.
        (
            [0x1000_000b, 1 << 28 | 0x15],
            [&synced(&[CFGI_STE, CFGI_STE])[..], &[PREFETCH], &synced(&[ATC_INV_ALL])].concat(),
        ),
        // ATS goes off.
        ([0x1000_000b, 0x15], [&synced(&[CFGI_STE])[..], &[PREFETCH], &synced(&[ATC_INV_ALL])].concat()),
        // Another CD table, without ATS.
        ([0x2000_000b, 0x15], [&synced(&[CFGI_STE])[..], &[PREFETCH]].concat()),
        // Not valid: the device's ability decides again.
        ([0, 0], [&synced(&[CFGI_STE, CFGI_STE])[..], &[PREFETCH], &synced(&[ATC_INV_ALL])].concat()),
    ] {
        let guest = rig.smmu.nested_alloc(viommu, words).expect("the guest may have this");
        rig.attach(0, on(guest));
        assert_eq!(rig.desk.take_commands(), expected, "{words:x?}");
    }
    rig.attach(0, Target::Blocked);
    let end = [&[PREFETCH][..], &synced(&[ATC_INV_ALL, [0x1_0000_0028, 0]])].concat();
    assert_eq!(rig.desk.take_commands(), end);
}

/// Maps pieces with pages or blocks as their alignment allows, and unmaps a range.
fn unmap(rig: &mut Rig, domain: DomainId, pieces: &[[u64; 3]], (iova, bytes): (u64, u64)) -> Vec<Command> {
    for &[iova, pa, bytes] in pieces {
        rig.smmu.map(&mut rig.desk, domain, iova, pa, bytes, READ_WRITE).expect("it maps");
    }
    rig.desk.take_commands();
    assert_eq!(rig.smmu.unmap(&mut rig.desk, domain, iova, bytes), bytes);
    rig.desk.take_commands()
}

#[test]
fn unmaps_of_stage_1() {
    let nh_va = |asid: u64, num: u64, scale: u64| asid << 48 | scale << 20 | num << 12 | 0x12;
    let ats = |address, size| [0x80_0000_0040, address | size];
    for (fields, pieces, range, expected) in [
        // Three pages.
        (
            &[][..],
            &[[PAGE, PAGE, 3 * PAGE]][..],
            (PAGE, 3 * PAGE),
            vec![[nh_va(2, 2, 0), 0x1701], SYNC, ats(0, 2), SYNC],
        ),
        // 33 pages: one, and 32.
        (
            &[],
            &[[0, PAGE, 33 * PAGE]],
            (0, 33 * PAGE),
            vec![[nh_va(2, 0, 0), 0x701], [nh_va(2, 0, 5), 0x1701], SYNC, ats(0, 6), SYNC],
        ),
        // A block, then a page: not of one size.
        (
            &[],
            &[[BLOCK, BLOCK, BLOCK + PAGE]],
            (BLOCK, BLOCK + PAGE),
            vec![
                [nh_va(2, 0, 9), BLOCK | 0x601],
                SYNC,
                ats(BLOCK, 9),
                SYNC,
                [nh_va(2, 0, 0), 0x40_0701],
                SYNC,
                ats(2 * BLOCK, 0),
                SYNC,
            ],
        ),
        // A block of 1 GiB.
        (
            &[],
            &[[1 << 30, 1 << 30, 1 << 30]],
            (1 << 30, 1 << 30),
            vec![[nh_va(2, 0, 18), 1 << 30 | 0x501], SYNC, ats(1 << 30, 18), SYNC],
        ),
        // A table of pages: it goes first.
        (
            &[],
            &[[BLOCK, PAGE, BLOCK]],
            (BLOCK, BLOCK),
            vec![
                [nh_va(2, 0, 9), BLOCK | 0x400],
                SYNC,
                ats(BLOCK, 9),
                SYNC,
                [nh_va(2, 0, 9), BLOCK | 0x601],
                SYNC,
                ats(BLOCK, 9),
                SYNC,
            ],
        ),
        // Without ranges: one command per leaf, and one for all from 512 pages on.
        (
            &[NO_RANGES],
            &[[PAGE, PAGE, 2 * PAGE]],
            (PAGE, 2 * PAGE),
            vec![[nh_va(2, 0, 0), 0x1001], [nh_va(2, 0, 0), 0x2001], SYNC, ats(0, 2), SYNC],
        ),
        (
            &[NO_RANGES],
            &[[BLOCK, PAGE, BLOCK]],
            (BLOCK, BLOCK),
            vec![
                [0x0002_0000_0000_0011, 0],
                SYNC,
                ats(BLOCK, 9),
                SYNC,
                [nh_va(2, 0, 0), BLOCK | 1],
                SYNC,
                ats(BLOCK, 9),
                SYNC,
            ],
        ),
    ] {
        let mut rig = with_ats(fields);
        let domain = rig.domain(AllocFlags::default());
        rig.attach(0, on(domain));
        assert_eq!(unmap(&mut rig, domain, pieces, range), expected, "{fields:?} {pieces:x?}");
        rig.attach(0, Target::Blocked);
        assert!(unmap(&mut rig, domain, pieces, range).is_empty(), "nobody is attached");
    }
}

#[test]
fn unmaps_of_a_nest_parent() {
    let s2_ipa = |scale: u64| 0x1_0000_002a | scale << 20;
    for (fields, expected) in [
        (
            &[][..],
            [
                [s2_ipa(9), BLOCK | 0x400],
                SYNC,
                [0x1_0000_0010, 0],
                SYNC,
                ATC_INV_ALL,
                SYNC,
                [s2_ipa(9), BLOCK | 0x601],
                SYNC,
                [0x1_0000_0010, 0],
                SYNC,
                ATC_INV_ALL,
                SYNC,
            ]
            .to_vec(),
        ),
        // TLBI_S12_VMALL takes the guest's stage 1 along.
        (
            &[NO_RANGES],
            [
                [0x1_0000_0028, 0],
                SYNC,
                ATC_INV_ALL,
                SYNC,
                [s2_ipa(0), BLOCK | 1],
                SYNC,
                [0x1_0000_0010, 0],
                SYNC,
                ATC_INV_ALL,
                SYNC,
            ]
            .to_vec(),
        ),
    ] {
        let mut rig = with_ats(fields);
        let parent = rig.domain(AllocFlags { nest_parent: true, ..Default::default() });
        rig.attach(0, on(parent));
        assert_eq!(unmap(&mut rig, parent, &[[BLOCK, PAGE, BLOCK]], (BLOCK, BLOCK)), expected, "{fields:?}");
    }
}

/// TG and TTL with larger pages, and EL2 commands of a host with E2H.
#[test]
fn unmaps_by_granule_and_exception_level() {
    let host = Host::default();
    let el2 = Host { vhe: true, ..host };
    for (fields, host, bytes, expected) in [
        (
            &[("IDR5.GRAN16K", 1)][..],
            Host { page_shift: 14, ..host },
            1 << 14,
            [0x0002_0000_0000_0012, 0xb01],
        ),
        (&[("IDR5.GRAN16K", 1)], Host { page_shift: 14, ..host }, 1 << 25, [0x0002_0000_00b0_0012, 0xa01]),
        (&[("IDR5.GRAN64K", 1)], Host { page_shift: 16, ..host }, 1 << 16, [0x0002_0000_0000_0012, 0xf01]),
        (&[("IDR5.GRAN64K", 1)], Host { page_shift: 16, ..host }, 1 << 29, [0x0002_0000_00d0_0012, 0xe01]),
        (&[("IDR0.HYP", 1)], el2, 1 << 12, [0x0002_0000_0000_0022, 0x701]),
        (&[("IDR0.HYP", 1), NO_RANGES], el2, 1 << 12, [0x0002_0000_0000_0022, 0x1]),
    ] {
        let mut rig = Rig::new(qemu_with(fields), Firmware::default(), host, &device(&[STREAM]));
        let domain = rig.domain(AllocFlags::default());
        rig.attach(0, on(domain));
        let [word0, word1] = expected;
        let found = unmap(&mut rig, domain, &[[1 << 30, 1 << 30, bytes]], (1 << 30, bytes));
        assert_eq!(found, [[word0, 1 << 30 | word1], SYNC], "{fields:?} {bytes:#x}");
        rig.attach(0, Target::Blocked);
        let asid = if host.vhe { 0x21 } else { 0x11 };
        assert!(rig.desk.take_commands().contains(&[0x0002_0000_0000_0000 | asid, 0]));
    }
}

/// MMU-700 r0p0 must not have 64 commands without a CMD_SYNC.
#[test]
fn batches_of_an_smmu_that_needs_syncs() {
    let mut ids = qemu_with(&[NO_RANGES]);
    ids.iidr = 0x4870_043b;
    let mut rig = Rig::with_device(ids, &device(&[STREAM]));
    let domain = rig.domain(AllocFlags::default());
    rig.attach(0, on(domain));
    let found = unmap(&mut rig, domain, &[[0, PAGE, 65 * PAGE]], (0, 65 * PAGE));
    let vas: Vec<Command> = (0..65).map(|page| [0x0002_0000_0000_0012, page << 12 | 1]).collect();
    assert_eq!(found, [&vas[..63], &[SYNC], &vas[63..], &[SYNC]].concat());
    assert_eq!(rig.smmu.viommu_supported(rig.master, VIOMMU_TYPE_ARM_SMMUV3), Err(Errno::EOPNOTSUPP));
}
