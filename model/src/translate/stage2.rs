//! Stage 2 (§3.4, §5.2; DDI 0487 D8): from an IPA to a physical address.

use super::ask::Ask;
use super::recall::Recall;
use super::walk::{Entry, Leaf, Start, Step, Tables, Update, WalkRules, Walked, walk};
use crate::address::{Ipa, Pa};
use crate::attributes::stage2::{Stage2Page, Stage2Settings};
use crate::attributes::{Attributes, MemoryType};
use crate::bus::{Bus, ExternalAbort};
use crate::cache::entry::Stage2Entry;
use crate::choice::answer::{AccessFlagOnPermissionFault, HttuWalkAttributes, Stage2DirtyAhead};
use crate::config::geometry::Table;
use crate::config::ste::Stage2;
use crate::env::Env;
use crate::layout::descriptor::Stage2Leaf;
use crate::outcome::{Class, Site, Stage, Stop};
use crate::rule::Rule;
use crate::trace::Event;
use crate::transaction::Direction;

/// What stage 2 is asked to translate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<A> {
    pub(super) ipa: Ipa,
    /// What the IPA is; the access of the SMMU itself if not [`Class::Input`].
    pub(super) class: Class,
    pub(super) access: A,
}

/// What stage 2 found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mapped<A> {
    /// What it grants.
    pub(super) granted: A,
    pub(super) pa: Pa,
    /// log2 of the page or block.
    pub(super) size_bits: u8,
    leaf: Stage2Leaf,
    settings: Stage2Settings,
}

impl<A> Mapped<A> {
    /// The attributes of the access: those that enter stage 2, combined with the descriptor (§13.4.3).
    #[inline(always)]
    pub(super) fn attributes<E: Env>(&self, env: &mut E, input: Attributes) -> Attributes {
        self.page(env).apply(input)
    }

    /// Whether an access of the SMMU that stage 1 configures as Write-Back stays so.
    pub(super) fn keeps_write_back(&self) -> bool {
        self.settings.keeps_write_back(self.leaf)
    }

    /// What the descriptor does to attributes.
    #[inline(always)]
    pub(super) fn page<E: Env>(&self, env: &mut E) -> Stage2Page {
        self.settings.decode(env, self.leaf)
    }
}

/// A walk is started again at most so often after a hardware update found its descriptor changed. Only
/// other masters, or tables that overlap, can change it; real hardware would go on for ever.
pub(super) const MAX_RESTARTS: u8 = 15;

const AF: u64 = 1 << 10;
const S2AP_WRITE: u64 = 1 << 7;

/// Translates one IPA.
#[inline(always)]
pub(super) fn translate<E: Recall, A: Ask>(
    env: &mut E,
    stage2: &Stage2,
    request: Request<A>,
) -> Result<Mapped<A>, Stop> {
    if let Some(recalled) = env.stage2(stage2, request) {
        return recalled;
    }
    let Request { ipa, class, access } = request;
    attempt(env, stage2, ipa, class, access, MAX_RESTARTS)
}

/// One walk and its judgement, and `restarts` more if hardware updates find descriptors changed. Out of line,
/// so that its loop has the registers of the processor to itself; the parts of the request one by one, because each fits one.
#[inline(never)]
fn attempt<E: Recall, A: Ask>(
    env: &mut E,
    stage2: &Stage2,
    ipa: Ipa,
    class: Class,
    access: A,
    restarts: u8,
) -> Result<Mapped<A>, Stop> {
    let request = Request { ipa, class, access };
    let mut tables = Stage2Tables { stage2, request };
    let ipa = request.ipa.value();
    if ipa & stage2.table.beyond_input != 0 {
        return Err(tables.stop(Rule::Stage2InputRange));
    }
    let leaf = match walk(env, &stage2.table, &mut tables, ipa)? {
        Walked::Leaf(leaf) => leaf,
        Walked::Changed(at) => return restart(env, stage2, request, (restarts, at)),
    };
    let (granted, new) = judge(env, &mut tables, &leaf)?;
    if new != leaf.entry.raw && tables.update(env, &leaf.entry, new)? == Update::Changed {
        return restart(env, stage2, request, (restarts, leaf.entry.at));
    }
    // What hardware was not to mark as accessed is not cached as if it were (§3.13.1).
    if granted.updates() && leaf.is_usable(&stage2.table) {
        env.keep_stage2(stage2, request, &leaf, new);
    }
    let size_bits = leaf.usable_bits(&stage2.table);
    env.trace(|| Event::Translated {
        stage: Stage::Two,
        class: Some(request.class),
        input: ipa,
        output: leaf.output,
        size_log2: size_bits,
    });
    Ok(Mapped {
        granted,
        pa: Pa::new(leaf.output),
        leaf: Stage2Leaf::from_bits(new),
        size_bits,
        settings: stage2.attributes,
    })
}

/// What a cached leaf makes of a request; `None` if hardware has to update the descriptor in memory.
#[inline(always)]
pub(super) fn recalled<E: Env, A: Ask>(
    env: &mut E,
    entry: &Stage2Entry,
    request: Request<A>,
    xnx: bool,
) -> Option<Result<Mapped<A>, Stop>> {
    let Request { ipa, class, access } = request;
    let (descriptor, terms) = (Stage2Leaf::from_bits(entry.leaf), entry.terms);
    let dirty = terms.hd && descriptor.dbm();
    let permitted = match access.stage2(descriptor, dirty, xnx) {
        Err(rule) => Err(refusal(class, rule)),
        Ok(_) if protected(env, terms.ptw, &terms.attributes, class, descriptor) => {
            Err(Rule::Stage2ProtectedTableWalk)
        }
        Ok(granted) => Ok(granted),
    };
    let granted = match permitted {
        Ok(granted) => granted,
        Err(rule) => return Some(Err(Stop { rule, site: Site::Stage2 { class, ipa } })),
    };
    if dirty && granted.updates() && granted.dirties() && !descriptor.s2ap_write() {
        return None;
    }
    let output = entry.pa(ipa.value());
    env.trace(|| Event::Translated {
        stage: Stage::Two,
        class: Some(class),
        input: ipa.value(),
        output,
        size_log2: entry.size_bits,
    });
    Some(Ok(Mapped {
        granted,
        pa: Pa::new(output),
        leaf: descriptor,
        size_bits: entry.size_bits,
        settings: terms.attributes,
    }))
}

/// Starts again because the descriptor at `at` changed, or gives up on it. A call, not a loop around the walk: the
/// compiler would prepare every walk for a second one.
#[cold]
fn restart<E: Recall, A: Ask>(
    env: &mut E,
    stage2: &Stage2,
    request: Request<A>,
    (restarts, at): (u8, Pa),
) -> Result<Mapped<A>, Stop> {
    let Request { ipa, class, access } = request;
    match restarts.checked_sub(1) {
        Some(restarts) => attempt(env, stage2, ipa, class, access, restarts),
        None => Err(Stage2Tables { stage2, request }.descriptor_stop(Rule::Stage2UpdateAborted, at)),
    }
}

/// Access flag, then permissions (§7.3.22). Returns what is granted, and the descriptor as hardware leaves it.
#[inline(always)]
fn judge<E: Recall, A: Ask>(
    env: &mut E,
    tables: &mut Stage2Tables<'_, A>,
    leaf: &Leaf,
) -> Result<(A, u64), Stop> {
    let stage2 = tables.stage2;
    let raw = leaf.entry.raw;
    let flag = if raw & AF == 0 && stage2.ha && !stage2.leaves_flags { AF } else { 0 };
    if raw & AF == 0 && !stage2.ha && !stage2.affd || flag != 0 && !env.sets_access_flag() {
        return Err(tables.stop(Rule::Stage2AccessFlag));
    }
    let Request { access, class, .. } = tables.request;
    let descriptor = Stage2Leaf::from_bits(raw);
    let dirty = stage2.hd && descriptor.dbm();
    let permitted = match access.stage2(descriptor, dirty, stage2.xnx) {
        Err(rule) => Err(refusal(class, rule)),
        Ok(_) if protected(env, stage2.ptw, &stage2.attributes, class, descriptor) => {
            Err(Rule::Stage2ProtectedTableWalk)
        }
        Ok(granted) => Ok(granted),
    };
    let granted = match permitted {
        Ok(granted) if !granted.updates() => return Ok((granted, raw)),
        Ok(granted) => granted,
        Err(rule) => {
            if flag != 0 && access.updates() && sets_flag_on_fault(env) {
                env.note(Rule::Stage2SetsAccessFlag);
                tables.update(env, &leaf.entry, raw | flag)?;
            }
            if flag == 0 && leaf.is_usable(&stage2.table) {
                env.keep_stage2(stage2, tables.request, leaf, raw);
            }
            return Err(tables.stop(rule));
        }
    };
    let clean = dirty && !stage2.stays_clean && !descriptor.s2ap_write();
    let set_dirty = if clean && (granted.dirties() || dirties_ahead(env, class)) { S2AP_WRITE } else { 0 };
    if flag != 0 {
        env.note(Rule::Stage2SetsAccessFlag);
    }
    if set_dirty != 0 {
        env.note(Rule::Stage2SetsDirty);
    }
    Ok((granted, raw | flag | set_dirty))
}

/// Whether the page of a stage 1 descriptor becomes dirty already when the descriptor is read (§3.13.4, §3.13.5).
#[cold]
fn dirties_ahead<E: Env>(env: &mut E, class: Class) -> bool {
    class == Class::TableWalk(Direction::Read)
        && env.ask(&[Stage2DirtyAhead::WhenWritten, Stage2DirtyAhead::Ahead]) == Stage2DirtyAhead::Ahead
}

/// A write that stage 2 denies to the update of a stage 1 descriptor has a name of its own.
fn refusal(class: Class, rule: Rule) -> Rule {
    match class {
        Class::TableWalk(Direction::Write) => Rule::Stage2DescriptorUpdateDenied,
        Class::TableWalk(Direction::Read) | Class::Cd | Class::Input => rule,
    }
}

/// S2PTW: the SMMU's own accesses do not go to Device memory (§5.2 S2PTW).
#[inline(always)]
fn protected<E: Env>(
    env: &mut E,
    ptw: bool,
    settings: &Stage2Settings,
    class: Class,
    descriptor: Stage2Leaf,
) -> bool {
    ptw && class != Class::Input && is_device(env, settings, descriptor)
}

#[cold]
fn is_device<E: Env>(env: &mut E, settings: &Stage2Settings, descriptor: Stage2Leaf) -> bool {
    // The walk itself is always Normal; whether it stays so does not depend on its cacheability.
    let walk = Attributes::INCOMING_DEFAULT;
    matches!(settings.decode(env, descriptor).apply(walk).memory_type, MemoryType::Device(_))
}

/// The Access flag may be set although the access is then refused (§3.13.2).
#[cold]
pub(super) fn sets_flag_on_fault<E: Env>(env: &mut E) -> bool {
    env.ask(&[AccessFlagOnPermissionFault::Leave, AccessFlagOnPermissionFault::Set])
        == AccessFlagOnPermissionFault::Set
}

/// The tables of a request.
pub(super) struct Stage2Tables<'a, A> {
    pub(super) stage2: &'a Stage2,
    pub(super) request: Request<A>,
}

impl<A: Copy> Stage2Tables<'_, A> {
    fn stop(&self, rule: Rule) -> Stop {
        Stop { rule, site: Site::Stage2 { class: self.request.class, ipa: self.request.ipa } }
    }

    fn descriptor_stop(&self, rule: Rule, descriptor: Pa) -> Stop {
        let Request { class, ipa, .. } = self.request;
        Stop { rule, site: Site::Stage2Descriptor { class, ipa, descriptor } }
    }
}

impl<E: Recall, A: Ask> Tables<E> for Stage2Tables<'_, A> {
    const RULES: &'static WalkRules = &WalkRules {
        invalid: Rule::Stage2Invalid,
        reserved: Rule::Stage2Reserved,
        table_size: Rule::Stage2TableSize,
        access_flag: Rule::Stage2AccessFlag,
        output_size: Rule::Stage2OutputSize,
        contiguous: Rule::Stage2ContiguousRange,
        block: Rule::Stage2Block,
        page: Rule::Stage2Page,
        table_flag: Rule::Stage2SetsTableFlag,
    };

    #[inline(always)]
    fn site(&self) -> Site {
        Site::Stage2 { class: self.request.class, ipa: self.request.ipa }
    }

    #[inline(always)]
    fn start(&mut self, env: &mut E, table: &Table, _input: u64) -> Start {
        env.stage2_start(self.stage2, self.request).unwrap_or_else(|| Start::first(table))
    }

    #[inline(always)]
    fn passed(&mut self, env: &mut E, _input: u64, step: Step) {
        if !(self.stage2.haft && self.stage2.leaves_clear(step.raw)) {
            env.keep_stage2_table(self.stage2, self.request, step);
        }
    }

    #[inline(always)]
    fn read(&mut self, env: &mut E, address: u64, level: i8) -> Result<Entry, Stop> {
        let at = Pa::new(address);
        let found = env.bus().read_u64(at);
        let found = found.map_err(|_abort| self.descriptor_stop(Rule::Stage2WalkAborted, at))?;
        let raw = self.stage2.table.in_order(found);
        let class = Some(self.request.class);
        env.trace(|| Event::Descriptor { stage: Stage::Two, class, level, at, raw });
        Ok(Entry { address, at, raw, level })
    }

    #[inline(always)]
    fn updates_tables(&self) -> bool {
        self.stage2.haft && !self.stage2.leaves_flags
    }

    fn update(&mut self, env: &mut E, entry: &Entry, new: u64) -> Result<Update, Stop> {
        let walks =
            Walks { stage: Stage::Two, table: &self.stage2.table, write_back: self.stage2.write_back };
        exchange(env, walks, entry, new)
            .map_err(|_abort| self.descriptor_stop(Rule::Stage2UpdateAborted, entry.at))
    }
}

/// How hardware reaches the descriptors of a table.
pub(super) struct Walks<'a> {
    pub(super) stage: Stage,
    pub(super) table: &'a Table,
    /// The walks are Write-Back.
    pub(super) write_back: bool,
}

/// Atomically replaces a descriptor, in the byte order of its table (§3.13).
pub(super) fn exchange<E: Env>(
    env: &mut E,
    Walks { stage, table, write_back }: Walks<'_>,
    entry: &Entry,
    new: u64,
) -> Result<Update, ExternalAbort> {
    let (old, replaced) = (table.in_order(entry.raw), table.in_order(new));
    match if write_back { HttuWalkAttributes::Update } else { uncached_update(env) } {
        HttuWalkAttributes::Update => {
            if env.bus().compare_exchange_u64(entry.at, old, replaced)? != old {
                return Ok(Update::Changed);
            }
        }
        HttuWalkAttributes::NotAtomic => env.bus().write(entry.at, &replaced.to_le_bytes())?,
        HttuWalkAttributes::Abort => return Err(ExternalAbort),
    }
    env.trace(|| Event::DescriptorUpdate { stage, at: entry.at, raw: new });
    Ok(Update::Done)
}

/// How a table that is not walked as Write-Back is updated (§3.15).
#[cold]
fn uncached_update<E: Env>(env: &mut E) -> HttuWalkAttributes {
    env.ask(&[HttuWalkAttributes::Update, HttuWalkAttributes::NotAtomic, HttuWalkAttributes::Abort])
}
