//! OPTION and VFIO_IOAS: settings of a context and of an IOAS.

use super::call::Call;
use super::check::{Check, Refusal};
use super::object::ObjectId;
use super::pages::Accounting;
use super::uapi::{iommu_option, iommu_vfio_ioas};

const RLIMIT_MODE: u32 = 0;
const HUGE_PAGES: u32 = 1;

const SET: u16 = 0;
const GET: u16 = 1;

/// Where `val64` lies in `struct iommu_option`.
const VALUE_OFFSET: u64 = 16;

/// OPTION. Of the structure, only `val64` is written back.
pub(super) fn option(call: &mut Call<'_>, cmd: iommu_option) -> Result<(), Refusal> {
    Check::OptionReserved.refuse_if(cmd.__reserved != 0)?;
    let value = match cmd.option_id {
        RLIMIT_MODE => rlimit_mode(call, &cmd)?,
        HUGE_PAGES => huge_pages(call, &cmd)?,
        _unknown => return Err(Check::OptionUnknown.into()),
    };
    let at = call.argument.wrapping_add(VALUE_OFFSET);
    call.copy_out(at, &value.to_le_bytes()).map_err(|_fault| Check::ReplyUnwritable.into())
}

fn rlimit_mode(call: &mut Call<'_>, cmd: &iommu_option) -> Result<u64, Refusal> {
    Check::RlimitObject.refuse_if(cmd.object_id != 0)?;
    match cmd.op {
        GET => Ok(u64::from(call.context.accounting == Accounting::Process)),
        SET => {
            Check::RlimitRight.refuse_if(!call.host.processes[call.pid.0].rights.sys_resource)?;
            Check::RlimitObjects.refuse_if(!call.context.objects.is_empty())?;
            call.context.accounting = match cmd.val64 {
                0 => Accounting::User,
                1 => Accounting::Process,
                _unknown => return Err(Check::RlimitValue.into()),
            };
            Ok(cmd.val64)
        }
        _unknown => Err(Check::RlimitOperation.into()),
    }
}

fn huge_pages(call: &mut Call<'_>, cmd: &iommu_option) -> Result<u64, Refusal> {
    let ioas = call.context.objects.ioas_mut(ObjectId(cmd.object_id)).ok_or(Check::HugeAbsent)?;
    match (cmd.op, cmd.val64) {
        (GET, _) => Ok(u64::from(ioas.space.huge_pages)),
        (SET, 0) => ioas.space.disable_huge_pages().map(|()| 0),
        (SET, 1) => {
            ioas.space.enable_huge_pages();
            Ok(1)
        }
        (SET, _) => Err(Check::HugeValue.into()),
        _unknown => Err(Check::HugeOperation.into()),
    }
}

/// VFIO_IOAS.
pub(super) fn vfio_ioas(call: &mut Call<'_>, mut cmd: iommu_vfio_ioas) -> Result<(), Refusal> {
    Check::VfioIoasReserved.refuse_if(cmd.__reserved != 0)?;
    match cmd.op {
        0 => {
            cmd.ioas_id = call.context.compat_ioas.ok_or(Check::VfioIoasUnset)?.0;
            call.reply(&cmd)
        }
        1 => {
            let id = ObjectId(cmd.ioas_id);
            Check::VfioIoasAbsent.refuse_if(call.context.objects.ioas(id).is_none())?;
            call.context.compat_ioas = Some(id);
            Ok(())
        }
        2 => {
            call.context.compat_ioas = None;
            Ok(())
        }
        _unknown => Err(Check::VfioIoasOperation.into()),
    }
}
