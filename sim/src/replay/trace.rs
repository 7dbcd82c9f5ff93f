//! Reads a QEMU SMMUv3 trace log (`-trace 'smmuv3_*' -trace 'smmu_*'`), line by line, in constant memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;

pub use super::event::{MmioAccess, TraceEvent, TracedPermission, TracedStages};
pub use super::fields::Expected;
use crate::image::gzip;
use crate::lines::{Advanced, Lines};

/// A longer line is an error; QEMU's are below 200 bytes.
pub const MAX_LINE_BYTES: usize = 64 * 1024;
const MAX_QUOTED_CHARS: usize = 120;

/// One line of a trace that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceLine {
    /// Line number in the file, from 1; blank lines count.
    pub line: u64,
    /// What the line says.
    pub event: TraceEvent,
}

/// Why a trace, or a line of it, cannot be read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum TraceError {
    /// The file cannot be opened.
    #[error("cannot open trace {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Reading failed at this line, or decompressing did; the iterator ends here.
    #[error("cannot read the trace at line {line}")]
    #[diagnostic(help("a gzip file that was cut short, or is still being written, ends like this"))]
    Read {
        /// The line that is incomplete.
        line: u64,
        /// What the system or the decompressor said.
        source: io::Error,
    },
    /// A line is longer than [`MAX_LINE_BYTES`].
    #[error("line {line} of the trace is longer than {MAX_LINE_BYTES} bytes")]
    #[diagnostic(help("is this file a text log of QEMU's trace events?"))]
    TooLong {
        /// The line.
        line: u64,
    },
    /// A line is not UTF-8.
    #[error("line {line} of the trace is not UTF-8: {text}")]
    #[diagnostic(help("is this file a text log of QEMU's trace events?"))]
    NotUtf8 {
        /// The line.
        line: u64,
        /// Its start, with replacement characters.
        text: String,
    },
    /// A line is not an SMMU trace event, or has fields that do not parse.
    #[error("line {line} of the trace: {what}: {text}")]
    #[diagnostic(help("record with `-trace 'smmuv3_*' -trace 'smmu_*' -D FILE`, nothing else in FILE"))]
    Malformed {
        /// The line.
        line: u64,
        /// Its start.
        text: String,
        /// What it should have had.
        what: Expected,
    },
}

/// The lines of a trace, in order. After an error in one line it goes on with the next.
#[derive(Debug)]
pub struct TraceReader<R> {
    lines: Lines<R>,
    ended: bool,
}

impl TraceReader<Box<dyn BufRead>> {
    /// Opens a trace file, plain or gzip.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, TraceError> {
        Self::open_with_progress(path, &ProgressBar::hidden())
    }

    /// As [`TraceReader::open`]; `progress` shows how many bytes of the file, as it is on disk, were read.
    pub fn open_with_progress(path: impl AsRef<Path>, progress: &ProgressBar) -> Result<Self, TraceError> {
        let path = path.as_ref();
        let open = || {
            let file = File::open(path)?;
            progress.reset();
            progress.set_length(file.metadata()?.len());
            gzip::decompressed(BufReader::new(progress.wrap_read(file)))
        };
        open().map(Self::new).map_err(|source| TraceError::Open { path: path.to_owned(), source })
    }
}

impl<R: BufRead> TraceReader<R> {
    /// Reads a trace from its (plain) text.
    pub fn new(input: R) -> Self {
        Self { lines: Lines::new(input, MAX_LINE_BYTES), ended: false }
    }

    /// The next line that is not blank, or `None` at the end of the input.
    fn next_line(&mut self) -> Result<Option<TraceLine>, TraceError> {
        loop {
            match self.lines.advance() {
                Ok(Advanced::Line) if self.lines.bytes().trim_ascii().is_empty() => {}
                Ok(Advanced::Line) => return self.parse_line().map(Some),
                Ok(Advanced::TooLong) => return Err(TraceError::TooLong { line: self.lines.number() }),
                Ok(Advanced::End) => return Ok(None),
                Err(source) => {
                    self.ended = true;
                    return Err(TraceError::Read { line: self.lines.number(), source });
                }
            }
        }
    }

    fn parse_line(&self) -> Result<TraceLine, TraceError> {
        let (line, bytes) = (self.lines.number(), self.lines.bytes());
        let text = std::str::from_utf8(bytes).map_err(|_position| TraceError::NotUtf8 {
            line,
            text: shortened(&String::from_utf8_lossy(bytes)),
        })?;
        let text = text.strip_suffix('\r').unwrap_or(text);
        match TraceEvent::parse(text) {
            Ok(event) => Ok(TraceLine { line, event }),
            Err(what) => Err(TraceError::Malformed { line, text: shortened(text), what }),
        }
    }
}

impl<R: BufRead> Iterator for TraceReader<R> {
    type Item = Result<TraceLine, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = self.next_line().transpose();
        self.ended |= item.is_none();
        item
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTED_CHARS) {
        Some((end, _)) => format!("{}…", text.split_at(end).0.escape_debug()),
        None => text.escape_debug().to_string(),
    }
}

#[cfg(test)]
mod tests;
