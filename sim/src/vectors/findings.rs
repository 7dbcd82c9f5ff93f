//! Known differences between QEMU's SMMUv3 and the specification, each with the section that decides it.
//!
//! The prose is in `docs/peer-findings.md`; a test checks that the two name the same findings.

use smmu_model::address::fits;
use smmu_model::layout::cd::Cd;
use smmu_model::layout::event::EventCode;
use smmu_model::layout::ste::Ste;
use smmu_model::rule::Rule;

use super::case::{Case, CaseError, number};
use super::compare::{Difference, peer_records};
use super::run::Ours;

/// A way in which QEMU 11.1.3 differs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Finding {
    /// QEMU ends itself on a reserved or unsupported encoding.
    Abort,
    /// QEMU takes the smallest S2T0SZ from S2PS, not from IAS.
    Stage2MinimumFromS2ps,
    /// QEMU accepts an S2SL0 that starts above the level that S2T0SZ needs.
    Stage2StartLevel,
    /// QEMU refuses an S1CDMax that is not 0 although there are no substreams, or no stage 1.
    S1CdMaxWithoutSubstreams,
    /// QEMU refuses S1STALLD where there is no stage 1 to stall.
    S1StalldWithoutStage1,
    /// QEMU hands an address beyond IAS to stage 2, which faults it.
    BypassBeyondIas,
    /// QEMU finds only the first of concatenated stage 2 tables.
    Concatenation,
    /// QEMU lets unprivileged accesses into pages without AP\[1\].
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
            Self::Stage2MinimumFromS2ps => "§5.2.2, §3.4",
            Self::Stage2StartLevel => "§5.2.2, DDI 0487 D8.2",
            Self::S1CdMaxWithoutSubstreams => "§5.2",
            Self::S1StalldWithoutStage1 => "§5.2",
            Self::BypassBeyondIas => "§3.4, §7.3.14",
            Self::Concatenation => "DDI 0487 D8.2.9",
            Self::PrivilegedOnly => "DDI 0487 D8.4.1, §13.1.3",
            Self::RecordedDirection => "§7.3.13",
        }
    }
}

/// The finding that explains a difference; `None` leaves it open.
pub fn explain(case: &Case, ours: &Ours, difference: Difference) -> Result<Option<Finding>, CaseError> {
    let facts = Facts::new(case, ours)?;
    Ok(Finding::ALL.iter().copied().find(|finding| facts.fits(*finding, difference)))
}

/// What the predicates look at.
struct Facts<'a> {
    case: &'a Case,
    ours: &'a Ours,
    ste: Ste,
    cd: Cd,
    theirs: Vec<Option<EventCode>>,
    input_fits_stage2: bool,
}

/// Where the cases have their structures.
const STREAM_TABLE: u64 = 0x4100_0000;
const CD: u64 = 0x4400_0000;
/// QEMU's output size, and so its IAS.
const OAS_BITS: u8 = 44;

impl<'a> Facts<'a> {
    fn new(case: &'a Case, ours: &'a Ours) -> Result<Self, CaseError> {
        let theirs = peer_records(&case.qemu)?.into_iter().map(|record| record.event_code()).collect();
        let ste = Ste(words(case, STREAM_TABLE + u64::from(case.dma.sid) * 64)?);
        let input_bits = 64 - ste.word2().s2_t0sz().min(63);
        let input_fits_stage2 = fits(number(&case.dma.iova)?, input_bits);
        Ok(Self { case, ours, ste, cd: Cd(words(case, CD)?), theirs, input_fits_stage2 })
    }

    fn fits(&self, finding: Finding, difference: Difference) -> bool {
        let peer = &self.case.qemu;
        let bad_ste = self.theirs == [Some(EventCode::CBadSte)];
        match finding {
            Finding::Abort => peer.crashed && self.has_unsupported_encoding(),
            Finding::Stage2MinimumFromS2ps => bad_ste && self.stage2() && self.input_exceeds_s2ps(),
            Finding::Stage2StartLevel => self.ours.rules.contains(&Rule::SteS2StartLevel),
            Finding::S1CdMaxWithoutSubstreams => bad_ste && self.ste.word0().s1_cd_max() != 0,
            Finding::S1StalldWithoutStage1 => bad_ste && !self.stage1() && self.ste.word1().s1_stalld(),
            Finding::BypassBeyondIas => {
                self.ours.rules.contains(&Rule::Stage1BypassBeyondIas) && !self.input_fits_stage2
            }
            Finding::Concatenation => {
                self.stage2() && self.ours.completed && !peer.completed && self.has_concatenated_tables()
            }
            Finding::PrivilegedOnly => self.ours.rules.contains(&Rule::Stage1WriteDenied),
            Finding::RecordedDirection => {
                let differs_in_events_only =
                    difference == Difference { events: true, ..Difference::default() };
                differs_in_events_only && self.records_are_equal_but_for_direction()
            }
        }
    }

    fn stage1(&self) -> bool {
        self.ste.word0().config() & 0b001 != 0
    }

    fn stage2(&self) -> bool {
        self.ste.word0().config() & 0b010 != 0
    }

    /// S2AA64 0, S2TG 3, S2PS 7 or IPS 7.
    fn has_unsupported_encoding(&self) -> bool {
        let w2 = self.ste.word2();
        let stage2 = self.stage2() && (!w2.s2_aa64() || w2.s2_tg() == 3 || w2.s2_ps() == 7);
        stage2 || (self.stage1() && self.cd.word0().ips() == 7)
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

    fn records_are_equal_but_for_direction(&self) -> bool {
        const RNW: u64 = 1 << 35;
        let without = |mut words: [u64; 4]| {
            words[1] &= !RNW;
            words
        };
        let ours = self.ours.events.iter().map(|record| without(record.0));
        let theirs = peer_records(&self.case.qemu).unwrap_or_default();
        ours.eq(theirs.into_iter().map(|record| without(record.0)))
    }
}

/// Eight words of the case's memory.
fn words(case: &Case, address: u64) -> Result<[u64; 8], CaseError> {
    let mut words = [0; 8];
    for (at, data) in &case.memory {
        let offset = number(at)?.wrapping_sub(address) / 8;
        let slot = usize::try_from(offset).ok().and_then(|slot| words.get_mut(slot));
        if let (Some(word), Ok(bytes)) = (slot, super::case::bytes(data)?.try_into()) {
            *word = u64::from_le_bytes(bytes);
        }
    }
    Ok(words)
}
