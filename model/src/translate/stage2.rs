//! Stage 2 (§3.4, §5.2; DDI 0487 D8): from an IPA to a physical address.

use super::ask::Ask;
use super::walk::{Entry, Leaf, Tables, Update, WalkRules, walk};
use crate::address::{Ipa, Pa};
use crate::attributes::{Attributes, MemoryType};
use crate::bus::Bus;
use crate::choice::answer::AccessFlagOnPermissionFault;
use crate::config::geometry::Table;
use crate::config::ste::Stage2;
use crate::env::Env;
use crate::features::Features;
use crate::layout::descriptor::Stage2Leaf;
use crate::outcome::{Class, Site, Stage, Stop};
use crate::rule::Rule;
use crate::trace::Event;
use crate::transaction::Direction;

/// What stage 2 is asked to translate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<A> {
    pub(super) ipa: Ipa,
    /// What the IPA is; the access of the SMMU itself if not [`Class::Input`].
    pub(super) class: Class,
    pub(super) access: A,
}

/// What stage 2 found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mapped<A> {
    /// What it grants.
    pub(super) granted: A,
    pub(super) pa: Pa,
    /// log2 of the page or block.
    pub(super) size_bits: u8,
    leaf: Stage2Leaf,
}

impl<A> Mapped<A> {
    /// The attributes of the access: those that enter stage 2, combined with the descriptor (§13.4.3).
    #[inline(always)]
    pub(super) fn attributes<E: Env>(&self, env: &mut E, stage2: &Stage2, input: Attributes) -> Attributes {
        stage2.attributes.decode(env, self.leaf).apply(input)
    }
}

/// A walk is started again at most so often after a hardware update found its descriptor changed. Only
/// other masters, or tables that overlap, can change it; real hardware would go on for ever.
pub(super) const MAX_RESTARTS: u8 = 16;

const AF: u64 = 1 << 10;
const S2AP_WRITE: u64 = 1 << 7;

/// Translates one IPA.
#[inline(always)]
pub(super) fn translate<E: Env, A: Ask>(
    env: &mut E,
    f: &Features,
    stage2: &Stage2,
    request: Request<A>,
) -> Result<Mapped<A>, Stop> {
    for _ in 0..MAX_RESTARTS {
        if let Some(mapped) = attempt(env, f, stage2, request)? {
            return Ok(mapped);
        }
    }
    Err(Stage2Tables { stage2, request }.stop(Rule::Stage2UpdateAborted))
}

/// One walk and its judgement; `None` if the walk must start again. Out of line, so that its loop has the
/// registers of the processor to itself.
#[inline(never)]
fn attempt<E: Env, A: Ask>(
    env: &mut E,
    f: &Features,
    stage2: &Stage2,
    request: Request<A>,
) -> Result<Option<Mapped<A>>, Stop> {
    let mut tables = Stage2Tables { stage2, request };
    let ipa = request.ipa.value();
    if ipa & stage2.table.beyond_input != 0 {
        return Err(tables.stop(Rule::Stage2InputRange));
    }
    let Some(leaf) = walk(env, &stage2.table, &mut tables, ipa)? else { return Ok(None) };
    let (granted, new) = judge(env, f, &mut tables, &leaf)?;
    if new != leaf.entry.raw && tables.update(env, &leaf.entry, new)? == Update::Changed {
        return Ok(None);
    }
    env.trace(|| Event::Translated {
        stage: Stage::Two,
        class: Some(request.class),
        input: ipa,
        output: leaf.output,
        size_log2: leaf.size_bits,
    });
    Ok(Some(Mapped {
        granted,
        pa: Pa::new(leaf.output),
        leaf: Stage2Leaf::from_bits(new),
        size_bits: leaf.size_bits,
    }))
}

/// Access flag, then permissions (§7.3.22). Returns what is granted, and the descriptor as hardware leaves it.
#[inline(always)]
fn judge<E: Env, A: Ask>(
    env: &mut E,
    f: &Features,
    tables: &mut Stage2Tables<'_, A>,
    leaf: &Leaf,
) -> Result<(A, u64), Stop> {
    let stage2 = tables.stage2;
    let raw = leaf.entry.raw;
    let flag = if raw & AF == 0 && stage2.ha { AF } else { 0 };
    if raw & AF == 0 && !stage2.ha && !stage2.affd {
        return Err(tables.stop(Rule::Stage2AccessFlag));
    }
    let Request { access, class, .. } = tables.request;
    let descriptor = Stage2Leaf::from_bits(raw);
    let dirty = stage2.hd && descriptor.dbm();
    let permitted = match access.stage2(descriptor, dirty, f.xnx) {
        Err(rule) => Err(refusal(class, rule)),
        Ok(_) if protected(env, stage2, class, descriptor) => Err(Rule::Stage2ProtectedTableWalk),
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
            return Err(tables.stop(rule));
        }
    };
    let set_dirty = if dirty && granted.dirties() && !descriptor.s2ap_write() { S2AP_WRITE } else { 0 };
    if flag != 0 {
        env.note(Rule::Stage2SetsAccessFlag);
    }
    if set_dirty != 0 {
        env.note(Rule::Stage2SetsDirty);
    }
    Ok((granted, raw | flag | set_dirty))
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
fn protected<E: Env>(env: &mut E, stage2: &Stage2, class: Class, descriptor: Stage2Leaf) -> bool {
    stage2.ptw && class != Class::Input && is_device(env, stage2, descriptor)
}

#[cold]
fn is_device<E: Env>(env: &mut E, stage2: &Stage2, descriptor: Stage2Leaf) -> bool {
    // The walk itself is always Normal; whether it stays so does not depend on its cacheability.
    let walk = Attributes::INCOMING_DEFAULT;
    matches!(stage2.attributes.decode(env, descriptor).apply(walk).memory_type, MemoryType::Device(_))
}

/// The Access flag may be set although the access is then refused (§3.13.2).
#[cold]
pub(super) fn sets_flag_on_fault<E: Env>(env: &mut E) -> bool {
    env.ask(&[AccessFlagOnPermissionFault::Leave, AccessFlagOnPermissionFault::Set])
        == AccessFlagOnPermissionFault::Set
}

struct Stage2Tables<'a, A> {
    stage2: &'a Stage2,
    request: Request<A>,
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

impl<E: Env, A: Copy> Tables<E> for Stage2Tables<'_, A> {
    const RULES: &'static WalkRules = &WalkRules {
        invalid: Rule::Stage2Invalid,
        reserved: Rule::Stage2Reserved,
        table_size: Rule::Stage2TableSize,
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
        self.stage2.haft
    }

    fn update(&mut self, env: &mut E, entry: &Entry, new: u64) -> Result<Update, Stop> {
        exchange(env, Stage::Two, &self.stage2.table, entry, new)
            .map_err(|_abort| self.descriptor_stop(Rule::Stage2UpdateAborted, entry.at))
    }
}

/// Atomically replaces a descriptor, in the byte order of its table (§3.13).
pub(super) fn exchange<E: Env>(
    env: &mut E,
    stage: Stage,
    table: &Table,
    entry: &Entry,
    new: u64,
) -> Result<Update, crate::bus::ExternalAbort> {
    let old = table.in_order(entry.raw);
    let found = env.bus().compare_exchange_u64(entry.at, old, table.in_order(new))?;
    if found != old {
        return Ok(Update::Changed);
    }
    env.trace(|| Event::DescriptorUpdate { stage, at: entry.at, raw: new });
    Ok(Update::Done)
}
