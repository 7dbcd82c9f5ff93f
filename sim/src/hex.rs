//! The two ways in which protocol and vectors write bits: numbers as `"0x…"`, bytes as hex digits.

use std::fmt::Write;

use serde::{Serialize, Serializer};

/// An address, register value or raw word: `"0x…"`, without leading zeros.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Hex(pub(crate) u64);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:#x}", self.0))
    }
}

/// Bytes: two digits each, lowest address first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&digits(&self.0))
    }
}

/// `bytes` as hex digits.
pub(crate) fn digits(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a String takes everything");
    }
    text
}

/// The bytes that `text` stands for; `None` if it is not pairs of hex digits.
pub(crate) fn bytes(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let decoded = pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect();
    rest.is_empty().then_some(decoded)?
}

/// The number that `text` stands for: `0x` and one to sixteen significant digits.
pub(crate) fn number(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x")?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u64::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_pairs_of_digits() {
        for (text, expected) in [
            ("", Some(vec![])),
            ("00fF", Some(vec![0, 0xff])),
            ("0", None),
            ("0x12", None),
            ("+1", None),
            ("é", None),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
        assert_eq!(digits(&[0, 0x1f, 0xa0]), "001fa0");
    }

    #[test]
    fn numbers_need_the_prefix_and_fit_64_bits() {
        for (text, expected) in [
            ("0x0", Some(0)),
            ("0xFFFFffffFFFFffff", Some(u64::MAX)),
            ("0x00000000000000000001", Some(1)),
            ("0x10000000000000000", None),
            ("0x", None),
            ("0x+1", None),
            ("0x1_0", None),
            ("12", None),
            ("0X12", None),
            (" 0x1", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
    }
}
