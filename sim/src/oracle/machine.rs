//! What a session holds: an SMMU, its memory, the chooser, and what was seen and not yet asked for.

use smmu_model::address::Pa;
use smmu_model::choice::Choice;
use smmu_model::env::World;
use smmu_model::features::Features;
use smmu_model::ids::Stag;
use smmu_model::outcome::Outcome;
use smmu_model::rule::Rule;
use smmu_model::trace::{Event, InterruptSource, Sink};
use smmu_model::{CachePolicy, Progress, Smmu};

use super::MAX_TRANSFER_BYTES;
use super::answers::Answers;
use super::memory::Memory;
use super::rpc::{Error, Problem};
use super::stalls::Stalled;

/// One SMMU and everything around it.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) smmu: Smmu,
    pub(super) memory: Memory,
    pub(super) answers: Answers,
    pub(super) ledger: Ledger,
    pub(super) stalled: Stalled,
}

/// What happened and can be asked for later.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Every choice point met, in order, with the position of its answer.
    pub(super) choices: Log<(Choice, usize)>,
    /// Wired interrupts since they were last asked for.
    pub(super) wired: Log<InterruptSource>,
    /// MSI writes since they were last asked for: address and data.
    pub(super) msi: Log<(Pa, u32)>,
}

/// A list that forgets all but its first [`Log::MAX`] entries, and knows that it did.
#[derive(Clone, Debug)]
pub(super) struct Log<T> {
    entries: Vec<T>,
    is_cut: bool,
}

impl<T> Log<T> {
    /// A million: about as many as an answer can list.
    const MAX: usize = 1 << 20;

    pub(super) fn push(&mut self, entry: T) {
        if self.entries.len() < Self::MAX {
            self.entries.push(entry);
        } else {
            self.is_cut = true;
        }
    }

    /// All entries, unless some were forgotten.
    pub(super) fn entries(&self) -> Result<&[T], Error> {
        if self.is_cut {
            return Err(Error::new(Problem::Limit, format!("there are more than {} to list", Self::MAX)));
        }
        Ok(&self.entries)
    }
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), is_cut: false }
    }
}

impl<T> FromIterator<T> for Log<T> {
    fn from_iter<I: IntoIterator<Item = T>>(entries: I) -> Self {
        let mut log = Self::default();
        entries.into_iter().for_each(|entry| log.push(entry));
        log
    }
}

impl Machine {
    /// An SMMU out of reset and empty memory.
    pub(super) fn new(features: Features, caches: CachePolicy, mut answers: Answers) -> Self {
        let mut memory = Memory::default();
        let mut ledger = Ledger::default();
        let mut witness = Witness::new(&mut ledger);
        let mut world = World { bus: &mut memory, chooser: &mut answers, sink: &mut witness };
        let smmu = Smmu::new(features, &mut world).with_caches(caches);
        Self { smmu, memory, answers, ledger, stalled: Stalled::default() }
    }

    /// Does `act` and all work that follows from it. Returns the rules that fired in `act` itself, each once, in
    /// order: `explain` gives the same.
    pub(super) fn operate<T>(
        &mut self,
        act: impl FnOnce(&mut Smmu, &mut World<'_, Memory, Answers, Witness<'_>>) -> T,
    ) -> (T, Vec<Rule>) {
        let done = self.act(act);
        self.settle();
        done
    }

    /// Does `act` alone. Stalled requests that it ends go on.
    pub(super) fn act<T>(
        &mut self,
        act: impl FnOnce(&mut Smmu, &mut World<'_, Memory, Answers, Witness<'_>>) -> T,
    ) -> (T, Vec<Rule>) {
        let mut witness = Witness::new(&mut self.ledger);
        let mut world = World { bus: &mut self.memory, chooser: &mut self.answers, sink: &mut witness };
        let result = act(&mut self.smmu, &mut world);
        let rules = std::mem::take(&mut world.sink.rules);
        for (stag, outcome) in std::mem::take(&mut world.sink.stalls_ended) {
            self.stalled.resume(stag, outcome, &mut self.smmu, &mut world);
        }
        (result, rules)
    }

    /// Steps until idle; on the way, stalled requests may retry early, each once.
    pub(super) fn settle(&mut self) {
        while self.act(|smmu, world| smmu.step(world)).0 == Progress::Worked {}
        if self.act(|smmu, world| smmu.retry_early(world)).0 == Progress::Worked {
            while self.act(|smmu, world| smmu.step(world)).0 == Progress::Worked {}
        }
    }

    /// Refuses work that moves `more` bytes beside those of the stalled requests, if there is no room for it.
    pub(super) fn reserve(&self, more: u64) -> Result<(), Error> {
        let held = self.stalled.length_bytes();
        if held != 0 && held + more > MAX_TRANSFER_BYTES {
            let text = format!("stalled requests hold {held} of {MAX_TRANSFER_BYTES} bytes: end them first");
            return Err(Error::new(Problem::Limit, text));
        }
        self.memory.reserve(held + more)
    }
}

/// The sink of one operation: enters into the ledger, and remembers the rules.
#[derive(Debug)]
pub(super) struct Witness<'a> {
    ledger: &'a mut Ledger,
    rules: Vec<Rule>,
    /// Stalled transactions that have ended, or stall anew, and how.
    stalls_ended: Vec<(Stag, Outcome)>,
}

impl<'a> Witness<'a> {
    fn new(ledger: &'a mut Ledger) -> Self {
        Self { ledger, rules: Vec::new(), stalls_ended: Vec::new() }
    }
}

impl Sink for Witness<'_> {
    fn take(&mut self, event: Event) {
        match event {
            Event::Rule(rule) => note_once(&mut self.rules, rule),
            Event::Choice { choice, answer } => self.ledger.choices.push((choice, answer)),
            Event::Interrupt { source, msi: None } => self.ledger.wired.push(source),
            Event::Interrupt { msi: Some(write), .. } => self.ledger.msi.push(write),
            Event::StallEnded { stag, outcome, .. } => self.stalls_ended.push((stag, outcome)),
            Event::Structure { .. }
            | Event::Descriptor { .. }
            | Event::DescriptorUpdate { .. }
            | Event::Translated { .. }
            | Event::Command { .. }
            | Event::CommandError { .. }
            | Event::Record { .. }
            | Event::RegisterWrite { .. }
            | Event::RegisterUpdate { .. }
            | Event::GlobalError { .. }
            | Event::Cached { .. }
            | Event::Stale { .. }
            | Event::WakeUp
            | Event::Invalidated { .. }
            | Event::PageRequest { .. }
            | Event::PrgResponse(_) => {}
        }
    }
}

/// Appends `rule` unless it is there.
pub(super) fn note_once(rules: &mut Vec<Rule>, rule: Rule) {
    if !rules.contains(&rule) {
        rules.push(rule);
    }
}
