//! What GET_HW_INFO says of the ID registers, by generation of the kernel.

use smmu_model::features::{FIELDS, IdRegisters};

use super::uapi::iommu_hw_info_arm_smmuv3;
use crate::driver::{GuestSupport, HwInfo};
use crate::kernel::generation::{
    CAP_VBTM, CAP_VHTTU_ACCESS, CAP_VHTTU_DIRTY, Generation, HW_INFO_FLAG_MASK_FOLLOWS, Reports,
};

/// What a kernel that sanitises says beyond the documented fields: a guest's stage 1 exists, walks are coherent,
/// ATC_INV is taken, and the nest parent maps up to OAS.
const ALWAYS_SUPPORTED: &[&str] = &["IDR0.S1P", "IDR0.COHACC", "IDR0.ATS", "IDR5.OAS"];

const HTTU: &str = "IDR0.HTTU";
const BTM: &str = "IDR0.BTM";

/// What the caller gets.
pub(super) struct Report {
    pub(super) info: iommu_hw_info_arm_smmuv3,
    /// Which bits of `idr` say something, of a kernel that is explicit about it.
    pub(super) mask: Option<[u32; 6]>,
    /// What is added to `out_capabilities`.
    pub(super) capabilities: u64,
}

/// The report of a kernel about an SMMU.
pub(super) fn report(generation: Generation, read: HwInfo, support: GuestSupport) -> Report {
    let mask = supported(generation);
    let (idr, shown_mask) = match generation.reports {
        Reports::Raw => (read.idr, None),
        Reports::Sanitised => (sanitised(&read, &mask, support), None),
        Reports::Explicit => (sanitised(&read, &mask, support), Some(mask)),
        Reports::Nothing => ([0; 6], None),
    };
    let info = iommu_hw_info_arm_smmuv3 {
        flags: read.flags | if shown_mask.is_some() { HW_INFO_FLAG_MASK_FOLLOWS } else { 0 },
        __reserved: 0,
        idr,
        iidr: read.iidr,
        aidr: read.aidr,
    };
    Report { info, mask: shown_mask, capabilities: capabilities(generation, support) }
}

/// The bits that this kernel supports for guests.
fn supported(generation: Generation) -> [u32; 6] {
    let optional = [(HTTU, generation.vhttu), (BTM, generation.vbtm)];
    let optional = optional.into_iter().filter(|(_, offered)| *offered).map(|(name, _)| name);
    let always = ALWAYS_SUPPORTED.iter().copied();
    let names: Vec<&str> = generation.list.fields().chain(always).chain(optional).collect();
    let mut mask = [0; 6];
    for field in FIELDS.iter().filter(|field| names.contains(&field.name)) {
        let (register, _) = field.name.split_once('.').expect("a documented field is a part of a register");
        let index = register.strip_prefix("IDR").and_then(|index| index.parse::<usize>().ok());
        mask[index.expect("it is one of IDR0 to IDR5")] |= field.mask();
    }
    mask
}

/// HTTU is what the driver uses itself, which firmware may have overridden.
fn sanitised(read: &HwInfo, mask: &[u32; 6], support: GuestSupport) -> [u32; 6] {
    let mut ids = IdRegisters::default();
    ids.idr[..6].copy_from_slice(&read.idr);
    ids.set_field(HTTU, u64::from(support.httu)).expect("HTTU has two bits");
    std::array::from_fn(|index| ids.idr[index] & mask[index])
}

fn capabilities(generation: Generation, support: GuestSupport) -> u64 {
    let bits = [
        (CAP_VHTTU_ACCESS, generation.vhttu && support.httu >= 1),
        (CAP_VHTTU_DIRTY, generation.vhttu && support.httu >= 2),
        (CAP_VBTM, generation.vbtm && support.broadcasts),
    ];
    bits.iter().filter(|(_, offered)| *offered).map(|(bit, _)| bit).sum()
}
