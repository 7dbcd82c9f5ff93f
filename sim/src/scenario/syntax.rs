//! A scenario's text as a tree of nodes, each part with its span. Knows KDL, and nothing of what nodes mean.

use kdl::{KdlDocument, KdlEntry, KdlNode, KdlValue};
use miette::SourceSpan;

use super::nesting;
use super::problem::Problem;
use super::span::{FileId, Span, Spanned};

/// `name argument property=value { children }`.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: Spanned<String>,
    pub(crate) arguments: Vec<Spanned<Value>>,
    pub(crate) properties: Vec<(Spanned<String>, Spanned<Value>)>,
    /// `None` without a block.
    pub(crate) children: Option<Vec<Node>>,
    /// From the name to the last argument or property.
    pub(crate) span: Span,
}

/// A value as written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    Number(i128),
    Text(String),
    Flag(bool),
}

/// The beginning of a file, for what is wrong with all of it.
pub(crate) fn start(file: FileId) -> Span {
    Span { file, offset: 0, length: 0 }
}

/// The nodes of a file, or everything that is wrong with its syntax.
pub(crate) fn parse(file: FileId, text: &str) -> Result<Vec<Node>, Vec<Problem>> {
    if let Some(offset) = nesting::too_deep(text) {
        let span = Span { file, offset, length: 1 };
        let problem = Problem::new(span, format!("blocks nest deeper than {}", nesting::DEPTH_MAX));
        return Err(vec![problem]);
    }
    let document = KdlDocument::parse_v2(text).map_err(|error| {
        error
            .diagnostics
            .into_iter()
            .map(|diagnostic| syntax_problem(file, text, diagnostic))
            .collect::<Vec<_>>()
    })?;
    let mut reader = Reader { file, text, problems: Vec::new() };
    let nodes = reader.nodes(&document);
    if reader.problems.is_empty() { Ok(nodes) } else { Err(reader.problems) }
}

fn syntax_problem(file: FileId, text: &str, diagnostic: kdl::KdlDiagnostic) -> Problem {
    let message = diagnostic.message.unwrap_or_else(|| "this is not KDL 2".to_owned());
    let problem = Problem::new(inside(file, text, diagnostic.span), message);
    let problem = Problem { help: diagnostic.help, ..problem };
    match diagnostic.label {
        Some(label) => problem.labelled(label),
        None => problem,
    }
}

/// `span` as one of ours: kept inside the text and between characters, whatever the parser says.
fn inside(file: FileId, text: &str, span: SourceSpan) -> Span {
    let start = text.floor_char_boundary(span.offset());
    let end = text.floor_char_boundary(span.offset().saturating_add(span.len())).max(start);
    Span { file, offset: start, length: end - start }
}

struct Reader<'a> {
    file: FileId,
    text: &'a str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn nodes(&mut self, document: &KdlDocument) -> Vec<Node> {
        document.nodes().iter().map(|node| self.node(node)).collect()
    }

    fn node(&mut self, node: &KdlNode) -> Node {
        let name = self.spanned(node.name().span(), node.name().value().to_owned());
        if let Some(ty) = node.ty() {
            self.refuse_type(ty.span());
        }
        let mut span = name.span;
        let mut arguments = Vec::new();
        let mut properties: Vec<(Spanned<String>, Spanned<Value>)> = Vec::new();
        for entry in node.entries() {
            span = span.to(self.span(entry.span()));
            let Some(value) = self.value(entry) else { continue };
            match entry.name() {
                None => arguments.push(value),
                Some(key) => {
                    let key = self.spanned(key.span(), key.value().to_owned());
                    if properties.iter().any(|(other, _)| other.value == key.value) {
                        self.problems.push(Problem::new(key.span, format!("`{}` is given twice", key.value)));
                    }
                    properties.push((key, value));
                }
            }
        }
        let children = node.children().map(|children| self.nodes(children));
        Node { name, arguments, properties, children, span }
    }

    fn value(&mut self, entry: &KdlEntry) -> Option<Spanned<Value>> {
        if let Some(ty) = entry.ty() {
            self.refuse_type(ty.span());
        }
        let value = match entry.value() {
            KdlValue::Integer(number) => Value::Number(*number),
            KdlValue::String(text) => Value::Text(text.clone()),
            KdlValue::Bool(flag) => Value::Flag(*flag),
            KdlValue::Float(_) => {
                return self.refuse(self.value_span(entry), "a number has no fraction here");
            }
            KdlValue::Null => return self.refuse(self.value_span(entry), "#null means nothing here"),
        };
        Some(self.spanned(self.value_span(entry), value))
    }

    /// The span of the value alone, if the text shows where it starts.
    fn value_span(&self, entry: &KdlEntry) -> SourceSpan {
        let whole = entry.span();
        let Some(format) = entry.format().filter(|_| entry.name().is_some()) else { return whole };
        let length = format.value_repr.len();
        let start = (whole.offset() + whole.len()).saturating_sub(length);
        if self.text.get(start..start + length) == Some(&format.value_repr) {
            SourceSpan::new(start.into(), length)
        } else {
            whole
        }
    }

    fn refuse_type(&mut self, span: SourceSpan) {
        self.refuse::<()>(span, "type annotations mean nothing here");
    }

    fn refuse<T>(&mut self, span: SourceSpan, message: &str) -> Option<T> {
        self.problems.push(Problem::new(self.span(span), message));
        None
    }

    fn span(&self, span: SourceSpan) -> Span {
        inside(self.file, self.text, span)
    }

    fn spanned<T>(&self, span: SourceSpan, value: T) -> Spanned<T> {
        Spanned { value, span: self.span(span) }
    }
}
