//! What each field of the ID registers takes, before a VMM may show it to a guest: the four questions.
//!
//! 1. Does the kernel need software for it? Then a capability bit must say so.
//! 2. Does firmware have a say? Then a capability bit must carry its word.
//! 3. Is something enabled per virtual machine? Then VIOMMU_ALLOC needs a flag.
//! 4. Neither: the VMM reads `idr[]`, if the kernel's list has the field.
//!
//! [`CAPABILITIES`](super::CAPABILITIES) answers them for every field of IDR0 to IDR5.

/// A group of fields for which the questions have the same answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capability {
    /// Its name: `HTTU`.
    pub name: &'static str,
    /// The fields of the ID registers that tell of it.
    pub fields: &'static [&'static str],
    /// What the kernel's documentation lets a VMM read.
    pub documented: Documented,
    /// Question 1.
    pub software: Answer,
    /// Question 2.
    pub firmware: Answer,
    /// Question 3.
    pub enable: Answer,
    /// What happens to a VMM that does otherwise, and what to do instead.
    pub advice: &'static str,
    /// Where it can be looked up.
    pub sources: &'static [&'static str],
}

/// Whether the kernel lists the fields (`struct iommu_hw_info_arm_smmuv3`, Linux 7.3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Documented {
    /// Since the first kernel with nesting, 6.13.
    Since6_13,
    /// Since Linux 7.3.
    Since7_3,
    /// Not in the list, but implied by a call that succeeds.
    Implied,
    /// Not in the list, but GET_HW_INFO says it of each device.
    PerDevice,
    /// Not in the list.
    No,
}

/// The answer to one of the questions, with its reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Yes.
    pub is_yes: bool,
    /// Why.
    pub why: &'static str,
}

/// What the answers come to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Way {
    /// The VMM reads `idr[]`.
    Direct,
    /// The list would have to grow by it; then the VMM reads `idr[]`.
    OnceListed,
    /// The VMM knows it from the calls that succeed.
    Implied,
    /// A capability bit of GET_HW_INFO must say it.
    CapabilityBit,
    /// A capability bit, and a flag of VIOMMU_ALLOC for each virtual machine.
    BitAndFlag,
    /// The VMM emulates it, and so decides by itself.
    OfTheVmm,
}

impl Capability {
    /// What the answers come to.
    pub fn way(&self) -> Way {
        let is_listed = matches!(self.documented, Documented::Since6_13 | Documented::Since7_3);
        if self.is_of_the_vmm() {
            Way::OfTheVmm
        } else if self.documented == Documented::Implied {
            Way::Implied
        } else if self.enable.is_yes {
            Way::BitAndFlag
        } else if self.software.is_yes || self.firmware.is_yes {
            Way::CapabilityBit
        } else if is_listed {
            Way::Direct
        } else {
            Way::OnceListed
        }
    }

    fn is_of_the_vmm(&self) -> bool {
        self.software == super::table::EMULATED
    }

    /// The capability called `name`, or the one with a field of that name, however spelt.
    pub fn find(name: &str) -> Option<&'static Self> {
        let is_meant = |capability: &&Capability| {
            let fields = capability.fields.iter().copied();
            let short = fields.clone().filter_map(|field| field.split_once('.').map(|(_, short)| short));
            let mut names = std::iter::once(capability.name).chain(fields).chain(short);
            names.any(|known| smmu_model::naming::same(known, name))
        };
        super::CAPABILITIES.iter().find(is_meant)
    }

    /// The capability whose name, or the name of one of whose fields, is closest to `name`.
    pub fn nearest(name: &str) -> Option<&'static str> {
        let spellings = super::CAPABILITIES.iter().flat_map(|capability| {
            let fields = capability.fields.iter().map(|field| (*field, capability.name));
            std::iter::once((capability.name, capability.name)).chain(fields)
        });
        smmu_model::naming::nearest(name, spellings)
    }
}

impl Documented {
    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Since6_13 => "listed since Linux 6.13",
            Self::Since7_3 => "listed since Linux 7.3",
            Self::Implied => "not listed, but implied by a call that succeeds",
            Self::PerDevice => "not listed, but out_capabilities has it for each device",
            Self::No => "not listed: a VMM must ignore it",
        }
    }

    /// A name for programs.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Since6_13 => "6.13",
            Self::Since7_3 => "7.3",
            Self::Implied => "implied",
            Self::PerDevice => "per-device",
            Self::No => "no",
        }
    }
}

impl Way {
    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Direct => "read idr[] directly",
            Self::OnceListed => "add it to the list, and read idr[] directly",
            Self::Implied => "nothing to read",
            Self::CapabilityBit => "a capability bit of GET_HW_INFO",
            Self::BitAndFlag => "a capability bit of GET_HW_INFO and a flag of VIOMMU_ALLOC",
            Self::OfTheVmm => "the VMM's own decision",
        }
    }

    /// A name for programs.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::OnceListed => "once-listed",
            Self::Implied => "implied",
            Self::CapabilityBit => "capability-bit",
            Self::BitAndFlag => "capability-bit-and-flag",
            Self::OfTheVmm => "vmm",
        }
    }
}
