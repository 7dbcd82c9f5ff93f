//! An environment that hears of each rule once.

use crate::choice::Answer;
use crate::env::Env;
use crate::rule::Rule;
use crate::trace::Event;

/// What is done for several counters is done by the same rules.
#[derive(Debug)]
pub(super) struct NotedOnce<'a, E> {
    env: &'a mut E,
    /// The rules so far; there is room for all that counting has, and one for which there is none is noted again.
    noted: [Option<Rule>; ROOM],
}

const ROOM: usize = 16;

impl<'a, E> NotedOnce<'a, E> {
    /// Nothing is noted yet.
    pub(super) fn new(env: &'a mut E) -> Self {
        Self { env, noted: [None; ROOM] }
    }
}

impl<E: Env> Env for NotedOnce<'_, E> {
    type Bus = E::Bus;

    const LISTENS: bool = E::LISTENS;

    fn bus(&mut self) -> &mut E::Bus {
        self.env.bus()
    }

    fn ask<A: Answer>(&mut self, permitted: &[A]) -> A {
        self.env.ask(permitted)
    }

    fn note(&mut self, rule: Rule) {
        if self.noted.contains(&Some(rule)) {
            return;
        }
        if let Some(free) = self.noted.iter_mut().find(|noted| noted.is_none()) {
            *free = Some(rule);
        }
        self.env.note(rule);
    }

    fn trace(&mut self, event: impl FnOnce() -> Event) {
        self.env.trace(event);
    }
}
