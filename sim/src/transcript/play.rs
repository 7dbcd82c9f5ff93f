//! Plays a transcript: a process on a machine like the one that was recorded, which does what each line says.

use std::collections::BTreeMap;

use super::step::{Action, Answer, Pointer};
use crate::errno::Errno;
use crate::iommufd::Check;
use crate::kernel::device::{BUFFER_BYTES, DeviceId};
use crate::kernel::process::{Process, Rights};
use crate::kernel::{Client, Kernel};

/// Bytes of the buffer.
const BUFFER: u64 = 64 << 20;

/// A process that plays a transcript.
#[derive(Debug)]
pub struct Player {
    kernel: Kernel,
    client: Client,
    buffer: u64,
    device: Option<DeviceId>,
    descriptors: BTreeMap<String, i32>,
    last_reply: Vec<u8>,
}

/// Why a step cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// A name that no step has given.
    #[error("no descriptor is called `{0}`")]
    Name(String),
    /// The last reply is not so long.
    #[error("the last reply has no descriptor at offset {0}")]
    Reply(usize),
    /// The machine has no device.
    #[error("no device of the machine is driven by vfio-pci")]
    Device,
    /// The device cannot hold so much.
    #[error("the device's buffer has {BUFFER_BYTES} bytes, not {0}")]
    Dma(usize),
}

impl Player {
    /// A process of root on a machine that has just booted.
    pub fn new(mut kernel: Kernel) -> Result<Self, Errno> {
        let client = Client::start(&mut kernel, Process::new(0, Rights::ROOT))?;
        let buffer = kernel.map_memory(client.pid, BUFFER, true)?;
        let device = kernel.vfio_device(0);
        let (descriptors, last_reply) = (BTreeMap::new(), Vec::new());
        Ok(Self { kernel, client, buffer, device, descriptors, last_reply })
    }

    /// The machine.
    pub fn kernel_mut(&mut self) -> &mut Kernel {
        &mut self.kernel
    }

    /// The check that made the last failed call fail.
    pub fn last_failed(&self) -> Option<Check> {
        self.kernel.last_failed()
    }

    /// Does what a step says. Returns what our kernel answers.
    pub fn play(&mut self, action: &Action) -> Result<Answer, PlayError> {
        Ok(match action {
            Action::Open { name, path } => {
                let opened = self.kernel.open(self.client.pid, path);
                self.descriptors.insert(name.clone(), opened.unwrap_or(-1));
                answer(opened.map(|_fd| 0), None)
            }
            Action::Close { name } => {
                let fd = self.descriptor(name)?;
                answer(self.kernel.close(self.client.pid, fd).map(|()| 0), None)
            }
            Action::Ioctl { fd, number, bytes, pointers } => {
                let fd = self.descriptor(fd)?;
                self.ioctl(fd, *number, bytes, pointers)?
            }
            Action::Write { offset, bytes } => {
                let at = self.buffer.wrapping_add(*offset);
                answer(self.kernel.poke(self.client.pid, at, bytes).map(|()| 0), None)
            }
            Action::Read { offset, bytes } => {
                let mut out = vec![0; *bytes];
                let at = self.buffer.wrapping_add(*offset);
                answer(self.kernel.peek(self.client.pid, at, &mut out).map(|()| 0), Some(out))
            }
            Action::Fd { name, offset } => {
                let bytes = self.last_reply.get(*offset..).and_then(|rest| rest.first_chunk::<4>());
                let fd = i32::from_le_bytes(*bytes.ok_or(PlayError::Reply(*offset))?);
                self.descriptors.insert(name.clone(), fd);
                Answer::default()
            }
            Action::Event { name, bytes } => {
                let fd = self.descriptor(name)?;
                let read = self.client.read(&mut self.kernel, fd, *bytes);
                let ret = |bytes: &Vec<u8>| i64::try_from(bytes.len()).unwrap_or(i64::MAX);
                answer(read.as_ref().map(ret).map_err(|error| *error), Some(read.unwrap_or_default()))
            }
            Action::Dma { direction, address, bytes } => {
                if *bytes > BUFFER_BYTES {
                    return Err(PlayError::Dma(*bytes));
                }
                let device = self.device.ok_or(PlayError::Device)?;
                self.kernel.dma(device, None, *direction, *address, *bytes);
                Answer::default()
            }
        })
    }

    fn descriptor(&self, name: &str) -> Result<i32, PlayError> {
        self.descriptors.get(name).copied().ok_or_else(|| PlayError::Name(name.to_owned()))
    }

    fn ioctl(
        &mut self,
        fd: i32,
        number: u32,
        bytes: &[u8],
        pointers: &[(usize, Pointer)],
    ) -> Result<Answer, PlayError> {
        let mut structure = bytes.to_vec();
        for (offset, pointer) in pointers {
            match pointer {
                Pointer::Buffer(at) => {
                    let address = self.buffer.wrapping_add(*at).to_le_bytes();
                    structure[*offset..offset + 8].copy_from_slice(&address);
                }
                Pointer::Descriptor(name) => {
                    let fd = self.descriptor(name)?.to_le_bytes();
                    structure[*offset..offset + 4].copy_from_slice(&fd);
                }
            }
        }
        let result = self.client.ioctl(&mut self.kernel, fd, number, &mut structure);
        self.last_reply.clone_from(&structure);
        for (offset, pointer) in pointers {
            structure[*offset..offset + pointer.bytes()].fill(0);
        }
        Ok(answer(result.map(i64::from), Some(structure)))
    }
}

fn answer(result: Result<i64, Errno>, out: Option<Vec<u8>>) -> Answer {
    match result {
        Ok(ret) => Answer { ret, errno: 0, out },
        Err(errno) => Answer { ret: -1, errno: errno.number(), out },
    }
}
