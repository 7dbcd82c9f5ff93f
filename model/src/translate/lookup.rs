//! A lookup by software (chapter 9): the stages of a stream that it names, and no more.
//!
//! The steps and their order are those of a transaction; what is left out are overrides of the STE (§13.1.4) and
//! what becomes of a fault.

use super::memo::Memo;
use super::recall::{Fresh, Recall, Remembering};
use super::sources::{ContextSource, StreamSource};
use super::stage1::{self, Stage1Input, Stage1Query};
use super::{both_stages, finished, stage2, within_ias};
use crate::address::{Iova, Ipa};
use crate::attributes::{Attributes, Device, MemoryType, Shareability};
use crate::cache::{CachePolicy, Caches};
use crate::choice::answer::{
    AtosBypassAttributes, AtosBypassSize, AtosCaches, AtosFinalPageFlag, AtosFlagUpdateFault,
    AtosInhibitedFlag,
};
use crate::config::cd::Context;
use crate::config::ste::{Stage2, Stream};
use crate::config::substream::{self, Selected};
use crate::config::{Globals, StreamWorld};
use crate::env::Env;
use crate::features::Features;
use crate::ids::{StreamId, SubstreamId, Vmid};
use crate::outcome::{Class, Site, Stop, Translation};
use crate::rule::Rule;
use crate::transaction::{Access, Direction};

/// What software asks for; it is well formed (INV_REQ is none of ours).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lookup {
    pub(crate) stream: StreamId,
    pub(crate) substream: Option<SubstreamId>,
    pub(crate) address: Iova,
    pub(crate) access: Access,
    pub(crate) stages: Stages,
    /// HTTUI: no descriptor is made dirty (§9).
    pub(crate) inhibits: bool,
    /// Only streams of this VMID, at NS-EL1, may be looked at (§9.1.6).
    pub(crate) vmid: Option<Vmid>,
}

/// TYPE (§9.1.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stages {
    /// VA to IPA, or to PA without stage 2.
    One,
    /// IPA to PA.
    Two,
    /// VA to PA.
    Both,
}

impl Stages {
    pub(crate) const fn has_one(self) -> bool {
        match self {
            Self::One | Self::Both => true,
            Self::Two => false,
        }
    }

    pub(crate) const fn has_two(self) -> bool {
        match self {
            Self::Two | Self::Both => true,
            Self::One => false,
        }
    }
}

/// Where the access would go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    /// A PA, or the IPA of a stage 1 lookup.
    pub(crate) output: u64,
    /// log2 of the bytes for which it holds.
    pub(crate) size_log2: u8,
    pub(crate) attributes: Attributes,
}

/// Which descriptor updates a lookup makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Updates {
    /// Those of a transaction.
    All,
    /// None that make dirty; Access flags as the implementation has it.
    Inhibited,
    /// None.
    None,
}

/// One lookup. A stage 2 fault of an access of its own makes a stage 1 lookup fail as an abort does (§9.1.4).
#[cold]
pub(crate) fn look_up<E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    caches: &mut Caches,
    lookup: &Lookup,
) -> Result<Found, Stop> {
    let updates = if lookup.inhibits { Updates::Inhibited } else { Updates::All };
    let uses_caches = caches.policy != CachePolicy::None
        && env.ask(&[AtosCaches::Bypass, AtosCaches::Use]) == AtosCaches::Use;
    let mut attempt = |env: &mut E, updates| {
        if !uses_caches {
            let Memo { stream, context, .. } = &mut Memo::default();
            return attempt(&mut Fresh(env), g, (stream, context), lookup, updates);
        }
        let Caches { configuration, tlb, pending, policy, now } = &mut *caches;
        let mut env = Remembering::new(env, g.features, (*policy, *now), tlb, pending);
        let sources = (&mut configuration.streams, &mut configuration.contexts);
        attempt(&mut env, g, sources, lookup, updates)
    };
    let mut found = attempt(env, updates);
    if let Err(stop) = found
        && lookup.inhibits
        && matches!(stop.rule, Rule::Stage1UpdateAborted | Rule::Stage2UpdateAborted)
        && env.ask(&[AtosFlagUpdateFault::Report, AtosFlagUpdateFault::Ignore]) == AtosFlagUpdateFault::Ignore
    {
        found = attempt(env, Updates::None);
    }
    found.map_err(|stop| if lookup.stages == Stages::One { as_stage1_abort(env, stop) } else { stop })
}

fn attempt<E: Recall>(
    env: &mut E,
    g: &Globals<'_>,
    (streams, contexts): (&mut impl StreamSource, &mut impl ContextSource),
    lookup: &Lookup,
    updates: Updates,
) -> Result<Found, Stop> {
    let mut stream = stream(env, g, streams, lookup)?;
    stream.stage2 = stream.stage2.map(|stage2| stage2.with(env, updates));
    match (lookup.stages, &stream.stage2) {
        (Stages::Two, Some(stage2)) => through_stage2_alone(env, g, stage2, lookup),
        (Stages::Two, None) => unreachable!("a stage that is not configured is INV_STAGE"),
        (Stages::One | Stages::Both, _) => {
            let selected = substream::select(env, g.features, stream.stage1.as_ref(), lookup.substream);
            match (selected.map_err(Stop::configuration)?, &stream.stage2) {
                (Selected::Bypass, Some(stage2)) if lookup.stages == Stages::Both => {
                    through_stage2_alone(env, g, stage2, lookup)
                }
                (Selected::Bypass, _) => stage1_bypassed(env, g, lookup),
                (Selected::Cd(index), stage2) => {
                    let context = *contexts.context(env, g.features, (lookup.stream, &stream), index)?;
                    let context = context.with(env, updates, stage2.is_some());
                    through_stage1(env, &stream, &context, lookup)
                }
            }
        }
    }
}

/// The STE, and whether its stages and its VMID suit the request (§9.1.3, §9.1.6).
fn stream<E: Recall>(
    env: &mut E,
    g: &Globals<'_>,
    streams: &mut impl StreamSource,
    lookup: &Lookup,
) -> Result<Stream, Stop> {
    let unsuited = if lookup.vmid.is_some() { Rule::AtosNoVmid } else { Rule::AtosStageNotConfigured };
    let stream = *streams
        .stream(env, g, lookup.stream)
        .map_err(|stop| if stop.rule == Rule::SteDisabled { Stop::configuration(unsuited) } else { stop })?;
    env.note(stream.configuration());
    let translates = stream.stage1.is_some() || stream.stage2.is_some();
    match lookup.vmid {
        Some(_) if !translates || stream.world != StreamWorld::NsEl1 => {
            return Err(Stop::configuration(Rule::AtosNoVmid));
        }
        Some(vmid) if stream.vmid != vmid => return Err(Stop::configuration(Rule::AtosVmidMismatch)),
        Some(_) | None => {}
    }
    let missing = lookup.stages.has_one() && stream.stage1.is_none()
        || lookup.stages.has_two() && stream.stage2.is_none();
    if missing { Err(Stop::configuration(Rule::AtosStageNotConfigured)) } else { Ok(stream) }
}

/// From an IPA to a PA.
fn through_stage2_alone<E: Recall>(
    env: &mut E,
    g: &Globals<'_>,
    stage2: &Stage2,
    lookup: &Lookup,
) -> Result<Found, Stop> {
    within_ias(g, lookup.address)?;
    let ipa = lookup.address.as_ipa_with_stage1_bypassed();
    let request = stage2::Request { ipa, class: Class::Input, access: lookup.access };
    let mapped = stage2::translate(env, stage2, request)?;
    let attributes = mapped.attributes(env, Attributes::INCOMING_DEFAULT).consistent();
    Ok(Found { output: mapped.pa.value(), size_log2: mapped.size_bits, attributes })
}

/// A stage 1 lookup of what S1DSS keeps out of stage 1: the address itself (§9.1.3).
fn stage1_bypassed<E: Env>(env: &mut E, g: &Globals<'_>, lookup: &Lookup) -> Result<Found, Stop> {
    within_ias(g, lookup.address)?;
    let f = g.features;
    let size_log2 = match env.ask(&[AtosBypassSize::Granule, AtosBypassSize::Ias]) {
        AtosBypassSize::Granule => smallest_granule_log2(f),
        AtosBypassSize::Ias => f.ias_bits,
    };
    let attributes = match env.ask(&[AtosBypassAttributes::WriteBack, AtosBypassAttributes::Device]) {
        AtosBypassAttributes::WriteBack => Attributes::INCOMING_DEFAULT,
        AtosBypassAttributes::Device => {
            Attributes::new(MemoryType::Device(Device::NGnRnE), Shareability::OuterShareable)
        }
    };
    Ok(Found { output: lookup.address.value(), size_log2, attributes })
}

/// From a VA to an IPA, and on to a PA if both stages were asked for.
fn through_stage1<E: Recall>(
    env: &mut E,
    stream: &Stream,
    context: &Context,
    lookup: &Lookup,
) -> Result<Found, Stop> {
    let Lookup { address, access, stages, .. } = *lookup;
    let input = Stage1Input { address, access, regime: stream.regime(), goes_on: stages == Stages::Both };
    let query = Stage1Query::new(context, stream.stage2.as_ref(), input)?;
    if stages == Stages::Both {
        let stage2 = stream.stage2.as_ref().expect("a stage that is not configured is INV_STAGE");
        let (mapped, second) = both_stages(env, stage2, &query)?;
        let attributes = mapped.attributes(env, Attributes::INCOMING_DEFAULT);
        let Translation { pa, size_log2, attributes } = finished(env, &mapped, &second, attributes);
        return Ok(Found { output: pa.value(), size_log2, attributes });
    }
    let mapped = stage1::translate(env, &query)?;
    let attributes = mapped.attributes(env, Attributes::INCOMING_DEFAULT).consistent();
    if let Some(stage2) = &stream.stage2 {
        touch_final_page(env, stage2, mapped.ipa);
    }
    Ok(Found { output: mapped.ipa.value(), size_log2: mapped.size_bits, attributes })
}

/// A stage 1 lookup does not translate its IPA; stage 2 may note the access all the same, but no write (§9).
fn touch_final_page<E: Recall>(env: &mut E, stage2: &Stage2, ipa: Ipa) {
    if !stage2.ha
        || stage2.leaves_flags
        || env.ask(&[AtosFinalPageFlag::Leave, AtosFinalPageFlag::Set]) == AtosFinalPageFlag::Leave
    {
        return;
    }
    let access = Access::data(Direction::Read);
    let request = stage2::Request { ipa, class: Class::Input, access };
    let _whatever_it_finds = stage2::translate(env, stage2, request);
}

/// Stage 2 faults of a stage 1 lookup look as if the fetch itself had been aborted; a TLB conflict is none (§9.1.4).
fn as_stage1_abort<E: Env>(env: &mut E, stop: Stop) -> Stop {
    if stop.rule == Rule::TlbConflict {
        return stop;
    }
    let class = match stop.site {
        Site::Stage2 { class, .. } | Site::Stage2Descriptor { class, .. } => class,
        Site::Configuration | Site::Structure(_) | Site::Stage1 | Site::Stage1Descriptor(_) => return stop,
    };
    env.note(stop.rule);
    let rule = match class {
        Class::Cd => Rule::AtosCdFetchFaulted,
        Class::TableWalk(_) => Rule::AtosWalkFaulted,
        Class::Input => unreachable!("a stage 1 lookup does not translate its IPA"),
    };
    Stop::configuration(rule)
}

/// log2 of the bytes of the smallest granule there is.
const fn smallest_granule_log2(f: &Features) -> u8 {
    if f.granule_4k {
        12
    } else if f.granule_16k {
        14
    } else {
        16
    }
}

/// Whether Access flags that hardware keeps are left alone, in a lookup that makes only these updates (§9 HTTUI).
fn leaves_flags<E: Env>(env: &mut E, ha: bool, updates: Updates) -> bool {
    match updates {
        _ if !ha => false,
        Updates::All => false,
        Updates::None => true,
        Updates::Inhibited => {
            env.ask(&[AtosInhibitedFlag::Leave, AtosInhibitedFlag::Set]) == AtosInhibitedFlag::Leave
        }
    }
}

const AF: u64 = 1 << 10;

impl Stage2 {
    /// A lookup leaves the flag of the descriptor `raw` clear, which then is not cached as if it were set (§9).
    #[inline(always)]
    pub(super) fn leaves_clear(&self, raw: u64) -> bool {
        self.leaves_flags && raw & AF == 0
    }

    fn with<E: Env>(self, env: &mut E, updates: Updates) -> Self {
        let leaves_flags = leaves_flags(env, self.ha, updates);
        Self { leaves_flags, stays_clean: updates != Updates::All, ..self }
    }
}

impl Context {
    /// The same at stage 1.
    #[inline(always)]
    pub(super) fn leaves_clear(&self, raw: u64) -> bool {
        self.leaves_flags && raw & AF == 0
    }

    /// Behind stage 2, an inhibited lookup leaves the flags of stage 1: it may set them only in a page that is
    /// writable-dirty, and never has to.
    fn with<E: Env>(mut self, env: &mut E, updates: Updates, nested: bool) -> Self {
        let of_flags = if nested && updates == Updates::Inhibited { Updates::None } else { updates };
        self.leaves_flags = leaves_flags(env, self.ha, of_flags);
        self.stays_clean = updates != Updates::All;
        self
    }
}
