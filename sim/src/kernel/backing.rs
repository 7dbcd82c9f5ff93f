//! Memory that processes can map: anonymous memory and memory files, each one run of physical pages.

use super::frames::PAGE_SIZE;
use super::hardware::{Hardware, user_alignment};

/// One piece of memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BackingId(usize);

/// All pieces of memory that processes have. A piece goes when nothing maps it, holds it open or pins it.
#[derive(Clone, Debug, Default)]
pub struct Backings {
    slots: Vec<Option<Backing>>,
}

#[derive(Clone, Copy, Debug)]
struct Backing {
    address: u64,
    bytes: u64,
    /// Mapped pages, pinned pages and open files.
    holds: u64,
}

/// Some adjoining physical pages of one piece of memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame {
    /// Whose pages.
    pub backing: BackingId,
    /// The physical address of the first.
    pub address: u64,
    /// How many.
    pub pages: u64,
}

impl Backings {
    /// Zeroed memory of `pages`, held once for each of them; `None` if there is not so much.
    pub fn create(&mut self, hardware: &mut Hardware, pages: u64) -> Option<BackingId> {
        let bytes = pages.checked_mul(PAGE_SIZE)?;
        let address = hardware.take_memory(bytes, user_alignment(bytes))?;
        let index = self.slots.iter().position(Option::is_none).unwrap_or(self.slots.len());
        if index == self.slots.len() {
            self.slots.push(None);
        }
        self.slots[index] = Some(Backing { address, bytes, holds: pages });
        Some(BackingId(index))
    }

    /// How many pages it has.
    pub fn pages(&self, id: BackingId) -> u64 {
        self.get(id).bytes / PAGE_SIZE
    }

    /// Its first physical address.
    pub fn address(&self, id: BackingId) -> u64 {
        self.get(id).address
    }

    /// Holds it `count` times more.
    pub fn hold(&mut self, id: BackingId, count: u64) {
        self.slots[id.0].as_mut().expect("only live memory is held").holds += count;
    }

    /// Lets go of it `count` times; the last one frees it.
    pub fn release(&mut self, hardware: &mut Hardware, id: BackingId, count: u64) {
        let backing = self.slots[id.0].as_mut().expect("only live memory is released");
        backing.holds = backing.holds.checked_sub(count).expect("only what was held is released");
        if backing.holds == 0 {
            hardware.give_back_memory(backing.address, backing.bytes, user_alignment(backing.bytes));
            self.slots[id.0] = None;
        }
    }

    /// How many pieces live.
    pub fn count(&self) -> usize {
        self.slots.iter().flatten().count()
    }

    fn get(&self, id: BackingId) -> &Backing {
        self.slots[id.0].as_ref().expect("only live memory is asked about")
    }
}
