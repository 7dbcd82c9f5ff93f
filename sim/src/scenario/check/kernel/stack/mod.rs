//! Virtual machines: `vmm` and `guest`, each with the name of a machine and a verb.

mod claims;
mod guest;
mod processor;
mod vmm;

use super::claims::Subject;
use super::{Doing, OnKernel};
use crate::scenario::arguments::Arguments;
use crate::scenario::problem::Problem;
use crate::scenario::span::Spanned;
use crate::scenario::step::{
    Deed, Initiator, KernelClaim, ProcessId, ResultId, VmDeed, VmDomain, VmId, VmNames,
};
use crate::scenario::syntax::Node;

/// What is known of a virtual machine.
#[derive(Debug, Default)]
pub(super) struct Vm {
    pub(super) names: VmNames,
    is_emulated: bool,
}

/// What a claim of a step of a virtual machine may be about beside its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Talk {
    /// Nothing.
    End,
    /// Pages that are dirty.
    Dirty,
    /// Events and page faults that the guest's driver has found.
    Events,
}

impl OnKernel<'_, '_> {
    pub(super) fn vm_called(&self, name: &Spanned<String>) -> Result<VmId, Problem> {
        let position = self.stack.vms.iter().position(|vm| vm.names.name == name.value);
        position.map(VmId).ok_or_else(|| {
            let known: Vec<&str> = self.stack.vms.iter().map(|vm| vm.names.name.as_str()).collect();
            Problem::unknown("virtual machine", &name.value, name.span, &known)
        })
    }

    /// The StreamID of the device of the guest that the next argument names.
    fn vm_device(&self, vm: VmId, arguments: &mut Arguments) -> Result<u32, Problem> {
        let name = arguments.required_text("a device")?;
        let devices = &self.stack.vms[vm.0].names.devices;
        // A device that was taken away and given back may go by another StreamID.
        let found = devices.iter().rev().find(|(known, _)| *known == name.value);
        found.map(|(_, stream)| *stream).ok_or_else(|| {
            let known: Vec<&str> = devices.iter().map(|(known, _)| known.as_str()).collect();
            Problem::unknown("device of the virtual machine", &name.value, name.span, &known)
        })
    }

    fn vm_domain(&self, vm: VmId, name: &Spanned<String>) -> Result<VmDomain, Problem> {
        let domains = &self.stack.vms[vm.0].names.domains;
        domains.iter().position(|known| *known == name.value).map(VmDomain).ok_or_else(|| {
            let known: Vec<&str> = domains.iter().map(String::as_str).collect();
            Problem::unknown("domain of the guest", &name.value, name.span, &known)
        })
    }

    /// The device that makes an access: one of the machine, or one that a monitor emulates.
    pub(super) fn initiator(&self, name: &Spanned<String>) -> Result<Initiator, Problem> {
        for (index, vm) in self.stack.vms.iter().enumerate().filter(|(_, vm)| vm.is_emulated) {
            if let Some((_, stream)) = vm.names.devices.iter().find(|(known, _)| *known == name.value) {
                return Ok(Initiator::Emulated(VmId(index), *stream));
            }
        }
        self.device_called(name).map(Initiator::Host)
    }

    /// Adds a step of a virtual machine without a result, whose block has claims only.
    fn vm_step(&mut self, node: &Node, vm: VmId, deed: VmDeed) -> Result<(), Problem> {
        let claims = self.block(node, Subject::Vm(Talk::End))?;
        self.vm_step_with(node, (vm, deed), None, claims)
    }

    fn vm_step_with(
        &mut self,
        node: &Node,
        (vm, deed): (VmId, VmDeed),
        result: Option<ResultId>,
        claims: Vec<KernelClaim>,
    ) -> Result<(), Problem> {
        // Its claims about memory and descriptors are of the first process, as those of a `dma`.
        let deed = Deed::Vm(vm, deed);
        self.step(node, Doing { process: ProcessId(0), deed, result, claims })
    }
}
