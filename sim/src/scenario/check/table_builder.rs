//! Builds translation tables: which descriptors to write so that an address is translated (DDI 0487 D8.2, D8.3).

use std::collections::{BTreeMap, BTreeSet};

use smmu_model::outcome::Stage;

use super::area::Area;

/// The geometry of one translation table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Shape {
    pub(super) stage: Stage,
    /// Address of the start level table.
    pub(super) base: u64,
    /// log2 of the bytes in a page: 12, 14 or 16.
    pub(super) granule_bits: u8,
    /// -1 to 3.
    pub(super) start_level: i8,
    /// Bits of the input address that are translated; with more entries than a page holds, start level tables
    /// are concatenated.
    pub(super) input_bits: u8,
    /// 52-bit addresses in a 4 or 16 KiB granule: OA[51:50] lie in descriptor bits [9:8].
    pub(super) lpa2: bool,
    pub(super) big_endian: bool,
}

/// A 64-bit value to write, and what it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) at: u64,
    /// Before the byte order of the table.
    pub(super) descriptor: u64,
    pub(super) level: i8,
    pub(super) is_table: bool,
}

/// A translation table, and which tables below its start level exist.
#[derive(Clone, Debug)]
pub(super) struct TableBuilder {
    pub(super) shape: Shape,
    /// Tables by level and the input bits above them.
    tables: BTreeMap<(i8, u64), u64>,
    /// Leaves by address of the descriptor.
    leaves: BTreeSet<u64>,
}

impl Shape {
    /// Bits that one level resolves.
    const fn stride(&self) -> u8 {
        self.granule_bits - 3
    }

    /// log2 of the bytes that an entry at `level` covers.
    pub(super) const fn entry_bits(&self, level: i8) -> u8 {
        self.granule_bits + self.stride() * (3 - level).unsigned_abs()
    }

    /// Input bits of one full start level table, at most 48, or 52 where addresses have so many.
    pub(super) fn default_input_bits(&self) -> u8 {
        let max = if self.lpa2 || self.granule_bits == 16 { 52 } else { 48 };
        (self.entry_bits(self.start_level) + self.stride()).min(max)
    }

    /// log2 of the bytes in the start level table.
    pub(super) fn base_bits(&self) -> u8 {
        self.input_bits.saturating_sub(self.entry_bits(self.start_level)) + 3
    }

    /// The level at which one entry covers `bytes`, if there is one.
    pub(super) fn level_of_size(&self, bytes: u64) -> Option<i8> {
        (self.start_level..=3).find(|level| 1u64.checked_shl(self.entry_bits(*level).into()) == Some(bytes))
    }

    /// The bits of `address` that select a descriptor; `None` if the others are neither all 0 nor all 1.
    pub(super) fn input(&self, address: u64) -> Option<u64> {
        if self.input_bits >= 64 {
            return Some(address);
        }
        let high = address >> self.input_bits;
        let inside = address & !(u64::MAX << self.input_bits);
        (high == 0 || high == u64::MAX >> self.input_bits).then_some(inside)
    }

    /// The address bits of a descriptor for `address`.
    pub(super) fn encode_address(&self, address: u64) -> Result<u64, String> {
        let low = address & 0x0000_ffff_ffff_ffff;
        match (address >> 48, self.granule_bits, self.lpa2) {
            (0, ..) => Ok(low),
            (high @ 1..=0xf, 16, _) => Ok(low | high << 12),
            (high @ 1..=0xf, _, true) => Ok(low | (high & 0b11) << 48 | (high >> 2) << 8),
            (1..=0xf, _, false) => Err(format!("{address:#x} needs `lpa2=#true`: it has more than 48 bits")),
            _ => Err(format!("{address:#x} has more than 52 bits")),
        }
    }

    fn in_memory_order(&self, descriptor: u64) -> u64 {
        if self.big_endian { descriptor.swap_bytes() } else { descriptor }
    }
}

impl Entry {
    /// The value as software writes it, little-endian.
    pub(super) fn word(&self, shape: &Shape) -> u64 {
        shape.in_memory_order(self.descriptor)
    }
}

impl TableBuilder {
    pub(super) fn new(shape: Shape) -> Self {
        Self { shape, tables: BTreeMap::new(), leaves: BTreeSet::new() }
    }

    /// Puts `descriptor` at `level` for `input`, and makes the tables above it in `area`, with `table_bits` in
    /// their descriptors. `replace` permits to overwrite another leaf.
    pub(super) fn place(
        &mut self,
        area: &mut Area,
        (input, level): (u64, i8),
        descriptor: u64,
        table_bits: u64,
        replace: bool,
    ) -> Result<Vec<Entry>, String> {
        let mut entries = Vec::new();
        let mut table = self.shape.base;
        for above in self.shape.start_level..level {
            let at = self.entry_address(table, above, input);
            if self.leaves.contains(&at) {
                return Err(format!("a larger block maps {input:#x} already"));
            }
            let key = (above + 1, input >> self.shape.entry_bits(above));
            table = match self.tables.get(&key) {
                Some(below) => *below,
                None => {
                    let below = area.take(1 << self.shape.granule_bits).ok_or("memory is full")?;
                    let descriptor = self.shape.encode_address(below)? | table_bits | 0b11;
                    entries.push(Entry { at, descriptor, level: above, is_table: true });
                    self.tables.insert(key, below);
                    below
                }
            };
        }
        let at = self.entry_address(table, level, input);
        if self.tables.contains_key(&(level + 1, input >> self.shape.entry_bits(level))) && !replace {
            return Err(format!("smaller pages map part of {input:#x} already"));
        }
        if !self.leaves.insert(at) && !replace {
            return Err(format!("{input:#x} is mapped already"));
        }
        entries.push(Entry { at, descriptor, level, is_table: false });
        Ok(entries)
    }

    /// The address of the entry for `input` in the table at `level` that lies at `table`.
    fn entry_address(&self, table: u64, level: i8, input: u64) -> u64 {
        let index = input >> self.shape.entry_bits(level);
        let index =
            if level == self.shape.start_level { index } else { index & !(u64::MAX << self.shape.stride()) };
        table + index * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape {
        stage: Stage::One,
        base: 0x4000_0000,
        granule_bits: 12,
        start_level: 0,
        input_bits: 48,
        lpa2: false,
        big_endian: false,
    };

    #[test]
    fn a_page_needs_three_tables_and_its_neighbour_none() {
        let mut builder = TableBuilder::new(SHAPE);
        let mut area = Area::starting_at(0x5000_0000);
        let entries = builder.place(&mut area, (0x80_4020_3000, 3), 0xabc, 0, false).unwrap();
        let golden: Vec<_> = entries.iter().map(|entry| (entry.at, entry.descriptor, entry.level)).collect();
        assert_eq!(
            golden,
            [
                (0x4000_0008, 0x5000_0003, 0),
                (0x5000_0008, 0x5000_1003, 1),
                (0x5000_1008, 0x5000_2003, 2),
                (0x5000_2018, 0xabc, 3)
            ]
        );
        let next = builder.place(&mut area, (0x80_4020_4000, 3), 1, 0, false).unwrap();
        assert_eq!(next, [Entry { at: 0x5000_2020, descriptor: 1, level: 3, is_table: false }]);
        assert!(builder.place(&mut area, (0x80_4020_4000, 3), 1, 0, false).is_err());
        assert!(builder.place(&mut area, (0x80_4020_0000, 2), 1, 0, false).is_err());
    }

    #[test]
    fn concatenated_tables_are_one() {
        let shape = Shape { start_level: 1, input_bits: 40, ..SHAPE };
        let mut builder = TableBuilder::new(shape);
        let entries = builder.place(&mut Area::default(), (0xff_c000_0000, 1), 1, 0, false).unwrap();
        assert_eq!(entries[0].at, 0x4000_0000 + 8 * 1023);
        assert_eq!((shape.base_bits(), shape.default_input_bits()), (13, 39));
    }

    #[test]
    fn high_address_bits_go_where_the_granule_puts_them() {
        let address = 0xf_8000_0001_0000;
        assert!(SHAPE.encode_address(address).is_err());
        assert_eq!(Shape { lpa2: true, ..SHAPE }.encode_address(address), Ok(0x3_8000_0001_0300));
        assert_eq!(Shape { granule_bits: 16, ..SHAPE }.encode_address(address), Ok(0x8000_0001_f000));
        assert!(SHAPE.encode_address(1 << 52).is_err());
    }

    #[test]
    fn the_upper_half_is_all_ones() {
        assert_eq!(SHAPE.input(0xffff_8000_0000_1000), Some(0x8000_0000_1000));
        assert_eq!(SHAPE.input(0x1_0000_0000_0000), None);
    }
}
