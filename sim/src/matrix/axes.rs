//! What a matrix crosses, and what it expects of the cells.

use smmu_model::features::Features;
use smmu_model::ids::Vmid;

use super::outcome::{By, Outcome, Symptom};
use crate::driver::Firmware;
use crate::errno::Errno;
use crate::kernel::generation::Generation;
use crate::negotiation::{Policy, Vintage};
use crate::scenario::{Sources, Span};

/// Four axes, and expectations.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// The text that it was read from.
    pub sources: Sources,
    /// The SMMUs.
    pub hardware: Vec<Hardware>,
    /// Firmware, interconnect, and the VMIDs of KVM.
    pub platforms: Vec<Platform>,
    /// The host's kernels.
    pub kernels: Vec<HostKernel>,
    /// The VMMs.
    pub vmms: Vec<Vmm>,
    /// What must come of cells.
    pub expectations: Vec<Expectation>,
}

/// An SMMU.
#[derive(Clone, Debug)]
pub struct Hardware {
    /// Its name.
    pub name: String,
    /// What it has.
    pub features: Features,
}

/// What is around the SMMU.
#[derive(Clone, Debug)]
pub struct Platform {
    /// Its name.
    pub name: String,
    /// What firmware says.
    pub firmware: Firmware,
    /// The interconnect carries atomic updates.
    pub has_atomics: bool,
    /// The root complex forces the device's writes coherent (CANWBS).
    pub canwbs: bool,
    /// The VMID that KVM gives out first. The SMMU's first is 1.
    pub first_kvm_vmid: Vmid,
}

/// The host's kernel.
#[derive(Clone, Debug)]
pub struct HostKernel {
    /// Its name.
    pub name: String,
    /// What it offers.
    pub generation: Generation,
}

/// A VMM.
#[derive(Clone, Debug)]
pub struct Vmm {
    /// Its name.
    pub name: String,
    /// What it makes of what it reads.
    pub policy: Policy,
    /// When it was written.
    pub vintage: Vintage,
}

/// `expect`: all cells that it names must come to this.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// Where it stands.
    pub span: Span,
    /// Names on the four axes; `None` for all.
    pub names: [Option<String>; 4],
    /// The kind of outcome.
    pub kind: Kind,
    /// Symptoms that must be among those of a misled guest.
    pub symptoms: Vec<Symptom>,
    /// Who must have refused.
    pub by: Option<By>,
    /// With which error.
    pub errno: Option<Errno>,
}

/// The kind of an outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It works.
    Works,
    /// It is refused.
    Refused,
    /// The guest is misled.
    Misled,
}

impl Kind {
    /// All kinds.
    pub const ALL: &'static [Self] = &[Self::Works, Self::Refused, Self::Misled];

    /// The name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Refused => "refused",
            Self::Misled => "misled",
        }
    }
}

impl Expectation {
    /// Whether a cell with these names is meant.
    pub fn means(&self, names: [&str; 4]) -> bool {
        self.names
            .iter()
            .zip(names)
            .all(|(wanted, name)| wanted.as_deref().is_none_or(|wanted| wanted == name))
    }

    /// Whether this is what must come of it.
    pub fn is_met(&self, outcome: &Outcome) -> bool {
        match (self.kind, outcome) {
            (Kind::Works, Outcome::Works) => true,
            (Kind::Refused, Outcome::Refused(refusal)) => {
                self.by.is_none_or(|by| by == refusal.by)
                    && self.errno.is_none_or(|errno| Some(errno) == refusal.errno)
            }
            (Kind::Misled, Outcome::Misled(symptoms)) => {
                self.symptoms.iter().all(|wanted| symptoms.contains(wanted))
            }
            (Kind::Works | Kind::Refused | Kind::Misled, _) => false,
        }
    }
}

impl Matrix {
    /// The places of all cells, the last axis fastest.
    pub fn places(&self) -> impl Iterator<Item = [usize; 4]> {
        let axes = [self.hardware.len(), self.platforms.len(), self.kernels.len(), self.vmms.len()];
        (0..axes.iter().product::<usize>()).map(move |number| {
            let [_, platforms, kernels, vmms] = axes;
            [
                number / (vmms * kernels * platforms),
                number / (vmms * kernels) % platforms,
                number / vmms % kernels,
                number % vmms,
            ]
        })
    }

    /// The names of what meets at a place.
    pub fn names(&self, [hardware, platform, kernel, vmm]: [usize; 4]) -> [&str; 4] {
        [
            &self.hardware[hardware].name,
            &self.platforms[platform].name,
            &self.kernels[kernel].name,
            &self.vmms[vmm].name,
        ]
    }
}
