//! `permitted`: the exact set of outcomes that the architecture permits, for `explore`.

use std::collections::BTreeMap;

use super::{Checker, ResultKind};
use crate::scenario::arguments::{Arguments, no_block};
use crate::scenario::problem::Problem;
use crate::scenario::scope::Resolved;
use crate::scenario::span::Spanned;
use crate::scenario::step::{End, PERMISSIONS, Part, Permitted, ReplyStatus};
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
                let Some(&(_, kind)) = self.results.iter().find(|(known, _)| known == result) else {
                    let known: Vec<&str> = self.results.iter().map(|(name, _)| name.as_str()).collect();
                    return Err(Problem::unknown("result", result, name.span, &known));
                };
                let shown = match (kind, part) {
                    (ResultKind::Access, "") => {
                        let ends: Vec<&str> = End::ALL.iter().map(|end| end.name()).collect();
                        word(&value, &ends, "end of an access", "\"ok\", \"abort\" and so on")?
                    }
                    (ResultKind::Translation, "") => {
                        let ends: Vec<&str> = ReplyStatus::ALL.iter().map(|status| status.name()).collect();
                        let some = "\"success\", \"no-access\" and so on";
                        word(&value, &ends, "reply to a Translation Request", some)?
                    }
                    (ResultKind::Translation, PERMISSIONS) => permissions(&value)?,
                    (ResultKind::Access | ResultKind::Translation, part) => {
                        let mut parts: Vec<&str> = Part::ALL.iter().map(|part| part.name()).collect();
                        if !parts.contains(&part) {
                            parts.extend((kind == ResultKind::Translation).then_some(PERMISSIONS));
                            return Err(Problem::unknown("part of a result", part, name.span, &parts));
                        }
                        number(&value, "a number")?
                    }
                    (ResultKind::Value, "") if value.value == Resolved::Text("abort".to_owned()) => {
                        "abort".to_owned()
                    }
                    (ResultKind::Value, "") => number(&value, "the number that was read, or \"abort\",")?,
                    (ResultKind::Value, _) => {
                        let message = format!("`{result}` is one number, which has no parts");
                        return Err(Problem::new(name.span, message));
                    }
                };
                outcome.insert(name.value.clone(), shown);
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

// Values as [`Run::outcome`](crate::scenario::Run) shows them.

fn number(value: &Spanned<Resolved>, needed: &str) -> Result<String, Problem> {
    match &value.value {
        Resolved::Number(number) => match u64::try_from(*number) {
            Ok(number) => Ok(format!("{number:#x}")),
            Err(_error) => {
                Err(Problem::new(value.span, "a number is between 0 and 0xffff_ffff_ffff_ffff here"))
            }
        },
        Resolved::Text(_) | Resolved::Flag(_) | Resolved::Result { .. } | Resolved::Sum { .. } => {
            Err(Problem::new(value.span, format!("{needed} is needed here")))
        }
    }
}

/// One of the words `known`, each of which is a `what`.
fn word(value: &Spanned<Resolved>, known: &[&str], what: &str, some: &str) -> Result<String, Problem> {
    match &value.value {
        Resolved::Text(text) if known.contains(&text.as_str()) => Ok(text.clone()),
        Resolved::Text(text) => Err(Problem::unknown(what, text, value.span, known)),
        Resolved::Number(_) | Resolved::Flag(_) | Resolved::Result { .. } | Resolved::Sum { .. } => {
            Err(Problem::new(value.span, format!("an end is needed here: {some}")))
        }
    }
}

/// Letters of `RWX`.
fn permissions(value: &Spanned<Resolved>) -> Result<String, Problem> {
    match &value.value {
        Resolved::Text(text) if ["R", "W", "RW", "RX", "RWX"].contains(&text.as_str()) => Ok(text.clone()),
        Resolved::Text(_)
        | Resolved::Number(_)
        | Resolved::Flag(_)
        | Resolved::Result { .. }
        | Resolved::Sum { .. } => {
            Err(Problem::new(value.span, "permissions are needed here: \"R\", \"RW\" and so on"))
        }
    }
}
