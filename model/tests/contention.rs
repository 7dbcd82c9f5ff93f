//! A descriptor that another master changes each time before hardware can update it (§3.13): the walk starts again,
//! and at some point ends as one whose update aborted, with the address of that descriptor.

use smmu_model::address::{Iova, Pa};
use smmu_model::attributes::Attributes;
use smmu_model::bus::{Bus, ExternalAbort};
use smmu_model::choice::Defaults;
use smmu_model::env::World;
use smmu_model::features::{Features, Preset};
use smmu_model::ids::StreamId;
use smmu_model::layout::event::EventCode;
use smmu_model::memory::SparseMemory;
use smmu_model::outcome::Outcome;
use smmu_model::rule::Rule;
use smmu_model::trace::Event;
use smmu_model::transaction::{Access, AddressType, Direction, Transaction};
use smmu_model::{Register, Smmu};

/// Memory in which no compare-and-swap ever finds what it expects.
struct Contended(SparseMemory);

impl Bus for Contended {
    fn read(&mut self, pa: Pa, bytes: &mut [u8]) -> Result<(), ExternalAbort> {
        self.0.read(pa, bytes)
    }

    fn write(&mut self, pa: Pa, bytes: &[u8]) -> Result<(), ExternalAbort> {
        self.0.write(pa, bytes)
    }

    fn compare_exchange_u64(&mut self, _pa: Pa, expected: u64, _new: u64) -> Result<u64, ExternalAbort> {
        Ok(!expected)
    }
}

/// `ste` is words 0, 2 and 3. Both stages have a 30-bit input in one table of 2 MiB blocks, at 0x40100000, and the
/// access is to the second block, whose Access flag is clear.
#[track_caller]
fn check(ste: [u64; 3], rule: Rule) {
    const TABLE: u64 = 0x4010_0000;
    let mut bus = Contended(SparseMemory::new());
    let words = [
        (0x4000_0400, ste[0]),
        (0x4000_0410, ste[1]),
        (0x4000_0418, ste[2]),
        (0x4001_0000, 0x6a05_c000_0522), // CD: A, R, HA, AA64, IPS 5, V, EPD1, IR0 and OR0 1, T0SZ 34
        (0x4001_0008, TABLE),
        (TABLE + 8, 0x8020_00c1), // a block that is readable at both stages, AF 0
    ];
    for (at, word) in words {
        bus.write(Pa::new(at), &word.to_le_bytes()).expect("memory");
    }
    let (mut chooser, mut trace) = (Defaults, Vec::new());
    let mut world = World { bus: &mut bus, chooser: &mut chooser, sink: &mut trace };
    let mut smmu = Smmu::new(Features::new(Preset::Max.id_registers()).expect("legal"), &mut world);
    for (register, value) in [
        (Register::StrtabBase, 0x4000_0000),
        (Register::StrtabBaseCfg, 8),
        (Register::EventqBase, 0x4800_0004),
        (Register::Cr0, 0b101),
    ] {
        smmu.write(&mut world, register.offset(), register.size_bytes(), value).expect("a register");
    }
    smmu.settle(&mut world);
    let outcome = smmu.transact(
        &mut world,
        &Transaction {
            stream: StreamId(0x10),
            substream: None,
            address: Iova::new(0x20_0000),
            access: Access::data(Direction::Read),
            address_type: AddressType::Untranslated,
            attributes: Attributes::INCOMING_DEFAULT,
        },
    );
    assert_eq!(outcome, Outcome::Abort(rule));
    let records = trace.iter().filter_map(|event| {
        if let Event::Record { record, .. } = event { Some((record.event_code(), record.0[3])) } else { None }
    });
    assert_eq!(records.collect::<Vec<_>>(), [(Some(EventCode::FWalkEabt), TABLE + 8)]);
}

#[test]
fn the_record_names_the_descriptor_that_never_stays() {
    check([0x4001_000b, 0, 0], Rule::Stage1UpdateAborted);
    // Config 0b110; S2R, S2HA, S2AA64, S2PS 5, S2OR0 and S2IR0 1, S2SL0 0, S2T0SZ 34.
    check([0xd, 0x050d_0522_0000_0000, 0x4010_0000], Rule::Stage2UpdateAborted);
}
