//! Whether caches still answer as they did.

/// Of caches. While it is the same, whatever they translated without a look at memory they translate in the same way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Version(u64);

impl Version {
    /// Each of `parts` only grows, so that no two states have the same sum.
    pub(super) fn of<const N: usize>(parts: [Changes; N]) -> Self {
        Self(parts.iter().map(|Changes(count)| count).sum())
    }
}

/// How often a part of the caches changed what it had answered, or may have.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Changes(u64);

impl Changes {
    /// One more.
    pub(super) fn count(&mut self) {
        self.0 += 1;
    }
}

/// Only what is cached now shows in an answer.
impl PartialEq for Changes {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Changes {}
