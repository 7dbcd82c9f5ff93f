//! What is fetched before anything needs it: hints of software (§4.2), and what the SMMU fetches ahead by itself
//! (§3.21.1, §3.21.3). Whatever goes wrong is not reported.

use super::ask::Ask;
use super::recall::Remembering;
use super::sources::{ContextSource, StreamSource};
use super::stage1::{self, Stage1Input, Stage1Query};
use super::{both_stages, stage2, within_ias};
use crate::address::Iova;
use crate::cache::{CachePolicy, Caches};
use crate::choice::answer::{PrefetchEffect, SpeculativeAccessFlag, SpeculativeFetch};
use crate::command::Prefetch;
use crate::config::Globals;
use crate::config::cd::Stage1Rules;
use crate::config::substream::{self, Selected};
use crate::env::Env;
use crate::layout::descriptor::{Stage1Leaf, Stage2Leaf};
use crate::outcome::{Class, Stop};
use crate::rule::Rule;
use crate::transaction::Privilege;

/// So many translations are made for one hint; the rest are not (§4.2.2).
const TRANSLATIONS_MAX: u64 = 64;

/// CMD_PREFETCH_*: follows the hint, or does not.
pub(crate) fn prefetch<E: Env>(env: &mut E, g: &Globals<'_>, caches: &mut Caches, hint: Prefetch) {
    if can_fetch(g, caches)
        && env.ask(&[PrefetchEffect::Cache, PrefetchEffect::Nothing]) == PrefetchEffect::Cache
    {
        fetch(env, g, caches, hint);
    }
}

/// The SMMU fetches by itself what `expected` names, or does not.
pub(crate) fn speculate<E: Env>(env: &mut E, g: &Globals<'_>, caches: &mut Caches, expected: Prefetch) {
    if can_fetch(g, caches)
        && env.ask(&[SpeculativeFetch::Nothing, SpeculativeFetch::Fetch]) == SpeculativeFetch::Fetch
    {
        env.note(Rule::FetchedAhead);
        fetch(env, g, caches, expected);
    }
}

/// Nothing can be reached while SMMUEN is 0 (§6.3.9.6), and without caches there is nowhere to put it.
fn can_fetch(g: &Globals<'_>, caches: &Caches) -> bool {
    caches.policy != CachePolicy::None && g.smmuen()
}

fn fetch<E: Env>(env: &mut E, g: &Globals<'_>, caches: &mut Caches, wanted: Prefetch) {
    let Some(addresses) = wanted.addresses else {
        let _refused = fetch_one(env, g, caches, wanted, None);
        return;
    };
    let count = 1u64.checked_shl(u32::from(addresses.log2_count)).unwrap_or(u64::MAX);
    for index in 0..count.min(TRANSLATIONS_MAX) {
        let offset = index.checked_shl(u32::from(addresses.log2_stride_bytes)).unwrap_or(0);
        let Some(address) = addresses.first.checked_add(offset) else { return };
        let _refused = fetch_one(env, g, caches, wanted, Some(address));
    }
}

/// The configuration, and the translation of `address` if there is one.
fn fetch_one<E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    caches: &mut Caches,
    wanted: Prefetch,
    address: Option<Iova>,
) -> Result<(), Stop> {
    let Caches { configuration, tlb, pending, policy, now } = caches;
    let mut env = Remembering::new(env, g.features, (*policy, *now), tlb, pending).ahead();
    let stream = configuration.streams.stream(&mut env, g, wanted.stream)?;
    let selected = substream::select(&mut env, g.features, stream.stage1.as_ref(), wanted.substream);
    let stage2 = stream.stage2.as_ref();
    let Selected::Cd(index) = selected.map_err(Stop::configuration)? else {
        let (Some(address), Some(stage2)) = (address, stage2) else { return Ok(()) };
        within_ias(g, address)?;
        let ipa = address.as_ipa_with_stage1_bypassed();
        let request = stage2::Request { ipa, class: Class::Input, access: AnyAccess };
        return stage2::translate(&mut env, stage2, request).map(|_mapped| ());
    };
    let context = configuration.contexts.context(&mut env, g.features, (wanted.stream, stream), index)?;
    let Some(address) = address else { return Ok(()) };
    let input = Stage1Input { address, access: AnyAccess, regime: stream.regime(), goes_on: true };
    let query = Stage1Query::new(context, stage2, input)?;
    match stage2 {
        None => stage1::translate(&mut env, &query).map(|_mapped| ()),
        Some(stage2) => both_stages(&mut env, stage2, &query).map(|_both| ()),
    }
}

/// Whether a fetch ahead sets an Access flag that is clear (§3.13.4).
#[cold]
pub(super) fn sets_access_flag(env: &mut impl Env) -> bool {
    let answer = env.ask(&[SpeculativeAccessFlag::Set, SpeculativeAccessFlag::Leave]);
    if answer == SpeculativeAccessFlag::Leave {
        env.note(Rule::FetchAheadLeavesFlag);
    }
    answer == SpeculativeAccessFlag::Set
}

/// What a translation is fetched for ahead: whatever access it may let in. It makes nothing dirty.
#[derive(Clone, Copy, Debug)]
struct AnyAccess;

impl Ask for AnyAccess {
    fn stage1(self, _: Stage1Leaf, _: u64, _: bool, _: Stage1Rules) -> Result<Self, Rule> {
        Ok(self)
    }

    fn stage2(self, _: Stage2Leaf, _: bool, _: bool) -> Result<Self, Rule> {
        Ok(self)
    }

    fn dirties(self) -> bool {
        false
    }

    fn updates(self) -> bool {
        true
    }

    /// No rule keeps it out (E0PD).
    fn privilege(self) -> Privilege {
        Privilege::Privileged
    }
}
