//! ATS Translated transactions (§3.9.1.3): what the address of an earlier completion may still do.

use super::{Seen, read_structure, stage2, within_ias};
use crate::choice::answer::TranslatedBeyondOas;
use crate::config::Globals;
use crate::config::ste::{self, Eats};
use crate::env::Env;
use crate::layout::ste::Ste;
use crate::outcome::{Class, Stop, Translation};
use crate::rule::Rule;
use crate::trace::Structure;
use crate::transaction::Transaction;

/// SMMUEN is 1. A PASID on a Translated transaction does not select a CD yet: no stage 1 state is read.
#[cold]
pub(super) fn pass<E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    tx: &Transaction,
    seen: &mut Seen,
) -> Result<Translation, Stop> {
    let f = g.features;
    if !f.ats {
        return Err(Stop::at_input(Rule::TranslatedForbidden));
    }
    if !g.atschk() {
        env.note(Rule::TranslatedUnchecked);
        return physical(env, g, tx);
    }
    let at = g.stream_table().locate(env, f, tx.stream)?;
    let Some(words) = read_structure(env, Structure::Ste, at) else {
        return Err(Stop::at_structure(Rule::SteFetchAborted, at));
    };
    let stream = ste::parse(env, g, &Ste(words)).map_err(Stop::configuration)?;
    seen.learn(&stream);
    seen.access = stream.overrides.access(tx.access);
    match (stream.eats, &stream.stage2) {
        (Eats::Off, _) => Err(Stop::at_input(Rule::TranslatedForbidden)),
        (Eats::Full, _) => {
            env.note(Rule::TranslatedFull);
            physical(env, g, tx)
        }
        (Eats::Split, Some(stage2)) => {
            env.note(Rule::TranslatedSplit);
            within_ias(g, tx.address)?;
            let ipa = tx.address.as_ipa_with_stage1_bypassed();
            let request = stage2::Request { ipa, class: Class::Input, access: seen.access };
            let mapped = stage2::translate(env, f, stage2, request)?;
            let attributes = mapped.attributes(env, stage2, tx.attributes);
            Ok(Translation {
                pa: mapped.pa,
                size_log2: mapped.size_bits,
                attributes: attributes.consistent(),
            })
        }
        (Eats::Split, None) => unreachable!("split-stage ATS is legal with both stages only (STE-07)"),
    }
}

/// The address is physical and goes on as it is (§3.9.1.1).
fn physical<E: Env>(env: &mut E, g: &Globals<'_>, tx: &Transaction) -> Result<Translation, Stop> {
    let pa = tx.address.as_pa_with_both_stages_bypassed();
    let oas_bits = g.features.oas_bits;
    if !pa.fits(oas_bits)
        && env.ask(&[TranslatedBeyondOas::Abort, TranslatedBeyondOas::Truncate]) == TranslatedBeyondOas::Abort
    {
        return Err(Stop::configuration(Rule::TranslatedBeyondOas));
    }
    let attributes = tx.attributes.consistent();
    Ok(Translation { pa: pa.truncated(oas_bits), size_log2: super::BYPASS_SIZE_LOG2, attributes })
}
