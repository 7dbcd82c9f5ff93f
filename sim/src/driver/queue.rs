//! The Command queue as its writer sees it, and queues that the SMMU writes, as their reader sees them.

use super::command::{self, Command};
use super::platform::{Platform, allocate_pages};
use super::probe::Features;
use super::registers::{
    BASE_READ_ALLOCATE, CMDQ_BASE, CMDQ_CONS, CMDQ_PROD, CR0, CR0ACK, GERROR, GERROR_CMDQ, GERROR_KNOWN,
    GERROR_SFM, GERRORN, QUEUE_OVERFLOW,
};
use crate::errno::Errno;

const LOG2_COMMAND_BYTES: u8 = 4;
/// So many commands go out at once at most, not counting the CMD_SYNC.
pub(super) const BATCH_COMMANDS: usize = 64;
/// A second of polling: the SMMU gets so many chances to take a command.
const POLLS_MAX: u32 = 16;

/// The Command queue.
#[derive(Debug)]
pub(super) struct CommandQueue {
    base: u64,
    log2_entries: u8,
    /// PROD with its wrap bit.
    prod: u32,
    /// CONS as it was seen last.
    cons: u32,
    /// CMD_SYNC writes zero over its own first four bytes.
    msi_polling: bool,
    /// CFGI and TLBI commands are issued twice.
    repeat_invalidations: bool,
}

impl CommandQueue {
    pub(super) fn allocate(p: &mut impl Platform, f: &Features) -> Result<Self, Errno> {
        let (base, log2_entries) = allocate_queue(p, f.log2_cmdq, LOG2_COMMAND_BYTES)?;
        Ok(Self {
            base,
            log2_entries,
            prod: 0,
            cons: 0,
            msi_polling: f.msi_polling,
            repeat_invalidations: f.repeat_invalidations,
        })
    }

    pub(super) fn program(&self, p: &mut impl Platform) {
        p.write64(CMDQ_BASE, self.base | BASE_READ_ALLOCATE | u64::from(self.log2_entries));
        p.write32(CMDQ_PROD, self.prod);
        p.write32(CMDQ_CONS, 0);
    }

    /// Issues one command and lets it run without waiting for it.
    pub(super) fn issue(&mut self, p: &mut impl Platform, command: Command) {
        self.issue_all(p, &[command]);
    }

    /// Issues one command and waits until it is complete.
    pub(super) fn issue_and_wait(&mut self, p: &mut impl Platform, command: Command) -> Result<(), Errno> {
        self.issue_all_and_wait(p, &[command])
    }

    /// As [`CommandQueue::issue_all_once_and_wait`], twice on an SMMU that may lose these commands.
    pub(super) fn issue_all_and_wait(
        &mut self,
        p: &mut impl Platform,
        commands: &[Command],
    ) -> Result<(), Errno> {
        self.issue_all_once_and_wait(p, commands)?;
        if self.must_repeat(commands) { self.issue_all_once_and_wait(p, commands) } else { Ok(()) }
    }

    /// Lists never mix CFGI and TLBI with other commands.
    fn must_repeat(&self, commands: &[Command]) -> bool {
        self.repeat_invalidations && commands.first().is_some_and(|first| command::is_cfgi_or_tlbi(*first))
    }

    /// The commands and a CMD_SYNC, made known by one write of PROD. ETIMEDOUT if the SMMU does not get there.
    pub(super) fn issue_all_once_and_wait(
        &mut self,
        p: &mut impl Platform,
        commands: &[Command],
    ) -> Result<(), Errno> {
        for command in commands {
            self.put(p, *command);
        }
        let slot = self.slot(self.prod);
        self.put(p, command::sync(self.msi_polling.then_some(slot)));
        p.write32(CMDQ_PROD, self.prod);
        self.wait_for(p, slot)
    }

    fn issue_all(&mut self, p: &mut impl Platform, commands: &[Command]) {
        for command in commands {
            self.put(p, *command);
        }
        p.write32(CMDQ_PROD, self.prod);
        p.relax();
    }

    fn put(&mut self, p: &mut impl Platform, command: Command) {
        self.wait_for_space(p);
        let slot = self.slot(self.prod);
        p.store(slot, command[0]);
        p.store(slot + 8, command[1]);
        self.prod = self.after(self.prod);
    }

    /// CONS is read only when the queue may be full. What finds no space is written all the same: a driver whose
    /// SMMU has stopped for good can do no better.
    fn wait_for_space(&mut self, p: &mut impl Platform) {
        for _ in 0..POLLS_MAX {
            if self.prod ^ self.cons != 1 << self.log2_entries {
                return;
            }
            p.relax();
            self.handle_global_errors(p);
            self.cons = p.read32(CMDQ_CONS) & self.pointer_mask();
        }
    }

    fn wait_for(&mut self, p: &mut impl Platform, slot: u64) -> Result<(), Errno> {
        for _ in 0..POLLS_MAX {
            p.relax();
            let is_done = if self.msi_polling {
                p.load(slot) & 0xffff_ffff == 0
            } else {
                p.read32(CMDQ_CONS) & self.pointer_mask() == self.prod
            };
            if is_done {
                self.cons = self.prod;
                return Ok(());
            }
            self.handle_global_errors(p);
        }
        Err(Errno::ETIMEDOUT)
    }

    /// The global error interrupt: an SMMU in service failure mode is turned off, a Command queue that has stopped
    /// goes on, and all errors are acknowledged.
    pub(super) fn handle_global_errors(&self, p: &mut impl Platform) {
        let gerror = p.read32(GERROR);
        let active = (gerror ^ p.read32(GERRORN)) & GERROR_KNOWN;
        if active == 0 {
            return;
        }
        if active & GERROR_SFM != 0 {
            p.write32(CR0, 0);
            p.relax();
            let _acknowledged = p.read32(CR0ACK);
        }
        if active & GERROR_CMDQ != 0 {
            self.skip_command_in_error(p);
        }
        p.write32(GERRORN, gerror);
        p.relax();
    }

    /// An illegal command becomes a CMD_SYNC; an aborted fetch or a late device is simply tried again.
    fn skip_command_in_error(&self, p: &mut impl Platform) {
        const NONE: u32 = 0;
        const ABORT: u32 = 2;
        const ATC_TIMEOUT: u32 = 3;
        let cons = p.read32(CMDQ_CONS);
        if matches!(cons >> 24 & 0x7f, NONE | ABORT | ATC_TIMEOUT) {
            return;
        }
        let slot = self.slot(cons & self.pointer_mask());
        let [word0, word1] = command::sync(None);
        p.store(slot, word0);
        p.store(slot + 8, word1);
    }

    fn slot(&self, pointer: u32) -> u64 {
        self.base + (u64::from(pointer & self.index_mask()) << LOG2_COMMAND_BYTES)
    }

    fn after(&self, pointer: u32) -> u32 {
        (pointer + 1) & self.pointer_mask()
    }

    fn index_mask(&self) -> u32 {
        (1 << self.log2_entries) - 1
    }

    fn pointer_mask(&self) -> u32 {
        (2 << self.log2_entries) - 1
    }
}

/// Commands that are gathered and then issued together, with one CMD_SYNC at the end.
#[derive(Debug, Default)]
pub(super) struct Batch {
    commands: Vec<Command>,
}

impl Batch {
    /// Adds a command; a batch that was full goes out first.
    pub(super) fn add(
        &mut self,
        p: &mut impl Platform,
        queue: &mut CommandQueue,
        f: &Features,
        command: Command,
    ) {
        let is_full = self.commands.len() == BATCH_COMMANDS;
        let is_last_before_sync = f.force_sync && self.commands.len() == BATCH_COMMANDS - 1;
        if is_last_before_sync || is_full && queue.must_repeat(&self.commands) {
            self.submit(p, queue);
        } else if is_full {
            queue.issue_all(p, &self.commands);
            self.commands.clear();
        }
        self.commands.push(command);
    }

    /// Issues what there is, with a CMD_SYNC, also if there is nothing. The driver goes on after a timeout.
    pub(super) fn submit(&mut self, p: &mut impl Platform, queue: &mut CommandQueue) {
        let _timed_out = queue.issue_all_and_wait(p, &self.commands);
        self.commands.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }
}

/// Where a queue that the SMMU writes lies in the register map.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueueRegisters {
    pub(super) base: u64,
    pub(super) prod: u64,
    pub(super) cons: u64,
}

/// The Event queue or the PRI queue.
#[derive(Debug)]
pub(super) struct ReadQueue<const ENTRY_WORDS: usize> {
    base: u64,
    log2_entries: u8,
    registers: QueueRegisters,
    /// CONS with its wrap bit and the overflow acknowledgement.
    cons: u32,
}

impl<const ENTRY_WORDS: usize> ReadQueue<ENTRY_WORDS> {
    const LOG2_ENTRY_BYTES: u8 = match ENTRY_WORDS {
        2 => 4,
        4 => 5,
        _ => panic!("queues have entries of two or four words"),
    };

    pub(super) fn allocate(
        p: &mut impl Platform,
        log2_entries: u8,
        registers: QueueRegisters,
    ) -> Result<Self, Errno> {
        let (base, log2_entries) = allocate_queue(p, log2_entries, Self::LOG2_ENTRY_BYTES)?;
        Ok(Self { base, log2_entries, registers, cons: 0 })
    }

    pub(super) fn program(&self, p: &mut impl Platform) {
        let base = self.base | BASE_READ_ALLOCATE | u64::from(self.log2_entries);
        p.write64(self.registers.base, base);
        p.write32(self.registers.prod, 0);
        p.write32(self.registers.cons, self.cons);
    }

    /// Takes the next entry. CONS moves over it at once.
    pub(super) fn take(&mut self, p: &mut impl Platform) -> Option<[u64; ENTRY_WORDS]> {
        let prod = p.read32(self.registers.prod);
        let pointer_mask = (2 << self.log2_entries) - 1;
        if (prod ^ self.cons) & pointer_mask == 0 {
            return None;
        }
        let index = u64::from(self.cons & (pointer_mask >> 1));
        let slot = self.base + (index << Self::LOG2_ENTRY_BYTES);
        let mut entry = [0; ENTRY_WORDS];
        for (position, word) in (0..).zip(&mut entry) {
            *word = p.load(slot + 8 * position);
        }
        self.cons = (self.cons & QUEUE_OVERFLOW) | (((self.cons & pointer_mask) + 1) & pointer_mask);
        p.write32(self.registers.cons, self.cons);
        Some(entry)
    }

    /// After the last entry: acknowledges an overflow.
    pub(super) fn acknowledge(&mut self, p: &mut impl Platform) {
        let overflow = p.read32(self.registers.prod) & QUEUE_OVERFLOW;
        if overflow != self.cons & QUEUE_OVERFLOW {
            self.cons = self.cons & !QUEUE_OVERFLOW | overflow;
            p.write32(self.registers.cons, self.cons);
        }
    }
}

/// Memory for up to 2^`log2_entries` entries: half as many where there is none for so many, down to a page. Returns
/// where it is, and how many they are. ENOMEM without memory.
fn allocate_queue(p: &mut impl Platform, log2_entries: u8, log2_entry_bytes: u8) -> Result<(u64, u8), Errno> {
    const LOG2_PAGE_BYTES: u8 = 12;
    let log2_bytes = log2_entries + log2_entry_bytes;
    match allocate_pages(p, 1 << log2_bytes) {
        Err(_no_memory) if log2_bytes > LOG2_PAGE_BYTES => {
            allocate_queue(p, log2_entries - 1, log2_entry_bytes)
        }
        allocated => Ok((allocated?, log2_entries)),
    }
}
