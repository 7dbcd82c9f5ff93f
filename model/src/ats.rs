//! What the SMMU and the devices behind a Root Complex say to each other: ATS (§3.9.1) and PRI (chapter 8).

use crate::address::Iova;
use crate::features::Features;
use crate::ids::{StreamId, SubstreamId};
use crate::rule::Rule;
use crate::transaction::Privilege;

/// A device asks for the translation of some pages, to keep it (§3.9.1.2).
///
/// Without a SubstreamID the request is for data and unprivileged, whatever it says (§13.7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AtsRequest {
    /// Who asks: StreamID[15:0] is the RequesterID.
    pub stream: StreamId,
    /// On behalf of which process: the PASID, if there is one.
    pub substream: Option<SubstreamId>,
    /// The first address; bits below the Smallest Translation Unit do not count.
    pub address: Iova,
    /// How many Smallest Translation Units: at least 1, at most [`AtsRequest::UNITS_MAX`].
    pub units: u8,
    /// NW: the device does not intend to write.
    pub no_write: bool,
    /// Exe: the device intends to execute.
    pub execute: bool,
    /// Priv.
    pub privilege: Privilege,
}

impl AtsRequest {
    /// As many as the Span of F_BAD_ATS_TREQ can tell (§7.3.6).
    pub const UNITS_MAX: u8 = 15;

    /// The bytes of the Smallest Translation Unit: the smallest granule (§3.9.1).
    pub const fn unit_bytes(f: &Features) -> u64 {
        if f.granule_4k {
            0x1000
        } else if f.granule_16k {
            0x4000
        } else {
            0x1_0000
        }
    }

    /// The request as it counts: Exe and Priv belong to the PASID prefix (§13.7.1).
    pub(crate) fn as_presented(self) -> Self {
        if self.substream.is_some() {
            return self;
        }
        Self { execute: false, privilege: Privilege::Unprivileged, ..self }
    }
}

/// The answer to an [`AtsRequest`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AtsReply {
    /// What the device sees.
    pub completion: Completion,
    /// The rule that refused the request, or all of its first page.
    pub rule: Option<Rule>,
}

/// A Translation Completion (§3.9.1.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Completion {
    /// Success: entries for consecutive regions, the first with the address of the request; never empty.
    Success(Vec<AtsEntry>),
    /// Unsupported Request: ATS is off.
    UnsupportedRequest,
    /// Completer Abort: an error of configuration.
    CompleterAbort,
}

/// What a device may do in one region. Untranslated access only (U), No-snoop (N) and Global are always 0
/// (§3.9.1, §13.6.2.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AtsEntry {
    /// The first address of the region.
    pub input: Iova,
    /// What it translates to: a physical address, or an IPA with split-stage ATS. Zero without any permission.
    pub output: u64,
    /// log2 of the bytes of the region.
    pub size_log2: u8,
    /// R.
    pub read: bool,
    /// W.
    pub write: bool,
    /// Exe.
    pub execute: bool,
    /// Priv: that of the request.
    pub privilege: Privilege,
}

/// An ATS Invalidate Request, sent for CMD_ATC_INV (§4.5.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct InvalidateRequest {
    /// The device.
    pub stream: StreamId,
    /// The PASID, if the request carries one.
    pub substream: Option<SubstreamId>,
    /// Whether it is for every PASID; only with one.
    pub global: bool,
    /// The first address, a multiple of the span.
    pub address: u64,
    /// log2 of the bytes of the span, 12 to 64.
    pub log2_span_bytes: u8,
}

/// What a device says to an [`InvalidateRequest`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Invalidated {
    /// Nothing of the span is left, and no access that used it is under way.
    Completed,
    /// Unsupported Request: nothing need have been invalidated (§3.9.1.5).
    Unsupported,
    /// Nothing, for longer than the Root Complex waits (§3.9.1.4).
    TimedOut,
}

/// A device asks software for a page (§8, A1 of the record).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PageRequest {
    /// Who asks.
    pub stream: StreamId,
    /// The PASID, if the request has one.
    pub substream: Option<SubstreamId>,
    /// The page: bits below 12 do not count.
    pub address: Iova,
    /// PRGIndex, 9 bits: the group of requests that are answered together.
    pub prg_index: u16,
    /// L: the last request of its group.
    pub last: bool,
    /// R.
    pub read: bool,
    /// W.
    pub write: bool,
    /// X; only with a PASID.
    pub execute: bool,
    /// Priv; only with a PASID.
    pub privilege: Privilege,
}

impl PageRequest {
    /// The request as it counts: X and Priv belong to the PASID prefix, which only an SMMU with substreams sees;
    /// PRGIndex has 9 bits, a PASID 20 (§8).
    pub(crate) fn as_presented(self, f: &Features) -> Self {
        let prg_index = self.prg_index & 0x1ff;
        match self.substream.filter(|_| f.ssid_bits != 0) {
            Some(SubstreamId(id)) => Self { substream: Some(SubstreamId(id & 0xf_ffff)), prg_index, ..self },
            None => Self {
                substream: None,
                prg_index,
                execute: false,
                privilege: Privilege::Unprivileged,
                ..self
            },
        }
    }

    /// A Stop PASID marker asks for nothing and gets no answer (§8).
    pub const fn is_stop_marker(&self) -> bool {
        self.substream.is_some() && self.last && !self.read && !self.write
    }
}

/// A PRG Response, sent for CMD_PRI_RESP (§4.5.2) or by the SMMU itself (§8.1, §8.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PrgResponse {
    /// The device.
    pub stream: StreamId,
    /// The PASID, if the response carries one.
    pub substream: Option<SubstreamId>,
    /// PRGIndex, 9 bits.
    pub prg_index: u16,
    /// What became of the group.
    pub code: ResponseCode,
}

/// What became of a group of page requests (§8.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ResponseCode {
    /// The pages are there.
    Success,
    /// Some page does not exist, or not with these permissions.
    InvalidRequest,
    /// The device must not ask any more.
    ResponseFailure,
}

impl ResponseCode {
    /// The name of the status.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::InvalidRequest => "Invalid Request",
            Self::ResponseFailure => "Response Failure",
        }
    }

    /// The value in the message.
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0b0000,
            Self::InvalidRequest => 0b0001,
            Self::ResponseFailure => 0b1111,
        }
    }
}
