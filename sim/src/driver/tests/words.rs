//! Commands where hardware or firmware is out of the ordinary, put together by hand from IHI 0070 chapter 4 for the
//! order in which Linux 7.3 writes them.

use super::rig::{Rig, SYNC, on, qemu_with};
use super::*;
use crate::driver::command::Command;

#[test]
fn a_cd_table_of_two_levels_lies_on_a_page_of_its_own() {
    const S1_FMT: u64 = 0b11 << 4;
    let ids = qemu_with(&[("IDR0.CD2L", 1), ("IDR1.SSIDSIZE", 16)]);
    let one = DeviceDescription { pasid_bits: 11, ..device(&[STREAM]) };
    let mut rig = Rig::with_device(ids, &one);
    let other = DeviceDescription { streams: vec![STREAM + 1], ..one };
    rig.smmu.add_device(&mut rig.desk, &mut rig.asids, &other, None).expect("the device is there");
    let (first, second) = (rig.ste(STREAM)[0], rig.ste(STREAM + 1)[0]);
    for word0 in [first, second] {
        assert_eq!((word0 & S1_FMT, word0 >> 59), (2 << 4, 11), "{word0:#x}");
        assert_eq!(word0 & 0x0000_ffff_ffff_ffc0 & 0xfff, 0, "{word0:#x}");
    }
    assert_ne!(first, second);
}

/// `nvidia,tegra264-smmu`: each list of CFGI or TLBI commands is issued twice with its CMD_SYNC, and nothing else.
#[test]
fn an_smmu_that_loses_invalidations_gets_them_twice() {
    let firmware = Firmware { repeat_invalidations: true, ..Firmware::default() };
    let device = DeviceDescription { ats: true, ..device(&[STREAM]) };
    let ids = qemu_with(&[("IDR0.ATS", 1), ("IDR3.RIL", 0)]);
    let mut rig = Rig::new(ids, firmware, Host::default(), &device);
    let (cfgi_ste, cfgi_cd) = ([0x80_0000_0003, 1], [0x80_0000_0005, 1]);
    let twice = |command: Command| [command, SYNC, command, SYNC];
    let prefetch = [[0x80_0000_0001, 0]];
    let atc_inv = [[0x80_0000_0040, 52], SYNC];
    let boot = [
        &twice([0x4, 0x1f])[..],
        &twice([0x30, 0]),
        &twice(cfgi_cd),
        &twice(cfgi_cd),
        &twice(cfgi_ste),
        &twice(cfgi_ste),
        &prefetch,
        &atc_inv,
    ];
    assert_eq!(rig.desk.take_commands(), boot.concat());

    let parent = rig.domain(AllocFlags { nest_parent: true, ..Default::default() });
    rig.attach(0, on(parent));
    rig.smmu.map(&mut rig.desk, parent, 0x1000, 0x8000_1000, 0x4_1000, READ_WRITE).expect("it maps");
    rig.desk.take_commands();
    rig.smmu.unmap(&mut rig.desk, parent, 0x1000, 0x4_1000);
    let ipas: Vec<Command> = (1..=65).map(|page| [0x1_0000_002a, page << 12 | 1]).collect();
    let (full, rest) = (&ipas[..64], &ipas[64..]);
    let unmap =
        [full, &[SYNC], full, &[SYNC], rest, &[SYNC], rest, &[SYNC], &twice([0x1_0000_0010, 0]), &atc_inv];
    assert_eq!(rig.desk.take_commands(), unmap.concat());

    // What a guest sends, it repeats by itself.
    let viommu = rig.smmu.viommu_init(parent);
    assert_eq!(rig.smmu.invalidate(&mut rig.desk, viommu, &[[0x30, 0]]), (1, Ok(())));
    assert_eq!(rig.desk.take_commands(), [[0x1_0000_0010, 0], SYNC]);
}

/// Page faults are handled where processes could share their tables with the device.
#[test]
fn tables_can_be_shared_where_the_smmu_keeps_up_with_the_processors() {
    let all_sizes = [("IDR5.GRAN64K", 1), ("IDR5.VAX", 1)];
    let host = Host::default();
    let wide = Host { va_bits: 52, page_shift: 16, ..host };
    for (fields, host, expected) in [
        (&[][..], host, true),
        (&[], Host { pa_bits: 48, ..host }, false),
        (&[("IDR0.ASID16", 0)], host, false),
        (&[("IDR0.ASID16", 0)], Host { asid_bits: 8, ..host }, true),
        (&[("IDR5.GRAN64K", 0)], Host { page_shift: 16, ..host }, false),
        (&[], Host { va_bits: 52, ..host }, false),
        (&all_sizes, wide, true),
        (&all_sizes[..1], wide, false),
    ] {
        let rig = Rig::new(qemu_with(fields), Firmware::default(), host, &device(&[STREAM]));
        assert_eq!(rig.smmu.features.sva, expected, "{fields:?} {host:?}");
    }
}

/// A device behind a bridge may have a StreamID twice. Its STE is written once; other commands go to each.
#[test]
fn a_stream_that_a_device_has_twice() {
    let mut rig = Rig::with_device(qemu(), &device(&[STREAM + 1, STREAM, STREAM + 1]));
    let cds = [[0x80_0000_0005, 1], [0x81_0000_0005, 1], [0x81_0000_0005, 1], SYNC];
    let ste = |sid: u64| {
        let cfgi = [sid << 32 | 0x3, 1];
        [cfgi, SYNC, cfgi, SYNC, [sid << 32 | 0x1, 0]]
    };
    let boot = [&[[0x4, 0x1f], SYNC, [0x30, 0], SYNC][..], &cds, &cds, &ste(0x80), &ste(0x81)];
    assert_eq!(rig.desk.take_commands(), boot.concat());
    let parent = rig.domain(AllocFlags { nest_parent: true, ..Default::default() });
    let viommu = rig.smmu.viommu_init(parent);
    assert_eq!(rig.smmu.vdevice_init(viommu, rig.master, 1), Err(Errno::EOPNOTSUPP));
}

/// With pages of the SMMU larger than those of the host, what is not a multiple of them is refused as a whole.
#[test]
fn nothing_is_mapped_of_what_is_not_aligned() {
    let mut rig = Rig::with_device(qemu_with(&[("IDR5.GRAN4K", 0), ("IDR5.GRAN16K", 0)]), &device(&[STREAM]));
    let domain = rig.domain(AllocFlags::default());
    rig.attach(0, on(domain));
    rig.desk.take_commands();
    for (iova, pa, bytes) in
        [(0, 0x8000_0000, 0x1_1000), (0, 0x8000_1000, 0x1_0000), (0x1000, 0x8000_0000, 0x1_0000)]
    {
        let mapped = rig.smmu.map(&mut rig.desk, domain, iova, pa, bytes, READ_WRITE);
        assert_eq!(mapped, Err(Errno::EINVAL));
    }
    rig.smmu.map(&mut rig.desk, domain, 0, 0x8000_0000, 0x2_0000, READ_WRITE).expect("it maps");
    assert_eq!(rig.smmu.unmap(&mut rig.desk, domain, 0, 0x1_1000), 0);
    assert!(rig.desk.take_commands().is_empty());
}
