//! Reads the state of a stream out of our machine's memory, as a snapshot has it.

use smmu_model::Register;

use super::hardware::Found;
use crate::kernel::Kernel;
use crate::kernel::device::DeviceId;
use crate::kernel::hardware::Hardware;
use crate::kernel::journal::Journal;

/// STRTAB_BASE and the pointers in level 1 descriptors and STEs: bits [51:6].
const POINTER: u64 = (1 << 52) - (1 << 6);

/// STE.V with Config 5: the CDs are the host's.
const HOST_STAGE1: u64 = 0b1011;

/// STE.V and STE.Config.
const V_AND_CONFIG: u64 = 0b1111;

/// Takes what was written since the last time, and the stream's STE and CD as they are.
pub(super) fn observe(kernel: &mut Kernel, device: Option<DeviceId>, seen: &mut Journal) -> Found {
    let Journal { writes, commands } = std::mem::take(seen);
    let mut found = Found {
        commands: commands.into_iter().map(|command| command.words).collect(),
        writes: writes.into_iter().map(|write| (write.offset & 0xffff, write.value)).collect(),
        ..Found::default()
    };
    if let Some(device) = device {
        let setup = &kernel.host.device(device).setup;
        let (iommu, stream) = (setup.iommu, u64::from(setup.description.streams[0]));
        let smmu = kernel.host.hardware.smmu(iommu);
        let (base, config) = (smmu.peek(Register::StrtabBase), smmu.peek(Register::StrtabBaseCfg));
        let hardware = &mut kernel.host.hardware;
        let address = ste_address(hardware, base, config, stream);
        found.ste = line(hardware, address);
        if found.ste[0] & V_AND_CONFIG == HOST_STAGE1 {
            found.cd = Some(line(hardware, Some(found.ste[0] & POINTER)));
        }
    }
    found
}

/// Where the STE is (§3.3.1); `None` if the stream has none.
fn ste_address(hardware: &mut Hardware, base: u64, config: u64, stream: u64) -> Option<u64> {
    let (is_two_level, split) = (config >> 16 & 3 == 1, config >> 6 & 0x1f);
    if !is_two_level {
        return Some((base & POINTER) + stream * 64);
    }
    let descriptor = word(hardware, (base & POINTER) + (stream >> split) * 8);
    let span = descriptor & 0x1f;
    let index = stream & ((1 << split) - 1);
    (span > 0 && index < 1 << (span - 1)).then_some((descriptor & POINTER) + index * 64)
}

fn line(hardware: &mut Hardware, address: Option<u64>) -> [u64; 8] {
    let Some(address) = address else { return [0; 8] };
    let mut words = [0; 8];
    for (offset, value) in (0..).step_by(8).zip(&mut words) {
        *value = word(hardware, address + offset);
    }
    words
}

fn word(hardware: &mut Hardware, address: u64) -> u64 {
    let mut bytes = [0; 8];
    hardware.read(address, &mut bytes);
    u64::from_le_bytes(bytes)
}
