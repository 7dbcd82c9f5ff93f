//! The counting of Performance Monitor Counter Groups (§10.2–§10.4): from what was done for a transaction, or for another
//! reason, to counters.
//!
//! What it did is found out by listening to the model's own trace ([`Watched`]), and only while some counter is
//! enabled: otherwise a transaction costs one look at two registers. A lookup that a cache answers makes no access,
//! and so is no miss.

mod filter;
mod once;
mod tally;

pub(crate) use tally::{Tally, Watched};

use crate::choice::answer::{PmcgAtos, PmcgSpeculative, PmcgTerminated, PmcgWhileDisabled};
use crate::env::Env;
use crate::features::Features;
use crate::ids::StreamId;
use crate::registers::pmcg::{GROUPS, PmcgKind, PmcgRegister, countable, design, overflow};
use crate::registers::{AnyRegister, Registers};
use crate::rule::Rule;
use crate::trace::Event;
use once::NotedOnce;

/// What came in from a stream (§10.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Arrival {
    /// An untranslated transaction.
    Transaction,
    /// An ATS Translated transaction.
    Translated,
    /// An ATS Translation Request.
    TranslationRequest,
    /// A prefetch command.
    Prefetch,
    /// A request of ATOS.
    AddressTranslation,
    /// Nothing: the SMMU makes accesses for something else, as to fetch ahead by itself.
    Nothing,
}

/// Everything about one arrival that is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Occurrence {
    pub(crate) arrival: Arrival,
    pub(crate) stream: StreamId,
    /// The SMMU ended it (§10.3 note 1).
    pub(crate) is_terminated: bool,
    /// The client marked it as speculative (§10.3 note 2).
    pub(crate) is_speculative: bool,
    pub(crate) tally: Tally,
}

/// What a counter can count (§10.3). Event 0, the clock cycle, has no meaning without a clock; 0x80 and above are
/// IMPLEMENTATION DEFINED, and there are none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Monitored {
    Transaction,
    TlbMiss,
    ConfigurationMiss,
    WalkAccess,
    ConfigurationAccess,
    AtsRequest,
    AtsTranslated,
}

impl Monitored {
    /// The event of EVTYPER.EVENT, if CEID says that it is countable.
    fn from_number(f: &Features, event: u16) -> Option<Self> {
        if event >= 64 || countable(f) & (1 << event) == 0 {
            return None;
        }
        match event {
            1 => Some(Self::Transaction),
            2 => Some(Self::TlbMiss),
            3 => Some(Self::ConfigurationMiss),
            4 => Some(Self::WalkAccess),
            5 => Some(Self::ConfigurationAccess),
            6 => Some(Self::AtsRequest),
            7 => Some(Self::AtsTranslated),
            _ => None,
        }
    }

    /// How often it happened.
    fn count(self, occurrence: &Occurrence) -> u64 {
        let Tally { walk_accesses, configuration_accesses } = occurrence.tally;
        let asks = occurrence.arrival != Arrival::Nothing;
        match self {
            // A Translation Request is no transaction of the client, and has an event of its own.
            Self::Transaction => u64::from(asks && occurrence.arrival != Arrival::TranslationRequest),
            Self::TlbMiss => u64::from(asks && walk_accesses != 0),
            Self::ConfigurationMiss => u64::from(asks && configuration_accesses != 0),
            Self::WalkAccess => walk_accesses,
            Self::ConfigurationAccess => configuration_accesses,
            Self::AtsRequest => u64::from(occurrence.arrival == Arrival::TranslationRequest),
            Self::AtsTranslated => u64::from(occurrence.arrival == Arrival::Translated),
        }
    }

    /// Whether it is one of the events that may leave out terminated transactions (§10.3 note 1).
    fn may_leave_out_terminated(self) -> bool {
        match self {
            Self::Transaction | Self::TlbMiss | Self::ConfigurationMiss | Self::AtsTranslated => true,
            Self::WalkAccess | Self::ConfigurationAccess | Self::AtsRequest => false,
        }
    }

    /// The rule by which it leaves out what is no ordinary transaction of a client (§10.3 note 2).
    fn leaves_out(self, env: &mut impl Env, occurrence: &Occurrence) -> Option<Rule> {
        match self {
            Self::Transaction | Self::TlbMiss | Self::ConfigurationMiss => {}
            Self::WalkAccess | Self::ConfigurationAccess | Self::AtsRequest | Self::AtsTranslated => {
                return None;
            }
        }
        if occurrence.is_speculative {
            let is_included =
                env.ask(&[PmcgSpeculative::Count, PmcgSpeculative::Ignore]) == PmcgSpeculative::Count;
            return (!is_included).then_some(Rule::PmcgSpeculative);
        }
        match occurrence.arrival {
            Arrival::AddressTranslation => {
                let is_included = env.ask(&[PmcgAtos::Count, PmcgAtos::Ignore]) == PmcgAtos::Count;
                (!is_included).then_some(Rule::PmcgAtos)
            }
            Arrival::Transaction
            | Arrival::Translated
            | Arrival::TranslationRequest
            | Arrival::Prefetch
            | Arrival::Nothing => None,
        }
    }
}

/// Counts what an arrival did, in every group. A rule is noted once, however many counters it is about.
#[cold]
pub(crate) fn count(env: &mut impl Env, f: &Features, registers: &mut Registers, occurrence: &Occurrence) {
    let env = &mut NotedOnce::new(env);
    for group in 0..GROUPS {
        let mut overflowed = 0;
        for counter in 0..design(group).counters {
            let by = increment(env, f, registers, (group, counter), occurrence);
            if by != 0 && add(env, registers, (group, counter), by) {
                overflowed |= 1 << counter;
            }
        }
        if overflowed != 0 {
            overflow::happen(env, f, &mut registers.pmcgs, group, overflowed);
        }
    }
}

/// By how much a counter counts.
fn increment(
    env: &mut impl Env,
    f: &Features,
    registers: &Registers,
    (group, counter): (u8, u8),
    occurrence: &Occurrence,
) -> u64 {
    let state = registers.pmcgs.get(group);
    if !state.counts(counter) {
        return 0;
    }
    let event = state.counters[usize::from(counter)].event_type.event();
    let Some(event) = Monitored::from_number(f, event) else { return 0 };
    let by = event.count(occurrence);
    if by == 0 {
        return 0;
    }
    let (stream_match, is_span) = state.stream_filter(design(group), counter);
    if !filter::matches(f.sid_bits, stream_match, is_span, occurrence.stream) {
        env.note(Rule::PmcgFiltered);
        return 0;
    }
    if !registers.cr0ack.smmuen()
        && env.ask(&[PmcgWhileDisabled::Count, PmcgWhileDisabled::Ignore]) == PmcgWhileDisabled::Ignore
    {
        env.note(Rule::PmcgDisabled);
        return 0;
    }
    if let Some(rule) = event.leaves_out(env, occurrence) {
        env.note(rule);
        return 0;
    }
    if occurrence.is_terminated
        && event.may_leave_out_terminated()
        && env.ask(&[PmcgTerminated::Count, PmcgTerminated::Ignore]) == PmcgTerminated::Ignore
    {
        env.note(Rule::PmcgTerminated);
        return 0;
    }
    by
}

/// Adds to a counter; says whether it overflows.
fn add(env: &mut impl Env, registers: &mut Registers, (group, counter): (u8, u8), by: u64) -> bool {
    env.note(Rule::PmcgCounts);
    let mask = design(group).counter_mask();
    let state = &mut registers.pmcgs.get_mut(group).counters[usize::from(counter)];
    let old = state.value;
    state.value = old.wrapping_add(by) & mask;
    let value = state.value;
    let register = AnyRegister::Pmcg(PmcgRegister { group, kind: PmcgKind::Evcntr, counter });
    env.trace(|| Event::RegisterUpdate { register, value });
    value < old
}
