//! Trace files that people may give: every line is read, or named.

use std::collections::BTreeMap;
use std::io::{BufReader, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;
use crate::image::test_files::TestFile;

const SYNC: &str = "smmuv3_cmdq_opcode <--- SMMU_CMD_SYNC\n";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes all bytes");
    encoder.finish().expect("memory takes all bytes")
}

/// What reading gives, one word per item; a small buffer, so lines span several reads.
fn check(bytes: &[u8], expected: &str) {
    let words: Vec<String> =
        TraceReader::new(BufReader::with_capacity(7, bytes)).map(|item| word(&item)).collect();
    assert_eq!(words.join(" "), expected);
}

fn word(item: &Result<TraceLine, TraceError>) -> String {
    match item {
        Ok(TraceLine { line, .. }) => format!("{line}:ok"),
        Err(TraceError::Open { .. }) => "open".to_owned(),
        Err(TraceError::Read { line, .. }) => format!("{line}:read"),
        Err(TraceError::TooLong { line }) => format!("{line}:long"),
        Err(TraceError::NotUtf8 { line, .. }) => format!("{line}:utf8"),
        Err(TraceError::Malformed { line, .. }) => format!("{line}:malformed"),
    }
}

#[test]
fn numbers_lines_and_goes_on_after_errors() {
    check(b"", "");
    check(b"\n \n\r\n", "");
    check(format!("\n{SYNC}\n{SYNC}").as_bytes(), "2:ok 4:ok");
    check(SYNC.trim_end().as_bytes(), "1:ok");
    check(SYNC.replace('\n', "\r\n").as_bytes(), "1:ok");
    check(format!("what is this\n{SYNC}").as_bytes(), "1:malformed 2:ok");
    check(&[b"smmu_\xff\n", SYNC.as_bytes()].concat(), "1:utf8 2:ok");
}

#[test]
fn refuses_lines_above_the_limit_only() {
    let longest = format!("smmu_x {}", "y".repeat(MAX_LINE_BYTES - 7));
    check(format!("{longest}\n{SYNC}").as_bytes(), "1:ok 2:ok");
    check(format!("{longest}y\n{SYNC}").as_bytes(), "1:long 2:ok");
    check(format!("{longest}y").as_bytes(), "1:long");
}

#[test]
fn quotes_a_short_part_of_a_malformed_line() {
    let long_line = "ä".repeat(500);
    let error = TraceReader::new(long_line.as_bytes()).next().expect("one item").expect_err("malformed");
    let TraceError::Malformed { text, what, .. } = error else { panic!("{error}") };
    assert_eq!(text, format!("{}…", "ä".repeat(MAX_QUOTED_CHARS)));
    assert_eq!(what, Expected::EventName);
}

#[test]
fn opens_plain_and_gzip_by_content() {
    let two_members = [gzip(SYNC.as_bytes()), gzip(SYNC.as_bytes())].concat();
    for bytes in [SYNC.repeat(2).into_bytes(), gzip(SYNC.repeat(2).as_bytes()), two_members] {
        let file = TestFile::new(&bytes);
        let lines: Vec<u64> =
            TraceReader::open(file.path()).expect("opens").map(|item| item.expect("parses").line).collect();
        assert_eq!(lines, [1, 2]);
    }
}

#[test]
fn ends_after_a_truncated_gzip() {
    let whole = gzip(SYNC.repeat(1000).as_bytes());
    for cut in [3, whole.len() / 2, whole.len() - 1] {
        let file = TestFile::new(whole.get(..cut).expect("a part"));
        let words: Vec<String> =
            TraceReader::open(file.path()).expect("opens").map(|item| word(&item)).collect();
        let (last, before) = words.split_last().expect("an error at least");
        assert_eq!(*last, format!("{}:read", before.len() + 1));
        assert!(before.iter().all(|word| word.ends_with(":ok")));
    }
}

#[test]
fn names_a_file_that_is_not_there() {
    let error = TraceReader::open("no/such/trace.log").err().expect("no such file");
    assert_eq!(error.to_string(), "cannot open trace no/such/trace.log");
}

#[test]
fn reads_the_captures() {
    for (folder, lines, translations, descriptors) in
        [("linux-7.3-stage1-4k", 75_311, 8_176, 29_179), ("linux-7.3-stage2-4k", 75_125, 8_158, 29_171)]
    {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../testdata/captures")
            .join(folder)
            .join("trace.log.gz");
        let mut counts = BTreeMap::<&str, u64>::new();
        for item in TraceReader::open(&path).expect("opens") {
            let event = item.expect("every line is known").event;
            let kind = if matches!(event, TraceEvent::TranslateSuccess { .. }) {
                "translations"
            } else if matches!(event, TraceEvent::DescriptorRead { .. }) {
                "descriptors"
            } else {
                "rest"
            };
            *counts.entry(kind).or_default() += 1;
        }
        assert_eq!(counts.get("translations"), Some(&translations));
        assert_eq!(counts.get("descriptors"), Some(&descriptors));
        assert_eq!(counts.values().sum::<u64>(), lines);
    }
}

fn any_line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(SYNC.trim_end().as_bytes().to_vec()),
        Just(b"smmuv3_translate_success d sid=0x8 iova=0x1 translated=0x2 perm=0x3 stage=1".to_vec()),
        "smmu(v3)?_[a-z_]{0,12} [ -~]{0,40}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..40),
        Just(Vec::new()),
    ]
}

proptest! {
    #[test]
    fn any_bytes_give_one_item_per_line_with_text(
        lines in prop::collection::vec(any_line(), 0..12),
        capacity in 1..64_usize,
    ) {
        let bytes = lines.join(&b'\n');
        let expected: Vec<u64> = (1..)
            .zip(bytes.split(|&b| b == b'\n'))
            .filter(|(_, text)| !text.trim_ascii().is_empty())
            .map(|(number, _)| number)
            .collect();
        let found: Vec<u64> = TraceReader::new(BufReader::with_capacity(capacity, bytes.as_slice()))
            .map(|item| match item {
                Ok(TraceLine { line, .. })
                | Err(
                    TraceError::TooLong { line }
                    | TraceError::NotUtf8 { line, .. }
                    | TraceError::Malformed { line, .. }
                    | TraceError::Read { line, .. },
                ) => line,
                Err(TraceError::Open { .. }) => 0,
            })
            .collect();
        prop_assert_eq!(found, expected);
    }
}
