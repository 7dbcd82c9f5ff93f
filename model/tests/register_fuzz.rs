//! Whatever software does to the registers, the model neither panics nor runs for ever.

mod common;

use common::features;
use proptest::prelude::*;
use smmu_model::address::{Iova, Pa};
use smmu_model::attributes::Attributes;
use smmu_model::bus::Bus;
use smmu_model::choice::Seeded;
use smmu_model::env::World;
use smmu_model::features::Preset;
use smmu_model::ids::StreamId;
use smmu_model::memory::SparseMemory;
use smmu_model::trace::Event;
use smmu_model::transaction::{Access, AddressType, Direction, Transaction};
use smmu_model::{Progress, Register, Smmu};

#[derive(Clone, Debug)]
enum Action {
    Read { offset: u64, size_bytes: u8 },
    Write { offset: u64, size_bytes: u8, value: u64 },
    Command { at: u64, words: [u64; 2] },
    Abort { at: u64, on: bool },
    Access { stream: u32 },
    Step,
    Settle,
}

fn offsets() -> impl Strategy<Value = u64> {
    let registers: Vec<u64> = Register::ALL.iter().map(|register| register.offset()).collect();
    let near = (prop::sample::select(registers), 0_u64..9).prop_map(|(offset, more)| (offset + more) & !3);
    // Two Command queue control pages of two queues, where there are any; and the counter groups.
    let queues = (0_u64..4, 0_u64..4).prop_map(|(queue, word)| 0x2_0000 + queue * 0x8000 + word * 4);
    let counters = (0_u64..0xc00).prop_map(|word| 0x1000 + word * 4);
    prop_oneof![8 => near, 4 => queues, 4 => counters, 1 => 0_u64..0x2_0000, 1 => any::<u64>()]
}

fn sizes() -> impl Strategy<Value = u8> {
    prop_oneof![8 => Just(4), 4 => Just(8), 1 => any::<u8>()]
}

fn values() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), 0_u64..32, (0_u32..64).prop_map(|bit| 1 << bit), Just(u64::MAX)]
}

fn actions() -> impl Strategy<Value = Action> {
    let word0 =
        (prop_oneof![Just(0x46_u64), 0_u64..256], values()).prop_map(|(code, rest)| rest & !0xff | code);
    prop_oneof![
        4 => (offsets(), sizes()).prop_map(|(offset, size_bytes)| Action::Read { offset, size_bytes }),
        12 => (offsets(), sizes(), values())
            .prop_map(|(offset, size_bytes, value)| Action::Write { offset, size_bytes, value }),
        4 => (0_u64..64, word0, values()).prop_map(|(at, word0, word1)| Action::Command {
            at: 16 * at,
            words: [word0, word1],
        }),
        1 => (0_u64..0x1000, any::<bool>()).prop_map(|(at, on)| Action::Abort { at, on }),
        2 => (0_u32..4).prop_map(|stream| Action::Access { stream }),
        4 => Just(Action::Step),
        1 => Just(Action::Settle),
    ]
}

fn presets() -> impl Strategy<Value = (Preset, &'static str)> {
    prop::sample::select(vec![
        (Preset::Max, ""),
        (Preset::Qemu11_1, ""),
        (Preset::Grace, ""),
        (Preset::Max, "SEV=1 CMDQS=0 EVENTQS=1 PRI=0"),
        (Preset::Max, "ECMDQ=1 CMDQS=2 CMDQ_CONTROL_PAGE_LOG2NUMP=1 CMDQ_CONTROL_PAGE_LOG2NUMQ=1"),
        (Preset::Qemu11_1, "SIDSIZE=0 ST_LEVEL=0 ASID16=0 VMID16=0 MSI=1 CMDQS=2"),
    ])
}

fn run(smmu: &mut Smmu, world: &mut World<'_, SparseMemory, Seeded, Vec<Event>>, action: &Action) {
    match *action {
        Action::Read { offset, size_bytes } => {
            let _aborted = smmu.read(world, offset, size_bytes);
        }
        Action::Write { offset, size_bytes, value } => {
            let _aborted = smmu.write(world, offset, size_bytes, value);
        }
        Action::Command { at, words } => {
            let bytes = words.map(u64::to_le_bytes).concat();
            let _aborted = world.bus.write(Pa::new(at), &bytes);
        }
        Action::Abort { at, on } => world.bus.set_abort(Pa::new(at), Pa::new(at + 0xff), on),
        Action::Access { stream } => {
            let _outcome = smmu.transact(world, &read(stream));
        }
        Action::Step => {
            let _progress = smmu.step(world);
        }
        Action::Settle => smmu.settle(world),
    }
}

fn read(stream: u32) -> Transaction {
    Transaction {
        stream: StreamId(stream),
        substream: None,
        address: Iova::new(0x1000),
        access: Access::data(Direction::Read),
        address_type: AddressType::Untranslated,
        attributes: Attributes::INCOMING_DEFAULT,
    }
}

proptest! {
    #[test]
    fn any_register_accesses_come_to_rest(
        (preset, changes) in presets(),
        seed in any::<u64>(),
        script in prop::collection::vec(actions(), 0..200),
    ) {
        let f = features(preset, changes);
        let (mut memory, mut chooser, mut trace) = (SparseMemory::new(), Seeded::new(seed), Vec::new());
        let mut world = World { bus: &mut memory, chooser: &mut chooser, sink: &mut trace };
        let mut smmu = Smmu::new(f, &mut world);
        for action in &script {
            run(&mut smmu, &mut world, action);
        }
        smmu.settle(&mut world);
        // An inconsistent queue may be asked about again, but nothing else is left.
        while smmu.step(&mut world) == Progress::Worked {}
        prop_assert_eq!(smmu.peek(Register::Cr0), smmu.peek(Register::Cr0Ack));
        prop_assert_eq!(smmu.peek(Register::IrqCtrl), smmu.peek(Register::IrqCtrlAck));
        prop_assert_eq!(smmu.peek(Register::Gbpa) >> 31, 0);
    }
}
