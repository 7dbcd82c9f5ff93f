//! `events`: the records that software has not consumed yet (§3.5, §7.3).

use serde::Serialize;
use smmu_model::address::low_mask;
use smmu_model::layout::event::EventRecord;
use smmu_model::layout::names;
use smmu_model::layout::register::{OutputQueueIndex, QueueBase};
use smmu_model::{Register, Smmu};

use super::fields::Fields;
use super::machine::Machine;
use super::method;
use super::params::Params;
use super::rpc::{Error, Problem};
use crate::hex::Bytes;

/// A record has 32 bytes (§7.3).
const RECORD_BYTES_LOG2: u8 = 5;

/// Most records in one answer.
const MAX_RECORDS: u64 = 1 << 16;

/// `events`.
pub(super) fn events(machine: &mut Machine, _: &Params) -> Result<method::Reply, Error> {
    let queue = Queue::of(&machine.smmu);
    let count = queue.count();
    if count > MAX_RECORDS {
        let text = format!("there are {count} records, more than {MAX_RECORDS}: move EVENTQ_CONS on");
        return Err(Error::new(Problem::Limit, text));
    }
    let records = (0..count).map(|nth| {
        let mut bytes = [0; 32];
        machine.bus.memory.load(queue.address(nth), &mut bytes);
        Record::new(EventRecord::from_bytes(bytes))
    });
    Ok(method::Reply::Events(Reply { records: records.collect() }))
}

/// The Event queue as its registers describe it.
struct Queue {
    base: u64,
    log2_size: u8,
    /// PROD.WR and CONS.RD, index and wrap.
    write: u64,
    read: u64,
}

impl Queue {
    fn of(smmu: &Smmu) -> Self {
        let features = smmu.features();
        let index = |register| {
            let word = u32::try_from(smmu.peek(register)).expect("a register of 32 bits");
            u64::from(OutputQueueIndex::from_bits(word).index())
        };
        let base = QueueBase::from_bits(smmu.peek(Register::EventqBase));
        // LOG2SIZE is capped, and the base aligned to the size, however they are written (§6.3.29).
        let log2_size = base.log2size().min(features.eventq_log2_max);
        let base = base.addr() & low_mask(features.oas_bits) & !low_mask(log2_size + RECORD_BYTES_LOG2);
        Self { base, log2_size, write: index(Register::EventqProd), read: index(Register::EventqCons) }
    }

    /// How many records wait; no more than the queue holds, even if its indexes are inconsistent (§3.5.1).
    fn count(&self) -> u64 {
        let waiting = self.write.wrapping_sub(self.read) & low_mask(self.log2_size + 1);
        waiting.min(1 << self.log2_size)
    }

    fn address(&self, nth: u64) -> u64 {
        self.base + (((self.read + nth) & low_mask(self.log2_size)) << RECORD_BYTES_LOG2)
    }
}

/// The answer to `events`.
#[derive(Serialize, Debug)]
pub(super) struct Reply {
    records: Vec<Record>,
}

/// A record, raw and decoded.
#[derive(Serialize, Debug)]
struct Record {
    raw: Bytes,
    name: String,
    sid: u32,
    #[serde(flatten)]
    fields: Fields,
}

impl Record {
    /// A number without a name is written as it is, and has no fields.
    fn new(record: EventRecord) -> Self {
        let code = record.event_code();
        let number = record.word0().event_number();
        Self {
            raw: Bytes(record.to_bytes().to_vec()),
            name: code.map_or_else(|| format!("{:#04x}", number), |code| code.name().to_owned()),
            sid: record.word0().stream_id(),
            fields: Fields::new(code.map_or(&[], names::event), &record.0),
        }
    }
}
