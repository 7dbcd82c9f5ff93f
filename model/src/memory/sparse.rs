//! Sparse memory: reads as zero until written, in blocks found by one hash of the address.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Ranges;
use crate::address::Pa;
use crate::bus::{Bus, ExternalAbort};

/// log2 of the bytes in one block.
const BLOCK_BITS: u32 = 16;
/// Bytes in one block: large enough that a page table hierarchy shares few of them.
const BLOCK_BYTES: usize = 1 << BLOCK_BITS;

/// A piece of a read-only image, by physical address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Address of the first byte.
    pub address: u64,
    /// The contents; memory behind the last byte reads as zero.
    pub bytes: Vec<u8>,
}

/// All 64 bits of physical address space: zero, or the image where there is one, until written.
///
/// The image is shared and never changed: a block that is touched is copied first. Storage is bounded by
/// the number of distinct 64 KiB blocks touched.
#[derive(Clone, Debug, Default)]
pub struct SparseMemory {
    index: FxHashMap<u64, u32>,
    blocks: Vec<Block>,
    /// The block found last: (block number, position in `blocks`).
    recent: Option<(u64, u32)>,
    aborts: Ranges,
    image: Arc<Vec<Segment>>,
}

#[derive(Clone, PartialEq, Eq)]
struct Block {
    number: u64,
    bytes: Box<[u8; BLOCK_BYTES]>,
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Block({:#x})", self.number << BLOCK_BITS)
    }
}

impl SparseMemory {
    /// Memory that reads as zero everywhere.
    pub fn new() -> Self {
        Self::default()
    }

    /// Memory on top of `image`, whose segments may come in any order but do not overlap.
    pub fn with_image(mut image: Vec<Segment>) -> Self {
        image.sort_by_key(|segment| segment.address);
        Self { image: Arc::new(image), ..Self::default() }
    }

    /// Makes accesses to `first..=last` abort (`on`), or work again.
    pub fn set_abort(&mut self, first: Pa, last: Pa, on: bool) {
        if on {
            self.aborts.insert(first.value(), last.value());
        } else {
            self.aborts.remove(first.value(), last.value());
        }
    }

    /// Which addresses abort.
    pub fn aborts(&self) -> &Ranges {
        &self.aborts
    }

    /// The blocks touched so far that are not all zero, in ascending address order: (address, contents).
    pub fn contents(&self) -> Vec<(Pa, &[u8])> {
        let mut blocks: Vec<_> = self
            .blocks
            .iter()
            .filter(|block| block.bytes.iter().any(|&byte| byte != 0))
            .map(|block| (Pa::new(block.number << BLOCK_BITS), &block.bytes[..]))
            .collect();
        blocks.sort_by_key(|(address, _)| *address);
        blocks
    }

    #[inline]
    fn block(&mut self, number: u64) -> &mut [u8; BLOCK_BYTES] {
        let position = match self.recent {
            Some((recent, position)) if recent == number => position,
            _ => self.find(number),
        };
        &mut self.blocks[slot(position)].bytes
    }

    fn find(&mut self, number: u64) -> u32 {
        let position = match self.index.get(&number) {
            Some(&position) => position,
            None => self.touch(number),
        };
        self.recent = Some((number, position));
        position
    }

    #[cold]
    fn touch(&mut self, number: u64) -> u32 {
        let mut bytes: Box<[u8; BLOCK_BYTES]> =
            vec![0; BLOCK_BYTES].into_boxed_slice().try_into().expect("a block has BLOCK_BYTES bytes");
        copy_from_image(&self.image, number << BLOCK_BITS, &mut bytes[..]);
        let position = u32::try_from(self.blocks.len()).expect("fewer than 2^32 blocks fit in memory");
        self.blocks.push(Block { number, bytes });
        self.index.insert(number, position);
        position
    }

    #[inline]
    fn aborts_at(&self, pa: Pa, length: usize) -> bool {
        !self.aborts.is_empty() && length != 0 && self.overlaps_abort(pa, length)
    }

    #[cold]
    fn overlaps_abort(&self, pa: Pa, length: usize) -> bool {
        let first = pa.value();
        let last = first.saturating_add(u64::try_from(length).unwrap_or(u64::MAX) - 1);
        self.aborts.overlaps(first, last)
    }

    /// Calls `each` for every block that `length` bytes at `pa` reach, with the bytes inside it and the
    /// range of the caller's buffer. Addresses past the end of the space abort.
    #[inline]
    fn pieces(
        &mut self,
        pa: Pa,
        length: usize,
        mut each: impl FnMut(&mut [u8], std::ops::Range<usize>),
    ) -> Result<(), ExternalAbort> {
        if self.aborts_at(pa, length) {
            return Err(ExternalAbort);
        }
        let offset = within(pa.value());
        if offset + length <= BLOCK_BYTES {
            each(&mut self.block(pa.value() >> BLOCK_BITS)[offset..offset + length], 0..length);
            return Ok(());
        }
        let mut done = 0;
        let mut at = pa;
        while done < length {
            let offset = within(at.value());
            let count = (length - done).min(BLOCK_BYTES - offset);
            each(&mut self.block(at.value() >> BLOCK_BITS)[offset..offset + count], done..done + count);
            done += count;
            if done < length {
                at = at.checked_add(u64::try_from(count).expect("a block is small")).ok_or(ExternalAbort)?;
            }
        }
        Ok(())
    }
}

impl Bus for SparseMemory {
    #[inline]
    fn read(&mut self, pa: Pa, bytes: &mut [u8]) -> Result<(), ExternalAbort> {
        self.pieces(pa, bytes.len(), |block, range| bytes[range].copy_from_slice(block))
    }

    #[inline]
    fn write(&mut self, pa: Pa, bytes: &[u8]) -> Result<(), ExternalAbort> {
        self.pieces(pa, bytes.len(), |block, range| block.copy_from_slice(&bytes[range]))
    }

    #[inline]
    fn read_u64(&mut self, pa: Pa) -> Result<u64, ExternalAbort> {
        if !self.aborts.is_empty() || within(pa.value()) + 8 > BLOCK_BYTES {
            let mut bytes = [0; 8];
            self.read(pa, &mut bytes)?;
            return Ok(u64::from_le_bytes(bytes));
        }
        let offset = within(pa.value());
        let bytes = &self.block(pa.value() >> BLOCK_BITS)[offset..offset + 8];
        Ok(u64::from_le_bytes(bytes.try_into().expect("eight bytes")))
    }
}

/// Position inside the block.
#[inline]
fn within(address: u64) -> usize {
    usize::try_from(address & (BLOCK_BYTES_U64 - 1)).expect("less than a block")
}

const BLOCK_BYTES_U64: u64 = 1 << BLOCK_BITS;

#[inline]
fn slot(position: u32) -> usize {
    usize::try_from(position).expect("a position in a Vec")
}

fn copy_from_image(image: &[Segment], block_address: u64, block: &mut [u8]) {
    let block_last = block_address + (BLOCK_BYTES_U64 - 1);
    for segment in image {
        let Some(length) = u64::try_from(segment.bytes.len()).ok().filter(|&length| length != 0) else {
            continue;
        };
        let segment_last = segment.address.saturating_add(length - 1);
        if segment.address > block_last || segment_last < block_address {
            continue;
        }
        let first = segment.address.max(block_address);
        let last = segment_last.min(block_last);
        let count = usize::try_from(last - first).expect("less than a block") + 1;
        let from = usize::try_from(first - segment.address).expect("inside a Vec");
        let to = usize::try_from(first - block_address).expect("less than a block");
        block[to..to + count].copy_from_slice(&segment.bytes[from..from + count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_zero_until_written_and_crosses_blocks() {
        let mut memory = SparseMemory::new();
        let at = Pa::new(0x1_fffc);
        assert_eq!(memory.read_u64(at), Ok(0));
        memory.write(at, &0x1122_3344_5566_7788u64.to_le_bytes()).unwrap();
        assert_eq!(memory.read_u64(at), Ok(0x1122_3344_5566_7788));
        let mut half = [0; 4];
        memory.read(Pa::new(0x2_0000), &mut half).unwrap();
        assert_eq!(half, [0x44, 0x33, 0x22, 0x11]);
    }

    #[test]
    fn aborts_are_injected_and_lifted() {
        let mut memory = SparseMemory::new();
        memory.set_abort(Pa::new(0x1000), Pa::new(0x1fff), true);
        assert_eq!(memory.read_u64(Pa::new(0x1ff8)), Err(ExternalAbort));
        assert_eq!(memory.write(Pa::new(0xffc), &[0; 8]), Err(ExternalAbort));
        assert_eq!(memory.read_u64(Pa::new(0x2000)), Ok(0));
        memory.set_abort(Pa::new(0x1000), Pa::new(0x1fff), false);
        assert_eq!(memory.read_u64(Pa::new(0x1ff8)), Ok(0));
    }

    #[test]
    fn the_end_of_the_address_space_is_not_passed() {
        let mut memory = SparseMemory::new();
        assert_eq!(memory.read(Pa::new(u64::MAX - 3), &mut [0; 8]), Err(ExternalAbort));
        assert_eq!(memory.read(Pa::new(u64::MAX - 7), &mut [0; 8]), Ok(()));
    }

    #[test]
    fn an_image_shows_through_and_is_never_changed() {
        let image = vec![Segment { address: 0x1_fff0, bytes: (0..32).collect() }];
        let mut first = SparseMemory::with_image(image);
        let second = first.clone();
        first.write(Pa::new(0x1_fff0), &[0xff]).unwrap();
        let mut bytes = [0; 34];
        first.read(Pa::new(0x1_ffef), &mut bytes).unwrap();
        assert_eq!((bytes[0], bytes[1], bytes[2], bytes[32], bytes[33]), (0, 0xff, 1, 31, 0));
        assert_eq!(second.image[0].bytes[0], 0);
    }

    #[test]
    fn compare_exchange_stores_only_on_a_match() {
        let mut memory = SparseMemory::new();
        let at = Pa::new(0x40);
        assert_eq!(memory.compare_exchange_u64(at, 0, 5), Ok(0));
        assert_eq!(memory.compare_exchange_u64(at, 0, 6), Ok(5));
        assert_eq!(memory.read_u64(at), Ok(5));
    }
}
