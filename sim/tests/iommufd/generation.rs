//! Hypothetical kernels: what they report, and what their flags of VIOMMU_ALLOC are refused for.

use std::collections::BTreeSet;

use smmu_model::ids::Vmid;
use smmu_sim::driver::{Firmware, HttuOverride, Source};
use smmu_sim::iommufd::Check;
use smmu_sim::iommufd::uapi::{iommu_hw_info, iommu_viommu_alloc};
use smmu_sim::kernel::Setup;
use smmu_sim::kernel::generation::{
    CAP_VBTM, CAP_VHTTU_ACCESS, CAP_VHTTU_DIRTY, FLAG_VBTM, FLAG_VHTTU, Generation, Reports,
};

use super::bench::*;
use super::hwpt::NEST_PARENT;

/// Registers with HTTU and BTM: the two that firmware and KVM have a say in.
const FIELDS: &[(&str, u64)] = &[("IDR0.HTTU", 2), ("IDR0.BTM", 1)];
const HTTU: u32 = 0b11 << 6;
const BTM: u32 = 1 << 5;
const ASID16: u32 = 1 << 12;
const CMDQS: u32 = 0b11111 << 21;

fn setup(reports: Reports, vhttu: bool, vbtm: bool) -> Setup {
    Setup { generation: Generation { reports, vhttu, vbtm, ..Generation::default() }, ..machine(FIELDS) }
}

fn with_override(setup: Setup, httu: HttuOverride) -> Setup {
    let mut setup = setup;
    for smmu in &mut setup.smmus {
        smmu.firmware = Firmware { source: Source::Acpi { httu }, ..Firmware::default() };
    }
    setup
}

/// IDR0, the capabilities and the mask of IDR0, as a caller gets them.
fn report(setup: &Setup) -> ([u32; 2], u64, Option<u32>) {
    let mut bench = Bench::on(setup);
    let (_fd, dev_id) = bench.bind(0);
    let at = bench.buffer;
    let cmd = iommu_hw_info { size: 40, dev_id, data_len: 64, data_uptr: at, ..Default::default() };
    let reply = bench.call(GET_HW_INFO, cmd);
    let mut bytes = [0; 64];
    bench.kernel.peek(bench.client.pid, at, &mut bytes).expect("it is mapped");
    let word = |offset: usize| u32::from_le_bytes(bytes[offset..offset + 4].try_into().expect("four bytes"));
    let mask = (reply.data_len == 64).then(|| word(40));
    assert_eq!(mask.is_some(), word(0) & 2 != 0, "flags say whether a mask follows");
    ([word(8), word(12)], reply.out_capabilities, mask)
}

#[test]
fn each_kernel_reports_in_its_way() {
    let caps = CAP_VHTTU_ACCESS | CAP_VHTTU_DIRTY | CAP_VBTM;
    let bits = |setup: &Setup| {
        let ([idr0, idr1], capabilities, mask) = report(setup);
        (
            idr0 & HTTU,
            idr0 & BTM,
            idr1 & CMDQS != 0,
            capabilities & caps,
            mask.map(|mask| mask & (HTTU | BTM)),
        )
    };
    let all = CAP_VHTTU_ACCESS | CAP_VHTTU_DIRTY | CAP_VBTM;
    for (setup, expected) in [
        (setup(Reports::Raw, false, false), (0b10 << 6, BTM, true, 0, None)),
        (setup(Reports::Raw, true, true), (0b10 << 6, BTM, true, all, None)),
        (setup(Reports::Sanitised, false, false), (0, 0, false, 0, None)),
        (
            setup(Reports::Sanitised, true, false),
            (0b10 << 6, 0, false, CAP_VHTTU_ACCESS | CAP_VHTTU_DIRTY, None),
        ),
        (setup(Reports::Explicit, false, true), (0, BTM, false, CAP_VBTM, Some(BTM))),
        (setup(Reports::Nothing, false, false), (0, 0, false, 0, None)),
    ] {
        assert_eq!(bits(&setup), expected, "{:?}", setup.generation);
    }
}

#[test]
fn firmware_is_joined_in_where_a_kernel_supports_htt_updates_and_nowhere_else() {
    let off = |reports| with_override(setup(reports, true, false), HttuOverride::None);
    assert_eq!(report(&off(Reports::Raw)).0[0] & HTTU, 0b10 << 6, "raw bits know nothing of firmware");
    let ([idr0, _], capabilities, _) = report(&off(Reports::Sanitised));
    assert_eq!((idr0 & HTTU, capabilities & CAP_VHTTU_ACCESS), (0, 0));
    assert_eq!(idr0 & ASID16, ASID16, "documented fields stay as they are");
    let up = with_override(setup(Reports::Sanitised, true, false), HttuOverride::AccessFlag);
    assert_eq!(report(&up).0[0] & HTTU, 0b01 << 6);
}

#[test]
fn flags_are_refused_in_order() {
    provoke();
}

pub(crate) fn provoke() -> BTreeSet<Check> {
    let mut seen = BTreeSet::new();
    let mut refused = |setup: &Setup, check, flags, with_vm: bool| {
        let mut bench = Bench::on(setup);
        let cmd = viommu(&mut bench, flags, with_vm);
        bench.fails(check, VIOMMU_ALLOC, cmd);
        seen.extend(bench.seen());
    };
    let both = setup(Reports::Raw, true, true);
    refused(&setup(Reports::Raw, false, true), Check::ViommuFlags, FLAG_VHTTU, false);
    refused(&with_override(both.clone(), HttuOverride::None), Check::ViommuNoHttu, FLAG_VHTTU, false);
    let no_btm = Setup { generation: both.generation, ..machine(&[("IDR0.BTM", 0)]) };
    refused(&no_btm, Check::ViommuNoBroadcasts, FLAG_VBTM, true);
    refused(&both, Check::ViommuKvm, FLAG_VBTM, false);
    // Another nest parent has VMID 2, which is what KVM gives out first.
    let taken = Setup { first_kvm_vmid: Vmid(2), ..both };
    let mut bench = Bench::on(&taken);
    let cmd = viommu(&mut bench, FLAG_VBTM, true);
    let ioas = bench.ioas();
    bench.hwpt(cmd.dev_id, ioas, NEST_PARENT);
    bench.fails(Check::ViommuJoin, VIOMMU_ALLOC, cmd);
    seen.extend(bench.seen());
    seen
}

#[test]
fn a_joined_virtual_iommu_has_the_vmid_of_kvm() {
    let mut bench = Bench::on(&Setup { first_kvm_vmid: Vmid(7), ..setup(Reports::Raw, true, true) });
    let cmd = viommu(&mut bench, FLAG_VHTTU | FLAG_VBTM, true);
    bench.call(VIOMMU_ALLOC, cmd);
    // The SMMU's VMID 7 is in use now, and VMID 1, which the parent had, is not.
    let ioas = bench.ioas();
    let hwpt_id = bench.hwpt(cmd.dev_id, ioas, NEST_PARENT);
    bench.fails(Check::ViommuJoin, VIOMMU_ALLOC, iommu_viommu_alloc { hwpt_id, ..cmd });
}

/// The structure that makes a virtual IOMMU on a new nest parent of device 0.
fn viommu(bench: &mut Bench, flags: u32, with_vm: bool) -> iommu_viommu_alloc {
    let ioas = bench.ioas();
    let (_fd, dev_id) = bench.bind(0);
    let hwpt_id = bench.hwpt(dev_id, ioas, NEST_PARENT);
    let plain = iommu_viommu_alloc { size: 40, type_: 1, flags, dev_id, hwpt_id, ..Default::default() };
    if !with_vm {
        return plain;
    }
    let vm = bench.kernel.create_vm(bench.client.pid).expect("KVM has VMIDs");
    let data = bench.buffer + PAGE;
    bench.kernel.poke(bench.client.pid, data, &vm.to_le_bytes()).expect("it is mapped");
    iommu_viommu_alloc { data_len: 4, data_uptr: data, ..plain }
}
