//! The translation procedure (chapter 15): from a client transaction to its answer.
//!
//! The first failing check decides (§7.3.22), so the order of the lines is behaviour here.

mod agree;
mod answers;
mod ask;
pub(crate) mod ats;
mod context;
pub(crate) mod lookup;
pub(crate) mod memo;
mod permission;
pub(crate) mod prefetch;
mod recall;
mod sources;
mod span;
mod stage1;
mod stage2;
pub(crate) mod translated;
mod walk;

use crate::address::{Iova, Pa};
use crate::attributes::Attributes;
use crate::attributes::overrides::Overrides;
use crate::bus::{Bus, ExternalAbort};
use crate::cache::configuration::Configuration;
use crate::cache::{CachePolicy, Caches};
use crate::config::Globals;
use crate::config::ste::{Stage2, Stream};
use crate::config::substream::{self, Selected};
use crate::env::Env;
use crate::fault::FaultFlags;
use crate::outcome::{Class, Site, Stop, Translation};
use crate::rule::Rule;
use crate::trace::{Event, Structure};
use crate::transaction::{Access, AddressType, Transaction};
use answers::Answers;
pub(crate) use answers::Question;
use ask::Ask;
use memo::Memo;
use recall::{Both, Fresh, Recall, Remembering};
use sources::{ContextSource, StreamSource};
use stage1::{Stage1Input, Stage1Query};

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

/// The question that a transaction asks, if its answer may be known from before.
#[inline(always)]
pub(crate) fn question<E: Env>(g: &Globals<'_>, tx: &Transaction) -> Option<Question> {
    // Of these the caches decide without a register. A sink has to hear of each entry that is used.
    let repeats = !E::LISTENS && tx.address_type == AddressType::Untranslated && g.smmuen();
    if repeats { Question::new(tx) } else { None }
}

/// One client transaction (§15), of which the answer is not known. What is learnt on the way is left in `seen`.
#[inline(always)]
pub(crate) fn resolve<E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    (memo, question): (&mut Memo, Option<Question>),
    caches: &mut Caches,
    tx: &Transaction,
    seen: &mut Seen,
) -> Result<Translation, Stop> {
    let Memo { stream, context, answers } = memo;
    match caches.policy {
        CachePolicy::None => resolve_from(&mut Fresh(env), g, stream, context, tx, seen),
        CachePolicy::Keep | CachePolicy::Choose => {
            resolve_cached(env, g, caches, tx, seen, question.map(|question| (answers, question)))
        }
    }
}

/// With what earlier transactions left. An answer that may be given again is kept in `answers`.
#[inline(never)]
fn resolve_cached<E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    caches: &mut Caches,
    tx: &Transaction,
    seen: &mut Seen,
    answers: Option<(&mut Answers, Question)>,
) -> Result<Translation, Stop> {
    let Caches { configuration, tlb, pending, policy, now } = caches;
    let mut env = Remembering::new(env, g.features, (*policy, *now), tlb, pending);
    let Configuration { streams, contexts } = configuration;
    let result = resolve_from(&mut env, g, streams, contexts, tx, seen);
    let by_caches = env.is_untouched();
    if let Some((answers, question)) = answers {
        match &result {
            Ok(answer) if by_caches => answers.keep(caches.version(), question, tx, answer),
            Ok(_) | Err(_) => answers.make_room(),
        }
    }
    result
}

#[inline(always)]
fn resolve_from<E: Recall>(
    env: &mut E,
    g: &Globals<'_>,
    streams: &mut impl StreamSource,
    contexts: &mut impl ContextSource,
    tx: &Transaction,
    seen: &mut Seen,
) -> Result<Translation, Stop> {
    match (tx.address_type, g.smmuen()) {
        (AddressType::Untranslated, true) => translate(env, g, streams, contexts, tx, seen),
        (AddressType::Untranslated, false) => global_bypass(env, g, tx),
        (AddressType::Translated, true) => translated::pass(env, g, streams, contexts, tx, seen),
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
fn translate<E: Recall>(
    env: &mut E,
    g: &Globals<'_>,
    streams: &mut impl StreamSource,
    contexts: &mut impl ContextSource,
    tx: &Transaction,
    seen: &mut Seen,
) -> Result<Translation, Stop> {
    let f = g.features;
    let stream = streams.stream(env, g, tx.stream)?; // C_BAD_STREAMID, F_STE_FETCH, C_BAD_STE, silent abort
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
            let ipa = tx.address.as_ipa_with_stage1_bypassed();
            let request = stage2::Request { ipa, class: Class::Input, access: seen.access };
            let mapped = stage2::translate(env, stage2, request)?; // faults of stage 2
            let attributes = mapped.attributes(env, attributes).consistent();
            Ok(Translation { pa: mapped.pa, size_log2: mapped.size_bits, attributes })
        }
        (Selected::Cd(index), stage2) => {
            // C_BAD_SUBSTREAMID, faults of stage 2, F_CD_FETCH, C_BAD_CD
            let context = contexts.context(env, f, (tx.stream, stream), index)?;
            seen.stage1 = Some(context.flags);
            let input = Stage1Input {
                address: tx.address,
                access: seen.access,
                regime: stream.regime(),
                goes_on: true,
            };
            let query = Stage1Query::new(context, stage2.as_ref(), input)?; // faults of stage 1
            match stage2 {
                None => {
                    let mapped = stage1::translate(env, &query)?;
                    let attributes = stream.overrides.attributes(env, tx.attributes);
                    let attributes = mapped.attributes(env, attributes).consistent();
                    let pa = mapped.ipa.as_pa_with_stage2_bypassed(f.oas_bits);
                    Ok(Translation { pa, size_log2: mapped.size_bits, attributes })
                }
                Some(stage2) => nested(env, stream, stage2, &query, tx.attributes),
            }
        }
    }
}

/// Both stages (phases E and F of chapter 15).
#[inline(always)]
fn nested<E: Recall>(
    env: &mut E,
    stream: &Stream,
    stage2: &Stage2,
    query: &Stage1Query<'_, Access>,
    attributes: Attributes,
) -> Result<Translation, Stop> {
    let (first, second) = both_stages(env, stage2, query)?;
    let attributes = stream.overrides.attributes(env, attributes);
    let attributes = first.attributes(env, attributes);
    Ok(finished(env, &first, &second, attributes))
}

/// What stage 1 makes of the query, and stage 2 of that.
#[inline(always)]
fn both_stages<E: Recall, A: Ask>(env: &mut E, stage2: &Stage2, query: &Stage1Query<'_, A>) -> Both<A> {
    if let Some(both) = env.both(query, stage2) {
        return both;
    }
    let first = stage1::translate(env, query)?;
    let request = stage2::Request { ipa: first.ipa, class: Class::Input, access: first.granted };
    let second = stage2::translate(env, stage2, request)?;
    env.keep_both(query, stage2, &first);
    Ok((first, second))
}

#[inline(always)]
fn finished<E: Recall>(
    env: &mut E,
    stage1: &stage1::Mapped<Access>,
    stage2: &stage2::Mapped<Access>,
    attributes: Attributes,
) -> Translation {
    let page = stage2.page(env);
    let attributes =
        if page.forces_write_back() { stage1.made_cacheable(env, attributes) } else { attributes };
    let attributes = page.apply(attributes).consistent();
    Translation { pa: stage2.pa, size_log2: stage1.size_bits.min(stage2.size_bits), attributes }
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
