//! What a run does not accept, though it is no expectation that fails: mistakes of software that the hardware permits.

use smmu_model::choice::Chooser;
use smmu_model::rule::Rule;

use super::Machine;
use crate::scenario::problem::Problem;
use crate::scenario::step::{Action, Claim, ClaimKind, Step};
use crate::trace::{Listener, StaleUse};

/// What a run does not accept, beside an expectation that does not hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Denied {
    /// The use of a cache entry with which memory no longer agrees, where no claim of the step speaks of it.
    pub stale: bool,
    /// A configuration that asks to stall a device that must not be stalled, where no claim of the step speaks of it.
    pub unsafe_stall: bool,
}

impl<C: Chooser, L: Listener> Machine<'_, C, L> {
    /// Fails the step if something happened in it that is denied, unless it is expected there.
    pub(super) fn deny(&mut self, step: &Step) {
        if self.denied.stale && !speaks_of(step, |kind| matches!(kind, ClaimKind::Stale)) {
            let uses: Vec<String> = self.ear.stale.iter().map(StaleUse::sentence).collect();
            for sentence in uses {
                self.fail(Problem::new(step.span, "a stale cache entry is used").labelled(sentence));
            }
        }
        let (rule, rules) = (Rule::StallOfUnsafeDevice, &self.ear.step_rules);
        if self.denied.unsafe_stall
            && rules.contains(&rule)
            && !speaks_of(step, |kind| matches!(kind, ClaimKind::Rules(rules) if rules.contains(&rule)))
        {
            let problem = Problem::new(step.span, "a device is to be stalled that must not be");
            self.fail(problem.labelled(rule.text()));
        }
    }
}

/// Whether a step has such a claim; one that is nothing but claims speaks of the step before it.
fn speaks_of(step: &Step, is_it: impl Fn(&ClaimKind) -> bool) -> bool {
    match &step.action {
        Action::Expect(_) => true,
        Action::Dma(dma) => have_one(&dma.claims, &is_it),
        Action::Ats(ats) => have_one(&ats.claims, &is_it),
        Action::Store { .. }
        | Action::Write { .. }
        | Action::Load { .. }
        | Action::Region { .. }
        | Action::Race { .. }
        | Action::RegisterWrite { .. }
        | Action::RegisterModify { .. }
        | Action::RegisterRead { .. }
        | Action::Command { .. }
        | Action::Ring(_)
        | Action::Pri(_)
        | Action::Hint(_)
        | Action::Endpoint { .. }
        | Action::Broadcast(_)
        | Action::SyncBroadcasts
        | Action::Speculate(_)
        | Action::Pace(_)
        | Action::Work(_)
        | Action::Settle
        | Action::Reset => false,
    }
}

/// Whether one of the claims, or of those within them, is it.
fn have_one(claims: &[Claim], is_it: &impl Fn(&ClaimKind) -> bool) -> bool {
    claims.iter().any(|claim| {
        is_it(&claim.kind)
            || matches!(&claim.kind, ClaimKind::All(claims) | ClaimKind::Either(claims) if have_one(claims, is_it))
    })
}
