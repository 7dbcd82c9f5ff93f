//! The answers that a scenario fixes, before whoever else is asked; one implementation answers throughout.

use smmu_model::choice::{Choice, Chooser, Consistent, Defaults, Scripted};

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

    /// The answers that are known already, without a question: those of the script, and the properties of the
    /// implementation that came up so far; the defaults for the rest.
    pub(super) fn known(&self) -> Known<'_, 'a, C> {
        Known(self)
    }
}

/// Gives known answers.
#[derive(Debug)]
pub(super) struct Known<'s, 'a, C>(&'s Scripting<'a, C>);

impl<C> Chooser for Known<'_, '_, C> {
    fn choose(&mut self, choice: Choice, permitted: u8) -> usize {
        let Scripting { script, rest } = self.0;
        let scripted = script.answer(choice, permitted);
        let mut fixed =
            rest.fixed().filter(|(known, answer)| *known == choice && permitted & 1 << answer != 0);
        scripted
            .or_else(|| fixed.next().map(|(_, answer)| answer))
            .unwrap_or_else(|| Defaults.choose(choice, permitted))
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
