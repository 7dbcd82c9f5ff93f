//! One vector: a configuration, one write through it, and what a stock QEMU made of it.

use serde::Deserialize;
use serde_json::Value;
use smmu_model::address::{Iova, Pa};
use smmu_model::ids::StreamId;
use smmu_model::layout::event::EventRecord;

use crate::hex;

/// The word that devices write.
pub const WORD: u32 = 0x1234_5678;

/// One line of a file of vectors. The device `stream` writes [`WORD`] at `iova`.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(try_from = "Line")]
pub struct Case {
    /// Its number in the file.
    pub id: u64,
    /// Which stages: `s1`, `s2`, `nested`, `bypass`, `abort`.
    pub mode: String,
    /// What the author of the case meant it to be; for people.
    pub about: Value,
    /// Bytes by address; all other memory is zero.
    pub memory: Vec<(Pa, Vec<u8>)>,
    /// Register writes from reset, in order.
    pub registers: Vec<RegisterWrite>,
    /// The device.
    pub stream: StreamId,
    /// The input address.
    pub iova: Iova,
    /// Where the author of the case meant the word to land.
    pub pa: Pa,
    /// What QEMU did.
    pub peer: Peer,
}

/// A write of a register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RegisterWrite {
    /// Offset from the base of page 0 (§6.2).
    pub offset: u64,
    /// Bytes.
    pub size_bytes: u8,
    /// The value.
    pub value: u64,
}

/// What the other implementation did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Peer {
    /// It ended itself.
    Crashed,
    /// It answered.
    Answered(Answer),
}

/// What can be seen of an implementation after the write.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    /// The device saw success.
    pub completed: bool,
    /// The word is where the author of the case meant it to land.
    pub landed: bool,
    /// The records in the Event queue.
    pub events: Vec<EventRecord>,
}

/// What is wrong with a line that is JSON of the right shape.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CaseError {
    /// A number is not `0x…`.
    #[error("`{0}` is not a 0x… number of 64 bits")]
    Number(String),
    /// Bytes are not pairs of hex digits.
    #[error("`{0}` is not bytes in hex")]
    Bytes(String),
    /// An event record has not 32 bytes.
    #[error("`{0}` is not an event record of 32 bytes in hex")]
    Record(String),
    /// The access is something else than the write of four bytes that these files are about.
    #[error("the access is not a write of 4 bytes")]
    Access,
    /// QEMU neither crashed nor answered.
    #[error("`qemu` has neither `crashed` nor `completed` and `landed`")]
    NoAnswer,
}

/// The shape of a line in the file.
#[derive(Deserialize)]
struct Line {
    id: u64,
    mode: String,
    about: Value,
    memory: Vec<(String, String)>,
    registers: Vec<(String, u8, String)>,
    dma: Dma,
    pa: String,
    qemu: Qemu,
}

#[derive(Deserialize)]
struct Dma {
    sid: u32,
    iova: String,
    len: u64,
    write: bool,
}

#[derive(Deserialize)]
struct Qemu {
    #[serde(default)]
    crashed: bool,
    completed: Option<bool>,
    landed: Option<bool>,
    #[serde(default)]
    events: Vec<String>,
}

impl TryFrom<Line> for Case {
    type Error = CaseError;

    fn try_from(line: Line) -> Result<Self, CaseError> {
        if !line.dma.write || line.dma.len != 4 {
            return Err(CaseError::Access);
        }
        let memory = line.memory.iter().map(|(at, data)| Ok((Pa::new(number(at)?), bytes(data)?)));
        let registers = line.registers.iter().map(|(offset, size_bytes, value)| {
            Ok(RegisterWrite { offset: number(offset)?, size_bytes: *size_bytes, value: number(value)? })
        });
        Ok(Self {
            memory: memory.collect::<Result<_, CaseError>>()?,
            registers: registers.collect::<Result<_, CaseError>>()?,
            stream: StreamId(line.dma.sid),
            iova: Iova::new(number(&line.dma.iova)?),
            pa: Pa::new(number(&line.pa)?),
            peer: line.qemu.try_into()?,
            id: line.id,
            mode: line.mode,
            about: line.about,
        })
    }
}

impl TryFrom<Qemu> for Peer {
    type Error = CaseError;

    fn try_from(qemu: Qemu) -> Result<Self, CaseError> {
        match qemu {
            Qemu { crashed: true, .. } => Ok(Self::Crashed),
            Qemu { completed: Some(completed), landed: Some(landed), events, .. } => {
                let events = events.iter().map(|text| record(text)).collect::<Result<_, _>>()?;
                Ok(Self::Answered(Answer { completed, landed, events }))
            }
            Qemu { .. } => Err(CaseError::NoAnswer),
        }
    }
}

fn number(text: &str) -> Result<u64, CaseError> {
    hex::number(text).ok_or_else(|| CaseError::Number(text.to_owned()))
}

fn bytes(text: &str) -> Result<Vec<u8>, CaseError> {
    hex::bytes(text).ok_or_else(|| CaseError::Bytes(text.to_owned()))
}

fn record(text: &str) -> Result<EventRecord, CaseError> {
    let raw = bytes(text)?.try_into();
    raw.map(EventRecord::from_bytes).map_err(|_wrong_length: Vec<u8>| CaseError::Record(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"id":7,"mode":"s1","about":{"defect":null},"memory":[["0x41000000","0b00"]],
        "registers":[["0x20",4,"0x1"]],"dma":{"sid":2,"iova":"0x8000","len":4,"write":true},"pa":"0x61000000",
        "qemu":{"completed":true,"landed":false,"events":[],"gerror":"0x0"}}"#;

    #[test]
    fn a_line_becomes_a_case() {
        let case: Case = serde_json::from_str(LINE).expect("the line is a case");
        assert_eq!((case.id, case.stream, case.pa), (7, StreamId(2), Pa::new(0x6100_0000)));
        assert_eq!(case.memory, [(Pa::new(0x4100_0000), vec![0x0b, 0])]);
        assert_eq!(case.registers, [RegisterWrite { offset: 0x20, size_bytes: 4, value: 1 }]);
        assert_eq!(case.peer, Peer::Answered(Answer { completed: true, landed: false, events: vec![] }));
    }

    #[test]
    fn a_broken_line_says_what_is_wrong() {
        for (good, broken, message) in [
            ("\"0x8000\"", "\"8000\"", "`8000` is not a 0x… number"),
            ("\"0b00\"", "\"0b0\"", "`0b0` is not bytes in hex"),
            ("\"events\":[]", "\"events\":[\"00\"]", "`00` is not an event record of 32 bytes"),
            ("\"write\":true", "\"write\":false", "the access is not a write of 4 bytes"),
            ("\"len\":4", "\"len\":8", "the access is not a write of 4 bytes"),
            ("\"completed\":true,", "", "neither `crashed` nor `completed`"),
            ("\"id\":7,", "", "missing field `id`"),
        ] {
            assert!(LINE.contains(good), "{good}");
            let error = serde_json::from_str::<Case>(&LINE.replacen(good, broken, 1)).expect_err(broken);
            assert!(error.to_string().contains(message), "{error}");
        }
    }
}
