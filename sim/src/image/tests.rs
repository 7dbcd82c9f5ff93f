//! Images that people may give: every shape, and every way to be broken.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use miette::Diagnostic;
use proptest::prelude::*;

use super::test_files::TestFile;
use super::*;

/// One PT_LOAD header: (p_paddr, p_memsz, contents).
type Load<'a> = (u64, u64, &'a [u8]);

/// A little-endian ELF64 core with its contents behind the headers.
fn elf(loads: &[Load<'_>]) -> Vec<u8> {
    let mut file = vec![0x7f, b'E', b'L', b'F', 2, 1, 1];
    file.resize(16, 0);
    let count = u16::try_from(loads.len()).expect("a few");
    for half in [4_u16, 183] {
        file.extend(half.to_le_bytes()); // ET_CORE, EM_AARCH64
    }
    file.extend(1_u32.to_le_bytes());
    for word in [0_u64, 64, 0] {
        file.extend(word.to_le_bytes()); // e_entry, e_phoff, e_shoff
    }
    file.extend(0_u32.to_le_bytes());
    for half in [64_u16, 56, count, 0, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    let mut offset = 64 + 56 * u64::from(count);
    for (address, memory_bytes, contents) in loads {
        let file_bytes = u64::try_from(contents.len()).expect("small");
        file.extend(1_u32.to_le_bytes()); // PT_LOAD
        file.extend(6_u32.to_le_bytes());
        for word in [offset, 0, *address, file_bytes, *memory_bytes, 1] {
            file.extend(word.to_le_bytes());
        }
        offset += file_bytes;
    }
    for (_, _, contents) in loads {
        file.extend(*contents);
    }
    file
}

fn with_byte(mut file: Vec<u8>, index: usize, value: u8) -> Vec<u8> {
    *file.get_mut(index).expect("within the file") = value;
    file
}

fn segment(address: u64, bytes: &[u8], zero_tail_bytes: u64) -> Segment {
    Segment { address, bytes: bytes.to_vec(), zero_tail_bytes }
}

fn check_segments(file: Vec<u8>, base: Option<u64>, expected: &[Segment]) {
    let image = MemoryImage::from_bytes(file, base).expect("loads");
    assert_eq!(image.segments(), expected);
}

fn check_problem(file: Vec<u8>, base: Option<u64>, expected: &str) {
    let problem = MemoryImage::from_bytes(file, base).expect_err(expected);
    assert!(problem.to_string().starts_with(expected), "{problem}");
}

#[test]
fn sorts_segments_and_keeps_zero_tails_short() {
    let huge = 1 << 40;
    let file = elf(&[(0x3000, 4, b"high"), (0x1000, 0x1000, b"low"), (0x8000, 0, b""), (0x10000, huge, b"")]);
    check_segments(
        file,
        None,
        &[segment(0x1000, b"low", 0xffd), segment(0x3000, b"high", 0), segment(0x10000, b"", huge)],
    );
}

#[test]
fn accepts_neighbours_and_the_end_of_the_address_space() {
    let file = elf(&[(0x1000, 2, b"ab"), (0x1002, 2, b"cd"), (u64::MAX, 1, b"z")]);
    check_segments(
        file,
        None,
        &[segment(0x1000, b"ab", 0), segment(0x1002, b"cd", 0), segment(u64::MAX, b"z", 0)],
    );
    check_segments(elf(&[(1, u64::MAX, b"ab")]), None, &[segment(1, b"ab", u64::MAX - 2)]);
}

#[test]
fn accepts_files_that_are_not_cores() {
    check_segments(with_byte(elf(&[(0x1000, 2, b"ab")]), 16, 2), None, &[segment(0x1000, b"ab", 0)]);
}

#[test]
fn raw_images_start_at_the_base() {
    check_segments(b"raw".to_vec(), Some(0x4000_0000), &[segment(0x4000_0000, b"raw", 0)]);
    check_segments(b"r".to_vec(), Some(u64::MAX), &[segment(u64::MAX, b"r", 0)]);
    check_problem(
        b"raw".to_vec(),
        Some(u64::MAX),
        "the memory at physical address 0xffffffffffffffff reaches",
    );
    check_problem(b"raw".to_vec(), None, "the file is not ELF");
    let help = ImageProblem::RawWithoutBase.help().expect("a help").to_string();
    assert!(help.contains("--memory-base"), "{help}");
}

#[test]
fn names_what_is_wrong_with_an_elf_file() {
    let good = elf(&[(0x1000, 2, b"ab")]);
    check_problem(good.clone(), Some(0), "a base address was given, but an ELF file");
    check_problem(with_byte(good.clone(), 4, 1), None, "the ELF file is not 64-bit (its class is 1)");
    check_problem(
        with_byte(good.clone(), 5, 2),
        None,
        "the ELF file is not little-endian (its data encoding is 2)",
    );
    check_problem(good[..20].to_vec(), None, "the ELF headers cannot be read");
    check_problem(good[..100].to_vec(), None, "the ELF headers cannot be read");
    check_problem(b"\x7fELF".to_vec(), None, "the ELF headers cannot be read");
    let one_short = good[..good.len() - 1].to_vec();
    check_problem(
        one_short,
        None,
        "program header 0: the segment needs 0x2 bytes at file offset 0x78, but the file has 0x79",
    );
    check_problem(elf(&[]), None, "the ELF file has no PT_LOAD segment");
    check_problem(elf(&[(0x1000, 0, b"")]), None, "the ELF file has no PT_LOAD segment");
    check_problem(
        elf(&[(0x1000, 1, b"ab")]),
        None,
        "program header 0: 0x2 bytes in the file do not fit 0x1 bytes",
    );
    check_problem(
        elf(&[(u64::MAX, 2, b"ab")]),
        None,
        "the memory at physical address 0xffffffffffffffff reaches",
    );
    check_problem(elf(&[(2, u64::MAX, b"ab")]), None, "the memory at physical address 0x2 reaches");
}

#[test]
fn names_overlapping_segments() {
    let expected = "the segments at physical addresses 0x1000 and 0x1001 overlap";
    check_problem(elf(&[(0x1001, 1, b"c"), (0x1000, 2, b"ab")]), None, expected);
    check_problem(elf(&[(0x1000, 2, b"a"), (0x1001, 1, b"c")]), None, expected);
}

#[test]
fn opens_plain_and_gzip_and_names_the_file() {
    let plain = elf(&[(0x1000, 2, b"ab")]);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&plain).expect("memory takes all bytes");
    let compressed = encoder.finish().expect("memory takes all bytes");
    for bytes in [&plain, &compressed] {
        let file = TestFile::new(bytes);
        let image = MemoryImage::open(file.path(), None).expect("loads");
        assert_eq!(image.into_segments(), [segment(0x1000, b"ab", 0)]);
    }
    let cut = TestFile::new(&compressed[..compressed.len() - 3]);
    let error = MemoryImage::open(cut.path(), None).expect_err("cut short");
    assert!(matches!(error.problem, ImageProblem::Read(_)), "{error:?}");
    let empty = TestFile::new(b"");
    let error = MemoryImage::open(empty.path(), Some(0)).expect_err("empty");
    assert!(matches!(error.problem, ImageProblem::Empty), "{error:?}");
    assert_eq!(error.path, empty.path());
    let problem = read_bounded(cut.path(), 16).expect_err("over the limit");
    assert!(matches!(problem, ImageProblem::TooLarge { limit_bytes: 16 }), "{problem:?}");
}

#[test]
fn loads_the_captures() {
    for (folder, count, bytes) in [("linux-7.3-stage1-4k", 10, 0x1d000), ("linux-7.3-stage2-4k", 11, 0x1f000)]
    {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../testdata/captures")
            .join(folder)
            .join("memory.elf");
        let segments = MemoryImage::open(&path, None).expect("loads").into_segments();
        assert_eq!(segments.len(), count);
        assert_eq!(segments.iter().map(|segment| segment.bytes.len()).sum::<usize>(), bytes);
        assert_eq!(segments.first().map(|segment| segment.address), Some(0x44a0_4000));
        assert_eq!(segments.last().map(Segment::last_address), Some(0x5bf0_1fff));
    }
}

proptest! {
    #[test]
    fn any_bytes_load_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), base: Option<u64>) {
        let _ = MemoryImage::from_bytes(bytes, base);
    }

    #[test]
    fn any_damage_to_an_elf_file_loads_or_is_refused(
        damage in prop::collection::vec((0..180_usize, any::<u8>()), 0..8),
        length in 0..181_usize,
    ) {
        let mut file = elf(&[(0x1000, 2, b"ab"), (0x2000, 0x1000, b"cd")]);
        for (index, value) in damage {
            file[index] = value;
        }
        file.truncate(length);
        if let Ok(image) = MemoryImage::from_bytes(file, None) {
            for pair in image.segments().windows(2) {
                prop_assert!(pair[0].last_address() < pair[1].address);
            }
        }
    }
}
