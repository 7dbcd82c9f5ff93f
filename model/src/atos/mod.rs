//! Address translation operations (chapter 9): software asks through registers where an access would go.
//!
//! A write of RUN records the wish; [`run`] is the unit of work that fulfils it and clears RUN. Nothing of it reaches
//! the Event queue, and nothing stalls.

mod par;
mod request;

use crate::cache::Caches;
use crate::choice::answer::{AtosInterrupted, AtosOrder};
use crate::config::Globals;
use crate::env::Env;
use crate::features::Features;
use crate::ids::Vmid;
use crate::layout::atos::{AtosCtrl, AtosInterface};
use crate::outcome::Stop;
use crate::queue::command;
use crate::registers::{AtosGroup, Registers};
use crate::rule::Rule;
use crate::trace::Event;
use crate::translate::lookup::look_up;

/// The most operations that can be under way at once: one per interface.
pub(crate) const RUNNING_MAX: usize = 2;

/// An operation that the SMMU does before any other work: clearing SMMUEN waits for it (§6.3.37).
#[inline]
pub(crate) fn due(registers: &Registers) -> Option<AtosInterface> {
    if is_interrupted(registers) { running(registers) } else { None }
}

/// An operation that is under way, if the SMMU takes it up before the next command.
#[inline]
pub(crate) fn next(env: &mut impl Env, f: &Features, registers: &Registers) -> Option<AtosInterface> {
    let interface = running(registers)?;
    // Whether an operation sees the effect of a command that waits is open: both begin in finite time (§9).
    let first =
        !command::waits(f, registers) || env.ask(&[AtosOrder::First, AtosOrder::Last]) == AtosOrder::First;
    first.then_some(interface)
}

/// Whether an operation is under way.
pub(crate) fn is_running(registers: &Registers) -> bool {
    running(registers).is_some()
}

/// Finishes the operation of `interface` (§9): PAR first, then RUN.
pub(crate) fn run(
    env: &mut impl Env,
    f: &Features,
    registers: &mut Registers,
    caches: &mut Caches,
    interface: AtosInterface,
) {
    let Ended { par, rule } = if is_interrupted(registers) {
        interrupted(env, f, registers, caches, interface)
    } else {
        operate(env, f, registers, caches, interface)
    };
    let group = registers.atos_mut(interface);
    assert!(group.running, "only an operation that was accepted is finished");
    *group = AtosGroup { par, running: false, ctrl: AtosCtrl::new(), ..*group };
    env.trace(|| Event::AddressTranslation { interface, par, rule });
}

/// How an operation ended.
struct Ended {
    par: u64,
    /// The rule that made it fail.
    rule: Option<Rule>,
}

impl Ended {
    fn fault(
        env: &mut impl Env,
        f: &Features,
        registers: &Registers,
        interface: AtosInterface,
        stop: Stop,
    ) -> Self {
        let par = par::fault(env, f, registers.atos(interface).addr, interface, stop);
        Self { par, rule: Some(stop.rule) }
    }
}

fn running(registers: &Registers) -> Option<AtosInterface> {
    [AtosInterface::Gatos, AtosInterface::Vatos]
        .into_iter()
        .find(|&interface| registers.atos(interface).running)
}

/// Software has written SMMUEN 0, and the Update has not completed.
fn is_interrupted(registers: &Registers) -> bool {
    registers.cr0ack.smmuen() && !registers.cr0.smmuen()
}

/// What becomes of an operation when SMMUEN is cleared meanwhile (§6.3.37).
fn interrupted(
    env: &mut impl Env,
    f: &Features,
    registers: &Registers,
    caches: &mut Caches,
    interface: AtosInterface,
) -> Ended {
    match env.ask(&[AtosInterrupted::Complete, AtosInterrupted::Abandon, AtosInterrupted::AbandonLate]) {
        AtosInterrupted::Complete => return operate(env, f, registers, caches, interface),
        AtosInterrupted::AbandonLate => {
            let _unseen = operate(env, f, registers, caches, interface);
        }
        AtosInterrupted::Abandon => {}
    }
    env.note(Rule::AtosInterrupted);
    let stop = Stop::configuration(Rule::AtosInterrupted);
    Ended::fault(env, f, registers, interface, stop)
}

/// The lookup that an interface asks for, and its PAR.
fn operate(
    env: &mut impl Env,
    f: &Features,
    registers: &Registers,
    caches: &mut Caches,
    interface: AtosInterface,
) -> Ended {
    let group = registers.atos(interface);
    let globals = Globals { features: f, registers };
    let vmid = match interface {
        AtosInterface::Gatos => None,
        AtosInterface::Vatos => Some(Vmid(registers.vatos_sel.vmid())),
    };
    let request = request::decode(env, f, group.sid, group.addr, vmid);
    let request = request.map_err(Stop::configuration);
    let found = request.and_then(|lookup| look_up(env, &globals, caches, &lookup));
    match found {
        Ok(found) => Ended { par: par::success(env, f, found), rule: None },
        Err(stop) => {
            env.note(stop.rule);
            Ended::fault(env, f, registers, interface, stop)
        }
    }
}
