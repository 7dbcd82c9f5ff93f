//! What the SMMU does while some counter may count it (chapter 10): the same as without, by an environment that counts.

use super::Smmu;
use crate::atos;
use crate::cache::Caches;
use crate::choice::answer::PmcgRetry;
use crate::command::Prefetch;
use crate::config::Globals;
use crate::env::Env;
use crate::features::Features;
use crate::ids::StreamId;
use crate::layout::atos::AtosInterface;
use crate::monitor::{self, Arrival, Occurrence, Watched};
use crate::outcome::Outcome;
use crate::registers::Registers;
use crate::rule::Rule;
use crate::transaction::{AddressType, Transaction};
use crate::translate::prefetch::prefetch;

impl Smmu {
    /// As [`transact`](Self::transact).
    #[cold]
    pub(super) fn transact_watched(&mut self, env: &mut impl Env, tx: &Transaction) -> Outcome {
        let mut watched = Watched::new(env);
        let outcome = self.transact_unwatched(&mut watched, tx);
        let occurrence = of_transaction(tx, &watched, is_terminated(&outcome));
        monitor::count(env, &self.features, &mut self.registers, &occurrence);
        outcome
    }

    /// As [`transact_speculative`](Self::transact_speculative).
    pub(super) fn transact_speculative_watched(&mut self, env: &mut impl Env, tx: &Transaction) -> Outcome {
        let mut watched = Watched::new(env);
        let outcome = self.pass_speculative(&mut watched, tx);
        let occurrence = of_transaction(tx, &watched, is_terminated(&outcome));
        let occurrence = Occurrence { is_speculative: true, ..occurrence };
        monitor::count(env, &self.features, &mut self.registers, &occurrence);
        outcome
    }

    /// As [`speculate`](Self::speculate).
    pub(super) fn speculate_watched(&mut self, env: &mut impl Env, expected: Prefetch) {
        let mut watched = Watched::new(env);
        self.fetch_ahead(&mut watched, expected);
        let occurrence = of(Arrival::Nothing, expected.stream, &watched);
        monitor::count(env, &self.features, &mut self.registers, &occurrence);
    }

    /// A stalled transaction is retried by `retry`, which says whether it is terminated. It counts like a new one, or not
    /// at all (§10.3).
    pub(super) fn retry_watched<E: Env>(
        &mut self,
        env: &mut E,
        tx: &Transaction,
        retry: impl FnOnce(&mut Self, &mut Watched<'_, E>) -> bool,
    ) {
        let mut watched = Watched::new(env);
        let is_terminated = retry(self, &mut watched);
        let occurrence = of_transaction(tx, &watched, is_terminated);
        match env.ask(&[PmcgRetry::Count, PmcgRetry::Ignore]) {
            PmcgRetry::Count => monitor::count(env, &self.features, &mut self.registers, &occurrence),
            PmcgRetry::Ignore => env.note(Rule::PmcgRetry),
        }
    }

    /// Finishes an address translation operation.
    pub(super) fn run_atos(&mut self, env: &mut impl Env, interface: AtosInterface) {
        let Self { features, registers, caches, .. } = self;
        if !registers.pmcgs.is_counting() {
            return atos::run(env, features, registers, caches, interface);
        }
        let stream = StreamId(registers.atos(interface).sid.stream_id());
        let mut watched = Watched::new(env);
        atos::run(&mut watched, features, registers, caches, interface);
        let occurrence = of(Arrival::AddressTranslation, stream, &watched);
        monitor::count(env, features, registers, &occurrence);
    }
}

/// Follows a hint of software.
pub(super) fn follow(
    env: &mut impl Env,
    f: &Features,
    registers: &mut Registers,
    caches: &mut Caches,
    hint: Prefetch,
) {
    if !registers.pmcgs.is_counting() {
        return prefetch(env, &Globals { features: f, registers }, caches, hint);
    }
    let mut watched = Watched::new(env);
    prefetch(&mut watched, &Globals { features: f, registers }, caches, hint);
    let occurrence = of(Arrival::Prefetch, hint.stream, &watched);
    monitor::count(env, f, registers, &occurrence);
}

/// What is to be counted of something that is no transaction.
pub(super) fn of<E>(arrival: Arrival, stream: StreamId, watched: &Watched<'_, E>) -> Occurrence {
    let is_speculative = arrival == Arrival::Prefetch;
    Occurrence { arrival, stream, is_speculative, is_terminated: false, tally: watched.tally() }
}

fn of_transaction<E>(tx: &Transaction, watched: &Watched<'_, E>, is_terminated: bool) -> Occurrence {
    let arrival = match tx.address_type {
        AddressType::Untranslated => Arrival::Transaction,
        AddressType::Translated => Arrival::Translated,
    };
    Occurrence { is_terminated, ..of(arrival, tx.stream, watched) }
}

pub(super) fn is_terminated(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Abort(_) | Outcome::RazWi(_) => true,
        Outcome::Done(_) | Outcome::Stalled { .. } => false,
    }
}
