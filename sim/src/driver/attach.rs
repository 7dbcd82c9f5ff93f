//! Attaching masters, and PASIDs of theirs, to domains: what is written in which order (`arm_smmu_attach_dev`,
//! `arm_smmu_set_pasid`, `arm_smmu_attach_dev_blocked`).

use super::domain::{Domain, Nested, Tag};
use super::entry::Entry;
use super::invalidation::Holder;
use super::master::{Attached, Attachment, issue_for_all};
use super::platform::Platform;
use super::ste::WithoutSubstream;
use super::{ArmSmmuV3, DomainId, MasterId, Target, cd, command, ste};
use crate::errno::Errno;

/// What a master, or a PASID of it, is to be attached to, with all that was looked up.
struct Plan {
    attachment: Attachment,
    kind: Kind,
}

enum Kind {
    /// Stage 1 of the driver: an ASID.
    Stage1(u32),
    /// Stage 2 of the driver: a VMID.
    Stage2(u32),
    /// Stage 1 of a guest over stage 2 of the driver.
    Nested { guest: Nested, vmid: u32 },
}

impl ArmSmmuV3 {
    /// Attaches `master` at `pasid` (0: the device itself) to `target`, in place of what it was attached to. On an
    /// error nothing has changed: EBUSY for stage 2 while PASIDs are in use; EINVAL for what does not go together;
    /// ENOENT for a guest's stage 1 on a device that the guest does not have; EOPNOTSUPP; ENOMEM.
    pub fn attach(
        &mut self,
        p: &mut impl Platform,
        master: MasterId,
        pasid: u32,
        target: Target,
    ) -> Result<(), Errno> {
        let default = self.masters[master.0].default;
        match (target, pasid) {
            (Target::Identity, 0) => self.attach_static(p, master, Attached::Identity),
            (Target::Blocked, 0) => self.attach_static(p, master, Attached::Blocked),
            (Target::Default, 0) => self.attach_device(p, master, default, false)?,
            (Target::Domain { domain, handles_faults }, 0) => {
                self.attach_device(p, master, domain, handles_faults)?;
            }
            (Target::Domain { domain, handles_faults }, pasid) => {
                self.attach_pasid(p, master, pasid, domain, handles_faults)?;
            }
            (Target::Identity | Target::Blocked | Target::Default, pasid) => {
                self.detach_pasid(p, master, pasid);
            }
        }
        Ok(())
    }

    fn attach_device(
        &mut self,
        p: &mut impl Platform,
        master: MasterId,
        domain: DomainId,
        handles_faults: bool,
    ) -> Result<(), Errno> {
        let guest_ats = match self.domain(domain) {
            Domain::Nested(nested) => !nested.is_stage1() || nested.ats,
            Domain::Paging(_) => true,
        };
        let ats = self.masters[master.0].ats_capable && guest_ats;
        let plan = self.plan(master, 0, domain, ats)?;
        match plan.kind {
            Kind::Stage1(_) => self.ensure_cd(p, master, 0)?,
            Kind::Stage2(_) | Kind::Nested { .. } if !self.masters[master.0].pasids.is_empty() => {
                return Err(Errno::EBUSY);
            }
            Kind::Stage2(_) | Kind::Nested { .. } => {}
        }
        let vmaster = match plan.kind {
            Kind::Nested { guest, .. } => self.vmaster(master, &guest)?,
            Kind::Stage1(_) | Kind::Stage2(_) => None,
        };
        self.check_compatible(master, plan.attachment.owner, handles_faults)?;
        self.paging_mut(plan.attachment.owner).invalidations.add(&plan.attachment.holders);
        let ats_was_on = self.set_ats_before(master, ats);
        let bits = self.master_bits(master, ats);
        match plan.kind {
            Kind::Stage1(asid) => {
                let bits = self.paging(domain).stage1_bits(asid, bits.stall_enabled);
                self.write_cd(p, master, 0, &cd::stage1(bits));
                self.install_cd_table(p, master, ats, WithoutSubstream::ContextZero);
            }
            Kind::Stage2(vmid) => {
                self.masters[master.0].uses_cd_table = false;
                let bits = ste::stage2(bits, self.paging(domain).stage2_bits(vmid));
                self.write_ste(p, master, &bits);
                self.clear_cd(p, master, 0);
            }
            Kind::Nested { guest, vmid } => {
                self.masters[master.0].uses_cd_table = false;
                let entry = self.nested_entry(master, ats, &guest, plan.attachment.owner, vmid);
                self.write_ste(p, master, &entry);
            }
        }
        self.settle_ats(p, master, 0, (ats_was_on, ats));
        let old = std::mem::replace(&mut self.masters[master.0].attached, Attached::Domain(plan.attachment));
        self.masters[master.0].vmaster = vmaster;
        if let Attached::Domain(old) = old {
            self.let_go(p, &old);
        }
        Ok(())
    }

    /// Identity or blocked: no table is read, unless PASIDs or ATS need the CD table to stay.
    fn attach_static(&mut self, p: &mut impl Platform, master: MasterId, attached: Attached) {
        let keeps_ats = self.masters[master.0].ats_always_on && attached == Attached::Identity;
        let keeps_table = keeps_ats || !self.masters[master.0].pasids.is_empty();
        let ats = keeps_table && self.masters[master.0].ats_capable;
        let ats_was_on = self.set_ats_before(master, ats);
        if keeps_table {
            self.install_cd_table(p, master, ats, without_substream(&attached));
        } else {
            let bits = self.master_bits(master, ats);
            let entry = if attached == Attached::Identity { ste::bypass(bits) } else { ste::ABORT };
            self.masters[master.0].uses_cd_table = false;
            self.write_ste(p, master, &entry);
        }
        self.settle_ats(p, master, 0, (ats_was_on, ats));
        let old = std::mem::replace(&mut self.masters[master.0].attached, attached);
        self.masters[master.0].vmaster = None;
        if let Attached::Domain(old) = old {
            self.let_go(p, &old);
        }
        self.clear_cd(p, master, 0);
    }

    fn attach_pasid(
        &mut self,
        p: &mut impl Platform,
        master: MasterId,
        pasid: u32,
        domain: DomainId,
        handles_faults: bool,
    ) -> Result<(), Errno> {
        let ats = self.masters[master.0].ats_capable;
        let plan = self.plan(master, pasid, domain, ats)?;
        let Kind::Stage1(asid) = plan.kind else {
            return Err(Errno::EINVAL);
        };
        let without = self.without_substream_now(master).ok_or(Errno::EINVAL)?;
        // The core lets such a PASID through where there is no CD table of two levels. Linux writes beyond the table.
        if pasid >> self.masters[master.0].ssid_bits != 0 {
            return Err(Errno::EINVAL);
        }
        self.ensure_cd(p, master, pasid)?;
        self.check_compatible(master, domain, handles_faults)?;
        self.paging_mut(domain).invalidations.add(&plan.attachment.holders);
        let ats_was_on = self.set_ats_before(master, ats);
        let bits = self.paging(domain).stage1_bits(asid, self.masters[master.0].stall_enabled);
        self.write_cd(p, master, pasid, &cd::stage1(bits));
        if !self.masters[master.0].uses_cd_table || ats != ats_was_on {
            self.install_cd_table(p, master, ats, without);
        }
        self.settle_ats(p, master, pasid, (ats_was_on, ats));
        if let Some(old) = self.masters[master.0].pasids.insert(pasid, plan.attachment) {
            self.let_go(p, &old);
        }
        Ok(())
    }

    fn detach_pasid(&mut self, p: &mut impl Platform, master: MasterId, pasid: u32) {
        let Some(old) = self.masters[master.0].pasids.remove(&pasid) else { return };
        self.clear_cd(p, master, pasid);
        if self.masters[master.0].ats_enabled {
            self.invalidate_atc(p, master, pasid);
        }
        self.let_go(p, &old);
        let attached = self.masters[master.0].attached.clone();
        let can_drop_table = match attached {
            Attached::Identity => !self.masters[master.0].ats_always_on,
            Attached::Blocked => true,
            Attached::Nothing | Attached::Domain(_) => false,
        };
        if can_drop_table && self.masters[master.0].pasids.is_empty() {
            self.attach_static(p, master, attached);
        }
    }

    /// Looks up everything about `domain` that the attachment needs.
    fn plan(&self, master: MasterId, pasid: u32, domain: DomainId, ats: bool) -> Result<Plan, Errno> {
        let streams = &self.masters[master.0].streams;
        let (owner, kind) = match self.domain(domain) {
            Domain::Paging(paging) => match paging.tag {
                Tag::Asid(asid) => (domain, Kind::Stage1(asid)),
                Tag::Vmid(vmid) => (domain, Kind::Stage2(vmid)),
            },
            Domain::Nested(nested) => {
                let parent = self.viommu(nested.viommu).parent;
                let Tag::Vmid(vmid) = self.paging(parent).tag else {
                    unreachable!("the parent of a nested domain is stage 2")
                };
                (parent, Kind::Nested { guest: *nested, vmid })
            }
        };
        let is_parent = self.paging(owner).nest_parent;
        let mut holders = match kind {
            Kind::Stage1(asid) => vec![Holder::Stage1Asid(asid)],
            Kind::Stage2(vmid) | Kind::Nested { vmid, .. } if is_parent => {
                vec![Holder::Stage2Vmid(vmid), Holder::Stage1OfVmid(vmid)]
            }
            Kind::Stage2(vmid) | Kind::Nested { vmid, .. } => vec![Holder::Stage2Vmid(vmid)],
        };
        if ats {
            let atc = |sid: &u32| match is_parent {
                true => Holder::AtcFull { sid: *sid },
                false => Holder::Atc { sid: *sid, ssid: pasid },
            };
            holders.extend(streams.iter().map(atc));
        }
        Ok(Plan { attachment: Attachment { domain, owner, holders }, kind })
    }

    /// A domain that handles faults needs the page fault queue if the device can stall; one that forces coherency
    /// needs a device that can be forced.
    fn check_compatible(&self, master: MasterId, owner: DomainId, handles_faults: bool) -> Result<(), Errno> {
        let master = &self.masters[master.0];
        // Without SVA there is no page fault queue. Linux does not look, and would crash.
        if handles_faults && master.stall_enabled && (master.streams.len() > 1 || !self.features.sva) {
            return Err(Errno::EOPNOTSUPP);
        }
        if self.paging(owner).enforces_coherency && !master.canwbs {
            return Err(Errno::EINVAL);
        }
        Ok(())
    }

    /// Points the STE to the CD table.
    fn install_cd_table(
        &mut self,
        p: &mut impl Platform,
        master: MasterId,
        ats: bool,
        without: WithoutSubstream,
    ) {
        let table = self.masters[master.0].cd_table.expect("a CD was written before").reference();
        self.masters[master.0].uses_cd_table = true;
        let entry: Entry = ste::stage1(self.master_bits(master, ats), table, without);
        self.write_ste(p, master, &entry);
    }

    /// What the STE says of accesses without a PASID once it has a CD table; `None` if it can have none.
    fn without_substream_now(&self, master: MasterId) -> Option<WithoutSubstream> {
        match &self.masters[master.0].attached {
            Attached::Domain(attachment) => match self.domain(attachment.domain) {
                Domain::Paging(paging) if paging.is_stage1() => Some(WithoutSubstream::ContextZero),
                Domain::Paging(_) | Domain::Nested(_) => None,
            },
            attached @ (Attached::Nothing | Attached::Identity | Attached::Blocked) => {
                Some(without_substream(attached))
            }
        }
    }

    /// Turns PCI ATS off if it is to be off; returns whether it was on.
    fn set_ats_before(&mut self, master: MasterId, ats: bool) -> bool {
        let master = &mut self.masters[master.0];
        let was_on = master.ats_enabled;
        master.ats_enabled &= ats;
        was_on
    }

    /// The ATC forgets what it knew, and ATS goes on if it is to be on.
    fn settle_ats(&mut self, p: &mut impl Platform, master: MasterId, pasid: u32, (was, is): (bool, bool)) {
        match (was, is) {
            (false, false) => {}
            (true, true) => self.invalidate_atc(p, master, pasid),
            (false, true) | (true, false) => self.invalidate_atc(p, master, 0),
        }
        self.masters[master.0].ats_enabled = is;
    }

    fn invalidate_atc(&mut self, p: &mut impl Platform, master: MasterId, pasid: u32) {
        let streams = &self.masters[master.0].streams;
        let all = |sid| command::atc_inv(sid, pasid, 0, command::ATC_SIZE_ALL);
        issue_for_all(p, &mut self.queue, &self.features, streams, all);
    }

    /// Drops what a domain was told about an attachment that is over.
    fn let_go(&mut self, p: &mut impl Platform, old: &Attachment) {
        let unused = self.paging_mut(old.owner).invalidations.remove(&old.holders);
        self.flush_tag(p, &unused);
    }
}

fn without_substream(attached: &Attached) -> WithoutSubstream {
    match attached {
        Attached::Identity => WithoutSubstream::Bypass,
        Attached::Nothing | Attached::Blocked => WithoutSubstream::Terminate,
        Attached::Domain(_) => WithoutSubstream::ContextZero,
    }
}
