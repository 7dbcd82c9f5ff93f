//! The list itself: every point where the architecture permits more than one behaviour (each **CHOICE:** of our
//! working reference that the code meets).

choices! {
    /// A bit without a defined field is set in an STE.
    SteReservedBits = "ste-reserved-bits" ["STE-C01", "C-08"] "§5" {
        /// The bit has no effect.
        Ignore = "ignore",
        /// The STE is invalid: C_BAD_STE.
        Invalid = "invalid",
    }
    /// A bit without a defined field is set in a CD or a level 1 context descriptor.
    CdReservedBits = "cd-reserved-bits" ["CD-C03", "C-08"] "§5" {
        /// The bit has no effect.
        Ignore = "ignore",
        /// The structure is invalid: C_BAD_CD, or C_BAD_SUBSTREAMID for a level 1 descriptor.
        Invalid = "invalid",
    }
    /// The address of an STE or level 1 stream table descriptor exceeds the output size.
    SteAddressBeyondOas = "ste-address-beyond-oas" ["STE-C02", "C-22", "STE-ADDR-OAS"] "§3.4.3" {
        /// The fetch fails: F_STE_FETCH.
        Fault = "fault",
        /// The address is truncated and the fetch goes on.
        Truncate = "truncate",
        /// The fetch fails and the transaction is aborted, without an event.
        FaultUnrecorded = "fault-unrecorded",
    }
    /// S1ContextPtr has bits set below the alignment that S1CDMax and S1Fmt ask for.
    S1ContextPtrLowBits = "s1-context-ptr-low-bits" ["STE-C09", "C-07"] "§5.2" {
        /// They are taken as zero.
        Zero = "zero",
        /// They are merged into the index, so that another entry of the same table is fetched.
        Merge = "merge",
    }
    /// The address of a CD or level 1 descriptor from S1ContextPtr exceeds OAS (stage 1 only); only v3.0 is free.
    CdAddressBeyondOas = "cd-address-beyond-oas" ["STE-C10", "C-18"] "§3.4.3" {
        /// The STE is invalid: C_BAD_STE. The only answer from v3.1.
        BadSte = "bad-ste",
        /// The fetch fails: F_CD_FETCH with the address as calculated.
        Fault = "fault",
        /// The address is truncated and the fetch goes on.
        Truncate = "truncate",
    }
    /// The IPA of a CD or level 1 descriptor from S1ContextPtr exceeds IAS (stage 2 in use).
    CdAddressBeyondIas = "cd-address-beyond-ias" ["STE-C11", "C-19"] "§3.4.3" {
        /// The STE is invalid: C_BAD_STE.
        BadSte = "bad-ste",
        /// Stage 2 gets the address as calculated, and faults it: F_TRANSLATION with CLASS CD.
        Stage2 = "stage-2",
        /// v3.0 only: the address is truncated to IAS.
        Truncate = "truncate",
    }
    /// The L2Ptr of a level 1 context descriptor leads beyond OAS (stage 1 only); only v3.0 is free.
    L1CdPointerBeyondOas = "l1cd-pointer-beyond-oas" ["CD-C01", "C-20"] "§3.4.3" {
        /// C_BAD_SUBSTREAMID. The only answer from v3.1.
        BadSubstream = "bad-substream",
        /// The fetch fails: F_CD_FETCH with the address as calculated.
        Fault = "fault",
        /// The address is truncated and the fetch goes on.
        Truncate = "truncate",
    }
    /// The L2Ptr of a level 1 context descriptor leads beyond IAS (stage 2 in use).
    L1CdPointerBeyondIas = "l1cd-pointer-beyond-ias" ["CD-C02", "C-21"] "§3.4.3" {
        /// C_BAD_SUBSTREAMID.
        BadSubstream = "bad-substream",
        /// Stage 2 gets the address as calculated, and faults it: F_TRANSLATION with CLASS CD.
        Stage2 = "stage-2",
        /// v3.0 only: the address is truncated to IAS.
        Truncate = "truncate",
    }
    /// A Translated transaction carries a physical address that exceeds OAS.
    TranslatedBeyondOas = "translated-beyond-oas" ["C-42"] "§3.9.1.1" {
        /// The transaction is aborted, no event.
        Abort = "abort",
        /// The address is truncated.
        Truncate = "truncate",
    }
    /// A Translated transaction carries a PASID and IDR3.PASIDTT is 1. §3.9.1.3 places C_BAD_CD and the errors
    /// of the CD fetch among its events, but what it needs of a CD is MPAM alone: unclear whether an SMMU
    /// without MPAM must fetch it.
    TranslatedPasidCd = "translated-pasid-cd" ["15 11"] "§3.9.1.3" {
        /// The CD is fetched and must be valid.
        Check = "check",
        /// The CD is not fetched.
        Skip = "skip",
    }
    /// v3.0 only: EATS is 0b01 and S2S is 1 while stage 2 is bypassed.
    EatsWithBypassedS2s = "eats-with-bypassed-s2s" ["STE-C19", "C-40"] "§5.2" {
        /// S2S is not looked at: the STE is legal.
        Legal = "legal",
        /// The STE is invalid: C_BAD_STE.
        Invalid = "invalid",
    }
    /// v3.0 only: T0SZ, T1SZ or S2T0SZ is outside its limits.
    TxszOutOfRange = "txsz-out-of-range" ["STE-C24", "CD-C04", "C-16"] "§5.4" {
        /// The structure is invalid. The only answer from v3.1.
        Invalid = "invalid",
        /// The nearest limit is used.
        Clamp = "clamp",
    }
    /// CR2.RECINVSID is 1 and a StreamID was bad.
    RecordBadStreamid = "record-bad-streamid" ["C-04", "CR2-RECINVSID"] "§6.3.12" {
        /// C_BAD_STREAMID is recorded.
        Record = "record",
        /// Nothing is recorded; the transaction aborts all the same.
        Discard = "discard",
    }
    /// Bits [15:12] of a 64 KiB granule descriptor are set where 52-bit output is not in effect.
    Granule64HighBits = "granule-64k-high-bits" ["vmsa 4.2"] "DDI 0487 D8.15.1" {
        /// Address Size fault.
        Fault = "fault",
        /// The bits are ignored.
        Ignore = "ignore",
    }
    /// A Contiguous group is larger than the configured input range.
    ContiguousBeyondInput = "contiguous-beyond-input" ["vmsa 7"] "DDI 0487 D8.7.1.3" {
        /// No fault: the descriptor stands for itself.
        Translate = "translate",
        /// Translation fault.
        Fault = "fault",
    }
    /// SH is the reserved 0b01 in a descriptor.
    DescriptorShReserved = "descriptor-sh-reserved" ["vmsa 10.1"] "DDI 0487 D8.6.1" {
        /// It acts as Non-shareable.
        NonShareable = "non-shareable",
        /// It acts as Inner Shareable.
        InnerShareable = "inner-shareable",
        /// It acts as Outer Shareable.
        OuterShareable = "outer-shareable",
    }
    /// Stage 2 MemAttr is a reserved encoding (S2FWB either way).
    Stage2MemAttrReserved = "stage2-memattr-reserved" ["vmsa 10.2", "vmsa 10.3"] "DDI 0487 D8.6.5" {
        /// It acts as Device-nGnRnE.
        DeviceNgnrne = "device-ngnrne",
        /// It acts as Normal Non-cacheable.
        NonCacheable = "non-cacheable",
        /// It acts as Normal Write-Back.
        WriteBack = "write-back",
    }
    /// STE.MTCFG is 0 and ALLOCCFG asks for an override of the allocation hints.
    AlloccfgWithoutMtcfg = "alloccfg-without-mtcfg" ["STE-C22"] "§5.2" {
        /// ALLOCCFG applies.
        Apply = "apply",
        /// ALLOCCFG has no effect.
        Ignore = "ignore",
    }
    /// A permission fault is found on a page whose Access flag hardware may set.
    AccessFlagOnPermissionFault = "access-flag-on-permission-fault" ["vmsa 8"] "§3.13.2" {
        /// The flag is left alone.
        Leave = "leave",
        /// The flag is set.
        Set = "set",
    }
    /// A fault asks for a stall, and the implementation may hold that stalling this device is unsafe. It may
    /// not with STALL_MODEL 0b10; this model terminates there too, as long as it does not stall.
    StallUnsafeDevice = "stall-unsafe-device" ["CD-C18", "C-65"] "§3.12" {
        /// The fault is terminated with an abort and recorded with Stall 0.
        Terminate = "terminate",
    }
    /// An event equals the one recorded just before, in every field that counts.
    EventMerge = "event-merge" ["STE-C18", "C-31"] "§7.3.1" {
        /// Both are recorded.
        Separate = "separate",
        /// The second is merged into the first.
        Merge = "merge",
    }
    /// The write of an event record got an external abort.
    EventWriteAbort = "event-write-abort" ["C-30", "ABT-REPORT"] "§7.2.2" {
        /// Synchronous: EVENTQ_ABT_ERR, PROD does not move.
        Synchronous = "synchronous",
        /// Asynchronous: EVENTQ_ABT_ERR, PROD has moved over the lost record.
        Asynchronous = "asynchronous",
        /// The interconnect reports nothing: PROD moves, the record is lost.
        Unreported = "unreported",
    }
    /// The write of an MSI got an external abort: whether the interconnect reports it.
    MsiWriteAbort = "msi-write-abort" ["7.5-write-aborts", "ABT-REPORT"] "§7.5" {
        /// It does: the matching MSI_*_ABT_ERR becomes active.
        Reported = "reported",
        /// It does not: the message is lost.
        Unreported = "unreported",
    }
    /// Interrupts are raised by MSI, and may be raised by wire besides.
    WiredInterrupts = "wired-interrupts" ["3.18-wired", "WIRED"] "§3.18" {
        /// Each source has a wire, which is pulsed whether a message is set up or not.
        Present = "present",
        /// There are no wires: without a message there is no interrupt.
        Absent = "absent",
    }
    /// The indexes of a queue are inconsistent: more entries than the queue holds.
    QueueInconsistent = "queue-inconsistent" ["C-25", "QIDX-INCONSISTENT"] "§3.5.1" {
        /// Nothing is consumed or produced meanwhile.
        Stop = "stop",
        /// Entries are consumed, or produced, at the index all the same.
        Proceed = "proceed",
        /// The Event queue counts as full: the record is lost, and that is an overflow.
        Full = "full",
    }
    /// A command has a bit set that has no defined field.
    CommandReservedBits = "command-reserved-bits" ["4.1.5"] "§4.1.5" {
        /// The bit has no effect.
        Ignore = "ignore",
        /// CERROR_ILL.
        Illegal = "illegal",
    }
    /// CMD_ATC_INV has a Size above 52.
    AtcInvSize = "atc-inv-size" ["4.5.1"] "§4.5.1" {
        /// CERROR_ILL.
        Illegal = "illegal",
        /// An unknown span is invalidated, possibly none.
        Unknown = "unknown",
    }
    /// A register access that is not an aligned 32-bit access, nor an aligned 64-bit access.
    RegisterAccessSize = "register-access-size" ["REG-SIZE", "REG-ILLEGAL"] "§6.2" {
        /// Reads as zero, writes are ignored.
        RazWi = "raz-wi",
        /// The access is aborted.
        Abort = "abort",
    }
    /// A 64-bit access that covers two 32-bit registers.
    RegisterPair = "register-pair" ["REG-64-ON-PAIR"] "§6.2" {
        /// Reads as zero, writes are ignored.
        RazWi = "raz-wi",
        /// Two 32-bit accesses, the lower offset first.
        LowFirst = "low-first",
        /// Two 32-bit accesses, the higher offset first.
        HighFirst = "high-first",
        /// Only the register at the lower offset is accessed.
        LowOnly = "low-only",
        /// Only the register at the higher offset is accessed.
        HighOnly = "high-only",
        /// The access is aborted.
        Abort = "abort",
    }
    /// A page 0 offset of a register that lives in page 1 (0xA8, 0xAC, 0xC8, 0xCC).
    Page0Alias = "page0-alias" ["PAGE0-ALIAS"] "§6.2" {
        /// It is the page 1 register.
        Alias = "alias",
        /// Reads as zero, writes are ignored.
        RazWi = "raz-wi",
    }
    /// An undefined offset of page 1.
    Page1Undefined = "page1-undefined" ["PAGE1-UNDEF"] "§6.2" {
        /// Reads as zero, writes are ignored.
        Res0 = "res0",
        /// It is the same offset of page 0.
        Page0 = "page0",
    }
    /// A CR0 or IRQ_CTRL field is written again, to another value, before its Update has finished.
    ControlRewrite = "control-rewrite" ["CR0-REWRITE", "C-57"] "§6.3.9" {
        /// The second value is ignored: the Update ends with the first.
        FirstWins = "first-wins",
        /// If the second value is the one before the first write, the Update ceases without effect;
        /// otherwise as `first-wins`.
        Cease = "cease",
        /// v3.1 and earlier: the second value is stored and the Update ends with it.
        LastWins = "last-wins",
    }
    /// GBPA is written while an update is pending, v3.1 and earlier.
    GbpaBusy = "gbpa-busy" ["GBPA-BUSY", "C-59"] "§6.3.14.1" {
        /// The write is ignored. The only answer from v3.2.
        Ignore = "ignore",
        /// The update finishes with the new value.
        Store = "store",
    }
    /// GBPA is written without Update, v3.1 and earlier.
    GbpaNoUpdate = "gbpa-no-update" ["GBPA-NOUPDATE", "C-60"] "§6.3.14.1" {
        /// The write is ignored. The only answer from v3.2.
        Ignore = "ignore",
        /// It takes effect.
        Apply = "apply",
        /// It is stored and reads back, without effect on transactions.
        Store = "store",
    }
    /// A guarded register is written while its guard forbids it, v3.1 and earlier.
    GuardedWrite = "guarded-write" ["CR1-GUARD-V1", "STRTAB-GUARD-V1", "QBASE-GUARD-V1", "IRQCFG-GUARD-V1", "CR2-TRANSITION"] "§6.3" {
        /// The write is ignored. The only answer from v3.2.
        Ignore = "ignore",
        /// The register takes the value.
        Store = "store",
    }
    /// GERRORN is toggled for an error that is not active.
    GerrornInactive = "gerrorn-inactive" ["GERRORN-INACTIVE"] "§6.3.20" {
        /// The error becomes active, as GERROR and GERRORN now differ.
        Activate = "activate",
        /// GERROR follows, and the error stays inactive.
        Stay = "stay",
    }
    /// The reset value of a field that resets to an UNKNOWN value.
    ResetUnknown = "reset-unknown" ["RESET-UNKNOWN"] "§6.3" {
        /// Zero.
        Zeros = "zeros",
        /// All ones.
        Ones = "ones",
    }
    /// The reset value of GBPA.
    GbpaReset = "gbpa-reset" ["GBPA-RESET", "C-54"] "§6.3.14" {
        /// Bypass with incoming attributes.
        Bypass = "bypass",
        /// Abort.
        Abort = "abort",
    }
    /// CMDQ_CONS is written while the queue is disabled: what becomes of ERR.
    CmdqConsErrWrite = "cmdq-cons-err-write" ["CMDQ-CONS-ERRWRITE"] "§6.3.28" {
        /// ERR takes the written value.
        Take = "take",
        /// ERR keeps its own value.
        Keep = "keep",
    }
    /// The region of a Translation Completion may be smaller than the largest for which its grant holds.
    AtsRegionSize = "ats-region-size" ["C-43", "13.6.4", "3.9.1.2"] "§13.6.3" {
        /// The largest region: the page or block, or all output addresses where no stage translates.
        Largest = "largest",
        /// The Smallest Translation Unit.
        Unit = "unit",
    }
    /// A Translation Request with NW meets a page that is writable.
    AtsWriteUnasked = "ats-write-unasked" ["C-46", "13.7-W-on-NW1"] "§13.7" {
        /// W is granted all the same.
        Grant = "grant",
        /// W is not granted.
        Withhold = "withhold",
    }
    /// When stage 2 keeps the flags of the leaf of the final IPA with split-stage ATS.
    SplitStageFlags = "split-stage-flags" ["C-44", "3.13.7.1-split-AF", "3.13.7.1-split-D"] "§3.13.7.1" {
        /// At the Translation Request.
        Request = "request",
        /// At the Translated access.
        Access = "access",
    }
    /// CMD_SYNC follows an Invalidate Request that timed out.
    AtcTimeout = "atc-timeout" ["C-51", "4.7.3"] "§3.9.1.4" {
        /// CERROR_ATC_INV_SYNC.
        Error = "error",
        /// The CMD_SYNC never completes.
        Hang = "hang",
    }
    /// The write of a PRI queue record got an external abort.
    PriWriteAbort = "pri-write-abort" ["8.2", "ABT-REPORT"] "§8.2" {
        /// Synchronous: PRIQ_ABT_ERR, PROD does not move, Response Failure.
        Synchronous = "synchronous",
        /// Asynchronous: PRIQ_ABT_ERR, PROD has moved over the lost record, no response.
        Asynchronous = "asynchronous",
        /// The interconnect reports nothing: PROD moves, the record is lost.
        Unreported = "unreported",
    }
    /// Whether an SMMU without substreams looks for the STE before it answers the page request that overflow took.
    PriStreamCheck = "pri-stream-check" ["8.1"] "§8.1" {
        /// It does not: the answer is Success.
        Skip = "skip",
        /// It does: the answer is Response Failure where there is no valid STE.
        Check = "check",
    }
}
