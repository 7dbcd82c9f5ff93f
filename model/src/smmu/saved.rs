//! The state of an SMMU outside the process: its ID registers, its registers, and what its queues remember.

use std::fmt;

use super::Smmu;
use crate::command::ats::Invalidations;
use crate::features::{Features, IdRegisters, Refusal};
use crate::queue::event::EventQueue;
use crate::registers::{Register, Registers};
use crate::translate::memo::Memo;

/// What is saved. Features are decoded again from the ID registers.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Saved {
    ids: IdRegisters,
    registers: Registers,
    event_queue: EventQueue,
    invalidations: Invalidations,
}

/// Why a saved state cannot be loaded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LoadError {
    /// The ID registers are refused.
    Refused(Vec<Refusal>),
    /// A register has a bit set that an SMMU with these ID registers does not store.
    Impossible(Register),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusals) => {
                let refusals: Vec<String> = refusals.iter().map(ToString::to_string).collect();
                write!(f, "the saved ID registers are refused: {}", refusals.join("; "))
            }
            Self::Impossible(register) => write!(
                f,
                "the saved {} has bits set that are not implemented with the saved ID registers",
                register.name()
            ),
        }
    }
}

impl std::error::Error for LoadError {}

impl From<Smmu> for Saved {
    fn from(smmu: Smmu) -> Self {
        let Smmu { features, registers, event_queue, invalidations, memo: _ } = smmu; // a memo shows in no answer
        Self { ids: features.ids, registers, event_queue, invalidations }
    }
}

impl TryFrom<Saved> for Smmu {
    type Error = LoadError;

    fn try_from(saved: Saved) -> Result<Self, LoadError> {
        let Saved { ids, registers, event_queue, invalidations } = saved;
        let features = Features::new(ids).map_err(LoadError::Refused)?;
        match registers.impossible(&features) {
            Some(register) => Err(LoadError::Impossible(register)),
            None => Ok(Self { features, registers, event_queue, invalidations, memo: Memo::default() }),
        }
    }
}
