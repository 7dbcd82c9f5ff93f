//! What a processor of a guest does by itself, past the driver.

use std::borrow::Cow;

use smmu_model::Register;
use smmu_model::ids::Asid;
use smmu_model::layout::command::Command;

use super::{Done, Ended, OnVm, Stop, Vm, event};
use crate::errno::Errno;
use crate::kernel::kvm::GuestTlbi;
use crate::scenario::run::kernel::{Machine, Unclaimed};
use crate::scenario::step::{GuestTlbiName, Place, ProcessorDeed, VmId};
use crate::trace::{Actor, Listener};
use crate::vmm::NoSte;

/// CMDQ_BASE and EVENTQ_BASE: the address, and log2 of the entries (IHI 0070 §6.3.26, §6.3.29).
const ADDRESS: u64 = 0x00ff_ffff_ffff_ffe0;
const LOG2SIZE: u64 = 0x1f;

impl<'a, L: Listener> Machine<'a, L> {
    pub(super) fn with_processor(
        &mut self,
        id: VmId,
        vm: &mut Vm,
        deed: &ProcessorDeed,
    ) -> Result<Ended, String> {
        match deed {
            ProcessorDeed::Alloc(pages) => {
                self.say_act(id, Actor::Guest, ("alloc", &[]), [("pages", *pages)]);
                let (vmm, booted) = vm.booted()?;
                let taken = booted.guest.take_pages(&mut self.kernel, vmm, *pages);
                Ok(taken.map(Done::Value).ok_or(Stop::from(Errno::ENOMEM)))
            }
            ProcessorDeed::Write { at, data } => {
                let (at, bytes) = (self.value(at)?, self.bytes(data)?);
                let shown: Vec<u8> = bytes.iter().copied().take(8).collect();
                let value = crate::scenario::run::little_endian(&shown).unwrap_or_default();
                self.say_act(id, Actor::Vcpu, ("write", &[]), [("at", at), ("data", value)]);
                let vmm = self.running(id, &mut vm.vmm)?;
                let written = vmm.write_memory(&mut self.kernel, at, &bytes);
                Ok(written.map(|()| Done::Nothing).map_err(|_abort| Stop::Aborted))
            }
            ProcessorDeed::Read { at, bytes } => {
                let at = self.value(at)?;
                self.say_act(id, Actor::Vcpu, ("read", &[]), [("at", at), ("size", u64::from(*bytes))]);
                let vmm = self.running(id, &mut vm.vmm)?;
                let mut word = [0; 8];
                let read = vmm.read_memory(&mut self.kernel, at, &mut word[..usize::from(*bytes)]);
                let value = Done::Value(u64::from_le_bytes(word));
                Ok(read.map(|()| value).map_err(|_abort| Stop::Aborted))
            }
            ProcessorDeed::RegisterWrite { place, value } => {
                let value = self.value(value)?;
                self.say_act(id, Actor::Vcpu, ("reg", &[&register_name(*place)]), [("value", value)]);
                let vmm = self.running(id, &mut vm.vmm)?;
                let written = vmm.mmio_write(&mut self.kernel, place.offset, place.size_bytes, value);
                vmm.run(&mut self.kernel);
                Ok(written.map(|()| Done::Nothing).map_err(|_abort| Stop::Aborted))
            }
            ProcessorDeed::RegisterRead(place) => {
                self.say_act(id, Actor::Vcpu, ("reg-read", &[&register_name(*place)]), []);
                let vmm = self.running(id, &mut vm.vmm)?;
                let read = vmm.mmio_read(&mut self.kernel, place.offset, place.size_bytes);
                Ok(read.map(Done::Value).map_err(|_abort| Stop::Aborted))
            }
            ProcessorDeed::Command(words) => self.guest_command(id, vm, *words),
            ProcessorDeed::Ste { stream, words } => self.guest_ste(id, vm, *stream, words),
            ProcessorDeed::Tlbi { operation, asid, address } => {
                let (asid, address) = (self.value(asid)?, self.value(address)?);
                let numbers = [("asid", asid), ("va", address)];
                self.say_act(id, Actor::Vcpu, ("tlbi", &[operation.name()]), numbers);
                let asid = u16::try_from(asid).map_err(|_large| format!("{asid:#x} is no ASID"))?;
                let tlbi = match operation {
                    GuestTlbiName::All => GuestTlbi::All,
                    GuestTlbiName::Asid => GuestTlbi::Asid(Asid(asid)),
                    GuestTlbiName::Va => GuestTlbi::Va(Asid(asid), address),
                    GuestTlbiName::Vaa => GuestTlbi::Vaa(address),
                };
                let vmm = self.running(id, &mut vm.vmm)?;
                Ok(super::nothing(self.kernel.guest_tlbi(vmm.client().pid, vmm.machine(), tlbi)))
            }
        }
    }

    /// A command: through the driver, which counts the entries of its queue, or else into the queue by hand.
    fn guest_command(&mut self, id: VmId, vm: &mut Vm, words: [u64; 2]) -> Result<Ended, String> {
        let name = match Command(words).opcode() {
            Some(opcode) => Cow::Borrowed(opcode.name()),
            None => Cow::Owned(format!("{:#x}", words[0] & 0xff)),
        };
        let numbers = [("word0", words[0]), ("word1", words[1])];
        self.say_act(id, Actor::Vcpu, ("cmd", &[&name]), numbers);
        let vmm = self.running(id, &mut vm.vmm)?;
        if let Some(booted) = &mut vm.guest {
            let (driver, mut doors) = booted.guest.driver_mut(&mut self.kernel, vmm);
            driver.issue(&mut doors, words);
            return Ok(Ok(Done::Nothing));
        }
        Ok(OnVm { kernel: &mut self.kernel, vmm }.put_command(words))
    }

    fn guest_ste(&mut self, id: VmId, vm: &mut Vm, stream: u32, words: &[u64; 8]) -> Result<Ended, String> {
        let name = self.device_name(id, stream);
        self.say_act(id, Actor::Vcpu, ("ste", &[&name]), [("word0", words[0]), ("word1", words[1])]);
        let vmm = self.running(id, &mut vm.vmm)?;
        let at = vmm.ste_address(&mut self.kernel, stream).map_err(|none| {
            match none {
                NoSte::Beyond => "the guest's stream table does not reach so far",
                NoSte::Aborted => "the guest's stream table is not in its memory",
            }
            .to_owned()
        })?;
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let written = vmm.write_memory(&mut self.kernel, at, &bytes);
        Ok(written.map(|()| Done::Nothing).map_err(|_abort| Stop::Aborted))
    }

    /// A guest without a driver takes records out of its Event queue by hand.
    pub(super) fn raw_events(&mut self, id: VmId, vm: &mut Vm) -> Result<Ended, String> {
        let vmm = self.running(id, &mut vm.vmm)?;
        vmm.run(&mut self.kernel);
        Ok(OnVm { kernel: &mut self.kernel, vmm }.take_records().map(Done::Events))
    }
}

impl OnVm<'_> {
    fn read32(&mut self, register: Register) -> Result<u64, Stop> {
        self.vmm.mmio_read(self.kernel, register.offset(), 4).map_err(|_abort| Stop::Aborted)
    }

    fn write32(&mut self, register: Register, value: u64) -> Result<(), Stop> {
        let written = self.vmm.mmio_write(self.kernel, register.offset(), 4, value);
        self.vmm.run(self.kernel);
        written.map_err(|_abort| Stop::Aborted)
    }

    /// Puts a command into the next slot, full or not, and moves PROD over it.
    fn put_command(mut self, words: [u64; 2]) -> Ended {
        let base = self.vmm.front().peek(Register::CmdqBase);
        let prod = self.read32(Register::CmdqProd)?;
        let slot = (base & ADDRESS) + ((prod & (ones(base) >> 1)) << 4);
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        // A queue that is not in memory takes no command; PROD moves all the same.
        self.vmm.write_memory(self.kernel, slot, &bytes).ok();
        self.write32(Register::CmdqProd, (prod + 1) & ones(base))?;
        Ok(Done::Nothing)
    }

    /// Takes all records, and acknowledges them together with an overflow.
    fn take_records(mut self) -> Result<Unclaimed, Stop> {
        const OVERFLOW: u64 = 1 << 31;
        let base = self.vmm.front().peek(Register::EventqBase);
        let prod = self.read32(Register::EventqProd)?;
        let mut cons = self.read32(Register::EventqCons)? & ones(base);
        let mut found = Unclaimed::default();
        let entries = (ones(base) >> 1) + 1;
        for _ in 0..entries {
            if cons == prod & ones(base) {
                break;
            }
            let mut bytes = [0; 32];
            let slot = (base & ADDRESS) + ((cons & (ones(base) >> 1)) << 5);
            if self.vmm.read_memory(self.kernel, slot, &mut bytes).is_ok() {
                let (words, _) = bytes.as_chunks::<8>();
                let word = |index: usize| u64::from_le_bytes(words[index]);
                found.events.push_back(event([word(0), word(1), word(2), word(3)]));
            }
            cons = (cons + 1) & ones(base);
        }
        self.write32(Register::EventqCons, cons | prod & OVERFLOW)?;
        Ok(found)
    }
}

/// The bits of an index with its wrap bit.
fn ones(base: u64) -> u64 {
    /// Queues of the guest have at most 2^19 entries.
    const LOG2_MAX: u64 = 19;
    (2 << (base & LOG2SIZE).min(LOG2_MAX)) - 1
}

fn register_name(place: Place) -> String {
    match place.register {
        Some(register) if register.size_bytes() == place.size_bytes => register.to_string(),
        Some(register) => format!("{register}, {} bytes", place.size_bytes),
        None => format!("{:#x}, {} bytes", place.offset, place.size_bytes),
    }
}
