//! How a Translation Request that stopped ends (§3.9.1.2): the status that the device sees, and what is recorded.

use super::{PendingRecord, bad_streamid_recorded, precedes_the_ste, record};
use crate::ats::AtsRequest;
use crate::config::Globals;
use crate::env::Env;
use crate::layout::event::EventCode;
use crate::outcome::Stop;
use crate::rule::{Effect, Rule};
use crate::transaction::Transaction;
use crate::translate::Seen;

/// What becomes of the request, or of one page of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AtsEnding {
    /// Success without any permission: a Translation-related fault.
    NoAccess,
    /// Unsupported Request: ATS is off.
    UnsupportedRequest,
    /// Completer Abort: an error of configuration.
    CompleterAbort,
}

/// Ends a Translation Request; `tx` is it in the shape of a transaction.
#[cold]
pub(crate) fn conclude_request<E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    request: &AtsRequest,
    tx: &Transaction,
    seen: &Seen,
    stop: Stop,
) -> (AtsEnding, Option<PendingRecord>) {
    env.note(stop.rule);
    let code = match stop.rule.effect() {
        Effect::Event(code) => code,
        Effect::Silent if stop.rule == Rule::SteDisabled => return (AtsEnding::UnsupportedRequest, None),
        Effect::Silent => {
            env.note(Rule::AtsCompleterAbort);
            return (AtsEnding::CompleterAbort, None);
        }
        Effect::Command(_) | Effect::Ignored | Effect::Decision | Effect::Global => {
            unreachable!("{} does not end a request", stop.rule.label())
        }
    };
    match code {
        EventCode::FBadAtsTreq => {
            let record = record::translation_request(request);
            (AtsEnding::UnsupportedRequest, Some(PendingRecord { record, mergeable: seen.mergeable }))
        }
        EventCode::FTranslation | EventCode::FAddrSize | EventCode::FAccess | EventCode::FPermission => {
            env.note(Rule::AtsNoAccess);
            (AtsEnding::NoAccess, None)
        }
        EventCode::CBadStreamid
        | EventCode::FSteFetch
        | EventCode::CBadSte
        | EventCode::FStreamDisabled
        | EventCode::CBadSubstreamid
        | EventCode::FCdFetch
        | EventCode::CBadCd
        | EventCode::FWalkEabt
        | EventCode::FTlbConflict
        | EventCode::FCfgConflict
        | EventCode::FVmsFetch => {
            env.note(Rule::AtsCompleterAbort);
            (AtsEnding::CompleterAbort, configuration_record(env, g, tx, seen, stop, code))
        }
        EventCode::FUut | EventCode::FTranslForbidden | EventCode::EPageRequest => {
            unreachable!("no check of a Translation Request leads to {code:?}")
        }
    }
}

/// What is recorded of the look for STE.PPAR that failed (§8.1).
#[cold]
pub(crate) fn conclude_stream_check<E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    tx: &Transaction,
    stop: Stop,
) -> Option<PendingRecord> {
    env.note(stop.rule);
    match stop.rule.effect() {
        Effect::Event(code) => configuration_record(env, g, tx, &Seen::nothing(tx), stop, code),
        Effect::Silent => None,
        Effect::Command(_) | Effect::Ignored | Effect::Decision | Effect::Global => {
            unreachable!("{} does not end a look for an STE", stop.rule.label())
        }
    }
}

/// The record of an error of configuration that ATS or PRI traffic met, if there is one (§3.9.1.2, §8.1).
fn configuration_record<E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    tx: &Transaction,
    seen: &Seen,
    stop: Stop,
    code: EventCode,
) -> Option<PendingRecord> {
    if !g.rec_cfg_ats() {
        env.note(Rule::AtsErrorNotRecorded);
        return None;
    }
    let is_recorded = code != EventCode::CBadStreamid || bad_streamid_recorded(env, g);
    is_recorded.then(|| PendingRecord {
        record: record::build(g.features, code, stop.site, tx, seen.access),
        mergeable: seen.mergeable || precedes_the_ste(code),
    })
}
