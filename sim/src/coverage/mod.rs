//! Which rules and which answers to choices scenarios reach.

mod exceptions;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::Path;

use rayon::prelude::*;
use serde_json::json;
use smmu_model::choice::{Choice, Defaults};
use smmu_model::rule::Rule;

pub use exceptions::{Exception, Exceptions, ExceptionsError};

use crate::explore::{DEFAULT_MAX_RUNS, Shard, enumerate};
use crate::output::Format;
use crate::scenario::{Exit, Run, Scenario, execute, find, load};
use crate::trace::Deaf;

/// What scenarios reach.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// The scenarios that reach a rule, in the order of the files. Rules that none reaches have no entry.
    pub rules: BTreeMap<Rule, Vec<String>>,
    /// The scenarios in which a choice gets an answer (its position in [`Choice::answers`]).
    pub answers: BTreeMap<(Choice, usize), Vec<String>>,
    /// What is wrong with files that cannot run, as text; empty if all can.
    pub problems: String,
}

/// What one scenario reaches.
#[derive(Clone, Debug, Default)]
struct Reached {
    rules: BTreeSet<Rule>,
    answers: BTreeSet<(Choice, usize)>,
}

impl Coverage {
    /// Runs the scenarios at `paths`, with default answers where they do not fix them. Those with `permitted` are
    /// explored.
    pub fn of_paths<P: AsRef<Path>>(paths: &[P]) -> Self {
        let (files, complaints) = find(paths);
        let reached: Vec<Result<Reached, String>> =
            files.par_iter().map(|file| load(file).map(|scenario| Reached::by(&scenario))).collect();
        let mut coverage = Self { problems: complaints, ..Self::default() };
        for (file, reached) in files.into_iter().zip(reached) {
            match reached {
                Ok(reached) => coverage.add(&file.name, reached),
                Err(problems) => coverage.problems += &problems,
            }
        }
        coverage
    }

    fn add(&mut self, file: &str, reached: Reached) {
        for rule in reached.rules {
            self.rules.entry(rule).or_default().push(file.to_owned());
        }
        for answer in reached.answers {
            self.answers.entry(answer).or_default().push(file.to_owned());
        }
    }

    /// The rules that neither are reached nor have an exception.
    pub fn missing(&self, exceptions: &Exceptions) -> Vec<Rule> {
        let is_missing = |rule: &Rule| !self.rules.contains_key(rule) && exceptions.reason(*rule).is_none();
        Rule::ALL.iter().copied().filter(is_missing).collect()
    }

    /// What is wrong with each exception that is: a sentence.
    pub fn stale(&self, exceptions: &Exceptions) -> Vec<String> {
        let wrong = |Exception { line, label, .. }: &Exception| {
            let Some(rule) = Rule::ALL.iter().find(|rule| rule.label() == label) else {
                return Some(format!("line {line}: no rule has the label {label}"));
            };
            let file = self.rules.get(rule)?.first()?;
            Some(format!("line {line}: {label} is reached, by {file}"))
        };
        exceptions.0.iter().filter_map(wrong).collect()
    }
}

impl Reached {
    fn by(scenario: &Scenario) -> Self {
        let mut reached = Self::default();
        if scenario.permitted.is_some() {
            enumerate(scenario, DEFAULT_MAX_RUNS, Shard::WHOLE, &mut |run, _| reached.add(run));
        } else {
            reached.add(&execute(scenario, &mut Defaults, &mut Deaf));
        }
        reached
    }

    fn add(&mut self, run: &Run) {
        self.rules.extend(&run.rules);
        self.answers.extend(&run.choices);
    }
}

/// Writes each choice with its answers, then each rule, with the scenarios that reach it; and at last `rules: N of M`.
/// Stale exceptions and files that cannot run go to `err`.
///
/// In JSON, which names all scenarios, the lines are `{"type": "answer", "choice", "answer", "scenarios"}`,
/// `{"type": "rule", "label", "section", "scenarios", "exception"}` and
/// `{"type": "summary", "rules", "of", "excepted", "answers", "of_answers"}`.
pub fn write(
    coverage: &Coverage,
    exceptions: &Exceptions,
    format: Format,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    match format {
        Format::Text => write_text(coverage, exceptions, out)?,
        Format::Json => write_json(coverage, exceptions, out)?,
    }
    err.write_all(coverage.problems.as_bytes())?;
    let stale = coverage.stale(exceptions);
    stale.iter().try_for_each(|stale| writeln!(err, "stale exception, {stale}"))?;
    Ok(match (coverage.problems.is_empty(), stale.is_empty()) {
        (false, _) => Exit::Broken,
        (true, false) => Exit::Failed,
        (true, true) => Exit::Passed,
    })
}

/// Each answer of each choice.
fn all_answers() -> impl Iterator<Item = (Choice, usize, &'static str)> {
    Choice::ALL.iter().flat_map(|choice| {
        choice.answers().iter().enumerate().map(|(position, answer)| (*choice, position, *answer))
    })
}

fn write_text(coverage: &Coverage, exceptions: &Exceptions, out: &mut impl Write) -> io::Result<()> {
    for (choice, position, answer) in all_answers() {
        let scenarios = coverage.answers.get(&(choice, position)).map(Vec::as_slice).unwrap_or_default();
        let name = format!("{}={answer}", choice.key());
        let shown = if scenarios.is_empty() { "NOT GIVEN".to_owned() } else { some_of(scenarios) };
        writeln!(out, "{name:<45} {:>4} {shown}", scenarios.len())?;
    }
    writeln!(out, "answers: {} of {}", coverage.answers.len(), all_answers().count())?;
    for rule in Rule::ALL {
        let (label, section) = (rule.label(), rule.section());
        let scenarios = coverage.rules.get(rule).map(Vec::as_slice).unwrap_or_default();
        let shown = match exceptions.reason(*rule) {
            Some(reason) if scenarios.is_empty() => format!("cannot be reached: {reason}"),
            None if scenarios.is_empty() => "NOT REACHED".to_owned(),
            Some(_) | None => some_of(scenarios),
        };
        writeln!(out, "{label:<12} {section:<18} {:>4} {shown}", scenarios.len())?;
    }
    let excepted = exceptions.0.len();
    if excepted > 0 {
        writeln!(out, "exceptions: {excepted}")?;
    }
    writeln!(out, "rules: {} of {}", coverage.rules.len(), Rule::ALL.len())
}

fn write_json(coverage: &Coverage, exceptions: &Exceptions, out: &mut impl Write) -> io::Result<()> {
    for (choice, position, answer) in all_answers() {
        let scenarios = coverage.answers.get(&(choice, position)).map(Vec::as_slice).unwrap_or_default();
        let line = json!({
            "type": "answer", "choice": choice.key(), "answer": answer, "scenarios": scenarios,
        });
        writeln!(out, "{line}")?;
    }
    for rule in Rule::ALL {
        let line = json!({
            "type": "rule",
            "label": rule.label(),
            "section": rule.section(),
            "scenarios": coverage.rules.get(rule).map(Vec::as_slice).unwrap_or_default(),
            "exception": exceptions.reason(*rule),
        });
        writeln!(out, "{line}")?;
    }
    let summary = json!({
        "type": "summary",
        "rules": coverage.rules.len(),
        "of": Rule::ALL.len(),
        "excepted": exceptions.0.len(),
        "answers": coverage.answers.len(),
        "of_answers": all_answers().count(),
    });
    writeln!(out, "{summary}")
}

/// So many scenarios are named in text.
const NAMED: usize = 3;

/// The first few names, and how many there are besides.
fn some_of(scenarios: &[String]) -> String {
    let mut shown = scenarios.iter().take(NAMED).cloned().collect::<Vec<_>>().join(" ");
    if scenarios.len() > NAMED {
        shown += &format!(" and {} more", scenarios.len() - NAMED);
    }
    shown
}
