//! What the driver does when the SMMU calls: events, page requests, global errors (IHI 0070 chapter 7).

use super::command::{self, Resume};
use super::platform::Platform;
use super::{ArmSmmuV3, MasterId, PageFault, PageResponse, Report};

/// Events that a guest may hear of: C_BAD_STE, F_STREAM_DISABLED, C_BAD_SUBSTREAMID, C_BAD_CD, F_TRANSLATION,
/// F_ADDR_SIZE, F_ACCESS, F_PERMISSION.
const HANDLED: [u64; 8] = [0x04, 0x06, 0x08, 0x0a, 0x10, 0x11, 0x12, 0x13];
const SSV: u64 = 1 << 11;
const STALL: u64 = 1 << 31;
const PRIVILEGED: u64 = 1 << 33;
const INSTRUCTION: u64 = 1 << 34;
const READ: u64 = 1 << 35;
const STAGE2: u64 = 1 << 39;

impl ArmSmmuV3 {
    /// The SMMU's interrupts: drains the Event queue and the PRI queue, and handles global errors.
    pub fn interrupts(&mut self, p: &mut impl Platform) -> Vec<Report> {
        self.queue.handle_global_errors(p);
        let mut reports = Vec::new();
        while let Some(record) = self.events.take(p) {
            reports.push(self.report(record));
        }
        self.events.acknowledge(p);
        self.page_requests(p);
        reports
    }

    fn report(&self, record: [u64; 4]) -> Report {
        let [word0, word1, word2, _] = record;
        let sid = word0 >> 32;
        let master =
            self.masters.iter().position(|master| master.streams.iter().any(|s| u64::from(*s) == sid));
        let Some(master) = master.filter(|_| HANDLED.contains(&(word0 & 0xff))) else {
            return Report::Logged(record);
        };
        if word1 & STALL != 0 {
            let perm = [(READ, 1), (INSTRUCTION, 4), (PRIVILEGED, 8)];
            let perm = perm.iter().filter(|(bit, _)| word1 & bit != 0).map(|(_, perm)| perm).sum::<u32>();
            return Report::Fault(PageFault {
                master: MasterId(master),
                pasid: (word0 & SSV != 0).then(|| low_bits(word0 >> 12, 20)),
                group: low_bits(word1, 16),
                perm: if word1 & READ == 0 { perm | 2 } else { perm },
                address: word2,
            });
        }
        match self.masters[master].vmaster {
            Some((viommu, virt_id)) if word1 & STAGE2 == 0 => {
                let word0 = word0 & 0xffff_ffff | virt_id << 32;
                Report::Virtual { viommu, record: [word0, record[1], record[2], record[3]], hardware: record }
            }
            Some(_) | None => Report::Logged(record),
        }
    }

    /// Answers a page fault. A device that cannot be stalled is not answered.
    pub fn page_response(&mut self, p: &mut impl Platform, fault: &PageFault, response: PageResponse) {
        let master = &self.masters[fault.master.0];
        if !master.stall_enabled {
            return;
        }
        let resume = match response {
            PageResponse::Success => Resume::Retry,
            PageResponse::Invalid | PageResponse::Failure => Resume::Abort,
        };
        let command = command::resume(master.streams[0], fault.group, resume);
        self.queue.issue(p, command);
    }

    /// Nobody handles page requests: each group is denied.
    fn page_requests(&mut self, p: &mut impl Platform) {
        const LAST: u64 = 1 << 62;
        const HAS_PASID: u64 = 1 << 63;
        let Some(queue) = &mut self.page_request_queue else { return };
        while let Some([word0, word1]) = queue.take(p) {
            if word0 & LAST != 0 {
                let ssid = (word0 & HAS_PASID != 0).then(|| low_bits(word0 >> 32, 20));
                let command = command::pri_deny(low_bits(word0, 32), ssid, low_bits(word1, 9));
                self.queue.issue(p, command);
            }
        }
        queue.acknowledge(p);
    }
}

fn low_bits(word: u64, bits: u8) -> u32 {
    u32::try_from(word & (u64::MAX >> (64 - bits))).expect("at most 32 bits")
}
