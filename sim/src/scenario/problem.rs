//! What is wrong with a scenario, said at the place where it is written.

use std::fmt;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource};
use smmu_model::naming;

use super::span::{Sources, Span};

/// One mistake of the scenario's author, or one expectation that did not hold.
#[derive(Clone, PartialEq, Debug)]
pub struct Problem {
    /// What is wrong, in one sentence.
    pub message: String,
    /// The place.
    pub span: Span,
    /// What to say at the place.
    pub label: String,
    /// What may help.
    pub help: Option<String>,
}

/// Columns of a rendered problem: the same on every terminal, so that output can be compared.
const WIDTH: usize = 110;

impl Problem {
    /// A problem at `span`.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self { message: message.into(), span, label: "here".to_owned(), help: None }
    }

    /// Says `label` at the place instead of "here".
    pub fn labelled(self, label: impl Into<String>) -> Self {
        Self { label: label.into(), ..self }
    }

    /// Adds advice.
    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// No `kind` is called `name`: suggests the nearest of `known`, or lists them all if they are few.
    pub fn unknown(kind: &str, name: &str, span: Span, known: &[&str]) -> Self {
        let problem = Self::new(span, format!("no {kind} is called `{name}`"));
        let nearest = naming::nearest(name, known.iter().map(|known| (*known, *known)));
        match nearest {
            Some(nearest) => problem.with_help(format!("did you mean `{nearest}`?")),
            None if known.is_empty() || known.len() > LISTED_MAX => problem,
            None => problem.with_help(format!("there is {}", known.join(", "))),
        }
    }

    /// The problem with its source line underlined, as plain text without colours.
    pub fn render(&self, sources: &Sources) -> String {
        let source = sources.get(self.span.file);
        let shown = Shown { problem: self, source: NamedSource::new(&source.name, source.text.to_string()) };
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
            .with_links(false)
            .with_width(WIDTH);
        let mut text = String::new();
        handler.render_report(&mut text, &shown).expect("writing to a String works");
        text
    }
}

const LISTED_MAX: usize = 24;

/// More mistakes in one file are not looked for: it is of another kind, or one mistake is behind them all.
pub(crate) const PROBLEMS_MAX: usize = 100;

/// All problems, as text. Of very many, the first.
pub fn render_all(problems: &[Problem], sources: &Sources) -> String {
    let shown = &problems[..problems.len().min(PROBLEMS_MAX)];
    let mut text: String = shown.iter().map(|problem| problem.render(sources)).collect();
    if shown.len() < problems.len() {
        text += &format!("  only the first {PROBLEMS_MAX} mistakes are shown\n");
    }
    text
}

/// A problem together with its source, as `miette` wants them.
#[derive(Debug)]
struct Shown<'a> {
    problem: &'a Problem,
    source: NamedSource<String>,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help: Box<dyn fmt::Display> = Box::new(self.problem.help.as_ref()?);
        Some(help)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let Span { offset, length, .. } = self.problem.span;
        let label = LabeledSpan::new(Some(self.problem.label.clone()), offset, length);
        Some(Box::new(std::iter::once(label)))
    }
}
