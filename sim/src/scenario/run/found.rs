//! What is known of a named result: of an access, a Translation Request or a number that software read.

use std::collections::BTreeMap;

use smmu_model::ats::{AtsEntry, AtsReply, Completion};
use smmu_model::ids::Stag;

use super::Answer;
use crate::scenario::step::{PERMISSIONS, Part, ReplyStatus};
use crate::trace::permissions;

/// What came of a named step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Found {
    Access(Answer),
    Translation(AtsReply),
    /// A register or a number in memory; `None` after an abort.
    Value(Option<u64>),
}

impl Found {
    pub(super) fn part(&self, part: Part) -> Option<u64> {
        match (self, part) {
            (Self::Access(answer), Part::OutputAddress) => {
                answer.translation.map(|translation| translation.pa.value())
            }
            (Self::Access(answer), Part::Data) => little_endian(&answer.data),
            (Self::Access(answer), Part::Stag) => answer.stag.map(|Stag(tag)| tag.into()),
            (Self::Translation(reply), Part::OutputAddress) => granted(reply).map(|entry| entry.output),
            (Self::Translation(reply), Part::Size) => granted(reply).map(|entry| 1 << entry.size_log2),
            (Self::Translation(reply), Part::Entries) => {
                let entries = entries(reply);
                u64::try_from(entries.len()).ok().filter(|count| *count != 0)
            }
            (Self::Value(value), Part::Data) => *value,
            (Self::Access(_), Part::Size | Part::Entries)
            | (Self::Translation(_), Part::Data | Part::Stag)
            | (Self::Value(_), Part::OutputAddress | Part::Stag | Part::Size | Part::Entries) => None,
        }
    }

    pub(super) fn end(&self) -> &'static str {
        match self {
            Self::Access(answer) => answer.end.name(),
            Self::Translation(reply) => ReplyStatus::of(reply, 0).expect("a completion has an entry").name(),
            Self::Value(Some(_)) => "a value",
            Self::Value(None) => "abort",
        }
    }

    /// Enters it into the outcome of a run, with its parts.
    pub(super) fn enter(&self, name: &str, outcome: &mut BTreeMap<String, String>) {
        if let Self::Value(Some(value)) = self {
            outcome.insert(name.to_owned(), format!("{value:#x}"));
            return;
        }
        outcome.insert(name.to_owned(), self.end().to_owned());
        for part in Part::ALL {
            if let Some(value) = self.part(*part) {
                outcome.insert(format!("{name}.{}", part.name()), format!("{value:#x}"));
            }
        }
        if let Self::Translation(reply) = self
            && let Some(entry) = granted(reply)
        {
            outcome.insert(format!("{name}.{PERMISSIONS}"), permissions(entry));
        }
    }
}

/// The first entry, if it grants anything.
fn granted(reply: &AtsReply) -> Option<&AtsEntry> {
    entries(reply).first().filter(|entry| entry.read || entry.write || entry.execute)
}

fn entries(reply: &AtsReply) -> &[AtsEntry] {
    match &reply.completion {
        Completion::Success(entries) => entries,
        Completion::UnsupportedRequest | Completion::CompleterAbort => &[],
    }
}

/// The first eight bytes as a number; `None` without bytes.
pub(super) fn little_endian(bytes: &[u8]) -> Option<u64> {
    let mut word = [0; 8];
    let length = bytes.len().min(8);
    word[..length].copy_from_slice(&bytes[..length]);
    (length != 0).then_some(u64::from_le_bytes(word))
}
