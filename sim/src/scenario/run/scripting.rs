//! The answers that a scenario fixes, before whoever else is asked; one implementation answers throughout.

use smmu_model::choice::{Choice, Chooser, Consistent, Scripted};

/// Asks `rest` only what `script` does not answer.
#[derive(Debug)]
pub(super) struct Scripting<'a, C> {
    script: &'a Scripted,
    rest: Consistent<&'a mut C>,
}

impl<'a, C> Scripting<'a, C> {
    pub(super) fn new(script: &'a Scripted, rest: &'a mut C) -> Self {
        Self { script, rest: Consistent::new(rest) }
    }
}

impl<C: Chooser> Chooser for Scripting<'_, C> {
    fn choose(&mut self, choice: Choice, permitted: u8) -> usize {
        match self.script.answer(choice, permitted) {
            Some(answer) => answer,
            None => self.rest.choose(choice, permitted),
        }
    }
}
