//! The world around iommufd: processes with memory and descriptors, devices behind SMMUs, and their drivers.
//!
//! [`Kernel`] is the whole machine. Its doors are system calls, for processes, and DMA, for devices. Below it are the
//! drivers of the SMMUs, which reach the hardware by registers and memory only.

pub mod backing;
mod client;
pub mod device;
mod dma;
mod events;
pub mod file;
pub mod frames;
pub mod generation;
mod group;
pub mod hardware;
pub mod host;
pub mod journal;
pub mod kvm;
pub mod mm;
pub mod process;
mod setup;
mod syscall;
mod vfio;

use std::collections::{BTreeMap, BTreeSet};

use smmu_model::ids::Stag;

use crate::errno::Errno;
use crate::iommufd::{Check, Context, ContextId, Refusal};
use dma::Transfer;
use hardware::{Hardware, IommuId};
use host::Host;

pub use client::Client;
pub use dma::Direction;
pub use setup::{Setup, SmmuSetup};
pub use syscall::MapRequest;

/// A machine with its kernel.
#[derive(Debug)]
pub struct Kernel {
    /// Everything but the iommufd contexts.
    pub host: Host,
    contexts: BTreeMap<ContextId, Context>,
    /// The accesses of devices that SMMUs hold.
    stalled: BTreeMap<(IommuId, Stag), Transfer>,
    /// Event records that concern nobody, oldest first.
    logged: Vec<[u64; 4]>,
    next_context: usize,
    failed: BTreeSet<Check>,
    last_failed: Option<Check>,
}

impl Kernel {
    /// Boots a machine. The error is a driver's: it cannot use its SMMU, or a device.
    pub fn boot(setup: &Setup) -> Result<Self, Errno> {
        let mut hardware = Hardware::new(&setup.smmus, setup.has_atomics);
        if setup.keeps_journal {
            hardware.start_journal();
        }
        let host = Host::boot(hardware, setup)?;
        let (contexts, stalled, failed) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        let (logged, next_context, last_failed) = (Vec::new(), 0, None);
        Ok(Self { host, contexts, stalled, logged, next_context, failed, last_failed })
    }

    /// The contexts that are open.
    pub fn contexts(&self) -> impl Iterator<Item = &Context> {
        self.contexts.values()
    }

    /// A context.
    pub fn context(&self, id: ContextId) -> Option<&Context> {
        self.contexts.get(&id)
    }

    /// A context with the machine, for users in the kernel such as access objects.
    pub fn context_mut(&mut self, id: ContextId) -> Option<(&mut Context, &mut Host)> {
        Some((self.contexts.get_mut(&id)?, &mut self.host))
    }

    /// The event records that the kernel only wrote into its log, oldest first.
    pub fn logged_events(&self) -> &[[u64; 4]] {
        &self.logged
    }

    /// The checks that failed so far.
    pub fn failed_checks(&self) -> &BTreeSet<Check> {
        &self.failed
    }

    /// The check that made the last failed system call fail.
    pub fn last_failed(&self) -> Option<Check> {
        self.last_failed
    }

    /// Notes which check failed, and leaves what the caller sees of it.
    fn answer<T>(&mut self, result: Result<T, Refusal>) -> Result<T, Errno> {
        result.map_err(|refusal| {
            self.failed.insert(refusal.check);
            self.last_failed = Some(refusal.check);
            refusal.errno
        })
    }
}
