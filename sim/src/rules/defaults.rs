//! Why each choice has the default that it has: our reasons, not the architecture's.

use smmu_model::choice::Choice;

/// The reason, in one sentence.
pub(super) const fn why(choice: Choice) -> &'static str {
    match choice {
        Choice::SteReservedBits
        | Choice::CdReservedBits
        | Choice::L1StdReservedBits
        | Choice::CommandReservedBits => {
            "Software for a later version of the architecture sets such bits; `ignore` lets it run, the other \
             answer finds it."
        }
        Choice::SteAddressBeyondOas | Choice::Granule64HighBits => {
            "A fault shows the mistake, where the other answer hides it behind whatever the address then names."
        }
        Choice::S1ContextPtrLowBits => "The pointer is taken for what an aligned table can have.",
        Choice::CdAddressBeyondOas | Choice::L1CdPointerBeyondOas | Choice::TxszOutOfRange => {
            "It is the only answer from v3.1, so all versions behave alike."
        }
        Choice::CdAddressBeyondIas | Choice::L1CdPointerBeyondIas => {
            "It is the answer for the same mistake without stage 2."
        }
        Choice::TranslatedBeyondOas => "An abort reaches no memory that the address does not name.",
        Choice::TranslatedPasidCd => {
            "The specification lists the events of the CD among those of the access."
        }
        Choice::TranslatedWithoutPasid => {
            "A device without PASIDs in its Translated traffic is not cut off from such a stream."
        }
        Choice::EatsWithBypassedS2s => "The specification recommends it.",
        Choice::RecordBadStreamid => "Software that sets RECINVSID wants to see the event.",
        Choice::ContiguousBeyondInput => {
            "An implementation that caches no contiguous groups need not look at the bit at all."
        }
        Choice::DescriptorShReserved => "The weakest answer exposes software that needs more.",
        Choice::Stage2MemAttrReserved => "The strictest memory type is safe for whatever lies there.",
        Choice::AlloccfgWithoutMtcfg => "The override that software asks for is made.",
        Choice::AccessFlagOnPermissionFault => "The page was not accessed.",
        Choice::StallUnsafeDevice => "Software that asks for stalls gets them.",
        Choice::StallSuppression => "Software sees one record for each fault.",
        Choice::RecordAfterEarlyRetry => "Software need not acknowledge what is over.",
        Choice::EarlyRetry => "Software sees a stall end when it says so.",
        Choice::EarlyRetryMoment => "A stall that may end by itself does so as soon as it can.",
        Choice::DelayedStallRecord => "The record shows the fault that stopped the device.",
        Choice::ResumeUnseenStall => "Software cannot mean what it has not seen.",
        Choice::StallTermUnprepared => "The command does what it says.",
        Choice::EventMerge => "Every fault shows.",
        Choice::EventWriteAbort => "The error is active, and PROD counts no record that is not there.",
        Choice::MsiWriteAbort => "The error shows.",
        Choice::WiredInterrupts => "An interrupt shows, whether a message is set up or not.",
        Choice::QueueInconsistent => "Indexes that cannot be true lead to no access.",
        Choice::AtcInvSize => "An error shows the mistake.",
        Choice::RegisterAccessSize | Choice::RegisterPair => {
            "An access that no driver may rely on has no effect."
        }
        Choice::Page0Alias => "The registers exist once, whatever offset names them.",
        Choice::Page1Undefined => "An offset without a register reads as zero, as it does in page 0.",
        Choice::ControlRewrite => "The Update that is acknowledged is the one that began.",
        Choice::GbpaBusy | Choice::GbpaNoUpdate | Choice::GuardedWrite => {
            "It is the only answer from v3.2, so all versions behave alike."
        }
        Choice::GerrornInactive => {
            "An error is active where GERROR and GERRORN differ, however that came about."
        }
        Choice::ResetUnknown => {
            "Zeros are what most drivers were tested with; `ones` finds what they forget to write."
        }
        Choice::GbpaReset => "Devices that are active before the driver reach memory; `abort` finds those.",
        Choice::InvalidationEffect => {
            "Software that does not wait for the CMD_SYNC is exposed; with the other answer its mistake does not show."
        }
        Choice::CacheUse => "Software that forgets an invalidation is exposed.",
        Choice::InvalidationByIpa => "Software that forgets the invalidation of stage 1 is exposed.",
        Choice::PrefetchEffect => "Software that changes memory after a hint is exposed.",
        Choice::SpeculativeFetch => "What is cached was used, so that a trace tells why it is there.",
        Choice::SpeculativeAccessFlag => "Software that takes the flag for an access is exposed.",
        Choice::BroadcastWhilePrivate => "The specification recommends it.",
        Choice::BroadcastNarrow | Choice::InvalidationOfAset => "What need not go stays.",
        Choice::TlbConflict => {
            "The specification recommends to detect conflicts; where it forbids it, nothing is lost."
        }
        Choice::CmdqConsErrWrite | Choice::GbpaOverrideRead => "The register holds what was written.",
        Choice::SteContSpan => {
            "CONT is a hint, which an implementation that caches no spans need not look at."
        }
        Choice::PasidBeyondSsidsize | Choice::CommandOutOfRange | Choice::CommandSsv => {
            "The mistake shows, or does nothing; truncated, the number would name something else."
        }
        Choice::PcieOverrides => "The override that software asks for is made.",
        Choice::TranslatedAlloccfg => "No other override of memory attributes applies to such a transaction.",
        Choice::DeviceShareability => "It is what the attributes of the page are taken alone.",
        Choice::HttuWalkAttributes => {
            "Drivers leave the walk attributes to the coherency of the system, and expect updates all the same."
        }
        Choice::Stage1UpdateTime => "It is the order in which the stages are described.",
        Choice::Stage2DirtyAhead => "A page is dirty only if something has written to it.",
        Choice::TlbiAddressRange => "The check is optional, and stands in the way of addresses with a tag.",
        Choice::CmdqConsLag => "Software sees each command go.",
        Choice::QueueIndexHighBits | Choice::AddressAboveOas => "Bits without a use are not kept.",
        Choice::CommandQueueOrder => {
            "A queue is emptied before the next, so that a trace reads as one queue after the other."
        }
        Choice::EcmdqErrackMismatch => "A queue that looks as if it were in error consumes nothing.",
        Choice::PmcgWhileDisabled | Choice::PmcgTerminated | Choice::PmcgSpeculative | Choice::PmcgAtos => {
            "Every arrival counts, whatever it is and however it ends."
        }
        Choice::PmcgRetry => "A retry is handled as if the transaction had just arrived.",
        Choice::PageHints => "Who sends a hint wants to see it.",
        Choice::PmcgOverflowSet => "Software that sets a bit of OVS knows that it did.",
        Choice::AtsRegionSize => "The specification recommends it.",
        Choice::AtsWriteUnasked => {
            "It spares the device a second request; `withhold` finds devices that need W."
        }
        Choice::SplitStageFlags => "The flags are set before the device can know the address.",
        Choice::AtcTimeout => "The specification strongly recommends the error.",
        Choice::PriWriteAbort => {
            "The error is active, the device gets its answer, and PROD counts no lost record."
        }
        Choice::PriStreamCheck => "Nothing of the STE is needed for the answer.",
        Choice::AtosOrder => "Work is done in the order in which software asked for it.",
        Choice::AtosInterrupted => "Software finds a result.",
        Choice::AtosIdBeyondSize => "An error shows the mistake.",
        Choice::AtosInhibitedFlag | Choice::AtosFinalPageFlag => {
            "A lookup that is asked to change nothing, or not to go there, leaves the tables alone."
        }
        Choice::AtosFlagUpdateFault => "The error shows.",
        Choice::AtosBypassSize => "It is what a translation by pages would be.",
        Choice::AtosBypassAttributes => "They are those of a client that presents none.",
        Choice::AtosSize | Choice::AtosHints => "It is what the tables say.",
        Choice::AtosCaches => "Software sees what the tables say now.",
        Choice::AtosFaultData => "This model has nothing to tell there.",
        Choice::ConcurrentStore => "It is the order that software must be prepared for.",
        Choice::AtosAddrSizeReason => "It is the only answer from v3.1, so all versions behave alike.",
    }
}
