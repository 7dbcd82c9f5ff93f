//! What the SMMU fetches before anything needs it (§3.21.1, §3.21.3).

use super::Smmu;
use crate::command::Prefetch;
use crate::config::Globals;
use crate::env::Env;
use crate::translate::prefetch::speculate;

impl Smmu {
    /// A moment at which the SMMU may fetch ahead what `expected` names: the configuration of a stream or substream,
    /// and translations. Whether it does is asked; it never does while SMMUEN is 0, nor without caches. Nothing is
    /// recorded, whatever it meets, and no page becomes dirty but those of stage 1 tables (§3.13.4).
    pub fn speculate(&mut self, env: &mut impl Env, expected: Prefetch) {
        if self.registers.pmcgs.is_counting() {
            return self.speculate_watched(env, expected);
        }
        self.fetch_ahead(env, expected);
    }

    pub(super) fn fetch_ahead(&mut self, env: &mut impl Env, expected: Prefetch) {
        let globals = Globals { features: &self.features, registers: &self.registers };
        speculate(env, &globals, &mut self.caches, expected);
    }
}
