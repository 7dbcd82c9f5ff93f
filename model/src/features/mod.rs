//! What an implementation has: its ID registers, checked and decoded once (§6.3.1–§6.3.8).

mod constraints;
mod decode;
mod id_registers;
mod presets;
mod revisions;
mod unmodelled;

use std::fmt;

pub use constraints::{Constraint, NOT_JUDGED, Violation, violations};
pub use id_registers::{FIELDS, Field, FieldError, IdRegister, IdRegisters};
pub use presets::Preset;
pub use unmodelled::Unmodelled;

/// A legal configuration that this model implements completely. Holding one guarantees that no
/// [`Constraint`] is broken and that no [`Unmodelled`] feature is announced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Features {
    /// The registers all other fields were decoded from; software reads these words.
    pub ids: IdRegisters,
    /// AIDR (§6.3.8).
    pub revision: Revision,

    /// Stage 1 translation: IDR0.S1P (§6.3.1).
    pub s1p: bool,
    /// Stage 2 translation: IDR0.S2P (§6.3.1).
    pub s2p: bool,
    /// Width of physical addresses: IDR5.OAS as bits (§6.3.6).
    pub oas_bits: u8,
    /// Width of intermediate physical addresses, from OAS and the table formats (§3.4).
    pub ias_bits: u8,
    /// Virtual address bits per translation table base, 48, 52 or 56: IDR5.VAX (§6.3.6).
    pub vax_bits: u8,
    /// 4 KB granule: IDR5.GRAN4K (§6.3.6).
    pub granule_4k: bool,
    /// 16 KB granule: IDR5.GRAN16K (§6.3.6).
    pub granule_16k: bool,
    /// 64 KB granule: IDR5.GRAN64K (§6.3.6).
    pub granule_64k: bool,
    /// 52-bit addresses with 4 KB and 16 KB granules: IDR5.DS (§6.3.6).
    pub ds: bool,
    /// Small translation tables: IDR3.STT (§6.3.4).
    pub stt: bool,
    /// Hardware update of translation tables: IDR0.HTTU (§6.3.1).
    pub httu: Httu,
    /// Byte order of translation tables: IDR0.TTENDIAN (§6.3.1).
    pub table_endianness: TableEndianness,
    /// Effect of changing block sizes without break-before-make: IDR3.BBML, 0 to 2 (§6.3.4).
    pub bbml: u8,
    /// Hierarchical attributes can be disabled: IDR3.HAD (§6.3.4).
    pub had: bool,
    /// Page-based hardware attributes: IDR3.PBHA (§6.3.4).
    pub pbha: bool,
    /// Stage 2 execute-never distinguishes EL0 and EL1: IDR3.XNX (§6.3.4).
    pub xnx: bool,
    /// Stage 2 can force memory types: IDR3.FWB (§6.3.4).
    pub fwb: bool,
    /// EL0 can be kept out of half an address map: IDR3.E0PD (§6.3.4).
    pub e0pd: bool,
    /// Enhanced PAN: IDR3.EPAN (§6.3.4).
    pub epan: bool,
    /// Stage 1 attribute index extension: IDR3.AIE (§6.3.4).
    pub aie: bool,
    /// A stage 1 walk through Device memory becomes Normal Non-cacheable: IDR3.PTWNNC (§6.3.4).
    pub ptwnnc: bool,
    /// Stage 2 NoTagAccess memory types: IDR3.MTEPERM (§6.3.4).
    pub mteperm: bool,

    /// Which fault models exist: IDR0.STALL_MODEL (§6.3.1).
    pub stall_model: StallModel,
    /// Most stalls recorded and not yet answered: IDR5.STALL_MAX (§6.3.6).
    pub stall_max: u16,
    /// A terminated transaction always aborts, CD.A must be 1: IDR0.TERM_MODEL (§6.3.1).
    pub term_abort_only: bool,

    /// Width of a StreamID: IDR1.SIDSIZE (§6.3.2).
    pub sid_bits: u8,
    /// Width of a SubstreamID, 0 for none: IDR1.SSIDSIZE (§6.3.2).
    pub ssid_bits: u8,
    /// Stream tables of two levels: IDR0.ST_LEVEL (§6.3.1).
    pub two_level_stream_table: bool,
    /// CD tables of two levels: IDR0.CD2L (§6.3.1).
    pub two_level_cd: bool,
    /// ASIDs of 16 bits rather than 8: IDR0.ASID16 (§6.3.1).
    pub asid16: bool,
    /// VMIDs of 16 bits rather than 8: IDR0.VMID16 (§6.3.1).
    pub vmid16: bool,
    /// VMID wildcards in invalidations: IDR0.VMW (§6.3.1).
    pub vmw: bool,
    /// EL2 and EL2-E2H stage 1 contexts: IDR0.Hyp (§6.3.1).
    pub hyp: bool,
    /// Incoming memory types can be overridden: IDR1.ATTR_TYPES_OVR (§6.3.2).
    pub attr_types_ovr: bool,
    /// Incoming permissions attributes can be overridden: IDR1.ATTR_PERMS_OVR (§6.3.2).
    pub attr_perms_ovr: bool,

    /// Log2 of the largest Command queue, in entries: IDR1.CMDQS (§6.3.2).
    pub cmdq_log2_max: u8,
    /// Log2 of the largest Event queue, in entries: IDR1.EVENTQS (§6.3.2).
    pub eventq_log2_max: u8,
    /// Log2 of the largest PRI queue, in entries: IDR1.PRIQS, and 0 without PRI (§6.3.2).
    pub priq_log2_max: u8,
    /// Command queue control pages of Enhanced Command queues, 0 without: IDR6.CMDQ_CONTROL_PAGE_LOG2NUMP (§6.3.45).
    pub ecmdq_pages: u16,
    /// Enhanced Command queues in each page, 0 without: IDR6.CMDQ_CONTROL_PAGE_LOG2NUMQ (§6.3.45).
    pub ecmdq_per_page: u16,
    /// Range invalidation and level hints: IDR3.RIL (§6.3.4).
    pub ril: bool,
    /// Broadcast TLB maintenance is received: IDR0.BTM (§6.3.1).
    pub btm: bool,
    /// The SMMU's own accesses can be coherent: IDR0.COHACC (§6.3.1).
    pub cohacc: bool,
    /// Message signalled interrupts: IDR0.MSI (§6.3.1).
    pub msi: bool,
    /// Wake-up events: IDR0.SEV (§6.3.1).
    pub sev: bool,
    /// STATUSR.DORMANT exists: IDR0.DORMHINT (§6.3.1).
    pub dormhint: bool,

    /// PCIe ATS: IDR0.ATS (§6.3.1).
    pub ats: bool,
    /// Split-stage ATS is *not* supported: IDR0.NS1ATS (§6.3.1).
    pub ns1ats: bool,
    /// CR2.REC_CFG_ATS exists: IDR0.ATSRECERR (§6.3.1).
    pub atsrecerr: bool,
    /// ATS translated transactions may carry a PASID: IDR3.PASIDTT (§6.3.4).
    pub pasidtt: bool,
    /// Page requests: IDR0.PRI (§6.3.1).
    pub pri: bool,
    /// An automatic PRI response repeats the PASID whatever STE.PPAR says: IDR3.PPS (§6.3.4).
    pub pps: bool,
    /// Address translation operations: IDR0.ATOS (§6.3.1).
    pub atos: bool,
    /// The virtual ATOS page: IDR0.VATOS (§6.3.1).
    pub vatos: bool,
}

impl Features {
    /// Checks and decodes `ids`. On refusal, says everything that stands against them.
    pub fn new(ids: IdRegisters) -> Result<Self, Vec<Refusal>> {
        let violations = violations(&ids).into_iter().map(Refusal::Violation);
        let unmodelled = Unmodelled::ALL.iter().filter(|feature| feature.announced_by(&ids));
        let unmodelled = unmodelled.map(|feature| Refusal::Unmodelled { feature: *feature, ids });
        let refusals: Vec<Refusal> = violations.chain(unmodelled).collect();
        if refusals.is_empty() { Ok(decode::decode(ids)) } else { Err(refusals) }
    }
}

/// Why a configuration is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The architecture forbids it.
    Violation(Violation),
    /// The architecture allows it, but this model lacks the behaviour.
    Unmodelled {
        /// What is missing.
        feature: Unmodelled,
        /// The registers that announce it.
        ids: IdRegisters,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation(violation) => violation.fmt(f),
            Self::Unmodelled { feature, ids } => feature.write(f, ids),
        }
    }
}

impl std::error::Error for Refusal {}

/// The revision of the architecture: AIDR (§6.3.8).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Revision {
    /// SMMUv3.0.
    V3_0,
    /// SMMUv3.1.
    V3_1,
    /// SMMUv3.2.
    V3_2,
    /// SMMUv3.3.
    V3_3,
    /// SMMUv3.4.
    V3_4,
}

/// What the SMMU writes back into translation tables: IDR0.HTTU (§6.3.1). Each includes its predecessors.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Httu {
    /// Nothing.
    None,
    /// The Access flag.
    AccessFlag,
    /// The Access flag and the dirty state.
    AccessAndDirty,
    /// Both, and the Access flag of table descriptors.
    WithTable,
}

/// Which fault models exist: IDR0.STALL_MODEL (§6.3.1, §3.12).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StallModel {
    /// Software chooses: 00.
    StallAndTerminate,
    /// Faults terminate, CD.S and STE.S2S must be 0: 01.
    TerminateOnly,
    /// Faults stall, CD.S and STE.S2S must be 1: 10.
    StallOnly,
}

/// Which byte orders translation tables may have: IDR0.TTENDIAN (§6.3.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TableEndianness {
    /// CD.ENDI and STE.S2ENDI choose: 00.
    Mixed,
    /// Little-endian: 10.
    LittleOnly,
    /// Big-endian: 11.
    BigOnly,
}
