//! What CMD_TLBI_* and CMD_CFGI_* remove from the caches (§4.3, §4.4).

use super::cfgi::Cfgi;
use super::tlbi::{Pages, Tlbi};
use crate::cache::configuration::Structures;
use crate::cache::scope::{Addresses, AsidMatch, Regimes, Scope, Stages};
use crate::cache::{CachePolicy, Caches, Invalidation, Origin};
use crate::choice::answer::InvalidationEffect;
use crate::config::geometry::{Granule, Table};
use crate::env::Env;
use crate::ids::StreamId;
use crate::registers::Registers;

/// Bit 55 of a VA selects the half of the address space, and the bits above are those of a tag, or as bit 55.
const VA_TOP: u32 = 8;

/// How registers bear on the tags of an invalidation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct TagSetting {
    /// CR2.E2H (§4.4.2.8).
    pub(crate) e2h: bool,
    /// The VMID bits that do not count, by CR0.VMW (§3.17.6).
    pub(crate) ignored: u16,
}

impl TagSetting {
    /// The higher values of VMW are reserved and act as 0 (§6.3.9.1).
    pub(crate) fn new(registers: &Registers) -> Self {
        let ignored = match registers.cr0ack.vmw() {
            bits @ 1..=4 => (1 << bits) - 1,
            _ => 0,
        };
        Self { e2h: registers.cr2.e2h(), ignored }
    }
}

/// An invalidation becomes visible to the caches; by choice it is complete at once. Under the policy that asks at each use,
/// an entry that is not used any more is as good as one that went. What it is about is worked out only if anything is
/// cached; `None` if that is nothing.
pub(crate) fn invalidate(
    env: &mut impl Env,
    caches: &mut Caches,
    origin: Origin,
    invalidation: impl FnOnce() -> Option<Invalidation>,
) {
    if caches.is_empty() {
        return;
    }
    let Some(invalidation) = invalidation() else { return };
    let at_once = caches.policy == CachePolicy::Keep
        && env.ask(&[InvalidationEffect::AtSync, InvalidationEffect::AtOnce]) == InvalidationEffect::AtOnce;
    caches.invalidate(env, origin, invalidation, at_once);
}

impl Tlbi {
    /// What goes. `None` if nothing does.
    pub(crate) fn scope(self, TagSetting { e2h, ignored }: TagSetting) -> Option<Scope> {
        let el1 = |vmid| Regimes::El1 { vmid, ignored };
        let (regimes, stages, pages) = match self {
            Self::NhAll { vmid } => (el1(vmid), Stages::One(AsidMatch::Any), None),
            Self::NhAsid { vmid, asid } => (el1(vmid), Stages::One(AsidMatch::NotGlobal(asid)), None),
            Self::NhVaa { pages, vmid } => (el1(vmid), Stages::One(AsidMatch::Any), Some(pages)),
            Self::NhVa { pages, vmid, asid } => {
                (el1(vmid), Stages::One(AsidMatch::AsidOrGlobal(asid)), Some(pages))
            }
            Self::El2All => (Regimes::AnyEl2, Stages::One(AsidMatch::Any), None),
            Self::El2Va { pages, asid } if e2h => {
                (Regimes::El2E2h, Stages::One(AsidMatch::AsidOrGlobal(asid)), Some(pages))
            }
            Self::El2Vaa { pages } if e2h => (Regimes::El2E2h, Stages::One(AsidMatch::Any), Some(pages)),
            // Without E2H the ASID is ignored.
            Self::El2Va { pages, asid: _ } | Self::El2Vaa { pages } => {
                (Regimes::El2, Stages::One(AsidMatch::Any), Some(pages))
            }
            Self::El2Asid { asid } => (Regimes::El2E2h, Stages::One(AsidMatch::NotGlobal(asid)), None),
            Self::S2Ipa { pages, vmid } => (el1(vmid), Stages::Two, Some(pages)),
            Self::S12Vmall { vmid } => (el1(vmid), Stages::Both, None),
            Self::NsnhAll => (Regimes::AllEl1, Stages::Both, None),
        };
        let addresses = match pages {
            None => None,
            Some(pages) => Some(pages.addresses(regimes, stages)?),
        };
        Some(Scope { regimes, stages, addresses, spares_aset: false })
    }
}

/// A VA as the TLB knows it: without a tag, and with the sign of bit 55 where there are two halves (§3.4.1).
#[inline]
pub(crate) fn untagged(address: u64, two_halves: bool) -> u64 {
    let low = address << VA_TOP >> VA_TOP;
    if two_halves && address >> 55 & 1 != 0 { low | 0xff << 56 } else { low }
}

impl Pages {
    /// `None` if no translation of this SMMU can be meant.
    pub(crate) fn addresses(self, regimes: Regimes, stages: Stages) -> Option<Addresses> {
        let first = match (stages, regimes) {
            (Stages::Two, _) => self.address,
            (Stages::One(_) | Stages::Both, Regimes::El2) => untagged(self.address, false),
            (Stages::One(_) | Stages::Both, _) => untagged(self.address, true),
        };
        let Some(range) = self.range else {
            let tables = if self.leaf { 0 } else { u64::MAX };
            return Some(Addresses { first, last: first, leaves: u64::MAX, tables });
        };
        if range.is_128_bit {
            return None; // there are no 128-bit descriptors
        }
        let granule = match range.log2_granule_bytes {
            12 => Granule::K4,
            14 => Granule::K16,
            _ => Granule::K64,
        };
        let level = range.level.map(|level| i8::try_from(level).expect("1 to 3"));
        let leaves =
            level.map_or_else(|| Table::sizes(granule, -1..=3), |level| Table::sizes(granule, level..=level));
        let above = level.unwrap_or(3) - 1;
        let tables = if self.leaf { 0 } else { Table::sizes(granule, -1..=above) };
        Some(Addresses { first, last: first.saturating_add(range.bytes - 1), leaves, tables })
    }
}

impl Cfgi {
    /// What goes.
    pub(crate) fn structures(self) -> Structures {
        match self {
            Self::Ste { stream, leaf } => Structures::Streams { first: stream, last: stream, level1: !leaf },
            Self::SteRange { first, last } => Structures::Streams { first, last, level1: true },
            Self::All => Structures::Streams { first: StreamId(0), last: StreamId(u32::MAX), level1: true },
            Self::Cd { stream, index, leaf } => Structures::Context { stream, index: index.0, level1: !leaf },
            Self::CdAll { stream } => Structures::Contexts { stream },
        }
    }
}
