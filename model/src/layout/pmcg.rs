//! Performance Monitor Counter Groups: the registers with fields (§10.5.2).

use bitfield_struct::bitfield;

/// PMCG_EVTYPER (§10.5.2.2).
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EventType {
    pub event: u16, // [15:0]
    pub filter_partid: bool,
    pub filter_pmg: bool,
    #[bits(2)]
    pub filter_mpam_sp: u8, // [19:18]
    __: u8,
    pub filter_realm_sid: bool, // [28]
    pub filter_sid_span: bool,
    pub filter_sec_sid: bool,
    pub ovfcap: bool, // [31]
}

/// PMCG_CFGR (§10.5.2.13).
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct Configuration {
    #[bits(6)]
    pub nctr: u8, // [5:0], counters less one
    #[bits(2)]
    __: u8,
    #[bits(6)]
    pub size: u8, // [13:8], bits of a counter less one
    #[bits(6)]
    __: u8,
    pub reloc_ctrs: bool, // [20]
    pub msi: bool,
    pub capture: bool,
    pub sid_filter_type: bool,
    pub mpam: bool,
    pub filter_partid_pmg: bool, // [25]
    #[bits(6)]
    __: u8,
}
