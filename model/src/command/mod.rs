//! Commands (chapter 4): from the two words in the queue to a [`Decoded`] command, and its execution.
//!
//! [`decode`] says whether a command is legal, and drops what it ignores: a `Decoded` holds parameters that
//! are in range and mean something.

pub(crate) mod ats;
mod cfgi;
pub(crate) mod effect;
mod legality;
mod prefetch;
mod range;
mod stall;
mod stream;
mod sync;
mod tlbi;

pub use cfgi::Cfgi;
pub use prefetch::{Addresses, Prefetch};
pub use stall::{Resume, StallAction};
pub use sync::Signal;
pub use tlbi::{Pages, Range, Tlbi};

use effect::TagSetting;

use crate::ats::{InvalidateRequest, PrgResponse};
use crate::cache::{Caches, Invalidation, Origin};
use crate::choice::answer::{CmdqConsLag, CommandReservedBits};
use crate::config::Globals;
use crate::env::Env;
use crate::fault::stall::Stalls;
use crate::features::Features;
use crate::ids::{CommandQueue, StreamId};
use crate::layout::command::{Command, Opcode};
use crate::queue::command as queue;
use crate::queue::ring::CONSUMED_MAX;
use crate::registers::Registers;
use crate::rule::{Effect, Rule};
use crate::smmu::Progress;
use ats::Invalidations;

/// A legal command of the Non-secure Command queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decoded {
    /// CMD_PREFETCH_* (§4.2).
    Prefetch(Prefetch),
    /// CMD_CFGI_* (§4.3).
    Cfgi(Cfgi),
    /// CMD_TLBI_* (§4.4).
    Tlbi(Tlbi),
    /// CMD_ATC_INV (§4.5.1).
    AtcInv(InvalidateRequest),
    /// CMD_PRI_RESP (§4.5.2).
    PriResp(PrgResponse),
    /// CMD_RESUME (§4.7.1).
    Resume(Resume),
    /// CMD_STALL_TERM of this stream (§4.7.2).
    StallTerm(StreamId),
    /// CMD_SYNC (§4.7.3).
    Sync(Signal),
    /// Legal, and without effect by this rule.
    Ignored(Rule),
}

/// Decodes a command; an error is a rule with [`Effect::Command`].
#[inline]
pub fn decode(env: &mut impl Env, f: &Features, command: Command) -> Result<Decoded, Rule> {
    let opcode = legality::opcode(f, command)?;
    let mut decoded = parameters(env, f, command, opcode);
    if let Err(rule) = decoded
        && rule.effect() == Effect::Ignored
    {
        decoded = Ok(Decoded::Ignored(rule));
    }
    // CERROR_ILL beats IGNORED, so this holds for a command without effect too (§4.1.3).
    if decoded.is_ok()
        && legality::has_reserved_bits(f, command, opcode)
        && env.ask(&[CommandReservedBits::Ignore, CommandReservedBits::Illegal])
            == CommandReservedBits::Illegal
    {
        decoded = Err(Rule::CommandReservedBit);
    }
    decoded
}

/// What commands act on, beside registers.
pub(crate) struct Targets<'a> {
    pub(crate) invalidations: &'a mut Invalidations,
    pub(crate) stalls: &'a mut Stalls,
    pub(crate) caches: &'a mut Caches,
}

/// Consumes one command of one of the queues, or as many as the implementation consumes before the index of the
/// queue says so (§6.3.28). All queues accept the same commands (§3.5.6.1). Hints are followed by `follow`.
pub(crate) fn step<E: Env>(
    env: &mut E,
    f: &Features,
    registers: &mut Registers,
    targets: &mut Targets<'_>,
    follow: impl Fn(&mut E, &Features, &mut Registers, &mut Caches, Prefetch),
) -> Progress {
    let Some(next) = queue::next(env, f, registers, |queue| targets.invalidations.hang(queue)) else {
        return Progress::Idle;
    };
    consume(env, f, registers, targets, next, &follow);
    if next.has_more(f, registers) && lags(env) {
        let Some(next) = queue::next(env, f, registers, |queue| targets.invalidations.hang(queue)) else {
            return Progress::Worked;
        };
        consume(env, f, registers, targets, next, &follow);
    }
    Progress::Worked
}

/// As many [`step`]s as have something to do, where the Command queue that every SMMU has is the only one in use.
pub(crate) fn drain<E: Env>(
    env: &mut E,
    f: &Features,
    registers: &mut Registers,
    targets: &mut Targets<'_>,
    follow: impl Fn(&mut E, &Features, &mut Registers, &mut Caches, Prefetch),
) {
    // Meanwhile only commands move the queue, so that its indexes are read once.
    let (mut ring, mut completes_step) = (registers.command_ring(f), true);
    for _ in 0..CONSUMED_MAX + 1 {
        if targets.invalidations.hang(CommandQueue::Main) {
            return;
        }
        let Some(next) = queue::next_of_main(env, f, registers, ring) else { return };
        if consume(env, f, registers, targets, next, &follow) {
            ring = next.rest();
        }
        completes_step = !(completes_step && queue::main_has_more(registers, ring) && lags(env));
    }
    unreachable!("CONS meets PROD, or an error stops the queue");
}

/// Whether the index of a queue shows that a command is consumed only when another one is.
#[inline(always)]
fn lags(env: &mut impl Env) -> bool {
    env.ask(&[CmdqConsLag::Each, CmdqConsLag::Two]) == CmdqConsLag::Two
}

/// Consumes one command, or stops its queue at it. Returns whether it is consumed.
#[inline(always)]
fn consume<E: Env>(
    env: &mut E,
    f: &Features,
    registers: &mut Registers,
    targets: &mut Targets<'_>,
    next: queue::Pending,
    follow: &impl Fn(&mut E, &Features, &mut Registers, &mut Caches, Prefetch),
) -> bool {
    let command = match next.fetch(env, f, registers) {
        Ok(command) => command,
        Err(rule) => return stop(env, f, registers, next, rule),
    };
    let decoded = decode(env, f, command);
    let decoded = match &decoded {
        Ok(decoded) => decoded,
        Err(rule) => return stop(env, f, registers, next, *rule),
    };
    if let Decoded::Sync(_) = decoded
        && let Err(rule) = targets.invalidations.sync(env, next.queue())
    {
        return stop(env, f, registers, next, rule);
    }
    next.consume(env, f, registers);
    if let Some(hint) = execute(env, f, registers, targets, (next.queue(), decoded)) {
        follow(env, f, registers, targets.caches, hint);
    }
    true
}

/// The command at CONS is not consumed: it waits for ever, or its queue stops.
#[cold]
fn stop(
    env: &mut impl Env,
    f: &Features,
    registers: &mut Registers,
    next: queue::Pending,
    rule: Rule,
) -> bool {
    env.note(rule);
    if rule == Rule::SyncNeverCompletes {
        return false;
    }
    let Effect::Command(error) = rule.effect() else {
        unreachable!("{} does not stop a command queue", rule.label());
    };
    next.stop(env, f, registers, error);
    false
}

/// Returns a hint that is to be followed. The index has moved already, so that whoever sees the interrupt of a
/// CMD_SYNC sees it consumed (§4.7.3).
#[inline(always)]
fn execute(
    env: &mut impl Env,
    f: &Features,
    registers: &mut Registers,
    targets: &mut Targets<'_>,
    (queue, decoded): (CommandQueue, &Decoded),
) -> Option<Prefetch> {
    let Targets { invalidations, stalls, caches } = targets;
    let origin = Origin::Command(queue);
    match decoded {
        Decoded::Prefetch(hint) => return Some(*hint),
        Decoded::Cfgi(cfgi) => effect::invalidate(env, (caches, stalls), origin, |_env| {
            Some(Invalidation::Configuration(cfgi.structures()))
        }),
        Decoded::Tlbi(tlbi) => effect::invalidate(env, (caches, stalls), origin, |_env| {
            tlbi.scope(TagSetting::new(registers)).map(Invalidation::Translations)
        }),
        Decoded::Resume(resume) => stall::answer(env, stalls, *resume),
        Decoded::StallTerm(stream) => {
            stall::terminate(env, &Globals { features: f, registers }, (caches, stalls), *stream)
        }
        // Without SMMUEN, ATS does not work at all (§6.3.9.6).
        Decoded::AtcInv(_) | Decoded::PriResp(_) if !registers.cr0ack.smmuen() => {
            env.note(Rule::CommandIgnored);
        }
        Decoded::AtcInv(request) => invalidations.send(env, queue, *request),
        Decoded::PriResp(response) => ats::respond(env, *response),
        Decoded::Sync(signal) => {
            caches.synchronize(env, origin);
            stalls.synchronize(origin);
            sync::complete(env, f, registers, *signal);
        }
        Decoded::Ignored(rule) => env.note(*rule),
    }
    None
}

/// The parameters, with every check that makes the command illegal before any that makes it ignored. Out of line, so
/// that they are made in their place: moved, they would have to wait for their parts.
#[inline(never)]
fn parameters(env: &mut impl Env, f: &Features, command: Command, opcode: Opcode) -> Result<Decoded, Rule> {
    match opcode {
        Opcode::PrefetchConfig => prefetch::config(env, f, command).map(Decoded::Prefetch),
        Opcode::PrefetchAddr => prefetch::addresses(env, f, command).map(Decoded::Prefetch),
        Opcode::CfgiSte => cfgi::ste(env, f, command).map(Decoded::Cfgi),
        Opcode::CfgiSteRange => cfgi::ste_range(env, f, command).map(Decoded::Cfgi),
        Opcode::CfgiCd => cfgi::cd(env, f, command).map(Decoded::Cfgi),
        Opcode::CfgiCdAll => cfgi::cd_all(env, f, command).map(Decoded::Cfgi),
        Opcode::TlbiNhAll => tlbi::Fields::new(env, f, command).nh_all().map(Decoded::Tlbi),
        Opcode::TlbiNhAsid => tlbi::Fields::new(env, f, command).nh_asid().map(Decoded::Tlbi),
        Opcode::TlbiNhVa => tlbi::Fields::new(env, f, command).nh_va().map(Decoded::Tlbi),
        Opcode::TlbiNhVaa => tlbi::Fields::new(env, f, command).nh_vaa().map(Decoded::Tlbi),
        Opcode::TlbiEl2All => Ok(Decoded::Tlbi(Tlbi::El2All)),
        Opcode::TlbiEl2Asid => tlbi::Fields::new(env, f, command).el2_asid().map(Decoded::Tlbi),
        Opcode::TlbiEl2Va => tlbi::Fields::new(env, f, command).el2_va().map(Decoded::Tlbi),
        Opcode::TlbiEl2Vaa => tlbi::Fields::new(env, f, command).el2_vaa().map(Decoded::Tlbi),
        Opcode::TlbiS12Vmall => tlbi::Fields::new(env, f, command).s12_vmall().map(Decoded::Tlbi),
        Opcode::TlbiS2Ipa => tlbi::Fields::new(env, f, command).s2_ipa().map(Decoded::Tlbi),
        Opcode::TlbiNsnhAll => Ok(Decoded::Tlbi(Tlbi::NsnhAll)),
        Opcode::AtcInv => ats::atc_inv(env, f, command).map(Decoded::AtcInv),
        Opcode::PriResp => ats::pri_resp(env, f, command).map(Decoded::PriResp),
        Opcode::Resume => stall::resume(env, f, command).map(Decoded::Resume),
        Opcode::StallTerm => stream::stream(env, f, command).map(Decoded::StallTerm),
        Opcode::Sync => sync::decode(f, command).map(Decoded::Sync),
        Opcode::CfgiVmsPidm
        | Opcode::DptiAll
        | Opcode::DptiPa
        | Opcode::TlbiEl3All
        | Opcode::TlbiEl3Va
        | Opcode::TlbiSEl2All
        | Opcode::TlbiSEl2Asid
        | Opcode::TlbiSEl2Va
        | Opcode::TlbiSEl2Vaa
        | Opcode::TlbiSS12Vmall
        | Opcode::TlbiSS2Ipa
        | Opcode::TlbiSnhAll => unreachable!("{} is never legal here", opcode.name()),
    }
}
