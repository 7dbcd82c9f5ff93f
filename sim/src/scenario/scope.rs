//! Names that stand for values: loop variables, arguments of an include, tables and devices, and the results
//! of steps, which are known only when the scenario runs.

use super::problem::Problem;
use super::span::{Span, Spanned};
use super::step::ResultId;
use super::syntax::Value;

/// Texts that are put together stop growing here: a few lines can double one again and again.
const TEXT_MAX_BYTES: usize = 64 << 10;

/// Why the result of a step cannot be used like another number.
pub(crate) const KNOWN_LATER: &str =
    "the result of a step is known only when the scenario runs: use it alone";

/// What a name stands for.
#[derive(Clone, Debug)]
pub(crate) enum Variable {
    Value(Value),
    Result(ResultId),
}

/// A value after its `$names` are replaced.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Resolved {
    Number(i128),
    Text(String),
    Flag(bool),
    /// `$read.pa`: a part of the result of an earlier step.
    Result {
        result: ResultId,
        part: String,
    },
    /// `$buffer+0x1000`: parts of results, and a number that is added.
    Sum {
        results: Vec<(ResultId, String)>,
        constant: i128,
    },
}

/// The names in force, the innermost last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope(Vec<(String, Variable)>);

impl Scope {
    pub(crate) fn define(&mut self, name: impl Into<String>, variable: Variable) {
        self.0.push((name.into(), variable));
    }

    /// As [`Scope::define`], for a name that outlives the loop or include that defines it.
    pub(crate) fn define_global(&mut self, name: impl Into<String>, variable: Variable) {
        self.0.insert(0, (name.into(), variable));
    }

    /// Forgets the `count` names that [`Scope::define`] added last.
    pub(crate) fn leave(&mut self, count: usize) {
        self.0.truncate(self.0.len().saturating_sub(count));
    }

    fn find(&self, name: &str, span: Span) -> Result<&Variable, Problem> {
        let found = self.0.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, variable)| variable).ok_or_else(|| {
            let known: Vec<&str> = self.0.iter().map(|(known, _)| known.as_str()).collect();
            Problem::unknown("variable", name, span, &known)
        })
    }

    /// `value` with its names replaced.
    ///
    /// `$name` alone keeps the type of what it stands for; `$a+$b*0x10` is a number, or a sum if results are among
    /// what is added; anything else that holds a `$` is text with the values put in.
    pub(crate) fn resolve(&self, value: &Spanned<Value>) -> Result<Spanned<Resolved>, Problem> {
        let span = value.span;
        let resolved = match &value.value {
            Value::Number(number) => Resolved::Number(*number),
            Value::Flag(flag) => Resolved::Flag(*flag),
            Value::Text(text) if !text.contains('$') => Resolved::Text(text.clone()),
            Value::Text(text) => self.replace(text, span)?,
        };
        Ok(Spanned { value: resolved, span })
    }

    fn replace(&self, text: &str, span: Span) -> Result<Resolved, Problem> {
        if let Some(name) = text.strip_prefix('$').filter(|name| is_name(name)) {
            return match self.find(name, span)? {
                Variable::Value(value) => Ok(plain(value)),
                Variable::Result(result) => Ok(Resolved::Result { result: *result, part: String::new() }),
            };
        }
        if text.contains(['+', '*']) {
            return self.sum(text, span);
        }
        if let Some((result, part)) = self.result(text, span)? {
            return Ok(Resolved::Result { result, part });
        }
        self.interpolate(text, span).map(Resolved::Text)
    }

    /// `$name.part`, or `$name` of a result.
    fn result(&self, text: &str, span: Span) -> Result<Option<(ResultId, String)>, Problem> {
        let Some(rest) = text.strip_prefix('$') else { return Ok(None) };
        let (name, part) = rest.split_once('.').unwrap_or((rest, ""));
        if !is_name(name) {
            return Ok(None);
        }
        Ok(match self.find(name, span)? {
            Variable::Result(result) => Some((*result, part.to_owned())),
            Variable::Value(_) => None,
        })
    }

    fn sum(&self, text: &str, span: Span) -> Result<Resolved, Problem> {
        let overflow = || Problem::new(span, "the sum does not fit 64 bits");
        let (mut constant, mut results) = (0i128, Vec::new());
        for term in text.split('+') {
            if let Some(result) = self.result(term.trim(), span)? {
                results.push(result);
                continue;
            }
            let mut product = 1i128;
            for factor in term.split('*') {
                product = product.checked_mul(self.factor(factor.trim(), span)?).ok_or_else(overflow)?;
            }
            constant = constant.checked_add(product).ok_or_else(overflow)?;
        }
        let is_known = results.is_empty();
        Ok(if is_known { Resolved::Number(constant) } else { Resolved::Sum { results, constant } })
    }

    fn factor(&self, text: &str, span: Span) -> Result<i128, Problem> {
        let not_a_number = || Problem::new(span, format!("`{text}` is not a number"));
        if let Some(name) = text.strip_prefix('$') {
            return match self.find(name, span)? {
                Variable::Value(Value::Number(number)) => Ok(*number),
                Variable::Value(Value::Text(_) | Value::Flag(_)) => Err(not_a_number()),
                Variable::Result(_) => Err(not_a_number().with_help(KNOWN_LATER)),
            };
        }
        let digits = text.replace('_', "");
        let number = match digits.split_at_checked(2) {
            Some(("0x", digits)) => i128::from_str_radix(digits, 16),
            Some(("0b", digits)) => i128::from_str_radix(digits, 2),
            Some(_) | None => digits.parse(),
        };
        number.map_err(|_error| not_a_number())
    }

    fn interpolate(&self, text: &str, span: Span) -> Result<String, Problem> {
        let mut pieces = text.split('$');
        let mut result = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let end = piece.find(|letter| !is_name_letter(letter)).unwrap_or(piece.len());
            let (name, rest) = piece.split_at(end);
            match self.find(name, span)? {
                Variable::Value(Value::Number(number)) => result.push_str(&number.to_string()),
                Variable::Value(Value::Text(value)) => result.push_str(value),
                Variable::Value(Value::Flag(flag)) => result.push_str(if *flag { "true" } else { "false" }),
                Variable::Result(_) => {
                    return Err(Problem::new(span, "the result of a step cannot be part of a text"));
                }
            }
            result.push_str(rest);
            if result.len() > TEXT_MAX_BYTES {
                return Err(Problem::new(span, format!("the text grows beyond {TEXT_MAX_BYTES} bytes")));
            }
        }
        Ok(result)
    }
}

fn plain(value: &Value) -> Resolved {
    match value {
        Value::Number(number) => Resolved::Number(*number),
        Value::Text(text) => Resolved::Text(text.clone()),
        Value::Flag(flag) => Resolved::Flag(*flag),
    }
}

/// Whether a variable can be called so.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_name_letter)
}

fn is_name_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}
