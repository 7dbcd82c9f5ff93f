//! Broadcast TLB maintenance (§3.17): what a processing element's TLBI does here, where this SMMU takes part.

use crate::cache::scope::{AsidMatch, Regimes, Scope, Stages};
use crate::cache::{Caches, Invalidation, Origin};
use crate::choice::answer::{BroadcastNarrow, BroadcastWhilePrivate, InvalidationOfAset};
use crate::command::Pages;
use crate::command::effect::{self, TagSetting};
use crate::env::Env;
use crate::fault::stall::Stalls;
use crate::features::Features;
use crate::ids::{Asid, Vmid};
use crate::registers::Registers;
use crate::rule::Rule;

/// A TLBI of a processing element, Non-secure, as it reaches the SMMU. Identifiers have 16 bits, those of a processing
/// element with 8 are extended with zeros; a processing element without EL2 has VMID 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Broadcast {
    /// ALLE1: EL1 of all VMIDs, both stages.
    AllE1,
    /// VMALLS12E1: EL1 of a VMID, both stages.
    VmallS12E1 {
        /// The VMID.
        vmid: Vmid,
    },
    /// VMALLE1: EL1 of a VMID, stage 1.
    VmallE1 {
        /// The VMID.
        vmid: Vmid,
    },
    /// ASIDE1: EL1 of a VMID and ASID, except global translations.
    AsidE1 {
        /// The VMID.
        vmid: Vmid,
        /// The ASID.
        asid: Asid,
    },
    /// VAE1, VALE1 and their ranges: EL1 of a VMID, and of an ASID or global.
    VaE1 {
        /// The VAs.
        pages: Pages,
        /// The VMID.
        vmid: Vmid,
        /// The ASID.
        asid: Asid,
    },
    /// VAAE1, VAALE1 and their ranges: EL1 of a VMID, any ASID.
    VaaE1 {
        /// The VAs.
        pages: Pages,
        /// The VMID.
        vmid: Vmid,
    },
    /// IPAS2E1, IPAS2LE1 and their ranges: stage 2 of a VMID.
    IpaS2E1 {
        /// The IPAs.
        pages: Pages,
        /// The VMID.
        vmid: Vmid,
    },
    /// ALLE2: EL2, with E2H or without.
    AllE2 {
        /// HCR_EL2.E2H of the processing element.
        e2h: bool,
    },
    /// VAE2, VALE2 and their ranges, of a processing element without E2H.
    VaE2 {
        /// The VAs.
        pages: Pages,
    },
    /// VAE1 and others at EL2 with E2H: EL2-E2H, of an ASID or global.
    VaE2E2h {
        /// The VAs.
        pages: Pages,
        /// The ASID.
        asid: Asid,
    },
    /// VAAE1 and others at EL2 with E2H: EL2-E2H, any ASID.
    VaaE2E2h {
        /// The VAs.
        pages: Pages,
    },
    /// ASIDE1 at EL2 with E2H: EL2-E2H of an ASID, except global translations.
    AsidE2E2h {
        /// The ASID.
        asid: Asid,
    },
}

/// A broadcast arrives: it is visible, and complete at the next DVM Sync.
pub(crate) fn receive(
    env: &mut impl Env,
    f: &Features,
    registers: &Registers,
    (caches, stalls): (&mut Caches, &mut Stalls),
    broadcast: Broadcast,
) {
    if !f.btm {
        return env.note(Rule::BroadcastWithoutBtm);
    }
    if registers.cr2.ptm()
        && env.ask(&[BroadcastWhilePrivate::Ignore, BroadcastWhilePrivate::Obey])
            == BroadcastWhilePrivate::Ignore
    {
        return env.note(Rule::BroadcastPrivate);
    }
    let Some(target) = target(env, f, broadcast) else {
        return env.note(Rule::BroadcastWithoutTarget);
    };
    env.note(Rule::BroadcastReceived);
    effect::invalidate(env, (caches, stalls), Origin::Broadcast, |env| {
        scope(env, target, TagSetting::new(registers)).map(Invalidation::Translations)
    });
}

/// What goes. `None` if nothing does.
fn scope(env: &mut impl Env, target: Target, TagSetting { ignored, .. }: TagSetting) -> Option<Scope> {
    let Target { regime, stages, pages } = target;
    let regimes = match regime {
        Regime::El1(Some(vmid)) => Regimes::El1 { vmid, ignored },
        Regime::El1(None) => Regimes::AllEl1,
        Regime::El2 => Regimes::El2,
        Regime::El2E2h => Regimes::El2E2h,
    };
    let addresses = match pages {
        None => None,
        Some(pages) => Some(pages.addresses(regimes, stages)?),
    };
    // What names an ASID, or a VA where there are none, need not reach entries that no processing element shares.
    let by_asid = match stages {
        Stages::One(AsidMatch::AsidOrGlobal(_) | AsidMatch::NotGlobal(_)) => true,
        Stages::One(AsidMatch::Any) => regime == Regime::El2 && pages.is_some(),
        Stages::Two | Stages::Both => false,
    };
    let spares_aset = by_asid
        && env.ask(&[InvalidationOfAset::Keep, InvalidationOfAset::Remove]) == InvalidationOfAset::Keep;
    Some(Scope { regimes, stages, addresses, spares_aset })
}

/// Whose translations a broadcast is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Regime {
    /// EL1; of all VMIDs without one.
    El1(Option<Vmid>),
    El2,
    El2E2h,
}

struct Target {
    regime: Regime,
    stages: Stages,
    pages: Option<Pages>,
}

/// `None` if no translation here can be meant: a stage or regime that is not implemented, an identifier too wide.
fn target(env: &mut impl Env, f: &Features, broadcast: Broadcast) -> Option<Target> {
    use AsidMatch::{Any, AsidOrGlobal, NotGlobal};
    let one = |asids| Stages::One(asids);
    let (regime, stages, pages) = match broadcast {
        Broadcast::AllE1 => (Regime::El1(None), Stages::Both, None),
        Broadcast::VmallS12E1 { vmid } => (Regime::El1(Some(vmid)), Stages::Both, None),
        Broadcast::VmallE1 { vmid } => (Regime::El1(Some(vmid)), one(Any), None),
        Broadcast::AsidE1 { vmid, asid } => (Regime::El1(Some(vmid)), one(NotGlobal(asid)), None),
        Broadcast::VaE1 { pages, vmid, asid } => {
            (Regime::El1(Some(vmid)), one(AsidOrGlobal(asid)), Some(pages))
        }
        Broadcast::VaaE1 { pages, vmid } => (Regime::El1(Some(vmid)), one(Any), Some(pages)),
        Broadcast::IpaS2E1 { pages, vmid } => (Regime::El1(Some(vmid)), Stages::Two, Some(pages)),
        Broadcast::AllE2 { e2h: false } => (Regime::El2, one(Any), None),
        Broadcast::AllE2 { e2h: true } => (Regime::El2E2h, one(Any), None),
        Broadcast::VaE2 { pages } => (Regime::El2, one(Any), Some(pages)),
        Broadcast::VaE2E2h { pages, asid } => (Regime::El2E2h, one(AsidOrGlobal(asid)), Some(pages)),
        Broadcast::VaaE2E2h { pages } => (Regime::El2E2h, one(Any), Some(pages)),
        Broadcast::AsidE2E2h { asid } => (Regime::El2E2h, one(NotGlobal(asid)), None),
    };
    let implemented = match (stages, regime) {
        (Stages::Two, _) => f.s2p,
        (Stages::One(_), Regime::El1(_)) => f.s1p,
        (Stages::One(_), Regime::El2 | Regime::El2E2h) => f.hyp,
        (Stages::Both, _) => true,
    };
    let regime = match regime {
        // Without stage 2 there are no VMIDs, and translations match VMID 0 (§3.17).
        Regime::El1(Some(vmid)) if !f.s2p && vmid != Vmid(0) => return None,
        Regime::El1(Some(Vmid(vmid))) => Regime::El1(Some(Vmid(narrowed(env, f.vmid16, vmid)?))),
        Regime::El1(None) | Regime::El2 | Regime::El2E2h => regime,
    };
    let stages = match stages {
        Stages::One(AsidOrGlobal(Asid(asid))) => one(AsidOrGlobal(Asid(narrowed(env, f.asid16, asid)?))),
        Stages::One(NotGlobal(Asid(asid))) => one(NotGlobal(Asid(narrowed(env, f.asid16, asid)?))),
        Stages::One(Any) | Stages::Two | Stages::Both => stages,
    };
    implemented.then_some(Target { regime, stages, pages })
}

/// An identifier of 16 bits for an SMMU that may have 8 (§3.17.4). `None` if it matches nothing.
fn narrowed(env: &mut impl Env, is_wide: bool, identifier: u16) -> Option<u16> {
    if is_wide || identifier <= 0xff {
        return Some(identifier);
    }
    let matches = env.ask(&[BroadcastNarrow::NoMatch, BroadcastNarrow::Match]) == BroadcastNarrow::Match;
    matches.then_some(identifier & 0xff)
}
