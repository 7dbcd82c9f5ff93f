//! The objects of a context: ids, lowest free first, and who uses what.

use std::collections::BTreeMap;

use super::access::Access;
use super::device::BoundDevice;
use super::event_queue::EventQueue;
use super::fault_queue::FaultQueue;
use super::hwpt::{NestedHwpt, PagingHwpt};
use super::ioas::Ioas;
use super::viommu::{Vdevice, Viommu};

/// The id of an object. 0 names none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ObjectId(pub u32);

/// The highest id.
const ID_MAX: u32 = (1 << 31) - 1;

/// An object of one of the types that users see.
#[derive(Debug)]
pub enum Object {
    /// An I/O address space.
    Ioas(Ioas),
    /// A bound device.
    Device(BoundDevice),
    /// A page table that the kernel fills.
    Paging(PagingHwpt),
    /// A guest's page table, on top of a parent.
    Nested(NestedHwpt),
    /// A driver in the kernel that uses an IOAS.
    Access(Access),
    /// A queue of page faults.
    FaultQueue(FaultQueue),
    /// A virtual IOMMU.
    Viommu(Viommu),
    /// A device of a virtual IOMMU.
    Vdevice(Vdevice),
    /// A queue of events of a virtual IOMMU.
    EventQueue(EventQueue),
}

#[derive(Debug)]
enum Slot {
    /// Was revoked by the kernel: taken until the context ends, and invisible.
    Tombstone,
    Live {
        /// 1 for the table, and 1 for each user.
        users: u32,
        object: Object,
    },
}

/// The objects of one context.
#[derive(Debug, Default)]
pub struct Objects {
    slots: BTreeMap<ObjectId, Slot>,
}

impl Objects {
    /// Gives a complete object the lowest free id.
    pub(super) fn insert(&mut self, object: Object) -> ObjectId {
        let mut id = 1;
        for taken in self.slots.keys() {
            if taken.0 != id {
                break;
            }
            id += 1;
        }
        assert!(id <= ID_MAX, "memory ends long before ids do");
        self.slots.insert(ObjectId(id), Slot::Live { users: 1, object });
        ObjectId(id)
    }

    /// Takes an object out; its id is free, or a tombstone.
    pub(super) fn remove(&mut self, id: ObjectId, leaves_tombstone: bool) -> Object {
        let slot = self.slots.remove(&id);
        let Some(Slot::Live { object, .. }) = slot else { unreachable!("only a live object is removed") };
        if leaves_tombstone {
            self.slots.insert(id, Slot::Tombstone);
        }
        object
    }

    /// The object with this id.
    pub fn get(&self, id: ObjectId) -> Option<&Object> {
        match self.slots.get(&id)? {
            Slot::Live { object, .. } => Some(object),
            Slot::Tombstone => None,
        }
    }

    pub(super) fn get_mut(&mut self, id: ObjectId) -> Option<&mut Object> {
        match self.slots.get_mut(&id)? {
            Slot::Live { object, .. } => Some(object),
            Slot::Tombstone => None,
        }
    }

    /// How many use the object, the table included.
    pub fn users(&self, id: ObjectId) -> Option<u32> {
        match self.slots.get(&id)? {
            Slot::Live { users, .. } => Some(*users),
            Slot::Tombstone => None,
        }
    }

    /// One more user.
    pub(super) fn hold(&mut self, id: ObjectId) {
        *self.users_mut(id) += 1;
    }

    /// One user less.
    pub(super) fn put(&mut self, id: ObjectId) {
        let users = self.users_mut(id);
        *users -= 1;
        assert!(*users >= 1, "the table's own use ends with the object");
    }

    /// Whether nobody but the table uses the object.
    pub(super) fn is_unused(&self, id: ObjectId) -> bool {
        self.users(id) == Some(1)
    }

    /// The ids of live objects, ascending.
    pub fn ids(&self) -> impl Iterator<Item = ObjectId> {
        self.slots.iter().filter(|(_, slot)| matches!(slot, Slot::Live { .. })).map(|(&id, _)| id)
    }

    /// Whether no id is taken.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    fn users_mut(&mut self, id: ObjectId) -> &mut u32 {
        match self.slots.get_mut(&id) {
            Some(Slot::Live { users, .. }) => users,
            Some(Slot::Tombstone) | None => unreachable!("a user keeps its object"),
        }
    }
}

macro_rules! by_type {
    ($($variant:ident($type:ty) $get:ident $($get_mut:ident $own:ident)?;)*) => {
        impl Objects {
            $(
                /// The object with this id, if it is of this type.
                pub fn $get(&self, id: ObjectId) -> Option<&$type> {
                    if let Some(Object::$variant(object)) = self.get(id) { Some(object) } else { None }
                }

                $(
                    pub(super) fn $get_mut(&mut self, id: ObjectId) -> Option<&mut $type> {
                        if let Some(Object::$variant(object)) = self.get_mut(id) { Some(object) } else { None }
                    }

                    /// An object that something keeps alive.
                    pub(super) fn $own(&mut self, id: ObjectId) -> &mut $type {
                        self.$get_mut(id).expect("a user keeps its object")
                    }
                )?
            )*
        }
    };
}

by_type! {
    Ioas(Ioas) ioas ioas_mut own_ioas;
    Device(BoundDevice) device device_mut own_device;
    Paging(PagingHwpt) paging paging_mut own_paging;
    Nested(NestedHwpt) nested nested_mut own_nested;
    Access(Access) access access_mut own_access;
    FaultQueue(FaultQueue) fault_queue fault_queue_mut own_fault_queue;
    Viommu(Viommu) viommu viommu_mut own_viommu;
    Vdevice(Vdevice) vdevice;
    EventQueue(EventQueue) event_queue event_queue_mut own_event_queue;
}
