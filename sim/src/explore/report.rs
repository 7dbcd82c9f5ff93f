//! The report on one scenario: as JSON, it can be merged with those of other processes.

use serde::{Deserialize, Serialize};

use super::outcome::{Outcome, Tally};
use super::plan::{Plan, Shard};

/// What exploring a scenario, or some shards of that, has found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Exploration {
    /// The scenario.
    pub file: String,
    /// What was asked for.
    pub plan: Plan,
    /// Which shards of it this is; `null` if it is all.
    pub shards: Option<Shards>,
    /// How many runs there were.
    pub runs: u64,
    /// Whether the bound was hit.
    pub bound_hit: bool,
    /// Whether only the default answers were tried, as on the kernel level.
    #[serde(default)]
    pub defaults_only: bool,
    /// The outcomes of the scenario's `permitted`; empty without it.
    pub stated: Vec<Stated>,
    /// The outcomes that were found, in the order of their first runs.
    pub outcomes: Vec<Outcome>,
}

/// Some shards of an exploration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Shards {
    /// Which, ascending, from 1.
    pub numbers: Vec<u32>,
    /// Of how many.
    pub count: u32,
}

/// An outcome that a scenario states.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Stated {
    /// How it is written.
    pub text: String,
    /// What to say if nothing leads to it, with its source.
    pub missing: String,
}

/// One line of JSON output.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(super) enum Line {
    /// A scenario that was explored.
    Exploration(Exploration),
    /// A scenario that cannot run.
    Unusable {
        /// Its path.
        file: String,
    },
    /// The last line.
    Summary {
        /// How many scenarios hold.
        passed: usize,
        /// How many do not, or cannot run.
        failed: usize,
    },
}

/// Why two reports cannot be merged.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unlike {
    /// They were made with other arguments.
    #[error("was explored with another --max-runs, --seeds or number of shards")]
    Plan,
    /// They state other outcomes.
    #[error("states other permitted outcomes: the scenario was changed in between")]
    Scenario,
    /// The same part was done twice.
    #[error("has shard {0} twice")]
    Twice(u32),
}

impl Exploration {
    /// Whether every permitted answer to every question was tried.
    pub fn is_exhaustive(&self) -> bool {
        let is_cut = self.bound_hit || self.defaults_only || self.shards.is_some();
        matches!(self.plan, Plan::Enumerate { .. }) && !is_cut
    }

    /// The stated outcomes that no run led to.
    pub fn unmet(&self) -> impl Iterator<Item = &Stated> {
        let is_met = |position| self.outcomes.iter().any(|outcome| outcome.permitted.contains(&position));
        self.stated
            .iter()
            .enumerate()
            .filter(move |(position, _)| !is_met(*position))
            .map(|(_, stated)| stated)
    }

    /// Whether every expectation holds in every outcome. A stated outcome that is not among them counts only if the
    /// exploration was exhaustive.
    pub fn passed(&self) -> bool {
        let holds = self.outcomes.iter().all(|outcome| outcome.seen.failures.is_empty());
        holds && (!self.is_exhaustive() || self.unmet().next().is_none())
    }

    /// Adds the report on other shards of the same exploration.
    pub(super) fn merge(self, other: Self) -> Result<Self, Unlike> {
        if self.stated != other.stated {
            return Err(Unlike::Scenario);
        }
        let (Some(own), Some(others)) = (self.shards, other.shards) else {
            return Err(if self.plan == other.plan { Unlike::Twice(1) } else { Unlike::Plan });
        };
        if self.plan != other.plan || own.count != others.count {
            return Err(Unlike::Plan);
        }
        let mut tally = Tally::default();
        self.outcomes.into_iter().chain(other.outcomes).for_each(|outcome| tally.add(outcome));
        Ok(Self {
            shards: own.with(others)?,
            runs: self.runs + other.runs,
            bound_hit: self.bound_hit || other.bound_hit,
            outcomes: tally.into_outcomes(),
            ..Self { outcomes: Vec::new(), shards: None, ..other }
        })
    }
}

impl Shards {
    /// One shard; `None` if it is all.
    pub(super) fn of(shard: Shard) -> Option<Self> {
        (shard != Shard::WHOLE).then(|| Self { numbers: vec![shard.number], count: shard.count })
    }

    /// Both together; `None` if they are all.
    fn with(self, other: Self) -> Result<Option<Self>, Unlike> {
        let mut numbers = [self.numbers, other.numbers].concat();
        numbers.sort_unstable();
        if let Some(twice) = numbers.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Unlike::Twice(twice[0]));
        }
        let is_all = numbers.iter().copied().eq(1..=self.count);
        Ok((!is_all).then_some(Self { numbers, count: self.count }))
    }
}
