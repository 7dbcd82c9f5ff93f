//! The state of an SMMU outside the process: its ID registers, its registers, and what its queues remember.

use std::fmt;

use super::Smmu;
use crate::cache::saved::SavedCaches;
use crate::command::ats::Invalidations;
use crate::fault::stall::Stalls;
use crate::features::{Features, IdRegisters, Refusal};
use crate::ids::CommandQueue;
use crate::queue::event::EventQueue;
use crate::registers::Registers;
use crate::translate::memo::Memo;

/// What is saved. Features are decoded again from the ID registers.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Saved {
    ids: IdRegisters,
    registers: Registers,
    event_queue: EventQueue,
    invalidations: Invalidations,
    caches: SavedCaches,
    stalls: Stalls,
}

/// Why a saved state cannot be loaded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LoadError {
    /// The ID registers are refused.
    Refused(Vec<Refusal>),
    /// These registers have bits set that an SMMU with these ID registers does not store.
    Impossible(&'static str),
    /// Stalled transactions are in a state that they do not get into.
    ImpossibleStalls,
    /// ATS invalidations wait in a queue that does not exist, or twice in one.
    ImpossibleInvalidations,
    /// The caches hold what no run could have left in them.
    ImpossibleCaches,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusals) => {
                let refusals: Vec<String> = refusals.iter().map(ToString::to_string).collect();
                write!(f, "the saved ID registers are refused: {}", refusals.join("; "))
            }
            Self::Impossible(registers) => write!(
                f,
                "the saved {registers} has bits set that are not implemented with the saved ID registers"
            ),
            Self::ImpossibleStalls => write!(f, "the saved stalled transactions cannot be in that state"),
            Self::ImpossibleInvalidations => write!(f, "the saved ATS invalidations cannot be in that state"),
            Self::ImpossibleCaches => write!(f, "the saved caches hold what no run can leave in them"),
        }
    }
}

impl std::error::Error for LoadError {}

impl From<Smmu> for Saved {
    fn from(smmu: Smmu) -> Self {
        // A memo shows in no answer.
        let Smmu { features, registers, event_queue, invalidations, stalls, memo: _, caches } = smmu;
        Self { ids: features.ids, registers, event_queue, invalidations, stalls, caches: caches.into() }
    }
}

impl TryFrom<Saved> for Smmu {
    type Error = LoadError;

    fn try_from(saved: Saved) -> Result<Self, LoadError> {
        let Saved { ids, registers, event_queue, invalidations, stalls, caches } = saved;
        let features = Features::new(ids).map_err(LoadError::Refused)?;
        if let Some(registers) = registers.impossible(&features) {
            return Err(LoadError::Impossible(registers));
        }
        if stalls.is_impossible(&features) {
            return Err(LoadError::ImpossibleStalls);
        }
        let exists = |queue| match queue {
            CommandQueue::Main => true,
            CommandQueue::Enhanced(id) => registers.ecmdqs.ids(&features).any(|known| known == id),
        };
        if !invalidations.are_possible(exists) {
            return Err(LoadError::ImpossibleInvalidations);
        }
        let caches = caches.load().ok_or(LoadError::ImpossibleCaches)?;
        Ok(Self { features, registers, event_queue, invalidations, stalls, memo: Memo::default(), caches })
    }
}
