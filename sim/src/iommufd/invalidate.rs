//! HWPT_INVALIDATE: commands of a guest.

use super::call::Call;
use super::check::{Check, Refusal};
use super::dispatch::{Tail, check_tail};
use super::object::{Object, ObjectId};
use super::uapi::iommu_hwpt_invalidate;
use crate::kernel::frames::PAGE_SIZE;
use crate::kernel::host::Driven;

/// Most entries that iommufd passes on.
const ENTRIES_MAX: u32 = 1 << 19;

/// `IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3`.
const DATA_ARM_SMMUV3: u32 = 1;

/// Bytes of a command.
const COMMAND_BYTES: usize = 16;

/// The driver copies all entries into one allocation, which has this limit.
const ALLOCATION_MAX: u64 = 4 << 20;

/// HWPT_INVALIDATE. Whatever happens, `entry_num` says how many entries count as handled.
pub(super) fn invalidate(call: &mut Call<'_>, mut cmd: iommu_hwpt_invalidate) -> Result<(), Refusal> {
    let (handled, result) = match viommu_of(call, &cmd) {
        Ok(viommu) => serve(call, viommu, &cmd),
        Err(refusal) => (0, Err(refusal)),
    };
    cmd.entry_num = handled;
    call.reply(&cmd)?;
    result
}

/// Steps 1 to 4.
fn viommu_of(call: &Call<'_>, cmd: &iommu_hwpt_invalidate) -> Result<ObjectId, Refusal> {
    Check::InvalidateReserved.refuse_if(cmd.__reserved != 0)?;
    let page = u32::try_from(PAGE_SIZE).expect("a page is small");
    let is_odd =
        cmd.data_uptr == 0 || cmd.entry_len == 0 || cmd.entry_len > page || cmd.entry_num > ENTRIES_MAX;
    Check::InvalidateArray.refuse_if(cmd.entry_num != 0 && is_odd)?;
    let id = ObjectId(cmd.hwpt_id);
    match call.context.objects.get(id).ok_or(Check::InvalidateAbsent)? {
        Object::Viommu(_) => Ok(id),
        Object::Nested(_) => Err(Check::InvalidateUnable.into()),
        Object::Ioas(_)
        | Object::Device(_)
        | Object::Paging(_)
        | Object::Access(_)
        | Object::FaultQueue(_)
        | Object::Vdevice(_)
        | Object::EventQueue(_) => Err(Check::InvalidateType.into()),
    }
}

/// Step 5, in the driver. Returns the count with the result.
fn serve(call: &mut Call<'_>, viommu: ObjectId, cmd: &iommu_hwpt_invalidate) -> (u32, Result<(), Refusal>) {
    let bytes = u64::from(cmd.entry_num) * u64::try_from(COMMAND_BYTES).expect("a command is small");
    if bytes > ALLOCATION_MAX {
        return (cmd.entry_num, Err(Check::InvalidateMemory.into()));
    }
    let commands = match commands(call, cmd) {
        Ok(commands) => commands,
        Err(refusal) => return (0, Err(refusal)),
    };
    let viommu = call.context.objects.own_viommu(viommu);
    let (iommu, driver_id) = (viommu.iommu, viommu.driver);
    let Driven { driver, mut port, .. } = call.host.driven(iommu);
    let (handled, result) = driver.invalidate(&mut port, driver_id, &commands);
    (handled, result.map_err(|error| Check::InvalidateCommand.with(error)))
}

/// The entries, cut or filled up to the length of a command.
fn commands(call: &mut Call<'_>, cmd: &iommu_hwpt_invalidate) -> Result<Vec<[u64; 2]>, Refusal> {
    Check::InvalidateDataType.refuse_if(cmd.data_type != DATA_ARM_SMMUV3)?;
    Check::InvalidateEmpty.refuse_if(cmd.entry_num == 0)?;
    let stated = usize::try_from(cmd.entry_len).unwrap_or(usize::MAX);
    let tail = Tail { not_zero: Check::InvalidateTail, unreadable: Check::InvalidateUnreadable };
    let mut commands = Vec::new();
    for index in 0..u64::from(cmd.entry_num) {
        let at = cmd.data_uptr.wrapping_add(index * u64::from(cmd.entry_len));
        let mut bytes = [0; COMMAND_BYTES];
        check_tail(call, at, (COMMAND_BYTES, stated), tail)?;
        let known = &mut bytes[..COMMAND_BYTES.min(stated)];
        call.copy_in(at, known).map_err(|_fault| Check::InvalidateUnreadable)?;
        let word = |half: usize| {
            let (words, _) = bytes.as_chunks::<8>();
            u64::from_le_bytes(words[half])
        };
        commands.push([word(0), word(1)]);
    }
    Ok(commands)
}
