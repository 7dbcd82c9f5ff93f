//! A program: a process that makes system calls with structures of its own, as a program in C would.

use super::Kernel;
use super::process::{Pid, Process};
use crate::errno::Errno;
use crate::iommufd::uapi::Layout;

/// Memory for structures and for what queues give.
const SCRATCH: u64 = 1 << 20;

/// A process with memory for the structures that it gives to system calls.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// The process.
    pub pid: Pid,
    scratch: u64,
}

impl Client {
    /// Most bytes of one call.
    pub const BYTES_MAX: usize = 1 << 20;

    /// Starts a process. ENOMEM if there is no memory for it.
    pub fn start(kernel: &mut Kernel, process: Process) -> Result<Self, Errno> {
        let pid = kernel.spawn(process);
        let scratch = kernel.map_memory(pid, SCRATCH, true)?;
        Ok(Self { pid, scratch })
    }

    /// `ioctl` with a structure of these bytes, which hold the reply afterwards. Zeros follow it in memory.
    ///
    /// Panics if there are more than [`Client::BYTES_MAX`] bytes.
    pub fn ioctl(&self, kernel: &mut Kernel, fd: i32, number: u32, bytes: &mut [u8]) -> Result<i32, Errno> {
        assert!(bytes.len() <= Self::BYTES_MAX, "a structure is small");
        self.put(kernel, bytes);
        let result = kernel.ioctl(self.pid, fd, number, self.scratch);
        let reply = kernel.peek(self.pid, self.scratch, bytes);
        reply.expect("the scratch memory is mapped");
        self.put(kernel, &vec![0; bytes.len()]);
        result
    }

    /// The same with a typed structure.
    pub fn call<T: Layout>(
        &self,
        kernel: &mut Kernel,
        fd: i32,
        number: u32,
        structure: &mut T,
    ) -> Result<i32, Errno> {
        let mut bytes = structure.encode();
        let result = self.ioctl(kernel, fd, number, &mut bytes);
        *structure = T::decode(&bytes);
        result
    }

    /// `read` of a queue, up to so many bytes.
    pub fn read(&self, kernel: &mut Kernel, fd: i32, bytes: usize) -> Result<Vec<u8>, Errno> {
        let bytes = bytes.min(Self::BYTES_MAX);
        let count = kernel.read(self.pid, fd, self.scratch, bytes, 0)?;
        let mut found = vec![0; count];
        let fetched = kernel.peek(self.pid, self.scratch, &mut found);
        fetched.expect("the scratch memory is mapped");
        self.put(kernel, &vec![0; count]);
        Ok(found)
    }

    /// `write` to a queue.
    pub fn write(&self, kernel: &mut Kernel, fd: i32, bytes: &[u8]) -> Result<usize, Errno> {
        self.put(kernel, bytes);
        let result = kernel.write(self.pid, fd, self.scratch, bytes.len());
        self.put(kernel, &vec![0; bytes.len()]);
        result
    }

    fn put(&self, kernel: &mut Kernel, bytes: &[u8]) {
        let put = kernel.poke(self.pid, self.scratch, bytes);
        put.expect("the scratch memory is mapped");
    }
}
