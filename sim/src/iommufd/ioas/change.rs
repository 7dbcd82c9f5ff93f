//! IOAS_CHANGE_PROCESS: the caller pays from now on for what the mappings of files have pinned.

use crate::iommufd::call::Call;
use crate::iommufd::check::{Check, Refusal};
use crate::iommufd::pages::{Payer, Source};
use crate::iommufd::uapi::iommu_ioas_change_process;

/// IOAS_CHANGE_PROCESS.
pub(in crate::iommufd) fn change_process(
    call: &mut Call<'_>,
    cmd: iommu_ioas_change_process,
) -> Result<(), Refusal> {
    Check::ChangeReserved.refuse_if(cmd.__reserved != 0)?;
    let user = call.host.processes[call.pid.0].user;
    let (context, host) = (&mut *call.context, &mut *call.host);
    let is_file = |source| matches!(source, Source::File(..));
    Check::ChangeNotFile.refuse_if(!context.pages.iter().all(|pages| is_file(pages.source)))?;
    let moved = |payer: Payer| Payer { pid: call.pid, user, ..payer };
    let is_others = |payer: Payer| payer.pid != call.pid;
    let mut charged = Vec::new();
    for pages in context.pages.iter().filter(|pages| is_others(pages.payer)) {
        let (payer, count) = (moved(pages.payer), pages.pinned_count());
        if payer.charge(host, count).is_err() {
            charged.into_iter().for_each(|(payer, count): (Payer, u64)| payer.refund(host, count));
            return Err(Check::ChangeLimit.into());
        }
        charged.push((payer, count));
    }
    for pages in context.pages.iter_mut().filter(|pages| is_others(pages.payer)) {
        pages.payer.refund(host, pages.pinned_count());
        pages.payer = moved(pages.payer);
    }
    Ok(())
}
