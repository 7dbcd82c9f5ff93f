//! What can go wrong for a virtual machine monitor: the call that the kernel refused, and in the course of what.

use std::fmt;

use smmu_model::features::Refusal;

use super::calls::Call;
use crate::errno::Errno;

/// Why a virtual machine cannot be set up, or changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum VmmError {
    /// The kernel refused a call.
    #[error("refused by the kernel at {call}, {errno}, {step}")]
    Refused {
        /// What was being done.
        step: Step,
        /// The call.
        call: Call,
        /// Its error.
        errno: Errno,
    },
    /// No SMMU can have the ID registers that the guest is to be shown.
    #[error("no SMMU has what the guest is to be shown: {}", reasons(.0))]
    Offer(Vec<Refusal>),
    /// Without a device there is no SMMU that the guest's could be a part of.
    #[error("an accelerated machine starts with a device")]
    NoDevice,
    /// Two devices of the guest are to have one StreamID.
    #[error("StreamID {0:#x} names two devices")]
    StreamTwice(u32),
    /// The guest has no device of this StreamID.
    #[error("StreamID {0:#x} names no device")]
    StreamUnknown(u32),
}

/// What a monitor does when it makes a call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Step {
    /// Getting memory for itself and for the guest.
    Memory,
    /// Creating the virtual machine.
    Machine,
    /// Opening the iommufd.
    Open,
    /// Opening and binding the device with this StreamID of the guest.
    Bind(u32),
    /// Asking what the hardware behind a device is.
    HwInfo(u32),
    /// Mapping guest memory.
    Map,
    /// Allocating the stage 2 that nested ones stand on.
    NestParent,
    /// Allocating the virtual IOMMU.
    Viommu,
    /// Allocating what devices are attached to while the guest's tables do not count.
    Static,
    /// Naming a device as the guest does.
    Vdevice(u32),
    /// Allocating the queue of events.
    EventQueue,
    /// Allocating the queue of page faults.
    FaultQueue,
    /// Attaching a device.
    Attach(u32),
    /// Putting an STE of the guest into effect.
    Ste(u32),
    /// Passing on invalidations of the guest.
    Invalidate,
    /// Taking something away again.
    Teardown,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("getting memory"),
            Self::Machine => f.write_str("creating the virtual machine"),
            Self::Open => f.write_str("opening the iommufd"),
            Self::Bind(stream) => write!(f, "binding device {stream:#x}"),
            Self::HwInfo(stream) => write!(f, "asking about device {stream:#x}"),
            Self::Map => f.write_str("mapping guest memory"),
            Self::NestParent => f.write_str("allocating the nest parent"),
            Self::Viommu => f.write_str("allocating the vIOMMU"),
            Self::Static => f.write_str("allocating bypass and abort"),
            Self::Vdevice(stream) => write!(f, "naming device {stream:#x}"),
            Self::EventQueue => f.write_str("allocating the event queue"),
            Self::FaultQueue => f.write_str("allocating the queue of page faults"),
            Self::Attach(stream) => write!(f, "attaching device {stream:#x}"),
            Self::Ste(stream) => write!(f, "installing the STE of {stream:#x}"),
            Self::Invalidate => f.write_str("passing on invalidations"),
            Self::Teardown => f.write_str("taking things away"),
        }
    }
}

fn reasons(refusals: &[Refusal]) -> String {
    let reasons: Vec<_> = refusals.iter().map(Refusal::to_string).collect();
    reasons.join("; ")
}
