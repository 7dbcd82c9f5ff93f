//! The chooser of a session: scripted answers first, then drawn ones if there is a seed, then the defaults.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smmu_model::choice::{Choice, Chooser, Consistent, Defaults, ScriptError, Scripted, Seeded, by_name};

/// Answers the model's questions.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers {
    script: Scripted,
    draw: Option<Draw>,
}

#[derive(Clone, Debug)]
struct Draw {
    seed: u64,
    stream: Consistent<Seeded>,
}

impl Answers {
    /// Answers by choice name; the rest by `seed`, or the defaults without one. An error comes with the name.
    pub(super) fn new(
        script: &BTreeMap<String, String>,
        seed: Option<u64>,
    ) -> Result<Self, (String, ScriptError)> {
        let mut answers = Self::default();
        for (choice, answer) in script {
            answers.script.fix(choice, answer).map_err(|error| (choice.clone(), error))?;
        }
        answers.draw = seed.map(|seed| Draw { seed, stream: Consistent::new(Seeded::new(seed)) });
        Ok(answers)
    }
}

impl Chooser for Answers {
    fn choose(&mut self, choice: Choice, permitted: u8) -> usize {
        if let Some(answer) = self.script.answer(choice, permitted) {
            return answer;
        }
        match &mut self.draw {
            Some(draw) => draw.stream.choose(choice, permitted),
            None => Defaults.choose(choice, permitted),
        }
    }
}

/// [`Answers`] as a saved state holds them.
#[derive(Serialize, Deserialize, Debug)]
pub(super) struct SavedAnswers {
    script: BTreeMap<String, String>,
    /// The seed, and how many answers were drawn of it.
    drawn: Option<(u64, u64)>,
    /// What was drawn for properties of the implementation: choice and answer by name.
    fixed: BTreeMap<String, String>,
}

impl From<&Answers> for SavedAnswers {
    fn from(answers: &Answers) -> Self {
        let owned = |(choice, answer): (&str, &str)| (choice.to_owned(), answer.to_owned());
        let drawn = answers.draw.as_ref().map(|draw| (draw.seed, draw.stream.inner().drawn()));
        let fixed = answers.draw.iter().flat_map(|draw| draw.stream.fixed());
        let fixed = fixed.map(|(choice, answer)| owned((choice.key(), choice.answers()[answer]))).collect();
        Self { script: answers.script.fixed().map(owned).collect(), drawn, fixed }
    }
}

impl TryFrom<SavedAnswers> for Answers {
    type Error = ScriptError;

    fn try_from(saved: SavedAnswers) -> Result<Self, ScriptError> {
        let mut answers = Self::new(&saved.script, None).map_err(|(_choice, error)| error)?;
        let fixed: Vec<_> =
            saved.fixed.iter().map(|(key, answer)| by_name(key, answer)).collect::<Result<_, _>>()?;
        answers.draw = saved.drawn.map(|(seed, drawn)| Draw {
            seed,
            stream: Consistent::resume(Seeded::resume(seed, drawn), fixed),
        });
        Ok(answers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Same seed as the golden draws in the model: the third answer drawn is 0, the fourth 5.
    #[test]
    fn a_script_goes_before_a_seed_and_does_not_use_it_up() {
        let script = BTreeMap::from([("page0-alias".to_owned(), "raz-wi".to_owned())]);
        let mut answers = Answers::new(&script, Some(7)).expect("a known choice");
        let draw = |answers: &mut Answers| answers.choose(Choice::RegisterPair, 0b11_1111);
        assert_eq!([draw(&mut answers), draw(&mut answers)], [3, 0]);
        assert_eq!(answers.choose(Choice::Page0Alias, 0b11), 1);
        let saved = SavedAnswers::from(&answers);
        let mut loaded = Answers::try_from(saved).expect("what was saved");
        for answers in [&mut answers, &mut loaded] {
            assert_eq!([draw(answers), draw(answers)], [0, 5]);
            assert_eq!(answers.choose(Choice::Page0Alias, 0b11), 1);
        }
    }
}
