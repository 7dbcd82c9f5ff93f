//! HWPT_ALLOC and GET_HW_INFO.

use std::collections::BTreeSet;

use smmu_sim::iommufd::Check;
use smmu_sim::iommufd::uapi::{iommu_hw_info, iommu_hwpt_alloc, iommu_ioas_allow_iovas, iommu_viommu_alloc};

use super::bench::*;

pub(crate) const NEST_PARENT: u32 = 1;
pub(crate) const DIRTY: u32 = 2;
pub(crate) const FAULT: u32 = 4;
pub(crate) const PASID: u32 = 8;

pub(crate) fn provoke() -> BTreeSet<Check> {
    let mut bench = Bench::new();
    let ioas = bench.ioas();
    let (_fd, device) = bench.bind(0);
    paging(&mut bench, ioas, device);
    nested(&mut bench, ioas, device);
    hw_info(&mut bench, device);
    bench.adopt(apertures());
    bench.adopt(unusual_smmus());
    bench.seen()
}

#[test]
fn page_tables_refuse_in_order() {
    provoke();
}

fn paging(bench: &mut Bench, ioas: u32, device: u32) {
    let good = iommu_hwpt_alloc { size: 48, dev_id: device, pt_id: ioas, ..Default::default() };
    let cases = [
        (Check::HwptReserved, iommu_hwpt_alloc { __reserved: 1, data_len: 1, ..good }),
        (Check::HwptData, iommu_hwpt_alloc { data_len: 1, dev_id: 9, ..good }),
        (Check::HwptData, iommu_hwpt_alloc { data_type: 2, dev_id: 9, ..good }),
        (Check::HwptDevice, iommu_hwpt_alloc { dev_id: 9, pt_id: 9, ..good }),
        (Check::HwptDevice, iommu_hwpt_alloc { dev_id: ioas, ..good }),
        (Check::HwptParentAbsent, iommu_hwpt_alloc { pt_id: 9, flags: 0x100, ..good }),
        (Check::HwptParentType, iommu_hwpt_alloc { pt_id: device, flags: 0x100, ..good }),
        (Check::PagingFlags, iommu_hwpt_alloc { flags: 0x100, ..good }),
        (Check::PagingDirty, iommu_hwpt_alloc { flags: DIRTY | FAULT | NEST_PARENT, ..good }),
        (Check::PagingFault, iommu_hwpt_alloc { flags: FAULT | NEST_PARENT, ..good }),
        (Check::PagingData, iommu_hwpt_alloc { data_type: 2, data_len: 16, ..good }),
        (Check::HwptFault, iommu_hwpt_alloc { flags: FAULT, fault_id: ioas, ..good }),
    ];
    for (check, cmd) in cases {
        bench.fails(check, HWPT_ALLOC, cmd);
    }
    // The last reserved field is not looked at.
    let id = bench.call(HWPT_ALLOC, iommu_hwpt_alloc { __reserved2: 1, ..good }).out_hwpt_id;
    bench.destroy(id);
    assert_eq!(bench.users(ioas), Some(1), "what failed left no reference");
}

fn nested(bench: &mut Bench, ioas: u32, device: u32) {
    let parent = bench.hwpt(device, ioas, NEST_PARENT);
    let cmd =
        iommu_viommu_alloc { size: 40, type_: 1, dev_id: device, hwpt_id: parent, ..Default::default() };
    let viommu = bench.call(VIOMMU_ALLOC, cmd).out_viommu_id;
    let data_uptr = bench.buffer;
    bench.poke(0, &[0x0b_u64.to_le_bytes(), [0; 8]].concat());
    let good = iommu_hwpt_alloc {
        size: 48,
        dev_id: device,
        pt_id: viommu,
        data_type: 2,
        data_len: 16,
        data_uptr,
        ..Default::default()
    };
    let (_fd, other) = bench.bind(4);
    let cases = [
        (Check::NestedDirect, iommu_hwpt_alloc { pt_id: parent, ..good }),
        (Check::NestedInstance, iommu_hwpt_alloc { dev_id: other, flags: NEST_PARENT, ..good }),
        (Check::NestedFlags, iommu_hwpt_alloc { flags: NEST_PARENT, data_type: 0, data_len: 0, ..good }),
        (Check::NestedNoData, iommu_hwpt_alloc { flags: PASID, data_type: 0, data_len: 0, ..good }),
        (Check::NestedDriverFlags, iommu_hwpt_alloc { flags: PASID, data_type: 1, ..good }),
        (Check::NestedDataType, iommu_hwpt_alloc { data_type: 1, data_len: 8, ..good }),
        (Check::NestedDataLength, iommu_hwpt_alloc { data_len: 8, data_uptr: 8, ..good }),
        (Check::NestedDataLength, iommu_hwpt_alloc { data_len: 24, data_uptr: 8, ..good }),
        (Check::NestedDataUnreadable, iommu_hwpt_alloc { data_uptr: 8, ..good }),
    ];
    for (check, cmd) in cases {
        bench.fails(check, HWPT_ALLOC, cmd);
    }
    for (words, is_good) in [
        ([0x0b_u64, 0], true),
        ([0x01, 0], true),
        ([0x09, 0], true),
        ([u64::MAX - 1, u64::MAX], true), // V is 0: nothing else counts
        ([0x0d, 0], false),               // Config 6 is the host's
        ([0x0b, 1 << 44], false),         // SHCFG is the host's
        ([0x0b, 2 << 28], false),         // EATS 2
    ] {
        bench.poke(0, &words.map(u64::to_le_bytes).concat());
        if is_good {
            let id = bench.call(HWPT_ALLOC, good).out_hwpt_id;
            bench.destroy(id);
        } else {
            bench.fails(Check::NestedDriver, HWPT_ALLOC, good);
        }
    }
    assert_eq!(bench.users(viommu), Some(1));
}

/// What an IOAS holds must suit a domain that comes to it.
fn apertures() -> Bench {
    let mut bench = Bench::new();
    let (_fd, device) = bench.bind(0);
    let cmd = |pt_id| iommu_hwpt_alloc { size: 48, dev_id: device, pt_id, ..Default::default() };
    let odd = bench.ioas();
    bench.map(odd, 0, 0x10, 0x10_0000);
    bench.fails(Check::DomainAlignment, HWPT_ALLOC, cmd(odd));
    let high = bench.ioas();
    bench.map(high, 0, PAGE, 1 << 50);
    bench.fails(Check::DomainAperture, HWPT_ALLOC, cmd(high));
    let allowed = bench.ioas();
    bench.poke(0, &[(1_u64 << 50).to_le_bytes(), (1_u64 << 51).to_le_bytes()].concat());
    let allow = iommu_ioas_allow_iovas {
        size: 24,
        ioas_id: allowed,
        num_iovas: 1,
        allowed_iovas: bench.buffer,
        ..Default::default()
    };
    bench.call(IOAS_ALLOW_IOVAS, allow);
    bench.fails(Check::DomainAperture, HWPT_ALLOC, cmd(allowed));
    let bad = bench.ioas();
    bench.map(bad, 0, PAGE, 0x10_0000);
    bench.map(bad, BUFFER - PAGE, 2 * PAGE, 0x20_0000);
    bench.fails(Check::PinFault, HWPT_ALLOC, cmd(bad));
    bench
}

/// What other SMMUs cannot do.
fn unusual_smmus() -> Bench {
    let mut bench = Bench::on(&machine(&[("IDR0.S2P", 0), ("IDR0.VMID16", 0)]));
    let (_fd, device) = bench.bind(0);
    let ioas = bench.ioas();
    let cmd = iommu_hwpt_alloc { size: 48, dev_id: device, pt_id: ioas, ..Default::default() };
    bench.fails(Check::PagingDriver, HWPT_ALLOC, iommu_hwpt_alloc { flags: NEST_PARENT, ..cmd });
    bench.call(HWPT_ALLOC, cmd);
    let mut large = Bench::on(&machine(&[("IDR5.GRAN4K", 0), ("IDR5.GRAN64K", 1)]));
    let (_fd, device) = large.bind(0);
    let ioas = large.ioas();
    large.fails(Check::DomainPageSize, HWPT_ALLOC, iommu_hwpt_alloc { dev_id: device, pt_id: ioas, ..cmd });
    bench.adopt(large);
    bench
}

fn hw_info(bench: &mut Bench, dev_id: u32) {
    let good = iommu_hw_info { size: 40, dev_id, ..Default::default() };
    let cases = [
        (Check::HwInfoFlags, iommu_hw_info { flags: 2, __reserved: [1; 3], ..good }),
        (Check::HwInfoReserved, iommu_hw_info { __reserved: [0, 0, 1], dev_id: 99, ..good }),
        (Check::HwInfoDevice, iommu_hw_info { dev_id: 99, flags: 1, data_type: 3, ..good }),
        (Check::HwInfoType, iommu_hw_info { flags: 1, data_type: 3, data_len: 4, ..good }),
        (Check::HwInfoUnwritable, iommu_hw_info { data_len: 4, data_uptr: 8, ..good }),
    ];
    for (check, cmd) in cases {
        bench.fails(check, GET_HW_INFO, cmd);
    }
    let reply = bench.call(GET_HW_INFO, iommu_hw_info { data_type: 7, ..good });
    assert_eq!((reply.data_type, reply.data_len), (2, 40), "without the flag the type does not count");
    bench.poke(0, &[0xff; 64]);
    bench.call(GET_HW_INFO, iommu_hw_info { data_len: 48, data_uptr: bench.buffer, ..good });
    let data = bench.peek(0, 64);
    assert_eq!(data[8..12], 0x0d44_101b_u32.to_le_bytes());
    assert_eq!(data[40..], [[0; 8], [0xff; 8], [0xff; 8]].concat(), "the rest of the room is cleared");
}
