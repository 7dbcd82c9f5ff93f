//! What lies behind the SMMU of a session: memory, and the devices that it sends messages to.

use smmu_model::address::Pa;
use smmu_model::ats::{InvalidateRequest, Invalidated, PrgResponse};
use smmu_model::bus::{Bus, ExternalAbort, ReadOnly};

use super::devices::Devices;
use super::memory::Memory;

/// Memory and devices.
#[derive(Debug, Default)]
pub(super) struct Interconnect {
    pub(super) memory: Memory,
    pub(super) devices: Devices,
}

/// A bus on which devices write their data too.
pub(super) trait DeviceBus: Bus {
    /// As [`Bus::write`], of a device: it can make cache entries stale.
    fn write_data(&mut self, pa: Pa, bytes: &[u8]) -> Result<(), ExternalAbort>;
}

impl DeviceBus for Interconnect {
    fn write_data(&mut self, pa: Pa, bytes: &[u8]) -> Result<(), ExternalAbort> {
        self.memory.write_data(pa, bytes)
    }
}

impl<B: DeviceBus> DeviceBus for ReadOnly<'_, B> {
    fn write_data(&mut self, pa: Pa, bytes: &[u8]) -> Result<(), ExternalAbort> {
        self.write(pa, bytes)
    }
}

impl Bus for Interconnect {
    fn read(&mut self, pa: Pa, bytes: &mut [u8]) -> Result<(), ExternalAbort> {
        self.memory.read(pa, bytes)
    }

    fn write(&mut self, pa: Pa, bytes: &[u8]) -> Result<(), ExternalAbort> {
        self.memory.write(pa, bytes)
    }

    fn invalidate(&mut self, request: &InvalidateRequest) -> Invalidated {
        self.devices.invalidate(request)
    }

    fn respond(&mut self, response: &PrgResponse) {
        self.devices.respond(response);
    }
}
