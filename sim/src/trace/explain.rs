//! Why a transaction or a Translation Request did not succeed, in sentences.

use smmu_model::ats::{AtsReply, Completion};
use smmu_model::rule::{Effect, Rule};
use smmu_model::trace::Event;

use super::words;
use crate::scenario::{Answer, End};

/// What happened in the course of an access, as far as an explanation needs it.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    /// What the SMMU read last: `stage 1 level 3 descriptor at 0x40103010: 0x0`.
    read: Option<String>,
    /// An event was recorded.
    recorded: bool,
}

impl Evidence {
    fn event(&self) -> Recorded {
        if self.recorded { Recorded::Now } else { Recorded::Never }
    }

    /// Takes one more event of the access.
    pub(super) fn take(&mut self, event: &Event) {
        match *event {
            Event::Structure { structure, at, words } => {
                let (name, table, count) = words::structure(structure);
                let fields = words::fields(table, &words[..count]);
                self.read = Some(words::named(&format!("{name} at {at}"), &fields));
            }
            Event::Descriptor { stage, level, at, raw, .. } => {
                let stage = words::stage(stage);
                self.read = Some(format!("stage {stage} level {level} descriptor at {at}: {raw:#x}"));
            }
            Event::Cached { entry, .. } => self.read = Some(format!("cached {}", words::cache_entry(entry))),
            Event::Record { .. } => self.recorded = true,
            Event::Rule(_)
            | Event::Choice { .. }
            | Event::Stale { .. }
            | Event::DescriptorUpdate { .. }
            | Event::Translated { .. }
            | Event::Command { .. }
            | Event::CommandError { .. }
            | Event::StallEnded { .. }
            | Event::RegisterWrite { .. }
            | Event::RegisterUpdate { .. }
            | Event::GlobalError { .. }
            | Event::WakeUp
            | Event::Invalidated { .. }
            | Event::PageRequest { .. }
            | Event::PrgResponse(_)
            | Event::Interrupt { .. } => {}
        }
    }
}

/// The sentences, one per line, for an access that ended in anything but success.
pub(super) fn why(answer: &Answer, rules: &[Rule], evidence: &Evidence) -> Vec<String> {
    let end = match answer.end {
        End::Ok => return Vec::new(),
        End::Abort => "The SMMU aborted the access.",
        End::RazWi => "The SMMU completed the access without memory: a read as zero, a write without effect.",
        End::Stall => "The SMMU holds the access until software says what becomes of it.",
        End::ExternalAbort => "The SMMU let the access pass; memory behind it answered with an abort.",
        End::NotGranted => {
            return vec!["The device did not make the access: its ATC was not granted it.".to_owned()];
        }
    };
    let event =
        if !evidence.recorded && answer.end == End::Stall { Recorded::Later } else { evidence.event() };
    because(end, (answer.rule, event), rules, evidence)
}

/// The sentences for a Translation Request that was refused, or granted nothing at its first page.
pub(super) fn why_reply(reply: &AtsReply, rules: &[Rule], evidence: &Evidence) -> Vec<String> {
    let end = match &reply.completion {
        Completion::Success(_) if reply.rule.is_none() => return Vec::new(),
        Completion::Success(_) => "The completion grants no access to the page.",
        Completion::UnsupportedRequest => "ATS is off for the device.",
        Completion::CompleterAbort => "The SMMU could not look at the page.",
    };
    because(end, (reply.rule, evidence.event()), rules, evidence)
}

/// Whether the event of the rule that decided is in the Event queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Recorded {
    Now,
    Later,
    Never,
}

/// How it ended, and the rules before and after the one that decided.
fn because(
    end: &str,
    (rule, recorded): (Option<Rule>, Recorded),
    rules: &[Rule],
    evidence: &Evidence,
) -> Vec<String> {
    let mut sentences = vec![end.to_owned()];
    let decided = rule.and_then(|rule| rules.iter().position(|fired| *fired == rule));
    let (before, after) = rules.split_at(decided.unwrap_or(rules.len()));
    sentences.extend(listed("On the way:", before));
    if let Some((rule, after)) = after.split_first() {
        sentences.push(format!("What decided: {}", words::rule(*rule)));
        sentences.extend(evidence.read.iter().map(|read| format!("What the SMMU read last: {read}")));
        sentences.extend(event(*rule, recorded));
        sentences.extend(listed("Then:", after));
    }
    sentences
}

/// The rules below a heading; nothing without rules.
fn listed(heading: &str, rules: &[Rule]) -> Vec<String> {
    let heading = (!rules.is_empty()).then(|| heading.to_owned());
    heading.into_iter().chain(rules.iter().map(|rule| format!("  {}", words::rule(*rule)))).collect()
}

fn event(decided: Rule, recorded: Recorded) -> Option<String> {
    match decided.effect() {
        Effect::Event(code) => {
            let how = match recorded {
                Recorded::Now => "recorded",
                Recorded::Later => "recorded as soon as the Event queue takes it",
                Recorded::Never => "not recorded",
            };
            Some(format!("The event is {how}: {}.", code.name()))
        }
        Effect::Silent => Some("No event belongs to it.".to_owned()),
        Effect::Command(_) | Effect::Ignored | Effect::Decision | Effect::Global => None,
    }
}
