//! Parameters of commands against the ranges that are implemented (§4.1.7, §4.4).

use crate::address::{fits, low_mask};
use crate::choice::answer::CommandOutOfRange;
use crate::env::Env;
use crate::rule::Rule;

/// The parameter, if it has no more than `bits` bits. Out of range, either the command does nothing or it acts on
/// another value: we take the one that the implemented bits make (§4.1.7).
#[inline]
pub(super) fn within(env: &mut impl Env, parameter: u32, bits: u8) -> Result<u32, Rule> {
    if fits(u64::from(parameter), bits) { Ok(parameter) } else { out_of_range(env, parameter, bits) }
}

#[cold]
fn out_of_range(env: &mut impl Env, parameter: u32, bits: u8) -> Result<u32, Rule> {
    match env.ask(&[CommandOutOfRange::NoEffect, CommandOutOfRange::Truncate]) {
        CommandOutOfRange::NoEffect => Err(Rule::CommandOutOfRange),
        CommandOutOfRange::Truncate => {
            env.note(Rule::CommandTruncated);
            let kept = u64::from(parameter) & low_mask(bits);
            Ok(u32::try_from(kept).expect("no more bits than before"))
        }
    }
}
