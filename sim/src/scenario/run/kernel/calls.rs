//! System calls other than `ioctl`, and what a process does with its own memory.

use super::{End, Machine, Unclaimed};
use crate::errno::Errno;
use crate::iommufd::Check;
use crate::iommufd::uapi::{Layout, iommu_hwpt_pgfault, iommufd_vevent_header};
use crate::kernel::file::File;
use crate::kernel::process::{Pid, Process, Rights};
use crate::scenario::ioctl::{Ioctl, get};
use crate::scenario::step::{
    CallData, Deed, KernelData, ProcessId, SystemCall, Value, VirtualEvent, WriteData,
};
use crate::trace::{Call, CallEnd, FieldValue, KernelHappening, Listener};

/// Bytes that each process has for structures, and as many behind them for what they point to.
pub(super) const SCRATCH_BYTES: u64 = 1 << 20;

/// `IOMMU_VEVENTQ_FLAG_LOST_EVENTS`.
const LOST_EVENTS: u32 = 1;

/// A process of the scenario.
#[derive(Clone, Copy, Debug)]
pub(super) struct Actor {
    pub(super) pid: Pid,
    /// Memory for structures.
    pub(super) structures: u64,
    /// Memory for what structures point to, and for what is read and written.
    pub(super) pointees: u64,
    has_exited: bool,
}

impl<'a, L: Listener> Machine<'a, L> {
    pub(super) fn start(
        &mut self,
        id: ProcessId,
        user: u32,
        rights: Rights,
        memlock: Option<u64>,
    ) -> Result<(), String> {
        assert_eq!(id.0, self.actors.len(), "processes start in their order");
        let mut process = Process::new(user, rights);
        process.memlock_limit = memlock.unwrap_or(process.memlock_limit);
        let pid = self.kernel.spawn(process);
        let memory = self.kernel.map_memory(pid, 2 * SCRATCH_BYTES, true);
        // Without memory, every call of the process finds that it cannot be made.
        let structures = memory.unwrap_or_default();
        let actor = Actor { pid, structures, pointees: structures + SCRATCH_BYTES, has_exited: false };
        self.actors.push(actor);
        self.say(KernelHappening::Started { process: &self.script.processes[id.0] });
        memory.map(|_address| ()).map_err(|errno| format!("the process gets no memory: {errno}"))
    }

    pub(super) fn exit(&mut self, id: ProcessId) -> Result<(), String> {
        let pid = self.actor(id)?.pid;
        self.actors[id.0].has_exited = true;
        self.kernel.exit(pid);
        self.say(KernelHappening::Exited { process: &self.script.processes[id.0] });
        Ok(())
    }

    pub(super) fn limit(
        &mut self,
        id: ProcessId,
        memlock: Option<u64>,
        descriptors: Option<i32>,
    ) -> Result<(), String> {
        let pid = self.actor(id)?.pid;
        let process = &mut self.kernel.host.processes[pid.0];
        process.memlock_limit = memlock.unwrap_or(process.memlock_limit);
        process.descriptor_limit = descriptors.unwrap_or(process.descriptor_limit);
        self.say(KernelHappening::Limited { process: &self.script.processes[id.0], memlock, descriptors });
        Ok(())
    }

    /// The process, which is still there.
    pub(super) fn actor(&self, id: ProcessId) -> Result<Actor, String> {
        let actor = self.actors.get(id.0).filter(|actor| !actor.has_exited).copied();
        actor.ok_or_else(|| match self.script.processes.get(id.0) {
            Some(name) => format!("the process `{name}` has exited"),
            None => "there is no process".to_owned(),
        })
    }

    pub(super) fn call(&mut self, id: ProcessId, call: &SystemCall) -> Result<(), String> {
        let actor = self.actor(id)?;
        let pid = actor.pid;
        match call {
            SystemCall::Ioctl(ioctl) => self.ioctl(id, actor, ioctl),
            SystemCall::PlainIoctl { on, request, argument } => {
                let (fd, argument) = (self.descriptor(on)?, self.value(argument)?);
                let known = Ioctl::numbered(*request).filter(|ioctl| ioctl.fields.is_empty());
                let arguments = match known {
                    Some(_) => named([("arg", argument)]),
                    None => named([("request", u64::from(*request)), ("arg", argument)]),
                };
                let name = known.map_or_else(|| "ioctl".to_owned(), |ioctl| ioctl.name());
                self.make(id, plain(&name, Some(fd), arguments), |kernel| {
                    kernel
                        .ioctl(pid, fd, *request, argument)
                        .map(|ret| u64::try_from(ret).unwrap_or_default())
                })
            }
            SystemCall::Open(path) => {
                let shown = Call { path: Some(path.clone()), ..plain("open", None, Vec::new()) };
                self.make_unchecked(id, shown, |kernel| kernel.open(pid, path).map(from_fd))
            }
            SystemCall::Close(fd) => {
                let fd = self.descriptor(fd)?;
                let shown = plain("close", Some(fd), Vec::new());
                self.make_unchecked(id, shown, |kernel| kernel.close(pid, fd).map(|()| 0))
            }
            SystemCall::Read { fd, bytes, position, to } => {
                let fd = self.descriptor(fd)?;
                let to = to.as_ref().map(|to| self.value(to)).transpose()?;
                self.read(id, fd, (*bytes, *position), to)
            }
            SystemCall::Write { fd, data } => {
                let fd = self.descriptor(fd)?;
                self.write(id, fd, data)
            }
            SystemCall::MapMemory { .. }
            | SystemCall::MapFile { .. }
            | SystemCall::MapIommufd { .. }
            | SystemCall::Unmap { .. }
            | SystemCall::MemoryFile(_) => self.memory_call(id, pid, call),
        }
    }

    /// The calls about memory.
    fn memory_call(&mut self, id: ProcessId, pid: Pid, call: &SystemCall) -> Result<(), String> {
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

    /// A call whose failures have named checks.
    fn make(
        &mut self,
        id: ProcessId,
        call: Call,
        make: impl FnOnce(&mut crate::kernel::Kernel) -> Result<u64, Errno>,
    ) -> Result<(), String> {
        self.say_called(id, &call);
        let result = make(&mut self.kernel).map_err(|errno| (errno, self.kernel.last_failed()));
        self.ended(id, &call, CallEnd { result, fields: Vec::new(), data: None }, Vec::new());
        Ok(())
    }

    /// A call of the kernel around iommufd, whose failures have no names.
    fn make_unchecked(
        &mut self,
        id: ProcessId,
        call: Call,
        make: impl FnOnce(&mut crate::kernel::Kernel) -> Result<u64, Errno>,
    ) -> Result<(), String> {
        self.say_called(id, &call);
        let result = make(&mut self.kernel).map_err(|errno| (errno, None));
        self.ended(id, &call, CallEnd { result, fields: Vec::new(), data: None }, Vec::new());
        Ok(())
    }

    pub(super) fn say_called(&mut self, id: ProcessId, call: &Call) {
        self.say(KernelHappening::Called { process: &self.script.processes[id.0], call });
    }

    /// Says how a call ended, and keeps it for the claims.
    pub(super) fn ended(&mut self, id: ProcessId, call: &Call, end: CallEnd, structure: Vec<u8>) {
        self.say(KernelHappening::Returned { process: &self.script.processes[id.0], call, end: &end });
        if let Some(data) = &end.data {
            self.read = Unclaimed::of(data);
        }
        self.end = End::Call(end, structure);
    }

    fn read(
        &mut self,
        id: ProcessId,
        fd: i32,
        (bytes, position): (usize, u64),
        to: Option<u64>,
    ) -> Result<(), String> {
        let actor = self.actor(id)?;
        let count = u64::try_from(bytes).expect("checked to be small");
        let call = plain("read", Some(fd), named([("bytes", count), ("position", position)]));
        self.say_called(id, &call);
        let at = to.unwrap_or(actor.pointees);
        let result = self.kernel.read(actor.pid, fd, at, bytes, position);
        let result = result.map_err(|errno| (errno, self.kernel.last_failed()));
        let data = match result {
            Ok(count) if count > 0 => {
                let mut found = vec![0; count];
                self.fetch(actor, at, &mut found)?;
                if to.is_none() {
                    self.put(actor, at, &vec![0; count])?;
                }
                Some(self.decoded(actor.pid, fd, found))
            }
            Ok(_) | Err(_) => None,
        };
        let structure = match &data {
            Some(CallData::Faults(faults)) => faults.first().cloned().unwrap_or_default(),
            _other => Vec::new(),
        };
        let result = result.map(|count| u64::try_from(count).expect("checked to be small"));
        self.ended(id, &call, CallEnd { result, fields: Vec::new(), data }, structure);
        Ok(())
    }

    /// What was read from this kind of file.
    fn decoded(&self, pid: Pid, fd: i32, bytes: Vec<u8>) -> CallData {
        let file = self.kernel.host.file_of(pid, fd).map(|file| self.kernel.host.files.get(file));
        match file {
            Some(File::FaultQueue { .. }) => {
                let size = iommu_hwpt_pgfault::FIELDS.last().map_or(1, |field| field.offset + field.bytes);
                CallData::Faults(bytes.chunks(size).map(<[u8]>::to_vec).collect())
            }
            Some(File::EventQueue { .. }) => CallData::Events(events(&bytes)),
            Some(File::Iommufd(_) | File::VfioDevice(_) | File::Memory(_) | File::Vm(_) | File::Other)
            | None => CallData::Bytes(bytes),
        }
    }

    fn write(&mut self, id: ProcessId, fd: i32, data: &WriteData) -> Result<(), String> {
        let actor = self.actor(id)?;
        let shown = match data {
            WriteData::Responses(responses) => {
                let word = |value: &Value| {
                    let value = self.value(value)?;
                    u32::try_from(value).map_err(|_too_large| format!("{value:#x} has more than 32 bits"))
                };
                let known = responses.iter().map(|(cookie, code)| Ok((word(cookie)?, word(code)?)));
                Some(CallData::Responses(known.collect::<Result<_, String>>()?))
            }
            WriteData::Bytes(bytes) => Some(CallData::Bytes(bytes.clone())),
            WriteData::Memory { .. } => None,
        };
        let bytes = shown.as_ref().map(CallData::bytes).unwrap_or_default();
        let (at, count) = match data {
            WriteData::Memory { at, bytes } => (self.value(at)?, *bytes),
            WriteData::Responses(_) | WriteData::Bytes(_) => (actor.pointees, bytes.len()),
        };
        let length = u64::try_from(count).expect("checked to be small");
        let call = Call { data: shown, ..plain("write", Some(fd), named([("bytes", length)])) };
        self.say_called(id, &call);
        if !bytes.is_empty() {
            self.put(actor, at, &bytes)?;
        }
        let result = self.kernel.write(actor.pid, fd, at, count);
        let result = result.map_err(|errno| (errno, self.kernel.last_failed()));
        if !bytes.is_empty() {
            self.put(actor, at, &vec![0; bytes.len()])?;
        }
        let result = result.map(|count| u64::try_from(count).expect("checked to be small"));
        self.ended(id, &call, CallEnd { result, fields: Vec::new(), data: None }, Vec::new());
        Ok(())
    }

    pub(super) fn poke(&mut self, id: ProcessId, at: &Value, data: &KernelData) -> Result<(), String> {
        let actor = self.actor(id)?;
        let (at, bytes) = (self.value(at)?, self.bytes(data)?);
        let result = self.kernel.poke(actor.pid, at, &bytes);
        let process = &self.script.processes[id.0];
        self.say(KernelHappening::Poked { process, at, bytes: &bytes, faulted: result.is_err() });
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
        }
    }

    /// Puts bytes into memory that the runner has in the process.
    pub(super) fn put(&mut self, actor: Actor, at: u64, bytes: &[u8]) -> Result<(), String> {
        let put = self.kernel.poke(actor.pid, at, bytes);
        put.map_err(|_fault| GONE.to_owned())
    }

    pub(super) fn fetch(&mut self, actor: Actor, at: u64, bytes: &mut [u8]) -> Result<(), String> {
        self.kernel.peek(actor.pid, at, bytes).map_err(|_fault| GONE.to_owned())
    }

    pub(super) fn descriptor(&self, value: &Value) -> Result<i32, String> {
        let number = self.value(value)?;
        i32::try_from(number.cast_signed()).map_err(|_error| format!("{number:#x} is no descriptor"))
    }
}

/// A scenario can unmap what the runner has mapped for structures.
const GONE: &str = "the process has unmapped the memory in which its structures lie";

fn own_memory(result: Result<(), Errno>, found: Option<u64>) -> End {
    let result = result.map(|()| found.unwrap_or_default()).map_err(|errno| (errno, None));
    End::Call(CallEnd { result, fields: Vec::new(), data: None }, Vec::new())
}

fn plain(name: &str, fd: Option<i32>, fields: Vec<FieldValue>) -> Call {
    Call { name: name.to_owned(), path: None, fd, fields, data: None }
}

/// Arguments that are not 0.
fn named<const N: usize>(arguments: [(&'static str, u64); N]) -> Vec<FieldValue> {
    let given = arguments.into_iter().filter(|(_, value)| *value != 0);
    given.map(|(name, value)| FieldValue { name, value, words: None }).collect()
}

fn from_fd(fd: i32) -> u64 {
    u64::try_from(fd).expect("descriptors are not negative")
}

/// What a vEVENTQ has given: headers, each with a record unless it says that events were lost.
fn events(bytes: &[u8]) -> Vec<VirtualEvent> {
    let mut events = Vec::new();
    let mut rest = bytes;
    while let Some((header, after)) = rest.split_at_checked(size_of::<iommufd_vevent_header>()) {
        let iommufd_vevent_header { flags, sequence } = iommufd_vevent_header::decode(header);
        rest = after;
        let mut record = None;
        if flags & LOST_EVENTS == 0 {
            let (words, _) = after.as_chunks::<8>();
            let word = |index: usize| words.get(index).copied().map(u64::from_le_bytes).unwrap_or_default();
            record = Some([word(0), word(1), word(2), word(3)]);
            rest = after.get(size_of::<[u64; 4]>()..).unwrap_or_default();
        }
        events.push(VirtualEvent { sequence, record });
    }
    events
}

/// What the name of the result of a call stands for: the first output of an ioctl, else what it returned.
pub(super) fn main_value(deed: &Deed, end: &CallEnd, structure: &[u8]) -> Option<u64> {
    let returned = end.result.ok()?;
    let Deed::Call(SystemCall::Ioctl(call)) = deed else { return Some(returned) };
    let output = Ioctl::numbered(call.request).and_then(|ioctl| ioctl.main_output());
    Some(output.map_or(returned, |field| get(structure, field)))
}

/// `EEXIST by IOAS_MAP-9d: The range intersects a mapping.`
pub(super) fn shown_failure(errno: Errno, check: Option<Check>) -> String {
    match check {
        None => errno.to_string(),
        Some(check) => format!("{errno} by {}: {}", check.label(), check.text()),
    }
}
