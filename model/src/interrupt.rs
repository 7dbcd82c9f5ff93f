//! Interrupts: a pulse on the wire of the source, and a 32-bit message write where one is set up (§3.18).

use crate::address::Pa;
use crate::bus::Bus;
use crate::choice::answer::{MsiWriteAbort, WiredInterrupts};
use crate::env::Env;
use crate::features::Features;
use crate::layout::register::Gerror;
use crate::registers::error::activate;
use crate::registers::{IrqConfig, Registers};
use crate::rule::Rule;
use crate::trace::{Event, InterruptSource};

/// A message to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Message {
    pub(crate) to: Pa,
    pub(crate) data: u32,
}

/// The Event queue became non-empty.
pub(crate) fn event_queue(env: &mut impl Env, f: &Features, registers: &mut Registers) {
    if registers.irq_ctrlack.eventq_irqen() {
        let aborted = Gerror::new().with_msi_eventq_abt_err(true);
        signal(env, f, registers, InterruptSource::EventQueue, message(f, registers.eventq_irq), aborted);
    }
}

/// Software is to look at the PRI queue (§6.3.36).
pub(crate) fn pri_queue(env: &mut impl Env, f: &Features, registers: &mut Registers) {
    if registers.irq_ctrlack.priq_irqen() {
        let aborted = Gerror::new().with_msi_priq_abt_err(true);
        signal(env, f, registers, InterruptSource::PriQueue, message(f, registers.priq_irq), aborted);
    }
}

/// A global error became active (§7.5.1).
pub(crate) fn global_error(env: &mut impl Env, f: &Features, registers: &mut Registers) {
    if registers.irq_ctrlack.gerror_irqen() {
        let aborted = Gerror::new().with_msi_gerror_abt_err(true);
        signal(env, f, registers, InterruptSource::GlobalError, message(f, registers.gerror_irq), aborted);
    }
}

/// A CMD_SYNC with SIG_IRQ completed (§4.7.3).
pub(crate) fn command_sync(
    env: &mut impl Env,
    f: &Features,
    registers: &mut Registers,
    message: Option<Message>,
) {
    let aborted = Gerror::new().with_msi_cmdq_abt_err(true);
    signal(env, f, registers, InterruptSource::CommandSync, message, aborted);
}

/// An address of zero means that no message is set up (§6.3.21); the whole field counts (§3.4.3).
pub(crate) fn message(f: &Features, config: IrqConfig) -> Option<Message> {
    let address = Pa::new(config.address.addr());
    let to = address.truncated(f.oas_bits);
    (f.msi && address.value() != 0).then_some(Message { to, data: config.data })
}

/// `aborted` is the error that an external abort of the message makes active.
fn signal(
    env: &mut impl Env,
    f: &Features,
    registers: &mut Registers,
    source: InterruptSource,
    message: Option<Message>,
    aborted: Gerror,
) {
    if message_aborts(env, source, message) {
        env.note(Rule::MsiAborted);
        activate(env, f, registers, aborted);
    }
    pulse(env, f, source);
}

/// A counter of the group with this interrupt overflowed (§10.2.1). Says whether an abort of the message was
/// reported.
pub(crate) fn counter_group(
    env: &mut impl Env,
    f: &Features,
    source: InterruptSource,
    message: Option<Message>,
) -> bool {
    let is_aborted = message_aborts(env, source, message);
    if is_aborted {
        env.note(Rule::PmcgMsiAborted);
    }
    pulse(env, f, source);
    is_aborted
}

/// Writes a message, if one is set up. Says whether an external abort of it was reported.
fn message_aborts(env: &mut impl Env, source: InterruptSource, message: Option<Message>) -> bool {
    let Some(Message { to, data }) = message else { return false };
    match env.bus().write(to, &data.to_le_bytes()) {
        Ok(()) => {
            env.trace(|| Event::Interrupt { source, msi: Some((to, data)) });
            false
        }
        Err(_abort) => {
            env.ask(&[MsiWriteAbort::Reported, MsiWriteAbort::Unreported]) == MsiWriteAbort::Reported
        }
    }
}

/// Pulses the wire of a source, if it has one.
fn pulse(env: &mut impl Env, f: &Features, source: InterruptSource) {
    if is_wired(env, f) {
        env.trace(|| Event::Interrupt { source, msi: None });
    }
}

/// Every implementation has wires or messages, or both (§3.18).
fn is_wired(env: &mut impl Env, f: &Features) -> bool {
    !f.msi || env.ask(&[WiredInterrupts::Present, WiredInterrupts::Absent]) == WiredInterrupts::Present
}
