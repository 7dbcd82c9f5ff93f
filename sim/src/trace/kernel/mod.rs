//! What happens on the kernel level: system calls, accesses of devices, and where the kernel puts events.

mod json;
mod stack;
mod text;

pub use stack::{Actor, VmAct, VmEnd, VmHappening};

pub(super) use json::json;
pub(super) use text::line;

use smmu_model::layout::event::EventRecord;
use smmu_model::rule::Rule;

use crate::errno::Errno;
use crate::iommufd::Check;
use crate::kernel::Direction;
use crate::scenario::{CallData, End, GuestStructure};

/// One thing that happened on the kernel level.
#[derive(Debug)]
pub enum KernelHappening<'a> {
    /// A process started.
    Started {
        /// Its name.
        process: &'a str,
    },
    /// A process ended.
    Exited {
        /// Its name.
        process: &'a str,
    },
    /// The limits of a process changed.
    Limited {
        /// Its name.
        process: &'a str,
        /// `RLIMIT_MEMLOCK` in bytes, if that changed.
        memlock: Option<u64>,
        /// `RLIMIT_NOFILE`, if that changed.
        descriptors: Option<i32>,
    },
    /// A process makes a system call.
    Called {
        /// Its name.
        process: &'a str,
        /// The call.
        call: &'a Call,
    },
    /// The kernel answers it.
    Returned {
        /// The process.
        process: &'a str,
        /// The call.
        call: &'a Call,
        /// The answer.
        end: &'a CallEnd,
    },
    /// A process wrote its memory.
    Poked {
        /// Its name.
        process: &'a str,
        /// Where.
        at: u64,
        /// What.
        bytes: &'a [u8],
        /// The structures that these bytes are, if they are some.
        structures: &'a [GuestStructure],
        /// Whether nothing writable is mapped there.
        faulted: bool,
    },
    /// A process read its memory.
    Peeked {
        /// Its name.
        process: &'a str,
        /// Where.
        at: u64,
        /// What it found; `None` if nothing is mapped there.
        bytes: Option<&'a [u8]>,
    },
    /// A device begins an access.
    Access {
        /// Its name.
        device: &'a str,
        /// Its PASID, if it presents one.
        pasid: Option<u32>,
        /// Which way.
        direction: Direction,
        /// The first address.
        address: u64,
        /// How many bytes.
        bytes: usize,
    },
    /// It ended.
    AccessEnded {
        /// The device.
        device: &'a str,
        /// How it ended.
        end: &'a DeviceEnd,
    },
    /// Something happened in a virtual machine.
    Vm {
        /// Its name.
        vm: &'a str,
        /// What happened.
        happening: &'a VmHappening<'a>,
    },
    /// The kernel wrote an event record into its log, as it concerns nobody.
    Logged {
        /// The record.
        record: EventRecord,
    },
    /// A queue has something to read.
    Readable {
        /// Which kind of queue.
        queue: QueueKind,
        /// The id of its object.
        id: u32,
    },
    /// Accesses of devices do not stall any longer.
    StallsEnded {
        /// How many.
        count: usize,
    },
}

/// The queues that a process reads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum QueueKind {
    /// Of page faults.
    Faults,
    /// Of events of a virtual IOMMU.
    Events,
}

/// A system call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// `open`, `read`, or the name of an ioctl.
    pub name: String,
    /// The path that is opened.
    pub path: Option<String>,
    /// The descriptor that it is made on.
    pub fd: Option<i32>,
    /// The fields of its structure, or its arguments; those that are 0 are left out.
    pub fields: Vec<FieldValue>,
    /// What its structure points to, or what it writes.
    pub data: Option<CallData>,
}

/// A field with its value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldValue {
    /// The name in the header.
    pub name: &'static str,
    /// The value.
    pub value: u64,
    /// The value in words, where it has some.
    pub words: Option<String>,
}

/// The answer to a system call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallEnd {
    /// What it returns, or the error and the check that failed.
    pub result: Result<u64, (Errno, Option<Check>)>,
    /// The fields of the structure that have changed.
    pub fields: Vec<FieldValue>,
    /// What the kernel wrote where the structure points to, or what was read.
    pub data: Option<CallData>,
}

/// How an access of a device ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceEnd {
    /// The kind of end: that of the first part that did not succeed.
    pub end: End,
    /// The rule that ended it, if the SMMU did.
    pub rule: Option<Rule>,
    /// What was read.
    pub data: Vec<u8>,
}

impl QueueKind {
    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Faults => "fault queue",
            Self::Events => "vEVENTQ",
        }
    }
}
