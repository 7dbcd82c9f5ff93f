//! A store of another master that races with an access: before it, after it, or between a read and the atomic update
//! of the same value.

use smmu_model::address::Pa;
use smmu_model::bus::{Bus, ExternalAbort};
use smmu_model::choice::Chooser;
use smmu_model::choice::answer::ConcurrentStore;
use smmu_model::env::{Env, World};
use smmu_model::memory::SparseMemory;

use super::Machine;
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

/// Memory in which a store comes when its turn is.
#[derive(Debug)]
pub(super) struct Racing<'a> {
    pub(super) memory: &'a mut SparseMemory,
    pub(super) race: &'a mut Option<Race>,
}

impl<C: Chooser, L: Listener> Machine<'_, C, L> {
    pub(super) fn announce_race(&mut self, at: Operand, value: Operand) -> Result<(), String> {
        let (at, value) = (self.value(at)?, self.value(value)?);
        if !at.is_multiple_of(8) {
            return Err(format!("{at:#x} is not a multiple of 8"));
        }
        self.race = Some(Race { at: Pa::new(at), value, between: false });
        self.ear.say(Happening::Racing { at, value });
        Ok(())
    }

    /// An access begins: a store that comes before it is made.
    pub(super) fn begin_race(&mut self) {
        let Some(race) = self.race else { return };
        let mut world = World { bus: &mut self.memory, chooser: &mut self.chooser, sink: &mut self.ear };
        match world.ask(&[ConcurrentStore::Between, ConcurrentStore::Before, ConcurrentStore::After]) {
            ConcurrentStore::Between => self.race = Some(Race { between: true, ..race }),
            ConcurrentStore::Before => self.end_race(),
            ConcurrentStore::After => {}
        }
    }

    /// Makes the store, if that has not been done.
    pub(super) fn end_race(&mut self) {
        let Some(Race { at, value, .. }) = self.race.take() else { return };
        let bytes = value.to_le_bytes();
        let aborted = self.memory.write(at, &bytes).is_err();
        self.ear.say(Happening::Written { at: at.value(), bytes: &bytes, aborted });
    }
}

impl Bus for Racing<'_> {
    fn read(&mut self, pa: Pa, bytes: &mut [u8]) -> Result<(), ExternalAbort> {
        self.memory.read(pa, bytes)
    }

    fn write(&mut self, pa: Pa, bytes: &[u8]) -> Result<(), ExternalAbort> {
        if bytes.len() == 8 {
            self.catch_up(pa)?;
        }
        self.memory.write(pa, bytes)
    }

    fn compare_exchange_u64(&mut self, pa: Pa, expected: u64, new: u64) -> Result<u64, ExternalAbort> {
        self.catch_up(pa)?;
        self.memory.compare_exchange_u64(pa, expected, new)
    }
}

impl Racing<'_> {
    /// The SMMU updates the value at `pa`: the store comes first.
    fn catch_up(&mut self, pa: Pa) -> Result<(), ExternalAbort> {
        match self.race.take_if(|race| race.between && race.at == pa) {
            Some(race) => self.memory.write(pa, &race.value.to_le_bytes()),
            None => Ok(()),
        }
    }
}
