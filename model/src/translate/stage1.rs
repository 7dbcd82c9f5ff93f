//! Stage 1 (§3.4.1, §5.4; DDI 0487 D8): from the address of a transaction to an IPA.

use super::ask::Ask;
use super::stage2::{self, MAX_RESTARTS, exchange, sets_flag_on_fault};
use super::walk::{Entry, Leaf, Tables, Update, WalkRules, walk};
use crate::address::{Iova, Ipa, Pa};
use crate::attributes::Attributes;
use crate::attributes::stage1::{self, ShareabilitySource, with_incoming_hints};
use crate::bus::Bus;
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
pub(super) struct Stage1Input<A> {
    pub(super) address: Iova,
    pub(super) access: A,
}

/// What stage 1 found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mapped<A> {
    /// What it grants.
    pub(super) granted: A,
    /// The output address: an IPA, which is physical where stage 2 is bypassed.
    pub(super) ipa: Ipa,
    leaf: Stage1Leaf,
    shareability: ShareabilitySource,
    /// log2 of the page or block.
    pub(super) size_bits: u8,
}

impl<A> Mapped<A> {
    /// The attributes of the access after stage 1 (§13.4.2); `input` is what enters it.
    #[inline(always)]
    pub(super) fn attributes<E: Env>(&self, env: &mut E, context: &Context, input: Attributes) -> Attributes {
        let page = stage1::page(env, context.types.select(self.leaf), self.shareability, self.leaf);
        with_incoming_hints(page, input)
    }
}

const AF: u64 = 1 << 10;
const AP_READ_ONLY: u64 = 1 << 7;

/// Translates one address.
#[inline(always)]
pub(super) fn translate<E: Env, A: Ask>(
    env: &mut E,
    f: &Features,
    context: &Context,
    stage2: Option<&Stage2>,
    input: Stage1Input<A>,
) -> Result<Mapped<A>, Stop> {
    let half = select(context, input)?;
    let Some(table) = &half.table else {
        return Err(Stop::at_input(Rule::Stage1TableDisabled));
    };
    let mut tables = Stage1Tables { f, context, stage2, half, table };
    for _ in 0..MAX_RESTARTS {
        if let Some(mapped) = attempt(env, &mut tables, input)? {
            return Ok(mapped);
        }
    }
    Err(Stop::at_input(Rule::Stage1UpdateAborted))
}

/// One walk and its judgement; `None` if the walk must start again. Out of line, so that its loop has the
/// registers of the processor to itself.
#[inline(never)]
fn attempt<E: Env, A: Ask>(
    env: &mut E,
    tables: &mut Stage1Tables<'_>,
    input: Stage1Input<A>,
) -> Result<Option<Mapped<A>>, Stop> {
    let va = input.address.value();
    let Some(leaf) = walk(env, tables.table, tables, va)? else { return Ok(None) };
    let (granted, new) = judge(env, tables, &leaf, input.access)?;
    if new != leaf.entry.raw && tables.update(env, &leaf.entry, new)? == Update::Changed {
        return Ok(None);
    }
    env.trace(|| Event::Translated {
        stage: Stage::One,
        class: None,
        input: va,
        output: leaf.output,
        size_log2: leaf.size_bits,
    });
    Ok(Some(Mapped {
        granted,
        ipa: Ipa::new(leaf.output),
        leaf: Stage1Leaf::from_bits(new),
        shareability: tables.half.shareability,
        size_bits: leaf.size_bits,
    }))
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
fn judge<E: Env, A: Ask>(
    env: &mut E,
    tables: &mut Stage1Tables<'_>,
    leaf: &Leaf,
    access: A,
) -> Result<(A, u64), Stop> {
    let context = tables.context;
    let raw = leaf.entry.raw;
    let flag = if raw & AF == 0 && context.ha { AF } else { 0 };
    if raw & AF == 0 && !context.ha && !context.affd {
        return Err(Stop::at_input(Rule::Stage1AccessFlag));
    }
    let descriptor = Stage1Leaf::from_bits(raw);
    let dirty = context.hd && descriptor.dbm();
    let hierarchy = if tables.half.hierarchical { leaf.hierarchy } else { 0 };
    let granted = match access.stage1(descriptor, hierarchy, dirty, context.rules) {
        Ok(granted) => granted,
        Err(rule) => {
            if flag != 0 && sets_flag_on_fault(env) {
                env.note(Rule::Stage1SetsAccessFlag);
                tables.update(env, &leaf.entry, raw | flag)?;
            }
            return Err(Stop::at_input(rule));
        }
    };
    let cleans = dirty && granted.dirties() && raw & AP_READ_ONLY != 0;
    if flag != 0 {
        env.note(Rule::Stage1SetsAccessFlag);
    }
    if cleans {
        env.note(Rule::Stage1SetsDirty);
    }
    Ok((granted, (raw | flag) & !if cleans { AP_READ_ONLY } else { 0 }))
}

struct Stage1Tables<'a> {
    f: &'a Features,
    context: &'a Context,
    stage2: Option<&'a Stage2>,
    half: &'a Half,
    table: &'a Table,
}

impl Stage1Tables<'_> {
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
        exchange(env, Stage::One, self.table, &Entry { at, ..*entry }, new).map_err(|_abort| aborted)
    }
}
