//! Where something stands in a scenario's text: every value keeps it, so that every later error has a place.

use std::sync::Arc;

/// One of the files that a scenario consists of: itself, and what it includes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileId(usize);

/// A range of bytes in one file. Holding one guarantees that the file is among its scenario's [`Sources`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// Which file.
    pub file: FileId,
    /// Offset of the first byte.
    pub offset: usize,
    /// How many bytes.
    pub length: usize,
}

/// A value and where it was written.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Spanned<T> {
    /// The value.
    pub(crate) value: T,
    /// Where it was written.
    pub(crate) span: Span,
}

/// A file's name and text.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path as the user, or the include, gave it.
    pub name: String,
    /// The contents.
    pub text: Arc<str>,
}

/// The files of one scenario; the first is the scenario itself.
#[derive(Clone, Debug, Default)]
pub struct Sources(Vec<Source>);

impl Span {
    /// From the start of this span to the end of `last`, which is in the same file.
    pub fn to(self, last: Span) -> Span {
        let end = (last.offset + last.length).max(self.offset + self.length);
        Span { length: end - self.offset, ..self }
    }
}

impl Sources {
    /// Adds a file.
    pub fn add(&mut self, name: String, text: Arc<str>) -> FileId {
        self.0.push(Source { name, text });
        FileId(self.0.len() - 1)
    }

    /// The file.
    pub fn get(&self, file: FileId) -> &Source {
        &self.0[file.0]
    }

    /// The line of `span`, counted from 1.
    pub fn line(&self, span: Span) -> usize {
        self.get(span.file).text[..span.offset].matches('\n').count() + 1
    }

    /// The text of `span`.
    pub fn text(&self, span: Span) -> &str {
        &self.get(span.file).text[span.offset..span.offset + span.length]
    }
}
