//! CMD_CFGI_*: invalidation of cached configuration (§4.3).

use super::range::within;
use super::stream::{stream, substream_index};
use crate::env::Env;
use crate::features::Features;
use crate::ids::{StreamId, SubstreamId};
use crate::layout::command::Command;
use crate::rule::Rule;

/// Which configuration software has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cfgi {
    /// The STE of a stream, and all that was reached through it (§4.3.1).
    Ste {
        /// The stream.
        stream: StreamId,
        /// The level 1 descriptor need not go.
        leaf: bool,
    },
    /// The STEs of `first..=last`, and all that was reached through them (§4.3.2).
    SteRange {
        /// The first stream, a multiple of the number of streams.
        first: StreamId,
        /// The last stream; it may lie beyond the implemented range.
        last: StreamId,
    },
    /// Everything: CMD_CFGI_ALL (§4.3.6).
    All,
    /// One CD of a stream (§4.3.3).
    Cd {
        /// The stream.
        stream: StreamId,
        /// Position in the CD table, 0 for a single CD.
        index: SubstreamId,
        /// The level 1 descriptor need not go.
        leaf: bool,
    },
    /// All CDs of a stream (§4.3.4).
    CdAll {
        /// The stream.
        stream: StreamId,
    },
}

pub(super) fn ste(env: &mut impl Env, f: &Features, command: Command) -> Result<Cfgi, Rule> {
    Ok(Cfgi::Ste { stream: stream(env, f, command)?, leaf: command.cfgi1().leaf() })
}

/// Range 0 is two streams; the low bits of StreamID are IGNORED.
pub(super) fn ste_range(env: &mut impl Env, f: &Features, command: Command) -> Result<Cfgi, Rule> {
    let log2_less_1 = command.cfgi1().range();
    if log2_less_1 == 31 {
        return Ok(Cfgi::All);
    }
    let others = (2 << log2_less_1) - 1;
    let first = within(env, command.stream().stream_id() & !others, f.sid_bits)?;
    Ok(Cfgi::SteRange { first: StreamId(first), last: StreamId(first | others) })
}

pub(super) fn cd(env: &mut impl Env, f: &Features, command: Command) -> Result<Cfgi, Rule> {
    let (stream, index) = (stream(env, f, command)?, substream_index(env, f, command)?);
    Ok(Cfgi::Cd { stream, index, leaf: command.cfgi1().leaf() })
}

pub(super) fn cd_all(env: &mut impl Env, f: &Features, command: Command) -> Result<Cfgi, Rule> {
    Ok(Cfgi::CdAll { stream: stream(env, f, command)? })
}
