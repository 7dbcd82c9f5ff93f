//! What happens in a run, as text for people and as JSON for programs: the only place that makes either of the
//! model's events. It may look at everything and decides nothing.

mod ats;
mod descriptor;
mod explain;
mod json;
mod kernel;
mod observation;
mod text;
pub(crate) mod words;

pub(crate) use ats::permissions;
pub(crate) use descriptor::DescriptorKind;
pub use json::JsonTrace;
pub(crate) use json::{access_line, ended_line, event_line, stale_line};
pub use kernel::{
    Actor, Call, CallEnd, DeviceEnd, FieldValue, KernelHappening, QueueKind, VmAct, VmEnd, VmHappening,
};
pub use observation::observation;
pub use text::{TextTrace, Verbosity};
pub use words::cache_entry;

use smmu_model::ats::{AtsEntry, AtsReply, AtsRequest, PageRequest};
use smmu_model::command::Prefetch;
use smmu_model::hint::PageHint;
use smmu_model::ids::CommandQueue;
use smmu_model::layout::event::EventRecord;
use smmu_model::layout::pri::PriRecord;
use smmu_model::rule::Rule;
use smmu_model::trace::{CacheEntry, Difference, Event};
use smmu_model::transaction::Transaction;

use crate::scenario::{Answer, Backing, Place, Problem, Sources, Store, Tlbi};

/// One thing that happened, in the order in which it happened.
#[derive(Debug)]
pub enum Happening<'a> {
    /// A step begins.
    Step {
        /// Its line, from 1.
        line: usize,
        /// Its first line of text.
        text: &'a str,
        /// The loop variables in force, or nothing.
        loops: &'a str,
    },
    /// Software wrote structures.
    Stored {
        /// What they are together.
        summary: &'a str,
        /// Each of them.
        stores: &'a [Store],
    },
    /// Software wrote bytes.
    Written {
        /// Where.
        at: u64,
        /// What.
        bytes: &'a [u8],
        /// Whether memory aborted the write.
        aborted: bool,
    },
    /// Another master is about to store a number, while the next access is under way.
    Racing {
        /// Where.
        at: u64,
        /// What.
        value: u64,
    },
    /// Software read bytes; `None` if memory aborted the read.
    Loaded {
        /// Where.
        at: u64,
        /// What it found.
        bytes: Option<&'a [u8]>,
    },
    /// How a region of memory answers from now on.
    Region {
        /// First address.
        first: u64,
        /// Last address.
        last: u64,
        /// How it answers.
        backing: Backing,
    },
    /// Software writes a register.
    RegisterWrite {
        /// Which.
        place: Place,
        /// What.
        value: u64,
    },
    /// Software read a register.
    RegisterRead {
        /// Which.
        place: Place,
        /// What it found; `None` if the access was aborted.
        value: Option<u64>,
    },
    /// The access to a register was aborted (§6.2).
    RegisterAborted,
    /// Software put a command into the queue.
    CommandStored {
        /// In which queue.
        queue: CommandQueue,
        /// Its index.
        index: u32,
        /// Its words.
        words: [u64; 2],
    },
    /// Software took an event record out of the queue.
    RecordTaken {
        /// Its index.
        index: u32,
        /// The record.
        record: EventRecord,
    },
    /// A processing element broadcasts a TLBI.
    Broadcast(&'a Tlbi),
    /// A processing element waits for its broadcasts.
    SyncBroadcasts,
    /// The SMMU may fetch ahead.
    MayFetchAhead(&'a Prefetch),
    /// The SMMU is reset.
    Reset,
    /// A device begins an access that does not cross a 4 KiB boundary.
    Access {
        /// Its name.
        device: &'a str,
        /// The access.
        transaction: &'a Transaction,
        /// Whether the device marks it as speculative.
        speculative: bool,
        /// How many bytes.
        length: u32,
    },
    /// A device makes a Translation Request.
    AtsAsked {
        /// The device.
        device: &'a str,
        /// The request.
        request: &'a AtsRequest,
    },
    /// It was answered.
    AtsAnswered {
        /// The device.
        device: &'a str,
        /// How.
        reply: &'a AtsReply,
        /// The rules that fired meanwhile, in order.
        rules: &'a [Rule],
    },
    /// A device uses an entry of its ATC.
    AtcUsed {
        /// The device.
        device: &'a str,
        /// The entry.
        entry: &'a AtsEntry,
    },
    /// A device asks software for a page.
    PageAsked {
        /// The device.
        device: &'a str,
        /// The request.
        request: &'a PageRequest,
    },
    /// A device hints that it is about to access pages.
    PageHinted {
        /// The device.
        device: &'a str,
        /// The hint.
        hint: &'a PageHint,
    },
    /// Software took a record out of the PRI queue.
    PageRequestTaken {
        /// Its index.
        index: u32,
        /// The record.
        record: PriRecord,
    },
    /// Something happened in the SMMU.
    Model(&'a Event),
    /// The SMMU uses a cache entry with which memory no longer agrees.
    Stale(&'a StaleUse),
    /// The access ended.
    Ended {
        /// The device.
        device: &'a str,
        /// How.
        answer: &'a Answer,
        /// The rules that fired meanwhile, in order.
        rules: &'a [Rule],
    },
    /// Something happened on the kernel level.
    Kernel(&'a KernelHappening<'a>),
    /// Something did not hold.
    Failed {
        /// What, and where it was expected.
        problem: &'a Problem,
        /// The text it points into.
        sources: &'a Sources,
    },
}

/// The use of a cache entry with which memory no longer agrees, and how it came to that.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StaleUse {
    /// The entry.
    pub entry: CacheEntry,
    /// What cached it: the line of a step, or the number of a request.
    pub cached: Option<usize>,
    /// Likewise what changed memory, if it is known that something changed what lies at the difference.
    pub changed: Option<usize>,
    /// Where memory differs.
    pub difference: Difference,
    /// It is invalidated, but the invalidation is not complete.
    pub invalidated: bool,
}

impl StaleUse {
    /// Of an entry whose history nobody has kept.
    pub(crate) const fn without_history(
        entry: CacheEntry,
        difference: Difference,
        invalidated: bool,
    ) -> Self {
        Self { entry, cached: None, changed: None, difference, invalidated }
    }

    /// What is used, and what software owes: `a stale STE of StreamID 0x10: …`.
    pub fn sentence(&self) -> String {
        text::stale(self)
    }
}

/// Hears what happens.
pub trait Listener {
    /// Takes one happening.
    fn hear(&mut self, happening: Happening<'_>);
}

/// Nobody listens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deaf;

impl Listener for Deaf {
    fn hear(&mut self, _happening: Happening<'_>) {}
}
