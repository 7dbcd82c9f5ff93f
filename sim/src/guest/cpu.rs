//! A processor of the guest: it stores into memory, tables of its own included, and broadcasts TLBIs. Neither traps.

use smmu_model::bus::ExternalAbort;

use super::Guest;
use crate::driver::DomainId;
use crate::errno::Errno;
use crate::kernel::Kernel;
use crate::kernel::kvm::GuestTlbi;
use crate::vmm::Vmm;

impl Guest {
    /// Stores eight bytes.
    pub fn store(
        &self,
        kernel: &mut Kernel,
        vmm: &Vmm,
        address: u64,
        value: u64,
    ) -> Result<(), ExternalAbort> {
        vmm.write_memory(kernel, address, &value.to_le_bytes())
    }

    /// Executes a TLBI and waits for it. It reaches the SMMUs of the machine, with the VMID that KVM has for the guest;
    /// whether they listen, and know the guest by this VMID, is another matter. An emulated SMMU hears nothing.
    pub fn tlbi(&self, kernel: &mut Kernel, vmm: &Vmm, tlbi: GuestTlbi) -> Result<(), Errno> {
        kernel.guest_tlbi(vmm.client().pid, vmm.machine(), tlbi)
    }

    /// A process unmaps a page of its address space: it takes the descriptor away, and tells no driver. Returns the
    /// descriptor; `None` if the page is not mapped.
    pub fn forget_page(
        &mut self,
        kernel: &mut Kernel,
        vmm: &mut Vmm,
        domain: DomainId,
        iova: u64,
    ) -> Option<u64> {
        let (driver, mut doors) = self.driver_mut(kernel, vmm);
        let at = driver.descriptor(&mut doors, domain, iova)?;
        let mut before = [0; 8];
        doors.vmm.read_memory(doors.kernel, at, &mut before).ok()?;
        doors.vmm.write_memory(doors.kernel, at, &[0; 8]).ok()?;
        Some(u64::from_le_bytes(before))
    }

    /// Makes a domain the address space of a process that shares it with devices, if the SMMU listens to broadcasts.
    /// Returns the ASID.
    pub fn share(&mut self, domain: DomainId) -> Option<u32> {
        self.driver.share(domain)
    }
}
