//! The machine under the kernel: memory and SMMUs, reached as a CPU reaches them.

use smmu_model::address::Pa;
use smmu_model::broadcast::Broadcast;
use smmu_model::bus::Bus;
use smmu_model::choice::Defaults;
use smmu_model::env::World;
use smmu_model::ids::Stag;
use smmu_model::memory::SparseMemory;
use smmu_model::outcome::Outcome;
use smmu_model::trace::{Event, Silence, Sink};
use smmu_model::transaction::Transaction;
use smmu_model::{Register, Smmu};

use super::frames::{Frames, HUGE_PAGE_SIZE, PAGE_SIZE};
use super::journal::Journal;
use super::setup::SmmuSetup;
use crate::driver::Platform;

/// Where physical memory starts: above it are the tables of drivers and the pages of processes.
const MEMORY_START: u64 = 0x4000_0000;

/// The end of physical memory: all of it can be named by the smallest OAS, 32 bits.
const MEMORY_END: u64 = 1 << 32;

/// The number of an SMMU in the machine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct IommuId(pub usize);

/// Memory and SMMUs.
#[derive(Debug)]
pub struct Hardware {
    memory: SparseMemory,
    frames: Frames,
    smmus: Vec<Smmu>,
    journal: Option<Journal>,
    stalls: Stalls,
}

/// What becomes of the accesses that SMMUs hold.
#[derive(Debug, Default)]
struct Stalls {
    /// Some device waits for one.
    are_watched: bool,
    ended: Vec<StallEnd>,
}

/// An access that an SMMU does not hold any longer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StallEnd {
    /// Which SMMU.
    pub iommu: IommuId,
    /// What it called the access.
    pub stag: Stag,
    /// How the access ended; it may be stalled anew, under another name.
    pub outcome: Outcome,
}

/// Keeps the ends of stalls, and nothing else.
struct Ends<'a>(IommuId, &'a mut Vec<StallEnd>);

impl Sink for Ends<'_> {
    fn take(&mut self, event: Event) {
        if let Event::StallEnded { stag, outcome, .. } = event {
            self.1.push(StallEnd { iommu: self.0, stag, outcome });
        }
    }
}

impl Hardware {
    /// Memory, and SMMUs out of reset. Without atomics in the interconnect, memory refuses hardware updates.
    pub fn new(smmus: &[SmmuSetup], has_atomics: bool) -> Self {
        let mut memory = SparseMemory::new();
        if !has_atomics {
            memory.set_no_atomics(Pa::new(MEMORY_START), Pa::new(MEMORY_END - 1), true);
        }
        let mut world = World { bus: &mut memory, chooser: &mut Defaults, sink: &mut Silence };
        let create = |setup: &SmmuSetup| Smmu::new(setup.features, &mut world).with_caches(setup.caches);
        let smmus = smmus.iter().map(create).collect();
        let frames = Frames::new(MEMORY_START, MEMORY_END);
        Self { memory, frames, smmus, journal: None, stalls: Stalls::default() }
    }

    /// Notes from now on what drivers write.
    pub fn start_journal(&mut self) {
        self.journal = Some(Journal::default());
    }

    /// What drivers wrote since the last call, if somebody wanted it noted.
    pub fn take_journal(&mut self) -> Journal {
        self.journal.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// One SMMU, as the CPU sees it.
    pub fn port(&mut self, iommu: IommuId) -> Port<'_> {
        Port { hardware: self, iommu }
    }

    /// One SMMU, as a debugger sees it.
    pub fn smmu(&self, iommu: IommuId) -> &Smmu {
        &self.smmus[iommu.0]
    }

    /// The SMMU does all that it has to do.
    pub fn settle(&mut self, iommu: IommuId) {
        let (bus, chooser) = (&mut self.memory, &mut Defaults);
        let smmu = &mut self.smmus[iommu.0];
        if self.stalls.are_watched {
            let sink = &mut Ends(iommu, &mut self.stalls.ended);
            smmu.settle(&mut World { bus, chooser, sink });
        } else {
            smmu.settle(&mut World { bus, chooser, sink: &mut Silence });
        }
    }

    /// Whether a device waits for an access that an SMMU holds.
    pub(super) fn watch_stalls(&mut self, are_watched: bool) {
        self.stalls.are_watched = are_watched;
    }

    /// The accesses that are not held any longer.
    pub(super) fn take_ended_stalls(&mut self) -> Vec<StallEnd> {
        std::mem::take(&mut self.stalls.ended)
    }

    /// Whether the SMMU has recorded an event that its driver has not read, or has an active global error.
    pub fn is_interrupting(&self, iommu: IommuId) -> bool {
        let smmu = &self.smmus[iommu.0];
        let differs = |one, other| smmu.peek(one) != smmu.peek(other);
        differs(Register::EventqProd, Register::EventqCons)
            || differs(Register::PriqProd, Register::PriqCons)
            || differs(Register::Gerror, Register::Gerrorn)
    }

    /// One transaction of a device.
    pub fn transact(&mut self, iommu: IommuId, transaction: &Transaction) -> Outcome {
        let mut world = World { bus: &mut self.memory, chooser: &mut Defaults, sink: &mut Silence };
        self.smmus[iommu.0].transact(&mut world, transaction)
    }

    /// A TLBI of a processor reaches an SMMU, and the processor waits until it is complete.
    pub fn broadcast(&mut self, iommu: IommuId, broadcast: Broadcast) {
        let mut world = World { bus: &mut self.memory, chooser: &mut Defaults, sink: &mut Silence };
        self.smmus[iommu.0].broadcast(&mut world, broadcast);
        self.smmus[iommu.0].synchronize_broadcasts(&mut world);
    }

    /// Physical memory that is zero; `None` if there is no more.
    pub fn take_memory(&mut self, bytes: u64, alignment: u64) -> Option<u64> {
        let block = self.frames.take(bytes, alignment)?;
        if block.is_used {
            let zeros = [0; ZEROS];
            let pages = (0..bytes).step_by(ZEROS);
            pages.for_each(|offset| self.write(block.address + offset, &zeros[..chunk(bytes - offset)]));
        }
        Some(block.address)
    }

    /// Gives back what [`Hardware::take_memory`] gave out.
    pub fn give_back_memory(&mut self, address: u64, bytes: u64, alignment: u64) {
        self.frames.give_back(address, bytes, alignment);
    }

    /// Bytes of physical memory that are in use.
    pub fn taken_bytes(&self) -> u64 {
        self.frames.taken_bytes()
    }

    /// The bytes of memory at `address`. Memory does not abort.
    pub fn read(&mut self, address: u64, bytes: &mut [u8]) {
        if self.memory.read(Pa::new(address), bytes).is_err() {
            bytes.fill(0);
        }
    }

    /// Puts bytes into memory.
    pub fn write(&mut self, address: u64, bytes: &[u8]) {
        if self.memory.write(Pa::new(address), bytes).is_err() {
            tracing::warn!(address, "a write to memory was aborted");
        }
    }
}

/// Bytes that are zeroed at once.
const ZEROS: usize = 4096;

fn chunk(left: u64) -> usize {
    usize::try_from(left).map_or(ZEROS, |left| left.min(ZEROS))
}

/// The alignment of user memory of `bytes`: what a transparent huge page gives.
pub(super) fn user_alignment(bytes: u64) -> u64 {
    if bytes < HUGE_PAGE_SIZE { PAGE_SIZE } else { HUGE_PAGE_SIZE }
}

/// The door of a driver to its SMMU and to memory.
#[derive(Debug)]
pub struct Port<'a> {
    hardware: &'a mut Hardware,
    iommu: IommuId,
}

impl Port<'_> {
    fn write_register(&mut self, offset: u64, bytes: u8, value: u64) {
        let Hardware { memory, smmus, journal, stalls, .. } = &mut *self.hardware;
        let smmu = &mut smmus[self.iommu.0];
        if let Some(journal) = journal {
            journal.note(self.iommu, smmu, memory, offset, value);
        }
        let (bus, chooser) = (memory, &mut Defaults);
        let written = if stalls.are_watched {
            let sink = &mut Ends(self.iommu, &mut stalls.ended);
            smmu.write(&mut World { bus, chooser, sink }, offset, bytes, value)
        } else {
            smmu.write(&mut World { bus, chooser, sink: &mut Silence }, offset, bytes, value)
        };
        if written.is_err() {
            tracing::warn!(offset, value, "a register write was aborted");
        }
    }
}

impl Platform for Port<'_> {
    fn read32(&mut self, offset: u64) -> u32 {
        let Hardware { memory, smmus, .. } = &mut *self.hardware;
        let mut world = World { bus: memory, chooser: &mut Defaults, sink: &mut Silence };
        let value = smmus[self.iommu.0].read(&mut world, offset, 4).unwrap_or_default();
        u32::try_from(value).expect("a 32-bit read gives 32 bits")
    }

    fn write32(&mut self, offset: u64, value: u32) {
        self.write_register(offset, 4, u64::from(value));
    }

    fn write64(&mut self, offset: u64, value: u64) {
        self.write_register(offset, 8, value);
    }

    fn relax(&mut self) {
        self.hardware.settle(self.iommu);
    }

    fn load(&mut self, address: u64) -> u64 {
        let mut bytes = [0; 8];
        self.hardware.read(address, &mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn store(&mut self, address: u64, value: u64) {
        self.hardware.write(address, &value.to_le_bytes());
    }

    fn allocate(&mut self, bytes: u64) -> Option<u64> {
        self.hardware.take_memory(bytes, bytes)
    }

    fn free(&mut self, address: u64, bytes: u64) {
        self.hardware.give_back_memory(address, bytes, bytes);
    }
}
