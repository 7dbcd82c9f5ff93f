//! System calls of the monitor, each with a note of what came of it.

use super::error::{Step, VmmError};
use super::note::Note;
use crate::errno::Errno;
use crate::iommufd::uapi::{
    Layout, iommu_destroy, iommu_fault_alloc, iommu_hw_info, iommu_hw_info_arm_smmuv3, iommu_hwpt_alloc,
    iommu_hwpt_arm_smmuv3, iommu_hwpt_invalidate, iommu_hwpt_page_response, iommu_ioas_alloc, iommu_ioas_map,
    iommu_option, iommu_vdevice_alloc, iommu_veventq_alloc, iommu_viommu_alloc,
    vfio_device_attach_iommufd_pt, vfio_device_bind_iommufd,
};
use crate::kernel::generation::FLAG_VBTM;
use crate::kernel::{Client, Kernel};

macro_rules! calls {
    ($($name:ident = $text:literal $number:literal,)*) => {
        /// A system call that the monitor makes.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Call { $(#[doc = concat!("`", $text, "`.")] $name,)* }

        impl Call {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name in the headers.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The request of an ioctl; 0 of other calls.
            const fn number(self) -> u32 {
                match self { $(Self::$name => $number,)* }
            }
        }
    };
}

calls! {
    Open = "open" 0,
    Mmap = "mmap" 0,
    Write = "write" 0,
    Close = "close" 0,
    CreateVm = "KVM_CREATE_VM" 0,
    Bind = "VFIO_DEVICE_BIND_IOMMUFD" 0x3b76,
    Attach = "VFIO_DEVICE_ATTACH_IOMMUFD_PT" 0x3b77,
    Destroy = "IOMMU_DESTROY" 0x3b80,
    IoasAlloc = "IOMMU_IOAS_ALLOC" 0x3b81,
    IoasMap = "IOMMU_IOAS_MAP" 0x3b85,
    Option = "IOMMU_OPTION" 0x3b87,
    HwptAlloc = "IOMMU_HWPT_ALLOC" 0x3b89,
    GetHwInfo = "IOMMU_GET_HW_INFO" 0x3b8a,
    HwptInvalidate = "IOMMU_HWPT_INVALIDATE" 0x3b8d,
    FaultQueueAlloc = "IOMMU_FAULT_QUEUE_ALLOC" 0x3b8e,
    ViommuAlloc = "IOMMU_VIOMMU_ALLOC" 0x3b90,
    VdeviceAlloc = "IOMMU_VDEVICE_ALLOC" 0x3b91,
    VeventqAlloc = "IOMMU_VEVENTQ_ALLOC" 0x3b93,
}

impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// `IOMMU_IOAS_MAP_*`: at the given IOVA, for writing, for reading.
const MAP_FLAGS: u32 = 0b111;
/// `IOMMU_OPTION_HUGE_PAGES`, of which 0 is set.
const OPTION_HUGE_PAGES: u32 = 1;
/// `IOMMU_HWPT_ALLOC_NEST_PARENT` and `IOMMU_HWPT_FAULT_ID_VALID`.
const NEST_PARENT: u32 = 1 << 0;
const FAULT_ID_VALID: u32 = 1 << 2;
/// `IOMMU_HW_INFO_FLAG_INPUT_TYPE`.
const INPUT_TYPE: u32 = 1 << 0;
/// `IOMMU_HW_INFO_TYPE_ARM_SMMUV3` and `IOMMU_HWPT_DATA_ARM_SMMUV3`.
const TYPE_ARM_SMMUV3: u32 = 2;
/// `IOMMU_VIOMMU_TYPE_ARM_SMMUV3`, `IOMMU_VEVENTQ_TYPE_ARM_SMMUV3`, `IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3`.
const VIRTUAL_ARM_SMMUV3: u32 = 1;

/// Bytes of a command.
const COMMAND_BYTES: u32 = 16;

/// Most commands of one call: as many as fit into the structure of a client.
pub(super) const COMMANDS_MAX: usize = 1024;

/// The structure of GET_HW_INFO, and the mask that a kernel may put behind it.
const HW_INFO_BYTES: usize = size_of::<iommu_hw_info_arm_smmuv3>() + size_of::<[u32; 6]>();

/// What GET_HW_INFO says about a device.
#[derive(Clone, Copy, Debug)]
pub struct HwInfo {
    /// The structure itself.
    pub info: iommu_hw_info,
    /// What it points to; zero if the hardware is of another type.
    pub smmu: iommu_hw_info_arm_smmuv3,
    /// Which bits of IDR0 to IDR5 say something, of a kernel that is explicit about it. No Linux is.
    pub mask: Option<[u32; 6]>,
}

/// The monitor's way into the kernel.
pub(super) struct Caller<'a> {
    pub(super) kernel: &'a mut Kernel,
    pub(super) client: Client,
    pub(super) notes: &'a mut Vec<Note>,
    /// Where data lies that structures point to.
    pub(super) data: u64,
    /// What the calls are for.
    pub(super) step: Step,
}

impl Caller<'_> {
    /// The same, for something else.
    pub(super) fn for_step(&mut self, step: Step) -> &mut Self {
        self.step = step;
        self
    }

    pub(super) fn open(&mut self, path: &str) -> Result<i32, VmmError> {
        let opened = self.kernel.open(self.client.pid, path);
        self.note(Call::Open, 0, opened.map(|fd| u32::try_from(fd).unwrap_or_default()));
        opened.map_err(|errno| self.refused(Call::Open, errno))
    }

    pub(super) fn map_memory(&mut self, bytes: u64) -> Result<u64, VmmError> {
        let mapped = self.kernel.map_memory(self.client.pid, bytes, true);
        mapped.map_err(|errno| self.refused(Call::Mmap, errno))
    }

    /// A virtual machine of KVM, whose processors the guest runs on.
    pub(super) fn create_vm(&mut self) -> Result<i32, VmmError> {
        let created = self.kernel.create_vm(self.client.pid);
        self.note(Call::CreateVm, 0, created.map(|fd| u32::try_from(fd).unwrap_or_default()));
        created.map_err(|errno| self.refused(Call::CreateVm, errno))
    }

    pub(super) fn close(&mut self, fd: i32) {
        let closed = self.kernel.close(self.client.pid, fd);
        self.note(Call::Close, u32::try_from(fd).unwrap_or_default(), closed.map(|()| 0));
    }

    /// Binds a device to the iommufd. Returns the id of the DEVICE.
    pub(super) fn bind(&mut self, cdev: i32, iommufd: i32) -> Result<u32, VmmError> {
        let mut cmd = vfio_device_bind_iommufd { argsz: 24, iommufd, ..Default::default() };
        self.ioctl(cdev, Call::Bind, &mut cmd, 0, |cmd| cmd.out_devid)
    }

    /// Attaches a device, or replaces what it is attached to.
    pub(super) fn attach(&mut self, cdev: i32, pt_id: u32) -> Result<u32, VmmError> {
        let mut cmd = vfio_device_attach_iommufd_pt { argsz: 16, pt_id, ..Default::default() };
        self.ioctl(cdev, Call::Attach, &mut cmd, pt_id, |cmd| cmd.pt_id)
    }

    pub(super) fn destroy(&mut self, iommu: i32, id: u32) -> Result<u32, VmmError> {
        self.ioctl(iommu, Call::Destroy, &mut iommu_destroy { size: 8, id }, id, |_cmd| 0)
    }

    pub(super) fn ioas_alloc(&mut self, iommu: i32) -> Result<u32, VmmError> {
        let mut cmd = iommu_ioas_alloc { size: 12, ..Default::default() };
        self.ioctl(iommu, Call::IoasAlloc, &mut cmd, 0, |cmd| cmd.out_ioas_id)
    }

    /// Has the kernel map an IOAS in pages.
    pub(super) fn without_huge_pages(&mut self, iommu: i32, ioas: u32) -> Result<u32, VmmError> {
        let mut cmd =
            iommu_option { size: 24, option_id: OPTION_HUGE_PAGES, object_id: ioas, ..Default::default() };
        self.ioctl(iommu, Call::Option, &mut cmd, ioas, |_cmd| 0)
    }

    /// Maps memory of the monitor at `iova`.
    pub(super) fn ioas_map(
        &mut self,
        iommu: i32,
        ioas_id: u32,
        user_va: u64,
        length: u64,
        iova: u64,
    ) -> Result<u32, VmmError> {
        let mut cmd =
            iommu_ioas_map { size: 40, flags: MAP_FLAGS, ioas_id, __reserved: 0, user_va, length, iova };
        self.ioctl(iommu, Call::IoasMap, &mut cmd, ioas_id, |_cmd| 0)
    }

    /// What is known of the hardware behind a device.
    pub(super) fn hw_info(&mut self, iommu: i32, dev_id: u32) -> Result<HwInfo, VmmError> {
        let mut cmd = iommu_hw_info {
            size: 40,
            flags: INPUT_TYPE,
            dev_id,
            data_len: u32::try_from(HW_INFO_BYTES).expect("the structure is small"),
            data_uptr: self.data,
            data_type: TYPE_ARM_SMMUV3,
            ..Default::default()
        };
        self.ioctl(iommu, Call::GetHwInfo, &mut cmd, dev_id, |cmd| cmd.data_type)?;
        let mut data = vec![0; HW_INFO_BYTES];
        self.kernel.peek(self.client.pid, self.data, &mut data).expect("the data memory is mapped");
        let (words, _) = data[size_of::<iommu_hw_info_arm_smmuv3>()..].as_chunks::<4>();
        let mask = std::array::from_fn(|index| u32::from_le_bytes(words[index]));
        let has_mask = usize::try_from(cmd.data_len).is_ok_and(|bytes| bytes >= HW_INFO_BYTES);
        let smmu = iommu_hw_info_arm_smmuv3::decode(&data);
        Ok(HwInfo { info: cmd, smmu, mask: has_mask.then_some(mask) })
    }

    pub(super) fn nest_parent(&mut self, iommu: i32, dev_id: u32, pt_id: u32) -> Result<u32, VmmError> {
        let mut cmd = iommu_hwpt_alloc { size: 48, flags: NEST_PARENT, dev_id, pt_id, ..Default::default() };
        self.ioctl(iommu, Call::HwptAlloc, &mut cmd, pt_id, |cmd| cmd.out_hwpt_id)
    }

    /// A nested HWPT from two words of an STE of the guest, with a queue for its page faults if there is one.
    pub(super) fn nested(
        &mut self,
        iommu: i32,
        (dev_id, viommu): (u32, u32),
        ste: [u64; 2],
        faults: Option<u32>,
    ) -> Result<u32, VmmError> {
        let data = iommu_hwpt_arm_smmuv3 { ste }.encode();
        self.put_data(&data);
        let mut cmd = iommu_hwpt_alloc {
            size: 48,
            flags: if faults.is_some() { FAULT_ID_VALID } else { 0 },
            fault_id: faults.unwrap_or_default(),
            dev_id,
            pt_id: viommu,
            data_type: TYPE_ARM_SMMUV3,
            data_len: u32::try_from(data.len()).expect("the structure is small"),
            data_uptr: self.data,
            ..Default::default()
        };
        self.ioctl(iommu, Call::HwptAlloc, &mut cmd, viommu, |cmd| cmd.out_hwpt_id)
    }

    /// A virtual IOMMU. `machine` is the virtual machine that flags beyond Linux may want to know of.
    pub(super) fn viommu(
        &mut self,
        iommu: i32,
        (flags, machine): (u32, i32),
        dev_id: u32,
        hwpt_id: u32,
    ) -> Result<u32, VmmError> {
        let type_ = VIRTUAL_ARM_SMMUV3;
        let mut cmd = iommu_viommu_alloc { size: 40, flags, type_, dev_id, hwpt_id, ..Default::default() };
        if flags & FLAG_VBTM != 0 {
            let machine = machine.to_le_bytes();
            self.put_data(&machine);
            (cmd.data_len, cmd.data_uptr) = (u32::try_from(machine.len()).expect("it is four"), self.data);
        }
        self.ioctl(iommu, Call::ViommuAlloc, &mut cmd, hwpt_id, |cmd| cmd.out_viommu_id)
    }

    pub(super) fn vdevice(
        &mut self,
        iommu: i32,
        viommu_id: u32,
        dev_id: u32,
        stream: u32,
    ) -> Result<u32, VmmError> {
        let virt_id = u64::from(stream);
        let mut cmd = iommu_vdevice_alloc { size: 24, viommu_id, dev_id, virt_id, ..Default::default() };
        self.ioctl(iommu, Call::VdeviceAlloc, &mut cmd, dev_id, |cmd| cmd.out_vdevice_id)
    }

    /// The queue of events: its id and its descriptor.
    pub(super) fn event_queue(
        &mut self,
        iommu: i32,
        viommu_id: u32,
        depth: u32,
    ) -> Result<(u32, i32), VmmError> {
        let mut cmd = iommu_veventq_alloc {
            size: 32,
            viommu_id,
            type_: VIRTUAL_ARM_SMMUV3,
            veventq_depth: depth,
            ..Default::default()
        };
        let id = self.ioctl(iommu, Call::VeventqAlloc, &mut cmd, viommu_id, |cmd| cmd.out_veventq_id)?;
        Ok((id, i32::try_from(cmd.out_veventq_fd).expect("descriptors fit")))
    }

    /// A queue of page faults: its id and its descriptor.
    pub(super) fn fault_queue(&mut self, iommu: i32) -> Result<(u32, i32), VmmError> {
        let mut cmd = iommu_fault_alloc { size: 16, ..Default::default() };
        let id = self.ioctl(iommu, Call::FaultQueueAlloc, &mut cmd, 0, |cmd| cmd.out_fault_id)?;
        Ok((id, i32::try_from(cmd.out_fault_fd).expect("descriptors fit")))
    }

    /// Answers a page fault. One that is over already has no answer.
    pub(super) fn answer(&mut self, queue: i32, cookie: u32, code: u32) {
        let response = iommu_hwpt_page_response { cookie, code }.encode();
        let written = self.client.write(self.kernel, queue, &response);
        self.note(Call::Write, cookie, written.map(|_bytes| code));
    }

    /// Passes on commands. Returns how many count as handled, with the error if there is one.
    pub(super) fn invalidate(
        &mut self,
        iommu: i32,
        viommu: u32,
        commands: &[[u64; 2]],
    ) -> (u32, Result<(), Errno>) {
        assert!(commands.len() <= COMMANDS_MAX, "the data memory has room for so many");
        let bytes: Vec<u8> = commands.iter().flatten().flat_map(|word| word.to_le_bytes()).collect();
        self.put_data(&bytes);
        let mut cmd = iommu_hwpt_invalidate {
            size: 32,
            hwpt_id: viommu,
            data_uptr: self.data,
            data_type: VIRTUAL_ARM_SMMUV3,
            entry_len: COMMAND_BYTES,
            entry_num: u32::try_from(commands.len()).expect("there are few commands"),
            __reserved: 0,
        };
        let result = self.client.call(self.kernel, iommu, Call::HwptInvalidate.number(), &mut cmd);
        let result = result.map(|_zero| ());
        self.note(Call::HwptInvalidate, viommu, result.map(|()| cmd.entry_num));
        (cmd.entry_num, result)
    }

    fn ioctl<T: Layout>(
        &mut self,
        fd: i32,
        call: Call,
        cmd: &mut T,
        on: u32,
        made: impl FnOnce(&T) -> u32,
    ) -> Result<u32, VmmError> {
        let result = self.client.call(self.kernel, fd, call.number(), cmd);
        let result = result.map(|_zero| made(cmd));
        self.note(call, on, result);
        result.map_err(|errno| self.refused(call, errno))
    }

    fn put_data(&mut self, bytes: &[u8]) {
        self.kernel.poke(self.client.pid, self.data, bytes).expect("the data memory is mapped");
    }

    fn note(&mut self, call: Call, on: u32, result: Result<u32, Errno>) {
        self.notes.push(Note::Call { call, on, result });
    }

    fn refused(&self, call: Call, errno: Errno) -> VmmError {
        VmmError::Refused { step: self.step, call, errno }
    }
}
