//! CMD_SYNC: everything before it is complete, and software is told so (§4.7.3).

use super::tlbi::ipa_mask;
use crate::address::Pa;
use crate::env::Env;
use crate::features::Features;
use crate::interrupt::{self, Message};
use crate::layout::command::Command;
use crate::registers::Registers;
use crate::rule::Rule;
use crate::trace::Event;

/// How software learns of the completion: CS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// SIG_NONE: CONS says it.
    None,
    /// SIG_IRQ.
    Interrupt {
        /// The message to write (address, data); without, the wire is pulsed.
        msi: Option<(Pa, u32)>,
    },
    /// SIG_SEV: an event wakes processing elements; nothing if IDR0.SEV is 0.
    WakeUp,
}

pub(super) fn decode(f: &Features, command: Command) -> Result<Signal, Rule> {
    match command.sync0().cs() {
        0 => Ok(Signal::None),
        1 => Ok(Signal::Interrupt { msi: message(f, command) }),
        2 => Ok(Signal::WakeUp),
        _reserved => Err(Rule::CommandSyncReserved),
    }
}

/// The check for zero covers the whole field, before the address is truncated to OAS (§3.4.3, §4.7.3).
fn message(f: &Features, command: Command) -> Option<(Pa, u32)> {
    let address = command.sync1().msi_address() & ipa_mask(f.revision);
    let to = Pa::new(address).truncated(f.oas_bits);
    (f.msi && address != 0).then_some((to, command.sync0().msi_data()))
}

/// Tells software that the command is complete.
pub(super) fn complete(env: &mut impl Env, f: &Features, registers: &mut Registers, signal: Signal) {
    match signal {
        Signal::None => {}
        Signal::Interrupt { msi } => {
            let message = msi.map(|(to, data)| Message { to, data });
            interrupt::command_sync(env, f, registers, message);
        }
        Signal::WakeUp => {
            if f.sev {
                env.trace(|| Event::WakeUp);
            }
        }
    }
}
