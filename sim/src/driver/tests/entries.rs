//! STEs and CDs on hardware and devices of many kinds, put together by hand from IHI 0070 chapter 5.

use super::rig::{Rig, on, qemu_with};
use super::*;
use crate::driver::stream_table::read_entry;

const STALL: (&str, u64) = ("IDR0.STALL_MODEL", 0);
const STALL_FORCED: (&str, u64) = ("IDR0.STALL_MODEL", 2);
const OVERRIDES: (&str, u64) = ("IDR1.ATTR_TYPES_OVR", 1);
const FWB: (&str, u64) = ("IDR3.FWB", 1);
const ATS: (&str, u64) = ("IDR0.ATS", 1);
const HYP: (&str, u64) = ("IDR0.HYP", 1);

impl Rig {
    /// The CD of the device itself: word 0 without its ASID, and whether the other words are as in every CD.
    fn cd_word0(&mut self) -> u64 {
        let table = self.smmu.masters[self.master.0].cd_table.expect("there is a CD table");
        let at = table.cd(&mut self.desk, 0).expect("there is a CD");
        let [word0, table, word2, mair, rest @ ..] = read_entry(&mut self.desk, at);
        assert_eq!(
            (table & !0x000f_ffff_ffff_f000, word2, mair, rest),
            (0, 0, 0xffff_ffff_f404_ff44, [0; 4])
        );
        word0 & 0x0000_ffff_ffff_ffff
    }
}

/// T0SZ, TG0, the attributes of walks, IPS, S, HA and HD.
#[test]
fn cds_say_what_the_tables_are() {
    let host = Host::default();
    let (small, middle, large) =
        (Host { va_bits: 39, ..host }, Host { page_shift: 14, ..host }, Host { page_shift: 16, ..host });
    let large_sizes = ("IDR5.GRAN64K", 1);
    let stalling = DeviceDescription { can_stall: true, ..device(&[STREAM]) };
    let plain = device(&[STREAM]);
    let dirty = AllocFlags { dirty_tracking: true, ..Default::default() };
    let none = AllocFlags::default();
    let all = 0xe200_c000_0000;
    for (fields, host, device, flags, expected) in [
        (&[][..], host, &plain, none, all | 4 << 32 | 0x3510),
        (&[], small, &plain, none, all | 4 << 32 | 0x3519),
        (&[("IDR5.OAS", 5)], host, &plain, none, all | 5 << 32 | 0x3510),
        (&[("IDR5.GRAN16K", 1)], middle, &plain, none, all | 4 << 32 | 0x3590),
        (&[large_sizes], large, &plain, none, all | 4 << 32 | 0x3550),
        (&[("IDR5.GRAN64K", 0)], large, &plain, none, all | 4 << 32 | 0x3590),
        (&[STALL], host, &plain, none, all | 4 << 32 | 0x3510),
        (&[STALL], host, &stalling, none, all | 1 << 44 | 4 << 32 | 0x3510),
        (&[STALL_FORCED], host, &plain, none, all | 1 << 44 | 4 << 32 | 0x3510),
        (&[], host, &plain, dirty, all | 3 << 42 | 4 << 32 | 0x3510),
    ] {
        let mut rig = Rig::new(qemu_with(fields), Firmware::default(), host, device);
        let domain = rig.domain(flags);
        rig.attach(0, on(domain));
        assert_eq!(rig.cd_word0(), expected, "{fields:?} {host:?}");
    }
    let firmware = Firmware { coherent: false, ..Firmware::default() };
    let mut rig = Rig::new(qemu(), firmware, host, &plain);
    assert_eq!(rig.cd_word0(), all | 4 << 32 | 0x2010, "walks are not coherent");
}

/// S2T0SZ, S2SL0 with concatenated tables where they must be, S2TG and S2PS.
#[test]
fn stes_say_what_the_tables_of_stage_2_are() {
    let oas = |code| ("IDR5.OAS", code);
    let wide = [oas(6), ("IDR5.GRAN64K", 1), ("IDR5.VAX", 1)];
    for (fields, page_shift, expected) in [
        (&[oas(0)][..], 12, 0x0_3560),
        (&[oas(1)], 12, 0x1_355c),
        (&[oas(2)], 12, 0x2_3558),
        (&[oas(3)], 12, 0x3_3556),
        (&[oas(4)], 12, 0x4_3594),
        (&[oas(5)], 12, 0x5_3590),
        (&wide, 12, 0x5_3590),
        (&[oas(2)], 14, 0x2_b558),
        (&[oas(4)], 14, 0x4_b594),
        (&[oas(5)], 14, 0x5_b590),
        (&[oas(2)], 16, 0x2_7558),
        (&[oas(4)], 16, 0x4_7594),
        (&wide, 16, 0x6_758c),
    ] {
        let host = Host { page_shift, ..Host::default() };
        let mut rig = Rig::new(qemu_with(fields), Firmware::default(), host, &device(&[STREAM]));
        let parent = rig.domain(AllocFlags { nest_parent: true, ..Default::default() });
        rig.attach(0, on(parent));
        let [word0, word1, word2, word3] = rig.ste(STREAM);
        assert_eq!((word0, word1, word3 & !0x000f_ffff_ffff_f000), (0xd, 0, 0));
        assert_eq!(word2, 0x0448_0000_0000_0001 | expected << 32, "{fields:?}, 2^{page_shift}");
    }
}

/// Word 1 of stage 1, of a nest parent, and of a guest's stage 1 over it that asks for ATS; S2S.
#[test]
fn stes_say_what_the_device_and_the_smmu_can_do() {
    let plain = device(&[STREAM]);
    let can_ats = DeviceDescription { ats: true, ..plain.clone() };
    let stalling = DeviceDescription { can_stall: true, ..plain.clone() };
    let (ats, stalld, fwb, shcfg, el2) = (1 << 28, 1 << 27, 1 << 25, 1 << 44, 2 << 30);
    let mev = 1 << 19;
    for (fields, device, stage1, parent, nested, s2s) in [
        (&[][..], &plain, 0xd6, 0, mev | 0x15, 0),
        (&[], &can_ats, 0xd6, 0, mev | 0x15, 0),
        (&[ATS], &plain, 0xd6, 0, mev | 0x15, 0),
        (&[ATS], &can_ats, ats | 0xd6, ats, ats | mev | 0x15, 0),
        (&[OVERRIDES], &plain, 0xd6, shcfg, shcfg | mev | 0x15, 0),
        (&[FWB], &plain, 0xd6, fwb, fwb | mev | 0x15, 0),
        (&[STALL], &plain, stalld | 0xd6, 0, mev | 0x15, 0),
        (&[STALL], &stalling, 0xd6, 0, mev | 0x15, 1 << 57),
        (&[STALL_FORCED], &plain, 0xd6, 0, mev | 0x15, 1 << 57),
        (&[HYP], &plain, el2 | 0xd6, 0, mev | 0x15, 0),
    ] {
        let host = Host { vhe: true, ..Host::default() };
        let mut rig = Rig::new(qemu_with(fields), Firmware::default(), host, device);
        assert_eq!(rig.ste(STREAM)[1], stage1, "{fields:?}");
        let domain = rig.domain(AllocFlags { nest_parent: true, ..Default::default() });
        rig.attach(0, on(domain));
        let [word0, word1, word2, word3] = rig.ste(STREAM);
        assert_eq!((word0, word1, word2 & 1 << 57), (0xd, parent, s2s), "{fields:?}");
        let viommu = rig.smmu.viommu_init(domain);
        rig.smmu.vdevice_init(viommu, rig.master, 1).expect("it has one stream");
        let guest = [0x2000_0000_1234_501b, ats | 0x15];
        let guest = rig.smmu.nested_alloc(viommu, guest).expect("the guest may have this");
        rig.attach(0, on(guest));
        assert_eq!(rig.ste(STREAM), [0x2000_0000_1234_501f, nested, word2, word3], "{fields:?}");
    }
}

/// Where PASIDs are in use, what becomes of the device itself is said by S1DSS.
#[test]
fn stes_of_a_device_whose_pasids_are_in_use() {
    let device = DeviceDescription { ats: true, pasid_bits: 4, ..device(&[STREAM]) };
    let ids = qemu_with(&[ATS, OVERRIDES, ("IDR1.SSIDSIZE", 5)]);
    let mut rig = Rig::with_device(ids, &device);
    let domain = rig.domain(AllocFlags { pasid: true, ..Default::default() });
    let (ats, shcfg) = (1 << 28, 1 << 44);
    assert_eq!(rig.ste(STREAM)[1], ats | 0xd6);
    for (target, without, with) in [
        (Target::Identity, [0x9, shcfg], ats | shcfg | 0xd5),
        (Target::Blocked, [0x1, 0], ats | 0xd4),
        (Target::Default, [0, ats | 0xd6], ats | 0xd6),
    ] {
        rig.attach(0, target);
        let [word0, word1, ..] = rig.ste(STREAM);
        if target != Target::Default {
            assert_eq!([word0, word1], without, "{target:?}");
        }
        rig.attach(3, on(domain));
        let [word0, word1, ..] = rig.ste(STREAM);
        assert_eq!((word0 >> 59, word0 & 0x3f, word1), (4, 0xb, with), "{target:?}");
        rig.attach(3, Target::Blocked);
    }
}

/// Only tables of paging domains without a nest parent have memory attributes of their own.
#[test]
fn a_stage_2_that_is_no_nest_parent_does_not_force_attributes() {
    let mut rig = Rig::with_device(qemu_with(&[("IDR0.S1P", 0), ("IDR3.HAD", 0), FWB]), &device(&[STREAM]));
    let [word0, word1, word2, _] = rig.ste(STREAM);
    assert_eq!([word0, word1, word2], [0xd, 0, 0x044c_3594_0000_0001]);
    let commands = rig.desk.take_commands();
    let cfgi = [0x80_0000_0003, 1];
    assert_eq!(commands[4..], [cfgi, rig::SYNC, cfgi, rig::SYNC, [0x80_0000_0001, 0]]);
    for flags in [
        AllocFlags { nest_parent: true, ..Default::default() },
        AllocFlags { dirty_tracking: true, ..Default::default() },
        AllocFlags { pasid: true, ..Default::default() },
    ] {
        let refused = rig.smmu.domain_alloc(&mut rig.desk, &mut rig.asids, flags);
        assert_eq!(refused, Err(Errno::EOPNOTSUPP), "{flags:?}");
    }
}

/// A device that needs ATS keeps it where it is not translated for, by a CD table that has a CD for a PASID too many.
#[test]
fn stes_of_a_device_that_needs_ats() {
    let device = DeviceDescription { ats: true, needs_ats: true, ..device(&[STREAM]) };
    let can = [ATS, ("IDR1.SSIDSIZE", 5)];
    let mut rig = Rig::with_device(qemu_with(&can), &device);
    let with_ats = 1 << 28;
    for (target, expected) in [
        (Target::Identity, (1, 0xb, with_ats | 0xd5)),
        (Target::Default, (1, 0xb, with_ats | 0xd6)),
        (Target::Blocked, (0, 0x1, 0)),
    ] {
        rig.attach(0, target);
        let [word0, word1, ..] = rig.ste(STREAM);
        assert_eq!((word0 >> 59, word0 & 0x3f, word1), expected, "{target:?}");
    }
    for fields in [&can[..1], &can[1..]] {
        let mut rig = Rig::with_device(qemu_with(fields), &super::device(&[STREAM + 1]));
        let added = rig.smmu.add_device(&mut rig.desk, &mut rig.asids, &device, None);
        assert_eq!(added, Err(Errno::EOPNOTSUPP), "{fields:?}");
    }
    let without = DeviceDescription { ats: false, streams: vec![STREAM + 1], ..device };
    let added = rig.smmu.add_device(&mut rig.desk, &mut rig.asids, &without, None);
    assert_eq!(added, Err(Errno::EOPNOTSUPP));
}
