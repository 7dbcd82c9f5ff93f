//! The list itself. Conditions are written with field names; the code at the check is the definition.

use super::{CommandError, Effect, OperationError};
use crate::layout::event::EventCode;

rules! {
    // Global bypass: SMMUEN == 0 (§6.3.9.6, §6.3.14).
    /// SMMUEN is 0 and GBPA.ABORT is 1: the transaction is aborted, no event.
    GlobalAbort = "GBP-01" "§6.3.14" => Silent,
    /// SMMUEN is 0 and the address does not fit OAS: the transaction is aborted, no event.
    GlobalBypassBeyondOas = "GBP-02" "§3.4" => Silent,
    /// SMMUEN is 0 and GBPA.ABORT is 0: the transaction passes untranslated with GBPA attributes.
    GlobalBypass = "GBP-03" "§6.3.14" => Decision,
    /// A Translated transaction met SMMUEN 0: F_TRANSL_FORBIDDEN.
    TranslatedWhileDisabled = "GBP-04" "§6.3.9.6" => Event(FTranslForbidden),

    // Stream table lookup (§3.3.1).
    /// The StreamID is at or above 2^min(LOG2SIZE, SIDSIZE).
    StreamBeyondTable = "SID-01" "§7.3.3" => Event(CBadStreamid),
    /// The level 1 descriptor has Span 0.
    StreamSpanZero = "SID-02" "§5.1" => Event(CBadStreamid),
    /// The level 1 descriptor has a reserved Span (12 and above), which acts as 0.
    StreamSpanReserved = "SID-03" "§5.1" => Event(CBadStreamid),
    /// The level 1 descriptor has a Span above SPLIT + 1.
    StreamSpanBeyondSplit = "SID-04" "§5.1" => Event(CBadStreamid),
    /// StreamID[SPLIT-1:0] is at or above 2^(Span-1).
    StreamBeyondSpan = "SID-05" "§5.1.1" => Event(CBadStreamid),
    /// The fetch of the level 1 stream table descriptor got an external abort.
    L1StdFetchAborted = "SID-06" "§7.3.4" => Event(FSteFetch),
    /// The fetch of the STE got an external abort.
    SteFetchAborted = "SID-07" "§7.3.4" => Event(FSteFetch),
    /// The address of an STE or level 1 descriptor exceeds OAS and the implementation does not truncate.
    SteAddressBeyondOas = "SID-08" "§3.4.3" => Event(FSteFetch),
    /// The address of an STE or level 1 descriptor exceeds OAS; the implementation ends the transaction and
    /// records nothing.
    SteAddressBeyondOasUnrecorded = "SID-11" "§3.4.3" => Silent,
    /// A bit without a defined field is set in a level 1 stream table descriptor, and the implementation checks it.
    L1StdReservedBit = "SID-12" "§5" => Event(CBadStreamid),
    /// SPLIT is a reserved value (other than 6, 8 and 10), which acts as 6.
    ReservedSplit = "SID-15" "§6.3.25" => Decision,
    /// STE.CONT spans STEs that differ, and the implementation detects it.
    SteContConflict = "SID-13" "§5.2" => Event(FCfgConflict),
    /// STE.CONT spans STEs that differ, and the implementation uses another one of the span.
    SteContNeighbour = "SID-14" "§5.2" => Decision,
    /// The stream table is linear: the STE lies at base + 64 * StreamID.
    LinearStreamTable = "SID-09" "§3.3.1.1" => Decision,
    /// The stream table has two levels: the STE lies at L2Ptr + 64 * StreamID[SPLIT-1:0].
    TwoLevelStreamTable = "SID-10" "§3.3.1.2" => Decision,

    // STE validity (§5.2.2), in the order of the list.
    /// V is 0.
    SteNotValid = "STE-01" "§5.2.2" => Event(CBadSte),
    /// Config is 0b0xx: the stream is disabled, its transactions abort without an event.
    SteDisabled = "STE-02" "§5.2" => Silent,
    /// Config selects stage 1, which IDR0.S1P lacks.
    SteNoStage1 = "STE-03" "§5.2.2" => Event(CBadSte),
    /// Config selects stage 2, which IDR0.S2P lacks.
    SteNoStage2 = "STE-04" "§5.2.2" => Event(CBadSte),
    /// EATS is 0b10 (split-stage) and Config is not 0b111.
    SteSplitAtsNotNested = "STE-07" "§5.2.2" => Event(CBadSte),
    /// EATS is 0b10 (split-stage) and S2S is 1.
    SteSplitAtsStalls = "STE-08" "§5.2.2" => Event(CBadSte),
    /// EATS is 0b10 (split-stage), which IDR0.NS1ATS excludes.
    SteSplitAtsUnsupported = "STE-09" "§5.2.2" => Event(CBadSte),
    /// EATS is 0b01 and S2S is 1, with stage 2 in use (v3.0 may also check it with stage 2 in bypass).
    SteFullAtsStalls = "STE-10" "§5.2.2" => Event(CBadSte),
    /// STRW is 0bx1 where it is used, in a Non-secure STE.
    SteBadStrw = "STE-13" "§5.2.2" => Event(CBadSte),
    /// S1STALLD is 1 with stage 1 in use, and STALL_MODEL is not 0b00.
    SteS1StalldWithoutModel = "STE-17" "§5.2.2" => Event(CBadSte),
    /// S1CDMax exceeds IDR1.SSIDSIZE.
    SteS1CdMaxTooBig = "STE-20" "§5.2.2" => Event(CBadSte),
    /// S1Fmt selects a two-level CD table, which IDR0.CD2L lacks.
    SteNoTwoLevelCd = "STE-21" "§5.2.2" => Event(CBadSte),
    /// S1ContextPtr, or the structure indexed from it, is out of range (OAS; IAS with stage 2 in use).
    SteS1ContextPtrRange = "STE-22" "§3.4.3" => Event(CBadSte),
    /// S2S is 1 with stage 2 in use, and STALL_MODEL is 0b01.
    SteS2StallUnsupported = "STE-24" "§5.2.2" => Event(CBadSte),
    /// S2S is 0 with stage 2 in use, and STALL_MODEL is 0b10.
    SteS2StallRequired = "STE-26" "§5.2.2" => Event(CBadSte),
    /// S2AA64 is 0 (VMSAv8-32 LPAE) and IDR0.TTF[0] is 0.
    SteStage2Aarch32 = "STE-27" "§5.2.2" => Event(CBadSte),
    /// S2HA or S2HD is 1 and IDR0.HTTU is 0b00.
    SteS2HttuUnsupported = "STE-29" "§5.2.2" => Event(CBadSte),
    /// S2HD is 1 and IDR0.HTTU is 0b01.
    SteS2DirtyUnsupported = "STE-30" "§5.2.2" => Event(CBadSte),
    /// S2HAFT is 1, S2HA is 0 and IDR0.HTTU is 0b11.
    SteS2HaftWithoutHa = "STE-31" "§5.2.2" => Event(CBadSte),
    /// S2TG is reserved or a granule that IDR5 lacks.
    SteS2Granule = "STE-32" "§5.2.2" => Event(CBadSte),
    /// S2TTB exceeds the effective S2PS, or 48 bits with a 4 or 16 KiB granule and S2DS 0.
    SteS2TtbRange = "STE-33" "§5.2.2" => Event(CBadSte),
    /// S2T0SZ is outside its limits.
    SteS2T0szRange = "STE-34" "§5.2.2" => Event(CBadSte),
    /// S2T0SZ, S2SL0, S2TG and S2DS do not fit together.
    SteS2StartLevel = "STE-36" "§5.2.2" => Event(CBadSte),
    /// S2ENDI is 1 and IDR0.TTENDIAN allows little-endian tables only.
    SteS2BigEndian = "STE-43" "§5.2.2" => Event(CBadSte),
    /// S2ENDI is 0 and IDR0.TTENDIAN allows big-endian tables only.
    SteS2LittleEndian = "STE-44" "§5.2.2" => Event(CBadSte),
    /// S2VMID exceeds 8 bits and IDR0.VMID16 is 0.
    SteVmidTooBig = "STE-49" "§5.2.2" => Event(CBadSte),
    /// A bit without a defined field is set, and the implementation checks it.
    SteReservedBit = "STE-C01" "§5" => Event(CBadSte),

    // What a legal STE selects (§5.2, §3.3.2).
    /// Config is 0b100: both stages are bypassed.
    StreamBypass = "CFG-01" "§5.2" => Decision,
    /// Config is 0b101: stage 1 translates, stage 2 is bypassed.
    StreamStage1 = "CFG-02" "§5.2" => Decision,
    /// Config is 0b110: stage 1 is bypassed, stage 2 translates.
    StreamStage2 = "CFG-03" "§5.2" => Decision,
    /// Config is 0b111: both stages translate.
    StreamNested = "CFG-04" "§5.2" => Decision,
    /// Config is 0b100 and the address does not fit OAS: F_ADDR_SIZE as a stage 1 fault.
    BypassBeyondOas = "CFG-05" "§3.4" => Event(FAddrSize),
    /// Stage 1 is bypassed with stage 2 configured, or by S1DSS, and the address does not fit IAS.
    Stage1BypassBeyondIas = "CFG-06" "§3.4" => Event(FAddrSize),
    /// A Translated transaction met a stream that effective EATS or Config 0b100 closes to it (ATSCHK 1), or an
    /// SMMU without ATS.
    TranslatedForbidden = "CFG-07" "§3.9.1.3" => Event(FTranslForbidden),
    /// ATSCHK is 0: a Translated transaction passes without a look at its stream.
    TranslatedUnchecked = "CFG-08" "§3.9.1.3" => Decision,
    /// ATSCHK is 1 and EATS is Full ATS: a Translated transaction carries a physical address and passes.
    TranslatedFull = "CFG-09" "§3.9.1.3" => Decision,
    /// ATSCHK is 1 and EATS is split-stage: a Translated transaction carries an IPA, which stage 2 translates.
    TranslatedSplit = "CFG-10" "§3.9.1.3" => Decision,
    /// A Translated transaction carries a physical address beyond OAS, and the implementation does not truncate.
    TranslatedBeyondOas = "CFG-11" "§3.9.1.1" => Silent,
    /// REC_CFG_ATS is 0: a configuration error that a Translated transaction met is not recorded.
    TranslatedErrorNotRecorded = "CFG-12" "§3.9.1.3" => Decision,

    // SubstreamID against S1CDMax and S1DSS (§3.3.2).
    /// A SubstreamID was supplied to a stream without stage 1.
    SubstreamWithoutStage1 = "SUB-01" "§7.3.9" => Event(CBadSubstreamid),
    /// A SubstreamID was supplied and substreams are not implemented (IDR1.SSIDSIZE is 0).
    SubstreamUnimplemented = "SUB-02" "§7.3.9" => Event(CBadSubstreamid),
    /// A SubstreamID was supplied and the stream has a single CD (S1CDMax is 0).
    SubstreamsDisabled = "SUB-03" "§7.3.9" => Event(CBadSubstreamid),
    /// The SubstreamID is at or above 2^S1CDMax.
    SubstreamBeyondTable = "SUB-04" "§7.3.9" => Event(CBadSubstreamid),
    /// SubstreamID 0 was supplied and S1DSS 0b10 reserves CD 0 for traffic without one.
    SubstreamZeroReserved = "SUB-05" "§7.3.7" => Event(FStreamDisabled),
    /// The PASID has more bits than IDR1.SSIDSIZE, and the implementation truncates it.
    PasidTruncated = "SUB-11" "§3.9" => Decision,
    /// No SubstreamID was supplied and S1DSS (0b00, or the reserved 0b11) demands one.
    SubstreamRequired = "SUB-06" "§7.3.7" => Event(FStreamDisabled),
    /// No SubstreamID was supplied and S1DSS 0b01 skips stage 1.
    DefaultSubstreamBypasses = "SUB-07" "§5.2" => Decision,
    /// No SubstreamID was supplied and S1DSS 0b10 selects CD 0.
    DefaultSubstreamIsZero = "SUB-08" "§5.2" => Decision,
    /// The stream has a single CD, which serves traffic without a SubstreamID.
    SingleCd = "SUB-09" "§3.3.2" => Decision,
    /// The SubstreamID selects its CD.
    SubstreamSelectsCd = "SUB-10" "§3.3.2" => Decision,

    // L1CD and CD fetch (§5.3, §7.3.9, §7.3.10).
    /// The level 1 context descriptor has V 0.
    L1CdNotValid = "CDT-01" "§5.3.1" => Event(CBadSubstreamid),
    /// The L2Ptr of the level 1 context descriptor is out of range (OAS; IAS with stage 2 in use).
    L1CdPointerRange = "CDT-02" "§3.4.3" => Event(CBadSubstreamid),
    /// The fetch of the level 1 context descriptor got an external abort.
    L1CdFetchAborted = "CDT-03" "§7.3.10" => Event(FCdFetch),
    /// The fetch of the CD got an external abort.
    CdFetchAborted = "CDT-04" "§7.3.10" => Event(FCdFetch),
    /// SMMUv3.0 only: the address of a CD or level 1 context descriptor exceeds OAS: F_CD_FETCH.
    CdAddressBeyondOas = "CDT-05" "§3.4.3" => Event(FCdFetch),
    /// The CD table is linear.
    LinearCdTable = "CDT-06" "§5.2" => Decision,
    /// The CD table has two levels with 4 KiB leaves.
    TwoLevelCdTable4K = "CDT-07" "§5.2" => Decision,
    /// The CD table has two levels with 64 KiB leaves.
    TwoLevelCdTable64K = "CDT-08" "§5.2" => Decision,
    /// A bit without a defined field is set in a level 1 context descriptor, and the implementation checks it.
    L1CdReservedBit = "CDT-C03" "§5" => Event(CBadSubstreamid),

    // CD validity (§5.4.2), in the order of the list.
    /// V is 0.
    CdNotValid = "CD-01" "§5.4.2" => Event(CBadCd),
    /// S is 1 and STE.S1STALLD forbids it.
    CdStallDisabled = "CD-02" "§5.4.2" => Event(CBadCd),
    /// A is 0 and IDR0.TERM_MODEL allows termination by abort only.
    CdTermModel = "CD-03" "§5.4.2" => Event(CBadCd),
    /// S is 1 and STALL_MODEL is 0b01.
    CdStallUnsupported = "CD-04" "§5.4.2" => Event(CBadCd),
    /// S is 0 and STALL_MODEL is 0b10.
    CdStallRequired = "CD-05" "§5.4.2" => Event(CBadCd),
    /// ENDI is 1, a table is enabled, and IDR0.TTENDIAN allows little-endian only.
    CdBigEndian = "CD-06" "§5.4.2" => Event(CBadCd),
    /// ENDI is 0, a table is enabled, and IDR0.TTENDIAN allows big-endian only.
    CdLittleEndian = "CD-07" "§5.4.2" => Event(CBadCd),
    /// AA64 is 0 (VMSAv8-32 LPAE) and IDR0.TTF[0] is 0.
    CdAarch32 = "CD-08" "§5.4.2" => Event(CBadCd),
    /// HA or HD is 1 and IDR0.HTTU is 0b00.
    CdHttuUnsupported = "CD-13" "§5.4.2" => Event(CBadCd),
    /// HD is 1 and IDR0.HTTU is 0b01.
    CdDirtyUnsupported = "CD-14" "§5.4.2" => Event(CBadCd),
    /// HAFT is 1, HA is 0 and IDR0.HTTU is 0b11.
    CdHaftWithoutHa = "CD-15" "§5.4.2" => Event(CBadCd),
    /// ASID exceeds 8 bits and IDR0.ASID16 is 0.
    CdAsidTooBig = "CD-16" "§5.4.2" => Event(CBadCd),
    /// T0SZ is outside its limits and TTB0 is enabled.
    CdT0szRange = "CD-17" "§5.4.2" => Event(CBadCd),
    /// T1SZ is outside its limits and TTB1 is enabled.
    CdT1szRange = "CD-18" "§5.4.2" => Event(CBadCd),
    /// TG0 is reserved or a granule that IDR5 lacks, and TTB0 is enabled.
    CdTg0 = "CD-19" "§5.4.2" => Event(CBadCd),
    /// TTB0 exceeds the effective IPS, or 48 bits with a 4 or 16 KiB granule and DS 0.
    CdTtb0Range = "CD-20" "§5.4.2" => Event(CBadCd),
    /// TG1 is reserved or a granule that IDR5 lacks, and TTB1 is enabled.
    CdTg1 = "CD-21" "§5.4.2" => Event(CBadCd),
    /// TTB1 exceeds the effective IPS, or 48 bits with a 4 or 16 KiB granule and DS 0.
    CdTtb1Range = "CD-22" "§5.4.2" => Event(CBadCd),
    /// A bit without a defined field is set, and the implementation checks it.
    CdReservedBit = "CD-C03" "§5" => Event(CBadCd),

    // Stage 1 translation (§3.4, §7.3.13–16; tables as in the VMSA).
    /// Stage 1: VA bits above the input size are not all equal to VA bit 55 (or not zero with one table).
    Stage1InputRange = "S1-01" "§3.4.1" => Event(FTranslation),
    /// Stage 1: the table that VA bit 55 selects is disabled by EPD0 or EPD1.
    Stage1TableDisabled = "S1-02" "§5.4.1.1" => Event(FTranslation),
    /// Stage 1: an unprivileged access to a half that E0PD0 or E0PD1 closes.
    Stage1E0pd = "S1-03" "§5.4" => Event(FTranslation),
    /// Stage 1: the fetch of a descriptor got an external abort.
    Stage1WalkAborted = "S1-04" "§7.3.12" => Event(FWalkEabt),
    /// Stage 1: bit 0 of the descriptor is 0.
    Stage1Invalid = "S1-05" "§7.3.13" => Event(FTranslation),
    /// Stage 1: the descriptor is a block at a level that has none, or not a page at level 3.
    Stage1Reserved = "S1-06" "§7.3.13" => Event(FTranslation),
    /// Stage 1: the next-level table address exceeds the effective IPS.
    Stage1TableSize = "S1-07" "§7.3.14" => Event(FAddrSize),
    /// Stage 1: the output address of a block or page exceeds the effective IPS.
    Stage1OutputSize = "S1-08" "§7.3.14" => Event(FAddrSize),
    /// Stage 1: the Contiguous group is larger than the input range, and the implementation faults it.
    Stage1ContiguousRange = "S1-09" "DDI 0487 D8.7.1.3" => Event(FTranslation),
    /// Stage 1: the Access flag is 0 and neither AFFD nor hardware update applies.
    Stage1AccessFlag = "S1-10" "§7.3.15" => Event(FAccess),
    /// Stage 1: a write to a page that is not writable at this privilege.
    Stage1WriteDenied = "S1-11" "§7.3.16" => Event(FPermission),
    /// Stage 1: a read from a page that this privilege cannot read.
    Stage1ReadDenied = "S1-12" "§7.3.16" => Event(FPermission),
    /// Stage 1: an instruction read from a page that this privilege cannot execute.
    Stage1ExecuteDenied = "S1-13" "§7.3.16" => Event(FPermission),
    /// Stage 1: PAN refuses a privileged data access to a page that unprivileged accesses may use.
    Stage1Pan = "S1-14" "§5.4" => Event(FPermission),
    /// Stage 1: WXN refuses an instruction read from a writable page.
    Stage1Wxn = "S1-15" "§5.4" => Event(FPermission),
    /// Stage 1: the hardware update of a descriptor got an external abort, or the implementation makes none with
    /// such walk attributes, or the descriptor never stayed the same while it was updated.
    Stage1UpdateAborted = "S1-16" "§7.3.12" => Event(FWalkEabt),
    /// Stage 1: hardware sets the Access flag of the leaf.
    Stage1SetsAccessFlag = "S1-17" "§3.13.2" => Decision,
    /// Stage 1: hardware marks the page dirty.
    Stage1SetsDirty = "S1-18" "§3.13.3" => Decision,
    /// Stage 1: the walk ended in a page descriptor.
    Stage1Page = "S1-19" "DDI 0487 D8.3" => Decision,
    /// Stage 1: the walk ended in a block descriptor.
    Stage1Block = "S1-20" "DDI 0487 D8.3" => Decision,
    /// Stage 1: hardware sets the Access flag of a table descriptor.
    Stage1SetsTableFlag = "S1-21" "§3.13.6" => Decision,

    // Stage 2 translation.
    /// Stage 2: the IPA exceeds the input range of S2T0SZ, capped to IAS.
    Stage2InputRange = "S2-01" "§3.4" => Event(FTranslation),
    /// Stage 2: the fetch of a descriptor got an external abort.
    Stage2WalkAborted = "S2-04" "§7.3.12" => Event(FWalkEabt),
    /// Stage 2: bit 0 of the descriptor is 0.
    Stage2Invalid = "S2-05" "§7.3.13" => Event(FTranslation),
    /// Stage 2: the descriptor is a block at a level that has none, or not a page at level 3.
    Stage2Reserved = "S2-06" "§7.3.13" => Event(FTranslation),
    /// Stage 2: the next-level table address exceeds the effective S2PS.
    Stage2TableSize = "S2-07" "§7.3.14" => Event(FAddrSize),
    /// Stage 2: the output address of a block or page exceeds the effective S2PS.
    Stage2OutputSize = "S2-08" "§7.3.14" => Event(FAddrSize),
    /// Stage 2: the Contiguous group is larger than the input range, and the implementation faults it.
    Stage2ContiguousRange = "S2-09" "DDI 0487 D8.7.1.3" => Event(FTranslation),
    /// Stage 2: the Access flag is 0 and neither S2AFFD nor hardware update applies.
    Stage2AccessFlag = "S2-10" "§7.3.15" => Event(FAccess),
    /// Stage 2: S2AP does not allow the write.
    Stage2WriteDenied = "S2-11" "§7.3.16" => Event(FPermission),
    /// Stage 2: S2AP does not allow the read.
    Stage2ReadDenied = "S2-12" "§7.3.16" => Event(FPermission),
    /// Stage 2: XN does not allow the instruction read at this privilege.
    Stage2ExecuteDenied = "S2-13" "§7.3.16" => Event(FPermission),
    /// Stage 2: S2PTW refuses a CD fetch or stage 1 walk through Device memory.
    Stage2ProtectedTableWalk = "S2-14" "§5.2" => Event(FPermission),
    /// Stage 2: hardware would update a stage 1 descriptor in a page that stage 2 does not let it write.
    Stage2DescriptorUpdateDenied = "S2-15" "§7.3.16" => Event(FPermission),
    /// Stage 2: the hardware update of a descriptor got an external abort, or the implementation makes none with
    /// such walk attributes, or the descriptor never stayed the same while it was updated.
    Stage2UpdateAborted = "S2-16" "§7.3.12" => Event(FWalkEabt),
    /// Stage 2: hardware sets the Access flag of the leaf.
    Stage2SetsAccessFlag = "S2-17" "§3.13.2" => Decision,
    /// Stage 2: hardware marks the page dirty.
    Stage2SetsDirty = "S2-18" "§3.13.3" => Decision,
    /// Stage 2: the walk ended in a page descriptor.
    Stage2Page = "S2-19" "DDI 0487 D8.3" => Decision,
    /// Stage 2: the walk ended in a block descriptor.
    Stage2Block = "S2-20" "DDI 0487 D8.3" => Decision,
    /// Stage 2: hardware sets the Access flag of a table descriptor.
    Stage2SetsTableFlag = "S2-21" "§3.13.6" => Decision,

    // How a fault ends (§3.12, §5.5, §7.2).
    /// The fault is terminated with an abort.
    TerminatedByAbort = "FLT-01" "§5.5" => Decision,
    /// CD.A is 0: the fault is terminated with success, reads as zero, writes ignored.
    TerminatedRazWi = "FLT-02" "§5.5" => Decision,
    /// CD.R or STE.S2R is 0: the fault is not recorded.
    NotRecorded = "FLT-03" "§5.5" => Decision,
    /// CD.S or STE.S2S asks for a stall and this stream terminates instead, which the architecture permits.
    StallTerminates = "FLT-04" "§3.12" => Decision,
    /// CR2.RECINVSID is 0: C_BAD_STREAMID is not recorded.
    BadStreamNotRecorded = "FLT-05" "§6.3.12" => Decision,
    /// A write is marked as speculative: it is aborted, no event.
    SpeculativeWrite = "FLT-06" "§3.14" => Silent,
    /// A read that is marked as speculative faults: it is aborted, no event, whatever A, R and S say.
    SpeculativeReadFaults = "FLT-07" "§3.14" => Decision,

    // Stalled transactions (§3.12.2, §4.7).
    /// CD.S or STE.S2S is 1: the transaction is held, and its fault is recorded whatever R is.
    StallHeld = "STL-01" "§3.12.2" => Decision,
    /// The Event queue is not writable: the record of the stall waits, and that is no overflow.
    StallRecordWaits = "STL-02" "§7.2.1" => Decision,
    /// IDR5.STALL_MAX stalls are recorded and not answered: this transaction waits as if it had not arrived.
    StallBeyondMax = "STL-03" "§6.3.6" => Decision,
    /// An earlier stall of the stream is like this one, and the implementation records only that.
    StallSuppressed = "STL-04" "§3.12.2.1" => Decision,
    /// A stalled transaction is handled as if it had just arrived.
    StallRetried = "STL-05" "§3.12.2" => Decision,
    /// CMD_RESUME terminates the stalled transaction with an abort: Ab is 1, or IDR0.TERM_MODEL is.
    ResumedWithAbort = "STL-06" "§4.7.1" => Silent,
    /// CMD_RESUME terminates the stalled transaction with success: a read as zero, a write without effect.
    ResumedRazWi = "STL-07" "§4.7.1" => Decision,
    /// CMD_STALL_TERM terminates the stalled transactions of its stream with an abort.
    StreamStallTerminated = "STL-08" "§4.7.2" => Silent,
    /// SMMUEN has become 0: every stalled transaction is terminated with an abort.
    StallEndedByDisable = "STL-09" "§6.3.9.6" => Silent,
    /// The record of a stall could not be written when it was due, and never will be.
    StallRecordDropped = "STL-10" "§7.2.1" => Ignored,
    /// The SMMU retries a stalled transaction without being told; a fault that was recorded is not recorded again.
    StallRetriedEarly = "STL-11" "§3.12.2.2" => Decision,
    /// The command acknowledges a stall whose transaction has ended by an early retry.
    StallAcknowledged = "STL-12" "§3.12.2.2" => Ignored,
    /// No stall matches the StreamID, or the StreamID and STAG, of the command: no effect.
    StallUnmatched = "STL-13" "§4.7.1" => Ignored,
    /// CMD_STALL_TERM names a stream that does not abort all its transactions, and the implementation does nothing.
    StallTermIgnored = "STL-14" "§4.7.2" => Ignored,
    /// CD.S or STE.S2S asks to stall a device that must not be stalled, as functions of PCIe: software is to set S1STALLD
    /// and to leave S2S 0.
    StallOfUnsafeDevice = "STL-15" "§3.12.1" => Ignored,

    // Page hints (§3.12.4.1).
    /// A page hint of a client becomes E_PAGE_REQUEST.
    PageHintTaken = "HNT-01" "§7.3.19" => Decision,
    /// A page hint is dropped: by choice, or as SMMUEN is 0.
    PageHintDropped = "HNT-02" "§3.12.4.1" => Ignored,

    // ATS Translation Requests (§3.9.1.2).
    /// A Translation Request met SMMUEN 0: Unsupported Request, F_BAD_ATS_TREQ.
    AtsWhileDisabled = "ATS-01" "§3.9.1.2" => Event(FBadAtsTreq),
    /// A Translation Request met a stream, or an SMMU, without ATS: Unsupported Request, F_BAD_ATS_TREQ.
    AtsForbidden = "ATS-02" "§3.9.1.2" => Event(FBadAtsTreq),
    /// EATS is Full ATS: the completion carries the physical address, after all enabled stages.
    AtsFull = "ATS-03" "§5.2" => Decision,
    /// EATS is split-stage: the completion carries the IPA, with the permissions and the size of both stages.
    AtsSplit = "ATS-04" "§13.6.3" => Decision,
    /// S1DSS skips stage 1 and there is no stage 2: the completion grants reads and writes of the same address.
    AtsIdentity = "ATS-05" "§13.6.4" => Decision,
    /// A Translation-related fault: Success without any permission, and no event.
    AtsNoAccess = "ATS-06" "§3.9.1.2" => Decision,
    /// The page allows some of what the request asks for: Success with that.
    AtsReduced = "ATS-07" "§13.7" => Decision,
    /// An error of configuration or an aborted walk: Completer Abort.
    AtsCompleterAbort = "ATS-08" "§3.9.1.2" => Decision,
    /// REC_CFG_ATS is 0: a configuration error that a Translation Request or page request met is not recorded.
    AtsErrorNotRecorded = "ATS-09" "§3.9.1.2" => Decision,

    // ATS invalidation (§3.9.1.4, §3.9.1.5, §4.7.3).
    /// The device answered an Invalidate Request with Unsupported Request: the command is complete all the same.
    AtcInvUnsupported = "ATC-01" "§3.9.1.5" => Decision,
    /// The device did not answer an Invalidate Request in time.
    AtcInvTimedOut = "ATC-02" "§3.9.1.4" => Decision,
    /// CMD_SYNC follows an Invalidate Request that timed out: CERROR_ATC_INV_SYNC.
    SyncAfterTimeout = "ATC-03" "§4.7.3" => Command(AtcInvSync),
    /// The same in an implementation without CERROR_ATC_INV_SYNC: the CMD_SYNC never completes.
    SyncNeverCompletes = "ATC-04" "§3.9.1.4" => Ignored,

    // Page requests (chapter 8).
    /// Effective PRIQEN is 0: the page request is discarded and answered with Response Failure.
    PageRequestDisabled = "PRI-01" "§8.2" => Ignored,
    /// PRIQ_ABT_ERR is active: the page request is discarded and answered with Response Failure.
    PageRequestInError = "PRI-02" "§8.2" => Ignored,
    /// The queue is full: the message is discarded, and an overflow begins.
    PriQueueOverflow = "PRI-03" "§8.1" => Ignored,
    /// An overflow is not yet acknowledged: the message is discarded, even if there is space again.
    PriQueueOverflowing = "PRI-04" "§8.1" => Ignored,
    /// What was discarded is not the last page request of its group, or a Stop PASID marker: no answer.
    PageRequestUnanswered = "PRI-05" "§8.1" => Decision,
    /// Overflow took the last page request of a group: the SMMU answers with Success.
    PageRequestAnswered = "PRI-06" "§8.1" => Decision,
    /// IDR3.PPS is 0: STE.PPAR decides whether the answer to a request with a PASID carries it.
    PasidByPpar = "PRI-07" "§8.1" => Decision,
    /// The STE of PPAR cannot be had: the SMMU answers with Response Failure, without a PASID.
    PparUnavailable = "PRI-08" "§8.1" => Decision,
    /// The write of the record got an external abort: PRIQ_ABT_ERR becomes active.
    PriQueueAborted = "PRI-09" "§8.2" => Global,
    /// PROD and CONS are inconsistent, and the implementation writes nothing meanwhile.
    PriQueueInconsistent = "PRI-10" "§3.5.1" => Ignored,

    // Event queue (§3.5.3, §7.2, §7.4).
    /// EVENTQEN is 0: the record is discarded without overflow.
    EventQueueDisabled = "EVQ-01" "§7.2.1" => Ignored,
    /// EVENTQ_ABT_ERR is active: the record is discarded without overflow.
    EventQueueInError = "EVQ-02" "§7.2.1" => Ignored,
    /// The queue is full and no overflow is pending: the record is discarded, and OVFLG toggles, so that it differs
    /// from OVACKFLG.
    EventQueueOverflow = "EVQ-03" "§7.4" => Ignored,
    /// The queue is full and an overflow is pending (OVFLG and OVACKFLG differ): the record is discarded, and OVFLG
    /// stays.
    EventQueueOverflowPending = "EVQ-10" "§7.4" => Ignored,
    /// The write of the record got an external abort: EVENTQ_ABT_ERR becomes active.
    EventQueueAborted = "EVQ-04" "§7.2.2" => Global,
    /// The record is equal to the one before, STE.MEV allows it, and the implementation merges them.
    EventMerged = "EVQ-05" "§7.3.1" => Ignored,
    /// PROD and CONS are inconsistent, and the implementation writes nothing meanwhile.
    EventQueueInconsistent = "EVQ-06" "§3.5.1" => Ignored,

    // Command queue (§4.1, §7.1).
    /// The read of the command got an external abort.
    CommandFetchAborted = "CMD-01" "§7.1" => Command(Abort),
    /// The opcode is reserved.
    CommandReserved = "CMD-02" "§4.1.1" => Command(Illegal),
    /// The opcode is IMPLEMENTATION DEFINED and this implementation defines none.
    CommandImplementationDefined = "CMD-03" "§4.1.1" => Command(Illegal),
    /// SSec is 1 on the Non-secure queue.
    CommandSecure = "CMD-04" "§4.1.6" => Command(Illegal),
    /// The command exists on the Secure queue only.
    CommandSecureOnly = "CMD-05" "§4.4" => Command(Illegal),
    /// The command needs stage 1, which IDR0.S1P lacks.
    CommandNeedsStage1 = "CMD-06" "§4.4.2" => Command(Illegal),
    /// The command needs stage 2, which IDR0.S2P lacks.
    CommandNeedsStage2 = "CMD-07" "§4.4.3" => Command(Illegal),
    /// The command needs IDR0.Hyp.
    CommandNeedsHyp = "CMD-08" "§4.4.2" => Command(Illegal),
    /// The command needs MPAM.
    CommandNeedsMpam = "CMD-09" "§4.3.5" => Command(Illegal),
    /// CMD_ATC_INV needs IDR0.ATS.
    CommandNeedsAts = "CMD-10" "§4.5.1" => Command(Illegal),
    /// CMD_PRI_RESP needs IDR0.PRI.
    CommandNeedsPri = "CMD-11" "§4.5.2" => Command(Illegal),
    /// CMD_PRI_RESP has the reserved response 0b11.
    CommandPriRespReserved = "CMD-12" "§4.5.2" => Command(Illegal),
    /// CMD_RESUME or CMD_STALL_TERM while IDR0.STALL_MODEL is 0b01.
    CommandNeedsStall = "CMD-13" "§4.7" => Command(Illegal),
    /// CMD_DPTI_* needs IDR3.DPT.
    CommandNeedsDpt = "CMD-14" "§4.6" => Command(Illegal),
    /// CMD_SYNC has the reserved completion signal CS 0b11.
    CommandSyncReserved = "CMD-15" "§4.7.3" => Command(Illegal),
    /// A range TLBI names a granule with NUM, SCALE and TTL all zero, which is reserved.
    CommandTlbiRangeReserved = "CMD-16" "§4.4.1.1" => Command(Illegal),
    /// A bit without a defined field is set, and the implementation checks it.
    CommandReservedBit = "CMD-17" "§4.1.5" => Command(Illegal),
    /// A parameter exceeds the implemented range: no effect.
    CommandOutOfRange = "CMD-18" "§4.1.7" => Ignored,
    /// CMD_ATC_INV or CMD_PRI_RESP while SMMUEN is 0, or with nothing behind it: no effect.
    CommandIgnored = "CMD-19" "§6.3.9.6" => Ignored,
    /// CMD_ATC_INV has a Size above 52, and the implementation refuses it.
    CommandAtcSize = "CMD-20" "§4.5.1" => Command(Illegal),
    /// PROD and CONS are inconsistent; the implementation consumes nothing meanwhile.
    CommandQueueInconsistent = "CMD-21" "§3.5.1" => Ignored,
    /// A parameter exceeds the implemented range, and the implementation truncates it.
    CommandTruncated = "CMD-30" "§4.1.7" => Decision,
    /// SSV is 1 without substreams, and the implementation takes it as 0.
    CommandSsvIgnored = "CMD-31" "§4.2" => Decision,
    /// The command was consumed.
    CommandConsumed = "CMD-22" "§4.1.4" => Decision,

    // Enhanced Command queues (§3.5.6).
    /// A command error of an Enhanced Command queue: ERR toggles, and CMDQP_ERR becomes active unless it is.
    EcmdqError = "ECQ-01" "§3.5.6.3" => Global,
    /// ERRACK and ERR differ without an error, and the implementation consumes nothing meanwhile.
    EcmdqErrackMismatch = "ECQ-02" "§3.5.6.3" => Ignored,

    // Registers (chapter 6).
    /// A read-only register was written: no effect.
    RegisterReadOnly = "REG-01" "§6.2" => Ignored,
    /// A guarded field was written while its guard forbids it: no effect.
    RegisterGuarded = "REG-02" "§6.3" => Ignored,
    /// An access of a size or alignment that the registers do not support.
    RegisterAccessSize = "REG-03" "§6.2" => Ignored,
    /// A 64-bit access covered two 32-bit registers.
    RegisterPair = "REG-04" "§6.2" => Ignored,
    /// An offset without a register: reads zero, writes are ignored.
    RegisterUndefined = "REG-05" "§6.2" => Ignored,
    /// GBPA was written without Update, or while an update was pending: no effect.
    GbpaWithoutUpdate = "REG-06" "§6.3.14.1" => Ignored,
    /// A CR0 or IRQ_CTRL field was written again, to another value, before its Update had finished.
    ControlRewritten = "REG-07" "§6.3.9" => Ignored,
    /// GERRORN was toggled for an error that is not active.
    GerrornInactive = "REG-08" "§6.3.20" => Ignored,

    // Interrupts (§3.18).
    /// The write of an MSI got an external abort: the matching GERROR flag becomes active.
    MsiAborted = "IRQ-01" "§3.18" => Global,

    // Address translation operations (chapter 9).
    /// TYPE is reserved (0b00).
    AtosTypeReserved = "ATO-01" "§9.1.3" => Operation(InvReq),
    /// TYPE asks VATOS for stage 2.
    AtosTypeOfVatos = "ATO-02" "§9.1.3" => Operation(InvReq),
    /// TYPE asks for a stage that the SMMU does not have.
    AtosStageUnimplemented = "ATO-03" "§9.1.3" => Operation(InvReq),
    /// SSID_VALID is 1 and TYPE asks for stage 2 alone.
    AtosSubstreamAtStage2 = "ATO-04" "§9.1.3" => Operation(InvReq),
    /// TYPE asks for a stage that STE.Config does not select.
    AtosStageNotConfigured = "ATO-05" "§9.1.3" => Operation(InvStage),
    /// VATOS was asked about a stream whose translations carry no VMID.
    AtosNoVmid = "ATO-06" "§9.1.6" => Event(CBadSte),
    /// VATOS was asked about a stream with another VMID than that of VATOS_SEL.
    AtosVmidMismatch = "ATO-07" "§9.1.6" => Event(CBadSte),
    /// In a stage 1 lookup, stage 2 faulted on the fetch of the CD: it counts as an abort of the fetch.
    AtosCdFetchFaulted = "ATO-08" "§9.1.4" => Event(FCdFetch),
    /// In a stage 1 lookup, stage 2 faulted on the fetch of a descriptor: it counts as an abort of the fetch.
    AtosWalkFaulted = "ATO-09" "§9.1.4" => Event(FWalkEabt),
    /// SMMUEN was cleared while the operation was under way, and the implementation ended it.
    AtosInterrupted = "ATO-10" "§6.3.37" => Operation(InternalErr),
    // Performance Monitor Counter Groups (chapter 10).
    /// An enabled counter whose event and filter match counts.
    PmcgCounts = "PMC-01" "§10.5.2.1" => Decision,
    /// The StreamID filter of an enabled counter of this event does not match: it does not count.
    PmcgFiltered = "PMC-02" "§10.4" => Decision,
    /// SMMUEN is 0, and the implementation does not count events of streams meanwhile.
    PmcgDisabled = "PMC-03" "§10.2" => Ignored,
    /// The transaction is terminated, and the implementation does not count it.
    PmcgTerminated = "PMC-04" "§10.3" => Ignored,
    /// A counter passes its largest value: its bit of OVS is set, and it counts on.
    PmcgOverflow = "PMC-05" "§10.2.1" => Decision,
    /// CAPR, or an overflow with OVFCAP, copies all counters to their shadows.
    PmcgCapture = "PMC-06" "§10.2.1" => Decision,
    /// An overflow with INTEN while IRQEN is 1 raises the interrupt of the group.
    PmcgInterrupt = "PMC-07" "§10.2.1" => Decision,
    /// The write of the group's MSI got an external abort: IRQ_STATUS.IRQ_ABT is set.
    PmcgMsiAborted = "PMC-08" "§10.5.2.24" => Decision,
    /// Events 1, 2 and 3 leave out what is speculative: a transaction that its client marks so, or a prefetch command.
    PmcgSpeculative = "PMC-09" "§10.3" => Ignored,
    /// Events 1, 2 and 3 leave out requests of ATOS.
    PmcgAtos = "PMC-10" "§10.3" => Ignored,
    /// A retried transaction is not counted again.
    PmcgRetry = "PMC-11" "§10.3" => Ignored,

    // What is fetched ahead (§3.21).
    /// The SMMU fetches ahead, by itself, what a stream could use.
    FetchedAhead = "AHD-01" "§3.21.1" => Decision,
    /// A fetch ahead leaves a clear Access flag alone, and so fetches no further.
    FetchAheadLeavesFlag = "AHD-02" "§3.13.4" => Decision,

    // The TLB (§3.20).
    /// More than one TLB entry translates the address, and the implementation reports it.
    TlbConflict = "TLB-01" "§3.20.1" => Event(FTlbConflict),

    // Broadcast TLB maintenance (§3.17).
    /// IDR0.BTM is 0: broadcasts have no effect.
    BroadcastWithoutBtm = "DVM-01" "§3.17" => Ignored,
    /// CR2.PTM is 1 and the implementation ignores broadcasts then.
    BroadcastPrivate = "DVM-02" "§3.17" => Ignored,
    /// The broadcast is about a stage or regime that is not implemented, or an identifier that nothing has.
    BroadcastWithoutTarget = "DVM-03" "§3.17" => Ignored,
    /// The broadcast acts as the invalidation command of the same scope.
    BroadcastReceived = "DVM-04" "§3.17" => Decision,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn labels_are_unique_and_every_rule_says_something() {
        let labels: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.label()).collect();
        assert_eq!(labels.len(), Rule::ALL.len());
        for rule in Rule::ALL {
            assert!(rule.text().ends_with('.'), "{} is not a sentence", rule.label());
            assert!(!rule.section().is_empty());
        }
    }
}
