//! Every field of every structure by the specification's name: for people who write and read them.
//!
//! One table per structure, in ascending order of position. The typed words in the sibling modules serve the
//! model; these serve scenario files and explanations. Bit positions are those of the Non-secure state without
//! VMSAv9-128, where two names share a position ([`CD`]).

mod cd;
mod command;
mod descriptor;
mod ecmdq;
mod event;
mod l1;
mod pmcg;
mod pri;
mod register;
mod ste;

use std::fmt;

pub use cd::CD;
pub use command::command;
pub use descriptor::{STAGE1_LEAF, STAGE1_TABLE, STAGE2_LEAF, STAGE2_TABLE};
pub use event::event;
pub use l1::{L1CD, L1STD};
pub use pri::PRI;
pub use register::{REGISTERS, register_fields};
pub use ste::STE;

use crate::naming;

/// One named field of a structure made of 64-bit words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    /// The specification's name: `S1ContextPtr`.
    pub name: &'static str,
    /// The 64-bit word that holds it.
    pub word: u8,
    /// Its most significant bit in the word.
    pub high_bit: u8,
    /// Its least significant bit in the word.
    pub low_bit: u8,
    /// How the bits stand for a value.
    pub kind: Kind,
}

/// How the bits of a field stand for a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The bits are the value.
    Number,
    /// The bits are the bits of the same positions of an address; its other bits are zero.
    Address,
}

impl Field {
    /// The bits of its word that it covers.
    pub const fn mask(&self) -> u64 {
        (u64::MAX >> (63 - self.high_bit)) & (u64::MAX << self.low_bit)
    }

    /// How many bits it has.
    pub const fn bits(&self) -> u8 {
        self.high_bit - self.low_bit + 1
    }

    /// The value in a structure. `words` is the whole structure that the table of this field describes; fewer
    /// words are a mistake of the caller and panic.
    pub fn get(&self, words: &[u64]) -> u64 {
        let bits = words[usize::from(self.word)] & self.mask();
        match self.kind {
            Kind::Number => bits >> self.low_bit,
            Kind::Address => bits,
        }
    }

    /// Replaces the value in a structure, see [`get`](Self::get) for `words`. An error leaves it unchanged.
    pub fn set(&self, words: &mut [u64], value: u64) -> Result<(), FieldValueError> {
        let bits = self.encode(value)?;
        let word = &mut words[usize::from(self.word)];
        *word = (*word & !self.mask()) | bits;
        Ok(())
    }

    /// `value` as bits of the word.
    fn encode(&self, value: u64) -> Result<u64, FieldValueError> {
        match self.kind {
            Kind::Number if value > self.mask() >> self.low_bit => {
                Err(FieldValueError::TooWide { field: self.name, bits: self.bits(), value })
            }
            Kind::Number => Ok(value << self.low_bit),
            Kind::Address if value & !self.mask() != 0 => Err(FieldValueError::NotOfAddress {
                field: self.name,
                high_bit: self.high_bit,
                low_bit: self.low_bit,
                value,
            }),
            Kind::Address => Ok(value),
        }
    }
}

/// The field called `name`, in any case and with or without underscores (see [`naming`]).
pub fn find<'a>(fields: &'a [Field], name: &str) -> Result<&'a Field, UnknownField> {
    fields.iter().find(|field| naming::same(field.name, name)).ok_or_else(|| {
        let known = fields.iter().map(|field| (field.name, field.name));
        UnknownField { name: name.to_owned(), nearest: naming::nearest(name, known) }
    })
}

/// The bits of word `word` that no field covers.
pub fn reserved(fields: &[Field], word: u8) -> u64 {
    !fields.iter().filter(|field| field.word == word).fold(0, |covered, field| covered | field.mask())
}

/// A value that a field cannot hold. Caused by whoever wrote it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FieldValueError {
    /// The value needs more bits than the field has.
    TooWide {
        /// The name of the field.
        field: &'static str,
        /// How many bits it has.
        bits: u8,
        /// The value as written.
        value: u64,
    },
    /// The address has bits set that the field does not hold.
    NotOfAddress {
        /// The name of the field.
        field: &'static str,
        /// The most significant address bit that it holds.
        high_bit: u8,
        /// The least significant one.
        low_bit: u8,
        /// The address as written.
        value: u64,
    },
}

impl fmt::Display for FieldValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooWide { field, bits: 1, value } => {
                write!(f, "{value:#x} does not fit {field}, 1 bit wide")
            }
            Self::TooWide { field, bits, value } => {
                write!(f, "{value:#x} does not fit {field}, {bits} bits wide")
            }
            Self::NotOfAddress { field, high_bit, low_bit, value } => {
                write!(f, "{value:#x} does not fit {field}, which holds address bits [{high_bit}:{low_bit}]")
            }
        }
    }
}

impl std::error::Error for FieldValueError {}

/// No field of the structure has this name. Caused by whoever wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownField {
    /// The name as written.
    pub name: String,
    /// A field of the structure whose name differs in few letters.
    pub nearest: Option<&'static str>,
}

impl fmt::Display for UnknownField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.nearest {
            None => write!(f, "no field is called {}", self.name),
            Some(nearest) => write!(f, "no field is called {}; did you mean {nearest}?", self.name),
        }
    }
}

impl std::error::Error for UnknownField {}

const fn number(name: &'static str, word: u8, high_bit: u8, low_bit: u8) -> Field {
    Field { name, word, high_bit, low_bit, kind: Kind::Number }
}

const fn address(name: &'static str, word: u8, high_bit: u8, low_bit: u8) -> Field {
    Field { name, word, high_bit, low_bit, kind: Kind::Address }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_shifted_and_an_address_is_not() {
        let words = [0xfff8_0000_1234_567d, 0];
        let of = |name| find(STE, name).expect("a field of the STE").get(&words);
        assert_eq!((of("Config"), of("S1ContextPtr"), of("S1CDMax")), (6, 0x00f8_0000_1234_5640, 31));
    }

    #[test]
    fn setting_changes_the_bits_of_the_field_alone() {
        let mut words = [u64::MAX; 8];
        let set =
            |words: &mut [u64], name, value| find(STE, name).expect("a field of the STE").set(words, value);
        assert_eq!(set(&mut words, "s2_t0sz", 0), Ok(()));
        assert_eq!(set(&mut words, "S2TTB", 0x1230), Ok(()));
        assert_eq!(words[2..4], [0xffff_ffc0_ffff_ffff, 0xff00_0000_0000_123f]);
    }

    #[test]
    fn a_value_that_does_not_fit_changes_nothing() {
        let mut words = [0; 8];
        let mut says = |name, value| {
            find(STE, name).expect("a field of the STE").set(&mut words, value).expect_err(name).to_string()
        };
        assert_eq!(says("V", 2), "0x2 does not fit V, 1 bit wide");
        assert_eq!(says("Config", 8), "0x8 does not fit Config, 3 bits wide");
        let text = "0x1008 does not fit S2TTB, which holds address bits [55:4]";
        assert_eq!(says("S2TTB", 0x1008), text);
        assert_eq!(words, [0; 8]);
        assert_eq!(find(CD, "MAIR0").expect("a field of the CD").set(&mut words, 0xffff_ffff), Ok(()));
    }

    #[test]
    fn an_unknown_name_gets_a_suggestion() {
        let says = |name| find(STE, name).expect_err(name).to_string();
        assert_eq!(says("s1contextptrs"), "no field is called s1contextptrs; did you mean S1ContextPtr?");
        assert_eq!(says("colour"), "no field is called colour");
    }

    #[test]
    fn reserved_bits_are_those_without_a_field() {
        assert_eq!(reserved(STE, 0), 0x0700_0000_0000_0000);
        assert_eq!(reserved(STE, 7), 0);
        assert_eq!(reserved(L1STD, 0), 0xff00_0000_0000_0020);
        assert_eq!(reserved(&[], 0), u64::MAX);
    }
}
