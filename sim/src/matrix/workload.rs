//! What a guest does in a cell: it uses everything that its SMMU says it may, and looks whether it had the effect.

use std::collections::BTreeSet;

use smmu_model::features::IdRegisters;
use smmu_model::ids::Asid;
use smmu_model::layout::event::{EventCode, EventRecord};
use smmu_model::outcome::Outcome;

use super::outcome::{Symptom, Use};
use crate::driver::{AllocFlags, DomainId, Report, Target};
use crate::errno::Errno;
use crate::guest::Guest;
use crate::kernel::frames::PAGE_SIZE;
use crate::kernel::kvm::GuestTlbi;
use crate::kernel::{Direction, Kernel};
use crate::output::event_of;
use crate::vmm::{Fate, Installed, Note, Vmm};

/// Where the guest maps.
const IOVA: u64 = 0x8000_0000;

/// Pages of a mapping: enough for range invalidation to be a matter of more than one command.
const PAGES: u64 = 8;

/// The PASID that the guest uses.
const PASID: u32 = 1;

/// What a device writes.
const PATTERN: &[u8] = b"written by a device";

/// The guest at work.
pub(super) struct Workload<'a> {
    kernel: &'a mut Kernel,
    vmm: &'a mut Vmm,
    guest: Guest,
    stream: u32,
    shown: IdRegisters,
    symptoms: BTreeSet<Symptom>,
    uses: Vec<Use>,
    evidence: Vec<String>,
}

impl<'a> Workload<'a> {
    pub(super) fn new(
        kernel: &'a mut Kernel,
        vmm: &'a mut Vmm,
        guest: Guest,
        stream: u32,
        shown: IdRegisters,
    ) -> Self {
        let (symptoms, uses, evidence) = (BTreeSet::new(), Vec::new(), Vec::new());
        let mut workload = Self { kernel, vmm, guest, stream, shown, symptoms, uses, evidence };
        workload.look_at_notes("boot");
        workload
    }

    /// Does everything, one thing after the other. A thing that goes wrong does not keep the next from being tried.
    pub(super) fn run(&mut self) {
        self.note_uses();
        self.moves_data();
        if self.shows("IDR0.HTTU") >= 2 {
            self.tracks_dirty_pages();
        }
        if self.shows("IDR1.SSIDSIZE") > 0 {
            self.uses_a_pasid();
        }
        if self.shows("IDR0.BTM") > 0 {
            self.shares_an_address_space();
        }
    }

    /// What went wrong, in a fixed order, and the lines that show it.
    pub(super) fn finish(self, uses: &mut Vec<Use>) -> (Vec<Symptom>, Vec<String>) {
        uses.extend(self.uses);
        (self.symptoms.into_iter().collect(), self.evidence)
    }

    fn shows(&self, field: &str) -> u64 {
        self.shown.field(field).expect("the field exists")
    }

    fn note_uses(&mut self) {
        let shown = [
            (Use::Httu, "IDR0.HTTU", 2),
            (Use::Btm, "IDR0.BTM", 1),
            (Use::Pasid, "IDR1.SSIDSIZE", 1),
            (Use::Ranges, "IDR3.RIL", 1),
            (Use::Ats, "IDR0.ATS", 1),
        ];
        let used = shown.into_iter().filter(|(_, field, least)| self.shows(field) >= *least);
        self.uses = used.map(|(used, ..)| used).collect();
    }

    /// Map, DMA both ways, unmap: afterwards nothing is reached any more.
    fn moves_data(&mut self) {
        let Some((domain, page)) = self.mapped("map", AllocFlags::default(), 0) else { return };
        self.write_and_look(IOVA, page, None, Symptom::DmaFails);
        self.unmap(domain, "unmap with commands");
        self.must_not_reach(None, Symptom::StaleAfterCommands);
        self.leave(0, domain);
    }

    /// A dirty tracking domain: what devices wrote is dirty, and nothing else.
    fn tracks_dirty_pages(&mut self) {
        let flags = AllocFlags { dirty_tracking: true, ..AllocFlags::default() };
        let Some((domain, page)) = self.mapped("dirty tracking", flags, 0) else { return };
        // Clean: the guest has mapped the pages as writable by hardware, and nobody wrote yet.
        self.read_dirty(domain);
        let written = [1, 4];
        for index in written {
            let offset = index * PAGE_SIZE;
            self.write_and_look(IOVA + offset, page + offset, None, Symptom::AbortedUpdate);
        }
        let dirty = self.read_dirty(domain);
        let lost: Vec<_> = written.into_iter().filter(|index| !dirty.contains(index)).collect();
        let failed =
            [Symptom::AbortedUpdate, Symptom::BadDescriptor].iter().any(|s| self.symptoms.contains(s));
        if !lost.is_empty() && !failed {
            self.fail(
                Symptom::LostDirtyBits,
                format!("pages {lost:?} were written, and pages {dirty:?} are dirty"),
            );
        }
        self.unmap(domain, "unmap of tracked pages");
        self.must_not_reach(None, Symptom::StaleAfterCommands);
        self.leave(0, domain);
    }

    /// A PASID with a domain of its own.
    fn uses_a_pasid(&mut self) {
        let flags = AllocFlags { pasid: true, ..AllocFlags::default() };
        let Some((domain, page)) = self.mapped("PASID", flags, PASID) else { return };
        self.write_and_look(IOVA, page, Some(PASID), Symptom::DmaFails);
        self.unmap(domain, "unmap of a PASID");
        self.must_not_reach(Some(PASID), Symptom::StaleAfterCommands);
        self.leave(PASID, domain);
    }

    /// An address space of a process: its vCPU broadcasts TLBIs, and no command follows.
    fn shares_an_address_space(&mut self) {
        let domain = match self.guest.new_domain(self.kernel, self.vmm, AllocFlags::default()) {
            Ok(domain) => domain,
            Err(errno) => return self.fail(Symptom::DmaFails, format!("a domain cannot be made: {errno}")),
        };
        let asid = self.guest.share(domain).expect("the guest's SMMU listens to broadcasts");
        let asid = Asid(u16::try_from(asid).expect("an ASID has 16 bits"));
        let Some(page) = self.map_into("process address space", domain, 0) else { return };
        self.write_and_look(IOVA, page, None, Symptom::DmaFails);
        for address in (0..PAGES).map(|index| IOVA + index * PAGE_SIZE) {
            let Self { kernel, vmm, guest, .. } = self;
            guest.forget_page(kernel, vmm, domain, address).expect("the page is mapped");
            let done = guest.tlbi(kernel, vmm, GuestTlbi::Va(asid, address));
            done.expect("a running guest has a virtual machine");
        }
        let asid = asid.0;
        self.evidence.push(format!(
            "vCPU: clears {PAGES} descriptors from {IOVA:#x}, TLBI VAE1IS of ASID {asid}, DSB"
        ));
        self.must_not_reach(None, Symptom::StaleAfterTlbi);
        self.leave(0, domain);
    }

    /// A new domain with the device, or a PASID of it, attached and pages mapped: the domain, and where the pages are.
    fn mapped(&mut self, what: &str, flags: AllocFlags, pasid: u32) -> Option<(DomainId, u64)> {
        match self.guest.new_domain(self.kernel, self.vmm, flags) {
            Ok(domain) => Some((domain, self.map_into(what, domain, pasid)?)),
            Err(errno) => {
                self.fail(Symptom::DmaFails, format!("{what}: a domain cannot be made: {errno}"));
                None
            }
        }
    }

    fn map_into(&mut self, what: &str, domain: DomainId, pasid: u32) -> Option<u64> {
        self.evidence.push(format!("guest: {what}"));
        match self.try_map_into(domain, pasid) {
            Ok(page) => {
                self.look_at_notes(what);
                Some(page)
            }
            Err(errno) => {
                self.fail(Symptom::DmaFails, format!("{what}: {errno}"));
                None
            }
        }
    }

    fn try_map_into(&mut self, domain: DomainId, pasid: u32) -> Result<u64, Errno> {
        let Self { kernel, vmm, guest, stream, .. } = self;
        let target = Target::Domain { domain, handles_faults: false };
        guest.attach(kernel, vmm, (*stream, pasid), target)?;
        let page = guest.take_pages(kernel, vmm, PAGES).ok_or(Errno::ENOMEM)?;
        guest.map(kernel, vmm, domain, (IOVA, page), PAGES * PAGE_SIZE)?;
        Ok(page)
    }

    fn unmap(&mut self, domain: DomainId, what: &str) {
        self.guest.unmap(self.kernel, self.vmm, domain, IOVA, PAGES * PAGE_SIZE);
        self.evidence.push(format!("guest: {what}, {PAGES} pages from {IOVA:#x}"));
        self.look_at_notes(what);
    }

    /// Back to the device's own domain.
    fn leave(&mut self, pasid: u32, domain: DomainId) {
        let Self { kernel, vmm, guest, stream, .. } = self;
        let target = if pasid == 0 { Target::Default } else { Target::Blocked };
        if guest.attach(kernel, vmm, (*stream, pasid), target).is_ok() {
            guest.free_domain(kernel, vmm, domain);
        }
        self.look_at_notes("detach");
    }

    /// The pages that are dirty, as numbers; they are clean after that.
    fn read_dirty(&mut self, domain: DomainId) -> Vec<u64> {
        let mut dirty = Vec::new();
        let (driver, mut platform) = self.guest.driver_mut(self.kernel, self.vmm);
        let note = &mut |iova: u64, bytes: u64| {
            dirty.extend((0..bytes / PAGE_SIZE).map(|index| (iova - IOVA) / PAGE_SIZE + index));
        };
        let read = driver.read_dirty(&mut platform, domain, IOVA, PAGES * PAGE_SIZE, true, note);
        read.expect("the range is one that the table holds");
        dirty
    }

    /// The device writes at `address`, which must reach `page` of the guest.
    fn write_and_look(&mut self, address: u64, page: u64, pasid: Option<u32>, symptom: Symptom) {
        let outcome = self.device_writes(address, pasid);
        let mut found = vec![0; PATTERN.len()];
        let is_memory = self.vmm.read_memory(self.kernel, page, &mut found).is_ok();
        if !is_memory || found != PATTERN {
            let symptom = if is_bad_descriptor(outcome) { Symptom::BadDescriptor } else { symptom };
            self.fail(symptom, format!("a device writes {address:#x}: {}", words(outcome)));
        }
    }

    /// The device must not reach anything at the address that was mapped.
    fn must_not_reach(&mut self, pasid: Option<u32>, symptom: Symptom) {
        let outcome = self.device_writes(IOVA, pasid);
        if let Outcome::Done(_) = outcome {
            self.fail(symptom, format!("a device writes {IOVA:#x}, which is unmapped: {}", words(outcome)));
        }
    }

    fn device_writes(&mut self, address: u64, pasid: Option<u32>) -> Outcome {
        let Self { kernel, vmm, stream, .. } = self;
        let buffer = vmm.buffer(kernel, *stream).expect("the guest has the device");
        buffer[..PATTERN.len()].copy_from_slice(PATTERN);
        let moved = vmm.dma(kernel, *stream, pasid, Direction::Write, address, PATTERN.len());
        let outcome = moved.expect("the guest has the device")[0];
        self.look_at_events();
        outcome
    }

    /// Events reach the guest's driver, or the host's log.
    fn look_at_events(&mut self) {
        for report in self.guest.interrupts(self.kernel, self.vmm) {
            if let Report::Logged(record) = report {
                let name = EventRecord(record).event_code().map(|code| code.name());
                self.evidence.push(format!("  guest's event queue: {}", name.unwrap_or("an unknown event")));
            }
        }
    }

    /// What the VMM has to say: a command, or an STE, of the guest that was refused.
    fn look_at_notes(&mut self, what: &str) {
        for note in self.vmm.take_notes() {
            match note {
                Note::Command { fate: Fate::Failed(_) | Fate::Refused(_) | Fate::Illegal(_), .. } => {
                    self.fail(Symptom::CommandRefused, format!("{what}: {note}"));
                }
                Note::Ste { installed: Installed::Refused(_), .. } => {
                    self.fail(Symptom::SteRefused, format!("{what}: {note}"));
                }
                Note::Call { .. }
                | Note::Unlawful(_)
                | Note::Command { .. }
                | Note::Stopped(_)
                | Note::Regime(_)
                | Note::Ste { .. }
                | Note::SteUnchanged { .. }
                | Note::SteBits { .. }
                | Note::Event { .. }
                | Note::EventsLost { .. } => {}
            }
        }
    }

    fn fail(&mut self, symptom: Symptom, line: String) {
        self.evidence.push(format!("! {}: {line}", symptom.name()));
        self.symptoms.insert(symptom);
    }
}

fn is_bad_descriptor(outcome: Outcome) -> bool {
    let rule = match outcome {
        Outcome::Abort(rule) | Outcome::RazWi(rule) | Outcome::Stalled { rule, .. } => rule,
        Outcome::Done(_) => return false,
    };
    matches!(event_of(rule), Some(EventCode::CBadCd | EventCode::CBadSte))
}

/// How an access ended, with the rule that decided.
fn words(outcome: Outcome) -> String {
    match outcome {
        Outcome::Done(translation) => format!("done, at {:#x} of the host", translation.pa.value()),
        Outcome::Abort(rule) => format!("aborted by {} ({}) {}", rule.label(), rule.section(), rule.text()),
        Outcome::RazWi(rule) => format!("ignored by {} ({}) {}", rule.label(), rule.section(), rule.text()),
        Outcome::Stalled { rule, .. } => format!("stalls by {} ({})", rule.label(), rule.section()),
    }
}
