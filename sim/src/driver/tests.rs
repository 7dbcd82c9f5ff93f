//! The driver on the model: what it writes at boot, and that devices see exactly what is mapped.

mod entries;
mod rig;
mod traffic;
mod words;

use std::collections::BTreeMap;

use smmu_model::address::Iova;
use smmu_model::attributes::Attributes;
use smmu_model::choice::Defaults;
use smmu_model::env::World;
use smmu_model::features::{IdRegisters, Preset};
use smmu_model::ids::StreamId;
use smmu_model::outcome::Outcome;
use smmu_model::trace::Silence;
use smmu_model::transaction::{Access, AddressType, Direction, Transaction};

use super::testing::{Broken, Desk};
use super::*;
use crate::errno::Errno;

const STREAM: u32 = 0x80;

fn device(streams: &[u32]) -> DeviceDescription {
    DeviceDescription {
        streams: streams.to_vec(),
        ats: false,
        needs_ats: false,
        canwbs: true,
        can_stall: false,
        pasid_bits: 0,
    }
}

/// An SMMU that is up, with one device on its default domain.
fn boot(ids: IdRegisters) -> (Desk, ArmSmmuV3, Numbers, MasterId) {
    let mut desk = Desk::with_ids(ids);
    let mut asids = Numbers::default();
    let mut smmu =
        ArmSmmuV3::probe(&mut desk, &Firmware::default(), &Host::default()).expect("the SMMU is usable");
    let master =
        smmu.add_device(&mut desk, &mut asids, &device(&[STREAM]), None).expect("the device is there");
    (desk, smmu, asids, master)
}

/// The machine of the transcripts.
fn qemu() -> IdRegisters {
    let mut ids = Preset::Qemu11_1.id_registers();
    (ids.idr[0], ids.idr[1], ids.idr[3], ids.idr[5]) = (0x0d44_101b, 0x0273_0010, 0x1414, 0x74);
    ids.aidr = 1;
    ids
}

const READ_WRITE: Prot = Prot { read: true, write: true, cache: true, mmio: false, noexec: false };

fn dma(desk: &mut Desk, iova: u64, direction: Direction) -> Option<u64> {
    let transaction = Transaction {
        stream: StreamId(STREAM),
        substream: None,
        address: Iova::new(iova),
        access: Access::data(direction),
        address_type: AddressType::Untranslated,
        attributes: Attributes::INCOMING_DEFAULT,
    };
    let mut world = World { bus: &mut desk.memory, chooser: &mut Defaults, sink: &mut Silence };
    match desk.smmu.transact(&mut world, &transaction) {
        Outcome::Done(translation) => Some(translation.pa.value()),
        Outcome::Abort(_) | Outcome::RazWi(_) | Outcome::Stalled { .. } => None,
    }
}

/// What Linux 7.3 wrote on this SMMU, addresses aside (`hardware-snapshots.jsonl`, point 0).
#[test]
fn boot_writes_what_linux_writes() {
    let (desk, smmu, _, _) = boot(qemu());
    let offsets: Vec<_> = desk.writes.iter().map(|(offset, _)| *offset & 0xffff).collect();
    let boot = [
        0x20, 0x28, 0x2c, 0x80, 0x88, 0x90, 0x9c, 0x20, 0xa0, 0xa8, 0xac, 0x20, 0x50, 0x68, 0xb0, 0x50, 0x20,
    ];
    assert_eq!(offsets, boot);
    let values = |offset| desk.writes.iter().filter(move |(at, _)| *at == offset).map(|(_, value)| *value);
    assert_eq!(values(registers::CR0).collect::<Vec<_>>(), [0, 0x8, 0xc, 0xd]);
    assert_eq!(values(registers::CR1).collect::<Vec<_>>(), [0xd75]);
    assert_eq!(values(registers::CR2).collect::<Vec<_>>(), [0x6]);
    assert_eq!(values(registers::STRTAB_BASE_CFG).collect::<Vec<_>>(), [0x1_0210]);
    assert_eq!(values(registers::CMDQ_BASE).map(|base| base & 0x1f).collect::<Vec<_>>(), [18]);
    assert_eq!(values(registers::EVTQ_BASE).map(|base| base & 0x1f).collect::<Vec<_>>(), [17]);
    assert!(smmu.features.range_invalidation && !smmu.features.hyp);
}

#[test]
fn hosts_that_no_kernel_is_like_are_refused() {
    let host = Host::default();
    for (host, expected) in [
        (host, Ok(())),
        (Host { va_bits: 36, log2_queue_bytes_max: 12, ..host }, Ok(())),
        (Host { va_bits: 0, ..host }, Err(Errno::EINVAL)),
        (Host { va_bits: 1, ..host }, Err(Errno::EINVAL)),
        (Host { va_bits: 53, ..host }, Err(Errno::EINVAL)),
        (Host { page_shift: 13, ..host }, Err(Errno::EINVAL)),
        (Host { log2_queue_bytes_max: 4, ..host }, Err(Errno::EINVAL)),
    ] {
        let mut desk = Desk::with_ids(qemu());
        let probed = ArmSmmuV3::probe(&mut desk, &Firmware::default(), &host);
        assert_eq!(probed.map(|_| ()), expected, "{host:?}");
    }
}

#[test]
fn queues_are_halved_until_there_is_memory() {
    for (largest, expected) in [
        (u64::MAX, Ok([18, 17])),
        (1 << 20, Ok([16, 15])),
        (1 << 14, Ok([10, 9])),
        (1 << 11, Err(Errno::ENOMEM)),
    ] {
        let mut desk = Desk::with_ids(qemu());
        desk.largest = largest;
        let probed = ArmSmmuV3::probe(&mut desk, &Firmware::default(), &Host::default());
        let bases = [registers::CMDQ_BASE, registers::EVTQ_BASE];
        let log2 =
            bases.map(|base| desk.writes.iter().find(|(at, _)| *at == base).map_or(0, |(_, v)| v & 0x1f));
        assert_eq!(probed.map(|_| log2), expected);
    }
}

#[test]
fn a_probe_goes_on_without_commands_but_not_without_a_queue() {
    type Case = (u64, fn(u32) -> u32, Result<u64, Errno>);
    let cases: [Case; 2] = [
        (registers::CMDQ_CONS, |_| 0, Ok(0xd)),
        (registers::CR0ACK, |ack| ack & !registers::CR0_EVTQEN, Err(Errno::ETIMEDOUT)),
    ];
    for (register, answer, expected) in cases {
        let mut desk = Desk::with_ids(qemu());
        let mut broken = Broken { desk: &mut desk, register, answer };
        let probed = ArmSmmuV3::probe(&mut broken, &Firmware::default(), &Host::default());
        assert_eq!(probed.map(|_| 0xd), expected);
        let cr0 = desk.writes.iter().rfind(|(at, _)| *at == registers::CR0).map(|(_, value)| *value);
        assert_eq!(cr0, Some(expected.unwrap_or(0)), "an SMMU that is given up is off");
    }
}

/// The handler writes to GERRORN what it read of GERROR, whichever errors there are.
#[test]
fn all_global_errors_are_acknowledged_at_once() {
    let (mut desk, mut smmu, _, _) = boot(qemu());
    desk.writes.clear();
    let mut broken = Broken { desk: &mut desk, register: registers::GERROR, answer: |_| 0x84 };
    assert!(smmu.interrupts(&mut broken).is_empty());
    assert_eq!(desk.writes, [(registers::GERRORN, 0x84)]);
}

#[test]
fn devices_see_what_is_mapped_and_nothing_else() {
    for ids in [qemu(), Preset::Grace.id_registers(), Preset::Max.id_registers()] {
        let (mut desk, mut smmu, mut asids, master) = boot(ids);
        let domain =
            smmu.domain_alloc(&mut desk, &mut asids, AllocFlags::default()).expect("there is a domain");
        let target = Target::Domain { domain, handles_faults: false };
        smmu.attach(&mut desk, master, 0, target).expect("it attaches");
        let mut mapped = BTreeMap::new();
        let pieces = [
            (0x1000, 0x8000_1000, 0x3000),
            (0x20_0000, 0x8020_0000, 0x40_0000),
            (0x7f_f000, 0x9000_0000, 0x1000),
            (0x4000_0000, 0x8040_1000, 0x2000),
        ];
        for (iova, pa, bytes) in pieces {
            smmu.map(&mut desk, domain, iova, pa, bytes, READ_WRITE).expect("it maps");
            mapped.insert(iova, (pa, bytes));
        }
        let again = smmu.map(&mut desk, domain, 0x3000, 0xa000_0000, 0x2000, READ_WRITE);
        assert_eq!(again, Err(Errno::EEXIST));
        let gone = [None, Some(0x20_0000), Some(0x1000), Some(0x4000_0000), Some(0x7f_f000)];
        for gone in gone {
            if let Some(iova) = gone {
                let (_, bytes) = mapped.remove(&iova).expect("it was mapped");
                assert_eq!(smmu.unmap(&mut desk, domain, iova, bytes), bytes);
            }
            for (iova, _, bytes) in pieces {
                for page in (iova..iova + bytes).step_by(0x1000) {
                    let expected = mapped.get(&iova).map(|(pa, _)| pa + (page - iova));
                    assert_eq!(dma(&mut desk, page, Direction::Write), expected, "{page:#x}");
                    assert_eq!(smmu.iova_to_phys(&mut desk, domain, page), expected);
                }
                assert_eq!(dma(&mut desk, iova + bytes, Direction::Read), None);
            }
        }
        smmu.attach(&mut desk, master, 0, Target::Blocked).expect("it can always be blocked");
        let tables = desk.given.len();
        smmu.domain_free(&mut desk, &mut asids, domain);
        assert!(desk.given.len() < tables);
    }
}

/// The core of the kernel counts the PASIDs that the device and the SMMU have, however large the CD table is.
#[test]
fn pasids_are_those_of_the_device_and_the_smmu() {
    for (ssid_bits, cd2l, pasid_bits, max_pasids, last) in
        [(5, 1, 4, 16, 15), (5, 1, 8, 32, 31), (16, 1, 12, 4096, 4095), (16, 0, 12, 4096, 1023)]
    {
        let mut ids = qemu();
        ids.set_field("IDR1.SSIDSIZE", ssid_bits).expect("the field is there");
        ids.set_field("IDR0.CD2L", cd2l).expect("the field is there");
        let (mut desk, mut smmu, mut asids, _) = boot(ids);
        let other = DeviceDescription { pasid_bits, ..device(&[STREAM + 1]) };
        let master = smmu.add_device(&mut desk, &mut asids, &other, None).expect("the device is there");
        assert_eq!(smmu.capabilities(master).max_pasids, max_pasids);
        let flags = AllocFlags { pasid: true, ..Default::default() };
        let domain = smmu.domain_alloc(&mut desk, &mut asids, flags).expect("there is a domain");
        let target = Target::Domain { domain, handles_faults: false };
        assert_eq!(smmu.attach(&mut desk, master, last, target), Ok(()));
        assert_eq!(smmu.attach(&mut desk, master, last + 1, target), Err(Errno::EINVAL));
    }
    let (mut desk, mut smmu, mut asids, without) = boot(qemu());
    assert_eq!(smmu.capabilities(without).max_pasids, 0);
    let device = DeviceDescription { pasid_bits: 4, ..device(&[STREAM + 1]) };
    let master = smmu.add_device(&mut desk, &mut asids, &device, None).expect("the device is there");
    assert_eq!(smmu.capabilities(master).max_pasids, 1, "an SMMU without substreams leaves one");
}

/// Linux's walk counts on from where it begins, also inside of a block.
#[test]
fn dirty_leaves_are_read_as_linux_walks() {
    let (mut desk, mut smmu, mut asids, _) = boot(qemu());
    let flags = AllocFlags { dirty_tracking: true, ..Default::default() };
    let domain = smmu.domain_alloc(&mut desk, &mut asids, flags).expect("there is a domain");
    let (blocks, page) = (0x40_0000, 0x1000);
    smmu.map(&mut desk, domain, 0x20_0000, 0x8000_0000, blocks, READ_WRITE).expect("it maps");
    smmu.map(&mut desk, domain, 0x60_0000, 0x9000_1000, 3 * page, READ_WRITE).expect("it maps");
    let mut check = |start, end, clear, expected: &[(u64, u64)], ends| {
        let mut dirty = Vec::new();
        let note = &mut |iova, bytes| dirty.push((iova, bytes));
        assert_eq!(smmu.read_dirty(&mut desk, domain, start, end - start, clear, note), ends);
        assert_eq!(dirty, expected, "{start:#x} to {end:#x}");
    };
    let block = 0x20_0000;
    check(0x20_0000, 0x40_0000, false, &[(0x20_0000, block)], Ok(()));
    check(0x20_1000, 0x40_1000, false, &[(0x20_1000, block)], Ok(()));
    // It reports the second block too far on, and misses the first page.
    let found = [(0x20_1000, block), (0x40_1000, block), (0x60_1000, page), (0x60_2000, page)];
    check(0x20_1000, 0x60_3000, true, &found, Ok(()));
    check(0x20_0000, 0x60_3000, true, &[(0x60_0000, page)], Ok(()));
    check(0x60_0000, 0x60_4000, false, &[], Err(Errno::EINVAL));
    check(0x60_0000, 0x60_0000, false, &[], Err(Errno::EINVAL));
}

#[test]
fn what_a_guest_may_send() {
    let (mut desk, mut smmu, mut asids, master) = boot(qemu());
    let flags = AllocFlags { nest_parent: true, ..Default::default() };
    let parent = smmu.domain_alloc(&mut desk, &mut asids, flags).expect("there is a parent");
    let viommu = smmu.viommu_init(parent);
    smmu.vdevice_init(viommu, master, 0x123).expect("the device has one stream");
    for (command, expected) in [
        ([0x30, 0], Ok([0x1_0000_0010, 0])),
        ([0x30, 1], Err(Errno::EIO)),
        ([0x7_0000_0010, 0], Ok([0x1_0000_0010, 0])),
        ([0x0005_0000_0000_0011, 0], Ok([0x0005_0001_0000_0011, 0])),
        ([0x0005_0000_0000_0012, 0x1001], Ok([0x0005_0001_0000_0012, 0x1001])),
        ([0x0005_0000_0000_3012, 0x2700], Ok([0x0005_0001_0000_3012, 0x2700])),
        ([0x0005_0000_0000_3012, 0x2000], Err(Errno::EIO)),
        ([0x12, 0x2800], Err(Errno::EIO)),
        ([0x12, 0x2400], Err(Errno::EIO)),
        ([0x12, 0x2500], Ok([0x1_0000_0012, 0x2500])),
        ([0x12, 0x2900], Err(Errno::EIO)),
        ([0x0001_0000_0000_0013, 0x1000], Err(Errno::EIO)),
        ([0x123_0000_0005, 1], Ok([0x80_0000_0005, 1])),
        ([0x124_0000_0005, 1], Err(Errno::EIO)),
        ([0x123_0000_0006, 0], Ok([0x80_0000_0006, 0])),
        ([0x123_0000_0040, 0], Err(Errno::EIO)),
        ([0x46, 0], Err(Errno::EIO)),
        ([0x123_0000_0003, 1], Err(Errno::EIO)),
    ] {
        assert_eq!(smmu.convert(viommu, command), expected, "{command:x?}");
    }
    assert_eq!(smmu.invalidate(&mut desk, viommu, &[[0x30, 0], [0x46, 0]]), (1, Err(Errno::EIO)));
    let many = vec![[0x30, 0]; 130];
    assert_eq!(smmu.invalidate(&mut desk, viommu, &many), (130, Ok(())));
}
