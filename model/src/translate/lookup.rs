//! A lookup by software (chapter 9): the stages of a stream that it names, and no more.
//!
//! The steps and their order are those of a transaction; what is left out are overrides of the STE (§13.1.4) and
//! what becomes of a fault.

use super::{finish_stage2, locate_cd, read_structure, span, stage1, stage2, within_ias};
use crate::address::{Iova, Ipa};
use crate::attributes::{Attributes, Device, MemoryType, Shareability};
use crate::choice::answer::{
    AtosBypassAttributes, AtosBypassSize, AtosFinalPageFlag, AtosFlagUpdateFault, AtosInhibitedFlag,
};
use crate::config::cd::{self, Context};
use crate::config::ste::{self, Stage2, Stream};
use crate::config::substream::{self, Selected};
use crate::config::{Globals, StreamWorld};
use crate::env::Env;
use crate::features::Features;
use crate::ids::{StreamId, SubstreamId};
use crate::layout::cd::Cd;
use crate::layout::ste::Ste;
use crate::outcome::{Class, Site, Stop, Translation};
use crate::rule::Rule;
use crate::trace::Structure;
use crate::transaction::{Access, Direction};
use stage1::Stage1Input;

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
    pub(crate) vmid: Option<u16>,
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
pub(crate) fn look_up<E: Env>(env: &mut E, g: &Globals<'_>, lookup: &Lookup) -> Result<Found, Stop> {
    let updates = if lookup.inhibits { Updates::Inhibited } else { Updates::All };
    let mut found = attempt(env, g, lookup, updates);
    if let Err(stop) = found
        && lookup.inhibits
        && matches!(stop.rule, Rule::Stage1UpdateAborted | Rule::Stage2UpdateAborted)
        && env.ask(&[AtosFlagUpdateFault::Report, AtosFlagUpdateFault::Ignore]) == AtosFlagUpdateFault::Ignore
    {
        found = attempt(env, g, lookup, Updates::None);
    }
    found.map_err(|stop| if lookup.stages == Stages::One { as_stage1_abort(env, stop) } else { stop })
}

fn attempt<E: Env>(env: &mut E, g: &Globals<'_>, lookup: &Lookup, updates: Updates) -> Result<Found, Stop> {
    let f = g.features;
    let mut stream = stream(env, g, lookup)?;
    stream.stage2 = stream.stage2.map(|stage2| stage2.with(env, updates));
    match (lookup.stages, &stream.stage2) {
        (Stages::Two, Some(stage2)) => through_stage2_alone(env, g, stage2, lookup),
        (Stages::Two, None) => unreachable!("a stage that is not configured is INV_STAGE"),
        (Stages::One | Stages::Both, _) => {
            let selected = substream::select(env, f, stream.stage1.as_ref(), lookup.substream);
            match (selected.map_err(Stop::configuration)?, &stream.stage2) {
                (Selected::Bypass, Some(stage2)) if lookup.stages == Stages::Both => {
                    through_stage2_alone(env, g, stage2, lookup)
                }
                (Selected::Bypass, _) => stage1_bypassed(env, g, lookup),
                (Selected::Cd(index), _) => through_stage1(env, g, &stream, index, lookup, updates),
            }
        }
    }
}

/// The STE, and whether its stages and its VMID suit the request (§9.1.3, §9.1.6).
fn stream<E: Env>(env: &mut E, g: &Globals<'_>, lookup: &Lookup) -> Result<Stream, Stop> {
    let f = g.features;
    let at = g.stream_table().locate(env, f, lookup.stream)?;
    let Ok(words) = read_structure(env, Structure::Ste, at) else {
        return Err(Stop::at_structure(Rule::SteFetchAborted, at));
    };
    let mut ste = Ste(words);
    if ste.word1().cont() != 0 {
        ste = span::lookup(env, g, lookup.stream, at, ste)?;
    }
    let unsuited = if lookup.vmid.is_some() { Rule::AtosNoVmid } else { Rule::AtosStageNotConfigured };
    let stream = match ste::parse(env, g, &ste) {
        Err(Rule::SteDisabled) => return Err(Stop::configuration(unsuited)),
        parsed => parsed.map_err(Stop::configuration)?,
    };
    env.note(stream.configuration());
    if let Some(vmid) = lookup.vmid {
        let translates = stream.stage1.is_some() || stream.stage2.is_some();
        let has_vmid = translates && stream.world == StreamWorld::NsEl1;
        if !has_vmid {
            return Err(Stop::configuration(Rule::AtosNoVmid));
        }
        if ste.word2().s2_vmid() != vmid {
            return Err(Stop::configuration(Rule::AtosVmidMismatch));
        }
    }
    let missing = lookup.stages.has_one() && stream.stage1.is_none()
        || lookup.stages.has_two() && stream.stage2.is_none();
    if missing { Err(Stop::configuration(Rule::AtosStageNotConfigured)) } else { Ok(stream) }
}

/// From an IPA to a PA.
fn through_stage2_alone<E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    stage2: &Stage2,
    lookup: &Lookup,
) -> Result<Found, Stop> {
    within_ias(g, lookup.address)?;
    let ipa = lookup.address.as_ipa_with_stage1_bypassed();
    let request = stage2::Request { ipa, class: Class::Input, access: lookup.access };
    let mapped = stage2::translate(env, stage2, request)?;
    let attributes = mapped.attributes(env, stage2, Attributes::INCOMING_DEFAULT).consistent();
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
fn through_stage1<E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    stream: &Stream,
    index: u32,
    lookup: &Lookup,
    updates: Updates,
) -> Result<Found, Stop> {
    let (f, stage2) = (g.features, stream.stage2.as_ref());
    let at = locate_cd(env, f, stream, index)?;
    let Ok(words) = read_structure(env, Structure::Cd, at) else {
        return Err(Stop::at_structure(Rule::CdFetchAborted, at));
    };
    let context =
        cd::parse(env, f, stream.world, stream.s1_stalld, &Cd(words)).map_err(Stop::configuration)?;
    let context = context.with(env, updates, stage2.is_some());
    let input = Stage1Input {
        address: lookup.address,
        access: lookup.access,
        goes_on: lookup.stages == Stages::Both,
    };
    let mapped = stage1::translate(env, &context, stage2, input)?;
    let attributes = mapped.attributes(env, &context, Attributes::INCOMING_DEFAULT);
    match (lookup.stages, stage2) {
        (Stages::Both, Some(_)) => {
            let found = finish_stage2(env, g, stage2, lookup.access, &mapped, attributes)?;
            let Translation { pa, size_log2, attributes } = found;
            Ok(Found { output: pa.value(), size_log2, attributes })
        }
        (Stages::Both, None) | (Stages::Two, _) => {
            unreachable!("a stage that is not configured is INV_STAGE")
        }
        (Stages::One, stage2) => {
            if let Some(stage2) = stage2 {
                touch_final_page(env, stage2, mapped.ipa);
            }
            Ok(Found {
                output: mapped.ipa.value(),
                size_log2: mapped.size_bits,
                attributes: attributes.consistent(),
            })
        }
    }
}

/// A stage 1 lookup does not translate its IPA; stage 2 may note the access all the same, but no write (§9).
fn touch_final_page<E: Env>(env: &mut E, stage2: &Stage2, ipa: Ipa) {
    if !stage2.ha || env.ask(&[AtosFinalPageFlag::Leave, AtosFinalPageFlag::Set]) == AtosFinalPageFlag::Leave
    {
        return;
    }
    let access = Access::data(Direction::Read);
    let request = stage2::Request { ipa, class: Class::Input, access };
    let _whatever_it_finds = stage2::translate(env, stage2, request);
}

/// Stage 2 faults of a stage 1 lookup look as if the fetch itself had been aborted (§9.1.4).
fn as_stage1_abort<E: Env>(env: &mut E, stop: Stop) -> Stop {
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

/// Whether hardware sets Access flags, and whether a clear one faults.
#[derive(Clone, Copy)]
struct Flags {
    ha: bool,
    haft: bool,
    affd: bool,
}

impl Flags {
    /// AF counts as 1 and stays as it is.
    const LEFT: Self = Self { ha: false, haft: false, affd: true };

    /// Of a stage whose flags hardware keeps, in a lookup that makes only these updates (§9 HTTUI).
    fn of<E: Env>(self, env: &mut E, updates: Updates) -> Self {
        let leaves = match updates {
            _ if !self.ha => false,
            Updates::All => false,
            Updates::None => true,
            Updates::Inhibited => {
                env.ask(&[AtosInhibitedFlag::Leave, AtosInhibitedFlag::Set]) == AtosInhibitedFlag::Leave
            }
        };
        if leaves { Self::LEFT } else { self }
    }
}

impl Stage2 {
    fn with<E: Env>(self, env: &mut E, updates: Updates) -> Self {
        let Flags { ha, haft, affd } =
            Flags { ha: self.ha, haft: self.haft, affd: self.affd }.of(env, updates);
        Self { ha, haft, affd, stays_clean: updates != Updates::All, ..self }
    }
}

impl Context {
    /// Behind stage 2, an inhibited lookup leaves the flags of stage 1: it may set them only in a page that is
    /// writable-dirty, and never has to.
    fn with<E: Env>(mut self, env: &mut E, updates: Updates, nested: bool) -> Self {
        let updates = if nested && updates == Updates::Inhibited { Updates::None } else { updates };
        let flags = Flags { ha: self.ha, haft: self.haft, affd: self.affd }.of(env, updates);
        (self.ha, self.haft, self.affd) = (flags.ha, flags.haft, flags.affd);
        self.stays_clean = updates != Updates::All;
        self
    }
}
