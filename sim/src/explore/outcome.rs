//! What can come of a scenario, and the answers that lead there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::scenario::{Answering, Asked, Permitted, Run, Scenario, allows};
use crate::trace;

/// One outcome. Two runs have the same one if software, devices and expectations see the same.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// What was seen.
    #[serde(flatten)]
    pub seen: Seen,
    /// The outcomes of `permitted` that it agrees with, by position; empty without `permitted`.
    pub permitted: Vec<usize>,
    /// How many runs led to it.
    pub runs: u64,
    /// The first run that led to it; outcomes are in this order.
    pub first: Source,
    /// The run with the fewest answers that are not the default.
    pub witness: Witness,
}

/// What tells one outcome from another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Seen {
    /// The named results, as `permitted` has them.
    pub results: BTreeMap<String, String>,
    /// What devices and software saw, in order.
    pub observations: Vec<String>,
    /// The expectations that did not hold, with their source.
    pub failures: Vec<String>,
}

/// Where the answers of a run came from. The order is that of the runs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// They were drawn.
    Seed(u64),
    /// They were these, positions in [`Choice::answers`](smmu_model::choice::Choice::answers); then the defaults.
    Answers(Vec<usize>),
}

/// A run that stands for those of an outcome.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Witness {
    /// Which.
    pub source: Source,
    /// The choices that did not get their default, in the order in which they were met.
    pub changed: Vec<Changed>,
}

/// A choice that did not always get its default.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Changed {
    /// The name of the choice.
    pub choice: String,
    /// The one answer that it got wherever that was permitted; or all of its answers in order, if they differ.
    pub answers: Vec<String>,
}

/// The outcomes so far.
#[derive(Debug, Default)]
pub(super) struct Tally(BTreeMap<Seen, Outcome>);

impl Tally {
    /// Counts in an outcome of one run, or one that another process has counted.
    pub(super) fn add(&mut self, outcome: Outcome) {
        let Some(known) = self.0.get_mut(&outcome.seen) else {
            self.0.insert(outcome.seen.clone(), outcome);
            return;
        };
        known.runs += outcome.runs;
        if outcome.first < known.first {
            known.first = outcome.first;
        }
        if outcome.witness.rank() < known.witness.rank() {
            known.witness = outcome.witness;
        }
    }

    /// The outcomes in the order of their first runs.
    pub(super) fn into_outcomes(self) -> Vec<Outcome> {
        let mut outcomes: Vec<Outcome> = self.0.into_values().collect();
        outcomes.sort_by(|left, right| left.first.cmp(&right.first));
        outcomes
    }
}

impl Outcome {
    /// The outcome of one run; `seed` is where its answers came from, if not from a list.
    pub(super) fn of_run(scenario: &Scenario, run: &Run, asked: &[Asked], seed: Option<u64>) -> Self {
        let seen = Seen {
            results: run.outcome.clone(),
            observations: run.observations.iter().map(trace::observation).collect(),
            failures: run.failures.iter().map(|failure| failure.render(&scenario.sources)).collect(),
        };
        let matching = |permitted: &Permitted| permitted.matching(&run.outcome).collect();
        let source = seed.map_or_else(|| Source::Answers(without_defaults_at_end(asked)), Source::Seed);
        Self {
            seen,
            permitted: scenario.permitted.as_ref().map(matching).unwrap_or_default(),
            runs: 1,
            first: source.clone(),
            witness: Witness { source, changed: changed(asked) },
        }
    }
}

impl Source {
    /// The same for `run`.
    pub fn answering(&self) -> Answering {
        match self {
            Self::Seed(seed) => Answering::Seed(*seed),
            Self::Answers(answers) if answers.is_empty() => Answering::Defaults,
            Self::Answers(answers) => Answering::List(answers.clone()),
        }
    }
}

impl Witness {
    /// The block to put into a scenario's `smmu` to get this outcome; `None` if it takes different answers to the same
    /// choice, which no block gives.
    pub fn block(&self) -> Option<String> {
        let lines = self.changed.iter().map(|changed| match changed.answers.as_slice() {
            [answer] => Some(format!("{} \"{answer}\"; ", changed.choice)),
            _ => None,
        });
        Some(format!("choices {{ {}}}", lines.collect::<Option<String>>()?))
    }

    /// The lowest is shown: one that a block can give, with few changes, that comes early.
    fn rank(&self) -> (bool, usize, &Source) {
        (self.block().is_none(), self.changed.len(), &self.source)
    }
}

/// The answers up to the last that is not the default.
fn without_defaults_at_end(asked: &[Asked]) -> Vec<usize> {
    let length =
        asked.iter().rposition(|asked| asked.answer != asked.default_answer()).map_or(0, |last| last + 1);
    asked[..length].iter().map(|asked| asked.answer).collect()
}

fn changed(asked: &[Asked]) -> Vec<Changed> {
    let mut changed: Vec<Changed> = Vec::new();
    for first in asked.iter().filter(|asked| asked.answer != asked.default_answer()) {
        let key = first.choice.key();
        if changed.iter().any(|changed| changed.choice == key) {
            continue;
        }
        let fixed = |asked: &Asked| {
            if allows(asked.permitted, first.answer) { first.answer } else { asked.default_answer() }
        };
        let same: Vec<&Asked> = asked.iter().filter(|asked| asked.choice == first.choice).collect();
        let shown = if same.iter().all(|asked| asked.answer == fixed(asked)) { &[first][..] } else { &same };
        let answers = shown.iter().map(|asked| asked.choice.answers()[asked.answer].to_owned());
        changed.push(Changed { choice: key.to_owned(), answers: answers.collect() });
    }
    changed
}

#[cfg(test)]
mod tests {
    use smmu_model::choice::Choice;

    use super::*;

    fn check(asked: &[(Choice, u8, usize)], block: Option<&str>, list: &[usize]) {
        let asked: Vec<Asked> =
            asked.iter().map(|&(choice, permitted, answer)| Asked { choice, permitted, answer }).collect();
        let source = Source::Answers(without_defaults_at_end(&asked));
        assert_eq!(source, Source::Answers(list.to_vec()));
        assert_eq!(Witness { source, changed: changed(&asked) }.block().as_deref(), block);
    }

    #[test]
    fn what_is_not_the_default_is_named() {
        const BITS: Choice = Choice::SteReservedBits;
        const PAIR: Choice = Choice::RegisterPair;
        check(&[], Some("choices { }"), &[]);
        check(&[(BITS, 0b11, 0), (BITS, 0b10, 1)], Some("choices { }"), &[]);
        check(
            &[(PAIR, 0b111, 2), (BITS, 0b11, 1), (PAIR, 0b111, 2), (PAIR, 0b11, 0)],
            Some("choices { register-pair \"high-first\"; ste-reserved-bits \"invalid\"; }"),
            &[2, 1, 2],
        );
        check(&[(BITS, 0b11, 0), (BITS, 0b11, 1), (BITS, 0b11, 0)], None, &[0, 1]);
    }
}
