//! Stream table lookup (§3.3.1): from a StreamID to the address of its STE.

use crate::address::{Pa, fits, low_mask};
use crate::bus::Bus;
use crate::choice::answer::{L1StdReservedBits, SteAddressBeyondOas};
use crate::env::Env;
use crate::features::Features;
use crate::ids::StreamId;
use crate::layout::l1std::L1Std;
use crate::layout::register::{StrtabBase, StrtabBaseCfg};
use crate::outcome::{Site, Stop};
use crate::rule::Rule;
use crate::trace::{Event, Structure};

/// Shift from an index to the offset of an STE.
const STE_SHIFT: u8 = 6;
/// Shift from an index to the offset of a level 1 descriptor.
const L1STD_SHIFT: u8 = 3;

/// Where the stream table is and how it is laid out: STRTAB_BASE and STRTAB_BASE_CFG (§6.3.24, §6.3.25).
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamTable {
    base: u64,
    log2size: u8,
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    Linear,
    TwoLevel {
        /// In effect.
        split: u8,
        /// What is written is another, reserved value.
        is_reserved: bool,
    },
}

impl StreamTable {
    pub(crate) fn new(features: &Features, base: StrtabBase, cfg: StrtabBaseCfg) -> Self {
        let format = match cfg.fmt() {
            1 if features.two_level_stream_table => {
                let split = effective_split(cfg.split());
                Format::TwoLevel { split, is_reserved: split != cfg.split() }
            }
            _ => Format::Linear,
        };
        Self { base: base.addr(), log2size: cfg.log2size(), format }
    }

    /// log2 of the streams that one level 1 descriptor covers; `None` for a linear table.
    pub(crate) fn log2_span(&self) -> Option<u8> {
        match self.format {
            Format::Linear => None,
            Format::TwoLevel { split, .. } => Some(split),
        }
    }

    /// Where the STE of `stream` lies, if there is one. The level 1 descriptor of a table of two levels and its
    /// address are read if they are not known, and are left in `level1`.
    #[inline(always)]
    pub(crate) fn locate(
        &self,
        env: &mut impl Env,
        f: &Features,
        stream: StreamId,
        level1: &mut Option<(Pa, u64)>,
    ) -> Result<Pa, Stop> {
        let id = u64::from(stream.0);
        if !fits(id, self.used_bits(f)) {
            return Err(Stop::configuration(Rule::StreamBeyondTable));
        }
        match self.format {
            Format::Linear => {
                env.note(Rule::LinearStreamTable);
                let base = aligned(self.base, self.log2size.saturating_add(STE_SHIFT));
                within_oas(env, f, base.wrapping_add(id << STE_SHIFT))
            }
            Format::TwoLevel { split, is_reserved } => {
                if is_reserved {
                    env.note(Rule::ReservedSplit);
                }
                self.locate_in_leaf(env, f, (id, split), level1)
            }
        }
    }

    #[inline(never)]
    fn locate_in_leaf(
        &self,
        env: &mut impl Env,
        f: &Features,
        (id, split): (u64, u8),
        level1: &mut Option<(Pa, u64)>,
    ) -> Result<Pa, Stop> {
        env.note(Rule::TwoLevelStreamTable);
        let word = match *level1 {
            Some((_, word)) => word,
            None => {
                let at = self.level1_address(env, f, id, split)?;
                let word = read_l1std(env, at)?;
                *level1 = Some((at, word));
                word
            }
        };
        if word & L1STD_RESERVED != 0 && reserved_bits_refused(env) {
            return Err(Stop::configuration(Rule::L1StdReservedBit));
        }
        let leaf = leaf_base(L1Std::from_bits(word), split, id & low_mask(split))?;
        within_oas(env, f, leaf.wrapping_add((id & low_mask(split)) << STE_SHIFT))
    }

    fn level1_address(&self, env: &mut impl Env, f: &Features, id: u64, split: u8) -> Result<Pa, Stop> {
        let table_bits = self.log2size.saturating_sub(split) + L1STD_SHIFT;
        let base = aligned(self.base, table_bits.max(STE_SHIFT));
        let index = if split >= self.used_bits(f) { 0 } else { id >> split };
        within_oas(env, f, base.wrapping_add(index << L1STD_SHIFT))
    }

    /// Whether a stream has a place in the table; a span ends with the table (§5.2 CONT).
    pub(crate) fn covers(&self, f: &Features, stream: StreamId) -> bool {
        fits(u64::from(stream.0), self.used_bits(f))
    }

    /// The first stream of a span of 2^`log2_span`, and where its STE lies, if that is not the STE of `stream`, which is
    /// at `at` (§5.2 CONT). Here spans end with their array of STEs.
    pub(crate) fn first_of_span(
        &self,
        f: &Features,
        stream: StreamId,
        at: Pa,
        log2_span: u8,
    ) -> Option<(StreamId, Pa)> {
        let log2_array = match self.format {
            Format::Linear => self.used_bits(f),
            Format::TwoLevel { split, .. } => split,
        };
        let log2_span = log2_span.min(log2_array);
        let first = StreamId(u32::try_from(u64::from(stream.0) & !low_mask(log2_span)).expect("32 bits"));
        let within = u64::from(stream.0 - first.0);
        let first_at = Pa::new(at.value().wrapping_sub(within << STE_SHIFT));
        (within != 0).then(|| (first, first_at.truncated(f.oas_bits)))
    }

    /// Bits of a StreamID that the table covers.
    #[inline(always)]
    fn used_bits(&self, f: &Features) -> u8 {
        self.log2size.min(f.sid_bits)
    }
}

/// SPLIT values other than 6, 8 and 10 are reserved and act as 6 (§6.3.25).
fn effective_split(split: u8) -> u8 {
    match split {
        8 | 10 => split,
        _ => 6,
    }
}

fn read_l1std(env: &mut impl Env, at: Pa) -> Result<u64, Stop> {
    let word = env.bus().read_u64(at);
    let word = word.map_err(|_abort| Stop { rule: Rule::L1StdFetchAborted, site: Site::Structure(at) })?;
    env.trace(|| Event::Structure {
        structure: Structure::L1StreamTable,
        at,
        words: [word, 0, 0, 0, 0, 0, 0, 0],
    });
    Ok(word)
}

/// Bits of a level 1 stream table descriptor that no field covers: [63:56] and [5] (§5.1).
const L1STD_RESERVED: u64 = 0xff00_0000_0000_0020;

#[cold]
fn reserved_bits_refused(env: &mut impl Env) -> bool {
    env.ask(&[L1StdReservedBits::Ignore, L1StdReservedBits::Invalid]) == L1StdReservedBits::Invalid
}

/// The address of the array of STEs, aligned to its own size, if `index` lies in it (§5.1, §5.1.1).
fn leaf_base(descriptor: L1Std, split: u8, index: u64) -> Result<u64, Stop> {
    let span = descriptor.span();
    let rule = match span {
        0 => Rule::StreamSpanZero,
        12.. => Rule::StreamSpanReserved,
        _ if span > split + 1 => Rule::StreamSpanBeyondSplit,
        _ if index & !low_mask(span - 1) != 0 => Rule::StreamBeyondSpan,
        _ => return Ok(aligned(descriptor.l2_ptr(), STE_SHIFT + span - 1)),
    };
    Err(Stop::configuration(rule))
}

#[inline(always)]
fn within_oas(env: &mut impl Env, f: &Features, address: u64) -> Result<Pa, Stop> {
    let at = Pa::new(address);
    if at.fits(f.oas_bits) { Ok(at) } else { beyond_oas(env, f, at) }
}

/// The architecture leaves open what an out-of-range STE address does (§3.4.3 item 5).
#[cold]
fn beyond_oas(env: &mut impl Env, f: &Features, at: Pa) -> Result<Pa, Stop> {
    use SteAddressBeyondOas::{Fault, FaultUnrecorded, Truncate};
    match env.ask(&[Fault, Truncate, FaultUnrecorded]) {
        Truncate => Ok(at.truncated(f.oas_bits)),
        FaultUnrecorded => Err(Stop::configuration(Rule::SteAddressBeyondOasUnrecorded)),
        Fault => Err(Stop { rule: Rule::SteAddressBeyondOas, site: Site::Structure(at) }),
    }
}

#[inline(always)]
fn aligned(address: u64, bits: u8) -> u64 {
    address & !low_mask(bits)
}
