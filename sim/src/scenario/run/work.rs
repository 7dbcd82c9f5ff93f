//! The SMMU works: unit by unit, as a stalled access that ends reaches memory before the next unit.

use smmu_model::Progress;
use smmu_model::choice::Chooser;

use super::Machine;
use crate::trace::Listener;

impl<'a, C: Chooser, L: Listener> Machine<'a, C, L> {
    /// Does at most so many units of work.
    pub(super) fn work(&mut self, units: u32) {
        for _ in 0..units {
            if self.work_once() == Progress::Idle {
                break;
            }
        }
    }

    /// Works until nothing is pending; on the way, stalled transactions may retry early, each once.
    pub(super) fn settle(&mut self) {
        while self.work_once() == Progress::Worked {}
        if self.with_ends(|smmu, world| smmu.retry_early(world)) == Progress::Worked {
            while self.work_once() == Progress::Worked {}
        }
    }

    fn work_once(&mut self) -> Progress {
        self.with_ends(|smmu, world| smmu.step(world))
    }
}
