//! The lines of a transcript: one system call, or one DMA of the device, with the answer of a real kernel.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::kernel::Direction;
use crate::{hex, json};

/// One line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// What the real kernel answered.
    pub answer: Answer,
}

/// What a call returns.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    /// The return value; -1 for an error.
    pub ret: i64,
    /// The error, or 0.
    pub errno: i32,
    /// The bytes that come back, if the call has some.
    pub out: Option<Vec<u8>>,
}

/// What is done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Opens a path and names the descriptor.
    Open {
        /// The name.
        name: String,
        /// The path.
        path: String,
    },
    /// Closes a descriptor.
    Close {
        /// Its name.
        name: String,
    },
    /// An ioctl.
    Ioctl {
        /// The name of the descriptor.
        fd: String,
        /// The request.
        number: u32,
        /// The structure, without its pointers.
        bytes: Vec<u8>,
        /// What is to be put into the structure, by offset.
        pointers: Vec<(usize, Pointer)>,
    },
    /// The process writes its buffer.
    Write {
        /// Where.
        offset: u64,
        /// What.
        bytes: Vec<u8>,
    },
    /// The process reads its buffer.
    Read {
        /// Where.
        offset: u64,
        /// How many bytes.
        bytes: usize,
    },
    /// Names the descriptor that the last reply holds.
    Fd {
        /// The name.
        name: String,
        /// Where in the reply.
        offset: usize,
    },
    /// Reads a queue.
    Event {
        /// The name of its descriptor.
        name: String,
        /// How many bytes are asked for.
        bytes: usize,
    },
    /// The first device reads or writes memory.
    Dma {
        /// Which way.
        direction: Direction,
        /// Where.
        address: u64,
        /// How many bytes.
        bytes: usize,
    },
}

/// Something that differs from run to run, and so is not among the bytes of a structure.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Pointer {
    /// The user address of a byte of the buffer, eight bytes.
    Buffer(u64),
    /// A descriptor, four bytes.
    Descriptor(String),
}

impl Pointer {
    /// How many bytes of a structure it fills.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Buffer(_) => 8,
            Self::Descriptor(_) => 4,
        }
    }
}

/// Most bytes of an ioctl's structure.
const STRUCTURE_MAX: usize = 1 << 16;

/// Most bytes that are read at once.
const READ_MAX: usize = 64 << 20;

/// The line as JSON has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    op: String,
    #[serde(default)]
    args: Vec<String>,
    fd: Option<String>,
    nr: Option<String>,
    r#in: Option<String>,
    #[serde(default)]
    pointers: BTreeMap<String, String>,
    ret: i64,
    errno: i32,
    out: Option<String>,
}

/// Why a line cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// It is not the JSON of a call.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// An operation that transcripts do not have.
    #[error("`{0}` is no operation: there are open, close, ioctl, fd, read, write, event and dma")]
    Operation(String),
    /// An argument is missing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// An argument cannot be read.
    #[error("`{text}` is no {what}")]
    Argument {
        /// What was written.
        text: String,
        /// What was expected.
        what: &'static str,
    },
    /// A pointer lies outside of its structure.
    #[error("the pointer at offset {offset} does not fit a structure of {bytes} bytes")]
    Pointer {
        /// Where it is to be.
        offset: usize,
        /// The bytes of the structure.
        bytes: usize,
    },
    /// More bytes than a transcript can ask for.
    #[error("{bytes} bytes are too many: at most {most}")]
    TooMany {
        /// How many were asked for.
        bytes: usize,
        /// How many can be.
        most: usize,
    },
}

impl Step {
    /// Reads a line.
    pub fn parse(line: &[u8]) -> Result<Self, StepError> {
        let raw: Raw = json::parse(line)?;
        let out = raw.out.as_deref().map(digits).transpose()?;
        let answer = Answer { ret: raw.ret, errno: raw.errno, out };
        Ok(Self { action: action(&raw)?, answer })
    }
}

fn action(raw: &Raw) -> Result<Action, StepError> {
    let argument = |index: usize, what| raw.args.get(index).ok_or(StepError::Missing(what));
    let name = || argument(0, "name").cloned();
    Ok(match raw.op.as_str() {
        "open" => Action::Open { name: name()?, path: argument(1, "path")?.clone() },
        "close" => Action::Close { name: name()? },
        "ioctl" => ioctl(raw)?,
        "write" => {
            Action::Write { offset: number(argument(0, "offset")?)?, bytes: digits(argument(1, "bytes")?)? }
        }
        "read" => Action::Read {
            offset: number(argument(0, "offset")?)?,
            bytes: size(argument(1, "length")?, READ_MAX)?,
        },
        "fd" => Action::Fd { name: name()?, offset: size(argument(1, "offset")?, STRUCTURE_MAX)? },
        "event" => Action::Event { name: name()?, bytes: size(argument(1, "length")?, READ_MAX)? },
        "dma" => Action::Dma {
            direction: match argument(0, "direction")?.as_str() {
                "r" => Direction::Read,
                "w" => Direction::Write,
                other => return Err(unusable(other, "direction: `r` or `w`")),
            },
            address: number(argument(1, "address")?)?,
            bytes: size(argument(2, "length")?, READ_MAX)?,
        },
        other => return Err(StepError::Operation(other.to_owned())),
    })
}

fn ioctl(raw: &Raw) -> Result<Action, StepError> {
    let fd = raw.fd.clone().ok_or(StepError::Missing("fd"))?;
    let nr = raw.nr.as_deref().ok_or(StepError::Missing("nr"))?;
    let request = u32::try_from(number(nr)?).map_err(|_too_large| unusable(nr, "request of 32 bits"))?;
    let bytes = digits(raw.r#in.as_deref().ok_or(StepError::Missing("in"))?)?;
    if bytes.len() > STRUCTURE_MAX {
        return Err(StepError::TooMany { bytes: bytes.len(), most: STRUCTURE_MAX });
    }
    let mut pointers = Vec::new();
    for (offset, text) in &raw.pointers {
        let offset = size(offset, STRUCTURE_MAX)?;
        let pointer = match (text.strip_prefix("buf+"), text.strip_prefix("fd:")) {
            (Some(offset), _) => Pointer::Buffer(number(offset)?),
            (None, Some(name)) => Pointer::Descriptor(name.to_owned()),
            (None, None) => return Err(unusable(text, "pointer: `buf+N` or `fd:NAME`")),
        };
        if offset + pointer.bytes() > bytes.len() {
            return Err(StepError::Pointer { offset, bytes: bytes.len() });
        }
        pointers.push((offset, pointer));
    }
    Ok(Action::Ioctl { fd, number: request, bytes, pointers })
}

fn unusable(text: &str, what: &'static str) -> StepError {
    StepError::Argument { text: text.to_owned(), what }
}

fn digits(text: &str) -> Result<Vec<u8>, StepError> {
    hex::bytes(text).ok_or_else(|| unusable(text, "even number of hexadecimal digits"))
}

/// A number, decimal or with `0x`.
fn number(text: &str) -> Result<u64, StepError> {
    hex::number(text).or_else(|| text.parse().ok()).ok_or_else(|| unusable(text, "number"))
}

fn size(text: &str, most: usize) -> Result<usize, StepError> {
    let bytes = usize::try_from(number(text)?).map_err(|_too_large| unusable(text, "number of bytes"))?;
    if bytes > most { Err(StepError::TooMany { bytes, most }) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_call_and_its_answer() {
        let line =
            br#"{"op": "ioctl", "fd": "iommu", "nr": "0x3b86", "in": "0c000000000000000000000000000000",
            "pointers": {"8": "buf+0x10"}, "ret": -1, "errno": 22, "out": ""}"#;
        let step = Step::parse(line).expect("the line is well formed");
        let Action::Ioctl { number, bytes, pointers, .. } = step.action else { panic!("it is an ioctl") };
        assert_eq!((number, bytes.len()), (0x3b86, 16));
        assert_eq!(pointers, [(8, Pointer::Buffer(0x10))]);
        assert_eq!(step.answer, Answer { ret: -1, errno: 22, out: Some(Vec::new()) });
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let check = |line: &str, expected: &str| {
            let error = Step::parse(line.as_bytes()).expect_err(line).to_string();
            assert!(error.contains(expected), "{line}: {error}");
        };
        check("{", "EOF while parsing");
        check(r#"{"op": "jump", "ret": 0, "errno": 0}"#, "`jump` is no operation");
        check(r#"{"op": "open", "args": ["a"], "ret": 0, "errno": 0}"#, "`path` is missing");
        check(r#"{"op": "read", "args": ["0", "x"], "ret": 0, "errno": 0}"#, "`x` is no number");
        check(r#"{"op": "read", "args": ["0", "99999999999"], "ret": 0, "errno": 0}"#, "are too many");
        check(r#"{"op": "dma", "args": ["x", "0", "1"], "ret": 0, "errno": 0}"#, "`x` is no direction");
        check(
            r#"{"op": "ioctl", "fd": "a", "nr": "1", "in": "0000", "pointers": {"0": "fd:b"}, "ret": 0, "errno": 0}"#,
            "does not fit a structure of 2 bytes",
        );
    }
}
