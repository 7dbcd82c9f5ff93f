//! The PT_LOAD segments of an ELF64 file, by physical address.

use object::LittleEndian;
use object::elf::{ELFCLASS64, ELFDATA2LSB, ELFMAG, FileHeader64, PT_LOAD, ProgramHeader64};
use object::read::elf::{FileHeader, ProgramHeader};

use super::{ImageProblem, Segment};

const CLASS_OFFSET: usize = 4;
const DATA_OFFSET: usize = 5;

pub(super) fn is_elf(bytes: &[u8]) -> bool {
    bytes.starts_with(&ELFMAG)
}

/// Segments in file order; nothing is said about how they lie in memory.
pub(super) fn load_segments(bytes: &[u8]) -> Result<Vec<Segment>, ImageProblem> {
    check_identification(bytes)?;
    let header = FileHeader64::<LittleEndian>::parse(bytes)?;
    let mut segments = Vec::new();
    for (index, program_header) in header.program_headers(LittleEndian, bytes)?.iter().enumerate() {
        if program_header.p_type(LittleEndian) == PT_LOAD {
            segments.push(segment(index, program_header, bytes)?);
        }
    }
    if segments.iter().all(|segment| segment.bytes.is_empty() && segment.zero_tail_bytes == 0) {
        return Err(ImageProblem::NoSegments);
    }
    Ok(segments)
}

/// Names what a header reader for 64-bit little-endian files would only call "unsupported".
fn check_identification(bytes: &[u8]) -> Result<(), ImageProblem> {
    match (bytes.get(CLASS_OFFSET), bytes.get(DATA_OFFSET)) {
        (Some(&class), _) if class != ELFCLASS64.0 => Err(ImageProblem::NotElf64 { class }),
        (_, Some(&encoding)) if encoding != ELFDATA2LSB.0 => Err(ImageProblem::NotLittleEndian { encoding }),
        (_, _) => Ok(()), // a header cut short is reported when it is parsed
    }
}

fn segment(
    index: usize,
    header: &ProgramHeader64<LittleEndian>,
    file: &[u8],
) -> Result<Segment, ImageProblem> {
    let (offset, size_bytes) = header.file_range(LittleEndian);
    let memory_bytes = header.p_memsz(LittleEndian);
    let Ok(bytes) = header.data(LittleEndian, file) else {
        let file_bytes = u64::try_from(file.len()).expect("a length fits 64 bits");
        return Err(ImageProblem::SegmentTruncated { index, offset, size_bytes, file_bytes });
    };
    let zero_tail_bytes = memory_bytes.checked_sub(size_bytes).ok_or(ImageProblem::SegmentOverfull {
        index,
        file_bytes: size_bytes,
        memory_bytes,
    })?;
    Ok(Segment { address: header.p_paddr(LittleEndian), bytes: bytes.to_vec(), zero_tail_bytes })
}
