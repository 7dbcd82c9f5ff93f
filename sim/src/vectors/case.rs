//! The file format of vectors: one random configuration per line, with the answer of a stock QEMU.

use serde::Deserialize;

/// One case (`shared/vectors/README.md`).
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    /// Its number in the file.
    pub id: u64,
    /// Which stages: `s1`, `s2`, `nested`, `bypass`, `abort`.
    pub mode: String,
    /// What the author of the case meant it to be; for people.
    pub about: serde_json::Value,
    /// (address, bytes in hex).
    pub memory: Vec<(String, String)>,
    /// (offset, size in bytes, value), in order.
    pub registers: Vec<(String, u8, String)>,
    /// The access.
    pub dma: Dma,
    /// Where the author of the case meant the write to land.
    pub pa: String,
    /// What QEMU did.
    pub qemu: Peer,
}

/// The access of a case.
#[derive(Clone, Debug, Deserialize)]
pub struct Dma {
    /// StreamID.
    pub sid: u32,
    /// Input address.
    pub iova: String,
    /// Bytes.
    pub len: usize,
    /// A write, of 0x12345678.
    pub write: bool,
}

/// What QEMU did.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Peer {
    /// QEMU ended itself.
    #[serde(default, deserialize_with = "null_as_default")]
    pub crashed: bool,
    /// The device saw success.
    #[serde(default, deserialize_with = "null_as_default")]
    pub completed: bool,
    /// The word arrived.
    #[serde(default, deserialize_with = "null_as_default")]
    pub landed: bool,
    /// Raw records, in hex.
    #[serde(default, deserialize_with = "null_as_default")]
    pub events: Vec<String>,
}

/// What is wrong with a case.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// A number is not `0x…`.
    #[error("`{0}` is not a 0x… number")]
    Number(String),
    /// Bytes are not pairs of hex digits.
    #[error("`{0}` is not bytes in hex")]
    Bytes(String),
}

/// A `0x…` number.
pub(super) fn number(text: &str) -> Result<u64, CaseError> {
    let digits = text.strip_prefix("0x").ok_or_else(|| CaseError::Number(text.to_owned()))?;
    u64::from_str_radix(digits, 16).map_err(|_digit| CaseError::Number(text.to_owned()))
}

/// Bytes as pairs of hex digits.
pub(super) fn bytes(text: &str) -> Result<Vec<u8>, CaseError> {
    let broken = || CaseError::Bytes(text.to_owned());
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return Err(broken());
    }
    let pair =
        |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
    digits.chunks(2).map(|two| pair(two).ok_or_else(broken)).collect()
}

/// A crashed peer has `null` where it would have had answers.
fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
