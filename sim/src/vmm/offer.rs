//! What a guest is shown: the words of its SMMU's ID registers, and what the monitor asks of the kernel for it.

use smmu_model::features::{Features, IdRegisters, Refusal};
use smmu_model::layout::idr::{Aidr, Idr0, Idr1, Idr3, Idr5};

use crate::iommufd::uapi::iommu_hw_info_arm_smmuv3;
use crate::negotiation::{CAP_PCI_ATS_NOT_SUPPORTED, Policy, Seen, Vintage};

/// The ID registers of the guest's SMMU (IHI 0070 §6.3.1–§6.3.8), and the flags of its vIOMMU.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Offer {
    /// IDR0 to IDR5.
    pub idr: [u32; 6],
    /// IIDR.
    pub iidr: u32,
    /// AIDR.
    pub aidr: u32,
    /// `flags` of IOMMU_VIOMMU_ALLOC.
    pub viommu_flags: u32,
}

/// IDR5.OAS for 52 bits.
const OAS_52_BITS: u8 = 6;

impl Offer {
    /// What the kernel's documentation says that a monitor may pass on of `hardware`, and no more.
    ///
    /// The sizes of queues and of addresses are the monitor's. Stage 1 is there, as a nested HWPT can be allocated, and
    /// coherent, as the device could be bound.
    pub fn baseline(hardware: &iommu_hw_info_arm_smmuv3) -> Self {
        let mut ids = IdRegisters::default();
        ids.idr[..hardware.idr.len()].copy_from_slice(&hardware.idr);
        let seen = Seen { ids, mask: None, capabilities: CAP_PCI_ATS_NOT_SUPPORTED };
        let decided = Policy::Kdoc.decide(Vintage::Linux7_3, &seen);
        Self::from_ids(&decided.expect("who follows the list takes every host").ids)
    }

    /// These ID registers, without flags. IDR6 is left out: a guest is shown no Enhanced Command queues.
    pub fn from_ids(ids: &IdRegisters) -> Self {
        let [idr0, idr1, idr2, idr3, idr4, idr5, _idr6] = ids.idr;
        Self { idr: [idr0, idr1, idr2, idr3, idr4, idr5], iidr: ids.iidr, aidr: ids.aidr, viommu_flags: 0 }
    }

    /// The same, for a guest that has devices with ATS: the monitor announces that by itself.
    #[must_use]
    pub fn with_ats(mut self) -> Self {
        self.idr[0] = Idr0::from_bits(self.idr[0]).with_ats(true).into_bits();
        self
    }

    /// The registers as words.
    pub fn ids(&self) -> IdRegisters {
        let [idr0, idr1, idr2, idr3, idr4, idr5] = self.idr;
        IdRegisters { idr: [idr0, idr1, idr2, idr3, idr4, idr5, 0], iidr: self.iidr, aidr: self.aidr }
    }

    /// The word that the guest reads at `offset`, if an ID register lies there.
    pub(super) fn register(&self, offset: u64) -> Option<u32> {
        const IIDR: u64 = 0x18;
        const AIDR: u64 = 0x1c;
        match offset {
            IIDR => Some(self.iidr),
            AIDR => Some(self.aidr),
            _ if offset.is_multiple_of(4) => {
                self.idr.get(usize::try_from(offset / 4).unwrap_or(usize::MAX)).copied()
            }
            _ => None,
        }
    }

    /// The SMMU that has what is offered, and as little else as there can be: what is offered may lack things that the
    /// architecture demands beside them. Without one, everything that stands against the offer as it is.
    ///
    /// Enhanced Command queues are not there, whatever is said of them: there is no place to look for them.
    pub(super) fn features(&self) -> Result<Features, Vec<Refusal>> {
        let offered = Features::new(self.without_enhanced_queues());
        let completed = || (0..=4).find_map(|minor| Features::new(self.completed(minor)).ok());
        offered.or_else(|refusals| completed().ok_or(refusals))
    }

    fn without_enhanced_queues(&self) -> IdRegisters {
        let mut ids = self.ids();
        ids.idr[1] = Idr1::from_bits(ids.idr[1]).with_ecmdq(false).into_bits();
        ids
    }

    /// What is offered, with all that SMMUv3.`minor` demands (§6.3.1, §6.3.4, §6.3.6).
    fn completed(&self, minor: u8) -> IdRegisters {
        let mut ids = self.without_enhanced_queues();
        let mut idr0 = Idr0::from_bits(ids.idr[0]);
        let mut idr3 = Idr3::from_bits(ids.idr[3]);
        let idr5 = Idr5::from_bits(ids.idr[5]);
        let (stage1, stage2) = (idr0.s1p(), idr0.s2p());
        // Output addresses of 52 bits.
        let idr5 = if idr5.oas() >= OAS_52_BITS && !idr5.ds() { idr5.with_gran64k(true) } else { idr5 };
        if minor >= 1 {
            idr3 = idr3.with_had(idr3.had() || stage1).with_xnx(idr3.xnx() || stage2);
        }
        if minor >= 2 {
            idr0 = idr0.with_hyp(idr0.hyp() || stage1 && stage2);
            idr3 = idr3.with_bbml(idr3.bbml().max(1)).with_ril(true).with_fwb(true);
        }
        if minor >= 3 {
            idr3 = idr3.with_e0pd(true).with_ptwnnc(idr3.ptwnnc() || stage2);
        }
        if minor >= 4 {
            idr3 = idr3.with_epan(true).with_mteperm(idr3.mteperm() || stage2);
        }
        (ids.idr[0], ids.idr[3], ids.idr[5]) = (idr0.into_bits(), idr3.into_bits(), idr5.into_bits());
        ids.aidr = Aidr::from_bits(ids.aidr).with_arch_minor_rev(minor).into_bits();
        ids
    }
}

#[cfg(test)]
mod tests {
    use smmu_model::features::{Preset, Revision, violations};

    use super::*;

    fn baseline(preset: Preset) -> Offer {
        let ids = preset.id_registers();
        let mut idr = [0; 6];
        idr.copy_from_slice(&ids.idr[..6]);
        let hardware = iommu_hw_info_arm_smmuv3 { idr, iidr: ids.iidr, aidr: ids.aidr, ..Default::default() };
        Offer::baseline(&hardware)
    }

    #[test]
    fn the_baseline_holds_the_documented_fields_only() {
        // ST_LEVEL 1, STALL_MODEL 0, TTENDIAN 0, CD2L, ASID16, COHACC, TTF 2, S1P; TERM_MODEL of Grace.
        assert_eq!(baseline(Preset::Max).idr, [0x0808_101a, 0x0273_0520, 0, 0x1400, 0, 0x04f4]);
        assert_eq!(baseline(Preset::Grace).idr, [0x0c08_101a, 0x0273_0518, 0, 0x1400, 0, 0x0074]);
        assert_eq!(baseline(Preset::Qemu11_1).idr, [0x0d40_101a, 0x0273_0010, 0, 0x1400, 0, 0x0074]);
    }

    #[test]
    fn what_the_documentation_leaves_out_is_completed_for_the_front() {
        for (preset, revision) in [
            (Preset::Qemu11_1, Revision::V3_1),
            (Preset::Grace, Revision::V3_1),
            (Preset::Max, Revision::V3_3),
        ] {
            let offer = baseline(preset);
            // Range invalidation came with v3.2, and v3.0 is what AIDR says.
            assert!(!violations(&offer.ids()).is_empty(), "{}", preset.name());
            let features = offer.features().expect("there is such an SMMU");
            assert_eq!((features.revision, features.s2p, features.ril), (revision, false, true));
        }
    }

    #[test]
    fn registers_are_shown_as_they_were_offered() {
        let offer = Offer { idr: [1, 2, 3, 4, 5, 6], iidr: 7, aidr: 8, viommu_flags: 0 };
        let shown = [0, 4, 8, 12, 16, 20, 24, 28, 32, 2].map(|offset| offer.register(offset));
        let expected = [Some(1), Some(2), Some(3), Some(4), Some(5), Some(6), Some(7), Some(8), None, None];
        assert_eq!(shown, expected);
        assert!(offer.features().is_err(), "reserved bits");
    }
}
