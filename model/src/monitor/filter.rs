//! The StreamID filter of a counter (§10.4). Without Secure and Realm state, a span of one Security state and of
//! several are the same.

use crate::address::low_mask;
use crate::ids::StreamId;

/// Whether a stream passes the filter SMR, of which the low `sid_bits` bits are implemented. Without `is_span` it is
/// one StreamID; with it, the ones at its end and the zero above them stand for any bits.
pub(super) fn matches(sid_bits: u8, stream_match: u32, is_span: bool, stream: StreamId) -> bool {
    let implemented = low_mask(sid_bits);
    let ignored = match (is_span, stream_match.trailing_ones() + 1) {
        (false, _) => 0,
        (true, bits) if bits >= u32::from(sid_bits) => return true,
        (true, bits) => (1 << bits) - 1,
    };
    let differing = u64::from(stream_match) & implemented ^ u64::from(stream.0);
    differing & !ignored == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sid_bits: u8, stream_match: u32, is_span: bool, passing: &[u32], others: &[u32]) {
        let passes = |stream: &u32| matches(sid_bits, stream_match, is_span, StreamId(*stream));
        assert!(passing.iter().all(passes), "{stream_match:#x} lets {passing:x?} pass");
        assert!(!others.iter().any(passes), "{stream_match:#x} lets none of {others:x?} pass");
    }

    #[test]
    fn one_stream_and_spans() {
        check(16, 0x12, false, &[0x12], &[0x13, 0x10, 0x1_0012]);
        // …0: one bit; …0111: four bits.
        check(16, 0x12, true, &[0x12, 0x13], &[0x10, 0x11, 0x14]);
        check(16, 0x1237, true, &[0x1230, 0x123f], &[0x1220, 0x1240]);
        // The top bit 0 and ones below: all streams of one Security state; all ones: of several.
        check(16, 0x7fff, true, &[0, 0x8000, 0xffff], &[]);
        check(16, 0xffff, true, &[0, 0x8000, 0xffff], &[]);
        check(32, u32::MAX, true, &[0, u32::MAX], &[]);
        check(32, 0x3fff_ffff, true, &[0, 0x7fff_ffff], &[0x8000_0000]);
        check(0, 0, false, &[0], &[1]);
        check(0, 0, true, &[0], &[]);
    }
}
