//! `let` and `for`: values with names. Everything is unrolled here.

use super::{Checker, STEPS_MAX};
use crate::scenario::arguments::{Arguments, no_block, number};
use crate::scenario::problem::Problem;
use crate::scenario::scope::{Resolved, Variable, is_name};
use crate::scenario::span::Spanned;
use crate::scenario::syntax::{Node, Value};

/// Most turns of one loop.
const TURNS_MAX: u64 = 4096;

impl Checker<'_> {
    /// `let base=0x40000000 granule="4k"`: names for the rest of the scenario.
    pub(super) fn constants(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        for (name, value) in arguments.fields() {
            checked_name(&name)?;
            let value = plain(&value)?;
            self.scope.define_global(name.value, Variable::Value(value));
        }
        arguments.finish()
    }

    /// `for "leaf" 0 1 { … }`, `for "page" from=0 to=3 { … }`, or `for { row a=1 b=2; row a=2 b=4; do { … } }`.
    pub(super) fn repeat(&mut self, node: &Node) -> Result<(), Problem> {
        let block = node.children.as_ref().ok_or_else(|| Problem::new(node.span, "`for` needs a block"))?;
        if node.arguments.is_empty() && node.properties.is_empty() {
            return self.rows(node, block);
        }
        let mut arguments = Arguments::new(node, &self.scope)?;
        let name = arguments.required_text("the name of a variable")?;
        checked_name(&name)?;
        let mut values = Vec::new();
        while let Some(value) = arguments.next() {
            values.push(plain(&value)?);
        }
        let range = (arguments.number("from")?, arguments.number("to")?, arguments.number("step")?);
        arguments.finish()?;
        match range {
            (None, None, None) if !values.is_empty() => {}
            (Some(from), Some(to), step) if values.is_empty() => {
                values = numbers(from.value, &to, step)?;
            }
            _ => {
                return Err(Problem::new(node.span, "`for` needs either values, or `from=` and `to=`"));
            }
        }
        for value in values {
            self.turn(vec![(name.value.clone(), value)], block);
        }
        self.turns_left(node)
    }

    fn rows(&mut self, node: &Node, block: &[Node]) -> Result<(), Problem> {
        let mut rows = Vec::new();
        let mut body = None;
        for child in block {
            match (child.name.value.as_str(), &child.children) {
                ("row", _) => {
                    no_block(child)?;
                    let mut arguments = Arguments::new(child, &self.scope)?;
                    let mut row = Vec::new();
                    for (name, value) in arguments.fields() {
                        checked_name(&name)?;
                        row.push((name.value, plain(&value)?));
                    }
                    arguments.finish()?;
                    rows.push(row);
                }
                ("do", Some(steps)) if body.is_none() => body = Some(steps),
                (other, _) => {
                    return Err(Problem::unknown("part of `for`", other, child.name.span, &["row", "do"])
                        .with_help("`for { row a=1 b=2; row a=2 b=4; do { … } }`"));
                }
            }
        }
        let body = body.ok_or_else(|| Problem::new(node.span, "`for` with rows needs `do { … }`"))?;
        for row in rows {
            self.turn(row, body);
        }
        self.turns_left(node)
    }

    /// Refuses loops in loops that together never seem to end.
    fn turns_left(&self, node: &Node) -> Result<(), Problem> {
        if self.turns > STEPS_MAX {
            return Err(Problem::new(
                node.span,
                format!("the loops have more than {STEPS_MAX} turns together"),
            ));
        }
        Ok(())
    }

    fn turn(&mut self, values: Vec<(String, Value)>, block: &[Node]) {
        let count = values.len();
        self.turns += 1;
        if self.turns > STEPS_MAX {
            self.full = true;
        }
        for (name, value) in values {
            self.loops.push((name.clone(), shown(&value)));
            self.scope.define(name, Variable::Value(value));
        }
        self.nodes(block);
        self.scope.leave(count);
        self.loops.truncate(self.loops.len() - count);
    }
}

fn numbers(from: u64, to: &Spanned<u64>, step: Option<Spanned<u64>>) -> Result<Vec<Value>, Problem> {
    let step = match step {
        None => 1,
        Some(step) if step.value == 0 => return Err(Problem::new(step.span, "a step of 0 never ends")),
        Some(step) => step.value,
    };
    let distance = to.value.checked_sub(from);
    let distance = distance.ok_or_else(|| Problem::new(to.span, "`to` is below `from`"))?;
    if distance / step >= TURNS_MAX {
        return Err(Problem::new(to.span, format!("a loop has at most {TURNS_MAX} turns")));
    }
    Ok((0..=distance / step).map(|turn| Value::Number(i128::from(from + turn * step))).collect())
}

fn checked_name(name: &Spanned<String>) -> Result<(), Problem> {
    if is_name(&name.value) {
        Ok(())
    } else {
        Err(Problem::new(name.span, "a name consists of letters, digits and `_`"))
    }
}

/// A value that does not depend on the run.
pub(super) fn plain(value: &Spanned<Resolved>) -> Result<Value, Problem> {
    match &value.value {
        Resolved::Number(number) => Ok(Value::Number(*number)),
        Resolved::Text(text) => Ok(Value::Text(text.clone())),
        Resolved::Flag(flag) => Ok(Value::Flag(*flag)),
        Resolved::Result { .. } | Resolved::Sum { .. } => {
            number(value.clone()).map(|number| Value::Number(i128::from(number.value)))
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Number(number) if *number < 0 => number.to_string(),
        Value::Number(number) => format!("{number:#x}"),
        Value::Text(text) => format!("{text:?}"),
        Value::Flag(flag) => format!("#{flag}"),
    }
}
