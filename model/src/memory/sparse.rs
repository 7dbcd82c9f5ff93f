//! Sparse memory: reads as zero until written, in blocks found by one hash of the address.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Ranges;
use crate::address::Pa;
use crate::bus::{Bus, ExternalAbort, words};

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
/// The image is shared and never changed: a block that is written is copied first. Storage is bounded by the
/// number of distinct 64 KiB blocks written, and the blocks of the image that are touched.
#[derive(Clone, Debug)]
pub struct SparseMemory {
    /// Position in `blocks` by the number of a block.
    index: FxHashMap<u64, u32>,
    blocks: Vec<Block>,
    /// Blocks found before, by [`slot_of`] their number: (number, position in `blocks`). Empty while anything
    /// aborts, so that a hit says that nothing does.
    recent: Box<[(u64, u32); RECENT]>,
    aborts: Ranges,
    read_only: Ranges,
    image: Arc<Vec<Segment>>,
}

/// How many blocks are remembered: 64 MiB, and little enough to stay in a processor's first cache.
const RECENT: usize = 1 << RECENT_BITS;
const RECENT_BITS: u32 = 10;
/// No block has this number: it has more bits than block numbers.
const NO_BLOCK: u64 = u64::MAX;

/// The contents of a block, little-endian like the memory.
#[derive(Clone, Copy)]
struct Block([u8; BLOCK_BYTES]);

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Block")
    }
}

impl Default for SparseMemory {
    fn default() -> Self {
        Self {
            index: FxHashMap::default(),
            blocks: Vec::new(),
            recent: Box::new([(NO_BLOCK, 0); RECENT]),
            aborts: Ranges::default(),
            read_only: Ranges::default(),
            image: Arc::default(),
        }
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
        self.recent.fill((NO_BLOCK, 0));
        if on {
            self.aborts.insert(first.value(), last.value());
        } else {
            self.aborts.remove(first.value(), last.value());
        }
    }

    /// Makes writes to `first..=last` abort (`on`) while reads work, or lets them through again.
    pub fn set_read_only(&mut self, first: Pa, last: Pa, on: bool) {
        if on {
            self.read_only.insert(first.value(), last.value());
        } else {
            self.read_only.remove(first.value(), last.value());
        }
    }

    /// Which addresses abort.
    pub fn aborts(&self) -> &Ranges {
        &self.aborts
    }

    /// The blocks touched so far that are not all zero, in ascending address order: (address, contents).
    pub fn contents(&self) -> Vec<(Pa, &[u8])> {
        let blocks = self
            .index
            .iter()
            .map(|(&number, &position)| (Pa::new(number << BLOCK_BITS), &self.blocks[index(position)].0[..]));
        let mut blocks: Vec<_> = blocks.filter(|(_, bytes)| bytes.iter().any(|&byte| byte != 0)).collect();
        blocks.sort_by_key(|(address, _)| *address);
        blocks
    }

    /// The block, if anything but zero can be in it.
    #[inline(always)]
    fn lookup(&mut self, number: u64) -> Option<&mut [u8; BLOCK_BYTES]> {
        let (known, position) = self.recent[slot_of(number)];
        let position = if known == number { position } else { self.find(number)? };
        Some(&mut self.blocks[index(position)].0)
    }

    /// The block, to be written.
    #[inline]
    fn block(&mut self, number: u64) -> &mut [u8; BLOCK_BYTES] {
        let (known, position) = self.recent[slot_of(number)];
        let position =
            if known == number { position } else { self.find(number).unwrap_or_else(|| self.touch(number)) };
        &mut self.blocks[index(position)].0
    }

    /// `N` bytes in a block that was found before, if nothing aborts.
    #[inline(always)]
    fn recent_bytes<const N: usize>(&self, pa: Pa) -> Option<&[u8; N]> {
        let number = pa.value() >> BLOCK_BITS;
        let (known, position) = self.recent[slot_of(number)];
        if known != number {
            return None;
        }
        self.blocks[index(position)].0[within(pa.value())..].first_chunk()
    }

    /// Words anywhere: never touched, in two blocks, or such that an access aborts.
    #[cold]
    fn read_words<const N: usize>(&mut self, pa: Pa) -> Result<[u64; N], ExternalAbort> {
        let mut words = [0; N];
        for (step, word) in (0..).zip(&mut words) {
            let mut bytes = [0; 8];
            self.read(pa.checked_add(step * 8).ok_or(ExternalAbort)?, &mut bytes)?;
            *word = u64::from_le_bytes(bytes);
        }
        Ok(words)
    }

    /// A block that was touched before, or that the image has.
    fn find(&mut self, number: u64) -> Option<u32> {
        let position = match self.index.get(&number) {
            Some(&position) => position,
            None if in_image(&self.image, number) => self.touch(number),
            None => return None,
        };
        self.remember(number, position);
        Some(position)
    }

    #[cold]
    fn touch(&mut self, number: u64) -> u32 {
        let position = u32::try_from(self.blocks.len()).expect("fewer than 2^32 blocks fit in memory");
        self.blocks.resize(self.blocks.len() + 1, Block([0; BLOCK_BYTES]));
        copy_from_image(&self.image, number << BLOCK_BITS, &mut self.blocks[index(position)].0);
        self.index.insert(number, position);
        self.remember(number, position);
        position
    }

    fn remember(&mut self, number: u64, position: u32) {
        if self.aborts.is_empty() {
            self.recent[slot_of(number)] = (number, position);
        }
    }

    /// Whether `length` bytes at `pa` lie inside the address space and none aborts.
    #[inline]
    fn accessible(&self, pa: Pa, length: usize) -> Result<(), ExternalAbort> {
        let last =
            u64::try_from(length).ok().and_then(|length| pa.value().checked_add(length.saturating_sub(1)));
        if last.is_none() || touches(&self.aborts, pa, length) { Err(ExternalAbort) } else { Ok(()) }
    }
}

impl Bus for SparseMemory {
    #[inline]
    fn read(&mut self, pa: Pa, bytes: &mut [u8]) -> Result<(), ExternalAbort> {
        self.accessible(pa, bytes.len())?;
        for (number, offset, piece) in pieces(pa, bytes.len()) {
            let target = &mut bytes[piece];
            match self.lookup(number) {
                Some(block) => target.copy_from_slice(&block[offset..offset + target.len()]),
                None => target.fill(0),
            }
        }
        Ok(())
    }

    #[inline]
    fn write(&mut self, pa: Pa, bytes: &[u8]) -> Result<(), ExternalAbort> {
        self.accessible(pa, bytes.len())?;
        if touches(&self.read_only, pa, bytes.len()) {
            return Err(ExternalAbort);
        }
        for (number, offset, piece) in pieces(pa, bytes.len()) {
            let source = &bytes[piece];
            self.block(number)[offset..offset + source.len()].copy_from_slice(source);
        }
        Ok(())
    }

    #[inline(always)]
    fn read_u64(&mut self, pa: Pa) -> Result<u64, ExternalAbort> {
        match self.recent_bytes(pa) {
            Some(bytes) => Ok(u64::from_le_bytes(*bytes)),
            None => self.read_words(pa).map(|[word]| word),
        }
    }

    #[inline(always)]
    fn read_pair(&mut self, pa: Pa) -> Result<[u64; 2], ExternalAbort> {
        match self.recent_bytes::<16>(pa) {
            Some(bytes) => Ok(words(bytes)),
            None => self.read_words(pa),
        }
    }

    #[inline(always)]
    fn read_line(&mut self, pa: Pa) -> Result<[u64; 8], ExternalAbort> {
        match self.recent_bytes::<64>(pa) {
            Some(bytes) => Ok(words(bytes)),
            None => self.read_words(pa),
        }
    }
}

#[inline]
fn touches(ranges: &Ranges, pa: Pa, length: usize) -> bool {
    !ranges.is_empty() && length != 0 && overlaps(ranges, pa, length)
}

#[cold]
fn overlaps(ranges: &Ranges, pa: Pa, length: usize) -> bool {
    let first = pa.value();
    let last = first.saturating_add(u64::try_from(length).unwrap_or(u64::MAX) - 1);
    ranges.overlaps(first, last)
}

/// The parts of an access, one per block: (block number, offset in the block, range of the caller's buffer).
/// The access lies inside the address space.
#[inline]
fn pieces(pa: Pa, length: usize) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
    let mut done = 0;
    let mut number = pa.value() >> BLOCK_BITS;
    let mut offset = within(pa.value());
    std::iter::from_fn(move || {
        if done == length {
            return None;
        }
        let count = (length - done).min(BLOCK_BYTES - offset);
        let piece = (number, offset, done..done + count);
        (number, offset, done) = (number.wrapping_add(1), 0, done + count);
        Some(piece)
    })
}

/// Position inside the block.
#[inline]
fn within(address: u64) -> usize {
    usize::try_from(address & (BLOCK_BYTES_U64 - 1)).expect("less than a block")
}

const BLOCK_BYTES_U64: u64 = 1 << BLOCK_BITS;
const RECENT_U64: u64 = 1 << RECENT_BITS;

#[inline]
fn index(position: u32) -> usize {
    usize::try_from(position).expect("a position in a Vec")
}

/// Where a block is remembered.
#[inline]
fn slot_of(number: u64) -> usize {
    let folded = number ^ number >> RECENT_BITS;
    usize::try_from(folded & (RECENT_U64 - 1)).expect("less than RECENT")
}

/// Whether any segment of the image reaches into the block.
fn in_image(image: &[Segment], number: u64) -> bool {
    let first = number << BLOCK_BITS;
    let last = first + (BLOCK_BYTES_U64 - 1);
    image.iter().any(|segment| {
        let length = u64::try_from(segment.bytes.len()).unwrap_or(u64::MAX);
        length != 0 && segment.address <= last && segment.address.saturating_add(length - 1) >= first
    })
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
    fn reading_needs_no_storage() {
        let mut memory = SparseMemory::new();
        for block in 0..1000 {
            assert_eq!(memory.read_u64(Pa::new(block << BLOCK_BITS)), Ok(0));
        }
        assert_eq!(memory.blocks.len(), 0);
    }

    #[test]
    fn a_line_crosses_blocks_like_any_access() {
        let mut memory = SparseMemory::new();
        memory.write(Pa::new(0x1_ffe0), &[0x11; 64]).unwrap();
        assert_eq!(memory.read_line(Pa::new(0x1_ffe0)), Ok([0x1111_1111_1111_1111; 8]));
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
