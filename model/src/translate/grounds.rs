//! What a transaction that has just faulted was translated with: the same way is gone again, through the caches as they
//! are, without effects or questions. What is cached no longer rests on what it was found through.

use std::ops::RangeInclusive;

use super::ask::Ask;
use super::recall::{Both, Recall};
use super::sources::StreamSource;
use super::stage1::{self, Stage1Query};
use super::stage2::{self, Request};
use super::walk::{Leaf, Start, Step};
use super::{Seen, resolve_from};
use crate::bus::{Bus, ReadOnly};
use crate::cache::configuration::Configuration;
use crate::cache::tlb::Tlb;
use crate::cache::{CachePolicy, Caches};
use crate::choice::{Answer, Defaults};
use crate::config::Globals;
use crate::config::geometry::Table;
use crate::config::ste::Stage2;
use crate::env::{Env, World};
use crate::fault::grounds::{ContextGrounds, FoundLeaf, Grounds, Looked, VirtualSpace};
use crate::ids::{StreamId, Vmid};
use crate::layout::descriptor::Stage1Leaf;
use crate::outcome::{Class, Stop};
use crate::rule::Rule;
use crate::trace::{Event, Silence};
use crate::transaction::Transaction;

/// What the fault of `tx` rests on, with memory and caches as they were when it faulted.
#[cold]
pub(crate) fn grounds<B: Bus>(
    bus: &mut B,
    g: &Globals<'_>,
    caches: &mut Caches,
    tx: &Transaction,
) -> Grounds {
    let mut nothing = Caches::new(CachePolicy::None);
    let caches = if caches.policy == CachePolicy::None { &mut nothing } else { caches };
    let Caches { configuration: Configuration { streams, contexts }, tlb, .. } = caches;
    let (mut bus, mut seen) = (ReadOnly(bus), Seen::nothing(tx));
    let world = World { bus: &mut bus, chooser: &mut Defaults, sink: &mut Silence };
    let mut retracing = Retracing { world, tlb, va: None, ipas: Vec::new() };
    let _same = resolve_from(&mut retracing, g, streams, contexts, tx, &mut seen);
    let has_context = seen.stage1.is_some() || retracing.ipas.iter().any(|(class, ..)| *class == Class::Cd);
    let log2_contexts = match streams.stream(&mut retracing, g, tx.stream) {
        Ok(stream) => stream.stage1.as_ref().and_then(|table| table.log2_span()),
        Err(_stop) => None,
    };
    let index = tx.substream.map_or(0, |substream| substream.0);
    let StreamId(stream) = tx.stream;
    let level1 = around(stream, g.stream_table().log2_span());
    Grounds {
        stream: tx.stream,
        level1: StreamId(*level1.start())..=StreamId(*level1.end()),
        context: has_context.then(|| ContextGrounds { index, level1: around(index, log2_contexts) }),
        stage1: retracing.va,
        stage2: retracing.ipas.into_iter().map(|(_, vmid, looked)| (vmid, looked)).collect(),
    }
}

/// The numbers of which one descriptor of level 1 speaks; the number alone without level 1.
fn around(number: u32, log2_span: Option<u8>) -> RangeInclusive<u32> {
    let low = (1 << log2_span.unwrap_or(0)) - 1;
    number & !low..=number | low
}

/// Goes where the transaction went, and takes notes.
struct Retracing<'a, W> {
    world: W,
    tlb: &'a mut Tlb,
    va: Option<(VirtualSpace, Looked)>,
    ipas: Vec<(Class, Vmid, Looked)>,
}

impl<W: Env> Env for Retracing<'_, W> {
    type Bus = W::Bus;

    const LISTENS: bool = W::LISTENS;

    fn bus(&mut self) -> &mut W::Bus {
        self.world.bus()
    }

    fn ask<A: Answer>(&mut self, permitted: &[A]) -> A {
        self.world.ask(permitted)
    }

    fn note(&mut self, rule: Rule) {
        self.world.note(rule);
    }

    fn trace(&mut self, event: impl FnOnce() -> Event) {
        self.world.trace(event);
    }
}

impl<W: Env> Recall for Retracing<'_, W> {
    fn both<A: Ask>(&mut self, query: &Stage1Query<'_, A>, stage2: &Stage2) -> Option<Both<A>> {
        let entry = *self.tlb.combined(query.tags, query.va)?.entry;
        let not_global = Stage1Leaf::from_bits(entry.stage1.leaf).ng();
        let leaf = FoundLeaf { size_log2: entry.stage1.size_bits, not_global };
        self.va = Some((space(query), Looked { leaf: Some(leaf), ..nothing_at(query.va) }));
        let ipa = entry.stage1.ipa(query.va);
        let leaf = FoundLeaf { size_log2: entry.stage2.size_bits, not_global: true };
        self.ipas.push((Class::Input, stage2.vmid, Looked { leaf: Some(leaf), ..nothing_at(ipa) }));
        query.both(self, stage2, &entry)
    }

    fn stage1<A: Ask>(&mut self, query: &Stage1Query<'_, A>) -> Option<Result<stage1::Mapped<A>, Stop>> {
        self.va = Some((space(query), nothing_at(query.va)));
        let entry = *self.tlb.stage1(query.tags, query.va)?.entry;
        self.found_stage1(entry.size_bits, entry.leaf);
        query.recalled(self, &entry)
    }

    fn stage2<A: Ask>(
        &mut self,
        stage2: &Stage2,
        request: Request<A>,
    ) -> Option<Result<stage2::Mapped<A>, Stop>> {
        self.ipas.push((request.class, stage2.vmid, nothing_at(request.ipa.value())));
        let entry = *self.tlb.stage2(stage2.vmid, request.ipa.value())?.entry;
        self.found_stage2(entry.size_bits);
        stage2::recalled(self, &entry, request, stage2.xnx)
    }

    fn stage1_start<A: Ask>(&mut self, query: &Stage1Query<'_, A>, table: &Table) -> Option<Start> {
        let (size_bits, entry) = self.tlb.stage1_table(query.tags, query.va, table.table_sizes)?;
        self.passed_stage1(above(table.table_sizes, size_bits));
        Some(Start::behind(table, size_bits, entry.next, u64::from(entry.hierarchy) << 59))
    }

    fn stage2_start<A: Ask>(&mut self, stage2: &Stage2, request: Request<A>) -> Option<Start> {
        let table = &stage2.table;
        let (size_bits, entry) =
            self.tlb.stage2_table(stage2.vmid, request.ipa.value(), table.table_sizes)?;
        self.passed_stage2(above(table.table_sizes, size_bits));
        Some(Start::behind(table, size_bits, entry.next, 0))
    }

    fn keep_stage1_table<A: Ask>(&mut self, _query: &Stage1Query<'_, A>, step: Step) {
        self.passed_stage1(1 << step.size_bits);
    }

    fn keep_stage2_table<A: Ask>(&mut self, _stage2: &Stage2, _request: Request<A>, step: Step) {
        self.passed_stage2(1 << step.size_bits);
    }

    fn keep_stage1<A: Ask>(&mut self, _query: &Stage1Query<'_, A>, leaf: &Leaf, raw: u64) {
        self.found_stage1(leaf.size_bits, raw);
    }

    fn keep_stage2<A: Ask>(&mut self, _stage2: &Stage2, _request: Request<A>, leaf: &Leaf, _raw: u64) {
        self.found_stage2(leaf.size_bits);
    }
}

impl<W> Retracing<'_, W> {
    fn passed_stage1(&mut self, sizes: u64) {
        let (_, looked) = self.va.as_mut().expect("stage 1 was asked before it walked");
        looked.tables |= sizes;
    }

    fn passed_stage2(&mut self, sizes: u64) {
        let (.., looked) = self.ipas.last_mut().expect("stage 2 was asked before it walked");
        looked.tables |= sizes;
    }

    fn found_stage1(&mut self, size_log2: u8, raw: u64) {
        let (_, looked) = self.va.as_mut().expect("stage 1 was asked before it found a leaf");
        looked.leaf = Some(FoundLeaf { size_log2, not_global: Stage1Leaf::from_bits(raw).ng() });
    }

    fn found_stage2(&mut self, size_log2: u8) {
        let (.., looked) = self.ipas.last_mut().expect("stage 2 was asked before it found a leaf");
        looked.leaf = Some(FoundLeaf { size_log2, not_global: true });
    }
}

fn space<A: Ask>(query: &Stage1Query<'_, A>) -> VirtualSpace {
    let (regime, context) = (query.input.regime, query.context);
    VirtualSpace { regime, asid: context.asid, aset: context.aset }
}

fn nothing_at(address: u64) -> Looked {
    Looked { address, tables: 0, leaf: None }
}

/// Those of the sizes that are no smaller.
fn above(sizes: u64, size_bits: u8) -> u64 {
    sizes >> size_bits << size_bits
}
