//! A scenario after checking: what there is, what is done, and what must come of it. Nothing in it can fail
//! for a reason that could have been known before it runs.

mod broadcast;
mod claim;
mod device;
mod kernel;
mod pace;
mod stack;

use std::collections::BTreeMap;

use smmu_model::CachePolicy;
use smmu_model::ats::Invalidated;
use smmu_model::bus::StallSafety;
use smmu_model::choice::Scripted;
use smmu_model::features::Features;
use smmu_model::ids::{CommandQueue, StreamId};
use smmu_model::layout::names::Field;

pub use super::place::Place;
use super::span::{Sources, Span};

pub use broadcast::Tlbi;
pub use claim::{Claim, ClaimKind, End, EndClaim, MessageClaim, Queue, QueueClaim};
pub(crate) use device::PERMISSIONS;
pub use device::{Ats, Dma, Hint, Pri, ReplyClaim, ReplyStatus, ResponseClaim, Route, Speculation};
pub use kernel::{
    CallData, Deed, DeviceAccess, GuestStructure, IoctlCall, KernelClaim, KernelClaimKind, KernelData,
    KernelScript, KernelStep, Pointee, ProcessId, RoomKind, SystemCall, Term, Value, VirtualEvent, WriteData,
};
pub use pace::Pace;
pub use stack::{
    AttachTo, DomainDeed, GuestTlbiName, Initiator, ProcessorDeed, VmBoot, VmClaim, VmDeed, VmDomain, VmId,
    VmNames, VmStart,
};

/// A scenario that can run. Holding one guarantees that every step can be attempted.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its text and the texts that it includes.
    pub sources: Sources,
    /// What is done, and on what.
    pub level: Level,
    /// The exact set of permitted outcomes, if the scenario states one.
    pub permitted: Option<Permitted>,
}

/// How close to the hardware a scenario is.
#[derive(Clone, Debug)]
pub enum Level {
    /// Software is registers and memory.
    Registers(Box<RegisterScript>),
    /// Software is system calls, on a kernel with its drivers.
    Kernel(Box<KernelScript>),
}

/// A scenario of registers, memory and transactions.
#[derive(Clone, Debug)]
pub struct RegisterScript {
    /// The hardware.
    pub features: Features,
    /// What it caches.
    pub caches: CachePolicy,
    /// The answers that the scenario fixes.
    pub choices: Scripted,
    /// What memory there is.
    pub memory: MemoryMap,
    /// The StreamIDs of devices with an ATC.
    pub atcs: Vec<StreamId>,
    /// What the system says of stalling the devices, by StreamID.
    pub stall_safety: Vec<(StreamId, StallSafety)>,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// The names of results (`as=`), by [`ResultId`].
    pub results: Vec<String>,
}

/// What memory there is before the first step.
#[derive(Clone, Debug, Default)]
pub struct MemoryMap {
    /// First and last address of each RAM; with none, all of the address space is RAM.
    pub ram: Vec<(u64, u64)>,
    /// First and last address of each region that aborts.
    pub aborts: Vec<(u64, u64)>,
}

/// `permitted { outcome …; … }`: results that may come together.
#[derive(Clone, Debug)]
pub struct Permitted {
    /// Where it stands.
    pub span: Span,
    /// Each outcome: result name (`read`, `read.pa`) and its value as [`super::Run::outcome`] has it.
    pub outcomes: Vec<(Span, BTreeMap<String, String>)>,
}

impl Permitted {
    /// The positions of the outcomes that `outcome` agrees with. Results that they do not name do not matter.
    pub fn matching(&self, outcome: &BTreeMap<String, String>) -> impl Iterator<Item = usize> {
        let stated = self.outcomes.iter().map(|(_, stated)| stated).enumerate();
        stated
            .filter(|(_, stated)| stated.iter().all(|(name, value)| outcome.get(name) == Some(value)))
            .map(|(position, _)| position)
    }
}

/// One step of a scenario.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it stands.
    pub span: Span,
    /// The loop variables in force, `stream=0x10, leaf=1`, or nothing.
    pub loops: String,
    /// What is done.
    pub action: Action,
}

/// How a region of memory answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Backing {
    /// Reads and writes work.
    Ram,
    /// Reads work, writes abort.
    ReadOnly,
    /// Reads and writes work, atomic updates abort.
    NoAtomics,
    /// Reads and writes abort.
    Abort,
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Software writes structures to memory.
    Store {
        /// What they are together, or nothing if each speaks for itself.
        summary: String,
        /// Each of them.
        stores: Vec<Store>,
    },
    /// Software writes raw bytes or a number.
    Write {
        /// Where.
        at: Operand,
        /// What.
        data: Data,
    },
    /// Software reads memory and keeps the number as a result.
    Load {
        /// Where.
        at: Operand,
        /// How many bytes, 1 to 8.
        size_bytes: u8,
        /// The name of the result.
        result: Option<ResultId>,
    },
    /// A region of memory answers otherwise from now on.
    Region {
        /// First address.
        first: u64,
        /// Last address.
        last: u64,
        /// How it answers.
        backing: Backing,
    },
    /// Another master stores a number while the next access is under way.
    Race {
        /// Where, 8-byte aligned.
        at: Operand,
        /// What.
        value: Operand,
    },
    /// Software writes a register.
    RegisterWrite {
        /// Which.
        place: Place,
        /// The value.
        value: Operand,
    },
    /// Software reads a register, changes fields, and writes it.
    RegisterModify {
        /// Which.
        place: Place,
        /// The fields that change, and to what.
        fields: Vec<(Field, u64)>,
    },
    /// Software reads a register.
    RegisterRead {
        /// Which.
        place: Place,
        /// The name of the result.
        result: Option<ResultId>,
    },
    /// Software writes a command at the next free place of a Command queue.
    Command {
        /// Which queue.
        queue: CommandQueue,
        /// The command.
        words: [u64; 2],
        /// Whether software also moves PROD over it and over those before.
        ring: bool,
    },
    /// Software moves PROD of this queue over the commands written since.
    Ring(CommandQueue),
    /// A device accesses memory.
    Dma(Dma),
    /// A device asks for a translation.
    Ats(Ats),
    /// A device asks software for a page.
    Pri(Pri),
    /// A device hints that it is about to access pages.
    Hint(Hint),
    /// A device answers Invalidate Requests so from now on.
    Endpoint {
        /// Which device.
        stream: StreamId,
        /// How.
        invalidated: Invalidated,
    },
    /// A processing element broadcasts a TLBI.
    Broadcast(Tlbi),
    /// A processing element waits for its broadcasts: they are complete.
    SyncBroadcasts,
    /// The SMMU may fetch ahead.
    Speculate(Speculation),
    /// Something must hold.
    Expect(Vec<Claim>),
    /// Whether the SMMU works off what is pending after each step by itself.
    Pace(Pace),
    /// The SMMU does so many units of work.
    Work(u32),
    /// The SMMU works until nothing is pending.
    Settle,
    /// The SMMU is reset; memory stays.
    Reset,
}

/// A structure that software writes.
#[derive(Clone, Debug)]
pub struct Store {
    /// What it is, for people: `STE of stream 0x10`.
    pub what: String,
    /// Where.
    pub at: u64,
    /// Its words, as they lie in memory.
    pub words: Vec<u64>,
    /// Its fields, for people; empty for raw values.
    pub fields: &'static [Field],
}

/// A value that is known, or that an earlier step finds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operand {
    /// It is known.
    Known(u64),
    /// A part of an earlier result.
    Result(ResultId, Part),
}

/// Position in [`Scenario::results`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ResultId(pub usize);

/// Which part of a result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// `pa`: the output address.
    OutputAddress,
    /// `data`: what was read, at most eight bytes, little-endian.
    Data,
    /// `stag`: the name of a stalled access.
    Stag,
    /// `size`: the bytes of the region that the first entry of a Translation Completion covers.
    Size,
    /// `entries`: how many entries it has.
    Entries,
}

impl Part {
    /// All parts.
    pub const ALL: &'static [Self] =
        &[Self::OutputAddress, Self::Data, Self::Stag, Self::Size, Self::Entries];

    /// The name in scenarios.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OutputAddress => "pa",
            Self::Data => "data",
            Self::Stag => "stag",
            Self::Size => "size",
            Self::Entries => "entries",
        }
    }
}

/// Bytes to write, or to be found.
#[derive(Clone, Debug)]
pub enum Data {
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// A number of so many bytes, little-endian.
    Number(Operand, u8),
}
