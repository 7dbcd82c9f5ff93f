//! What a difference must look like for a finding to explain it.

use smmu_model::layout::cd::Cd;
use smmu_model::layout::event::{EventCode, EventRecord};
use smmu_model::layout::l1std::L1Std;
use smmu_model::layout::ste::Ste;
use smmu_model::rule::Rule;

use super::case::{Answer, Case};
use super::compare::{CLASS_TT, Difference};
use super::findings::Finding;
use super::run::Ours;

/// What the predicates look at.
pub(super) struct Facts<'a> {
    case: &'a Case,
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
    pub(super) fn new(case: &'a Case, ours: &'a Ours) -> Self {
        // What the model did not read, QEMU may have, where most cases have it.
        let ste = || Ste(words(case, STREAM_TABLE + u64::from(case.stream.0) * 64));
        let cd = || Cd(words(case, CD));
        Self { case, ours, ste: ours.ste.unwrap_or_else(ste), cd: ours.cd.unwrap_or_else(cd) }
    }

    pub(super) fn fits(&self, finding: Finding, theirs: &Answer, difference: Difference) -> bool {
        let bad_ste = ends_with(theirs, EventCode::CBadSte);
        let fired = |rule| self.ours.rules.contains(&rule);
        let in_events_only = difference == Difference { events: true, ..Difference::default() };
        match finding {
            Finding::Abort => false,
            Finding::Stage2MinimumFromS2ps => bad_ste && self.stage2() && self.input_exceeds_s2ps(),
            Finding::Stage2StartLevel => !bad_ste && fired(Rule::SteS2StartLevel),
            Finding::S1CdMaxWithoutSubstreams => bad_ste && self.ste.word0().s1_cd_max() != 0,
            Finding::S1StalldWithoutStage1 => bad_ste && !self.stage1() && self.ste.word1().s1_stalld(),
            Finding::BypassBeyondIas => {
                let is_beyond = fired(Rule::Stage1BypassBeyondIas) || fired(Rule::BypassBeyondOas);
                is_beyond && is_silent_abort(theirs)
            }
            Finding::Concatenation => {
                let is_walk_elsewhere = self.is_stage2_fault(theirs, EventCode::FTranslation)
                    || ends_with(theirs, EventCode::FWalkEabt);
                self.stage2() && is_walk_elsewhere && self.has_concatenated_tables()
            }
            Finding::PrivilegedOnly => fired(Rule::Stage1WriteDenied) && self.privileged_may_write(),
            Finding::RecordedDirection => {
                in_events_only && equal_but_for(DIRECTION, &self.ours.answer, theirs)
            }
            Finding::TableAddressSize => fired(Rule::Stage1TableSize) || fired(Rule::Stage2TableSize),
            Finding::BlockLevel => {
                let has_gone_on = match &theirs.events[..] {
                    [record] if record.event_code() == Some(EventCode::FTranslation) => {
                        fired(Rule::Stage1Reserved) && record.word1().s2()
                    }
                    _ => true,
                };
                (fired(Rule::Stage1Reserved) || fired(Rule::Stage2Reserved)) && has_gone_on
            }
            Finding::CheckOrder => {
                (fired(Rule::Stage1OutputSize) || fired(Rule::Stage2OutputSize))
                    && (ends_with(theirs, EventCode::FAccess) || ends_with(theirs, EventCode::FPermission))
            }
            Finding::TableWalkStage2 => in_events_only && self.is_table_fault_of_stage2(theirs),
            Finding::OtherTtb => self.is_fault_of_other_ttb(theirs),
            Finding::IpaLowBits => in_events_only && equal_but_for(IPA_LOW, &self.ours.answer, theirs),
            Finding::Stage2HardwareUpdate => fired(Rule::SteS2HttuUnsupported) && !bad_ste,
            Finding::Tbi1 => {
                self.stage1() && self.cd.word0().tbi0() != self.cd.word0().tbi1() && self.is_upper_half()
            }
            Finding::CdPointerRange => fired(Rule::SteS1ContextPtrRange) && !bad_ste,
            Finding::CdFetchAddress => {
                in_events_only
                    && ends_with(theirs, EventCode::FCdFetch)
                    && equal_but_for(FETCH_ADDRESS, &self.ours.answer, theirs)
            }
            Finding::RecordsBadStream => {
                fired(Rule::BadStreamNotRecorded) && ends_with(theirs, EventCode::CBadStreamid)
            }
            Finding::Span => fired(Rule::StreamBeyondSpan) && !ends_with(theirs, EventCode::CBadStreamid),
            Finding::ReservedSplit => fired(Rule::ReservedSplit),
            Finding::L2Pointer => self.ours.l1std.is_some_and(has_ignored_bits),
            Finding::DeviceTree => self.ours.reads_device_tree,
        }
    }

    fn stage1(&self) -> bool {
        self.ste.word0().config() & 0b001 != 0
    }

    fn stage2(&self) -> bool {
        self.ste.word0().config() & 0b010 != 0
    }

    /// QEMU decodes these by functions that end it.
    pub(super) fn has_fatal_encoding(&self) -> bool {
        let w2 = self.ste.word2();
        let in_ste = !w2.s2_aa64() || w2.s2_ps() == 0b111 || w2.s2_tg() == 0b11;
        (self.stage2() && in_ste) || (self.stage1() && self.cd.word0().ips() >= 0b110)
    }

    /// This fault of stage 2, which is recorded if S2R says so (§5.5).
    fn is_stage2_fault(&self, answer: &Answer, code: EventCode) -> bool {
        if self.ste.word2().s2_r() { ends_with(answer, code) } else { is_silent_abort(answer) }
    }

    /// Stage 2 faulted the fetch of a stage 1 descriptor. QEMU records or does not by CD.R, without S2.
    fn is_table_fault_of_stage2(&self, theirs: &Answer) -> bool {
        let is_table = |record: &EventRecord| record.word1().class() == CLASS_TT;
        let (ours, stage1_records) = (&self.ours.answer, self.cd.word0().r());
        let is_ours = |record: &EventRecord| is_table(record) && record.word1().s2();
        match (&ours.events[..], &theirs.events[..]) {
            ([record], [_]) => is_ours(record) && equal_but_for(STAGE2_OF_TABLE, ours, theirs),
            ([record], []) => is_ours(record) && !stage1_records,
            ([], [record]) => {
                let may_be_ours = !self.ste.word2().s2_r() && !ours.completed;
                self.stage2() && may_be_ours && is_table(record) && !record.word1().s2()
            }
            _ => false,
        }
    }

    /// The one record is of stage 2, about the table of the half that the access does not use.
    fn is_fault_of_other_ttb(&self, theirs: &Answer) -> bool {
        let other = if self.is_upper_half() { self.cd.word1().ttb0() } else { self.cd.word2().ttb1() };
        let is_stage2_of = |record: &EventRecord| record.word1().s2() && record.word1().class() == CLASS_TT;
        let is_both = self.stage1() && self.stage2() && !self.cd.word0().epd0() && !self.cd.word0().epd1();
        let is_other = |record: &EventRecord| record.0[3] & !0xfff == other & !0xfff;
        is_both
            && match &theirs.events[..] {
                [record] => is_stage2_of(record) && is_other(record),
                [] => !theirs.completed && !self.ste.word2().s2_r(),
                _ => false,
            }
    }

    /// VA bit 55 selects TTB1 (§3.4.1).
    fn is_upper_half(&self) -> bool {
        self.case.iova.value() >> 55 & 1 == 1
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

/// Which bits of each word of the records may differ.
type Mask = [u64; 4];
/// RnW, TTRnW.
const DIRECTION: Mask = [0, 1 << 35 | 1 << 44, 0, 0];
/// The same, S2, and the IPA.
const STAGE2_OF_TABLE: Mask = [0, 1 << 35 | 1 << 39 | 1 << 44, 0, u64::MAX];
const IPA_LOW: Mask = [0, 0, 0, 0xfff];
/// FetchAddr, and where InputAddr is in other records.
const FETCH_ADDRESS: Mask = [0, 0, u64::MAX, u64::MAX];

fn equal_but_for(mask: Mask, ours: &Answer, theirs: &Answer) -> bool {
    let without = |record: &EventRecord| std::array::from_fn::<_, 4, _>(|word| record.0[word] & !mask[word]);
    ours.events.iter().map(without).eq(theirs.events.iter().map(without))
}

/// Bits of a level 1 stream table descriptor that are reserved, or below the alignment that Span asks for.
fn has_ignored_bits(descriptor: L1Std) -> bool {
    const RESERVED: u64 = 0xff << 56 | 1 << 5;
    let alignment = (1_u64 << (5 + descriptor.span().max(1))) - 1;
    descriptor.into_bits() & RESERVED != 0 || descriptor.l2_ptr() & alignment != 0
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
