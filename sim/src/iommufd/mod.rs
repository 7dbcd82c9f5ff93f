//! iommufd of Linux 7.3: `/dev/iommu` as its users see it. Numbers, structures, ids, and errors in their order.
//!
//! A [`Context`] is what one opening holds. `dispatch` serves an ioctl on it; each object type has a file. What the
//! kernel tests of a caller's wishes is a [`Check`]. Nothing here knows hardware: domains and devices are the
//! driver's, reached through the [`Host`](crate::kernel::host::Host).
//!
//! # Errors that do not occur
//!
//! - Calls are served one at a time, so no caller meets an object, or a mapping, that another call is just making or
//!   ending: EBUSY of IOAS_UNMAP and IOAS_CHANGE_PROCESS, ENOENT of VDEVICE_ALLOC for a device that is being unbound.
//! - The kernel's own memory does not run out, nor do ids or files: ENOMEM and ENFILE. A descriptor may be missing.
//! - There are no dma-bufs, so nothing of their own is refused.
//! - The SMMU has no queues to give away: HW_QUEUE_ALLOC ends with its fifth step, nothing can be mapped with `mmap`,
//!   and no mapping is locked.
//! - The kernel is built without no-IOMMU mode, and VFIO without the group interface: no group is open, and nothing
//!   but VFIO_IOAS makes a compatibility IOAS.
//! - vfio-pci devices only: no token, PASIDs supported, and no device whose BIND makes an access object. What such
//!   devices do with one is in [`access`].

pub mod access;
mod attach;
mod call;
pub mod check;
mod compat;
pub mod context;
mod device;
mod dirty;
mod dispatch;
mod event_queue;
mod fault_queue;
mod hw_info;
mod hw_queue;
mod hwpt;
mod invalidate;
pub mod ioas;
pub mod object;
mod option;
pub mod pages;
mod report;
mod teardown;
pub mod uapi;
mod viommu;

pub use check::{Check, Refusal};
pub use context::{Context, ContextId};
pub use device::BoundDevice;
pub use event_queue::EventQueue;
pub use fault_queue::FaultQueue;
pub use hwpt::{NestedHwpt, PagingHwpt};
pub use object::{Object, ObjectId, Objects};
pub use viommu::{Vdevice, Viommu};

pub(crate) use attach::{How, change, detach};
pub(crate) use call::Call;
pub(crate) use device::{bind, detach_all, unbind};
pub(crate) use dispatch::ioctl;

/// The queues behind descriptors.
pub(crate) mod queues {
    pub(crate) use super::event_queue::{read as read_events, report as report_event};
    pub(crate) use super::fault_queue::{
        read as read_faults, report as report_fault, write as write_responses,
    };
}
