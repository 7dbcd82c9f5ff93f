//! Processes: memory, descriptors, rights and limits.

use std::collections::BTreeMap;

use super::file::FileId;
use super::mm::Mm;

/// A process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Pid(pub usize);

/// What a process may do beyond what every process may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rights {
    /// `CAP_IPC_LOCK`: it can lock as much memory as it likes.
    pub ipc_lock: bool,
    /// `CAP_SYS_RESOURCE`: it can change how memory is accounted.
    pub sys_resource: bool,
}

impl Rights {
    /// What root has.
    pub const ROOT: Self = Self { ipc_lock: true, sys_resource: true };
    /// What an ordinary user has.
    pub const NONE: Self = Self { ipc_lock: false, sys_resource: false };
}

/// One process.
#[derive(Debug)]
pub struct Process {
    /// The user whose locked memory counts together.
    pub user: u32,
    /// What it may do.
    pub rights: Rights,
    /// `RLIMIT_MEMLOCK`, in bytes.
    pub memlock_limit: u64,
    /// `RLIMIT_NOFILE`: one more than the highest descriptor.
    pub descriptor_limit: i32,
    /// Its memory; `None` once it has exited.
    pub mm: Option<Mm>,
    pub(super) descriptors: BTreeMap<i32, FileId>,
}

/// Descriptors 0 to 2 are standard input, output and error.
const FIRST_DESCRIPTOR: i32 = 3;

impl Process {
    /// A process without memory, which has its three standard descriptors and nothing else.
    pub fn new(user: u32, rights: Rights) -> Self {
        Self {
            user,
            rights,
            memlock_limit: 8 << 20,
            descriptor_limit: 1024,
            mm: Some(Mm::default()),
            descriptors: BTreeMap::new(),
        }
    }

    /// The next free descriptor, if the limit permits one.
    pub(super) fn free_descriptor(&self) -> Option<i32> {
        (FIRST_DESCRIPTOR..self.descriptor_limit).find(|fd| !self.descriptors.contains_key(fd))
    }
}
