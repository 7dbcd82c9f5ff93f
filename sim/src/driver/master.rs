//! Masters: the devices behind the SMMU, and how their STEs and CDs are written (`arm_smmu_probe_device`,
//! `arm_smmu_install_ste_for_dev`, `arm_smmu_write_cd_entry`).

use std::collections::BTreeMap;

use super::cd::Cd;
use super::cd_table::{CdTable, Leaf};
use super::command::Command;
use super::entry::{self, Entry, Writer};
use super::firmware::DeviceDescription;
use super::invalidation::Holder;
use super::platform::Platform;
use super::probe::Features;
use super::queue::{Batch, CommandQueue};
use super::ste::{MasterBits, Ste};
use super::stream_table::read_entry;
use super::{ArmSmmuV3, Capabilities, DomainId, MasterId, Numbers, Target, ViommuId, command};
use crate::errno::Errno;

/// A device and what it is attached to.
#[derive(Debug)]
pub(super) struct Master {
    /// StreamIDs, ascending. A device behind a bridge may have one twice.
    pub(super) streams: Vec<u32>,
    pub(super) ats_capable: bool,
    /// ATS is on even where nothing is translated: by a CD table that is bypassed.
    pub(super) ats_always_on: bool,
    pub(super) canwbs: bool,
    pub(super) stall_enabled: bool,
    /// What a CD table is made for.
    pub(super) ssid_bits: u8,
    /// PASIDs, counting 0, as the core of the kernel counts them; 0 without PASIDs.
    max_pasids: u32,
    pub(super) cd_table: Option<CdTable>,
    /// The STE refers to the CD table.
    pub(super) uses_cd_table: bool,
    /// PCI ATS is on.
    pub(super) ats_enabled: bool,
    /// What the device itself is attached to.
    pub(super) attached: Attached,
    /// What its PASIDs are attached to.
    pub(super) pasids: BTreeMap<u32, Attachment>,
    /// The kernel's own domain of its group.
    pub(super) default: DomainId,
    /// Who hears of its events, under which StreamID.
    pub(super) vmaster: Option<(ViommuId, u64)>,
}

/// What a device itself is attached to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Attached {
    Nothing,
    Identity,
    Blocked,
    Domain(Attachment),
}

/// An attachment to a domain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Attachment {
    pub(super) domain: DomainId,
    /// The domain that is told whom to invalidate: the parent of a nested one.
    pub(super) owner: DomainId,
    /// What it was told.
    pub(super) holders: Vec<Holder>,
}

impl ArmSmmuV3 {
    /// Adds a device and attaches it to its default domain: one of its own, or that of `sibling`, which is in the
    /// same group. ERANGE for a StreamID outside the stream table, ENODEV for one that another device has, EOPNOTSUPP
    /// for a device that needs ATS where it cannot always be on.
    pub fn add_device(
        &mut self,
        p: &mut impl Platform,
        asids: &mut Numbers,
        device: &DeviceDescription,
        sibling: Option<MasterId>,
    ) -> Result<MasterId, Errno> {
        let mut streams = device.streams.clone();
        streams.sort_unstable();
        for sid in &streams {
            self.stream_table.ensure(p, *sid)?;
            if self.masters.iter().any(|master| master.streams.contains(sid)) {
                return Err(Errno::ENODEV);
            }
        }
        let f = self.features;
        let ssid_bits = device.pasid_bits.min(f.ssid_bits);
        let ssid_bits = if f.two_level_cd { ssid_bits } else { ssid_bits.min(10) };
        let ats_capable = f.ats && device.ats;
        if device.needs_ats && !(ats_capable && f.stage1 && f.ssid_bits > 0) {
            return Err(Errno::EOPNOTSUPP);
        }
        // S1DSS, which keeps ATS on, is ignored with an S1CDMax of 0.
        let cd_table = match device.needs_ats {
            true => Some(CdTable::allocate(p, &f, ssid_bits.max(1))?),
            false => None,
        };
        let id = MasterId(self.masters.len());
        let flags = super::AllocFlags { pasid: ssid_bits != 0 && f.stage1, ..Default::default() };
        let default = match sibling {
            Some(sibling) => self.masters[sibling.0].default,
            None => self.domain_alloc(p, asids, flags)?,
        };
        self.masters.push(Master {
            streams,
            ats_capable,
            ats_always_on: device.needs_ats,
            canwbs: device.canwbs,
            stall_enabled: f.stalls && device.can_stall || f.stall_force,
            ssid_bits,
            max_pasids: if device.pasid_bits == 0 { 0 } else { 1 << device.pasid_bits.min(f.ssid_bits) },
            cd_table,
            uses_cd_table: false,
            ats_enabled: false,
            attached: Attached::Nothing,
            pasids: BTreeMap::new(),
            default,
            vmaster: None,
        });
        self.attach(p, id, 0, Target::Default)?;
        Ok(id)
    }

    /// What `master` can do here.
    pub fn capabilities(&self, master: MasterId) -> Capabilities {
        let f = &self.features;
        let master = &self.masters[master.0];
        Capabilities {
            dirty_tracking: f.httu.keeps_dirty() && f.coherent,
            ats: master.ats_capable,
            enforced_coherency: master.canwbs,
            max_pasids: master.max_pasids,
        }
    }

    pub(super) fn master_bits(&self, master: MasterId, ats: bool) -> MasterBits {
        MasterBits {
            ats,
            attr_types_ovr: self.features.attr_types_ovr,
            stalls: self.features.stalls,
            stall_enabled: self.masters[master.0].stall_enabled,
            e2h: self.features.e2h,
        }
    }

    /// Writes `target` for every StreamID of the master, and has the SMMU read it ahead.
    pub(super) fn write_ste(&mut self, p: &mut impl Platform, master: MasterId, target: &Entry) {
        let mut distinct = self.masters[master.0].streams.clone();
        distinct.dedup();
        for sid in distinct {
            let at = self.stream_table.ste(p, sid);
            let mut entry = read_entry(p, at);
            let mut writer = SteWriter { p, queue: &mut self.queue, at, sid };
            entry::update::<Ste>(&mut writer, &mut entry, target);
            if !self.firmware.broken_prefetch {
                self.queue.issue(p, command::prefetch_config(sid));
            }
        }
    }

    /// Makes room for the CD of `ssid`, and a table if there is none.
    pub(super) fn ensure_cd(
        &mut self,
        p: &mut impl Platform,
        master: MasterId,
        ssid: u32,
    ) -> Result<(), Errno> {
        let f = self.features;
        let Master { cd_table, ssid_bits, streams, .. } = &mut self.masters[master.0];
        let table = match *cd_table {
            Some(table) => table,
            None => *cd_table.insert(CdTable::allocate(p, &f, *ssid_bits)?),
        };
        if table.ensure(p, ssid)? == Leaf::New {
            issue_for_all(p, &mut self.queue, &f, streams, |sid| command::cfgi_cd(sid, ssid, false));
        }
        Ok(())
    }

    /// Writes the CD of `ssid`, for which there is room.
    pub(super) fn write_cd(&mut self, p: &mut impl Platform, master: MasterId, ssid: u32, target: &Entry) {
        let master = &self.masters[master.0];
        let table = master.cd_table.expect("there is room for the CD");
        let at = table.cd(p, ssid).expect("there is room for the CD");
        let mut entry = read_entry(p, at);
        let f = self.features;
        let mut sync = |p: &mut _, queue: &mut CommandQueue| {
            issue_for_all(p, queue, &f, &master.streams, |sid| command::cfgi_cd(sid, ssid, true));
        };
        let mut writer = CdWriter { p, queue: &mut self.queue, at, sync: &mut sync };
        entry::update::<Cd>(&mut writer, &mut entry, target);
    }

    /// Takes the CD of `ssid` away, if there ever was one.
    pub(super) fn clear_cd(&mut self, p: &mut impl Platform, master: MasterId, ssid: u32) {
        let table = self.masters[master.0].cd_table;
        if table.and_then(|table| table.cd(p, ssid)).is_some() {
            self.write_cd(p, master, ssid, &super::cd::INVALID);
        }
    }
}

/// One command for each StreamID, with one CMD_SYNC. The driver goes on after a timeout.
pub(super) fn issue_for_all(
    p: &mut impl Platform,
    queue: &mut CommandQueue,
    f: &Features,
    streams: &[u32],
    command: impl Fn(u32) -> Command,
) {
    let mut batch = Batch::default();
    for &sid in streams {
        batch.add(p, queue, f, command(sid));
    }
    batch.submit(p, queue);
}

struct SteWriter<'a, P> {
    p: &'a mut P,
    queue: &'a mut CommandQueue,
    at: u64,
    sid: u32,
}

impl<P: Platform> Writer for SteWriter<'_, P> {
    fn store(&mut self, index: usize, word: u64) {
        self.p.store(word_address(self.at, index), word);
    }

    fn sync(&mut self) {
        let _timed_out = self.queue.issue_and_wait(self.p, command::cfgi_ste(self.sid));
    }
}

struct CdWriter<'a, P, S> {
    p: &'a mut P,
    queue: &'a mut CommandQueue,
    at: u64,
    sync: &'a mut S,
}

impl<P: Platform, S: FnMut(&mut P, &mut CommandQueue)> Writer for CdWriter<'_, P, S> {
    fn store(&mut self, index: usize, word: u64) {
        self.p.store(word_address(self.at, index), word);
    }

    fn sync(&mut self) {
        (self.sync)(self.p, self.queue);
    }
}

fn word_address(entry: u64, index: usize) -> u64 {
    entry + 8 * u64::try_from(index).expect("an entry has eight words")
}
