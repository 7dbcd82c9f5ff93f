//! `explain`: what `dma` would do, and everything that led to it, without doing it.

use serde::Serialize;
use serde_json::Value;
use smmu_model::bus::ReadOnly;
use smmu_model::env::World;
use smmu_model::trace::Event;

use super::access::{self, Advance, Ongoing, Request};
use super::machine::{Machine, Seen};
use super::method;
use super::params::Params;
use super::rpc::Error;
use super::stale;
use crate::trace::event_line;

/// A walk of a longer access would be too long to read.
const MAX_BYTES: u64 = 64 << 10;

/// `explain`.
pub(super) fn explain(machine: &mut Machine, params: &Params) -> Result<method::Reply, Error> {
    let request = Request::new(params, MAX_BYTES)?;
    let (mut smmu, mut answers) = (machine.smmu.clone(), machine.answers.clone());
    let mut events: Vec<Event> = Vec::new();
    let mut bus = ReadOnly(&mut machine.bus);
    let mut world = World { bus: &mut bus, chooser: &mut answers, sink: &mut events };
    let done = match Ongoing::new(request).go_on(&mut smmu, &mut world) {
        Advance::Ended(done) => done,
        Advance::Stalled(stag, ongoing) => ongoing.stalled(stag),
    };
    let mut seen = Seen::default();
    events.iter().for_each(|event| seen.take(event));
    let changes = machine.bus.memory.changes();
    let line =
        |event: &Event| stale::Use::of(event).map_or_else(|| event_line(event), |used| used.line(changes));
    let walk = events.iter().map(line).collect();
    Ok(method::Reply::Explanation(Reply { outcome: done.reply(&seen, changes), walk }))
}

/// The answer to `explain`.
#[derive(Serialize, Debug)]
pub(super) struct Reply {
    #[serde(flatten)]
    outcome: access::Reply,
    /// What happened, as the lines of a trace (`docs/trace-json.md`).
    walk: Vec<Value>,
}
