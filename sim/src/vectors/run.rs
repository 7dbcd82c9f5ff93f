//! Runs one case on the model, as its file says.

use smmu_model::address::Pa;
use smmu_model::attributes::Attributes;
use smmu_model::bus::{Bus, ExternalAbort};
use smmu_model::choice::Chooser;
use smmu_model::env::World;
use smmu_model::features::{Features, Preset};
use smmu_model::layout::cd::Cd;
use smmu_model::layout::event::EventRecord;
use smmu_model::layout::l1std::L1Std;
use smmu_model::layout::ste::Ste;
use smmu_model::memory::SparseMemory;
use smmu_model::outcome::{Outcome, Stage};
use smmu_model::rule::Rule;
use smmu_model::trace::{Event, Structure};
use smmu_model::transaction::{Access, AddressType, Direction, Privilege, Purpose, Transaction};
use smmu_model::{CachePolicy, Smmu};

use super::case::{Answer, Case, RegisterWrite, WORD};
use crate::output::rules_of;

/// What the model did.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Ours {
    /// What can be seen of it.
    pub answer: Answer,
    /// The rules that fired for the access, in order.
    pub rules: Vec<Rule>,
    /// Where the access went, if it went anywhere.
    pub pa: Option<Pa>,
    /// The stage 1 descriptors that were read for it, in order.
    pub stage1_descriptors: Vec<u64>,
    /// A descriptor was read where QEMU's machine has its device tree, and the file of vectors nothing.
    pub reads_device_tree: bool,
    /// The level 1 stream table descriptor that was read.
    pub l1std: Option<L1Std>,
    /// The STE that was read.
    pub ste: Option<Ste>,
    /// The CD that was read.
    pub cd: Option<Cd>,
}

const RAM_FIRST: u64 = 0x4000_0000;
const RAM_LAST: u64 = 0x7fff_ffff;
/// The first MiB of RAM, which holds it.
const DEVICE_TREE: std::ops::Range<u64> = RAM_FIRST..RAM_FIRST + 0x10_0000;
const COMMAND_QUEUE: u64 = 0x4200_0000;
const EVENT_QUEUE: u64 = 0x4300_0000;
const CMDQ_PROD: u64 = 0x98;
const EVENTQ_PROD: u64 = 0x100a8;
/// CMD_CFGI_ALL, CMD_TLBI_NSNH_ALL, CMD_SYNC.
const COMMANDS: [[u64; 2]; 3] = [[0x04, 31], [0x30, 0], [0x46, 0]];

/// Runs `case` with QEMU's configuration, the choices answered by `chooser`.
pub fn answer(case: &Case, chooser: &mut impl Chooser) -> Ours {
    let mut memory = memory(case);
    let mut events = Vec::new();
    let mut world = World { bus: &mut memory, chooser, sink: &mut events };
    let features = Features::new(Preset::Qemu11_1.id_registers()).expect("a preset is legal");
    let mut smmu = Smmu::new(features, &mut world).with_caches(CachePolicy::None);
    for RegisterWrite { offset, size_bytes, value } in &case.registers {
        write(&mut smmu, &mut world, *offset, *size_bytes, *value);
    }
    for (slot, words) in (0u64..).zip(COMMANDS) {
        let at = COMMAND_QUEUE + slot * 16;
        store(world.bus, Pa::new(at), &words[0].to_le_bytes());
        store(world.bus, Pa::new(at + 8), &words[1].to_le_bytes());
    }
    write(&mut smmu, &mut world, CMDQ_PROD, 4, 3);
    world.sink.clear();
    let outcome = smmu.transact(&mut world, &transaction(case));
    smmu.settle(&mut world);
    let (completed, pa) = match outcome {
        Outcome::Done(translation) => {
            (world.bus.write(translation.pa, &WORD.to_le_bytes()).is_ok(), Some(translation.pa))
        }
        Outcome::RazWi(_) => (true, None),
        Outcome::Abort(_) | Outcome::Stalled { .. } => (false, None),
    };
    let prod = smmu.read(&mut world, EVENTQ_PROD, 4).expect("an aligned access of a register");
    let records = (0..prod & 0xff).map(|slot| record(world.bus, EVENT_QUEUE + slot * 32)).collect();
    let landed = holds_word(world.bus, case.pa);
    Ours {
        answer: Answer { completed, landed, events: records },
        rules: rules_of(&events),
        pa,
        stage1_descriptors: events.iter().filter_map(stage1_descriptor).collect(),
        reads_device_tree: events.iter().any(is_read_of_device_tree),
        l1std: structure(&events, Structure::L1StreamTable).map(|words| L1Std::from_bits(words[0])),
        ste: structure(&events, Structure::Ste).map(Ste),
        cd: structure(&events, Structure::Cd).map(Cd),
    }
}

fn is_read_of_device_tree(event: &Event) -> bool {
    matches!(*event, Event::Descriptor { at, .. } if DEVICE_TREE.contains(&at.value()))
}

/// The words of the first structure of this kind that was read.
fn structure(events: &[Event], wanted: Structure) -> Option<[u64; 8]> {
    let words_of = |event: &Event| {
        if let Event::Structure { structure, words, .. } = *event {
            (structure == wanted).then_some(words)
        } else {
            None
        }
    };
    events.iter().find_map(words_of)
}

fn stage1_descriptor(event: &Event) -> Option<u64> {
    if let Event::Descriptor { stage: Stage::One, raw, .. } = *event { Some(raw) } else { None }
}

fn memory(case: &Case) -> SparseMemory {
    let mut memory = SparseMemory::new();
    for (address, data) in &case.memory {
        store(&mut memory, *address, data);
    }
    memory.set_abort(Pa::new(0), Pa::new(RAM_FIRST - 1), true);
    memory.set_abort(Pa::new(RAM_LAST + 1), Pa::new(u64::MAX), true);
    memory
}

fn transaction(case: &Case) -> Transaction {
    Transaction {
        stream: case.stream,
        substream: None,
        address: case.iova,
        access: Access::new(Direction::Write, Privilege::Unprivileged, Purpose::Data),
        address_type: AddressType::Untranslated,
        attributes: Attributes::INCOMING_DEFAULT,
    }
}

fn write<B: Bus, C: Chooser>(
    smmu: &mut Smmu,
    world: &mut World<'_, B, C, Vec<Event>>,
    offset: u64,
    size: u8,
    value: u64,
) {
    // An access that the registers refuse has no effect here either: what follows shows it.
    let _refused = smmu.write(world, offset, size, value);
    smmu.settle(world);
}

fn store(memory: &mut SparseMemory, address: Pa, bytes: &[u8]) {
    // Memory outside RAM drops what is written to it, as the machine of the recording did.
    let _aborted: Result<(), ExternalAbort> = memory.write(address, bytes);
}

fn record(memory: &mut SparseMemory, address: u64) -> EventRecord {
    let mut bytes = [0; 32];
    memory.read(Pa::new(address), &mut bytes).expect("the event queue lies in RAM");
    EventRecord::from_bytes(bytes)
}

fn holds_word(memory: &mut SparseMemory, at: Pa) -> bool {
    let mut found = [0; 4];
    memory.read(at, &mut found).is_ok() && found == WORD.to_le_bytes()
}
