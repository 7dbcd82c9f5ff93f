//! CMD_PREFETCH_* (§4.2): what is expected to be used is cached. Whatever goes wrong is not reported.

use super::recall::Remembering;
use super::sources::{ContextSource, StreamSource};
use super::{Seen, resolve_cached};
use crate::attributes::Attributes;
use crate::cache::{CachePolicy, Caches};
use crate::choice::answer::PrefetchEffect;
use crate::command::Prefetch;
use crate::config::Globals;
use crate::config::substream::{self, Selected};
use crate::env::Env;
use crate::outcome::Stop;
use crate::transaction::{Access, AddressType, Direction, Transaction};

/// So many translations are made for one command; the rest are not (§4.2.2).
const TRANSLATIONS_MAX: u64 = 64;

/// Follows the hint, or does not.
pub(crate) fn prefetch<E: Env>(env: &mut E, g: &Globals<'_>, caches: &mut Caches, hint: Prefetch) {
    let follows = caches.policy != CachePolicy::None
        && g.smmuen()
        && env.ask(&[PrefetchEffect::Cache, PrefetchEffect::Nothing]) == PrefetchEffect::Cache;
    if !follows {
        return;
    }
    let Some(addresses) = hint.addresses else {
        let _refused = configuration(env, g, caches, hint);
        return;
    };
    let count = 1u64.checked_shl(u32::from(addresses.log2_count)).unwrap_or(u64::MAX);
    for index in 0..count.min(TRANSLATIONS_MAX) {
        let offset = index.checked_shl(u32::from(addresses.log2_stride_bytes)).unwrap_or(0);
        let Some(address) = addresses.first.checked_add(offset) else { return };
        let tx = Transaction {
            stream: hint.stream,
            substream: hint.substream,
            address,
            access: Access::data(Direction::Read),
            address_type: AddressType::Untranslated,
            attributes: Attributes::INCOMING_DEFAULT,
        };
        let _refused = resolve_cached(env, g, caches, &tx, &mut Seen::nothing(&tx), None);
    }
}

/// STE and CD alone.
fn configuration<E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    caches: &mut Caches,
    hint: Prefetch,
) -> Result<(), Stop> {
    let Caches { configuration, tlb, pending, policy, now } = caches;
    let mut env = Remembering::new(env, g.features, (*policy, *now), tlb, pending);
    let stream = configuration.streams.stream(&mut env, g, hint.stream)?;
    let selected = substream::select(&mut env, g.features, stream.stage1.as_ref(), hint.substream);
    if let Selected::Cd(index) = selected.map_err(Stop::configuration)? {
        configuration.contexts.context(&mut env, g.features, (hint.stream, stream), index)?;
    }
    Ok(())
}
