//! Random structures, tables and registers never panic and end each transaction in exactly one outcome.

use proptest::prelude::*;
use smmu_model::Smmu;
use smmu_model::address::{Iova, Pa};
use smmu_model::attributes::Attributes;
use smmu_model::bus::Bus;
use smmu_model::choice::Seeded;
use smmu_model::env::World;
use smmu_model::features::{Features, IdRegisters, Preset};
use smmu_model::ids::{StreamId, SubstreamId};
use smmu_model::layout::event::EventRecord;
use smmu_model::memory::SparseMemory;
use smmu_model::outcome::Outcome;
use smmu_model::rule::{Effect, Rule};
use smmu_model::trace::Event;
use smmu_model::transaction::{Access, AddressType, Direction, Privilege, Purpose, Transaction};

const STREAM_TABLE: u64 = 0x1_0000;
const CD: u64 = 0x2_0000;
const TABLES: u64 = 0x4_0000;
const EVENT_QUEUE: u64 = 0x8_0000;

/// What one case is made of. Words are noise; `plausible` masks force the fields that would otherwise end
/// nearly every case at the first check.
#[derive(Clone, Debug)]
struct Noise {
    ids: IdRegisters,
    seed: u64,
    cr2: u64,
    strtab_base_cfg: u64,
    ste: [u64; 8],
    cd: [u64; 8],
    tables: Vec<u64>,
    aborts: bool,
    transaction: Transaction,
}

fn noise() -> impl Strategy<Value = Noise> {
    let words = || prop::array::uniform8(any::<u64>());
    (
        configurations(),
        any::<u64>(),
        0u64..16,
        prop_oneof![Just(0), any::<u64>()],
        (words(), 0u64..8, any::<bool>()).prop_map(|(words, config, quiet)| ste(words, config, quiet)),
        (words(), any::<bool>()).prop_map(|(words, quiet)| cd(words, quiet)),
        prop::collection::vec(descriptors(), 1..64),
        prop::bool::weighted(0.1),
        transactions(),
    )
        .prop_map(|(ids, seed, cr2, strtab_base_cfg, ste, cd, tables, aborts, transaction)| Noise {
            ids,
            seed,
            cr2,
            strtab_base_cfg,
            ste,
            cd,
            tables,
            aborts,
            transaction,
        })
}

/// Every preset, v3.0, whose liberties are the widest, and each variant that changes what is legal or walked.
fn configurations() -> impl Strategy<Value = IdRegisters> {
    let presets = Preset::ALL.iter().map(|preset| preset.id_registers());
    let variants = VARIANTS.iter().map(|(preset, changes)| {
        let mut ids = preset.id_registers();
        for (name, value) in changes.split_whitespace().filter_map(|change| change.split_once('=')) {
            ids.set_field(name, value.parse().expect("a number")).expect("a field");
        }
        ids
    });
    let all: Vec<_> = presets.chain(variants).collect();
    for (index, ids) in all.iter().enumerate() {
        if let Err(refusals) = Features::new(*ids) {
            panic!("configuration {index} is refused: {}", refusals[0]);
        }
    }
    prop::sample::select(all)
}

const VARIANTS: &[(Preset, &str)] = &[
    (Preset::Grace, "ArchMinorRev=0 XNX=0 RIL=0 FWB=0 STT=0 BBML=0"),
    (Preset::Max, "HTTU=3"),
    (Preset::Max, "HTTU=3 TTENDIAN=3"),
    (Preset::Max, "HTTU=1 TTENDIAN=2 PASIDTT=0"),
    (Preset::Max, "STT=0 ATTR_TYPES_OVR=0 ATTR_PERMS_OVR=0"),
    (Preset::Max, "STALL_MODEL=1 STALL_MAX=0 TERM_MODEL=1"),
    (Preset::Max, "STALL_MODEL=2"),
    (Preset::Max, "OAS=0 DS=0 VAX=0"),
    (Preset::Max, "OAS=5"),
    (Preset::Max, "GRAN64K=0 ASID16=0 VMID16=0"),
    (Preset::Max, "GRAN4K=0 GRAN16K=0 DS=0"),
    (Preset::Max, "SSIDSIZE=0 PASIDTT=0 CD2L=0"),
    (Preset::Max, "S2P=0 MTEPERM=0 PTWNNC=0 VMW=0 HYP=0"),
    (Preset::Max, "S1P=0 AIE=0 HAD=0 PBHA=0 SSIDSIZE=0 PASIDTT=0 HYP=0"),
    (Preset::Max, "ArchMinorRev=3"),
    (Preset::Max, "ArchMinorRev=3 AIE=0 EPAN=0 MTEPERM=0 DS=0 PASIDTT=0 NS1ATS=1"),
];

/// V is set; a quiet STE has small fields that are more often legal than noise is.
fn ste(mut words: [u64; 8], config: u64, quiet: bool) -> [u64; 8] {
    words[0] = (words[0] & 0xf800_0000_0000_0030) | CD | config << 1 | 1;
    if quiet {
        words[0] &= 0x0fff_ffff_ffff_ffff;
        words[1] &= 0x0000_0000_3208_0003;
        words[2] = (words[2] & 0x05ff_c3c0_0000_00ff) | 0x0008_0000_0000_0000 | (25 << 32);
        words[3] = TABLES;
    }
    words
}

fn cd(mut words: [u64; 8], quiet: bool) -> [u64; 8] {
    if quiet {
        words[0] = (words[0] & 0x00ff_ef7f_7fc0_ffc0) | 1 << 31 | 1 << 41 | 1 << 46 | 25 | 25 << 16;
        words[1] = (words[1] & 0xf) | TABLES;
        words[2] = (words[2] & 0xf) | TABLES;
    }
    words
}

/// Half of the descriptors lead back into the tables.
fn descriptors() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0u64..4, any::<bool>()).prop_map(|(word, kind, near)| {
        if near { (word & 0xfff0_0000_0000_0ffc) | TABLES | kind } else { word & !3 | kind }
    })
}

fn transactions() -> impl Strategy<Value = Transaction> {
    let address = prop_oneof![any::<u64>(), 0u64..1 << 48, (0u64..1 << 39).prop_map(|low| low | !0 << 39)];
    (address, prop::option::of(prop_oneof![0u32..4, any::<u32>()]), any::<[bool; 4]>()).prop_map(
        |(address, substream, flags)| {
            let direction = if flags[0] { Direction::Write } else { Direction::Read };
            let privilege = if flags[1] { Privilege::Privileged } else { Privilege::Unprivileged };
            let purpose = if flags[2] { Purpose::Instruction } else { Purpose::Data };
            Transaction {
                stream: StreamId(0),
                substream: substream.map(SubstreamId),
                address: Iova::new(address),
                access: Access::new(direction, privilege, purpose),
                address_type: if flags[3] { AddressType::Translated } else { AddressType::Untranslated },
                attributes: Attributes::INCOMING_DEFAULT,
            }
        },
    )
}

/// Programs the SMMU, makes the access, and returns the outcome, what was traced, and the records.
fn run(noise: &Noise) -> (Outcome, Vec<Event>, Vec<EventRecord>) {
    let mut memory = SparseMemory::new();
    store(&mut memory, STREAM_TABLE, &noise.ste);
    store(&mut memory, CD, &noise.cd);
    for (slot, word) in (0u64..512).zip(noise.tables.iter().cycle()) {
        store(&mut memory, TABLES + slot * 8, &[*word]);
    }
    if noise.aborts {
        memory.set_abort(Pa::new(CD), Pa::new(CD + 0x3f), true);
    }
    let mut trace = Vec::new();
    let features = Features::new(noise.ids).expect("only accepted configurations are drawn");
    let mut world = World { bus: &mut memory, chooser: &mut Seeded::new(noise.seed), sink: &mut trace };
    let mut smmu = Smmu::new(features, &mut world);
    for (offset, size_bytes, value) in [
        (0x2c, 4, noise.cr2),
        (0x80, 8, STREAM_TABLE),
        (0x88, 4, noise.strtab_base_cfg),
        (0xa0, 8, EVENT_QUEUE | 4),
        (0x100a8, 4, 0),
        (0x100ac, 4, 0),
        (0x20, 4, 0x15),
    ] {
        smmu.write(&mut world, offset, size_bytes, value).expect("an aligned access");
        smmu.settle(&mut world);
    }
    world.sink.clear();
    let outcome = smmu.transact(&mut world, &noise.transaction);
    smmu.settle(&mut world);
    let prod = smmu.read(&mut world, 0x100a8, 4).expect("an aligned access");
    let records = (0..prod & 0x1f).map(|slot| record(&mut memory, EVENT_QUEUE + slot * 32)).collect();
    (outcome, trace, records)
}

fn store(memory: &mut SparseMemory, address: u64, words: &[u64]) {
    for (index, word) in (0u64..).zip(words) {
        memory.write(Pa::new(address + index * 8), &word.to_le_bytes()).expect("no abort is set yet");
    }
}

fn record(memory: &mut SparseMemory, address: u64) -> EventRecord {
    let mut bytes = [0; 32];
    memory.read(Pa::new(address), &mut bytes).expect("the event queue never aborts");
    EventRecord::from_bytes(bytes)
}

/// The rules that end a transaction.
fn endings(trace: &[Event]) -> Vec<Rule> {
    let ends = |rule: &Rule| matches!(rule.effect(), Effect::Event(_) | Effect::Silent);
    let rules =
        trace.iter().filter_map(|event| if let Event::Rule(rule) = event { Some(*rule) } else { None });
    rules.filter(ends).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn every_transaction_has_one_outcome_and_at_most_one_record(noise in noise()) {
        let (outcome, trace, records) = run(&noise);
        let endings = endings(&trace);
        match outcome {
            Outcome::Done(translation) => {
                prop_assert_eq!(endings, vec![]);
                prop_assert_eq!(records.len(), 0);
                let oas_bits = Features::new(noise.ids).expect("accepted").oas_bits;
                prop_assert!(translation.pa.fits(oas_bits), "{:?} beyond {} bits", translation.pa, oas_bits);
            }
            Outcome::Abort(rule) | Outcome::RazWi(rule) => {
                prop_assert_eq!(endings, vec![rule]);
                prop_assert!(records.len() <= 1);
                if let (Some(record), Effect::Event(code)) = (records.first(), rule.effect()) {
                    prop_assert_eq!(record.event_code(), Some(code));
                    prop_assert_eq!(record.word0().stream_id(), 0);
                }
            }
            Outcome::Stalled { rule, stag } => {
                // It may retry early, and meet another fault where other choices are made.
                prop_assert_eq!(endings.first(), Some(&rule));
                prop_assert!(records.len() <= 1);
                if let Some(record) = records.first() {
                    prop_assert_eq!((record.word1().stall(), record.word1().stag()), (true, stag.0));
                }
            }
        }
        // A second run of the same case is the same to the bit.
        let again = run(&noise);
        prop_assert_eq!(&again.1, &trace);
        prop_assert_eq!(&again.2, &records);
    }
}
