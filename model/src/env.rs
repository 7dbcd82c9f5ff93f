//! Everything outside the model that behaviour may touch: memory, the chooser and the trace sink.

use crate::bus::Bus;
use crate::choice::{Answer, Chooser};
use crate::rule::Rule;
use crate::trace::{Event, Sink};

/// The outside world of one operation. Functions take `&mut impl Env` as their first argument.
pub trait Env {
    /// The memory behind the SMMU.
    type Bus: Bus;

    /// Whether anybody listens to the trace; when not, what only it needs is not worked out.
    const LISTENS: bool = true;

    /// Physical memory.
    fn bus(&mut self) -> &mut Self::Bus;

    /// Asks which of the `permitted` answers the implementation gives.
    fn ask<A: Answer>(&mut self, permitted: &[A]) -> A;

    /// Reports that a rule fired.
    fn note(&mut self, rule: Rule);

    /// Reports what happened; `event` is not built if nobody listens.
    fn trace(&mut self, event: impl FnOnce() -> Event);
}

/// A bus, a chooser and a sink of the caller's, put together for one operation.
#[derive(Debug)]
pub struct World<'a, B, C, S> {
    /// Physical memory.
    pub bus: &'a mut B,
    /// Answers the model's questions.
    pub chooser: &'a mut C,
    /// Takes the trace.
    pub sink: &'a mut S,
}

impl<B: Bus, C: Chooser, S: Sink> Env for World<'_, B, C, S> {
    type Bus = B;

    const LISTENS: bool = S::LISTENS;

    #[inline]
    fn bus(&mut self) -> &mut B {
        self.bus
    }

    #[inline]
    fn ask<A: Answer>(&mut self, permitted: &[A]) -> A {
        let mask = permitted.iter().fold(0, |mask, answer| mask | 1 << answer.index());
        let index = self.chooser.choose(A::CHOICE, mask);
        let answer = A::ALL[index];
        assert!(permitted.contains(&answer), "the chooser gave an answer that is not permitted here");
        self.trace(|| Event::Choice { choice: A::CHOICE, answer: index });
        answer
    }

    #[inline]
    fn note(&mut self, rule: Rule) {
        self.trace(|| Event::Rule(rule));
    }

    #[inline]
    fn trace(&mut self, event: impl FnOnce() -> Event) {
        if S::LISTENS {
            self.sink.take(event());
        }
    }
}
