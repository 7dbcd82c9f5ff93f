//! From an access on the bus to the registers it reaches (§6.2).

use super::map::Half;
use super::{AnyRegister, Registers};
use crate::address::low_mask;
use crate::choice::answer::{Page0Alias, Page1Undefined, RegisterAccessSize, RegisterPair};
use crate::env::Env;
use crate::features::Features;
use crate::rule::Rule;
use crate::smmu::RegisterAbort;

/// Distance from page 0 to page 1.
const PAGE_BYTES: u64 = 0x1_0000;

/// The page 0 offsets of registers that live in page 1.
const ALIASES: [u64; 4] = [0xa8, 0xac, 0xc8, 0xcc];

/// A read of `size_bytes` at `offset` from the base of page 0.
pub(crate) fn read(
    env: &mut impl Env,
    f: &Features,
    registers: &Registers,
    offset: u64,
    size_bytes: u8,
) -> Result<u64, RegisterAbort> {
    match resolve(env, f, offset, size_bytes)? {
        Reach::Nothing => Ok(0),
        Reach::Unknown(_) => Ok(low_mask(size_bytes.saturating_mul(8))),
        Reach::Register(register) => {
            note_if_absent(env, f, register);
            Ok(registers.read(env, f, register))
        }
        Reach::Words(lanes) => {
            let words = lanes.into_iter().flatten().map(|lane| match lane.word {
                Some((register, half)) => {
                    note_if_absent(env, f, register);
                    ((registers.read(env, f, register) >> half.shift()) & 0xffff_ffff) << lane.shift
                }
                None => {
                    env.note(Rule::RegisterUndefined);
                    0
                }
            });
            Ok(words.fold(0, |data, word| data | word))
        }
    }
}

/// A write of `size_bytes` at `offset` from the base of page 0.
pub(crate) fn write(
    env: &mut impl Env,
    f: &Features,
    registers: &mut Registers,
    (offset, size_bytes): (u64, u8),
    value: u64,
) -> Result<(), RegisterAbort> {
    match resolve(env, f, offset, size_bytes)? {
        Reach::Nothing => {}
        Reach::Unknown(words) => {
            for (register, half) in words.filter_map(|word| AnyRegister::at(f, word)) {
                let ones = registers.get_any(f, register) | 0xffff_ffff << half.shift();
                registers.write_any(env, f, register, ones);
            }
        }
        Reach::Register(register) => registers.write_any(env, f, register, value),
        Reach::Words(lanes) => {
            for lane in lanes.into_iter().flatten() {
                let word = (value >> lane.shift) & 0xffff_ffff;
                match lane.word {
                    Some((register, half)) => {
                        let other_half = registers.get_any(f, register) & !(0xffff_ffff << half.shift());
                        registers.write_any(env, f, register, other_half | word << half.shift());
                    }
                    None => env.note(Rule::RegisterUndefined),
                }
            }
        }
    }
    Ok(())
}

/// What an access reaches.
enum Reach {
    /// Reads as zero, writes are ignored.
    Nothing,
    /// The registers of these words, with UNKNOWN data: we take ones (§6.2).
    Unknown(Words),
    /// All of a 64-bit register.
    Register(AnyRegister),
    /// Aligned 32-bit words, in the order of access.
    Words([Option<Lane>; 2]),
}

/// One aligned 32-bit word of an access.
struct Lane {
    /// What lies there.
    word: Option<(AnyRegister, Half)>,
    /// Where it is in the data of the access, in bits.
    shift: u8,
}

fn resolve(env: &mut impl Env, f: &Features, offset: u64, size_bytes: u8) -> Result<Reach, RegisterAbort> {
    if !matches!(size_bytes, 4 | 8) || !offset.is_multiple_of(u64::from(size_bytes)) {
        env.note(Rule::RegisterAccessSize);
        use RegisterAccessSize::{Abort, RazWi, Unknown};
        return match env.ask(&[RazWi, Abort, Unknown]) {
            RazWi => Ok(Reach::Nothing),
            Abort => Err(RegisterAbort),
            Unknown => Ok(Reach::Unknown(words(offset, size_bytes))),
        };
    }
    let Some(offset) = across_pages(env, f, offset) else {
        env.note(Rule::RegisterUndefined);
        return Ok(Reach::Nothing);
    };
    let low = Lane { word: AnyRegister::at(f, offset), shift: 0 };
    if size_bytes == 4 {
        return Ok(Reach::Words([Some(low), None]));
    }
    if let Some((register, Half::Low)) = low.word
        && register.size_bytes() == 8
    {
        return Ok(Reach::Register(register));
    }
    let high = Lane { word: AnyRegister::at(f, offset | 4), shift: 32 };
    if low.word.is_none() && high.word.is_none() {
        return Ok(Reach::Words([Some(low), None]));
    }
    pair(env, low, high)
}

/// The offsets of the aligned words that an access overlaps.
type Words = std::iter::StepBy<std::ops::Range<u64>>;

fn words(offset: u64, size_bytes: u8) -> Words {
    let first = offset & !3;
    (first..offset.saturating_add(u64::from(size_bytes))).step_by(4)
}

/// A 64-bit access to two 32-bit registers is CONSTRAINED UNPREDICTABLE (§6.2).
fn pair(env: &mut impl Env, low: Lane, high: Lane) -> Result<Reach, RegisterAbort> {
    use RegisterPair::{Abort, HighFirst, HighOnly, LowFirst, LowOnly, RazWi};
    env.note(Rule::RegisterPair);
    match env.ask(&[RazWi, LowFirst, HighFirst, LowOnly, HighOnly, Abort]) {
        RazWi => Ok(Reach::Nothing),
        LowFirst => Ok(Reach::Words([Some(low), Some(high)])),
        HighFirst => Ok(Reach::Words([Some(high), Some(low)])),
        LowOnly => Ok(Reach::Words([Some(low), None])),
        HighOnly => Ok(Reach::Words([Some(high), None])),
        Abort => Err(RegisterAbort),
    }
}

/// The offset that an access reaches where the two pages may alias; `None` where nothing is reached.
/// Nothing is asked where the answer makes no difference.
fn across_pages(env: &mut impl Env, f: &Features, offset: u64) -> Option<u64> {
    let exists = |offset| AnyRegister::at(f, offset).is_some_and(|(register, _half)| register.exists(f));
    if ALIASES.contains(&offset) {
        let in_page1 = offset + PAGE_BYTES;
        return match exists(in_page1).then(|| env.ask(&[Page0Alias::Alias, Page0Alias::RazWi])) {
            Some(Page0Alias::Alias) => Some(in_page1),
            Some(Page0Alias::RazWi) | None => None,
        };
    }
    let is_page1 = (PAGE_BYTES..2 * PAGE_BYTES).contains(&offset);
    if is_page1 && AnyRegister::at(f, offset).is_none() {
        let in_page0 = offset - PAGE_BYTES;
        return match exists(in_page0).then(|| env.ask(&[Page1Undefined::Res0, Page1Undefined::Page0])) {
            Some(Page1Undefined::Page0) => Some(in_page0),
            Some(Page1Undefined::Res0) | None => None,
        };
    }
    Some(offset)
}

fn note_if_absent(env: &mut impl Env, f: &Features, register: AnyRegister) {
    if !register.exists(f) {
        env.note(Rule::RegisterUndefined);
    }
}

impl Half {
    const fn shift(self) -> u8 {
        match self {
            Self::Low => 0,
            Self::High => 32,
        }
    }
}
