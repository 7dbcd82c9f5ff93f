//! `vmm`: a monitor starts, gets and loses devices, and ends.

use std::collections::BTreeSet;

use smmu_model::features::{IdRegisters, Preset};

use super::super::OnKernel;
use super::super::claims::Subject;
use super::super::machine::one_of;
use super::{Talk, Vm};
use crate::kernel::device::BusDriver;
use crate::kernel::frames::PAGE_SIZE;
use crate::negotiation::{Policy, Vintage};
use crate::scenario::arguments::{Arguments, no_block, number, printable};
use crate::scenario::check::hardware::range;
use crate::scenario::problem::Problem;
use crate::scenario::span::Spanned;
use crate::scenario::step::{VmDeed, VmId, VmNames, VmStart};
use crate::scenario::syntax::Node;
use crate::vmm::{GuestDevice, Mode, Ram, Stalls, VmmSetup};

const VERBS: &[&str] = &["start", "plug", "unplug", "stop", "kill"];

const MODES: &[(&str, Mode)] = &[("accelerated", Mode::Accelerated), ("emulated", Mode::Emulated)];

/// A way with stalls, given the devices that may.
type OfDevices = fn(BTreeSet<u32>) -> Stalls;

/// What becomes of stalls, given the devices that the kernel knows can stall.
const STALLS: &[(&str, OfDevices)] =
    &[("unanswered", |_| Stalls::Unanswered), ("denied", |_| Stalls::Denied), ("answered", Stalls::Answered)];

/// More memory than this is refused: the kernel pins all of it.
const RAM_BYTES_MAX: u64 = 1 << 28;

/// More events than this are refused, for the same reason.
const EVENTS_MAX: u64 = 1 << 16;

impl OnKernel<'_, '_> {
    /// `vmm "vm0" start …`, `vmm "vm0" plug "nic" stream=0x10`, `vmm "vm0" unplug "nic"`, `vmm "vm0" stop`.
    pub(in super::super) fn vmm(&mut self, node: &Node) -> Result<(), Problem> {
        let mut arguments = self.arguments(node)?;
        let name = arguments.required_text("a virtual machine")?;
        let verb = arguments.required_text("something to do")?;
        if verb.value == "start" {
            return self.vmm_start(node, name, arguments);
        }
        let vm = self.vm_called(&name)?;
        let deed = match verb.value.as_str() {
            "plug" => {
                let name = arguments.required_text("a device")?;
                VmDeed::Plug(self.vmm_device(vm, &name, &mut arguments)?)
            }
            "unplug" => VmDeed::Unplug(self.vm_device(vm, &mut arguments)?),
            "stop" => VmDeed::Stop,
            "kill" => VmDeed::Kill,
            other => return Err(Problem::unknown("deed of a `vmm`", other, verb.span, VERBS)),
        };
        arguments.finish()?;
        self.vm_step(node, vm, deed)
    }

    /// `vmm "vm0" start mode="accelerated" policy="kdoc" vintage="7.3" { device "nic" stream=0x10; ram 0x40000000 size=0x4000000; }`
    fn vmm_start(
        &mut self,
        node: &Node,
        name: Spanned<String>,
        mut arguments: Arguments,
    ) -> Result<(), Problem> {
        let name = printable(name)?;
        if self.stack.vms.iter().any(|vm| vm.names.name == name.value) {
            return Err(Problem::new(
                name.span,
                format!("a virtual machine is called `{}` already", name.value),
            ));
        }
        let mode = arguments.text("mode")?;
        let mode = mode.map_or(Ok(Mode::Accelerated), |mode| one_of("mode of a `vmm`", MODES, &mode))?;
        let policy = arguments.text("policy")?.map_or(Ok(Policy::Kdoc), |name| policy_called(&name))?;
        let vintage =
            arguments.text("vintage")?.map_or(Ok(Vintage::Linux7_3), |name| vintage_called(&name))?;
        let emulated = arguments.text("preset")?.map_or(Ok(Preset::Qemu11_1), |name| preset_called(&name))?;
        let flags = arguments.number_to("viommu-flags", u64::from(u32::MAX))?;
        let events = arguments.number_to("events", EVENTS_MAX)?.map_or(1024, |events| events.value);
        let stalls = arguments.text("stalls")?;
        let stalls = stalls.map(|stalls| one_of("way with stalls", STALLS, &stalls)).transpose()?;
        arguments.finish()?;
        let narrow = |number: u64| u32::try_from(number).expect("checked against the maximum");
        let vm = VmId(self.stack.vms.len());
        let names = VmNames { name: name.value, ..VmNames::default() };
        self.stack.vms.push(Vm { names, is_emulated: mode == Mode::Emulated });
        let mut start = VmStart {
            setup: VmmSetup { mode, event_depth: narrow(events), ..VmmSetup::accelerated(&[]) },
            policy: (policy, vintage),
            emulated: emulated.id_registers(),
            fields: Vec::new(),
            viommu_flags: flags.map(|flags| narrow(flags.value)),
        };
        start.setup.ram.clear();
        for child in node.children.iter().flatten() {
            self.part_of_vmm(vm, child, &mut start)?;
        }
        if let Some(stalls) = stalls {
            start.setup.stalls = stalls(self.stalling(vm));
        }
        if start.setup.ram.is_empty() {
            start.setup.ram.push(Ram::DEFAULT);
        }
        let is_claim = |child: &&Node| child.name.value == "expect";
        let claims = self.claims_of(node, is_claim, Subject::Vm(Talk::End), &[])?;
        self.vm_step_with(node, (vm, VmDeed::Start(Box::new(start))), None, claims)
    }

    fn part_of_vmm(&mut self, vm: VmId, node: &Node, start: &mut VmStart) -> Result<(), Problem> {
        if node.name.value == "expect" {
            return Ok(());
        }
        no_block(node)?;
        let mut arguments = self.arguments(node)?;
        match node.name.value.as_str() {
            "device" => {
                let name = arguments.required_text("a device")?;
                start.setup.devices.push(self.vmm_device(vm, &name, &mut arguments)?);
            }
            "ram" => start.setup.ram.push(ram(&mut arguments, &start.setup.ram)?),
            "idr" => {
                for (name, value) in arguments.fields() {
                    let value = number(value)?;
                    let set = IdRegisters::default().set_field(&name.value, value.value);
                    set.map_err(|error| Problem::new(name.span.to(value.span), error.to_string()))?;
                    start.fields.push((name.value, value.value));
                }
            }
            other => {
                let known = ["device", "ram", "idr", "expect"];
                return Err(Problem::unknown("part of a `vmm`", other, node.name.span, &known));
            }
        }
        arguments.finish()
    }

    /// `"nic" stream=0x10`: a device of the machine that is passed through, or an emulated one with a new name.
    fn vmm_device(
        &mut self,
        vm: VmId,
        name: &Spanned<String>,
        arguments: &mut Arguments,
    ) -> Result<GuestDevice, Problem> {
        let stream = arguments.number_to("stream", u64::from(u32::MAX))?;
        let stream = stream.ok_or_else(|| Problem::new(arguments.span(), "a device needs `stream=`"))?;
        let stream = u32::try_from(stream.value).expect("checked against the maximum");
        let host = self.stack.devices.iter().position(|(known, _)| *known == name.value);
        let vfio = match (self.stack.vms[vm.0].is_emulated, host) {
            (true, Some(_)) => {
                let message = format!("`{}` is a device of the machine, and is not emulated", name.value);
                return Err(Problem::new(name.span, message));
            }
            (true, None) => printable(name.clone()).map(|_name| 0)?,
            (false, _) => self.vfio_number(name)?,
        };
        self.stack.vms[vm.0].names.devices.push((name.value.clone(), stream));
        Ok(GuestDevice { stream, vfio })
    }

    /// The devices of the guest, by StreamID, that the kernel knows can stall; of an emulated SMMU, all.
    fn stalling(&self, vm: VmId) -> BTreeSet<u32> {
        let vm = &self.stack.vms[vm.0];
        let can_stall = |name: &str| {
            let host = self.stack.devices.iter().find(|(known, _)| known == name);
            vm.is_emulated || host.is_some_and(|(_, setup)| setup.description.can_stall)
        };
        let stalling = vm.names.devices.iter().filter(|(name, _)| can_stall(name));
        stalling.map(|(_, stream)| *stream).collect()
    }

    /// The N of `/dev/vfio/devices/vfioN`.
    fn vfio_number(&self, name: &Spanned<String>) -> Result<usize, Problem> {
        let device = self.device_called(name)?;
        let is_vfio =
            |(_, setup): &&(String, crate::kernel::device::DeviceSetup)| setup.driver == BusDriver::Vfio;
        if !is_vfio(&&self.stack.devices[device.0]) {
            return Err(Problem::new(name.span, format!("the driver of `{}` is not vfio", name.value)));
        }
        Ok(self.stack.devices[..device.0].iter().filter(is_vfio).count())
    }
}

fn ram(arguments: &mut Arguments, others: &[Ram]) -> Result<Ram, Problem> {
    let (first, last) = range(arguments)?;
    let ram = Ram { ipa: first, bytes: (last - first).saturating_add(1) };
    let span = arguments.span();
    if !ram.ipa.is_multiple_of(PAGE_SIZE) || !ram.bytes.is_multiple_of(PAGE_SIZE) {
        return Err(Problem::new(span, "memory of a guest consists of pages of 4 KiB"));
    }
    if others.iter().map(|ram| ram.bytes).sum::<u64>().saturating_add(ram.bytes) > RAM_BYTES_MAX {
        return Err(Problem::new(span, format!("a guest has at most {RAM_BYTES_MAX:#x} bytes of memory")));
    }
    if others.iter().any(|other| other.ipa <= last && first <= other.ipa + (other.bytes - 1)) {
        return Err(Problem::new(span, "this overlaps another `ram`"));
    }
    Ok(ram)
}

fn policy_called(name: &Spanned<String>) -> Result<Policy, Problem> {
    Policy::from_name(&name.value).ok_or_else(|| {
        let known: Vec<&str> = Policy::all().map(Policy::name).collect();
        Problem::unknown("policy of a `vmm`", &name.value, name.span, &known)
    })
}

fn vintage_called(name: &Spanned<String>) -> Result<Vintage, Problem> {
    Vintage::from_name(&name.value).ok_or_else(|| {
        let known: Vec<&str> = Vintage::ALL.iter().map(|vintage| vintage.name()).collect();
        Problem::unknown("vintage", &name.value, name.span, &known)
    })
}

fn preset_called(name: &Spanned<String>) -> Result<Preset, Problem> {
    Preset::from_name(&name.value).ok_or_else(|| {
        let known: Vec<&str> = Preset::ALL.iter().map(|preset| preset.name()).collect();
        Problem::unknown("preset", &name.value, name.span, &known)
    })
}
