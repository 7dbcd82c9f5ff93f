//! Which commands the Non-secure queue accepts, and which of their bits have a meaning (§4.1.1, §4.2–§4.7).

use super::tlbi::ipa_mask;
use crate::features::{Features, Revision, StallModel};
use crate::layout::command::{Command, Opcode};
use crate::rule::Rule;

/// What must hold for a command to exist.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Needs {
    Nothing,
    Stage1,
    Stage2,
    /// Stage 1 and IDR0.Hyp.
    El2,
    Ats,
    Pri,
    /// A stall model.
    Stall,
    /// IDR3.MPAM, which this model refuses.
    Mpam,
    /// IDR3.DPT, which this model refuses.
    Dpt,
    /// The Secure Command queue.
    Secure,
}

/// What is known of an opcode.
#[derive(Clone, Copy)]
struct Row {
    opcode: Opcode,
    needs: Needs,
    /// The bits of both words that belong to a field.
    fields: [u64; 2],
}

/// Every opcode by its code.
static ROWS: [Option<Row>; 256] = {
    let mut rows = [None; 256];
    let mut code = 0;
    while code < rows.len() {
        if let Some(opcode) = Opcode::from_code(code.to_le_bytes()[0]) {
            let (needs, fields) = row(opcode);
            rows[code] = Some(Row { opcode, needs, fields });
        }
        code += 1;
    }
    rows
};

/// The opcode, if the command exists on the Non-secure queue of this implementation.
#[inline]
pub(super) fn opcode(f: &Features, command: Command) -> Result<Opcode, Rule> {
    let Some(Row { opcode, needs, fields }) = &ROWS[usize::from(command.code())] else {
        return Err(undefined(command.code()));
    };
    let lacking = match needs {
        Needs::Nothing => None,
        Needs::Secure => Some(Rule::CommandSecureOnly),
        Needs::Stage1 | Needs::El2 if !f.s1p => Some(Rule::CommandNeedsStage1),
        Needs::Stage1 => None,
        Needs::El2 => (!f.hyp).then_some(Rule::CommandNeedsHyp),
        Needs::Stage2 => (!f.s2p).then_some(Rule::CommandNeedsStage2),
        Needs::Mpam => Some(Rule::CommandNeedsMpam),
        Needs::Dpt => Some(Rule::CommandNeedsDpt),
        Needs::Ats => (!f.ats).then_some(Rule::CommandNeedsAts),
        Needs::Pri => (!f.pri).then_some(Rule::CommandNeedsPri),
        Needs::Stall => (f.stall_model == StallModel::TerminateOnly).then_some(Rule::CommandNeedsStall),
    };
    match lacking {
        Some(rule) => Err(rule),
        None if command.0[0] & fields[0] & SSEC != 0 => Err(Rule::CommandSecure),
        None => Ok(*opcode),
    }
}

#[cold]
fn undefined(code: u8) -> Rule {
    match code {
        0x80..=0x8f => Rule::CommandImplementationDefined,
        _ => Rule::CommandReserved,
    }
}

/// Whether a bit is set that has no defined field (§4.1.5).
pub(super) fn has_reserved_bits(f: &Features, command: Command, opcode: Opcode) -> bool {
    let (_needs, fields) = row(opcode);
    let missing = missing_fields(f, command, opcode);
    let [word0, word1] = command.0;
    word0 & !(fields[0] & !missing[0]) != 0 || word1 & !(fields[1] & !missing[1]) != 0
}

// Fields of word 0.
const OPCODE: u64 = bits(7, 0);
const GLOBAL: u64 = bits(9, 9);
const SSEC: u64 = bits(10, 10);
const SSV: u64 = bits(11, 11);
const SUBSTREAM: u64 = bits(31, 12);
const STREAM: u64 = bits(63, 32);
const NUM: u64 = bits(16, 12);
const SCALE: u64 = bits(25, 20);
const VMID: u64 = bits(47, 32);
const ASID: u64 = bits(63, 48);
const ACTION_ABORT: u64 = bits(13, 12);
const SYNC_0: u64 = bits(13, 12) | bits(27, 22) | bits(63, 32);

// Fields of word 1.
const LEAF: u64 = bits(0, 0);
const RANGE: u64 = bits(4, 0);
const ADDRESS: u64 = bits(63, 12);
const IPA: u64 = bits(55, 12);
const COUNT_STRIDE: u64 = bits(9, 0);
const STRIDE: u64 = bits(9, 5);
const ATC_SIZE: u64 = bits(5, 0);
const RESP_PRG: u64 = bits(13, 12) | bits(8, 0);
const STAG: u64 = bits(15, 0);
const MSI_ADDRESS: u64 = bits(55, 2);
const TG: u64 = bits(11, 10);
const TTL: u64 = bits(9, 8);
const TTL128: u64 = bits(7, 7);
const DPTI: u64 = bits(55, 12) | bits(11, 8) | LEAF;

/// Fields of both words by layout.
const NO_ADDRESS: [u64; 2] = [OPCODE, 0];
const BY_VA: [u64; 2] = [OPCODE | NUM | SCALE, ADDRESS | TG | TTL | TTL128 | LEAF];
const BY_IPA: [u64; 2] = [OPCODE | NUM | SCALE | VMID, IPA | TG | TTL | TTL128 | LEAF];
const SECURE: [u64; 2] = NO_ADDRESS;

/// What each command needs, and the bits of its fields, in the order of the opcodes.
const fn row(opcode: Opcode) -> (Needs, [u64; 2]) {
    const STREAM_0: u64 = OPCODE | SSEC | STREAM;
    const SUBSTREAM_0: u64 = OPCODE | SSV | SUBSTREAM | STREAM;
    match opcode {
        Opcode::PrefetchConfig => (Needs::Nothing, [SUBSTREAM_0 | SSEC, 0]),
        Opcode::PrefetchAddr => (Needs::Nothing, [SUBSTREAM_0 | SSEC, ADDRESS | COUNT_STRIDE]),
        Opcode::CfgiSte => (Needs::Nothing, [STREAM_0, LEAF]),
        Opcode::CfgiSteRange => (Needs::Nothing, [STREAM_0, RANGE]),
        Opcode::CfgiCd => (Needs::Stage1, [STREAM_0 | SUBSTREAM, LEAF]),
        Opcode::CfgiCdAll => (Needs::Stage1, [STREAM_0, 0]),
        Opcode::CfgiVmsPidm => (Needs::Mpam, [OPCODE | SSEC | VMID, 0]),
        Opcode::TlbiNhAll => (Needs::Stage1, with(NO_ADDRESS, VMID)),
        Opcode::TlbiNhAsid => (Needs::Stage1, with(NO_ADDRESS, VMID | ASID)),
        Opcode::TlbiNhVa => (Needs::Stage1, with(BY_VA, VMID | ASID)),
        Opcode::TlbiNhVaa => (Needs::Stage1, with(BY_VA, VMID)),
        Opcode::TlbiEl3All | Opcode::TlbiEl3Va => (Needs::Secure, SECURE),
        Opcode::TlbiEl2All => (Needs::El2, NO_ADDRESS),
        Opcode::TlbiEl2Asid => (Needs::El2, with(NO_ADDRESS, ASID)),
        Opcode::TlbiEl2Va => (Needs::El2, with(BY_VA, ASID)),
        Opcode::TlbiEl2Vaa => (Needs::El2, BY_VA),
        Opcode::TlbiS12Vmall => (Needs::Stage2, with(NO_ADDRESS, VMID)),
        Opcode::TlbiS2Ipa => (Needs::Stage2, BY_IPA),
        Opcode::TlbiNsnhAll => (Needs::Nothing, NO_ADDRESS),
        Opcode::AtcInv => (Needs::Ats, [SUBSTREAM_0 | GLOBAL, ADDRESS | ATC_SIZE]),
        Opcode::PriResp => (Needs::Pri, [SUBSTREAM_0, RESP_PRG]),
        Opcode::Resume => (Needs::Stall, [STREAM_0 | ACTION_ABORT, STAG]),
        Opcode::StallTerm => (Needs::Stall, [STREAM_0, 0]),
        Opcode::Sync => (Needs::Nothing, [OPCODE | SYNC_0, MSI_ADDRESS]),
        Opcode::TlbiSEl2All
        | Opcode::TlbiSEl2Asid
        | Opcode::TlbiSEl2Va
        | Opcode::TlbiSEl2Vaa
        | Opcode::TlbiSS12Vmall
        | Opcode::TlbiSS2Ipa
        | Opcode::TlbiSnhAll => (Needs::Secure, SECURE),
        Opcode::DptiAll => (Needs::Dpt, NO_ADDRESS),
        Opcode::DptiPa => (Needs::Dpt, [OPCODE, DPTI]),
    }
}

/// Fields that this implementation lacks, or that another field of the command turns off.
fn missing_fields(f: &Features, command: Command, opcode: Opcode) -> [u64; 2] {
    let mut missing = [0, 0];
    if has_pages(opcode) {
        let word1 = command.tlbi1();
        // Without a granule there is no range and no hint; without RIL there never is (§4.4.1.1).
        if !f.ril || word1.tg() == 0 {
            missing = [NUM | SCALE, TTL | TTL128];
        } else if word1.ttl() == 0 || f.revision < Revision::V3_4 {
            missing[1] |= TTL128;
        }
        if !f.ril {
            missing[1] |= TG;
        }
        if !f.ds {
            missing[0] |= bits(25, 25);
        }
    }
    if opcode == Opcode::PrefetchAddr && f.revision == Revision::V3_0 {
        missing[1] |= STRIDE;
    }
    if opcode == Opcode::TlbiS2Ipa || opcode == Opcode::Sync {
        missing[1] |= !ipa_mask(f.revision);
    }
    missing
}

const fn has_pages(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::TlbiNhVa | Opcode::TlbiNhVaa | Opcode::TlbiEl2Va | Opcode::TlbiEl2Vaa | Opcode::TlbiS2Ipa
    )
}

const fn with([word0, word1]: [u64; 2], more: u64) -> [u64; 2] {
    [word0 | more, word1]
}

/// A mask of the bits from `high` down to `low`.
const fn bits(high: u32, low: u32) -> u64 {
    (u64::MAX >> (63 - high)) & (u64::MAX << low)
}
