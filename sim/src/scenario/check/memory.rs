//! Raw memory: `write`, `read`, `race`, `abort`, `read-only`, `no-atomics`, `restore`; and the check that what software writes is RAM.

use super::hardware::range;
use super::{Checker, ResultKind, STORED_WORDS_MAX};
use crate::scenario::arguments::{Arguments, no_block, operand};
use crate::scenario::problem::Problem;
use crate::scenario::span::{Span, Spanned};
use crate::scenario::step::{Action, Backing, Data, Operand, Store};
use crate::scenario::syntax::Node;

/// Sizes of numbers in memory: property name and bytes.
pub(super) const NUMBERS: [(&str, u8); 4] = [("u8", 1), ("u16", 2), ("u32", 4), ("u64", 8)];

impl Checker<'_> {
    /// `write 0x40000000 u64=0x1234`, or `bytes="de ad be ef"`, or several `u64` as arguments.
    pub(super) fn write(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let at = arguments.required("an address")?;
        let at_span = at.span;
        let at = operand(at)?;
        let data = data(&mut arguments)?;
        let data = data.ok_or_else(|| {
            Problem::new(node.span, "`write` needs `u64=`, `u32=`, `u16=`, `u8=` or `bytes=`")
        })?;
        arguments.finish()?;
        if let Operand::Known(at) = at {
            let bytes = match &data {
                Data::Bytes(bytes) => bytes.len(),
                Data::Number(_, size) => usize::from(*size),
            };
            self.writable(at, bytes, at_span)?;
        }
        self.step(node.span, Action::Write { at, data })
    }

    /// `read 0x40000000 size=8 as="word"`
    pub(super) fn read(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let at = operand(arguments.required("an address")?)?;
        let size = arguments.number_to("size", 8)?.map_or(8, |size| size.value);
        let name = arguments.text("as")?;
        arguments.finish()?;
        let result = name.map(|name| self.name_result(&name, ResultKind::Value)).transpose()?;
        let size_bytes = u8::try_from(size.max(1)).expect("checked against the maximum");
        self.step(node.span, Action::Load { at, size_bytes, result })
    }

    /// `race 0x40100008 u64=0`: another master stores it while the next `dma` is under way.
    pub(super) fn race(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let at = arguments.required("an address")?;
        let at_span = at.span;
        let at = operand(at)?;
        let value =
            arguments.property("u64").ok_or_else(|| Problem::new(node.span, "`race` needs `u64=`"))?;
        let value = operand(value)?;
        arguments.finish()?;
        if let Operand::Known(address) = at {
            if !address.is_multiple_of(8) {
                return Err(Problem::new(at_span, "a number that races lies at a multiple of 8"));
            }
            self.writable(address, 8, at_span)?;
        }
        self.step(node.span, Action::Race { at, value })
    }

    /// `abort 0x50000000 size=0x1000` makes the range abort, `restore` makes it RAM.
    pub(super) fn region(&mut self, node: &Node, backing: Backing) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let (first, last) = range(&mut arguments)?;
        arguments.finish()?;
        match backing {
            Backing::Ram | Backing::NoAtomics => self.aborts.remove(first, last),
            Backing::ReadOnly | Backing::Abort => self.aborts.insert(first, last),
        }
        self.step(node.span, Action::Region { first, last, backing })
    }

    /// Adds a step that writes structures, if all of them lie in RAM.
    pub(super) fn store(&mut self, span: Span, stores: Vec<Store>) -> Result<(), Problem> {
        self.store_all(span, String::new(), stores)
    }

    /// As [`Checker::store`], for many structures that are one thing together.
    pub(super) fn store_all(
        &mut self,
        span: Span,
        summary: String,
        stores: Vec<Store>,
    ) -> Result<(), Problem> {
        for store in &stores {
            self.writable(store.at, store.words.len() * 8, span)?;
            self.stored_words += store.words.len();
        }
        if self.stored_words > STORED_WORDS_MAX {
            self.full = true;
            return Err(Problem::new(
                span,
                format!("the scenario stores more than {STORED_WORDS_MAX} words"),
            ));
        }
        self.step(span, Action::Store { summary, stores })
    }

    fn writable(&self, at: u64, bytes: usize, span: Span) -> Result<(), Problem> {
        let bytes = u64::try_from(bytes).expect("a size in memory");
        let Some(last) = at.checked_add(bytes.saturating_sub(1)) else {
            return Err(Problem::new(span, "this passes the end of memory"));
        };
        if self.aborts.overlaps(at, last) {
            let problem = Problem::new(span, format!("{at:#x} to {last:#x} is not RAM"));
            let help = "what the builders place by themselves goes to `memory { area ADDRESS }`";
            return Err(if self.memory.ram.is_empty() { problem } else { problem.with_help(help) });
        }
        Ok(())
    }
}

/// `u64=…` or `bytes="…"`, if one is given.
pub(super) fn data(arguments: &mut Arguments) -> Result<Option<Data>, Problem> {
    if let Some(bytes) = arguments.text("bytes")? {
        return hex_bytes(&bytes).map(|bytes| Some(Data::Bytes(bytes)));
    }
    for (name, size_bytes) in NUMBERS {
        let Some(value) = arguments.property(name) else { continue };
        let span = value.span;
        let number = operand(value)?;
        let fits = match number {
            Operand::Known(number) => size_bytes == 8 || number >> (8 * size_bytes) == 0,
            Operand::Result(..) => true,
        };
        if !fits {
            return Err(Problem::new(span, format!("this does not fit {size_bytes} bytes")));
        }
        return Ok(Some(Data::Number(number, size_bytes)));
    }
    Ok(None)
}

/// Bytes as people write them: `"de ad be ef"`.
pub(super) fn hex_bytes(text: &Spanned<String>) -> Result<Vec<u8>, Problem> {
    let digits: Vec<u32> = text
        .value
        .chars()
        .filter(|letter| !letter.is_whitespace() && *letter != '_')
        .map(|letter| letter.to_digit(16))
        .collect::<Option<_>>()
        .ok_or_else(|| Problem::new(text.span, "bytes are written as hexadecimal digits: \"de ad be ef\""))?;
    let (pairs, rest) = digits.as_chunks::<2>();
    if pairs.is_empty() || !rest.is_empty() {
        return Err(Problem::new(text.span, "each byte has two hexadecimal digits"));
    }
    let byte = |[high, low]: &[u32; 2]| u8::try_from(high * 16 + low).expect("two hexadecimal digits");
    Ok(pairs.iter().map(byte).collect())
}
