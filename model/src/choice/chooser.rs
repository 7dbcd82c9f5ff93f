//! Who answers: the documented defaults, a script, or a seed.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::Choice;

/// Answers the model's questions.
pub trait Chooser {
    /// Picks one of the answers whose bit is set in `permitted` (bit n is answer n of `choice`).
    ///
    /// `permitted` is never zero. An answer that is not permitted is a bug of the chooser.
    fn choose(&mut self, choice: Choice, permitted: u8) -> usize;
}

impl<C: Chooser + ?Sized> Chooser for &mut C {
    #[inline]
    fn choose(&mut self, choice: Choice, permitted: u8) -> usize {
        (**self).choose(choice, permitted)
    }
}

/// The documented default of each choice, or the first permitted answer where this version of the
/// architecture excludes the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Defaults;

impl Chooser for Defaults {
    #[inline]
    fn choose(&mut self, _choice: Choice, permitted: u8) -> usize {
        first(permitted)
    }
}

/// Fixed answers by choice, defaults for the rest.
#[derive(Clone, Debug, Default)]
pub struct Scripted(BTreeMap<Choice, usize>);

/// Why an answer could not be fixed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScriptError {
    /// No choice has this name.
    UnknownChoice(String),
    /// The choice has no such answer.
    UnknownAnswer {
        /// The choice that was named.
        choice: Choice,
        /// What was asked of it.
        answer: String,
    },
}

impl std::fmt::Display for ScriptError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownChoice(key) => write!(f, "there is no choice named `{key}`"),
            Self::UnknownAnswer { choice, answer } => write!(
                f,
                "the choice `{}` has no answer `{answer}`: it has {}",
                choice.key(),
                choice.answers().join(", ")
            ),
        }
    }
}

impl std::error::Error for ScriptError {}

/// A choice and the position of one of its answers, by their names.
pub fn by_name(key: &str, answer: &str) -> Result<(Choice, usize), ScriptError> {
    let choice = Choice::from_key(key).ok_or_else(|| ScriptError::UnknownChoice(key.to_owned()))?;
    let index = choice.answers().iter().position(|name| *name == answer);
    let index = index.ok_or_else(|| ScriptError::UnknownAnswer { choice, answer: answer.to_owned() })?;
    Ok((choice, index))
}

impl Scripted {
    /// Fixes the answer to the choice named `key`.
    pub fn fix(&mut self, key: &str, answer: &str) -> Result<(), ScriptError> {
        let (choice, index) = by_name(key, answer)?;
        self.0.insert(choice, index);
        Ok(())
    }

    /// The fixed answer, if it is permitted here.
    pub fn answer(&self, choice: Choice, permitted: u8) -> Option<usize> {
        self.0.get(&choice).copied().filter(|&index| permitted & (1 << index) != 0)
    }

    /// All fixed answers by name.
    pub fn fixed(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.0.iter().map(|(choice, &index)| (choice.key(), choice.answers()[index]))
    }
}

impl Chooser for Scripted {
    fn choose(&mut self, choice: Choice, permitted: u8) -> usize {
        self.answer(choice, permitted).unwrap_or_else(|| first(permitted))
    }
}

/// One implementation: whoever answers inside, a question about a property of the implementation
/// ([`Choice::is_fixed`]) is put once, and answered the same way from then on.
#[derive(Clone, Debug, Default)]
pub struct Consistent<C> {
    inner: C,
    fixed: BTreeMap<Choice, usize>,
}

impl<C> Consistent<C> {
    /// Nothing is answered yet.
    pub fn new(inner: C) -> Self {
        Self { inner, fixed: BTreeMap::new() }
    }

    /// With these properties answered before: see [`Consistent::fixed`].
    pub fn resume(inner: C, fixed: impl IntoIterator<Item = (Choice, usize)>) -> Self {
        Self { inner, fixed: fixed.into_iter().filter(|(choice, _)| choice.is_fixed()).collect() }
    }

    /// Who answers inside.
    pub fn inner(&self) -> &C {
        &self.inner
    }

    /// The properties answered so far, each with the position of its answer.
    pub fn fixed(&self) -> impl Iterator<Item = (Choice, usize)> {
        self.fixed.iter().map(|(&choice, &answer)| (choice, answer))
    }
}

impl<C: Chooser> Chooser for Consistent<C> {
    /// Where an earlier answer is not permitted this time, the question is put again.
    fn choose(&mut self, choice: Choice, permitted: u8) -> usize {
        if let Some(&answer) = self.fixed.get(&choice).filter(|&&answer| permitted & (1 << answer) != 0) {
            return answer;
        }
        let answer = self.inner.choose(choice, permitted);
        if choice.is_fixed() {
            self.fixed.insert(choice, answer);
        }
        answer
    }
}

/// Draws each answer from a ChaCha8 stream; the stream is specified, so a seed means the same for years.
#[derive(Clone, Debug)]
pub struct Seeded {
    stream: ChaCha8Rng,
    drawn: u64,
}

impl Seeded {
    /// The answers that belong to `seed`.
    pub fn new(seed: u64) -> Self {
        Self { stream: ChaCha8Rng::seed_from_u64(seed), drawn: 0 }
    }

    /// How many answers were drawn so far: with the seed, the whole state.
    pub fn drawn(&self) -> u64 {
        self.drawn
    }

    /// The state after `drawn` answers of `seed`.
    pub fn resume(seed: u64, drawn: u64) -> Self {
        let mut chooser = Self::new(seed);
        chooser.stream.set_word_pos(u128::from(drawn));
        chooser.drawn = drawn;
        chooser
    }
}

impl Chooser for Seeded {
    fn choose(&mut self, _choice: Choice, permitted: u8) -> usize {
        self.drawn += 1;
        let nth = self.stream.next_u32() % permitted.count_ones();
        (0..8).filter(|index| permitted & (1 << index) != 0).nth(index(nth)).expect("fewer than are set")
    }
}

#[inline]
fn first(permitted: u8) -> usize {
    index(permitted.trailing_zeros())
}

#[inline]
fn index(value: u32) -> usize {
    usize::try_from(value).expect("a small number")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn keys_are_unique_and_fit_the_mask() {
        let keys: BTreeSet<_> = Choice::ALL.iter().map(|choice| choice.key()).collect();
        assert_eq!(keys.len(), Choice::ALL.len());
        for choice in Choice::ALL {
            assert_eq!(Choice::from_key(choice.key()), Some(*choice));
            assert!((1..=8).contains(&choice.answers().len()));
            assert_eq!(choice.answers().len(), choice.answer_texts().len());
        }
    }

    #[test]
    fn defaults_take_the_first_permitted_answer() {
        assert_eq!(Defaults.choose(Choice::TxszOutOfRange, 0b11), 0);
        assert_eq!(Defaults.choose(Choice::TxszOutOfRange, 0b10), 1);
    }

    #[test]
    fn a_seed_means_the_same_for_years() {
        let mut chooser = Seeded::new(7);
        let drawn: Vec<_> = (0..12).map(|_| chooser.choose(Choice::RegisterPair, 0b11_1111)).collect();
        assert_eq!(drawn, GOLDEN_SEED_7);
        let mut resumed = Seeded::resume(7, 5);
        let rest: Vec<_> = (5..12).map(|_| resumed.choose(Choice::RegisterPair, 0b11_1111)).collect();
        assert_eq!(rest, GOLDEN_SEED_7[5..]);
    }

    const GOLDEN_SEED_7: [usize; 12] = [3, 0, 0, 5, 3, 3, 5, 4, 2, 5, 4, 1];

    #[test]
    fn an_implementation_keeps_its_properties() {
        let mut chooser = Consistent::new(Seeded::new(7)); // draws 1, 0, 0, 1, 1 of two answers
        let wires: Vec<_> = (0..4).map(|_| chooser.choose(Choice::WiredInterrupts, 0b11)).collect();
        let merges: Vec<_> = (0..4).map(|_| chooser.choose(Choice::EventMerge, 0b11)).collect();
        assert_eq!((wires, merges), (vec![1; 4], vec![0, 0, 1, 1]));
        assert_eq!(chooser.choose(Choice::WiredInterrupts, 0b01), 0);
    }

    #[test]
    fn a_script_refuses_what_it_does_not_know() {
        let mut script = Scripted::default();
        assert!(script.fix("page0-alias", "raz-wi").is_ok());
        assert_eq!(script.fix("nonsense", "x"), Err(ScriptError::UnknownChoice("nonsense".into())));
        let error = script.fix("page0-alias", "x").unwrap_err();
        assert_eq!(error.to_string(), "the choice `page0-alias` has no answer `x`: it has alias, raz-wi");
        assert_eq!(script.choose(Choice::Page0Alias, 0b11), 1);
        assert_eq!(script.choose(Choice::Page0Alias, 0b01), 0);
    }
}
