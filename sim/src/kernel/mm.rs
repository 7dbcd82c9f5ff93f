//! The address space of a process: which of its addresses are which physical memory.

use std::collections::BTreeMap;

use super::backing::{BackingId, Backings, Frame};
use super::frames::{HUGE_PAGE_SIZE, PAGE_SIZE};
use super::hardware::Hardware;

/// Where mappings without a wish for an address start.
const MAPPINGS_START: u64 = 0xffff_0000_0000;

/// The first address that no process has.
const USER_END: u64 = 1 << 48;

/// An access to user memory failed: `EFAULT`, or `-1` of `copy_from_user`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault;

/// User memory, as system calls see it.
pub trait UserMemory {
    /// Fills `bytes` from `address`.
    fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), Fault>;

    /// Stores `bytes` at `address`. On a fault, what lies before the first bad page may have been stored.
    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Fault>;

    /// The physical pages behind `pages` pages from `address` on, for reading or also for writing.
    fn frames(&mut self, address: u64, pages: u64, write: bool) -> Result<Vec<Frame>, Fault>;
}

/// What a process has mapped.
#[derive(Clone, Debug, Default)]
pub struct Mm {
    areas: BTreeMap<u64, Vma>,
    next: u64,
    /// Pages that `VmPin` of `/proc/PID/status` counts.
    pub pinned_pages: u64,
    /// Pages that `VmLck` counts.
    pub locked_pages: u64,
}

#[derive(Clone, Copy, Debug)]
struct Vma {
    end: u64,
    backing: BackingId,
    /// From the start of the memory that backs it.
    offset: u64,
    writable: bool,
}

impl Mm {
    /// Maps all of `backing`, which the caller holds once for each page, at an address of the kernel's choice.
    pub fn map(&mut self, backing: BackingId, pages: u64, writable: bool) -> Option<u64> {
        let bytes = pages.checked_mul(PAGE_SIZE)?;
        let alignment = if bytes.is_multiple_of(HUGE_PAGE_SIZE) { HUGE_PAGE_SIZE } else { PAGE_SIZE };
        let start = self.next.max(MAPPINGS_START).checked_next_multiple_of(alignment)?;
        let end = start.checked_add(bytes).filter(|&end| end <= USER_END)?;
        // A page between two mappings that nobody has: what runs over the end faults.
        self.next = end + PAGE_SIZE;
        self.areas.insert(start, Vma { end, backing, offset: 0, writable });
        Some(start)
    }

    /// Unmaps the pages from `start` up to `end`. Returns what is not mapped any more: whose pages, and how many.
    pub fn unmap(&mut self, start: u64, end: u64) -> Vec<(BackingId, u64)> {
        let mut gone = Vec::new();
        let touched: Vec<u64> =
            self.areas.range(..end).filter(|(_, vma)| vma.end > start).map(|(&at, _)| at).collect();
        for at in touched {
            let vma = self.areas.remove(&at).expect("it was just found");
            let (cut_start, cut_end) = (at.max(start), vma.end.min(end));
            if at < cut_start {
                self.areas.insert(at, Vma { end: cut_start, ..vma });
            }
            if cut_end < vma.end {
                self.areas.insert(cut_end, Vma { offset: vma.offset + (cut_end - at), ..vma });
            }
            gone.push((vma.backing, (cut_end - cut_start) / PAGE_SIZE));
        }
        gone
    }

    /// Unmaps everything.
    pub fn unmap_all(&mut self) -> Vec<(BackingId, u64)> {
        self.unmap(0, USER_END)
    }

    fn vma_at(&self, address: u64) -> Option<(u64, &Vma)> {
        let (&start, vma) = self.areas.range(..=address).next_back()?;
        (address < vma.end).then_some((start, vma))
    }
}

/// A process's memory together with what it is made of.
#[derive(Debug)]
pub struct UserView<'a> {
    pub(super) mm: &'a Mm,
    pub(super) backings: &'a Backings,
    pub(super) hardware: &'a mut Hardware,
}

impl UserView<'_> {
    /// The physical address of `address` and how many bytes adjoin there, `bytes` at most.
    fn resolve(&self, address: u64, bytes: u64, write: bool) -> Result<(u64, u64), Fault> {
        let (start, vma) = self.mm.vma_at(address).ok_or(Fault)?;
        if write && !vma.writable {
            return Err(Fault);
        }
        let physical = self.backings.address(vma.backing) + vma.offset + (address - start);
        Ok((physical, bytes.min(vma.end - address)))
    }

    /// Calls `each(physical address, offset, bytes)` for the pieces of a range of user memory.
    fn pieces(
        &mut self,
        address: u64,
        bytes: usize,
        write: bool,
        mut each: impl FnMut(&mut Hardware, u64, std::ops::Range<usize>),
    ) -> Result<(), Fault> {
        let mut done = 0;
        while done < bytes {
            let offset = u64::try_from(done).map_err(|_larger_than_any_address| Fault)?;
            let left = u64::try_from(bytes - done).map_err(|_larger_than_any_address| Fault)?;
            let at = address.checked_add(offset).ok_or(Fault)?;
            let (physical, count) = self.resolve(at, left, write)?;
            let count = usize::try_from(count).map_err(|_larger_than_any_address| Fault)?;
            each(self.hardware, physical, done..done + count);
            done += count;
        }
        Ok(())
    }
}

impl UserMemory for UserView<'_> {
    fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), Fault> {
        self.pieces(address, bytes.len(), false, |hardware, at, range| hardware.read(at, &mut bytes[range]))
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.pieces(address, bytes.len(), true, |hardware, at, range| hardware.write(at, &bytes[range]))
    }

    fn frames(&mut self, address: u64, pages: u64, write: bool) -> Result<Vec<Frame>, Fault> {
        let mut frames = Vec::new();
        let mut done = 0;
        while done < pages {
            let at =
                done.checked_mul(PAGE_SIZE).and_then(|offset| address.checked_add(offset)).ok_or(Fault)?;
            let left = (pages - done).checked_mul(PAGE_SIZE).ok_or(Fault)?;
            let (_, vma) = self.mm.vma_at(at).ok_or(Fault)?;
            let backing = vma.backing;
            let (address, bytes) = self.resolve(at, left, write)?;
            frames.push(Frame { backing, address, pages: bytes / PAGE_SIZE });
            done += bytes / PAGE_SIZE;
        }
        Ok(frames)
    }
}
