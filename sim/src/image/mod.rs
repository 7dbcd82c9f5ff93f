//! Memory images: the physical memory that `replay` and `walk` look at, from an ELF64 core or raw bytes.

mod elf;
pub(crate) mod gzip;
#[cfg(test)]
pub(crate) mod test_files;

use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A larger image is refused: it is held in memory as a whole, and a small gzip file can hold a huge one.
pub const MAX_IMAGE_BYTES: u64 = 4 << 30;

/// A run of consecutive physical memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Physical address of the first byte.
    pub address: u64,
    /// The bytes that the file holds.
    pub bytes: Vec<u8>,
    /// How many zero bytes follow them; the file does not hold these, and they may be many.
    pub zero_tail_bytes: u64,
}

impl Segment {
    /// Physical address of the last byte (no segment is empty).
    pub fn last_address(&self) -> u64 {
        self.address + (self.size_bytes() - 1)
    }

    fn size_bytes(&self) -> u64 {
        self.held_bytes() + self.zero_tail_bytes
    }

    fn held_bytes(&self) -> u64 {
        u64::try_from(self.bytes.len()).expect("a length fits 64 bits")
    }
}

/// Segments by ascending physical address: none is empty, none overlaps another, none wraps at 2^64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryImage {
    segments: Vec<Segment>,
}

impl MemoryImage {
    /// Opens an ELF64 core (without `base`) or a raw image (that starts at `base`), plain or gzip.
    pub fn open(path: impl AsRef<Path>, base: Option<u64>) -> Result<Self, ImageError> {
        let path = path.as_ref();
        read_bounded(path, MAX_IMAGE_BYTES)
            .and_then(|bytes| Self::from_bytes(bytes, base))
            .map_err(|problem| ImageError { path: path.to_owned(), problem })
    }

    /// As [`MemoryImage::open`], from the bytes of a file that is not compressed.
    pub fn from_bytes(bytes: Vec<u8>, base: Option<u64>) -> Result<Self, ImageProblem> {
        let segments = match (elf::is_elf(&bytes), base) {
            (_, _) if bytes.is_empty() => return Err(ImageProblem::Empty),
            (true, Some(_)) => return Err(ImageProblem::BaseWithElf),
            (true, None) => elf::load_segments(&bytes)?,
            (false, None) => return Err(ImageProblem::RawWithoutBase),
            (false, Some(address)) => vec![Segment { address, bytes, zero_tail_bytes: 0 }],
        };
        Self::from_segments(segments)
    }

    /// The segments, by ascending physical address.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The segments, by ascending physical address, without a copy.
    pub fn into_segments(self) -> Vec<Segment> {
        self.segments
    }

    fn from_segments(mut segments: Vec<Segment>) -> Result<Self, ImageProblem> {
        segments.retain(|segment| !segment.bytes.is_empty() || segment.zero_tail_bytes > 0);
        for segment in &segments {
            let last_offset = segment.held_bytes().checked_add(segment.zero_tail_bytes).map(|size| size - 1);
            if last_offset.and_then(|offset| segment.address.checked_add(offset)).is_none() {
                return Err(ImageProblem::BeyondAddressSpace { address: segment.address });
            }
        }
        segments.sort_by_key(|segment| segment.address);
        for pair in segments.windows(2) {
            if let [low, high] = pair
                && low.last_address() >= high.address
            {
                return Err(ImageProblem::Overlap { low: low.address, high: high.address });
            }
        }
        Ok(Self { segments })
    }
}

/// A memory image that cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("cannot load memory image {}", path.display())]
#[diagnostic(forward(problem))]
pub struct ImageError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: ImageProblem,
}

/// What is wrong with a memory image.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ImageProblem {
    /// Opening, reading or decompressing failed.
    #[error("cannot read the file")]
    Read(#[from] io::Error),
    /// More than [`MAX_IMAGE_BYTES`], decompressed.
    #[error("the image is larger than {limit_bytes} bytes")]
    #[diagnostic(help("dump only the memory that the SMMU reads, as an ELF core with several segments"))]
    TooLarge {
        /// The limit.
        limit_bytes: u64,
    },
    /// Nothing in the file.
    #[error("the file is empty")]
    Empty,
    /// Not an ELF file, and nobody said where it is in memory.
    #[error("the file is not ELF, and a raw image does not say its physical address")]
    #[diagnostic(help("give the physical address of its first byte with `--memory-base`"))]
    RawWithoutBase,
    /// An ELF file has its own addresses.
    #[error("a base address was given, but an ELF file has its own physical addresses")]
    #[diagnostic(help("leave out `--memory-base`"))]
    BaseWithElf,
    /// A 32-bit ELF file, or an unknown class.
    #[error("the ELF file is not 64-bit (its class is {class})")]
    NotElf64 {
        /// EI_CLASS; 2 would be 64-bit.
        class: u8,
    },
    /// A big-endian ELF file, or an unknown encoding.
    #[error("the ELF file is not little-endian (its data encoding is {encoding})")]
    NotLittleEndian {
        /// EI_DATA; 1 would be little-endian.
        encoding: u8,
    },
    /// The ELF header or the program header table is broken.
    #[error("the ELF headers cannot be read")]
    ElfHeaders(#[from] object::read::Error),
    /// The ELF file describes no memory.
    #[error("the ELF file has no PT_LOAD segment with any bytes")]
    NoSegments,
    /// A segment lies beyond the end of the file.
    #[error(
        "program header {index}: the segment needs {size_bytes:#x} bytes at file offset {offset:#x}, but the \
         file has {file_bytes:#x} bytes"
    )]
    #[diagnostic(help("the file was probably cut short"))]
    SegmentTruncated {
        /// Number of the program header, from 0.
        index: usize,
        /// `p_offset`.
        offset: u64,
        /// `p_filesz`.
        size_bytes: u64,
        /// Size of the file.
        file_bytes: u64,
    },
    /// `p_filesz` above `p_memsz`.
    #[error(
        "program header {index}: {file_bytes:#x} bytes in the file do not fit {memory_bytes:#x} bytes of memory"
    )]
    SegmentOverfull {
        /// Number of the program header, from 0.
        index: usize,
        /// `p_filesz`.
        file_bytes: u64,
        /// `p_memsz`.
        memory_bytes: u64,
    },
    /// A segment wraps at the end of the 64-bit address space.
    #[error("the memory at physical address {address:#x} reaches beyond 2^64")]
    BeyondAddressSpace {
        /// Where it starts.
        address: u64,
    },
    /// Two segments claim the same memory.
    #[error("the segments at physical addresses {low:#x} and {high:#x} overlap")]
    #[diagnostic(help("with QEMU, dump without paging: `dump-guest-memory FILE`, without `-p`"))]
    Overlap {
        /// Where the lower one starts.
        low: u64,
        /// Where the higher one starts.
        high: u64,
    },
}

fn read_bounded(path: &Path, limit_bytes: u64) -> Result<Vec<u8>, ImageProblem> {
    let mut bytes = Vec::new();
    let read = gzip::open(path)?.take(limit_bytes + 1).read_to_end(&mut bytes)?;
    if u64::try_from(read).is_ok_and(|read| read <= limit_bytes) {
        Ok(bytes)
    } else {
        Err(ImageProblem::TooLarge { limit_bytes })
    }
}

#[cfg(test)]
mod tests;
