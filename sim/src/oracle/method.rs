//! The table of methods, with the parameters of each.

use serde::Serialize;
use smmu_model::naming;
use smmu_model::rule::Rule;

use super::machine::Machine;
use super::params::Params;
use super::rpc::{Error, Problem, Request, brief};
use super::{
    access, ahead, ats, broadcast, devices, event_queue, explain, hint, memory, registers, reports, setup,
    stalls, state,
};

/// A method: its name, the names of its parameters, and what it does.
#[derive(Debug)]
pub(super) struct Method {
    name: &'static str,
    parameters: &'static [&'static str],
    action: Action,
}

/// What a method works on.
#[derive(Clone, Copy, Debug)]
enum Action {
    /// Makes the SMMU and memory of the session.
    Make(fn(&Params) -> Result<(Machine, Reply), Error>),
    /// Uses them.
    Use(fn(&mut Machine, &Params) -> Result<Reply, Error>),
}

const METHODS: &[Method] = &[
    make("smmu.new", &["preset", "idr", "seed", "choices", "caches"], setup::new),
    using("mem.write", &["addr", "data"], memory::write),
    using("mem.read", &["addr", "len"], memory::read),
    using("mem.abort", &["addr", "len", "on"], memory::abort),
    using("mmio.write", &["offset", "size", "value"], registers::write),
    using("mmio.read", &["offset", "size"], registers::read),
    using("dma", access::PARAMETERS, access::dma),
    using("ats.translate", ats::TRANSLATE, ats::translate),
    using("pri.request", ats::REQUEST, ats::request),
    using("page.hint", hint::PARAMETERS, hint::hint),
    using("endpoint", devices::ENDPOINT, devices::endpoint),
    using("messages", &[], devices::messages),
    using("dvm.tlbi", broadcast::PARAMETERS, broadcast::tlbi),
    using("speculate", ahead::PARAMETERS, ahead::speculate),
    using("explain", access::PARAMETERS, explain::explain),
    using("events", &[], event_queue::events),
    using("stalls", &[], stalls::stalls),
    using("interrupts", &[], reports::interrupts),
    using("state.save", &[], state::save),
    make("state.load", &["state"], state::load),
    using("choices", &[], reports::choices),
];

/// The names of all methods.
pub fn method_names() -> impl Iterator<Item = &'static str> {
    METHODS.iter().map(|method| method.name)
}

impl Method {
    /// The method that `request` names, with its parameters.
    pub(super) fn find(request: Request) -> Result<(&'static Self, Params), Error> {
        let Request { method, params } = request;
        let Some(found) = METHODS.iter().find(|known| known.name == method) else {
            let nearest = naming::nearest(&brief(&method), method_names().map(|name| (name, name)));
            let hint = nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
            let text = format!("method: there is no `{}`{hint}", brief(&method));
            return Err(Error::new(Problem::UnknownMethod, text));
        };
        let params = Params::new(params, found.name, found.parameters)?;
        Ok((found, params))
    }

    /// Does what the method does to the session's `machine`.
    pub(super) fn call(&self, machine: &mut Option<Machine>, params: &Params) -> Result<Reply, Error> {
        match (self.action, machine) {
            (Action::Make(act), machine) => {
                let (made, reply) = act(params)?;
                *machine = Some(made);
                Ok(reply)
            }
            (Action::Use(act), Some(machine)) => act(machine, params),
            (Action::Use(_), None) => Err(Error::new(Problem::NoSmmu, "no SMMU: call smmu.new first")),
        }
    }
}

const fn make(
    name: &'static str,
    parameters: &'static [&'static str],
    act: fn(&Params) -> Result<(Machine, Reply), Error>,
) -> Method {
    Method { name, parameters, action: Action::Make(act) }
}

const fn using(
    name: &'static str,
    parameters: &'static [&'static str],
    act: fn(&mut Machine, &Params) -> Result<Reply, Error>,
) -> Method {
    Method { name, parameters, action: Action::Use(act) }
}

/// What a method answers; each variant is written as its contents alone.
#[derive(Serialize, Debug)]
#[serde(untagged)]
pub(super) enum Reply {
    Done {},
    New(setup::New),
    Memory(memory::Contents),
    Register(registers::Accessed),
    Access(access::Reply),
    Translation(ats::Reply),
    Messages(devices::Messages),
    Rules(Rules),
    Explanation(explain::Reply),
    Events(event_queue::Reply),
    Stalls(stalls::Stalls),
    Interrupts(reports::Interrupts),
    Choices(reports::Choices),
    State(state::Reply),
}

/// The labels of the rules that fired, each once, in order.
#[derive(Serialize, Debug)]
pub(super) struct Rules {
    rules: Vec<&'static str>,
}

impl Rules {
    pub(super) fn of(rules: &[Rule]) -> Self {
        Self { rules: rules.iter().map(|rule| rule.label()).collect() }
    }
}
