//! The walk of one translation table (DDI 0487 D8.2, D8.3), the same for both stages.
//!
//! The order of faults per level is that of §7.3.22: abort of the fetch, invalid descriptor, address size.

use super::recall::Recall;
use crate::address::{Pa, low_mask};
use crate::choice::answer::{ContiguousBeyondInput, Granule64HighBits};
use crate::config::geometry::{AddressFormat, Granule, Shape, Table};
use crate::env::Env;
use crate::outcome::{Site, Stop};
use crate::rule::Rule;

/// A descriptor as it lies in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Its address in the space of the stage's tables: physical, or an IPA in a nested stage 1.
    pub(super) address: u64,
    /// Where it really is.
    pub(super) at: Pa,
    /// Its value, in the byte order of a register.
    pub(super) raw: u64,
    /// Level of the lookup, -1 to 3.
    pub(super) level: i8,
}

/// How a stage reaches its tables, and what it calls their faults.
pub(super) trait Tables<E: Env> {
    /// The names of the checks.
    const RULES: &'static WalkRules;

    /// What a fault of the walk is about.
    fn site(&self) -> Site;

    /// Where the walk of `input` starts: at the first table, or at one that is known from before.
    #[inline(always)]
    fn start(&mut self, _env: &mut E, table: &Table, _input: u64) -> Start {
        Start::first(table)
    }

    /// A table descriptor leads on.
    #[inline(always)]
    fn passed(&mut self, _env: &mut E, _input: u64, _step: Step) {}

    /// Reads the descriptor at `address`.
    fn read(&mut self, env: &mut E, address: u64, level: i8) -> Result<Entry, Stop>;

    /// Hardware update of table descriptors is on (HAFT).
    fn updates_tables(&self) -> bool;

    /// Replaces a descriptor by `new` if it is unchanged.
    fn update(&mut self, env: &mut E, entry: &Entry, new: u64) -> Result<Update, Stop>;
}

/// Where a walk starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) level: i8,
    /// Where the table lies.
    pub(super) base: u64,
    /// log2 of the bytes that one of its entries covers.
    pub(super) shift: u8,
    /// The bits of an index into it.
    pub(super) index_mask: u64,
    /// The table descriptors before it, ORed; bits [63:59] count.
    pub(super) hierarchy: u64,
}

impl Start {
    #[inline(always)]
    pub(super) fn first(table: &Table) -> Self {
        Self {
            level: table.shape.start_level,
            base: table.base,
            shift: table.start_shift,
            index_mask: table.start_index_mask,
            hierarchy: 0,
        }
    }

    /// Behind a table descriptor that covers 2^`size_bits` bytes.
    #[inline]
    pub(super) fn behind(table: &Table, size_bits: u8, next: u64, hierarchy: u64) -> Self {
        let level = table.level_of(size_bits) + 1;
        Self { level, base: next, shift: size_bits - table.stride, index_mask: table.index_mask, hierarchy }
    }
}

/// A table descriptor that leads on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Where it is.
    pub(super) at: Pa,
    /// Its value, in the byte order of a register.
    pub(super) raw: u64,
    /// log2 of the bytes that it covers.
    pub(super) size_bits: u8,
    /// Where the next table lies.
    pub(super) next: u64,
    /// This and the table descriptors before it, ORed; bits [63:59] count.
    pub(super) hierarchy: u64,
}

/// What came of a hardware update (§3.13).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Update {
    /// The descriptor holds the new value.
    Done,
    /// Memory no longer held the value that was used: the walk starts again.
    Changed,
}

/// How a walk ends, if it does not fault.
#[derive(Clone, Copy, Debug)]
pub(super) enum Walked {
    /// In a leaf.
    Leaf(Leaf),
    /// The table descriptor at this address changed under a hardware update: the walk must start again.
    Changed(Pa),
}

/// The rules of one stage's walk.
pub(super) struct WalkRules {
    pub(super) invalid: Rule,
    pub(super) reserved: Rule,
    pub(super) table_size: Rule,
    pub(super) access_flag: Rule,
    pub(super) output_size: Rule,
    pub(super) contiguous: Rule,
    pub(super) block: Rule,
    pub(super) page: Rule,
    pub(super) table_flag: Rule,
}

/// The end of a walk: a Block or Page descriptor and what it yields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaf {
    pub(super) entry: Entry,
    /// The output address, with the low bits of the input.
    pub(super) output: u64,
    /// log2 of the page or block.
    pub(super) size_bits: u8,
    /// Bits [63:59] of all table descriptors on the way, ORed: hierarchical attributes of stage 1.
    pub(super) hierarchy: u64,
}

impl Leaf {
    /// log2 of the bytes around the input address that translate without an Address Size fault: a block may cover more
    /// than the output size, and then only its beginning can be used (§3.4).
    #[inline(always)]
    pub(super) fn usable_bits(&self, table: &Table) -> u8 {
        self.size_bits.min(table.shape.output_bits)
    }

    /// Whether all of it translates. If not, it is not cached: a hit would not see the fault.
    #[inline(always)]
    pub(super) fn is_usable(&self, table: &Table) -> bool {
        self.size_bits <= table.shape.output_bits
    }
}

const AF: u64 = 1 << 10;
const CONTIGUOUS: u64 = 1 << 52;
const HIERARCHY: u64 = 0x1f << 59;
/// The level whose descriptors are all pages.
const LAST_LEVEL: i8 = 3;

/// Walks `table` for `input`, of which the bits below `table.input_bits` count.
#[inline(always)]
pub(super) fn walk<E: Recall, T: Tables<E>>(
    env: &mut E,
    table: &Table,
    tables: &mut T,
    input: u64,
) -> Result<Walked, Stop> {
    let Start { level: first, mut base, mut shift, mut index_mask, mut hierarchy } =
        tables.start(env, table, input);
    for level in first..=LAST_LEVEL {
        let index = (input >> shift) & index_mask;
        let entry = tables.read(env, base | (index << 3), level)?;
        let stop = |rule| Stop { rule, site: tables.site() };
        match entry.raw & 0b11 {
            0b11 if level < LAST_LEVEL => {
                base = match descriptor_address(env, table, entry.raw) {
                    Some(next) if next & table.beyond_output == 0 => next,
                    _ => return Err(stop(T::RULES.table_size)),
                };
                if entry.raw & AF == 0
                    && tables.updates_tables()
                    && set_table_flag(env, tables, &entry)? == Update::Changed
                {
                    return Ok(Walked::Changed(entry.at));
                }
                hierarchy |= entry.raw;
                tables.passed(
                    env,
                    input,
                    Step { at: entry.at, raw: entry.raw, size_bits: shift, next: base, hierarchy },
                );
                index_mask = table.index_mask;
                shift -= table.stride;
            }
            0b11 => {
                return leaf::<E, T>(env, table, tables, entry, hierarchy, input, shift).map(Walked::Leaf);
            }
            0b01 if block_allowed(table, level) => {
                return leaf::<E, T>(env, table, tables, entry, hierarchy, input, shift).map(Walked::Leaf);
            }
            0b01 => return Err(stop(T::RULES.reserved)),
            _ => return Err(stop(T::RULES.invalid)),
        }
    }
    unreachable!("the last level has no table descriptors")
}

/// Hardware sets the Access flag of a table descriptor (HAFT).
#[cold]
fn set_table_flag<E: Recall, T: Tables<E>>(
    env: &mut E,
    tables: &mut T,
    entry: &Entry,
) -> Result<Update, Stop> {
    if !env.sets_access_flag() {
        return Err(Stop { rule: T::RULES.access_flag, site: tables.site() });
    }
    env.note(T::RULES.table_flag);
    tables.update(env, entry, entry.raw | AF)
}

#[inline(always)]
fn leaf<E: Env, T: Tables<E>>(
    env: &mut E,
    table: &Table,
    tables: &T,
    entry: Entry,
    hierarchy: u64,
    input: u64,
    size_bits: u8,
) -> Result<Leaf, Stop> {
    let stop = |rule| Stop { rule, site: tables.site() };
    if entry.raw & CONTIGUOUS != 0 && contiguous_faults(env, table, entry.level) {
        return Err(stop(T::RULES.contiguous));
    }
    let low = low_mask(size_bits);
    let output = match descriptor_address(env, table, entry.raw) {
        Some(address) => (address & !low) | (input & low),
        None => return Err(stop(T::RULES.output_size)),
    };
    if output & table.beyond_output != 0 {
        return Err(stop(T::RULES.output_size));
    }
    env.note(if entry.level == LAST_LEVEL { T::RULES.page } else { T::RULES.block });
    Ok(Leaf { entry, output, size_bits, hierarchy: hierarchy & HIERARCHY })
}

/// Levels that have blocks (DDI 0487 D8.3).
#[inline(always)]
fn block_allowed(table: &Table, level: i8) -> bool {
    match (table.shape.granule, level) {
        (_, 2) | (Granule::K4, 1) => true,
        (Granule::K4, 0) | (Granule::K16, 1) => table.shape.format == AddressFormat::Lpa2,
        (Granule::K64, 1) => table.shape.format == AddressFormat::Wide64K,
        _ => false,
    }
}

/// The address in a Table, Block or Page descriptor; `None` is an Address Size fault by choice.
#[inline(always)]
fn descriptor_address<E: Env>(env: &mut E, table: &Table, raw: u64) -> Option<u64> {
    if table.shape.format == AddressFormat::Bits48 {
        return Some(raw & table.address_mask);
    }
    scattered_address(env, table, raw)
}

/// The same in any format.
#[cold]
fn scattered_address<E: Env>(env: &mut E, table: &Table, raw: u64) -> Option<u64> {
    let low_part = raw & table.address_mask;
    match table.shape.format {
        AddressFormat::Bits48 => Some(low_part),
        AddressFormat::Bits48Of64K if raw & 0xf000 == 0 => Some(low_part),
        AddressFormat::Bits48Of64K => high_bits_ignored(env).then_some(low_part),
        AddressFormat::Wide64K => Some(low_part | ((raw >> 12 & 0xf) << 48)),
        AddressFormat::Lpa2 => Some(low_part | (raw & 0x3_0000_0000_0000) | ((raw >> 8 & 0b11) << 50)),
    }
}

/// Bits [15:12] with the 64 KiB granule and no 52-bit output (DDI 0487 D8.15.1).
#[cold]
fn high_bits_ignored<E: Env>(env: &mut E) -> bool {
    env.ask(&[Granule64HighBits::Fault, Granule64HighBits::Ignore]) == Granule64HighBits::Ignore
}

/// Whether a Contiguous group that exceeds the input range faults (DDI 0487 D8.7.1.3).
#[cold]
fn contiguous_faults<E: Env>(env: &mut E, table: &Table, level: i8) -> bool {
    let Shape { granule, input_bits, .. } = table.shape;
    let exceeds = contiguous_bits(granule, level)
        .is_some_and(|extra| Table::entry_bits(granule, level) + extra > input_bits);
    exceeds
        && env.ask(&[ContiguousBeyondInput::Translate, ContiguousBeyondInput::Fault])
            == ContiguousBeyondInput::Fault
}

/// log2 of the descriptors in a Contiguous group; `None` where the bit has no effect (DDI 0487 D8.7.1).
const fn contiguous_bits(granule: Granule, level: i8) -> Option<u8> {
    match (granule, level) {
        (Granule::K4, 1..=3) => Some(4),
        (Granule::K16, 2) | (Granule::K64, 2 | 3) => Some(5),
        (Granule::K16, 3) => Some(7),
        _ => None,
    }
}
