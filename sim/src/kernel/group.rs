//! The core of the kernel between the owners of groups and the drivers of SMMUs: a group is attached as one.

use super::device::{
    BusDriver, DeviceId, DomainOf, Group, GroupDomain, GroupId, ReservedKind, ReservedRegion,
};
use super::hardware::IommuId;
use super::host::{Driven, Host};
use crate::driver::Target;
use crate::errno::Errno;
use crate::iommufd::{Check, ContextId, Refusal};

impl From<DomainOf> for Target {
    fn from(domain: DomainOf) -> Self {
        Self::Domain { domain: domain.domain, handles_faults: domain.handles_faults }
    }
}

impl From<GroupDomain> for Target {
    fn from(domain: GroupDomain) -> Self {
        match domain {
            GroupDomain::Default => Self::Default,
            GroupDomain::Blocked => Self::Blocked,
            GroupDomain::Domain(domain) => domain.into(),
        }
    }
}

impl Host {
    /// Takes a group over for one more device: DMA of all its devices ends.
    pub(crate) fn claim_group(&mut self, group: GroupId, owner: ContextId) -> Result<(), Refusal> {
        let state = self.group(group);
        let is_native = |id: &DeviceId| self.device(*id).setup.driver == BusDriver::Native;
        Check::BindGroup.refuse_if(state.devices.iter().any(is_native))?;
        if let Some((present, count)) = state.owner {
            Check::BindGroup.refuse_if(present != owner)?;
            self.group_mut(group).owner = Some((owner, count + 1));
            return Ok(());
        }
        if state.attached != GroupDomain::Default || !state.pasids.is_empty() {
            return Err(Check::BindGroup.with(Errno::EBUSY));
        }
        let is_mandatory = |region: &ReservedRegion| region.kind == ReservedKind::Direct;
        let has_mandatory = |id: &DeviceId| self.device(*id).setup.reserved.iter().any(is_mandatory);
        Check::BindDirect.refuse_if(state.devices.iter().any(has_mandatory))?;
        self.switch(group, GroupDomain::Blocked).map_err(|error| Check::BindGroup.with(error))?;
        self.group_mut(group).owner = Some((owner, 1));
        Ok(())
    }

    /// Gives a group up for one device. The last one brings the default domain back.
    pub(crate) fn release_group(&mut self, group: GroupId) {
        let (owner, count) = self.group(group).owner.expect("only an owned group is given up");
        if count > 1 {
            self.group_mut(group).owner = Some((owner, count - 1));
        } else {
            self.group_mut(group).owner = None;
            self.fall_back(group, GroupDomain::Default);
        }
    }

    /// Attaches the devices of an owned group themselves to a domain, in place of whatever they were attached to.
    pub(crate) fn attach_group(&mut self, group: GroupId, to: DomainOf) -> Result<(), Errno> {
        if !self.is_of(group, to.iommu) {
            return Err(Errno::EINVAL);
        }
        self.switch(group, GroupDomain::Domain(to))
    }

    /// Attaches the devices of an owned group themselves to nothing.
    pub(crate) fn detach_group(&mut self, group: GroupId) {
        self.fall_back(group, GroupDomain::Blocked);
    }

    /// Attaches a PASID of all devices of the group that have PASIDs, in place of what it was attached to.
    pub(crate) fn attach_pasid(&mut self, group: GroupId, pasid: u32, to: DomainOf) -> Result<(), Errno> {
        let able = self.devices_with_pasids(group);
        if able.iter().any(|&device| pasid >= self.max_pasids(device)) {
            return Err(Errno::EINVAL);
        }
        if !able.is_empty() && !self.is_of(group, to.iommu) {
            return Err(Errno::EINVAL);
        }
        let before = self.group(group).pasids.get(&pasid).map_or(Target::Blocked, |&domain| domain.into());
        for (index, &device) in able.iter().enumerate() {
            if let Err(error) = self.attach_device(device, pasid, to.into()) {
                for &device in &able[..index] {
                    self.attach_device(device, pasid, before).ok();
                }
                return Err(error);
            }
        }
        self.group_mut(group).pasids.insert(pasid, to);
        Ok(())
    }

    /// Attaches a PASID of all devices of the group to nothing.
    pub(crate) fn detach_pasid(&mut self, group: GroupId, pasid: u32) {
        for device in self.devices_with_pasids(group) {
            let detached = self.attach_device(device, pasid, Target::Blocked);
            detached.expect("a PASID can always be blocked");
        }
        self.group_mut(group).pasids.remove(&pasid);
    }

    /// PASIDs of a device and its SMMU, counting 0; 0 if there are none.
    pub(crate) fn max_pasids(&self, device: DeviceId) -> u32 {
        let device = self.device(device);
        self.driver(device.setup.iommu).capabilities(device.master).max_pasids
    }

    fn group(&self, group: GroupId) -> &Group {
        self.groups.get(&group).expect("a device has a group")
    }

    fn group_mut(&mut self, group: GroupId) -> &mut Group {
        self.groups.get_mut(&group).expect("a device has a group")
    }

    fn is_of(&self, group: GroupId, iommu: IommuId) -> bool {
        self.group(group).devices.iter().all(|&device| self.device(device).setup.iommu == iommu)
    }

    fn devices_with_pasids(&self, group: GroupId) -> Vec<DeviceId> {
        let devices = self.group(group).devices.iter().copied();
        devices.filter(|&device| self.max_pasids(device) > 0).collect()
    }

    fn attach_device(&mut self, device: DeviceId, pasid: u32, target: Target) -> Result<(), Errno> {
        let (iommu, master) = (self.device(device).setup.iommu, self.device(device).master);
        let Driven { driver, mut port, .. } = self.driven(iommu);
        driver.attach(&mut port, master, pasid, target)
    }

    /// Attaches all devices of a group, or leaves all where they were.
    fn switch(&mut self, group: GroupId, to: GroupDomain) -> Result<(), Errno> {
        let state = self.group(group);
        let (devices, before) = (state.devices.clone(), state.attached);
        for (index, &device) in devices.iter().enumerate() {
            if let Err(error) = self.attach_device(device, 0, to.into()) {
                for &device in &devices[..index] {
                    self.attach_device(device, 0, before.into()).ok();
                }
                return Err(error);
            }
        }
        self.group_mut(group).attached = to;
        Ok(())
    }

    /// Attaches all devices of a group to what cannot fail.
    fn fall_back(&mut self, group: GroupId, to: GroupDomain) {
        if let Err(error) = self.switch(group, to) {
            // The default domain of a group has all that it needs from the first attach on.
            tracing::error!(?group, ?to, %error, "a group cannot be attached to a domain of the kernel");
        }
    }
}
