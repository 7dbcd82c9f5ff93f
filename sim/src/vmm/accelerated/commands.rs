//! Commands of the guest: what the monitor does itself, and what it passes on at the next CMD_SYNC.

use smmu_model::command::{Cfgi, Decoded};
use smmu_model::layout::command::Command;
use smmu_model::rule::{CommandError, Effect};
use smmu_model::trace::Event;

use super::{Accelerated, Behind};
use crate::errno::Errno;
use crate::vmm::calls::COMMANDS_MAX;
use crate::vmm::error::Step;
use crate::vmm::note::{Fate, Note, Regime};

impl Accelerated {
    /// Serves a legal command, or stops the queue at it.
    pub(super) fn serve(&mut self, behind: &mut Behind<'_>, command: Command, decoded: Decoded) {
        let fate = self.fate(behind, command, decoded);
        behind.note(Note::Command { words: command.0, fate });
        let error = match fate {
            Fate::Gathered | Fate::Served | Fate::NoDevice | Fate::Ignored => None,
            Fate::Refused(_) | Fate::Illegal(_) => Some(CommandError::Illegal),
            // The hardware met a device that did not answer.
            Fate::Failed(Errno::ETIMEDOUT) => Some(CommandError::AtcInvSync),
            Fate::Failed(_) => Some(CommandError::Illegal),
        };
        if let Some(error) = error {
            behind.front(|front, world| front.stop_commands(world, error));
            behind.note(Note::Stopped(error));
            return;
        }
        behind.front(|front, world| front.step(world));
        if let Decoded::Cfgi(cfgi) = decoded
            && self.regime == Some(Regime::Tables)
        {
            self.reinstall(behind, cfgi);
        }
    }

    fn fate(&mut self, behind: &mut Behind<'_>, command: Command, decoded: Decoded) -> Fate {
        match decoded {
            Decoded::Sync(_) => {
                self.flush(behind);
                self.failed.take().map_or(Fate::Served, Fate::Failed)
            }
            Decoded::Cfgi(Cfgi::Ste { .. } | Cfgi::SteRange { .. } | Cfgi::All) => {
                // What came before may be about the STEs that are about to go.
                self.flush(behind);
                Fate::Served
            }
            Decoded::Cfgi(Cfgi::Cd { stream, .. } | Cfgi::CdAll { stream }) => {
                self.gather_for(behind, command, stream.0)
            }
            Decoded::AtcInv(request) => self.gather_for(behind, command, request.stream.0),
            Decoded::Tlbi(_) => self.gather(behind, command),
            Decoded::Resume(resume) => self.resume(behind, resume),
            Decoded::StallTerm(stream) => self.end_stalls(behind, stream.0),
            // A device of the guest has no page requests: the kernel denies them.
            Decoded::Prefetch(_) | Decoded::PriResp(_) | Decoded::Ignored(_) => Fate::Ignored,
        }
    }

    fn gather_for(&mut self, behind: &mut Behind<'_>, command: Command, stream: u32) -> Fate {
        if self.host.has(stream) { self.gather(behind, command) } else { Fate::NoDevice }
    }

    fn gather(&mut self, behind: &mut Behind<'_>, command: Command) -> Fate {
        let opcode = command.opcode().expect("a legal command has an opcode");
        let ranges = behind.front.features().ril;
        match self.hardware.convert(command, opcode, ranges) {
            Err(unable) => Fate::Refused(unable),
            Ok(words) => {
                self.batch.push(words);
                if self.batch.len() == COMMANDS_MAX {
                    self.flush(behind);
                }
                Fate::Gathered
            }
        }
    }

    /// Passes on what was gathered. An error waits for the next CMD_SYNC.
    ///
    /// Of the commands before one that the kernel refuses, it counts some that it has not issued: all of them are passed
    /// on again, then what comes after.
    pub(super) fn flush(&mut self, behind: &mut Behind<'_>) {
        let batch = std::mem::take(&mut self.batch);
        self.pass_on(behind, &batch);
        if self.hardware.repeats {
            self.pass_on(behind, &batch);
        }
    }

    fn pass_on(&mut self, behind: &mut Behind<'_>, batch: &[[u64; 2]]) {
        let caller = behind.caller.for_step(Step::Invalidate);
        let mut left = batch;
        while !left.is_empty() {
            let (handled, result) = caller.invalidate(self.host.iommu, self.viommu, left);
            let Err(errno) = result else { return };
            self.failed = self.failed.or(Some(errno));
            let refused = usize::try_from(handled).unwrap_or(usize::MAX);
            if errno != Errno::EIO || refused >= left.len() {
                return;
            }
            if refused > 0 {
                let (_handled, again) = caller.invalidate(self.host.iommu, self.viommu, &left[..refused]);
                self.failed = again.err().or(self.failed);
            }
            left = &left[refused + 1..];
        }
    }

    /// Commands that the guest has not waited for are not passed on any more.
    pub(in crate::vmm) fn forget_commands(&mut self) {
        self.batch.clear();
        self.failed = None;
    }

    /// Looks at the STEs again that the guest has changed.
    fn reinstall(&mut self, behind: &mut Behind<'_>, cfgi: Cfgi) {
        let is_meant = |stream: u32| match cfgi {
            Cfgi::Ste { stream: named, .. } => named.0 == stream,
            Cfgi::SteRange { first, last } => (first.0..=last.0).contains(&stream),
            Cfgi::All => true,
            Cfgi::Cd { .. } | Cfgi::CdAll { .. } => false,
        };
        let streams: Vec<u32> = self.host.streams().filter(|stream| is_meant(*stream)).collect();
        for stream in streams {
            // Calls that fail have left a note.
            self.settle(behind, stream).ok();
        }
    }
}

/// Notes the illegal command, or the fetch that was aborted, by which the queue has stopped by itself.
pub(super) fn note_stops(behind: &mut Behind<'_>, events: &[Event]) {
    let mut met = [0; 2];
    for event in events {
        if let Event::Command { words, .. } = event {
            met = *words;
        }
        if let Event::Rule(rule) = event
            && rule.effect() == Effect::Command(CommandError::Illegal)
        {
            behind.note(Note::Command { words: met, fate: Fate::Illegal(*rule) });
        }
        if let Event::CommandError { error, .. } = event {
            behind.note(Note::Stopped(*error));
        }
    }
}
