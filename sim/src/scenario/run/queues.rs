//! Software's side of the Command, Event and PRI queues (§3.5): through registers and memory alone.

use smmu_model::address::Pa;
use smmu_model::bus::Bus;
use smmu_model::choice::{Chooser, Defaults};
use smmu_model::env::World;
use smmu_model::ids::CommandQueue;
use smmu_model::layout::ecmdq::{EcmdqCons, EcmdqProd};
use smmu_model::layout::event::EventRecord;
use smmu_model::layout::pri::PriRecord;
use smmu_model::layout::register::{CmdqCons, OutputQueueIndex, QueueBase};
use smmu_model::registers::{EcmdqKind, EcmdqRegister};
use smmu_model::trace::Silence;
use smmu_model::{AnyRegister, Register};

use super::Machine;
use crate::scenario::step::{Place, Queue};
use crate::trace::{Happening, Listener};

/// WR or RD with the wrap flag of the largest possible queue.
const INDEX: u64 = 0xf_ffff;

/// A queue as software sees it in registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ring {
    base: u64,
    log2_entries: u8,
    /// Index and wrap.
    pub(super) prod: u32,
    /// Index and wrap.
    pub(super) cons: u32,
    /// CMDQ_CONS.ERR, or ERR_REASON of an Enhanced Command queue while its error is active.
    pub(super) error: u8,
    /// Whether OVFLG and OVACKFLG differ.
    pub(super) overflow: bool,
    /// PROD and CONS as they stand in the registers.
    prod_register: u64,
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
    /// Writes a command at the next free place; with `ring`, moves PROD.
    pub(super) fn queue_command(
        &mut self,
        queue: CommandQueue,
        words: [u64; 2],
        ring: bool,
    ) -> Result<(), String> {
        let found = self.queue(Queue::Command(queue))?;
        let prod = self.command_prod.get(&queue).copied().unwrap_or(found.prod);
        let at = found.entry(prod, 16);
        for (offset, word) in [0, 8].into_iter().zip(words) {
            let written = self.memory.write(Pa::new(at.wrapping_add(offset)), &word.to_le_bytes());
            written.map_err(|_abort| format!("the command cannot be written: memory at {at:#x} aborts"))?;
        }
        self.ear.say(Happening::CommandStored { queue, index: found.place(prod), words });
        self.command_prod.insert(queue, found.after(prod, 1));
        if ring { self.ring(queue) } else { Ok(()) }
    }

    /// Moves PROD to where software is; what else its register holds stays.
    pub(super) fn ring(&mut self, queue: CommandQueue) -> Result<(), String> {
        if let Some(prod) = self.command_prod.remove(&queue) {
            let kept = self.queue(Queue::Command(queue))?.prod_register & !INDEX;
            let [_base, register, _cons] = registers(Queue::Command(queue));
            let place = Place::of(register, &self.script.features);
            self.write_register(place, kept | u64::from(prod));
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
        let features = self.script.features;
        let mut read = |register: AnyRegister| {
            let value = self.peek(Place::of(register, &features));
            value.map_err(|_abort| format!("{register} cannot be read"))
        };
        let [base, prod, cons] = registers(queue);
        let base = QueueBase::from_bits(read(base)?);
        let (prod_register, cons_register) = (read(prod)?, read(cons)?);
        let low = |value: u64| u32::try_from(value & 0xffff_ffff).expect("32 bits");
        let (prod, cons) = (low(prod_register), low(cons_register));
        let (log2_max, error, overflow) = match queue {
            Queue::Command(CommandQueue::Main) => {
                (features.cmdq_log2_max, CmdqCons::from_bits(cons).err(), false)
            }
            Queue::Command(CommandQueue::Enhanced(_)) => {
                let cons = EcmdqCons::from_bits(cons);
                let is_active = cons.err() != EcmdqProd::from_bits(prod).errack();
                (features.cmdq_log2_max, if is_active { cons.err_reason() } else { 0 }, false)
            }
            Queue::Event => {
                (features.eventq_log2_max, 0, OutputQueueIndex::from_bits(prod ^ cons).overflow())
            }
            Queue::Pri => (features.priq_log2_max, 0, OutputQueueIndex::from_bits(prod ^ cons).overflow()),
        };
        let log2_entries = base.log2size().min(log2_max);
        let mask = (1 << (log2_entries + 1)) - 1;
        let (prod, cons) = (prod & mask, cons & mask);
        Ok(Ring {
            base: base.addr(),
            log2_entries,
            prod,
            cons,
            error,
            overflow,
            prod_register,
            cons_register,
        })
    }
}

/// BASE, PROD and CONS of a queue.
fn registers(queue: Queue) -> [AnyRegister; 3] {
    match queue {
        Queue::Command(CommandQueue::Main) => {
            [Register::CmdqBase, Register::CmdqProd, Register::CmdqCons].map(AnyRegister::Main)
        }
        Queue::Command(CommandQueue::Enhanced(id)) => [EcmdqKind::Base, EcmdqKind::Prod, EcmdqKind::Cons]
            .map(|kind| AnyRegister::Ecmdq(EcmdqRegister { kind, id })),
        Queue::Event => {
            [Register::EventqBase, Register::EventqProd, Register::EventqCons].map(AnyRegister::Main)
        }
        Queue::Pri => [Register::PriqBase, Register::PriqProd, Register::PriqCons].map(AnyRegister::Main),
    }
}
