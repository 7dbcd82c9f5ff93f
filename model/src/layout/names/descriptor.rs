//! Fields of the VMSAv8-64 translation table descriptors, 8 bytes each (DDI 0487 D8.3).
//!
//! The address fields cover `[47:12]`, which all formats share; where 52-bit addresses place the upper bits
//! depends on the granule. In a Block, bit 16 of `OA` is nT.

use super::{Field, address, number};

/// Stage 1 Table descriptor.
pub const STAGE1_TABLE: &[Field] = &[
    number("Type", 0, 1, 0),
    number("AF", 0, 10, 10),
    address("Address", 0, 47, 12),
    number("Protected", 0, 52, 52),
    number("PXNTable", 0, 59, 59),
    number("UXNTable", 0, 60, 60),
    number("APTable", 0, 62, 61),
    number("NSTable", 0, 63, 63),
];

/// Stage 1 Block or Page descriptor, with Direct permissions.
pub const STAGE1_LEAF: &[Field] = &[
    number("Type", 0, 1, 0),
    number("AttrIndx", 0, 4, 2),
    number("NS", 0, 5, 5),
    number("AP", 0, 7, 6),
    number("SH", 0, 9, 8),
    number("AF", 0, 10, 10),
    number("nG", 0, 11, 11),
    address("OA", 0, 47, 12),
    number("GP", 0, 50, 50),
    number("DBM", 0, 51, 51),
    number("Contiguous", 0, 52, 52),
    number("PXN", 0, 53, 53),
    number("UXN", 0, 54, 54),
    number("Software", 0, 58, 55),
    number("AttrIndx3", 0, 59, 59),
    number("PBHA3_1", 0, 62, 60),
    number("AMEC", 0, 63, 63),
];

/// Stage 2 Table descriptor.
pub const STAGE2_TABLE: &[Field] =
    &[number("Type", 0, 1, 0), number("AF", 0, 10, 10), address("Address", 0, 47, 12)];

/// Stage 2 Block or Page descriptor, with Direct permissions. `POIndex` is PBHA without S2POE.
pub const STAGE2_LEAF: &[Field] = &[
    number("Type", 0, 1, 0),
    number("MemAttr", 0, 5, 2),
    number("S2AP", 0, 7, 6),
    number("SH", 0, 9, 8),
    number("AF", 0, 10, 10),
    address("OA", 0, 47, 12),
    number("DBM", 0, 51, 51),
    number("Contiguous", 0, 52, 52),
    number("XN", 0, 54, 53),
    number("NS", 0, 55, 55),
    number("Software", 0, 57, 56),
    number("AssuredOnly", 0, 58, 58),
    number("POIndex", 0, 62, 59),
    number("AMEC", 0, 63, 63),
];
