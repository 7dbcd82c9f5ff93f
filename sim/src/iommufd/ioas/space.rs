//! The IOVAs of an IOAS: what is mapped, what cannot be, and what the user allows for automatic addresses.

use std::collections::BTreeMap;

use super::range::IovaRange;
use crate::driver::{Geometry, Prot};
use crate::iommufd::check::{Check, Refusal};
use crate::iommufd::object::ObjectId;
use crate::iommufd::pages::PagesId;
use crate::kernel::device::DomainOf;
use crate::kernel::frames::PAGE_SIZE;

/// A mapping.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Area {
    /// Where it is.
    pub range: IovaRange,
    /// What is mapped.
    pub pages: PagesId,
    /// Its first byte, from the start of the pages.
    pub first_byte: u64,
    /// What devices may do.
    pub prot: Prot,
    /// How many accesses have pinned it.
    pub pins: u32,
    /// It is going: no access can pin it any more.
    pub is_going: bool,
}

impl Area {
    /// The indexes of its first and last page.
    pub fn page_indexes(&self) -> (u64, u64) {
        let last_byte = self.first_byte + (self.range.last - self.range.start);
        (self.first_byte / PAGE_SIZE, last_byte / PAGE_SIZE)
    }

    /// How far its first byte is from the start of its page.
    pub fn page_offset(&self) -> u64 {
        self.first_byte % PAGE_SIZE
    }

    /// Whether IOVA, length and offset are multiples of `alignment`.
    pub fn is_aligned(&self, alignment: u64) -> bool {
        (self.range.start | self.range.bytes() | self.page_offset()) & (alignment - 1) == 0
    }
}

/// Why a range is reserved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner {
    /// The domain of an HWPT has no such addresses.
    Domain(ObjectId),
    /// A region of an attached device.
    Device(ObjectId),
}

/// A domain that holds all areas.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpaceDomain {
    /// The HWPT.
    pub hwpt: ObjectId,
    /// Its domain.
    pub domain: DomainOf,
    /// What the domain can map.
    pub geometry: Geometry,
}

impl SpaceDomain {
    /// Bytes of its smallest page.
    pub fn page_bytes(&self) -> u64 {
        1 << self.geometry.page_sizes.trailing_zeros()
    }
}

/// The IOVAs of one IOAS.
#[derive(Debug)]
pub struct IovaSpace {
    /// By first address; they do not overlap each other, nor a reserved range.
    pub(in crate::iommufd) areas: BTreeMap<u64, Area>,
    pub(super) reserved: Vec<(Owner, IovaRange)>,
    /// Ascending; none overlaps another, nor a reserved range.
    pub(super) allowed: Vec<IovaRange>,
    /// What IOVAs, lengths and offsets are multiples of.
    pub(super) alignment: u64,
    pub(in crate::iommufd) huge_pages: bool,
    /// The first one stores the physical addresses in the kernel.
    pub(in crate::iommufd) domains: Vec<SpaceDomain>,
    /// The alignment that each attached access demands.
    pub(in crate::iommufd) accesses: BTreeMap<ObjectId, u64>,
}

impl Default for IovaSpace {
    fn default() -> Self {
        Self {
            areas: BTreeMap::new(),
            reserved: Vec::new(),
            allowed: Vec::new(),
            alignment: 1,
            huge_pages: true,
            domains: Vec::new(),
            accesses: BTreeMap::new(),
        }
    }
}

impl IovaSpace {
    /// What IOVAs, lengths and offsets are multiples of.
    pub fn alignment(&self) -> u64 {
        self.alignment
    }

    /// The mappings that intersect `range`, ascending.
    pub fn areas_in(&self, range: IovaRange) -> impl Iterator<Item = &Area> {
        let before = self.areas.range(..range.start).next_back().map(|(_, area)| area);
        let before = before.filter(|area| area.range.last >= range.start);
        before.into_iter().chain(self.areas.range(range.start..=range.last).map(|(_, area)| area))
    }

    /// The pieces of mappings that cover `range` from its start on, up to the first hole.
    pub fn covering(&self, range: IovaRange) -> impl Iterator<Item = (Area, IovaRange)> {
        let mut next = Some(range.start);
        self.areas_in(range).map_while(move |area| {
            let start = next.filter(|&start| area.range.start <= start)?;
            let last = area.range.last.min(range.last);
            next = last.checked_add(1);
            Some((*area, IovaRange { start, last }))
        })
    }

    /// Whether a reserved range intersects `range`.
    pub fn is_reserved(&self, range: IovaRange) -> bool {
        self.reserved.iter().any(|(_, reserved)| reserved.overlaps(range))
    }

    /// The ranges that are not reserved.
    pub fn usable(&self) -> Vec<IovaRange> {
        super::range::holes(IovaRange::ALL, self.reserved.iter().map(|(_, range)| *range))
    }

    /// Reserves a range, in which nothing is mapped and nothing allowed.
    pub(in crate::iommufd) fn reserve(&mut self, owner: Owner, range: IovaRange) -> Result<(), ()> {
        let is_allowed = self.allowed.iter().any(|allowed| allowed.overlaps(range));
        if is_allowed || self.areas_in(range).next().is_some() {
            return Err(());
        }
        self.reserved.push((owner, range));
        Ok(())
    }

    /// Gives back all that `owner` reserved.
    pub(in crate::iommufd) fn unreserve(&mut self, owner: Owner) {
        self.reserved.retain(|(known, _)| *known != owner);
    }

    /// Replaces the allowed list.
    pub(super) fn allow(&mut self, ranges: Vec<IovaRange>) -> Result<(), Refusal> {
        Check::AllowUnusable.refuse_if(ranges.iter().any(|range| self.is_reserved(*range)))?;
        self.allowed = ranges;
        self.allowed.sort_unstable();
        Ok(())
    }

    /// Whether `range`, at an address that the user chose, can be mapped.
    pub(super) fn check(&self, start: u64, bytes: u64) -> Result<IovaRange, Refusal> {
        Check::MapIovaAlignment.refuse_if(start & (self.alignment - 1) != 0)?;
        let range = IovaRange::of_length(start, bytes).ok_or(Check::MapIovaWraps)?;
        Check::MapIovaReserved.refuse_if(self.is_reserved(range))?;
        Check::MapIovaTaken.refuse_if(self.areas_in(range).next().is_some())?;
        Ok(range)
    }

    /// Whether all mappings are multiples of `alignment`.
    pub(super) fn fits_alignment(&self, alignment: u64) -> bool {
        self.areas.values().all(|area| area.is_aligned(alignment))
    }

    /// Computes the alignment anew. A higher one must suit the mappings there are.
    pub(in crate::iommufd) fn update_alignment(&mut self) -> Result<(), ()> {
        let base = if self.huge_pages { 1 } else { PAGE_SIZE };
        let domains = self.domains.iter().map(SpaceDomain::page_bytes);
        let alignment = domains.chain(self.accesses.values().copied()).fold(base, u64::max);
        if alignment > self.alignment && !self.fits_alignment(alignment) {
            return Err(());
        }
        self.alignment = alignment;
        Ok(())
    }

    /// Maps in pages of the host only, from now on.
    pub(in crate::iommufd) fn disable_huge_pages(&mut self) -> Result<(), Refusal> {
        if !self.huge_pages {
            return Ok(());
        }
        Check::HugeMapped.refuse_if(!self.domains.is_empty() && !self.areas.is_empty())?;
        self.huge_pages = false;
        self.update_alignment().map_err(|()| {
            self.huge_pages = true;
            Check::HugeAlignment.into()
        })
    }

    /// Maps in pages of any size again.
    pub(in crate::iommufd) fn enable_huge_pages(&mut self) {
        self.huge_pages = true;
        self.update_alignment().expect("less to suit is always possible");
    }
}
