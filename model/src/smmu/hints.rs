//! What the SMMU does with the hints of clients (§3.12.4.1).

use super::Smmu;
use crate::choice::answer::PageHints;
use crate::env::Env;
use crate::hint::PageHint;
use crate::rule::Rule;

impl Smmu {
    /// A client hints that it is about to access pages. The SMMU records it like any event that does not stall, or drops it;
    /// while SMMUEN is 0 no such event is recorded (§7.2). Nothing is translated, and nothing is merged.
    pub fn page_hint(&mut self, env: &mut impl Env, hint: &PageHint) {
        assert!(hint.pages != 0, "a hint is about one page at least");
        let is_taken = self.registers.cr0ack.smmuen()
            && env.ask(&[PageHints::Record, PageHints::Drop]) == PageHints::Record;
        if !is_taken {
            return env.note(Rule::PageHintDropped);
        }
        env.note(Rule::PageHintTaken);
        self.event_queue.record(env, &self.features, &mut self.registers, hint.record(), false);
    }
}
