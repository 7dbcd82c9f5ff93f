//! Combining two sets of attributes: the stronger value of each wins (§13.1.5).

use super::{Attributes, Cacheability, Hints, MemoryType};

/// The allocation hints of both levels.
///
/// A level that carries none counts as RA, WA, nTR (§13.1.3), which changes nothing it is combined with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LevelHints {
    pub(crate) inner: Hints,
    pub(crate) outer: Hints,
}

impl Attributes {
    /// The stronger of both in each respect; Outer Shareable where the type demands it (§13.1.5).
    #[inline(always)]
    pub(crate) fn combine(self, other: Self) -> Self {
        Self::new(self.memory_type.combine(other.memory_type), self.shareability.max(other.shareability))
    }
}

impl MemoryType {
    /// Any Device type beats any Normal one; inner and outer level are combined each for itself (§13.1.5).
    #[inline(always)]
    pub(crate) fn combine(self, other: Self) -> Self {
        match (self, other) {
            (Self::Device(a), Self::Device(b)) => Self::Device(a.max(b)),
            (device @ Self::Device(_), Self::Normal { .. }) => device,
            (Self::Normal { .. }, device @ Self::Device(_)) => device,
            (Self::Normal { inner: a, outer: b }, Self::Normal { inner: c, outer: d }) => {
                Self::Normal { inner: a.combine(c), outer: b.combine(d) }
            }
        }
    }

    /// The hints of both levels.
    #[inline(always)]
    pub(crate) const fn hints(self) -> LevelHints {
        match self {
            Self::Device(_) => LevelHints::both(Hints::ALLOCATE),
            Self::Normal { inner, outer } => LevelHints { inner: inner.hints(), outer: outer.hints() },
        }
    }

    /// The same type; its cacheable levels take `hints`, the others have none.
    #[inline(always)]
    pub(crate) const fn with_hints(self, hints: LevelHints) -> Self {
        match self {
            Self::Device(_) => self,
            Self::Normal { inner, outer } => {
                Self::Normal { inner: inner.with_hints(hints.inner), outer: outer.with_hints(hints.outer) }
            }
        }
    }
}

impl LevelHints {
    /// The same hints at both levels.
    #[inline(always)]
    pub(crate) const fn both(hints: Hints) -> Self {
        Self { inner: hints, outer: hints }
    }

    /// The stronger of both at each level (§13.1.5).
    #[inline(always)]
    pub(crate) const fn combine(self, other: Self) -> Self {
        Self { inner: self.inner.combine(other.inner), outer: self.outer.combine(other.outer) }
    }
}

impl Cacheability {
    /// Write-Back is the weakest, Non-cacheable the strongest and without hints (§13.1.5, §13.1.7).
    #[inline(always)]
    const fn combine(self, other: Self) -> Self {
        match (self, other) {
            (Self::NonCacheable, _) | (_, Self::NonCacheable) => Self::NonCacheable,
            (Self::WriteThrough(a), Self::WriteThrough(b) | Self::WriteBack(b))
            | (Self::WriteBack(a), Self::WriteThrough(b)) => Self::WriteThrough(a.combine(b)),
            (Self::WriteBack(a), Self::WriteBack(b)) => Self::WriteBack(a.combine(b)),
        }
    }

    #[inline(always)]
    const fn hints(self) -> Hints {
        match self {
            Self::NonCacheable => Hints::ALLOCATE,
            Self::WriteThrough(hints) | Self::WriteBack(hints) => hints,
        }
    }

    #[inline(always)]
    const fn with_hints(self, hints: Hints) -> Self {
        match self {
            Self::NonCacheable => Self::NonCacheable,
            Self::WriteThrough(_) => Self::WriteThrough(hints),
            Self::WriteBack(_) => Self::WriteBack(hints),
        }
    }
}

impl Hints {
    /// No-allocate beats allocate, transient beats non-transient (§13.1.5).
    #[inline(always)]
    const fn combine(self, other: Self) -> Self {
        Self {
            read_allocate: self.read_allocate && other.read_allocate,
            write_allocate: self.write_allocate && other.write_allocate,
            transient: self.transient || other.transient,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Shareability;
    use super::super::testing::{all_types, attributes};
    use super::*;

    #[test]
    fn worked_examples() {
        let check = |a: &str, b: &str, expected: &str| {
            let (a, b) = (attributes(a), attributes(b));
            assert_eq!(a.combine(b).consistent().to_string(), expected);
            assert_eq!(b.combine(a).consistent().to_string(), expected);
        };
        check("Normal-iWB(RA,WA)-oNC-ISH", "Device-nGnRE-OSH", "Device-nGnRE-OSH");
        check("Device-nGnRE-OSH", "Device-nGnRnE-OSH", "Device-nGnRnE-OSH");
        check(
            "Normal-iWB(RA,WA)-oNC-ISH",
            "Normal-iWT(RA,WA)-oWT(RA,nWA,TR)-OSH",
            "Normal-iWT(RA,WA)-oNC-OSH",
        );
    }

    /// The same as numbers: every attribute on a scale from weak to strong (figure 13.1).
    fn strength(a: Attributes) -> [u8; 9] {
        let level = |level: Cacheability| {
            let (kind, hints) = match level {
                Cacheability::WriteBack(hints) => (0, hints),
                Cacheability::WriteThrough(hints) => (1, hints),
                Cacheability::NonCacheable => return [2, 0, 0, 0],
            };
            [kind, u8::from(!hints.read_allocate), u8::from(!hints.write_allocate), u8::from(hints.transient)]
        };
        let shareability = match a.shareability {
            Shareability::NonShareable => 0,
            Shareability::InnerShareable => 1,
            Shareability::OuterShareable => 2,
        };
        match a.memory_type {
            MemoryType::Device(device) => {
                let kind = super::super::testing::DEVICES.iter().position(|d| *d == device);
                let kind = 3 + u8::try_from(kind.expect("one of the four")).expect("small");
                [kind, 0, 0, 0, kind, 0, 0, 0, 2]
            }
            MemoryType::Normal { inner, outer } => {
                let (i, o) = (level(inner), level(outer));
                let shareability = if (i[0], o[0]) == (2, 2) { 2 } else { shareability };
                [i[0], i[1], i[2], i[3], o[0], o[1], o[2], o[3], shareability]
            }
        }
    }

    #[test]
    fn each_attribute_takes_the_stronger_value() {
        let shareabilities =
            [Shareability::NonShareable, Shareability::InnerShareable, Shareability::OuterShareable];
        let types = all_types();
        for (a, b) in types.iter().flat_map(|a| types.iter().map(move |b| (*a, *b))) {
            for (sa, sb) in [(0, 0), (0, 1), (1, 0), (1, 2), (2, 0)] {
                let a = Attributes::new(a, shareabilities[sa]);
                let b = Attributes::new(b, shareabilities[sb]);
                let mut expected: [u8; 9] = std::array::from_fn(|at| strength(a)[at].max(strength(b)[at]));
                for level in [0, 4] {
                    if expected[level] >= 2 {
                        expected[level + 1..level + 4].fill(0);
                    }
                }
                if expected[0] >= 2 && expected[4] >= 2 {
                    expected[8] = 2;
                }
                assert_eq!(strength(a.combine(b)), expected, "{a} with {b}");
            }
        }
    }
}
