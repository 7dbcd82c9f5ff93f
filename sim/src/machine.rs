//! One SMMU and the memory behind it: what the tools drive, through the doors that software and devices have.

use smmu_model::address::Pa;
use smmu_model::bus::{Bus, ReadOnly};
use smmu_model::choice::Defaults;
use smmu_model::env::World;
use smmu_model::features::{Features, IdRegisters, Refusal};
use smmu_model::memory::{Ranges, Segment, SparseMemory};
use smmu_model::outcome::Outcome;
use smmu_model::trace::{Event, Silence};
use smmu_model::transaction::Transaction;
use smmu_model::{CachePolicy, RegisterAbort, Smmu};

use crate::image::MemoryImage;

/// An SMMU that makes the default answer at every [`Choice`](smmu_model::choice::Choice), over a memory image.
#[derive(Debug)]
pub struct Machine {
    smmu: Smmu,
    memory: SparseMemory,
    held: Ranges,
    events: Vec<Event>,
}

impl Machine {
    /// The SMMU out of reset, with this policy of its caches. Memory outside the image reads as zero.
    pub fn new(features: Features, caches: CachePolicy, image: MemoryImage) -> Self {
        let mut held = Ranges::default();
        for segment in image.segments() {
            held.insert(segment.address, segment.last_address());
        }
        let segments = image.into_segments().into_iter();
        let segments = segments.map(|segment| Segment { address: segment.address, bytes: segment.bytes });
        let mut memory = SparseMemory::with_image(segments.collect());
        let mut world = World { bus: &mut memory, chooser: &mut Defaults, sink: &mut Silence };
        let smmu = Smmu::new(features, &mut world).with_caches(caches);
        Self { smmu, memory, held, events: Vec::new() }
    }

    /// What this SMMU has.
    pub fn features(&self) -> &Features {
        self.smmu.features()
    }

    /// A register read: `offset` from the base of page 0 (§6.2).
    pub fn read_register(&mut self, offset: u64, size_bytes: u8) -> Result<u64, RegisterAbort> {
        let mut world = World { bus: &mut self.memory, chooser: &mut Defaults, sink: &mut Silence };
        self.smmu.read(&mut world, offset, size_bytes)
    }

    /// A register write (§6.2) and all work that follows from it. Returns what happened.
    pub fn write_register(
        &mut self,
        offset: u64,
        size_bytes: u8,
        value: u64,
    ) -> Result<&[Event], RegisterAbort> {
        self.events.clear();
        let mut world = World { bus: &mut self.memory, chooser: &mut Defaults, sink: &mut self.events };
        self.smmu.write(&mut world, offset, size_bytes, value)?;
        self.smmu.settle(&mut world);
        Ok(&self.events)
    }

    /// One client transaction. Returns how it ends and what happened.
    pub fn transact(&mut self, transaction: &Transaction) -> (Outcome, &[Event]) {
        self.events.clear();
        let mut world = World { bus: &mut self.memory, chooser: &mut Defaults, sink: &mut self.events };
        let outcome = self.smmu.transact(&mut world, transaction);
        (outcome, &self.events)
    }

    /// As [`Machine::transact`], but neither the SMMU nor memory changes.
    pub fn explain(&mut self, transaction: &Transaction) -> (Outcome, Vec<Event>) {
        let mut events = Vec::new();
        let mut bus = ReadOnly(&mut self.memory);
        let mut world = World { bus: &mut bus, chooser: &mut Defaults, sink: &mut events };
        let outcome = self.smmu.clone().transact(&mut world, transaction);
        (outcome, events)
    }

    /// Puts a 64-bit value into memory, as software does.
    pub fn store_u64(&mut self, address: u64, value: u64) {
        if self.memory.write(Pa::new(address), &value.to_le_bytes()).is_ok() {
            self.hold(address, 8);
        }
    }

    /// Whether the image, or a store since, gave the byte at `pa` its value.
    pub fn holds(&self, pa: Pa) -> bool {
        self.held.overlaps(pa.value(), pa.value())
    }

    fn hold(&mut self, address: u64, size_bytes: u64) {
        let last = address.saturating_add(size_bytes - 1);
        let is_known = |byte| self.held.overlaps(byte, byte);
        if !(is_known(address) && is_known(last)) {
            self.held.insert(address, last);
        }
    }
}

/// Checks ID registers that a user gave, or that a trace shows.
pub fn features(ids: IdRegisters) -> Result<Features, Refused> {
    Features::new(ids).map_err(|refusals| Refused {
        ids,
        reasons: refusals.into_iter().map(|refusal| Reason { refusal }).collect(),
    })
}

/// A configuration that the model does not accept.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error(
    "the model refuses these ID registers: IDR0 {:#x}, IDR1 {:#x}, IDR3 {:#x}, IDR5 {:#x}, AIDR {:#x}",
    ids.idr[0], ids.idr[1], ids.idr[3], ids.idr[5], ids.aidr
)]
pub struct Refused {
    /// The registers.
    pub ids: IdRegisters,
    /// Everything that stands against them.
    #[related]
    pub reasons: Vec<Reason>,
}

/// One reason of a [`Refused`].
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{refusal}")]
pub struct Reason {
    /// The reason.
    pub refusal: Refusal,
}
