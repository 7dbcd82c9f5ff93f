//! The two recorded runs of a stock Linux driver (`testdata/captures/README.md`).

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::PathBuf;

use flate2::bufread::GzDecoder;
use smmu_sim::image::MemoryImage;

/// Stage 1 only, 4 KiB granule.
pub(crate) const STAGE1: &str = "linux-7.3-stage1-4k";
/// Stage 2 only, 4 KiB granule.
pub(crate) const STAGE2: &str = "linux-7.3-stage2-4k";

/// The trace file of a capture.
pub(crate) fn trace(folder: &str) -> PathBuf {
    path(folder, "trace.log.gz")
}

/// The memory file of a capture.
pub(crate) fn memory(folder: &str) -> PathBuf {
    path(folder, "memory.elf")
}

/// The memory of a capture, loaded.
pub(crate) fn image(folder: &str) -> MemoryImage {
    MemoryImage::open(memory(folder), None).expect("the memory of a capture loads")
}

/// The trace of a capture as text.
pub(crate) fn trace_text(folder: &str) -> String {
    let file = File::open(trace(folder)).expect("the trace of a capture opens");
    let mut text = String::new();
    GzDecoder::new(BufReader::new(file)).read_to_string(&mut text).expect("the trace is gzip text");
    text
}

fn path(folder: &str, file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testdata/captures").join(folder).join(file)
}
