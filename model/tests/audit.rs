//! What a review of the model against the specification found, and what it must not lose again. Each test is
//! named after the rule that it holds to.

mod common;

use common::{Machine, features};
use smmu_model::address::{Iova, Pa};
use smmu_model::attributes::Attributes;
use smmu_model::bus::Bus;
use smmu_model::env::World;
use smmu_model::features::{Features, Preset};
use smmu_model::ids::{StreamId, SubstreamId};
use smmu_model::layout::event::EventRecord;
use smmu_model::outcome::Outcome;
use smmu_model::transaction::{Access, AddressType, Direction, Privilege, Purpose, Transaction};

const STREAM_TABLE: u64 = 0x1_0000;
const CDS: u64 = 0x2_0000;
const STAGE_1: u64 = 0x4_0000;
const STAGE_2: u64 = 0x5_0000;
const EVENT_QUEUE: u64 = 0x8_0000;

/// Config 0b111, one CD, 39-bit IPAs in 4 KiB granules from level 1, S2R and S2AFFD set.
const NESTED: [u64; 8] = [CDS | 0b1111, 1 << 44, 0x042d_0059_0000_0000, STAGE_2, 0, 0, 0, 0];
/// Config 0b110.
const STAGE_2_ONLY: u64 = 0b1101;
const FULL_ATS: u64 = 0b01 << 28;
const SPLIT_ATS: u64 = 0b10 << 28;
/// 39-bit VAs in 4 KiB granules, TTB1 off, A, R and AFFD set.
const CD: [u64; 8] = [0x0000_620d_c000_0019, STAGE_1, 0, 0xff, 0, 0, 0, 0];
/// The first GiB onto itself, for everybody.
const STAGE_1_BLOCK: u64 = 0x741;
const STAGE_2_BLOCK: u64 = 0x7fd;

/// An SMMU with one stream, ATSCHK set, RECINVSID and REC_CFG_ATS as given in CR2.
fn machine(features: Features, answers: &str, ste: [u64; 8], cr2: u64) -> Machine {
    let mut machine = Machine::with(features, answers);
    put(&mut machine, STREAM_TABLE, &ste);
    put(&mut machine, CDS, &CD);
    put(&mut machine, STAGE_1, &[STAGE_1_BLOCK]);
    put(&mut machine, STAGE_2, &[STAGE_2_BLOCK]);
    for (register, value) in [
        ("CR2", cr2),
        ("STRTAB_BASE", STREAM_TABLE),
        ("STRTAB_BASE_CFG", 0),
        ("EVENTQ_BASE", EVENT_QUEUE | 4),
    ] {
        machine.write(register, value);
    }
    machine.write("CR0", 0x15);
    machine.settle();
    machine
}

fn put(machine: &mut Machine, at: u64, words: &[u64]) {
    for (index, word) in (0..).zip(words) {
        machine.store(at + 8 * index, &word.to_le_bytes());
    }
}

/// The label of the rule that ended the transaction, or the address it went to; and its record.
fn transact(machine: &mut Machine, tx: Transaction) -> (String, Option<EventRecord>) {
    let before = machine.read("EVENTQ_PROD");
    let Machine { smmu, memory, answers, trace } = machine;
    let outcome = smmu.transact(&mut World { bus: memory, chooser: answers, sink: trace }, &tx);
    let end = match outcome {
        Outcome::Done(translation) => format!("{:#x}", translation.pa.value()),
        Outcome::Abort(rule) | Outcome::RazWi(rule) | Outcome::Stalled { rule, .. } => {
            rule.label().to_owned()
        }
    };
    let recorded = machine.read("EVENTQ_PROD") != before;
    (end, recorded.then(|| record(machine, before & 0xf)))
}

fn record(machine: &mut Machine, slot: u64) -> EventRecord {
    let mut bytes = [0; 32];
    machine.memory.read(Pa::new(EVENT_QUEUE + 32 * slot), &mut bytes).expect("memory");
    EventRecord::from_bytes(bytes)
}

fn read(address_type: AddressType, substream: Option<u32>, address: u64) -> Transaction {
    Transaction {
        stream: StreamId(0),
        substream: substream.map(SubstreamId),
        address: Iova::new(address),
        access: Access::data(Direction::Read),
        address_type,
        attributes: Attributes::INCOMING_DEFAULT,
    }
}

fn translated(substream: Option<u32>) -> Transaction {
    read(AddressType::Translated, substream, 0x1234)
}

fn with_word(mut words: [u64; 8], index: usize, bits: u64) -> [u64; 8] {
    words[index] |= bits;
    words
}

/// §3.9.1.3: without PASIDTT, or without a PASID, PnU and InD count as 0.
#[test]
fn translated_access_without_pasid_is_unprivileged_data() {
    let instruction = Access::new(Direction::Read, Privilege::Privileged, Purpose::Instruction);
    for (preset, substream, expected) in [
        (Preset::Grace, None, "0x1234"),
        (Preset::Grace, Some(0), "0x1234"),
        (Preset::Max, None, "0x1234"),
        (Preset::Max, Some(0), "S2-13"),
    ] {
        // One CD for each of two substreams, S1DSS 0b01; nothing of the block may be executed.
        let ste = with_word(with_word(NESTED, 1, SPLIT_ATS | 0b01), 0, 1 << 59);
        let mut machine = machine(features(preset, ""), "", ste, 0);
        put(&mut machine, STAGE_2, &[STAGE_2_BLOCK | 0b10 << 53]);
        let tx = Transaction { access: instruction, ..translated(substream) };
        assert_eq!(transact(&mut machine, tx).0, expected, "{preset:?} {substream:?}");
    }
}

/// §3.9.1.3: and SSV counts as 0, also in the record.
#[test]
fn translated_pasid_without_pasidtt_is_not_recorded() {
    for (changes, word0) in [("PASIDTT=0", 0x04), ("PASIDTT=1", 0x5804)] {
        let mut machine = machine(features(Preset::Max, changes), "", [0; 8], 1 << 3);
        let (end, record) = transact(&mut machine, translated(Some(5)));
        assert_eq!((&*end, record.map(|record| record.0[0])), ("STE-01", Some(word0)), "{changes}");
    }
}

/// §3.9.1.3: the checks of a PASID on a Translated transaction, their order, and whether they are recorded.
#[test]
fn translated_pasid_is_checked_with_pasidtt() {
    let substreams = |s1dss: u64| with_word(with_word(NESTED, 0, 1 << 59), 1, FULL_ATS | s1dss);
    let full_ats = with_word(NESTED, 1, FULL_ATS);
    let stage_2_only = [STAGE_2_ONLY, full_ats[1], full_ats[2], full_ats[3], 0, 0, 0, 0];
    let no_ats = with_word(NESTED, 0, 1 << 59);
    let rows = [
        // STE, substream, CDs are there, end, event number
        (substreams(0), Some(1), true, "0x1234", None),
        (no_ats, Some(7), true, "CFG-07", Some(0x07)),
        (stage_2_only, Some(0), true, "SUB-01", Some(0x08)),
        (full_ats, Some(0), true, "SUB-03", Some(0x08)),
        (substreams(0), Some(2), true, "SUB-04", Some(0x08)),
        (substreams(2), Some(0), true, "SUB-05", Some(0x06)),
        (substreams(0), Some(1), false, "CD-01", Some(0x0a)),
        // No CD is asked for without a PASID, but S1DSS may ask for a PASID.
        (substreams(0), None, false, "SUB-06", Some(0x06)),
        (substreams(1), None, false, "0x1234", None),
        (substreams(2), None, false, "0x1234", None),
        (stage_2_only, None, false, "0x1234", None),
    ];
    for (ste, substream, has_cds, expected, code) in rows {
        for rec_cfg_ats in [0, 1 << 3] {
            let mut machine = machine(features(Preset::Max, ""), "", ste, rec_cfg_ats);
            put(&mut machine, CDS + 64, &if has_cds { CD } else { [0; 8] });
            let (end, record) = transact(&mut machine, translated(substream));
            assert_eq!(end, expected, "{ste:x?} {substream:?}");
            let code = code.filter(|&code| rec_cfg_ats != 0 || code == 0x07);
            assert_eq!(record.map(|record| record.word0().event_number()), code, "{expected}");
        }
    }
}

/// §3.9.1.3: a fault of stage 2 on the way to the CD is recorded whatever REC_CFG_ATS says, an abort is not.
#[test]
fn translated_pasid_meets_the_faults_of_its_cd() {
    let ste = with_word(with_word(NESTED, 0, 1 << 59), 1, FULL_ATS);
    for (rec_cfg_ats, aborted, expected, code) in
        [(0, false, "S2-05", Some(0x10)), (0, true, "CDT-04", None), (1 << 3, true, "CDT-04", Some(0x09))]
    {
        let mut machine = machine(features(Preset::Max, ""), "", ste, rec_cfg_ats);
        put(&mut machine, STAGE_2, &[if aborted { STAGE_2_BLOCK } else { 0 }]);
        machine.abort(CDS, CDS + 0xfff, aborted);
        let (end, record) = transact(&mut machine, translated(Some(1)));
        let code_recorded = record.map(|record| record.word0().event_number());
        assert_eq!((&*end, code_recorded), (expected, code));
    }
}

/// §7.3: SubstreamID has 20 bits in a record; what a caller gives above them neither shows nor panics.
#[test]
fn substream_beyond_its_field_is_refused_by_the_table() {
    let mut machine = machine(features(Preset::Max, ""), "", NESTED, 0);
    let tx = read(AddressType::Untranslated, Some(0x1234_5678), 0);
    let (end, record) = transact(&mut machine, tx);
    assert_eq!((&*end, record.map(|record| record.0[0])), ("SUB-03", Some(0x4567_8008)));
}

/// §7.3.4: FetchAddr bits from OAS up are RES0 (and UNKNOWN, which zero is too).
#[test]
fn fetch_address_of_an_ste_fits_oas() {
    let mut machine = machine(features(Preset::Max, "SIDSIZE=8 OAS=5"), "", NESTED, 0);
    machine.write("CR0", 0);
    machine.settle();
    machine.write("STRTAB_BASE_CFG", 1 << 16 | 6 << 6 | 8);
    machine.write("CR0", 5);
    machine.settle();
    put(&mut machine, STREAM_TABLE, &[0x00f1_0000_0000_0000 | 1]);
    let (end, record) = transact(&mut machine, read(AddressType::Untranslated, None, 0));
    assert_eq!((&*end, record.map(|record| record.0[3])), ("SID-08", Some(0)));
}

/// §5.2 S2TTB, §5.4 TTB0: bits above the address are RES0, and zero to the address, not out of range.
#[test]
fn table_base_has_reserved_bits_above_its_address() {
    let v3_0 = features(Preset::Grace, "ArchMinorRev=0 XNX=0 RIL=0 FWB=0 STT=0 BBML=0");
    let max = features(Preset::Max, "");
    for (f, bit) in [(max, 52), (max, 55), (v3_0, 48), (v3_0, 51)] {
        for (word, index, answers, expected) in [
            (STREAM_TABLE, 3, "", "0x1234"),
            (STREAM_TABLE, 3, "ste-reserved-bits=invalid", "STE-C01"),
            (CDS, 1, "", "0x1234"),
            (CDS, 1, "cd-reserved-bits=invalid", "CD-C03"),
            // TTB1 is off, so its field is IGNORED.
            (CDS, 2, "cd-reserved-bits=invalid", "0x1234"),
        ] {
            let mut machine = machine(f, answers, NESTED, 0);
            let words = if word == CDS { CD } else { NESTED };
            put(&mut machine, word, &with_word(words, index, 1 << bit));
            let tx = read(AddressType::Untranslated, None, 0x1234);
            assert_eq!(transact(&mut machine, tx).0, expected, "bit {bit} of word {index}: {answers}");
        }
    }
}

/// §3.13.6: HAFT sets the Access flag of a table descriptor, at either stage, and says so.
#[test]
fn table_descriptors_get_their_access_flag() {
    let f = features(Preset::Max, "HTTU=3");
    let mut machine = machine(f, "", with_word(NESTED, 2, 1 << 59 | 1 << 56), 0);
    put(&mut machine, CDS, &with_word(with_word(CD, 0, 1 << 43), 1, 1 << 3));
    for (table, block) in [(STAGE_1, STAGE_1_BLOCK), (STAGE_2, STAGE_2_BLOCK)] {
        put(&mut machine, table, &[(table + 0x2_0000) | 0b11]);
        put(&mut machine, table + 0x2_0000, &[block]);
    }
    machine.rules();
    let (end, _) = transact(&mut machine, read(AddressType::Untranslated, None, 0x1234));
    assert_eq!(end, "0x1234");
    let labels = machine.rules();
    assert_eq!(labels.matches("S1-21").count() + labels.matches("S2-21").count(), 2, "{labels}");
    for table in [STAGE_1, STAGE_2] {
        assert_eq!(machine.memory.read_u64(Pa::new(table)), Ok((table + 0x2_0000) | 0x403));
    }
}
