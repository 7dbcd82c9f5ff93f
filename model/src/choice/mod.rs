//! Every liberty as a question: where the architecture permits more than one behaviour, the model asks.
//!
//! A [`Choice`] names the point; each has its own small enum of answers, with a documented default. The
//! [`Chooser`] answers. [`Defaults`] costs nothing; [`Scripted`] takes answers by name; [`Seeded`] draws
//! them. The same version of the architecture does not permit every answer, so each question carries the
//! set of permitted ones.

#[macro_use]
mod table;
mod chooser;
mod list;

pub use chooser::{Chooser, Consistent, Defaults, ScriptError, Scripted, Seeded, by_name};
pub use list::{Choice, answer};

/// An answer to one [`Choice`].
pub trait Answer: Copy + PartialEq + 'static {
    /// The question that this type answers.
    const CHOICE: Choice;
    /// All answers, the default first.
    const ALL: &'static [Self];
    /// Position in `ALL`.
    fn index(self) -> usize;
}

impl Choice {
    /// Whether the answer is a property of the implementation (IMPLEMENTATION DEFINED or SPECIFIC): the same
    /// SMMU gives the same answer every time. The others (UNPREDICTABLE, or permitted and not required) may be
    /// answered anew each time.
    pub const fn is_fixed(self) -> bool {
        match self {
            Self::SteReservedBits
            | Self::CdReservedBits
            | Self::CommandReservedBits
            | Self::TranslatedBeyondOas
            | Self::TranslatedPasidCd
            | Self::TranslatedWithoutPasid
            | Self::Granule64HighBits
            | Self::ContiguousBeyondInput
            | Self::StallUnsafeDevice
            | Self::EventWriteAbort
            | Self::MsiWriteAbort
            | Self::WiredInterrupts
            | Self::RegisterAccessSize
            | Self::Page0Alias
            | Self::Page1Undefined
            | Self::ResetUnknown
            | Self::GbpaReset
            | Self::InvalidationEffect
            | Self::InvalidationByIpa
            | Self::PrefetchEffect
            | Self::BroadcastWhilePrivate
            | Self::BroadcastNarrow
            | Self::InvalidationOfAset
            | Self::L1StdReservedBits
            | Self::PcieOverrides
            | Self::TranslatedAlloccfg
            | Self::HttuWalkAttributes
            | Self::CmdqConsLag
            | Self::GbpaOverrideRead
            | Self::QueueIndexHighBits
            | Self::AddressAboveOas
            | Self::AtcTimeout
            | Self::PriWriteAbort
            | Self::PriStreamCheck
            | Self::PmcgWhileDisabled
            | Self::PmcgTerminated
            | Self::PmcgSpeculative
            | Self::PmcgAtos
            | Self::PmcgRetry
            | Self::PmcgOverflowSet
            | Self::AtosIdBeyondSize
            | Self::AtosFlagUpdateFault
            | Self::AtosBypassAttributes
            | Self::AtosHints
            | Self::AtosFaultData
            | Self::AtosAddrSizeReason => true,
            Self::SteAddressBeyondOas
            | Self::S1ContextPtrLowBits
            | Self::CdAddressBeyondOas
            | Self::CdAddressBeyondIas
            | Self::L1CdPointerBeyondOas
            | Self::L1CdPointerBeyondIas
            | Self::EatsWithBypassedS2s
            | Self::TxszOutOfRange
            | Self::RecordBadStreamid
            | Self::DescriptorShReserved
            | Self::Stage2MemAttrReserved
            | Self::AlloccfgWithoutMtcfg
            | Self::AccessFlagOnPermissionFault
            | Self::StallSuppression
            | Self::EarlyRetry
            | Self::EarlyRetryMoment
            | Self::RecordAfterEarlyRetry
            | Self::DelayedStallRecord
            | Self::ResumeUnseenStall
            | Self::StallTermUnprepared
            | Self::PageHints
            | Self::EventMerge
            | Self::QueueInconsistent
            | Self::AtcInvSize
            | Self::RegisterPair
            | Self::ControlRewrite
            | Self::GbpaBusy
            | Self::GbpaNoUpdate
            | Self::GuardedWrite
            | Self::GerrornInactive
            | Self::CmdqConsErrWrite
            | Self::CacheUse
            | Self::SpeculativeFetch
            | Self::SpeculativeAccessFlag
            | Self::TlbConflict
            | Self::SteContSpan
            | Self::PasidBeyondSsidsize
            | Self::DeviceShareability
            | Self::Stage1UpdateTime
            | Self::Stage2DirtyAhead
            | Self::CommandOutOfRange
            | Self::CommandSsv
            | Self::TlbiAddressRange
            | Self::AtsRegionSize
            | Self::AtsWriteUnasked
            | Self::SplitStageFlags
            | Self::CommandQueueOrder
            | Self::EcmdqErrackMismatch
            | Self::AtosOrder
            | Self::AtosInterrupted
            | Self::AtosInhibitedFlag
            | Self::AtosFinalPageFlag
            | Self::AtosBypassSize
            | Self::AtosSize
            | Self::AtosCaches
            | Self::ConcurrentStore => false,
        }
    }
}
