//! Translation tables as the driver builds them: VMSAv8-64 of either stage (`io-pgtable-arm`).

mod descriptor;
mod dirty;

use super::platform::Platform;
use super::probe::Features;
use super::{Geometry, Prot};
use crate::driver::firmware::Host;
use crate::errno::Errno;
use descriptor::{
    LAST_LEVEL, TYPE_BLOCK, TYPE_TABLE_OR_PAGE, VALID, address_bits, address_of, is_leaf, leaf_attributes,
};

pub(super) use dirty::DirtyWalk;

/// Whose tables.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    One,
    Two,
}

/// What a table is made for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quirks {
    /// Stage 1: hardware keeps the dirty state of writable leaves.
    pub(super) dirty: bool,
    /// Stage 2: memory attributes are those of S2FWB.
    pub(super) fwb: bool,
}

/// One translation table.
#[derive(Debug)]
pub(super) struct PageTable {
    stage: Stage,
    quirks: Quirks,
    coherent: bool,
    /// log2 of the bytes of the smallest page.
    granule_shift: u8,
    input_bits: u8,
    output_bits: u8,
    /// 0 to 3.
    start_level: u8,
    /// log2 of the descriptors of the start level, concatenated tables included.
    log2_start_entries: u8,
    page_sizes: u64,
    root: u64,
}

/// What unmapping tells whoever keeps the caches right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unmapped {
    /// A table below `iova` is gone: what it covered must be invalidated at once, tables included.
    Table { iova: u64, bytes: u64 },
    /// A leaf, or the place of a table, of `bytes` at `iova` is gone.
    Leaf { iova: u64, bytes: u64 },
}

impl PageTable {
    /// An empty table. ENOMEM without memory, or on an SMMU without any page size.
    pub(super) fn new(
        p: &mut impl Platform,
        f: &Features,
        host: &Host,
        stage: Stage,
        quirks: Quirks,
    ) -> Result<Self, Errno> {
        let granule_shift = granule(f.page_sizes, host.page_shift).ok_or(Errno::ENOMEM)?;
        let cap = if granule_shift == 16 { 52 } else { 48 };
        let input_bits = match stage {
            Stage::One => f.ias_bits,
            Stage::Two => f.oas_bits,
        };
        let (input_bits, output_bits) = (input_bits.min(cap), f.oas_bits.min(cap));
        let stride = granule_shift - 3;
        let levels = (input_bits - granule_shift).div_ceil(stride);
        let mut start_level = LAST_LEVEL + 1 - levels;
        let mut log2_start_entries = input_bits - granule_shift - stride * (levels - 1);
        if stage == Stage::Two
            && must_concatenate(granule_shift, start_level, input_bits.max(output_bits), output_bits)
        {
            start_level += 1;
            log2_start_entries += stride;
        }
        let root = p.allocate(root_bytes(log2_start_entries, granule_shift)).ok_or(Errno::ENOMEM)?;
        Ok(Self {
            stage,
            quirks,
            coherent: f.coherent,
            granule_shift,
            input_bits,
            output_bits,
            start_level,
            log2_start_entries,
            page_sizes: f.page_sizes & sizes_of(granule_shift, output_bits),
            root,
        })
    }

    /// Gives all tables back.
    pub(super) fn free(self, p: &mut impl Platform) {
        let entries = 1 << self.log2_start_entries;
        self.free_children(p, self.root, entries, self.start_level);
        p.free(self.root, root_bytes(self.log2_start_entries, self.granule_shift));
    }

    pub(super) fn geometry(&self) -> Geometry {
        Geometry { last: u64::MAX >> (64 - self.input_bits), page_sizes: self.page_sizes }
    }

    pub(super) fn granule_shift(&self) -> u8 {
        self.granule_shift
    }

    pub(super) fn root(&self) -> u64 {
        self.root
    }

    /// IPS or S2PS.
    pub(super) fn output_size_code(&self) -> u64 {
        match self.output_bits {
            32 => 0,
            36 => 1,
            40 => 2,
            42 => 3,
            44 => 4,
            48 => 5,
            _ => 6,
        }
    }

    /// T0SZ at bit 0, TG0 at bit 6, IR0, OR0 and SH0 above (CD word 0).
    pub(super) fn tcr(&self) -> u64 {
        u64::from(64 - self.input_bits) | self.granule_code() << 6 | self.walk_attributes()
    }

    /// S2T0SZ at bit 0, S2SL0 at bit 6, S2IR0, S2OR0, S2SH0, S2TG at bit 14, S2PS at bit 16 (STE word 2).
    pub(super) fn vtcr(&self) -> u64 {
        let sl0 = match self.granule_shift {
            12 => 3 & !(self.start_level + 1),
            _ => 3 & !self.start_level,
        };
        u64::from(64 - self.input_bits)
            | u64::from(sl0) << 6
            | self.walk_attributes()
            | self.granule_code() << 14
            | self.output_size_code() << 16
    }

    /// Maps up to `count` leaves of `bytes` each, as far as one table reaches; returns how many bytes were mapped.
    /// `gone` hears of tables that a block takes the place of.
    pub(super) fn map_pages(
        &mut self,
        p: &mut impl Platform,
        run: Run,
        pa: u64,
        prot: Prot,
        gone: &mut impl FnMut(Unmapped),
    ) -> Result<u64, Errno> {
        if run.iova >> self.input_bits != 0 || pa >> self.output_bits != 0 {
            return Err(Errno::ERANGE);
        }
        if !prot.read && !prot.write {
            return Err(Errno::EINVAL);
        }
        let attributes = leaf_attributes(self.stage, self.quirks, prot);
        let mut table = self.root;
        let mut level = self.start_level;
        loop {
            let entry = table + self.index(run.iova, level) * 8;
            if run.bytes == self.leaf_bytes(level) {
                return self.write_leaves(p, entry, level, run, pa, attributes, gone);
            }
            let found = p.load(entry);
            if found & VALID == 0 {
                let below = p.allocate(self.table_bytes()).ok_or(Errno::ENOMEM)?;
                p.store(entry, address_bits(self.granule_shift, below) | TYPE_TABLE_OR_PAGE);
                table = below;
            } else if is_leaf(found, level) {
                return Err(Errno::EEXIST);
            } else {
                table = address_of(self.granule_shift, found);
            }
            level += 1;
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a step of map_pages, with all that it knows")]
    fn write_leaves(
        &mut self,
        p: &mut impl Platform,
        first: u64,
        level: u8,
        run: Run,
        pa: u64,
        attributes: u64,
        gone: &mut impl FnMut(Unmapped),
    ) -> Result<u64, Errno> {
        let kind = if level == LAST_LEVEL { TYPE_TABLE_OR_PAGE } else { TYPE_BLOCK };
        let count = run.count.min(self.entries_left(run.iova, level));
        for position in 0..count {
            let found = p.load(first + 8 * position);
            if found & VALID != 0 {
                if is_leaf(found, level) {
                    return Err(Errno::EEXIST);
                }
                self.drop_table(p, first + 8 * position, level, run.iova + position * run.bytes, gone);
            }
        }
        for position in 0..count {
            let output = address_bits(self.granule_shift, pa + position * run.bytes);
            p.store(first + 8 * position, output | kind | attributes);
        }
        Ok(count * run.bytes)
    }

    /// Unmaps up to `count` leaves of `bytes` each, as far as one table reaches; returns how many bytes went.
    pub(super) fn unmap_pages(
        &mut self,
        p: &mut impl Platform,
        run: Run,
        gone: &mut impl FnMut(Unmapped),
    ) -> u64 {
        if run.iova >> self.input_bits != 0 {
            return 0;
        }
        let mut table = self.root;
        let mut level = self.start_level;
        loop {
            let entry = table + self.index(run.iova, level) * 8;
            if run.bytes == self.leaf_bytes(level) {
                return self.clear_leaves(p, entry, level, run, gone);
            }
            let found = p.load(entry);
            // Part of a leaf cannot go.
            if found & VALID == 0 || is_leaf(found, level) {
                return 0;
            }
            table = address_of(self.granule_shift, found);
            level += 1;
        }
    }

    fn clear_leaves(
        &mut self,
        p: &mut impl Platform,
        first: u64,
        level: u8,
        run: Run,
        gone: &mut impl FnMut(Unmapped),
    ) -> u64 {
        let count = run.count.min(self.entries_left(run.iova, level));
        let mut cleared = 0;
        while cleared < count {
            let found = p.load(first + 8 * cleared);
            if found & VALID == 0 {
                break;
            }
            if !is_leaf(found, level) {
                self.drop_table(p, first + 8 * cleared, level, run.iova + cleared * run.bytes, gone);
            }
            cleared += 1;
        }
        for position in 0..cleared {
            p.store(first + 8 * position, 0);
        }
        for position in 0..cleared {
            gone(Unmapped::Leaf { iova: run.iova + position * run.bytes, bytes: run.bytes });
        }
        cleared * run.bytes
    }

    fn drop_table(
        &mut self,
        p: &mut impl Platform,
        entry: u64,
        level: u8,
        iova: u64,
        gone: &mut impl FnMut(Unmapped),
    ) {
        let below = address_of(self.granule_shift, p.load(entry));
        p.store(entry, 0);
        gone(Unmapped::Table { iova, bytes: self.leaf_bytes(level) });
        self.free_children(p, below, 1 << (self.granule_shift - 3), level + 1);
        p.free(below, self.table_bytes());
    }

    fn free_children(&self, p: &mut impl Platform, table: u64, entries: u64, level: u8) {
        if level == LAST_LEVEL {
            return;
        }
        for index in 0..entries {
            let found = p.load(table + 8 * index);
            if found & VALID != 0 && !is_leaf(found, level) {
                let below = address_of(self.granule_shift, found);
                self.free_children(p, below, 1 << (self.granule_shift - 3), level + 1);
                p.free(below, self.table_bytes());
            }
        }
    }

    /// The leaf that maps `iova`, which the table can hold.
    pub(super) fn leaf(&self, p: &mut impl Platform, iova: u64) -> Option<Leaf> {
        let mut table = self.root;
        for level in self.start_level..=LAST_LEVEL {
            let at = table + self.index(iova, level) * 8;
            let found = p.load(at);
            if found & VALID == 0 {
                return None;
            }
            if is_leaf(found, level) {
                return Some(Leaf { at, descriptor: found, bytes: self.leaf_bytes(level) });
            }
            table = address_of(self.granule_shift, found);
        }
        unreachable!("every descriptor of the last level is a leaf")
    }

    /// Where a leaf leads.
    pub(super) fn output(&self, leaf: &Leaf, iova: u64) -> u64 {
        address_of(self.granule_shift, leaf.descriptor) & !(leaf.bytes - 1) | iova & (leaf.bytes - 1)
    }

    /// IR0, OR0 and SH0: how the SMMU reads tables.
    fn walk_attributes(&self) -> u64 {
        if self.coherent { 1 << 8 | 1 << 10 | 3 << 12 } else { 2 << 12 }
    }

    fn granule_code(&self) -> u64 {
        match self.granule_shift {
            12 => 0,
            16 => 1,
            _ => 2,
        }
    }

    fn shift(&self, level: u8) -> u8 {
        self.granule_shift + (self.granule_shift - 3) * (LAST_LEVEL - level)
    }

    fn leaf_bytes(&self, level: u8) -> u64 {
        1 << self.shift(level)
    }

    fn table_bytes(&self) -> u64 {
        1 << self.granule_shift
    }

    fn entries_at(&self, level: u8) -> u64 {
        if level == self.start_level { 1 << self.log2_start_entries } else { 1 << (self.granule_shift - 3) }
    }

    fn index(&self, iova: u64, level: u8) -> u64 {
        (iova >> self.shift(level)) & (self.entries_at(level) - 1)
    }

    fn entries_left(&self, iova: u64, level: u8) -> u64 {
        self.entries_at(level) - self.index(iova, level)
    }
}

/// Leaves of one size that lie side by side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) iova: u64,
    /// Of one leaf.
    pub(super) bytes: u64,
    pub(super) count: u64,
}

/// A leaf as it was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaf {
    /// Where the descriptor lies.
    pub(super) at: u64,
    descriptor: u64,
    bytes: u64,
}

/// The page size of the kernel if the SMMU has it, else the largest smaller one, else the smallest larger one.
fn granule(page_sizes: u64, page_shift: u8) -> Option<u8> {
    let has = |shift: &u8| page_sizes & (1 << *shift) != 0;
    let granules = [12u8, 14, 16];
    let smaller = granules.iter().rev().filter(|shift| **shift <= page_shift).find(|shift| has(shift));
    let larger = || granules.iter().filter(|shift| **shift > page_shift).find(|shift| has(shift));
    smaller.or_else(larger).copied()
}

fn sizes_of(granule_shift: u8, output_bits: u8) -> u64 {
    match granule_shift {
        12 => 1 << 12 | 1 << 21 | 1 << 30,
        14 => 1 << 14 | 1 << 25,
        _ if output_bits > 48 => 1 << 16 | 1 << 29 | 1 << 42,
        _ => 1 << 16 | 1 << 29,
    }
}

/// Where the architecture wants the start level tables of stage 2 concatenated.
fn must_concatenate(granule_shift: u8, start_level: u8, widest_bits: u8, output_bits: u8) -> bool {
    match (granule_shift, start_level) {
        (14, 0) => widest_bits == 48,
        (12, 0) => matches!(output_bits, 40 | 42),
        (14, 1) => output_bits == 40,
        _ => false,
    }
}

fn root_bytes(log2_entries: u8, granule_shift: u8) -> u64 {
    (8 << log2_entries).max(1 << granule_shift)
}
