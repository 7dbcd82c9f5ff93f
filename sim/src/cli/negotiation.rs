//! The commands about what a VMM may read and show: `capability` and `audit`.

use std::io::Write;

use clap::Args;
use clap::builder::PossibleValuesParser;
use miette::miette;
use smmu_model::features::Preset;
use smmu_sim::machine;
use smmu_sim::negotiation::{Capability, Policy, Seen, Vintage, analysis, audit};

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
/// `passthrough` shows what it reads, `masked` follows the mask of a hypothetical explicit kernel; the others are what
/// real VMMs do. Without a policy, all are audited.
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
            audit::write(&mut out, self.output.format(), policy.name(), &dependences).map_err(CannotWrite)?;
        }
        out.flush().map_err(CannotWrite)?;
        Ok(verdict)
    }
}

fn policy_names() -> PossibleValuesParser {
    PossibleValuesParser::new(Policy::all().map(Policy::name))
}

fn vintage_names() -> PossibleValuesParser {
    PossibleValuesParser::new(Vintage::ALL.iter().map(|vintage| vintage.name()))
}
