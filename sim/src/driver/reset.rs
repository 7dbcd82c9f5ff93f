//! Bringing the SMMU up (`arm_smmu_device_probe`, `arm_smmu_device_reset`), and what it says about itself.

use super::firmware::{Firmware, Host};
use super::platform::Platform;
use super::probe::Features;
use super::queue::{CommandQueue, QueueRegisters, ReadQueue};
use super::registers::{
    AIDR, CR0, CR0_ATSCHK, CR0_CMDQEN, CR0_EVTQEN, CR0_PRIQEN, CR0_SMMUEN, CR0ACK, CR1,
    CR1_WRITE_BACK_INNER_SHAREABLE, CR2, CR2_E2H, CR2_PTM, CR2_RECINVSID, EVTQ_BASE, EVTQ_CONS,
    EVTQ_IRQ_CFG0, EVTQ_PROD, GBPA, GBPA_ABORT, GBPA_UPDATE, GERROR_IRQ_CFG0, IDR0, IDR1, IDR2, IDR3, IDR4,
    IDR5, IIDR, IRQ_CTRL, IRQ_CTRLACK, IRQ_EVTQ, IRQ_GERROR, IRQ_PRIQ, PRIQ_BASE, PRIQ_CONS, PRIQ_IRQ_CFG0,
    PRIQ_PROD,
};
use super::stream_table::StreamTable;
use super::{ArmSmmuV3, GuestSupport, HttuOverride, HwInfo, Numbers, command};
use crate::errno::Errno;

const EVENT_QUEUE: QueueRegisters = QueueRegisters { base: EVTQ_BASE, prod: EVTQ_PROD, cons: EVTQ_CONS };
const PAGE_REQUEST_QUEUE: QueueRegisters =
    QueueRegisters { base: PRIQ_BASE, prod: PRIQ_PROD, cons: PRIQ_CONS };
/// A second of polling: the SMMU gets so many chances to acknowledge.
const POLLS_MAX: u32 = 16;

impl ArmSmmuV3 {
    /// Probes, resets and enables the SMMU. ENXIO for one that the driver cannot use, ENOMEM, ETIMEDOUT for one
    /// that does not acknowledge; EINVAL for a host that no kernel is like.
    pub fn probe(p: &mut impl Platform, firmware: &Firmware, host: &Host) -> Result<Self, Errno> {
        if !host.is_possible() {
            return Err(Errno::EINVAL);
        }
        let features = Features::probe(p, firmware, host)?;
        let page_request_queue = if features.pri {
            Some(ReadQueue::allocate(p, features.log2_priq, PAGE_REQUEST_QUEUE)?)
        } else {
            None
        };
        let mut smmu = Self {
            host: *host,
            firmware: *firmware,
            features,
            queue: CommandQueue::allocate(p, &features)?,
            events: ReadQueue::allocate(p, features.log2_evtq, EVENT_QUEUE)?,
            page_request_queue,
            stream_table: StreamTable::allocate(p, &features)?,
            masters: Vec::new(),
            domains: Vec::new(),
            viommus: Vec::new(),
            vmids: Numbers::default(),
        };
        if let Err(errno) = smmu.reset(p) {
            let _acknowledged = enable(p, 0);
            return Err(errno);
        }
        Ok(smmu)
    }

    fn reset(&mut self, p: &mut impl Platform) -> Result<(), Errno> {
        let f = self.features;
        if p.read32(CR0) & CR0_SMMUEN != 0 {
            // Linux goes on with an SMMU that does not take this up.
            let _settled = set_global_abort(p);
        }
        enable(p, 0)?;
        p.write32(CR1, CR1_WRITE_BACK_INNER_SHAREABLE);
        let private = if f.broadcasts { 0 } else { CR2_PTM };
        p.write32(CR2, private | CR2_RECINVSID | if f.e2h { CR2_E2H } else { 0 });
        self.stream_table.program(p);
        self.queue.program(p);
        let mut cr0 = CR0_CMDQEN;
        enable(p, cr0)?;
        let el2 = f.hyp.then(command::tlbi_el2_all);
        for command in [Some(command::cfgi_all()), el2, Some(command::tlbi_nsnh_all())].into_iter().flatten()
        {
            let _timed_out = self.queue.issue_and_wait(p, command);
        }
        self.events.program(p);
        cr0 |= CR0_EVTQEN;
        enable(p, cr0)?;
        if let Some(queue) = &self.page_request_queue {
            queue.program(p);
            cr0 |= CR0_PRIQEN;
            enable(p, cr0)?;
        }
        if f.ats {
            cr0 |= CR0_ATSCHK;
            enable(p, cr0)?;
        }
        set_up_interrupts(p, f.pri)?;
        enable(p, cr0 | CR0_SMMUEN)
    }

    /// What it can do for guests beyond what Linux offers them.
    pub fn guest_support(&self) -> GuestSupport {
        let httu = match self.features.httu {
            HttuOverride::None => 0,
            HttuOverride::AccessFlag => 1,
            HttuOverride::AccessAndDirty => 2,
            HttuOverride::WithTable => 3,
        };
        GuestSupport { httu, broadcasts: self.features.broadcasts }
    }

    /// What the SMMU says about itself, read now.
    pub fn hw_info(&self, p: &mut impl Platform) -> HwInfo {
        HwInfo {
            flags: u32::from(self.firmware.repeat_invalidations),
            idr: [IDR0, IDR1, IDR2, IDR3, IDR4, IDR5].map(|register| p.read32(register)),
            iidr: p.read32(IIDR),
            aidr: p.read32(AIDR),
        }
    }
}

/// Writes CR0 and waits until the SMMU has taken it up.
fn enable(p: &mut impl Platform, cr0: u32) -> Result<(), Errno> {
    update(p, (CR0, CR0ACK), cr0)
}

fn update(p: &mut impl Platform, (register, acknowledgement): (u64, u64), value: u32) -> Result<(), Errno> {
    p.write32(register, value);
    poll(p, |p| p.read32(acknowledgement) == value)
}

/// While the stream table is not in use, every access ends.
fn set_global_abort(p: &mut impl Platform) -> Result<(), Errno> {
    let is_settled = |p: &mut _| Platform::read32(p, GBPA) & GBPA_UPDATE == 0;
    poll(p, is_settled)?;
    let gbpa = p.read32(GBPA) | GBPA_ABORT | GBPA_UPDATE;
    p.write32(GBPA, gbpa);
    poll(p, is_settled)
}

/// Without message interrupts: wires only.
fn set_up_interrupts(p: &mut impl Platform, pri: bool) -> Result<(), Errno> {
    update(p, (IRQ_CTRL, IRQ_CTRLACK), 0)?;
    p.write64(GERROR_IRQ_CFG0, 0);
    p.write64(EVTQ_IRQ_CFG0, 0);
    if pri {
        p.write64(PRIQ_IRQ_CFG0, 0);
    }
    let enabled = IRQ_EVTQ | IRQ_GERROR | if pri { IRQ_PRIQ } else { 0 };
    // A missing acknowledgement is only a warning here.
    let _acknowledged = update(p, (IRQ_CTRL, IRQ_CTRLACK), enabled);
    Ok(())
}

fn poll<P: Platform>(p: &mut P, is_done: impl Fn(&mut P) -> bool) -> Result<(), Errno> {
    for _ in 0..POLLS_MAX {
        p.relax();
        if is_done(p) {
            return Ok(());
        }
    }
    Err(Errno::ETIMEDOUT)
}
