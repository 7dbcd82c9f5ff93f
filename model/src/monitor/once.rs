//! An environment that hears of each rule once.

use crate::choice::Answer;
use crate::env::Env;
use crate::rule::Rule;
use crate::trace::Event;

/// What is done for several counters is done by the same rules.
#[derive(Debug)]
pub(super) struct NotedOnce<'a, E> {
    pub(super) env: &'a mut E,
    pub(super) noted: Vec<Rule>,
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
        if !self.noted.contains(&rule) {
            self.noted.push(rule);
            self.env.note(rule);
        }
    }

    fn trace(&mut self, event: impl FnOnce() -> Event) {
        self.env.trace(event);
    }
}
