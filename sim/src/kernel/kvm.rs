//! Virtual machines of KVM, as far as an SMMU can tell: a VMID, and TLBIs of vCPUs that are broadcast with it.

use smmu_model::broadcast::Broadcast;
use smmu_model::command::Pages;
use smmu_model::ids::{Asid, Vmid};

use super::Kernel;
use super::file::File;
use super::process::Pid;
use crate::errno::Errno;

/// The VMIDs that KVM gives out, which knows nothing of those of SMMUs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kvm {
    next: u16,
}

impl Kvm {
    /// The first virtual machine gets this VMID.
    pub fn new(first: Vmid) -> Self {
        Self { next: first.0 }
    }

    /// KVM gives VMIDs out anew when it has no more; as long as machines live, here it does not have to.
    fn take(&mut self) -> Result<Vmid, Errno> {
        let vmid = self.next;
        self.next = vmid.checked_add(1).ok_or(Errno::ENOSPC)?;
        Ok(Vmid(vmid))
    }
}

/// A TLBI of a vCPU at EL1, inner or outer shareable. Which VMID it is about is not the guest's to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GuestTlbi {
    /// TLBI VMALLE1IS.
    All,
    /// TLBI ASIDE1IS.
    Asid(Asid),
    /// TLBI VAE1IS.
    Va(Asid, u64),
    /// TLBI VAAE1IS.
    Vaa(u64),
}

impl Kernel {
    /// `KVM_CREATE_VM`: a virtual machine, as an open file.
    pub fn create_vm(&mut self, pid: Pid) -> Result<i32, Errno> {
        let vmid = self.host.kvm.take()?;
        self.host.open_file(pid, File::Vm(vmid))
    }

    /// A vCPU of the virtual machine executes a TLBI and waits for it (DSB). EBADF if the descriptor is no virtual
    /// machine.
    pub fn guest_tlbi(&mut self, pid: Pid, fd: i32, tlbi: GuestTlbi) -> Result<(), Errno> {
        let vmid = self.host.vm_of(pid, fd).ok_or(Errno::EBADF)?;
        let pages = |address: u64| Pages { address: address & !0xfff, leaf: false, range: None };
        let broadcast = match tlbi {
            GuestTlbi::All => Broadcast::VmallE1 { vmid },
            GuestTlbi::Asid(asid) => Broadcast::AsidE1 { vmid, asid },
            GuestTlbi::Va(asid, address) => Broadcast::VaE1 { pages: pages(address), vmid, asid },
            GuestTlbi::Vaa(address) => Broadcast::VaaE1 { pages: pages(address), vmid },
        };
        for iommu in self.host.iommus() {
            self.host.hardware.broadcast(iommu, broadcast);
        }
        Ok(())
    }
}
