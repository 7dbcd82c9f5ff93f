//! From (StreamID, SubstreamID) to the parameters of both stages (§3.3): stream table, STE, CD table, CD.
//!
//! Each structure is parsed, not validated: what comes out holds only fields that have a meaning.

pub(crate) mod cd;
pub(crate) mod cd_table;
pub(crate) mod geometry;
pub(crate) mod ste;
pub(crate) mod stream_table;
pub(crate) mod substream;

use crate::features::Features;
use crate::layout::register::Gbpa;
use stream_table::StreamTable;

/// What the lookup takes from registers and IDRs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Globals<'a> {
    pub(crate) features: &'a Features,
    pub(crate) stream_table: StreamTable,
    /// CR2.E2H: Non-secure STRW 0b10 means EL2-E2H (§6.3.12).
    pub(crate) e2h: bool,
    /// CR0.ATSCHK: Translated transactions are checked against STE.EATS (§6.3.9.2).
    pub(crate) atschk: bool,
    /// CR0.SMMUEN, Updated: streams are translated, not bypassed (§6.3.9.6).
    pub(crate) smmuen: bool,
    /// CR2.RECINVSID: C_BAD_STREAMID may be recorded (§6.3.12).
    pub(crate) recinvsid: bool,
    /// CR2.REC_CFG_ATS: configuration errors of ATS traffic are recorded (§3.9.1.2).
    pub(crate) rec_cfg_ats: bool,
    /// What happens to streams while SMMUEN is 0 (§6.3.14).
    pub(crate) gbpa: Gbpa,
}

/// The translation regime that a stream's stage 1 belongs to (§3.3.3); Non-secure ones only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum StreamWorld {
    /// EL1: two tables, ASID and VMID tags, two privilege levels.
    NsEl1,
    /// EL2 without E2H: one table, no tags, one privilege level.
    NsEl2,
    /// EL2 with E2H: two tables, ASID tag, two privilege levels.
    NsEl2E2h,
}

impl StreamWorld {
    /// Whether TTB1, ASIDs and unprivileged accesses exist.
    pub(crate) const fn has_two_tables(self) -> bool {
        match self {
            Self::NsEl1 | Self::NsEl2E2h => true,
            Self::NsEl2 => false,
        }
    }
}
