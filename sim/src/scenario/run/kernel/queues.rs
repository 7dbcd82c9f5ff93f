//! `read` and `write` of fault queues and vEVENTQs.

use super::Machine;
use super::calls::{named, plain};
use crate::iommufd::uapi::{Layout, iommu_hwpt_pgfault, iommufd_vevent_header};
use crate::kernel::file::File;
use crate::kernel::process::Pid;
use crate::scenario::step::{CallData, ProcessId, Value, VirtualEvent, WriteData};
use crate::trace::{Call, CallEnd, Listener};

/// `IOMMU_VEVENTQ_FLAG_LOST_EVENTS`.
const LOST_EVENTS: u32 = 1;

impl<'a, L: Listener> Machine<'a, L> {
    pub(super) fn read(
        &mut self,
        id: ProcessId,
        fd: i32,
        (bytes, position): (usize, u64),
        to: Option<u64>,
    ) -> Result<(), String> {
        let actor = self.actor(id)?;
        let count = u64::try_from(bytes).expect("checked to be small");
        let call = plain("read", Some(fd), named([("bytes", count), ("position", position)]));
        self.say_called(id, &call);
        let at = to.unwrap_or(actor.pointees);
        let result = self.kernel.read(actor.pid, fd, at, bytes, position);
        let result = result.map_err(|errno| (errno, self.kernel.last_failed()));
        let data = match result {
            Ok(count) if count > 0 => {
                let mut found = vec![0; count];
                self.fetch(actor, at, &mut found)?;
                if to.is_none() {
                    self.put(actor, at, &vec![0; count])?;
                }
                Some(self.decoded(actor.pid, fd, found))
            }
            Ok(_) | Err(_) => None,
        };
        let structure = match &data {
            Some(CallData::Faults(faults)) => faults.first().cloned().unwrap_or_default(),
            _other => Vec::new(),
        };
        let result = result.map(|count| u64::try_from(count).expect("checked to be small"));
        self.ended(id, &call, CallEnd { result, fields: Vec::new(), data }, structure);
        Ok(())
    }

    /// What was read from this kind of file.
    fn decoded(&self, pid: Pid, fd: i32, bytes: Vec<u8>) -> CallData {
        let file = self.kernel.host.file_of(pid, fd).map(|file| self.kernel.host.files.get(file));
        match file {
            Some(File::FaultQueue { .. }) => {
                let size = iommu_hwpt_pgfault::FIELDS.last().map_or(1, |field| field.offset + field.bytes);
                CallData::Faults(bytes.chunks(size).map(<[u8]>::to_vec).collect())
            }
            Some(File::EventQueue { .. }) => CallData::Events(events(&bytes)),
            Some(File::Iommufd(_) | File::VfioDevice(_) | File::Memory(_) | File::Vm(_) | File::Other)
            | None => CallData::Bytes(bytes),
        }
    }

    pub(super) fn write(&mut self, id: ProcessId, fd: i32, data: &WriteData) -> Result<(), String> {
        let actor = self.actor(id)?;
        let shown = match data {
            WriteData::Responses(responses) => {
                let word = |value: &Value| {
                    let value = self.value(value)?;
                    u32::try_from(value).map_err(|_too_large| format!("{value:#x} has more than 32 bits"))
                };
                let known = responses.iter().map(|(cookie, code)| Ok((word(cookie)?, word(code)?)));
                Some(CallData::Responses(known.collect::<Result<_, String>>()?))
            }
            WriteData::Bytes(bytes) => Some(CallData::Bytes(bytes.clone())),
            WriteData::Memory { .. } => None,
        };
        let bytes = shown.as_ref().map(CallData::bytes).unwrap_or_default();
        let (at, count) = match data {
            WriteData::Memory { at, bytes } => (self.value(at)?, *bytes),
            WriteData::Responses(_) | WriteData::Bytes(_) => (actor.pointees, bytes.len()),
        };
        let length = u64::try_from(count).expect("checked to be small");
        let call = Call { data: shown, ..plain("write", Some(fd), named([("bytes", length)])) };
        self.say_called(id, &call);
        if !bytes.is_empty() {
            self.put(actor, at, &bytes)?;
        }
        let result = self.kernel.write(actor.pid, fd, at, count);
        let result = result.map_err(|errno| (errno, self.kernel.last_failed()));
        if !bytes.is_empty() {
            self.put(actor, at, &vec![0; bytes.len()])?;
        }
        let result = result.map(|count| u64::try_from(count).expect("checked to be small"));
        self.ended(id, &call, CallEnd { result, fields: Vec::new(), data: None }, Vec::new());
        Ok(())
    }
}

/// What a vEVENTQ has given: headers, each with a record unless it says that events were lost.
fn events(bytes: &[u8]) -> Vec<VirtualEvent> {
    let mut events = Vec::new();
    let mut rest = bytes;
    while let Some((header, after)) = rest.split_at_checked(size_of::<iommufd_vevent_header>()) {
        let iommufd_vevent_header { flags, sequence } = iommufd_vevent_header::decode(header);
        rest = after;
        let mut record = None;
        if flags & LOST_EVENTS == 0 {
            let (words, _) = after.as_chunks::<8>();
            let word = |index: usize| words.get(index).copied().map(u64::from_le_bytes).unwrap_or_default();
            record = Some([word(0), word(1), word(2), word(3)]);
            rest = after.get(size_of::<[u64; 4]>()..).unwrap_or_default();
        }
        events.push(VirtualEvent { sequence, record });
    }
    events
}
