//! Virtual SMMUs: nested domains from a guest's STE, the guest's devices, and its commands
//! (`arm-smmu-v3-iommufd.c`).

use std::collections::BTreeMap;

use super::command::Command;
use super::domain::{Domain, Nested, Tag};
use super::entry::Entry;
use super::platform::Platform;
use super::queue::BATCH_COMMANDS;
use super::{ArmSmmuV3, DomainId, MasterId, ViommuId, ste};
use crate::errno::Errno;

/// `IOMMU_VIOMMU_TYPE_ARM_SMMUV3`.
pub const VIOMMU_TYPE_ARM_SMMUV3: u32 = 1;

/// A virtual SMMU.
#[derive(Debug)]
pub(super) struct Viommu {
    pub(super) parent: DomainId,
    /// The guest's StreamIDs.
    devices: BTreeMap<u64, MasterId>,
}

const V: u64 = 1;
const CONFIG: u64 = 0b111 << 1;
const CONFIG_ABORT: u64 = 0;
const CONFIG_BYPASS: u64 = 0b100 << 1;
const CONFIG_STAGE1: u64 = 0b101 << 1;
/// V, Config, S1Fmt, S1ContextPtr, S1CDMax.
const STE_WORD0: u64 = 0xf80f_ffff_ffff_ffff;
/// S1DSS, S1CIR, S1COR, S1CSH, S1STALLD, EATS.
const STE_WORD1: u64 = 0x0000_0000_3800_00ff;
const EATS: u64 = 0b11 << 28;
const EATS_FULL: u64 = 0b01 << 28;

impl Nested {
    /// The guest translates.
    pub(super) fn is_stage1(&self) -> bool {
        self.ste[0] & V != 0 && self.ste[0] & CONFIG == CONFIG_STAGE1
    }
}

impl ArmSmmuV3 {
    /// Whether a virtual SMMU of `kind` (`IOMMU_VIOMMU_TYPE_*`) can be made for `master`: EOPNOTSUPP if not.
    pub fn viommu_supported(&self, master: MasterId, kind: u32) -> Result<(), Errno> {
        let f = &self.features;
        let has_forced_coherency = self.masters[master.0].canwbs || f.s2fwb;
        if f.nesting && !f.force_sync && has_forced_coherency && kind == VIOMMU_TYPE_ARM_SMMUV3 {
            Ok(())
        } else {
            Err(Errno::EOPNOTSUPP)
        }
    }

    /// Makes a virtual SMMU over `parent`, a nest parent of this SMMU.
    pub fn viommu_init(&mut self, parent: DomainId) -> ViommuId {
        assert!(self.paging(parent).nest_parent, "a virtual SMMU stands on a nest parent");
        self.viommus.push(Some(Viommu { parent, devices: BTreeMap::new() }));
        ViommuId(self.viommus.len() - 1)
    }

    /// A nest parent gets the VMID of a virtual machine of KVM, so that both mean one thing by it: EBUSY if the SMMU
    /// uses the VMID for something else, or if the parent is in use already. Hypothetical.
    pub fn join_vmid(&mut self, parent: DomainId, vmid: u32) -> Result<(), Errno> {
        let Tag::Vmid(current) = self.paging(parent).tag else {
            unreachable!("a nest parent is stage 2");
        };
        if current == vmid {
            return Ok(());
        }
        if vmid == 0 || vmid >> self.features.vmid_bits != 0 {
            return Err(Errno::ENOSPC);
        }
        if !self.paging(parent).invalidations.is_empty() || !self.vmids.take_exactly(vmid) {
            return Err(Errno::EBUSY);
        }
        self.vmids.give_back(current);
        self.paging_mut(parent).tag = Tag::Vmid(vmid);
        Ok(())
    }

    /// Forgets a virtual SMMU that has no devices and no domains.
    pub fn viommu_destroy(&mut self, viommu: ViommuId) {
        let destroyed = self.viommus[viommu.0].take().expect("a virtual SMMU is destroyed once");
        assert!(destroyed.devices.is_empty(), "a virtual SMMU with devices is destroyed");
    }

    /// A device of the guest: `virt_id` names `master` in the commands of the guest. EOPNOTSUPP for a device with
    /// several StreamIDs. The caller has seen to it that `virt_id` is free.
    pub fn vdevice_init(&mut self, viommu: ViommuId, master: MasterId, virt_id: u64) -> Result<(), Errno> {
        if self.masters[master.0].streams.len() != 1 {
            return Err(Errno::EOPNOTSUPP);
        }
        let taken = self.viommu_mut(viommu).devices.insert(virt_id, master);
        assert!(taken.is_none(), "a StreamID of the guest names one device");
        Ok(())
    }

    /// The guest's device is gone. Its events keep their StreamID until the next attach.
    pub fn vdevice_destroy(&mut self, viommu: ViommuId, virt_id: u64) {
        let gone = self.viommu_mut(viommu).devices.remove(&virt_id);
        assert!(gone.is_some(), "a device of the guest is destroyed once");
    }

    /// A nested domain from two words of the guest's STE. EIO for what a guest may not set.
    pub fn nested_alloc(&mut self, viommu: ViommuId, words: [u64; 2]) -> Result<DomainId, Errno> {
        let [mut word0, mut word1] = words;
        let mut ats = false;
        if word0 & V == 0 {
            (word0, word1) = (0, 0);
        } else {
            if word0 & !STE_WORD0 != 0 || word1 & !STE_WORD1 != 0 {
                return Err(Errno::EIO);
            }
            let config = word0 & CONFIG;
            if ![CONFIG_ABORT, CONFIG_BYPASS, CONFIG_STAGE1].contains(&config) {
                return Err(Errno::EIO);
            }
            let eats = word1 & EATS;
            if eats != 0 && eats != EATS_FULL {
                return Err(Errno::EIO);
            }
            word1 &= !EATS;
            ats = config == CONFIG_STAGE1 && eats == EATS_FULL;
        }
        Ok(self.insert_domain(Domain::Nested(Nested { viommu, ste: [word0, word1], ats })))
    }

    /// The STE of a master on a nested domain.
    pub(super) fn nested_entry(
        &self,
        master: MasterId,
        ats: bool,
        guest: &Nested,
        parent: DomainId,
        vmid: u32,
    ) -> Entry {
        let bits = self.master_bits(master, ats);
        let stage2 = self.paging(parent).stage2_bits(vmid);
        if guest.is_stage1() {
            ste::nested(bits, stage2, guest.ste)
        } else if guest.ste[0] & CONFIG == CONFIG_BYPASS {
            ste::stage2(bits, stage2)
        } else {
            ste::ABORT
        }
    }

    /// Who hears of the events of `master`. ENOENT if the guest translates for a device that it does not have.
    pub(super) fn vmaster(&self, master: MasterId, guest: &Nested) -> Result<Option<(ViommuId, u64)>, Errno> {
        let devices = &self.viommu(guest.viommu).devices;
        match devices.iter().find(|(_, device)| **device == master) {
            Some((virt_id, _)) => Ok(Some((guest.viommu, *virt_id))),
            None if guest.is_stage1() => Err(Errno::ENOENT),
            None => Ok(None),
        }
    }

    /// Validates and issues commands of a guest. Returns how many count as handled, and the error if any: EIO for a
    /// command that a guest may not send, ETIMEDOUT. The commands before a bad one in its group count as handled,
    /// but are not issued.
    pub fn invalidate(
        &mut self,
        p: &mut impl Platform,
        viommu: ViommuId,
        commands: &[[u64; 2]],
    ) -> (u32, Result<(), Errno>) {
        const GROUP: usize = BATCH_COMMANDS - 1;
        let mut handled = 0;
        for group in commands.chunks(GROUP) {
            let mut converted = Vec::with_capacity(group.len());
            for command in group {
                match self.convert(viommu, *command) {
                    Ok(command) => converted.push(command),
                    Err(errno) => return (handled, Err(errno)),
                }
                handled += 1;
            }
            // The guest repeats what its SMMU may lose.
            if let Err(errno) = self.queue.issue_all_once_and_wait(p, &converted) {
                return (handled - 1, Err(errno));
            }
        }
        (handled, Ok(()))
    }

    /// A guest's command as the host sends it.
    pub(super) fn convert(&self, viommu: ViommuId, command: Command) -> Result<Command, Errno> {
        let [word0, word1] = command;
        let f = &self.features;
        let opcode = word0 & 0xff;
        let (allowed0, allowed1) = self.allowed(opcode).ok_or(Errno::EIO)?;
        if word0 & !(allowed0 | 0xff) != 0 || word1 & !allowed1 != 0 {
            return Err(Errno::EIO);
        }
        match opcode {
            TLBI_NSNH_ALL => Ok([TLBI_NH_ALL | self.vmid_field(viommu), 0]),
            TLBI_NH_ALL | TLBI_NH_ASID => Ok([self.with_vmid(viommu, word0), word1]),
            TLBI_NH_VA | TLBI_NH_VAA if f.range_invalidation && !is_legal_range(command, f.ds) => {
                Err(Errno::EIO)
            }
            TLBI_NH_VA | TLBI_NH_VAA => Ok([self.with_vmid(viommu, word0), word1]),
            ATC_INV if word1 & ATC_SIZE > 52 => Err(Errno::EIO),
            _with_stream => {
                let master = self.viommu(viommu).devices.get(&(word0 >> 32)).ok_or(Errno::EIO)?;
                let sid = self.masters[master.0].streams[0];
                Ok([word0 & 0xffff_ffff | u64::from(sid) << 32, word1])
            }
        }
    }

    /// The bits that a guest may set in a command beside the opcode; `None` for one that it may not send.
    fn allowed(&self, opcode: u64) -> Option<(u64, u64)> {
        const VMID: u64 = 0xffff << 32;
        const STREAM: u64 = 0xffff_ffff << 32;
        const ADDRESS: u64 = !0xfff;
        const LEAF: u64 = 1;
        const TG_TTL: u64 = 0b1111 << 8;
        let f = &self.features;
        let asid = ((1u64 << f.asid_bits) - 1) << 48;
        let (range0, range1) = match (f.range_invalidation, f.ds) {
            (false, _) => (0, 0),
            (true, false) => (NUM | SCALE, TG_TTL),
            (true, true) => (NUM | SCALE | SCALE_HIGH, TG_TTL),
        };
        let substream = if f.ssid_bits > 0 { 0xf_ffff << 12 } else { 0 };
        let of_substream = if f.ssid_bits > 0 { SSV | GLOBAL } else { 0 };
        Some(match opcode {
            TLBI_NSNH_ALL => (0, 0),
            TLBI_NH_ALL => (VMID, 0),
            TLBI_NH_ASID => (VMID | asid, 0),
            TLBI_NH_VA => (VMID | asid | range0, ADDRESS | LEAF | range1),
            TLBI_NH_VAA => (VMID | range0, ADDRESS | LEAF | range1),
            CFGI_CD => (STREAM | substream, LEAF),
            CFGI_CD_ALL => (STREAM, 0),
            ATC_INV if f.ats => (STREAM | substream | of_substream, ADDRESS | ATC_SIZE),
            _ => return None,
        })
    }

    fn with_vmid(&self, viommu: ViommuId, word0: u64) -> u64 {
        word0 & !(0xffff << 32) | self.vmid_field(viommu)
    }

    fn vmid_field(&self, viommu: ViommuId) -> u64 {
        match self.paging(self.viommu(viommu).parent).tag {
            Tag::Vmid(vmid) => u64::from(vmid) << 32,
            Tag::Asid(_) => unreachable!("the parent of a virtual SMMU is stage 2"),
        }
    }

    pub(super) fn viommu(&self, viommu: ViommuId) -> &Viommu {
        self.viommus[viommu.0].as_ref().expect("the virtual SMMU exists")
    }

    fn viommu_mut(&mut self, viommu: ViommuId) -> &mut Viommu {
        self.viommus[viommu.0].as_mut().expect("the virtual SMMU exists")
    }
}

const CFGI_CD: u64 = 0x05;
const CFGI_CD_ALL: u64 = 0x06;
const TLBI_NH_ALL: u64 = 0x10;
const TLBI_NH_ASID: u64 = 0x11;
const TLBI_NH_VA: u64 = 0x12;
const TLBI_NH_VAA: u64 = 0x13;
const TLBI_NSNH_ALL: u64 = 0x30;
const ATC_INV: u64 = 0x40;
const SSV: u64 = 1 << 11;
const GLOBAL: u64 = 1 << 9;
const ATC_SIZE: u64 = 0x3f;
const NUM: u64 = 0x1f << 12;
const SCALE: u64 = 0x1f << 20;
const SCALE_HIGH: u64 = 1 << 25;

/// TG, TTL, NUM and SCALE go together (IHI 0070 §4.4.1.1).
fn is_legal_range([word0, word1]: Command, ds: bool) -> bool {
    let (tg, ttl) = (word1 >> 10 & 0b11, word1 >> 8 & 0b11);
    let has_extent = word0 & (NUM | SCALE | SCALE_HIGH) != 0;
    match tg {
        0 => !has_extent && ttl == 0,
        2 if ttl == 1 && !ds => false,
        _ => has_extent || ttl != 0,
    }
}
