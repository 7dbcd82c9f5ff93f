//! Software's side of the Command, Event and PRI queues (§3.5): through registers and memory alone.

use smmu_model::Register;
use smmu_model::address::Pa;
use smmu_model::bus::Bus;
use smmu_model::choice::{Chooser, Defaults};
use smmu_model::env::World;
use smmu_model::layout::event::EventRecord;
use smmu_model::layout::pri::PriRecord;
use smmu_model::layout::register::{CmdqCons, OutputQueueIndex, QueueBase};
use smmu_model::trace::Silence;

use super::Machine;
use crate::scenario::step::Queue;
use crate::trace::{Happening, Listener};

/// A queue as software sees it in registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ring {
    base: u64,
    log2_entries: u8,
    /// Index and wrap.
    pub(super) prod: u32,
    /// Index and wrap.
    pub(super) cons: u32,
    /// CMDQ_CONS.ERR.
    pub(super) error: u8,
    /// Whether OVFLG and OVACKFLG differ.
    pub(super) overflow: bool,
    /// CONS as it stands in the register.
    cons_register: u64,
}

impl Ring {
    /// How many entries are between CONS and PROD.
    pub(super) fn entries(&self) -> u32 {
        self.prod.wrapping_sub(self.cons) & self.positions_mask()
    }

    /// The address of the entry at an index with wrap, with entries of so many bytes.
    fn entry(&self, index: u32, entry_bytes: u64) -> u64 {
        let index = u64::from(index) & ((1 << self.log2_entries) - 1);
        self.base.wrapping_add(index * entry_bytes)
    }

    /// The index with wrap, `by` entries on.
    fn after(&self, index: u32, by: u32) -> u32 {
        index.wrapping_add(by) & self.positions_mask()
    }

    /// The place in the queue, without the wrap.
    fn place(&self, index: u32) -> u32 {
        index & ((1 << self.log2_entries) - 1)
    }

    const fn positions_mask(&self) -> u32 {
        (1 << (self.log2_entries + 1)) - 1
    }
}

impl<'a, C: Chooser, L: Listener> Machine<'a, C, L> {
    /// Writes a command at the next free place; with `ring`, moves CMDQ_PROD.
    pub(super) fn queue_command(&mut self, words: [u64; 2], ring: bool) -> Result<(), String> {
        let queue = self.queue(Queue::Command)?;
        let prod = self.command_prod.unwrap_or(queue.prod);
        let at = queue.entry(prod, 16);
        for (offset, word) in [0, 8].into_iter().zip(words) {
            let written = self.memory.write(Pa::new(at.wrapping_add(offset)), &word.to_le_bytes());
            written.map_err(|_abort| format!("the command cannot be written: memory at {at:#x} aborts"))?;
        }
        self.ear.say(Happening::CommandStored { index: queue.place(prod), words });
        self.command_prod = Some(queue.after(prod, 1));
        if ring { self.ring() } else { Ok(()) }
    }

    /// Moves CMDQ_PROD to where software is.
    pub(super) fn ring(&mut self) -> Result<(), String> {
        if let Some(prod) = self.command_prod.take() {
            self.write_register(crate::scenario::step::Place::whole(Register::CmdqProd), prod.into());
        }
        Ok(())
    }

    /// The unread record that is `skip` entries after CONS; `None` if there is none.
    pub(super) fn unread_record(&mut self, skip: u32) -> Result<Option<EventRecord>, String> {
        let queue = self.queue(Queue::Event)?;
        if queue.entries() <= skip {
            return Ok(None);
        }
        let at = queue.entry(queue.after(queue.cons, skip), 32);
        let mut bytes = [0; 32];
        let read = self.memory.read(Pa::new(at), &mut bytes);
        read.map_err(|_abort| format!("the record cannot be read: memory at {at:#x} aborts"))?;
        Ok(Some(EventRecord::from_bytes(bytes)))
    }

    /// Takes `count` records, or as many as there are: moves EVENTQ_CONS, and leaves OVACKFLG as it is.
    pub(super) fn take_records(&mut self, count: u32) {
        for _ in 0..count {
            let Ok(queue) = self.queue(Queue::Event) else { return };
            let Ok(Some(record)) = self.unread_record(0) else { return };
            let flag = queue.cons_register & (1 << 31);
            let cons = u64::from(queue.after(queue.cons, 1)) | flag;
            let mut world = World { bus: &mut self.memory, chooser: &mut Defaults, sink: &mut Silence };
            let register = Register::EventqCons;
            // Free to write at any time (§6.3.96), so that it is never aborted.
            let _written = self.smmu.write(&mut world, register.offset(), register.size_bytes(), cons);
            self.ear.say(Happening::RecordTaken { index: queue.place(queue.cons), record });
        }
    }

    /// The unread record of the PRI queue that is `skip` entries after CONS; `None` if there is none.
    pub(super) fn unread_page_request(&mut self, skip: u32) -> Result<Option<PriRecord>, String> {
        let queue = self.queue(Queue::Pri)?;
        if queue.entries() <= skip {
            return Ok(None);
        }
        let at = queue.entry(queue.after(queue.cons, skip), 16);
        let mut bytes = [0; 16];
        let read = self.memory.read(Pa::new(at), &mut bytes);
        read.map_err(|_abort| format!("the record cannot be read: memory at {at:#x} aborts"))?;
        Ok(Some(PriRecord::from_bytes(bytes)))
    }

    /// Takes `count` records of the PRI queue, or as many as there are; leaves OVACKFLG as it is.
    pub(super) fn take_page_requests(&mut self, count: u32) {
        for _ in 0..count {
            let Ok(queue) = self.queue(Queue::Pri) else { return };
            let Ok(Some(record)) = self.unread_page_request(0) else { return };
            let cons = u64::from(queue.after(queue.cons, 1)) | (queue.cons_register & (1 << 31));
            let mut world = World { bus: &mut self.memory, chooser: &mut Defaults, sink: &mut Silence };
            let register = Register::PriqCons;
            // Free to write at any time (§6.3.98), so that it is never aborted.
            let _written = self.smmu.write(&mut world, register.offset(), register.size_bytes(), cons);
            self.ear.say(Happening::PageRequestTaken { index: queue.place(queue.cons), record });
        }
    }

    pub(super) fn queue(&mut self, queue: Queue) -> Result<Ring, String> {
        let (base, prod, cons, log2_max) = match queue {
            Queue::Command => {
                let max = self.scenario.features.cmdq_log2_max;
                (Register::CmdqBase, Register::CmdqProd, Register::CmdqCons, max)
            }
            Queue::Event => {
                let max = self.scenario.features.eventq_log2_max;
                (Register::EventqBase, Register::EventqProd, Register::EventqCons, max)
            }
            Queue::Pri => {
                let max = self.scenario.features.priq_log2_max;
                (Register::PriqBase, Register::PriqProd, Register::PriqCons, max)
            }
        };
        let mut read = |register: Register| {
            let value = self.peek(crate::scenario::step::Place::whole(register));
            value.map_err(|_abort| format!("{} cannot be read", register.name()))
        };
        let base = QueueBase::from_bits(read(base)?);
        let (prod, cons_register) = (read(prod)?, read(cons)?);
        let low = |value: u64| u32::try_from(value & 0xffff_ffff).expect("32 bits");
        let log2_entries = base.log2size().min(log2_max);
        let mask = (1 << (log2_entries + 1)) - 1;
        let (error, overflow) = match queue {
            Queue::Command => (CmdqCons::from_bits(low(cons_register)).err(), false),
            Queue::Event | Queue::Pri => {
                (0, OutputQueueIndex::from_bits(low(prod ^ cons_register)).overflow())
            }
        };
        let (prod, cons) = (low(prod) & mask, low(cons_register) & mask);
        Ok(Ring { base: base.addr(), log2_entries, prod, cons, error, overflow, cons_register })
    }
}
