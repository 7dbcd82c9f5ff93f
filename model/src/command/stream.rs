//! The StreamID and SubstreamID of a command (§4.1.6, §4.1.7).

use super::range::within;
use crate::choice::answer::CommandSsv;
use crate::env::Env;
use crate::features::Features;
use crate::ids::{StreamId, SubstreamId};
use crate::layout::command::Command;
use crate::rule::Rule;

/// The StreamID, in the range of IDR1.SIDSIZE.
#[inline]
pub(super) fn stream(env: &mut impl Env, f: &Features, command: Command) -> Result<StreamId, Rule> {
    within(env, command.stream().stream_id(), f.sid_bits).map(StreamId)
}

/// The SubstreamID, if SSV says that there is one. Without substreams SSV must be 0 (§4.2, §4.5.1).
#[inline]
pub(super) fn substream(
    env: &mut impl Env,
    f: &Features,
    command: Command,
) -> Result<Option<SubstreamId>, Rule> {
    if !command.stream().ssv() {
        return Ok(None);
    }
    if f.ssid_bits != 0 {
        return substream_index(env, f, command).map(Some);
    }
    match env.ask(&[CommandSsv::NoEffect, CommandSsv::AsZero]) {
        CommandSsv::NoEffect => Err(Rule::CommandOutOfRange),
        CommandSsv::AsZero => {
            env.note(Rule::CommandSsvIgnored);
            Ok(None)
        }
    }
}

/// The SubstreamID as an index of a CD table, in the range of IDR1.SSIDSIZE (§4.3.3).
#[inline]
pub(super) fn substream_index(
    env: &mut impl Env,
    f: &Features,
    command: Command,
) -> Result<SubstreamId, Rule> {
    within(env, command.stream().substream_id(), f.ssid_bits).map(SubstreamId)
}
