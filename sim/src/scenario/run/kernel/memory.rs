//! The memory of a process: the calls about it, and its own reads and writes.

use super::calls::{from_fd, named, plain};
use super::{End, Machine};
use crate::errno::Errno;
use crate::kernel::process::Pid;
use crate::scenario::step::{KernelData, ProcessId, SystemCall, Value};
use crate::trace::{CallEnd, KernelHappening, Listener};

impl<'a, L: Listener> Machine<'a, L> {
    /// The calls about memory.
    pub(super) fn memory_call(&mut self, id: ProcessId, pid: Pid, call: &SystemCall) -> Result<(), String> {
        match call {
            SystemCall::MapMemory { bytes, writable } => {
                let shown =
                    plain("mmap", None, named([("bytes", *bytes), ("writable", u64::from(*writable))]));
                self.make_unchecked(id, shown, |kernel| kernel.map_memory(pid, *bytes, *writable))
            }
            SystemCall::MapFile { fd, writable } => {
                let fd = self.descriptor(fd)?;
                let shown = plain("mmap", Some(fd), named([("writable", u64::from(*writable))]));
                self.make_unchecked(id, shown, |kernel| kernel.map_memory_file(pid, fd, *writable))
            }
            SystemCall::MapIommufd { fd, request } => {
                let fd = self.descriptor(fd)?;
                let arguments = named([
                    ("bytes", request.bytes),
                    ("shared", u64::from(request.is_shared)),
                    ("executable", u64::from(request.is_executable)),
                    ("offset", request.offset),
                ]);
                self.make(id, plain("mmap", Some(fd), arguments), |kernel| {
                    kernel.map_iommufd(pid, fd, *request)
                })
            }
            SystemCall::Unmap { address, bytes } => {
                let address = self.value(address)?;
                let shown = plain("munmap", None, named([("address", address), ("bytes", *bytes)]));
                self.make_unchecked(id, shown, |kernel| kernel.unmap_memory(pid, address, *bytes).map(|()| 0))
            }
            SystemCall::MemoryFile(bytes) => {
                let shown = plain("memfd_create", None, named([("bytes", *bytes)]));
                self.make_unchecked(id, shown, |kernel| kernel.memory_file(pid, *bytes).map(from_fd))
            }
            SystemCall::Ioctl(_)
            | SystemCall::PlainIoctl { .. }
            | SystemCall::Open(_)
            | SystemCall::Close(_)
            | SystemCall::Read { .. }
            | SystemCall::Write { .. } => unreachable!("they are not about memory"),
        }
    }

    pub(super) fn poke(&mut self, id: ProcessId, at: &Value, data: &KernelData) -> Result<(), String> {
        let actor = self.actor(id)?;
        let (at, bytes) = (self.value(at)?, self.bytes(data)?);
        let result = self.kernel.poke(actor.pid, at, &bytes);
        let structures = match data {
            KernelData::Structures(structures) => structures.as_slice(),
            KernelData::Bytes(_) | KernelData::Number(..) => &[],
        };
        let (process, faulted) = (&self.script.processes[id.0], result.is_err());
        self.say(KernelHappening::Poked { process, at, bytes: &bytes, structures, faulted });
        self.end = own_memory(result, None);
        Ok(())
    }

    pub(super) fn peek(&mut self, id: ProcessId, at: &Value, size: u8) -> Result<(), String> {
        let actor = self.actor(id)?;
        let at = self.value(at)?;
        let mut word = [0; 8];
        let bytes = &mut word[..usize::from(size)];
        let result = self.kernel.peek(actor.pid, at, bytes);
        let found = result.is_ok().then_some(&*bytes);
        self.say(KernelHappening::Peeked { process: &self.script.processes[id.0], at, bytes: found });
        self.end = own_memory(result, Some(u64::from_le_bytes(word)));
        Ok(())
    }

    pub(super) fn bytes(&self, data: &KernelData) -> Result<Vec<u8>, String> {
        match data {
            KernelData::Bytes(bytes) => Ok(bytes.clone()),
            KernelData::Number(value, bytes) => {
                Ok(self.value(value)?.to_le_bytes()[..usize::from(*bytes)].to_vec())
            }
            KernelData::Structures(structures) => {
                let words = structures.iter().flat_map(|structure| structure.words);
                Ok(words.flat_map(u64::to_le_bytes).collect())
            }
        }
    }
}

fn own_memory(result: Result<(), Errno>, found: Option<u64>) -> End {
    let result = result.map(|()| found.unwrap_or_default()).map_err(|errno| (errno, None));
    End::Call(CallEnd { result, fields: Vec::new(), data: None }, Vec::new())
}
