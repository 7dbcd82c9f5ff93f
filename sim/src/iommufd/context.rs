//! A context: what one opening of `/dev/iommu` holds.

use std::collections::BTreeMap;

use super::device::BoundGroup;
use super::ioas::fill::Mapper;
use super::ioas::space::Area;
use super::object::{ObjectId, Objects};
use super::pages::{Accounting, PagesTable};
use super::teardown;
use crate::kernel::device::GroupId;
use crate::kernel::host::Host;

/// The number of a context. Numbers are not used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ContextId(pub usize);

/// One context.
#[derive(Debug)]
pub struct Context {
    /// Its number, which owns groups.
    pub id: ContextId,
    /// Its objects.
    pub objects: Objects,
    /// The memory of its mappings.
    pub pages: PagesTable,
    /// The groups of its devices.
    pub(super) groups: BTreeMap<GroupId, BoundGroup>,
    /// How what is pinned from now on is counted.
    pub(super) accounting: Accounting,
    /// The IOAS of the VFIO compatibility requests.
    pub(super) compat_ioas: Option<ObjectId>,
}

impl Context {
    /// A context without objects.
    pub fn new(id: ContextId, accounting: Accounting) -> Self {
        Self {
            id,
            objects: Objects::default(),
            pages: PagesTable::default(),
            groups: BTreeMap::new(),
            accounting,
            compat_ioas: None,
        }
    }

    /// The last file of the context is closed: every object goes, users before what they use.
    pub fn release(mut self, host: &mut Host) {
        loop {
            let unused: Vec<_> = self.objects.ids().filter(|&id| self.objects.is_unused(id)).collect();
            if unused.is_empty() {
                break;
            }
            for id in unused {
                teardown::destroy(&mut self, host, id, false);
            }
        }
        assert!(self.objects.ids().next().is_none(), "objects use each other in a circle");
        assert!(self.pages.iter().next().is_none(), "pages are left without a mapping");
        assert!(self.groups.is_empty(), "a device keeps the file of its context open");
    }

    /// The descriptor of a queue is closed.
    pub(crate) fn release_queue(&mut self, queue: ObjectId) {
        self.objects.put(queue);
    }

    /// An IOAS with all that changing it touches.
    pub(super) fn mapper<'a>(&'a mut self, host: &'a mut Host, ioas: ObjectId) -> Mapper<'a> {
        Mapper { ioas, space: &mut self.objects.own_ioas(ioas).space, pages: &mut self.pages, host }
    }

    /// The mapping that starts at `start`.
    pub(super) fn own_area(&mut self, ioas: ObjectId, start: u64) -> &mut Area {
        let areas = &mut self.objects.own_ioas(ioas).space.areas;
        areas.get_mut(&start).expect("the mapping was just found")
    }
}
