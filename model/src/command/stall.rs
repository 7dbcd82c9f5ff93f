//! The answers to stalled transactions: CMD_RESUME (§4.7.1) and CMD_STALL_TERM (§4.7.2).

use super::stream::stream;
use crate::bus::Bus;
use crate::cache::Caches;
use crate::choice::Defaults;
use crate::choice::answer::StallTermUnprepared;
use crate::config::{Globals, ste};
use crate::env::{Env, World};
use crate::fault::stall::{Departure, Stalls};
use crate::features::Features;
use crate::ids::{Stag, StreamId};
use crate::layout::command::Command;
use crate::layout::ste::Ste;
use crate::rule::Rule;
use crate::trace::Silence;

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

/// CMD_RESUME: the transaction that it names, if there is one, leaves.
pub(super) fn answer(env: &mut impl Env, stalls: &mut Stalls, resume: Resume) {
    let Resume { stream, stag, action } = resume;
    let departure = match action {
        StallAction::Retry => Departure::Retry,
        StallAction::RazWi => Departure::RazWi,
        StallAction::Abort => Departure::Abort,
    };
    stalls.resume(env, stream, Stag(stag), departure);
}

/// CMD_STALL_TERM: everything of the stream that is held ends with an abort, if its STE aborts what arrives.
pub(super) fn terminate(
    env: &mut impl Env,
    g: &Globals<'_>,
    (caches, stalls): (&mut Caches, &mut Stalls),
    stream: StreamId,
) {
    if !stalls.hold_any_of(stream) {
        return env.note(Rule::StallUnmatched);
    }
    use StallTermUnprepared::{Ignore, Terminate, TerminateOnly, Withhold};
    let effect = if aborts_all(env, g, caches, stream) {
        Terminate
    } else {
        env.ask(&[Terminate, Ignore, TerminateOnly, Withhold])
    };
    match effect {
        Terminate => stalls.terminate(env, stream),
        Ignore => env.note(Rule::StallTermIgnored),
        TerminateOnly => {
            stalls.keep_records(stream);
            stalls.terminate(env, stream);
        }
        Withhold => stalls.withhold_records(env, stream),
    }
}

/// Whether the STE of `stream` aborts every transaction: as it lies in memory, and as it is cached if it is. Nobody hears of
/// this look: it is ours, not the SMMU's.
fn aborts_all(env: &mut impl Env, g: &Globals<'_>, caches: &mut Caches, stream: StreamId) -> bool {
    let mut quiet = World { bus: env.bus(), chooser: &mut Defaults, sink: &mut Silence };
    let streams = &mut caches.configuration.streams;
    if let Some(slot) = streams.find(stream)
        && streams.at(slot).stream(&mut quiet, g.features).is_ok()
    {
        return false;
    }
    let Ok(at) = g.stream_table().locate(&mut quiet, g.features, stream, &mut None) else { return true };
    let Ok(words) = quiet.bus.read_line(at) else { return true };
    ste::parse(&mut quiet, g.features, g.stream_setting(), &Ste(words)).is_err()
}
