//! Devices access memory: what they see of it, which is not where it lies.

use smmu_model::outcome::Outcome;

use super::{End as StepEnd, Machine};
use crate::kernel::Direction;
use crate::scenario::step::{DeviceAccess, End};
use crate::trace::{DeviceEnd, KernelHappening, Listener};

impl<'a, L: Listener> Machine<'a, L> {
    pub(super) fn dma(&mut self, access: &DeviceAccess) -> Result<(), String> {
        let DeviceAccess { device, pasid, direction, bytes, .. } = *access;
        let (address, data) = (self.value(&access.address)?, self.value(&access.data)?);
        let name = &self.script.devices[device.0];
        self.say(KernelHappening::Access { device: name, pasid, direction, address, bytes });
        if direction == Direction::Write {
            let buffer = &mut self.kernel.host.devices[device.0].buffer[..bytes];
            let pattern = data.to_le_bytes().into_iter().cycle();
            buffer.iter_mut().zip(pattern).for_each(|(byte, value)| *byte = value);
        }
        let outcomes = self.kernel.dma(device, pasid, direction, address, bytes);
        let stopped = outcomes.iter().find(|outcome| !matches!(outcome, Outcome::Done(_)));
        let (end, rule) = match stopped {
            None | Some(Outcome::Done(_)) => (End::Ok, None),
            Some(Outcome::Abort(rule)) => (End::Abort, Some(*rule)),
            Some(Outcome::RazWi(rule)) => (End::RazWi, Some(*rule)),
            Some(Outcome::Stalled { rule, .. }) => (End::Stall, Some(*rule)),
        };
        self.rules.extend(rule);
        let has_data = end == End::Ok && direction == Direction::Read;
        let buffer = &self.kernel.host.devices[device.0].buffer[..bytes];
        let end = DeviceEnd { end, rule, data: if has_data { buffer.to_vec() } else { Vec::new() } };
        self.say(KernelHappening::AccessEnded { device: name, end: &end });
        self.end = StepEnd::Access(end);
        Ok(())
    }
}
