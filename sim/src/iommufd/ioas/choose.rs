//! The IOVA that the kernel chooses for a mapping: the lowest that fits and keeps huge pages possible.

use super::range::IovaRange;
use super::space::IovaSpace;
use crate::iommufd::check::{Check, Refusal};
use crate::kernel::frames::{HUGE_PAGE_SIZE, PAGE_SIZE};

/// Where addresses are chosen if the user allows everything: never 0, nor the last page.
const WINDOW: IovaRange = IovaRange { start: PAGE_SIZE, last: u64::MAX - PAGE_SIZE };

impl IovaSpace {
    /// A range of `bytes` for memory whose address is `source`.
    pub(super) fn choose(&self, source: u64, bytes: u64) -> Result<IovaRange, Refusal> {
        Check::MapAutoTooLarge.refuse_if(bytes >= u64::MAX / 2)?;
        let natural = bytes.next_power_of_two();
        let wanted = if source == 0 { natural } else { natural.min(1 << source.trailing_zeros()) };
        let alignment = wanted.min(HUGE_PAGE_SIZE);
        Check::MapAutoAlignment.refuse_if(alignment < self.alignment)?;
        let fit = Fit { alignment, offset: source % PAGE_SIZE, bytes };
        let found = self.allowed_spans().into_iter().find_map(|span| self.first_fit(&fit, span));
        let start = found.ok_or(Check::MapAutoFull)?;
        Ok(IovaRange { start, last: start + (bytes - 1) })
    }

    /// The first address in a span at which nothing is in the way.
    fn first_fit(&self, fit: &Fit, span: IovaRange) -> Option<u64> {
        let mut from = span.start;
        loop {
            let range = fit.first_in(IovaRange { start: from, last: span.last })?;
            let reserved = self.reserved.iter().map(|(_, reserved)| *reserved);
            let used = reserved.chain(self.areas_in(range).map(|area| area.range));
            let obstacle = used.filter(|used| used.overlaps(range)).map(|used| used.last).max();
            match obstacle {
                None => return Some(range.start),
                // Whatever starts before its end meets it too.
                Some(last) => from = last.checked_add(1).filter(|&from| from <= span.last)?,
            }
        }
    }

    /// The allowed ranges, adjoining ones as one, inside the window.
    fn allowed_spans(&self) -> Vec<IovaRange> {
        if self.allowed.is_empty() {
            return vec![WINDOW];
        }
        let mut spans: Vec<IovaRange> = Vec::new();
        for &range in self.allowed.iter().filter(|range| range.overlaps(WINDOW)) {
            let range = IovaRange { start: range.start.max(WINDOW.start), last: range.last.min(WINDOW.last) };
            match spans.last_mut() {
                Some(previous) if previous.last.checked_add(1) == Some(range.start) => {
                    previous.last = range.last;
                }
                Some(_) | None => spans.push(range),
            }
        }
        spans
    }
}

/// What is to be placed.
struct Fit {
    alignment: u64,
    /// From the start of a page.
    offset: u64,
    bytes: u64,
}

impl Fit {
    /// The first range of `span` that has room for it. A hole must have a byte more than a single one.
    fn first_in(&self, span: IovaRange) -> Option<IovaRange> {
        let start = span.start.checked_next_multiple_of(self.alignment)? | self.offset;
        let last = start.checked_add((self.bytes - 1).max(1))?;
        (last <= span.last).then_some(IovaRange { start, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iommufd::ioas::space::Owner;
    use crate::iommufd::object::ObjectId;

    fn check(
        allowed: &[(u64, u64)],
        reserved: &[(u64, u64)],
        source: u64,
        bytes: u64,
        expected: Option<u64>,
    ) {
        let range = |&(start, last): &(u64, u64)| IovaRange { start, last };
        let mut space = IovaSpace::default();
        for reserved in reserved.iter().map(range) {
            space.reserve(Owner::Device(ObjectId(1)), reserved).expect("nothing is mapped");
        }
        space.allow(allowed.iter().map(range).collect()).expect("nothing of it is reserved");
        let found = space.choose(source, bytes).ok().map(|range| range.start);
        assert_eq!(found, expected, "{allowed:x?} {reserved:x?} {source:#x} {bytes:#x}");
    }

    #[test]
    fn the_lowest_address_that_keeps_the_alignment_of_the_source() {
        check(&[], &[], 0xffff_0000_0000, 0x1000, Some(0x1000));
        check(&[], &[], 0xffff_0000_0000, 0x20_0000, Some(0x20_0000));
        check(&[], &[], 0xffff_0000_0000, 0x4000_0000, Some(0x20_0000));
        check(&[], &[], 0xffff_0000_1000, 0x20_0000, Some(0x1000));
        check(&[], &[], 0xffff_0000_0123, 0x10, Some(0x1123));
        check(&[], &[], 0, 0x3000, Some(0x4000));
        check(&[], &[(0, 0x1fff)], 0xffff_0000_1000, 0x1000, Some(0x2000));
        check(&[], &[(0x1000, 0x1fff), (0x4000, u64::MAX)], 0xffff_0000_1000, 0x2000, Some(0x2000));
        check(&[], &[(0x1000, 0x1fff), (0x4000, u64::MAX)], 0xffff_0000_1000, 0x2001, None);
        check(&[(0x10_0000, 0x10_0fff)], &[], 0xffff_0000_0000, 0x1000, Some(0x10_0000));
        check(&[(0x10_0000, 0x10_0fff)], &[], 0xffff_0000_0000, 0x1001, None);
        check(&[(0, 0xfff), (0x1000, 0x1fff)], &[], 0xffff_0000_0000, 0x1000, Some(0x1000));
        check(&[(0x8000, 0x8fff), (0x9000, 0x9fff)], &[], 0xffff_0000_0000, 0x2000, Some(0x8000));
        check(&[], &[], 0xffff_0000_0000, u64::MAX / 2, None);
        check(&[(0x10_0000, 0x10_0001)], &[], 0xffff_0000_0000, 1, Some(0x10_0000));
        check(&[], &[(0, 0xf_ffff), (0x10_0001, u64::MAX)], 0xffff_0000_0000, 1, None);
    }
}
