//! The argument: which bits of the ID registers may a VMM read, and show to its guest?
//!
//! [`capability`] asks the four questions of every field, [`policy`] has what VMMs do with what the kernel reports, as
//! data, and [`audit`] finds what a policy reads that it should not.

pub mod analysis;
pub mod audit;
pub mod capability;
pub mod policy;
mod profiles;
mod table;

pub use capability::{Answer, Capability, Documented, Way};
pub(crate) use policy::CAP_PCI_ATS_NOT_SUPPORTED;
pub use policy::{Decision, Policy, Refused, Seen, Vintage};
pub use profiles::{PROFILES, Profile};
pub use table::CAPABILITIES;
