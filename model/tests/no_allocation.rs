//! Neither a translation, with whatever end, nor a command allocates once the SMMU and its memory are warm.

use allocation_counter::measure;
use smmu_model::CachePolicy;
use smmu_model::Smmu;
use smmu_model::address::{Iova, Pa};
use smmu_model::attributes::Attributes;
use smmu_model::bus::Bus;
use smmu_model::choice::Defaults;
use smmu_model::env::World;
use smmu_model::features::{Features, Preset};
use smmu_model::ids::StreamId;
use smmu_model::memory::SparseMemory;
use smmu_model::outcome::Outcome;
use smmu_model::rule::Rule;
use smmu_model::trace::Silence;
use smmu_model::transaction::{Access, AddressType, Direction, Transaction};

const STREAM_TABLE: u64 = 0x8000_0000;
const COMMAND_QUEUE: u64 = 0x8001_0000;
const EVENT_QUEUE: u64 = 0x8002_0000;
const CD: u64 = 0x3_0000;
const STAGE1_TABLE: u64 = 0x4_0000;
const STAGE2_TABLE: u64 = 0x5_0000;

/// The streams, by STE.Config.
const STAGE1: StreamId = StreamId(0b101);
const STAGE2: StreamId = StreamId(0b110);
const NESTED: StreamId = StreamId(0b111);
/// The tables map the first 1 GiB to itself, with one block.
const MAPPED: u64 = 0x1234_5678;
const UNMAPPED: u64 = 0x4000_0000;

const CMDQ_PROD: u64 = 0x98;

type Quiet<'a> = World<'a, SparseMemory, Defaults, Silence>;

struct Machine {
    smmu: Smmu,
    memory: SparseMemory,
}

impl Machine {
    fn new() -> Self {
        let mut memory = SparseMemory::new();
        for StreamId(config) in [STAGE1, STAGE2, NESTED] {
            store(&mut memory, STREAM_TABLE + u64::from(config) * 64, &ste(u64::from(config)));
        }
        store(&mut memory, CD, &cd());
        // AF and ISH; stage 1 for unprivileged accesses too, stage 2 to be read and written, Write-Back.
        store(&mut memory, STAGE1_TABLE, &[1 << 10 | 0b11 << 8 | 0b01 << 6 | 0b01]);
        store(&mut memory, STAGE2_TABLE, &[1 << 10 | 0b11 << 8 | 0b11 << 6 | 0b1111 << 2 | 0b01]);
        let features = Features::new(Preset::Grace.id_registers()).expect("a preset is legal");
        let mut world = World { bus: &mut memory, chooser: &mut Defaults, sink: &mut Silence };
        let mut smmu = Smmu::new(features, &mut world);
        for (offset, size_bytes, value) in [
            (0x80, 8, STREAM_TABLE),
            (0x88, 4, 3), // linear, 8 STEs
            (0x90, 8, COMMAND_QUEUE | 8),
            (CMDQ_PROD, 4, 0),
            (0x9c, 4, 0),
            (0xa0, 8, EVENT_QUEUE | 8),
            (0x100a8, 4, 0),
            (0x100ac, 4, 0),
            (0x20, 4, 0xd), // SMMUEN, EVENTQEN, CMDQEN
        ] {
            smmu.write(&mut world, offset, size_bytes, value).expect("an aligned access of a register");
            smmu.settle(&mut world);
        }
        Self { smmu, memory }
    }

    /// Runs `act` twice, and counts the allocations of the second time.
    fn allocations_when_warm(&mut self, mut act: impl FnMut(&mut Smmu, &mut Quiet<'_>)) -> u64 {
        let Self { smmu, memory } = self;
        let mut world = World { bus: memory, chooser: &mut Defaults, sink: &mut Silence };
        act(smmu, &mut world);
        measure(|| act(smmu, &mut world)).count_total
    }
}

/// V, Config, S1ContextPtr, SHCFG incoming; stage 2 of 39 bits from level 1, 4 KiB, AArch64, recorded faults.
fn ste(config: u64) -> [u64; 8] {
    let word2 = 25 << 32 | 0b01 << 38 | 0b11 << 44 | 0b101 << 48 | 1 << 51 | 1 << 58;
    [1 | config << 1 | CD, 1 << 44, word2, STAGE2_TABLE, 0, 0, 0, 0]
}

/// T0SZ 25, 4 KiB, EPD1, V, 48 bits, AArch64, recorded aborts; MAIR 0 is Normal Write-Back.
fn cd() -> [u64; 8] {
    let word0 = 25 | 0b11 << 12 | 1 << 30 | 1 << 31 | 0b101 << 32 | 1 << 41 | 1 << 45 | 1 << 46;
    [word0, STAGE1_TABLE, 0, 0xff, 0, 0, 0, 0]
}

fn store(memory: &mut SparseMemory, address: u64, words: &[u64]) {
    for (index, word) in (0..).zip(words) {
        memory.write(Pa::new(address + index * 8), &word.to_le_bytes()).expect("memory that never aborts");
    }
}

fn read(stream: StreamId, address: u64) -> Transaction {
    Transaction {
        stream,
        substream: None,
        address: Iova::new(address),
        access: Access::data(Direction::Read),
        address_type: AddressType::Untranslated,
        attributes: Attributes::INCOMING_DEFAULT,
    }
}

#[test]
fn a_translation_does_not_allocate() {
    let mut machine = Machine::new();
    for stream in [STAGE1, STAGE2, NESTED] {
        let transaction = read(stream, MAPPED);
        let allocations = machine.allocations_when_warm(|smmu, env| {
            let outcome = smmu.transact(env, &transaction);
            assert!(matches!(outcome, Outcome::Done(done) if done.pa == Pa::new(MAPPED)), "{outcome:?}");
        });
        assert_eq!(allocations, 0, "{stream}");
    }
}

#[test]
fn a_translation_that_is_counted_does_not_allocate() {
    let mut machine = Machine::new();
    machine.smmu = machine.smmu.with_caches(CachePolicy::None);
    machine.allocations_when_warm(|smmu, env| {
        // Group 0: counter 0 counts accesses of tables by all streams.
        for (offset, value) in [(0x1400, 0x2000_0004), (0x1a00, 0xff_ffff), (0x1c00, 1), (0x1e04, 1)] {
            smmu.write(env, offset, 4, value).expect("an aligned access of a register");
        }
    });
    let transaction = read(NESTED, MAPPED);
    let allocations = machine.allocations_when_warm(|smmu, env| {
        smmu.transact(env, &transaction);
    });
    let mut world = World { bus: &mut machine.memory, chooser: &mut Defaults, sink: &mut Silence };
    let counted = machine.smmu.read(&mut world, 0x1000, 4);
    assert_eq!(
        (allocations, counted),
        (0, Ok(2 * 4)),
        "of stage 2 for the CD, the table and the data, and of stage 1"
    );
}

#[test]
fn a_fault_and_its_record_do_not_allocate() {
    let mut machine = Machine::new();
    for (stream, rule) in [(STAGE1, Rule::Stage1Invalid), (STAGE2, Rule::Stage2Invalid)] {
        let transaction = read(stream, UNMAPPED);
        let allocations = machine.allocations_when_warm(|smmu, env| {
            assert_eq!(smmu.transact(env, &transaction), Outcome::Abort(rule));
        });
        assert_eq!(allocations, 0, "{stream}");
    }
    let mut recorded = [0; 8];
    machine.memory.read(Pa::new(EVENT_QUEUE), &mut recorded).expect("memory that never aborts");
    assert_ne!(recorded, [0; 8]);
}

#[test]
fn a_command_does_not_allocate() {
    let mut machine = Machine::new();
    let commands: [[u64; 2]; 4] = [
        [0x46, 0],                       // CMD_SYNC
        [0x0001_0000_0000_0012, 0x1001], // CMD_TLBI_NH_VA
        [0x04, 31],                      // CMD_CFGI_ALL
        [0x05_0000_0003, 1],             // CMD_CFGI_STE
    ];
    for (index, words) in (0..8).zip(commands.iter().cycle()) {
        store(&mut machine.memory, COMMAND_QUEUE + index * 16, words);
    }
    let mut prod = 0;
    let allocations = machine.allocations_when_warm(|smmu, env| {
        prod += 4;
        smmu.write(env, CMDQ_PROD, 4, prod).expect("an aligned access of a register");
        smmu.settle(env);
        assert_eq!(smmu.read(env, 0x9c, 4), Ok(prod), "all are consumed");
    });
    assert_eq!(allocations, 0);
}
