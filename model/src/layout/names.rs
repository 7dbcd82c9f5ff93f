//! Every field of every structure by the specification's name: for people who write and read them.

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
