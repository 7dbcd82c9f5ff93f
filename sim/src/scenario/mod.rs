//! Scenarios: what hardware there is, what is in its memory, what is done to it, and what must come of it.
//!
//! `docs/scenarios.md` describes the language. A scenario goes through three phases, one module each: `syntax`
//! reads KDL, `check` makes a [`Scenario`] of it or says everything that is wrong, and `run` executes it.

mod answers;
pub(crate) mod arguments;
mod attributes;
mod batch;
mod check;
mod files;
mod ioctl;
mod nesting;
mod place;
mod problem;
mod run;
pub(crate) mod scope;
pub(crate) mod span;
mod step;
pub(crate) mod syntax;

pub(crate) use answers::allows;
pub use answers::{Answers, Asked, Recorder};
pub use batch::{Answering, Exit, Options, run_paths};
pub use check::{Broken, CLAIMS, Files, KERNEL_CLAIMS, KERNEL_NODES, NODES, check, ioctls};
pub use files::{Disk, read_text};
pub(crate) use files::{find, load};
pub(crate) use ioctl::{HW_INFO, field_name, get};
pub(crate) use problem::PROBLEMS_MAX;
pub use problem::{Problem, render_all};
pub use run::{Answer, Denied, Observation, Run, execute};
pub use span::{FileId, Source, Sources, Span};
pub use step::{
    Action, Ats, AttachTo, Backing, CallData, Claim, ClaimKind, Data, Deed, DeviceAccess, Dma, DomainDeed,
    End, EndClaim, GuestStructure, GuestTlbiName, Hint, Initiator, IoctlCall, KernelClaim, KernelClaimKind,
    KernelData, KernelScript, KernelStep, Level, MemoryMap, MessageClaim, Operand, Pace, Part, Permitted,
    Place, Pointee, Pri, ProcessId, ProcessorDeed, Queue, QueueClaim, RegisterScript, ReplyClaim,
    ReplyStatus, ResponseClaim, ResultId, RoomKind, Route, Scenario, Speculation, Step, Store, SystemCall,
    Term, Tlbi, Value, VirtualEvent, VmBoot, VmClaim, VmDeed, VmDomain, VmId, VmNames, VmStart, WriteData,
};
