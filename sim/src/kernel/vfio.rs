//! The device files of VFIO: a process binds a device to an iommufd and attaches it.

use super::Kernel;
use super::file::{Bound, FileId, VfioFile};
use super::process::Pid;
use crate::iommufd::uapi::{
    Layout, vfio_device_attach_iommufd_pt, vfio_device_bind_iommufd, vfio_device_detach_iommufd_pt,
};
use crate::iommufd::{self, Check, How, ObjectId, Refusal};

const BIND_IOMMUFD: u32 = 0x3b76;
const ATTACH_IOMMUFD_PT: u32 = 0x3b77;
const DETACH_IOMMUFD_PT: u32 = 0x3b78;

/// A token is given.
const TOKEN: u32 = 1 << 0;

/// Bytes of a token, a UUID.
const TOKEN_BYTES: usize = 16;

/// Bytes of the first version of the structure: up to `out_devid`.
const BIND_BYTES_MIN: u32 = 16;

/// The PASID counts.
const PASID: u32 = 1 << 0;

/// Bytes of the structures up to their PASID, and with it.
const ATTACH_BYTES_MIN: u32 = 12;
const ATTACH_BYTES_PASID: u32 = 16;
const DETACH_BYTES_MIN: u32 = 8;
const DETACH_BYTES_PASID: u32 = 12;

/// One more than the largest PASID that the notes of an opened device can hold.
const PASID_END: u32 = 1 << 31;

impl Kernel {
    pub(super) fn vfio_ioctl(
        &mut self,
        pid: Pid,
        file: FileId,
        number: u32,
        argument: u64,
    ) -> Result<i32, Refusal> {
        if number == BIND_IOMMUFD {
            return self.vfio_bind(pid, file, argument);
        }
        let state = self.host.files.vfio_mut(file).expect("the file is of a device");
        let bound = state.bound.ok_or(Check::VfioUnbound)?;
        match number {
            ATTACH_IOMMUFD_PT => self.vfio_attach(pid, file, bound, argument),
            DETACH_IOMMUFD_PT => self.vfio_detach(pid, file, bound, argument),
            _unknown => Err(Check::VfioUnknown.into()),
        }
    }

    fn vfio_bind(&mut self, pid: Pid, file: FileId, argument: u64) -> Result<i32, Refusal> {
        let cmd = self.bind_structure(pid, argument)?;
        Check::VfioBindFlags.refuse_if(cmd.flags & !TOKEN != 0 || cmd.iommufd < 0)?;
        let state = self.host.files.vfio_mut(file).expect("the file is of a device");
        let device = state.device;
        Check::VfioBindTwice.refuse_if(state.bound.is_some())?;
        if cmd.flags & TOKEN != 0 {
            let mut token = [0; TOKEN_BYTES];
            let read = self.host.copy_in(pid, cmd.token_uuid_ptr, &mut token);
            read.map_err(|_fault| Check::VfioBindTokenUnreadable)?;
            return Err(Check::VfioBindToken.into());
        }
        let keeps = self.host.file_of(pid, cmd.iommufd).ok_or(Check::VfioBindDescriptor)?;
        let id = self.context_of(keeps).ok_or(Check::VfioBindFile)?;
        Check::VfioBindOpen.refuse_if(self.host.device(device).is_bound)?;
        let context = self.contexts.get_mut(&id).expect("an open file keeps its context");
        let object = iommufd::bind(context, &mut self.host, device)?;
        let reply = vfio_device_bind_iommufd { out_devid: object.0, ..cmd }.encode();
        let out_devid = 12..16;
        if self.host.copy_out(pid, argument.wrapping_add(12), &reply[out_devid]).is_err() {
            iommufd::unbind(context, &mut self.host, object);
            return Err(Check::VfioBindUnwritable.into());
        }
        self.host.files.hold(keeps);
        self.host.devices[device.0].is_bound = true;
        let state = self.host.files.vfio_mut(file).expect("the file is of a device");
        state.bound = Some(Bound { context: id, object, keeps });
        Ok(0)
    }

    /// The structure of BIND_IOMMUFD, whose size may be any from the least on.
    fn bind_structure(&mut self, pid: Pid, argument: u64) -> Result<vfio_device_bind_iommufd, Refusal> {
        let unreadable = |_fault| Check::VfioBindUnreadable;
        let mut argsz = [0; 4];
        self.host.copy_in(pid, argument, &mut argsz).map_err(unreadable)?;
        let argsz = u32::from_le_bytes(argsz);
        Check::VfioBindSize.refuse_if(argsz < BIND_BYTES_MIN)?;
        let stated = usize::try_from(argsz).unwrap_or(usize::MAX);
        let known = size_of::<vfio_device_bind_iommufd>();
        let mut at = argument.wrapping_add(u64::try_from(known).expect("the structure is small"));
        for _ in known..stated {
            let mut byte = [0];
            self.host.copy_in(pid, at, &mut byte).map_err(unreadable)?;
            Check::VfioBindTail.refuse_if(byte != [0])?;
            at = at.wrapping_add(1);
        }
        let mut bytes = vec![0; stated.min(known)];
        self.host.copy_in(pid, argument, &mut bytes).map_err(unreadable)?;
        Ok(vfio_device_bind_iommufd::decode(&bytes))
    }

    fn vfio_attach(&mut self, pid: Pid, file: FileId, bound: Bound, argument: u64) -> Result<i32, Refusal> {
        let unreadable = |_fault| Check::VfioAttachUnreadable;
        let mut bytes = [0; size_of::<vfio_device_attach_iommufd_pt>()];
        let (known, pasid_bytes) = bytes.split_at_mut(12);
        self.host.copy_in(pid, argument, known).map_err(unreadable)?;
        let [argsz, flags] = words(known);
        Check::VfioAttachSize.refuse_if(argsz < ATTACH_BYTES_MIN)?;
        Check::VfioAttachFlags.refuse_if(flags & !PASID != 0)?;
        if flags & PASID != 0 {
            Check::VfioAttachPasidSize.refuse_if(argsz < ATTACH_BYTES_PASID)?;
            self.host.copy_in(pid, argument.wrapping_add(12), pasid_bytes).map_err(unreadable)?;
        }
        let mut cmd = vfio_device_attach_iommufd_pt::decode(&bytes);
        let pasid = (flags & PASID != 0).then_some(cmd.pasid);
        cmd.pt_id = self.attach_noted(file, bound, pasid, ObjectId(cmd.pt_id))?.0;
        let reply = &cmd.encode()[8..12];
        if self.host.copy_out(pid, argument.wrapping_add(8), reply).is_err() {
            // The device itself is detached, even if the call was about a PASID.
            self.detach_noted(file, bound, None);
            return Err(Check::VfioAttachUnwritable.into());
        }
        Ok(0)
    }

    /// Attaches or replaces, whichever the notes of the file say.
    fn attach_noted(
        &mut self,
        file: FileId,
        bound: Bound,
        pasid: Option<u32>,
        to: ObjectId,
    ) -> Result<ObjectId, Refusal> {
        Check::VfioAttachPasidRange.refuse_if(pasid.is_some_and(|pasid| pasid >= PASID_END))?;
        let state = self.host.files.vfio_mut(file).expect("the file is of a device");
        let is_noted = pasid.map_or(state.is_attached, |pasid| state.pasids.contains(&pasid));
        let how = if is_noted { How::Replace } else { How::Attach };
        let context = self.contexts.get_mut(&bound.context).expect("a binding keeps its context");
        let hwpt = iommufd::change(context, &mut self.host, bound.object, pasid.unwrap_or(0), to, how)?;
        let state = self.host.files.vfio_mut(file).expect("the file is of a device");
        match pasid {
            None => state.is_attached = true,
            Some(pasid) => {
                state.pasids.insert(pasid);
            }
        }
        Ok(hwpt)
    }

    fn vfio_detach(&mut self, pid: Pid, file: FileId, bound: Bound, argument: u64) -> Result<i32, Refusal> {
        let unreadable = |_fault| Check::VfioDetachUnreadable;
        let mut bytes = [0; size_of::<vfio_device_detach_iommufd_pt>()];
        let (known, pasid_bytes) = bytes.split_at_mut(8);
        self.host.copy_in(pid, argument, known).map_err(unreadable)?;
        let [argsz, flags] = words(known);
        Check::VfioDetachSize.refuse_if(argsz < DETACH_BYTES_MIN)?;
        Check::VfioDetachFlags.refuse_if(flags & !PASID != 0)?;
        if flags & PASID != 0 {
            Check::VfioDetachPasidSize.refuse_if(argsz < DETACH_BYTES_PASID)?;
            self.host.copy_in(pid, argument.wrapping_add(8), pasid_bytes).map_err(unreadable)?;
        }
        let cmd = vfio_device_detach_iommufd_pt::decode(&bytes);
        self.detach_noted(file, bound, (flags & PASID != 0).then_some(cmd.pasid));
        Ok(0)
    }

    /// Detaches what the notes of the file have as attached.
    fn detach_noted(&mut self, file: FileId, bound: Bound, pasid: Option<u32>) {
        let state = self.host.files.vfio_mut(file).expect("the file is of a device");
        let was_noted = match pasid {
            None => std::mem::take(&mut state.is_attached),
            Some(pasid) => state.pasids.remove(&pasid),
        };
        if was_noted {
            let context = self.contexts.get_mut(&bound.context).expect("a binding keeps its context");
            iommufd::detach(context, &mut self.host, bound.object, pasid.unwrap_or(0));
        }
    }

    /// The file of a device is closed: what it attached is detached, and the device unbound.
    pub(super) fn release_vfio(&mut self, file: VfioFile) {
        let VfioFile { device, bound, is_attached, pasids } = file;
        let Some(bound) = bound else { return };
        let context = self.contexts.get_mut(&bound.context).expect("a binding keeps its context");
        iommufd::detach_all(context, &mut self.host, bound.object, &pasids, is_attached);
        iommufd::unbind(context, &mut self.host, bound.object);
        self.host.devices[device.0].is_bound = false;
        self.host.files.put(bound.keeps);
    }
}

/// The first two words of a structure: `argsz` and `flags`.
fn words(bytes: &[u8]) -> [u32; 2] {
    let (words, _) = bytes.as_chunks::<4>();
    [u32::from_le_bytes(words[0]), u32::from_le_bytes(words[1])]
}
