//! Configuration structures by field name: `stream-table`, `ste`, `cd`, `l1std`, `l1cd`.

use std::collections::BTreeMap;

use smmu_model::Register;
use smmu_model::layout::names::{self, CD, Field, L1CD, L1STD, STE};

use super::Checker;
use crate::scenario::arguments::{Arguments, no_block};
use crate::scenario::problem::Problem;
use crate::scenario::span::{Span, Spanned};
use crate::scenario::step::{Operand, Store};
use crate::scenario::syntax::Node;

/// The stream table that the scenario declared.
#[derive(Clone, Debug)]
pub(super) struct StreamTable {
    base: u64,
    /// Bits that level 2 resolves, for a table of two levels.
    split: Option<u8>,
    /// Level 2 tables, by level 1 index.
    leaves: BTreeMap<u64, u64>,
}

impl Checker<'_> {
    /// `stream-table 0x40000000 log2size=8`, of two levels with `split=6`: programs STRTAB_BASE and
    /// STRTAB_BASE_CFG, and says where the STEs that follow lie.
    pub(super) fn stream_table(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let base = arguments.required_number("an address")?;
        let log2size = arguments.number_to("log2size", 63)?;
        let split = arguments.number_to("split", 31)?;
        arguments.finish()?;
        let log2size = log2size.ok_or_else(|| Problem::new(node.span, "`log2size=` is missing"))?.value;
        let field = |register, name, value: &Spanned<u64>| {
            let fields = names::register_fields(register);
            let field = names::find(fields, name).expect("a field of the register");
            let mut word = [0];
            field.set(&mut word, value.value).map_err(|error| Problem::new(value.span, error.to_string()))?;
            Ok(word[0])
        };
        let address = field("STRTAB_BASE", "ADDR", &base)?;
        let format = match &split {
            None => 0,
            Some(split) => (1 << 16) | field("STRTAB_BASE_CFG", "SPLIT", split)?,
        };
        let split = split.map(|split| u8::try_from(split.value).expect("checked against the maximum"));
        self.stream_table = Some(StreamTable { base: base.value, split, leaves: BTreeMap::new() });
        self.set_register(node.span, Register::StrtabBase, Operand::Known(address))?;
        self.set_register(node.span, Register::StrtabBaseCfg, Operand::Known(format | log2size))
    }

    /// `ste "nic" V=1 Config=0b101 …`, `ste stream=0x10 …`, or `ste at=0x40000400 …`.
    pub(super) fn ste(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let at = arguments.number("at")?;
        let stream = self.stream_of(&mut arguments)?;
        let mut words = [0; 8];
        let fields = arguments.fields();
        arguments.finish()?;
        self.set_fields(&mut words, STE, fields);
        let mut stores = Vec::new();
        let (what, at) = match (stream, at) {
            (None, None) => {
                return Err(Problem::new(node.span, "`ste` needs a device, `stream=` or `at=`"));
            }
            (None, Some(at)) => ("STE".to_owned(), at.value),
            (Some(stream), at) => {
                self.stes.insert(stream, words);
                let at = match at {
                    Some(at) => at.value,
                    None => self.ste_address(node.span, stream, &mut stores)?,
                };
                (format!("STE of stream {stream:#x}"), at)
            }
        };
        stores.push(Store { what, at, words: words.to_vec(), fields: STE });
        self.store(node.span, stores)
    }

    /// Where the STE of `stream` lies in the declared stream table; makes a level 2 table if there is none.
    fn ste_address(&mut self, span: Span, stream: u32, stores: &mut Vec<Store>) -> Result<u64, Problem> {
        let outside = || Problem::new(span, "the STE would lie past the end of memory");
        let stream = u64::from(stream);
        let table = self.stream_table.as_mut().ok_or_else(|| {
            Problem::new(span, "there is no `stream-table` yet").with_help("or give the STE's address: `at=`")
        })?;
        let Some(split) = table.split else {
            return table.base.checked_add(stream * 64).ok_or_else(outside);
        };
        let index = stream >> split;
        let leaf = match table.leaves.get(&index) {
            Some(leaf) => *leaf,
            None => {
                let leaf = self.area.take(64 << split).ok_or_else(outside)?;
                table.leaves.insert(index, leaf);
                let mut words = [0];
                let mut set = |name: &str, value| {
                    let field = names::find(L1STD, name).expect("a field of the descriptor");
                    field.set(&mut words, value).map_err(|error| Problem::new(span, error.to_string()))
                };
                set("Span", u64::from(split) + 1)?;
                set("L2Ptr", leaf)?;
                let at = table.base.checked_add(index * 8).ok_or_else(outside)?;
                let what = format!("L1STD {index:#x}");
                stores.push(Store { what, at, words: words.to_vec(), fields: L1STD });
                leaf
            }
        };
        let within = stream & !(u64::MAX << split);
        leaf.checked_add(within * 64).ok_or_else(outside)
    }

    /// `cd "nic" V=1 AA64=1 …`, with `ssid=3`, where S1ContextPtr of the STE written last says; or `cd at=0x… …`.
    pub(super) fn cd(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let at = arguments.number("at")?;
        let ssid = arguments.number_to("ssid", (1 << 20) - 1)?.map_or(0, |ssid| ssid.value);
        let stream = self.stream_of(&mut arguments)?;
        let mut words = [0; 8];
        let fields = arguments.fields();
        arguments.finish()?;
        self.set_fields(&mut words, CD, fields);
        let (what, at) = match (stream, at) {
            (None, None) => return Err(Problem::new(node.span, "`cd` needs a device, `stream=` or `at=`")),
            (_, Some(at)) => ("CD".to_owned(), at.value),
            (Some(stream), None) => {
                let base = self.context_pointer(node.span, stream)?;
                let at = base.checked_add(ssid * 64);
                let at =
                    at.ok_or_else(|| Problem::new(node.span, "the CD would lie past the end of memory"))?;
                (format!("CD {ssid:#x} of stream {stream:#x}"), at)
            }
        };
        self.store(node.span, vec![Store { what, at, words: words.to_vec(), fields: CD }])
    }

    fn context_pointer(&self, span: Span, stream: u32) -> Result<u64, Problem> {
        let words = self.stes.get(&stream).ok_or_else(|| {
            Problem::new(span, format!("stream {stream:#x} has no `ste` yet"))
                .with_help("or give the CD's address: `at=`")
        })?;
        let of = |name| names::find(STE, name).expect("a field of the STE").get(words);
        if of("S1Fmt") != 0 {
            return Err(Problem::new(span, "the CD table of this stream has two levels")
                .with_help("write `l1cd at=…` and `cd at=…`"));
        }
        Ok(of("S1ContextPtr"))
    }

    /// `l1std at=0x40000000 Span=9 L2Ptr=0x40100000`
    pub(super) fn l1std(&mut self, node: &Node) -> Result<(), Problem> {
        self.word(node, "L1STD", L1STD)
    }

    /// `l1cd at=0x40010000 V=1 L2Ptr=0x40020000`
    pub(super) fn l1cd(&mut self, node: &Node) -> Result<(), Problem> {
        self.word(node, "L1CD", L1CD)
    }

    fn word(&mut self, node: &Node, what: &str, fields: &'static [Field]) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let at = arguments.number("at")?;
        let properties = arguments.fields();
        arguments.finish()?;
        let mut words = [0];
        self.set_fields(&mut words, fields, properties);
        let at = at.ok_or_else(|| Problem::new(node.span, "`at=` is missing"))?.value;
        self.store(node.span, vec![Store { what: what.to_owned(), at, words: words.to_vec(), fields }])
    }

    /// A device by name as the first argument, or `stream=`, if one is given.
    pub(super) fn stream_of(&self, arguments: &mut Arguments) -> Result<Option<u32>, Problem> {
        if arguments.next_is_text() {
            let name = arguments.required_text("a device")?;
            return self.device_called(&name).map(|device| Some(device.stream.0));
        }
        let stream = arguments.number_to("stream", u64::from(u32::MAX))?;
        Ok(stream.map(|stream| u32::try_from(stream.value).expect("checked against the maximum")))
    }

    pub(super) fn device_called(&self, name: &Spanned<String>) -> Result<&super::hardware::Device, Problem> {
        self.devices.iter().find(|device| device.name == name.value).ok_or_else(|| {
            let known: Vec<&str> = self.devices.iter().map(|device| device.name.as_str()).collect();
            Problem::unknown("device", &name.value, name.span, &known)
        })
    }
}
