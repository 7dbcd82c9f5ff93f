//! Whether memory still agrees with a cached translation: the walk is made again, without caches, effects or questions.

use super::ask::Ask;
use super::recall::{Fresh, Recall, Remembering};
use super::stage1::Stage1Query;
use super::stage2::{Request, Stage2Tables};
use super::walk::{Entry, Leaf, Start, Step, Tables, Update, WalkRules, Walked, walk};
use crate::address::{Ipa, Pa};
use crate::bus::{Bus, ReadOnly};
use crate::cache::entry::{Stage1Entry, Stage2Entry, TableEntry};
use crate::choice::Defaults;
use crate::config::geometry::Table;
use crate::config::ste::Stage2;
use crate::env::{Env, World};
use crate::layout::descriptor::{Stage1Leaf, Stage2Leaf};
use crate::outcome::{Class, Site, Stop};
use crate::trace::{Difference, Silence};
use crate::transaction::{Access, Direction};

/// The bits of a leaf that decide, beside its address and kind: all but those for software, PBHA, nT and Contiguous.
/// Bit 59 is AttrIndx[3], or PBHA.
const STAGE1_DECIDES: u64 = 0x08f8_0000_0000_0ffc & !CONTIGUOUS;
const STAGE2_DECIDES: u64 = 0x0078_0000_0000_0ffc & !CONTIGUOUS;
const CONTIGUOUS: u64 = 1 << 52;
const AF: u64 = 1 << 10;
const STAGE1_READ_ONLY: u64 = 1 << 7;
const STAGE2_WRITE: u64 = 1 << 7;

/// An environment that only looks.
pub(super) type Onlooker<'a, B> = World<'a, ReadOnly<'a, B>, Defaults, Silence>;

/// Runs `look` in an environment that only looks.
pub(super) fn looking<B: Bus, T>(bus: &mut B, look: impl FnOnce(&mut Fresh<'_, Onlooker<'_, B>>) -> T) -> T {
    let mut bus = ReadOnly(bus);
    let mut world = World { bus: &mut bus, chooser: &mut Defaults, sink: &mut Silence };
    look(&mut Fresh(&mut world))
}

/// What was met on a walk.
#[derive(Debug, Default)]
struct Trail {
    steps: [Option<Step>; 4],
    last: Option<(Pa, u64)>,
    leaf: Option<Leaf>,
}

/// Where memory no longer agrees with a stage 1 leaf.
#[cold]
pub(super) fn stage1<E: Env, A: Ask>(
    env: &mut Remembering<'_, E>,
    query: &Stage1Query<'_, A>,
    entry: &Stage1Entry,
) -> Option<Difference> {
    let context = query.context;
    let trail = stage1_trail(env.env, query)?;
    let agrees = trail.leaf.is_some_and(|leaf| {
        let (mut raw, before) = (leaf.entry.raw, entry.leaf);
        if context.ha || context.affd {
            raw |= before & AF;
        }
        // Hardware would let a write of the clean page in, as it did for others.
        let keeps_dirty = context.hd && Stage1Leaf::from_bits(before).dbm();
        if keeps_dirty && before & STAGE1_READ_ONLY != 0 {
            raw |= STAGE1_READ_ONLY;
        }
        let hierarchy = if query.half.hierarchical { leaf.hierarchy >> 59 } else { 0 };
        (raw ^ before) & STAGE1_DECIDES == 0
            && leaf.output == entry.ipa(query.va)
            && hierarchy == u64::from(entry.hierarchy)
    });
    if !agrees {
        return Some(
            trail.parting(|step| env.tlb.stage1_table_exactly(query.tags, query.va, step.size_bits)),
        );
    }
    let configured = context.rules == entry.terms.rules
        && context.types.select(Stage1Leaf::from_bits(entry.leaf)) == entry.memory_type
        && query.half.shareability == entry.shareability;
    (!configured).then_some(Difference { at: None, now: None })
}

/// Where memory no longer agrees with a stage 1 table.
#[cold]
pub(super) fn stage1_table<E: Env, A: Ask>(
    env: &mut Remembering<'_, E>,
    query: &Stage1Query<'_, A>,
    size_bits: u8,
    entry: &TableEntry,
) -> Option<Difference> {
    let trail = stage1_trail(env.env, query)?;
    if trail.has(size_bits, entry) {
        return None;
    }
    Some(trail.parting(|step| env.tlb.stage1_table_exactly(query.tags, query.va, step.size_bits)))
}

/// Where memory no longer agrees with a stage 2 leaf.
#[cold]
pub(super) fn stage2<E: Env>(
    env: &mut Remembering<'_, E>,
    stage2: &Stage2,
    ipa: u64,
    entry: &Stage2Entry,
) -> Option<Difference> {
    let trail = stage2_trail(env.env, stage2, ipa);
    let agrees = trail.leaf.is_some_and(|leaf| {
        let (mut raw, before) = (leaf.entry.raw, entry.leaf);
        if stage2.ha || stage2.affd {
            raw |= before & AF;
        }
        let keeps_dirty = stage2.hd && Stage2Leaf::from_bits(before).dbm();
        if keeps_dirty && before & STAGE2_WRITE == 0 {
            raw &= !STAGE2_WRITE;
        }
        (raw ^ before) & STAGE2_DECIDES == 0 && leaf.output == entry.pa(ipa)
    });
    if !agrees {
        return Some(trail.parting(|step| env.tlb.stage2_table_exactly(stage2.vmid, ipa, step.size_bits)));
    }
    let configured = stage2.ptw == entry.terms.ptw && stage2.attributes == entry.terms.attributes;
    (!configured).then_some(Difference { at: None, now: None })
}

/// Where memory no longer agrees with a stage 2 table.
#[cold]
pub(super) fn stage2_table<E: Env>(
    env: &mut Remembering<'_, E>,
    stage2: &Stage2,
    ipa: u64,
    size_bits: u8,
    entry: &TableEntry,
) -> Option<Difference> {
    let trail = stage2_trail(env.env, stage2, ipa);
    if trail.has(size_bits, entry) {
        return None;
    }
    Some(trail.parting(|step| env.tlb.stage2_table_exactly(stage2.vmid, ipa, step.size_bits)))
}

/// `None` where stage 1 has no table: EPDx lets what is cached be used (§5.4.1.1).
fn stage1_trail<E: Env, A: Ask>(env: &mut E, query: &Stage1Query<'_, A>) -> Option<Trail> {
    let table = query.half.table.as_ref()?;
    let va = query.input.address.value();
    Some(looking(env.bus(), |env| match query.stage2 {
        None => Trail::of(env, table, query.in_physical_space(table), va),
        Some(stage2) => Trail::of(env, table, query.behind(stage2, table), va),
    }))
}

fn stage2_trail<E: Env>(env: &mut E, stage2: &Stage2, ipa: u64) -> Trail {
    let access = Access::data(Direction::Read);
    let request = Request { ipa: Ipa::new(ipa), class: Class::Input, access };
    looking(env.bus(), |env| Trail::of(env, &stage2.table, Stage2Tables { stage2, request }, ipa))
}

impl Trail {
    fn of<E: Recall, T: Tables<E>>(env: &mut E, table: &Table, tables: T, input: u64) -> Self {
        let mut onlooker = Recorder { tables, trail: Self::default() };
        let leaf = match walk(env, table, &mut onlooker, input) {
            Ok(Walked::Leaf(leaf)) => Some(leaf),
            Ok(Walked::Changed(_)) | Err(_) => None,
        };
        Self { leaf, ..onlooker.trail }
    }

    /// Whether the walk passes this table.
    fn has(&self, size_bits: u8, entry: &TableEntry) -> bool {
        let step = self.steps.iter().flatten().find(|step| step.size_bits == size_bits);
        step.is_some_and(|step| same(step, entry))
    }

    /// Where the walk leaves the way that is cached: the first table that differs from the `cached` one, or its end.
    fn parting(&self, mut cached: impl FnMut(&Step) -> Option<TableEntry>) -> Difference {
        let parting =
            self.steps.iter().flatten().find(|step| cached(step).is_some_and(|entry| !same(step, &entry)));
        match parting {
            Some(step) => Difference { at: Some(step.at), now: Some(step.raw) },
            None => Difference { at: self.last.map(|(at, _)| at), now: self.last.map(|(_, raw)| raw) },
        }
    }
}

fn same(step: &Step, entry: &TableEntry) -> bool {
    step.next == entry.next && step.hierarchy >> 59 == u64::from(entry.hierarchy)
}

/// Walks and takes notes. Nothing is updated.
struct Recorder<T> {
    tables: T,
    trail: Trail,
}

impl<E: Recall, T: Tables<E>> Tables<E> for Recorder<T> {
    const RULES: &'static WalkRules = T::RULES;

    fn site(&self) -> Site {
        self.tables.site()
    }

    fn start(&mut self, _env: &mut E, table: &Table, _input: u64) -> Start {
        Start::first(table)
    }

    fn passed(&mut self, _env: &mut E, _input: u64, step: Step) {
        if let Some(free) = self.trail.steps.iter_mut().find(|free| free.is_none()) {
            *free = Some(step);
        }
    }

    fn read(&mut self, env: &mut E, address: u64, level: i8) -> Result<Entry, Stop> {
        let entry = self.tables.read(env, address, level)?;
        self.trail.last = Some((entry.at, entry.raw));
        Ok(entry)
    }

    fn updates_tables(&self) -> bool {
        false
    }

    fn update(&mut self, _env: &mut E, _entry: &Entry, _new: u64) -> Result<Update, Stop> {
        Ok(Update::Done)
    }
}
