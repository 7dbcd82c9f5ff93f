//! Transactions that their client marks as speculative (§3.14). Whether and how clients can do so is a property of the
//! system: a client that cannot uses [`Smmu::transact`] alone.

use super::Smmu;
use crate::config::Globals;
use crate::env::Env;
use crate::outcome::Outcome;
use crate::rule::Rule;
use crate::transaction::{Direction, Transaction};
use crate::translate::{self, Seen};

impl Smmu {
    /// One client transaction that is marked as speculative. A read is translated as any other, which may set Access
    /// flags; where that fails it is aborted, whatever the fault flags say. A write is always aborted. Nothing is
    /// recorded, and nothing stalls: the outcome is [`Outcome::Done`] or [`Outcome::Abort`].
    #[cold]
    pub fn transact_speculative(&mut self, env: &mut impl Env, tx: &Transaction) -> Outcome {
        if self.registers.pmcgs.is_counting() {
            return self.transact_speculative_watched(env, tx);
        }
        self.pass_speculative(env, tx)
    }

    pub(super) fn pass_speculative(&mut self, env: &mut impl Env, tx: &Transaction) -> Outcome {
        if tx.access.direction == Direction::Write {
            env.note(Rule::SpeculativeWrite);
            return Outcome::Abort(Rule::SpeculativeWrite);
        }
        let tx = &self.as_presented(env, tx);
        let globals = Globals { features: &self.features, registers: &self.registers };
        let mut seen = Seen::nothing(tx);
        match translate::resolve(env, &globals, (&mut self.memo, None), &mut self.caches, tx, &mut seen) {
            Ok(translation) => Outcome::Done(translation),
            Err(stop) => {
                env.note(stop.rule);
                env.note(Rule::SpeculativeReadFaults);
                Outcome::Abort(stop.rule)
            }
        }
    }
}
