//! The command over transcripts of a real kernel: `transcript`.

use std::path::PathBuf;

use clap::Args;
use smmu_model::features::{Features, Preset};
use smmu_sim::machine;
use smmu_sim::transcript::{self, Reporter, Summary};

use super::{OutputArgs, Verdict, output, parse_assignment, preset_names, registers};

/// Compare what a real Linux kernel answered to iommufd and VFIO calls with what the fake one does.
///
/// Each file is one process from its first open, on a machine that has just booted: an SMMU with the ID registers of
/// QEMU's unless told otherwise, and two devices that vfio-pci drives. Return values, errors and all reply bytes must
/// be the same. Each difference is printed field by field, with the check that makes our kernel refuse.
///
/// With --snapshots, STE, CD, commands and register writes of the driver must be the same too, addresses aside.
///
/// The last line is `calls: N agreed, M disagreed`.
#[derive(Args, Debug)]
#[command(after_long_help = HELP)]
pub(super) struct TranscriptArgs {
    /// Transcripts: one JSON object per line
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What the driver had written at some points of one of the transcripts
    #[arg(long, value_name = "FILE")]
    snapshots: Option<PathBuf>,
    /// Start from these ID registers rather than from QEMU's, on which the transcripts were recorded
    #[arg(long, value_name = "NAME", value_parser = preset_names())]
    preset: Option<String>,
    /// An ID register or a field of one, on top of the preset; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_assignment)]
    idr: Vec<(String, u64)>,
    #[command(flatten)]
    output: OutputArgs,
}

const HELP: &str = "\
Examples:
  smmu-sim transcript testdata/transcripts/ioas.jsonl testdata/transcripts/paging.jsonl
  smmu-sim transcript testdata/transcripts/hardware.jsonl \\
      --snapshots testdata/transcripts/hardware-snapshots.jsonl
  smmu-sim transcript calls.jsonl --idr IDR0.HTTU=2 --format json

Exit codes: 0 all agreed; 1 something disagreed; 2 a file, or a line, cannot be used.";

impl TranscriptArgs {
    pub(super) fn run(self) -> miette::Result<Verdict> {
        let mut reporter = Reporter::new(output(), self.output.format());
        let features = self.features()?;
        let summary = transcript::run(&self.files, self.snapshots.as_deref(), features, &mut reporter)?;
        Ok(verdict(&summary))
    }

    fn features(&self) -> miette::Result<Features> {
        let preset = self.preset.as_deref().and_then(Preset::from_name).unwrap_or(Preset::Qemu11_1);
        Ok(machine::features(registers(preset.id_registers(), &self.idr)?)?)
    }
}

fn verdict(summary: &Summary) -> Verdict {
    let snapshots = summary.snapshots.unwrap_or_default();
    if summary.calls.disagreed + snapshots.disagreed > 0 { Verdict::Failed } else { Verdict::Met }
}
