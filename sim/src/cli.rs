//! The arguments of each command, and what its result means for the exit code.

mod negotiation;
mod parse;
mod scenarios;
mod transcript;

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use miette::{IntoDiagnostic, WrapErr};
use smmu_model::address::Iova;
use smmu_model::attributes::Attributes;
use smmu_model::features::{Features, IdRegisters, Preset};
use smmu_model::ids::{StreamId, SubstreamId};
use smmu_model::transaction::{Access, AddressType, Direction, Privilege, Purpose, Transaction};
use smmu_sim::image::MemoryImage;
use smmu_sim::machine::{self, Machine};
use smmu_sim::oracle::{self, Listener};
use smmu_sim::output::{Format, WhileRead};
use smmu_sim::replay::{self, Reporter, Summary};
use smmu_sim::vectors;
use smmu_sim::walk::{self, Walk};

use self::negotiation::{AuditArgs, CapabilityArgs, MatrixArgs};
use self::parse::{parse_assignment, parse_count, parse_index, parse_ssid, parse_u32, parse_u64};
use self::scenarios::{ExploreArgs, RulesArgs, RunArgs};
use self::transcript::TranscriptArgs;

/// Asks a model of the Arm SMMUv3 architecture (IHI 0070 G.b).
#[derive(Parser, Debug)]
#[command(version, arg_required_else_help = true, term_width = HELP_WIDTH, after_long_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Columns of the help, on every terminal: what `clap` wrapped would no longer be a command that can be pasted. The
/// examples have no longer lines.
const HELP_WIDTH: usize = 100;

const AFTER_HELP: &str = "\
Exit codes:
  0  done, and every expectation was met
  1  an expectation failed, or the model disagrees with a recording
  2  the arguments, or an input file, cannot be used

Numbers are decimal, or hexadecimal with 0x.
RUST_LOG=debug prints developers' diagnostics to standard error.";

#[derive(Subcommand, Debug)]
enum Command {
    Run(RunArgs),
    Explore(ExploreArgs),
    Replay(ReplayArgs),
    Vectors(VectorsArgs),
    Transcript(TranscriptArgs),
    Walk(Box<WalkArgs>),
    Rules(RulesArgs),
    Capability(CapabilityArgs),
    Audit(AuditArgs),
    Matrix(MatrixArgs),
    Serve(ServeArgs),
}

/// What a command came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// Every expectation was met.
    Met,
    /// The model disagrees.
    Failed,
    /// Part of the input could not be read, so no verdict is worth anything.
    Unusable,
}

/// Compare every translation of a recorded QEMU trace with the model's.
///
/// Registers start from reset and take the traced writes; the SMMU's ID registers are those that the trace
/// shows being read. Before a translation, the descriptors that QEMU read for it are put into memory, as the
/// image is of the end of the run. The model must permit the accesses that QEMU's translation permits, at the
/// same output address, and refuse the others.
///
/// Each disagreement is printed with both answers and the model's rules; differences in register reads and
/// in consumed commands are printed as notes. The last line is `translations: N agreed, M disagreed`.
#[derive(Args, Debug)]
#[command(after_long_help = REPLAY_HELP)]
struct ReplayArgs {
    /// Trace log of QEMU's SMMUv3, plain or gzip
    #[arg(long, value_name = "FILE")]
    trace: PathBuf,
    #[command(flatten)]
    memory: MemoryArgs,
    #[command(flatten)]
    output: OutputArgs,
}

const REPLAY_HELP: &str = "\
Record:
  qemu-system-aarch64 -M virt,iommu=smmuv3 … \\
      -trace 'smmuv3_*' -trace 'smmu_*' -D trace.log
  and in its monitor, at the end: dump-guest-memory memory.elf

Examples:
  smmu-sim replay --trace trace.log.gz --memory memory.elf
  smmu-sim replay --trace trace.log --memory ram.bin --memory-base 0x40000000 \\
      --format json

Exit codes: 0 all agreed; 1 a translation disagreed; 2 an input, or a line of it, cannot be read.";

/// Compare recorded answers of QEMU to random configurations with the model's.
///
/// Each case is a set of structures in memory, register writes, and one write of a device. Where the two answers
/// differ, both are printed with the model's rules, and the finding of docs/peer-findings.md that explains the
/// difference, or OPEN. Differences in what the architecture leaves UNKNOWN do not count.
///
/// The last line is `vectors: N agreed, M explained, K open`.
#[derive(Args, Debug)]
#[command(after_long_help = VECTORS_HELP)]
struct VectorsArgs {
    /// One JSON object per line, plain or gzip
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

const VECTORS_HELP: &str = "\
Examples:
  smmu-sim vectors testdata/vectors/qemu-11.1.3-a.jsonl.gz
  smmu-sim vectors cases.jsonl --format json

Exit codes: 0 every difference is explained; 1 one is open; 2 a file, or a line, cannot be read.";

/// Explain one transaction: every structure on its way, decoded, and the rule that decided.
///
/// Prints the tree of level 1 descriptor, STE, CD and translation table descriptors, with their addresses, raw
/// words and fields (those that are not zero, by the specification's names), then the output address or the
/// rule that failed with its section. Nothing is changed: what the SMMU would write is only named.
///
/// Registers come from a trace, as they are at its end, or from the arguments.
#[derive(Args, Debug)]
#[command(override_usage = WALK_USAGE, after_long_help = WALK_HELP)]
struct WalkArgs {
    #[command(flatten)]
    memory: MemoryArgs,
    #[command(flatten)]
    registers: RegisterArgs,
    /// StreamID of the device
    #[arg(long, value_name = "N", value_parser = parse_u32)]
    sid: u32,
    /// SubstreamID (PASID), if the device gives one
    #[arg(long, value_name = "N", value_parser = parse_ssid)]
    ssid: Option<u32>,
    /// Address that the device presents
    #[arg(long, value_name = "ADDRESS", value_parser = parse_u64)]
    iova: u64,
    /// The device writes; without it, it reads
    #[arg(long)]
    write: bool,
    /// The access is privileged
    #[arg(long)]
    privileged: bool,
    /// The access fetches an instruction; a write is for data whatever the device says (§13.1.2)
    #[arg(long)]
    instruction: bool,
    #[command(flatten)]
    output: OutputArgs,
}

const WALK_USAGE: &str = "\
smmu-sim walk [OPTIONS] --memory <FILE> --trace <FILE> --sid <N> --iova <ADDRESS>
       smmu-sim walk [OPTIONS] --memory <FILE> --strtab-base <VALUE> --strtab-cfg <VALUE> \\
           --sid <N> --iova <ADDRESS>";

const WALK_HELP: &str = "\
Examples:
  smmu-sim walk --memory memory.elf --trace trace.log.gz --sid 8 --iova 0xfffb9000
  smmu-sim walk --memory memory.elf --preset qemu-11.1 \\
      --strtab-base 0x44e17000 --strtab-cfg 0x10210 --sid 8 --iova 0xfffb9000 --write
  smmu-sim walk --memory ram.bin --memory-base 0x80000000 \\
      --idr IDR0=0x0d44101b --idr IDR1=0x02730010 --idr IDR5.OAS=5 --idr IDR5.GRAN4K=1 \\
      --strtab-base 0x80010000 --strtab-cfg 0x8 --sid 3 --iova 0

Exit codes: 0 explained, whatever the answer; 2 an input cannot be used.";

/// Answer another implementation's questions: JSON-RPC 2.0, one object per line.
///
/// On standard input and output, or on a Unix socket with one session per connection.
#[derive(Args, Debug)]
#[command(after_long_help = "Examples:\n  smmu-sim serve\n  smmu-sim serve --listen /tmp/smmu-sim.sock")]
struct ServeArgs {
    /// Unix socket to listen on
    #[arg(long, value_name = "PATH")]
    listen: Option<PathBuf>,
}

/// Standard output does not take what we write.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("cannot write the output")]
struct CannotWrite(#[source] io::Error);

#[derive(Args, Debug)]
struct MemoryArgs {
    /// Memory image: an ELF64 core, or raw bytes; plain or gzip
    #[arg(long, value_name = "FILE")]
    memory: PathBuf,
    /// Physical address of the first byte of a raw image
    #[arg(long, value_name = "ADDRESS", value_parser = parse_u64)]
    memory_base: Option<u64>,
}

#[derive(Args, Debug)]
struct RegisterArgs {
    /// Take the ID registers, the registers and the descriptors from this trace, as they are at its end
    #[arg(long, value_name = "FILE", conflicts_with_all = ["strtab_base", "strtab_cfg", "idr", "preset"])]
    trace: Option<PathBuf>,
    /// SMMU_STRTAB_BASE
    #[arg(long, value_name = "VALUE", value_parser = parse_u64, required_unless_present = "trace")]
    strtab_base: Option<u64>,
    /// SMMU_STRTAB_BASE_CFG
    #[arg(long, value_name = "VALUE", value_parser = parse_u32, required_unless_present = "trace")]
    strtab_cfg: Option<u32>,
    /// An ID register or a field of one, on top of the preset; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_assignment)]
    idr: Vec<(String, u64)>,
    /// Start from these ID registers rather than from zero
    #[arg(long, value_name = "NAME", value_parser = preset_names())]
    preset: Option<String>,
}

#[derive(Args, Debug)]
struct OutputArgs {
    /// How to write the output
    #[arg(long, value_enum, default_value_t = FormatArg::Text)]
    format: FormatArg,
}

#[derive(Clone, Copy, ValueEnum, Debug)]
enum FormatArg {
    /// For people
    Text,
    /// For programs: one JSON object per line, told apart by its `type`; addresses are "0x…" strings
    Json,
}

impl OutputArgs {
    fn format(&self) -> Format {
        match self.format {
            FormatArg::Text => Format::Text,
            FormatArg::Json => Format::Json,
        }
    }
}

impl Cli {
    /// Does what was asked.
    pub(crate) fn run(self) -> miette::Result<Verdict> {
        match self.command {
            Command::Run(args) => args.run(),
            Command::Explore(args) => args.run(),
            Command::Replay(args) => args.run(),
            Command::Vectors(args) => args.run(),
            Command::Transcript(args) => args.run(),
            Command::Walk(args) => args.run(),
            Command::Rules(args) => args.run(),
            Command::Capability(args) => args.run(),
            Command::Audit(args) => args.run(),
            Command::Matrix(args) => args.run(),
            Command::Serve(args) => args.run(),
        }
    }
}

impl ReplayArgs {
    fn run(self) -> miette::Result<Verdict> {
        let image = self.memory.open()?;
        let mut reporter = Reporter::new(output(), self.output.format());
        let summary = replay::run(&self.trace, image, &progress_bar(), &mut reporter)?;
        Ok(verdict(&summary))
    }
}

fn verdict(summary: &Summary) -> Verdict {
    if summary.malformed_lines > 0 {
        Verdict::Unusable
    } else if summary.translations().disagreed > 0 {
        Verdict::Failed
    } else {
        Verdict::Met
    }
}

impl VectorsArgs {
    fn run(self) -> miette::Result<Verdict> {
        let mut reporter = vectors::Reporter::new(output(), self.output.format());
        let summary = vectors::run(&self.files, &mut reporter)?;
        Ok(if summary.malformed_lines > 0 {
            Verdict::Unusable
        } else if summary.open > 0 {
            Verdict::Failed
        } else {
            Verdict::Met
        })
    }
}

impl WalkArgs {
    fn run(self) -> miette::Result<Verdict> {
        let transaction = self.transaction();
        let mut machine = self.registers.machine(self.memory.open()?)?;
        let walk = Walk::new(&mut machine, transaction);
        let mut out = output();
        let written = walk.write(&mut out, self.output.format()).and_then(|()| out.flush());
        written.map_err(CannotWrite)?;
        Ok(Verdict::Met)
    }

    fn transaction(&self) -> Transaction {
        let direction = if self.write { Direction::Write } else { Direction::Read };
        let privilege = if self.privileged { Privilege::Privileged } else { Privilege::Unprivileged };
        let purpose = if self.instruction { Purpose::Instruction } else { Purpose::Data };
        Transaction {
            stream: StreamId(self.sid),
            substream: self.ssid.map(SubstreamId),
            address: Iova::new(self.iova),
            access: Access::new(direction, privilege, purpose),
            address_type: AddressType::Untranslated,
            attributes: Attributes::INCOMING_DEFAULT,
        }
    }
}

impl ServeArgs {
    /// Returns when standard input ends, or nobody reads the answers any more; a listener goes on for ever.
    fn run(self) -> miette::Result<Verdict> {
        match self.listen {
            None => oracle::serve_stdio()
                .into_diagnostic()
                .wrap_err("cannot serve on standard input and output")?,
            Some(path) => Listener::bind(&path)
                .into_diagnostic()
                .wrap_err_with(|| format!("cannot listen at {}", path.display()))?
                .run(),
        }
        Ok(Verdict::Met)
    }
}

impl MemoryArgs {
    fn open(&self) -> miette::Result<MemoryImage> {
        Ok(MemoryImage::open(&self.memory, self.memory_base)?)
    }
}

impl RegisterArgs {
    fn machine(&self, image: MemoryImage) -> miette::Result<Machine> {
        if let Some(trace) = &self.trace {
            return Ok(replay::machine_at_end(trace, image)?);
        }
        let base = self.strtab_base.expect("clap demands --strtab-base without --trace");
        let cfg = self.strtab_cfg.expect("clap demands --strtab-cfg without --trace");
        Ok(walk::machine_with_stream_table(self.features()?, image, base, cfg))
    }

    /// The preset, or zeros, with the `--idr` on top. Without either naming AIDR, one that fits.
    fn features(&self) -> miette::Result<Features> {
        let preset = self.preset.as_deref().and_then(Preset::from_name);
        let ids = registers(preset.map_or_else(IdRegisters::default, Preset::id_registers), &self.idr)?;
        let aidr_is_known = preset.is_some() || self.idr.iter().any(|(name, _)| is_of_aidr(name));
        Ok(if aidr_is_known { machine::features(ids)? } else { replay::assume_revision(ids)? })
    }
}

/// These registers with what `--idr` says on top.
fn registers(mut ids: IdRegisters, changes: &[(String, u64)]) -> miette::Result<IdRegisters> {
    for (name, value) in changes {
        let set = ids.set_field(name, *value).into_diagnostic();
        set.wrap_err_with(|| format!("cannot use --idr {name}={value:#x}"))?;
    }
    Ok(ids)
}

/// Whether `name` is AIDR or one of its fields: clearing it in a word of ones shows.
fn is_of_aidr(name: &str) -> bool {
    let mut ids = IdRegisters { aidr: u32::MAX, ..IdRegisters::default() };
    ids.set_field(name, 0).is_ok() && ids.aidr != u32::MAX
}

fn output() -> BufWriter<WhileRead<StdoutLock<'static>>> {
    BufWriter::new(WhileRead::new(io::stdout().lock()))
}

/// Bytes of the trace that were read; hidden where nobody watches.
fn progress_bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "{bar:40} {bytes}/{total_bytes} {eta}";
    let style = ProgressStyle::with_template(template).expect("the template is well formed");
    ProgressBar::new(0).with_style(style)
}

fn preset_names() -> PossibleValuesParser {
    PossibleValuesParser::new(Preset::ALL.iter().map(|preset| preset.name()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
