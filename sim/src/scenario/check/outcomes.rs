//! `permitted`: the exact set of outcomes that the architecture permits, for `explore`.

use std::collections::BTreeMap;

use super::Checker;
use crate::scenario::arguments::{Arguments, no_block};
use crate::scenario::problem::Problem;
use crate::scenario::scope::Resolved;
use crate::scenario::step::{End, Part, Permitted};
use crate::scenario::syntax::Node;

impl Checker<'_> {
    /// `permitted { outcome r1="ok" r1.pa=0x80001000; outcome r1="abort" }`
    pub(super) fn permitted(&mut self, node: &Node) -> Result<(), Problem> {
        Arguments::new(node, &self.scope)?.finish()?;
        if self.permitted.is_some() {
            return Err(Problem::new(node.span, "there is a second `permitted`"));
        }
        let mut outcomes = Vec::new();
        for child in node.children.iter().flatten() {
            no_block(child)?;
            if child.name.value != "outcome" {
                return Err(Problem::unknown(
                    "part of `permitted`",
                    &child.name.value,
                    child.name.span,
                    &["outcome"],
                ));
            }
            let mut arguments = Arguments::new(child, &self.scope)?;
            let mut outcome = BTreeMap::new();
            for (name, value) in arguments.fields() {
                let (result, part) = name.value.split_once('.').unwrap_or((&name.value, ""));
                if !self.results.iter().any(|known| known == result) {
                    let known: Vec<&str> = self.results.iter().map(String::as_str).collect();
                    return Err(Problem::unknown("result", result, name.span, &known));
                }
                let parts: Vec<&str> = Part::ALL.iter().map(|part| part.name()).collect();
                if !part.is_empty() && !parts.contains(&part) {
                    return Err(Problem::unknown("part of a result", part, name.span, &parts));
                }
                outcome.insert(name.value.clone(), outcome_value(&value.value, value.span)?);
            }
            arguments.finish()?;
            outcomes.push((child.span, outcome));
        }
        if outcomes.is_empty() {
            return Err(Problem::new(node.span, "`permitted` needs at least one `outcome`"));
        }
        self.permitted = Some(Permitted { span: node.span, outcomes });
        Ok(())
    }
}

/// A value as [`Run::outcome`](crate::scenario::Run) shows it.
fn outcome_value(value: &Resolved, span: crate::scenario::span::Span) -> Result<String, Problem> {
    match value {
        Resolved::Number(number) => match u64::try_from(*number) {
            Ok(number) => Ok(format!("{number:#x}")),
            Err(_error) => Err(Problem::new(span, "a number is between 0 and 0xffff_ffff_ffff_ffff here")),
        },
        Resolved::Text(text) => {
            let known: Vec<&str> = End::ALL.iter().map(|end| end.name()).collect();
            if known.contains(&text.as_str()) {
                Ok(text.clone())
            } else {
                Err(Problem::unknown("end of an access", text, span, &known))
            }
        }
        Resolved::Flag(_) | Resolved::Result { .. } => {
            Err(Problem::new(span, "an end or a number is needed here"))
        }
    }
}
