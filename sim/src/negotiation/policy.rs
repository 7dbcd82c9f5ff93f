//! What VMMs make of what the kernel reports: the ID registers of the guest's SMMU, and the flags of VIOMMU_ALLOC.
//!
//! A policy is data: a base of the VMM's own, and what it takes of each field.

use std::fmt;

use smmu_model::features::{FIELDS, FieldError, IdRegisters};
use thiserror::Error;

use super::profiles::{PROFILES, Profile};
use super::{CAPABILITIES, Documented, Way};
use crate::kernel::generation::{CAP_VBTM, CAP_VHTTU_ACCESS, CAP_VHTTU_DIRTY, FLAG_VBTM, FLAG_VHTTU};

/// GET_HW_INFO, `out_capabilities`: the device cannot use ATS.
pub(crate) const CAP_PCI_ATS_NOT_SUPPORTED: u64 = 1 << 3;

/// What GET_HW_INFO says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// `idr[]`, IIDR and AIDR.
    pub ids: IdRegisters,
    /// Which bits of IDR0 to IDR5 say something, of a kernel that is explicit about it.
    pub mask: Option<[u32; 6]>,
    /// `out_capabilities`.
    pub capabilities: u64,
}

/// What a VMM shows to its guest, and asks of the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decision {
    /// The ID registers of the guest's SMMU.
    pub ids: IdRegisters,
    /// `flags` of VIOMMU_ALLOC.
    pub viommu_flags: u32,
}

/// A VMM refuses the host.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the VMM refuses the host: {field} is {host}, and it wants {wants}")]
pub struct Refused {
    /// About which field.
    pub field: &'static str,
    /// What the kernel reports.
    pub host: u64,
    /// What the VMM wants.
    pub wants: Wants,
}

/// What a VMM wants of a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wants {
    /// This value.
    Exactly(u64),
    /// This value or more.
    AtLeast(u64),
    /// This value or less.
    AtMost(u64),
}

impl fmt::Display for Wants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(value) => write!(f, "{value}"),
            Self::AtLeast(value) => write!(f, "{value} or more"),
            Self::AtMost(value) => write!(f, "{value} or less"),
        }
    }
}

/// What a VMM takes of a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Take {
    /// What the kernel reports.
    AsRead,
    /// The smaller of its own and what the kernel reports.
    AtMost(u64),
    /// Its own, if the kernel reports the same; else it refuses.
    Same(u64),
    /// Its own, if the kernel reports as much or more; else it refuses.
    IfAtLeast(u64),
    /// Its own, if the kernel reports as much or less; else it refuses.
    IfAtMost(u64),
    /// 1 if `out_capabilities` permits ATS to the device.
    AtsOfDevice,
}

/// A VMM's way with the ID registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Policy {
    /// Shows the fields that the kernel's documentation lists, and nothing else that it has read.
    Kdoc,
    /// Shows what it has read, of everything that stage 1 of a guest can use and that it does not emulate itself.
    Passthrough,
    /// Shows what it has read, whatever it is.
    Verbatim,
    /// Shows what the mask of an explicit kernel covers; of another kernel, what the documentation lists.
    Masked,
    /// What a real VMM does.
    Profile(&'static Profile),
}

/// When a VMM was written, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Vintage {
    /// With the list of Linux 6.13, before DS.
    Linux6_13,
    /// With the list of Linux 7.3.
    Linux7_3,
    /// After vHTTU and vBTM: it looks at their capability bits, and sets their flags where it shows them.
    Future,
}

impl Vintage {
    /// All, oldest first.
    pub const ALL: &'static [Self] = &[Self::Linux6_13, Self::Linux7_3, Self::Future];

    /// The name on the command line and in matrix files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linux6_13 => "6.13",
            Self::Linux7_3 => "7.3",
            Self::Future => "future",
        }
    }

    /// The vintage with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|vintage| vintage.name() == name)
    }
}

impl Policy {
    /// The policies that are no profile.
    pub const GENERAL: &'static [Self] = &[Self::Kdoc, Self::Passthrough, Self::Verbatim, Self::Masked];

    /// The name on the command line and in matrix files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kdoc => "kdoc",
            Self::Passthrough => "passthrough",
            Self::Verbatim => "verbatim",
            Self::Masked => "masked",
            Self::Profile(profile) => profile.name,
        }
    }

    /// All policies, the profiles last.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        Self::GENERAL.iter().copied().chain(PROFILES.iter().map(Self::Profile))
    }

    /// The policy with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|policy| policy.name() == name)
    }

    /// What a VMM of this policy and vintage decides.
    pub fn decide(self, vintage: Vintage, seen: &Seen) -> Result<Decision, Refused> {
        let mut ids = match self {
            Self::Kdoc => documented(vintage, seen),
            Self::Passthrough => of_everything(seen, &[u32::MAX; 6]),
            Self::Verbatim => seen.ids,
            Self::Masked => {
                seen.mask.map_or_else(|| documented(vintage, seen), |mask| of_everything(seen, &mask))
            }
            Self::Profile(profile) => profile.decide(seen)?,
        };
        let viommu_flags = if vintage == Vintage::Future { self.use_capabilities(&mut ids, seen) } else { 0 };
        Ok(Decision { ids, viommu_flags })
    }

    /// What the future knows: what a capability bit says is shown, and enabled. What it does not say is hidden, except by
    /// a VMM that shows what it reads.
    fn use_capabilities(self, ids: &mut IdRegisters, seen: &Seen) -> u32 {
        let has = |bit: u64| seen.capabilities & bit != 0;
        let httu = u64::from(has(CAP_VHTTU_ACCESS)) + u64::from(has(CAP_VHTTU_DIRTY));
        let btm = u64::from(has(CAP_VBTM));
        if !matches!(self, Self::Passthrough | Self::Verbatim) {
            set(ids, "IDR0.HTTU", httu);
            set(ids, "IDR0.BTM", btm);
        }
        let flags = [(FLAG_VHTTU, httu != 0), (FLAG_VBTM, btm != 0)];
        flags.iter().filter(|(_, is_set)| *is_set).map(|(flag, _)| flag).sum()
    }
}

/// The VMM's own values, and what the list has.
fn documented(vintage: Vintage, seen: &Seen) -> IdRegisters {
    let mut ids = own();
    for capability in CAPABILITIES {
        let is_listed = match capability.documented {
            Documented::Since6_13 => true,
            Documented::Since7_3 => vintage >= Vintage::Linux7_3,
            Documented::Implied | Documented::PerDevice | Documented::No => false,
        };
        for name in capability.fields.iter().filter(|_| is_listed) {
            set(&mut ids, name, read(seen, name));
        }
    }
    set(&mut ids, "IDR0.ATS", ats_of_device(seen));
    ids
}

/// The VMM's own values of what it emulates, and everything else as it was read, where `mask` covers it.
fn of_everything(seen: &Seen, mask: &[u32; 6]) -> IdRegisters {
    let mut ids = IdRegisters { iidr: seen.ids.iidr, aidr: seen.ids.aidr, ..own() };
    let is_own = |name: &str| {
        let home = CAPABILITIES.iter().find(|capability| capability.fields.contains(&name));
        let needs_stage2 = ["stage 2", "HYP"];
        home.is_some_and(|home| {
            home.way() == Way::OfTheVmm && home.documented == Documented::No
                || needs_stage2.contains(&home.name)
        }) || ["IDR0.S1P", "IDR0.COHACC"].contains(&name)
    };
    let fields = FIELDS.iter().filter(|field| !field.is_register() && !is_own(field.name));
    for (field, mask) in fields.filter_map(|field| Some((field, mask_of(field.name, mask)?))) {
        if field.mask() & mask != 0 {
            set(&mut ids, field.name, read(seen, field.name));
        }
    }
    ids
}

/// The word of the mask that a field of IDR0 to IDR5 lies in.
fn mask_of(name: &str, mask: &[u32; 6]) -> Option<u32> {
    let digit = name.strip_prefix("IDR")?.split_once('.')?.0;
    mask.get(digit.parse::<usize>().ok()?).copied()
}

/// What a VMM decides by itself: stage 1, coherent, queues of any size, 44 bits of addresses.
pub(super) fn own() -> IdRegisters {
    let mut ids = IdRegisters::default();
    let fields =
        [("IDR0.S1P", 1), ("IDR0.COHACC", 1), ("IDR1.CMDQS", 19), ("IDR1.EVENTQS", 19), ("IDR5.OAS", 4)];
    for (name, value) in fields {
        set(&mut ids, name, value);
    }
    ids
}

impl Take {
    /// The value that the guest is shown of a field.
    pub(super) fn value(self, field: &'static str, seen: &Seen) -> Result<u64, Refused> {
        let host = read(seen, field);
        let refused = |wants| Refused { field, host, wants };
        match self {
            Self::AsRead => Ok(host),
            Self::AtMost(own) => Ok(own.min(host)),
            Self::Same(own) if own != host => Err(refused(Wants::Exactly(own))),
            Self::IfAtLeast(own) if own > host => Err(refused(Wants::AtLeast(own))),
            Self::IfAtMost(own) if own < host => Err(refused(Wants::AtMost(own))),
            Self::Same(own) | Self::IfAtLeast(own) | Self::IfAtMost(own) => Ok(own),
            Self::AtsOfDevice => Ok(ats_of_device(seen)),
        }
    }
}

fn ats_of_device(seen: &Seen) -> u64 {
    u64::from(seen.capabilities & CAP_PCI_ATS_NOT_SUPPORTED == 0)
}

fn read(seen: &Seen, name: &str) -> u64 {
    known(seen.ids.field(name))
}

pub(super) fn set(ids: &mut IdRegisters, name: &str, value: u64) {
    known(ids.set_field(name, value));
}

/// Fields of the tables exist and take the values of fields of the same name.
fn known<T>(result: Result<T, FieldError>) -> T {
    result.unwrap_or_else(|error| panic!("a table of this module is wrong: {error}"))
}

#[cfg(test)]
mod tests {
    use smmu_model::features::Preset;

    use super::*;

    fn seen(capabilities: u64, mask: Option<[u32; 6]>) -> Seen {
        Seen { ids: Preset::Max.id_registers(), mask, capabilities }
    }

    /// IDR0.HTTU, IDR0.BTM, IDR5.DS, IDR0.ATS and the flags.
    fn shown(policy: Policy, vintage: Vintage, seen: &Seen) -> [u64; 5] {
        let decision = policy.decide(vintage, seen).expect("the VMM takes the host");
        let field = |name| decision.ids.field(name).expect("a field");
        let flags = u64::from(decision.viommu_flags);
        [field("IDR0.HTTU"), field("IDR0.BTM"), field("IDR5.DS"), field("IDR0.ATS"), flags]
    }

    #[test]
    fn policies_differ_in_what_the_list_leaves_out() {
        let all = CAP_VHTTU_ACCESS | CAP_VHTTU_DIRTY | CAP_VBTM;
        for (policy, vintage, capabilities, expected) in [
            (Policy::Kdoc, Vintage::Linux6_13, 0, [0, 0, 0, 1, 0]),
            (Policy::Kdoc, Vintage::Linux7_3, CAP_PCI_ATS_NOT_SUPPORTED, [0, 0, 1, 0, 0]),
            (Policy::Kdoc, Vintage::Linux7_3, all, [0, 0, 1, 1, 0]),
            (Policy::Kdoc, Vintage::Future, all, [2, 1, 1, 1, 3]),
            (Policy::Kdoc, Vintage::Future, CAP_VHTTU_ACCESS, [1, 0, 1, 1, 1]),
            (Policy::Passthrough, Vintage::Linux6_13, 0, [2, 1, 1, 1, 0]),
            (Policy::Passthrough, Vintage::Future, CAP_VBTM, [2, 1, 1, 1, 2]),
            (Policy::Masked, Vintage::Linux7_3, 0, [0, 0, 1, 1, 0]),
        ] {
            let found = shown(policy, vintage, &seen(capabilities, None));
            assert_eq!(found, expected, "{policy:?} {vintage:?} {capabilities:#x}");
        }
        let btm_only = Some([1 << 5, 0, 0, 0, 0, 0]);
        assert_eq!(shown(Policy::Masked, Vintage::Linux7_3, &seen(0, btm_only)), [0, 1, 0, 0, 0]);
    }

    #[test]
    fn a_profile_refuses_a_host_that_it_cannot_use() {
        let mut small = seen(0, None);
        set(&mut small.ids, "IDR5.OAS", 2);
        let qemu = Policy::Profile(&PROFILES[0]);
        let refused = qemu.decide(Vintage::Linux7_3, &small).expect_err("40 bits are less than 44");
        assert_eq!(refused.to_string(), "the VMM refuses the host: IDR5.OAS is 2, and it wants 4 or more");
    }

    #[test]
    fn every_table_names_fields_that_exist() {
        for profile in PROFILES {
            for vintage in [Vintage::Linux6_13, Vintage::Linux7_3, Vintage::Future] {
                let decided = Policy::Profile(profile).decide(vintage, &seen(0, None));
                assert!(decided.is_ok(), "{}: {decided:?}", profile.name);
            }
        }
    }
}
