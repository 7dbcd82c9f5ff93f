//! Platforms for tests of the driver: the model itself, and everything that was written on the way; and one whose
//! registers do not read as they should.

use std::collections::BTreeMap;

use smmu_model::Smmu;
use smmu_model::address::Pa;
use smmu_model::bus::Bus;
use smmu_model::choice::Defaults;
use smmu_model::env::World;
use smmu_model::features::{Features, IdRegisters};
use smmu_model::memory::SparseMemory;
use smmu_model::trace::Silence;

use super::command::Command;
use super::platform::Platform;
use super::registers::{CMDQ_BASE, CMDQ_PROD};

/// One SMMU, its memory, and a record.
pub(super) struct Desk {
    pub(super) smmu: Smmu,
    pub(super) memory: SparseMemory,
    free: u64,
    /// The most bytes that one allocation yields.
    pub(super) largest: u64,
    /// Pages that are given out, by address: their sizes.
    pub(super) given: BTreeMap<u64, u64>,
    /// Register writes, but for CMDQ_PROD.
    pub(super) writes: Vec<(u64, u64)>,
    /// What writes of CMDQ_PROD made known.
    commands: Vec<Command>,
    cmdq_prod: u64,
}

impl Desk {
    pub(super) fn with_ids(ids: IdRegisters) -> Self {
        let features = Features::new(ids).expect("the ID registers are legal");
        let mut memory = SparseMemory::new();
        let mut world = World { bus: &mut memory, chooser: &mut Defaults, sink: &mut Silence };
        let smmu = Smmu::new(features, &mut world);
        Self {
            smmu,
            memory,
            free: 0x4000_0000,
            largest: u64::MAX,
            given: BTreeMap::new(),
            writes: Vec::new(),
            commands: Vec::new(),
            cmdq_prod: 0,
        }
    }

    /// The commands since the last call.
    pub(super) fn take_commands(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.commands)
    }

    /// Reads the commands that a write of CMDQ_PROD makes known.
    fn note_commands(&mut self, prod: u64) {
        let (_, base) = self.writes.iter().rfind(|(at, _)| *at == CMDQ_BASE).expect("the queue has a base");
        let (slots, wrap) = (base & 0x000f_ffff_ffff_ffe0, (2 << (base & 0x1f)) - 1);
        while self.cmdq_prod != prod {
            let slot = slots + (self.cmdq_prod & wrap >> 1) * 16;
            let command = [self.load(slot), self.load(slot + 8)];
            self.commands.push(command);
            self.cmdq_prod = (self.cmdq_prod + 1) & wrap;
        }
    }

    fn access(&mut self, offset: u64, size_bytes: u8, value: Option<u64>) -> u64 {
        match value {
            None => {
                let mut world = World { bus: &mut self.memory, chooser: &mut Defaults, sink: &mut Silence };
                self.smmu.read(&mut world, offset, size_bytes).expect("the register answers")
            }
            Some(value) => {
                if offset == CMDQ_PROD {
                    self.note_commands(value);
                } else {
                    self.writes.push((offset, value));
                }
                let mut world = World { bus: &mut self.memory, chooser: &mut Defaults, sink: &mut Silence };
                self.smmu.write(&mut world, offset, size_bytes, value).expect("the register answers");
                0
            }
        }
    }
}

impl Platform for Desk {
    fn read32(&mut self, offset: u64) -> u32 {
        u32::try_from(self.access(offset, 4, None)).expect("32 bits were read")
    }

    fn write32(&mut self, offset: u64, value: u32) {
        self.access(offset, 4, Some(u64::from(value)));
    }

    fn write64(&mut self, offset: u64, value: u64) {
        self.access(offset, 8, Some(value));
    }

    fn relax(&mut self) {
        let mut world = World { bus: &mut self.memory, chooser: &mut Defaults, sink: &mut Silence };
        self.smmu.settle(&mut world);
    }

    fn load(&mut self, address: u64) -> u64 {
        self.memory.read_u64(Pa::new(address)).expect("memory answers")
    }

    fn store(&mut self, address: u64, value: u64) {
        self.memory.write(Pa::new(address), &value.to_le_bytes()).expect("memory answers");
    }

    fn allocate(&mut self, bytes: u64) -> Option<u64> {
        if bytes > self.largest {
            return None;
        }
        let address = self.free.next_multiple_of(bytes);
        self.free = address + bytes;
        self.given.insert(address, bytes);
        Some(address)
    }

    fn free(&mut self, address: u64, bytes: u64) {
        assert_eq!(self.given.remove(&address), Some(bytes), "memory is given back as it was taken");
    }
}

/// Hardware that is broken: a register of it reads as `answer` makes of its value.
pub(super) struct Broken<'a> {
    pub(super) desk: &'a mut Desk,
    pub(super) register: u64,
    pub(super) answer: fn(u32) -> u32,
}

impl Platform for Broken<'_> {
    fn read32(&mut self, offset: u64) -> u32 {
        let value = self.desk.read32(offset);
        if offset == self.register { (self.answer)(value) } else { value }
    }

    fn write32(&mut self, offset: u64, value: u32) {
        self.desk.write32(offset, value);
    }

    fn write64(&mut self, offset: u64, value: u64) {
        self.desk.write64(offset, value);
    }

    fn relax(&mut self) {
        self.desk.relax();
    }

    fn load(&mut self, address: u64) -> u64 {
        self.desk.load(address)
    }

    fn store(&mut self, address: u64, value: u64) {
        self.desk.store(address, value);
    }

    fn allocate(&mut self, bytes: u64) -> Option<u64> {
        self.desk.allocate(bytes)
    }

    fn free(&mut self, address: u64, bytes: u64) {
        self.desk.free(address, bytes);
    }
}
