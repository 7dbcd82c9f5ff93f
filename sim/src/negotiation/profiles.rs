//! What real VMMs read of the ID registers, as data. Facts as of the sources that each profile names.

use smmu_model::features::IdRegisters;

use super::policy::{Refused, Seen, Take, own, set};

/// A real VMM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Profile {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it shows whatever the host has.
    pub own: &'static [(&'static str, u64)],
    /// What it reads, and what it makes of it.
    pub takes: &'static [(&'static str, Take)],
    /// Where this is from.
    pub sources: &'static [&'static str],
}

/// All profiles.
pub const PROFILES: &[Profile] = &[
    Profile {
        name: "qemu-11.1",
        own: &[
            ("IDR0.ASID16", 1),
            ("IDR0.VMID16", 1),
            ("IDR0.TERM_MODEL", 1),
            ("IDR0.STALL_MODEL", 1),
            ("IDR3.BBML", 2),
            ("IDR3.HAD", 1),
            ("IDR3.XNX", 1),
        ],
        takes: &[
            ("IDR0.ST_LEVEL", Take::Same(1)),
            ("IDR0.TTENDIAN", Take::IfAtMost(2)),
            ("IDR0.TTF", Take::IfAtLeast(2)),
            ("IDR1.SIDSIZE", Take::IfAtLeast(16)),
            ("IDR0.ATS", Take::AsRead),
            ("IDR1.SSIDSIZE", Take::AsRead),
            ("IDR3.RIL", Take::AsRead),
            ("IDR5.OAS", Take::IfAtLeast(4)),
            ("IDR5.GRAN4K", Take::Same(1)),
            ("IDR5.GRAN16K", Take::Same(1)),
            ("IDR5.GRAN64K", Take::Same(1)),
        ],
        sources: &[
            "QEMU, hw/arm/smmuv3-accel.c, smmuv3_accel_auto_finalise and smmuv3_accel_check_hw_compatible",
            "with ats, ril and ssidsize set to auto",
        ],
    },
    Profile {
        name: "openvmm-2026",
        own: &[
            ("IDR0.ASID16", 1),
            ("IDR0.TERM_MODEL", 1),
            ("IDR0.STALL_MODEL", 1),
            ("IDR1.SIDSIZE", 6),
            ("IDR1.CMDQS", 8),
            ("IDR1.EVENTQS", 8),
        ],
        takes: &[
            ("IDR0.TTF", Take::IfAtLeast(2)),
            ("IDR0.TTENDIAN", Take::IfAtMost(2)),
            ("IDR5.GRAN4K", Take::Same(1)),
            ("IDR5.OAS", Take::AsRead),
        ],
        sources: &[
            "OpenVMM, vm/devices/iommu/smmu, HostSmmuCaps (pull requests 3971 and 4104)",
            "SIDSIZE is a parameter there; a linear stream table permits at most 6 (IHI 0070 §6.3.2)",
            "pull request 4344, open, adds SSIDSIZE and IDR0.ATS",
        ],
    },
    Profile {
        name: "cloud-hypervisor-2026",
        own: &[("IDR0.TTF", 2), ("IDR0.TTENDIAN", 2), ("IDR0.STALL_MODEL", 1), ("IDR1.SIDSIZE", 16)],
        takes: &[
            ("IDR0.COHACC", Take::AtMost(1)),
            ("IDR0.ASID16", Take::AtMost(1)),
            ("IDR0.VMID16", Take::AtMost(1)),
            ("IDR0.CD2L", Take::AtMost(1)),
            ("IDR0.ST_LEVEL", Take::AtMost(1)),
            ("IDR0.ATS", Take::AtsOfDevice),
            ("IDR1.SSIDSIZE", Take::AsRead),
            ("IDR5.OAS", Take::AtMost(5)),
            ("IDR5.GRAN4K", Take::AtMost(1)),
            ("IDR5.GRAN64K", Take::AtMost(1)),
        ],
        sources: &["Cloud Hypervisor, devices/src/smmuv3.rs, set_host_id_regs (pull request 8805)"],
    },
];

impl Profile {
    pub(super) fn decide(&self, seen: &Seen) -> Result<IdRegisters, Refused> {
        let mut ids = own();
        for (name, value) in self.own {
            set(&mut ids, name, *value);
        }
        for (name, take) in self.takes {
            set(&mut ids, name, take.value(name, seen)?);
        }
        Ok(ids)
    }
}
