//! Monitors start, with what a policy decides, and end.

use super::{Done, Ended, Stop, Vm};
use crate::matrix::seen;
use crate::negotiation::Decision;
use crate::scenario::run::kernel::Machine;
use crate::scenario::step::{VmId, VmStart};
use crate::trace::{Actor, Listener, VmHappening};
use crate::vmm::{GuestDevice, Offer, Probed, Vmm};

impl<'a, L: Listener> Machine<'a, L> {
    pub(super) fn start_vm(&mut self, id: VmId, vm: &mut Vm, start: &VmStart) -> Result<Ended, String> {
        let (policy, vintage) = start.policy;
        self.say_act(id, Actor::Vmm, ("start", &[policy.name(), vintage.name()]), []);
        let mut probed = match Vmm::probe(&mut self.kernel, &start.setup) {
            Ok(probed) => probed,
            Err(error) => return Ok(Err(error.into())),
        };
        self.say_notes(id, probed.take_notes());
        let offer = match offer(&probed, start) {
            Ok(offer) => offer,
            Err(stop) => {
                probed.kill(&mut self.kernel);
                return Ok(Err(stop));
            }
        };
        self.say_vm(id, &VmHappening::Offer(&offer));
        Ok(match probed.start(&mut self.kernel, offer) {
            Ok(vmm) => {
                vm.vmm = Some(vmm);
                vm.ram = start.setup.ram.first().copied();
                Ok(Done::Nothing)
            }
            Err(error) => Err(error.into()),
        })
    }

    pub(super) fn plug(&mut self, id: VmId, vm: &mut Vm, device: GuestDevice) -> Result<Ended, String> {
        let name = self.device_name(id, device.stream);
        self.say_act(id, Actor::Vmm, ("plug", &[&name]), [("stream", u64::from(device.stream))]);
        let vmm = self.running(id, &mut vm.vmm)?;
        let plugged = vmm.plug(&mut self.kernel, device);
        Ok(plugged.map(|_reply| Done::Nothing).map_err(Stop::from))
    }

    pub(super) fn unplug(&mut self, id: VmId, vm: &mut Vm, stream: u32) -> Result<Ended, String> {
        let name = self.device_name(id, stream);
        self.say_act(id, Actor::Vmm, ("unplug", &[&name]), []);
        let vmm = self.running(id, &mut vm.vmm)?;
        Ok(super::nothing(vmm.unplug(&mut self.kernel, stream)))
    }

    pub(super) fn stop_vm(&mut self, id: VmId, vm: &mut Vm) -> Result<Ended, String> {
        self.say_act(id, Actor::Vmm, ("stop", &[]), []);
        self.running(id, &mut vm.vmm)?;
        let notes = vm.vmm.take().map(|vmm| vmm.stop(&mut self.kernel)).unwrap_or_default();
        vm.guest = None;
        self.say_notes(id, notes);
        Ok(Ok(Done::Nothing))
    }

    pub(super) fn kill_vm(&mut self, id: VmId, vm: &mut Vm) -> Result<Ended, String> {
        self.say_act(id, Actor::Vmm, ("kill", &[]), []);
        self.running(id, &mut vm.vmm)?;
        if let Some(vmm) = vm.vmm.take() {
            vmm.kill(&mut self.kernel);
        }
        vm.guest = None;
        Ok(Ok(Done::Nothing))
    }
}

/// What the guest is shown: what the policy makes of the first device, and what the scenario puts over it.
fn offer(probed: &Probed, start: &VmStart) -> Result<Offer, Stop> {
    let (policy, vintage) = start.policy;
    let decided = match probed.replies().first() {
        Some(reply) => policy.decide(vintage, &seen(reply)),
        None => Ok(Decision { ids: start.emulated, viommu_flags: 0 }),
    };
    let Decision { mut ids, viommu_flags } =
        decided.map_err(|refused| Stop::Declined(refused.to_string()))?;
    for (name, value) in &start.fields {
        ids.set_field(name, *value).expect("checked to be a field that holds the value");
    }
    Ok(Offer { viommu_flags: start.viommu_flags.unwrap_or(viommu_flags), ..Offer::from_ids(&ids) })
}
