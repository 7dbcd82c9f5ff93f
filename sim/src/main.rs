//! `smmu-sim`: asks the model from the command line. Arguments and exit codes only; the library does the work.

mod cli;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use cli::{Cli, Verdict};
use smmu_sim::replay::ReplayError;
use smmu_sim::vectors::VectorsError;

/// An expectation failed: the model disagrees.
const EXIT_FAILED: u8 = 1;
/// The arguments or an input cannot be used. `clap` exits with it too.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_diagnostics();
    match cli.run() {
        Ok(Verdict::Met) => ExitCode::SUCCESS,
        Ok(Verdict::Failed) => ExitCode::from(EXIT_FAILED),
        Ok(Verdict::Unusable) => ExitCode::from(EXIT_USAGE),
        Err(report) if is_broken_pipe(&report) => exit_unread(&report),
        Err(report) => {
            eprintln!("{report:?}");
            ExitCode::from(EXIT_USAGE)
        }
    }
}

/// Developers' diagnostics go to standard error, and only if `RUST_LOG` asks for them.
fn start_diagnostics() {
    let filter = EnvFilter::builder().with_default_directive(tracing::level_filters::LevelFilter::OFF.into());
    tracing_subscriber::fmt()
        .with_env_filter(filter.from_env_lossy())
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
}

/// Whoever read our output has seen enough, as `smmu-sim rules | head` does: that is no error. But a replay, or
/// a run of vectors, that was cut short has no verdict, and must not seem to have a good one.
fn exit_unread(report: &miette::Report) -> ExitCode {
    let has_verdict = report.is::<ReplayError>() || report.is::<VectorsError>();
    if has_verdict { ExitCode::from(EXIT_USAGE) } else { ExitCode::SUCCESS }
}

fn is_broken_pipe(report: &miette::Report) -> bool {
    let mut io_errors = report.chain().filter_map(|error| error.downcast_ref::<io::Error>());
    io_errors.any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
