//! GET_HW_INFO: what the IOMMU of a device is.

use super::call::Call;
use super::check::{Check, Refusal};
use super::object::ObjectId;
use super::report::{Report, report};
use super::uapi::{Layout, iommu_hw_info};
use crate::kernel::host::Driven;

/// The caller asks for data of the type that it names.
const INPUT_TYPE: u32 = 1 << 0;

const TYPE_DEFAULT: u32 = 0;
const TYPE_ARM_SMMUV3: u32 = 2;

const CAP_DIRTY_TRACKING: u64 = 1 << 0;
const CAP_PCI_PASID_EXEC: u64 = 1 << 1;
const CAP_PCI_PASID_PRIV: u64 = 1 << 2;
const CAP_PCI_ATS_NOT_SUPPORTED: u64 = 1 << 3;

/// Bytes of the caller's buffer that are cleared in one go.
const CLEAR_CHUNK: usize = 256;

/// GET_HW_INFO.
pub(super) fn get(call: &mut Call<'_>, mut cmd: iommu_hw_info) -> Result<(), Refusal> {
    Check::HwInfoFlags.refuse_if(cmd.flags & !INPUT_TYPE != 0)?;
    Check::HwInfoReserved.refuse_if(cmd.__reserved != [0; 3])?;
    let asked = if cmd.flags & INPUT_TYPE == 0 { TYPE_DEFAULT } else { cmd.data_type };
    let id = ObjectId(cmd.dev_id);
    let bound = *call.context.objects.device(id).ok_or(Check::HwInfoDevice)?;
    Check::HwInfoType.refuse_if(asked != TYPE_DEFAULT && asked != TYPE_ARM_SMMUV3)?;
    let setup = &call.host.device(bound.device).setup;
    let (iommu, exec, privileged) = (setup.iommu, setup.pasid_exec, setup.pasid_priv);
    let master = call.host.device(bound.device).master;
    let Driven { driver, mut port, .. } = call.host.driven(iommu);
    let (read, support) = (driver.hw_info(&mut port), driver.guest_support());
    let capabilities = driver.capabilities(master);
    let Report { info, mask, capabilities: beyond_linux } = report(call.host.generation, read, support);
    let mut data = info.encode();
    data.extend(mask.into_iter().flatten().flat_map(u32::to_le_bytes));
    put_data(call, &cmd, &data)?;
    cmd.data_len = u32::try_from(data.len()).expect("the structure is small");
    cmd.data_type = TYPE_ARM_SMMUV3;
    let pasids = capabilities.max_pasids;
    let log2 = pasids.checked_ilog2().unwrap_or_default();
    cmd.out_max_pasid_log2 = u8::try_from(log2).expect("a logarithm of 32 bits is small");
    let bits = [
        (CAP_DIRTY_TRACKING, capabilities.dirty_tracking),
        (CAP_PCI_PASID_EXEC, pasids > 0 && exec),
        (CAP_PCI_PASID_PRIV, pasids > 0 && privileged),
        (CAP_PCI_ATS_NOT_SUPPORTED, !capabilities.ats),
    ];
    let of_linux: u64 = bits.iter().filter(|(_, is_set)| *is_set).map(|(bit, _)| bit).sum();
    cmd.out_capabilities = of_linux | beyond_linux;
    call.reply(&cmd)
}

/// Copies what fits, and clears what the caller has room for beyond.
fn put_data(call: &mut Call<'_>, cmd: &iommu_hw_info, data: &[u8]) -> Result<(), Refusal> {
    let room = usize::try_from(cmd.data_len).unwrap_or(usize::MAX);
    let mut at = cmd.data_uptr;
    let mut left = room;
    let known = &data[..data.len().min(room)];
    let zeros = [0; CLEAR_CHUNK];
    let mut chunk = known;
    while left > 0 {
        call.copy_out(at, chunk).map_err(|_fault| Check::HwInfoUnwritable)?;
        left -= chunk.len();
        at = at.wrapping_add(u64::try_from(chunk.len()).expect("a chunk is small"));
        chunk = &zeros[..CLEAR_CHUNK.min(left)];
    }
    Ok(())
}
