//! What the driver makes of the ID registers and of firmware (`arm_smmu_device_hw_probe`).

use super::firmware::{Firmware, Host, HttuOverride, Source};
use super::platform::Platform;
use super::registers::{IDR0, IDR1, IDR3, IDR5, IIDR};
use crate::errno::Errno;

/// What an SMMU can do, as far as the driver uses it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Features {
    pub(super) two_level_stream_table: bool,
    pub(super) two_level_cd: bool,
    pub(super) pri: bool,
    pub(super) ats: bool,
    pub(super) hyp: bool,
    pub(super) e2h: bool,
    /// Takes part in broadcast TLB maintenance.
    pub(super) broadcasts: bool,
    pub(super) coherent: bool,
    /// CMD_SYNC completes by a message into its own slot.
    pub(super) msi_polling: bool,
    pub(super) httu: HttuOverride,
    pub(super) stalls: bool,
    pub(super) stall_force: bool,
    pub(super) stage1: bool,
    pub(super) stage2: bool,
    pub(super) nesting: bool,
    pub(super) attr_types_ovr: bool,
    pub(super) range_invalidation: bool,
    pub(super) s2fwb: bool,
    pub(super) ds: bool,
    pub(super) sva: bool,
    /// Batches end with a CMD_SYNC before the queue would take 64 commands without one.
    pub(super) force_sync: bool,
    /// CFGI and TLBI commands, with their CMD_SYNC, are issued twice.
    pub(super) repeat_invalidations: bool,
    pub(super) asid_bits: u8,
    pub(super) vmid_bits: u8,
    pub(super) sid_bits: u8,
    pub(super) ssid_bits: u8,
    pub(super) log2_cmdq: u8,
    pub(super) log2_evtq: u8,
    pub(super) log2_priq: u8,
    pub(super) ias_bits: u8,
    pub(super) oas_bits: u8,
    /// Bit n: leaves of 2^n bytes exist.
    pub(super) page_sizes: u64,
}

const LOG2_COMMAND_BYTES: u8 = 4;
const LOG2_EVENT_BYTES: u8 = 5;
const LOG2_PAGE_REQUEST_BYTES: u8 = 4;
/// A batch and its CMD_SYNC fit into the Command queue.
const LOG2_CMDQ_MIN: u8 = 7;
/// With so few StreamIDs a table of two levels saves nothing.
const SPLIT: u8 = 8;

impl Features {
    /// Reads IDR0, IDR1, IDR3, IDR5 and IIDR, in this order. ENXIO for an SMMU that the driver cannot use.
    pub(super) fn probe(p: &mut impl Platform, firmware: &Firmware, host: &Host) -> Result<Self, Errno> {
        let idr0 = p.read32(IDR0);
        let two_level_stream_table = bits(idr0, 28, 27) == 1;
        if !matches!(bits(idr0, 22, 21), 0 | 2) {
            return Err(Errno::ENXIO);
        }
        let (stage1, stage2) = (bit(idr0, 1), bit(idr0, 0));
        if !stage1 && !stage2 {
            return Err(Errno::ENXIO);
        }
        if !bit(idr0, 3) {
            return Err(Errno::ENXIO);
        }
        let stall_model = bits(idr0, 25, 24);

        let idr1 = p.read32(IDR1);
        if bits(idr1, 30, 28) != 0 {
            return Err(Errno::ENXIO);
        }
        let capped = |field: u32, log2_entry_bytes: u8| {
            narrow(field).min(host.log2_queue_bytes_max - log2_entry_bytes)
        };
        let log2_cmdq = capped(bits(idr1, 25, 21), LOG2_COMMAND_BYTES);
        if log2_cmdq < LOG2_CMDQ_MIN {
            return Err(Errno::ENXIO);
        }
        let sid_bits = narrow(bits(idr1, 5, 0));

        let idr3 = p.read32(IDR3);
        let idr5 = p.read32(IDR5);
        let oas_bits = output_bits(bits(idr5, 2, 0));
        let vax_bits = if bits(idr5, 11, 10) == 1 { 52 } else { 48 };
        let page_sizes = page_sizes(idr5, oas_bits);
        let errata = Errata::of(p.read32(IIDR));

        let httu = match firmware.source {
            Source::Acpi { httu } => httu,
            Source::DeviceTree => HttuOverride::decode(bits(idr0, 7, 6)),
        };
        let asid_bits = if bit(idr0, 12) { 16 } else { 8 };
        let hyp = bit(idr0, 9);
        Ok(Self {
            two_level_stream_table: two_level_stream_table && sid_bits > SPLIT,
            two_level_cd: bit(idr0, 19),
            pri: bit(idr0, 16),
            ats: bit(idr0, 10),
            hyp,
            e2h: hyp && host.vhe,
            broadcasts: bit(idr0, 5) && host.listens_to_broadcasts,
            coherent: firmware.coherent,
            msi_polling: bit(idr0, 13) && firmware.coherent,
            httu,
            stalls: stall_model == 0 || stall_model == 2,
            stall_force: stall_model == 2,
            stage1,
            stage2,
            nesting: stage1 && stage2 && !errata.no_nesting,
            attr_types_ovr: bit(idr1, 27),
            range_invalidation: bit(idr3, 10),
            s2fwb: bit(idr3, 8),
            ds: bit(idr5, 7),
            // Virtual addresses of 52 bits are shared with pages of 64 KiB only.
            // Addresses of 52 bits are shared with pages of 64 KiB only.
            sva: (host.va_bits < 52 || host.page_shift == 16 && vax_bits == 52)
                && firmware.coherent
                && page_sizes & (1 << host.page_shift) != 0
                && oas_bits >= host.pa_bits
                && asid_bits >= host.asid_bits,
            force_sync: errata.force_sync,
            repeat_invalidations: firmware.repeat_invalidations,
            asid_bits,
            vmid_bits: if bit(idr0, 18) { 16 } else { 8 },
            sid_bits,
            ssid_bits: narrow(bits(idr1, 10, 6)),
            log2_cmdq,
            log2_evtq: capped(bits(idr1, 20, 16), LOG2_EVENT_BYTES),
            log2_priq: capped(bits(idr1, 15, 11), LOG2_PAGE_REQUEST_BYTES),
            ias_bits: vax_bits.min(host.va_bits),
            oas_bits,
            page_sizes,
        })
    }
}

/// What the implementation is known to get wrong, from IIDR.
struct Errata {
    no_nesting: bool,
    force_sync: bool,
}

impl Errata {
    fn of(iidr: u32) -> Self {
        let none = Self { no_nesting: false, force_sync: false };
        if bits(iidr, 11, 0) != 0x43b {
            return none;
        }
        let (product, variant, revision) = (bits(iidr, 31, 20), bits(iidr, 19, 16), bits(iidr, 15, 12));
        match product {
            0x483 => Self { no_nesting: variant < 2, ..none },
            0x487 if variant < 1 || revision < 1 => Self { no_nesting: true, force_sync: true },
            _ => none,
        }
    }
}

impl HttuOverride {
    fn decode(field: u32) -> Self {
        match field & 0b11 {
            0 => Self::None,
            1 => Self::AccessFlag,
            2 => Self::AccessAndDirty,
            _ => Self::WithTable,
        }
    }

    /// Hardware keeps the dirty state.
    pub(super) fn keeps_dirty(self) -> bool {
        match self {
            Self::None | Self::AccessFlag => false,
            Self::AccessAndDirty | Self::WithTable => true,
        }
    }
}

/// IDR5.OAS; a reserved value counts as 48 bits.
fn output_bits(field: u32) -> u8 {
    match field {
        0 => 32,
        1 => 36,
        2 => 40,
        3 => 42,
        4 => 44,
        6 => 52,
        _ => 48,
    }
}

fn page_sizes(idr5: u32, oas_bits: u8) -> u64 {
    let mut sizes = 0;
    if bit(idr5, 6) {
        sizes |= 1 << 16 | 1 << 29;
        if oas_bits == 52 {
            sizes |= 1 << 42;
        }
    }
    if bit(idr5, 5) {
        sizes |= 1 << 14 | 1 << 25;
    }
    if bit(idr5, 4) {
        sizes |= 1 << 12 | 1 << 21 | 1 << 30;
    }
    sizes
}

const fn bits(word: u32, high: u8, low: u8) -> u32 {
    (word >> low) & (u32::MAX >> (31 - (high - low)))
}

const fn bit(word: u32, position: u8) -> bool {
    word >> position & 1 != 0
}

/// A field of at most eight bits.
fn narrow(field: u32) -> u8 {
    u8::try_from(field).expect("the field has at most eight bits")
}
