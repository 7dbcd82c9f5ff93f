//! Raw words decoded into fields by the specification's names.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use smmu_model::layout::names::{Field, Kind};

use crate::hex::Hex;

/// A structure as a JSON object: a member per field, in the order of the table. Addresses, and fields wider
/// than 32 bits, are `"0x…"` strings; all others are plain numbers.
#[derive(Debug)]
pub(super) struct Fields {
    table: &'static [Field],
    words: Vec<u64>,
}

impl Fields {
    /// `words` is the whole structure that `table` describes.
    pub(super) fn new(table: &'static [Field], words: &[u64]) -> Self {
        Self { table, words: words.to_vec() }
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.table.len()))?;
        for field in self.table {
            let value = field.get(&self.words);
            match field.kind {
                Kind::Number if field.bits() <= 32 => map.serialize_entry(field.name, &value)?,
                Kind::Number | Kind::Address => map.serialize_entry(field.name, &Hex(value))?,
            }
        }
        map.end()
    }
}
