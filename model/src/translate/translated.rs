//! ATS Translated transactions (§3.9.1.3): what the address of an earlier completion may still do.

use super::recall::Recall;
use super::sources::{ContextSource, StreamSource};
use super::{Seen, stage2, within_ias};
use crate::attributes::Attributes;
use crate::choice::answer::{TranslatedBeyondOas, TranslatedPasidCd, TranslatedWithoutPasid};
use crate::config::Globals;
use crate::config::cd_table::CdTable;
use crate::config::ste::{Eats, Stream};
use crate::config::substream::{self, Selected};
use crate::env::Env;
use crate::features::Features;
use crate::outcome::{Class, Stop, Translation};
use crate::rule::Rule;
use crate::transaction::{Access, Transaction};

/// Without PASIDTT, or without a PASID, PnU, InD and SSV count as 0 (§3.9.1.3).
pub(crate) fn as_presented(f: &Features, tx: &Transaction) -> Transaction {
    if f.pasidtt && tx.substream.is_some() {
        return *tx;
    }
    Transaction { substream: None, access: Access::data(tx.access.direction), ..*tx }
}

/// SMMUEN is 1. The order of the checks is that of §3.9.1.3.
#[cold]
pub(super) fn pass<E: Recall>(
    env: &mut E,
    g: &Globals<'_>,
    streams: &mut impl StreamSource,
    contexts: &mut impl ContextSource,
    tx: &Transaction,
    seen: &mut Seen,
) -> Result<Translation, Stop> {
    let f = g.features;
    if !f.ats {
        return Err(Stop::at_input(Rule::TranslatedForbidden));
    }
    if !g.atschk() {
        env.note(Rule::TranslatedUnchecked);
        return physical(env, g, tx, tx.attributes);
    }
    let stream = streams.stream(env, g, tx.stream)?;
    seen.learn(stream);
    seen.access = stream.overrides.access(tx.access);
    if stream.eats != Eats::Off {
        match tx.substream {
            Some(_) => check_pasid(env, f, stream, contexts, tx)?,
            None => check_without_pasid(env, f, stream)?,
        }
    }
    let attributes = stream.overrides.attributes_of_translated(env, tx.attributes);
    match (stream.eats, &stream.stage2) {
        (Eats::Off, _) => Err(Stop::at_input(Rule::TranslatedForbidden)),
        (Eats::Full, _) => {
            env.note(Rule::TranslatedFull);
            physical(env, g, tx, attributes)
        }
        (Eats::Split, Some(stage2)) => {
            env.note(Rule::TranslatedSplit);
            within_ias(g, tx.address)?;
            let ipa = tx.address.as_ipa_with_stage1_bypassed();
            let request = stage2::Request { ipa, class: Class::Input, access: seen.access };
            let mapped = stage2::translate(env, stage2, request)?;
            let attributes = mapped.attributes(env, attributes);
            Ok(Translation {
                pa: mapped.pa,
                size_log2: mapped.size_bits,
                attributes: attributes.consistent(),
            })
        }
        (Eats::Split, None) => unreachable!("split-stage ATS is legal with both stages only (STE-07)"),
    }
}

/// The stream must not demand a PASID (§3.9.1.3). An SMMU without PASIDTT sees none with any transaction.
fn check_without_pasid<E: Env>(env: &mut E, f: &Features, stream: &Stream) -> Result<(), Stop> {
    let is_demanded = stream.stage1.as_ref().is_some_and(CdTable::demands_substream);
    let is_checked = is_demanded
        && (f.pasidtt
            || env.ask(&[TranslatedWithoutPasid::Pass, TranslatedWithoutPasid::Check])
                == TranslatedWithoutPasid::Check);
    if is_checked { Err(Stop::configuration(Rule::SubstreamRequired)) } else { Ok(()) }
}

/// The PASID must name a CD that could be used, though nothing of stage 1 is (§3.9.1.3, PASIDTT).
fn check_pasid<E: Recall>(
    env: &mut E,
    f: &Features,
    stream: &Stream,
    contexts: &mut impl ContextSource,
    tx: &Transaction,
) -> Result<(), Stop> {
    let selected = substream::select(env, f, stream.stage1.as_ref(), tx.substream);
    let Selected::Cd(index) = selected.map_err(Stop::configuration)? else {
        unreachable!("only traffic without a SubstreamID bypasses stage 1");
    };
    if env.ask(&[TranslatedPasidCd::Check, TranslatedPasidCd::Skip]) == TranslatedPasidCd::Check {
        contexts.context(env, f, (tx.stream, stream), index)?;
    }
    Ok(())
}

/// The address is physical and goes on as it is (§3.9.1.1).
fn physical<E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    tx: &Transaction,
    attributes: Attributes,
) -> Result<Translation, Stop> {
    let pa = tx.address.as_pa_with_both_stages_bypassed();
    let oas_bits = g.features.oas_bits;
    if !pa.fits(oas_bits)
        && env.ask(&[TranslatedBeyondOas::Abort, TranslatedBeyondOas::Truncate]) == TranslatedBeyondOas::Abort
    {
        return Err(Stop::configuration(Rule::TranslatedBeyondOas));
    }
    Ok(Translation {
        pa: pa.truncated(oas_bits),
        size_log2: super::BYPASS_SIZE_LOG2,
        attributes: attributes.consistent(),
    })
}
