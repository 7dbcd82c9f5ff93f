//! Why a transaction or a Translation Request did not succeed, in sentences.

use smmu_model::ats::{AtsReply, Completion};
use smmu_model::layout::event::EventCode;
use smmu_model::rule::{Effect, Rule};

use super::words;
use crate::scenario::{Answer, End};

/// The sentences, one per line, for an access that ended in anything but success.
pub(super) fn why(answer: &Answer, rules: &[Rule]) -> Vec<String> {
    let end = match answer.end {
        End::Ok => return Vec::new(),
        End::Abort => "The SMMU aborted the access.",
        End::RazWi => "The SMMU completed the access without memory: a read as zero, a write without effect.",
        End::ExternalAbort => "The SMMU let the access pass; memory behind it answered with an abort.",
        End::NotGranted => "The device did not make the access: its ATC was not granted it.",
    };
    let follows = |effect| match effect {
        Effect::Event(code) => format!(" The event is {}.", code.name()),
        Effect::Silent => " No event belongs to it.".to_owned(),
        Effect::Command(_) | Effect::Ignored | Effect::Decision | Effect::Global => String::new(),
    };
    sentences(end, answer.rule, rules, follows)
}

/// The sentences for a Translation Request that was refused, or granted nothing.
pub(super) fn why_reply(reply: &AtsReply, rules: &[Rule]) -> Vec<String> {
    let end = match &reply.completion {
        Completion::Success(_) if reply.rule.is_none() => return Vec::new(),
        Completion::Success(_) => "The completion grants no access to the page.",
        Completion::UnsupportedRequest => "ATS is off for the device.",
        Completion::CompleterAbort => "The SMMU could not look at the page.",
    };
    let follows = |effect| match effect {
        Effect::Event(EventCode::FBadAtsTreq) => " The event is F_BAD_ATS_TREQ.".to_owned(),
        Effect::Event(code) => format!(" For a transaction it is {}.", code.name()),
        Effect::Silent | Effect::Command(_) | Effect::Ignored | Effect::Decision | Effect::Global => {
            String::new()
        }
    };
    sentences(end, reply.rule, rules, follows)
}

/// How it ended, then each rule before and after the one that decided, and what `follows` from that one.
fn sentences(
    end: &str,
    rule: Option<Rule>,
    rules: &[Rule],
    follows: impl Fn(Effect) -> String,
) -> Vec<String> {
    let mut sentences = vec![end.to_owned()];
    let decided = rule.and_then(|rule| rules.iter().position(|fired| *fired == rule));
    let (before, after) = rules.split_at(decided.unwrap_or(rules.len()));
    sentences.extend(before.iter().map(|rule| format!("On the way, {}.", cited(*rule))));
    let mut after = after.iter();
    if let Some(rule) = after.next() {
        sentences.push(format!("What decided is {}.{}", cited(*rule), follows(rule.effect())));
    }
    sentences.extend(after.map(|rule| format!("Then, {}.", cited(*rule))));
    sentences
}

/// `STE-20 (§5.2.2): S1CDMax exceeds IDR1.SSIDSIZE`, without the last full stop.
fn cited(rule: Rule) -> String {
    let text = words::rule(rule);
    text.strip_suffix('.').map_or(text.clone(), ToOwned::to_owned)
}
