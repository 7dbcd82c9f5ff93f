//! A scenario of the kernel level after checking: the machine, and what processes and devices do on it.

use smmu_model::layout::event::EventCode;
use smmu_model::layout::names;

use super::{End, Initiator, ResultId, VmClaim, VmDeed, VmId, VmNames};
use crate::errno::Errno;
use crate::iommufd::Check;
use crate::iommufd::uapi::Field;
use crate::kernel::process::Rights;
use crate::kernel::{Direction, Setup};
use crate::scenario::span::Span;

/// What there is, and what is done.
#[derive(Clone, Debug)]
pub struct KernelScript {
    /// Where `kernel` stands.
    pub span: Span,
    /// The machine.
    pub setup: Setup,
    /// The names of its devices, by [`DeviceId`](crate::kernel::device::DeviceId).
    pub devices: Vec<String>,
    /// The names of the processes, by [`ProcessId`].
    pub processes: Vec<String>,
    /// The virtual machines, by [`VmId`].
    pub vms: Vec<VmNames>,
    /// What is done, in order.
    pub steps: Vec<KernelStep>,
    /// The names of results, by [`ResultId`]; empty for one that has none.
    pub results: Vec<String>,
}

/// A process of the scenario: its position in the order in which they start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProcessId(pub usize);

/// One step.
#[derive(Clone, Debug)]
pub struct KernelStep {
    /// Where it stands.
    pub span: Span,
    /// The loop variables in force, or nothing.
    pub loops: String,
    /// Whose step it is, and so whose memory and descriptors its claims are about.
    pub process: ProcessId,
    /// What is done.
    pub deed: Deed,
    /// The name of what comes of it.
    pub result: Option<ResultId>,
    /// What must come of it.
    pub claims: Vec<KernelClaim>,
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Deed {
    /// The process starts.
    Start {
        /// Its user.
        user: u32,
        /// What it may do.
        rights: Rights,
        /// `RLIMIT_MEMLOCK`, if not the usual one.
        memlock: Option<u64>,
    },
    /// The process ends.
    Exit,
    /// The limits of the process change.
    Limit {
        /// `RLIMIT_MEMLOCK`, in bytes.
        memlock: Option<u64>,
        /// `RLIMIT_NOFILE`: one more than the highest descriptor.
        descriptors: Option<i32>,
    },
    /// The process makes a system call.
    Call(SystemCall),
    /// The process writes its own memory.
    Poke {
        /// Where.
        at: Value,
        /// What.
        data: KernelData,
    },
    /// The process reads its own memory.
    Peek {
        /// Where.
        at: Value,
        /// How many bytes, 1 to 8.
        bytes: u8,
    },
    /// A device accesses memory.
    Dma(DeviceAccess),
    /// A virtual machine does something.
    Vm(VmId, VmDeed),
    /// Nothing: something must hold.
    Expect,
}

/// A system call.
#[derive(Clone, Debug)]
pub enum SystemCall {
    /// `open`.
    Open(String),
    /// `close`.
    Close(Value),
    /// `ioctl` with a structure.
    Ioctl(Box<IoctlCall>),
    /// `ioctl` with a number as its argument.
    PlainIoctl {
        /// On which descriptor.
        on: Value,
        /// The request.
        request: u32,
        /// The argument.
        argument: Value,
    },
    /// `read` of a queue.
    Read {
        /// From which descriptor.
        fd: Value,
        /// At most so many bytes.
        bytes: usize,
        /// The position in the file.
        position: u64,
        /// Where to; in memory of the runner's own, unless given.
        to: Option<Value>,
    },
    /// `write` to a queue.
    Write {
        /// To which descriptor.
        fd: Value,
        /// What.
        data: WriteData,
    },
    /// `mmap` of anonymous memory.
    MapMemory {
        /// How many bytes.
        bytes: u64,
        /// Whether it is writable.
        writable: bool,
    },
    /// `mmap` of a memory file.
    MapFile {
        /// Which.
        fd: Value,
        /// Whether it is writable.
        writable: bool,
    },
    /// `mmap` of an iommufd.
    MapIommufd {
        /// Which.
        fd: Value,
        /// What is asked for.
        request: crate::kernel::MapRequest,
    },
    /// `munmap`.
    Unmap {
        /// From where.
        address: Value,
        /// How many bytes.
        bytes: u64,
    },
    /// `memfd_create` and `ftruncate`.
    MemoryFile(u64),
}

/// `ioctl` with a structure.
#[derive(Clone, Debug)]
pub struct IoctlCall {
    /// On which descriptor.
    pub on: Value,
    /// The request.
    pub request: u32,
    /// The bytes of the structure, before the fields are put in.
    pub bytes: Vec<u8>,
    /// The fields, in the order of the structure.
    pub fields: Vec<(Field, Value)>,
    /// What a field points to.
    pub pointee: Option<Pointee>,
}

/// Memory that a field of a structure points to.
#[derive(Clone, Debug)]
pub enum Pointee {
    /// It holds this for the kernel.
    Data {
        /// The field with the pointer.
        pointer: Field,
        /// What it holds.
        data: CallData,
    },
    /// The kernel has room there.
    Room {
        /// The field with the pointer.
        pointer: Field,
        /// What the kernel puts there.
        kind: RoomKind,
    },
}

/// What the kernel puts into the memory that a structure points to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RoomKind {
    /// `struct iommu_iova_range`, `num_iovas` of them.
    Ranges,
    /// `struct iommu_hw_info_arm_smmuv3`, in `data_len` bytes.
    HwInfo,
    /// A bit for each `page_size` bytes of `length`.
    Bitmap,
}

/// What lies behind a pointer of a structure, or is read or written through a descriptor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallData {
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// The part of an STE that is a guest's.
    Ste([u64; 2]),
    /// Commands of a guest.
    Commands(Vec<[u64; 2]>),
    /// Ranges of IOVAs, first and last.
    Ranges(Vec<(u64, u64)>),
    /// `struct iommu_hw_info_arm_smmuv3`.
    HwInfo(Vec<u8>),
    /// The pages that are dirty, counted from the first that was asked about.
    Dirty(Vec<u64>),
    /// `struct iommu_hwpt_pgfault`.
    Faults(Vec<Vec<u8>>),
    /// `struct iommu_hwpt_page_response`: cookie and code.
    Responses(Vec<(u32, u32)>),
    /// Events of a vEVENTQ: header and, unless events were lost there, a record.
    Events(Vec<VirtualEvent>),
}

impl CallData {
    /// The bytes in memory of what a scenario describes.
    pub fn bytes(&self) -> Vec<u8> {
        let words = |words: &[u64]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
        match self {
            Self::Bytes(bytes) | Self::HwInfo(bytes) => bytes.clone(),
            Self::Ste(ste) => words(ste),
            Self::Commands(commands) => words(commands.as_flattened()),
            Self::Ranges(ranges) => ranges.iter().flat_map(|(first, last)| words(&[*first, *last])).collect(),
            Self::Faults(faults) => faults.concat(),
            Self::Responses(responses) => {
                let bytes =
                    responses.iter().flat_map(|(cookie, code)| [cookie.to_le_bytes(), code.to_le_bytes()]);
                bytes.flatten().collect()
            }
            Self::Dirty(_) | Self::Events(_) => Vec::new(),
        }
    }
}

/// An entry of a vEVENTQ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VirtualEvent {
    /// `struct iommufd_vevent_header`.
    pub sequence: u32,
    /// The record; `None` if events were lost.
    pub record: Option<[u64; 4]>,
}

/// What is written through a descriptor.
#[derive(Clone, Debug)]
pub enum WriteData {
    /// Responses to page faults: cookie and code.
    Responses(Vec<(Value, Value)>),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// So many bytes from this address.
    Memory {
        /// Where they lie.
        at: Value,
        /// How many.
        bytes: usize,
    },
}

/// A device accesses memory.
#[derive(Clone, Debug)]
pub struct DeviceAccess {
    /// Which.
    pub device: Initiator,
    /// Its PASID, if it presents one.
    pub pasid: Option<u32>,
    /// Which way.
    pub direction: Direction,
    /// The first address.
    pub address: Value,
    /// How many bytes.
    pub bytes: usize,
    /// What is written, as eight little-endian bytes, repeated.
    pub data: Value,
}

/// A number: a constant, plus what earlier steps found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Value {
    /// The constant; a negative one as two's complement.
    pub constant: u64,
    /// What is added.
    pub terms: Vec<Term>,
}

/// A part of an earlier result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Term {
    /// Which result.
    pub result: ResultId,
    /// A field of its structure; the number that it stands for, if none is named.
    pub field: Option<Field>,
}

impl From<u64> for Value {
    fn from(constant: u64) -> Self {
        Self { constant, terms: Vec::new() }
    }
}

/// Bytes of a process's memory.
#[derive(Clone, Debug)]
pub enum KernelData {
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// A number of so many bytes, little-endian.
    Number(Value, u8),
    /// Structures of a guest, one behind the other.
    Structures(Vec<GuestStructure>),
}

/// A structure of the architecture that a process holds for its guest.
#[derive(Clone, Copy, Debug)]
pub struct GuestStructure {
    /// `CD` or `STE`.
    pub name: &'static str,
    /// Its fields.
    pub fields: &'static [names::Field],
    /// Its words.
    pub words: [u64; 8],
}

/// Something that must hold.
#[derive(Clone, Debug)]
pub struct KernelClaim {
    /// Where it stands.
    pub span: Span,
    /// What must hold.
    pub kind: KernelClaimKind,
}

/// What must hold.
#[derive(Clone, Debug)]
pub enum KernelClaimKind {
    /// The system call succeeds.
    Succeeds {
        /// What it returns, if stated.
        ret: Option<Value>,
        /// Fields of the structure afterwards.
        fields: Vec<(Field, Value)>,
    },
    /// The system call fails.
    Fails {
        /// With this error.
        errno: Errno,
        /// By this check, if stated.
        check: Option<Check>,
        /// Fields of the structure afterwards.
        fields: Vec<(Field, Value)>,
    },
    /// The bytes of the structure afterwards, from its start.
    Bytes(Vec<u8>),
    /// IOVA_RANGES has given exactly these ranges.
    Ranges(Vec<(u64, u64)>),
    /// GET_HW_INFO has given a structure with these fields.
    HwInfo(Vec<(Field, Value)>),
    /// Exactly these pages are dirty, counted from the first that was asked about.
    Dirty(Vec<u64>),
    /// The next fault that was read has these fields.
    Fault(Vec<(Field, Value)>),
    /// The next event that was read is this one.
    Event {
        /// Which event.
        code: EventCode,
        /// Its number in the queue, if stated.
        sequence: Option<u64>,
        /// Fields of the record.
        fields: Vec<(names::Field, Value)>,
    },
    /// The next that was read says that events were lost, the last with this number.
    Lost(Option<u64>),
    /// The access of the device ends so.
    End {
        /// How.
        end: End,
        /// What was read, at most eight bytes, little-endian.
        data: Option<Value>,
    },
    /// The process's memory holds this.
    Memory {
        /// Where.
        at: Value,
        /// What.
        data: KernelData,
    },
    /// The device's own buffer begins with this.
    Buffer {
        /// Which device.
        device: Initiator,
        /// What.
        data: KernelData,
    },
    /// Something about virtual machines.
    Vm(VmClaim),
    /// The next event that the kernel only logged is this one.
    Logged {
        /// Which event.
        code: EventCode,
        /// Fields of the record.
        fields: Vec<(names::Field, Value)>,
    },
    /// The kernel has logged no event that was not expected.
    NothingLogged,
    /// Whether there is something to read from the descriptor.
    Readable(Value, bool),
    /// So many accesses of devices stall.
    Stalled(usize),
    /// So many pages of the process are pinned.
    Pinned(u64),
}
