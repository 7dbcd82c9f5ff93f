//! One ioctl in the course of being served.

use super::check::{Check, Refusal};
use super::context::Context;
use super::object::ObjectId;
use super::uapi::Layout;
use crate::kernel::file::{File, FileId};
use crate::kernel::host::Host;
use crate::kernel::mm::Fault;
use crate::kernel::process::Pid;

/// Who calls, with which structure, on which context.
pub(crate) struct Call<'a> {
    pub(crate) context: &'a mut Context,
    pub(crate) host: &'a mut Host,
    pub(crate) pid: Pid,
    /// The file of the context.
    pub(crate) file: FileId,
    /// The user address of the structure.
    pub(crate) argument: u64,
    /// Bytes of the structure, as the caller states them.
    pub(crate) size: u32,
}

impl Call<'_> {
    /// Reads user memory.
    pub(super) fn copy_in(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), Fault> {
        self.host.copy_in(self.pid, address, bytes)
    }

    /// Writes user memory.
    pub(super) fn copy_out(&mut self, address: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.host.copy_out(self.pid, address, bytes)
    }

    /// Writes the structure back, as much of it as the caller has room for.
    pub(super) fn reply(&mut self, structure: &impl Layout) -> Result<(), Refusal> {
        let bytes = structure.encode();
        let room = usize::try_from(self.size).unwrap_or(usize::MAX).min(bytes.len());
        self.copy_out(self.argument, &bytes[..room]).map_err(|_fault| Check::ReplyUnwritable.into())
    }

    /// Gives the caller a descriptor for a queue; while it is open, so is the file of the context. Returns it as the
    /// structure holds it, and as itself.
    pub(super) fn open_queue(&mut self, file: File) -> Result<(u32, i32), Refusal> {
        let opened = self.host.open_file(self.pid, file);
        let fd = opened.map_err(|error| Check::DescriptorsExhausted.with(error))?;
        self.host.files.hold(self.file);
        Ok((u32::try_from(fd).expect("descriptors are not negative"), fd))
    }

    /// Takes the descriptor of a queue back, as if it had never been.
    pub(super) fn close_queue(&mut self, fd: i32, queue: ObjectId) {
        self.host.discard_file(self.pid, fd);
        self.host.files.put(self.file);
        self.context.objects.put(queue);
    }
}
