//! Every liberty as a question: where the architecture permits more than one behaviour, the model asks.
//!
//! A [`Choice`] names the point; each has its own small enum of answers, with a documented default. The
//! [`Chooser`] answers. [`Defaults`] costs nothing; [`Scripted`] takes answers by name; [`Seeded`] draws
//! them. The same version of the architecture does not permit every answer, so each question carries the
//! set of permitted ones.

#[macro_use]
mod table;
mod chooser;
mod list;

pub use chooser::{Chooser, Defaults, ScriptError, Scripted, Seeded};
pub use list::{Choice, answer};

/// An answer to one [`Choice`].
pub trait Answer: Copy + PartialEq + 'static {
    /// The question that this type answers.
    const CHOICE: Choice;
    /// All answers, the default first.
    const ALL: &'static [Self];
    /// Position in `ALL`.
    fn index(self) -> usize;
}
