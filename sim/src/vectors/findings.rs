//! Known differences between QEMU's SMMUv3 and the specification, each with the section that decides it.
//!
//! The prose is in `docs/peer-findings.md`; a test checks that the two name the same findings.

use smmu_model::layout::cd::Cd;
use smmu_model::layout::event::{EventCode, EventRecord};
use smmu_model::layout::ste::Ste;
use smmu_model::rule::Rule;

use super::case::{Answer, Case, Peer};
use super::compare::Difference;
use super::run::Ours;

/// A way in which QEMU 11.1.3 differs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Finding {
    /// QEMU ends itself on S2AA64 0 and on a reserved IPS.
    Abort,
    /// QEMU takes the smallest S2T0SZ from S2PS, not from IAS.
    Stage2MinimumFromS2ps,
    /// QEMU accepts an S2SL0 that starts above the level that S2T0SZ needs.
    Stage2StartLevel,
    /// QEMU refuses an S1CDMax that is not 0 although there are no substreams, or no stage 1.
    S1CdMaxWithoutSubstreams,
    /// QEMU refuses S1STALLD where there is no stage 1 to stall.
    S1StalldWithoutStage1,
    /// QEMU records nothing when an address beyond IAS bypasses stage 1.
    BypassBeyondIas,
    /// QEMU finds only the first of concatenated stage 2 tables.
    Concatenation,
    /// QEMU lets unprivileged accesses into pages that AP or APTable keep for privileged ones.
    PrivilegedOnly,
    /// QEMU records the direction of the SMMU's own access, not that of the transaction.
    RecordedDirection,
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

/// What the predicates look at.
struct Facts<'a> {
    ours: &'a Ours,
    ste: Ste,
    cd: Cd,
}

/// Where the cases have their structures.
const STREAM_TABLE: u64 = 0x4100_0000;
const CD: u64 = 0x4400_0000;
/// QEMU's output size, and so its IAS.
const OAS_BITS: u8 = 44;

impl<'a> Facts<'a> {
    fn new(case: &Case, ours: &'a Ours) -> Self {
        let ste = Ste(words(case, STREAM_TABLE + u64::from(case.stream.0) * 64));
        Self { ours, ste, cd: Cd(words(case, CD)) }
    }

    fn fits(&self, finding: Finding, theirs: &Answer, difference: Difference) -> bool {
        let bad_ste = ends_with(theirs, EventCode::CBadSte);
        let fired = |rule| self.ours.rules.contains(&rule);
        match finding {
            Finding::Abort => false,
            Finding::Stage2MinimumFromS2ps => bad_ste && self.stage2() && self.input_exceeds_s2ps(),
            Finding::Stage2StartLevel => !bad_ste && fired(Rule::SteS2StartLevel),
            Finding::S1CdMaxWithoutSubstreams => bad_ste && self.ste.word0().s1_cd_max() != 0,
            Finding::S1StalldWithoutStage1 => bad_ste && !self.stage1() && self.ste.word1().s1_stalld(),
            Finding::BypassBeyondIas => fired(Rule::Stage1BypassBeyondIas) && is_silent_abort(theirs),
            Finding::Concatenation => {
                self.stage2()
                    && self.ours.answer.completed
                    && self.is_stage2_fault(theirs, EventCode::FTranslation)
                    && self.has_concatenated_tables()
            }
            Finding::PrivilegedOnly => fired(Rule::Stage1WriteDenied) && self.privileged_may_write(),
            Finding::RecordedDirection => {
                let differs_in_events_only =
                    difference == Difference { events: true, ..Difference::default() };
                differs_in_events_only && equal_but_for_direction(&self.ours.answer, theirs)
            }
        }
    }

    fn stage1(&self) -> bool {
        self.ste.word0().config() & 0b001 != 0
    }

    fn stage2(&self) -> bool {
        self.ste.word0().config() & 0b010 != 0
    }

    fn has_fatal_encoding(&self) -> bool {
        let is_aarch32 = self.stage2() && !self.ste.word2().s2_aa64();
        is_aarch32 || (self.stage1() && self.cd.word0().ips() == 0b111)
    }

    /// This fault of stage 2, which is recorded if S2R says so (§5.5).
    fn is_stage2_fault(&self, answer: &Answer, code: EventCode) -> bool {
        if self.ste.word2().s2_r() { ends_with(answer, code) } else { is_silent_abort(answer) }
    }

    /// No stage 1 descriptor takes the permission to write from privileged accesses.
    fn privileged_may_write(&self) -> bool {
        const AP_2: u64 = 1 << 7;
        const AP_TABLE_1: u64 = 1 << 62;
        self.ours.stage1_descriptors.split_last().is_some_and(|(leaf, tables)| {
            leaf & AP_2 == 0 && tables.iter().all(|table| table & AP_TABLE_1 == 0)
        })
    }

    fn input_exceeds_s2ps(&self) -> bool {
        let output_bits = match self.ste.word2().s2_ps() {
            0 => 32,
            1 => 36,
            2 => 40,
            3 => 42,
            _ => OAS_BITS,
        };
        64 - self.ste.word2().s2_t0sz().min(63) > output_bits
    }

    /// The start level resolves more bits than one table has.
    fn has_concatenated_tables(&self) -> bool {
        let w2 = self.ste.word2();
        let granule_bits = match w2.s2_tg() {
            1 => 16,
            2 => 14,
            _ => 12,
        };
        let levels_below = if granule_bits == 12 { w2.s2_sl0() + 1 } else { w2.s2_sl0() };
        let one_table = granule_bits + (granule_bits - 3) * (levels_below + 1);
        64 - w2.s2_t0sz().min(63) > one_table
    }
}

fn is_silent_abort(answer: &Answer) -> bool {
    !answer.completed && answer.events.is_empty()
}

/// The one record is of this kind.
fn ends_with(answer: &Answer, code: EventCode) -> bool {
    matches!(&answer.events[..], [record] if record.event_code() == Some(code))
}

fn equal_but_for_direction(ours: &Answer, theirs: &Answer) -> bool {
    const RNW: u64 = 1 << 35;
    let without = |record: &EventRecord| {
        let mut words = record.0;
        words[1] &= !RNW;
        words
    };
    ours.events.iter().map(without).eq(theirs.events.iter().map(without))
}

/// Eight words of the case's memory.
fn words(case: &Case, address: u64) -> [u64; 8] {
    let mut words = [0; 8];
    for (at, data) in &case.memory {
        let offset = at.value().wrapping_sub(address) / 8;
        let slot = usize::try_from(offset).ok().and_then(|slot| words.get_mut(slot));
        if let (Some(word), Ok(bytes)) = (slot, <[u8; 8]>::try_from(&data[..])) {
            *word = u64::from_le_bytes(bytes);
        }
    }
    words
}
