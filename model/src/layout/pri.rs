//! Records of the PRI queue, 16 bytes as two words (§8).

use bitfield_struct::bitfield;

/// A PRI queue record: words 0 and 1 are bits `[63:0]` and `[127:64]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct PriRecord(pub [u64; 2]);

/// Word 0.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct PriWord0 {
    pub stream_id: u32, // 0 [31:0]
    #[bits(20)]
    pub substream_id: u32, // 0 [51:32]
    #[bits(6)]
    __: u8,
    pub privileged: bool, // 0 [58:58], Priv
    pub x: bool,
    pub r: bool,
    pub w: bool, // 0 [61:61]
    pub l: bool,
    pub ssv: bool, // 0 [63:63]
}

/// Word 1.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct PriWord1 {
    #[bits(9)]
    pub prg_index: u16, // 1 [8:0]
    #[bits(3)]
    __: u8,
    #[bits(52)]
    pub page_number: u64, // 1 [63:12], Page Address[63:12]
}

impl PriRecord {
    /// The record in the bytes of the queue.
    pub fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        for (chunk, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(self.0) {
            *chunk = word.to_le_bytes();
        }
        bytes
    }

    /// The record from the bytes of the queue.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let mut words = [0; 2];
        for (word, chunk) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*chunk);
        }
        Self(words)
    }

    /// Word 0.
    pub const fn word0(self) -> PriWord0 {
        PriWord0::from_bits(self.0[0])
    }

    /// Word 1.
    pub const fn word1(self) -> PriWord1 {
        PriWord1::from_bits(self.0[1])
    }
}
