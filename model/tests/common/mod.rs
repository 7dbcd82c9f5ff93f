//! One SMMU with memory, fixed answers and a trace, addressed by register names.

#![allow(dead_code, reason = "each test crate uses a part")]

use smmu_model::address::Pa;
use smmu_model::broadcast::Broadcast;
use smmu_model::bus::Bus;
use smmu_model::choice::Scripted;
use smmu_model::env::World;
use smmu_model::features::{Features, IdRegisters, Preset};
use smmu_model::memory::SparseMemory;
use smmu_model::outcome::Outcome;
use smmu_model::rule::Rule;
use smmu_model::trace::Event;
use smmu_model::transaction::Transaction;
use smmu_model::{Progress, Register, RegisterAbort, Smmu};

#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) smmu: Smmu,
    pub(crate) memory: SparseMemory,
    pub(crate) answers: Scripted,
    pub(crate) trace: Vec<Event>,
}

/// The features of `preset` with fields of its ID registers changed: `"SIDSIZE=8 PRI=0"`.
#[track_caller]
pub(crate) fn features(preset: Preset, changes: &str) -> Features {
    let mut ids: IdRegisters = preset.id_registers();
    for change in changes.split_whitespace() {
        let (name, value) = change.split_once('=').expect("NAME=VALUE");
        ids.set_field(name, value.parse().expect("a number")).expect("a field");
    }
    Features::new(ids).unwrap_or_else(|refusals| panic!("{changes}: {}", refusals[0]))
}

impl Machine {
    pub(crate) fn new(preset: Preset) -> Self {
        Self::with(features(preset, ""), "")
    }

    /// `answers` is `"choice=answer choice=answer"`.
    #[track_caller]
    pub(crate) fn with(features: Features, answers: &str) -> Self {
        let mut script = Scripted::default();
        for answer in answers.split_whitespace() {
            let (choice, answer) = answer.split_once('=').expect("choice=answer");
            script.fix(choice, answer).unwrap();
        }
        let (mut memory, mut trace) = (SparseMemory::new(), Vec::new());
        let mut world = World { bus: &mut memory, chooser: &mut script, sink: &mut trace };
        let smmu = Smmu::new(features, &mut world);
        trace.clear();
        Self { smmu, memory, answers: script, trace }
    }

    fn act<T>(
        &mut self,
        act: impl FnOnce(&mut Smmu, &mut World<'_, SparseMemory, Scripted, Vec<Event>>) -> T,
    ) -> T {
        let Self { smmu, memory, answers, trace } = self;
        act(smmu, &mut World { bus: memory, chooser: answers, sink: trace })
    }

    pub(crate) fn read_at(&mut self, offset: u64, size_bytes: u8) -> Result<u64, RegisterAbort> {
        self.act(|smmu, env| smmu.read(env, offset, size_bytes))
    }

    pub(crate) fn write_at(&mut self, offset: u64, size_bytes: u8, value: u64) -> Result<(), RegisterAbort> {
        self.act(|smmu, env| smmu.write(env, offset, size_bytes, value))
    }

    #[track_caller]
    pub(crate) fn read(&mut self, name: &str) -> u64 {
        let register = Register::from_name(name).expect("a register");
        self.read_at(register.offset(), register.size_bytes()).expect("no abort")
    }

    #[track_caller]
    pub(crate) fn write(&mut self, name: &str, value: u64) {
        let register = Register::from_name(name).expect("a register");
        self.write_at(register.offset(), register.size_bytes(), value).expect("no abort");
    }

    pub(crate) fn transact(&mut self, tx: &Transaction) -> Outcome {
        self.act(|smmu, env| smmu.transact(env, tx))
    }

    pub(crate) fn broadcast(&mut self, broadcast: Broadcast) {
        self.act(|smmu, env| smmu.broadcast(env, broadcast));
    }

    pub(crate) fn synchronize_broadcasts(&mut self) {
        self.act(|smmu, env| smmu.synchronize_broadcasts(env));
    }

    pub(crate) fn step(&mut self) -> Progress {
        self.act(|smmu, env| smmu.step(env))
    }

    pub(crate) fn settle(&mut self) {
        self.act(|smmu, env| smmu.settle(env));
    }

    pub(crate) fn store(&mut self, at: u64, bytes: &[u8]) {
        self.memory.write(Pa::new(at), bytes).expect("memory");
    }

    pub(crate) fn abort(&mut self, first: u64, last: u64, on: bool) {
        self.memory.set_abort(Pa::new(first), Pa::new(last), on);
    }

    /// The labels of the rules since the last call, joined by spaces.
    pub(crate) fn rules(&mut self) -> String {
        let labels: Vec<_> = self.trace.iter().filter_map(rule).map(Rule::label).collect();
        self.trace.clear();
        labels.join(" ")
    }
}

fn rule(event: &Event) -> Option<Rule> {
    if let Event::Rule(rule) = event { Some(*rule) } else { None }
}
