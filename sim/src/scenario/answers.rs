//! A chooser that follows a list of answers, and one that remembers what was asked.

use smmu_model::choice::{Choice, Chooser, Defaults};

/// Gives these answers in the order of the questions, and the defaults after them. An answer that is not permitted
/// where its turn comes, as a list for another scenario may have, is replaced by the default.
#[derive(Clone, Debug)]
pub struct Answers<'a> {
    left: std::slice::Iter<'a, usize>,
}

impl<'a> Answers<'a> {
    /// `answers` are positions in [`Choice::answers`].
    pub fn new(answers: &'a [usize]) -> Self {
        Self { left: answers.iter() }
    }
}

impl Chooser for Answers<'_> {
    fn choose(&mut self, choice: Choice, permitted: u8) -> usize {
        let answer = self.left.next().copied().filter(|&answer| allows(permitted, answer));
        answer.unwrap_or_else(|| Defaults.choose(choice, permitted))
    }
}

/// Whether answer `answer` is among `permitted`.
pub(crate) fn allows(permitted: u8, answer: usize) -> bool {
    answer < 8 && permitted & (1 << answer) != 0
}

/// A question of the model, and the answer that it got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asked {
    /// What was asked.
    pub choice: Choice,
    /// The answers that were permitted: bit n is answer n.
    pub permitted: u8,
    /// The answer: a position in [`Choice::answers`].
    pub answer: usize,
}

impl Asked {
    /// The answer that [`Defaults`] would have given.
    pub fn default_answer(self) -> usize {
        Defaults.choose(self.choice, self.permitted)
    }
}

/// Passes each question on and remembers it.
#[derive(Clone, Debug)]
pub struct Recorder<C> {
    inner: C,
    /// The questions so far, in order.
    pub asked: Vec<Asked>,
}

impl<C> Recorder<C> {
    /// Remembers what `inner` answers.
    pub fn new(inner: C) -> Self {
        Self { inner, asked: Vec::new() }
    }
}

impl<C: Chooser> Chooser for Recorder<C> {
    fn choose(&mut self, choice: Choice, permitted: u8) -> usize {
        let answer = self.inner.choose(choice, permitted);
        self.asked.push(Asked { choice, permitted, answer });
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_order_and_only_where_permitted() {
        let mut chooser = Recorder::new(Answers::new(&[2, 1, 9]));
        let questions = [0b111, 0b101, 0b11, 0b10];
        let answers: Vec<_> =
            questions.iter().map(|permitted| chooser.choose(Choice::TxszOutOfRange, *permitted)).collect();
        assert_eq!(answers, [2, 0, 0, 1]);
        assert_eq!(chooser.asked[3].default_answer(), 1);
    }
}
