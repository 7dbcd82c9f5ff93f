//! CMD_PREFETCH_CONFIG and CMD_PREFETCH_ADDR (§4.2): hints, of which any part may be followed.

use super::stream::{stream, substream};
use crate::address::Iova;
use crate::env::Env;
use crate::features::{Features, Revision};
use crate::ids::{StreamId, SubstreamId};
use crate::layout::command::Command;
use crate::rule::Rule;

/// What software expects to be used soon.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Prefetch {
    /// Whose configuration.
    pub stream: StreamId,
    /// Which of its substreams.
    pub substream: Option<SubstreamId>,
    /// Which translations, of CMD_PREFETCH_ADDR.
    pub addresses: Option<Addresses>,
}

/// Evenly spaced addresses (§4.2.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Addresses {
    /// The first.
    pub first: Iova,
    /// log2 of how many there are.
    pub log2_count: u8,
    /// log2 of the bytes from one to the next.
    pub log2_stride_bytes: u8,
}

impl Addresses {
    /// One address alone.
    pub const fn one(first: Iova) -> Self {
        Self { first, log2_count: 0, log2_stride_bytes: 12 }
    }
}

pub(super) fn config(env: &mut impl Env, f: &Features, command: Command) -> Result<Prefetch, Rule> {
    Ok(Prefetch { stream: stream(env, f, command)?, substream: substream(env, f, command)?, addresses: None })
}

pub(super) fn addresses(env: &mut impl Env, f: &Features, command: Command) -> Result<Prefetch, Rule> {
    let word = command.prefetch1();
    // v3.0 has no Stride (§4.2.2).
    let stride = if f.revision == Revision::V3_0 { 0 } else { word.stride() };
    let addresses = Addresses {
        first: Iova::new(word.address()),
        log2_count: word.size(),
        log2_stride_bytes: 12 + stride,
    };
    Ok(Prefetch { addresses: Some(addresses), ..config(env, f, command)? })
}
