//! Fields of the level 1 descriptors, 8 bytes each (§5.1, §5.3).

use super::{Field, address, number};

/// Level 1 stream table descriptor (§5.1).
pub const L1STD: &[Field] = &[number("Span", 0, 4, 0), address("L2Ptr", 0, 55, 6)];

/// Level 1 context descriptor (§5.3).
pub const L1CD: &[Field] = &[number("V", 0, 0, 0), address("L2Ptr", 0, 55, 12)];
