//! What a kernel offers beyond Linux 7.3, to try out what has only been proposed. All of it is **hypothetical**: no
//! kernel has these bits, and their numbers are ours.
//!
//! The default is Linux 7.3, which offers none of it.

/// A kernel, as far as the negotiation of capabilities can tell it from Linux 7.3.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Generation {
    /// Which fields its documentation lists.
    pub list: List,
    /// What GET_HW_INFO reports of the ID registers.
    pub reports: Reports,
    /// Guests can have their translation tables updated by hardware: capability bits that join the SMMU with firmware,
    /// and a flag of VIOMMU_ALLOC that is refused where they are 0.
    pub vhttu: bool,
    /// Guests can broadcast TLBIs to the SMMU: a capability bit, and a flag of VIOMMU_ALLOC that joins the VMIDs of
    /// the SMMU and of KVM. The driver lets the SMMU take part in broadcasts.
    pub vbtm: bool,
}

/// The fields of the ID registers that a kernel documents as usable by a VMM (`struct iommu_hw_info_arm_smmuv3`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum List {
    /// Of the first kernel with nesting.
    Linux6_13,
    /// With IDR5.DS.
    #[default]
    Linux7_3,
}

/// What GET_HW_INFO reports of the ID registers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Reports {
    /// The registers as they read, as Linux does. Which fields mean something is written in the kernel's documentation.
    #[default]
    Raw,
    /// The registers, with every field zero that this kernel does not support for guests; firmware is joined in.
    Sanitised,
    /// As [`Reports::Sanitised`] in value, with a mask of the bits that say something, so that a 0 can be told from
    /// silence.
    Explicit,
    /// Nothing: all registers are zero.
    Nothing,
}

/// GET_HW_INFO, `out_capabilities`: hardware updates the Access flag for guests.
pub const CAP_VHTTU_ACCESS: u64 = 1 << 32;
/// GET_HW_INFO, `out_capabilities`: hardware updates the dirty state too.
pub const CAP_VHTTU_DIRTY: u64 = 1 << 33;
/// GET_HW_INFO, `out_capabilities`: guests can broadcast TLBIs.
pub const CAP_VBTM: u64 = 1 << 34;

/// `flags` of the data of GET_HW_INFO: six words follow, the bits of IDR0 to IDR5 that say something.
pub const HW_INFO_FLAG_MASK_FOLLOWS: u32 = 1 << 1;

/// VIOMMU_ALLOC, `flags`: the guest lets hardware update its tables.
pub const FLAG_VHTTU: u32 = 1 << 0;
/// VIOMMU_ALLOC, `flags`: the guest broadcasts TLBIs. `data_uptr` points to the descriptor of the KVM VM, four bytes.
pub const FLAG_VBTM: u32 = 1 << 1;

/// The field that came to the list with Linux 7.3.
const DS: &str = "IDR5.DS";

impl List {
    /// All, oldest first.
    pub const ALL: &'static [Self] = &[Self::Linux6_13, Self::Linux7_3];

    /// The name in matrix files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linux6_13 => "6.13",
            Self::Linux7_3 => "7.3",
        }
    }

    /// The names of the fields.
    pub fn fields(self) -> impl Iterator<Item = &'static str> {
        DOCUMENTED.iter().copied().filter(move |name| self == Self::Linux7_3 || *name != DS)
    }
}

/// The list of Linux 7.3.
pub const DOCUMENTED: &[&str] = &[
    "IDR0.ST_LEVEL",
    "IDR0.TERM_MODEL",
    "IDR0.STALL_MODEL",
    "IDR0.TTENDIAN",
    "IDR0.CD2L",
    "IDR0.ASID16",
    "IDR0.TTF",
    "IDR1.SIDSIZE",
    "IDR1.SSIDSIZE",
    "IDR3.BBML",
    "IDR3.RIL",
    "IDR5.VAX",
    "IDR5.GRAN64K",
    "IDR5.GRAN16K",
    "IDR5.GRAN4K",
    DS,
];

impl Reports {
    /// All, the one of Linux first.
    pub const ALL: &'static [Self] = &[Self::Raw, Self::Sanitised, Self::Explicit, Self::Nothing];

    /// The name in matrix files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Sanitised => "sanitised",
            Self::Explicit => "explicit",
            Self::Nothing => "nothing",
        }
    }
}
