//! ATS Translation Requests (§3.9.1.2, §13.6.3–§13.7.1): what a device may keep of a translation.

use super::ask::Ask;
use super::memo::Memo;
use super::stage1::{self, Stage1Input};
use super::{Seen, fetch_ste, find_context, find_stream, permission, stage2, within_ias};
use crate::address::{Iova, Ipa, low_mask};
use crate::ats::AtsRequest;
use crate::attributes::overrides::Overrides;
use crate::choice::answer::{AtsWriteUnasked, SplitStageFlags};
use crate::config::Globals;
use crate::config::cd::Stage1Rules;
use crate::config::ste::{self, Eats, Stage2, Stream};
use crate::config::substream::{self, Selected};
use crate::env::Env;
use crate::ids::StreamId;
use crate::layout::descriptor::{Stage1Leaf, Stage2Leaf};
use crate::outcome::{Class, Stop};
use crate::rule::Rule;
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
    memo: &mut Memo,
    request: &AtsRequest,
    address: Iova,
    seen: &mut Seen,
) -> Result<Grant, Stop> {
    let f = g.features;
    if !g.smmuen() {
        return Err(Stop::at_input(Rule::AtsWhileDisabled));
    }
    if !f.ats {
        return Err(Stop::at_input(Rule::AtsForbidden));
    }
    let stream = find_stream(env, g, &mut memo.stream, request.stream)?; // C_BAD_STREAMID, F_STE_FETCH, C_BAD_STE
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
        return match &stream.stage2 {
            None => Ok(identity(env, address, f.oas_bits, wanted)),
            Some(stage2) => through_stage2(env, (stream.eats, stage2), skipped_stage1(address, wanted)),
        };
    };
    let context = find_context(env, f, &mut memo.context, stream, index)?; // … F_CD_FETCH, C_BAD_CD
    let input = Stage1Input { address, access: wanted };
    let mapped = stage1::translate(env, context, stream.stage2.as_ref(), input)?; // faults of stage 1
    match &stream.stage2 {
        None => {
            let output = mapped.ipa.as_pa_with_stage2_bypassed(f.oas_bits).value();
            Ok(full(env, output, mapped.size_bits, mapped.granted))
        }
        Some(stage2) => {
            let from_stage1 =
                FromStage1 { ipa: mapped.ipa, size_log2: mapped.size_bits, granted: mapped.granted };
            through_stage2(env, (stream.eats, stage2), from_stage1)
        }
    }
}

/// STE.PPAR of a stream whose STE is valid, whatever else it says (§8.1).
pub(crate) fn ppar<E: Env>(env: &mut E, g: &Globals<'_>, stream: StreamId) -> Result<bool, Stop> {
    let ste = fetch_ste(env, g, stream)?; // C_BAD_STREAMID, F_STE_FETCH
    match ste::parse(env, g, &ste) {
        Ok(_) | Err(Rule::SteDisabled) => Ok(ste.word1().ppar()),
        Err(rule) => Err(Stop::configuration(rule)), // C_BAD_STE
    }
}

/// What stage 1 leaves to stage 2.
struct FromStage1 {
    ipa: Ipa,
    size_log2: u8,
    granted: Wanted,
}

/// Stage 1 grants all and bounds nothing (§13.6.4, §13.6.5).
fn skipped_stage1(address: Iova, wanted: Wanted) -> FromStage1 {
    FromStage1 { ipa: address.as_ipa_with_stage1_bypassed(), size_log2: u8::MAX, granted: wanted }
}

/// The permissions and the size are those of both stages, whichever address is put out.
fn through_stage2<E: Env>(
    env: &mut E,
    (eats, stage2): (Eats, &Stage2),
    from_stage1: FromStage1,
) -> Result<Grant, Stop> {
    let FromStage1 { ipa, size_log2, granted } = from_stage1;
    let is_split = match eats {
        Eats::Split => true,
        Eats::Full => false,
        Eats::Off => unreachable!("refused before stage 1"),
    };
    let request = stage2::Request { ipa, class: Class::Input, access: granted };
    let mapped = stage2::translate(env, stage2, request)?; // faults of stage 2
    let size_log2 = size_log2.min(mapped.size_bits);
    if is_split {
        env.note(Rule::AtsSplit);
        return Ok(mapped.granted.grant(env, ipa.value(), size_log2));
    }
    Ok(full(env, mapped.pa.value(), size_log2, mapped.granted))
}

/// Full ATS: the completion carries a physical address.
fn full<E: Env>(env: &mut E, pa: u64, size_log2: u8, granted: Wanted) -> Grant {
    env.note(Rule::AtsFull);
    granted.grant(env, pa, size_log2)
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
