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
use super::interconnect::Interconnect;
use super::rpc::{Error, Problem};
use super::stale::Use;
use super::stalls::Stalled;

/// One SMMU and everything around it.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) smmu: Smmu,
    pub(super) bus: Interconnect,
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
    /// Wake-up events since they were last asked for.
    pub(super) wake_ups: u32,
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
        let mut bus = Interconnect::default();
        let mut ledger = Ledger::default();
        let mut witness = Witness::new(&mut ledger);
        let mut world = World { bus: &mut bus, chooser: &mut answers, sink: &mut witness };
        let smmu = Smmu::new(features, &mut world).with_caches(caches);
        Self { smmu, bus, answers, ledger, stalled: Stalled::default() }
    }

    /// The next request begins: what is cached or changed from now on, is by its number.
    pub(super) fn begin(&mut self) {
        self.smmu.at(self.bus.memory.begin());
    }

    /// Does `act` and all work that follows from it. Returns what was seen in `act` itself: `explain` gives the same.
    pub(super) fn operate<T>(
        &mut self,
        act: impl FnOnce(&mut Smmu, &mut World<'_, Interconnect, Answers, Witness<'_>>) -> T,
    ) -> (T, Seen) {
        let done = self.act(act);
        self.settle();
        done
    }

    /// Does `act` alone. Stalled requests that it ends go on.
    pub(super) fn act<T>(
        &mut self,
        act: impl FnOnce(&mut Smmu, &mut World<'_, Interconnect, Answers, Witness<'_>>) -> T,
    ) -> (T, Seen) {
        let mut witness = Witness::new(&mut self.ledger);
        let mut world = World { bus: &mut self.bus, chooser: &mut self.answers, sink: &mut witness };
        let result = act(&mut self.smmu, &mut world);
        let seen = std::mem::take(&mut world.sink.seen);
        for ended in std::mem::take(&mut world.sink.stalls_ended) {
            let mut stale = ended.stale;
            let done = self.stalled.resume(ended.stag, ended.outcome, &mut self.smmu, &mut world);
            stale.append(&mut std::mem::take(&mut world.sink.seen).stale);
            self.stalled.resolve(ended.stag, done.having_used(&stale, world.bus.memory.changes()));
        }
        (result, seen)
    }

    /// Steps until idle; on the way, stalled requests may retry early, each once. Returns the rules that fired.
    pub(super) fn settle(&mut self) -> Vec<Rule> {
        let mut rules = Vec::new();
        let mut work =
            |step: fn(&mut Smmu, &mut World<'_, Interconnect, Answers, Witness<'_>>) -> Progress| {
                let (progress, seen) = self.act(step);
                seen.rules.into_iter().for_each(|rule| note_once(&mut rules, rule));
                progress == Progress::Worked
            };
        while work(|smmu, world| smmu.step(world)) {}
        if work(|smmu, world| smmu.retry_early(world)) {
            while work(|smmu, world| smmu.step(world)) {}
        }
        rules
    }

    /// Refuses work that moves `more` bytes and writes to as many as `pages` pages, beside that of the stalled
    /// requests, if there is no room for it.
    pub(super) fn reserve(&self, more: u64, pages: usize) -> Result<(), Error> {
        let held = self.stalled.length_bytes();
        if held != 0 && held + more > MAX_TRANSFER_BYTES {
            let text = format!("stalled requests hold {held} of {MAX_TRANSFER_BYTES} bytes: end them first");
            return Err(Error::new(Problem::Limit, text));
        }
        self.bus.memory.reserve(self.stalled.pages_max() + pages)
    }
}

/// What an operation met.
#[derive(Default, Debug)]
pub(super) struct Seen {
    /// The rules that fired, each once, in order.
    pub(super) rules: Vec<Rule>,
    /// The stale cache entries that were used, each once, in order.
    pub(super) stale: Vec<Use>,
}

impl Seen {
    /// Remembers what of `event` is to be.
    pub(super) fn take(&mut self, event: &Event) {
        if let Event::Rule(rule) = *event {
            note_once(&mut self.rules, rule);
        }
        if let Some(used) = Use::of(event) {
            note_once(&mut self.stale, used);
        }
    }
}

/// The sink of one operation: enters into the ledger, and remembers what was seen.
#[derive(Debug)]
pub(super) struct Witness<'a> {
    ledger: &'a mut Ledger,
    seen: Seen,
    stalls_ended: Vec<StallEnded>,
}

/// A stalled transaction has ended, or stalls anew.
#[derive(Debug)]
struct StallEnded {
    stag: Stag,
    outcome: Outcome,
    /// What its retry used.
    stale: Vec<Use>,
}

impl<'a> Witness<'a> {
    fn new(ledger: &'a mut Ledger) -> Self {
        Self { ledger, seen: Seen::default(), stalls_ended: Vec::new() }
    }
}

impl Sink for Witness<'_> {
    fn take(&mut self, event: Event) {
        self.seen.take(&event);
        match event {
            Event::Choice { choice, answer } => self.ledger.choices.push((choice, answer)),
            Event::Interrupt { source, msi: None } => self.ledger.wired.push(source),
            Event::Interrupt { msi: Some(write), .. } => self.ledger.msi.push(write),
            Event::WakeUp => self.ledger.wake_ups = self.ledger.wake_ups.saturating_add(1),
            Event::StallEnded { stag, outcome, .. } => {
                let stale = std::mem::take(&mut self.seen.stale);
                self.stalls_ended.push(StallEnded { stag, outcome, stale });
            }
            Event::Rule(_)
            | Event::Structure { .. }
            | Event::Descriptor { .. }
            | Event::DescriptorUpdate { .. }
            | Event::Translated { .. }
            | Event::Command { .. }
            | Event::CommandError { .. }
            | Event::Record { .. }
            | Event::RegisterWrite { .. }
            | Event::RegisterUpdate { .. }
            | Event::GlobalError { .. }
            | Event::AddressTranslation { .. }
            | Event::Cached { .. }
            | Event::Stale { .. }
            | Event::Invalidated { .. }
            | Event::PageRequest { .. }
            | Event::PrgResponse(_) => {}
        }
    }
}

/// Appends `item` unless it is there.
pub(super) fn note_once<T: PartialEq>(items: &mut Vec<T>, item: T) {
    if !items.contains(&item) {
        items.push(item);
    }
}
