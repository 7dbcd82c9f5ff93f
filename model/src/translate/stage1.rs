//! Stage 1 (§3.4.1, §5.4; DDI 0487 D8): from the address of a transaction to an IPA.

use super::ask::Ask;
use super::recall::{Both, Recall};
use super::space::{BehindStage2, Physical, TableSpace};
use super::stage2::{self, MAX_RESTARTS, Walks, exchange, sets_flag_on_fault};
use super::walk::{Entry, Leaf, Start, Step, Tables, Update, WalkRules, Walked, walk};
use crate::address::{Iova, Ipa, Pa};
use crate::attributes::stage1::{self, ShareabilitySource, with_incoming_hints};
use crate::attributes::{Attributes, MemoryType};
use crate::bus::Bus;
use crate::cache::entry::{Combined, Stage1Entry};
use crate::cache::tlb::Tags;
use crate::command::effect::untagged;
use crate::config::cd::{Context, Half};
use crate::config::geometry::Table;
use crate::config::ste::Stage2;
use crate::env::Env;
use crate::ids::Regime;
use crate::layout::descriptor::Stage1Leaf;
use crate::outcome::{Class, Site, Stage, Stop};
use crate::rule::Rule;
use crate::trace::{CacheEntry, Event};
use crate::transaction::Privilege;

/// What stage 1 is asked to translate: the access is the one after the overrides of the STE.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stage1Input<A> {
    pub(super) address: Iova,
    pub(super) access: A,
    /// Whose translations of the address are looked for.
    pub(super) regime: Regime,
    /// Stage 2, if there is one, translates the output besides.
    pub(super) goes_on: bool,
}

/// What stage 1 found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mapped<A> {
    /// What it grants.
    pub(super) granted: A,
    /// The output address: an IPA, which is physical where stage 2 is bypassed.
    pub(super) ipa: Ipa,
    leaf: Stage1Leaf,
    memory_type: MemoryType,
    shareability: ShareabilitySource,
    /// log2 of the page or block.
    pub(super) size_bits: u8,
}

impl<A> Mapped<A> {
    /// The attributes of the access after stage 1 (§13.4.2); `input` is what enters it.
    #[inline(always)]
    pub(super) fn attributes<E: Env>(&self, env: &mut E, input: Attributes) -> Attributes {
        let page = stage1::page(env, self.memory_type, self.shareability, self.leaf);
        with_incoming_hints(page, input)
    }

    /// The same as they enter stage 2, which makes any type cacheable (§13.4.3).
    #[inline(always)]
    pub(super) fn made_cacheable<E: Env>(&self, env: &mut E, attributes: Attributes) -> Attributes {
        if attributes.memory_type.is_cacheable() {
            return attributes;
        }
        let shareability = stage1::shareability_made_cacheable(env, self.shareability, self.leaf);
        Attributes { shareability, ..attributes }
    }
}

const AF: u64 = 1 << 10;
const AP_READ_ONLY: u64 = 1 << 7;

/// A translation that stage 1 is to make, with all that it depends on beside the tables.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stage1Query<'a, A> {
    pub(super) context: &'a Context,
    pub(super) half: &'a Half,
    pub(super) stage2: Option<&'a Stage2>,
    pub(super) input: Stage1Input<A>,
    /// The tags of its translations.
    pub(super) tags: Tags,
    /// The address as the TLB knows it.
    pub(super) va: u64,
}

impl<'a, A: Ask> Stage1Query<'a, A> {
    /// The query, if the address lies in the range of its half.
    #[inline(always)]
    pub(super) fn new(
        context: &'a Context,
        stage2: Option<&'a Stage2>,
        input: Stage1Input<A>,
    ) -> Result<Self, Stop> {
        let half = select(context, input)?;
        let tags = Tags::new(input.regime, context.asid, context.aset);
        let va = untagged(input.address.value(), context.two_halves);
        Ok(Self { context, half, stage2, input, tags, va })
    }

    pub(super) fn in_physical_space(&'a self, table: &'a Table) -> Stage1Tables<'a, Physical, A> {
        Stage1Tables { query: self, space: Physical, table }
    }

    pub(super) fn behind(
        &'a self,
        stage2: &'a Stage2,
        table: &'a Table,
    ) -> Stage1Tables<'a, BehindStage2<'a>, A> {
        Stage1Tables { query: self, space: BehindStage2(stage2), table }
    }

    /// The name of a cached leaf.
    pub(super) fn leaf(&self, entry: &Stage1Entry) -> CacheEntry {
        let space = self.tags.space(Stage1Leaf::from_bits(entry.leaf).ng());
        CacheEntry::Stage1 { regime: self.input.regime, space, va: self.va, size_log2: entry.size_bits }
    }

    /// The name of a cached leaf of both stages.
    pub(super) fn combined(&self, entry: &Combined) -> CacheEntry {
        let space = self.tags.space(Stage1Leaf::from_bits(entry.stage1.leaf).ng());
        let size_log2 = entry.stage1.size_bits.min(entry.stage2.size_bits);
        CacheEntry::Combined { regime: self.input.regime, space, va: self.va, size_log2 }
    }

    /// What a cached leaf makes of it; `None` if hardware has to update the descriptor in memory.
    #[inline(always)]
    pub(super) fn recalled<E: Env>(
        &self,
        env: &mut E,
        entry: &Stage1Entry,
    ) -> Option<Result<Mapped<A>, Stop>> {
        let descriptor = Stage1Leaf::from_bits(entry.leaf);
        let (terms, access) = (entry.terms, self.input.access);
        let dirty = terms.hd && descriptor.dbm();
        let hierarchy = u64::from(entry.hierarchy) << HIERARCHY_SHIFT;
        let granted = match access.stage1(descriptor, hierarchy, dirty, terms.rules) {
            Ok(granted) => granted,
            Err(rule) => return Some(Err(Stop::at_input(rule))),
        };
        if dirty && granted.dirties() && entry.leaf & AP_READ_ONLY != 0 {
            return None;
        }
        let output = entry.ipa(self.va);
        env.trace(|| Event::Translated {
            stage: Stage::One,
            class: None,
            input: self.input.address.value(),
            output,
            size_log2: entry.size_bits,
        });
        Some(Ok(Mapped {
            granted,
            ipa: Ipa::new(output),
            leaf: descriptor,
            memory_type: entry.memory_type,
            shareability: entry.shareability,
            size_bits: entry.size_bits,
        }))
    }

    /// The same of a leaf of both stages.
    #[inline(always)]
    pub(super) fn both<E: Env>(&self, env: &mut E, stage2: &Stage2, entry: &Combined) -> Option<Both<A>> {
        let mapped = match self.recalled(env, &entry.stage1)? {
            Ok(mapped) => mapped,
            Err(stop) => return Some(Err(stop)),
        };
        let request = stage2::Request { ipa: mapped.ipa, class: Class::Input, access: mapped.granted };
        let result = stage2::recalled(env, &entry.stage2, request, stage2.xnx)?;
        Some(result.map(|stage2| (mapped, stage2)))
    }
}

/// Where the bits of table descriptors that restrict permissions begin.
const HIERARCHY_SHIFT: u8 = 59;

/// Translates one address.
#[inline(always)]
pub(super) fn translate<E: Recall, A: Ask>(
    env: &mut E,
    query: &Stage1Query<'_, A>,
) -> Result<Mapped<A>, Stop> {
    if let Some(recalled) = env.stage1(query) {
        return recalled;
    }
    let Some(table) = &query.half.table else {
        return Err(Stop::at_input(Rule::Stage1TableDisabled));
    };
    match query.stage2 {
        None => attempt(env, &mut query.in_physical_space(table), MAX_RESTARTS),
        Some(stage2) => attempt(env, &mut query.behind(stage2, table), MAX_RESTARTS),
    }
}

/// One walk and its judgement, and `restarts` more if hardware updates find descriptors changed. Out of line,
/// so that its loop has the registers of the processor to itself.
#[inline(never)]
fn attempt<E: Recall, S: TableSpace, A: Ask>(
    env: &mut E,
    tables: &mut Stage1Tables<'_, S, A>,
    restarts: u8,
) -> Result<Mapped<A>, Stop> {
    let va = tables.query.input.address.value();
    let leaf = match walk(env, tables.table, tables, va)? {
        Walked::Leaf(leaf) => leaf,
        Walked::Changed(at) => return restart(env, tables, (restarts, at)),
    };
    let (granted, mut new) = judge(env, tables, &leaf)?;
    if new != leaf.entry.raw {
        match set_flags(env, tables, &leaf, (new, granted))? {
            Some(set) => new = set,
            None => return restart(env, tables, (restarts, leaf.entry.at)),
        }
    }
    if leaf.is_usable(tables.table) {
        env.keep_stage1(tables.query, &leaf, new);
    }
    let size_bits = leaf.usable_bits(tables.table);
    env.trace(|| Event::Translated {
        stage: Stage::One,
        class: None,
        input: va,
        output: leaf.output,
        size_log2: size_bits,
    });
    let descriptor = Stage1Leaf::from_bits(new);
    Ok(Mapped {
        granted,
        ipa: Ipa::new(leaf.output),
        leaf: descriptor,
        memory_type: tables.query.context.types.select(descriptor),
        shareability: tables.query.half.shareability,
        size_bits,
    })
}

/// Starts again because the descriptor at `at` changed, or gives up on it. A call, not a loop around the walk: the
/// compiler would prepare every walk for a second one.
#[cold]
fn restart<E: Recall, S: TableSpace, A: Ask>(
    env: &mut E,
    tables: &mut Stage1Tables<'_, S, A>,
    (restarts, at): (u8, Pa),
) -> Result<Mapped<A>, Stop> {
    match restarts.checked_sub(1) {
        Some(restarts) => attempt(env, tables, restarts),
        None => Err(Stop { rule: Rule::Stage1UpdateAborted, site: Site::Stage1Descriptor(at) }),
    }
}

/// Hardware makes `new` of the leaf that granted `granted`, or less where stage 2 is known to refuse what `new` is for.
/// Returns the descriptor as it then is; `None` if it has changed.
#[cold]
fn set_flags<E: Recall, S: TableSpace, A: Ask>(
    env: &mut E,
    tables: &mut Stage1Tables<'_, S, A>,
    leaf: &Leaf,
    (mut new, granted): (u64, A),
) -> Result<Option<u64>, Stop> {
    if tables.query.input.goes_on {
        let left = tables.space.look_ahead(env, Ipa::new(leaf.output), granted)?;
        if !left.dirties() {
            new |= leaf.entry.raw & AP_READ_ONLY;
        }
        if new == leaf.entry.raw {
            return Ok(Some(new));
        }
    }
    let changes = leaf.entry.raw ^ new;
    if changes & AF != 0 {
        env.note(Rule::Stage1SetsAccessFlag);
    }
    if changes & AP_READ_ONLY != 0 {
        env.note(Rule::Stage1SetsDirty);
    }
    let update = tables.update(env, &leaf.entry, new)?;
    Ok((update == Update::Done).then_some(new))
}

/// Which half the address selects, if it lies in its range (§3.4.1) and E0PD lets the access in.
///
/// The range is judged before EPDx (§7.3.22 names both in one step), but TxSZ of a disabled half has no
/// meaning, so there only the half itself is known.
#[inline(always)]
fn select<A: Ask>(context: &Context, input: Stage1Input<A>) -> Result<&Half, Stop> {
    let half = context.half(input.address.value());
    if (input.address.value() ^ half.above) & half.above_mask != 0 {
        return Err(Stop::at_input(Rule::Stage1InputRange));
    }
    if half.e0pd && input.access.privilege() == Privilege::Unprivileged {
        return Err(Stop::at_input(Rule::Stage1E0pd));
    }
    Ok(half)
}

/// Access flag, then permissions (§7.3.22). Returns what is granted, and the descriptor as hardware leaves it.
#[inline(always)]
fn judge<E: Recall, S: TableSpace, A: Ask>(
    env: &mut E,
    tables: &mut Stage1Tables<'_, S, A>,
    leaf: &Leaf,
) -> Result<(A, u64), Stop> {
    let Stage1Query { context, half, input: Stage1Input { access, .. }, .. } = *tables.query;
    let raw = leaf.entry.raw;
    let flag = if raw & AF == 0 && context.ha && !context.leaves_flags { AF } else { 0 };
    if raw & AF == 0 && !context.ha && !context.affd || flag != 0 && !env.sets_access_flag() {
        return Err(Stop::at_input(Rule::Stage1AccessFlag));
    }
    let descriptor = Stage1Leaf::from_bits(raw);
    let dirty = context.hd && descriptor.dbm();
    let hierarchy = if half.hierarchical { leaf.hierarchy } else { 0 };
    let granted = match access.stage1(descriptor, hierarchy, dirty, context.rules) {
        Ok(granted) => granted,
        Err(rule) => {
            if flag != 0 && sets_flag_on_fault(env) {
                env.note(Rule::Stage1SetsAccessFlag);
                tables.update(env, &leaf.entry, raw | flag)?;
            }
            if flag == 0 && leaf.is_usable(tables.table) {
                env.keep_stage1(tables.query, leaf, raw);
            }
            return Err(Stop::at_input(rule));
        }
    };
    let dirties = dirty && !context.stays_clean && granted.dirties() && raw & AP_READ_ONLY != 0;
    Ok((granted, (raw | flag) & !if dirties { AP_READ_ONLY } else { 0 }))
}

/// The tables of a query.
pub(super) struct Stage1Tables<'a, S, A> {
    query: &'a Stage1Query<'a, A>,
    space: S,
    table: &'a Table,
}

impl<E: Recall, S: TableSpace, A: Ask> Tables<E> for Stage1Tables<'_, S, A> {
    const RULES: &'static WalkRules = &WalkRules {
        invalid: Rule::Stage1Invalid,
        reserved: Rule::Stage1Reserved,
        table_size: Rule::Stage1TableSize,
        access_flag: Rule::Stage1AccessFlag,
        output_size: Rule::Stage1OutputSize,
        contiguous: Rule::Stage1ContiguousRange,
        block: Rule::Stage1Block,
        page: Rule::Stage1Page,
        table_flag: Rule::Stage1SetsTableFlag,
    };

    #[inline(always)]
    fn site(&self) -> Site {
        Site::Stage1
    }

    #[inline(always)]
    fn start(&mut self, env: &mut E, table: &Table, _input: u64) -> Start {
        env.stage1_start(self.query, table).unwrap_or_else(|| Start::first(table))
    }

    #[inline(always)]
    fn passed(&mut self, env: &mut E, _input: u64, step: Step) {
        if !(self.query.context.haft && self.query.context.leaves_clear(step.raw)) {
            env.keep_stage1_table(self.query, step);
        }
    }

    #[inline(always)]
    fn read(&mut self, env: &mut E, address: u64, level: i8) -> Result<Entry, Stop> {
        let at = self.space.locate(env, address)?;
        let found = env.bus().read_u64(at);
        let aborted = Stop { rule: Rule::Stage1WalkAborted, site: Site::Stage1Descriptor(at) };
        let found = found.map_err(|_abort| aborted)?;
        let raw = self.table.in_order(found);
        env.trace(|| Event::Descriptor { stage: Stage::One, class: None, level, at, raw });
        Ok(Entry { address, at, raw, level })
    }

    #[inline(always)]
    fn updates_tables(&self) -> bool {
        self.query.context.haft && !self.query.context.leaves_flags
    }

    /// The page of the descriptor must be writable at stage 2, which then keeps its own flags (§3.13.5).
    fn update(&mut self, env: &mut E, entry: &Entry, new: u64) -> Result<Update, Stop> {
        let (at, is_write_back) = self.space.locate_to_update(env, entry.address)?;
        let aborted = Stop { rule: Rule::Stage1UpdateAborted, site: Site::Stage1Descriptor(at) };
        let write_back = self.query.half.write_back && is_write_back;
        let walks = Walks { stage: Stage::One, table: self.table, write_back };
        exchange(env, walks, &Entry { at, ..*entry }, new).map_err(|_abort| aborted)
    }
}
