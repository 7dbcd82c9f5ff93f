//! Fields of the registers of Performance Monitor Counter Groups (§10.5.2).

use super::{Field, number};

/// §10.5.2.1. Bits above the size of the counters are zero.
pub(super) const EVCNTR: &[Field] = &[number("COUNTER_VALUE", 0, 63, 0)];

/// §10.5.2.2.
pub(super) const EVTYPER: &[Field] = &[
    number("EVENT", 0, 15, 0),
    number("FILTER_PARTID", 0, 16, 16),
    number("FILTER_PMG", 0, 17, 17),
    number("FILTER_MPAM_SP", 0, 19, 18),
    number("FILTER_REALM_SID", 0, 28, 28),
    number("FILTER_SID_SPAN", 0, 29, 29),
    number("FILTER_SEC_SID", 0, 30, 30),
    number("OVFCAP", 0, 31, 31),
];

/// §10.5.2.3.
pub(super) const SVR: &[Field] = &[number("SHADOW_COUNTER_VALUE", 0, 63, 0)];

/// §10.5.2.4, without PARTID and PMG filters.
pub(super) const SMR: &[Field] = &[number("STREAMID", 0, 31, 0)];

/// §10.5.2.5, §10.5.2.6.
pub(super) const CNTEN: &[Field] = &[number("CNTEN", 0, 63, 0)];

/// §10.5.2.7, §10.5.2.8.
pub(super) const INTEN: &[Field] = &[number("INTEN", 0, 63, 0)];

/// §10.5.2.9, §10.5.2.10.
pub(super) const OVS: &[Field] = &[number("OVS", 0, 63, 0)];

/// §10.5.2.11.
pub(super) const CAPR: &[Field] = &[number("CAPTURE", 0, 0, 0)];

/// §10.5.2.13.
pub(super) const CFGR: &[Field] = &[
    number("NCTR", 0, 5, 0),
    number("SIZE", 0, 13, 8),
    number("RELOC_CTRS", 0, 20, 20),
    number("MSI", 0, 21, 21),
    number("CAPTURE", 0, 22, 22),
    number("SID_FILTER_TYPE", 0, 23, 23),
    number("MPAM", 0, 24, 24),
    number("FILTER_PARTID_PMG", 0, 25, 25),
];

/// §10.5.2.14.
pub(super) const CR: &[Field] = &[number("E", 0, 0, 0)];

/// §10.5.2.19, §10.5.2.20.
pub(super) const IRQ_CTRL: &[Field] = &[number("IRQEN", 0, 0, 0)];

/// §10.5.2.24.
pub(super) const IRQ_STATUS: &[Field] = &[number("IRQ_ABT", 0, 0, 0)];
