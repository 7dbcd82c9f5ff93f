//! Placeholder until the translation procedure (chapter 15) is merged: global bypass only.

use crate::attributes::Attributes;
use crate::config::Globals;
use crate::env::Env;
use crate::layout::event::EventRecord;
use crate::outcome::{Outcome, Translation};
use crate::rule::Rule;
use crate::transaction::Transaction;

/// The answer to a transaction, and the event that goes with it.
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    pub(crate) record: Option<PendingRecord>,
}

/// An event that waits for the queue.
pub(crate) struct PendingRecord {
    pub(crate) record: EventRecord,
    /// Whether STE.MEV, or the kind of event, allows merging (§7.3.1).
    pub(crate) mergeable: bool,
}

pub(crate) fn answer(env: &mut impl Env, globals: &Globals<'_>, tx: &Transaction) -> Answer {
    let pa = tx.address.as_pa_with_both_stages_bypassed();
    let outcome = if globals.smmuen || globals.gbpa.abort() {
        Outcome::Abort(Rule::GlobalAbort)
    } else if !pa.fits(globals.features.oas_bits) {
        Outcome::Abort(Rule::GlobalBypassBeyondOas)
    } else {
        env.note(Rule::GlobalBypass);
        Outcome::Done(Translation { pa, size_log2: 12, attributes: Attributes::INCOMING_DEFAULT })
    };
    Answer { outcome, record: None }
}
