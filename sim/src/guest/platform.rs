//! What the guest's driver reaches: the registers of its SMMU, which trap into the monitor, and its own memory.

use crate::driver::Platform;
use crate::kernel::Kernel;
use crate::kernel::frames::Frames;
use crate::vmm::Vmm;

/// What memory is zeroed with.
const ZEROS: [u8; 4096] = [0; 4096];

/// The doors of the guest's driver.
#[derive(Debug)]
pub struct GuestPlatform<'a> {
    /// The machine that everything runs on.
    pub kernel: &'a mut Kernel,
    /// The monitor.
    pub vmm: &'a mut Vmm,
    pub(super) frames: &'a mut Frames,
}

impl Platform for GuestPlatform<'_> {
    /// An access that the monitor aborts reads as zero.
    fn read32(&mut self, offset: u64) -> u32 {
        let value = self.vmm.mmio_read(self.kernel, offset, 4).unwrap_or_default();
        u32::try_from(value).expect("a 32-bit read gives 32 bits")
    }

    fn write32(&mut self, offset: u64, value: u32) {
        self.write(offset, 4, u64::from(value));
    }

    fn write64(&mut self, offset: u64, value: u64) {
        self.write(offset, 8, value);
    }

    fn relax(&mut self) {
        self.vmm.run(self.kernel);
    }

    fn load(&mut self, address: u64) -> u64 {
        let mut bytes = [0; 8];
        if self.vmm.read_memory(self.kernel, address, &mut bytes).is_err() {
            tracing::warn!(address, "the guest's driver reads what is not memory");
        }
        u64::from_le_bytes(bytes)
    }

    fn store(&mut self, address: u64, value: u64) {
        if self.vmm.write_memory(self.kernel, address, &value.to_le_bytes()).is_err() {
            tracing::warn!(address, "the guest's driver writes what is not memory");
        }
    }

    /// What was there before is gone: the guest may have booted more than once.
    fn allocate(&mut self, bytes: u64) -> Option<u64> {
        let address = self.frames.take(bytes, bytes)?.address;
        for offset in (0..bytes).step_by(ZEROS.len()) {
            let left = usize::try_from(bytes - offset).unwrap_or(usize::MAX);
            let zeros = &ZEROS[..left.min(ZEROS.len())];
            self.vmm.write_memory(self.kernel, address + offset, zeros).ok()?;
        }
        Some(address)
    }

    fn free(&mut self, address: u64, bytes: u64) {
        self.frames.give_back(address, bytes, bytes);
    }
}

impl GuestPlatform<'_> {
    fn write(&mut self, offset: u64, bytes: u8, value: u64) {
        if self.vmm.mmio_write(self.kernel, offset, bytes, value).is_err() {
            tracing::warn!(offset, value, "a register write of the guest was aborted");
        }
    }
}
