//! What else the architecture would have permitted: a scenario under every answer to every choice that it meets, or
//! under many seeds. `docs/explore.md` describes what is judged and how work is shared.

mod outcome;
mod plan;
mod report;
mod text;
mod tree;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use rayon::prelude::*;
use smmu_model::choice::{Defaults, Seeded};

pub use self::outcome::{Changed, Outcome, Seen, Source, Witness};
pub use self::plan::{DEFAULT_MAX_RUNS, Plan, Seeds, Shard};
pub use self::report::{Exploration, Shards, Stated, Unlike};

use self::outcome::Tally;
use self::report::Line;
use crate::json;
use crate::output::Format;
use crate::scenario::{Answers, Asked, Exit, Level, Problem, Recorder, Run, Scenario, execute, find, load};
use crate::trace::Deaf;

/// What to explore and how to say it.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which runs.
    pub plan: Plan,
    /// Which part of them.
    pub shard: Shard,
    /// How to write the report.
    pub view: View,
}

/// How the report is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct View {
    /// Text, or JSON lines that [`merge_files`] reads.
    pub format: Format,
    /// Whether the text has observations that are the same in all outcomes.
    pub verbose: bool,
}

/// Why there is no merged report.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum MergeError {
    /// A file cannot be read.
    #[error("cannot read {0}")]
    Unreadable(PathBuf, #[source] io::Error),
    /// A line is not one of `explore --format json`.
    #[error("{0}, line {1} is not from `smmu-sim explore --format json`")]
    NotAReport(PathBuf, usize, #[source] serde_json::Error),
    /// Two reports are not on the same work.
    #[error("{0}: {1} {2}")]
    Unlike(PathBuf, String, Unlike),
    /// The report cannot be written.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

/// Explores the scenarios at `paths`, which are as for [`run_paths`](crate::scenario::run_paths): in parallel, with the
/// reports in the order of the files. `progress` counts runs.
pub fn explore_paths<P: AsRef<Path>>(
    paths: &[P],
    options: &Options,
    progress: &ProgressBar,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let (files, complaints) = find(paths);
    err.write_all(complaints.as_bytes())?;
    let explored: Vec<(Line, String)> = files
        .into_par_iter()
        .map(|file| match load(&file) {
            Ok(scenario) => {
                let found = explore(&file.name, &scenario, &options.plan, options.shard, progress);
                (Line::Exploration(found), String::new())
            }
            Err(problems) => (Line::Unusable { file: file.name }, problems),
        })
        .collect();
    progress.finish_and_clear();
    let (lines, problems): (Vec<Line>, Vec<String>) = explored.into_iter().unzip();
    problems.iter().try_for_each(|problems| err.write_all(problems.as_bytes()))?;
    let exit = write(&lines, options.view, out)?;
    Ok(if complaints.is_empty() { exit } else { Exit::Broken })
}

/// Makes one report of those that shards have written as JSON.
pub fn merge_files<P: AsRef<Path>>(
    paths: &[P],
    view: View,
    out: &mut impl Write,
) -> Result<Exit, MergeError> {
    let mut merged: Vec<Line> = Vec::new();
    for path in paths.iter().map(AsRef::as_ref) {
        let text =
            fs::read_to_string(path).map_err(|error| MergeError::Unreadable(path.to_owned(), error))?;
        for (number, line) in (1..).zip(text.lines()) {
            let line = json::parse(line.as_bytes())
                .map_err(|error| MergeError::NotAReport(path.to_owned(), number, error))?;
            let file = add_line(&mut merged, line);
            file.map_err(|(file, unlike)| MergeError::Unlike(path.to_owned(), file, unlike))?;
        }
    }
    Ok(write(&merged, view, out)?)
}

/// Explores one scenario, called `file` in the report.
pub fn explore(
    file: &str,
    scenario: &Scenario,
    plan: &Plan,
    shard: Shard,
    progress: &ProgressBar,
) -> Exploration {
    let mut tally = Tally::default();
    let mut runs = 0;
    let mut add = |outcome: Outcome| {
        runs += 1;
        tally.add(outcome);
    };
    let defaults_only = matches!(scenario.level, Level::Kernel(_));
    let all = match plan {
        _ if defaults_only => {
            // The kernel's hardware asks nobody: one shard finds all that there is to find.
            if shard.number == 1 {
                add(Outcome::of_run(scenario, &execute(scenario, &mut Defaults, &mut Deaf), &[], None));
            }
            true
        }
        Plan::Enumerate { max_runs } => enumerate(scenario, *max_runs, shard, &mut |run, asked| {
            progress.inc(1);
            add(Outcome::of_run(scenario, run, asked, None));
        }),
        Plan::Sample(seeds) => {
            sample(scenario, *seeds, shard, progress, &mut add);
            true
        }
    };
    Exploration {
        file: file.to_owned(),
        plan: plan.clone(),
        shards: Shards::of(shard),
        runs,
        bound_hit: !all,
        defaults_only,
        stated: stated(scenario),
        outcomes: tally.into_outcomes(),
    }
}

/// Runs `scenario` with every permitted answer to every question, or `shard`'s part of these runs, depth first; `visit`
/// sees each. Whether `max_runs` were enough.
pub fn enumerate(
    scenario: &Scenario,
    max_runs: u64,
    shard: Shard,
    visit: &mut impl FnMut(&Run, &[Asked]),
) -> bool {
    let run = |answers: &[usize]| {
        let mut recorder = Recorder::new(Answers::new(answers));
        let run = execute(scenario, &mut recorder, &mut Deaf);
        (run, recorder.asked)
    };
    let parts = if shard == Shard::WHOLE {
        vec![Vec::new()]
    } else {
        let count = usize::try_from(shard.count).expect("a usize has 32 bits");
        tree::parts(PARTS_PER_SHARD * count, &mut |answers| run(answers).1)
    };
    let mut budget = max_runs;
    let mut visited = |answers: &[usize]| {
        let (run, asked) = run(answers);
        visit(&run, &asked);
        asked
    };
    let own = parts.into_iter().enumerate().filter(|(position, _)| shard.has(*position));
    own.map(|(_, start)| start).all(|start| tree::walk(start, &mut budget, &mut visited))
}

/// Subtrees differ in size: with several for each shard, shards differ less.
const PARTS_PER_SHARD: usize = 4;

/// So many runs are kept in memory before they are counted, in the order of their seeds.
const BATCH: u64 = 1024;

fn sample(
    scenario: &Scenario,
    seeds: Seeds,
    shard: Shard,
    progress: &ProgressBar,
    add: &mut impl FnMut(Outcome),
) {
    let stride = u64::from(shard.count);
    // How many of the shard's seeds there are: those at `number - 1`, and each `stride` after it.
    let count = (seeds.end - seeds.start).saturating_sub(u64::from(shard.number - 1)).div_ceil(stride);
    let mut done = 0;
    while done < count {
        let batch = done..count.min(done + BATCH);
        done = batch.end;
        let outcomes: Vec<Outcome> = batch
            .into_par_iter()
            .map(|nth| {
                let seed = seeds.start + u64::from(shard.number - 1) + nth * stride;
                let mut recorder = Recorder::new(Seeded::new(seed));
                let run = execute(scenario, &mut recorder, &mut Deaf);
                progress.inc(1);
                Outcome::of_run(scenario, &run, &recorder.asked, Some(seed))
            })
            .collect();
        outcomes.into_iter().for_each(&mut *add);
    }
}

fn stated(scenario: &Scenario) -> Vec<Stated> {
    let outcomes = scenario.permitted.iter().flat_map(|permitted| &permitted.outcomes);
    let stated = outcomes.map(|(span, _)| {
        let problem = Problem::new(*span, "the architecture does not permit this outcome")
            .labelled("no answers to the choices lead to it");
        let text = scenario.sources.text(*span).lines().next().unwrap_or_default().to_owned();
        Stated { text, missing: problem.render(&scenario.sources) }
    });
    stated.collect()
}

/// Adds a line of a report. An error names the scenario.
fn add_line(merged: &mut Vec<Line>, line: Line) -> Result<(), (String, Unlike)> {
    let found = match line {
        Line::Exploration(found) => found,
        Line::Unusable { .. } if merged.contains(&line) => return Ok(()),
        Line::Unusable { .. } => {
            merged.push(line);
            return Ok(());
        }
        Line::Summary { .. } => return Ok(()),
    };
    let known = merged.iter_mut().find_map(|line| match line {
        Line::Exploration(known) if known.file == found.file => Some(known),
        Line::Exploration(_) | Line::Unusable { .. } | Line::Summary { .. } => None,
    });
    match known {
        None => merged.push(Line::Exploration(found)),
        Some(known) => {
            let file = found.file.clone();
            *known = known.clone().merge(found).map_err(|unlike| (file, unlike))?;
        }
    }
    Ok(())
}

/// Writes the reports and the summary, and judges.
fn write(lines: &[Line], view: View, out: &mut impl Write) -> io::Result<Exit> {
    let mut exits = Vec::new();
    for line in lines {
        if view.format == Format::Json {
            serde_json::to_writer(&mut *out, line)?;
            writeln!(out)?;
        }
        match line {
            Line::Exploration(found) => {
                if view.format == Format::Text {
                    out.write_all(text::report(found, view.verbose).as_bytes())?;
                }
                exits.push(if found.passed() { Exit::Passed } else { Exit::Failed });
            }
            Line::Unusable { .. } => exits.push(Exit::Broken),
            Line::Summary { .. } => {}
        }
    }
    let passed = exits.iter().filter(|exit| **exit == Exit::Passed).count();
    let failed = exits.len() - passed;
    match view.format {
        Format::Text => writeln!(out, "scenarios: {passed} passed, {failed} failed")?,
        Format::Json => {
            serde_json::to_writer(&mut *out, &Line::Summary { passed, failed })?;
            writeln!(out)?;
        }
    }
    Ok(exits.into_iter().max().unwrap_or(Exit::Passed))
}
