//! Events of the hardware, on their way into the guest's Event queue.

use smmu_model::Progress;
use smmu_model::layout::event::{EventCode, EventRecord, EventWord0};

use super::{Accelerated, Behind};
use crate::iommufd::uapi::{Layout, iommufd_vevent_header};
use crate::vmm::note::{EventSource, Note};

/// `IOMMU_VEVENTQ_FLAG_LOST_EVENTS`.
const LOST_EVENTS: u32 = 1 << 0;

const HEADER_BYTES: usize = size_of::<iommufd_vevent_header>();
const RECORD_BYTES: usize = 32;

impl Accelerated {
    /// Takes one event from the kernel, if there is one.
    pub(super) fn take_event(&mut self, behind: &mut Behind<'_>) -> Progress {
        let (_, fd) = self.events;
        let caller = &mut behind.caller;
        let is_readable = caller.kernel.is_readable(caller.client.pid, fd);
        if is_readable != Ok(true) {
            return Progress::Idle;
        }
        let read = caller.client.read(caller.kernel, fd, HEADER_BYTES + RECORD_BYTES);
        let bytes = read.expect("there is room for one event");
        let header = iommufd_vevent_header::decode(&bytes);
        match bytes.get(HEADER_BYTES..).and_then(|payload| <[u8; RECORD_BYTES]>::try_from(payload).ok()) {
            Some(payload) if header.flags & LOST_EVENTS == 0 => {
                record(behind, EventRecord::from_bytes(payload), EventSource::Hardware);
            }
            Some(_) | None => behind.note(Note::EventsLost { sequence: header.sequence }),
        }
        Progress::Worked
    }
}

/// C_BAD_STE, of which the hardware does not know, as it has never seen the STE.
pub(super) fn bad_ste(behind: &mut Behind<'_>, stream: u32) {
    let word0 = EventWord0::new().with_event_number(EventCode::CBadSte.code()).with_stream_id(stream);
    record(behind, EventRecord([word0.into_bits(), 0, 0, 0]), EventSource::Monitor);
}

pub(super) fn record(behind: &mut Behind<'_>, record: EventRecord, source: EventSource) {
    behind.note(Note::Event { record, source });
    behind.front(|front, world| front.record_event(world, record));
}
