//! What devices do: accesses, Translation Requests and page requests, and what must come of the latter two.

use smmu_model::ats::{PageRequest, ResponseCode};
use smmu_model::attributes::Attributes;
use smmu_model::hint::PageHint;
use smmu_model::ids::{StreamId, SubstreamId};
use smmu_model::transaction::{Direction, Privilege, Purpose};

use super::{Claim, Operand, ResultId};

/// A device access.
#[derive(Clone, Debug)]
pub struct Dma {
    /// The name of the device.
    pub device: String,
    /// Its StreamID.
    pub stream: StreamId,
    /// Its SubstreamID, if it presents one.
    pub substream: Option<SubstreamId>,
    /// Read or write.
    pub direction: Direction,
    /// The first address.
    pub address: Operand,
    /// How many bytes.
    pub length: u32,
    /// PnU.
    pub privilege: Privilege,
    /// InD.
    pub purpose: Purpose,
    /// Who translates the address.
    pub route: Route,
    /// Whether the device marks it as speculative.
    pub speculative: bool,
    /// The attributes that come with it.
    pub attributes: Attributes,
    /// What is written, repeated over the length.
    pub data: Operand,
    /// The name of the result.
    pub result: Option<ResultId>,
    /// What must come of it.
    pub claims: Vec<Claim>,
}

/// Who translates the address of a device access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    /// The SMMU: an Untranslated transaction.
    Smmu,
    /// Nobody: a Translated transaction with the address as it is.
    Translated,
    /// The device's ATC: a Translated transaction with the address that it has or asks for.
    Atc,
}

/// A Translation Request of a device.
#[derive(Clone, Debug)]
pub struct Ats {
    /// The name of the device.
    pub device: String,
    /// Its StreamID.
    pub stream: StreamId,
    /// Its SubstreamID, if it presents one.
    pub substream: Option<SubstreamId>,
    /// The first address.
    pub address: Operand,
    /// How many Smallest Translation Units.
    pub units: u8,
    /// NW.
    pub no_write: bool,
    /// Exe.
    pub execute: bool,
    /// Priv.
    pub privilege: Privilege,
    /// The name of the result.
    pub result: Option<ResultId>,
    /// What must come of it.
    pub claims: Vec<Claim>,
}

/// A page request of a device.
#[derive(Clone, Debug)]
pub struct Pri {
    /// The name of the device.
    pub device: String,
    /// The page.
    pub address: Operand,
    /// The request, for whatever address.
    pub request: PageRequest,
}

/// A page hint of a device.
#[derive(Clone, Debug)]
pub struct Hint {
    /// The name of the device.
    pub device: String,
    /// The first page.
    pub address: Operand,
    /// The hint, for whatever address.
    pub hint: PageHint,
}

/// What the SMMU may fetch ahead.
#[derive(Clone, Copy, Debug)]
pub struct Speculation {
    /// Whose configuration.
    pub stream: StreamId,
    /// Which of its substreams.
    pub substream: Option<SubstreamId>,
    /// The address of a translation, if not configuration alone.
    pub address: Option<Operand>,
}

/// What the reply to a Translation Request must be.
#[derive(Clone, Debug)]
pub struct ReplyClaim {
    /// The status; the permissions are those of `entry`.
    pub status: ReplyStatus,
    /// Which entry.
    pub entry: usize,
    /// How many entries there are.
    pub entries: Option<usize>,
    /// The address that the entry translates to.
    pub output: Option<Operand>,
    /// log2 of the bytes of its region.
    pub size_log2: Option<u8>,
    /// Its permissions: letters of `RWX`, in this order.
    pub permissions: Option<String>,
}

/// The ways in which a Translation Request ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReplyStatus {
    /// Success with some permission.
    Success,
    /// Success without any.
    NoAccess,
    /// UR.
    UnsupportedRequest,
    /// CA.
    CompleterAbort,
}

impl ReplyStatus {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::Success, Self::NoAccess, Self::UnsupportedRequest, Self::CompleterAbort];

    /// The name in scenarios.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::NoAccess => "no-access",
            Self::UnsupportedRequest => "unsupported-request",
            Self::CompleterAbort => "completer-abort",
        }
    }
}

/// What a PRG Response must be; what is `None` is not stated.
#[derive(Clone, Copy, Debug)]
pub struct ResponseClaim {
    /// The device.
    pub stream: StreamId,
    /// The code.
    pub code: ResponseCode,
    /// PRGIndex.
    pub prg_index: Option<u16>,
    /// The PASID.
    pub substream: Option<SubstreamId>,
    /// It carries no PASID.
    pub no_substream: bool,
}

/// The part of a Translation Completion in outcomes that is no number: the permissions of its first entry.
pub(crate) const PERMISSIONS: &str = "permissions";
