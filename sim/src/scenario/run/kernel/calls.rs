//! Processes, and how a system call of theirs is made, said and kept.

use super::{End, Machine, Unclaimed};
use crate::errno::Errno;
use crate::iommufd::Check;
use crate::kernel::Kernel;
use crate::kernel::process::{Pid, Process, Rights};
use crate::scenario::ioctl::{Ioctl, get};
use crate::scenario::step::{Deed, ProcessId, SystemCall, Value};
use crate::trace::{Call, CallEnd, FieldValue, KernelHappening, Listener};

/// Bytes that each process has for structures, and as many behind them for what they point to.
pub(super) const SCRATCH_BYTES: u64 = 1 << 20;

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

    /// A call whose failures have named checks.
    pub(super) fn make(
        &mut self,
        id: ProcessId,
        call: Call,
        make: impl FnOnce(&mut Kernel) -> Result<u64, Errno>,
    ) -> Result<(), String> {
        self.make_judged(id, call, make, Kernel::last_failed)
    }

    /// A call of the kernel around iommufd, whose failures have no names.
    pub(super) fn make_unchecked(
        &mut self,
        id: ProcessId,
        call: Call,
        make: impl FnOnce(&mut Kernel) -> Result<u64, Errno>,
    ) -> Result<(), String> {
        self.make_judged(id, call, make, |_kernel| None)
    }

    fn make_judged(
        &mut self,
        id: ProcessId,
        call: Call,
        make: impl FnOnce(&mut Kernel) -> Result<u64, Errno>,
        check: impl FnOnce(&Kernel) -> Option<Check>,
    ) -> Result<(), String> {
        self.say_called(id, &call);
        let result = make(&mut self.kernel).map_err(|errno| (errno, check(&self.kernel)));
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

pub(super) fn plain(name: &str, fd: Option<i32>, fields: Vec<FieldValue>) -> Call {
    Call { name: name.to_owned(), path: None, fd, fields, data: None }
}

/// Arguments that are not 0.
pub(super) fn named<const N: usize>(arguments: [(&'static str, u64); N]) -> Vec<FieldValue> {
    let given = arguments.into_iter().filter(|(_, value)| *value != 0);
    given.map(|(name, value)| FieldValue { name, value, words: None }).collect()
}

pub(super) fn from_fd(fd: i32) -> u64 {
    u64::try_from(fd).expect("descriptors are not negative")
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
