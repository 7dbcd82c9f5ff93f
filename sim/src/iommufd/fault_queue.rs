//! Fault queues: stalled accesses for user space, and its answers.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use super::attach::NO_PASID;
use super::call::Call;
use super::check::{Check, Refusal};
use super::context::Context;
use super::hwpt;
use super::object::{Object, ObjectId};
use super::teardown;
use super::uapi::{Layout, iommu_fault_alloc, iommu_hwpt_page_response, iommu_hwpt_pgfault};
use crate::driver::{PageFault, PageResponse};
use crate::kernel::device::GroupId;
use crate::kernel::file::File;
use crate::kernel::hardware::IommuId;
use crate::kernel::host::{Driven, Host};

const PASID_VALID: u32 = 1 << 0;
const LAST_PAGE: u32 = 1 << 1;

/// Bytes of a record, and of a response.
const RECORD_BYTES: usize = size_of::<iommu_hwpt_pgfault>();
const RESPONSE_BYTES: usize = size_of::<iommu_hwpt_page_response>();

/// A queue of page faults. The driver reports each fault as the last of its group, so a group is one record.
#[derive(Clone, Debug, Default)]
pub struct FaultQueue {
    undelivered: VecDeque<Pending>,
    /// By cookie.
    awaiting: BTreeMap<u32, Pending>,
}

/// A fault that is not answered yet.
#[derive(Clone, Copy, Debug)]
struct Pending {
    fault: PageFault,
    /// The SMMU that waits for the answer.
    iommu: IommuId,
    /// The device that the record names: the one through which the group was attached.
    named: ObjectId,
    hwpt: ObjectId,
    group: GroupId,
    /// The PASID whose attachment handles it.
    attached_at: u32,
}

/// FAULT_QUEUE_ALLOC.
pub(super) fn alloc(call: &mut Call<'_>, mut cmd: iommu_fault_alloc) -> Result<(), Refusal> {
    Check::FaultFlags.refuse_if(cmd.flags != 0)?;
    let id = call.context.objects.insert(Object::FaultQueue(FaultQueue::default()));
    let file = File::FaultQueue { context: call.context.id, object: id, keeps: call.file };
    let opened = call.open_queue(file);
    let done = opened.and_then(|(fd, descriptor)| {
        call.context.objects.hold(id);
        (cmd.out_fault_id, cmd.out_fault_fd) = (id.0, fd);
        call.reply(&cmd).inspect_err(|_fault| call.close_queue(descriptor, id))
    });
    done.inspect_err(|_refusal| teardown::destroy(call.context, call.host, id, false))
}

/// A device stalled: puts the fault into the queue of the HWPT that handles it. Answers it if there is none.
pub(crate) fn report(context: &mut Context, host: &mut Host, device: ObjectId, fault: PageFault) {
    let bound = *context.objects.own_device(device);
    let (group, iommu) = (bound.group, host.device(bound.device).setup.iommu);
    let attachments = &context.groups[&group].attachments;
    let at = |pasid: u32| attachments.get(&pasid).map(|attachment| (pasid, attachment));
    let own = at(fault.pasid.unwrap_or(NO_PASID));
    let nested = at(NO_PASID).filter(|(_, known)| context.objects.nested(known.hwpt).is_some());
    let handler = own.or(nested).map(|(pasid, known)| (pasid, known.hwpt, known.by));
    let queue = handler.and_then(|(_, hwpt, _)| hwpt::fault_queue_of(context, hwpt));
    match (handler, queue) {
        (Some((attached_at, hwpt, named)), Some(queue)) => {
            let pending = Pending { fault, iommu, named, hwpt, group, attached_at };
            context.objects.own_fault_queue(queue).undelivered.push_back(pending);
        }
        (Some(_) | None, _) => respond(host, iommu, &fault, PageResponse::Invalid),
    }
}

/// The attachment of a group is over: its faults are answered.
pub(super) fn answer_group(
    context: &mut Context,
    host: &mut Host,
    hwpt: ObjectId,
    group: GroupId,
    pasid: u32,
) {
    if let Some(queue) = hwpt::fault_queue_of(context, hwpt) {
        let is_over =
            |pending: &Pending| (pending.hwpt, pending.group, pending.attached_at) == (hwpt, group, pasid);
        answer(context, host, queue, is_over);
    }
}

/// The queue is over: its faults are answered.
pub(super) fn answer_all(context: &mut Context, host: &mut Host, queue: ObjectId) {
    answer(context, host, queue, |_pending| true);
}

fn answer(context: &mut Context, host: &mut Host, queue: ObjectId, is_over: impl Fn(&Pending) -> bool) {
    let faults = context.objects.own_fault_queue(queue);
    let mut answered: Vec<Pending> = faults.undelivered.iter().filter(|p| is_over(p)).copied().collect();
    faults.undelivered.retain(|pending| !is_over(pending));
    answered.extend(faults.awaiting.values().filter(|pending| is_over(pending)).copied());
    faults.awaiting.retain(|_, pending| !is_over(pending));
    for pending in answered {
        respond(host, pending.iommu, &pending.fault, PageResponse::Invalid);
    }
}

fn respond(host: &mut Host, iommu: IommuId, fault: &PageFault, response: PageResponse) {
    let Driven { driver, mut port, .. } = host.driven(iommu);
    driver.page_response(&mut port, fault, response);
}

impl FaultQueue {
    /// Whether there is something to read.
    pub fn is_readable(&self) -> bool {
        !self.undelivered.is_empty()
    }

    fn free_cookie(&self) -> u32 {
        let mut cookie = 1;
        for &taken in self.awaiting.keys() {
            if taken != cookie {
                break;
            }
            cookie += 1;
        }
        cookie
    }
}

/// Reads records into `room` bytes; `write(offset, bytes)` puts them into user memory.
pub(crate) fn read(
    context: &mut Context,
    id: ObjectId,
    room: usize,
    mut write: impl FnMut(usize, &[u8]) -> Result<(), ()>,
) -> Result<usize, Refusal> {
    Check::FaultReadSize.refuse_if(!room.is_multiple_of(RECORD_BYTES))?;
    let queue = context.objects.own_fault_queue(id);
    let mut done = 0;
    while let Some(pending) = queue.undelivered.front().copied() {
        if done == room {
            Check::FaultRoom.refuse_if(room == 0)?;
            break;
        }
        let cookie = queue.free_cookie();
        if write(done, &record(&pending, cookie).encode()).is_err() {
            Check::FaultUnwritable.refuse_if(done == 0)?;
            break;
        }
        queue.undelivered.pop_front();
        queue.awaiting.insert(cookie, pending);
        done += RECORD_BYTES;
    }
    Ok(done)
}

fn record(pending: &Pending, cookie: u32) -> iommu_hwpt_pgfault {
    let PageFault { pasid, group, perm, address, .. } = pending.fault;
    iommu_hwpt_pgfault {
        flags: LAST_PAGE | if pasid.is_some() { PASID_VALID } else { 0 },
        dev_id: pending.named.0,
        pasid: pasid.unwrap_or_default(),
        grpid: group,
        perm,
        addr: address,
        length: 0,
        cookie,
        ..Default::default()
    }
}

/// Takes responses; `fetch(offset, bytes)` gets them from user memory. Returns how many bytes were taken.
pub(crate) fn write(
    context: &mut Context,
    host: &mut Host,
    id: ObjectId,
    bytes: usize,
    mut fetch: impl FnMut(&mut Host, usize, &mut [u8]) -> Result<(), ()>,
) -> Result<usize, Refusal> {
    Check::ResponseSize.refuse_if(!bytes.is_multiple_of(RESPONSE_BYTES))?;
    let mut done = 0;
    while done < bytes {
        if let Err(check) = respond_one(context, host, id, |host, into| fetch(host, done, into)) {
            return if done > 0 { Ok(done) } else { Err(check.into()) };
        }
        done += RESPONSE_BYTES;
    }
    Ok(done)
}

fn respond_one(
    context: &mut Context,
    host: &mut Host,
    id: ObjectId,
    fetch: impl FnOnce(&mut Host, &mut [u8]) -> Result<(), ()>,
) -> Result<(), Check> {
    let mut bytes = [0; RESPONSE_BYTES];
    fetch(host, &mut bytes).map_err(|()| Check::ResponseUnreadable)?;
    let iommu_hwpt_page_response { cookie, code } = iommu_hwpt_page_response::decode(&bytes);
    let response = match code {
        0 => PageResponse::Success,
        1 => PageResponse::Invalid,
        _unknown => return Err(Check::ResponseCode),
    };
    let queue = context.objects.own_fault_queue(id);
    let pending = queue.awaiting.remove(&cookie).ok_or(Check::ResponseCookie)?;
    respond(host, pending.iommu, &pending.fault, response);
    Ok(())
}
