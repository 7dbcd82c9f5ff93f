//! The StreamID and SubstreamID of a command (§4.1.6, §4.1.7).

use crate::address::fits;
use crate::features::Features;
use crate::ids::{StreamId, SubstreamId};
use crate::layout::command::Command;
use crate::rule::Rule;

/// The StreamID, if it fits IDR1.SIDSIZE; out of range, this implementation does nothing (§4.1.7).
#[inline]
pub(super) fn stream(f: &Features, command: Command) -> Result<StreamId, Rule> {
    let id = command.stream().stream_id();
    if fits(u64::from(id), f.sid_bits) { Ok(StreamId(id)) } else { Err(Rule::CommandOutOfRange) }
}

/// The SubstreamID, if SSV says that there is one. Without substreams SSV must be 0; at 1, this
/// implementation does nothing (§4.2, §4.5.1).
#[inline]
pub(super) fn substream(f: &Features, command: Command) -> Result<Option<SubstreamId>, Rule> {
    if !command.stream().ssv() {
        return Ok(None);
    }
    if f.ssid_bits == 0 {
        return Err(Rule::CommandOutOfRange);
    }
    substream_index(f, command).map(Some)
}

/// The SubstreamID as an index of a CD table, if it fits IDR1.SSIDSIZE (§4.3.3).
#[inline]
pub(super) fn substream_index(f: &Features, command: Command) -> Result<SubstreamId, Rule> {
    let id = command.stream().substream_id();
    if fits(u64::from(id), f.ssid_bits) { Ok(SubstreamId(id)) } else { Err(Rule::CommandOutOfRange) }
}
