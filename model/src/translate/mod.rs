//! The translation procedure (chapter 15): from a client transaction to its answer.
//!
//! The first failing check decides (§7.3.22), so the order of the lines is behaviour here.

mod ask;
pub(crate) mod ats;
mod context;
pub(crate) mod memo;
mod permission;
mod span;
mod stage1;
mod stage2;
pub(crate) mod translated;
mod walk;

use crate::address::{Iova, Pa};
use crate::attributes::overrides::Overrides;
use crate::bus::{Bus, ExternalAbort};
use crate::config::Globals;
use crate::config::cd::{self, Context};
use crate::config::ste::{self, Stage2, Stream};
use crate::config::substream::{self, Selected};
use crate::env::Env;
use crate::fault::FaultFlags;
use crate::features::Features;
use crate::ids::StreamId;
use crate::layout::cd::Cd;
use crate::layout::ste::Ste;
use crate::outcome::{Class, Site, Stop, Translation};
use crate::rule::Rule;
use crate::trace::{Event, Structure};
use crate::transaction::{Access, AddressType, Transaction};
use memo::{ContextSetting, Last, Memo, StreamSetting};
use stage1::Stage1Input;

/// What was learnt about a transaction on the way, and decides how a fault of it ends (§3.12).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// The access after the overrides of the STE.
    pub(crate) access: Access,
    /// STE.MEV.
    pub(crate) mergeable: bool,
    /// CD.{A,R,S}.
    pub(crate) stage1: Option<FaultFlags>,
    /// STE.{S2R,S2S}.
    pub(crate) stage2: Option<FaultFlags>,
}

/// One client transaction (§15). What is learnt on the way is left in `seen`.
#[inline(always)]
pub(crate) fn resolve<E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    memo: &mut Memo,
    tx: &Transaction,
    seen: &mut Seen,
) -> Result<Translation, Stop> {
    match (tx.address_type, g.smmuen()) {
        (AddressType::Untranslated, true) => translate(env, g, memo, tx, seen),
        (AddressType::Untranslated, false) => global_bypass(env, g, tx),
        (AddressType::Translated, true) => translated::pass(env, g, tx, seen),
        (AddressType::Translated, false) => Err(Stop::at_input(Rule::TranslatedWhileDisabled)),
    }
}

/// Reads the STE or CD at `at`. No `Result` with a [`Stop`]: sharing its storage with eight words would make
/// byte moves of them.
#[inline(always)]
fn read_structure<E: Env>(env: &mut E, structure: Structure, at: Pa) -> Result<[u64; 8], ExternalAbort> {
    let words = env.bus().read_line(at)?;
    env.trace(|| Event::Structure { structure, at, words });
    Ok(words)
}

/// SMMUEN is 0 (§6.3.9.6, §6.3.14): no structure is read.
fn global_bypass<E: Env>(env: &mut E, g: &Globals<'_>, tx: &Transaction) -> Result<Translation, Stop> {
    let pa = tx.address.as_pa_with_both_stages_bypassed();
    if g.gbpa_in_use().abort() {
        return Err(Stop::configuration(Rule::GlobalAbort));
    }
    if !pa.fits(g.features.oas_bits) {
        return Err(Stop::configuration(Rule::GlobalBypassBeyondOas));
    }
    env.note(Rule::GlobalBypass);
    let attributes = Overrides::from_gbpa(g.gbpa_in_use(), g.features).attributes(env, tx.attributes);
    Ok(Translation { pa, size_log2: BYPASS_SIZE_LOG2, attributes: attributes.consistent() })
}

/// An untranslated transaction while SMMUEN is 1: phases B to G of chapter 15.
#[inline(always)]
fn translate<E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    memo: &mut Memo,
    tx: &Transaction,
    seen: &mut Seen,
) -> Result<Translation, Stop> {
    let f = g.features;
    let stream = find_stream(env, g, &mut memo.stream, tx.stream)?; // C_BAD_STREAMID, F_STE_FETCH, C_BAD_STE
    seen.learn(stream);
    let selected = substream::select(env, f, stream.stage1.as_ref(), tx.substream); // C_BAD_SUBSTREAMID,
    let selected = selected.map_err(Stop::configuration)?; // F_STREAM_DISABLED
    seen.access = stream.overrides.access(tx.access);
    env.note(stream.configuration());
    match (selected, &stream.stage2) {
        (Selected::Bypass, None) => bypass(env, g, stream, tx),
        (Selected::Bypass, Some(stage2)) => {
            within_ias(g, tx.address)?; // F_ADDR_SIZE
            let attributes = stream.overrides.attributes(env, tx.attributes);
            let request = stage2::Request {
                ipa: tx.address.as_ipa_with_stage1_bypassed(),
                class: Class::Input,
                access: seen.access,
            };
            let mapped = stage2::translate(env, stage2, request)?; // faults of stage 2
            let attributes = mapped.attributes(env, stage2, attributes);
            Ok(Translation {
                pa: mapped.pa,
                size_log2: mapped.size_bits,
                attributes: attributes.consistent(),
            })
        }
        (Selected::Cd(index), stage2) => {
            let context = find_context(env, f, &mut memo.context, stream, index)?; // … F_CD_FETCH, C_BAD_CD
            seen.stage1 = Some(context.flags);
            let input = Stage1Input { address: tx.address, access: seen.access };
            let mapped = stage1::translate(env, context, stage2.as_ref(), input)?; // faults of stage 1
            let attributes = stream.overrides.attributes(env, tx.attributes);
            let attributes = mapped.attributes(env, context, attributes);
            finish_stage2(env, g, stage2.as_ref(), seen.access, &mapped, attributes)
        }
    }
}

/// From a StreamID to the stream (§3.3.1, §5.2).
#[inline(always)]
fn find_stream<'m, E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    memo: &'m mut Last<StreamSetting, Stream>,
    stream: StreamId,
) -> Result<&'m Stream, Stop> {
    let f = g.features;
    let at = g.stream_table().locate(env, f, stream)?; // C_BAD_STREAMID
    let Ok(words) = read_structure(env, Structure::Ste, at) else {
        return Err(Stop::at_structure(Rule::SteFetchAborted, at)); // F_STE_FETCH
    };
    let mut ste = Ste(words);
    if ste.word1().cont() != 0 {
        ste = span::lookup(env, g, stream, at, ste)?; // F_CFG_CONFLICT
    }
    let setting = StreamSetting { e2h: g.e2h(), atschk: g.atschk() };
    let stream = memo.get(&ste.0, setting, || !ste::asks(f, &ste), || ste::parse(env, g, &ste));
    stream.map_err(Stop::configuration) // C_BAD_STE, silent abort
}

/// The STE of a stream as it lies in memory, for who comes by rarely.
#[cold]
fn fetch_ste<E: Env>(env: &mut E, g: &Globals<'_>, stream: StreamId) -> Result<Ste, Stop> {
    let at = g.stream_table().locate(env, g.features, stream)?; // C_BAD_STREAMID
    let Ok(words) = read_structure(env, Structure::Ste, at) else {
        return Err(Stop::at_structure(Rule::SteFetchAborted, at)); // F_STE_FETCH
    };
    let ste = Ste(words);
    if ste.word1().cont() == 0 { Ok(ste) } else { span::lookup(env, g, stream, at, ste) } // F_CFG_CONFLICT
}

/// From the index of a CD to the context (§3.3.2, §5.4).
#[inline(always)]
fn find_context<'m, E: Env>(
    env: &mut E,
    f: &Features,
    memo: &'m mut Last<ContextSetting, Context>,
    stream: &Stream,
    index: u32,
) -> Result<&'m Context, Stop> {
    let at = locate_cd(env, f, stream, index)?; // C_BAD_SUBSTREAMID, faults of stage 2
    let Ok(words) = read_structure(env, Structure::Cd, at) else {
        return Err(Stop::at_structure(Rule::CdFetchAborted, at)); // F_CD_FETCH
    };
    let cd = Cd(words);
    let setting = ContextSetting { world: stream.world, s1_stalld: stream.s1_stalld };
    let parse = || cd::parse(env, f, stream.world, stream.s1_stalld, &cd);
    let context = memo.get(&cd.0, setting, || !cd::asks(f, &cd), parse);
    context.map_err(Stop::configuration) // C_BAD_CD
}

#[inline(always)]
fn locate_cd<E: Env>(env: &mut E, f: &Features, stream: &Stream, index: u32) -> Result<Pa, Stop> {
    let table = stream.stage1.as_ref().expect("a CD is selected only where stage 1 is configured");
    context::locate(env, f, table, stream.stage2.as_ref(), index)
}

/// From the output of stage 1 to the output of the SMMU: phase F of chapter 15.
#[inline(always)]
fn finish_stage2<E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    stage2: Option<&Stage2>,
    access: Access,
    stage1: &stage1::Mapped<Access>,
    attributes: crate::attributes::Attributes,
) -> Result<Translation, Stop> {
    let f = g.features;
    let Some(stage2) = stage2 else {
        let pa = stage1.ipa.as_pa_with_stage2_bypassed(f.oas_bits);
        return Ok(Translation { pa, size_log2: stage1.size_bits, attributes: attributes.consistent() });
    };
    let request = stage2::Request { ipa: stage1.ipa, class: Class::Input, access };
    let mapped = stage2::translate(env, stage2, request)?;
    let page = mapped.page(env, stage2);
    let attributes =
        if page.forces_write_back() { stage1.made_cacheable(env, attributes) } else { attributes };
    let attributes = page.apply(attributes);
    let size_log2 = stage1.size_bits.min(mapped.size_bits);
    Ok(Translation { pa: mapped.pa, size_log2, attributes: attributes.consistent() })
}

/// Both stages are bypassed: Config 0b100 checks OAS, a stage 1 skipped by S1DSS checks IAS (§3.4).
fn bypass<E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    stream: &Stream,
    tx: &Transaction,
) -> Result<Translation, Stop> {
    let f = g.features;
    let pa = if stream.stage1.is_some() {
        within_ias(g, tx.address)?;
        tx.address.as_ipa_with_stage1_bypassed().as_pa_with_stage2_bypassed(f.oas_bits)
    } else {
        let pa = tx.address.as_pa_with_both_stages_bypassed();
        if !pa.fits(f.oas_bits) {
            return Err(Stop::at_input(Rule::BypassBeyondOas));
        }
        pa
    };
    let attributes = stream.overrides.attributes(env, tx.attributes);
    Ok(Translation { pa, size_log2: BYPASS_SIZE_LOG2, attributes: attributes.consistent() })
}

/// The address that reaches stage 2 without stage 1 fits IAS (§3.4).
fn within_ias(g: &Globals<'_>, address: Iova) -> Result<(), Stop> {
    if address.as_ipa_with_stage1_bypassed().fits(g.features.ias_bits) {
        Ok(())
    } else {
        Err(Stop::at_input(Rule::Stage1BypassBeyondIas))
    }
}

/// log2 of the region for which an untranslated address is said to hold: no page bounds it, the accesses of
/// a transaction (one 4 KiB page) do.
const BYPASS_SIZE_LOG2: u8 = 12;

impl Seen {
    /// Nothing yet.
    #[inline(always)]
    pub(crate) fn nothing(tx: &Transaction) -> Self {
        Self { access: tx.access, mergeable: false, stage1: None, stage2: None }
    }

    #[inline(always)]
    fn learn(&mut self, stream: &Stream) {
        self.mergeable = stream.mev;
        self.stage2 = stream.stage2.as_ref().map(|stage2| stage2.flags);
    }
}

impl Stream {
    /// Which of the four legal configurations the stream has (§5.2 Config).
    #[inline(always)]
    fn configuration(&self) -> Rule {
        match (self.stage1.is_some(), self.stage2.is_some()) {
            (false, false) => Rule::StreamBypass,
            (true, false) => Rule::StreamStage1,
            (false, true) => Rule::StreamStage2,
            (true, true) => Rule::StreamNested,
        }
    }
}

impl Stop {
    /// A fault about the input address itself, as a stage 1 fault (§3.4).
    pub(crate) const fn at_input(rule: Rule) -> Self {
        Self { rule, site: Site::Stage1 }
    }

    /// An abort of the fetch of a structure.
    pub(crate) const fn at_structure(rule: Rule, at: Pa) -> Self {
        Self { rule, site: Site::Structure(at) }
    }
}
