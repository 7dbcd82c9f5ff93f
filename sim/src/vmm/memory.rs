//! Guest memory: parts of the monitor's own memory, by the intermediate physical addresses that the guest has for them.

use smmu_model::address::Pa;
use smmu_model::bus::{Bus, ExternalAbort};

use crate::kernel::Kernel;
use crate::kernel::process::Pid;

/// A piece of guest memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ram {
    /// Its first IPA.
    pub ipa: u64,
    /// How many bytes it has, a multiple of the page size.
    pub bytes: u64,
}

impl Ram {
    /// The default: 16 MiB from 1 GiB on, clear of the window for interrupts that the kernel reserves.
    pub const DEFAULT: Self = Self { ipa: 0x4000_0000, bytes: 16 << 20 };
}

/// Where guest memory is in the monitor's memory.
#[derive(Clone, Debug, Default)]
pub struct GuestMemory {
    pieces: Vec<(Ram, u64)>,
}

impl GuestMemory {
    /// `ram` is at `address` of the monitor's memory.
    pub(super) fn insert(&mut self, ram: Ram, address: u64) {
        self.pieces.push((ram, address));
    }

    /// The pieces with their places in the monitor's memory.
    pub(super) fn pieces(&self) -> &[(Ram, u64)] {
        &self.pieces
    }

    /// Where `bytes` bytes at `ipa` are, if one piece holds them all.
    fn locate(&self, ipa: u64, bytes: usize) -> Result<u64, ExternalAbort> {
        let bytes = u64::try_from(bytes).map_err(|_larger_than_any_memory| ExternalAbort)?;
        let holds = |ram: &Ram| {
            let offset = ipa.checked_sub(ram.ipa)?;
            (bytes <= ram.bytes && offset <= ram.bytes - bytes).then_some(offset)
        };
        let found = self.pieces.iter().find_map(|(ram, address)| Some(address + holds(ram)?));
        found.ok_or(ExternalAbort)
    }
}

/// Guest memory as the virtual SMMU, an emulated device or a CPU of the guest sees it. What is not memory aborts.
#[derive(Debug)]
pub struct GuestBus<'a> {
    pub(super) kernel: &'a mut Kernel,
    pub(super) pid: Pid,
    pub(super) memory: &'a GuestMemory,
}

impl Bus for GuestBus<'_> {
    fn read(&mut self, pa: Pa, bytes: &mut [u8]) -> Result<(), ExternalAbort> {
        let at = self.memory.locate(pa.value(), bytes.len())?;
        self.kernel.peek(self.pid, at, bytes).map_err(|_unmapped| ExternalAbort)
    }

    fn write(&mut self, pa: Pa, bytes: &[u8]) -> Result<(), ExternalAbort> {
        let at = self.memory.locate(pa.value(), bytes.len())?;
        self.kernel.poke(self.pid, at, bytes).map_err(|_unmapped| ExternalAbort)
    }
}
