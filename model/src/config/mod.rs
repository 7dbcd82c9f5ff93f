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
use crate::registers::Registers;
use ste::StreamSetting;
use stream_table::StreamTable;

/// What the lookup takes from IDRs and registers, of which the acknowledged values count (§6.3.9).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Globals<'a> {
    pub(crate) features: &'a Features,
    pub(crate) registers: &'a Registers,
}

impl Globals<'_> {
    /// STRTAB_BASE and STRTAB_BASE_CFG (§6.3.24, §6.3.25).
    #[inline(always)]
    pub(crate) fn stream_table(&self) -> StreamTable {
        StreamTable::new(self.features, self.registers.strtab_base, self.registers.strtab_base_cfg)
    }

    /// What an STE means under the registers as they are.
    #[inline(always)]
    pub(crate) fn stream_setting(&self) -> StreamSetting {
        StreamSetting { e2h: self.registers.cr2.e2h(), atschk: self.atschk() }
    }

    /// CR0.ATSCHK: Translated transactions are checked against STE.EATS (§6.3.9.2).
    #[inline(always)]
    pub(crate) fn atschk(&self) -> bool {
        self.registers.cr0ack.atschk()
    }

    /// CR0.SMMUEN, Updated: streams are translated, not bypassed (§6.3.9.6).
    #[inline(always)]
    pub(crate) fn smmuen(&self) -> bool {
        self.registers.cr0ack.smmuen()
    }

    /// CR2.RECINVSID: C_BAD_STREAMID may be recorded (§6.3.12).
    pub(crate) fn recinvsid(&self) -> bool {
        self.registers.cr2.recinvsid()
    }

    /// CR2.REC_CFG_ATS: configuration errors of ATS traffic are recorded (§3.9.1.2).
    pub(crate) fn rec_cfg_ats(&self) -> bool {
        self.registers.cr2.rec_cfg_ats()
    }

    /// What happens to streams while SMMUEN is 0 (§6.3.14).
    pub(crate) fn gbpa_in_use(&self) -> Gbpa {
        self.registers.gbpa_in_use
    }
}

/// The translation regime that a stream's stage 1 belongs to (§3.3.3); Non-secure ones only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
