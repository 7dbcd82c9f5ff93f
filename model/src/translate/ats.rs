//! ATS Translation Requests (§3.9.1.2, §13.6.3–§13.7.1): what a device may keep of a translation.

use super::ask::Ask;
use super::memo::Memo;
use super::recall::{Fresh, Recall, Remembering};
use super::sources::{ContextSource, StreamSource};
use super::stage1::{self, Stage1Input, Stage1Query};
use super::{Seen, both_stages, permission, read_structure, stage2, within_ias};
use crate::address::{Iova, Ipa, low_mask};
use crate::ats::AtsRequest;
use crate::attributes::overrides::Overrides;
use crate::cache::{CachePolicy, Caches};
use crate::choice::answer::{AtsWriteUnasked, SplitStageFlags};
use crate::config::Globals;
use crate::config::cd::Stage1Rules;
use crate::config::ste::{self, Eats, Stream};
use crate::config::substream::{self, Selected};
use crate::env::Env;
use crate::ids::StreamId;
use crate::layout::descriptor::{Stage1Leaf, Stage2Leaf};
use crate::layout::ste::Ste;
use crate::outcome::{Class, Stop};
use crate::rule::Rule;
use crate::trace::Structure;
use crate::transaction::{Access, Direction, Privilege, Purpose};

/// What a request is granted at one address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grant {
    /// The physical address; with split-stage ATS the IPA.
    pub(crate) output: u64,
    /// log2 of the largest region around it for which the grant holds.
    pub(crate) size_log2: u8,
    /// R.
    pub(crate) read: bool,
    /// W.
    pub(crate) write: bool,
    /// Exe.
    pub(crate) execute: bool,
}

/// One address of a request. What is learnt on the way is left in `seen`, as for a transaction.
pub(crate) fn grant<E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    (memo, caches): (&mut Memo, &mut Caches),
    (request, address): (&AtsRequest, Iova),
    seen: &mut Seen,
) -> Result<Grant, Stop> {
    match caches.policy {
        CachePolicy::None => {
            let sources = (&mut memo.stream, &mut memo.context);
            grant_from(&mut Fresh(env), g, sources, (request, address), seen)
        }
        CachePolicy::Keep | CachePolicy::Choose => {
            let Caches { configuration, tlb, pending, policy, now } = caches;
            let mut env = Remembering::new(env, g.features, (*policy, *now), tlb, pending);
            let sources = (&mut configuration.streams, &mut configuration.contexts);
            grant_from(&mut env, g, sources, (request, address), seen)
        }
    }
}

fn grant_from<E: Recall>(
    env: &mut E,
    g: &Globals<'_>,
    (streams, contexts): (&mut impl StreamSource, &mut impl ContextSource),
    (request, address): (&AtsRequest, Iova),
    seen: &mut Seen,
) -> Result<Grant, Stop> {
    let f = g.features;
    if !g.smmuen() {
        return Err(Stop::at_input(Rule::AtsWhileDisabled));
    }
    if !f.ats {
        return Err(Stop::at_input(Rule::AtsForbidden));
    }
    let stream = streams.stream(env, g, request.stream)?; // C_BAD_STREAMID, F_STE_FETCH, C_BAD_STE
    seen.learn(stream);
    seen.access = stream.overrides.access(seen.access);
    if stream.eats == Eats::Off {
        return Err(Stop::at_input(Rule::AtsForbidden)); // F_BAD_ATS_TREQ
    }
    let selected = substream::select(env, f, stream.stage1.as_ref(), request.substream); // C_BAD_SUBSTREAMID,
    let selected = selected.map_err(Stop::configuration)?; // F_STREAM_DISABLED
    env.note(stream.configuration());
    let wanted = Wanted { keeps_flags: keeps_flags(env, stream), ..Wanted::new(request, &stream.overrides) };
    let Selected::Cd(index) = selected else {
        within_ias(g, address)?; // F_ADDR_SIZE
        let ipa = address.as_ipa_with_stage1_bypassed();
        let Some(stage2) = &stream.stage2 else { return Ok(identity(env, address, f.oas_bits, wanted)) };
        let request = stage2::Request { ipa, class: Class::Input, access: wanted };
        let mapped = stage2::translate(env, stage2, request)?; // faults of stage 2
        return Ok(nested(env, stream.eats, (ipa, mapped.size_bits), &mapped));
    };
    // C_BAD_SUBSTREAMID, faults of stage 2, F_CD_FETCH, C_BAD_CD
    let context = contexts.context(env, f, (request.stream, stream), index)?;
    let input = Stage1Input { address, access: wanted, regime: stream.regime(), goes_on: true };
    let query = Stage1Query::new(context, stream.stage2.as_ref(), input)?;
    match &stream.stage2 {
        None => {
            let mapped = stage1::translate(env, &query)?; // faults of stage 1
            let output = mapped.ipa.as_pa_with_stage2_bypassed(f.oas_bits).value();
            env.note(Rule::AtsFull);
            Ok(mapped.granted.grant(env, output, mapped.size_bits))
        }
        Some(stage2) => {
            let (first, second) = both_stages(env, stage2, &query)?; // faults of both stages
            Ok(nested(env, stream.eats, (first.ipa, first.size_bits), &second))
        }
    }
}

/// The permissions and the region are those of both stages, whichever address is put out (§13.6.3).
fn nested<E: Env>(
    env: &mut E,
    eats: Eats,
    (ipa, size_log2): (Ipa, u8),
    mapped: &stage2::Mapped<Wanted>,
) -> Grant {
    let size_log2 = size_log2.min(mapped.size_bits);
    match eats {
        Eats::Full => {
            env.note(Rule::AtsFull);
            mapped.granted.grant(env, mapped.pa.value(), size_log2)
        }
        Eats::Split => {
            env.note(Rule::AtsSplit);
            mapped.granted.grant(env, ipa.value(), size_log2)
        }
        Eats::Off => unreachable!("refused before stage 1"),
    }
}

/// STE.PPAR of a stream whose STE is valid, whatever else it says (§8.1). It is read anew.
pub(crate) fn ppar<E: Env>(env: &mut E, g: &Globals<'_>, stream: StreamId) -> Result<bool, Stop> {
    let at = g.stream_table().locate(env, g.features, stream, &mut None)?; // C_BAD_STREAMID
    let Ok(words) = read_structure(env, Structure::Ste, at) else {
        return Err(Stop::at_structure(Rule::SteFetchAborted, at)); // F_STE_FETCH
    };
    let ste = Ste(words);
    match ste::parse(env, g.features, g.stream_setting(), &ste) {
        Ok(_) | Err(Rule::SteDisabled) => Ok(ste.word1().ppar()),
        Err(rule) => Err(Stop::configuration(rule)), // C_BAD_STE
    }
}

/// S1DSS skips stage 1, and there is no stage 2: read and write whatever was asked for (§13.6.4).
fn identity<E: Env>(env: &mut E, address: Iova, oas_bits: u8, wanted: Wanted) -> Grant {
    env.note(Rule::AtsIdentity);
    assert!(wanted.execute.is_none(), "only a request without a PASID skips stage 1");
    let output = address.value() & low_mask(oas_bits);
    Grant { output, size_log2: oas_bits, read: true, write: true, execute: false }
}

/// Whether stage 2 keeps the flags of its last leaf now; with split-stage ATS it may wait for the Translated access
/// (§13.6.3, §3.13.7.1).
fn keeps_flags<E: Env>(env: &mut E, stream: &Stream) -> bool {
    let is_split = stream.eats == Eats::Split;
    let has_flags = stream.stage2.as_ref().is_some_and(|stage2| stage2.ha);
    !(is_split && has_flags)
        || env.ask(&[SplitStageFlags::Request, SplitStageFlags::Access]) == SplitStageFlags::Request
}

/// The accesses that a request asks for, as far as they are granted: what stands behind R, W and Exe of the
/// completion (§13.7.1). Privilege and purpose are those after the overrides of the STE, so that an
/// instruction override makes R depend on the permission to execute.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    read: Option<Access>,
    write: Option<Access>,
    /// Only together with `read`.
    execute: Option<Access>,
    no_write: bool,
    keeps_flags: bool,
}

impl Wanted {
    /// R and W are always asked for: NW only says that nothing shall become dirty (§13.7).
    fn new(request: &AtsRequest, overrides: &Overrides) -> Self {
        let access =
            |direction, purpose| Some(overrides.access(Access::new(direction, request.privilege, purpose)));
        Self {
            read: access(Direction::Read, Purpose::Data),
            write: access(Direction::Write, Purpose::Data),
            execute: if request.execute { access(Direction::Read, Purpose::Instruction) } else { None },
            no_write: request.no_write,
            keeps_flags: true,
        }
    }

    /// What is left of it where `allow` judges each access; the first refusal if nothing is.
    fn narrowed(self, allow: impl Fn(Access) -> Result<(), Rule>) -> Result<Self, Rule> {
        let mut refusal = None;
        let mut judged = |asked: Option<Access>| {
            asked.filter(|&access| match allow(access) {
                Ok(()) => true,
                Err(rule) => {
                    refusal.get_or_insert(rule);
                    false
                }
            })
        };
        let (read, write, execute) = (judged(self.read), judged(self.write), judged(self.execute));
        let left = Self { read, write, execute: read.and(execute), ..self };
        match refusal {
            Some(rule) if read.is_none() && write.is_none() => Err(rule),
            Some(_) | None => Ok(left),
        }
    }

    /// The grant; a request with NW may get W where the page is writable all the same (§13.7).
    fn grant<E: Env>(self, env: &mut E, output: u64, size_log2: u8) -> Grant {
        let write = self.write.is_some() && (!self.no_write || write_unasked(env));
        Grant { output, size_log2, read: self.read.is_some(), write, execute: self.execute.is_some() }
    }

    /// A page that is clean is not writable for a request with NW.
    fn may_dirty(self, access: Access) -> bool {
        !(self.no_write && access.direction == Direction::Write)
    }
}

fn write_unasked<E: Env>(env: &mut E) -> bool {
    env.ask(&[AtsWriteUnasked::Grant, AtsWriteUnasked::Withhold]) == AtsWriteUnasked::Grant
}

impl Ask for Wanted {
    fn stage1(self, leaf: Stage1Leaf, hierarchy: u64, dirty: bool, rules: Stage1Rules) -> Result<Self, Rule> {
        self.narrowed(|access| {
            permission::stage1(leaf, hierarchy, dirty && self.may_dirty(access), rules, access)
        })
    }

    fn stage2(self, leaf: Stage2Leaf, dirty: bool, xnx: bool) -> Result<Self, Rule> {
        self.narrowed(|access| permission::stage2(leaf, dirty && self.may_dirty(access), xnx, access))
    }

    fn dirties(self) -> bool {
        self.write.is_some() && !self.no_write
    }

    fn updates(self) -> bool {
        self.keeps_flags
    }

    fn privilege(self) -> Privilege {
        self.write.or(self.read).map_or(Privilege::Unprivileged, |access| access.privilege)
    }
}
