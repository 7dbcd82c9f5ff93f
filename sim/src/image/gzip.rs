//! Input files that may be compressed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Opens a file for reading, decompressed if it is gzip by its first bytes (its name does not matter).
pub(crate) fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    decompressed(BufReader::new(File::open(path)?))
}

/// As [`open`], from something that is open already.
pub(crate) fn decompressed(mut input: impl BufRead + 'static) -> io::Result<Box<dyn BufRead>> {
    let mut start = Vec::new();
    input.by_ref().take(2).read_to_end(&mut start)?;
    let is_gzip = start == GZIP_MAGIC;
    let whole = io::Cursor::new(start).chain(input);
    Ok(if is_gzip { Box::new(BufReader::new(MultiGzDecoder::new(whole))) } else { Box::new(whole) })
}
