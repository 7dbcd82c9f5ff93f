//! Moments at which the SMMU may fetch ahead.

use smmu_model::address::Iova;
use smmu_model::choice::Chooser;
use smmu_model::command::{Addresses, Prefetch};
use smmu_model::env::World;

use super::Machine;
use crate::scenario::step::Speculation;
use crate::trace::{Happening, Listener};

impl<'a, C: Chooser, L: Listener> Machine<'a, C, L> {
    /// The SMMU may fetch what `speculation` names.
    pub(super) fn speculate(&mut self, speculation: &'a Speculation) -> Result<(), String> {
        let Speculation { stream, substream, address } = *speculation;
        let address = address.map(|address| self.value(address)).transpose()?;
        let addresses = address.map(|address| Addresses::one(Iova::new(address)));
        let expected = Prefetch { stream, substream, addresses };
        self.ear.say(Happening::MayFetchAhead(&expected));
        let mut world = World { bus: &mut self.memory, chooser: &mut self.chooser, sink: &mut self.ear };
        self.smmu.speculate(&mut world, expected);
        Ok(())
    }
}
