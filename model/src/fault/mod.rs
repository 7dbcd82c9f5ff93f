//! How a failed transaction ends (§3.12, §5.5, §7.2): what the client sees, and what is recorded.

pub(crate) mod ats;
pub(crate) mod grounds;
mod record;
pub(crate) mod stall;
mod stalled;

use crate::bus::{Bus, StallSafety};
use crate::choice::answer::{RecordBadStreamid, StallUnsafeDevice};
use crate::config::Globals;
use crate::env::Env;
use crate::features::{Features, StallModel};
use crate::ids::StreamId;
use crate::layout::event::{EventCode, EventRecord};
use crate::outcome::{Outcome, Site, Stop};
use crate::rule::{Effect, Rule};
use crate::transaction::{AddressType, Transaction};
use crate::translate::Seen;

/// A, R and S of the stage that owns a fault (§5.5). Stage 2 has no A: it always aborts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FaultFlags {
    pub(crate) abort: bool,
    pub(crate) record: bool,
    pub(crate) stall: bool,
}

/// What becomes of a transaction that failed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    /// It ends.
    Terminates {
        /// What the client sees: an abort, or success without effect.
        outcome: Outcome,
        /// What the event queue is to get.
        record: Option<PendingRecord>,
    },
    /// It stalls.
    Stalls {
        /// The fault.
        rule: Rule,
        /// Its record, for a transaction that does not stall.
        record: PendingRecord,
    },
}

/// A record that waits for the event queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PendingRecord {
    pub(crate) record: EventRecord,
    /// It may be merged with an equal one (§7.3.1).
    pub(crate) mergeable: bool,
}

/// Ends a transaction that stopped.
#[cold]
pub(crate) fn conclude<E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    tx: &Transaction,
    seen: &Seen,
    stop: Stop,
) -> Ending {
    env.note(stop.rule);
    let code = match stop.rule.effect() {
        Effect::Event(code) => code,
        Effect::Silent => return Ending::Terminates { outcome: Outcome::Abort(stop.rule), record: None },
        Effect::Command(_) | Effect::Ignored | Effect::Decision | Effect::Global | Effect::Operation(_) => {
            unreachable!("{} does not end a transaction", stop.rule.label())
        }
    };
    let record = || PendingRecord {
        record: record::build(g.features, code, stop.site, tx, seen.access),
        mergeable: seen.mergeable || precedes_the_ste(code),
    };
    let rule = stop.rule;
    let (outcome, recorded) = match owner(code, stop.site, seen) {
        Some(flags) if flags.stall && stalls(env, g.features, tx.stream) => {
            return Ending::Stalls { rule, record: record() };
        }
        Some(flags) => by_flags(env, rule, flags),
        None => (Outcome::Abort(rule), is_recorded(env, g, tx, code)),
    };
    Ending::Terminates { outcome, record: recorded.then(record) }
}

/// The flags that decide, for the four Translation-related faults of a stage that translates (§3.12).
fn owner(code: EventCode, site: Site, seen: &Seen) -> Option<FaultFlags> {
    if !matches!(
        code,
        EventCode::FTranslation | EventCode::FAddrSize | EventCode::FAccess | EventCode::FPermission
    ) {
        return None;
    }
    match site {
        // Absent while stage 1 is bypassed: its Address Size fault always aborts and is recorded (§3.4).
        Site::Stage1 => seen.stage1,
        Site::Stage2 { .. } => seen.stage2,
        Site::Configuration
        | Site::Structure(_)
        | Site::Stage1Descriptor(_)
        | Site::Stage2Descriptor { .. } => None,
    }
}

/// Whether a fault that asks for a stall gets it: an implementation that can terminate may hold that stalling
/// this device is unsafe (§3.12), unless the system says that it is not. It need not see what software does wrong.
fn stalls<E: Env>(env: &mut E, f: &Features, stream: StreamId) -> bool {
    let safety = env.bus().stall_safety(stream);
    if safety == StallSafety::Unsafe {
        env.note(Rule::StallOfUnsafeDevice);
    }
    f.stall_model == StallModel::StallOnly
        || safety == StallSafety::Safe
        || env.ask(&[StallUnsafeDevice::Stall, StallUnsafeDevice::Terminate]) == StallUnsafeDevice::Stall
}

/// The truth table of §5.5, for a fault that does not stall.
fn by_flags<E: Env>(env: &mut E, rule: Rule, flags: FaultFlags) -> (Outcome, bool) {
    if flags.stall {
        env.note(Rule::StallTerminates);
        return (Outcome::Abort(rule), true);
    }
    if !flags.record {
        env.note(Rule::NotRecorded);
    }
    if flags.abort {
        env.note(Rule::TerminatedByAbort);
        (Outcome::Abort(rule), flags.record)
    } else {
        env.note(Rule::TerminatedRazWi);
        (Outcome::RazWi(rule), flags.record)
    }
}

/// Whether an error of configuration is recorded (§6.3.12, §3.9.1.3).
fn is_recorded<E: Env>(env: &mut E, g: &Globals<'_>, tx: &Transaction, code: EventCode) -> bool {
    let of_configuration = matches!(
        code,
        EventCode::CBadStreamid
            | EventCode::FSteFetch
            | EventCode::CBadSte
            | EventCode::FCfgConflict
            | EventCode::CBadSubstreamid
            | EventCode::FStreamDisabled
            | EventCode::FCdFetch
            | EventCode::CBadCd
    );
    if tx.address_type == AddressType::Translated && of_configuration {
        if !g.rec_cfg_ats() {
            env.note(Rule::TranslatedErrorNotRecorded);
        }
        return g.rec_cfg_ats();
    }
    if code != EventCode::CBadStreamid {
        return true;
    }
    bad_streamid_recorded(env, g)
}

/// Whether C_BAD_STREAMID is recorded (§6.3.12).
fn bad_streamid_recorded<E: Env>(env: &mut E, g: &Globals<'_>) -> bool {
    if !g.recinvsid() {
        env.note(Rule::BadStreamNotRecorded);
        return false;
    }
    env.ask(&[RecordBadStreamid::Record, RecordBadStreamid::Discard]) == RecordBadStreamid::Record
}

/// Events that may be merged whatever STE.MEV says (§7.3.1).
fn precedes_the_ste(code: EventCode) -> bool {
    matches!(code, EventCode::FUut | EventCode::CBadStreamid | EventCode::FSteFetch | EventCode::CBadSte)
}
