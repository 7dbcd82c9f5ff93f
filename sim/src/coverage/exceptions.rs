//! The rules that no scenario can reach, each with its reason: a file of `LABEL reason` lines.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use smmu_model::rule::Rule;

/// The exceptions, in the order of the file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Exceptions(pub Vec<Exception>);

/// One exception.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exception {
    /// Its line, from 1.
    pub line: usize,
    /// The label of the rule.
    pub label: String,
    /// Why no scenario reaches it.
    pub reason: String,
}

/// Why the exceptions cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ExceptionsError {
    /// The file cannot be read.
    #[error("cannot read {0}")]
    Unreadable(PathBuf, #[source] io::Error),
    /// A label stands alone.
    #[error("{0}, line {1}: {2} has no reason")]
    NoReason(PathBuf, usize, String),
}

impl Exceptions {
    /// Reads the file at `path`. Empty lines, and those that begin with `#`, do not count.
    pub fn open(path: &Path) -> Result<Self, ExceptionsError> {
        let text =
            fs::read_to_string(path).map_err(|error| ExceptionsError::Unreadable(path.to_owned(), error))?;
        Self::parse(&text)
            .map_err(|(line, label)| ExceptionsError::NoReason(path.to_owned(), line, label.to_owned()))
    }

    /// The exceptions of `text`, or the first line with a label but no reason, and the label.
    fn parse(text: &str) -> Result<Self, (usize, &str)> {
        let lines = (1..).zip(text.lines().map(str::trim));
        let exceptions =
            lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#')).map(|(line, text)| {
                let (label, reason) = text.split_once(char::is_whitespace).ok_or((line, text))?;
                Ok(Exception { line, label: label.to_owned(), reason: reason.trim().to_owned() })
            });
        exceptions.collect::<Result<_, _>>().map(Self)
    }

    /// The reason why `rule` is not reached.
    pub fn reason(&self, rule: Rule) -> Option<&str> {
        let exception = self.0.iter().find(|exception| exception.label == rule.label())?;
        Some(&exception.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_a_label_and_a_reason() {
        let found = Exceptions::parse("# why\n\nSTE-01   never  so \n").expect("well formed");
        let expected = Exception { line: 3, label: "STE-01".to_owned(), reason: "never  so".to_owned() };
        assert_eq!(found.0, [expected]);
        assert_eq!(found.reason(Rule::SteNotValid), Some("never  so"));
        assert_eq!(Exceptions::parse("A b\n C \n"), Err((2, "C")));
    }
}
