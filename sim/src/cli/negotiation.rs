//! The commands about what a VMM may read and show: `capability`, `audit` and `matrix`.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use indicatif::{ProgressBar, ProgressStyle};
use miette::{IntoDiagnostic, WrapErr, miette};
use smmu_model::features::Preset;
use smmu_sim::machine;
use smmu_sim::matrix::{self, Matrix};
use smmu_sim::negotiation::{Capability, Policy, Seen, Vintage, analysis, audit};
use smmu_sim::output::{Format, Unfailing};
use smmu_sim::scenario;

use super::{CannotWrite, OutputArgs, Verdict, output, parse_assignment, preset_names, registers};

/// Say what a VMM has to know before it shows a capability to its guest.
///
/// Beyond the fields that the kernel documents, four questions decide: does the kernel need software for it (a
/// capability bit)? Does firmware have a say (a capability bit)? Must it be enabled for each virtual machine (a flag of
/// VIOMMU_ALLOC)? Else the VMM reads idr[] directly. Prints the answers with their reasons and sources.
///
/// Without a name, lists all capabilities; each field of IDR0 to IDR5 is in one of them.
#[derive(Args, Debug)]
#[command(after_long_help = CAPABILITY_HELP)]
pub(super) struct CapabilityArgs {
    /// A capability, such as HTTU, or a field of an ID register, such as IDR5.OAS
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

const CAPABILITY_HELP: &str = "\
Examples:
  smmu-sim capability BTM
  smmu-sim capability IDR3.RIL
  smmu-sim capability --format json

Exit codes: 0 done; 2 no capability has this name.";

/// Find the ID register bits that a VMM depends on although the kernel's list does not let it read them.
///
/// Flips each bit of IDR0 to IDR5 outside the list, one at a time, in what the kernel reports, and compares what the
/// guest is shown, what the VMM asks of VIOMMU_ALLOC, and whether it starts. Policies: `kdoc` follows the list,
/// `passthrough` shows what it reads and does not emulate, `verbatim` shows all of it, `masked` follows the mask of a
/// hypothetical explicit kernel; the others are what real VMMs do. Without a policy, all are audited.
#[derive(Args, Debug)]
#[command(after_long_help = AUDIT_HELP)]
pub(super) struct AuditArgs {
    /// The VMM
    #[arg(value_name = "POLICY", value_parser = policy_names())]
    policy: Option<String>,
    /// Which kernel the VMM was written for
    #[arg(long, value_name = "LINUX", default_value = "7.3", value_parser = vintage_names())]
    vintage: String,
    /// The hardware
    #[arg(long, value_name = "NAME", default_value = "grace", value_parser = preset_names())]
    preset: String,
    /// An ID register or a field of one, on top of the preset; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_assignment)]
    idr: Vec<(String, u64)>,
    #[command(flatten)]
    output: OutputArgs,
}

const AUDIT_HELP: &str = "\
Examples:
  smmu-sim audit
  smmu-sim audit qemu-11.1 --preset max
  smmu-sim audit passthrough --idr IDR0.HTTU=0 --format json

Exit codes: 0 no policy depends on such a bit; 1 one does; 2 the registers cannot be used.";

impl CapabilityArgs {
    pub(super) fn run(self) -> miette::Result<Verdict> {
        let mut out = output();
        let format = self.output.format();
        let written = match &self.name {
            None => analysis::write_all(&mut out, format),
            Some(name) => analysis::write(&mut out, format, find(name)?),
        };
        written.and_then(|()| out.flush()).map_err(CannotWrite)?;
        Ok(Verdict::Met)
    }
}

fn find(name: &str) -> miette::Result<&'static Capability> {
    Capability::find(name).ok_or_else(|| {
        let nearest = Capability::nearest(name).map(|near| format!("; did you mean {near}?"));
        miette!(
            help = "`smmu-sim capability` lists them",
            "no capability is called {name}{}",
            nearest.unwrap_or_default()
        )
    })
}

impl AuditArgs {
    pub(super) fn run(self) -> miette::Result<Verdict> {
        let preset = Preset::from_name(&self.preset).expect("clap knows the presets");
        let ids = registers(preset.id_registers(), &self.idr)?;
        machine::features(ids)?;
        let seen = Seen { ids, mask: None, capabilities: 0 };
        let vintage = Vintage::from_name(&self.vintage).expect("clap knows the vintages");
        let is_asked = |policy: &Policy| self.policy.as_deref().is_none_or(|name| name == policy.name());
        let mut out = output();
        let mut verdict = Verdict::Met;
        for policy in Policy::all().filter(is_asked) {
            let dependences = audit::audit(policy, vintage, &seen);
            if !dependences.is_empty() {
                verdict = Verdict::Failed;
            }
            let refused = policy.decide(vintage, &seen).err();
            let written =
                audit::write(&mut out, self.output.format(), (policy.name(), refused), &dependences);
            written.map_err(CannotWrite)?;
        }
        out.flush().map_err(CannotWrite)?;
        Ok(verdict)
    }
}

/// Run a guest on every combination of hardware, platform, kernel and VMM, and see what comes of it.
///
/// FILE lists the members of the four axes; docs/negotiation.md describes it. In each cell a machine is booted, a VMM
/// asks the kernel what there is and decides what to show, and a guest uses all that it is shown: it maps, moves data,
/// tracks dirty pages, uses PASIDs, and unmaps by commands or by TLBIs of its vCPUs. A cell works, is refused (by whom,
/// with which error), or misleads its guest (what broke, and the lines that show it). VMMs that work today and break
/// with a later kernel are listed.
///
/// The last line is `cells: N work, M refused, K misled; L expectations not met`.
#[derive(Args, Debug)]
#[command(after_long_help = MATRIX_HELP)]
pub(super) struct MatrixArgs {
    /// The matrix (.kdl)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Also write the report as one page of HTML
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Leave out what happened where guests were misled
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    output: OutputArgs,
}

const MATRIX_HELP: &str = "\
Examples:
  smmu-sim matrix matrices/default.kdl
  smmu-sim matrix --quiet --html report.html matrices/default.kdl
  smmu-sim matrix matrices/claims/btm-raw.kdl --format json

Exit codes: 0 every `expect` of the file is met; 1 one is not; 2 the file cannot be used.";

impl MatrixArgs {
    pub(super) fn run(self) -> miette::Result<Verdict> {
        let Some(matrix) = self.read()? else { return Ok(Verdict::Unusable) };
        let bar = cell_bar(matrix.places().count());
        let report = matrix::run(&matrix, || bar.inc(1));
        bar.finish_and_clear();
        let mut out = output();
        let written = match self.output.format() {
            Format::Text => matrix::write_text(&mut out, &report, self.quiet),
            Format::Json => matrix::write_json(&mut out, &report),
        };
        written.and_then(|()| out.flush()).map_err(CannotWrite)?;
        if let Some(path) = &self.html {
            let cannot = || format!("cannot write {}", path.display());
            let file = File::create(path).into_diagnostic().wrap_err_with(cannot)?;
            let mut page = BufWriter::new(file);
            let title = self.file.file_stem().unwrap_or_default().to_string_lossy();
            let written = matrix::write_html(&mut page, &report, &title).and_then(|()| page.flush());
            written.into_diagnostic().wrap_err_with(cannot)?;
        }
        Ok(if report.unmet.is_empty() { Verdict::Met } else { Verdict::Failed })
    }

    /// `None` if it says what is wrong.
    fn read(&self) -> miette::Result<Option<Matrix>> {
        let text = scenario::read_text(&self.file);
        let text = text.into_diagnostic().wrap_err_with(|| format!("cannot read {}", self.file.display()))?;
        match matrix::read(self.file.display().to_string(), &text) {
            Ok(matrix) => Ok(Some(matrix)),
            Err((problems, sources)) => {
                let text = scenario::render_all(&problems, &sources);
                write!(Unfailing(io::stderr()), "{text}").expect("what cannot be written is dropped");
                Ok(None)
            }
        }
    }
}

/// Cells that have run; hidden where nobody watches.
fn cell_bar(cells: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} cells {eta}");
    let cells = u64::try_from(cells).expect("so many cells fit");
    ProgressBar::new(cells).with_style(style.expect("the template is well formed"))
}

fn policy_names() -> PossibleValuesParser {
    PossibleValuesParser::new(Policy::all().map(Policy::name))
}

fn vintage_names() -> PossibleValuesParser {
    PossibleValuesParser::new(Vintage::ALL.iter().map(|vintage| vintage.name()))
}
