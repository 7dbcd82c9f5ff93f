//! What is explored: every branch, or seeds; all of it, or one of several shares.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::number;

/// Which runs an exploration consists of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Plan {
    /// Every permitted answer to every question, in so many runs at most, of each scenario in each process.
    Enumerate {
        /// The bound.
        max_runs: u64,
    },
    /// One run for each seed.
    Sample(Seeds),
}

impl Default for Plan {
    fn default() -> Self {
        Self::Enumerate { max_runs: DEFAULT_MAX_RUNS }
    }
}

/// Enough for thirteen independent questions with two answers each.
pub const DEFAULT_MAX_RUNS: u64 = 10_000;

/// Seeds from the first to the one before the last, `A..B`; at least one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Seeds {
    /// The first.
    pub start: u64,
    /// The one after the last.
    pub end: u64,
}

/// One of `count` shares of the work, `number` of 1 to `count`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shard {
    /// Which, from 1.
    pub number: u32,
    /// Of how many.
    pub count: u32,
}

/// More shards than this are refused: cutting the tree takes runs for each of them.
const SHARDS_MAX: u32 = 1 << 16;

impl Shard {
    /// All of the work.
    pub const WHOLE: Self = Self { number: 1, count: 1 };

    /// Whether this shard does the piece of work with this position.
    pub(super) fn has(self, position: usize) -> bool {
        let count = usize::try_from(self.count).expect("a usize has 32 bits");
        let own = usize::try_from(self.number - 1).expect("a usize has 32 bits");
        position % count == own
    }
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (start, end) = text.split_once("..").ok_or("expected A..B, such as 0..1000")?;
        let number = |text: &str| number::parse(text).map_err(|error| format!("`{text}`: {error}"));
        let (start, end) = (number(start)?, number(end)?);
        if start >= end {
            return Err(format!("{start}..{end} has no seeds: the end is not one of them"));
        }
        Ok(Self { start, end })
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, count) = text.split_once('/').ok_or("expected i/n, such as 1/8")?;
        let parse = |text: &str| {
            let number = number::parse(text).map_err(|error| format!("`{text}`: {error}"))?;
            u32::try_from(number).map_err(|_large| format!("`{text}` does not fit 32 bits"))
        };
        let (number, count) = (parse(number)?, parse(count)?);
        if number == 0 || number > count || count > SHARDS_MAX {
            return Err(format!("i/n has 1 <= i <= n <= {SHARDS_MAX}"));
        }
        Ok(Self { number, count })
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_shards_are_checked() {
        assert_eq!("3..18446744073709551615".parse(), Ok(Seeds { start: 3, end: u64::MAX }));
        assert_eq!("0x10..0x2_0".parse(), Ok(Seeds { start: 16, end: 32 }));
        assert_eq!("0x2/0x3".parse(), Ok(Shard { number: 2, count: 3 }));
        assert_eq!("2/2".parse(), Ok(Shard { number: 2, count: 2 }));
        for text in ["", "3", "3..", "..3", "3..3", "4..3", "-1..3", "0..18446744073709551616"] {
            assert!(text.parse::<Seeds>().is_err(), "{text}");
        }
        for text in ["", "1", "0/1", "2/1", "1/0", "1/65537", "a/b", "1/2/3", "1/0x100000000"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
