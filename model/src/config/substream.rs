//! Which CD a transaction uses (§3.3.2): SubstreamID against S1CDMax and S1DSS.

use super::cd_table::{CdTable, DefaultSubstream};
use crate::address::low_mask;
use crate::choice::answer::PasidBeyondSsidsize;
use crate::env::Env;
use crate::features::Features;
use crate::ids::SubstreamId;
use crate::rule::Rule;

/// The stage 1 context of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Selected {
    /// Stage 1 is bypassed.
    Bypass,
    /// The CD with this index.
    Cd(u32),
}

/// Whether a PASID has more bits than substreams have (§3.9).
#[inline(always)]
pub(crate) fn is_too_wide(f: &Features, substream: Option<SubstreamId>) -> bool {
    f.ssid_bits != 0 && substream.is_some_and(|id| id.0 >> f.ssid_bits != 0)
}

/// The SubstreamID that a PASID which is too wide makes when it arrives.
#[cold]
pub(crate) fn on_arrival(env: &mut impl Env, f: &Features, pasid: SubstreamId) -> SubstreamId {
    match env.ask(&[PasidBeyondSsidsize::Report, PasidBeyondSsidsize::Truncate]) {
        PasidBeyondSsidsize::Report => pasid,
        PasidBeyondSsidsize::Truncate => {
            env.note(Rule::PasidTruncated);
            let kept = u64::from(pasid.0) & low_mask(f.ssid_bits);
            SubstreamId(u32::try_from(kept).expect("no more bits than before"))
        }
    }
}

/// The substream matrix of §3.3.2, row by row.
#[inline(always)]
pub(crate) fn select(
    env: &mut impl Env,
    f: &Features,
    table: Option<&CdTable>,
    substream: Option<SubstreamId>,
) -> Result<Selected, Rule> {
    let Some(table) = table else {
        return if substream.is_some() { Err(Rule::SubstreamWithoutStage1) } else { Ok(Selected::Bypass) };
    };
    let (selected, why) = match substream {
        Some(_) if f.ssid_bits == 0 => return Err(Rule::SubstreamUnimplemented),
        Some(_) if table.log2_count == 0 => return Err(Rule::SubstreamsDisabled),
        Some(id) if id.0 >> table.log2_count != 0 => return Err(Rule::SubstreamBeyondTable),
        Some(SubstreamId(0)) if table.default_substream == DefaultSubstream::UseZero => {
            return Err(Rule::SubstreamZeroReserved);
        }
        Some(id) => (Selected::Cd(id.0), Rule::SubstreamSelectsCd),
        None if table.log2_count == 0 => (Selected::Cd(0), Rule::SingleCd),
        None => match table.default_substream {
            DefaultSubstream::Terminate => return Err(Rule::SubstreamRequired),
            DefaultSubstream::Bypass => (Selected::Bypass, Rule::DefaultSubstreamBypasses),
            DefaultSubstream::UseZero => (Selected::Cd(0), Rule::DefaultSubstreamIsZero),
        },
    };
    env.note(why);
    Ok(selected)
}
