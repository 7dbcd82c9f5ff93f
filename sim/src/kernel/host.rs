//! Everything that is not an iommufd context: hardware, drivers of SMMUs, devices, processes and open files.

use std::collections::BTreeMap;

use smmu_model::features::Features;
use smmu_model::ids::Vmid;

use super::backing::Backings;
use super::device::{BUFFER_BYTES, Device, DeviceId, DeviceSetup, Group, GroupId};
use super::file::{File, FileId, Files};
use super::generation::Generation;
use super::hardware::{Hardware, IommuId, Port};
use super::kvm::Kvm;
use super::mm::{Fault, UserMemory, UserView};
use super::process::{Pid, Process};
use super::setup::{Setup, SmmuSetup};
use crate::driver::{self, ArmSmmuV3, Firmware, Numbers};
use crate::errno::Errno;

/// The machine and what the kernel keeps about it.
#[derive(Debug)]
pub struct Host {
    /// Memory and SMMUs.
    pub hardware: Hardware,
    /// The devices, in the order in which they were probed.
    pub devices: Vec<Device>,
    /// Their groups.
    pub groups: BTreeMap<GroupId, Group>,
    /// The processes; one that has exited keeps its number.
    pub processes: Vec<Process>,
    /// The memory of processes.
    pub backings: Backings,
    /// The open files.
    pub files: Files,
    /// Pages that each user has locked.
    pub locked_pages: BTreeMap<u32, u64>,
    /// What the kernel offers.
    pub generation: Generation,
    pub(super) kvm: Kvm,
    iommus: Vec<Iommu>,
    asids: Numbers,
}

#[derive(Debug)]
struct Iommu {
    firmware: Firmware,
    driver: ArmSmmuV3,
}

/// A driver with its way to the hardware, and the ASIDs that all drivers share.
pub(crate) struct Driven<'a> {
    pub(crate) driver: &'a mut ArmSmmuV3,
    pub(crate) port: Port<'a>,
    pub(crate) asids: &'a mut Numbers,
}

impl Host {
    /// Boots: probes every SMMU, then adds every device and attaches it to its default domain.
    pub(super) fn boot(mut hardware: Hardware, setup: &Setup) -> Result<Self, Errno> {
        let listens = setup.generation.vbtm;
        let processors = driver::Host { listens_to_broadcasts: listens, ..setup.processors };
        let probe = |(index, smmu): (usize, &SmmuSetup)| {
            let firmware = smmu.firmware;
            let port = &mut hardware.port(IommuId(index));
            let driver = ArmSmmuV3::probe(port, &firmware, &processors)?;
            Ok(Iommu { firmware, driver })
        };
        let iommus = setup.smmus.iter().enumerate().map(probe).collect::<Result<_, Errno>>()?;
        let mut host = Self {
            hardware,
            devices: Vec::new(),
            groups: BTreeMap::new(),
            processes: Vec::new(),
            backings: Backings::default(),
            files: Files::default(),
            locked_pages: BTreeMap::new(),
            generation: setup.generation,
            kvm: Kvm::new(setup.first_kvm_vmid),
            iommus,
            asids: Numbers::default(),
        };
        setup.devices.iter().try_for_each(|setup| host.add_device(setup))?;
        Ok(host)
    }

    fn add_device(&mut self, setup: &DeviceSetup) -> Result<(), Errno> {
        if setup.description.streams.is_empty() {
            return Err(Errno::EINVAL);
        }
        let sibling = self.groups.get(&setup.group).and_then(|group| group.devices.first());
        let sibling = sibling.map(|&id| self.device(id).master);
        let Driven { driver, mut port, asids } = self.driven(setup.iommu);
        let master = driver.add_device(&mut port, asids, &setup.description, sibling)?;
        let id = DeviceId(self.devices.len());
        self.groups.entry(setup.group).or_default().devices.push(id);
        let buffer = vec![0; BUFFER_BYTES];
        self.devices.push(Device { setup: setup.clone(), master, buffer, is_bound: false });
        Ok(())
    }

    /// How many SMMUs there are.
    pub fn iommus(&self) -> impl Iterator<Item = IommuId> + use<> {
        (0..self.iommus.len()).map(IommuId)
    }

    /// A device.
    pub fn device(&self, id: DeviceId) -> &Device {
        &self.devices[id.0]
    }

    /// What firmware says about an SMMU.
    pub fn firmware(&self, iommu: IommuId) -> &Firmware {
        &self.iommus[iommu.0].firmware
    }

    /// What an SMMU has.
    pub fn features(&self, iommu: IommuId) -> &Features {
        self.hardware.smmu(iommu).features()
    }

    /// The driver of an SMMU, to ask.
    pub(crate) fn driver(&self, iommu: IommuId) -> &ArmSmmuV3 {
        &self.iommus[iommu.0].driver
    }

    /// The driver of an SMMU, to have something done.
    pub(crate) fn driven(&mut self, iommu: IommuId) -> Driven<'_> {
        let driver = &mut self.iommus[iommu.0].driver;
        Driven { driver, port: self.hardware.port(iommu), asids: &mut self.asids }
    }

    /// The memory of a process, as system calls see it; none is left of one that has exited.
    pub fn user(&mut self, pid: Pid) -> Result<UserView<'_>, Fault> {
        let mm = self.processes[pid.0].mm.as_ref().ok_or(Fault)?;
        Ok(UserView { mm, backings: &self.backings, hardware: &mut self.hardware })
    }

    /// `copy_from_user`.
    pub(crate) fn copy_in(&mut self, pid: Pid, address: u64, bytes: &mut [u8]) -> Result<(), Fault> {
        self.user(pid)?.read(address, bytes)
    }

    /// `copy_to_user`.
    pub(crate) fn copy_out(&mut self, pid: Pid, address: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.user(pid)?.write(address, bytes)
    }

    /// The file behind a descriptor of a process.
    pub fn file_of(&self, pid: Pid, fd: i32) -> Option<FileId> {
        self.processes[pid.0].descriptors.get(&fd).copied()
    }

    /// The VMID of the virtual machine behind a descriptor of a process.
    pub(crate) fn vm_of(&self, pid: Pid, fd: i32) -> Option<Vmid> {
        let file = self.file_of(pid, fd)?;
        if let File::Vm(vmid) = self.files.get(file) { Some(*vmid) } else { None }
    }

    /// Gives a process a descriptor for a file that it has a reference of.
    pub(crate) fn install(&mut self, pid: Pid, file: FileId) -> Result<i32, Errno> {
        let process = &mut self.processes[pid.0];
        let fd = process.free_descriptor().ok_or(Errno::EMFILE)?;
        process.descriptors.insert(fd, file);
        Ok(fd)
    }

    /// Opens a file and gives a process the descriptor.
    pub(crate) fn open_file(&mut self, pid: Pid, file: File) -> Result<i32, Errno> {
        self.processes[pid.0].free_descriptor().ok_or(Errno::EMFILE)?;
        let file = self.files.open(file);
        self.install(pid, file)
    }

    /// Takes a descriptor back whose file nobody has used yet.
    pub(crate) fn discard_file(&mut self, pid: Pid, fd: i32) {
        let file = self.processes[pid.0].descriptors.remove(&fd).expect("the descriptor was just made");
        self.files.discard(file);
    }
}
