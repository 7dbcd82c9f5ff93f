//! Broadcast TLB maintenance (§3.17): which entries go, and where the SMMU takes part.

mod common;

use common::{Machine, features};
use smmu_model::address::Iova;
use smmu_model::attributes::Attributes;
use smmu_model::broadcast::Broadcast;
use smmu_model::command::Pages;
use smmu_model::features::Preset;
use smmu_model::ids::{Asid, StreamId, Vmid};
use smmu_model::trace::Event;
use smmu_model::transaction::{Access, AddressType, Direction, Transaction};

const STREAM_TABLE: u64 = 0x8000_0000;
const CDS: u64 = 0x1_0000;
const TABLE: u64 = 0x4_0000;
const STAGE2: u64 = 0x5_0000;

/// A stage 1 stream of VMID 3, ASID 5, with the page 0x1000 and a global one at 0x2000; the same with CD.ASET; a stage 2
/// stream of VMID 3; an EL2 stream; with E2H they are EL2-E2H.
const STREAMS: [(u32, u64, u64, u64); 4] =
    [(0, 0b101, 0, 0), (1, 0b101, 1, 0), (2, 0b110, 0, 0), (3, 0b101, 0, 0b10)];

fn machine(changes: &str, answers: &str, cr2: u64) -> Machine {
    let mut machine = Machine::with(features(Preset::Max, changes), answers);
    let mut store = |at: u64, words: &[u64]| {
        for (index, word) in (0u64..).zip(words) {
            machine.store(at + index * 8, &word.to_le_bytes());
        }
    };
    for (stream, config, aset, strw) in STREAMS {
        let word2 = 3 | 34 << 32 | 0b11 << 44 | 0b101 << 48 | 1 << 51 | 1 << 58;
        let cd = CDS + u64::from(stream) * 64;
        store(
            STREAM_TABLE + u64::from(stream) * 64,
            &[1 | config << 1 | cd, 1 << 44 | strw << 30, word2, STAGE2, 0, 0, 0, 0],
        );
        let word0 = 34 | 1 << 30 | 1 << 31 | 0b101 << 32 | 1 << 41 | 1 << 45 | 1 << 46;
        store(cd, &[word0 | aset << 47 | (5 + aset) << 48, TABLE, 0, 0xff]);
    }
    // One table of pages: AF, unprivileged access, nG but for the second; stage 2: read and write, Write-Back.
    store(TABLE, &[(TABLE + 0x1000) | 0b11]);
    store(TABLE + 0x1008, &[0x8000_1000 | 1 << 11 | 0x443, 0x8000_2000 | 0x443]);
    store(STAGE2, &[(STAGE2 + 0x1000) | 0b11]);
    store(STAGE2 + 0x1008, &[0x8000_1000 | 0x4ff]);
    machine.write("STRTAB_BASE", STREAM_TABLE);
    machine.write("STRTAB_BASE_CFG", 2);
    machine.write("CR2", cr2);
    machine.write("CR0", 1);
    machine.settle();
    for (stream, address) in PAGES {
        assert!(!is_cached(&mut machine, stream, address));
    }
    machine
}

const PAGES: [(u32, u64); 6] = [(0, 0x1000), (0, 0x2000), (1, 0x1000), (1, 0x2000), (2, 0x1000), (3, 0x1000)];

/// Whether an access finds its translation cached.
fn is_cached(machine: &mut Machine, stream: u32, address: u64) -> bool {
    machine.trace.clear();
    machine.transact(&Transaction {
        stream: StreamId(stream),
        substream: None,
        address: Iova::new(address),
        access: Access::data(Direction::Read),
        address_type: AddressType::Untranslated,
        attributes: Attributes::INCOMING_DEFAULT,
    });
    assert!(
        machine.trace.iter().any(|event| matches!(event, Event::Translated { .. })),
        "{stream} {address:#x}"
    );
    !machine.trace.iter().any(|event| matches!(event, Event::Descriptor { .. }))
}

/// `expected` has what is cached afterwards: `p` and `g` the page and the global one of ASID 5, `P` and `G` those with
/// CD.ASET and ASID 6, `2` the page of stage 2, `h` that of EL2.
#[track_caller]
fn check(mut machine: Machine, broadcast: Broadcast, expected: &str) {
    machine.broadcast(broadcast);
    assert_eq!(cached(&mut machine.clone()), "pgPG2h", "{broadcast:?} is not complete");
    machine.synchronize_broadcasts();
    assert_eq!(cached(&mut machine), expected, "{broadcast:?}");
}

fn cached(machine: &mut Machine) -> String {
    "pgPG2h"
        .chars()
        .zip(PAGES)
        .filter(|(_, (stream, va))| is_cached(machine, *stream, *va))
        .map(|(name, _)| name)
        .collect()
}

const PAGE: Pages = Pages { address: 0x1000, leaf: true, range: None };
const GLOBAL: Pages = Pages { address: 0x2000, leaf: true, range: None };
const VMID: Vmid = Vmid(3);
const ASID: Asid = Asid(5);

#[test]
fn each_scope() {
    let plain = || machine("BTM=1", "", 0);
    check(plain(), Broadcast::AllE1, "h");
    check(plain(), Broadcast::VmallS12E1 { vmid: VMID }, "h");
    check(plain(), Broadcast::VmallS12E1 { vmid: Vmid(4) }, "pgPG2h");
    check(plain(), Broadcast::VmallE1 { vmid: VMID }, "2h");
    check(plain(), Broadcast::AsidE1 { vmid: VMID, asid: ASID }, "gPG2h");
    check(plain(), Broadcast::VaE1 { pages: PAGE, vmid: VMID, asid: ASID }, "gPG2h");
    check(plain(), Broadcast::VaaE1 { pages: PAGE, vmid: VMID }, "gG2h");
    check(plain(), Broadcast::IpaS2E1 { pages: PAGE, vmid: VMID }, "pgPGh");
    check(plain(), Broadcast::AllE2 { e2h: false }, "pgPG2");
    check(plain(), Broadcast::AllE2 { e2h: true }, "pgPG2h");
    check(plain(), Broadcast::VaE2 { pages: PAGE }, "pgPG2");
}

#[test]
fn what_is_not_shared_with_processing_elements_may_stay() {
    let by_asid = Broadcast::AsidE1 { vmid: VMID, asid: Asid(6) };
    check(machine("BTM=1", "", 0), by_asid, "pgPG2h");
    check(machine("BTM=1", "invalidation-of-aset=remove", 0), by_asid, "pgG2h");
    let by_va = Broadcast::VaE1 { pages: GLOBAL, vmid: VMID, asid: ASID };
    check(machine("BTM=1", "", 0), by_va, "pPG2h");
    check(machine("BTM=1", "invalidation-of-aset=remove", 0), by_va, "pP2h");
}

#[test]
fn participation() {
    check(machine("BTM=0", "", 0), Broadcast::AllE1, "pgPG2h");
    const PTM: u64 = 1 << 2;
    check(machine("BTM=1", "", PTM), Broadcast::AllE1, "pgPG2h");
    check(machine("BTM=1", "broadcast-while-private=obey", PTM), Broadcast::AllE1, "h");
    let wide = Broadcast::VmallE1 { vmid: Vmid(0x103) };
    check(machine("BTM=1 VMID16=0", "", 0), wide, "pgPG2h");
    check(machine("BTM=1 VMID16=0", "broadcast-narrow=match", 0), wide, "2h");
    let e2h = Broadcast::VaaE2E2h { pages: PAGE };
    check(machine("BTM=1", "", 0), e2h, "pgPG2h");
    check(machine("BTM=1", "", 1), e2h, "pgPG2");
}
