//! Devices access memory: what they see of it, which is not where it lies.

use smmu_model::outcome::Outcome;

use super::{End as StepEnd, Machine};
use crate::kernel::Direction;
use crate::scenario::step::{DeviceAccess, End, Initiator};
use crate::trace::{DeviceEnd, KernelHappening, Listener};

impl<'a, L: Listener> Machine<'a, L> {
    pub(super) fn dma(&mut self, access: &DeviceAccess) -> Result<(), String> {
        let DeviceAccess { device, pasid, direction, bytes, .. } = *access;
        let (address, data) = (self.value(&access.address)?, self.value(&access.data)?);
        let name = &self.initiator_name(device);
        self.say(KernelHappening::Access { device: name, pasid, direction, address, bytes });
        if direction == Direction::Write {
            let buffer = &mut self.buffer(device)?[..bytes];
            let pattern = data.to_le_bytes().into_iter().cycle();
            buffer.iter_mut().zip(pattern).for_each(|(byte, value)| *byte = value);
        }
        let outcomes = match device {
            Initiator::Host(device) => self.kernel.dma(device, pasid, direction, address, bytes),
            Initiator::Emulated(vm, stream) => {
                let vmm = self.vms[vm.0].vmm.as_mut().ok_or("the virtual machine does not run")?;
                let moved = vmm.dma(&mut self.kernel, stream, pasid, direction, address, bytes);
                moved.map_err(|error| error.to_string())?
            }
        };
        let stopped = outcomes.iter().find(|outcome| !matches!(outcome, Outcome::Done(_)));
        let (end, rule) = match stopped {
            None | Some(Outcome::Done(_)) => (End::Ok, None),
            Some(Outcome::Abort(rule)) => (End::Abort, Some(*rule)),
            Some(Outcome::RazWi(rule)) => (End::RazWi, Some(*rule)),
            Some(Outcome::Stalled { rule, .. }) => (End::Stall, Some(*rule)),
        };
        self.rules.extend(rule);
        let has_data = end == End::Ok && direction == Direction::Read;
        let buffer = &self.buffer(device)?[..bytes];
        let end = DeviceEnd { end, rule, data: if has_data { buffer.to_vec() } else { Vec::new() } };
        self.say(KernelHappening::AccessEnded { device: name, end: &end });
        self.end = StepEnd::Access(end);
        Ok(())
    }
}
