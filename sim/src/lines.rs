//! Text files of one record per line: the lines with their numbers, in constant memory.

use std::io::{self, BufRead};

/// The lines of a file, one at a time.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    input: R,
    max_bytes: usize,
    number: u64,
    bytes: Vec<u8>,
}

/// How far [`Lines::advance`] came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Advanced {
    /// [`Lines::bytes`] is the next line, without its end.
    Line,
    /// The next line is longer than permitted.
    TooLong,
    /// There is no further line.
    End,
}

impl<R: BufRead> Lines<R> {
    /// The lines of `input`, which have at most `max_bytes` bytes each.
    pub(crate) fn new(input: R, max_bytes: usize) -> Self {
        Self { input, max_bytes, number: 0, bytes: Vec::new() }
    }

    /// The number of the line that was read last, or on which reading failed; the first is 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The line that was read last.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads one line; of one that is too long, only the start is kept.
    pub(crate) fn advance(&mut self) -> io::Result<Advanced> {
        self.number += 1;
        self.bytes.clear();
        let mut too_long = false;
        let mut seen_any = false;
        loop {
            let available = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if available.is_empty() && !seen_any {
                return Ok(Advanced::End);
            }
            seen_any = true;
            let line_end = available.iter().position(|&b| b == b'\n');
            let part = available.get(..line_end.unwrap_or(available.len())).unwrap_or(available);
            let is_last = line_end.is_some() || available.is_empty();
            let used = part.len() + usize::from(line_end.is_some());
            too_long |= self.bytes.len() + part.len() > self.max_bytes;
            if !too_long {
                self.bytes.extend_from_slice(part);
            }
            self.input.consume(used);
            if is_last {
                return Ok(if too_long { Advanced::TooLong } else { Advanced::Line });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line with its number; `None` for one that is too long.
    fn check(text: &str, expected: &[(u64, Option<&str>)]) {
        let mut lines = Lines::new(io::BufReader::with_capacity(3, text.as_bytes()), 5);
        let mut found = Vec::new();
        loop {
            match lines.advance().expect("memory can be read") {
                Advanced::Line => found.push((lines.number(), Some(lines.bytes().to_vec()))),
                Advanced::TooLong => found.push((lines.number(), None)),
                Advanced::End => break,
            }
        }
        let expected: Vec<_> = expected
            .iter()
            .map(|(number, line)| (*number, line.map(|line| line.as_bytes().to_vec())))
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn lines_are_numbered_and_bounded() {
        check("", &[]);
        check("one\n\nthree", &[(1, Some("one")), (2, Some("")), (3, Some("three"))]);
        check("12345\n123456\n1\n", &[(1, Some("12345")), (2, None), (3, Some("1"))]);
    }
}
