//! STEs that are said to be alike: STE.CONT (§5.2).
//!
//! CONT lets a cache serve a whole span of streams from one STE. Without a cache the first STE of the span stands for
//! what such a cache may hold.

use super::read_structure;
use crate::address::Pa;
use crate::choice::answer::SteContSpan;
use crate::config::Globals;
use crate::env::Env;
use crate::ids::StreamId;
use crate::layout::ste::{Ste, SteWord1};
use crate::outcome::Stop;
use crate::rule::Rule;
use crate::trace::Structure;

/// The STE that a lookup of `stream` finds, where the table has `own` at `at` and `own` is part of a span.
#[cold]
pub(super) fn lookup<E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    stream: StreamId,
    at: Pa,
    own: Ste,
) -> Result<Ste, Stop> {
    let log2_span = own.word1().cont();
    let Some(first_at) = g.stream_table().first_of_span(g.features, stream, at, log2_span) else {
        return Ok(own);
    };
    let Ok(words) = read_structure(env, Structure::Ste, first_at) else {
        return Ok(own); // a failed fetch is never cached (§5.2.1)
    };
    let first = Ste(words);
    if without_cont(first) == without_cont(own) {
        return Ok(own);
    }
    match env.ask(&[SteContSpan::Own, SteContSpan::Neighbour, SteContSpan::Conflict]) {
        SteContSpan::Own => Ok(own),
        SteContSpan::Neighbour => {
            env.note(Rule::SteContNeighbour);
            Ok(first)
        }
        SteContSpan::Conflict => Err(Stop::configuration(Rule::SteContConflict)),
    }
}

/// What must be the same in all STEs of a span.
fn without_cont(ste: Ste) -> [u64; 8] {
    let mut words = ste.0;
    words[1] = SteWord1::from_bits(words[1]).with_cont(0).into_bits();
    words
}
