//! One traced translation, put to the model (§3.12, chapter 15).

use smmu_model::address::Iova;
use smmu_model::attributes::Attributes;
use smmu_model::ids::StreamId;
use smmu_model::layout::event::EventCode;
use smmu_model::outcome::Outcome;
use smmu_model::rule::Rule;
use smmu_model::trace::Event;
use smmu_model::transaction::{Access, AddressType, Direction, Transaction};

use super::trace::{TraceEvent, TracedPermission, TracedStages};
use crate::machine::Machine;
use crate::output::{event_of, rules_of};

/// What QEMU says became of an access.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TracedOutcome {
    /// It was translated.
    Success {
        /// Output address.
        translated: u64,
        /// All accesses that the translation permits, not only the one that was made.
        permission: TracedPermission,
        /// The stages that took part.
        stages: TracedStages,
    },
    /// The SMMU is off.
    Disabled,
    /// The STE says bypass.
    Bypassed,
    /// It was terminated without an event.
    Aborted,
    /// It was terminated with this event, by the specification's name.
    Event(String),
}

/// A traced translation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TracedTranslation {
    /// The stream.
    pub stream: StreamId,
    /// The input address, where the trace tells it.
    pub iova: Option<Iova>,
    /// What became of it.
    pub outcome: TracedOutcome,
}

/// The model's answer to one access.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempt {
    /// Read or write; always unprivileged data, as QEMU has nothing else.
    pub direction: Direction,
    /// How it ends.
    pub outcome: Outcome,
    /// The rules that decided it, in order.
    pub rules: Vec<Rule>,
    /// Whether that is QEMU's answer too.
    pub agrees: bool,
}

/// A translation about which QEMU and the model differ.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Disagreement {
    /// Line of the trace.
    pub line: u64,
    /// What QEMU says.
    pub traced: TracedTranslation,
    /// What the model says, for each access that was put to it.
    pub attempts: Vec<Attempt>,
}

impl TracedTranslation {
    /// The translation that a trace line ends, if it ends one. An event line does not name the address:
    /// that is the one `walked` since the last translation.
    pub(super) fn of(event: &TraceEvent, walked: Option<u64>) -> Option<Self> {
        let (sid, iova, outcome) = match event {
            TraceEvent::TranslateSuccess { sid, iova, translated, permission, stages, .. } => {
                let (translated, permission, stages) = (*translated, *permission, *stages);
                (*sid, Some(*iova), TracedOutcome::Success { translated, permission, stages })
            }
            TraceEvent::TranslateDisable { sid, iova, .. } => (*sid, Some(*iova), TracedOutcome::Disabled),
            TraceEvent::TranslateBypass { sid, iova, .. } => (*sid, Some(*iova), TracedOutcome::Bypassed),
            TraceEvent::TranslateAbort { sid, iova, .. } => (*sid, Some(*iova), TracedOutcome::Aborted),
            TraceEvent::EventRecorded { name, sid } => {
                let name = specification_name(name);
                let iova = walked.or_else(|| is_about_configuration(name).then_some(0));
                (*sid, iova, TracedOutcome::Event(name.to_owned()))
            }
            TraceEvent::MmioRead(_)
            | TraceEvent::MmioWrite(_)
            | TraceEvent::CommandOpcode { .. }
            | TraceEvent::CommandError { .. }
            | TraceEvent::DescriptorRead { .. }
            | TraceEvent::WalkLevel { .. }
            | TraceEvent::Interrupt { .. }
            | TraceEvent::GerrorRaised { .. }
            | TraceEvent::GerrorAcknowledged { .. }
            | TraceEvent::NotifierAdded { .. }
            | TraceEvent::NotifierRemoved { .. }
            | TraceEvent::Other { .. } => return None,
        };
        Some(Self { stream: StreamId(sid), iova: iova.map(Iova::new), outcome })
    }

    /// Puts the accesses in question to the model. `None`: the trace does not tell enough.
    ///
    /// An access that QEMU made, or would permit, takes place; one that it would refuse is only asked about.
    pub(super) fn compare(&self, machine: &mut Machine) -> Option<Vec<Attempt>> {
        let iova = self.iova?;
        let mut attempts = Vec::new();
        for direction in self.outcome.directions() {
            let transaction = transaction(self.stream, iova, *direction);
            if self.outcome.permits(*direction) {
                let (outcome, events) = machine.transact(&transaction);
                attempts.push(self.attempt(*direction, outcome, events));
                continue;
            }
            let (outcome, events) = machine.explain(&transaction);
            attempts.push(self.attempt(*direction, outcome, &events));
            if self.outcome.any_will_do() && attempts.last().is_some_and(|attempt| attempt.agrees) {
                machine.transact(&transaction);
                break;
            }
        }
        Some(attempts)
    }

    fn attempt(&self, direction: Direction, outcome: Outcome, events: &[Event]) -> Attempt {
        let agrees = self.outcome.agrees(direction, outcome, self.iova);
        let rules = if agrees { Vec::new() } else { rules_of(events) };
        Attempt { direction, outcome, rules, agrees }
    }
}

impl TracedOutcome {
    /// One word for the summary.
    pub fn kind(&self) -> &str {
        match self {
            Self::Success { .. } => "success",
            Self::Disabled => "disabled",
            Self::Bypassed => "bypass",
            Self::Aborted => "abort",
            Self::Event(name) => name,
        }
    }

    /// Whether one agreeing access is enough: an event line does not say which access was made.
    pub(super) fn any_will_do(&self) -> bool {
        matches!(self, Self::Event(_))
    }

    /// The accesses to put to the model. QEMU never tells which one was made.
    fn directions(&self) -> &'static [Direction] {
        match self {
            Self::Success { .. } | Self::Event(_) => &[Direction::Read, Direction::Write],
            Self::Disabled | Self::Bypassed | Self::Aborted => &[Direction::Read],
        }
    }

    /// Whether QEMU may have made this access, with this outcome.
    fn permits(&self, direction: Direction) -> bool {
        match self {
            Self::Success { permission, .. } => match permission {
                TracedPermission::None => false,
                TracedPermission::Read => direction == Direction::Read,
                TracedPermission::Write => direction == Direction::Write,
                TracedPermission::ReadWrite => true,
            },
            Self::Disabled | Self::Bypassed | Self::Aborted => true,
            Self::Event(_) => false,
        }
    }

    fn agrees(&self, direction: Direction, ours: Outcome, iova: Option<Iova>) -> bool {
        let output = match ours {
            Outcome::Done(done) => Some(done.pa.value()),
            Outcome::Abort(_) | Outcome::RazWi(_) | Outcome::Stalled { .. } => None,
        };
        let event = match ours {
            Outcome::Done(_) => None,
            Outcome::Abort(rule) | Outcome::RazWi(rule) | Outcome::Stalled { rule, .. } => event_of(rule),
        };
        match self {
            Self::Success { translated, .. } if self.permits(direction) => output == Some(*translated),
            Self::Success { .. } => output.is_none(),
            Self::Disabled | Self::Bypassed => output.is_some() && output == iova.map(Iova::value),
            Self::Aborted => matches!(ours, Outcome::Abort(_)) && event.is_none(),
            Self::Event(name) => event.is_some_and(|code| code.name() == name),
        }
    }
}

fn transaction(stream: StreamId, address: Iova, direction: Direction) -> Transaction {
    Transaction {
        stream,
        substream: None,
        address,
        access: Access::data(direction),
        address_type: AddressType::Untranslated,
        attributes: Attributes::INCOMING_DEFAULT,
    }
}

/// QEMU's names of events are the specification's with a prefix, save for two.
fn specification_name(name: &str) -> &str {
    match name.strip_prefix("SMMU_EVT_").unwrap_or(name) {
        "F_TRANS_FORBIDDEN" => EventCode::FTranslForbidden.name(),
        "E_PAGE_REQ" => EventCode::EPageRequest.name(),
        other => other,
    }
}

/// Whether an event comes before the address matters, so that any address leads to it.
fn is_about_configuration(name: &str) -> bool {
    [
        EventCode::CBadStreamid,
        EventCode::FSteFetch,
        EventCode::CBadSte,
        EventCode::FStreamDisabled,
        EventCode::CBadSubstreamid,
        EventCode::FCdFetch,
        EventCode::CBadCd,
    ]
    .iter()
    .any(|code| code.name() == name)
}

#[cfg(test)]
mod tests {
    use smmu_model::address::Pa;
    use smmu_model::outcome::Translation;

    use super::*;

    const IOVA: u64 = 0x1040;

    fn done(pa: u64) -> Outcome {
        let (pa, attributes) = (Pa::new(pa), Attributes::INCOMING_DEFAULT);
        Outcome::Done(Translation { pa, size_log2: 12, attributes })
    }

    fn check(line: &str, ours: Outcome, agrees: bool) {
        let event = TraceEvent::parse(line).expect("a line of a trace");
        let traced = TracedTranslation::of(&event, Some(IOVA)).expect("the end of a translation");
        assert_eq!(traced.iova, Some(Iova::new(IOVA)));
        let answer = traced.outcome.agrees(Direction::Read, ours, traced.iova);
        assert_eq!(answer, agrees, "{line} {ours:?}");
    }

    #[test]
    fn every_outcome_has_its_counterpart() {
        let success = "smmuv3_translate_success d sid=0x8 iova=0x1040 translated=0x2040 perm=0x1 stage=1";
        let write_only = success.replace("perm=0x1", "perm=0x2");
        let disabled = "smmuv3_translate_disable d sid=0x8 bypass (smmu disabled) iova:0x1040 is_write=0";
        let bypass = "smmuv3_translate_bypass d sid=0x8 STE bypass iova:0x1040 is_write=0";
        let abort = "smmuv3_translate_abort d sid=0x8 abort on iova:0x1040 is_write=0";
        let event = "smmuv3_record_event SMMU_EVT_C_BAD_STE sid=0x8";
        let (silent, recorded) = (Rule::GlobalAbort, Rule::SteNotValid);
        for (line, ours, agrees) in [
            (success, done(0x2040), true),
            (success, done(0x2000), false),
            (success, Outcome::Abort(recorded), false),
            (&write_only, done(0x2040), false),
            (&write_only, Outcome::Abort(recorded), true),
            (disabled, done(IOVA), true),
            (disabled, done(0x2040), false),
            (bypass, done(IOVA), true),
            (bypass, Outcome::Abort(silent), false),
            (abort, Outcome::Abort(silent), true),
            (abort, Outcome::Abort(recorded), false),
            (abort, done(IOVA), false),
            (event, Outcome::Abort(recorded), true),
            (event, Outcome::Abort(silent), false),
            (event, Outcome::Abort(Rule::TranslatedWhileDisabled), false),
            (event, done(IOVA), false),
        ] {
            check(line, ours, agrees);
        }
        let forbidden = "smmuv3_record_event SMMU_EVT_F_TRANS_FORBIDDEN sid=0x8";
        check(forbidden, Outcome::Abort(Rule::TranslatedWhileDisabled), true);
    }

    #[test]
    fn an_event_without_a_walk_has_an_address_only_if_none_matters() {
        let iova = |name: &str| {
            let event = TraceEvent::EventRecorded { name: format!("SMMU_EVT_{name}"), sid: 8 };
            TracedTranslation::of(&event, None).expect("the end of a translation").iova
        };
        assert_eq!(iova("C_BAD_STE"), Some(Iova::new(0)));
        assert_eq!(iova("F_PERMISSION"), None);
    }
}
