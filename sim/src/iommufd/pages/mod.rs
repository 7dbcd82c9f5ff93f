//! Pages objects: the memory of one map call, which several mappings can share, and what of it is pinned.
//!
//! Memory is pinned while the domains of an area hold it, or an access; once, however many do.

mod account;
mod pinned;

use std::collections::BTreeMap;

use super::check::{Check, Refusal};
use super::object::ObjectId;
use crate::kernel::backing::Frame;
use crate::kernel::file::{File, FileId};
use crate::kernel::frames::PAGE_SIZE;
use crate::kernel::host::Host;
use crate::kernel::mm::UserMemory;
use crate::kernel::process::Pid;

pub use account::{Accounting, Payer};
pub use pinned::Pinned;

/// The number of a pages object in its context.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PagesId(usize);

/// Where the memory comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// Memory of the process that maps, from this address on, a multiple of the page size.
    User(u64),
    /// A file, from this byte on, a multiple of the page size.
    File(FileId, u64),
}

/// Who needs memory pinned.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Holder {
    /// The domains of the IOAS, for the mapping at this address.
    Area(ObjectId, u64),
    /// An access, for one of its pins.
    Access(ObjectId, u64),
}

/// The memory of one map call.
#[derive(Debug)]
pub struct Pages {
    /// Where it comes from.
    pub source: Source,
    /// Devices may write it.
    pub writable: bool,
    /// Who pays for what is pinned.
    pub payer: Payer,
    count: u64,
    /// Mappings that are made of it.
    areas: u32,
    holders: BTreeMap<Holder, (u64, u64)>,
    pinned: Pinned,
}

/// The pages objects of a context.
#[derive(Debug, Default)]
pub struct PagesTable {
    slots: Vec<Option<Pages>>,
    /// The slots that are empty.
    free: Vec<usize>,
}

impl PagesTable {
    /// `bytes` of memory, from `offset` in the first page of `source` on. No mapping is made of it yet.
    pub(super) fn create(
        &mut self,
        source: Source,
        offset: u64,
        bytes: u64,
        writable: bool,
        payer: Payer,
    ) -> PagesId {
        let count = (offset + bytes).div_ceil(PAGE_SIZE);
        let (holders, pinned) = (BTreeMap::new(), Pinned::default());
        let pages = Pages { source, writable, payer, count, areas: 0, holders, pinned };
        let index = self.free.pop().unwrap_or(self.slots.len());
        if index == self.slots.len() {
            self.slots.push(None);
        }
        self.slots[index] = Some(pages);
        PagesId(index)
    }

    /// A mapping is made of the pages.
    pub(super) fn add_area(&mut self, id: PagesId) {
        self.get_mut(id).areas += 1;
    }

    /// A mapping of the pages is gone. With the last one they go too.
    pub(super) fn remove_area(&mut self, host: &mut Host, id: PagesId) {
        let pages = self.get_mut(id);
        pages.areas -= 1;
        if pages.areas == 0 {
            self.discard(host, id);
        }
    }

    /// Drops pages that no mapping was made of.
    pub(super) fn discard(&mut self, host: &mut Host, id: PagesId) {
        let pages = self.slots[id.0].take().expect("pages live as long as their mappings");
        assert!(pages.holders.is_empty(), "who holds pages is gone before they are");
        self.free.push(id.0);
        if let Source::File(file, _) = pages.source {
            host.files.put(file);
        }
    }

    /// Pages that a mapping keeps.
    pub fn get(&self, id: PagesId) -> &Pages {
        self.slots[id.0].as_ref().expect("pages live as long as their mappings")
    }

    pub(super) fn get_mut(&mut self, id: PagesId) -> &mut Pages {
        self.slots[id.0].as_mut().expect("pages live as long as their mappings")
    }

    /// All pages objects.
    pub fn iter(&self) -> impl Iterator<Item = &Pages> {
        self.slots.iter().flatten()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Pages> {
        self.slots.iter_mut().flatten()
    }
}

impl Pages {
    /// How many pages are pinned.
    pub fn pinned_count(&self) -> u64 {
        self.pinned.count()
    }

    /// The physical runs of pages `first` to `last`, which somebody holds: address and number of pages.
    pub fn runs(&self, first: u64, last: u64) -> Vec<(u64, u64)> {
        self.pinned.runs(first, last)
    }

    /// Pins what of pages `first` to `last` is not pinned yet, and keeps it so for `holder`.
    pub(super) fn hold(
        &mut self,
        host: &mut Host,
        holder: Holder,
        first: u64,
        last: u64,
    ) -> Result<(), Refusal> {
        assert!(last < self.count, "a mapping lies within its pages");
        let mut added = Vec::new();
        for (from, to) in self.pinned.gaps(first, last) {
            match self.pin(host, from, to) {
                Ok(()) => added.push((from, to)),
                Err(refusal) => {
                    self.unpin(host, &added);
                    return Err(refusal);
                }
            }
        }
        let count = added.iter().map(|(from, to)| to - from + 1).sum();
        if let Err(refusal) = self.payer.charge(host, count) {
            self.unpin(host, &added);
            return Err(refusal);
        }
        let known = self.holders.insert(holder, (first, last));
        assert!(known.is_none(), "a holder holds once");
        Ok(())
    }

    /// `holder` does not need its pages any more.
    pub(super) fn release(&mut self, host: &mut Host, holder: Holder) {
        let (first, last) = self.holders.remove(&holder).expect("only who holds can release");
        let kept = self.holders.values().copied().filter(|&(from, to)| from <= last && first <= to);
        let free = pinned::complement(first, last, kept.collect());
        self.unpin(host, &free);
        self.payer.refund(host, free.iter().map(|(from, to)| to - from + 1).sum());
    }

    /// A mapping was cut in two: each part holds its own pages. The lower one keeps the name of the whole.
    pub(super) fn split_hold(&mut self, lower: (Holder, (u64, u64)), upper: (Holder, (u64, u64))) {
        let whole = self.holders.insert(lower.0, lower.1);
        assert_eq!(whole, Some((lower.1.0, upper.1.1)), "the parts make up the whole");
        self.holders.insert(upper.0, upper.1);
    }

    fn pin(&mut self, host: &mut Host, first: u64, last: u64) -> Result<(), Refusal> {
        let count = last - first + 1;
        let frames = match self.source {
            Source::User(address) => {
                let mut user = host.user(self.payer.pid).map_err(|_fault| Check::PinFault)?;
                let at = address.checked_add(first * PAGE_SIZE).ok_or(Check::PinFault)?;
                user.frames(at, count, self.writable).map_err(|_fault| Check::PinFault)?
            }
            Source::File(file, start) => {
                let File::Memory(backing) = *host.files.get(file) else {
                    return Err(Check::PinNotMappable.into());
                };
                let page = start / PAGE_SIZE + first;
                let end = page.checked_add(count);
                let fits = end.is_some_and(|end| end <= host.backings.pages(backing));
                Check::PinNotMappable.refuse_if(!fits)?;
                let address = host.backings.address(backing) + page * PAGE_SIZE;
                vec![Frame { backing, address, pages: count }]
            }
        };
        for frame in &frames {
            host.backings.hold(frame.backing, frame.pages);
        }
        self.pinned.insert(first, &frames);
        Ok(())
    }

    fn unpin(&mut self, host: &mut Host, ranges: &[(u64, u64)]) {
        for &(first, last) in ranges {
            for frame in self.pinned.remove(first, last) {
                host.backings.release(&mut host.hardware, frame.backing, frame.pages);
            }
        }
    }
}

/// The process that maps, and how it pays.
pub(super) fn payer(host: &Host, pid: Pid, context_mode: Accounting) -> Payer {
    let process = &host.processes[pid.0];
    let accounting = if process.rights.ipc_lock { Accounting::None } else { context_mode };
    Payer { pid, user: process.user, accounting }
}
