//! System calls: what a process can ask of the kernel.

use super::Kernel;
use super::backing::BackingId;
use super::device::{BusDriver, DeviceId};
use super::file::{File, FileId, VfioFile};
use super::frames::PAGE_SIZE;
use super::host::Host;
use super::mm::UserMemory;
use super::process::{Pid, Process};
use crate::errno::Errno;
use crate::iommufd::pages::Accounting;
use crate::iommufd::{self, Call, Check, Context, ContextId, Refusal, queues};

/// What `mmap` of an iommufd asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MapRequest {
    /// Bytes.
    pub bytes: u64,
    /// `MAP_SHARED`.
    pub is_shared: bool,
    /// `PROT_EXEC`.
    pub is_executable: bool,
    /// Where in the file.
    pub offset: u64,
}

impl Kernel {
    /// A new process.
    pub fn spawn(&mut self, process: Process) -> Pid {
        self.host.processes.push(process);
        Pid(self.host.processes.len() - 1)
    }

    /// A process ends: its descriptors are closed and its memory goes.
    pub fn exit(&mut self, pid: Pid) {
        let descriptors = std::mem::take(&mut self.host.processes[pid.0].descriptors);
        descriptors.into_values().for_each(|file| self.host.files.put(file));
        self.release_files();
        if let Some(mut mm) = self.host.processes[pid.0].mm.take() {
            self.release_memory(mm.unmap_all());
        }
        self.serve_interrupts();
    }

    /// `open`. Devices are `/dev/iommu`, `/dev/vfio/vfio` and `/dev/vfio/devices/vfioN`, which counts the devices that
    /// vfio-pci drives.
    pub fn open(&mut self, pid: Pid, path: &str) -> Result<i32, Errno> {
        let opened = match path {
            "/dev/iommu" => File::Iommufd(self.new_context(Accounting::User)),
            "/dev/vfio/vfio" => File::Iommufd(self.new_context(Accounting::Process)),
            "/dev/null" | "/dev/zero" | "/dev/full" | "/dev/random" | "/dev/urandom" => File::Other,
            _device => {
                let number = path.strip_prefix("/dev/vfio/devices/vfio").and_then(|n| n.parse().ok());
                let device = number.and_then(|number| self.vfio_device(number)).ok_or(Errno::ENOENT)?;
                let file = VfioFile { device, bound: None, is_attached: false, pasids: Default::default() };
                File::VfioDevice(file)
            }
        };
        let context = if let File::Iommufd(context) = opened { Some(context) } else { None };
        self.host.open_file(pid, opened).inspect_err(|_error| {
            context.and_then(|context| self.contexts.remove(&context));
        })
    }

    /// The n-th device that vfio-pci drives.
    pub fn vfio_device(&self, number: usize) -> Option<DeviceId> {
        let devices = self.host.devices.iter().enumerate();
        let mut driven = devices.filter(|(_, device)| device.setup.driver == BusDriver::Vfio);
        driven.nth(number).map(|(index, _)| DeviceId(index))
    }

    fn new_context(&mut self, accounting: Accounting) -> ContextId {
        let id = ContextId(self.next_context);
        self.next_context += 1;
        self.contexts.insert(id, Context::new(id, accounting));
        id
    }

    /// `memfd_create` and `ftruncate`: a memory file of so many bytes, a multiple of the page size.
    pub fn memory_file(&mut self, pid: Pid, bytes: u64) -> Result<i32, Errno> {
        let backing = self.new_backing(bytes)?;
        // The file holds its memory once more than its pages did at creation, and not those.
        self.host.backings.hold(backing, 1);
        self.host.backings.release(&mut self.host.hardware, backing, bytes / PAGE_SIZE);
        self.host.open_file(pid, File::Memory(backing))
    }

    /// `mmap` of anonymous memory.
    pub fn map_memory(&mut self, pid: Pid, bytes: u64, writable: bool) -> Result<u64, Errno> {
        let backing = self.new_backing(bytes)?;
        self.map_backing(pid, backing, bytes / PAGE_SIZE, writable)
    }

    /// `mmap` of a memory file, shared.
    pub fn map_memory_file(&mut self, pid: Pid, fd: i32, writable: bool) -> Result<u64, Errno> {
        let file = self.host.file_of(pid, fd).ok_or(Errno::EBADF)?;
        let File::Memory(backing) = *self.host.files.get(file) else { return Err(Errno::ENODEV) };
        let pages = self.host.backings.pages(backing);
        self.host.backings.hold(backing, pages);
        self.map_backing(pid, backing, pages, writable)
    }

    fn new_backing(&mut self, bytes: u64) -> Result<BackingId, Errno> {
        if bytes == 0 || !bytes.is_multiple_of(PAGE_SIZE) {
            return Err(Errno::EINVAL);
        }
        self.host.backings.create(&mut self.host.hardware, bytes / PAGE_SIZE).ok_or(Errno::ENOMEM)
    }

    fn map_backing(
        &mut self,
        pid: Pid,
        backing: BackingId,
        pages: u64,
        writable: bool,
    ) -> Result<u64, Errno> {
        let mm = self.host.processes[pid.0].mm.as_mut();
        let mapped = mm.and_then(|mm| mm.map(backing, pages, writable));
        if mapped.is_none() {
            self.release_memory(vec![(backing, pages)]);
        }
        mapped.ok_or(Errno::ENOMEM)
    }

    /// `munmap`.
    pub fn unmap_memory(&mut self, pid: Pid, address: u64, bytes: u64) -> Result<(), Errno> {
        let end = address.checked_add(bytes).ok_or(Errno::EINVAL)?;
        if bytes == 0 || !(address | bytes).is_multiple_of(PAGE_SIZE) {
            return Err(Errno::EINVAL);
        }
        if let Some(mm) = &mut self.host.processes[pid.0].mm {
            let gone = mm.unmap(address, end);
            self.release_memory(gone);
        }
        Ok(())
    }

    fn release_memory(&mut self, gone: Vec<(BackingId, u64)>) {
        for (backing, pages) in gone {
            self.host.backings.release(&mut self.host.hardware, backing, pages);
        }
    }

    /// A process reads its own memory.
    pub fn peek(&mut self, pid: Pid, address: u64, bytes: &mut [u8]) -> Result<(), Errno> {
        self.host.copy_in(pid, address, bytes).map_err(|_fault| Errno::EFAULT)
    }

    /// A process writes its own memory.
    pub fn poke(&mut self, pid: Pid, address: u64, bytes: &[u8]) -> Result<(), Errno> {
        self.host.copy_out(pid, address, bytes).map_err(|_fault| Errno::EFAULT)
    }

    /// `close`.
    pub fn close(&mut self, pid: Pid, fd: i32) -> Result<(), Errno> {
        let file = self.host.processes[pid.0].descriptors.remove(&fd).ok_or(Errno::EBADF)?;
        self.host.files.put(file);
        self.release_files();
        self.serve_interrupts();
        Ok(())
    }

    /// `ioctl`, whose argument is a user address as a rule.
    pub fn ioctl(&mut self, pid: Pid, fd: i32, number: u32, argument: u64) -> Result<i32, Errno> {
        let result = self.serve_ioctl(pid, fd, number, argument);
        self.release_files();
        self.serve_interrupts();
        self.answer(result)
    }

    fn serve_ioctl(&mut self, pid: Pid, fd: i32, number: u32, argument: u64) -> Result<i32, Refusal> {
        let file = self.host.file_of(pid, fd).ok_or(Check::BadDescriptor)?;
        match self.host.files.get(file) {
            File::Iommufd(id) => {
                let context = self.contexts.get_mut(id).expect("an open file keeps its context");
                let mut call = Call { context, host: &mut self.host, pid, file, argument, size: 0 };
                iommufd::ioctl(&mut call, number)
            }
            File::VfioDevice(_) => self.vfio_ioctl(pid, file, number, argument),
            File::FaultQueue { .. }
            | File::EventQueue { .. }
            | File::Memory(_)
            | File::Vm(_)
            | File::Other => Err(Check::NotForThisFile.into()),
        }
    }

    /// `pread` at `position`, which is 0 for what is read as a stream.
    pub fn read(
        &mut self,
        pid: Pid,
        fd: i32,
        buffer: u64,
        bytes: usize,
        position: u64,
    ) -> Result<usize, Errno> {
        let result = self.serve_read(pid, fd, buffer, bytes, position);
        self.answer(result)
    }

    fn serve_read(
        &mut self,
        pid: Pid,
        fd: i32,
        buffer: u64,
        bytes: usize,
        position: u64,
    ) -> Result<usize, Refusal> {
        let file = self.host.file_of(pid, fd).ok_or(Check::BadDescriptor)?;
        let host = &mut self.host;
        match *host.files.get(file) {
            File::FaultQueue { context, object, .. } => {
                Check::FaultReadSize.refuse_if(position != 0)?;
                let context = self.contexts.get_mut(&context).expect("an open file keeps its context");
                let write = |offset, bytes: &[u8]| copy_out_at(host, pid, buffer, offset, bytes);
                queues::read_faults(context, object, bytes, write)
            }
            File::EventQueue { context, object, .. } => {
                Check::VeventPosition.refuse_if(position != 0)?;
                let context = self.contexts.get_mut(&context).expect("an open file keeps its context");
                let write = |offset, bytes: &[u8]| copy_out_at(host, pid, buffer, offset, bytes);
                queues::read_events(context, object, bytes, write)
            }
            File::Iommufd(_) | File::VfioDevice(_) | File::Memory(_) | File::Vm(_) | File::Other => {
                Err(Check::NotForThisRead.into())
            }
        }
    }

    /// `write`: responses to page faults.
    pub fn write(&mut self, pid: Pid, fd: i32, buffer: u64, bytes: usize) -> Result<usize, Errno> {
        let result = self.serve_write(pid, fd, buffer, bytes);
        self.serve_interrupts();
        self.answer(result)
    }

    fn serve_write(&mut self, pid: Pid, fd: i32, buffer: u64, bytes: usize) -> Result<usize, Refusal> {
        let file = self.host.file_of(pid, fd).ok_or(Check::BadDescriptor)?;
        let File::FaultQueue { context, object, .. } = *self.host.files.get(file) else {
            return Err(Check::NotForThisRead.into());
        };
        let context = self.contexts.get_mut(&context).expect("an open file keeps its context");
        let fetch = |host: &mut Host, offset: usize, into: &mut [u8]| {
            let at = u64::try_from(offset).ok().and_then(|offset| buffer.checked_add(offset)).ok_or(())?;
            host.copy_in(pid, at, into).map_err(|_fault| ())
        };
        queues::write_responses(context, &mut self.host, object, bytes, fetch)
    }

    /// `poll`: whether a queue has something to read.
    pub fn is_readable(&self, pid: Pid, fd: i32) -> Result<bool, Errno> {
        let file = self.host.file_of(pid, fd).ok_or(Errno::EBADF)?;
        let objects = |id| &self.contexts.get(id).expect("an open file keeps its context").objects;
        Ok(match self.host.files.get(file) {
            File::FaultQueue { context, object, .. } => {
                objects(context).fault_queue(*object).is_some_and(iommufd::FaultQueue::is_readable)
            }
            File::EventQueue { context, object, .. } => {
                objects(context).event_queue(*object).is_some_and(iommufd::EventQueue::is_readable)
            }
            File::Iommufd(_) | File::VfioDevice(_) | File::Memory(_) | File::Vm(_) | File::Other => false,
        })
    }

    /// `mmap` of an iommufd. No driver here publishes a region, so nothing can be mapped.
    pub fn map_iommufd(&mut self, pid: Pid, fd: i32, request: MapRequest) -> Result<u64, Errno> {
        let file = self.host.file_of(pid, fd).ok_or(Errno::EBADF)?;
        let is_iommufd = matches!(self.host.files.get(file), File::Iommufd(_));
        let check = if !is_iommufd {
            Check::NotForThisRead
        } else if !request.bytes.is_multiple_of(PAGE_SIZE) {
            Check::MmapLength
        } else if !request.is_shared {
            Check::MmapPrivate
        } else if request.is_executable {
            Check::MmapExec
        } else {
            Check::MmapOffset
        };
        self.answer(Err(check.into()))
    }

    /// Releases the files that nobody holds any more, and those that they held.
    fn release_files(&mut self) {
        while let Some(file) = self.host.files.take_abandoned() {
            match file {
                File::Iommufd(id) => {
                    let context = self.contexts.remove(&id).expect("an open file keeps its context");
                    context.release(&mut self.host);
                }
                File::VfioDevice(file) => self.release_vfio(file),
                File::FaultQueue { context, object, keeps } | File::EventQueue { context, object, keeps } => {
                    let context = self.contexts.get_mut(&context).expect("an open file keeps its context");
                    context.release_queue(object);
                    self.host.files.put(keeps);
                }
                File::Memory(backing) => self.release_memory(vec![(backing, 1)]),
                File::Vm(_) | File::Other => {}
            }
        }
    }

    /// The context behind a descriptor.
    pub(super) fn context_of(&self, file: FileId) -> Option<ContextId> {
        if let File::Iommufd(id) = self.host.files.get(file) { Some(*id) } else { None }
    }
}

fn copy_out_at(host: &mut Host, pid: Pid, buffer: u64, offset: usize, bytes: &[u8]) -> Result<(), ()> {
    let at = u64::try_from(offset).ok().and_then(|offset| buffer.checked_add(offset)).ok_or(())?;
    let mut user = host.user(pid).map_err(|_fault| ())?;
    user.write(at, bytes).map_err(|_fault| ())
}
