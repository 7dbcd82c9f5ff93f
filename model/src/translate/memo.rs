//! The structures parsed last, kept with the words they were parsed from, and the answers given lately.
//!
//! This is no cache of the architecture: every transaction reads its STE and CD from memory, and a parsed
//! structure is used again only for the same words under the same registers. It changes no answer, only how
//! often the same question is worked out. A structure that a liberty of the architecture bears on is not kept,
//! so that every question is asked every time.

use super::answers::Answers;
use crate::config::cd::{Context, ContextSetting};
use crate::config::ste::{Stream, StreamSetting};
use crate::rule::Rule;

/// What was parsed last, and answered lately.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memo {
    pub(super) stream: Last<StreamSetting, Stream>,
    pub(super) context: Last<ContextSetting, Context>,
    pub(crate) answers: Answers,
}

/// All memos are equal: what they hold shows in no answer.
impl PartialEq for Memo {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Memo {}

/// The last value, and what it was made from.
#[derive(Clone, Debug)]
pub(crate) struct Last<S, T>(Option<Parsed<S, T>>);

#[derive(Clone, Debug)]
struct Parsed<S, T> {
    words: [u64; 8],
    setting: S,
    /// It may be used again.
    kept: bool,
    value: T,
}

impl<S, T> Default for Last<S, T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<S: PartialEq, T> Last<S, T> {
    /// The value of `words` under `setting`: the one kept, or a new one, which is kept if `keep` says so.
    #[inline(always)]
    pub(super) fn get(
        &mut self,
        words: &[u64; 8],
        setting: S,
        keep: impl FnOnce() -> bool,
        parse: impl FnOnce() -> Result<T, Rule>,
    ) -> Result<&T, Rule> {
        let known = self.0.as_ref().is_some_and(|last| last.answers(words, &setting));
        if !known {
            self.0 = None;
            self.0 = Some(Parsed { words: *words, setting, value: parse()?, kept: keep() });
        }
        Ok(&self.0.as_ref().expect("it was known, or has been parsed").value)
    }
}

impl<S: PartialEq, T> Parsed<S, T> {
    #[inline(always)]
    fn answers(&self, words: &[u64; 8], setting: &S) -> bool {
        // One fold over all words is a few vector instructions; equality of arrays is a call.
        let differing = self.words.iter().zip(words).fold(0, |bits, (kept, word)| bits | (kept ^ word));
        differing == 0 && self.kept && self.setting == *setting
    }
}
