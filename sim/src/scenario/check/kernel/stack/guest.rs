//! `guest`: its driver boots, and does what devices of the guest need.

use super::super::claims::Subject;
use super::super::machine::{firmware_of, one_of};
use super::super::{Kind, OnKernel};
use super::Talk;
use crate::driver::{AllocFlags, DeviceDescription, PageResponse};
use crate::guest::GuestSetup;
use crate::scenario::arguments::{Arguments, no_block};
use crate::scenario::problem::Problem;
use crate::scenario::span::Spanned;
use crate::scenario::step::{AttachTo, DomainDeed, VmBoot, VmDeed, VmDomain, VmId};
use crate::scenario::syntax::Node;

const VERBS: &[&str] = &[
    "boot", "add", "domain", "free", "attach", "map", "unmap", "dirty", "forget", "events", "respond",
    "alloc", "write", "read", "reg", "reg-read", "cmd", "sync", "ste", "tlbi",
];

/// What can be attached to that is no domain of a name.
const TARGETS: &[(&str, AttachTo)] =
    &[("default", AttachTo::Default), ("identity", AttachTo::Identity), ("blocked", AttachTo::Blocked)];

const RESPONSES: &[(&str, PageResponse)] = &[
    ("success", PageResponse::Success),
    ("invalid", PageResponse::Invalid),
    ("failure", PageResponse::Failure),
];

/// PASIDs have 20 bits.
const PASID_BITS_MAX: u64 = 20;

/// Most bytes that one step maps, unmaps or looks at: more than the memory of a guest.
const BYTES_MAX: u64 = 1 << 30;

impl OnKernel<'_, '_> {
    /// `guest "vm0" VERB …`
    pub(in super::super) fn guest(&mut self, node: &Node) -> Result<(), Problem> {
        let mut arguments = self.arguments(node)?;
        let vm = self.vm_called(&arguments.required_text("a virtual machine")?)?;
        let verb = arguments.required_text("something to do")?;
        match verb.value.as_str() {
            "boot" => self.guest_boot(node, vm, arguments),
            "add" => {
                let device = self.described(vm, &mut arguments)?;
                arguments.finish()?;
                self.vm_step(node, vm, VmDeed::Add(Box::new(device)))
            }
            "domain" => self.guest_domain(node, vm, arguments),
            "free" => {
                let domain = self.vm_domain(vm, &arguments.required_text("a domain")?)?;
                arguments.finish()?;
                self.vm_step(node, vm, VmDeed::Domain(DomainDeed::Free(domain)))
            }
            "attach" => self.guest_attach(node, vm, arguments),
            "map" | "unmap" | "dirty" | "forget" => self.guest_pages(node, (vm, &verb), arguments),
            "events" => {
                arguments.finish()?;
                let claims = self.block(node, Subject::Vm(Talk::Events))?;
                self.vm_step_with(node, (vm, VmDeed::Events), None, claims)
            }
            "respond" => {
                let response = one_of("response", RESPONSES, &arguments.required_text("a response")?)?;
                arguments.finish()?;
                self.vm_step(node, vm, VmDeed::Respond(response))
            }
            "alloc" | "write" | "read" | "reg" | "reg-read" | "cmd" | "sync" | "ste" | "tlbi" => {
                self.guest_processor(node, (vm, &verb), arguments)
            }
            other => Err(Problem::unknown("deed of a `guest`", other, verb.span, VERBS)),
        }
    }

    /// `guest "vm0" boot source="acpi" httu="dirty" broadcasts=#true { device "nic" pasid-bits=4; }`
    fn guest_boot(&mut self, node: &Node, vm: VmId, mut arguments: Arguments) -> Result<(), Problem> {
        let firmware = firmware_of(&mut arguments)?;
        let listens_to_broadcasts = arguments.flag("broadcasts")?.unwrap_or(false);
        arguments.finish()?;
        let streams = self.stack.vms[vm.0].names.devices.iter().map(|(_, stream)| *stream);
        let mut devices: Vec<_> = streams.map(GuestSetup::device).collect();
        for child in node.children.iter().flatten().filter(|child| child.name.value == "device") {
            no_block(child)?;
            let mut arguments = self.arguments(child)?;
            let described = self.described(vm, &mut arguments)?;
            arguments.finish()?;
            devices.iter_mut().filter(|device| device.streams == described.streams).for_each(|device| {
                device.clone_from(&described);
            });
        }
        let is_left = |child: &&Node| child.name.value != "device";
        let claims = self.claims_of(node, is_left, Subject::Vm(Talk::End), &["device", "expect"])?;
        let boot = Box::new(VmBoot { firmware, listens_to_broadcasts, devices });
        self.vm_step_with(node, (vm, VmDeed::Boot(boot)), None, claims)
    }

    /// `"nic" pasid-bits=4 ats=#true needs-ats=#true can-stall=#true`: what the guest's firmware says of a device.
    fn described(&self, vm: VmId, arguments: &mut Arguments) -> Result<DeviceDescription, Problem> {
        let mut device = GuestSetup::device(self.vm_device(vm, arguments)?);
        device.ats = arguments.flag("ats")?.unwrap_or(device.ats);
        device.needs_ats = arguments.flag("needs-ats")?.unwrap_or(device.needs_ats);
        device.canwbs = arguments.flag("canwbs")?.unwrap_or(device.canwbs);
        device.can_stall = arguments.flag("can-stall")?.unwrap_or(device.can_stall);
        if let Some(bits) = arguments.number_to("pasid-bits", PASID_BITS_MAX)? {
            device.pasid_bits = u8::try_from(bits.value).expect("checked against the maximum");
        }
        Ok(device)
    }

    /// `guest "vm0" domain "dma" dirty=#true pasid=#true`, or `shared=#true as="asid"`
    fn guest_domain(&mut self, node: &Node, vm: VmId, mut arguments: Arguments) -> Result<(), Problem> {
        let name = arguments.required_name()?;
        let flags = AllocFlags {
            nest_parent: arguments.flag("nest-parent")?.unwrap_or(false),
            dirty_tracking: arguments.flag("dirty")?.unwrap_or(false),
            pasid: arguments.flag("pasid")?.unwrap_or(false),
        };
        let shared = arguments.flag("shared")?.unwrap_or(false);
        let result = arguments.text("as")?;
        arguments.finish()?;
        let domains = &mut self.stack.vms[vm.0].names.domains;
        if domains.contains(&name.value) || TARGETS.iter().any(|(known, _)| *known == name.value) {
            return Err(Problem::new(name.span, format!("a domain is called `{}` already", name.value)));
        }
        let domain = VmDomain(domains.len());
        domains.push(name.value);
        let result = self.named(result, Kind::Number)?;
        let claims = self.block(node, Subject::Vm(Talk::End))?;
        let deed = VmDeed::Domain(DomainDeed::Alloc { domain, flags, shared });
        self.vm_step_with(node, (vm, deed), result, claims)
    }

    /// `guest "vm0" attach "nic" "dma" pasid=1 faults=#true`
    fn guest_attach(&mut self, node: &Node, vm: VmId, mut arguments: Arguments) -> Result<(), Problem> {
        let stream = self.vm_device(vm, &mut arguments)?;
        let to = arguments.required_text("a domain")?;
        let pasid = arguments.number_to("pasid", (1 << PASID_BITS_MAX) - 1)?.map_or(0, |pasid| pasid.value);
        let handles_faults = arguments.flag("faults")?.unwrap_or(false);
        arguments.finish()?;
        let to = self.attach_target(vm, &to)?;
        let pasid = u32::try_from(pasid).expect("checked against the maximum");
        self.vm_step(node, vm, VmDeed::Domain(DomainDeed::Attach { stream, pasid, to, handles_faults }))
    }

    fn attach_target(&self, vm: VmId, name: &Spanned<String>) -> Result<AttachTo, Problem> {
        let fixed = TARGETS.iter().find(|(known, _)| *known == name.value);
        match fixed {
            Some((_, target)) => Ok(*target),
            None => self.vm_domain(vm, name).map(AttachTo::Domain),
        }
    }

    /// `guest "vm0" map "dma" 0x1000 ipa=$page size=0x1000`, and what else is done with pages of a domain.
    fn guest_pages(
        &mut self,
        node: &Node,
        (vm, verb): (VmId, &Spanned<String>),
        mut arguments: Arguments,
    ) -> Result<(), Problem> {
        let domain = self.vm_domain(vm, &arguments.required_text("a domain")?)?;
        let iova = self.argument(&mut arguments, "an address")?;
        let mut size = || Ok(arguments.number_to("size", BYTES_MAX)?.map_or(0x1000, |size| size.value));
        let (deed, talk) = match verb.value.as_str() {
            "map" => {
                let bytes = size()?;
                let ipa = self.property(&mut arguments, "ipa")?;
                let ipa = ipa.ok_or_else(|| Problem::new(node.span, "`ipa=` is missing"))?;
                (DomainDeed::Map { domain, iova, ipa, bytes }, Talk::End)
            }
            "unmap" => (DomainDeed::Unmap { domain, iova, bytes: size()? }, Talk::End),
            "dirty" => {
                let bytes = size()?;
                let clear = arguments.flag("clear")?.unwrap_or(true);
                (DomainDeed::Dirty { domain, iova, bytes, clear }, Talk::Dirty)
            }
            _forget => (DomainDeed::Forget { domain, iova }, Talk::End),
        };
        arguments.finish()?;
        let claims = self.block(node, Subject::Vm(talk))?;
        self.vm_step_with(node, (vm, VmDeed::Domain(deed)), None, claims)
    }
}
