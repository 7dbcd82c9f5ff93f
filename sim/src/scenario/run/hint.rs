//! A device hints at the pages that it is about to access (§3.12.4.1).

use smmu_model::address::Iova;
use smmu_model::choice::Chooser;
use smmu_model::env::World;
use smmu_model::hint::PageHint;

use super::Machine;
use crate::scenario::step::Hint;
use crate::trace::{Happening, Listener};

impl<'a, C: Chooser, L: Listener> Machine<'a, C, L> {
    pub(super) fn hint(&mut self, hint: &'a Hint) -> Result<(), String> {
        let address = Iova::new(self.value(hint.address)?);
        let (device, hint) = (&hint.device, PageHint { address, ..hint.hint });
        self.ear.say(Happening::PageHinted { device, hint: &hint });
        let mut world = World { bus: &mut self.memory, chooser: &mut self.chooser, sink: &mut self.ear };
        self.smmu.page_hint(&mut world, &hint);
        Ok(())
    }
}
