//! The arguments and properties of one node, taken one by one; what nobody takes is a mistake.

use super::problem::Problem;
use super::scope::{KNOWN_LATER, Resolved, Scope};
use super::span::{Span, Spanned};
use super::step::{Operand, Part};
use super::syntax::Node;

/// A property: its name and its value.
pub(crate) type Property = (Spanned<String>, Spanned<Resolved>);

/// What is left of a node's arguments and properties.
#[derive(Debug)]
pub(crate) struct Arguments {
    name: String,
    span: Span,
    positional: std::vec::IntoIter<Spanned<Resolved>>,
    properties: Vec<Property>,
    asked: Vec<&'static str>,
}

impl Arguments {
    pub(crate) fn new(node: &Node, scope: &Scope) -> Result<Self, Problem> {
        let positional =
            node.arguments.iter().map(|value| scope.resolve(value)).collect::<Result<Vec<_>, _>>()?;
        let properties = node
            .properties
            .iter()
            .map(|(name, value)| Ok((name.clone(), scope.resolve(value)?)))
            .collect::<Result<_, _>>()?;
        let (name, span) = (node.name.value.clone(), node.span);
        Ok(Self { name, span, positional: positional.into_iter(), properties, asked: Vec::new() })
    }

    /// The whole node, without its children.
    pub(crate) fn span(&self) -> Span {
        self.span
    }

    pub(crate) fn next(&mut self) -> Option<Spanned<Resolved>> {
        self.positional.next()
    }

    pub(crate) fn next_is_text(&self) -> bool {
        self.positional.as_slice().first().is_some_and(|next| matches!(next.value, Resolved::Text(_)))
    }

    /// The next argument, which the node cannot do without.
    pub(crate) fn required(&mut self, what: &str) -> Result<Spanned<Resolved>, Problem> {
        self.positional.next().ok_or_else(|| {
            Problem::new(self.span, format!("`{}` needs {what}", self.name))
                .labelled(format!("{what} is missing"))
        })
    }

    pub(crate) fn required_text(&mut self, what: &str) -> Result<Spanned<String>, Problem> {
        text(self.required(what)?)
    }

    /// The name of something new.
    pub(crate) fn required_name(&mut self) -> Result<Spanned<String>, Problem> {
        printable(self.required_text("a name")?)
    }

    pub(crate) fn required_number(&mut self, what: &str) -> Result<Spanned<u64>, Problem> {
        number(self.required(what)?)
    }

    /// The property called `name`, if it is given.
    pub(crate) fn property(&mut self, name: &'static str) -> Option<Spanned<Resolved>> {
        self.asked.push(name);
        let position = self.properties.iter().position(|(known, _)| known.value == name)?;
        Some(self.properties.remove(position).1)
    }

    pub(crate) fn number(&mut self, name: &'static str) -> Result<Option<Spanned<u64>>, Problem> {
        self.property(name).map(number).transpose()
    }

    /// A number of at most `max`.
    pub(crate) fn number_to(
        &mut self,
        name: &'static str,
        max: u64,
    ) -> Result<Option<Spanned<u64>>, Problem> {
        match self.number(name)? {
            Some(number) if number.value > max => {
                Err(Problem::new(number.span, format!("{name} is at most {max:#x}")))
            }
            number => Ok(number),
        }
    }

    pub(crate) fn flag(&mut self, name: &'static str) -> Result<Option<bool>, Problem> {
        self.property(name).map(flag).transpose()
    }

    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<Spanned<String>>, Problem> {
        self.property(name).map(text).transpose()
    }

    pub(crate) fn operand(&mut self, name: &'static str) -> Result<Option<Operand>, Problem> {
        self.property(name).map(operand).transpose()
    }

    /// All properties that nobody asked for: the fields of a structure.
    pub(crate) fn fields(&mut self) -> Vec<Property> {
        std::mem::take(&mut self.properties)
    }

    /// Refuses what nobody asked for.
    pub(crate) fn finish(mut self) -> Result<(), Problem> {
        if let Some(extra) = self.positional.next() {
            return Err(Problem::new(extra.span, format!("`{}` takes no such argument", self.name)));
        }
        match self.properties.first() {
            None => Ok(()),
            Some((name, _)) => {
                let kind = format!("property of `{}`", self.name);
                Err(Problem::unknown(&kind, &name.value, name.span, &self.asked))
            }
        }
    }
}

/// Refuses a block.
pub(crate) fn no_block(node: &Node) -> Result<(), Problem> {
    match &node.children {
        None => Ok(()),
        Some(_) => Err(Problem::new(node.span, format!("`{}` has no block", node.name.value))),
    }
}

/// A name that can stand in a line of output.
pub(crate) fn printable(name: Spanned<String>) -> Result<Spanned<String>, Problem> {
    if name.value.is_empty() || name.value.contains(char::is_control) {
        return Err(Problem::new(name.span, "a name is not empty, and stands in one line"));
    }
    Ok(name)
}

pub(crate) fn text(value: Spanned<Resolved>) -> Result<Spanned<String>, Problem> {
    match value.value {
        Resolved::Text(text) => Ok(Spanned { value: text, span: value.span }),
        Resolved::Number(_) | Resolved::Flag(_) | Resolved::Result { .. } | Resolved::Sum { .. } => {
            Err(Problem::new(value.span, "a text is needed here"))
        }
    }
}

/// An unsigned 64-bit number. `#true` counts as 1 and `#false` as 0.
pub(crate) fn number(value: Spanned<Resolved>) -> Result<Spanned<u64>, Problem> {
    let span = value.span;
    let number = match value.value {
        Resolved::Number(number) => u64::try_from(number)
            .map_err(|_error| Problem::new(span, "a number is between 0 and 0xffff_ffff_ffff_ffff here"))?,
        Resolved::Flag(flag) => u64::from(flag),
        Resolved::Result { .. } | Resolved::Sum { .. } => {
            return Err(Problem::new(span, "the value must be known before the scenario runs here"));
        }
        Resolved::Text(_) => return Err(Problem::new(span, "a number is needed here")),
    };
    Ok(Spanned { value: number, span })
}

pub(crate) fn flag(value: Spanned<Resolved>) -> Result<bool, Problem> {
    match value.value {
        Resolved::Flag(flag) => Ok(flag),
        Resolved::Number(_) | Resolved::Text(_) | Resolved::Result { .. } | Resolved::Sum { .. } => {
            Err(Problem::new(value.span, "#true or #false is needed here"))
        }
    }
}

/// A number, or a part of an earlier result.
pub(crate) fn operand(value: Spanned<Resolved>) -> Result<Operand, Problem> {
    match &value.value {
        Resolved::Result { result, part } => {
            let known = Part::ALL.iter().find(|known| known.name() == part);
            let names: Vec<&str> = Part::ALL.iter().map(|part| part.name()).collect();
            let part = known.ok_or_else(|| Problem::unknown("part of a result", part, value.span, &names))?;
            Ok(Operand::Result(*result, *part))
        }
        Resolved::Sum { .. } => {
            Err(Problem::new(value.span, "a result cannot be part of a sum here").with_help(KNOWN_LATER))
        }
        Resolved::Number(_) | Resolved::Flag(_) | Resolved::Text(_) => {
            Ok(Operand::Known(number(value)?.value))
        }
    }
}
