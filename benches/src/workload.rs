//! A programmed SMMU with 4096 random mapped addresses.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use smmu_model::address::{Iova, Pa};
use smmu_model::attributes::Attributes;
use smmu_model::bus::Bus;
use smmu_model::choice::Defaults;
use smmu_model::env::World;
use smmu_model::features::{Features, Preset};
use smmu_model::ids::StreamId;
use smmu_model::memory::SparseMemory;
use smmu_model::outcome::Outcome;
use smmu_model::trace::Silence;
use smmu_model::transaction::{Access, AddressType, Direction, Transaction};
use smmu_model::{CachePolicy, Progress, Smmu};

use crate::commands::Commands;
use crate::tables::{Pool, Tables};

/// How many addresses a workload has.
pub const PAGES: u64 = 4096;

/// Where the tables lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placement {
    /// Consecutive addresses, tables page after page.
    Dense,
    /// One leaf table per address, tables scattered over 64 MiB.
    Sparse,
}

/// What translates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stages {
    /// Stage 1, 48-bit addresses, four levels, 4 KiB pages.
    One,
    /// Stage 2, 48-bit IPAs, four levels, 4 KiB pages.
    Two,
    /// Both, four levels each.
    Nested,
    /// Stage 1 with 2 MiB blocks: three levels.
    Block,
}

/// The stream of the workload.
const STREAM: StreamId = StreamId(5);
const STREAM_TABLE: u64 = 0x8000_0000;
const CD: u64 = 0x8001_0000;

/// An SMMU and its memory, ready for [`Workload::transact`].
#[derive(Debug)]
pub struct Workload {
    /// Everything the SMMU reads.
    pub memory: SparseMemory,
    smmu: Smmu,
    commands: Commands,
    transactions: Vec<Transaction>,
    next: usize,
}

impl Workload {
    /// Builds the tables and programs the SMMU, which caches nothing.
    pub fn new(stages: Stages, placement: Placement) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut pool = Pool::new(placement, &mut random);
        let mut memory = SparseMemory::new();
        let addresses = addresses(stages, placement, &mut random);
        program(&mut memory, &mut pool, stages, &addresses);
        let smmu = enabled_smmu(&mut memory, STREAM_TABLE).with_caches(CachePolicy::None);
        let transactions = addresses.iter().map(|&address| read(address)).collect();
        let commands = Commands::default();
        let mut workload = Self { memory, smmu, commands, transactions, next: 0 };
        for index in 0..workload.transactions.len() {
            let outcome = workload.transact();
            assert!(matches!(outcome, Outcome::Done(_)), "{stages:?} {placement:?} {index}: {outcome:?}");
        }
        workload
    }

    /// The same workload with an SMMU that caches by this policy, and has nothing cached.
    pub fn set_caches(&mut self, policy: CachePolicy) {
        self.smmu = self.smmu.clone().with_caches(policy);
    }

    /// Has everything invalidated that is cached: CMD_CFGI_ALL and CMD_TLBI_NSNH_ALL.
    pub fn invalidate_all(&mut self) {
        for command in [[0x04, 31], [0x30, 0]] {
            self.commands.produce(&mut self.memory, command);
        }
        self.commands.consume(&mut self.smmu, &mut self.memory);
    }

    /// The next of the addresses.
    #[inline]
    pub fn transact(&mut self) -> Outcome {
        let transaction = &self.transactions[self.next];
        self.next = (self.next + 1) % self.transactions.len();
        let mut world = World { bus: &mut self.memory, chooser: &mut Defaults, sink: &mut Silence };
        self.smmu.transact(&mut world, transaction)
    }

    /// The addresses, in the order of [`Workload::transact`].
    pub fn addresses(&self) -> impl Iterator<Item = u64> {
        self.transactions.iter().map(|transaction| transaction.address.value())
    }

    /// The address of the STE that each transaction reads.
    pub fn ste_address(&self) -> u64 {
        STREAM_TABLE + u64::from(STREAM.0) * 64
    }
}

fn read(address: u64) -> Transaction {
    Transaction {
        stream: STREAM,
        substream: None,
        address: Iova::new(address),
        access: Access::data(Direction::Read),
        address_type: AddressType::Untranslated,
        attributes: Attributes::INCOMING_DEFAULT,
    }
}

/// Consecutive pages where tables are dense, pages 2 MiB apart where they are sparse; in random order.
fn addresses(stages: Stages, placement: Placement, random: &mut ChaCha8Rng) -> Vec<u64> {
    let stride = match (stages, placement) {
        (Stages::Block, Placement::Dense) => 2 << 20,
        (Stages::Block, Placement::Sparse) => 1 << 30,
        (_, Placement::Dense) => 4096,
        (_, Placement::Sparse) => 2 << 20,
    };
    let mut addresses: Vec<u64> = (0..PAGES).map(|page| 0x1000_0000_0000 + page * stride).collect();
    addresses.shuffle(random);
    addresses
}

fn program(memory: &mut SparseMemory, pool: &mut Pool, stages: Stages, addresses: &[u64]) {
    // Stage 1: nG (as Linux maps for devices), AF, ISH, AttrIndx 0, unprivileged access. Stage 2: AF, ISH, Normal WB,
    // read and write.
    let stage1 = Tables { root: pool.page(), leaf: 1 << 11 | 1 << 10 | 0b11 << 8 | 0b01 << 6 };
    let stage2 = Tables { root: pool.page(), leaf: 1 << 10 | 0b11 << 8 | 0b11 << 6 | 0b1111 << 2 };
    let level = if stages == Stages::Block { 2 } else { 3 };
    for (page, &address) in (0u64..).zip(addresses) {
        let output = 0x10_0000_0000 + page * (2 << 20);
        match stages {
            Stages::One | Stages::Block => stage1.map(memory, pool, address, output, level),
            Stages::Two => stage2.map(memory, pool, address, output, level),
            Stages::Nested => {
                stage1.map(memory, pool, address, address, level);
                stage2.map(memory, pool, address, output, level);
            }
        }
    }
    if stages == Stages::Nested {
        // Stage 1 tables and the CD are reached through stage 2, at the same addresses.
        let tables: Vec<u64> =
            memory.contents().iter().flat_map(|(block, bytes)| pages(block.value(), bytes)).collect();
        for page in tables.into_iter().chain([CD]) {
            stage2.map(memory, pool, page, page, 3);
        }
    }
    let config = match stages {
        Stages::One | Stages::Block => 0b101,
        Stages::Two => 0b110,
        Stages::Nested => 0b111,
    };
    write_words(memory, STREAM_TABLE + u64::from(STREAM.0) * 64, &ste(config, stage2.root));
    write_words(memory, CD, &cd(stage1.root));
}

/// The pages of a 64 KiB block.
fn pages(block: u64, bytes: &[u8]) -> impl Iterator<Item = u64> {
    (0u64..).zip(bytes.chunks(4096)).map(move |(page, _)| block + page * 4096)
}

/// V, Config, S1ContextPtr, SHCFG use incoming as Linux has it; stage 2: 48-bit IPA, level 0, 4 KiB, S2PS 48 bits, AArch64, S2R.
fn ste(config: u64, stage2_root: u64) -> [u64; 8] {
    let word2 = 16 << 32 | 0b10 << 38 | 0b11 << 44 | 0b101 << 48 | 1 << 51 | 1 << 58;
    [1 | config << 1 | CD, 1 << 44, word2, stage2_root, 0, 0, 0, 0]
}

/// T0SZ 16, 4 KiB, EPD1, V, IPS 48 bits, AArch64, R, A; MAIR 0 is Normal Write-Back.
fn cd(root: u64) -> [u64; 8] {
    [
        16 | 0b11 << 12 | 1 << 30 | 1 << 31 | 0b101 << 32 | 1 << 41 | 1 << 45 | 1 << 46,
        root,
        0,
        0xff,
        0,
        0,
        0,
        0,
    ]
}

fn write_words(memory: &mut SparseMemory, address: u64, words: &[u64]) {
    for (index, word) in (0u64..).zip(words) {
        memory.write(Pa::new(address + index * 8), &word.to_le_bytes()).expect("memory that never aborts");
    }
}

/// Creates an SMMU, gives it a stream table at `stream_table` and a command queue, and enables it.
pub fn enabled_smmu(memory: &mut SparseMemory, stream_table: u64) -> Smmu {
    let features = Features::new(Preset::Grace.id_registers()).expect("a preset is legal");
    let mut world = World { bus: memory, chooser: &mut Defaults, sink: &mut Silence };
    let mut smmu = Smmu::new(features, &mut world);
    let writes = [
        (0x28, 4, 0xd75),
        (0x80, 8, stream_table),
        (0x88, 4, 8),           // linear, 256 STEs
        (0x90, 8, 0x9000_000c), // command queue of 4096
        (0x98, 4, 0),
        (0x9c, 4, 0),
        (0xa0, 8, 0xa000_0008), // event queue of 256
        (0x100a8, 4, 0),
        (0x100ac, 4, 0),
        (0x20, 4, 0xd),
    ];
    for (offset, size_bytes, value) in writes {
        smmu.write(&mut world, offset, size_bytes, value).expect("an aligned access of a register");
        while smmu.step(&mut world) == Progress::Worked {}
    }
    smmu
}
