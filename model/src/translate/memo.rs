//! The structures parsed last, kept with the words they were parsed from.
//!
//! This is no cache of the architecture: every transaction reads its STE and CD from memory, and a parsed
//! structure is used again only for the same words under the same registers. It changes no answer, only how
//! often the same question is worked out. A structure that a liberty of the architecture bears on is not kept,
//! so that every question is asked every time.

use crate::config::StreamWorld;
use crate::config::cd::Context;
use crate::config::ste::Stream;
use crate::layout::cd::Cd;
use crate::layout::ste::Ste;
use crate::rule::Rule;

/// What was parsed last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memo {
    pub(super) stream: Last<StreamKey, Stream>,
    pub(super) context: Last<ContextKey, Context>,
}

/// All memos are equal: what they hold shows in no answer.
impl PartialEq for Memo {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Memo {}

/// All that the meaning of an STE depends on, beside the features, which never change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct StreamKey {
    pub(super) ste: Ste,
    pub(super) e2h: bool,
    pub(super) atschk: bool,
}

/// All that the meaning of a CD depends on, beside the features.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ContextKey {
    pub(super) cd: Cd,
    pub(super) world: StreamWorld,
    pub(super) s1_stalld: bool,
}

/// One value and what it was made from.
#[derive(Clone, Debug)]
pub(super) struct Last<K, T> {
    /// `None` if the value must not be used again.
    key: Option<K>,
    value: Option<T>,
}

impl<K, T> Default for Last<K, T> {
    fn default() -> Self {
        Self { key: None, value: None }
    }
}

impl<K: PartialEq, T> Last<K, T> {
    /// The value of `key`: the one kept, or a new one, which is kept if `keep` says so.
    #[inline(always)]
    pub(super) fn get(
        &mut self,
        key: K,
        keep: impl FnOnce() -> bool,
        parse: impl FnOnce() -> Result<T, Rule>,
    ) -> Result<&T, Rule> {
        if self.key.as_ref() != Some(&key) {
            self.key = None;
            self.value = Some(parse()?);
            self.key = keep().then_some(key);
        }
        Ok(self.value.as_ref().expect("a key is kept together with its value"))
    }
}
