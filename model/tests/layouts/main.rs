//! Bit positions of every layout against the specification's.
//!
//! Each position stands here once, in the notation of the specification's maps, absolute in the structure:
//! `Config[3:1]`, `RnW[99]`. The tables of names and the typed words are both held against it with raw words of
//! a single bit, so that one position off by one fails. The golden structures are those of a stock Linux driver
//! and of random configurations that QEMU was given, decoded by hand.

mod commands;
mod descriptors;
mod events;
mod optional_pages;
mod pri;
mod registers;
mod structures;

use smmu_model::layout::names::{Field, Kind, reserved};

/// The fields that hold bits of an address in place.
const ADDRESSES: &[&str] = &[
    "S1ContextPtr",
    "S2TTB",
    "S_S2TTB",
    "VMSPtr",
    "TTB0",
    "TTB1",
    "L2Ptr",
    "Address",
    "OA",
    "MSIAddress",
    "InputAddr",
    "PageAddress",
    "IPA",
    "FetchAddr",
    "ADDR",
];

/// A field where the specification has it.
#[derive(PartialEq, Eq, Debug)]
struct Position<'a> {
    name: &'a str,
    high: usize,
    low: usize,
}

/// Reads `V[0] Config[3:1]`.
fn positions(text: &str) -> Vec<Position<'_>> {
    text.split_whitespace().map(position).collect()
}

fn position(item: &str) -> Position<'_> {
    let (name, range) = item.strip_suffix(']').and_then(|item| item.split_once('[')).expect(item);
    let (high, low) = range.split_once(':').unwrap_or((range, range));
    Position { name, high: high.parse().expect(item), low: low.parse().expect(item) }
}

impl Position<'_> {
    fn is_address(&self) -> bool {
        ADDRESSES.contains(&self.name)
    }

    /// Each bit of the structure alone: `read` sees those of the field, in their order, and no other.
    fn check<const N: usize>(&self, bits: usize, read: impl Fn([u64; N]) -> u64) {
        for bit in 0..bits {
            let mut raw = [0; N];
            raw[bit / 64] = 1 << (bit % 64);
            let is_inside = (self.low..=self.high).contains(&bit);
            let expected = match (is_inside, self.is_address()) {
                (false, _) => 0,
                (true, true) => 1 << (bit % 64),
                (true, false) => 1 << (bit - self.low),
            };
            assert_eq!(read(raw), expected, "{} with bit {bit} alone", self.name);
        }
    }
}

/// Holds a table of names against the positions `text`: all of them and no others, in the same order.
fn check_names<const N: usize>(what: &str, fields: &[Field], text: &str) {
    let expected = positions(text);
    let names = |field: &Field| field.name;
    assert_eq!(
        fields.iter().map(names).collect::<Vec<_>>(),
        expected.iter().map(|position| position.name).collect::<Vec<_>>(),
        "{what}"
    );
    let mut covered = [0; N];
    for (field, position) in fields.iter().zip(&expected) {
        position.check::<N>(N * 64, |raw| field.get(&raw));
        check_set::<N>(field, position);
        covered[position.low / 64] |= mask(position);
    }
    for (word, covered) in (0..).zip(covered) {
        assert_eq!(reserved(fields, word), !covered, "{what}, word {word}");
    }
}

/// The widest value sets exactly the bits of the field, zero clears exactly them, and nothing wider is taken.
fn check_set<const N: usize>(field: &Field, position: &Position<'_>) {
    assert_eq!(field.kind == Kind::Address, position.is_address(), "{}", field.name);
    let (word, mask) = (position.low / 64, mask(position));
    assert_eq!(field.mask(), mask, "{}", field.name);
    let widest = if position.is_address() { mask } else { mask >> (position.low % 64) };
    let (mut low, mut high) = ([0; N], [u64::MAX; N]);
    let mut expected = low;
    expected[word] = mask;
    assert_eq!((field.set(&mut low, widest), low), (Ok(()), expected), "{}", field.name);
    assert_eq!((field.set(&mut high, 0), high), (Ok(()), expected.map(|bits| !bits)), "{}", field.name);
    if widest != u64::MAX {
        let wide = if position.is_address() { !mask } else { widest + 1 };
        assert!(field.set(&mut low, wide).is_err(), "{}", field.name);
        assert_eq!(low, expected, "{}", field.name);
    }
}

/// The bits of a field in its word.
fn mask(position: &Position<'_>) -> u64 {
    assert_eq!(position.low / 64, position.high / 64, "{} lies in one word", position.name);
    (position.low..=position.high).map(|bit| 1 << (bit % 64)).sum()
}

/// A field by the specification's name, and how the typed words read it from raw ones.
type Accessor<const N: usize> = (&'static str, fn([u64; N]) -> u64);

/// Holds typed words against the positions `text`: one accessor each, in the same order.
fn check_typed<const N: usize>(bits: usize, text: &str, accessors: &[Accessor<N>]) {
    let expected = positions(text);
    assert_eq!(
        accessors.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        expected.iter().map(|position| position.name).collect::<Vec<_>>()
    );
    for ((_, read), position) in accessors.iter().zip(&expected) {
        position.check(bits, read);
    }
}

/// `accessors!(raw: "V" Ste(raw).word0().v(), …)`: a list for [`check_typed`].
macro_rules! accessors {
    ($raw:ident: $($name:literal $read:expr,)*) => { &[$(($name, |$raw| u64::from($read)),)*] };
}
use accessors;

/// The fields of a structure that are not zero, and at the end what no field covers.
fn show(fields: &[Field], words: &[u64]) -> String {
    let values = fields.iter().map(|field| (field.name, field.get(words)));
    let mut shown: Vec<String> =
        values.filter(|(_, value)| *value != 0).map(|(name, value)| format!("{name}={value:#x}")).collect();
    for (index, word) in (0..).zip(words) {
        let rest = word & reserved(fields, index);
        if rest != 0 {
            shown.push(format!("rest{index}={rest:#x}"));
        }
    }
    shown.join(" ")
}
