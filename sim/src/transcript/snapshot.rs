//! Snapshots of the hardware: what the driver had written at some points of a transcript.

use serde::Deserialize;

use crate::{hex, json};

/// One point: the state of one stream, and what was written since the point before.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Snapshot {
    /// The transcript's name.
    pub script: String,
    /// Which point, from 0.
    pub index: u64,
    /// The STE.
    pub ste: [u64; 8],
    /// The CD of SubstreamID 0, if stage 1 is the host's.
    pub cd: Option<[u64; 8]>,
    /// The commands.
    pub commands: Vec<[u64; 2]>,
    /// The register writes but those of CMDQ_PROD: offset in its page, and value.
    pub writes: Vec<(u64, u64)>,
}

/// The line as JSON has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    script: String,
    snap: u64,
    ste: [String; 8],
    cd: Option<[String; 8]>,
    commands: Vec<[String; 2]>,
    mmio: Vec<[String; 2]>,
}

/// Why a snapshot cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It is not the JSON of a snapshot.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// A number cannot be read.
    #[error("`{0}` is no hexadecimal number")]
    Number(String),
}

impl Snapshot {
    /// Reads a line.
    pub fn parse(line: &[u8]) -> Result<Self, SnapshotError> {
        let raw: Raw = json::parse(line)?;
        let pair = |[left, right]: &[String; 2]| Ok([number(left)?, number(right)?]);
        let write = |text: &[String; 2]| pair(text).map(|[offset, value]| (offset, value));
        Ok(Self {
            script: raw.script,
            index: raw.snap,
            ste: words(&raw.ste)?,
            cd: raw.cd.as_ref().map(words).transpose()?,
            commands: raw.commands.iter().map(pair).collect::<Result<_, SnapshotError>>()?,
            writes: raw.mmio.iter().map(write).collect::<Result<_, SnapshotError>>()?,
        })
    }
}

fn words(text: &[String; 8]) -> Result<[u64; 8], SnapshotError> {
    let mut words = [0; 8];
    for (word, text) in words.iter_mut().zip(text) {
        *word = number(text)?;
    }
    Ok(words)
}

fn number(text: &str) -> Result<u64, SnapshotError> {
    hex::number(text).ok_or_else(|| SnapshotError::Number(text.to_owned()))
}
