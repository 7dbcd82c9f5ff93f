//! CMD_ATC_INV and CMD_PRI_RESP: messages to the devices behind PCIe (§4.5).

use super::stream::{stream, substream};
use crate::address::low_mask;
use crate::ats::{InvalidateRequest, Invalidated, PrgResponse, ResponseCode};
use crate::bus::Bus;
use crate::choice::answer::{AtcInvSize, AtcTimeout};
use crate::env::Env;
use crate::features::Features;
use crate::ids::CommandQueue;
use crate::layout::command::Command;
use crate::rule::Rule;
use crate::trace::Event;

/// The largest Size of CMD_ATC_INV: the whole address space.
const SIZE_MAX: u8 = 52;

/// The Invalidate Requests that no CMD_SYNC of their queue has completed (§4.7.3). All but a timeout is over at once
/// here.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Invalidations {
    /// At most one for each queue.
    timeouts: Vec<Timeout>,
}

/// Some Invalidate Request of a queue timed out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Timeout {
    queue: CommandQueue,
    /// A CMD_SYNC waits for it, for ever; if not, the next one says so.
    hangs: bool,
}

impl Invalidations {
    /// Whether a CMD_SYNC of the queue waits for ever.
    pub(crate) fn hang(&self, queue: CommandQueue) -> bool {
        self.timeouts.iter().any(|timeout| timeout.queue == queue && timeout.hangs)
    }

    /// Sends a request and waits for what comes of it (§3.9.1.4, §3.9.1.5).
    pub(super) fn send(&mut self, env: &mut impl Env, queue: CommandQueue, request: InvalidateRequest) {
        let end = env.bus().invalidate(&request);
        env.trace(|| Event::Invalidated { request, end });
        match end {
            Invalidated::Completed => {}
            Invalidated::Unsupported => env.note(Rule::AtcInvUnsupported),
            Invalidated::TimedOut => {
                env.note(Rule::AtcInvTimedOut);
                if !self.timeouts.iter().any(|timeout| timeout.queue == queue) {
                    self.timeouts.push(Timeout { queue, hangs: false });
                }
            }
        }
    }

    /// Whether a CMD_SYNC of the queue completes; the rule that ends it or makes it wait if not. What is reported
    /// once is over: a CMD_SYNC after the error waits for what was sent since.
    pub(super) fn sync(&mut self, env: &mut impl Env, queue: CommandQueue) -> Result<(), Rule> {
        let Some(position) = self.timeouts.iter().position(|timeout| timeout.queue == queue) else {
            return Ok(());
        };
        match env.ask(&[AtcTimeout::Error, AtcTimeout::Hang]) {
            AtcTimeout::Error => {
                self.timeouts.remove(position);
                Err(Rule::SyncAfterTimeout)
            }
            AtcTimeout::Hang => {
                self.timeouts[position].hangs = true;
                Err(Rule::SyncNeverCompletes)
            }
        }
    }

    /// Whether an SMMU with these queues can be in this state; only one from outside cannot.
    #[cfg(feature = "serde")]
    pub(crate) fn are_possible(&self, exists: impl Fn(CommandQueue) -> bool) -> bool {
        let queues: std::collections::BTreeSet<_> =
            self.timeouts.iter().map(|timeout| timeout.queue).collect();
        queues.len() == self.timeouts.len() && queues.into_iter().all(exists)
    }
}

/// Sends the answer to a group of page requests: no completion is waited for (§4.5.2).
pub(crate) fn respond(env: &mut impl Env, response: PrgResponse) {
    env.bus().respond(&response);
    env.trace(|| Event::PrgResponse(response));
}

pub(super) fn atc_inv(env: &mut impl Env, f: &Features, command: Command) -> Result<InvalidateRequest, Rule> {
    let word = command.atc_inv1();
    if word.size() > SIZE_MAX {
        return match env.ask(&[AtcInvSize::Illegal, AtcInvSize::Unknown]) {
            AtcInvSize::Illegal => Err(Rule::CommandAtcSize),
            AtcInvSize::Unknown => Err(Rule::CommandOutOfRange),
        };
    }
    let log2_span_bytes = 12 + word.size();
    let substream = substream(env, f, command)?;
    Ok(InvalidateRequest {
        stream: stream(env, f, command)?,
        substream,
        global: substream.is_some() && command.stream().global(),
        address: word.address() & !low_mask(log2_span_bytes),
        log2_span_bytes,
    })
}

pub(super) fn pri_resp(env: &mut impl Env, f: &Features, command: Command) -> Result<PrgResponse, Rule> {
    let word = command.pri_resp1();
    let code = match word.resp() {
        0 => ResponseCode::ResponseFailure,
        1 => ResponseCode::InvalidRequest,
        2 => ResponseCode::Success,
        _reserved => return Err(Rule::CommandPriRespReserved),
    };
    let (stream, substream) = (stream(env, f, command)?, substream(env, f, command)?);
    Ok(PrgResponse { stream, substream, prg_index: word.prg_index(), code })
}
