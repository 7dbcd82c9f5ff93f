//! iommufd of Linux 7.3: `/dev/iommu` as its users see it. Numbers, structures, ids, and errors in their order.
//!
//! A [`Context`] is what one opening holds. `dispatch` serves an ioctl on it; each object type has a file. What the
//! kernel tests of a caller's wishes is a [`Check`]. Nothing here knows hardware: domains and devices are the
//! driver's, reached through the [`Host`](crate::kernel::host::Host).
//!
//! Calls are served one at a time. So no caller ever meets an object, or a mapping, that another call is just making
//! or ending, and the errors that say so (EBUSY of IOAS_UNMAP and IOAS_CHANGE_PROCESS for a mapping under
//! construction, ENOENT of VDEVICE_ALLOC for a device that is being unbound) do not occur.

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
