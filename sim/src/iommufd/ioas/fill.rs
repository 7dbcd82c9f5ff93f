//! Mappings and the domains that hold them: filled when the two come together, emptied when they part.

use super::range::IovaRange;
use super::space::{Area, IovaSpace, Owner, SpaceDomain};
use crate::driver::Prot;
use crate::errno::Errno;
use crate::iommufd::check::{Check, Refusal};
use crate::iommufd::object::ObjectId;
use crate::iommufd::pages::{Holder, Pages, PagesId, PagesTable};
use crate::kernel::frames::PAGE_SIZE;
use crate::kernel::host::{Driven, Host};

/// One IOAS with all that changing it touches.
pub(in crate::iommufd) struct Mapper<'a> {
    pub(in crate::iommufd) ioas: ObjectId,
    pub(in crate::iommufd) space: &'a mut IovaSpace,
    pub(in crate::iommufd) pages: &'a mut PagesTable,
    pub(in crate::iommufd) host: &'a mut Host,
}

/// A mapping to make.
#[derive(Clone, Copy, Debug)]
pub(in crate::iommufd) struct NewArea {
    pub(in crate::iommufd) pages: PagesId,
    pub(in crate::iommufd) first_byte: u64,
    pub(in crate::iommufd) bytes: u64,
}

impl Mapper<'_> {
    /// Makes adjoining mappings from `start` on and fills all domains with them. On an error none stays.
    pub(super) fn add_areas(&mut self, start: u64, new: &[NewArea], prot: Prot) -> Result<(), Refusal> {
        let mut added = Vec::new();
        let mut at = start;
        for part in new {
            let range = IovaRange::of_length(at, part.bytes).expect("the whole range was checked");
            let area = Area {
                range,
                pages: part.pages,
                first_byte: part.first_byte,
                prot,
                pins: 0,
                is_going: false,
            };
            if let Err(refusal) = self.check_area(&area) {
                added.into_iter().for_each(|area| self.forget(area));
                return Err(refusal);
            }
            self.space.areas.insert(at, area);
            self.pages.add_area(part.pages);
            added.push(area);
            at = range.last.wrapping_add(1);
        }
        for (index, area) in added.iter().enumerate() {
            if let Err(refusal) = self.fill_area(area) {
                added[..index].iter().for_each(|area| self.empty_area(area));
                added.into_iter().for_each(|area| self.forget(area));
                return Err(refusal);
            }
        }
        Ok(())
    }

    fn check_area(&self, area: &Area) -> Result<(), Refusal> {
        let pages = self.pages.get(area.pages);
        Check::CopyReadOnly.refuse_if(area.prot.write && !pages.writable)?;
        Check::MapOffsetAlignment.refuse_if(area.page_offset() & (self.space.alignment - 1) != 0)
    }

    /// Takes a mapping away.
    pub(in crate::iommufd) fn remove_area(&mut self, area: Area) {
        self.empty_area(&area);
        self.forget(area);
    }

    fn forget(&mut self, area: Area) {
        self.space.areas.remove(&area.range.start);
        self.pages.remove_area(self.host, area.pages);
    }

    /// Pins a mapping and puts it into every domain.
    fn fill_area(&mut self, area: &Area) -> Result<(), Refusal> {
        if self.space.domains.is_empty() {
            return Ok(());
        }
        self.hold(area)?;
        for index in 0..self.space.domains.len() {
            let domain = self.space.domains[index];
            if let Err(refusal) = self.map(&domain, area) {
                for domain in &self.space.domains[..index] {
                    unmap(self.host, domain, area.range);
                }
                self.release(area);
                return Err(refusal);
            }
        }
        Ok(())
    }

    /// Takes a mapping out of every domain, the first one last, and unpins it after that.
    fn empty_area(&mut self, area: &Area) {
        let Some((first, others)) = self.space.domains.split_first() else { return };
        for domain in others.iter().chain([first]) {
            unmap(self.host, domain, area.range);
        }
        self.release(area);
    }

    fn hold(&mut self, area: &Area) -> Result<(), Refusal> {
        let (first, last) = area.page_indexes();
        let holder = Holder::Area(self.ioas, area.range.start);
        self.pages.get_mut(area.pages).hold(self.host, holder, first, last)
    }

    fn release(&mut self, area: &Area) {
        self.pages.get_mut(area.pages).release(self.host, Holder::Area(self.ioas, area.range.start));
    }

    fn map(&mut self, domain: &SpaceDomain, area: &Area) -> Result<(), Refusal> {
        let pages = self.pages.get(area.pages);
        let mapped = map(self.host, domain, area, pages, self.space.huge_pages);
        mapped.map_err(|error| Check::DriverMap.with(error))
    }

    /// Brings a domain in: reserves what it cannot map and fills it with all mappings. On an error nothing stays.
    pub(in crate::iommufd) fn add_domain(&mut self, domain: SpaceDomain) -> Result<(), Refusal> {
        let alignment = domain.page_bytes().max(self.space.alignment);
        Check::DomainPageSize.refuse_if(alignment > PAGE_SIZE)?;
        Check::DomainAlignment.refuse_if(!self.space.fits_alignment(alignment))?;
        let owner = Owner::Domain(domain.hwpt);
        if let Some(start) = domain.geometry.last.checked_add(1) {
            let beyond = IovaRange { start, last: u64::MAX };
            self.space.reserve(owner, beyond).map_err(|()| Check::DomainAperture)?;
        }
        if let Err(refusal) = self.fill_domain(&domain) {
            self.space.unreserve(owner);
            return Err(refusal);
        }
        self.space.alignment = alignment;
        self.space.domains.push(domain);
        Ok(())
    }

    /// Takes a domain out. The last one moves into its place.
    pub(in crate::iommufd) fn remove_domain(&mut self, hwpt: ObjectId) {
        let index = self.space.domains.iter().position(|domain| domain.hwpt == hwpt);
        let domain = self.space.domains.swap_remove(index.expect("an HWPT is in its IOAS"));
        let areas: Vec<Area> = self.space.areas.values().copied().collect();
        areas.iter().for_each(|area| self.empty_domain(&domain, area));
        self.space.unreserve(Owner::Domain(hwpt));
        self.space.update_alignment().expect("less to suit is always possible");
    }

    fn fill_domain(&mut self, domain: &SpaceDomain) -> Result<(), Refusal> {
        let is_first = self.space.domains.is_empty();
        let areas: Vec<Area> = self.space.areas.values().copied().collect();
        for (index, area) in areas.iter().enumerate() {
            let held = if is_first { self.hold(area) } else { Ok(()) };
            let filled = held.and_then(|()| {
                let mapped = self.map(domain, area);
                if mapped.is_err() && is_first {
                    self.release(area);
                }
                mapped
            });
            if let Err(refusal) = filled {
                areas[..index].iter().for_each(|area| self.empty_domain(domain, area));
                return Err(refusal);
            }
        }
        Ok(())
    }

    /// Takes a mapping out of a domain that is not in the list, and unpins it if no other domain has it.
    fn empty_domain(&mut self, domain: &SpaceDomain, area: &Area) {
        unmap(self.host, domain, area.range);
        if self.space.domains.is_empty() {
            self.release(area);
        }
    }
}

/// Maps all of an area in one domain; on an error nothing of it stays.
fn map(
    host: &mut Host,
    domain: &SpaceDomain,
    area: &Area,
    pages: &Pages,
    huge_pages: bool,
) -> Result<(), Errno> {
    let (first, last) = area.page_indexes();
    let mut iova = area.range.start;
    let mut offset = area.page_offset();
    for (address, count) in pages.runs(first, last) {
        let bytes = (count * PAGE_SIZE - offset).min(area.range.last - iova + 1);
        let piece = if huge_pages { bytes } else { PAGE_SIZE };
        let mut done = 0;
        while done < bytes {
            let size = piece.min(bytes - done);
            let Driven { driver, mut port, .. } = host.driven(domain.domain.iommu);
            let to = address + offset + done;
            let mapped = driver.map(&mut port, domain.domain.domain, iova + done, to, size, area.prot);
            if let Err(error) = mapped {
                if iova + done > area.range.start {
                    let mapped = IovaRange { start: area.range.start, last: iova + done - 1 };
                    unmap(host, domain, mapped);
                }
                return Err(error);
            }
            done += size;
        }
        iova = iova.wrapping_add(bytes);
        offset = 0;
    }
    Ok(())
}

fn unmap(host: &mut Host, domain: &SpaceDomain, range: IovaRange) {
    let Driven { driver, mut port, .. } = host.driven(domain.domain.iommu);
    let unmapped = driver.unmap(&mut port, domain.domain.domain, range.start, range.bytes());
    assert_eq!(unmapped, range.bytes(), "a domain holds what it was filled with");
}
