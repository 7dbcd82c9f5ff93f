//! What virtual machines do: monitors, the drivers of their guests, and processors of guests by themselves.

mod claims;
mod guest;
mod processor;
mod vmm;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use super::{End, Machine, Unclaimed};
use crate::driver::{DomainId, PageFault};
use crate::errno::Errno;
use crate::guest::Guest;
use crate::iommufd::uapi::{Layout, iommu_hwpt_pgfault};
use crate::kernel::Kernel;
use crate::scenario::step::{CallData, Initiator, VirtualEvent, VmDeed, VmDomain, VmId};
use crate::trace::{Actor, CallEnd, KernelHappening, Listener, VmAct, VmEnd, VmHappening};
use crate::vmm::{Call, Note, Ram, Vmm, VmmError};

/// A virtual machine.
#[derive(Debug, Default)]
pub(super) struct Vm {
    /// The monitor, while it runs.
    pub(super) vmm: Option<Vmm>,
    /// The first piece of guest memory.
    ram: Option<Ram>,
    guest: Option<Booted>,
}

/// A guest with a driver.
#[derive(Debug)]
struct Booted {
    guest: Guest,
    domains: BTreeMap<VmDomain, DomainId>,
    /// What devices, and PASIDs of them, are attached to.
    attached: BTreeMap<(u32, u32), VmDomain>,
    /// The devices, in the order in which the driver has added them.
    streams: Vec<u32>,
    /// Page faults that the guest has not answered.
    faults: VecDeque<PageFault>,
}

/// What comes of a step that succeeds.
#[derive(Debug)]
pub(super) enum Done {
    Nothing,
    Value(u64),
    Dirty(Vec<u64>),
    Events(Unclaimed),
}

/// Why a step of a virtual machine does not succeed.
#[derive(Clone, Debug)]
pub(super) enum Stop {
    /// An error of the kernel at this call, or of the guest's driver.
    Failed(Errno, Option<Call>),
    /// The monitor refuses.
    Declined(String),
    /// An access of a processor of the guest is aborted.
    Aborted,
}

/// What a step that could be attempted comes to.
type Ended = Result<Done, Stop>;

/// A virtual machine with the machine that it runs on.
struct OnVm<'v> {
    kernel: &'v mut Kernel,
    vmm: &'v mut Vmm,
}

impl<'a, L: Listener> Machine<'a, L> {
    pub(super) fn vm(&mut self, id: VmId, deed: &'a VmDeed) -> Result<(), String> {
        let mut vm = std::mem::take(&mut self.vms[id.0]);
        let ended = self.vm_deed(id, &mut vm, deed);
        let notes = vm.vmm.as_mut().map(Vmm::take_notes).unwrap_or_default();
        self.vms[id.0] = vm;
        self.say_notes(id, notes);
        self.vm_ended(id, ended?);
        Ok(())
    }

    fn vm_deed(&mut self, id: VmId, vm: &mut Vm, deed: &'a VmDeed) -> Result<Ended, String> {
        match deed {
            VmDeed::Start(start) => self.start_vm(id, vm, start),
            VmDeed::Plug(device) => self.plug(id, vm, *device),
            VmDeed::Unplug(stream) => self.unplug(id, vm, *stream),
            VmDeed::Stop => self.stop_vm(id, vm),
            VmDeed::Kill => self.kill_vm(id, vm),
            VmDeed::Boot(boot) => self.boot(id, vm, boot),
            VmDeed::Add(device) => self.add(id, vm, device),
            VmDeed::Domain(deed) => self.with_domain(id, vm, deed),
            VmDeed::Processor(deed) => self.with_processor(id, vm, deed),
            VmDeed::Events => self.events(id, vm),
            VmDeed::Respond(response) => self.respond(id, vm, *response),
        }
    }

    /// The monitor, which runs.
    fn running<'v>(&self, id: VmId, vm: &'v mut Option<Vmm>) -> Result<&'v mut Vmm, String> {
        vm.as_mut().ok_or_else(|| format!("the virtual machine `{}` does not run", self.vm_name(id)))
    }

    fn vm_name(&self, id: VmId) -> &'a str {
        &self.script.vms[id.0].name
    }

    /// What the guest's device is called.
    fn device_name(&self, id: VmId, stream: u32) -> String {
        let devices = &self.script.vms[id.0].devices;
        let found = devices.iter().rev().find(|(_, known)| *known == stream);
        found.map_or_else(|| format!("{stream:#x}"), |(name, _)| name.clone())
    }

    /// What the device that makes an access is called.
    pub(super) fn initiator_name(&self, initiator: Initiator) -> String {
        match initiator {
            Initiator::Host(device) => self.script.devices[device.0].clone(),
            Initiator::Emulated(vm, stream) => self.device_name(vm, stream),
        }
    }

    /// The buffer of the device.
    pub(super) fn buffer(&mut self, initiator: Initiator) -> Result<&mut Vec<u8>, String> {
        match initiator {
            Initiator::Host(device) => Ok(&mut self.kernel.host.devices[device.0].buffer),
            Initiator::Emulated(vm, stream) => {
                let name = &self.script.vms[vm.0].name;
                let missing = || format!("the virtual machine `{name}` does not run");
                let vmm = self.vms[vm.0].vmm.as_mut().ok_or_else(missing)?;
                vmm.buffer(&mut self.kernel, stream).map_err(|error| error.to_string())
            }
        }
    }

    fn say_vm(&mut self, id: VmId, happening: &VmHappening<'_>) {
        self.say(KernelHappening::Vm { vm: self.vm_name(id), happening });
    }

    /// Says what begins.
    fn say_act<const N: usize>(
        &mut self,
        id: VmId,
        actor: Actor,
        (verb, about): (&'static str, &[&str]),
        numbers: [(&'static str, u64); N],
    ) {
        let about = about.iter().map(|name| (*name).to_owned()).collect();
        self.say_vm(id, &VmHappening::Act(&VmAct { actor, verb, about, numbers: numbers.to_vec() }));
    }

    fn say_notes(&mut self, id: VmId, notes: Vec<Note>) {
        for note in notes {
            self.say_vm(id, &VmHappening::Note(&note));
            self.notes.push(note.to_string());
        }
    }

    /// Says how the step ended, and keeps it for the claims.
    fn vm_ended(&mut self, id: VmId, ended: Ended) {
        let (mut value, mut data) = (0, None);
        match ended {
            Ok(Done::Nothing) => {}
            Ok(Done::Value(found)) => {
                value = found;
                self.say_vm(id, &VmHappening::Ended(&VmEnd::Value(found)));
            }
            Ok(Done::Dirty(pages)) => {
                self.say_vm(id, &VmHappening::Ended(&VmEnd::Dirty(&pages)));
                data = Some(CallData::Dirty(pages));
            }
            Ok(Done::Events(found)) => {
                for record in found.events.iter().filter_map(|event| event.record) {
                    self.say_vm(id, &VmHappening::Event(record));
                }
                for fault in &found.faults {
                    self.say_vm(id, &VmHappening::Fault(&iommu_hwpt_pgfault::decode(fault)));
                }
                self.read = found;
            }
            Err(stop) => {
                let shown = match &stop {
                    Stop::Failed(errno, at) => VmEnd::Failed(*errno, *at),
                    Stop::Declined(why) => VmEnd::Declined(why),
                    Stop::Aborted => VmEnd::Aborted,
                };
                self.say_vm(id, &VmHappening::Ended(&shown));
                self.end = End::Vm(stop);
                return;
            }
        }
        self.end = End::Call(CallEnd { result: Ok(value), fields: Vec::new(), data }, Vec::new());
    }
}

impl Vm {
    fn booted(&mut self) -> Result<(&mut Vmm, &mut Booted), String> {
        match (&mut self.vmm, &mut self.guest) {
            (Some(vmm), Some(guest)) => Ok((vmm, guest)),
            (None, _) => Err("the virtual machine does not run".to_owned()),
            (Some(_), None) => Err("the guest has not booted".to_owned()),
        }
    }
}

impl Stop {
    pub(super) fn errno(&self) -> Option<Errno> {
        match self {
            Self::Failed(errno, _) => Some(*errno),
            Self::Declined(_) | Self::Aborted => None,
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(errno, None) => write!(f, "it fails with {errno}"),
            Self::Failed(errno, Some(call)) => write!(f, "{call} ends with {errno}"),
            Self::Declined(why) => write!(f, "the monitor refuses: {why}"),
            Self::Aborted => f.write_str("the access is aborted"),
        }
    }
}

impl From<VmmError> for Stop {
    fn from(error: VmmError) -> Self {
        match error {
            VmmError::Refused { call, errno, .. } => Self::Failed(errno, Some(call)),
            VmmError::Offer(_)
            | VmmError::NoDevice
            | VmmError::StreamTwice(_)
            | VmmError::StreamUnknown(_) => Self::Declined(error.to_string()),
        }
    }
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Self {
        Self::Failed(errno, None)
    }
}

/// An error of the guest's driver, or nothing.
fn nothing<E: Into<Stop>>(result: Result<(), E>) -> Ended {
    result.map(|()| Done::Nothing).map_err(Into::into)
}

/// A record that the guest has found.
fn event(record: [u64; 4]) -> VirtualEvent {
    VirtualEvent { sequence: 0, record: Some(record) }
}
