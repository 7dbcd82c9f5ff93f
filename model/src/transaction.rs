//! What a client device asks for (§3.2, §3.3.4).

use crate::address::Iova;
use crate::attributes::Attributes;
use crate::ids::{StreamId, SubstreamId};

/// Read or write, as the client presents it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Direction {
    /// The client reads.
    Read,
    /// The client writes.
    Write,
}

/// The privilege of an access (PnU).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Privilege {
    /// As software at EL0.
    Unprivileged,
    /// As software at EL1 and above.
    Privileged,
}

/// Whether an access fetches instructions (InD).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Purpose {
    /// A data access. Every write is one (§13.1.2).
    Data,
    /// An instruction read.
    Instruction,
}

/// Whether the address was translated by ATS before (§3.9.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum AddressType {
    /// An ordinary transaction.
    Untranslated,
    /// An ATS Translated transaction: the address comes from an earlier completion.
    Translated,
}

/// The permission attributes of an access, as presented or as the STE overrides them (§13.1.4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Access {
    /// Read or write.
    pub direction: Direction,
    /// Privileged or not.
    pub privilege: Privilege,
    /// Data or instruction; always data for a write.
    pub purpose: Purpose,
}

impl Access {
    /// The access as the model judges it: a write is data whatever the client says (§13.1.2).
    pub const fn new(direction: Direction, privilege: Privilege, purpose: Purpose) -> Self {
        let purpose = match direction {
            Direction::Read => purpose,
            Direction::Write => Purpose::Data,
        };
        Self { direction, privilege, purpose }
    }

    /// A data access, unprivileged: what a device without such attributes presents (§13.1.3).
    pub const fn data(direction: Direction) -> Self {
        Self { direction, privilege: Privilege::Unprivileged, purpose: Purpose::Data }
    }
}

/// One access of a client device that does not cross a 4 KiB boundary of its address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Transaction {
    /// Who asks.
    pub stream: StreamId,
    /// On behalf of which process, if the device says so.
    pub substream: Option<SubstreamId>,
    /// The address of the first byte.
    pub address: Iova,
    /// What is asked, as the device presents it.
    pub access: Access,
    /// Whether ATS translated the address before.
    pub address_type: AddressType,
    /// The memory attributes that come with the access.
    pub attributes: Attributes,
}
