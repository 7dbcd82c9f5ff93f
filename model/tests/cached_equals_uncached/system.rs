//! An SMMU whose tables and structures change, and another one without caches.

use smmu_model::address::{Iova, Pa};
use smmu_model::attributes::Attributes;
use smmu_model::bus::{Bus, ReadOnly};
use smmu_model::choice::{Choice, Chooser, Defaults, Seeded};
use smmu_model::command::{Addresses, Prefetch};
use smmu_model::env::World;
use smmu_model::features::Preset;
use smmu_model::ids::StreamId;
use smmu_model::memory::SparseMemory;
use smmu_model::outcome::Outcome;
use smmu_model::trace::{Event, Silence, Sink};
use smmu_model::transaction::{Access, AddressType, Direction, Privilege, Purpose, Transaction};
use smmu_model::{CachePolicy, Register, Smmu};

use crate::acts::{Act, Becomes};
use crate::common;

const STREAM_TABLE: u64 = 0x8000_0000;
const COMMAND_QUEUE: u64 = 0x8001_0000;
const EVENT_QUEUE: u64 = 0x8002_0000;
/// One CD for each stream.
const CDS: u64 = 0x1_0000;
/// Stage 1 tables: a root of 512 blocks or tables of 2 MiB, and four tables of pages; one set for each ASID.
const STAGE1: u64 = 0x2_0000;
/// Stage 2 tables, as many; one set for each VMID. They map the first 2 MiB to themselves.
const STAGE2: u64 = 0x6_0000;
const SET: u64 = 0x8000;

/// (StreamID, STE.Config, set of stage 1 tables, VMID): two streams share an address space, two a VMID.
pub(crate) const STREAMS: [(u32, u64, u64, u64); 5] =
    [(0, 0b101, 0, 0), (1, 0b101, 1, 0), (2, 0b111, 2, 1), (3, 0b111, 3, 2), (4, 0b110, 0, 1)];

/// Which questions about caches are answered how; all others have the default answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answers {
    Default,
    Seed(u64),
}

/// Draws the answers about caches.
pub(crate) struct OfCaches(Option<Seeded>);

impl Chooser for OfCaches {
    fn choose(&mut self, choice: Choice, permitted: u8) -> usize {
        let is_of_caches = matches!(
            choice,
            Choice::CacheUse
                | Choice::InvalidationEffect
                | Choice::InvalidationByIpa
                | Choice::TlbConflict
                | Choice::PrefetchEffect
                | Choice::SpeculativeFetch
        );
        match &mut self.0 {
            Some(seeded) if is_of_caches => seeded.choose(choice, permitted),
            Some(_) | None => Defaults.choose(choice, permitted),
        }
    }
}

/// Takes what it hears, if it listens.
#[derive(Default)]
pub(crate) struct Ear<const LISTENS: bool>(pub(crate) Vec<Event>);

impl<const LISTENS: bool> Sink for Ear<LISTENS> {
    const LISTENS: bool = LISTENS;

    fn take(&mut self, event: Event) {
        self.0.push(event);
    }
}

pub(crate) struct System<const LISTENS: bool> {
    pub(crate) smmu: Smmu,
    /// The same registers, and no caches.
    pub(crate) uncached: Smmu,
    pub(crate) memory: SparseMemory,
    pub(crate) answers: Answers,
    pub(crate) prod: u64,
    /// Software has changed something since it invalidated all.
    pub(crate) owes: bool,
    pub(crate) draws: u64,
}

impl<const LISTENS: bool> System<LISTENS> {
    pub(crate) fn new(policy: CachePolicy, bbml: u8, answers: Answers) -> Self {
        let mut memory = SparseMemory::new();
        for (stream, config, set, vmid) in STREAMS {
            store(&mut memory, STREAM_TABLE + u64::from(stream) * 64, &ste(config, stream, vmid));
            store(&mut memory, CDS + u64::from(stream) * 64, &cd(set));
        }
        for vmid in 1..=2 {
            // The first 2 MiB to itself, for the tables of stage 1 and the CDs: AF, read and write, Write-Back.
            store(&mut memory, STAGE2 + vmid * SET, &[0x4fd]);
        }
        let features = common::features(Preset::Grace, &format!("BBML={bbml} HTTU=2"));
        let mut world = World { bus: &mut memory, chooser: &mut Defaults, sink: &mut Silence };
        let mut smmu = Smmu::new(features, &mut world);
        for (name, value) in [
            ("STRTAB_BASE", STREAM_TABLE),
            ("STRTAB_BASE_CFG", 3),
            ("CMDQ_BASE", COMMAND_QUEUE | 10),
            ("EVENTQ_BASE", EVENT_QUEUE | 8),
            ("CR0", 0xd),
        ] {
            let register = Register::from_name(name).expect("a register");
            smmu.write(&mut world, register.offset(), register.size_bytes(), value).expect("no abort");
            smmu.settle(&mut world);
        }
        let uncached = smmu.clone().with_caches(CachePolicy::None);
        let smmu = smmu.with_caches(policy);
        Self { smmu, uncached, memory, answers, prod: 0, owes: false, draws: 0 }
    }

    pub(crate) fn act(&mut self, act: Act) {
        match act {
            Act::Stage1 { set, region, page, becomes } => {
                // Only what all address spaces of a VMID share may be global.
                let not_global = if set == 3 { 0 } else { 1 << 11 };
                let leaf = |noise| stage1_leaf(noise) | not_global;
                self.descriptor(STAGE1 + set * SET, region, page, becomes, leaf);
            }
            Act::Stage2 { set, region, page, becomes } => {
                self.descriptor(STAGE2 + set * SET, region, page, becomes, stage2_leaf);
            }
            Act::Cd { stream, change } => {
                let (stream, _, set, _) = STREAMS[stream];
                // Address spaces of one VMID have an ASID each, and CDs of one ASID agree.
                let is_alone = stream >= 2;
                let mut words = cd(if is_alone && change & 0b11 == 3 { (set + 1) % 4 } else { set });
                words[0] |= (change >> 2 & 1) << 36; // WXN
                words[0] ^= (change >> 3 & 1) << 45; // R
                words[3] = if change & 0x10 != 0 { 0x44 } else { 0xff };
                self.change(CDS + u64::from(stream) * 64, &words);
            }
            Act::Ste { stream, change } => {
                let (stream, config, _, vmid) = STREAMS[stream];
                let mut words = ste(config, stream, vmid);
                words[0] ^= u64::from(change & 0b111 == 7);
                words[1] |= (change >> 3 & 1) << 19; // MEV
                words[2] ^= (change >> 4 & 1) << 58; // S2R
                self.change(STREAM_TABLE + u64::from(stream) * 64, &words);
            }
            Act::Access { stream, region, page, write, user } => {
                let tx = transaction(STREAMS[stream].0, region << 21 | page << 12, write, user);
                self.access(&tx);
            }
            Act::Speculate { stream, region, page } => {
                let addresses = Some(Addresses::one(Iova::new(region << 21 | page << 12)));
                let expected = Prefetch { stream: StreamId(STREAMS[stream].0), substream: None, addresses };
                self.run(&mut Ear::default(), |smmu, env| smmu.speculate(env, expected));
            }
            Act::InvalidateAll => {
                for words in [[0x04, 31], [0x30, 0], [0x46, 0]] {
                    self.command(words);
                }
                self.owes = false;
            }
            Act::Command(words) => self.command(words),
        }
    }

    fn descriptor(
        &mut self,
        root: u64,
        region: u64,
        page: Option<u64>,
        becomes: Becomes,
        leaf: impl Fn(u64) -> u64,
    ) {
        let at = match page {
            None => root + region * 8,
            Some(page) => root + 0x1000 * (1 + region) + page * 8,
        };
        let kind = if page.is_some() { 0b11 } else { 0b01 };
        let size = if page.is_some() { 0x1000 } else { 0x20_0000 };
        let value = match becomes {
            Becomes::Table(table) if page.is_none() => (root + 0x1000 * (1 + table)) | 0b11,
            Becomes::Invalid | Becomes::Table(_) => 0,
            Becomes::Leaf { output, attributes } => 0x20_0000 + output * size + leaf(attributes) + kind,
        };
        self.change(at, &[value]);
    }

    fn change(&mut self, at: u64, words: &[u64]) {
        store(&mut self.memory, at, words);
        self.owes = true;
    }

    pub(crate) fn command(&mut self, words: [u64; 2]) {
        store(&mut self.memory, COMMAND_QUEUE + self.prod % 1024 * 16, &words);
        self.prod = (self.prod + 1) % 2048;
        let prod = self.prod;
        self.run(&mut Ear::default(), |smmu, env| {
            smmu.write(env, 0x98, 4, prod).expect("no abort");
            smmu.settle(env);
            assert_eq!(smmu.read(env, 0x9c, 4), Ok(prod), "{words:x?} is legal");
        });
    }

    pub(crate) fn run<T>(
        &mut self,
        ear: &mut Ear<LISTENS>,
        run: impl FnOnce(&mut Smmu, &mut World<'_, SparseMemory, OfCaches, Ear<LISTENS>>) -> T,
    ) -> T {
        // Each call draws from a seed of its own, so that a saved state can go on with the same answers.
        self.draws += 1;
        let mut chooser = OfCaches(match self.answers {
            Answers::Default => None,
            Answers::Seed(seed) => Some(Seeded::new(seed ^ self.draws)),
        });
        run(&mut self.smmu, &mut World { bus: &mut self.memory, chooser: &mut chooser, sink: ear })
    }

    pub(crate) fn access(&mut self, tx: &Transaction) {
        let mut bus = ReadOnly(&mut self.memory);
        let mut world = World { bus: &mut bus, chooser: &mut Defaults, sink: &mut Silence };
        let expected = self.uncached.clone().transact(&mut world, tx);
        let mut ear = Ear::default();
        let found = self.run(&mut ear, |smmu, env| smmu.transact(env, tx));
        let Ear(events) = ear;
        let is_stale = events.iter().any(|event| matches!(event, Event::Stale { .. }));
        let conflicts = matches!(found, Outcome::Abort(rule) if rule.label() == "TLB-01")
            || events
                .iter()
                .any(|event| matches!(event, Event::Choice { choice, .. } if choice.key() == "tlb-conflict"));
        if !self.owes {
            assert!(!is_stale && !conflicts, "nothing is owed: {events:?}");
        }
        if !is_stale && !conflicts {
            let alike = match (found, expected) {
                // How far a translation reaches is only known to who walks.
                (Outcome::Done(found), Outcome::Done(expected)) => {
                    found.pa == expected.pa && found.attributes == expected.attributes
                }
                (found, expected) => found == expected,
            };
            assert!(alike, "{tx:?}: {found:?} cached, {expected:?} uncached, by {events:?}");
        }
    }
}

/// Unprivileged reads and writes, and the Access flag, of [`stage1_leaf`].
pub(crate) const READ_WRITE: u64 = 0b01 << 6 | 0b111;

/// Region 0 of each stage 1 as pages, which all may read and write.
pub(crate) fn mapped_pages() -> impl Iterator<Item = Act> {
    let leaf = |output| Becomes::Leaf { output, attributes: READ_WRITE };
    (0..4).flat_map(move |set| {
        let table = Act::Stage1 { set, region: 0, page: None, becomes: Becomes::Table(0) };
        let pages = (0..4).map(move |page| (page, leaf(page)));
        let pages =
            pages.map(move |(page, becomes)| Act::Stage1 { set, region: 0, page: Some(page), becomes });
        std::iter::once(table).chain(pages)
    })
}

pub(crate) fn transaction(stream: u32, address: u64, write: bool, user: bool) -> Transaction {
    let direction = if write { Direction::Write } else { Direction::Read };
    let privilege = if user { Privilege::Unprivileged } else { Privilege::Privileged };
    Transaction {
        stream: StreamId(stream),
        substream: None,
        address: Iova::new(address),
        access: Access::new(direction, privilege, Purpose::Data),
        address_type: AddressType::Untranslated,
        attributes: Attributes::INCOMING_DEFAULT,
    }
}

/// V, Config, S1ContextPtr, SHCFG incoming; S2: 30-bit IPA from level 2, 4 KiB, 48 bits, AArch64, HA and HD, R.
pub(crate) fn ste(config: u64, stream: u32, vmid: u64) -> [u64; 8] {
    let word2 = vmid | 34 << 32 | 0b11 << 44 | 0b101 << 48 | 1 << 51 | 1 << 55 | 1 << 56 | 1 << 58;
    let stage2 = if vmid == 0 { 0 } else { STAGE2 + vmid * SET };
    [1 | config << 1 | (CDS + u64::from(stream) * 64), 1 << 44, word2, stage2, 0, 0, 0, 0]
}

/// T0SZ 34, 4 KiB, EPD1, V, 48 bits, AArch64, HA and HD, R, A, the ASID of the set.
pub(crate) fn cd(set: u64) -> [u64; 8] {
    let word0 = 34 | 0b11 << 12 | 1 << 30 | 1 << 31 | 0b101 << 32 | 1 << 41;
    [word0 | 1 << 42 | 1 << 43 | 1 << 45 | 1 << 46 | (set + 1) << 48, STAGE1 + set * SET, 0, 0xff, 0, 0, 0, 0]
}

/// AP, AF, nG and DBM from noise; AF mostly set.
pub(crate) fn stage1_leaf(noise: u64) -> u64 {
    let af = u64::from(noise & 0b111 != 0) << 10;
    noise & (0b11 << 6) | 0b11 << 8 | af | noise & (1 << 11) | noise & (1 << 51)
}

/// S2AP, AF and DBM from noise; MemAttr Write-Back.
pub(crate) fn stage2_leaf(noise: u64) -> u64 {
    let af = u64::from(noise & 0b111 != 0) << 10;
    0b1111 << 2 | noise & (0b11 << 6) | 0b11 << 8 | af | noise & (1 << 51)
}

pub(crate) fn store(memory: &mut SparseMemory, address: u64, words: &[u64]) {
    for (index, word) in (0..).zip(words) {
        memory.write(Pa::new(address + index * 8), &word.to_le_bytes()).expect("memory that never aborts");
    }
}
