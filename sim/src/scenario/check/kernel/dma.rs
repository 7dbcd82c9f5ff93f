//! `dma`: a device accesses memory through its SMMU.

use super::claims::Subject;
use super::{Doing, Kind, OnKernel};
use crate::kernel::Direction;
use crate::kernel::device::{BUFFER_BYTES, DeviceId};
use crate::scenario::problem::Problem;
use crate::scenario::span::Spanned;
use crate::scenario::step::{Deed, DeviceAccess, ProcessId, Value};
use crate::scenario::syntax::Node;

/// PASIDs have 20 bits.
const PASID_MAX: u64 = (1 << 20) - 1;

impl OnKernel<'_, '_> {
    /// `dma "nic" write 0x1000 len=8 pasid=3 data=0x1234 as="r" { expect ok; }`
    pub(super) fn dma(&mut self, node: &Node) -> Result<(), Problem> {
        let mut arguments = self.arguments(node)?;
        let device = self.initiator(&arguments.required_text("a device")?)?;
        let direction = arguments.required_text("`read` or `write`")?;
        let direction = match direction.value.as_str() {
            "read" => Direction::Read,
            "write" => Direction::Write,
            other => return Err(Problem::unknown("access", other, direction.span, &["read", "write"])),
        };
        let address = self.argument(&mut arguments, "an address")?;
        let room = u64::try_from(BUFFER_BYTES).expect("a buffer is small");
        let bytes = match arguments.number_to("len", room)? {
            None => 8,
            Some(length) if length.value == 0 => {
                return Err(Problem::new(length.span, "an access has at least one byte"));
            }
            Some(length) => usize::try_from(length.value).expect("checked against the maximum"),
        };
        let pasid = arguments.number_to("pasid", PASID_MAX)?;
        let pasid = pasid.map(|pasid| u32::try_from(pasid.value).expect("checked against the maximum"));
        let data = self.property(&mut arguments, "data")?.unwrap_or_else(|| Value::from(0));
        let name = arguments.text("as")?;
        arguments.finish()?;
        let result = self.named(name, Kind::Number)?;
        let claims = self.block(node, Subject::Dma)?;
        let deed = Deed::Dma(DeviceAccess { device, pasid, direction, address, bytes, data });
        // Its claims about memory and descriptors are of the first process.
        self.step(node, Doing { process: ProcessId(0), deed, result, claims })
    }

    pub(super) fn device_called(&self, name: &Spanned<String>) -> Result<DeviceId, Problem> {
        let position = self.stack.devices.iter().position(|(known, _)| *known == name.value);
        position.map(DeviceId).ok_or_else(|| {
            let known: Vec<&str> = self.stack.devices.iter().map(|(name, _)| name.as_str()).collect();
            Problem::unknown("device", &name.value, name.span, &known)
        })
    }
}
