//! Many address spaces of one stream, each with 1024 cached pages.

use std::time::{Duration, Instant};

use smmu_model::address::{Iova, Pa};
use smmu_model::attributes::Attributes;
use smmu_model::bus::Bus;
use smmu_model::choice::Defaults;
use smmu_model::env::World;
use smmu_model::ids::{StreamId, SubstreamId};
use smmu_model::memory::SparseMemory;
use smmu_model::outcome::Outcome;
use smmu_model::trace::Silence;
use smmu_model::transaction::{Access, AddressType, Direction, Transaction};
use smmu_model::{CachePolicy, Smmu};

use crate::commands::Commands;
use crate::workload::enabled_smmu;

const STREAM_TABLE: u64 = 0x8000_0000;
const CDS: u64 = 0x8010_0000;
const TABLE: u64 = 0x8020_0000;
/// Pages cached in each address space.
const PAGES: u64 = 1024;

/// One stream with a CD for each ASID, whose tables are the same.
#[derive(Debug)]
pub struct Contexts {
    smmu: Smmu,
    memory: SparseMemory,
    commands: Commands,
}

impl Contexts {
    /// `count` address spaces with everything cached: ASID n belongs to SubstreamID n.
    pub fn new(count: u16) -> Self {
        let mut memory = SparseMemory::new();
        // V, Config 0b101, S1ContextPtr, S1CDMax 10; S1DSS 0b10, SHCFG incoming.
        store(&mut memory, STREAM_TABLE, &[1 | 0b101 << 1 | CDS | 10 << 59, 0b10 | 1 << 44]);
        for asid in 0..1024 {
            // T0SZ 34: level 2 is the first.
            let word0 = 34 | 0b11 << 12 | 1 << 30 | 1 << 31 | 0b101 << 32 | 1 << 41 | 1 << 45 | 1 << 46;
            store(&mut memory, CDS + asid * 64, &[word0 | asid << 48, TABLE, 0, 0xff]);
        }
        for page in 0..PAGES {
            store(&mut memory, TABLE + page / 512 * 8, &[(TABLE + (1 + page / 512) * 4096) | 0b11]);
            // AF, nG, ISH, unprivileged access.
            let leaf = (0x10_0000_0000 + page * 4096) | 1 << 11 | 1 << 10 | 0b11 << 8 | 0b01 << 6 | 0b11;
            store(&mut memory, TABLE + (1 + page / 512) * 4096 + page % 512 * 8, &[leaf]);
        }
        let smmu = enabled_smmu(&mut memory, STREAM_TABLE).with_caches(CachePolicy::Keep);
        let mut contexts = Self { smmu, memory, commands: Commands::default() };
        for asid in 0..count {
            contexts.fill(asid);
        }
        contexts
    }

    /// Caches all pages of an address space.
    pub fn fill(&mut self, asid: u16) {
        let mut world = World { bus: &mut self.memory, chooser: &mut Defaults, sink: &mut Silence };
        for page in 0..PAGES {
            let tx = Transaction {
                stream: StreamId(0),
                // SubstreamID 0 is not to be used with S1DSS 0b10.
                substream: (asid != 0).then_some(SubstreamId(asid.into())),
                address: Iova::new(page * 4096),
                access: Access::data(Direction::Read),
                address_type: AddressType::Untranslated,
                attributes: Attributes::INCOMING_DEFAULT,
            };
            let outcome = self.smmu.transact(&mut world, &tx);
            assert!(matches!(outcome, Outcome::Done(_)), "{asid} {page}: {outcome:?}");
        }
    }

    /// CMD_TLBI_NH_ASID and CMD_SYNC: how long they take.
    pub fn invalidate(&mut self, asid: u16) -> Duration {
        self.commands.produce(&mut self.memory, [0x11 | u64::from(asid) << 48, 0]);
        let start = Instant::now();
        self.commands.consume(&mut self.smmu, &mut self.memory);
        start.elapsed()
    }
}

fn store(memory: &mut SparseMemory, address: u64, words: &[u64]) {
    for (index, word) in (0u64..).zip(words) {
        memory.write(Pa::new(address + index * 8), &word.to_le_bytes()).expect("memory that never aborts");
    }
}
