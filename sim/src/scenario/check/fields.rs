//! Fields of structures by name, from properties.

use smmu_model::layout::names::{self, Field};

use super::Checker;
use crate::scenario::arguments::{Property, number, operand};
use crate::scenario::problem::Problem;
use crate::scenario::span::Spanned;
use crate::scenario::step::Operand;

impl Checker<'_> {
    /// Sets `properties` in `words`, and notes each one that cannot be set.
    ///
    /// Beside the fields of `table`, `word0`, `word1`, … set bits of a word that no field may cover.
    pub(super) fn set_fields(&mut self, words: &mut [u64], table: &[Field], properties: Vec<Property>) {
        for (name, value) in properties {
            let set = number(value).and_then(|value| set_field(words, table, &name, &value));
            if let Err(problem) = set {
                self.note(problem);
            }
        }
    }
}

fn set_field(
    words: &mut [u64],
    table: &[Field],
    name: &Spanned<String>,
    value: &Spanned<u64>,
) -> Result<(), Problem> {
    if let Some(word) = raw_word(words, &name.value) {
        *word |= value.value;
        return Ok(());
    }
    let field = find(table, name)?;
    field.set(words, value.value).map_err(|error| Problem::new(value.span, error.to_string()))
}

fn raw_word<'w>(words: &'w mut [u64], name: &str) -> Option<&'w mut u64> {
    let index: usize = name.strip_prefix("word")?.parse().ok()?;
    words.get_mut(index)
}

/// The field called `name`.
pub(super) fn find<'t>(table: &'t [Field], name: &Spanned<String>) -> Result<&'t Field, Problem> {
    names::find(table, &name.value).map_err(|error| Problem::new(name.span, error.to_string()))
}

/// A field and a number that fits it.
pub(super) fn known(table: &[Field], (name, value): Property) -> Result<(Field, u64), Problem> {
    let field = *find(table, &name)?;
    let value = number(value)?;
    fits(&field, &value)?;
    Ok((field, value.value))
}

/// A field and a value to compare it with.
pub(super) fn compared(table: &[Field], (name, value): Property) -> Result<(Field, Operand), Problem> {
    let field = *find(table, &name)?;
    let span = value.span;
    let operand = operand(value)?;
    if let Operand::Known(value) = operand {
        fits(&field, &Spanned { value, span })?;
    }
    Ok((field, operand))
}

fn fits(field: &Field, value: &Spanned<u64>) -> Result<(), Problem> {
    let mut words = [0; 8];
    field.set(&mut words, value.value).map_err(|error| Problem::new(value.span, error.to_string()))
}
