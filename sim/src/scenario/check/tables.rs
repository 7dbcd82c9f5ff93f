//! Translation tables by what they map: `table`, `map`, `unmap`, and `desc` for one raw descriptor.

use smmu_model::layout::names::{Field, STAGE1_LEAF, STAGE1_TABLE, STAGE2_LEAF, STAGE2_TABLE};
use smmu_model::outcome::Stage;

use super::Checker;
use super::table_builder::{Entry, Shape, TableBuilder};
use crate::scenario::arguments::{Arguments, Property, no_block};
use crate::scenario::problem::Problem;
use crate::scenario::scope::Resolved;
use crate::scenario::span::{Span, Spanned};
use crate::scenario::step::Store;
use crate::scenario::syntax::Node;

/// Most descriptors that one `map` writes.
const LEAVES_MAX: u64 = 4096;

/// Leaf fields that `map` sets unless told otherwise: readable and writable for everybody, Access flag set.
const STAGE1_DEFAULTS: &[(&str, u64)] = &[("AP", 0b01), ("AF", 1)];
/// As stage 1; MemAttr is Normal Write-Back.
const STAGE2_DEFAULTS: &[(&str, u64)] = &[("S2AP", 0b11), ("MemAttr", 0b1111), ("AF", 1)];

impl Checker<'_> {
    /// `table "s1" at=0x40100000 granule="4k" level=0 { map 0x1000 0x80001000 size=0x1000 }`; the name stands for
    /// the address from here on.
    pub(super) fn table(&mut self, node: &Node) -> Result<(), Problem> {
        let mut arguments = Arguments::new(node, &self.scope)?;
        let name = arguments.required_name()?;
        let shape = shape(&mut arguments)?;
        let table_fields = arguments.fields();
        arguments.finish()?;
        if self.tables.iter().any(|(known, _)| *known == name.value) {
            return Err(Problem::new(name.span, format!("a table is called `{}` already", name.value))
                .with_help("`map \"NAME\" …` adds to it"));
        }
        let mut table_bits = [0];
        self.set_fields(&mut table_bits, table_descriptor(shape.stage), table_fields);
        self.variable(&name, i128::from(shape.base));
        let mut builder = TableBuilder::new(shape);
        let mut entries = Vec::new();
        for child in node.children.iter().flatten() {
            let placed = match child.name.value.as_str() {
                "map" => self.mapped(&mut builder, child, false, table_bits[0]),
                "desc" => self.described(&mut builder, child, false, table_bits[0]),
                other => Err(Problem::unknown("part of `table`", other, child.name.span, &["map", "desc"])),
            };
            match placed {
                Ok(placed) => entries.extend(placed),
                Err(problem) => self.note(problem),
            }
        }
        self.tables.push((name.value.clone(), builder));
        self.store_entries(node.span, &name.value, shape, &entries)
    }

    /// `map "s1" 0x2000 0x80002000 AP=0b11`: adds to a table, or replaces what it has there.
    pub(super) fn map(&mut self, node: &Node) -> Result<(), Problem> {
        self.change(node, Self::mapped)
    }

    /// `unmap "s1" 0x2000 size=0x1000`: writes invalid descriptors.
    pub(super) fn unmap(&mut self, node: &Node) -> Result<(), Problem> {
        self.change(node, Self::unmapped)
    }

    /// `desc "s1" 0x2000 level=3 raw=0x…` in a table, or `desc at=0x40100008 raw=0x…` anywhere.
    pub(super) fn descriptor(&mut self, node: &Node) -> Result<(), Problem> {
        if matches!(node.arguments.first(), Some(_name)) {
            return self.change(node, Self::described);
        }
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let at = arguments.number("at")?;
        let big_endian = arguments.flag("big-endian")?.unwrap_or(false);
        let stage = stage(&mut arguments)?;
        let (descriptor, fields) = self.descriptor_value(&mut arguments, stage)?;
        arguments.finish()?;
        let at =
            at.ok_or_else(|| Problem::new(node.span, "`desc` needs `at=`, or a table and an address"))?.value;
        let word = if big_endian { descriptor.swap_bytes() } else { descriptor };
        let fields = if big_endian { &[] } else { fields };
        self.store(node.span, vec![Store { what: "descriptor".to_owned(), at, words: vec![word], fields }])
    }

    fn change(
        &mut self,
        node: &Node,
        entries: impl FnOnce(&mut Self, &mut TableBuilder, &Node, bool, u64) -> Result<Vec<Entry>, Problem>,
    ) -> Result<(), Problem> {
        let name = Arguments::new(node, &self.scope)?.required_text("the name of a table")?;
        let position = self.tables.iter().position(|(known, _)| *known == name.value);
        let position = position.ok_or_else(|| {
            let known: Vec<&str> = self.tables.iter().map(|(known, _)| known.as_str()).collect();
            Problem::unknown("table", &name.value, name.span, &known)
        })?;
        let mut builder = self.tables[position].1.clone();
        let entries = entries(self, &mut builder, node, true, 0)?;
        let shape = builder.shape;
        self.tables[position].1 = builder;
        self.store_entries(node.span, &name.value, shape, &entries)
    }

    /// The entries of one `map`; `named` if the name of the table is its first argument.
    fn mapped(
        &mut self,
        builder: &mut TableBuilder,
        node: &Node,
        named: bool,
        table_bits: u64,
    ) -> Result<Vec<Entry>, Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let range = mapped_range(&mut arguments, builder.shape, named, true)?;
        let properties = arguments.fields();
        arguments.finish()?;
        let (fields, defaults) = leaf(builder.shape.stage);
        let mut leaf_bits = [0];
        self.set_fields(&mut leaf_bits, fields, with_defaults(properties, defaults, node.span));
        let kind = if range.level == 3 { 0b11 } else { 0b01 };
        self.leaves(builder, &range, named, table_bits, |address| Ok(address | leaf_bits[0] | kind))
    }

    fn unmapped(
        &mut self,
        builder: &mut TableBuilder,
        node: &Node,
        named: bool,
        table_bits: u64,
    ) -> Result<Vec<Entry>, Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let range = mapped_range(&mut arguments, builder.shape, named, false)?;
        arguments.finish()?;
        self.leaves(builder, &range, named, table_bits, |_address| Ok(0))
    }

    fn leaves(
        &mut self,
        builder: &mut TableBuilder,
        range: &Range,
        named: bool,
        table_bits: u64,
        descriptor: impl Fn(u64) -> Result<u64, String>,
    ) -> Result<Vec<Entry>, Problem> {
        let shape = builder.shape;
        let step = 1u64 << shape.entry_bits(range.level);
        let mut entries = Vec::new();
        for turn in 0..range.count {
            let input = range.input + turn * step;
            let placed = range
                .output
                .checked_add(turn * step)
                .ok_or_else(|| "the output passes the end of memory".to_owned())
                .and_then(|output| shape.encode_address(output))
                .and_then(&descriptor)
                .and_then(|bits| {
                    builder.place(&mut self.area, (input, range.level), bits, table_bits, named)
                });
            entries.extend(placed.map_err(|reason| Problem::new(range.span, reason))?);
        }
        Ok(entries)
    }

    /// One descriptor of a table: `desc 0x2000 level=2 raw=0x…`.
    fn described(
        &mut self,
        builder: &mut TableBuilder,
        node: &Node,
        named: bool,
        table_bits: u64,
    ) -> Result<Vec<Entry>, Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        if named {
            arguments.required_text("the name of a table")?;
        }
        let input = input(&mut arguments, builder.shape)?;
        let level = level(&mut arguments, builder.shape)?.unwrap_or(3);
        let (descriptor, _fields) = self.descriptor_value(&mut arguments, builder.shape.stage)?;
        arguments.finish()?;
        let placed = builder.place(&mut self.area, (input, level), descriptor, table_bits, named);
        placed.map_err(|reason| Problem::new(node.span, reason))
    }

    /// `raw=0x…`, or fields of a leaf, or of a table descriptor with `kind="table"`.
    fn descriptor_value(
        &mut self,
        arguments: &mut Arguments,
        stage: Stage,
    ) -> Result<(u64, &'static [Field]), Problem> {
        let raw = arguments.number("raw")?.map_or(0, |raw| raw.value);
        let fields = match arguments.text("kind")? {
            None => leaf(stage).0,
            Some(kind) if kind.value == "leaf" => leaf(stage).0,
            Some(kind) if kind.value == "table" => table_descriptor(stage),
            Some(kind) => {
                return Err(Problem::unknown(
                    "kind of descriptor",
                    &kind.value,
                    kind.span,
                    &["leaf", "table"],
                ));
            }
        };
        let mut words = [raw];
        let properties = arguments.fields();
        self.set_fields(&mut words, fields, properties);
        Ok((words[0], fields))
    }

    fn store_entries(
        &mut self,
        span: Span,
        name: &str,
        shape: Shape,
        entries: &[Entry],
    ) -> Result<(), Problem> {
        let stores = entries.iter().map(|entry| Store {
            what: format!("level {} descriptor of table {name}", entry.level),
            at: entry.at,
            words: vec![entry.word(&shape)],
            fields: match (shape.big_endian, entry.is_table) {
                (true, _) => &[],
                (false, true) => table_descriptor(shape.stage),
                (false, false) => leaf(shape.stage).0,
            },
        });
        let stores: Vec<Store> = stores.collect();
        match stores.len() {
            0 => Ok(()),
            1 => self.store(span, stores),
            count => self.store_all(span, format!("{count} descriptors of table {name}"), stores),
        }
    }
}

/// What one `map` covers.
struct Range {
    span: Span,
    input: u64,
    output: u64,
    level: i8,
    count: u64,
}

/// `[NAME] INPUT [OUTPUT] size=… level=…`. One descriptor if `size` is what an entry covers, else pages.
fn mapped_range(
    arguments: &mut Arguments,
    shape: Shape,
    named: bool,
    has_output: bool,
) -> Result<Range, Problem> {
    let span = arguments.span();
    if named {
        arguments.required_text("the name of a table")?;
    }
    let input = input(arguments, shape)?;
    let output = if has_output { arguments.required_number("an output address")?.value } else { 0 };
    let level = level(arguments, shape)?;
    let size = arguments.number("size")?;
    let size_bytes = size.as_ref().map(|size| size.value);
    let level = level.or_else(|| size_bytes.and_then(|size| shape.level_of_size(size))).unwrap_or(3);
    let entry = 1u64 << shape.entry_bits(level);
    let size_bytes = size_bytes.unwrap_or(entry);
    let size_span = size.map_or(span, |size| size.span);
    if size_bytes == 0 || size_bytes % entry != 0 {
        return Err(Problem::new(size_span, format!("the size is not a multiple of {entry:#x}")));
    }
    if input % entry != 0 || output % entry != 0 {
        return Err(Problem::new(span, format!("the addresses are not aligned to {entry:#x}")));
    }
    let count = size_bytes / entry;
    if count > LEAVES_MAX {
        return Err(Problem::new(
            size_span,
            format!("this takes {count} descriptors; at most {LEAVES_MAX} are written"),
        ));
    }
    let last = input.checked_add(size_bytes - 1);
    if last.and_then(|last| shape.input(last)).is_none() {
        return Err(Problem::new(
            span,
            format!("the range is larger than the {} input bits", shape.input_bits),
        ));
    }
    Ok(Range { span, input, output, level, count })
}

fn input(arguments: &mut Arguments, shape: Shape) -> Result<u64, Problem> {
    let input = arguments.required_number("an input address")?;
    shape.input(input.value).ok_or_else(|| {
        let message = format!("this is outside of the {} input bits of the table", shape.input_bits);
        Problem::new(input.span, message)
    })
}

/// `level=`, from the start level to 3.
fn level(arguments: &mut Arguments, shape: Shape) -> Result<Option<i8>, Problem> {
    let Some(level) = arguments.property("level") else { return Ok(None) };
    let number = signed(&level)?;
    if number < shape.start_level {
        return Err(Problem::new(level.span, format!("the table starts at level {}", shape.start_level)));
    }
    Ok(Some(number))
}

/// A level: -1 to 3.
fn signed(level: &Spanned<Resolved>) -> Result<i8, Problem> {
    let number = match &level.value {
        Resolved::Number(number) => i8::try_from(*number).ok().filter(|number| (-1..=3).contains(number)),
        Resolved::Text(_) | Resolved::Flag(_) | Resolved::Result { .. } | Resolved::Sum { .. } => None,
    };
    number.ok_or_else(|| Problem::new(level.span, "a level is -1 to 3"))
}

fn shape(arguments: &mut Arguments) -> Result<Shape, Problem> {
    let base = arguments.number("at")?;
    let base = base.ok_or_else(|| Problem::new(arguments.span(), "`at=` is missing"))?;
    let granule_bits = match arguments.text("granule")? {
        None => 12,
        Some(granule) => match granule.value.as_str() {
            "4k" => 12,
            "16k" => 14,
            "64k" => 16,
            other => return Err(Problem::unknown("granule", other, granule.span, &["4k", "16k", "64k"])),
        },
    };
    let start_level = match arguments.property("level") {
        None => 0,
        Some(level) => signed(&level)?,
    };
    if granule_bits == 16 && start_level < 1 || granule_bits == 14 && start_level < 0 {
        return Err(Problem::new(arguments.span(), "this granule has no such level")
            .with_help("4k starts at -1 to 3, 16k at 0 to 3, 64k at 1 to 3"));
    }
    let stage = stage(arguments)?;
    let lpa2 = arguments.flag("lpa2")?.unwrap_or(false);
    let big_endian = arguments.flag("big-endian")?.unwrap_or(false);
    let bits = arguments.number_to("bits", 52)?;
    let shape = Shape { stage, base: base.value, granule_bits, start_level, input_bits: 0, lpa2, big_endian };
    let input_bits = match &bits {
        None => shape.default_input_bits(),
        Some(bits) => u8::try_from(bits.value).expect("checked against the maximum"),
    };
    let shape = Shape { input_bits, ..shape };
    if input_bits <= shape.entry_bits(start_level) || shape.base_bits() > shape.granule_bits + 4 {
        let span = bits.map_or(arguments.span(), |bits| bits.span);
        let least = shape.entry_bits(start_level) + 1;
        let most = least + shape.granule_bits;
        return Err(Problem::new(
            span,
            format!("a table that starts at level {start_level} has {least} to {most} input bits"),
        ));
    }
    let size = 1u64 << shape.base_bits();
    if !base.value.is_multiple_of(size) {
        return Err(Problem::new(base.span, format!("the table is not aligned to its size, {size:#x}")));
    }
    if base.value.checked_add(size).is_none() {
        return Err(Problem::new(base.span, "the table passes the end of memory"));
    }
    Ok(shape)
}

fn stage(arguments: &mut Arguments) -> Result<Stage, Problem> {
    match arguments.number("stage")? {
        None => Ok(Stage::One),
        Some(stage) => match stage.value {
            1 => Ok(Stage::One),
            2 => Ok(Stage::Two),
            _ => Err(Problem::new(stage.span, "there are stages 1 and 2")),
        },
    }
}

fn leaf(stage: Stage) -> (&'static [Field], &'static [(&'static str, u64)]) {
    match stage {
        Stage::One => (STAGE1_LEAF, STAGE1_DEFAULTS),
        Stage::Two => (STAGE2_LEAF, STAGE2_DEFAULTS),
    }
}

fn table_descriptor(stage: Stage) -> &'static [Field] {
    match stage {
        Stage::One => STAGE1_TABLE,
        Stage::Two => STAGE2_TABLE,
    }
}

/// `properties`, and those of `defaults` that they do not name.
fn with_defaults(mut properties: Vec<Property>, defaults: &[(&str, u64)], span: Span) -> Vec<Property> {
    for (name, value) in defaults {
        if !properties.iter().any(|(given, _)| smmu_model::naming::same(&given.value, name)) {
            let name = Spanned { value: (*name).to_owned(), span };
            properties.push((name, Spanned { value: Resolved::Number(i128::from(*value)), span }));
        }
    }
    properties
}
