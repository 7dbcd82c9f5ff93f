//! `smmu-sim`: asks the model from the command line. Arguments and exit codes only; the library does the work.

mod cli;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use cli::{Cli, Verdict};
use smmu_sim::output::Unfailing;

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
        Err(report) => {
            let written = writeln!(Unfailing(io::stderr()), "{report:?}");
            written.expect("what cannot be written is dropped");
            ExitCode::from(EXIT_USAGE)
        }
    }
}

/// Developers' diagnostics go to standard error, and only if `RUST_LOG` asks for them.
fn start_diagnostics() {
    let filter = EnvFilter::builder().with_default_directive(tracing::level_filters::LevelFilter::OFF.into());
    tracing_subscriber::fmt()
        .with_env_filter(filter.from_env_lossy())
        .with_writer(|| Unfailing(io::stderr()))
        .with_ansi(io::stderr().is_terminal())
        .init();
}
