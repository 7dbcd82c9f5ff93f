//! Consistency of what the SMMU puts out (§13.1.7).

use super::combine::LevelHints;
use super::{Attributes, Hints};

impl Attributes {
    /// The last step of every output: types that are not cacheable are Outer Shareable, and a cacheable
    /// level that never allocates is not transient. A Non-cacheable level has no hints by construction.
    #[inline(always)]
    pub(crate) fn consistent(self) -> Self {
        if self.memory_type.is_weakest() {
            return self; // as most memory is
        }
        let LevelHints { inner, outer } = self.memory_type.hints();
        let hints = LevelHints { inner: inner.consistent(), outer: outer.consistent() };
        Self::new(self.memory_type.with_hints(hints), self.shareability)
    }
}

impl Hints {
    /// Without allocation there is nothing that could be short-lived.
    #[inline(always)]
    pub(super) const fn consistent(self) -> Self {
        let allocates = self.read_allocate || self.write_allocate;
        Self { transient: self.transient && allocates, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::attributes;

    #[test]
    fn three_rules() {
        let check = |before: &str, after: &str| {
            assert_eq!(attributes(before).consistent().to_string(), after);
        };
        check("Device-GRE-NSH", "Device-GRE-OSH");
        check("Normal-iNC-oNC-ISH", "Normal-iNC-oNC-OSH");
        check("Normal-iNC-oWT(nRA,nWA,TR)-ISH", "Normal-iNC-oWT(nRA,nWA)-ISH");
        check("Normal-iWB(nRA,nWA,TR)-oWB(RA,nWA,TR)-NSH", "Normal-iWB(nRA,nWA)-oWB(RA,nWA,TR)-NSH");
        check("Normal-iWB(nRA,WA,TR)-oNC-NSH", "Normal-iWB(nRA,WA,TR)-oNC-NSH");
    }
}
