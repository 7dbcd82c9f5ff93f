//! What a guest's driver does.

use std::collections::{BTreeMap, VecDeque};

use super::{Booted, Done, Ended, OnVm, Stop, Vm, event};
use crate::driver::{DeviceDescription, DomainId, MasterId, PageFault, PageResponse, Report, Target};
use crate::errno::Errno;
use crate::guest::{Guest, GuestSetup};
use crate::iommufd::uapi::{Layout, iommu_hwpt_pgfault};
use crate::kernel::frames::PAGE_SIZE;
use crate::scenario::run::kernel::{Machine, Unclaimed};
use crate::scenario::step::{AttachTo, DomainDeed, Value, VmBoot, VmDomain, VmId};
use crate::trace::{Actor, Listener};

/// `IOMMU_PGFAULT_FLAGS_PASID_VALID`.
const PASID_VALID: u32 = 1 << 0;

impl<'a, L: Listener> Machine<'a, L> {
    pub(super) fn boot(&mut self, id: VmId, vm: &mut Vm, boot: &VmBoot) -> Result<Ended, String> {
        self.say_act(id, Actor::Guest, ("boot", &[]), []);
        if vm.guest.is_some() {
            return Err("the guest has booted already".to_owned());
        }
        let mut setup = GuestSetup::new(boot.devices.clone());
        setup.firmware = boot.firmware;
        setup.host.listens_to_broadcasts = boot.listens_to_broadcasts;
        setup.ram = vm.ram.unwrap_or(setup.ram);
        let vmm = self.running(id, &mut vm.vmm)?;
        Ok(match Guest::boot(&mut self.kernel, vmm, &setup) {
            Ok(guest) => {
                vm.guest = Some(Booted {
                    guest,
                    domains: BTreeMap::new(),
                    attached: BTreeMap::new(),
                    streams: boot.devices.iter().flat_map(|device| device.streams.clone()).collect(),
                    faults: VecDeque::new(),
                });
                Ok(Done::Nothing)
            }
            Err(errno) => Err(errno.into()),
        })
    }

    pub(super) fn add(&mut self, id: VmId, vm: &mut Vm, device: &DeviceDescription) -> Result<Ended, String> {
        let names: Vec<_> = device.streams.iter().map(|stream| self.device_name(id, *stream)).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        self.say_act(id, Actor::Guest, ("add", &names), []);
        let (vmm, booted) = vm.booted()?;
        let added = booted.guest.add_device(&mut self.kernel, vmm, device);
        if added.is_ok() {
            booted.streams.extend(&device.streams);
        }
        Ok(super::nothing(added))
    }

    pub(super) fn with_domain(&mut self, id: VmId, vm: &mut Vm, deed: &DomainDeed) -> Result<Ended, String> {
        match deed {
            DomainDeed::Alloc { domain, flags, shared } => {
                let numbers = [
                    ("dirty", u64::from(flags.dirty_tracking)),
                    ("pasid", u64::from(flags.pasid)),
                    ("shared", u64::from(*shared)),
                ];
                self.say_act(id, Actor::Guest, ("domain", &[self.domain_name(id, *domain)]), numbers);
                let (vmm, booted) = vm.booted()?;
                let on = OnVm { kernel: &mut self.kernel, vmm };
                Ok(booted.new_domain(on, *domain, *flags, *shared))
            }
            DomainDeed::Free(domain) => {
                self.say_act(id, Actor::Guest, ("free", &[self.domain_name(id, *domain)]), []);
                let (vmm, booted) = vm.booted()?;
                let freed = booted.domain(*domain)?;
                if booted.attached.values().any(|attached| attached == domain) {
                    return Err("devices are attached to the domain".to_owned());
                }
                booted.domains.remove(domain);
                booted.guest.free_domain(&mut self.kernel, vmm, freed);
                Ok(Ok(Done::Nothing))
            }
            DomainDeed::Attach { stream, pasid, to, handles_faults } => {
                let name = self.device_name(id, *stream);
                self.say_act(
                    id,
                    Actor::Guest,
                    ("attach", &[&name, self.target_name(id, *to)]),
                    [("pasid", u64::from(*pasid)), ("faults", u64::from(*handles_faults))],
                );
                let (vmm, booted) = vm.booted()?;
                let on = OnVm { kernel: &mut self.kernel, vmm };
                booted.attach(on, (*stream, *pasid), *to, *handles_faults)
            }
            DomainDeed::Map { .. }
            | DomainDeed::Unmap { .. }
            | DomainDeed::Dirty { .. }
            | DomainDeed::Forget { .. } => self.with_pages(id, vm, deed),
        }
    }

    fn domain_name(&self, id: VmId, domain: VmDomain) -> &'a str {
        &self.script.vms[id.0].domains[domain.0]
    }

    fn target_name(&self, id: VmId, target: AttachTo) -> &'a str {
        match target {
            AttachTo::Domain(domain) => self.domain_name(id, domain),
            AttachTo::Default => "default",
            AttachTo::Identity => "identity",
            AttachTo::Blocked => "blocked",
        }
    }

    fn with_pages(&mut self, id: VmId, vm: &mut Vm, deed: &DomainDeed) -> Result<Ended, String> {
        let value = |machine: &Self, value: &Value| machine.value(value);
        match deed {
            DomainDeed::Map { domain, iova, ipa, bytes } => {
                let (iova, ipa) = (value(self, iova)?, value(self, ipa)?);
                let numbers = [("iova", iova), ("ipa", ipa), ("size", *bytes)];
                self.say_act(id, Actor::Guest, ("map", &[self.domain_name(id, *domain)]), numbers);
                let (vmm, booted) = vm.booted()?;
                let domain = booted.domain(*domain)?;
                if !is_range(iova, *bytes) || !is_range(ipa, *bytes) {
                    return Ok(Err(Errno::EINVAL.into()));
                }
                Ok(super::nothing(booted.guest.map(&mut self.kernel, vmm, domain, (iova, ipa), *bytes)))
            }
            DomainDeed::Unmap { domain, iova, bytes } => {
                let iova = value(self, iova)?;
                let numbers = [("iova", iova), ("size", *bytes)];
                self.say_act(id, Actor::Guest, ("unmap", &[self.domain_name(id, *domain)]), numbers);
                let (vmm, booted) = vm.booted()?;
                let domain = booted.domain(*domain)?;
                if !is_range(iova, *bytes) {
                    return Ok(Err(Errno::EINVAL.into()));
                }
                Ok(Ok(Done::Value(booted.guest.unmap(&mut self.kernel, vmm, domain, iova, *bytes))))
            }
            DomainDeed::Dirty { domain, iova, bytes, clear } => {
                let iova = value(self, iova)?;
                let numbers = [("iova", iova), ("size", *bytes), ("clear", u64::from(*clear))];
                self.say_act(id, Actor::Guest, ("dirty", &[self.domain_name(id, *domain)]), numbers);
                let (vmm, booted) = vm.booted()?;
                let domain = booted.domain(*domain)?;
                if !is_range(iova, *bytes) {
                    return Ok(Err(Errno::EINVAL.into()));
                }
                let on = OnVm { kernel: &mut self.kernel, vmm };
                Ok(booted.read_dirty(on, domain, (iova, *bytes), *clear))
            }
            DomainDeed::Forget { domain, iova } => {
                let iova = value(self, iova)?;
                self.say_act(id, Actor::Vcpu, ("forget", &[self.domain_name(id, *domain)]), [("iova", iova)]);
                let (vmm, booted) = vm.booted()?;
                let domain = booted.domain(*domain)?;
                let before = booted.guest.forget_page(&mut self.kernel, vmm, domain, iova);
                Ok(before.map(Done::Value).ok_or(Stop::from(Errno::ENOENT)))
            }
            DomainDeed::Alloc { .. } | DomainDeed::Free(_) | DomainDeed::Attach { .. } => {
                unreachable!("they are not about pages")
            }
        }
    }

    pub(super) fn events(&mut self, id: VmId, vm: &mut Vm) -> Result<Ended, String> {
        self.say_act(id, Actor::Guest, ("events", &[]), []);
        if vm.guest.is_none() {
            return self.raw_events(id, vm);
        }
        let (vmm, booted) = vm.booted()?;
        let mut found = Unclaimed::default();
        for report in booted.guest.interrupts(&mut self.kernel, vmm) {
            match report {
                Report::Logged(record) | Report::Virtual { record, .. } => {
                    found.events.push_back(event(record));
                }
                Report::Fault(fault) => {
                    found.faults.push_back(booted.shown_fault(&fault).encode());
                    booted.faults.push_back(fault);
                }
            }
        }
        Ok(Ok(Done::Events(found)))
    }

    pub(super) fn respond(&mut self, id: VmId, vm: &mut Vm, response: PageResponse) -> Result<Ended, String> {
        let name = match response {
            PageResponse::Success => "success",
            PageResponse::Invalid => "invalid",
            PageResponse::Failure => "failure",
        };
        self.say_act(id, Actor::Guest, ("respond", &[name]), []);
        let (vmm, booted) = vm.booted()?;
        let fault = booted.faults.pop_front().ok_or("the guest knows of no page fault")?;
        let (driver, mut doors) = booted.guest.driver_mut(&mut self.kernel, vmm);
        driver.page_response(&mut doors, &fault, response);
        Ok(Ok(Done::Nothing))
    }
}

impl Booted {
    fn domain(&self, domain: VmDomain) -> Result<DomainId, String> {
        let found = self.domains.get(&domain).copied();
        found.ok_or_else(|| "the guest does not have the domain".to_owned())
    }

    fn new_domain(
        &mut self,
        on: OnVm<'_>,
        domain: VmDomain,
        flags: crate::driver::AllocFlags,
        shared: bool,
    ) -> Ended {
        // What the core of the kernel checks before it asks the driver; all devices are behind one SMMU.
        let can_track =
            self.streams.is_empty() || self.guest.driver().capabilities(MasterId(0)).dirty_tracking;
        if flags.dirty_tracking && !can_track {
            return Err(Errno::EOPNOTSUPP.into());
        }
        let made = self.guest.new_domain(on.kernel, on.vmm, flags)?;
        if !shared {
            self.domains.insert(domain, made);
            return Ok(Done::Nothing);
        }
        let Some(asid) = self.guest.share(made) else {
            self.guest.free_domain(on.kernel, on.vmm, made);
            return Err(Errno::EOPNOTSUPP.into());
        };
        self.domains.insert(domain, made);
        Ok(Done::Value(u64::from(asid)))
    }

    fn attach(
        &mut self,
        on: OnVm<'_>,
        (stream, pasid): (u32, u32),
        to: AttachTo,
        handles_faults: bool,
    ) -> Result<Ended, String> {
        let master = self.streams.iter().position(|known| *known == stream).map(MasterId);
        let unknown = || format!("the guest's driver does not know device {stream:#x}");
        let capabilities = self.guest.driver().capabilities(master.ok_or_else(unknown)?);
        // What the core of the kernel checks before it asks the driver.
        if pasid != 0 && pasid >= capabilities.max_pasids {
            return Ok(Err(Errno::EINVAL.into()));
        }
        let target = match to {
            AttachTo::Default => Target::Default,
            AttachTo::Identity => Target::Identity,
            AttachTo::Blocked => Target::Blocked,
            AttachTo::Domain(domain) => Target::Domain { domain: self.domain(domain)?, handles_faults },
        };
        let attached = self.guest.attach(on.kernel, on.vmm, (stream, pasid), target);
        if attached.is_ok() {
            match to {
                AttachTo::Domain(domain) => self.attached.insert((stream, pasid), domain),
                AttachTo::Default | AttachTo::Identity | AttachTo::Blocked => {
                    self.attached.remove(&(stream, pasid))
                }
            };
        }
        Ok(super::nothing(attached))
    }

    /// The pages that are dirty, counted from the first that was asked about.
    fn read_dirty(
        &mut self,
        on: OnVm<'_>,
        domain: DomainId,
        (iova, bytes): (u64, u64),
        clear: bool,
    ) -> Ended {
        let mut dirty = Vec::new();
        let (driver, mut doors) = self.guest.driver_mut(on.kernel, on.vmm);
        let note = &mut |first: u64, bytes: u64| {
            let first = first.wrapping_sub(iova) / PAGE_SIZE;
            dirty.extend((0..bytes / PAGE_SIZE).map(|page| first + page));
        };
        driver.read_dirty(&mut doors, domain, iova, bytes, clear, note)?;
        Ok(Done::Dirty(dirty))
    }

    /// A page fault in the words of the kernel's interface; the device by its StreamID.
    fn shown_fault(&self, fault: &PageFault) -> iommu_hwpt_pgfault {
        iommu_hwpt_pgfault {
            flags: if fault.pasid.is_some() { PASID_VALID } else { 0 },
            dev_id: self.streams.get(fault.master.0).copied().unwrap_or_default(),
            pasid: fault.pasid.unwrap_or_default(),
            grpid: fault.group,
            perm: fault.perm,
            addr: fault.address,
            ..iommu_hwpt_pgfault::default()
        }
    }
}

/// Whether there are such addresses.
fn is_range(start: u64, bytes: u64) -> bool {
    start.checked_add(bytes).is_some()
}
