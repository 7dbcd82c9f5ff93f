//! Stage 1 (§3.4.1, §5.4; DDI 0487 D8): from the address of a transaction to an IPA.

use super::permission;
use super::stage2::{self, MAX_RESTARTS, Walks, exchange, sets_flag_on_fault};
use super::walk::{Entry, Leaf, Tables, Update, WalkRules, Walked, walk};
use crate::address::{Iova, Ipa, Pa};
use crate::attributes::Attributes;
use crate::attributes::stage1::{self, ShareabilitySource, with_incoming_hints};
use crate::bus::Bus;
use crate::choice::answer::Stage1UpdateTime;
use crate::config::cd::{Context, Half};
use crate::config::geometry::Table;
use crate::config::ste::Stage2;
use crate::env::Env;
use crate::features::Features;
use crate::layout::descriptor::Stage1Leaf;
use crate::outcome::{Class, Site, Stage, Stop};
use crate::rule::Rule;
use crate::trace::Event;
use crate::transaction::{Access, Direction, Privilege};

/// What stage 1 is asked to translate: the access is the one after the overrides of the STE.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stage1Input {
    pub(super) address: Iova,
    pub(super) access: Access,
}

/// What stage 1 found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mapped {
    /// The output address: an IPA, which is physical where stage 2 is bypassed.
    pub(super) ipa: Ipa,
    leaf: Stage1Leaf,
    shareability: ShareabilitySource,
    /// log2 of the page or block.
    pub(super) size_bits: u8,
    /// The update of the leaf that is still to be made, once stage 2 has let the access in.
    late: Option<LateUpdate>,
}

/// A leaf, and what hardware makes of it.
#[derive(Clone, Copy, Debug)]
struct LateUpdate {
    entry: Entry,
    new: u64,
}

impl Mapped {
    /// The attributes of the access after stage 1 (§13.4.2); `input` is what enters it.
    #[inline(always)]
    pub(super) fn attributes<E: Env>(&self, env: &mut E, context: &Context, input: Attributes) -> Attributes {
        let page = stage1::page(env, context.types.select(self.leaf), self.shareability, self.leaf);
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

/// Translates one address.
#[inline(always)]
pub(super) fn translate<E: Env>(
    env: &mut E,
    f: &Features,
    context: &Context,
    stage2: Option<&Stage2>,
    input: Stage1Input,
) -> Result<Mapped, Stop> {
    let half = select(context, input)?;
    let Some(table) = &half.table else {
        return Err(Stop::at_input(Rule::Stage1TableDisabled));
    };
    let mut tables = Stage1Tables { f, context, stage2, half, table };
    let mut restarts = 0;
    loop {
        let changed = match attempt(env, &mut tables, input)? {
            Walked::Done(mapped) => return Ok(mapped),
            Walked::Changed(at) => at,
        };
        restarts += 1;
        if restarts == MAX_RESTARTS {
            return Err(never_stays(changed));
        }
    }
}

/// The descriptor at `at` was another one each time it was to be updated.
#[cold]
pub(super) fn never_stays(at: Pa) -> Stop {
    Stop { rule: Rule::Stage1UpdateAborted, site: Site::Stage1Descriptor(at) }
}

/// Makes the update of the leaf that was left for now.
#[inline(always)]
pub(super) fn update_late<E: Env>(
    env: &mut E,
    f: &Features,
    context: &Context,
    stage2: Option<&Stage2>,
    (input, mapped): (Stage1Input, &Mapped),
) -> Result<Walked<()>, Stop> {
    let Some(LateUpdate { entry, new }) = &mapped.late else { return Ok(Walked::Done(())) };
    let half = context.half(input.address.value());
    let table = half.table.as_ref().expect("a leaf was found in it");
    match (Stage1Tables { f, context, stage2, half, table }).update_leaf(env, entry, *new)? {
        Update::Done => Ok(Walked::Done(())),
        Update::Changed => Ok(Walked::Changed(entry.at)),
    }
}

/// One walk and its judgement. Out of line, so that its loop has the registers of the processor to itself.
#[inline(never)]
fn attempt<E: Env>(
    env: &mut E,
    tables: &mut Stage1Tables<'_>,
    input: Stage1Input,
) -> Result<Walked<Mapped>, Stop> {
    let va = input.address.value();
    let leaf = match walk(env, tables.table, tables, va)? {
        Walked::Done(leaf) => leaf,
        Walked::Changed(at) => return Ok(Walked::Changed(at)),
    };
    let new = judge(env, tables, &leaf, input.access)?;
    let mut late = None;
    if new != leaf.entry.raw {
        if tables.stage2.is_some() && updates_late(env) {
            late = Some(LateUpdate { entry: leaf.entry, new });
        } else if tables.update_leaf(env, &leaf.entry, new)? == Update::Changed {
            return Ok(Walked::Changed(leaf.entry.at));
        }
    }
    env.trace(|| Event::Translated {
        stage: Stage::One,
        class: None,
        input: va,
        output: leaf.output,
        size_log2: leaf.size_bits,
    });
    Ok(Walked::Done(Mapped {
        ipa: Ipa::new(leaf.output),
        leaf: Stage1Leaf::from_bits(new),
        shareability: tables.half.shareability,
        size_bits: leaf.size_bits,
        late,
    }))
}

/// Whether the leaf is updated only once stage 2 has let the access in (§3.13.5).
#[cold]
fn updates_late<E: Env>(env: &mut E) -> bool {
    env.ask(&[Stage1UpdateTime::Early, Stage1UpdateTime::Late]) == Stage1UpdateTime::Late
}

/// Which half the address selects, if it lies in its range (§3.4.1) and E0PD lets the access in.
///
/// The range is judged before EPDx (§7.3.22 names both in one step), but TxSZ of a disabled half has no
/// meaning, so there only the half itself is known.
#[inline(always)]
fn select(context: &Context, input: Stage1Input) -> Result<&Half, Stop> {
    let half = context.half(input.address.value());
    if (input.address.value() ^ half.above) & half.above_mask != 0 {
        return Err(Stop::at_input(Rule::Stage1InputRange));
    }
    if half.e0pd && input.access.privilege == Privilege::Unprivileged {
        return Err(Stop::at_input(Rule::Stage1E0pd));
    }
    Ok(half)
}

/// Access flag, then permissions (§7.3.22). Returns the descriptor as hardware leaves it.
#[inline(always)]
fn judge<E: Env>(
    env: &mut E,
    tables: &mut Stage1Tables<'_>,
    leaf: &Leaf,
    access: Access,
) -> Result<u64, Stop> {
    let context = tables.context;
    let raw = leaf.entry.raw;
    let flag = if raw & AF == 0 && context.ha { AF } else { 0 };
    if raw & AF == 0 && !context.ha && !context.affd {
        return Err(Stop::at_input(Rule::Stage1AccessFlag));
    }
    let descriptor = Stage1Leaf::from_bits(raw);
    let dirty = context.hd && descriptor.dbm();
    let hierarchy = if tables.half.hierarchical { leaf.hierarchy } else { 0 };
    if let Err(rule) = permission::stage1(descriptor, hierarchy, dirty, context.rules, access) {
        if flag != 0 && sets_flag_on_fault(env) {
            tables.update_leaf(env, &leaf.entry, raw | flag)?;
        }
        return Err(Stop::at_input(rule));
    }
    let cleans = dirty && access.direction == Direction::Write && raw & AP_READ_ONLY != 0;
    Ok((raw | flag) & !if cleans { AP_READ_ONLY } else { 0 })
}

struct Stage1Tables<'a> {
    f: &'a Features,
    context: &'a Context,
    stage2: Option<&'a Stage2>,
    half: &'a Half,
    table: &'a Table,
}

impl Stage1Tables<'_> {
    /// Sets the flags of a leaf.
    fn update_leaf<E: Env>(&mut self, env: &mut E, entry: &Entry, new: u64) -> Result<Update, Stop> {
        let changes = entry.raw ^ new;
        if changes & AF != 0 {
            env.note(Rule::Stage1SetsAccessFlag);
        }
        if changes & AP_READ_ONLY != 0 {
            env.note(Rule::Stage1SetsDirty);
        }
        self.update(env, entry, new)
    }

    /// Where a descriptor is: its IPA goes through stage 2, for a data access of the SMMU (§3.3).
    #[inline(always)]
    fn locate<E: Env>(&self, env: &mut E, address: u64, direction: Direction) -> Result<Pa, Stop> {
        match self.stage2 {
            None => Ok(Pa::new(address)),
            Some(stage2) => {
                let class = Class::TableWalk(direction);
                let request =
                    stage2::Request { ipa: Ipa::new(address), class, access: Access::data(direction) };
                stage2::translate(env, self.f, stage2, request).map(|mapped| mapped.pa)
            }
        }
    }
}

impl<E: Env> Tables<E> for Stage1Tables<'_> {
    const RULES: &'static WalkRules = &WalkRules {
        invalid: Rule::Stage1Invalid,
        reserved: Rule::Stage1Reserved,
        table_size: Rule::Stage1TableSize,
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
    fn read(&mut self, env: &mut E, address: u64, level: i8) -> Result<Entry, Stop> {
        let at = self.locate(env, address, Direction::Read)?;
        let found = env.bus().read_u64(at);
        let aborted = Stop { rule: Rule::Stage1WalkAborted, site: Site::Stage1Descriptor(at) };
        let found = found.map_err(|_abort| aborted)?;
        let raw = self.table.in_order(found);
        env.trace(|| Event::Descriptor { stage: Stage::One, class: None, level, at, raw });
        Ok(Entry { address, at, raw, level })
    }

    #[inline(always)]
    fn updates_tables(&self) -> bool {
        self.context.haft
    }

    /// The page of the descriptor must be writable at stage 2, which then keeps its own flags (§3.13.5).
    fn update(&mut self, env: &mut E, entry: &Entry, new: u64) -> Result<Update, Stop> {
        let at = self.locate(env, entry.address, Direction::Write)?;
        let aborted = Stop { rule: Rule::Stage1UpdateAborted, site: Site::Stage1Descriptor(at) };
        let walks = Walks { stage: Stage::One, table: self.table, write_back: self.half.write_back };
        exchange(env, walks, &Entry { at, ..*entry }, new).map_err(|_abort| aborted)
    }
}
