//! Hears the model: keeps what expectations speak about, and passes everything on.

use std::collections::{BTreeSet, VecDeque};

use smmu_model::address::Pa;
use smmu_model::ats::AtsReply;
use smmu_model::choice::Choice;
use smmu_model::ids::Stag;
use smmu_model::outcome::Outcome;
use smmu_model::rule::Rule;
use smmu_model::trace::{CacheEntry, Difference, Event, InterruptSource, Sink};

use super::journal::Journal;
use super::{Answer, Observation};
use crate::trace::{Happening, Listener, StaleUse};

/// An interrupt, with its message if it was one.
pub(super) type Interrupt = (InterruptSource, Option<(Pa, u32)>);

pub(super) struct Ear<'a, L> {
    listener: &'a mut L,
    /// The steps so far, and what they wrote.
    pub(super) journal: Journal,
    /// Uses of stale cache entries in this step.
    pub(super) stale: Vec<StaleUse>,
    /// The rules of this step, in order.
    pub(super) step_rules: Vec<Rule>,
    /// Interrupts that no expectation has taken yet.
    pub(super) interrupts: VecDeque<Interrupt>,
    /// Stalled transactions that have ended, or stall anew, and how.
    pub(super) stalls_ended: Vec<(Stag, Outcome)>,
    pub(super) rules: BTreeSet<Rule>,
    pub(super) choices: BTreeSet<(Choice, usize)>,
    pub(super) observations: Vec<Observation>,
}

impl<'a, L: Listener> Ear<'a, L> {
    pub(super) fn new(listener: &'a mut L) -> Self {
        Self {
            listener,
            journal: Journal::default(),
            stale: Vec::new(),
            step_rules: Vec::new(),
            interrupts: VecDeque::new(),
            stalls_ended: Vec::new(),
            rules: BTreeSet::new(),
            choices: BTreeSet::new(),
            observations: Vec::new(),
        }
    }

    /// Forgets the rules and the stale entries of the step before.
    pub(super) fn begin_step(&mut self) {
        self.step_rules.clear();
        self.stale.clear();
    }

    pub(super) fn say(&mut self, happening: Happening<'_>) {
        self.listener.hear(happening);
    }

    fn used_stale(&mut self, entry: CacheEntry, born: u32, difference: Difference, invalidated: bool) {
        let changed = self.journal.made_stale(entry, born, difference);
        let stale = StaleUse { entry, cached: self.journal.line(born), changed, difference, invalidated };
        self.listener.hear(Happening::Stale(&stale));
        self.stale.push(stale);
    }

    /// Says how the access that began after `rules_before` rules ended.
    pub(super) fn say_ended(&mut self, device: &str, answer: &Answer, rules_before: usize) {
        self.observations.push(Observation::Access { device: device.to_owned(), answer: answer.clone() });
        let rules = &self.step_rules[rules_before..];
        self.listener.hear(Happening::Ended { device, answer, rules });
    }
}

impl<'a, L: Listener> Ear<'a, L> {
    /// Says how the Translation Request that was made after `rules_before` rules was answered.
    pub(super) fn say_answered(&mut self, device: &str, reply: &AtsReply, rules_before: usize) {
        let (device_name, completion) = (device.to_owned(), reply.completion.clone());
        self.observations.push(Observation::Translation { device: device_name, completion });
        let rules = &self.step_rules[rules_before..];
        self.listener.hear(Happening::AtsAnswered { device, reply, rules });
    }
}

impl<L: Listener> Sink for Ear<'_, L> {
    fn take(&mut self, event: Event) {
        if let Event::Rule(rule) = event {
            self.step_rules.push(rule);
            self.rules.insert(rule);
        }
        if let Event::Choice { choice, answer } = event {
            self.choices.insert((choice, answer));
        }
        if let Event::Interrupt { source, msi } = event {
            self.interrupts.push_back((source, msi));
            self.observations.push(Observation::Interrupt(source, msi));
        }
        if let Event::StallEnded { stag, outcome, .. } = event {
            self.stalls_ended.push((stag, outcome));
        }
        if let Event::Record { record, .. } = event {
            self.observations.push(Observation::Record(record));
        }
        if let Event::PageRequest { record, .. } = event {
            self.observations.push(Observation::PageRequest(record));
        }
        if let Event::PrgResponse(response) = event {
            self.observations.push(Observation::Response(response));
        }
        if let Event::CommandError { queue, error } = event {
            self.observations.push(Observation::CommandError(queue, error));
        }
        if let Event::Stale { entry, born, difference, invalidated } = event {
            return self.used_stale(entry, born, difference, invalidated);
        }
        self.listener.hear(Happening::Model(&event));
    }
}
