//! What a replay counts.

use std::collections::BTreeMap;

use super::translation::TracedOutcome;

/// How often the two sides agreed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Same answer.
    pub agreed: u64,
    /// Different answers.
    pub disagreed: u64,
}

impl Tally {
    pub(super) fn count(&mut self, agrees: bool) {
        *(if agrees { &mut self.agreed } else { &mut self.disagreed }) += 1;
    }

    fn plus(self, other: Self) -> Self {
        Self { agreed: self.agreed + other.agreed, disagreed: self.disagreed + other.disagreed }
    }
}

/// The counts of a replay.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Register reads, by value.
    pub register_reads: Tally,
    /// Register writes, by whether they abort.
    pub register_writes: Tally,
    /// Consumed commands by the specification's name without `CMD_`.
    pub commands: BTreeMap<String, Tally>,
    /// Translations by what QEMU says became of them.
    pub outcomes: BTreeMap<String, Tally>,
    /// Traced events of which the trace does not say which access caused them.
    pub not_compared: u64,
    /// Lines that cannot be read.
    pub malformed_lines: u64,
}

impl Summary {
    /// All translations.
    pub fn translations(&self) -> Tally {
        self.outcomes.values().copied().fold(Tally::default(), Tally::plus)
    }

    /// All commands.
    pub fn commands_total(&self) -> Tally {
        self.commands.values().copied().fold(Tally::default(), Tally::plus)
    }

    pub(super) fn command(&mut self, name: String, agrees: bool) {
        self.commands.entry(name).or_default().count(agrees);
    }

    pub(super) fn translation(&mut self, outcome: &TracedOutcome, agrees: bool) {
        self.outcomes.entry(outcome.kind().to_owned()).or_default().count(agrees);
    }
}
