//! A store of another master that races with an access: before it, after it, or between a read and the atomic update
//! of the same value.

use smmu_model::address::Pa;
use smmu_model::bus::{Bus, ExternalAbort};
use smmu_model::choice::Chooser;
use smmu_model::choice::answer::ConcurrentStore;
use smmu_model::env::{Env, World};

use super::Machine;
use super::interconnect::Interconnect;
use crate::scenario::step::Operand;
use crate::trace::{Happening, Listener};

/// A store that has been announced and not made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Race {
    at: Pa,
    value: u64,
    /// It comes just before the next update of its address by the SMMU.
    between: bool,
}

impl<C: Chooser, L: Listener> Machine<'_, C, L> {
    pub(super) fn announce_race(&mut self, at: Operand, value: Operand) -> Result<(), String> {
        let (at, value) = (self.value(at)?, self.value(value)?);
        if !at.is_multiple_of(8) {
            return Err(format!("{at:#x} is not a multiple of 8"));
        }
        self.memory.race = Some(Race { at: Pa::new(at), value, between: false });
        self.ear.say(Happening::Racing { at, value });
        Ok(())
    }

    /// An access begins: a store that comes before it is made.
    pub(super) fn begin_race(&mut self) {
        let Some(race) = self.memory.race else { return };
        let mut world = World { bus: &mut self.memory, chooser: &mut self.chooser, sink: &mut self.ear };
        match world.ask(&[ConcurrentStore::Between, ConcurrentStore::Before, ConcurrentStore::After]) {
            ConcurrentStore::Between => self.memory.race = Some(Race { between: true, ..race }),
            ConcurrentStore::Before => self.end_race(),
            ConcurrentStore::After => {}
        }
    }

    /// Makes the store, if that has not been done.
    pub(super) fn end_race(&mut self) {
        let Some(Race { at, value, .. }) = self.memory.race.take() else { return };
        let bytes = value.to_le_bytes();
        let aborted = self.memory.write(at, &bytes).is_err();
        self.ear.say(Happening::Written { at: at.value(), bytes: &bytes, aborted });
    }
}

impl Interconnect {
    /// The SMMU updates the value at `pa`: a store that comes between comes now.
    pub(super) fn catch_up(&mut self, pa: Pa) -> Result<(), ExternalAbort> {
        match self.race.take_if(|race| race.between && race.at == pa) {
            Some(race) => self.memory.write(pa, &race.value.to_le_bytes()),
            None => Ok(()),
        }
    }
}
