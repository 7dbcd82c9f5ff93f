//! Reads a file of vectors: one JSON object per line, plain or gzip.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use super::case::Case;
use crate::image::gzip;
use crate::json;
use crate::lines::{Advanced, Lines};

/// A longer line is an error; those of the recorded vectors are below 4 KiB.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

/// Why a file of vectors, or a line of it, cannot be read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ReadError {
    /// The file cannot be opened.
    #[error("cannot open vectors {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file has no case, and no line that might have been one.
    #[error("no case is in vectors {}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Reading failed at this line, or decompressing did; the rest of the file is lost.
    #[error("cannot read line {line}")]
    Read {
        /// The line that is incomplete.
        line: u64,
        /// What the system or the decompressor said.
        source: io::Error,
    },
    /// A line is longer than [`MAX_LINE_BYTES`].
    #[error("line {line} is longer than {MAX_LINE_BYTES} bytes")]
    TooLong {
        /// The line.
        line: u64,
    },
    /// A line is no case.
    #[error("line {line} is no case")]
    Malformed {
        /// The line.
        line: u64,
        /// What is wrong, with the column.
        source: serde_json::Error,
    },
}

/// The cases of a file, each with its line number. After an error in one line it goes on with the next.
pub(super) struct CaseReader {
    lines: Lines<Box<dyn BufRead>>,
    ended: bool,
}

impl CaseReader {
    pub(super) fn open(path: &Path) -> Result<Self, ReadError> {
        let input = gzip::open(path).map_err(|source| ReadError::Open { path: path.to_owned(), source })?;
        Ok(Self { lines: Lines::new(input, MAX_LINE_BYTES), ended: false })
    }
}

impl Iterator for CaseReader {
    type Item = Result<(u64, Case), ReadError>;

    /// The next line that is not blank.
    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let advanced = self.lines.advance();
            let line = self.lines.number();
            match advanced {
                Ok(Advanced::Line) if self.lines.bytes().trim_ascii().is_empty() => {}
                Ok(Advanced::Line) => {
                    let case = json::parse(self.lines.bytes());
                    let case = case.map_err(|source| ReadError::Malformed { line, source });
                    return Some(case.map(|case| (line, case)));
                }
                Ok(Advanced::TooLong) => return Some(Err(ReadError::TooLong { line })),
                Ok(Advanced::End) => self.ended = true,
                Err(source) => {
                    self.ended = true;
                    return Some(Err(ReadError::Read { line, source }));
                }
            }
        }
        None
    }
}
