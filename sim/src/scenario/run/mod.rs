//! Executes a checked scenario: each step through the doors that software and devices have.

mod access;
mod ahead;
mod ats;
mod claims;
mod denied;
mod ear;
mod found;
mod hint;
mod interconnect;
mod journal;
mod kernel;
mod queues;
mod race;
mod scripting;
mod software;
mod work;

use std::collections::{BTreeMap, BTreeSet};

use smmu_model::Smmu;
use smmu_model::address::Pa;
use smmu_model::ats::{AtsReply, Completion, PrgResponse};
use smmu_model::choice::{Choice, Chooser};
use smmu_model::env::World;
use smmu_model::ids::{CommandQueue, Stag};
use smmu_model::layout::event::EventRecord;
use smmu_model::layout::pri::PriRecord;
use smmu_model::memory::SparseMemory;
use smmu_model::outcome::{Outcome, Translation};
use smmu_model::rule::{CommandError, Rule};
use smmu_model::trace::InterruptSource;

use self::access::Ongoing;
pub use self::denied::Denied;
use self::ear::Ear;
use self::found::{Found, little_endian};
use self::interconnect::Interconnect;
use self::scripting::Scripting;
use super::problem::Problem;
use super::span::Span;
use super::step::{Action, Backing, End, Level, Operand, Pace, RegisterScript, ResultId, Scenario, Step};
use crate::iommufd::Check;
use crate::trace::{Happening, Listener};

/// How one access of a device ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The kind of end.
    pub end: End,
    /// The translation, if the SMMU let the access pass.
    pub translation: Option<Translation>,
    /// The rule that ended it, if the SMMU did not.
    pub rule: Option<Rule>,
    /// What a read returned.
    pub data: Vec<u8>,
    /// The name under which the SMMU holds it, if it does.
    pub stag: Option<Stag>,
}

impl Answer {
    /// The end that `outcome` is, before any data.
    pub(crate) fn of(outcome: Outcome) -> Self {
        let (end, rule, stag) = match outcome {
            Outcome::Done(_) => (End::Ok, None, None),
            Outcome::Abort(rule) => (End::Abort, Some(rule), None),
            Outcome::RazWi(rule) => (End::RazWi, Some(rule), None),
            Outcome::Stalled { stag, rule } => (End::Stall, Some(rule), Some(stag)),
        };
        let translation = if let Outcome::Done(translation) = outcome { Some(translation) } else { None };
        Self { end, translation, rule, data: Vec::new(), stag }
    }
}

/// Something that software or a device could see.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Observation {
    /// An access of a device ended.
    Access {
        /// The device.
        device: String,
        /// How.
        answer: Answer,
    },
    /// A Translation Request of a device was answered.
    Translation {
        /// The device.
        device: String,
        /// How.
        completion: Completion,
    },
    /// The SMMU recorded an event.
    Record(EventRecord),
    /// The SMMU recorded a page request.
    PageRequest(PriRecord),
    /// The SMMU answered a group of page requests.
    Response(PrgResponse),
    /// The SMMU raised an interrupt: the address and data of the message, or the wire.
    Interrupt(InterruptSource, Option<(Pa, u32)>),
    /// A command stopped the queue.
    CommandError(CommandQueue, CommandError),
    /// Software read a register or memory; `None` after an abort.
    Value(Option<u64>),
}

/// What came of a run. Two runs with the same answers to the same questions are equal.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Run {
    /// Every named result: `read` is `ok`, `abort`, `raz-wi`, `external-abort` or `stall` for an access and the
    /// value for a register or memory; `read.pa`, `read.data` and `read.stag` are numbers, `0x…`.
    pub outcome: BTreeMap<String, String>,
    /// Everything that a device or software could see, in order.
    pub observations: Vec<Observation>,
    /// What did not hold, in order.
    pub failures: Vec<Problem>,
    /// Every rule that fired.
    pub rules: BTreeSet<Rule>,
    /// Every question that was asked, with the answers that were given: positions in [`Choice::answers`].
    pub choices: BTreeSet<(Choice, usize)>,
    /// The checks of the kernel that made system calls fail.
    pub checks: BTreeSet<Check>,
}

impl Run {
    /// Whether all expectations held.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Runs `scenario`. Where it does not fix an answer itself, `chooser` is asked.
pub fn execute(scenario: &Scenario, chooser: &mut impl Chooser, listener: &mut impl Listener) -> Run {
    execute_denying(Denied::default(), scenario, chooser, listener)
}

/// As [`execute`], and fails steps in which something happens that is denied.
pub(super) fn execute_denying(
    denied: Denied,
    scenario: &Scenario,
    chooser: &mut impl Chooser,
    listener: &mut impl Listener,
) -> Run {
    let script = match &scenario.level {
        Level::Registers(script) => script,
        Level::Kernel(script) => return kernel::execute(script, &scenario.sources, listener),
    };
    let mut machine = Machine::new(scenario, script, chooser, listener);
    machine.denied = denied;
    let mut before = None;
    for step in &script.steps {
        machine.step(before, step);
        before = Some(step);
    }
    machine.finish()
}

struct Machine<'a, C, L> {
    scenario: &'a Scenario,
    script: &'a RegisterScript,
    smmu: Smmu,
    memory: Interconnect,
    chooser: Scripting<'a, C>,
    ear: Ear<'a, L>,
    pace: Pace,
    /// Software's own PROD of each Command queue, while it is ahead of the register.
    command_prod: BTreeMap<CommandQueue, u32>,
    results: Vec<Option<Found>>,
    /// The reply to the last Translation Request.
    reply: Option<AtsReply>,
    /// Accesses that the SMMU holds.
    held: BTreeMap<Stag, Ongoing<'a>>,
    failures: Vec<Problem>,
    denied: Denied,
    /// The step being executed.
    loops: &'a str,
}

impl<'a, C: Chooser, L: Listener> Machine<'a, C, L> {
    fn new(
        scenario: &'a Scenario,
        script: &'a RegisterScript,
        chooser: &'a mut C,
        listener: &'a mut L,
    ) -> Self {
        let mut memory = SparseMemory::new();
        if !script.memory.ram.is_empty() {
            memory.set_abort(Pa::new(0), Pa::new(u64::MAX), true);
        }
        for &(first, last) in &script.memory.ram {
            memory.set_abort(Pa::new(first), Pa::new(last), false);
        }
        for &(first, last) in &script.memory.aborts {
            memory.set_abort(Pa::new(first), Pa::new(last), true);
        }
        let mut memory = Interconnect::new(memory, script.atcs.iter().copied(), &script.stall_safety);
        let mut chooser = Scripting::new(&script.choices, chooser);
        let mut ear = Ear::new(listener);
        let mut world = World { bus: &mut memory, chooser: &mut chooser, sink: &mut ear };
        let smmu = Smmu::new(script.features, &mut world).with_caches(script.caches);
        Self {
            scenario,
            script,
            smmu,
            memory,
            chooser,
            ear,
            pace: Pace::Automatic,
            command_prod: BTreeMap::new(),
            results: vec![None; script.results.len()],
            reply: None,
            held: BTreeMap::new(),
            failures: Vec::new(),
            denied: Denied::default(),
            loops: "",
        }
    }

    /// `before` is the step before. A node that makes several steps, as `enable` does, is one for people.
    fn step(&mut self, before: Option<&Step>, step: &'a Step) {
        let goes_on = before.is_some_and(|before| before.span == step.span && before.loops == step.loops);
        if !goes_on {
            self.begin(step);
        }
        if let Err(message) = self.act(step) {
            self.fail(Problem::new(step.span, message));
        }
        if self.pace == Pace::Automatic {
            self.settle();
        }
        self.deny(step);
    }

    fn begin(&mut self, step: &'a Step) {
        // An `expect` speaks about the step before it.
        if !matches!(step.action, Action::Expect(_)) {
            self.ear.begin_step();
        }
        self.loops = &step.loops;
        let sources = &self.scenario.sources;
        let (text, line) =
            (sources.text(step.span).lines().next().unwrap_or_default(), sources.line(step.span));
        self.smmu.at(self.ear.journal.begin(line));
        self.ear.say(Happening::Step { line, text, loops: &step.loops });
    }

    /// An error says why the step could not be attempted.
    fn act(&mut self, step: &'a Step) -> Result<(), String> {
        match &step.action {
            Action::Store { summary, stores } => self.store(summary, stores),
            Action::Write { at, data } => self.write(*at, data)?,
            Action::Load { at, size_bytes, result } => self.load(*at, *size_bytes, *result)?,
            Action::Region { first, last, backing } => {
                let (from, to) = (Pa::new(*first), Pa::new(*last));
                self.memory.memory.set_abort(from, to, *backing == Backing::Abort);
                self.memory.memory.set_read_only(from, to, *backing == Backing::ReadOnly);
                self.memory.memory.set_no_atomics(from, to, *backing == Backing::NoAtomics);
                self.ear.say(Happening::Region { first: *first, last: *last, backing: *backing });
            }
            Action::Race { at, value } => self.announce_race(*at, *value)?,
            Action::RegisterWrite { place, value } => {
                let value = self.value(*value)?;
                self.write_register(*place, value);
            }
            Action::RegisterModify { place, fields } => self.modify_register(*place, fields)?,
            Action::RegisterRead { place, result } => self.read_register(*place, *result),
            Action::Command { queue, words, ring } => self.queue_command(*queue, *words, *ring)?,
            Action::Ring(queue) => self.ring(*queue)?,
            Action::Dma(dma) => self.dma(dma)?,
            Action::Ats(ats) => self.ats(ats)?,
            Action::Pri(pri) => self.pri(pri)?,
            Action::Hint(hint) => self.hint(hint)?,
            Action::Endpoint { stream, invalidated } => {
                if let Some(atc) = self.memory.atc(*stream) {
                    atc.invalidated = *invalidated;
                }
            }
            Action::Broadcast(tlbi) => {
                self.ear.say(Happening::Broadcast(tlbi));
                self.with_ends(|smmu, world| smmu.broadcast(world, tlbi.broadcast));
            }
            Action::SyncBroadcasts => {
                self.ear.say(Happening::SyncBroadcasts);
                self.with_ends(|smmu, world| smmu.synchronize_broadcasts(world));
            }
            Action::Speculate(speculation) => self.speculate(speculation)?,
            Action::Expect(claims) => self.judge_all(claims, None),
            Action::Pace(pace) => self.pace = *pace,
            Action::Work(units) => self.work(*units),
            Action::Settle => self.settle(),
            Action::Reset => {
                let mut world =
                    World { bus: &mut self.memory, chooser: &mut self.chooser, sink: &mut self.ear };
                self.smmu = Smmu::new(self.script.features, &mut world).with_caches(self.script.caches);
                self.command_prod.clear();
                self.held.clear();
                self.ear.say(Happening::Reset);
            }
        }
        Ok(())
    }

    fn value(&self, operand: Operand) -> Result<u64, String> {
        let (result, part) = match operand {
            Operand::Known(value) => return Ok(value),
            Operand::Result(result, part) => (result, part),
        };
        let name = &self.script.results[result.0];
        let found = self.results[result.0].as_ref();
        found.and_then(|found| found.part(part)).ok_or_else(|| {
            let end = found.map_or("has not come yet", Found::end);
            format!("`{name}.{}` has no value: `{name}` is {end}", part.name())
        })
    }

    fn remember(&mut self, result: Option<ResultId>, found: Found) {
        if let Some(result) = result {
            self.results[result.0] = Some(found);
        }
    }

    fn fail(&mut self, problem: Problem) {
        let problem = in_turn(problem, self.loops);
        self.ear.say(Happening::Failed { problem: &problem, sources: &self.scenario.sources });
        self.failures.push(problem);
    }

    fn finish(mut self) -> Run {
        let outcome = self.outcome();
        self.loops = "";
        if let Some(permitted) = &self.scenario.permitted
            && permitted.matching(&outcome).next().is_none()
        {
            let came: Vec<String> = outcome.iter().map(|(name, value)| format!("{name}={value}")).collect();
            self.fail(
                Problem::new(permitted.span, "the outcome is not among the permitted ones")
                    .labelled(came.join(" ")),
            );
        }
        let Ear { observations, rules, choices, .. } = self.ear;
        let checks = BTreeSet::new();
        Run { outcome, observations, failures: self.failures, rules, choices, checks }
    }

    fn outcome(&self) -> BTreeMap<String, String> {
        let mut outcome = BTreeMap::new();
        for (name, found) in self.script.results.iter().zip(&self.results) {
            if let Some(found) = found {
                found.enter(name, &mut outcome);
            }
        }
        outcome
    }
}

/// The problem, with the turn of the loops in which it came.
fn in_turn(problem: Problem, loops: &str) -> Problem {
    if loops.is_empty() {
        return problem;
    }
    let help = problem.help.map_or(String::new(), |help| format!("\n{help}"));
    Problem { help: Some(format!("in the turn with {loops}{help}")), ..problem }
}

/// An expectation that does not hold.
fn not_held(span: Span, expected: &str, found: String) -> Problem {
    Problem::new(span, format!("expected {expected}")).labelled(found)
}
