//! What a cell came to.

use std::fmt;

use crate::errno::Errno;

/// What really happened in a cell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Everything that the guest did had the effect that it must have.
    Works,
    /// Somebody said no before the guest could be misled.
    Refused(Refusal),
    /// The guest did what its SMMU said it may, and it went wrong.
    Misled(Vec<Symptom>),
}

/// Who said no, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Who.
    pub by: By,
    /// At what.
    pub at: String,
    /// With which error, if it was one.
    pub errno: Option<Errno>,
}

/// Who says no.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum By {
    /// The host's kernel.
    Kernel,
    /// The VMM.
    Vmm,
    /// The guest's driver.
    Guest,
}

/// What went wrong for the guest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Symptom {
    /// A device's access failed, or reached other memory than the guest mapped.
    DmaFails,
    /// The SMMU refused a CD or an STE of the guest.
    BadDescriptor,
    /// A device's access failed where hardware was to update the guest's tables.
    AbortedUpdate,
    /// A page that a device wrote is not dirty.
    LostDirtyBits,
    /// A device still reaches what the guest unmapped, after a TLBI of a vCPU.
    StaleAfterTlbi,
    /// A device still reaches what the guest unmapped, after the commands for it.
    StaleAfterCommands,
    /// A legal command of the guest was refused, EIO.
    CommandRefused,
    /// The guest's STE was refused.
    SteRefused,
}

/// What a guest can be seen to use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Use {
    /// Dirty pages by hardware.
    Httu,
    /// TLBIs of vCPUs instead of commands.
    Btm,
    /// PASIDs.
    Pasid,
    /// Invalidation by ranges.
    Ranges,
    /// ATS.
    Ats,
}

impl By {
    /// The name in files and output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Vmm => "vmm",
            Self::Guest => "guest",
        }
    }
}

impl Symptom {
    /// All symptoms.
    pub const ALL: &'static [Self] = &[
        Self::DmaFails,
        Self::BadDescriptor,
        Self::AbortedUpdate,
        Self::LostDirtyBits,
        Self::StaleAfterTlbi,
        Self::StaleAfterCommands,
        Self::CommandRefused,
        Self::SteRefused,
    ];

    /// The name in files and output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DmaFails => "dma-fails",
            Self::BadDescriptor => "bad-descriptor",
            Self::AbortedUpdate => "aborted-update",
            Self::LostDirtyBits => "lost-dirty-bits",
            Self::StaleAfterTlbi => "stale-after-tlbi",
            Self::StaleAfterCommands => "stale-after-commands",
            Self::CommandRefused => "command-refused",
            Self::SteRefused => "ste-refused",
        }
    }

    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::DmaFails => "a device cannot reach memory that the guest mapped",
            Self::BadDescriptor => "the SMMU refuses a CD or an STE of the guest",
            Self::AbortedUpdate => "a hardware update of the guest's tables aborts, and the access with it",
            Self::LostDirtyBits => "a page that a device wrote is not dirty",
            Self::StaleAfterTlbi => {
                "a vCPU's TLBI never reached the SMMU: a device reaches what was unmapped"
            }
            Self::StaleAfterCommands => "a device reaches what was unmapped, after the guest's commands",
            Self::CommandRefused => "a command of the guest is refused, by its VMM or by the kernel",
            Self::SteRefused => "the guest's STE is refused",
        }
    }
}

impl Use {
    /// The name in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Httu => "HTTU",
            Self::Btm => "BTM",
            Self::Pasid => "PASID",
            Self::Ranges => "RIL",
            Self::Ats => "ATS",
        }
    }
}

impl Outcome {
    /// The kind, as files and output have it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Refused(_) => "refused",
            Self::Misled(_) => "misled",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Works => f.write_str("works"),
            Self::Refused(refusal) => write!(f, "refused by the {refusal}"),
            Self::Misled(symptoms) => {
                let names: Vec<_> = symptoms.iter().map(|symptom| symptom.name()).collect();
                write!(f, "guest misled: {}", names.join(", "))
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.by.name(), self.at)?;
        self.errno.map_or(Ok(()), |errno| write!(f, ", {errno}"))
    }
}
