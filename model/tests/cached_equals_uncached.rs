//! Random traffic over random changes of tables and structures, under every cache policy: what the SMMU answers equals
//! what it answers without caches, unless software owes an invalidation, and then the trace says so.

mod common;

use proptest::prelude::*;
use smmu_model::address::{Iova, Pa};
use smmu_model::attributes::Attributes;
use smmu_model::bus::{Bus, ReadOnly};
use smmu_model::choice::{Choice, Chooser, Defaults, Seeded};
use smmu_model::env::World;
use smmu_model::features::Preset;
use smmu_model::ids::StreamId;
use smmu_model::memory::SparseMemory;
use smmu_model::outcome::Outcome;
use smmu_model::rule::Rule;
use smmu_model::trace::{Event, Silence, Sink};
use smmu_model::transaction::{Access, AddressType, Direction, Privilege, Purpose, Transaction};
use smmu_model::{CachePolicy, Register, Smmu};

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
const STREAMS: [(u32, u64, u64, u64); 5] =
    [(0, 0b101, 0, 0), (1, 0b101, 1, 0), (2, 0b111, 2, 1), (3, 0b111, 3, 2), (4, 0b110, 0, 1)];

/// What software or a device does.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// A descriptor of stage 1 tables: set, region of 2 MiB, page (none: the root), what it becomes.
    Stage1 { set: u64, region: u64, page: Option<u64>, becomes: Becomes },
    /// A descriptor of stage 2 tables, above the first 2 MiB.
    Stage2 { set: u64, region: u64, page: Option<u64>, becomes: Becomes },
    /// MAIR, WXN, ASID or the tables of a CD.
    Cd { stream: usize, change: u64 },
    /// S2R, MEV, or valid or not, of an STE.
    Ste { stream: usize, change: u64 },
    /// A device reads or writes.
    Access { stream: usize, region: u64, page: u64, write: bool, user: bool },
    /// Software invalidates all and waits.
    InvalidateAll,
    /// Software invalidates something, or waits.
    Command([u64; 2]),
}

/// What a descriptor becomes.
#[derive(Clone, Copy, Debug)]
enum Becomes {
    Invalid,
    /// A table of pages, in the root.
    Table(u64),
    /// A Block or Page with these bits, over a region or page of memory.
    Leaf {
        output: u64,
        attributes: u64,
    },
}

fn becomes() -> impl Strategy<Value = Becomes> {
    prop_oneof![
        2 => Just(Becomes::Invalid),
        2 => (0u64..4).prop_map(Becomes::Table),
        6 => (1u64..4, any::<u64>()).prop_map(|(output, attributes)| Becomes::Leaf { output, attributes }),
    ]
}

fn acts() -> impl Strategy<Value = Act> {
    let page = || prop_oneof![1 => Just(None), 4 => (0u64..4).prop_map(Some)];
    let stream = || 0..STREAMS.len();
    prop_oneof![
        4 => (0u64..4, 0u64..3, page(), becomes())
            .prop_map(|(set, region, page, becomes)| Act::Stage1 { set, region, page, becomes }),
        2 => (1u64..3, 1u64..4, page(), becomes())
            .prop_map(|(set, region, page, becomes)| Act::Stage2 { set, region, page, becomes }),
        1 => (stream(), any::<u64>()).prop_map(|(stream, change)| Act::Cd { stream, change }),
        1 => (stream(), any::<u64>()).prop_map(|(stream, change)| Act::Ste { stream, change }),
        16 => (stream(), 0u64..4, 0u64..4, any::<bool>(), any::<bool>())
            .prop_map(|(stream, region, page, write, user)| Act::Access { stream, region, page, write, user }),
        2 => Just(Act::InvalidateAll),
        6 => command().prop_map(Act::Command),
    ]
}

/// Any invalidation of what the streams use, or CMD_SYNC.
fn command() -> impl Strategy<Value = [u64; 2]> {
    let tagged = (0u64..3, 0u64..6);
    let address = (0u64..4, 0u64..4, any::<bool>())
        .prop_map(|(region, page, leaf)| region << 21 | page << 12 | u64::from(leaf));
    let range = prop_oneof![3 => Just((0, 0)), 1 => (0u64..4, 0u64..4).prop_map(|(num, ttl)| {
        (num << 12 | 9 << 20, 1 << 10 | ttl << 8) // 4 KiB granule, SCALE 9
    })];
    prop_oneof![
        4 => Just([0x46, 0]),
        4 => (prop::sample::select(vec![0x10u64, 0x11, 0x12, 0x13, 0x28, 0x2a]), tagged, address, range)
            .prop_map(|(opcode, (vmid, asid), address, (range0, range1))| {
                let by_address = matches!(opcode, 0x12 | 0x13 | 0x2a);
                let (range0, word1) = if by_address { (range0, address | range1) } else { (0, 0) };
                let asid = if matches!(opcode, 0x11 | 0x12) { asid } else { 0 };
                [opcode | vmid << 32 | asid << 48 | range0, word1]
            }),
        1 => (0u64..5, any::<bool>()).prop_map(|(stream, leaf)| [0x03 | stream << 32, u64::from(leaf)]),
        1 => (0u64..5, any::<bool>()).prop_map(|(stream, leaf)| [0x05 | stream << 32, u64::from(leaf)]),
        1 => (0u64..5, 0u64..4).prop_map(|(stream, page)| [0x02 | stream << 32, page << 12]),
    ]
}

/// Which questions about caches are answered how; all others have the default answer.
#[derive(Clone, Copy, Debug)]
enum Answers {
    Default,
    Seed(u64),
}

/// Draws the answers about caches.
struct OfCaches(Option<Seeded>);

impl Chooser for OfCaches {
    fn choose(&mut self, choice: Choice, permitted: u8) -> usize {
        let is_of_caches = matches!(
            choice,
            Choice::CacheUse
                | Choice::InvalidationEffect
                | Choice::InvalidationByIpa
                | Choice::TlbConflict
                | Choice::PrefetchEffect
        );
        match &mut self.0 {
            Some(seeded) if is_of_caches => seeded.choose(choice, permitted),
            Some(_) | None => Defaults.choose(choice, permitted),
        }
    }
}

/// Takes what it hears, if it listens.
#[derive(Default)]
struct Ear<const LISTENS: bool>(Vec<Event>);

impl<const LISTENS: bool> Sink for Ear<LISTENS> {
    const LISTENS: bool = LISTENS;

    fn take(&mut self, event: Event) {
        self.0.push(event);
    }
}

struct System<const LISTENS: bool> {
    smmu: Smmu,
    /// The same registers, and no caches.
    uncached: Smmu,
    memory: SparseMemory,
    answers: Answers,
    prod: u64,
    /// Software has changed something since it invalidated all.
    owes: bool,
    draws: u64,
}

impl<const LISTENS: bool> System<LISTENS> {
    fn new(policy: CachePolicy, bbml: u8, answers: Answers) -> Self {
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

    fn act(&mut self, act: Act) {
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

    fn command(&mut self, words: [u64; 2]) {
        store(&mut self.memory, COMMAND_QUEUE + self.prod % 1024 * 16, &words);
        self.prod = (self.prod + 1) % 2048;
        let prod = self.prod;
        self.run(&mut Ear::default(), |smmu, env| {
            smmu.write(env, 0x98, 4, prod).expect("no abort");
            smmu.settle(env);
            assert_eq!(smmu.read(env, 0x9c, 4), Ok(prod), "{words:x?} is legal");
        });
    }

    fn run<T>(
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

    fn access(&mut self, tx: &Transaction) {
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
const READ_WRITE: u64 = 0b01 << 6 | 0b111;

/// Region 0 of each stage 1 as pages, which all may read and write.
fn mapped_pages() -> impl Iterator<Item = Act> {
    let leaf = |output| Becomes::Leaf { output, attributes: READ_WRITE };
    (0..4).flat_map(move |set| {
        let table = Act::Stage1 { set, region: 0, page: None, becomes: Becomes::Table(0) };
        let pages = (0..4).map(move |page| (page, leaf(page)));
        let pages =
            pages.map(move |(page, becomes)| Act::Stage1 { set, region: 0, page: Some(page), becomes });
        std::iter::once(table).chain(pages)
    })
}

fn transaction(stream: u32, address: u64, write: bool, user: bool) -> Transaction {
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
fn ste(config: u64, stream: u32, vmid: u64) -> [u64; 8] {
    let word2 = vmid | 34 << 32 | 0b11 << 44 | 0b101 << 48 | 1 << 51 | 1 << 55 | 1 << 56 | 1 << 58;
    let stage2 = if vmid == 0 { 0 } else { STAGE2 + vmid * SET };
    [1 | config << 1 | (CDS + u64::from(stream) * 64), 1 << 44, word2, stage2, 0, 0, 0, 0]
}

/// T0SZ 34, 4 KiB, EPD1, V, 48 bits, AArch64, HA and HD, R, A, the ASID of the set.
fn cd(set: u64) -> [u64; 8] {
    let word0 = 34 | 0b11 << 12 | 1 << 30 | 1 << 31 | 0b101 << 32 | 1 << 41;
    [word0 | 1 << 42 | 1 << 43 | 1 << 45 | 1 << 46 | (set + 1) << 48, STAGE1 + set * SET, 0, 0xff, 0, 0, 0, 0]
}

/// AP, AF, nG and DBM from noise; AF mostly set.
fn stage1_leaf(noise: u64) -> u64 {
    let af = u64::from(noise & 0b111 != 0) << 10;
    noise & (0b11 << 6) | 0b11 << 8 | af | noise & (1 << 11) | noise & (1 << 51)
}

/// S2AP, AF and DBM from noise; MemAttr Write-Back.
fn stage2_leaf(noise: u64) -> u64 {
    let af = u64::from(noise & 0b111 != 0) << 10;
    0b1111 << 2 | noise & (0b11 << 6) | 0b11 << 8 | af | noise & (1 << 51)
}

fn store(memory: &mut SparseMemory, address: u64, words: &[u64]) {
    for (index, word) in (0..).zip(words) {
        memory.write(Pa::new(address + index * 8), &word.to_le_bytes()).expect("memory that never aborts");
    }
}

/// Stream 0 reads in page `page` of region 0, three times: the second time what is cached answers, and the third time
/// its answer is known.
fn reads(system: &mut System<false>, page: u64) -> [Result<u64, Rule>; 3] {
    [0, 1, 2].map(|_| {
        let tx = transaction(0, page << 12 | 0x123, false, true);
        match system.run(&mut Ear::default(), |smmu, env| smmu.transact(env, &tx)) {
            Outcome::Done(translation) => Ok(translation.pa.value()),
            Outcome::Abort(rule) => Err(rule),
            other => panic!("{other:?}"),
        }
    })
}

/// The leaf of page 0 of region 0, or of the region.
fn leaf(page: Option<u64>, output: u64) -> Act {
    Act::Stage1 { set: 0, region: 0, page, becomes: Becomes::Leaf { output, attributes: READ_WRITE } }
}

#[test]
fn an_answer_is_given_again_until_it_is_invalidated() {
    for words in [[0x10, 0], [0x11 | 1 << 48, 0], [0x12 | 1 << 48, 1], [0x13, 0], [0x28, 0], [0x30, 0]] {
        let mut system = System::<false>::new(CachePolicy::Keep, 1, Answers::Default);
        mapped_pages().for_each(|act| system.act(act));
        assert_eq!(reads(&mut system, 0), [Ok(0x20_0123); 3]);
        system.act(leaf(Some(0), 5));
        assert_eq!(reads(&mut system, 0), [Ok(0x20_0123); 3], "nothing is invalidated");
        system.command(words);
        assert_eq!(reads(&mut system, 0), [Ok(0x20_0123); 3], "{words:x?} is not complete");
        system.command([0x46, 0]);
        assert_eq!(reads(&mut system, 0), [Ok(0x20_5123); 3], "{words:x?} is complete");
    }
}

#[test]
fn an_answer_is_given_again_until_a_second_entry_matches() {
    let mut system = System::<false>::new(CachePolicy::Keep, 1, Answers::Default);
    mapped_pages().for_each(|act| system.act(act));
    assert_eq!(reads(&mut system, 0), [Ok(0x20_0123); 3]);
    system.act(leaf(None, 1));
    // Page 1 and the tables: page 0 stays.
    system.command([0x12 | 1 << 48, 0x1000]);
    system.command([0x46, 0]);
    assert_eq!(reads(&mut system, 0), [Ok(0x20_0123); 3]);
    assert_eq!(reads(&mut system, 1), [Ok(0x40_1123); 3], "the block is cached too");
    assert_eq!(reads(&mut system, 0), [Err(Rule::TlbConflict); 3]);
}

fn policies() -> impl Strategy<Value = CachePolicy> {
    prop::sample::select(CachePolicy::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn any_software(
        policy in policies(),
        bbml in 1u8..3,
        seed in prop::option::of(any::<u64>()),
        acts in prop::collection::vec(acts(), 1..120),
    ) {
        let mut system = System::<true>::new(policy, bbml, seed.map_or(Answers::Default, Answers::Seed));
        for act in acts {
            system.act(act);
        }
    }

    #[test]
    fn software_that_invalidates_after_every_change(
        policy in policies(),
        seed in prop::option::of(any::<u64>()),
        acts in prop::collection::vec(acts(), 1..120),
    ) {
        let mut system = System::<true>::new(policy, 1, seed.map_or(Answers::Default, Answers::Seed));
        for act in acts {
            system.act(act);
            if system.owes {
                system.act(Act::InvalidateAll);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    /// Without a listener an answer given before is given again: what devices accessed they access after each act.
    #[test]
    fn nobody_who_listens_makes_no_difference(
        bbml in 1u8..3,
        seed in prop::option::of(any::<u64>()),
        acts in prop::collection::vec(acts(), 1..60),
    ) {
        let answers = seed.map_or(Answers::Default, Answers::Seed);
        let mut heard = System::<true>::new(CachePolicy::Keep, bbml, answers);
        let mut unheard = System::<false>::new(CachePolicy::Keep, bbml, answers);
        let mut accesses = Vec::new();
        for act in mapped_pages().chain(acts) {
            if let Act::Access { stream, region, page, write, user } = act {
                accesses.push(transaction(STREAMS[stream].0, region << 21 | page << 12, write, user));
            } else {
                heard.act(act);
                unheard.act(act);
            }
            for tx in accesses.iter().rev().take(6).flat_map(|tx| [tx, tx, tx]) {
                let expected = heard.run(&mut Ear::default(), |smmu, env| smmu.transact(env, tx));
                let found = unheard.run(&mut Ear::default(), |smmu, env| smmu.transact(env, tx));
                prop_assert_eq!(found, expected, "{:?}", tx);
            }
        }
        prop_assert!(heard.smmu == unheard.smmu);
        prop_assert_eq!(heard.memory.contents(), unheard.memory.contents());
    }
}

#[cfg(feature = "serde")]
proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_saved_state_goes_on_in_the_same_way(
        policy in policies(),
        seed in any::<u64>(),
        before in prop::collection::vec(acts(), 1..60),
        after in prop::collection::vec(acts(), 1..60),
    ) {
        let mut system = System::<true>::new(policy, 1, Answers::Seed(seed));
        for act in before {
            system.act(act);
        }
        let saved = serde_json::to_string(&system.smmu).expect("a state is saved");
        let loaded: Smmu = serde_json::from_str(&saved).expect("what was saved is loaded");
        prop_assert!(loaded == system.smmu);
        prop_assert_eq!(serde_json::to_string(&loaded).expect("a state is saved"), saved);
        let uncached = system.uncached.clone();
        let (memory, answers) = (system.memory.clone(), system.answers);
        let System { prod, owes, draws, .. } = system;
        let mut twin = System::<true> { smmu: loaded, uncached, memory, answers, prod, owes, draws };
        for act in after {
            system.act(act);
            twin.act(act);
        }
        prop_assert_eq!(
            serde_json::to_string(&twin.smmu).expect("a state is saved"),
            serde_json::to_string(&system.smmu).expect("a state is saved")
        );
    }
}
