//! A guest without a driver: it writes registers, queues and tables by hand.

use smmu_sim::kernel::{Kernel, Setup};
use smmu_sim::vmm::{GuestDevice, Note, Offer, Vmm, VmmSetup};

use super::rig::{OTHER_STREAM, STREAM, machine};

pub(crate) const CR0: u64 = 0x20;
pub(crate) const CR0ACK: u64 = 0x24;
pub(crate) const GBPA: u64 = 0x44;
pub(crate) const GERROR: u64 = 0x60;
pub(crate) const GERRORN: u64 = 0x64;
pub(crate) const STRTAB_BASE: u64 = 0x80;
pub(crate) const STRTAB_BASE_CFG: u64 = 0x88;
pub(crate) const CMDQ_BASE: u64 = 0x90;
pub(crate) const CMDQ_PROD: u64 = 0x98;
pub(crate) const CMDQ_CONS: u64 = 0x9c;
pub(crate) const EVENTQ_BASE: u64 = 0xa0;
pub(crate) const EVENTQ_PROD: u64 = 0x1_00a8;
pub(crate) const EVENTQ_CONS: u64 = 0x1_00ac;

pub(crate) const RAM: u64 = 0x4000_0000;
/// 64 commands.
pub(crate) const COMMANDS: u64 = RAM;
/// 8 records.
pub(crate) const EVENTS: u64 = RAM + 0x1000;
/// A linear table of 1024 STEs.
pub(crate) const TABLE: u64 = RAM + 0x1_0000;

pub(crate) const SYNC: [u64; 2] = [0x46, 0];
pub(crate) const CFGI_ALL: [u64; 2] = [0x04, 31];

/// SMMUEN, EVENTQEN and CMDQEN.
pub(crate) const ENABLED: u64 = 0xd;

pub(crate) struct Bare {
    pub(crate) kernel: Kernel,
    pub(crate) vmm: Vmm,
    prod: u64,
}

impl Bare {
    /// With two devices, 0x10 and 0x208; queues and table are set up, and all is enabled.
    pub(crate) fn enabled() -> Self {
        Self::enabled_on(&[], |offer| offer)
    }

    pub(crate) fn enabled_on(fields: &[(&str, u64)], change: impl FnOnce(Offer) -> Offer) -> Self {
        Self::enabled_with(fields, |setup| setup, change)
    }

    pub(crate) fn enabled_with(
        fields: &[(&str, u64)],
        adapt: impl FnOnce(VmmSetup) -> VmmSetup,
        change: impl FnOnce(Offer) -> Offer,
    ) -> Self {
        Self::enabled_as(&machine(fields), adapt, change)
    }

    pub(crate) fn enabled_as(
        machine: &Setup,
        adapt: impl FnOnce(VmmSetup) -> VmmSetup,
        change: impl FnOnce(Offer) -> Offer,
    ) -> Self {
        let mut bare = Self::reset_as(machine, adapt, change);
        bare.write64(STRTAB_BASE, TABLE);
        bare.write(STRTAB_BASE_CFG, 10);
        bare.write64(CMDQ_BASE, COMMANDS | 6);
        bare.write64(EVENTQ_BASE, EVENTS | 3);
        bare.write(CR0, ENABLED);
        assert_eq!(bare.read(CR0ACK), ENABLED);
        bare
    }

    /// Out of reset.
    pub(crate) fn reset(fields: &[(&str, u64)], change: impl FnOnce(Offer) -> Offer) -> Self {
        Self::reset_as(&machine(fields), |setup| setup, change)
    }

    fn reset_as(
        machine: &Setup,
        adapt: impl FnOnce(VmmSetup) -> VmmSetup,
        change: impl FnOnce(Offer) -> Offer,
    ) -> Self {
        let mut kernel = Kernel::boot(machine).expect("the machine boots");
        let devices =
            [GuestDevice { stream: STREAM, vfio: 0 }, GuestDevice { stream: OTHER_STREAM, vfio: 1 }];
        let setup = adapt(VmmSetup::accelerated(&devices));
        let probed = Vmm::probe(&mut kernel, &setup).expect("it can be probed");
        let offer = change(Offer::baseline(probed.hardware().expect("there is an SMMU")));
        let vmm = probed.start(&mut kernel, offer).expect("it can be started");
        Self { kernel, vmm, prod: 0 }
    }

    pub(crate) fn read(&mut self, offset: u64) -> u64 {
        self.vmm.mmio_read(&mut self.kernel, offset, 4).expect("it is a register")
    }

    pub(crate) fn write(&mut self, offset: u64, value: u64) {
        self.vmm.mmio_write(&mut self.kernel, offset, 4, value).expect("it is a register");
        self.vmm.run(&mut self.kernel);
    }

    pub(crate) fn write64(&mut self, offset: u64, value: u64) {
        self.vmm.mmio_write(&mut self.kernel, offset, 8, value).expect("it is a register");
        self.vmm.run(&mut self.kernel);
    }

    pub(crate) fn store(&mut self, address: u64, words: &[u64]) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.vmm.write_memory(&mut self.kernel, address, &bytes).expect("it is memory");
    }

    pub(crate) fn load(&mut self, address: u64) -> u64 {
        let mut bytes = [0; 8];
        self.vmm.read_memory(&mut self.kernel, address, &mut bytes).expect("it is memory");
        u64::from_le_bytes(bytes)
    }

    /// Issues commands.
    pub(crate) fn issue(&mut self, commands: &[[u64; 2]]) {
        for command in commands {
            self.store(COMMANDS + self.prod % 64 * 16, command);
            self.prod = (self.prod + 1) % 128;
        }
        self.write(CMDQ_PROD, self.prod);
    }

    /// Puts an STE into the table and has it looked at.
    pub(crate) fn install(&mut self, stream: u32, ste: [u64; 2]) {
        self.store(TABLE + u64::from(stream) * 64, &ste);
        self.issue(&[[0x03 | u64::from(stream) << 32, 1], SYNC]);
    }

    /// CMDQ_CONS: the index, and the error.
    pub(crate) fn cons(&mut self) -> (u64, u64) {
        let cons = self.read(CMDQ_CONS);
        (cons & 0xf_ffff, cons >> 24 & 0x7f)
    }

    /// The global errors that are active.
    pub(crate) fn errors(&mut self) -> u64 {
        self.read(GERROR) ^ self.read(GERRORN)
    }

    /// Acknowledges all of them.
    pub(crate) fn acknowledge(&mut self) {
        let gerror = self.read(GERROR);
        self.write(GERRORN, gerror);
    }

    /// The first two words of the records that the guest has not taken.
    pub(crate) fn events(&mut self) -> Vec<[u64; 2]> {
        let (prod, cons) = (self.read(EVENTQ_PROD) & 0xf, self.read(EVENTQ_CONS) & 0xf);
        let count = (prod + 16 - cons) % 16;
        let slots = (0..count).map(|index| EVENTS + (cons + index) % 8 * 32);
        slots.map(|slot| [self.load(slot), self.load(slot + 8)]).collect()
    }

    /// What happened since the last call, a line for each thing.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        self.vmm.take_notes().iter().map(Note::to_string).collect()
    }
}
