//! Software's accesses to memory and registers.

use smmu_model::RegisterAbort;
use smmu_model::address::Pa;
use smmu_model::bus::{Bus, ExternalAbort};
use smmu_model::choice::Chooser;
use smmu_model::env::World;
use smmu_model::layout::names::Field;
use smmu_model::trace::Silence;

use super::{Found, Machine, Observation};
use crate::scenario::step::{Data, Operand, Place, ResultId, Store};
use crate::trace::{Happening, Listener};

impl<'a, C: Chooser, L: Listener> Machine<'a, C, L> {
    pub(super) fn store(&mut self, summary: &str, stores: &[Store]) {
        for store in stores {
            for (index, word) in (0u64..).zip(&store.words) {
                let aborted = self.write_memory(store.at + 8 * index, &word.to_le_bytes()).is_err();
                assert!(!aborted, "checked to be RAM");
            }
        }
        self.ear.say(Happening::Stored { summary, stores });
    }

    pub(super) fn write(&mut self, at: Operand, data: &Data) -> Result<(), String> {
        let (at, bytes) = (self.value(at)?, self.bytes(data)?);
        let aborted = self.write_memory(at, &bytes).is_err();
        self.ear.say(Happening::Written { at, bytes: &bytes, aborted });
        Ok(())
    }

    /// Software or a device writes; the journal keeps what changed.
    pub(super) fn write_memory(&mut self, at: u64, bytes: &[u8]) -> Result<(), ExternalAbort> {
        let mut before = vec![0; bytes.len()];
        let known = self.memory.read(Pa::new(at), &mut before);
        self.memory.write(Pa::new(at), bytes)?;
        if known.is_ok() {
            self.ear.journal.wrote(at, &before, bytes);
        }
        Ok(())
    }

    pub(super) fn load(
        &mut self,
        at: Operand,
        size_bytes: u8,
        result: Option<ResultId>,
    ) -> Result<(), String> {
        let at = self.value(at)?;
        let mut bytes = [0; 8];
        let part = &mut bytes[..usize::from(size_bytes)];
        let found = self.memory.read(Pa::new(at), part).ok().map(|()| &*part);
        self.ear.say(Happening::Loaded { at, bytes: found });
        let value = found.is_some().then_some(u64::from_le_bytes(bytes));
        self.ear.observations.push(Observation::Value(value));
        self.remember(result, Found::Value(value));
        Ok(())
    }

    pub(super) fn modify_register(&mut self, place: Place, fields: &[(Field, u64)]) -> Result<(), String> {
        let mut word = [self.peek(place).map_err(|RegisterAbort| "the register cannot be read")?];
        for (field, value) in fields {
            field.set(&mut word, *value).expect("checked to fit");
        }
        self.write_register(place, word[0]);
        Ok(())
    }

    pub(super) fn read_register(&mut self, place: Place, result: Option<ResultId>) {
        let mut world = World { bus: &mut self.memory, chooser: &mut self.chooser, sink: &mut self.ear };
        let value = self.smmu.read(&mut world, place.offset, place.size_bytes).ok();
        self.ear.say(Happening::RegisterRead { place, value });
        self.ear.observations.push(Observation::Value(value));
        self.remember(result, Found::Value(value));
    }

    pub(super) fn write_register(&mut self, place: Place, value: u64) {
        self.ear.say(Happening::RegisterWrite { place, value });
        let mut world = World { bus: &mut self.memory, chooser: &mut self.chooser, sink: &mut self.ear };
        let written = self.smmu.write(&mut world, place.offset, place.size_bytes, value);
        if let Err(RegisterAbort) = written {
            self.ear.say(Happening::RegisterAborted);
        }
    }

    /// What software reads there, without a line in the trace and without a question that was not answered yet.
    pub(super) fn peek(&mut self, place: Place) -> Result<u64, RegisterAbort> {
        let mut known = self.chooser.known();
        let mut world = World { bus: &mut self.memory, chooser: &mut known, sink: &mut Silence };
        self.smmu.read(&mut world, place.offset, place.size_bytes)
    }

    pub(super) fn bytes(&self, data: &Data) -> Result<Vec<u8>, String> {
        match data {
            Data::Bytes(bytes) => Ok(bytes.clone()),
            Data::Number(number, size_bytes) => {
                Ok(self.value(*number)?.to_le_bytes()[..usize::from(*size_bytes)].to_vec())
            }
        }
    }
}
