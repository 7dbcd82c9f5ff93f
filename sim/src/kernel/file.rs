//! Open files: what descriptors stand for.

use std::collections::{BTreeMap, BTreeSet};

use smmu_model::ids::Vmid;

use super::backing::BackingId;
use super::device::DeviceId;
use crate::iommufd::{ContextId, ObjectId};

/// An open file. Numbers are not used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileId(u64);

/// What a file is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum File {
    /// `/dev/iommu` or `/dev/vfio/vfio`.
    Iommufd(ContextId),
    /// `/dev/vfio/devices/vfioN`.
    VfioDevice(VfioFile),
    /// The descriptor of a fault queue; it keeps the file of the context open.
    FaultQueue {
        /// Whose.
        context: ContextId,
        /// The FAULT object.
        object: ObjectId,
        /// The file of the context.
        keeps: FileId,
    },
    /// The descriptor of a vEVENTQ; it keeps the file of the context open.
    EventQueue {
        /// Whose.
        context: ContextId,
        /// The VEVENTQ object.
        object: ObjectId,
        /// The file of the context.
        keeps: FileId,
    },
    /// A memory file (`memfd_create`).
    Memory(BackingId),
    /// A virtual machine of KVM, with its VMID.
    Vm(Vmid),
    /// Some other file, which cannot be mapped for devices.
    Other,
}

/// One opening of a VFIO device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VfioFile {
    /// The device.
    pub device: DeviceId,
    /// What BIND_IOMMUFD made of it.
    pub bound: Option<Bound>,
    /// An ATTACH without a PASID succeeded, and no DETACH came since.
    pub is_attached: bool,
    /// The same for ATTACH with a PASID.
    pub pasids: BTreeSet<u32>,
}

/// A binding of a VFIO device to an iommufd.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bound {
    /// To which.
    pub context: ContextId,
    /// Its DEVICE object.
    pub object: ObjectId,
    /// The file of the context, which is kept open.
    pub keeps: FileId,
}

#[derive(Debug)]
struct Open {
    file: File,
    references: u32,
}

/// All open files.
#[derive(Debug, Default)]
pub struct Files {
    open: BTreeMap<FileId, Open>,
    next: u64,
    /// Files that nobody holds any more and that are still to be released.
    abandoned: Vec<File>,
}

impl Files {
    /// Opens a file, with one reference.
    pub fn open(&mut self, file: File) -> FileId {
        let id = FileId(self.next);
        self.next += 1;
        self.open.insert(id, Open { file, references: 1 });
        id
    }

    /// What an open file is.
    pub fn get(&self, id: FileId) -> &File {
        &self.open.get(&id).expect("a reference keeps a file").file
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, id: FileId) -> &mut File {
        &mut self.open.get_mut(&id).expect("a reference keeps a file").file
    }

    /// The state of an opened VFIO device.
    pub fn vfio_mut(&mut self, id: FileId) -> Option<&mut VfioFile> {
        if let File::VfioDevice(file) = self.get_mut(id) { Some(file) } else { None }
    }

    /// One more reference.
    pub fn hold(&mut self, id: FileId) {
        self.open.get_mut(&id).expect("a reference keeps a file").references += 1;
    }

    /// One reference less. The last one abandons the file.
    pub fn put(&mut self, id: FileId) {
        let open = self.open.get_mut(&id).expect("a reference keeps a file");
        open.references -= 1;
        if open.references == 0 {
            self.abandoned.extend(self.open.remove(&id).map(|open| open.file));
        }
    }

    /// Forgets a file that nothing came of.
    pub(super) fn discard(&mut self, id: FileId) {
        self.open.remove(&id).expect("a reference keeps a file");
    }

    /// A file to release, oldest first.
    pub(super) fn take_abandoned(&mut self) -> Option<File> {
        (!self.abandoned.is_empty()).then(|| self.abandoned.remove(0))
    }

    /// How many files are open.
    pub fn count(&self) -> usize {
        self.open.len()
    }
}
