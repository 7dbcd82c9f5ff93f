//! What the overflow of counters leads to: OVS, a capture, an interrupt, in this order (§10.2.1).

use super::Pmcgs;
use super::group::Group;
use super::map::{PmcgKind, PmcgRegister, design};
use crate::env::Env;
use crate::features::{Features, Revision};
use crate::interrupt;
use crate::registers::AnyRegister;
use crate::rule::Rule;
use crate::trace::Event;

/// The side effects that are set up for some counters; nothing that OVS holds already keeps them from happening.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Effects {
    captures: bool,
    interrupts: bool,
}

/// The side effects of an overflow of `counters`, a bit for each.
pub(super) fn effects(group: &Group, counters: u64) -> Effects {
    let mut effects = Effects::default();
    for (n, counter) in (0..).zip(&group.counters).filter(|&(n, _)| counters & (1 << n) != 0) {
        effects.captures |= counter.event_type.ovfcap();
        effects.interrupts |= group.interrupts(n);
    }
    effects
}

/// `counters` of a group overflow; their new values are in place.
pub(crate) fn happen(env: &mut impl Env, f: &Features, pmcgs: &mut Pmcgs, group: u8, counters: u64) {
    env.note(Rule::PmcgOverflow);
    let state = pmcgs.get_mut(group);
    let Effects { captures, interrupts } = effects(state, counters);
    state.overflowed |= counters;
    let register = AnyRegister::Pmcg(PmcgRegister { group, kind: PmcgKind::Ovsset0, counter: 0 });
    let value = state.overflowed;
    env.trace(|| Event::RegisterUpdate { register, value });
    if captures {
        env.note(Rule::PmcgCapture);
        state.capture();
    }
    if interrupts {
        env.note(Rule::PmcgInterrupt);
        let message = interrupt::message(f, state.message);
        let is_aborted = interrupt::counter_group(env, f, design(group).interrupt, message);
        // IRQ_STATUS is RES0 in v3.0 (§10.5.2.24).
        state.message_aborted |= is_aborted && f.revision >= Revision::V3_1;
    }
}
