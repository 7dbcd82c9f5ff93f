//! `interrupts` and `choices`: what was met on the way.

use std::mem;

use serde::Serialize;
use smmu_model::trace::InterruptSource;

use super::machine::Machine;
use super::method::Reply;
use super::params::Params;
use super::rpc::Error;
use crate::hex::Hex;

/// `interrupts`: those since the last call, each kind in order.
pub(super) fn interrupts(machine: &mut Machine, _: &Params) -> Result<Reply, Error> {
    let (wired, msi) = (mem::take(&mut machine.ledger.wired), mem::take(&mut machine.ledger.msi));
    let wired = wired.entries()?.iter().map(|&source| source_name(source)).collect();
    let msi = msi.entries()?.iter().map(|&(pa, data)| Msi { addr: Hex(pa.value()), data: Hex(data.into()) });
    let wake_ups = mem::take(&mut machine.ledger.wake_ups);
    Ok(Reply::Interrupts(Interrupts { wired, msi: msi.collect(), wake_ups }))
}

/// `choices`: every choice point met since `smmu.new`, in order.
pub(super) fn choices(machine: &mut Machine, _: &Params) -> Result<Reply, Error> {
    let met = machine.ledger.choices.entries()?.iter();
    let choices = met.map(|&(choice, answer)| Met { name: choice.key(), answer: choice.answers()[answer] });
    Ok(Reply::Choices(Choices { choices: choices.collect() }))
}

/// The names that device trees give to the interrupts.
const fn source_name(source: InterruptSource) -> &'static str {
    match source {
        InterruptSource::EventQueue => "eventq",
        InterruptSource::CommandSync => "cmdq-sync",
        InterruptSource::GlobalError => "gerror",
        InterruptSource::PriQueue => "priq",
        InterruptSource::Pmcg0 => "pmcg0",
        InterruptSource::Pmcg1 => "pmcg1",
    }
}

/// The answer to `interrupts`.
#[derive(Serialize, Debug)]
pub(super) struct Interrupts {
    wired: Vec<&'static str>,
    msi: Vec<Msi>,
    /// Of processing elements that wait for an event (§4.7.3 SIG_SEV).
    wake_ups: u32,
}

#[derive(Serialize, Debug)]
struct Msi {
    addr: Hex,
    data: Hex,
}

/// The answer to `choices`.
#[derive(Serialize, Debug)]
pub(super) struct Choices {
    choices: Vec<Met>,
}

#[derive(Serialize, Debug)]
struct Met {
    name: &'static str,
    answer: &'static str,
}
