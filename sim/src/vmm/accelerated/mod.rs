//! Translation in hardware: the guest's stage 1 nested under stage 2 of the kernel, through a vIOMMU.

mod commands;
mod devices;
mod events;
mod faults;
mod install;

use smmu_model::choice::Defaults;
use smmu_model::env::World;
use smmu_model::layout::idr::Idr0;
use smmu_model::trace::{Event, Silence};
use smmu_model::{Progress, Register, Smmu};

use super::calls::Caller;
use super::error::{Step, VmmError};
use super::forward::Hardware;
use super::memory::{GuestBus, GuestMemory};
use super::note::{Note, Regime};
use super::offer::Offer;
use super::setup::{Stalls, VmmSetup};
use crate::errno::Errno;
use crate::iommufd::uapi::iommu_hw_info_arm_smmuv3;

use faults::Faults;

pub(super) use devices::Host;

/// What the kernel made for the guest's SMMU.
#[derive(Debug)]
pub(super) struct Accelerated {
    host: Host,
    ioas: u32,
    parent: u32,
    viommu: u32,
    /// Nested HWPTs without stage 1, and without anything.
    bypass: u32,
    abort: u32,
    /// The vEVENTQ: its id and its descriptor.
    events: (u32, i32),
    faults: Option<Faults>,
    hardware: Hardware,
    /// Which devices may stall.
    stalls: Stalls,
    /// The hardware does what contexts say: both models are there.
    can_stall: bool,
    /// What devices go by, once that is known.
    regime: Option<Regime>,
    /// Commands that the kernel does not have yet.
    batch: Vec<[u64; 2]>,
    /// What became of commands since the last CMD_SYNC.
    failed: Option<Errno>,
}

/// What is to be set up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan<'a> {
    pub(super) memory: &'a GuestMemory,
    pub(super) machine: i32,
    pub(super) offer: &'a Offer,
    pub(super) smmu: iommu_hw_info_arm_smmuv3,
    pub(super) setup: &'a VmmSetup,
}

/// What the back of a monitor works with.
pub(super) struct Behind<'a> {
    pub(super) caller: Caller<'a>,
    pub(super) memory: &'a GuestMemory,
    pub(super) front: &'a mut Smmu,
}

impl Behind<'_> {
    /// The front and its world, in which nobody listens.
    fn front<R>(
        &mut self,
        act: impl FnOnce(&mut Smmu, &mut World<'_, GuestBus<'_>, Defaults, Silence>) -> R,
    ) -> R {
        let pid = self.caller.client.pid;
        let mut bus = GuestBus { kernel: self.caller.kernel, pid, memory: self.memory };
        act(self.front, &mut World { bus: &mut bus, chooser: &mut Defaults, sink: &mut Silence })
    }

    fn note(&mut self, note: Note) {
        self.caller.notes.push(note);
    }
}

impl Accelerated {
    /// The calls of a monitor between GET_HW_INFO and the first attachment.
    pub(super) fn start(caller: &mut Caller<'_>, mut host: Host, plan: &Plan<'_>) -> Result<Self, VmmError> {
        let iommu = host.iommu;
        let any_device = host.any_device().ok_or(VmmError::NoDevice)?;
        caller.step = Step::Map;
        let ioas = caller.ioas_alloc(iommu)?;
        if !plan.setup.huge_pages {
            caller.without_huge_pages(iommu, ioas)?;
        }
        for &(ram, address) in plan.memory.pieces() {
            caller.ioas_map(iommu, ioas, address, ram.bytes, ram.ipa)?;
        }
        let parent = caller.for_step(Step::NestParent).nest_parent(iommu, any_device, ioas)?;
        let flags = (plan.offer.viommu_flags, plan.machine);
        let viommu = caller.for_step(Step::Viommu).viommu(iommu, flags, any_device, parent)?;
        let caller = caller.for_step(Step::Static);
        let bypass = caller.nested(iommu, (any_device, viommu), install::BYPASS, None)?;
        let abort = caller.nested(iommu, (any_device, viommu), install::ABORT, None)?;
        host.name_devices(caller, viommu)?;
        let caller = caller.for_step(Step::EventQueue);
        let events = caller.event_queue(iommu, viommu, plan.setup.event_depth)?;
        let stalls = if install::shows_stalls(plan.offer) { &plan.setup.stalls } else { &Stalls::Denied };
        let faults = match stalls {
            Stalls::Unanswered | Stalls::Denied => None,
            Stalls::Answered(_) => Some(Faults::alloc(caller.for_step(Step::FaultQueue), iommu)?),
        };
        Ok(Self {
            host,
            ioas,
            parent,
            viommu,
            bypass,
            abort,
            events,
            faults,
            hardware: Hardware::new(&plan.smmu, Idr0::from_bits(plan.offer.idr[0]).ats()),
            stalls: stalls.clone(),
            can_stall: install::can_stall(&plan.smmu),
            regime: None,
            batch: Vec::new(),
            failed: None,
        })
    }

    /// One unit of work.
    pub(super) fn step(&mut self, behind: &mut Behind<'_>) -> Progress {
        if self.take_event(behind) == Progress::Worked || self.take_fault(behind) == Progress::Worked {
            return Progress::Worked;
        }
        let next = behind.front(|front, world| front.next_command(world.bus));
        if let Some((command, decoded)) = next {
            self.serve(behind, command, decoded);
            return Progress::Worked;
        }
        let mut events: Vec<Event> = Vec::new();
        let pid = behind.caller.client.pid;
        let mut bus = GuestBus { kernel: behind.caller.kernel, pid, memory: behind.memory };
        let mut world = World { bus: &mut bus, chooser: &mut Defaults, sink: &mut events };
        let progress = behind.front.step(&mut world);
        commands::note_stops(behind, &events);
        // Calls that fail have left a note.
        self.follow(behind).ok();
        progress
    }

    /// Lets the devices go by what the registers say now.
    pub(super) fn follow(&mut self, behind: &mut Behind<'_>) -> Result<(), VmmError> {
        let Some(regime) = regime(behind.front).filter(|regime| self.regime != Some(*regime)) else {
            return Ok(());
        };
        self.regime = Some(regime);
        behind.note(Note::Regime(regime));
        let streams: Vec<u32> = self.host.streams().collect();
        let results: Vec<_> = streams.into_iter().map(|stream| self.settle(behind, stream)).collect();
        results.into_iter().collect()
    }

    /// Undoes all of it, in order.
    pub(super) fn take_down(&mut self, caller: &mut Caller<'_>) -> Result<(), VmmError> {
        let streams: Vec<u32> = self.host.streams().collect();
        for stream in streams {
            self.unplug(caller, stream)?;
        }
        caller.step = Step::Teardown;
        let queues = [Some(self.events), self.faults.as_ref().map(Faults::queue)];
        for (id, fd) in queues.into_iter().flatten() {
            caller.close(fd);
            caller.destroy(self.host.iommu, id)?;
        }
        for id in [self.bypass, self.abort, self.viommu, self.parent, self.ioas] {
            caller.destroy(self.host.iommu, id)?;
        }
        caller.close(self.host.iommu);
        Ok(())
    }
}

/// What devices go by; `None` while that is being changed.
fn regime(front: &Smmu) -> Option<Regime> {
    const SMMUEN: u64 = 1 << 0;
    const ABORT: u64 = 1 << 20;
    const UPDATE: u64 = 1 << 31;
    let gbpa = front.peek(Register::Gbpa);
    if front.peek(Register::Cr0Ack) & SMMUEN != 0 {
        Some(Regime::Tables)
    } else if gbpa & UPDATE != 0 {
        None
    } else if gbpa & ABORT != 0 {
        Some(Regime::Abort)
    } else {
        Some(Regime::Bypass)
    }
}
