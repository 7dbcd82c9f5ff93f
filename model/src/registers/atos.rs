//! The registers of address translation operations, and what asks for one (§6.3.37–§6.3.40).

use super::Registers;
use crate::choice::answer::GuardedWrite;
use crate::env::Env;
use crate::features::{Features, Revision};
use crate::layout::atos::{AtosAddr, AtosCtrl, AtosInterface, AtosSid};
use crate::rule::Rule;

/// The registers of one address translation interface: *ATOS_{CTRL,SID,ADDR,PAR} (§6.3.37–§6.3.40).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct AtosGroup {
    /// As software reads it.
    pub(crate) ctrl: AtosCtrl,
    /// An operation was accepted and has not finished. Up to v3.1, RUN may read otherwise.
    pub(crate) running: bool,
    pub(crate) sid: AtosSid,
    pub(crate) addr: AtosAddr,
    pub(crate) par: u64,
}

impl Registers {
    /// The registers of an interface.
    pub(crate) fn atos(&self, interface: AtosInterface) -> &AtosGroup {
        match interface {
            AtosInterface::Gatos => &self.gatos,
            AtosInterface::Vatos => &self.vatos,
        }
    }

    /// The registers of an interface, to be changed.
    pub(crate) fn atos_mut(&mut self, interface: AtosInterface) -> &mut AtosGroup {
        match interface {
            AtosInterface::Gatos => &mut self.gatos,
            AtosInterface::Vatos => &mut self.vatos,
        }
    }

    /// Software writes RUN (§6.3.37): that is accepted while SMMUEN is 1 and the interface is idle.
    pub(super) fn write_run(
        &mut self,
        env: &mut impl Env,
        f: &Features,
        interface: AtosInterface,
        ctrl: AtosCtrl,
    ) {
        let enabled = self.cr0.smmuen() && self.cr0ack.smmuen();
        let group = self.atos_mut(interface);
        if !group.running && (enabled || !ctrl.run()) {
            *group = AtosGroup { ctrl, running: ctrl.run(), ..*group };
            return;
        }
        // Up to v3.1 it may also be stored, without any other effect.
        if f.revision <= Revision::V3_1
            && env.ask(&[GuardedWrite::Ignore, GuardedWrite::Store]) == GuardedWrite::Store
        {
            group.ctrl = ctrl;
        } else {
            env.note(Rule::RegisterGuarded);
        }
    }
}
