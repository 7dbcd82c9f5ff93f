//! Judges expectations of virtual machines.

use smmu_model::layout::event::EventRecord;

use super::super::claims::Judged;
use super::super::{End, Machine};
use super::Stop;
use crate::scenario::run::claims::{mismatch, shown_bytes, shown_record, unknown};
use crate::scenario::step::VmClaim;
use crate::trace::Listener;

impl<'a, L: Listener> Machine<'a, L> {
    pub(in super::super) fn judge_vm(&mut self, claim: &VmClaim) -> Judged {
        match claim {
            VmClaim::Fails { errno, at } => {
                let place = at.map_or(String::new(), |at| format!(" at {at}"));
                self.judge_stop(format!("it to fail with {errno}{place}"), |stop| {
                    matches!(stop, Stop::Failed(found, by) if found == errno && (at.is_none() || by == at))
                })
            }
            VmClaim::Declined(text) => self.judge_stop(
                format!("the monitor to refuse because of {text}"),
                |stop| matches!(stop, Stop::Declined(why) if why.contains(text)),
            ),
            VmClaim::Aborted => {
                self.judge_stop("the access to be aborted".to_owned(), |stop| matches!(stop, Stop::Aborted))
            }
            VmClaim::NoEvent => match self.read.events.front().and_then(|event| event.record) {
                None => Ok(()),
                Some(record) => mismatch("no more events", shown_record(EventRecord(record))),
            },
            VmClaim::Note(text) => {
                if self.notes.iter().any(|note| note.contains(text)) {
                    return Ok(());
                }
                let found = if self.notes.is_empty() { "nothing".to_owned() } else { self.notes.join("\n") };
                mismatch(format!("the monitor to say `{text}`"), found)
            }
            VmClaim::Memory { vm, at, data } => {
                let (at, expected) = (self.known(at)?, self.bytes(data).map_err(unknown)?);
                let text = format!("{} at {at:#x} of the guest", shown_bytes(&expected));
                let Some(vmm) = &self.vms[vm.0].vmm else {
                    return mismatch(text, "the virtual machine does not run");
                };
                let mut found = vec![0; expected.len()];
                match vmm.read_memory(&mut self.kernel, at, &mut found) {
                    Ok(()) if found == expected => Ok(()),
                    Ok(()) => mismatch(text, shown_bytes(&found)),
                    Err(_abort) => mismatch(text, "there is no memory"),
                }
            }
            VmClaim::Released => match self.left() {
                None => Ok(()),
                Some(what) => mismatch("nothing to be left of processes", what),
            },
        }
    }

    fn judge_stop(&self, expected: String, is_meant: impl Fn(&Stop) -> bool) -> Judged {
        match &self.end {
            End::Vm(stop) if is_meant(stop) => Ok(()),
            End::Vm(stop) => mismatch(expected, stop.to_string()),
            End::Nothing | End::Call(..) | End::Access(_) => mismatch(expected, "it succeeds"),
        }
    }

    /// Something that is left of processes, or one that runs.
    fn left(&self) -> Option<&'static str> {
        let host = &self.kernel.host;
        let left = [
            ("a process runs", host.processes.iter().any(|process| process.mm.is_some())),
            ("an iommufd is open", self.kernel.contexts().next().is_some()),
            ("memory of a process is there", host.backings.count() != 0),
            ("memory of a process is pinned", host.locked_pages.values().any(|pages| *pages != 0)),
            ("a device is bound", host.devices.iter().any(|device| device.is_bound)),
            ("an access of a device stalls", self.kernel.stalled() != 0),
        ];
        left.into_iter().find(|(_, is_left)| *is_left).map(|(what, _)| what)
    }
}
