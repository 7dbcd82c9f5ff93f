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
pub fn decode(env: &mut impl Env, f: &Features, command: Command) -> Result<Decoded, Rule> {
    let opcode = legality::opcode(f, command)?;
    let decoded = match parameters(env, f, command, opcode) {
        Err(rule) if rule.effect() == Effect::Ignored => Decoded::Ignored(rule),
        illegal_or_legal => illegal_or_legal?,
    };
    // CERROR_ILL beats IGNORED, so this holds for a command without effect too (§4.1.3).
    if legality::has_reserved_bits(f, command, opcode)
        && env.ask(&[CommandReservedBits::Ignore, CommandReservedBits::Illegal])
            == CommandReservedBits::Illegal
    {
        return Err(Rule::CommandReservedBit);
    }
    Ok(decoded)
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
    follow: impl Fn(&mut E, &Registers, &mut Caches, Prefetch),
) -> Progress {
    let Some(next) = queue::next(env, f, registers, |queue| targets.invalidations.hang(queue)) else {
        return Progress::Idle;
    };
    consume(env, f, registers, targets, next, &follow);
    if next.has_more(f, registers) && env.ask(&[CmdqConsLag::Each, CmdqConsLag::Two]) == CmdqConsLag::Two {
        let Some(next) = queue::next(env, f, registers, |queue| targets.invalidations.hang(queue)) else {
            return Progress::Worked;
        };
        consume(env, f, registers, targets, next, &follow);
    }
    Progress::Worked
}

/// Consumes one command, or stops its queue at it.
fn consume<E: Env>(
    env: &mut E,
    f: &Features,
    registers: &mut Registers,
    targets: &mut Targets<'_>,
    next: queue::Pending,
    follow: &impl Fn(&mut E, &Registers, &mut Caches, Prefetch),
) {
    let decoded = next.fetch(env, f, registers).and_then(|command| decode(env, f, command));
    let completable = decoded.and_then(|decoded| {
        if let Decoded::Sync(_) = decoded {
            targets.invalidations.sync(env, next.queue())?;
        }
        Ok(decoded)
    });
    match completable {
        Ok(decoded) => {
            next.consume(env, f, registers);
            if let Some(hint) = execute(env, f, registers, targets, (next.queue(), decoded)) {
                follow(env, registers, targets.caches, hint);
            }
        }
        Err(Rule::SyncNeverCompletes) => env.note(Rule::SyncNeverCompletes),
        Err(rule) => {
            env.note(rule);
            let Effect::Command(error) = rule.effect() else {
                unreachable!("{} does not stop a command queue", rule.label());
            };
            next.stop(env, f, registers, error);
        }
    }
}

/// Returns a hint that is to be followed. The index has moved already, so that whoever sees the interrupt of a
/// CMD_SYNC sees it consumed (§4.7.3).
fn execute(
    env: &mut impl Env,
    f: &Features,
    registers: &mut Registers,
    targets: &mut Targets<'_>,
    (queue, decoded): (CommandQueue, Decoded),
) -> Option<Prefetch> {
    let Targets { invalidations, stalls, caches } = targets;
    let origin = Origin::Command(queue);
    match decoded {
        Decoded::Prefetch(hint) => return Some(hint),
        Decoded::Cfgi(cfgi) => {
            stalls.invalidate(|stream| cfgi.bears_on(stream));
            effect::invalidate(env, caches, origin, || Some(Invalidation::Configuration(cfgi.structures())));
        }
        Decoded::Tlbi(tlbi) => {
            // Whatever the tags: a retry that need not be is permitted (§7.2.1).
            stalls.invalidate(|_any| true);
            effect::invalidate(env, caches, origin, || {
                tlbi.scope(TagSetting::new(registers)).map(Invalidation::Translations)
            });
        }
        Decoded::Resume(resume) => stall::answer(env, stalls, resume),
        Decoded::StallTerm(stream) => {
            stall::terminate(env, &Globals { features: f, registers }, stalls, stream)
        }
        // Without SMMUEN, ATS does not work at all (§6.3.9.6).
        Decoded::AtcInv(_) | Decoded::PriResp(_) if !registers.cr0ack.smmuen() => {
            env.note(Rule::CommandIgnored);
        }
        Decoded::AtcInv(request) => invalidations.send(env, queue, request),
        Decoded::PriResp(response) => ats::respond(env, response),
        Decoded::Sync(signal) => {
            caches.synchronize(env, origin);
            stalls.synchronise();
            sync::complete(env, f, registers, signal);
        }
        Decoded::Ignored(rule) => env.note(rule),
    }
    None
}

/// The parameters, with every check that makes the command illegal before any that makes it ignored.
fn parameters(env: &mut impl Env, f: &Features, command: Command, opcode: Opcode) -> Result<Decoded, Rule> {
    let decoded = match opcode {
        Opcode::PrefetchConfig => Decoded::Prefetch(prefetch::config(env, f, command)?),
        Opcode::PrefetchAddr => Decoded::Prefetch(prefetch::addresses(env, f, command)?),
        Opcode::CfgiSte => Decoded::Cfgi(cfgi::ste(env, f, command)?),
        Opcode::CfgiSteRange => Decoded::Cfgi(cfgi::ste_range(env, f, command)?),
        Opcode::CfgiCd => Decoded::Cfgi(cfgi::cd(env, f, command)?),
        Opcode::CfgiCdAll => Decoded::Cfgi(cfgi::cd_all(env, f, command)?),
        Opcode::TlbiNhAll => Decoded::Tlbi(tlbi::Fields::new(env, f, command).nh_all()?),
        Opcode::TlbiNhAsid => Decoded::Tlbi(tlbi::Fields::new(env, f, command).nh_asid()?),
        Opcode::TlbiNhVa => Decoded::Tlbi(tlbi::Fields::new(env, f, command).nh_va()?),
        Opcode::TlbiNhVaa => Decoded::Tlbi(tlbi::Fields::new(env, f, command).nh_vaa()?),
        Opcode::TlbiEl2All => Decoded::Tlbi(Tlbi::El2All),
        Opcode::TlbiEl2Asid => Decoded::Tlbi(tlbi::Fields::new(env, f, command).el2_asid()?),
        Opcode::TlbiEl2Va => Decoded::Tlbi(tlbi::Fields::new(env, f, command).el2_va()?),
        Opcode::TlbiEl2Vaa => Decoded::Tlbi(tlbi::Fields::new(env, f, command).el2_vaa()?),
        Opcode::TlbiS12Vmall => Decoded::Tlbi(tlbi::Fields::new(env, f, command).s12_vmall()?),
        Opcode::TlbiS2Ipa => Decoded::Tlbi(tlbi::Fields::new(env, f, command).s2_ipa()?),
        Opcode::TlbiNsnhAll => Decoded::Tlbi(Tlbi::NsnhAll),
        Opcode::AtcInv => Decoded::AtcInv(ats::atc_inv(env, f, command)?),
        Opcode::PriResp => Decoded::PriResp(ats::pri_resp(env, f, command)?),
        Opcode::Resume => Decoded::Resume(stall::resume(env, f, command)?),
        Opcode::StallTerm => Decoded::StallTerm(stream::stream(env, f, command)?),
        Opcode::Sync => Decoded::Sync(sync::decode(f, command)?),
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
    };
    Ok(decoded)
}
