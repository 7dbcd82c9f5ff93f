//! CMD_RESUME: the answer to a stalled transaction (§4.7.1). CMD_STALL_TERM names a stream and no more.

use super::stream::stream;
use crate::env::Env;
use crate::features::Features;
use crate::ids::StreamId;
use crate::layout::command::Command;
use crate::rule::Rule;

/// The answer to the transaction with this tag, if it is stalled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resume {
    /// The stream of the transaction.
    pub stream: StreamId,
    /// The tag of its record.
    pub stag: u16,
    /// What to do with it.
    pub action: StallAction,
}

/// What becomes of a stalled transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StallAction {
    /// It is handled as if it arrived anew.
    Retry,
    /// It ends with success: reads return zero, writes are ignored.
    RazWi,
    /// It ends with an abort.
    Abort,
}

pub(super) fn resume(env: &mut impl Env, f: &Features, command: Command) -> Result<Resume, Rule> {
    let word = command.resume0();
    let action = if word.action() {
        StallAction::Retry
    } else if word.abort() || f.term_abort_only {
        StallAction::Abort
    } else {
        StallAction::RazWi
    };
    Ok(Resume { stream: stream(env, f, command)?, stag: command.resume1().stag(), action })
}
