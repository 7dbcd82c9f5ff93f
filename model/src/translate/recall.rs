//! What a translation takes from earlier ones, and leaves for later ones: the TLB between the stages and memory.
//!
//! The stages ask their environment. [`Fresh`] knows nothing, so that everything is read from memory; [`Remembering`]
//! has the TLB. Faults of a walk are never cached, permission faults come from cached leaves too (§3.21.1).

use super::agree;
use super::ask::Ask;
use super::prefetch;
use super::stage1::{self, Stage1Query};
use super::stage2::{self, Request};
use super::walk::{Leaf, Start, Step};
use crate::cache::entry::{Combined, Stage1Entry, Stage1Terms, Stage2Entry, Stage2Terms, TableEntry};
use crate::cache::tlb::Tlb;
use crate::cache::{Born, CachePolicy, Found, Pending};
use crate::choice::Answer;
use crate::choice::answer::{CacheUse, TlbConflict};
use crate::config::geometry::Table;
use crate::config::ste::Stage2;
use crate::env::Env;
use crate::features::Features;
use crate::layout::descriptor::Stage1Leaf;
use crate::outcome::{Site, Stop};
use crate::rule::Rule;
use crate::trace::{CacheEntry, Difference, Event};

/// An environment that may know translations.
pub(crate) trait Recall: Env {
    /// What stage 1 and stage 2 together make of the query.
    #[inline(always)]
    fn both<A: Ask>(&mut self, _query: &Stage1Query<'_, A>, _stage2: &Stage2) -> Option<Both<A>> {
        None
    }

    /// What stage 1 makes of the query.
    #[inline(always)]
    fn stage1<A: Ask>(&mut self, _query: &Stage1Query<'_, A>) -> Option<Result<stage1::Mapped<A>, Stop>> {
        None
    }

    /// What stage 2 makes of the request.
    #[inline(always)]
    fn stage2<A: Ask>(
        &mut self,
        _stage2: &Stage2,
        _request: Request<A>,
    ) -> Option<Result<stage2::Mapped<A>, Stop>> {
        None
    }

    /// A stage 1 table on the way, with that the walk can start.
    #[inline(always)]
    fn stage1_start<A: Ask>(&mut self, _query: &Stage1Query<'_, A>, _table: &Table) -> Option<Start> {
        None
    }

    /// A stage 2 table on the way, with that the walk can start.
    #[inline(always)]
    fn stage2_start<A: Ask>(&mut self, _stage2: &Stage2, _request: Request<A>) -> Option<Start> {
        None
    }

    /// Stage 1 found a Table descriptor.
    #[inline(always)]
    fn keep_stage1_table<A: Ask>(&mut self, _query: &Stage1Query<'_, A>, _step: Step) {}

    /// Stage 2 found a Table descriptor.
    #[inline(always)]
    fn keep_stage2_table<A: Ask>(&mut self, _stage2: &Stage2, _request: Request<A>, _step: Step) {}

    /// Stage 1 found a leaf that has no other fault than that of a permission; hardware leaves it as `raw`.
    #[inline(always)]
    fn keep_stage1<A: Ask>(&mut self, _query: &Stage1Query<'_, A>, _leaf: &Leaf, _raw: u64) {}

    /// The same of stage 2.
    #[inline(always)]
    fn keep_stage2<A: Ask>(&mut self, _stage2: &Stage2, _request: Request<A>, _leaf: &Leaf, _raw: u64) {}

    /// Both stages have translated the query.
    #[inline(always)]
    fn keep_both<A: Ask>(
        &mut self,
        _query: &Stage1Query<'_, A>,
        _stage2: &Stage2,
        _stage1: &stage1::Mapped<A>,
    ) {
    }

    /// Whether a cache entry is used; if not, it is as if it had gone. `difference` compares it with memory.
    #[inline(always)]
    fn admits(
        &mut self,
        _entry: impl Fn() -> CacheEntry,
        _born: Born,
        _difference: impl FnOnce(&mut Self) -> Option<Difference>,
    ) -> bool {
        true
    }

    /// The birth of what is cached now.
    #[inline(always)]
    fn now(&self) -> Born {
        Born::default()
    }

    /// Whether hardware sets a clear Access flag that it keeps. Only where nothing needs the translation, it need not.
    #[inline(always)]
    fn sets_access_flag(&mut self) -> bool {
        true
    }
}

/// What a combined entry yields.
pub(crate) type Both<A> = Result<(stage1::Mapped<A>, stage2::Mapped<A>), Stop>;

/// An environment that knows no translation.
#[derive(Debug)]
pub(crate) struct Fresh<'a, E>(pub(crate) &'a mut E);

/// An environment with a TLB.
#[derive(Debug)]
pub(crate) struct Remembering<'a, E> {
    pub(super) env: &'a mut E,
    pub(super) tlb: &'a mut Tlb,
    /// Invalidations that are not complete.
    pending: &'a [Pending],
    policy: CachePolicy,
    now: Born,
    /// IDR3.BBML.
    bbml: u8,
    /// Memory was not looked at, nothing was asked, and nothing was cached.
    is_untouched: bool,
    /// Nothing needs what is fetched.
    is_ahead: bool,
}

impl<'a, E> Remembering<'a, E> {
    /// An environment with this TLB, and with invalidations that are not complete.
    #[inline(always)]
    pub(super) fn new(
        env: &'a mut E,
        f: &Features,
        (policy, now): (CachePolicy, Born),
        tlb: &'a mut Tlb,
        pending: &'a [Pending],
    ) -> Self {
        Self { env, tlb, pending, policy, now, bbml: f.bbml, is_untouched: true, is_ahead: false }
    }

    /// The same, for what is fetched before anything needs it.
    pub(super) fn ahead(self) -> Self {
        Self { is_ahead: true, ..self }
    }

    /// What was found came from caches alone, and left them as they were.
    #[inline(always)]
    pub(super) fn is_untouched(&self) -> bool {
        self.is_untouched
    }
}

impl<E: Env> Env for Fresh<'_, E> {
    type Bus = E::Bus;

    const LISTENS: bool = E::LISTENS;

    #[inline(always)]
    fn bus(&mut self) -> &mut E::Bus {
        self.0.bus()
    }

    #[inline(always)]
    fn ask<A: Answer>(&mut self, permitted: &[A]) -> A {
        self.0.ask(permitted)
    }

    #[inline(always)]
    fn note(&mut self, rule: Rule) {
        self.0.note(rule);
    }

    #[inline(always)]
    fn trace(&mut self, event: impl FnOnce() -> Event) {
        self.0.trace(event);
    }
}

impl<E: Env> Env for Remembering<'_, E> {
    type Bus = E::Bus;

    const LISTENS: bool = E::LISTENS;

    #[inline(always)]
    fn bus(&mut self) -> &mut E::Bus {
        self.is_untouched = false;
        self.env.bus()
    }

    #[inline(always)]
    fn ask<A: Answer>(&mut self, permitted: &[A]) -> A {
        self.is_untouched = false;
        self.env.ask(permitted)
    }

    #[inline(always)]
    fn note(&mut self, rule: Rule) {
        self.env.note(rule);
    }

    #[inline(always)]
    fn trace(&mut self, event: impl FnOnce() -> Event) {
        self.env.trace(event);
    }
}

impl<E: Env> Recall for Fresh<'_, E> {}

/// nT is bit 16 of a Block: with BBML 1 it is not to be cached in a way that conflicts. We do not cache it (§3.21.1.2).
const NT: u64 = 1 << 16;

impl<E: Env> Recall for Remembering<'_, E> {
    #[inline(always)]
    fn both<A: Ask>(&mut self, query: &Stage1Query<'_, A>, stage2: &Stage2) -> Option<Both<A>> {
        let found = self.tlb.combined(query.tags, query.va)?;
        let matches = (*found.entry, found.other.copied());
        let entry = match self.one_of(matches, Site::Stage1, |tlb| tlb.drop_va(query.tags, query.va))? {
            Ok(entry) => entry,
            Err(stop) => return Some(Err(stop)),
        };
        let born = if entry.stage1.born.epoch < entry.stage2.born.epoch {
            entry.stage1.born
        } else {
            entry.stage2.born
        };
        let admitted = self.admits(
            || query.combined(&entry),
            born,
            |this| {
                let ipa = entry.stage1.ipa(query.va);
                agree::stage1(this, query, &entry.stage1)
                    .or_else(|| agree::stage2(this, stage2, ipa, &entry.stage2))
            },
        );
        if admitted { query.both(self, stage2, &entry) } else { None }
    }

    #[inline(always)]
    fn stage1<A: Ask>(&mut self, query: &Stage1Query<'_, A>) -> Option<Result<stage1::Mapped<A>, Stop>> {
        let found = self.tlb.stage1(query.tags, query.va)?;
        let matches = (*found.entry, found.other.copied());
        let entry = match self.one_of(matches, Site::Stage1, |tlb| tlb.drop_va(query.tags, query.va))? {
            Ok(entry) => entry,
            Err(stop) => return Some(Err(stop)),
        };
        let admitted =
            self.admits(|| query.leaf(&entry), entry.born, |this| agree::stage1(this, query, &entry));
        if admitted { query.recalled(self, &entry) } else { None }
    }

    #[inline(always)]
    fn stage2<A: Ask>(
        &mut self,
        stage2: &Stage2,
        request: Request<A>,
    ) -> Option<Result<stage2::Mapped<A>, Stop>> {
        let ipa = request.ipa.value();
        let found = self.tlb.stage2(stage2.vmid, ipa)?;
        let matches = (*found.entry, found.other.copied());
        let site = Site::Stage2 { class: request.class, ipa: request.ipa };
        let entry = match self.one_of(matches, site, |tlb| tlb.drop_ipa(stage2.vmid, ipa))? {
            Ok(entry) => entry,
            Err(stop) => return Some(Err(stop)),
        };
        let cached = || CacheEntry::Stage2 { vmid: stage2.vmid, ipa, size_log2: entry.size_bits };
        let admitted = self.admits(cached, entry.born, |this| agree::stage2(this, stage2, ipa, &entry));
        if admitted { stage2::recalled(self, &entry, request, stage2.xnx) } else { None }
    }

    #[inline(always)]
    fn stage1_start<A: Ask>(&mut self, query: &Stage1Query<'_, A>, table: &Table) -> Option<Start> {
        let (size_bits, entry) = self.tlb.stage1_table(query.tags, query.va, table.table_sizes)?;
        let cached = || CacheEntry::Stage1Table {
            regime: query.input.regime,
            space: query.tags.space(true),
            va: query.va,
            size_log2: size_bits,
        };
        let difference = |this: &mut Self| agree::stage1_table(this, query, size_bits, &entry);
        self.admits(cached, entry.born, difference)
            .then(|| Start::behind(table, size_bits, entry.next, u64::from(entry.hierarchy) << 59))
    }

    #[inline(always)]
    fn stage2_start<A: Ask>(&mut self, stage2: &Stage2, request: Request<A>) -> Option<Start> {
        let (table, ipa) = (&stage2.table, request.ipa.value());
        let (size_bits, entry) = self.tlb.stage2_table(stage2.vmid, ipa, table.table_sizes)?;
        let cached = || CacheEntry::Stage2Table { vmid: stage2.vmid, ipa, size_log2: size_bits };
        let difference = |this: &mut Self| agree::stage2_table(this, stage2, ipa, size_bits, &entry);
        self.admits(cached, entry.born, difference).then(|| Start::behind(table, size_bits, entry.next, 0))
    }

    fn keep_stage1_table<A: Ask>(&mut self, query: &Stage1Query<'_, A>, step: Step) {
        let hierarchy = high_bits(step.hierarchy);
        let entry = TableEntry { next: step.next, hierarchy, aset: query.context.aset, born: self.now };
        self.tlb.insert_stage1_table(query.tags, query.va, step.size_bits, entry);
    }

    fn keep_stage2_table<A: Ask>(&mut self, stage2: &Stage2, request: Request<A>, step: Step) {
        let entry = TableEntry { next: step.next, hierarchy: 0, aset: false, born: self.now };
        self.tlb.insert_stage2_table(stage2.vmid, request.ipa.value(), step.size_bits, entry);
    }

    #[inline(always)]
    fn keep_stage1<A: Ask>(&mut self, query: &Stage1Query<'_, A>, leaf: &Leaf, raw: u64) {
        let (context, half) = (query.context, query.half);
        let is_nt = self.bbml == 1 && leaf.entry.level < 3 && raw & NT != 0;
        if is_nt || context.leaves_clear(raw) {
            return;
        }
        let descriptor = Stage1Leaf::from_bits(raw);
        let entry = Stage1Entry {
            leaf: raw,
            output: leaf.output & !crate::address::low_mask(leaf.size_bits),
            size_bits: leaf.size_bits,
            hierarchy: if half.hierarchical { high_bits(leaf.hierarchy) } else { 0 },
            terms: Stage1Terms { rules: context.rules, affd: context.affd, ha: context.ha, hd: context.hd },
            memory_type: context.types.select(descriptor),
            shareability: half.shareability,
            aset: context.aset,
            born: self.now,
        };
        self.tlb.insert_stage1(query.tags, query.va, descriptor.ng(), entry);
    }

    #[inline(always)]
    fn keep_stage2<A: Ask>(&mut self, stage2: &Stage2, request: Request<A>, leaf: &Leaf, raw: u64) {
        let is_nt = self.bbml == 1 && leaf.entry.level < 3 && raw & NT != 0;
        if is_nt || stage2.leaves_clear(raw) {
            return;
        }
        let entry = Stage2Entry {
            leaf: raw,
            output: leaf.output & !crate::address::low_mask(leaf.size_bits),
            size_bits: leaf.size_bits,
            terms: Stage2Terms {
                affd: stage2.affd,
                ha: stage2.ha,
                hd: stage2.hd,
                ptw: stage2.ptw,
                attributes: stage2.attributes,
            },
            born: self.now,
        };
        self.tlb.insert_stage2(stage2.vmid, request.ipa.value(), entry);
    }

    /// Both are cached by now, unless they may not be.
    #[inline(always)]
    fn keep_both<A: Ask>(&mut self, query: &Stage1Query<'_, A>, stage2: &Stage2, mapped: &stage1::Mapped<A>) {
        let ipa = mapped.ipa.value();
        let Some(&Found { entry: &stage1, other: None }) = self.tlb.stage1(query.tags, query.va).as_ref()
        else {
            return;
        };
        let Some(&Found { entry: &stage2, other: None }) = self.tlb.stage2(stage2.vmid, ipa).as_ref() else {
            return;
        };
        if stage1.ipa(query.va) == ipa {
            self.is_untouched = false;
            let not_global = Stage1Leaf::from_bits(stage1.leaf).ng();
            self.tlb.insert_combined(query.tags, query.va, not_global, Combined { stage1, stage2 });
        }
    }

    #[inline(always)]
    fn admits(
        &mut self,
        entry: impl Fn() -> CacheEntry,
        born: Born,
        difference: impl FnOnce(&mut Self) -> Option<Difference>,
    ) -> bool {
        let chooses = self.policy == CachePolicy::Choose;
        if (E::LISTENS || chooses)
            && let Some(difference) = difference(self)
        {
            if chooses && self.ask(&[CacheUse::Use, CacheUse::Miss]) == CacheUse::Miss {
                return false;
            }
            let invalidated = self.pending.iter().any(|pending| pending.covers(entry(), born));
            self.trace(|| Event::Stale { entry: entry(), born: born.moment, difference, invalidated });
        }
        self.trace(|| Event::Cached { entry: entry(), born: born.moment });
        true
    }

    #[inline(always)]
    fn now(&self) -> Born {
        self.now
    }

    #[inline(always)]
    fn sets_access_flag(&mut self) -> bool {
        !self.is_ahead || prefetch::sets_access_flag(self)
    }
}

/// Bits [63:59].
#[inline]
fn high_bits(hierarchy: u64) -> u8 {
    u8::try_from(hierarchy >> 59).expect("five bits")
}

impl<E: Env> Remembering<'_, E> {
    /// The entry to use of those that match, the smaller first; `None` if memory is to be read.
    #[inline(always)]
    fn one_of<V>(
        &mut self,
        (smaller, larger): (V, Option<V>),
        site: Site,
        drop_all: impl FnOnce(&mut Tlb),
    ) -> Option<Result<V, Stop>> {
        match larger {
            None => Some(Ok(smaller)),
            Some(larger) => self.resolve((smaller, larger), site, drop_all),
        }
    }

    /// Two entries match. With BBML 2 that is never an error (§3.20.1, §3.21.1.3).
    #[cold]
    fn resolve<V>(
        &mut self,
        (smaller, larger): (V, V),
        site: Site,
        drop_all: impl FnOnce(&mut Tlb),
    ) -> Option<Result<V, Stop>> {
        use TlbConflict::{Larger, Report, Smaller, Walk};
        let permitted: &[_] =
            if self.bbml == 2 { &[Walk, Smaller, Larger] } else { &[Report, Walk, Smaller, Larger] };
        match self.ask(permitted) {
            Report => Some(Err(Stop { rule: Rule::TlbConflict, site })),
            Walk => {
                drop_all(self.tlb);
                None
            }
            Smaller => Some(Ok(smaller)),
            Larger => Some(Ok(larger)),
        }
    }
}
