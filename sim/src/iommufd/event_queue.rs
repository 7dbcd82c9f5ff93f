//! vEVENTQs: events of the hardware for a guest, read from a descriptor.

use std::collections::VecDeque;

use super::call::Call;
use super::check::{Check, Refusal};
use super::context::Context;
use super::object::{Object, ObjectId};
use super::teardown;
use super::uapi::{Layout, iommu_veventq_alloc, iommufd_vevent_header};
use crate::errno::Errno;
use crate::kernel::file::File;

/// `IOMMU_VEVENTQ_TYPE_DEFAULT`, which cannot be allocated.
const TYPE_DEFAULT: u32 = 0;

/// Most events that a queue can keep.
const DEPTH_MAX: u32 = 1 << 19;

/// The sequence numbers go from 0 up to this one and start again.
const SEQUENCE_MASK: u32 = i32::MAX.cast_unsigned();

/// `IOMMU_VEVENTQ_FLAG_LOST_EVENTS`.
const LOST_EVENTS: u32 = 1 << 0;

/// Bytes of the header before each event.
const HEADER_BYTES: usize = size_of::<iommufd_vevent_header>();

/// A queue of events of one type.
#[derive(Clone, Debug)]
pub struct EventQueue {
    /// The virtual IOMMU.
    pub viommu: ObjectId,
    /// `enum iommu_veventq_type`.
    pub kind: u32,
    depth: usize,
    sequence: u32,
    events: VecDeque<(u32, Vec<u8>)>,
    /// Events were lost behind the last one in the queue; the number of the last that was.
    lost: Option<u32>,
}

/// VEVENTQ_ALLOC.
pub(super) fn alloc(call: &mut Call<'_>, mut cmd: iommu_veventq_alloc) -> Result<(), Refusal> {
    Check::VeventqFlags.refuse_if(cmd.flags != 0 || cmd.__reserved != 0 || cmd.type_ == TYPE_DEFAULT)?;
    Check::VeventqDepth.refuse_if(cmd.veventq_depth == 0 || cmd.veventq_depth > DEPTH_MAX)?;
    let viommu_id = ObjectId(cmd.viommu_id);
    let viommu = call.context.objects.viommu(viommu_id).ok_or(Check::VeventqViommu)?;
    Check::VeventqTwice.refuse_if(viommu.queues.contains_key(&cmd.type_))?;
    let depth = usize::try_from(cmd.veventq_depth).unwrap_or(usize::MAX);
    let objects = &mut call.context.objects;
    let queue = EventQueue::new(viommu_id, cmd.type_, depth);
    let id = objects.insert(Object::EventQueue(queue));
    objects.hold(viommu_id);
    objects.own_viommu(viommu_id).queues.insert(cmd.type_, id);
    let file = File::EventQueue { context: call.context.id, object: id, keeps: call.file };
    let opened = call.open_queue(file);
    let done = opened.and_then(|(fd, descriptor)| {
        call.context.objects.hold(id);
        (cmd.out_veventq_id, cmd.out_veventq_fd) = (id.0, fd);
        call.reply(&cmd).inspect_err(|_fault| call.close_queue(descriptor, id))
    });
    done.inspect_err(|_refusal| teardown::destroy(call.context, call.host, id, false))
}

impl EventQueue {
    fn new(viommu: ObjectId, kind: u32, depth: usize) -> Self {
        Self { viommu, kind, depth, sequence: 0, events: VecDeque::new(), lost: None }
    }

    /// Puts an event in, or notes that it is lost.
    fn report(&mut self, payload: Vec<u8>) {
        let sequence = self.sequence;
        self.sequence = (sequence + 1) & SEQUENCE_MASK;
        if self.events.len() == self.depth {
            self.lost = Some(sequence);
        } else {
            // What was lost before shows in the numbers.
            self.lost = None;
            self.events.push_back((sequence, payload));
        }
    }

    /// Whether there is something to read.
    pub fn is_readable(&self) -> bool {
        !self.events.is_empty() || self.lost.is_some()
    }

    /// What is read next: header and payload.
    fn next(&self) -> Option<Vec<u8>> {
        let header = |flags, sequence| iommufd_vevent_header { flags, sequence }.encode();
        let event = |(sequence, payload): &(u32, Vec<u8>)| [header(0, *sequence), payload.clone()].concat();
        let lost = || self.lost.map(|sequence| header(LOST_EVENTS, sequence));
        self.events.front().map(event).or_else(lost)
    }

    fn drop_next(&mut self) {
        if self.events.pop_front().is_none() {
            self.lost = None;
        }
    }
}

/// The driver reports an event of a virtual IOMMU.
pub(crate) fn report(
    context: &mut Context,
    viommu: ObjectId,
    kind: u32,
    payload: Vec<u8>,
) -> Result<(), Errno> {
    let queue = context.objects.own_viommu(viommu).queues.get(&kind).copied().ok_or(Errno::EOPNOTSUPP)?;
    context.objects.own_event_queue(queue).report(payload);
    Ok(())
}

/// Reads events into `room` bytes, as many as fit; `write(offset, bytes)` puts them into user memory.
pub(crate) fn read(
    context: &mut Context,
    id: ObjectId,
    room: usize,
    mut write: impl FnMut(usize, &[u8]) -> Result<(), ()>,
) -> Result<usize, Refusal> {
    Check::VeventCount.refuse_if(room < HEADER_BYTES)?;
    let queue = context.objects.own_event_queue(id);
    let mut done = 0;
    while let Some(event) = queue.next() {
        let failed = if event.len() > room - done {
            Some(Check::VeventRoom)
        } else {
            write(done, &event).err().map(|()| Check::VeventUnwritable)
        };
        match failed {
            None => {
                done += event.len();
                queue.drop_next();
            }
            Some(check) if done == 0 => return Err(check.into()),
            Some(_) => break,
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What reading gives, as flags and sequence numbers.
    fn drain(queue: &mut EventQueue) -> Vec<(u32, u32)> {
        let mut found = Vec::new();
        while let Some(bytes) = queue.next() {
            let header = iommufd_vevent_header::decode(&bytes);
            found.push((header.flags, header.sequence));
            queue.drop_next();
        }
        found
    }

    #[test]
    fn lost_events_leave_one_header_and_a_gap() {
        let mut queue = EventQueue::new(ObjectId(1), 1, 2);
        (0..5).for_each(|_| queue.report(vec![0; 32]));
        assert_eq!(drain(&mut queue), [(0, 0), (0, 1), (1, 4)]);
        (0..3).for_each(|_| queue.report(vec![0; 32]));
        assert_eq!(queue.next().map(|event| event.len()), Some(40));
        queue.drop_next();
        queue.report(vec![0; 32]);
        assert_eq!(drain(&mut queue), [(0, 6), (0, 8)]);
        queue.sequence = SEQUENCE_MASK;
        (0..2).for_each(|_| queue.report(vec![0; 32]));
        assert_eq!(drain(&mut queue), [(0, SEQUENCE_MASK), (0, 0)]);
    }
}
