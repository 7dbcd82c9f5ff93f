//! CMD_ATC_INV and CMD_PRI_RESP: messages to the devices behind PCIe (§4.5).

use super::stream::{stream, substream};
use crate::address::low_mask;
use crate::choice::answer::AtcInvSize;
use crate::env::Env;
use crate::features::Features;
use crate::ids::{StreamId, SubstreamId};
use crate::layout::command::Command;
use crate::rule::Rule;

/// The largest Size of CMD_ATC_INV: the whole address space.
const SIZE_MAX: u8 = 52;

/// An invalidation in the address translation cache of a device (§4.5.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AtcInv {
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

/// The answer to a group of page requests (§4.5.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PriResp {
    /// The device.
    pub stream: StreamId,
    /// The PASID, if the answer carries one.
    pub substream: Option<SubstreamId>,
    /// The group.
    pub prg_index: u16,
    /// What became of it.
    pub response: Response,
}

/// What became of a group of page requests (§4.5.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Response {
    /// The device must not ask any more.
    Failure,
    /// Some request was not valid.
    Invalid,
    /// The pages are there.
    Success,
}

pub(super) fn atc_inv(env: &mut impl Env, f: &Features, command: Command) -> Result<AtcInv, Rule> {
    let word = command.atc_inv1();
    if word.size() > SIZE_MAX {
        return match env.ask(&[AtcInvSize::Illegal, AtcInvSize::Unknown]) {
            AtcInvSize::Illegal => Err(Rule::CommandAtcSize),
            AtcInvSize::Unknown => Err(Rule::CommandOutOfRange),
        };
    }
    let log2_span_bytes = 12 + word.size();
    let substream = substream(env, f, command)?;
    Ok(AtcInv {
        stream: stream(env, f, command)?,
        substream,
        global: substream.is_some() && command.stream().global(),
        address: word.address() & !low_mask(log2_span_bytes),
        log2_span_bytes,
    })
}

pub(super) fn pri_resp(env: &mut impl Env, f: &Features, command: Command) -> Result<PriResp, Rule> {
    let word = command.pri_resp1();
    let response = match word.resp() {
        0 => Response::Failure,
        1 => Response::Invalid,
        2 => Response::Success,
        _reserved => return Err(Rule::CommandPriRespReserved),
    };
    let (stream, substream) = (stream(env, f, command)?, substream(env, f, command)?);
    Ok(PriResp { stream, substream, prg_index: word.prg_index(), response })
}
