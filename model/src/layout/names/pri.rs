//! Fields of a PRI queue record (§8).

use super::{Field, address, number};

/// All of them.
pub const PRI: &[Field] = &[
    number("StreamID", 0, 31, 0),
    number("SubstreamID", 0, 51, 32),
    number("Priv", 0, 58, 58),
    number("X", 0, 59, 59),
    number("R", 0, 60, 60),
    number("W", 0, 61, 61),
    number("L", 0, 62, 62),
    number("SSV", 0, 63, 63),
    number("PRGIndex", 1, 8, 0),
    address("PageAddress", 1, 63, 12),
];
