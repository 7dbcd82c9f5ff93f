//! The commands over scenarios: `run`, `explore` and `rules`.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use smmu_sim::coverage::{self, Coverage, Exceptions};
use smmu_sim::explore::{self, DEFAULT_MAX_RUNS, Plan, Seeds, Shard, View};
use smmu_sim::output::Unfailing;
use smmu_sim::rules;
use smmu_sim::scenario::{self, Answering, Denied, Exit, Options};
use smmu_sim::trace::Verbosity;

use super::{CannotWrite, OutputArgs, Verdict, output, parse_count, parse_index, parse_u64};

/// Run scenarios: files that say what hardware there is, what is done to it and what must come of it.
///
/// Prints what happens, a line each in the specification's words, and every expectation that does not hold
/// with its source line. Folders are run file by file; those called `common` hold what others include. Files run
/// in parallel, with the output in their order. The language is described in docs/scenarios.md.
#[derive(Args, Debug)]
#[command(after_long_help = RUN_HELP)]
pub(super) struct RunArgs {
    /// Scenario files (.kdl), or folders of them
    #[arg(value_name = "FILE|DIR", required = true)]
    paths: Vec<PathBuf>,
    /// Add each step, each descriptor that is read or written, each rule and each choice
    #[arg(short, long, conflicts_with = "quiet")]
    verbose: bool,
    /// Print only what did not hold
    #[arg(short, long)]
    quiet: bool,
    /// For each access that does not succeed, say why, with sections
    #[arg(long)]
    explain: bool,
    /// Draw the answers to the choices that a scenario does not fix, instead of taking the defaults
    #[arg(long, value_name = "N", value_parser = parse_u64)]
    seed: Option<u64>,
    /// Give these answers in the order of the questions, as `explore` prints them, and the defaults after them
    #[arg(long, value_name = "LIST", value_parser = parse_index, value_delimiter = ',', conflicts_with = "seed")]
    answers: Vec<usize>,
    /// Fail each step that does this, unless it expects it: `stale`, using a cache entry with which memory no longer
    /// agrees; `unsafe-stall`, faulting where CD.S or STE.S2S asks to stall a device that must not be stalled
    #[arg(long, value_name = "WHAT", value_enum)]
    deny: Vec<Deny>,
    #[command(flatten)]
    output: OutputArgs,
}

/// What `--deny` takes.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Deny {
    /// Using a cache entry with which memory no longer agrees
    Stale,
    /// Asking to stall a device that must not be stalled
    UnsafeStall,
}

const RUN_HELP: &str = "\
Examples:
  smmu-sim run scenarios/03-operation/stage1-page.kdl
  smmu-sim run -v --explain scenarios/07-faults
  smmu-sim run --seed 7 --format json scenarios
  smmu-sim run --deny stale scenarios

Exit codes: 0 every expectation held; 1 some did not; 2 a scenario cannot be run.";

/// Explore what else the architecture permits: the outcomes of scenarios under every answer to every choice.
///
/// Runs a scenario again and again, each time with other answers to the choices that it meets and does not fix
/// itself, until all were given or the bound is hit. Prints each distinct outcome, the answers that lead to it (of
/// the run that has the fewest other than the default), and how many runs did. What is the same in all outcomes is
/// left out. The last line is `scenarios: N passed, M failed`.
///
/// An `expect` must hold in every outcome. `permitted` must be the exact set of outcomes: one more or one less fails.
/// docs/explore.md describes all of it, and how to spread the work over machines.
#[derive(Args, Debug)]
#[command(after_long_help = EXPLORE_HELP)]
pub(super) struct ExploreArgs {
    /// Scenario files (.kdl), or folders of them
    #[arg(value_name = "FILE|DIR", required_unless_present = "merge")]
    paths: Vec<PathBuf>,
    /// Most runs of one scenario; if they are not enough, the report says NOT exhaustive
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_RUNS, value_parser = parse_count)]
    max_runs: u64,
    /// Sample instead: one run for each seed from A to B - 1
    #[arg(long, value_name = "A..B", conflicts_with = "max_runs")]
    seeds: Option<Seeds>,
    /// Do the i-th of n shares of the work, i from 1
    #[arg(long, value_name = "i/n")]
    shard: Option<Shard>,
    /// Print one report of those that shards have written with --format json
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["paths", "max_runs", "seeds", "shard"])]
    merge: Vec<PathBuf>,
    /// Print what is the same in all outcomes too
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    output: OutputArgs,
}

const EXPLORE_HELP: &str = "\
Examples:
  smmu-sim explore scenarios/05-structures/ste-reserved-bit.kdl
  smmu-sim explore --seeds 0..1000 scenarios/07-faults
  smmu-sim explore --shard 3/8 --format json scenarios > 3.json
  smmu-sim explore --merge 1.json 2.json 3.json

Exit codes: 0 every expectation held in every outcome seen, exhaustive or not; 1 some did not;
2 a scenario cannot be run.";

/// List every rule and choice of the model with its section.
///
/// A rule is a check or a decision of the architecture; its label is what `replay` and `walk` cite. A choice is
/// a point where the architecture permits more than one behaviour; the first answer is the default.
///
/// With --coverage, runs scenarios, explores those with `permitted`, and prints which of them reach each rule and
/// each answer; the last line is `rules: N of M`.
#[derive(Args, Debug)]
#[command(after_long_help = RULES_HELP)]
pub(super) struct RulesArgs {
    /// Scenario files, or folders of them, whose coverage to print
    #[arg(long, value_name = "FILE|DIR", num_args = 1..)]
    coverage: Vec<PathBuf>,
    /// Rules that no scenario can reach, `LABEL reason` on each line; one that is reached, or unknown, fails
    #[arg(long, value_name = "FILE", requires = "coverage")]
    except: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

const RULES_HELP: &str = "\
Examples:
  smmu-sim rules | grep STE-
  smmu-sim rules --format json
  smmu-sim rules --coverage scenarios --except scenarios/unreached.txt

Exit codes, with --coverage: 0 done; 1 an exception is stale; 2 a scenario cannot be run.";

impl RunArgs {
    pub(super) fn run(self) -> miette::Result<Verdict> {
        let verbosity = match (self.verbose, self.quiet) {
            (true, _) => Verbosity::Verbose,
            (false, true) => Verbosity::Quiet,
            (false, false) => Verbosity::Normal,
        };
        let answers = match self.seed {
            Some(seed) => Answering::Seed(seed),
            None if self.answers.is_empty() => Answering::Defaults,
            None => Answering::List(self.answers),
        };
        let denied = Denied {
            stale: self.deny.contains(&Deny::Stale),
            unsafe_stall: self.deny.contains(&Deny::UnsafeStall),
        };
        let options =
            Options { verbosity, explain: self.explain, format: self.output.format(), answers, denied };
        let mut out = output();
        let exit = scenario::run_paths(&self.paths, &options, &mut out, &mut Unfailing(io::stderr()));
        finish(exit, out)
    }
}

impl ExploreArgs {
    pub(super) fn run(self) -> miette::Result<Verdict> {
        let view = View { format: self.output.format(), verbose: self.verbose };
        let mut out = output();
        if !self.merge.is_empty() {
            let exit = explore::merge_files(&self.merge, view, &mut out)?;
            return finish(Ok(exit), out);
        }
        let plan = self.seeds.map_or(Plan::Enumerate { max_runs: self.max_runs }, Plan::Sample);
        let options = explore::Options { plan, shard: self.shard.unwrap_or(Shard::WHOLE), view };
        let exit = explore::explore_paths(
            &self.paths,
            &options,
            &run_counter(),
            &mut out,
            &mut Unfailing(io::stderr()),
        );
        finish(exit, out)
    }
}

impl RulesArgs {
    pub(super) fn run(self) -> miette::Result<Verdict> {
        let mut out = output();
        if self.coverage.is_empty() {
            let written = rules::write(&mut out, self.output.format());
            return finish(written.map(|()| Exit::Passed), out);
        }
        let exceptions = self.except.as_deref().map(Exceptions::open).transpose()?.unwrap_or_default();
        let coverage = Coverage::of_paths(&self.coverage);
        let exit = coverage::write(
            &coverage,
            &exceptions,
            self.output.format(),
            &mut out,
            &mut Unfailing(io::stderr()),
        );
        finish(exit, out)
    }
}

fn finish(exit: io::Result<Exit>, mut out: impl Write) -> miette::Result<Verdict> {
    let exit = exit.and_then(|exit| out.flush().map(|()| exit)).map_err(CannotWrite)?;
    Ok(match exit {
        Exit::Passed => Verdict::Met,
        Exit::Failed => Verdict::Failed,
        Exit::Broken => Verdict::Unusable,
    })
}

/// Counts runs; hidden where nobody watches.
fn run_counter() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {human_pos} runs, {per_sec}");
    ProgressBar::new_spinner().with_style(style.expect("the template is well formed"))
}
