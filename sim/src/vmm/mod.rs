//! A virtual machine monitor that shows a guest an SMMUv3: a process, which sees the kernel through system calls only.
//!
//! The registers and queues that the guest sees are those of a [`Smmu`] of their own, over guest memory, with all the
//! guards and errors of the architecture. What is behind them depends on the [`Mode`]:
//!
//! - [`Mode::Accelerated`]: the devices of the guest are passed through, and the hardware walks the guest's tables.
//!   STEs become nested HWPTs, commands go to HWPT_INVALIDATE, and events come from a vEVENTQ.
//! - [`Mode::Emulated`]: the same model translates in software, and the monitor carries out the DMA of its devices.
//!   (QEMU does so for virtio. With VFIO it would have to know of each map of the guest, of which an SMMUv3 is not
//!   told, so that a device that is passed through cannot be shadowed.)
//!
//! A register access records what the guest asks; [`Vmm::step`] does one unit of the work that follows, and
//! [`Vmm::run`] all of it.

mod accelerated;
mod calls;
mod doors;
mod emulated;
mod error;
mod forward;
mod memory;
mod note;
mod offer;
mod setup;
mod stream_table;

use smmu_model::Smmu;

use crate::kernel::{Client, Kernel};
use accelerated::{Accelerated, Behind};
use calls::Caller;
use emulated::Emulated;

pub use calls::{Call, HwInfo};
pub use error::{Step, VmmError};
pub use forward::Unable;
pub use memory::{GuestBus, GuestMemory, Ram};
pub use note::{EventSource, Fate, Installed, Note, Regime};
pub use offer::Offer;
pub use setup::{DeviceReply, GuestDevice, Mode, Probed, Stalls, VmmSetup};
pub use stream_table::NoSte;

/// A running monitor.
#[derive(Debug)]
pub struct Vmm {
    client: Client,
    /// Memory for what the structures of calls point to.
    data: u64,
    memory: GuestMemory,
    /// The virtual machine of KVM.
    machine: i32,
    offer: Offer,
    /// What the guest sees of its SMMU.
    front: Smmu,
    back: Back,
    notes: Vec<Note>,
}

/// What is behind the registers and queues.
#[derive(Debug)]
enum Back {
    Accelerated(Accelerated),
    Emulated(Emulated),
}

impl Vmm {
    /// What the guest is shown.
    pub fn offer(&self) -> &Offer {
        &self.offer
    }

    /// What the guest sees of its SMMU, as a debugger sees it.
    pub fn front(&self) -> &Smmu {
        &self.front
    }

    /// The mode.
    pub fn mode(&self) -> Mode {
        match self.back {
            Back::Accelerated(_) => Mode::Accelerated,
            Back::Emulated(_) => Mode::Emulated,
        }
    }

    /// The process.
    pub fn client(&self) -> Client {
        self.client
    }

    /// The descriptor of the virtual machine of KVM, of whose processors the guest runs on one: see
    /// [`Kernel::guest_tlbi`].
    pub fn machine(&self) -> i32 {
        self.machine
    }

    /// What happened since the last call.
    pub fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    /// What a device of the guest goes by now; `None` for a device that it does not have, or an emulated one.
    pub fn installed(&self, stream: u32) -> Option<Installed> {
        match &self.back {
            Back::Accelerated(back) => back.installed(stream),
            Back::Emulated(_) => None,
        }
    }

    /// The machine is reset: the guest's SMMU is as it was at first, and its devices go by that. Memory stays.
    pub fn reset(&mut self, kernel: &mut Kernel) -> Result<(), VmmError> {
        let (features, caches) = (*self.front.features(), self.front.cache_policy());
        let bus = GuestBus { kernel, pid: self.client.pid, memory: &self.memory };
        self.front = setup::out_of_reset(features, caches, bus);
        let settled = self.back(kernel, |back, behind| {
            back.forget_commands();
            back.follow(behind)
        });
        settled.unwrap_or_else(|| {
            self.emulated_mut().forget_stalls();
            Ok(())
        })
    }

    /// Gives the guest another device. Returns what GET_HW_INFO says of one that is passed through.
    pub fn plug(
        &mut self,
        kernel: &mut Kernel,
        device: GuestDevice,
    ) -> Result<Option<DeviceReply>, VmmError> {
        match self.back(kernel, |back, behind| back.plug(behind, device)) {
            Some(plugged) => plugged.map(Some),
            None => self.emulated_mut().plug(device.stream).map(|()| None),
        }
    }

    /// Takes a device away from the guest, whether the guest knows or not.
    pub fn unplug(&mut self, kernel: &mut Kernel, stream: u32) -> Result<(), VmmError> {
        let unplugged = self.back(kernel, |back, behind| back.unplug(&mut behind.caller, stream));
        unplugged.unwrap_or_else(|| self.emulated_mut().unplug(stream))
    }

    fn emulated_mut(&mut self) -> &mut Emulated {
        match &mut self.back {
            Back::Emulated(back) => back,
            Back::Accelerated(_) => unreachable!("there are two kinds of machines"),
        }
    }

    /// The devices go by what the registers say out of reset.
    fn first_attachment(&mut self, kernel: &mut Kernel) -> Result<(), VmmError> {
        self.back(kernel, Accelerated::follow).unwrap_or(Ok(()))
    }

    /// Has the back of an accelerated machine do something.
    fn back<R>(
        &mut self,
        kernel: &mut Kernel,
        act: impl FnOnce(&mut Accelerated, &mut Behind<'_>) -> R,
    ) -> Option<R> {
        let Self { client, data, memory, front, back, notes, .. } = self;
        let Back::Accelerated(back) = back else { return None };
        let caller = Caller { kernel, client: *client, notes, data: *data, step: Step::Invalidate };
        Some(act(back, &mut Behind { caller, memory, front }))
    }

    /// Takes everything away in order and ends the process.
    pub fn stop(mut self, kernel: &mut Kernel) -> Vec<Note> {
        let Self { client, data, back, notes, .. } = &mut self;
        if let Back::Accelerated(back) = back {
            let mut caller = Caller { kernel, client: *client, notes, data: *data, step: Step::Teardown };
            // A call that fails has left a note, and the end of the process takes the rest.
            back.take_down(&mut caller).ok();
        }
        kernel.exit(self.client.pid);
        self.notes
    }

    /// Ends the process, as a signal would: the kernel takes everything away.
    pub fn kill(self, kernel: &mut Kernel) {
        kernel.exit(self.client.pid);
    }
}
