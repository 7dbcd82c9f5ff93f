//! A scanner for the `label=value` text of one trace line, left to right.

use std::fmt;

/// What a trace line should have had at the place where reading it stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The name of a trace event of QEMU's SMMU at the start of the line.
    EventName,
    /// This literal text.
    Text(&'static str),
    /// Text that is not empty, up to this literal text.
    WordBefore(&'static str),
    /// A `0x` number that fits, after this label.
    Hex(&'static str),
    /// A decimal number that fits, after this label.
    Decimal(&'static str),
    /// A `0x` or decimal number that fits, after this label.
    Number(&'static str),
    /// A stage (1, 2, or 3 for both) after this label.
    Stage(&'static str),
    /// An access permission (0x0 to 0x3) after this label.
    Permission(&'static str),
    /// No more text.
    LineEnd,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |label: &'static str| label.trim_start_matches([' ', ',']);
        match self {
            Self::EventName => write!(f, "expected an event name that starts with `smmu_` or `smmuv3_`"),
            Self::Text(text) => write!(f, "expected `{text}`"),
            Self::WordBefore(text) => write!(f, "expected a name before `{text}`"),
            Self::Hex(label) => write!(f, "expected hex after `{}`", shown(label)),
            Self::Decimal(label) => write!(f, "expected a decimal number after `{}`", shown(label)),
            Self::Number(label) => write!(f, "expected a number after `{}`", shown(label)),
            Self::Stage(label) => write!(f, "expected a stage of 1 to 3 after `{}`", shown(label)),
            Self::Permission(label) => {
                write!(f, "expected a permission of 0x0 to 0x3 after `{}`", shown(label))
            }
            Self::LineEnd => write!(f, "expected the end of the line"),
        }
    }
}

/// The part of a trace line that is not read yet. Labels are given with their separators (`" iova="`).
pub(super) struct Fields<'a> {
    rest: &'a str,
}

impl<'a> Fields<'a> {
    pub(super) fn new(rest: &'a str) -> Self {
        Self { rest }
    }

    pub(super) fn text(&mut self, text: &'static str) -> Result<(), Expected> {
        self.rest = self.rest.strip_prefix(text).ok_or(Expected::Text(text))?;
        Ok(())
    }

    pub(super) fn starts_with(&self, text: &str) -> bool {
        self.rest.starts_with(text)
    }

    /// Everything up to `label`, which stays unread.
    pub(super) fn word_before(&mut self, label: &'static str) -> Result<String, Expected> {
        let end = self.rest.find(label).filter(|&end| end > 0).ok_or(Expected::WordBefore(label))?;
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(word.to_owned())
    }

    /// The rest of the line.
    pub(super) fn last_word(&mut self, label: &'static str) -> Result<String, Expected> {
        self.text(label)?;
        let word = std::mem::take(&mut self.rest).trim_end();
        if word.is_empty() { Err(Expected::Text(label)) } else { Ok(word.to_owned()) }
    }

    pub(super) fn hex<T: TryFrom<u64>>(&mut self, label: &'static str) -> Result<T, Expected> {
        self.text(label)?;
        self.hex_digits().and_then(narrow).ok_or(Expected::Hex(label))
    }

    pub(super) fn decimal<T: TryFrom<u64>>(&mut self, label: &'static str) -> Result<T, Expected> {
        self.text(label)?;
        self.decimal_digits().and_then(narrow).ok_or(Expected::Decimal(label))
    }

    /// Hex with `0x`, else decimal: QEMU prints stream ids as `%d` before release 5.1 and as `0x%x` since.
    pub(super) fn number<T: TryFrom<u64>>(&mut self, label: &'static str) -> Result<T, Expected> {
        self.text(label)?;
        let value = if self.rest.starts_with("0x") { self.hex_digits() } else { self.decimal_digits() };
        value.and_then(narrow).ok_or(Expected::Number(label))
    }

    pub(super) fn end(&self) -> Result<(), Expected> {
        if self.rest.trim_end().is_empty() { Ok(()) } else { Err(Expected::LineEnd) }
    }

    fn hex_digits(&mut self) -> Option<u64> {
        self.rest = self.rest.strip_prefix("0x")?;
        u64::from_str_radix(self.take_while(|c| c.is_ascii_hexdigit()), 16).ok()
    }

    fn decimal_digits(&mut self) -> Option<u64> {
        self.take_while(|c| c.is_ascii_digit()).parse().ok()
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }
}

fn narrow<T: TryFrom<u64>>(value: u64) -> Option<T> {
    T::try_from(value).ok()
}
