//! A driver on an SMMU of some kind, with a device.

use super::*;
use crate::driver::command::Command;
use crate::driver::stream_table::read_entry;

/// A CMD_SYNC without a message.
pub(super) const SYNC: Command = [0x0fc0_2046, 0];

/// A driver on an SMMU, and a device.
pub(super) struct Rig {
    pub(super) desk: Desk,
    pub(super) smmu: ArmSmmuV3,
    pub(super) asids: Numbers,
    pub(super) master: MasterId,
}

impl Rig {
    pub(super) fn new(ids: IdRegisters, firmware: Firmware, host: Host, device: &DeviceDescription) -> Self {
        let mut desk = Desk::with_ids(ids);
        let mut asids = Numbers::default();
        let mut smmu = ArmSmmuV3::probe(&mut desk, &firmware, &host).expect("the SMMU is usable");
        let master = smmu.add_device(&mut desk, &mut asids, device, None).expect("the device is there");
        Self { desk, smmu, asids, master }
    }

    pub(super) fn with_device(ids: IdRegisters, device: &DeviceDescription) -> Self {
        Self::new(ids, Firmware::default(), Host::default(), device)
    }

    pub(super) fn domain(&mut self, flags: AllocFlags) -> DomainId {
        self.smmu.domain_alloc(&mut self.desk, &mut self.asids, flags).expect("there is a domain")
    }

    pub(super) fn attach(&mut self, pasid: u32, target: Target) {
        self.smmu.attach(&mut self.desk, self.master, pasid, target).expect("it attaches");
    }

    /// The first four words: the driver leaves the others zero.
    pub(super) fn ste(&mut self, sid: u32) -> [u64; 4] {
        let at = self.smmu.stream_table.ste(&mut self.desk, sid);
        let [word0, word1, word2, word3, rest @ ..] = read_entry(&mut self.desk, at);
        assert_eq!(rest, [0; 4]);
        [word0, word1, word2, word3]
    }
}

/// The machine of the transcripts, but for some fields.
pub(super) fn qemu_with(fields: &[(&str, u64)]) -> IdRegisters {
    let mut ids = qemu();
    for (name, value) in fields {
        ids.set_field(name, *value).expect("the field is there");
    }
    ids
}

pub(super) fn on(domain: DomainId) -> Target {
    Target::Domain { domain, handles_faults: false }
}
