//! Fetching a CD (§3.3.2, §5.3): level 1 descriptor and CD, through stage 2 where that translates.

use super::recall::Recall;
use super::sources::Level1Word;
use super::stage2;
use crate::address::{Ipa, Pa, fits};
use crate::bus::Bus;
use crate::choice::answer::{
    CdAddressBeyondIas, CdAddressBeyondOas, CdReservedBits, L1CdPointerBeyondIas, L1CdPointerBeyondOas,
};
use crate::config::cd_table::{CdFormat, CdTable};
use crate::config::ste::Stage2;
use crate::env::Env;
use crate::features::{Features, Revision};
use crate::layout::l1cd::L1Cd;
use crate::outcome::{Class, Stop};
use crate::rule::Rule;
use crate::trace::{Event, Structure};
use crate::transaction::{Access, Direction};

/// Where CD `index` of the table lies. The level 1 descriptor of a table of two levels and its address are read if
/// they are not known, and are left in `level1`.
#[inline(always)]
pub(super) fn locate<E: Recall>(
    env: &mut E,
    f: &Features,
    table: &CdTable,
    stage2: Option<&Stage2>,
    index: u32,
    level1: &mut Option<Level1Word>,
) -> Result<Pa, Stop> {
    env.note(match table.format() {
        CdFormat::Linear => Rule::LinearCdTable,
        CdFormat::Leaf4K => Rule::TwoLevelCdTable4K,
        CdFormat::Leaf64K => Rule::TwoLevelCdTable64K,
    });
    let first = table.first_address(env, index);
    let address = match table.format() {
        CdFormat::Linear => Located { address: first, source: Source::ContextPtr(table.pointer()) },
        CdFormat::Leaf4K | CdFormat::Leaf64K => {
            let source = Source::ContextPtr(table.pointer());
            let word = match *level1 {
                Some((_, word)) => word,
                None => read_l1cd(env, f, stage2, Located { address: first, source }, level1)?,
            };
            let descriptor = judged(env, word)?;
            Located { address: table.leaf_address(descriptor, index), source: Source::L2Ptr }
        }
    };
    physical(env, f, stage2, address)
}

/// An address of a structure, and the field that led to it.
#[derive(Clone, Copy)]
struct Located {
    address: u64,
    source: Source,
}

/// Who is to blame for an address out of range (§3.4.3).
#[derive(Clone, Copy)]
enum Source {
    /// STE.S1ContextPtr, which has this value.
    ContextPtr(u64),
    /// L1CD.L2Ptr.
    L2Ptr,
}

fn read_l1cd<E: Recall>(
    env: &mut E,
    f: &Features,
    stage2: Option<&Stage2>,
    located: Located,
    level1: &mut Option<Level1Word>,
) -> Result<u64, Stop> {
    let at = physical(env, f, stage2, located)?;
    let word = env.bus().read_u64(at);
    let word = word.map_err(|_abort| Stop::at_structure(Rule::L1CdFetchAborted, at))?;
    env.trace(|| Event::Structure { structure: Structure::L1Cd, at, words: [word, 0, 0, 0, 0, 0, 0, 0] });
    *level1 = Some((at, word));
    Ok(word)
}

fn judged<E: Env>(env: &mut E, word: u64) -> Result<L1Cd, Stop> {
    let descriptor = L1Cd::from_bits(word);
    if !descriptor.v() {
        return Err(Stop::configuration(Rule::L1CdNotValid));
    }
    if word & L1CD_RESERVED != 0 && reserved_bits_refused(env) {
        return Err(Stop::configuration(Rule::L1CdReservedBit));
    }
    Ok(descriptor)
}

/// Bits of a level 1 context descriptor that no field covers: [63:56] and [11:1] (§5.3).
const L1CD_RESERVED: u64 = 0xff00_0000_0000_0ffe;

/// From the address of a structure to the bus: through stage 2 for a data read, or as it is.
#[inline(always)]
fn physical<E: Recall>(
    env: &mut E,
    f: &Features,
    stage2: Option<&Stage2>,
    located: Located,
) -> Result<Pa, Stop> {
    match stage2 {
        None if fits(located.address, f.oas_bits) => Ok(Pa::new(located.address)),
        None => beyond_oas(env, f, located),
        Some(stage2) => {
            let in_range = fits(located.address, f.ias_bits);
            let ipa = if in_range { located.address } else { beyond_ias(env, f, located)? };
            let access = Access::data(Direction::Read);
            let request = stage2::Request { ipa: Ipa::new(ipa), class: Class::Cd, access };
            stage2::translate(env, stage2, request).map(|mapped| mapped.pa)
        }
    }
}

/// §3.4.3 items 1 and 3: from v3.1 there is one answer.
#[cold]
fn beyond_oas<E: Env>(env: &mut E, f: &Features, located: Located) -> Result<Pa, Stop> {
    let at = Pa::new(located.address);
    let v3_0 = f.revision == Revision::V3_0;
    let (refused, faults) = match located.source {
        Source::ContextPtr(pointer) => {
            use CdAddressBeyondOas::{BadSte, Fault, Truncate};
            // A pointer that is itself out of range was judged with the STE; only the other answers are left.
            let judged = !fits(pointer, f.oas_bits);
            let permitted: &[_] = match (v3_0, judged) {
                (true, true) => &[Fault, Truncate],
                (true, false) => &[BadSte, Fault, Truncate],
                (false, _) => &[BadSte],
            };
            let answer = env.ask(permitted);
            ((answer == BadSte).then_some(Rule::SteS1ContextPtrRange), answer == Fault)
        }
        Source::L2Ptr => {
            use L1CdPointerBeyondOas::{BadSubstream, Fault, Truncate};
            let permitted: &[_] = if v3_0 { &[BadSubstream, Fault, Truncate] } else { &[BadSubstream] };
            let answer = env.ask(permitted);
            ((answer == BadSubstream).then_some(Rule::L1CdPointerRange), answer == Fault)
        }
    };
    match refused {
        Some(rule) => Err(Stop::configuration(rule)),
        None if faults => Err(Stop::at_structure(Rule::CdAddressBeyondOas, at)),
        None => Ok(at.truncated(f.oas_bits)),
    }
}

/// §3.4.3 items 2 and 4: refuse, let stage 2 fault it, or (v3.0) truncate. Returns the IPA for stage 2.
#[cold]
fn beyond_ias<E: Env>(env: &mut E, f: &Features, located: Located) -> Result<u64, Stop> {
    let truncated = Ipa::new(located.address).truncated(f.ias_bits).value();
    let v3_0 = f.revision == Revision::V3_0;
    match located.source {
        Source::ContextPtr(pointer) => {
            use CdAddressBeyondIas::{BadSte, Stage2, Truncate};
            let judged = !fits(pointer, f.ias_bits);
            let permitted: &[_] = match (v3_0, judged) {
                (true, true) => &[Stage2, Truncate],
                (true, false) => &[BadSte, Stage2, Truncate],
                (false, true) => &[Stage2],
                (false, false) => &[BadSte, Stage2],
            };
            match env.ask(permitted) {
                BadSte => Err(Stop::configuration(Rule::SteS1ContextPtrRange)),
                Stage2 => Ok(located.address),
                Truncate => Ok(truncated),
            }
        }
        Source::L2Ptr => {
            use L1CdPointerBeyondIas::{BadSubstream, Stage2, Truncate};
            let permitted: &[_] =
                if v3_0 { &[BadSubstream, Stage2, Truncate] } else { &[BadSubstream, Stage2] };
            match env.ask(permitted) {
                BadSubstream => Err(Stop::configuration(Rule::L1CdPointerRange)),
                Stage2 => Ok(located.address),
                Truncate => Ok(truncated),
            }
        }
    }
}

#[cold]
fn reserved_bits_refused<E: Env>(env: &mut E) -> bool {
    env.ask(&[CdReservedBits::Ignore, CdReservedBits::Invalid]) == CdReservedBits::Invalid
}
