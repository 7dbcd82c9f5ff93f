//! The report for people.

use std::fmt::Write;

use super::outcome::{Changed, Outcome, Source, Witness};
use super::plan::Plan;
use super::report::Exploration;

const TO_A_STRING: &str = "writing to a String works";

/// The report on one scenario. Observations that are the same in all outcomes are left out unless `verbose`.
pub(super) fn report(exploration: &Exploration, verbose: bool) -> String {
    let mut text = format!("scenario {}\n", exploration.file);
    let alike = if verbose { (0, 0) } else { alike(&exploration.outcomes) };
    for (number, outcome) in (1..).zip(&exploration.outcomes) {
        text += &outcome_text(exploration, number, outcome, alike);
    }
    text += &unmet(exploration);
    let (outcomes, extent) = (exploration.outcomes.len(), extent(exploration));
    writeln!(text, "outcomes: {outcomes} in {}, {extent}", runs(exploration.runs)).expect(TO_A_STRING);
    text
}

fn outcome_text(
    exploration: &Exploration,
    number: usize,
    outcome: &Outcome,
    (start, end): (usize, usize),
) -> String {
    let Outcome { seen, witness, .. } = outcome;
    let fails = if seen.failures.is_empty() { "" } else { "FAILS in " };
    let (count, leads) = (outcome.runs, leads(witness));
    let mut text = format!("outcome {number}: {fails}{count} of {}, {leads}\n", runs(exploration.runs));
    let results: Vec<String> = seen.results.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if !results.is_empty() {
        writeln!(text, "    {}", results.join(" ")).expect(TO_A_STRING);
    }
    for line in &seen.observations[start..seen.observations.len() - end] {
        writeln!(text, "  {line}").expect(TO_A_STRING);
    }
    seen.failures.iter().for_each(|failure| text.push_str(failure));
    if !seen.failures.is_empty() {
        let repeat = witness.source.answering().repeat(&exploration.file);
        writeln!(text, "to repeat: {repeat}").expect(TO_A_STRING);
        if let Some(block) = witness.block().filter(|_| !witness.changed.is_empty()) {
            writeln!(text, "    or with this in its `smmu`: {block}").expect(TO_A_STRING);
        }
    }
    text
}

/// The answers that lead to an outcome.
fn leads(witness: &Witness) -> String {
    let shown = |Changed { choice, answers }: &Changed| format!("{choice}={}", answers.join(","));
    let changed: Vec<String> = witness.changed.iter().map(shown).collect();
    match &witness.source {
        Source::Answers(_) if changed.is_empty() => "with the defaults".to_owned(),
        Source::Answers(_) => format!("with {}", changed.join(" ")),
        Source::Seed(seed) if changed.is_empty() => format!("with seed {seed}: the defaults"),
        Source::Seed(seed) => format!("with seed {seed}: {}", changed.join(" ")),
    }
}

/// The stated outcomes that did not come.
fn unmet(exploration: &Exploration) -> String {
    if exploration.is_exhaustive() {
        return exploration.unmet().map(|stated| stated.missing.as_str()).collect();
    }
    let lines = exploration.unmet().map(|stated| {
        format!("not seen, which means nothing unless all answers are tried: {}\n", stated.text)
    });
    lines.collect()
}

fn extent(exploration: &Exploration) -> String {
    let share = exploration.shards.as_ref().map_or(String::new(), |shards| {
        let numbers: Vec<String> = shards.numbers.iter().map(u32::to_string).collect();
        format!(" of shard {} of {}", numbers.join(", "), shards.count)
    });
    match &exploration.plan {
        _ if exploration.defaults_only => {
            format!("NOT exhaustive{share}: the kernel level has the default answers")
        }
        Plan::Enumerate { max_runs } if exploration.bound_hit => {
            format!("NOT exhaustive{share}: --max-runs {max_runs} was hit")
        }
        Plan::Enumerate { .. } if share.is_empty() => "exhaustive".to_owned(),
        Plan::Enumerate { .. } => format!("all{share}"),
        Plan::Sample(seeds) => format!("seeds {seeds}{share}"),
    }
}

/// How many observations are the same in all outcomes, at the start and at the end.
fn alike(outcomes: &[Outcome]) -> (usize, usize) {
    let mut all = outcomes.iter().map(|outcome| &outcome.seen.observations);
    let Some(model) = all.next() else { return (0, 0) };
    let start = all.clone().map(|other| same(model.iter().zip(other))).min().unwrap_or(model.len());
    let end = all.map(|other| {
        let left = model.len().min(other.len()) - start;
        same(model.iter().rev().zip(other.iter().rev()).take(left))
    });
    (start, end.min().unwrap_or(0))
}

fn same<'a>(pairs: impl Iterator<Item = (&'a String, &'a String)>) -> usize {
    pairs.take_while(|(left, right)| left == right).count()
}

fn runs(count: u64) -> String {
    if count == 1 { "1 run".to_owned() } else { format!("{count} runs") }
}
