//! What firmware tells a driver about an SMMU and the devices behind it: ACPI IORT or a device tree.

/// Where the description comes from: the two disagree on HTTU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// An IORT node, which states HTTU itself: IDR0.HTTU is not used.
    Acpi {
        /// Flags [2:1]: the HTTU override.
        httu: HttuOverride,
    },
    /// A device tree: HTTU is IDR0's.
    DeviceTree,
}

/// IORT SMMUv3 node, flags [2:1].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HttuOverride {
    /// 0: no hardware update.
    None,
    /// 1: Access flag.
    AccessFlag,
    /// 2: Access flag and dirty state.
    AccessAndDirty,
    /// 3: both, and the Access flag of tables.
    WithTable,
}

/// One SMMU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Firmware {
    /// Where the description comes from.
    pub source: Source,
    /// Its table walks are coherent: `dma-coherent`, or the IORT COHACC override.
    pub coherent: bool,
    /// CMD_PREFETCH_CONFIG must not be sent (`hisilicon,broken-prefetch-cmd`, IORT model HI161X).
    pub broken_prefetch: bool,
    /// Every TLBI or CFGI with its CMD_SYNC is issued twice (`nvidia,tegra264-smmu`).
    pub repeat_invalidations: bool,
}

/// The machine and the configuration of the kernel that the driver runs in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Host {
    /// log2 of the bytes of a page: 12, 14 or 16.
    pub page_shift: u8,
    /// Bits of a virtual address of the kernel: 36 to 52.
    pub va_bits: u8,
    /// Bits of a physical address of the processors.
    pub pa_bits: u8,
    /// Bits of an ASID of the processors.
    pub asid_bits: u8,
    /// The kernel runs at EL2 with E2H.
    pub vhe: bool,
    /// The SMMU is to take part in broadcast TLB maintenance, if it can. No Linux does it, see
    /// [`Generation`](crate::kernel::generation::Generation).
    pub listens_to_broadcasts: bool,
    /// log2 of the most bytes that a queue can have: what one contiguous allocation yields, a page at least.
    pub log2_queue_bytes_max: u8,
}

impl Host {
    /// Whether a kernel can be like this: with a page size of the architecture, virtual addresses of 36 to 52 bits,
    /// and contiguous allocations of a page at least.
    pub(super) fn is_possible(&self) -> bool {
        [12, 14, 16].contains(&self.page_shift)
            && (36..=52).contains(&self.va_bits)
            && (self.page_shift..64).contains(&self.log2_queue_bytes_max)
    }
}

impl Default for Host {
    /// Pages of 4 KiB, 48-bit addresses, no EL2, queues of up to 4 MiB.
    fn default() -> Self {
        Self {
            page_shift: 12,
            va_bits: 48,
            pa_bits: 44,
            asid_bits: 16,
            vhe: false,
            listens_to_broadcasts: false,
            log2_queue_bytes_max: 22,
        }
    }
}

/// One device behind an SMMU.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceDescription {
    /// Its StreamIDs.
    pub streams: Vec<u32>,
    /// The root complex and the PCI function can use ATS.
    pub ats: bool,
    /// It works with ATS only, also where nothing is translated for it (`pci_ats_required`: CXL.cache).
    pub needs_ats: bool,
    /// Its writes are forced coherent by the root complex (CANWBS).
    pub canwbs: bool,
    /// It can be stalled (`dma-can-stall`, or the flag of a named component).
    pub can_stall: bool,
    /// log2 of the PASIDs it can use, 0 for none.
    pub pasid_bits: u8,
}

impl Default for Firmware {
    /// A coherent SMMU of a device tree, without quirks.
    fn default() -> Self {
        Self {
            source: Source::DeviceTree,
            coherent: true,
            broken_prefetch: false,
            repeat_invalidations: false,
        }
    }
}
