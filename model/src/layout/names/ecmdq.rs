//! Fields of the registers of Enhanced Command queues (§6.3.49–§6.3.51, §6.3.107–§6.3.109).

use super::{Field, address, number};

/// §6.3.49.
pub(super) const CONTROL_PAGE_BASE: &[Field] =
    &[number("CMDQ_CONTROL_PAGE_PRESET", 0, 0, 0), number("CMDQGS", 0, 2, 1), address("ADDR", 0, 55, 16)];

/// §6.3.50.
pub(super) const CONTROL_PAGE_CFG: &[Field] = &[number("EN", 0, 0, 0)];

/// §6.3.51.
pub(super) const CONTROL_PAGE_STATUS: &[Field] = &[number("ENACK", 0, 0, 0)];

/// §6.3.108.
pub(super) const ECMDQ_PROD: &[Field] =
    &[number("WR", 0, 19, 0), number("ERRACK", 0, 23, 23), number("EN", 0, 31, 31)];

/// §6.3.109.
pub(super) const ECMDQ_CONS: &[Field] = &[
    number("RD", 0, 19, 0),
    number("ERR", 0, 23, 23),
    number("ERR_REASON", 0, 26, 24),
    number("ENACK", 0, 31, 31),
];
