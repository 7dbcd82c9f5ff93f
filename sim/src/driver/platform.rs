//! What an arm-smmu-v3 driver can reach: the registers of its SMMU, and memory that the SMMU reads too.
//!
//! The host's driver and a guest's are the same code over different platforms.

use crate::errno::Errno;

/// The doors of a driver. Register offsets count from the base of page 0 (IHI 0070 §6.2); memory is addressed
/// as the SMMU addresses it, and holds little-endian values.
pub trait Platform {
    /// Reads a 32-bit register.
    fn read32(&mut self, offset: u64) -> u32;

    /// Writes a 32-bit register.
    fn write32(&mut self, offset: u64, value: u32);

    /// Writes a 64-bit register in one access.
    fn write64(&mut self, offset: u64, value: u64);

    /// Lets time pass, as a driver does that polls: the SMMU works off what it has to do.
    fn relax(&mut self);

    /// Reads eight aligned bytes of memory.
    fn load(&mut self, address: u64) -> u64;

    /// Writes eight aligned bytes of memory at once.
    fn store(&mut self, address: u64, value: u64);

    /// Zeroed memory of `bytes`, a power of two and at least a page, aligned to its size; `None` if there is none.
    fn allocate(&mut self, bytes: u64) -> Option<u64>;

    /// Gives back what [`Platform::allocate`] returned, with the same size.
    fn free(&mut self, address: u64, bytes: u64);
}

/// Memory for a table or queue that may be smaller than a page: whole pages, as the DMA API gives them out
/// (`dma_alloc_coherent`). `bytes` is a power of two. ENOMEM without memory.
pub(super) fn allocate_pages(p: &mut impl Platform, bytes: u64) -> Result<u64, Errno> {
    const PAGE_BYTES_MIN: u64 = 1 << 12;
    p.allocate(bytes.max(PAGE_BYTES_MIN)).ok_or(Errno::ENOMEM)
}
