//! `stalls`: the requests that the SMMU holds, and what became of those that it held (§3.12.2).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smmu_model::Smmu;
use smmu_model::env::Env;
use smmu_model::ids::Stag;
use smmu_model::outcome::Outcome;

use super::MAX_TRANSFER_BYTES;
use super::access::{self, Advance, Ongoing};
use super::interconnect::DeviceBus;
use super::machine::Machine;
use super::method::Reply;
use super::params::Params;
use super::rpc::{Error, Problem};
use crate::hex::Hex;

/// Most memory that ends nobody asked for may take.
const MAX_RESOLVED_BYTES: usize = 32 << 20;

/// `stalls`: those that are held, and those that have ended since the last call.
pub(super) fn stalls(machine: &mut Machine, _: &Params) -> Result<Reply, Error> {
    let pending = machine.smmu.held().map(|held| Pending {
        stag: held.stag.0,
        sid: held.transaction.stream.0,
        ssid: held.transaction.substream.map(|substream| substream.0),
        addr: Hex(held.transaction.address.value()),
        recorded: held.recorded,
    });
    let pending = pending.collect();
    let resolved = std::mem::take(&mut machine.stalled.resolved);
    if std::mem::take(&mut machine.stalled.is_cut) {
        return Err(Error::new(Problem::Limit, "stalls have ended with more than there is to keep of them"));
    }
    let resolved = resolved.into_iter().map(|Resolved { stag, done }| Ended {
        stag: stag.0,
        anew: done.stag.map(|anew| anew.0),
        end: done.end(),
    });
    Ok(Reply::Stalls(Stalls { pending, resolved: resolved.collect() }))
}

/// The requests of a session that are or were stalled.
#[derive(Clone, Default, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(super) struct Stalled {
    held: BTreeMap<Stag, Ongoing>,
    /// What has ended and was not asked for, in order.
    resolved: Vec<Resolved>,
    /// That list would have been too long.
    is_cut: bool,
}

/// How a stall ended.
#[derive(Clone, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Resolved {
    stag: Stag,
    done: access::Done,
}

impl Stalled {
    pub(super) fn hold(&mut self, stag: Stag, ongoing: Ongoing) {
        let before = self.held.insert(stag, ongoing);
        assert!(before.is_none(), "the SMMU gives a name once");
    }

    /// How many bytes the held requests move together.
    pub(super) fn length_bytes(&self) -> u64 {
        self.held.values().map(Ongoing::length_bytes).sum()
    }

    /// How many pages the held requests may write to together.
    pub(super) fn pages_max(&self) -> usize {
        self.held.values().map(Ongoing::pages_max).sum()
    }

    /// The SMMU no longer holds `stag`, or does so under another name: the request goes on.
    pub(super) fn resume(
        &mut self,
        stag: Stag,
        outcome: Outcome,
        smmu: &mut Smmu,
        env: &mut impl Env<Bus: DeviceBus>,
    ) -> access::Done {
        let ongoing = self.held.remove(&stag).expect("every stalled transaction belongs to a request");
        match ongoing.resume(outcome, smmu, env) {
            Advance::Ended(done) => done,
            Advance::Stalled(anew, ongoing) => {
                let done = ongoing.stalled(anew);
                self.hold(anew, ongoing);
                done
            }
        }
    }

    /// Keeps what the request that was stalled as `stag` came to.
    pub(super) fn resolve(&mut self, stag: Stag, done: access::Done) {
        let kept: usize = self.resolved.iter().map(|resolved| resolved.done.size_bytes()).sum();
        if kept + done.size_bytes() <= MAX_RESOLVED_BYTES {
            self.resolved.push(Resolved { stag, done });
        } else {
            self.is_cut = true;
        }
    }

    /// Whether this can belong to `smmu`.
    pub(super) fn is_possible(&self, smmu: &Smmu) -> bool {
        smmu.held().map(|held| held.stag).eq(self.held.keys().copied())
            && self.held.values().all(Ongoing::is_possible)
            && self.length_bytes() <= MAX_TRANSFER_BYTES
    }
}

/// The answer to `stalls`.
#[derive(Serialize, Debug)]
pub(super) struct Stalls {
    pending: Vec<Pending>,
    resolved: Vec<Ended>,
}

/// A transaction that the SMMU holds.
#[derive(Serialize, Debug)]
struct Pending {
    stag: u16,
    sid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    ssid: Option<u32>,
    addr: Hex,
    recorded: bool,
}

/// A request that was stalled.
#[derive(Serialize, Debug)]
struct Ended {
    stag: u16,
    /// Its name from now on, if it stalls anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    anew: Option<u16>,
    #[serde(flatten)]
    end: access::End,
}
