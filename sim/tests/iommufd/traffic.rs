//! Random traffic: after every step, DMA sees exactly the pages that the IOAS maps, dirty bits tell what was written,
//! and at the end all references and pins are gone.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use smmu_model::CachePolicy;
use smmu_model::outcome::Outcome;
use smmu_sim::iommufd::uapi::{
    iommu_hwpt_get_dirty_bitmap, iommu_ioas_copy, iommu_ioas_map, iommu_ioas_unmap,
};
use smmu_sim::kernel::Direction;
use smmu_sim::kernel::device::DeviceId;

use super::bench::*;
use super::hwpt::DIRTY;

/// The window: pages at `BASE`, in the middle of which a block of 2 MiB ends.
const BASE: u64 = 0x3f_0000;
const PAGES: u64 = 32;

/// Two IOASes; the devices 0, 1 and, together, 2 and 3.
const SPACES: usize = 2;

/// Where the bits are read to.
const BITMAP: u64 = 0x80_0000;

#[derive(Clone, Copy, Debug)]
enum Step {
    Map { space: usize, page: u64, from: u64, count: u64, writable: bool },
    Copy { from: usize, to: usize, page: u64, count: u64, at: u64, writable: bool },
    Unmap { space: usize, page: u64, count: u64 },
    UnmapAll { space: usize },
    Attach { device: usize, target: usize },
    Detach { device: usize },
    Write { device: usize, page: u64 },
    ReadDirty { page: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let page = 0..PAGES;
    let count = prop_oneof![Just(1_u64), 1_u64..6];
    let (space, device) = (0..SPACES, 0_usize..4);
    prop_oneof![
        6 => (space.clone(), page.clone(), page.clone(), count.clone(), any::<bool>())
            .prop_map(|(space, page, from, count, writable)| Step::Map { space, page, from, count, writable }),
        3 => (space.clone(), space.clone(), page.clone(), count.clone(), page.clone(), any::<bool>())
            .prop_map(|(from, to, page, count, at, writable)| Step::Copy { from, to, page, count, at, writable }),
        4 => (space.clone(), page.clone(), 1_u64..12).prop_map(|(space, page, count)| Step::Unmap { space, page, count }),
        1 => space.prop_map(|space| Step::UnmapAll { space }),
        4 => (device.clone(), 0..=SPACES).prop_map(|(device, target)| Step::Attach { device, target }),
        2 => device.clone().prop_map(|device| Step::Detach { device }),
        6 => (device, page.clone()).prop_map(|(device, page)| Step::Write { device, page }),
        3 => page.prop_map(|page| Step::ReadDirty { page }),
    ]
}

/// A page of an IOAS.
#[derive(Clone, Copy)]
struct Mapped {
    /// The page of the buffer.
    from: u64,
    writable: bool,
    /// Its memory was mapped for writing.
    source_writable: bool,
    /// The first page of the mapping that it belongs to, and how many it has.
    area: (u64, u64),
}

/// What must hold, kept as simply as can be.
struct Model {
    spaces: [BTreeMap<u64, Mapped>; SPACES],
    /// Of the devices: the IOAS, and whether through the HWPT that tracks.
    attached: [Option<(usize, bool)>; 4],
    dirty: BTreeSet<u64>,
}

struct Traffic {
    caches: CachePolicy,
    bench: Bench,
    devices: Vec<i32>,
    spaces: Vec<u32>,
    tracked: u32,
    model: Model,
}

fn iova(page: u64) -> u64 {
    BASE + page * PAGE
}

impl Traffic {
    fn new(caches: CachePolicy) -> Self {
        let mut setup = machine(&[("IDR0.HTTU", 2)]);
        setup.smmus[0].caches = caches;
        let mut bench = Bench::on(&setup);
        let devices: Vec<_> = (0..4).map(|number| bench.bind(number)).collect();
        let spaces: Vec<_> = (0..SPACES).map(|_| bench.ioas()).collect();
        let tracked = bench.hwpt(devices[0].1, spaces[0], DIRTY);
        let devices = devices.into_iter().map(|(fd, _)| fd).collect();
        let model = Model { spaces: Default::default(), attached: [None; 4], dirty: BTreeSet::new() };
        Self { caches, bench, devices, spaces, tracked, model }
    }

    fn act(&mut self, step: Step) {
        match step {
            Step::Map { space, page, from, count, writable } => self.map(space, page, from, count, writable),
            Step::Copy { from, to, page, count, at, writable } => {
                self.copy((from, page), (to, at), count, writable);
            }
            Step::Unmap { space, page, count } => self.unmap(space, page, count),
            Step::UnmapAll { space } => {
                let cmd =
                    iommu_ioas_unmap { size: 24, ioas_id: self.spaces[space], iova: 0, length: u64::MAX };
                let bytes = self.bench.call(IOAS_UNMAP, cmd).length;
                let expected = u64::try_from(self.model.spaces[space].len()).expect("it is short") * PAGE;
                assert_eq!(bytes, expected);
                self.model.spaces[space].clear();
                self.forget_dirt(space);
            }
            Step::Attach { device, target } => self.attach(device, target),
            Step::Detach { device } => {
                self.bench.detach(self.devices[device]);
                self.model.attached[device] = None;
            }
            Step::Write { device, page } => self.write(device, page),
            Step::ReadDirty { page } => self.read_dirty(page),
        }
    }

    fn add(&mut self, space: usize, page: u64, mapped: Mapped) {
        self.model.spaces[space].insert(page, mapped);
        if space == 0 && mapped.writable {
            // A fresh writable mapping reads as dirty.
            self.model.dirty.insert(page);
        }
    }

    fn forget_dirt(&mut self, space: usize) {
        if space == 0 {
            let mapped = &self.model.spaces[0];
            self.model.dirty.retain(|page| mapped.contains_key(page));
        }
    }

    fn map(&mut self, space: usize, page: u64, from: u64, count: u64, writable: bool) {
        let flags = FIXED | READ | if writable { WRITE } else { 0 };
        let cmd = self.bench.map_cmd(self.spaces[space], from * PAGE, count * PAGE, iova(page));
        let (_, result) = self.bench.try_call(IOAS_MAP, iommu_ioas_map { flags, ..cmd });
        let is_free = (page..page + count).all(|page| !self.model.spaces[space].contains_key(&page));
        assert_eq!(result.is_ok(), is_free);
        for index in (0..count).filter(|_| is_free) {
            let mapped =
                Mapped { from: from + index, writable, source_writable: writable, area: (page, count) };
            self.add(space, page + index, mapped);
        }
    }

    fn copy(&mut self, (from, page): (usize, u64), (to, at): (usize, u64), count: u64, writable: bool) {
        let cmd = iommu_ioas_copy {
            size: 40,
            flags: FIXED | READ | if writable { WRITE } else { 0 },
            dst_ioas_id: self.spaces[to],
            src_ioas_id: self.spaces[from],
            length: count * PAGE,
            dst_iova: iova(at),
            src_iova: iova(page),
        };
        let (_, result) = self.bench.try_call(IOAS_COPY, cmd);
        let source: Option<Vec<Mapped>> =
            (page..page + count).map(|page| self.model.spaces[from].get(&page).copied()).collect();
        let is_free = (at..at + count).all(|page| !self.model.spaces[to].contains_key(&page));
        let permitted = |mapped: &Mapped| !writable || mapped.source_writable;
        let source = source.filter(|pages| is_free && pages.iter().all(permitted));
        assert_eq!(result.is_ok(), source.is_some());
        // Each mapping of the source that takes part makes a mapping of its own.
        let mut areas: Vec<(u64, u64)> = Vec::new();
        let mut last = None;
        for (index, mapped) in (0..).zip(source.iter().flatten()) {
            if last != Some(mapped.area) {
                areas.push((at + index, 0));
                last = Some(mapped.area);
            }
            areas.last_mut().expect("one was just put there").1 += 1;
        }
        for (index, mapped) in (0..).zip(source.into_iter().flatten()) {
            let page = at + index;
            let area = areas.iter().copied().find(|(start, n)| (*start..start + n).contains(&page));
            let area = area.expect("every page is of a mapping");
            self.add(to, page, Mapped { writable, area, ..mapped });
        }
    }

    fn unmap(&mut self, space: usize, page: u64, count: u64) {
        let range = page..page + count;
        let cmd = iommu_ioas_unmap {
            size: 24,
            ioas_id: self.spaces[space],
            iova: iova(page),
            length: count * PAGE,
        };
        let (_, result) = self.bench.try_call(IOAS_UNMAP, cmd);
        let mut areas: Vec<_> =
            self.model.spaces[space].range(range.clone()).map(|(_, mapped)| mapped.area).collect();
        areas.dedup();
        let whole = |(start, n): &(u64, u64)| *start >= range.start && start + n <= range.end;
        let gone = areas.iter().take_while(|area| whole(area)).count();
        assert_eq!(result.is_ok(), gone > 0 && gone == areas.len());
        for (start, n) in &areas[..gone] {
            (*start..start + n).for_each(|page| {
                self.model.spaces[space].remove(&page);
            });
        }
        self.forget_dirt(space);
    }

    fn attach(&mut self, device: usize, target: usize) {
        let (id, place) = match self.spaces.get(target) {
            Some(&ioas) => (ioas, (target, false)),
            None => (self.tracked, (0, true)),
        };
        let fd = self.devices[device];
        let cmd = smmu_sim::iommufd::uapi::vfio_device_attach_iommufd_pt {
            argsz: 16,
            pt_id: id,
            ..Default::default()
        };
        let (_, result) = self.bench.try_on(fd, VFIO_ATTACH, cmd);
        // Devices 2 and 3 are one group: the second one goes where the first one is, and a replace moves both.
        let other = match device {
            2 => Some(3),
            3 => Some(2),
            _alone => None,
        };
        let neighbour = other.and_then(|other| self.model.attached[other]);
        let is_new = self.model.attached[device].is_none();
        let permitted = !is_new || neighbour.is_none() || neighbour == Some(place);
        assert_eq!(result.is_ok(), permitted, "{result:?}");
        if permitted {
            self.model.attached[device] = Some(place);
            if let (Some(other), Some(_)) = (other, neighbour) {
                self.model.attached[other] = Some(place);
            }
        }
    }

    /// What a device goes through: devices of a group are attached together.
    fn place_of(&self, device: usize) -> Option<(usize, bool)> {
        let group = if device >= 2 { vec![2, 3] } else { vec![device] };
        group.into_iter().find_map(|device| self.model.attached[device])
    }

    fn write(&mut self, device: usize, page: u64) {
        let place = self.place_of(device);
        let mapped = place.and_then(|(space, _)| self.model.spaces[space].get(&page));
        let can_write = mapped.is_some_and(|mapped| mapped.writable);
        let stamp = mapped.map_or(0, |mapped| mapped.from);
        let buffer = &mut self.bench.kernel.host.devices[device].buffer;
        buffer[..8].copy_from_slice(&stamp.to_le_bytes());
        let outcomes = self.bench.kernel.dma(DeviceId(device), None, Direction::Write, iova(page), 8);
        assert_eq!(matches!(outcomes[..], [Outcome::Done(_)]), can_write);
        if can_write && place == Some((0, true)) {
            self.model.dirty.insert(page);
        }
    }

    fn read_dirty(&mut self, page: u64) {
        let data = self.bench.buffer + BITMAP;
        let cmd = iommu_hwpt_get_dirty_bitmap {
            size: 48,
            hwpt_id: self.tracked,
            iova: iova(page),
            length: PAGE,
            page_size: PAGE,
            data,
            ..Default::default()
        };
        self.bench.poke(BITMAP, &[0]);
        self.bench.call(GET_DIRTY_BITMAP, cmd);
        let is_dirty = self.bench.peek(BITMAP, 1) == [1];
        let expected = self.model.dirty.remove(&page);
        // Linux cleans pages without an invalidation, so what is cached as dirty is not marked again.
        let may_be_lost = self.caches != CachePolicy::None;
        assert!(is_dirty == expected || (expected && may_be_lost), "page {page}: {is_dirty}");
    }

    /// Every device sees what its IOAS maps, and nothing else.
    fn check(&mut self) {
        for device in 0..4 {
            let space = self.place_of(device).map(|(space, _)| space);
            for page in 0..PAGES + 8 {
                let mapped = space.and_then(|space| self.model.spaces[space].get(&page));
                let expected = mapped.map(|mapped| mapped.from);
                let outcomes = self.bench.kernel.dma(DeviceId(device), None, Direction::Read, iova(page), 8);
                let buffer = &self.bench.kernel.host.devices[device].buffer;
                let stamp = u64::from_le_bytes(*buffer.first_chunk().expect("a buffer is long enough"));
                let found = matches!(outcomes[..], [Outcome::Done(_)]).then_some(stamp);
                assert_eq!(found, expected, "device {device}, page {page}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..Default::default() })]

    #[test]
    fn dma_sees_what_is_mapped(
        keeps in any::<bool>(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut traffic = Traffic::new(if keeps { CachePolicy::Keep } else { CachePolicy::None });
        for page in 0..PAGES + 8 {
            traffic.bench.poke(page * PAGE, &page.to_le_bytes());
        }
        for step in steps {
            traffic.act(step);
            traffic.check();
        }
        let Traffic { mut bench, .. } = traffic;
        let pid = bench.client.pid;
        for fd in 3..16 {
            bench.kernel.close(pid, fd).ok();
        }
        prop_assert_eq!(bench.kernel.contexts().count(), 0);
        let mm = bench.kernel.host.processes[pid.0].mm.as_ref().expect("it runs");
        prop_assert_eq!(mm.pinned_pages, 0);
        bench.kernel.exit(pid);
        prop_assert_eq!(bench.kernel.host.backings.count(), 0);
    }
}
