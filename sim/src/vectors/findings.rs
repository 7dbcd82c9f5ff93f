//! Known differences between QEMU's SMMUv3 and the specification, each with the section that decides it.
//!
//! The prose is in `docs/peer-findings.md`; a test checks that the two name the same findings.

use super::case::{Case, Peer};
use super::compare::Difference;
use super::facts::Facts;
use super::run::Ours;

/// A way in which QEMU 11.1.3 differs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Finding {
    /// QEMU ends itself on S2AA64 0, and on the IPS of 52 bits or more.
    Abort,
    /// QEMU takes the smallest S2T0SZ from S2PS, not from IAS.
    Stage2MinimumFromS2ps,
    /// QEMU accepts an S2SL0 that starts above the level that S2T0SZ needs.
    Stage2StartLevel,
    /// QEMU refuses an S1CDMax that is not 0 although there are no substreams, or no stage 1.
    S1CdMaxWithoutSubstreams,
    /// QEMU refuses S1STALLD where there is no stage 1 to stall.
    S1StalldWithoutStage1,
    /// QEMU records nothing when an address beyond IAS bypasses stage 1, or one beyond OAS both stages.
    BypassBeyondIas,
    /// QEMU finds only the first of concatenated stage 2 tables.
    Concatenation,
    /// QEMU lets unprivileged accesses into pages that AP or APTable keep for privileged ones.
    PrivilegedOnly,
    /// QEMU records the direction of the SMMU's own access, not that of the transaction.
    RecordedDirection,
    /// QEMU follows the address of a next-level table that exceeds the output size.
    TableAddressSize,
    /// QEMU takes a Block where the level has none.
    BlockLevel,
    /// QEMU looks at the Access flag and permissions before the output address.
    CheckOrder,
    /// QEMU records a stage 2 fault of a stage 1 table as one of stage 1, at the start of the table.
    TableWalkStage2,
    /// QEMU translates the address of both TTBs, whichever the access needs.
    OtherTtb,
    /// QEMU writes bits [11:0] of the IPA into reserved bits of the record.
    IpaLowBits,
    /// QEMU accepts S2HA and S2HD without HTTU.
    Stage2HardwareUpdate,
    /// QEMU takes TBI0 for the upper half, too.
    Tbi1,
    /// QEMU fetches a CD from beyond OAS.
    CdPointerRange,
    /// QEMU writes the FetchAddr of F_CD_FETCH into another field.
    CdFetchAddress,
    /// QEMU records C_BAD_STREAMID whatever CR2.RECINVSID says.
    RecordsBadStream,
    /// QEMU takes a Span for twice as many STEs, and refuses what lies beyond with C_BAD_STE.
    Span,
    /// QEMU does not take a reserved SPLIT for 6.
    ReservedSplit,
    /// QEMU uses the bits of an L2Ptr that are taken as 0.
    L2Pointer,
    /// Not of the SMMU: QEMU's machine has a device tree where the vectors have zeros.
    DeviceTree,
}

impl Finding {
    /// Every finding.
    pub const ALL: &'static [Self] = &[
        Self::Abort,
        Self::Stage2MinimumFromS2ps,
        Self::Stage2StartLevel,
        Self::S1CdMaxWithoutSubstreams,
        Self::S1StalldWithoutStage1,
        Self::BypassBeyondIas,
        Self::Concatenation,
        Self::PrivilegedOnly,
        Self::RecordedDirection,
        Self::TableAddressSize,
        Self::BlockLevel,
        Self::CheckOrder,
        Self::TableWalkStage2,
        Self::OtherTtb,
        Self::IpaLowBits,
        Self::Stage2HardwareUpdate,
        Self::Tbi1,
        Self::CdPointerRange,
        Self::CdFetchAddress,
        Self::RecordsBadStream,
        Self::Span,
        Self::ReservedSplit,
        Self::L2Pointer,
        Self::DeviceTree,
    ];

    /// Its name in the document and on the command line.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Abort => "Q-ABORT",
            Self::Stage2MinimumFromS2ps => "Q-S2T0SZ-MIN",
            Self::Stage2StartLevel => "Q-S2SL0",
            Self::S1CdMaxWithoutSubstreams => "Q-S1CDMAX",
            Self::S1StalldWithoutStage1 => "Q-S1STALLD",
            Self::BypassBeyondIas => "Q-IAS",
            Self::Concatenation => "Q-CONCAT",
            Self::PrivilegedOnly => "Q-AP1",
            Self::RecordedDirection => "Q-RNW",
            Self::TableAddressSize => "Q-TABLESIZE",
            Self::BlockLevel => "Q-BLOCK",
            Self::CheckOrder => "Q-ORDER",
            Self::TableWalkStage2 => "Q-S2TT",
            Self::OtherTtb => "Q-TTB",
            Self::IpaLowBits => "Q-IPALOW",
            Self::Stage2HardwareUpdate => "Q-S2HTTU",
            Self::Tbi1 => "Q-TBI1",
            Self::CdPointerRange => "Q-CDPTR",
            Self::CdFetchAddress => "Q-CDFETCH",
            Self::RecordsBadStream => "Q-RECINVSID",
            Self::Span => "Q-SPAN",
            Self::ReservedSplit => "Q-SPLIT",
            Self::L2Pointer => "Q-L2PTR",
            Self::DeviceTree => "Q-DTB",
        }
    }

    /// The section that decides who is right.
    pub const fn section(self) -> &'static str {
        match self {
            Self::Abort => "§5.2, §5.4",
            Self::Stage2MinimumFromS2ps => "§5.2, §5.2.2, §3.4",
            Self::Stage2StartLevel => "§5.2, §5.2.2, DDI 0487 D8.2",
            Self::S1CdMaxWithoutSubstreams => "§5.2",
            Self::S1StalldWithoutStage1 => "§5.2",
            Self::BypassBeyondIas => "§3.4, §7.3.14",
            Self::Concatenation => "§5.2, DDI 0487 D8.2",
            Self::PrivilegedOnly => "§13.7, DDI 0487 D8.4.1",
            Self::RecordedDirection => "§7.3.13",
            Self::TableAddressSize => "§7.3.14, DDI 0487 D8.2",
            Self::BlockLevel => "§7.3.13, DDI 0487 D8.3",
            Self::CheckOrder => "§7.3.14, DDI 0487 D8.15",
            Self::TableWalkStage2 => "§7.3.13",
            Self::OtherTtb => "§5.4",
            Self::IpaLowBits => "§7.3.13",
            Self::Stage2HardwareUpdate => "§5.2.2",
            Self::Tbi1 => "§5.4",
            Self::CdPointerRange => "§3.4.3",
            Self::CdFetchAddress => "§7.3.10",
            Self::RecordsBadStream => "§6.3.12",
            Self::Span => "§5.1, §7.3.3",
            Self::ReservedSplit => "§6.3.25",
            Self::L2Pointer => "§5.1",
            Self::DeviceTree => "§7.3.13",
        }
    }
}

/// The finding that explains a difference; `None` leaves it open.
pub fn explain(case: &Case, ours: &Ours, difference: Difference) -> Option<Finding> {
    let facts = Facts::new(case, ours);
    let explains = |finding: &Finding| match &case.peer {
        Peer::Crashed => *finding == Finding::Abort && facts.has_fatal_encoding(),
        Peer::Answered(theirs) => facts.fits(*finding, theirs, difference),
    };
    Finding::ALL.iter().copied().find(explains)
}
