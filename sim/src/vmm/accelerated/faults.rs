//! Accesses that the hardware holds (IHI 0070 §3.12.2): records for the guest, and its answers. No monitor of today
//! does this; iommufd has what it takes.

use std::collections::BTreeMap;

use smmu_model::Progress;
use smmu_model::command::{Resume, StallAction};
use smmu_model::layout::event::{EventCode, EventRecord, EventWord0, EventWord1};

use super::{Accelerated, Behind, events};
use crate::iommufd::uapi::{Layout, iommu_hwpt_pgfault};
use crate::vmm::calls::Caller;
use crate::vmm::error::VmmError;
use crate::vmm::note::{EventSource, Fate};

/// `iommu_hwpt_pgfault`: flags and perm.
const PASID_VALID: u32 = 1 << 0;
const WRITE: u32 = 1 << 1;
const EXECUTE: u32 = 1 << 2;
const PRIVILEGED: u32 = 1 << 3;

/// `IOMMUFD_PAGE_RESP_SUCCESS` and `IOMMUFD_PAGE_RESP_INVALID`.
const SUCCESS: u32 = 0;
const INVALID: u32 = 1;

/// The queue of page faults, and those that the guest knows of.
#[derive(Debug)]
pub(super) struct Faults {
    id: u32,
    fd: i32,
    /// The cookies of the kernel, by StreamID and stall tag.
    cookies: BTreeMap<(u32, u16), u32>,
}

impl Faults {
    pub(super) fn alloc(caller: &mut Caller<'_>, iommu: i32) -> Result<Self, VmmError> {
        let (id, fd) = caller.fault_queue(iommu)?;
        Ok(Self { id, fd, cookies: BTreeMap::new() })
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// Its id and its descriptor.
    pub(super) fn queue(&self) -> (u32, i32) {
        (self.id, self.fd)
    }
}

impl Accelerated {
    /// Takes one fault from the kernel, if there is one and the guest can hear of it: until then it waits (§7.2.1).
    pub(super) fn take_fault(&mut self, behind: &mut Behind<'_>) -> Progress {
        let Some(faults) = &mut self.faults else { return Progress::Idle };
        let caller = &behind.caller;
        let is_readable = caller.kernel.is_readable(caller.client.pid, faults.fd);
        if is_readable != Ok(true) || !behind.front(|front, world| front.takes_events(world)) {
            return Progress::Idle;
        }
        let caller = &mut behind.caller;
        let read = caller.client.read(caller.kernel, faults.fd, size_of::<iommu_hwpt_pgfault>());
        let fault = iommu_hwpt_pgfault::decode(&read.expect("there is room for one fault"));
        let tag = u16::try_from(fault.grpid).expect("the driver's groups are stall tags");
        let Some(stream) = self.host.stream_of(fault.dev_id) else {
            caller.answer(faults.fd, fault.cookie, INVALID);
            return Progress::Worked;
        };
        faults.cookies.insert((stream, tag), fault.cookie);
        events::record(behind, stall_record(stream, tag, &fault), EventSource::Hardware);
        Progress::Worked
    }

    /// The guest answers for an access.
    pub(super) fn resume(&mut self, behind: &mut Behind<'_>, resume: Resume) -> Fate {
        let Resume { stream, stag, action } = resume;
        let code = match action {
            StallAction::Retry => SUCCESS,
            StallAction::RazWi | StallAction::Abort => INVALID,
        };
        let Some(faults) = &mut self.faults else { return Fate::Ignored };
        let Some(cookie) = faults.cookies.remove(&(stream.0, stag)) else { return Fate::Ignored };
        behind.caller.answer(faults.fd, cookie, code);
        Fate::Served
    }

    /// The guest ends all accesses of a device.
    pub(super) fn end_stalls(&mut self, behind: &mut Behind<'_>, stream: u32) -> Fate {
        let Some(faults) = &mut self.faults else { return Fate::Ignored };
        let (over, others) = std::mem::take(&mut faults.cookies)
            .into_iter()
            .partition::<BTreeMap<_, _>, _>(|((named, _), _)| *named == stream);
        faults.cookies = others;
        let fate = if over.is_empty() { Fate::Ignored } else { Fate::Served };
        over.into_values().for_each(|cookie| behind.caller.answer(faults.fd, cookie, INVALID));
        fate
    }

    /// The kernel has answered for what a device was attached to before.
    pub(super) fn forget_faults(&mut self, stream: u32) {
        if let Some(faults) = &mut self.faults {
            faults.cookies.retain(|(named, _), _| *named != stream);
        }
    }
}

/// The record of a stalled access. What kind of fault it was, the kernel keeps to itself: most stalls are for a page that
/// is not there.
fn stall_record(stream: u32, tag: u16, fault: &iommu_hwpt_pgfault) -> EventRecord {
    let has = |bit: u32| fault.perm & bit != 0;
    let pasid = (fault.flags & PASID_VALID != 0).then_some(fault.pasid);
    let word0 = EventWord0::new()
        .with_event_number(EventCode::FTranslation.code())
        .with_stream_id(stream)
        .with_ssv(pasid.is_some())
        .with_substream_id(pasid.unwrap_or_default());
    let word1 = EventWord1::new()
        .with_stag(tag)
        .with_stall(true)
        .with_pnu(has(PRIVILEGED))
        .with_ind(has(EXECUTE))
        .with_rnw(!has(WRITE));
    EventRecord([word0.into_bits(), word1.into_bits(), fault.addr, 0])
}
