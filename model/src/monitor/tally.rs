//! What a transaction did, counted from the events of the trace.

use crate::choice::Answer;
use crate::env::Env;
use crate::rule::Rule;
use crate::trace::Event;

/// External accesses of the walkers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tally {
    /// Of translation tables, for reading and for updating them.
    pub(crate) walk_accesses: u64,
    /// Of configuration structures.
    pub(crate) configuration_accesses: u64,
}

impl Tally {
    fn see(&mut self, event: &Event) {
        match event {
            Event::Structure { .. } => self.configuration_accesses += 1,
            Event::Descriptor { .. } | Event::DescriptorUpdate { .. } => self.walk_accesses += 1,
            Event::Rule(rule) => self.see_abort(*rule),
            Event::Choice { .. }
            | Event::Cached { .. }
            | Event::Stale { .. }
            | Event::Translated { .. }
            | Event::Command { .. }
            | Event::CommandError { .. }
            | Event::Record { .. }
            | Event::StallEnded { .. }
            | Event::RegisterWrite { .. }
            | Event::RegisterUpdate { .. }
            | Event::GlobalError { .. }
            | Event::WakeUp
            | Event::Invalidated { .. }
            | Event::PageRequest { .. }
            | Event::PrgResponse(_)
            | Event::Interrupt { .. } => {}
        }
    }

    /// An access that got an external abort shows as the rule that ends the transaction.
    fn see_abort(&mut self, rule: Rule) {
        const CONFIGURATION: [Rule; 4] =
            [Rule::L1StdFetchAborted, Rule::SteFetchAborted, Rule::L1CdFetchAborted, Rule::CdFetchAborted];
        const WALKS: [Rule; 4] = [
            Rule::Stage1WalkAborted,
            Rule::Stage1UpdateAborted,
            Rule::Stage2WalkAborted,
            Rule::Stage2UpdateAborted,
        ];
        if CONFIGURATION.contains(&rule) {
            self.configuration_accesses += 1;
        } else if WALKS.contains(&rule) {
            self.walk_accesses += 1;
        }
    }
}

/// An environment that also counts.
#[derive(Debug)]
pub(crate) struct Watched<'a, E> {
    env: &'a mut E,
    tally: Tally,
}

impl<'a, E> Watched<'a, E> {
    /// Nothing has happened yet.
    pub(crate) fn new(env: &'a mut E) -> Self {
        Self { env, tally: Tally::default() }
    }

    /// What happened.
    pub(crate) fn tally(&self) -> Tally {
        self.tally
    }
}

impl<E: Env> Env for Watched<'_, E> {
    type Bus = E::Bus;

    const LISTENS: bool = E::LISTENS;

    fn bus(&mut self) -> &mut E::Bus {
        self.env.bus()
    }

    fn ask<A: Answer>(&mut self, permitted: &[A]) -> A {
        self.env.ask(permitted)
    }

    fn note(&mut self, rule: Rule) {
        self.tally.see_abort(rule);
        self.env.note(rule);
    }

    fn trace(&mut self, event: impl FnOnce() -> Event) {
        let event = event();
        self.tally.see(&event);
        self.env.trace(|| event);
    }
}
