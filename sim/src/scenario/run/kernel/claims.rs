//! Judges expectations against what processes and devices can see.

use smmu_model::layout::event::{EventCode, EventRecord};
use smmu_model::layout::names;

use super::{End, Machine};
use crate::iommufd::uapi::Field;
use crate::scenario::ioctl::{field_name, get};
use crate::scenario::run::claims::{Mismatch, judge_fields, mismatch, shown_bytes, shown_record, unknown};
use crate::scenario::step::{CallData, Initiator, KernelClaimKind, KernelData, KernelStep, ProcessId, Value};
use crate::trace::{CallEnd, Listener};

pub(super) type Judged = Result<(), Mismatch>;

impl<'a, L: Listener> Machine<'a, L> {
    /// Whether the claim holds; takes what it speaks about.
    pub(super) fn judge(&mut self, step: &KernelStep, claim: &KernelClaimKind) -> Judged {
        match claim {
            KernelClaimKind::Succeeds { ret, fields } => self.judge_success(ret.as_ref(), fields),
            KernelClaimKind::Fails { errno, check, fields } => {
                let named = check.map_or(String::new(), |check| format!(" by {}", check.label()));
                let expected = format!("the system call to fail with {errno}{named}");
                let (end, structure) = self.call_end()?;
                match end.result {
                    Ok(_) => mismatch(expected, "it succeeds"),
                    Err((found, by)) if found == *errno && (check.is_none() || by == *check) => {
                        self.judge_structure(&structure, fields)
                    }
                    Err((found, by)) => mismatch(expected, super::calls::shown_failure(found, by)),
                }
            }
            KernelClaimKind::Bytes(expected) => {
                let (_, structure) = self.call_end()?;
                let found = &structure[..structure.len().min(expected.len())];
                let text = || format!("the structure to hold {}", shown_bytes(expected));
                if found == expected { Ok(()) } else { mismatch(text(), shown_bytes(found)) }
            }
            KernelClaimKind::Ranges(_) | KernelClaimKind::HwInfo(_) | KernelClaimKind::Dirty(_) => {
                self.judge_given(claim)
            }
            KernelClaimKind::Fault(fields) => {
                let Some(fault) = self.read.faults.pop_front() else {
                    return mismatch("a fault to be read", "there is none");
                };
                self.judge_table("a fault", &fault, fields)
            }
            KernelClaimKind::Event { .. } | KernelClaimKind::Lost(_) => self.judge_event(claim),
            KernelClaimKind::End { end, data } => self.judge_end(*end, data.as_ref()),
            KernelClaimKind::Vm(claim) => self.judge_vm(claim),
            KernelClaimKind::Memory { at, data } => self.judge_memory(step.process, at, data),
            KernelClaimKind::Buffer { device, data } => self.judge_buffer(*device, data),
            KernelClaimKind::Logged { code, fields } => self.judge_log(*code, fields),
            KernelClaimKind::NothingLogged => match self.next_logged() {
                None => Ok(()),
                Some(record) => mismatch("nothing in the kernel's log", shown_record(record)),
            },
            KernelClaimKind::Readable(fd, expected) => {
                let fd = self.descriptor(fd).map_err(unknown)?;
                let pid = self.actor(step.process).map_err(unknown)?.pid;
                let words = |readable| if readable { "something to read" } else { "nothing to read" };
                match self.kernel.is_readable(pid, fd) {
                    Ok(found) if found == *expected => Ok(()),
                    Ok(found) => mismatch(words(*expected), words(found)),
                    Err(errno) => mismatch(words(*expected), errno.to_string()),
                }
            }
            KernelClaimKind::Stalled(expected) => {
                let found = self.kernel.stalled();
                let text = |count| format!("{count} stalled accesses");
                if found == *expected { Ok(()) } else { mismatch(text(*expected), text(found)) }
            }
            KernelClaimKind::Pinned(expected) => {
                let pid = self.actor(step.process).map_err(unknown)?.pid;
                let found = self.kernel.host.processes[pid.0].mm.as_ref().map_or(0, |mm| mm.pinned_pages);
                let text = |pages| format!("{pages} pinned pages");
                if found == *expected { Ok(()) } else { mismatch(text(*expected), text(found)) }
            }
        }
    }

    /// How the call of the step ended, with its structure.
    fn call_end(&self) -> Result<(CallEnd, Vec<u8>), Mismatch> {
        match &self.end {
            End::Call(end, structure) => Ok((end.clone(), structure.clone())),
            End::Vm(stop) => mismatch("the step to succeed", stop.to_string()),
            End::Nothing | End::Access(_) => unreachable!("checked to stand at a call"),
        }
    }

    fn judge_success(&self, ret: Option<&Value>, fields: &[(Field, Value)]) -> Judged {
        let (end, structure) = self.call_end()?;
        match end.result {
            Ok(found) => {
                if let Some(ret) = ret {
                    let expected = self.known(ret)?;
                    if found != expected {
                        return mismatch(format!("the call to return {expected:#x}"), format!("{found:#x}"));
                    }
                }
                self.judge_structure(&structure, fields)
            }
            Err((errno, check)) => {
                mismatch("the system call to succeed", super::calls::shown_failure(errno, check))
            }
        }
    }

    fn judge_structure(&self, structure: &[u8], fields: &[(Field, Value)]) -> Judged {
        self.judge_table("the structure", structure, fields)
    }

    fn judge_table(&self, what: &str, bytes: &[u8], fields: &[(Field, Value)]) -> Judged {
        for (field, value) in fields {
            let (expected, found) = (self.known(value)?, get(bytes, field));
            let bits = 8 * field.bytes.min(8);
            // A negative number is cut to the field, as it was when it was put in.
            let cut = if bits == 64 { expected } else { expected & ((1 << bits) - 1) };
            let is_negative = expected.cast_signed() < 0;
            if found != if is_negative { cut } else { expected } {
                let name = field_name(field);
                return mismatch(
                    format!("{what} with {name} = {expected:#x}"),
                    format!("{name} = {found:#x}"),
                );
            }
        }
        Ok(())
    }

    fn judge_given(&self, claim: &KernelClaimKind) -> Judged {
        let (end, _) = self.call_end()?;
        match (claim, end.data) {
            (KernelClaimKind::Ranges(expected), Some(CallData::Ranges(found))) => {
                if found == *expected {
                    return Ok(());
                }
                let text = |ranges: &[(u64, u64)]| {
                    let ranges = ranges.iter().map(|(first, last)| format!("{first:#x}..={last:#x}"));
                    format!("ranges {}", ranges.collect::<Vec<_>>().join(" "))
                };
                mismatch(text(expected), text(&found))
            }
            (KernelClaimKind::HwInfo(fields), Some(CallData::HwInfo(found))) => {
                self.judge_table("the data", &found, fields)
            }
            (KernelClaimKind::Dirty(expected), Some(CallData::Dirty(found))) => {
                if found == *expected {
                    return Ok(());
                }
                let text = |pages: &[u64]| format!("dirty pages {pages:?}");
                mismatch(text(expected), text(&found))
            }
            _ => mismatch("the kernel to give what is expected", "it gave nothing"),
        }
    }

    fn judge_event(&mut self, claim: &KernelClaimKind) -> Judged {
        let Some(found) = self.read.events.pop_front() else {
            return mismatch("an event to be read", "there is none");
        };
        let shown = found.record.map_or("lost events".to_owned(), |record| shown_record(EventRecord(record)));
        let (expected_sequence, expected) = match (claim, found.record) {
            (KernelClaimKind::Lost(sequence), None) => (*sequence, "lost events".to_owned()),
            (KernelClaimKind::Event { code, sequence, fields }, Some(record)) => {
                let record = EventRecord(record);
                if record.event_code() != Some(*code) {
                    return mismatch(code.name(), shown);
                }
                self.judge_record(*code, record, fields)?;
                (*sequence, code.name().to_owned())
            }
            (KernelClaimKind::Event { code, .. }, None) => return mismatch(code.name(), shown),
            _lost => return mismatch("lost events", shown),
        };
        match expected_sequence {
            Some(sequence) if sequence != u64::from(found.sequence) => {
                mismatch(format!("{expected} with number {sequence}"), format!("number {}", found.sequence))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn judge_record(&self, code: EventCode, record: EventRecord, fields: &[(names::Field, Value)]) -> Judged {
        let known = fields.iter().map(|(field, value)| Ok((*field, self.known(value)?)));
        judge_fields(code.name().to_owned(), &known.collect::<Result<Vec<_>, Mismatch>>()?, &record.0)
    }

    fn judge_end(&self, end: crate::scenario::step::End, data: Option<&Value>) -> Judged {
        let End::Access(found) = &self.end else { unreachable!("checked to stand at an access") };
        if found.end != end {
            let because = found.rule.map_or(String::new(), |rule| format!(" by {}", rule.label()));
            let expected = format!("the access to end as {}", end.name());
            return mismatch(expected, format!("it ends as {}{because}", found.end.name()));
        }
        let Some(data) = data else { return Ok(()) };
        let expected = self.known(data)?;
        match crate::scenario::run::little_endian(&found.data) {
            Some(found) if found == expected => Ok(()),
            Some(found) => mismatch(format!("data {expected:#x}"), format!("{found:#x}")),
            None => mismatch(format!("data {expected:#x}"), "nothing"),
        }
    }

    fn judge_memory(&mut self, process: ProcessId, at: &Value, data: &KernelData) -> Judged {
        let pid = self.actor(process).map_err(unknown)?.pid;
        let (at, expected) = (self.known(at)?, self.bytes(data).map_err(unknown)?);
        let mut found = vec![0; expected.len()];
        let text = format!("{} at {at:#x}", shown_bytes(&expected));
        match self.kernel.peek(pid, at, &mut found) {
            Ok(()) if found == expected => Ok(()),
            Ok(()) => mismatch(text, shown_bytes(&found)),
            Err(_fault) => mismatch(text, "nothing is mapped there"),
        }
    }

    fn judge_buffer(&mut self, device: Initiator, data: &KernelData) -> Judged {
        let expected = self.bytes(data).map_err(unknown)?;
        let buffer = self.buffer(device).map_err(unknown)?;
        let found = &buffer[..buffer.len().min(expected.len())];
        let text = || format!("the device's buffer to hold {}", shown_bytes(&expected));
        if found == expected { Ok(()) } else { mismatch(text(), shown_bytes(found)) }
    }

    fn next_logged(&self) -> Option<EventRecord> {
        self.kernel.logged_events().get(self.logs_claimed).copied().map(EventRecord)
    }

    fn judge_log(&mut self, code: EventCode, fields: &[(names::Field, Value)]) -> Judged {
        let Some(record) = self.next_logged() else {
            return mismatch(format!("{} in the kernel's log", code.name()), "there is nothing new");
        };
        self.logs_claimed += 1;
        if record.event_code() != Some(code) {
            return mismatch(format!("{} in the kernel's log", code.name()), shown_record(record));
        }
        self.judge_record(code, record, fields)
    }

    pub(super) fn known(&self, value: &Value) -> Result<u64, Mismatch> {
        self.value(value).map_err(unknown)
    }
}
