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
    /// A bit without a defined field is set in a level 1 stream table descriptor.
    L1StdReservedBits = "l1std-reserved-bits" ["C-08"] "§5" {
        /// The bit has no effect.
        Ignore = "ignore",
        /// The descriptor is invalid, and so are its StreamIDs: C_BAD_STREAMID.
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
    /// STE.CONT says that the STEs of a span are alike, and another one is not like that of the stream: one of the span that
    /// is cached, whether memory still has it or not, or the first of the span, when the STE of the stream is fetched.
    SteContSpan = "ste-cont-span" ["STE-C15", "STE-C17", "C-05"] "§5.2" {
        /// The STE of the stream is used.
        Own = "own",
        /// The other STE is used.
        Neighbour = "neighbour",
        /// The transaction is aborted: F_CFG_CONFLICT.
        Conflict = "conflict",
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
    /// A Translated transaction belongs to a stream whose S1DSS demands a SubstreamID, and IDR3.PASIDTT is 0, so that
    /// none can have one. §3.9.1.3 lists F_STREAM_DISABLED among its events without a condition, §7.3.7 only where
    /// PASIDTT is 1: unclear.
    TranslatedWithoutPasid = "translated-without-pasid" ["15 11"] "§3.9.1.3" {
        /// It is not checked.
        Pass = "pass",
        /// It is aborted: F_STREAM_DISABLED, if such events are recorded.
        Check = "check",
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
    /// A transaction carries a PASID of more bits than IDR1.SSIDSIZE, which is not 0.
    PasidBeyondSsidsize = "pasid-beyond-ssidsize" ["C-36"] "§3.9" {
        /// It is a SubstreamID out of range: C_BAD_SUBSTREAMID.
        Report = "report",
        /// It is truncated to SSIDSIZE bits when it arrives.
        Truncate = "truncate",
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
    /// The STE of a PCIe stream (one for which ATS is enabled, as the SMMU knows no other sign) overrides the memory
    /// type, the shareability or the allocation hints.
    PcieOverrides = "pcie-overrides" ["STE-C21", "C-61"] "§13.6.1" {
        /// MTCFG, SHCFG and ALLOCCFG apply.
        Apply = "apply",
        /// The incoming attributes are kept.
        Incoming = "incoming",
    }
    /// The STE of a Translated transaction overrides the allocation hints.
    TranslatedAlloccfg = "translated-alloccfg" ["C-49"] "§13.1.4" {
        /// The incoming hints are kept.
        Ignore = "ignore",
        /// ALLOCCFG applies.
        Apply = "apply",
    }
    /// Stage 1 makes the access Device or Normal-iNC-oNC and stage 2 makes it cacheable (S2FWB): which shareability
    /// of the stage 1 page is combined with that of stage 2.
    DeviceShareability = "device-shareability" ["vmsa 10.1"] "DDI 0487 D8.6.2" {
        /// Outer Shareable, as such a page is.
        OuterShareable = "outer-shareable",
        /// SH of the stage 1 descriptor.
        Descriptor = "descriptor",
    }
    /// A permission fault is found on a page whose Access flag hardware may set.
    AccessFlagOnPermissionFault = "access-flag-on-permission-fault" ["vmsa 8"] "§3.13.2" {
        /// The flag is left alone.
        Leave = "leave",
        /// The flag is set.
        Set = "set",
    }
    /// Hardware updates a descriptor of tables whose walks are not Write-Back: by CD.IRx, CD.ORx, STE.S2IR0 or STE.S2OR0, or
    /// because of MemAttr at stage 2 (§13.8).
    HttuWalkAttributes = "httu-walk-attributes" ["CD-C06", "STE-C26", "3.15/5.2/5.4-HTTU-on-NC-or-WT"] "§3.15" {
        /// The descriptor is updated, atomically.
        Update = "update",
        /// It is read and written: what another master stores in between is lost.
        NotAtomic = "not-atomic",
        /// The update fails: F_WALK_EABT.
        Abort = "abort",
    }
    /// Hardware updates a leaf of stage 1, and stage 2 has not translated the output of stage 1 yet.
    Stage1UpdateTime = "stage1-update-time" ["3.13.5-S1-update-before-S2-fault", "3.13.5-order"] "§3.13.5" {
        /// The leaf is updated at once, even if stage 2 then faults.
        Early = "early",
        /// The leaf is updated once stage 2 has let the access in, for which stage 2 is asked first.
        Late = "late",
    }
    /// Stage 1 reads a descriptor through a writable-clean page of stage 2, with S2HD.
    Stage2DirtyAhead = "stage2-dirty-ahead" ["3.13.5-predictive-S2-dirty", "3.13.5-S2-dirty-without-S1-update", "3.13.4-S2-dirty-S1-HTTU-off"] "§3.13.4" {
        /// The page becomes dirty when a stage 1 descriptor in it is written.
        WhenWritten = "when-written",
        /// The page becomes dirty now, as a stage 1 descriptor in it might be written.
        Ahead = "ahead",
    }
    /// A fault asks for a stall, and an implementation with both models may hold that stalling this device is
    /// unsafe.
    StallUnsafeDevice = "stall-unsafe-device" ["CD-C18", "C-65"] "§3.12" {
        /// The transaction stalls.
        Stall = "stall",
        /// The fault is terminated with an abort and recorded with Stall 0.
        Terminate = "terminate",
    }
    /// A stall is like one of the same stream that still stalls: same page, access and SubstreamID.
    StallSuppression = "stall-suppression" ["C-71", "CD-C21"] "§3.12.2.1" {
        /// It is recorded.
        Record = "record",
        /// It is not: it will be retried once the other is acknowledged.
        Suppress = "suppress",
    }
    /// Whether the SMMU may retry this stalled transaction without being told.
    EarlyRetry = "early-retry" ["C-72", "CD-C21"] "§3.12.2.2" {
        /// Only software ends the stall.
        Never = "never",
        /// It may, at moments that `early-retry-moment` decides.
        Tries = "tries",
    }
    /// Whether the SMMU retries this stalled transaction now, whenever it has nothing else to do.
    EarlyRetryMoment = "early-retry-moment" ["C-72"] "§3.12.2.2" {
        /// It does.
        Now = "now",
        /// Not now.
        Later = "later",
    }
    /// An early retry passes before the record of the stall could be written.
    RecordAfterEarlyRetry = "record-after-early-retry" ["C-73"] "§3.12.2.2" {
        /// The record is dropped.
        Drop = "drop",
        /// It is written when the queue becomes writable.
        Record = "record",
    }
    /// The Event queue has become writable, and a stall that no invalidation bears on waits to be recorded.
    DelayedStallRecord = "delayed-stall-record" ["C-27"] "§7.2.1" {
        /// Its record is written.
        Record = "record",
        /// The transaction is retried, and the record dropped.
        Retry = "retry",
    }
    /// A client hints that it is about to access pages.
    PageHints = "page-hints" ["C-74"] "§3.12.4.1" {
        /// The SMMU records E_PAGE_REQUEST.
        Record = "record",
        /// The hint is dropped.
        Drop = "drop",
    }
    /// CMD_RESUME names a stall that software cannot have seen a record of.
    ResumeUnseenStall = "resume-unseen-stall" ["C-68", "4.7.1"] "§4.7.1" {
        /// Nothing happens.
        Ignore = "ignore",
        /// The command does what it does to a recorded stall.
        Apply = "apply",
    }
    /// CMD_STALL_TERM names a stream whose STE does not abort all its transactions.
    StallTermUnprepared = "stall-term-unprepared" ["C-69", "4.7.2"] "§4.7.2" {
        /// Its stalled transactions are terminated, and records that wait are dropped.
        Terminate = "terminate",
        /// Nothing happens.
        Ignore = "ignore",
        /// Its stalled transactions are terminated, and records that wait are written all the same.
        TerminateOnly = "terminate-only",
        /// Records that wait are dropped, and the transactions go on stalling.
        Withhold = "withhold",
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
    QueueInconsistent = "queue-inconsistent" ["C-25", "QIDX-INCONSISTENT", "CMDQ-PROD-JUMP"] "§3.5.1" {
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
    /// A parameter of a command has more bits than are implemented: StreamID, SubstreamID, ASID or VMID.
    CommandOutOfRange = "command-out-of-range" ["4.1.7", "4.3.3", "4.4", "4.4.2-RES0-VMID"] "§4.1.7" {
        /// The command has no effect.
        NoEffect = "no-effect",
        /// The parameter is truncated to the bits that are implemented.
        Truncate = "truncate",
    }
    /// A command has SSV 1 and IDR1.SSIDSIZE is 0.
    CommandSsv = "command-ssv-without-substreams" ["4.2", "4.5.1", "4.5.2"] "§4.2" {
        /// The command has no effect.
        NoEffect = "no-effect",
        /// It is taken as one with SSV 0.
        AsZero = "as-zero",
    }
    /// The address of a TLBI command lies outside all address spaces: a VA whose bits from VAS - 1 up differ, an IPA
    /// beyond IAS.
    TlbiAddressRange = "tlbi-address-range" ["4.4.2-VA-range"] "§4.4.2" {
        /// It is not checked.
        Accept = "accept",
        /// It is out of range: the command has no effect.
        Check = "check",
    }
    /// Several commands wait: after how many CMDQ_CONS.RD is updated.
    CmdqConsLag = "cmdq-cons-lag" ["2.3", "CMDQ-CONS-LAG"] "§6.3.28" {
        /// After each.
        Each = "each",
        /// After two, or when the queue stops or runs empty.
        Two = "two",
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
        /// It reaches the registers, with UNKNOWN data: a read gives all ones, a write writes all ones to every
        /// register word that it overlaps.
        Unknown = "unknown",
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
    GuardedWrite = "guarded-write" ["CR1-GUARD-V1", "STRTAB-GUARD-V1", "QBASE-GUARD-V1", "IRQCFG-GUARD-V1", "CR2-TRANSITION", "ATOS-DISABLED-V1", "ATOS-BUSYWRITE-V1"] "§6.3" {
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
    /// CMDQ_CONS is written while the queue is disabled: what becomes of ERR. The field has no meaning while
    /// CMDQ_ERR is not active, and may hold any value then, be it what was written or what reset left.
    CmdqConsErrWrite = "cmdq-cons-err-write" ["CMDQ-CONS-ERRWRITE", "CMDQ-ERR-VALUE"] "§6.3.28" {
        /// ERR takes the written value.
        Take = "take",
        /// ERR keeps its own value.
        Keep = "keep",
    }
    /// GBPA is read where IDR1 lacks ATTR_TYPES_OVR or ATTR_PERMS_OVR: fields that have no effect then.
    GbpaOverrideRead = "gbpa-override-read" ["GBPA-OVR-READ"] "§6.3.14" {
        /// They read as written.
        Written = "written",
        /// They read as zero.
        Zero = "zero",
    }
    /// Bits above the wrap flag are set in an index that software owns (CMDQ_PROD, EVENTQ_CONS, PRIQ_CONS).
    QueueIndexHighBits = "queue-index-high-bits" ["QIDX-HIGHBITS"] "§6.3.27" {
        /// They read as zero.
        Zero = "zero",
        /// They read as written, without any other effect.
        Written = "written",
    }
    /// An address with bits above the output size is written to a register.
    AddressAboveOas = "register-address-beyond-oas" ["ADDR-OAS-STORE", "C-23"] "§3.4.3" {
        /// The bits are not stored.
        Drop = "drop",
        /// They are stored and read back. A queue or a message lies at the truncated address, for an STE see
        /// `ste-address-beyond-oas`.
        Store = "store",
    }
    /// A command waits while an address translation operation has been asked for and has not begun.
    AtosOrder = "atos-order" ["ATOS-LATENCY", "B2"] "§9" {
        /// The operation is done before the command.
        First = "first",
        /// The command is consumed before the operation.
        Last = "last",
    }
    /// SMMUEN is cleared while an address translation operation is under way.
    AtosInterrupted = "atos-interrupted" ["ATOS-SMMUEN-CLEAR", "6.3.37-ATOS-interrupted"] "§6.3.37" {
        /// It is completed.
        Complete = "complete",
        /// It ends at once with INTERNAL_ERR.
        Abandon = "abandon",
        /// It ends with INTERNAL_ERR after all its descriptor updates.
        AbandonLate = "abandon-late",
    }
    /// The StreamID or SubstreamID of an address translation operation has bits set beyond the implemented size.
    AtosIdBeyondSize = "atos-id-beyond-size" ["B8"] "§9.1.5" {
        /// It is found nowhere: C_BAD_STREAMID or C_BAD_SUBSTREAMID.
        Report = "report",
        /// It is truncated.
        Truncate = "truncate",
    }
    /// An address translation operation inhibits HTTU and meets a clear Access flag that hardware may set.
    AtosInhibitedFlag = "atos-inhibited-flag" ["9-ATOS-HTTUI-AF", "B6"] "§9" {
        /// The flag stays clear, and counts as set.
        Leave = "leave",
        /// The flag is set; of stage 1 only where no stage 2 lies behind its tables.
        Set = "set",
    }
    /// Setting an Access flag, in an operation that inhibits HTTU, got an external abort.
    AtosFlagUpdateFault = "atos-flag-update-fault" ["9-ATOS-HTTUI-AF", "B6"] "§9" {
        /// The operation reports it.
        Report = "report",
        /// The operation goes on as if the flag were set.
        Ignore = "ignore",
    }
    /// A stage 1 lookup of a nested stream ends, and stage 2 keeps the Access flags of its pages.
    AtosFinalPageFlag = "atos-final-page-flag" ["B6"] "§9" {
        /// The page of the output IPA is left alone.
        Leave = "leave",
        /// Its Access flag is set, if it has a page.
        Set = "set",
    }
    /// Stage 1 is skipped by S1DSS in a stage 1 lookup: the size that goes with the address.
    AtosBypassSize = "atos-bypass-size" ["B4"] "§9.1.3" {
        /// The smallest granule.
        Granule = "granule",
        /// All that IAS covers.
        Ias = "ias",
    }
    /// Stage 1 is skipped by S1DSS in a stage 1 lookup: ATTR and SH.
    AtosBypassAttributes = "atos-bypass-attributes" ["B4"] "§9.1.3" {
        /// Normal-iWB(RA,WA)-oWB(RA,WA)-NSH.
        WriteBack = "write-back",
        /// Device-nGnRnE.
        Device = "device",
    }
    /// The size that a successful operation reports for a page or block of more than 4 KiB.
    AtosSize = "atos-size" ["PAR-CACHED", "B3"] "§6.3.40" {
        /// That of the tables.
        Tables = "tables",
        /// 4 KiB, as a TLB may hold it.
        Smallest = "smallest",
    }
    /// Whether an address translation operation uses caches.
    AtosCaches = "atos-caches" ["B2 caches"] "§9" {
        /// It reads memory, and caches nothing.
        Bypass = "bypass",
        /// It uses and fills them as a transaction does.
        Use = "use",
    }
    /// The hints that a successful operation reports for Normal memory.
    AtosHints = "atos-hints" ["PAR-CACHED", "B3"] "§6.3.40" {
        /// Those of the tables.
        Tables = "tables",
        /// Read-Allocate, Write-Allocate and not transient, as caches without these hints hold it.
        Allocate = "allocate",
    }
    /// PAR bits [63:60] of an operation that failed.
    AtosFaultData = "atos-fault-data" ["PAR-IMPDEF", "B3"] "§6.3.40" {
        /// Zeros.
        Zeros = "zeros",
        /// Ones.
        Ones = "ones",
    }
    /// v3.0 only: REASON of a stage 2 lookup whose address does not fit IAS.
    AtosAddrSizeReason = "atos-address-size-reason" ["B7"] "§9.1.4" {
        /// 0b00, stage 1. The only answer from v3.1.
        Stage1 = "stage-1",
        /// 0b01, as for a CD fetch.
        CdFetch = "cd-fetch",
    }
    /// When the store of another master comes, in a scenario where one races with an access (`race`). The
    /// architecture orders neither before the other.
    ConcurrentStore = "concurrent-store" ["1.13"] "§3.13" {
        /// Between the SMMU's read of the value and its update; after the access where there is no update.
        Between = "between",
        /// Before the access.
        Before = "before",
        /// After the access.
        After = "after",
    }
    /// Several Command queues have something to consume: whether the earlier one is next. It is asked of each two
    /// in turn, the Command queue before the Enhanced ones in ascending order, so that any may be next.
    CommandQueueOrder = "command-queue-order" ["C-32", "ECMDQ-ORDER", "4 10 order"] "§3.5.6.1" {
        /// It is.
        First = "first",
        /// The later one is, or one after that.
        Later = "later",
    }
    /// ECMDQ_PROD.ERRACK and ECMDQ_CONS.ERR of an enabled queue differ, and no error made them so.
    EcmdqErrackMismatch = "ecmdq-errack-mismatch" ["C-33", "ECMDQ-ERRACK", "4 10 errack"] "§3.5.6.3" {
        /// Nothing is consumed meanwhile.
        Stop = "stop",
        /// Commands are consumed; an error toggles ERR, and so does not show at first.
        Consume = "consume",
    }
    /// A counter group would count an event of a stream while SMMUEN is 0.
    PmcgWhileDisabled = "pmcg-while-disabled" ["10 1 SMMUEN"] "§10.2" {
        /// It counts.
        Count = "count",
        /// It does not.
        Ignore = "ignore",
    }
    /// The transaction of event 1, 2, 3 or 7 is terminated by the SMMU.
    PmcgTerminated = "pmcg-terminated" ["10 2 terminated"] "§10.3" {
        /// It counts.
        Count = "count",
        /// It does not.
        Ignore = "ignore",
    }
    /// What is speculative, in events 1, 2 and 3: a transaction that its client marks so, or a prefetch command.
    PmcgSpeculative = "pmcg-speculative" ["10 2 speculative"] "§10.3" {
        /// It counts.
        Count = "count",
        /// It does not.
        Ignore = "ignore",
    }
    /// A request of ATOS or VATOS, in events 1, 2 and 3.
    PmcgAtos = "pmcg-atos" ["10 2 ATOS"] "§10.3" {
        /// It counts.
        Count = "count",
        /// It does not.
        Ignore = "ignore",
    }
    /// A stalled transaction is retried, in all events.
    PmcgRetry = "pmcg-retry" ["10 2 retried"] "§10.3" {
        /// It counts as a new transaction.
        Count = "count",
        /// Nothing of it counts.
        Ignore = "ignore",
    }
    /// Software sets OVS of a counter whose overflow would capture or interrupt.
    PmcgOverflowSet = "pmcg-overflow-set" ["10 6 OVSSET0"] "§10.5.2.10" {
        /// OVS is set, and that is all.
        NoEffect = "no-effect",
        /// It captures and interrupts as an overflow does.
        AsOverflow = "as-overflow",
    }
    /// When an invalidation takes effect: at any time between its command being read and the end of the next CMD_SYNC.
    InvalidationEffect = "invalidation-effect" ["4.3.8", "4.8", "3.21.1"] "§4.8" {
        /// At the CMD_SYNC: until then, what is cached is used.
        AtSync = "at-sync",
        /// When the command is consumed.
        AtOnce = "at-once",
    }
    /// Memory no longer agrees with what is cached of it, under the policy that leaves it open (`choose`).
    CacheUse = "cache-use" ["16.2-caching", "3.21.3"] "§16.2" {
        /// The cached entry is used.
        Use = "use",
        /// The entry is not there any more: memory is read.
        Miss = "miss",
    }
    /// CMD_TLBI_S2_IPA, and translations that combine stage 1 with stage 2.
    InvalidationByIpa = "invalidation-by-ipa" ["4.4.3.1", "4.4-over-invalidation"] "§4.4.3.1" {
        /// They stay: software invalidates stage 1 too.
        Stage2 = "stage-2",
        /// Those of the VMID go.
        Combined = "combined",
    }
    /// More than one TLB entry translates the address: software changed the size of a translation, or its being global,
    /// without break-before-make.
    TlbConflict = "tlb-conflict" ["3.20.1-detect", "3.21.1.3-resolve"] "§3.20.1" {
        /// The transaction is aborted: F_TLB_CONFLICT. Not with BBML 2.
        Report = "report",
        /// None of them is used, and all go: memory is read.
        Walk = "walk",
        /// The one for the smaller region is used.
        Smaller = "smaller",
        /// The one for the larger region is used.
        Larger = "larger",
    }
    /// CMD_PREFETCH_*: what is prefetched.
    PrefetchEffect = "prefetch-effect" ["4.2.1", "4.2.2"] "§4.2" {
        /// What was asked for is cached, up to 64 translations.
        Cache = "cache",
        /// Nothing.
        Nothing = "nothing",
    }
    /// The SMMU may fetch ahead, by itself, what something could use (`speculate`). A configuration structure that can
    /// be reached, or a translation that does not fault, may be fetched and cached at any time.
    SpeculativeFetch = "speculative-fetch" ["16 4.1", "16 4.2", "3.21.3-prefetch"] "§3.21.1" {
        /// It does not.
        Nothing = "nothing",
        /// Configuration and translation are fetched and cached as if something had used them.
        Fetch = "fetch",
    }
    /// A fetch ahead meets a clear Access flag that hardware may set.
    SpeculativeAccessFlag = "speculative-access-flag" ["3.13.4-speculative-AF", "vmsa 8"] "§3.13.4" {
        /// The flag is set, and the fetch goes on.
        Set = "set",
        /// The flag stays clear, and the fetch ends there.
        Leave = "leave",
    }
    /// A broadcast TLBI arrives while CR2.PTM is 1.
    BroadcastWhilePrivate = "broadcast-while-private" ["3.17-PTM"] "§3.17" {
        /// It is ignored.
        Ignore = "ignore",
        /// It is obeyed.
        Obey = "obey",
    }
    /// A broadcast TLBI has an ASID or VMID with more than the 8 bits that are implemented.
    BroadcastNarrow = "broadcast-narrow" ["3.17.4-narrow"] "§3.17.4" {
        /// It matches no translation.
        NoMatch = "no-match",
        /// The low 8 bits decide.
        Match = "match",
    }
    /// A broadcast TLBI by ASID, or by VA at EL2, and translations with CD.ASET 1.
    InvalidationOfAset = "invalidation-of-aset" ["3.17-ASET1-broadcast", "3.17-ASET-nonglobal", "3.17-ASET-EL2-EL3"] "§3.17" {
        /// They stay.
        Keep = "keep",
        /// They go.
        Remove = "remove",
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
