//! Numbers that are known before the scenario runs, and those that its steps find.

use super::OnKernel;
use crate::iommufd::uapi::Field;
use crate::scenario::arguments::{Arguments, Property};
use crate::scenario::ioctl::{Words, field_name};
use crate::scenario::problem::Problem;
use crate::scenario::scope::Resolved;
use crate::scenario::span::{Span, Spanned};
use crate::scenario::step::{ResultId, Term, Value};

impl OnKernel<'_, '_> {
    /// A number, a part of a result, or a sum of both.
    pub(super) fn value(&self, value: Spanned<Resolved>) -> Result<Value, Problem> {
        let span = value.span;
        let (constant, results) = match value.value {
            Resolved::Number(number) => (number, Vec::new()),
            Resolved::Flag(flag) => (i128::from(flag), Vec::new()),
            Resolved::Result { result, part } => (0, vec![(result, part)]),
            Resolved::Sum { results, constant } => (constant, results),
            Resolved::Text(_) => return Err(Problem::new(span, "a number is needed here")),
        };
        let terms = results.into_iter().map(|(result, part)| self.term(result, &part, span));
        Ok(Value { constant: word(constant, span)?, terms: terms.collect::<Result<_, _>>()? })
    }

    fn term(&self, result: ResultId, part: &str, span: Span) -> Result<Term, Problem> {
        if part.is_empty() {
            return Ok(Term { result, field: None });
        }
        let (name, kind) = &self.stack.results[result.0];
        let found = kind.fields().iter().find(|field| field_name(field) == part);
        let field = found.copied().ok_or_else(|| {
            let known: Vec<&str> = kind.fields().iter().map(field_name).collect();
            Problem::unknown(&format!("part of `{name}`"), part, span, &known)
        })?;
        Ok(Term { result, field: Some(field) })
    }

    /// A property that is a value.
    pub(super) fn property(
        &self,
        arguments: &mut Arguments,
        name: &'static str,
    ) -> Result<Option<Value>, Problem> {
        arguments.property(name).map(|value| self.value(value)).transpose()
    }

    /// An argument that is a value.
    pub(super) fn argument(&self, arguments: &mut Arguments, what: &str) -> Result<Value, Problem> {
        self.value(arguments.required(what)?)
    }

    /// The value of a field: a number that fits it, or words of the header.
    pub(super) fn field_value(
        &self,
        field: &Field,
        words: Option<&Words>,
        value: Spanned<Resolved>,
    ) -> Result<Value, Problem> {
        let span = value.span;
        let name = field_name(field);
        if let Resolved::Text(text) = &value.value {
            let Some(words) = words else {
                return Err(Problem::new(span, format!("{name} is a number")));
            };
            return words.parse(text).map(Value::from).map_err(|unknown| {
                Problem::unknown(&format!("value of {name}"), unknown, span, &words.names())
            });
        }
        if let Resolved::Number(number) = value.value
            && !fits(number, field.bytes)
        {
            return Err(Problem::new(span, format!("this does not fit {name}, {} bytes", field.bytes)));
        }
        self.value(value)
    }

    /// Properties as fields of `table`, with the values that they are compared with.
    pub(super) fn compared(
        &self,
        (what, table): (&str, &'static [Field]),
        words: impl Fn(&Field) -> Option<&'static Words>,
        properties: Vec<Property>,
    ) -> Result<Vec<(Field, Value)>, Problem> {
        let compared = |(name, value): Property| {
            let field = find(what, table, &name)?;
            Ok((*field, self.field_value(field, words(field), value)?))
        };
        properties.into_iter().map(compared).collect()
    }
}

/// The field of `what` with this name.
pub(super) fn find(
    what: &str,
    table: &'static [Field],
    name: &Spanned<String>,
) -> Result<&'static Field, Problem> {
    table.iter().find(|field| field_name(field) == name.value).ok_or_else(|| {
        let known: Vec<&str> = table.iter().map(field_name).collect();
        Problem::unknown(&format!("field of {what}"), &name.value, name.span, &known)
    })
}

/// 64 bits; a negative number as two's complement.
fn word(number: i128, span: Span) -> Result<u64, Problem> {
    let negative = i64::try_from(number).map(i64::cast_unsigned);
    u64::try_from(number).or(negative).map_err(|_error| Problem::new(span, "a number has 64 bits"))
}

/// Whether so many bytes hold the number, signed or unsigned.
fn fits(number: i128, bytes: usize) -> bool {
    let bits = 8 * bytes.min(8);
    (-(1i128 << (bits - 1))..1i128 << bits).contains(&number)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_field_holds_signed_and_unsigned_numbers() {
        let cases = [(-129, 1, false), (-128, 1, true), (255, 1, true), (256, 1, false), (1 << 63, 8, true)];
        for (number, bytes, expected) in cases {
            assert_eq!(fits(number, bytes), expected, "{number}");
        }
    }
}
