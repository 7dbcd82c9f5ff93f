//! Physical memory of a session, and the client's own door to it.
//!
//! Not the model's `SparseMemory`, which is made for speed and grows by 64 KiB blocks: here a stranger picks the
//! addresses, so what is written is bounded, in small pages, is kept by when it changed, and the client's own door
//! passes aborts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smmu_model::address::Pa;
use smmu_model::bus::{Bus, ExternalAbort};
use smmu_model::memory::Ranges;

use super::MAX_TRANSFER_BYTES;
use super::machine::Machine;
use super::method::Reply;
use super::params::{Params, beyond_end, last_address};
use super::rpc::{Error, Problem};
use crate::changes::Changes;
use crate::hex::{self, Bytes};

const PAGE_BYTES: usize = 4096;
const PAGE_BITS: u32 = PAGE_BYTES.trailing_zeros();

/// Most pages that a session holds for its client: 256 MiB.
const MAX_PAGES: usize = (256 << 20) / PAGE_BYTES;

/// What one request makes the SMMU write by itself (records, messages, updates of descriptors) may take so many more.
const SPARE_PAGES: usize = 1024;

/// Most ranges of aborts.
const MAX_RANGES: usize = 1 << 16;

/// `mem.write`: aborts do not apply to the client's own door.
pub(super) fn write(machine: &mut Machine, params: &Params) -> Result<Reply, Error> {
    let address: u64 = params.required("addr")?;
    let Bytes(data) = params.required("data")?;
    let length = length(&data);
    if length > MAX_TRANSFER_BYTES {
        return Err(Error::parameter(
            "data",
            format!("must be at most {MAX_TRANSFER_BYTES} bytes, not {length}"),
        ));
    }
    last_address(address, length).ok_or_else(|| beyond_end("data"))?;
    let memory = &mut machine.bus.memory;
    memory.reserve(memory.missing(address, length))?;
    memory.change(address, &data);
    Ok(Reply::Done {})
}

/// `mem.read`: aborts do not apply to the client's own door.
pub(super) fn read(machine: &mut Machine, params: &Params) -> Result<Reply, Error> {
    let address = params.required("addr")?;
    let length = params.within("len", 0..=MAX_TRANSFER_BYTES)?;
    last_address(address, length).ok_or_else(|| beyond_end("len"))?;
    let mut data = zeros(length);
    machine.bus.memory.load(address, &mut data);
    Ok(Reply::Memory(Contents { data: Bytes(data) }))
}

/// `mem.abort`.
pub(super) fn abort(machine: &mut Machine, params: &Params) -> Result<Reply, Error> {
    let first = params.required("addr")?;
    let length: u64 = params.required("len")?;
    let on: bool = params.required("on")?;
    let last = last_address(first, length).ok_or_else(|| beyond_end("len"))?;
    let aborts = &mut machine.bus.memory.aborts;
    let is_inside = |address: Option<u64>| address.is_some_and(|address| aborts.overlaps(address, address));
    let cuts = is_inside(first.checked_sub(1)) && is_inside(last.checked_add(1));
    if length != 0 && (on || cuts) && aborts.len() >= MAX_RANGES {
        let text = format!("there are {MAX_RANGES} ranges of aborts, which is as many as a session holds");
        return Err(Error::new(Problem::Limit, text));
    }
    match (length, on) {
        (0, _) => {}
        (_, true) => aborts.insert(first, last),
        (_, false) => aborts.remove(first, last),
    }
    Ok(Reply::Done {})
}

/// The answer to `mem.read`.
#[derive(Serialize, Debug)]
pub(super) struct Contents {
    data: Bytes,
}

/// All 64 bits of physical address space; reads as zero until written.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pages: BTreeMap<u64, Box<[u8; PAGE_BYTES]>>,
    aborts: Ranges,
    /// The number of the request that is being answered: `smmu.new` has 0.
    request: u32,
    /// What the client and devices have changed, by the number of the request.
    changes: Changes,
}

impl Memory {
    /// The next request begins. Returns its number.
    pub(super) fn begin(&mut self) -> u32 {
        self.request = self.request.saturating_add(1);
        self.request
    }

    pub(super) fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Refuses if the client must not write to `more` pages that it has not written to.
    pub(super) fn reserve(&self, more: usize) -> Result<(), Error> {
        if self.pages.len().saturating_add(more) <= MAX_PAGES {
            return Ok(());
        }
        let text =
            format!("the memory of this session may hold {MAX_PAGES} pages of 4 KiB; smmu.new starts afresh");
        Err(Error::new(Problem::Limit, text))
    }

    /// How many pages a write would add. The address space has that many bytes.
    fn missing(&self, address: u64, length_bytes: u64) -> usize {
        if length_bytes == 0 {
            return 0;
        }
        let touched = address >> PAGE_BITS..=(address + (length_bytes - 1)) >> PAGE_BITS;
        let count = usize::try_from(touched.end() - touched.start() + 1).expect("at most 16 MiB");
        count - self.pages.range(touched).count()
    }

    /// Reads past aborts. The caller has checked that the address space has that many bytes.
    pub(super) fn load(&self, address: u64, bytes: &mut [u8]) {
        let mut at = address;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (page, offset) = split(at);
            let (part, more) = rest.split_at_mut(rest.len().min(PAGE_BYTES - offset));
            match self.pages.get(&page) {
                Some(page) => part.copy_from_slice(&page[offset..offset + part.len()]),
                None => part.fill(0),
            }
            at = at.wrapping_add(length(part));
            rest = more;
        }
    }

    /// The client or a device writes. The caller has checked that there is room, and that bytes do.
    fn change(&mut self, address: u64, bytes: &[u8]) {
        let mut before = zeros(length(bytes));
        self.load(address, &mut before);
        self.store(address, bytes);
        self.changes.wrote(self.request, address, &before, bytes);
    }

    /// A device writes.
    pub(super) fn write_data(&mut self, pa: Pa, bytes: &[u8]) -> Result<(), ExternalAbort> {
        self.admit(pa, bytes)?;
        self.change(pa.value(), bytes);
        Ok(())
    }

    /// Whether a write does not abort. Where there is no more room, there is no memory.
    fn admit(&self, pa: Pa, bytes: &[u8]) -> Result<(), ExternalAbort> {
        self.check(pa, bytes)?;
        let pages = self.pages.len() + self.missing(pa.value(), length(bytes));
        if pages <= MAX_PAGES + SPARE_PAGES { Ok(()) } else { Err(ExternalAbort) }
    }

    fn store(&mut self, address: u64, bytes: &[u8]) {
        let mut at = address;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (page, offset) = split(at);
            let (part, more) = rest.split_at(rest.len().min(PAGE_BYTES - offset));
            let page = self.pages.entry(page).or_insert_with(|| Box::new([0; PAGE_BYTES]));
            page[offset..offset + part.len()].copy_from_slice(part);
            at = at.wrapping_add(length(part));
            rest = more;
        }
    }

    fn check(&self, pa: Pa, bytes: &[u8]) -> Result<(), ExternalAbort> {
        let last = last_address(pa.value(), length(bytes)).ok_or(ExternalAbort)?;
        if self.aborts.overlaps(pa.value(), last) { Err(ExternalAbort) } else { Ok(()) }
    }
}

impl Bus for Memory {
    fn read(&mut self, pa: Pa, bytes: &mut [u8]) -> Result<(), ExternalAbort> {
        self.check(pa, bytes)?;
        self.load(pa.value(), bytes);
        Ok(())
    }

    fn write(&mut self, pa: Pa, bytes: &[u8]) -> Result<(), ExternalAbort> {
        self.admit(pa, bytes)?;
        self.store(pa.value(), bytes);
        Ok(())
    }
}

/// `length_bytes` zeros; at most [`MAX_TRANSFER_BYTES`].
pub(super) fn zeros(length_bytes: u64) -> Vec<u8> {
    assert!(length_bytes <= MAX_TRANSFER_BYTES);
    vec![0; usize::try_from(length_bytes).expect("at most 16 MiB")]
}

/// Page number and offset.
fn split(address: u64) -> (u64, usize) {
    let page = address >> PAGE_BITS;
    (page, usize::try_from(address - (page << PAGE_BITS)).expect("less than a page"))
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("a length fits 64 bits")
}

/// [`Memory`] as a saved state holds it: pages that are not all zero, by page number, as hex digits.
#[derive(Serialize, Deserialize, Debug)]
pub(super) struct SavedMemory {
    pages: BTreeMap<u64, String>,
    aborts: Ranges,
    request: u32,
    changes: Changes,
}

impl From<&Memory> for SavedMemory {
    fn from(memory: &Memory) -> Self {
        let written = memory.pages.iter().filter(|(_, page)| page.iter().any(|&byte| byte != 0));
        let pages = written.map(|(&number, page)| (number, hex::digits(&page[..]))).collect();
        let (aborts, changes) = (memory.aborts.clone(), memory.changes.clone());
        Self { pages, aborts, request: memory.request, changes }
    }
}

impl SavedMemory {
    /// The memory that was saved; `None` if no memory is saved like this.
    pub(super) fn restore(self) -> Option<Memory> {
        let mut pages = BTreeMap::new();
        for (number, digits) in &self.pages {
            let page: Box<[u8; PAGE_BYTES]> = hex::bytes(digits)?.into_boxed_slice().try_into().ok()?;
            pages.insert(*number, page);
        }
        let Self { aborts, request, changes, .. } = self;
        let possible = pages.len() <= MAX_PAGES + SPARE_PAGES && aborts.len() <= MAX_RANGES + 1;
        (possible && changes.is_possible()).then_some(Memory { pages, aborts, request, changes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_cost_nothing_and_writes_cross_pages() {
        let mut memory = Memory::default();
        let mut bytes = [1; 6];
        memory.load(0x1ffd, &mut bytes);
        assert_eq!((bytes, memory.pages.len()), ([0; 6], 0));
        memory.store(0x1ffd, &[1, 2, 3, 4]);
        memory.load(0x1ffc, &mut bytes);
        assert_eq!((bytes, memory.pages.len()), ([0, 1, 2, 3, 4, 0], 2));
    }

    #[test]
    fn aborts_concern_the_bus_alone() {
        let mut memory = Memory::default();
        memory.aborts.insert(0x1000, 0x1fff);
        memory.store(0x1000, &[7]);
        assert_eq!(memory.write(Pa::new(0xffc), &[0; 8]), Err(ExternalAbort));
        assert_eq!(memory.read_u64(Pa::new(0x1000)), Err(ExternalAbort));
        assert_eq!(memory.read_u64(Pa::new(u64::MAX - 6)), Err(ExternalAbort));
        let mut byte = [0];
        memory.load(0x1000, &mut byte);
        assert_eq!(byte, [7]);
    }

    #[test]
    fn every_page_that_may_be_held_can_be_written() {
        let mut memory = Memory::default();
        for page in 0..u64::try_from(MAX_PAGES).expect("small") {
            let at = page << PAGE_BITS;
            assert!(memory.reserve(memory.missing(at, 4096)).is_ok(), "{page}");
            memory.store(at, &[1]);
        }
        assert!(memory.reserve(memory.missing(0x1ffc, 8)).is_ok(), "written before");
        assert!(memory.reserve(memory.missing(u64::MAX, 1)).is_err());
        assert!(memory.write(Pa::new(u64::MAX), &[1]).is_ok(), "a record of the SMMU");
        assert!(memory.reserve(0).is_err(), "what it took is to be made up for");
    }
}
