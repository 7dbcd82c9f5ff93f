//! Audit: which bits of the ID registers does a VMM depend on, although the kernel's list does not let it read them?
//!
//! Every bit of IDR0 to IDR5 that the list leaves out is flipped, one at a time, in what the kernel reports. Where what
//! the guest is shown, or what the VMM asks of the kernel, or whether it starts at all is not the same after that, the
//! VMM has read it.

use std::io::{self, Write};

use serde_json::json;
use smmu_model::features::{FIELDS, IdRegisters};

use super::policy::{Decision, Policy, Refused, Seen, Vintage};
use crate::kernel::generation::DOCUMENTED;
use crate::output::Format;

/// A dependence on a bit that a VMM must ignore.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dependence {
    /// `IDR0.ATS`, or `IDR4[3]` for a bit without a field.
    pub field: String,
    /// The register, 0 to 5.
    pub register: usize,
    /// The bit.
    pub bit: u8,
    /// What changes.
    pub change: Change,
}

/// What changes when a bit is flipped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// The guest is shown other ID registers: `IDR0.ATS 1 -> 0`, a field each.
    Shown(Vec<String>),
    /// The VMM sets other flags of VIOMMU_ALLOC.
    Flags {
        /// Before.
        before: u32,
        /// After.
        after: u32,
    },
    /// The VMM does not start any more.
    Refuses(Refused),
    /// The VMM starts now.
    Starts,
}

/// Flips every bit outside the kernel's list, in registers that `seen` has.
pub fn audit(policy: Policy, vintage: Vintage, seen: &Seen) -> Vec<Dependence> {
    let before = policy.decide(vintage, seen);
    let mut found = Vec::new();
    for register in 0..6 {
        for bit in (0..32).filter(|&bit| !is_documented(register, bit)) {
            let mut flipped = *seen;
            flipped.ids.idr[register] ^= 1 << bit;
            let after = policy.decide(vintage, &flipped);
            if let Some(change) = change(&before, &after) {
                found.push(Dependence { field: name_of(register, bit), register, bit, change });
            }
        }
    }
    found
}

fn change(before: &Result<Decision, Refused>, after: &Result<Decision, Refused>) -> Option<Change> {
    match (before, after) {
        (Ok(before), Ok(after)) if before.ids != after.ids => {
            Some(Change::Shown(differences(&before.ids, &after.ids)))
        }
        (Ok(Decision { viommu_flags: before, .. }), Ok(Decision { viommu_flags: after, .. })) => {
            (before != after).then_some(Change::Flags { before: *before, after: *after })
        }
        (Ok(_), Err(refused)) => Some(Change::Refuses(*refused)),
        (Err(_), Ok(_)) => Some(Change::Starts),
        // It refuses either way; another value of the same field is no other answer.
        (Err(before), Err(after)) => (before.field != after.field).then_some(Change::Refuses(*after)),
    }
}

/// The fields that differ, or whole registers where no field tells.
fn differences(before: &IdRegisters, after: &IdRegisters) -> Vec<String> {
    let value = |ids: &IdRegisters, name: &str| ids.field(name).expect("the name is of the list");
    let differs = |name: &str| {
        (value(before, name) != value(after, name))
            .then(|| format!("{name} {:#x} -> {:#x}", value(before, name), value(after, name)))
    };
    let of = |registers: bool| {
        let names = FIELDS.iter().filter(move |field| field.is_register() == registers);
        names.filter_map(|field| differs(field.name)).collect::<Vec<_>>()
    };
    let fields = of(false);
    if fields.is_empty() { of(true) } else { fields }
}

fn is_documented(register: usize, bit: u8) -> bool {
    DOCUMENTED.contains(&name_of(register, bit).as_str())
}

/// The field that a bit lies in, or the bit by its place.
fn name_of(register: usize, bit: u8) -> String {
    let prefix = format!("IDR{register}.");
    let field = FIELDS.iter().find(|field| field.name.starts_with(&prefix) && field.mask() >> bit & 1 != 0);
    field.map_or_else(|| format!("IDR{register}[{bit}]"), |field| field.name.to_owned())
}

/// Writes whether the VMM refuses the host as it is, then what was found, a line for each field, and how many bits it is.
///
/// In JSON, there is a line for each bit, `{"type": "dependence", "policy", "field", "register", "bit", "change"}`, and the
/// last is `{"type": "summary", "policy", "refuses", "dependences"}`.
pub fn write(
    out: &mut impl Write,
    format: Format,
    (policy, refused): (&str, Option<Refused>),
    dependences: &[Dependence],
) -> io::Result<()> {
    let count = dependences.len();
    let refused = refused.map(|refused| refused.to_string());
    match format {
        Format::Json => {
            for Dependence { field, register, bit, change } in dependences {
                let register = format!("IDR{register}");
                let line = json!({
                    "type": "dependence", "policy": policy, "field": field, "register": register, "bit": bit,
                    "change": change.text(),
                });
                writeln!(out, "{line}")?;
            }
            let last =
                json!({ "type": "summary", "policy": policy, "refuses": refused, "dependences": count });
            writeln!(out, "{last}")
        }
        Format::Text => {
            if let Some(refused) = refused {
                writeln!(out, "{policy}: {refused}")?;
            }
            for of_field in dependences.chunk_by(|one, other| one.field == other.field) {
                let (field, change) = (&of_field[0].field, of_field[0].change.text());
                writeln!(out, "{policy} depends on {field}, which the kernel's list does not let it read")?;
                writeln!(out, "  with bit {} flipped, {change}", of_field[0].bit)?;
            }
            let bits = if count == 1 { "bit" } else { "bits" };
            let matter = if count == 1 { "matters" } else { "matter" };
            writeln!(out, "{policy}: {count} {bits} outside the kernel's list {matter}")
        }
    }
}

impl Change {
    /// In words.
    pub fn text(&self) -> String {
        match self {
            Self::Shown(fields) => format!("the guest is shown {}", fields.join(", ")),
            Self::Flags { before, after } => format!("VIOMMU_ALLOC gets flags {after:#x}, not {before:#x}"),
            Self::Refuses(refused) => refused.to_string(),
            Self::Starts => "the VMM starts, which it did not before".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use smmu_model::features::Preset;

    use super::super::PROFILES;
    use super::super::policy::set;
    use super::*;

    fn fields(policy: Policy) -> Vec<String> {
        let seen = Seen { ids: Preset::Grace.id_registers(), mask: None, capabilities: 0 };
        let mut fields: Vec<_> =
            audit(policy, Vintage::Linux7_3, &seen).into_iter().map(|found| found.field).collect();
        fields.dedup();
        fields
    }

    #[test]
    fn a_vmm_that_follows_the_list_depends_on_nothing_else() {
        assert_eq!(fields(Policy::Kdoc), Vec::<String>::new());
        assert_eq!(fields(Policy::Masked), Vec::<String>::new());
    }

    #[test]
    fn real_vmms_all_read_oas_and_qemu_reads_ats() {
        let of = |name: &str| {
            fields(Policy::Profile(PROFILES.iter().find(|known| known.name == name).expect(name)))
        };
        assert_eq!(of("qemu-11.1"), ["IDR0.ATS", "IDR5.OAS"]);
        assert_eq!(of("openvmm-2026"), ["IDR5.OAS"]);
        assert_eq!(of("cloud-hypervisor-2026"), ["IDR0.COHACC", "IDR0.VMID16", "IDR5.OAS"]);
    }

    #[test]
    fn a_vmm_that_refuses_the_host_depends_on_what_would_change_its_mind() {
        let mut seen = Seen { ids: Preset::Grace.id_registers(), mask: None, capabilities: 0 };
        set(&mut seen.ids, "IDR5.OAS", 1);
        let qemu = Policy::from_name("qemu-11.1").expect("it is known");
        let found = audit(qemu, Vintage::Linux7_3, &seen);
        let [Dependence { bit: 2, change: Change::Starts, .. }] = found[..] else { panic!("{found:?}") };
    }

    #[test]
    fn passing_everything_on_depends_on_everything_that_is_not_emulated() {
        let found = fields(Policy::Passthrough);
        for name in ["IDR0.HTTU", "IDR0.BTM", "IDR0.PRI", "IDR3.MPAM", "IDR5.OAS"] {
            assert!(found.iter().any(|field| field == name), "{name} in {found:?}");
        }
        assert!(!found.iter().any(|field| field == "IDR1.CMDQS"));
    }
}
