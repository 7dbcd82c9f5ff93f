//! Page hints (§3.12.4.1): a client says, by means that are IMPLEMENTATION DEFINED, which pages it is about to access, and
//! software may read it in the Event queue as E_PAGE_REQUEST (§7.3.19).

use crate::address::Iova;
use crate::ids::{StreamId, SubstreamId};
use crate::layout::event::{EventCode, EventRecord, EventWord0, PageHintWord1};

/// What a client expects to access soon. It asks for nothing, and gets no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PageHint {
    /// Whose.
    pub stream: StreamId,
    /// Which of its substreams.
    pub substream: Option<SubstreamId>,
    /// The first address; its lowest 12 bits do not count.
    pub address: Iova,
    /// How many pages of 4 KiB, at least 1.
    pub pages: u8,
    /// What for, with privilege.
    pub privileged: Anticipated,
    /// What for, without privilege.
    pub unprivileged: Anticipated,
}

/// The kinds of access that a client expects to make.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Anticipated {
    /// Reads.
    pub read: bool,
    /// Writes.
    pub write: bool,
    /// Instruction fetches.
    pub execute: bool,
}

impl PageHint {
    /// The record of the hint.
    pub(crate) fn record(&self) -> EventRecord {
        let Self { stream, substream, address, pages, privileged, unprivileged } = *self;
        let header = EventWord0::new()
            .with_event_number(EventCode::EPageRequest.code())
            .with_ssv(substream.is_some())
            .with_substream_id(substream.map_or(0, |substream| substream.0))
            .with_stream_id(stream.0);
        let anticipated = PageHintWord1::new()
            .with_span(pages)
            .with_p_r(privileged.read)
            .with_p_w(privileged.write)
            .with_p_x(privileged.execute)
            .with_u_r(unprivileged.read)
            .with_u_w(unprivileged.write)
            .with_u_x(unprivileged.execute);
        EventRecord([header.into_bits(), anticipated.into_bits(), address.value() & !0xfff, 0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_has_the_fields_of_7_3_19() {
        let (read, write, execute) = (true, true, true);
        let hint = PageHint {
            stream: StreamId(0x12),
            substream: Some(SubstreamId(0x345)),
            address: Iova::new(0x8000_1fff),
            pages: 0x21,
            privileged: Anticipated { read, ..Anticipated::default() },
            unprivileged: Anticipated { write, execute, ..Anticipated::default() },
        };
        // Span is [115:108], pR [103], uW [98], uX [97].
        let words = [0x0000_0012_0034_5824, 0x0002_1086_0000_0000, 0x8000_1000, 0];
        assert_eq!(hint.record(), EventRecord(words));
        let all = Anticipated { read, write, execute };
        let hint = PageHint { substream: None, privileged: all, unprivileged: all, pages: 0xff, ..hint };
        let words = [0x0000_0012_0000_0024, 0x000f_f0ee_0000_0000, 0x8000_1000, 0];
        assert_eq!(hint.record(), EventRecord(words));
    }
}
