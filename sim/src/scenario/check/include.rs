//! `include`: the nodes of another file, with names for its use.

use std::sync::Arc;

use super::Checker;
use crate::scenario::arguments::Arguments;
use crate::scenario::problem::Problem;
use crate::scenario::scope::Variable;
use crate::scenario::span::Source;
use crate::scenario::syntax::Node;

use super::loops::plain;

/// Deepest chain of includes.
const INCLUDES_MAX: usize = 8;

impl Checker<'_> {
    /// `include "../common/stage1.kdl" base=0x40100000`: inside, `$base` stands for the number.
    pub(super) fn include(&mut self, node: &Node) -> Result<(), Problem> {
        let mut arguments = Arguments::new(node, &self.scope)?;
        let path = arguments.required_text("a path")?;
        let names = arguments.fields();
        arguments.finish()?;
        let here = self.sources.get(path.span.file).name.clone();
        let there = beside(&here, &path.value);
        if self.including.contains(&there) {
            return Err(Problem::new(path.span, format!("{there} includes itself")));
        }
        if self.including.len() > INCLUDES_MAX {
            return Err(Problem::new(path.span, format!("includes nest deeper than {INCLUDES_MAX}")));
        }
        let text = self
            .files
            .read(&there)
            .map_err(|reason| Problem::new(path.span, format!("{there} cannot be read")).with_help(reason))?;
        let count = names.len();
        for (name, value) in names {
            let value = plain(&value)?;
            self.scope.define(name.value, Variable::Value(value));
        }
        self.file(Source { name: there, text: Arc::from(text) }, Some(path.span));
        self.scope.leave(count);
        Ok(())
    }
}

/// The path `there` as seen from the folder of `here`, with `/` between its parts.
fn beside(here: &str, there: &str) -> String {
    if there.starts_with('/') {
        return there.to_owned();
    }
    let mut parts: Vec<&str> = here.split('/').collect();
    parts.pop();
    for part in there.split('/') {
        match part {
            "." | "" => {}
            ".." if parts.last().is_some_and(|last| *last != ".." && !last.is_empty()) => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::beside;

    #[test]
    fn paths_are_relative_to_the_including_file() {
        assert_eq!(beside("scenarios/vmsa/a.kdl", "../common/b.kdl"), "scenarios/common/b.kdl");
        assert_eq!(beside("a.kdl", "b.kdl"), "b.kdl");
        assert_eq!(beside("a.kdl", "../b.kdl"), "../b.kdl");
        assert_eq!(beside("/x/a.kdl", "./b.kdl"), "/x/b.kdl");
        assert_eq!(beside("x/a.kdl", "/b.kdl"), "/b.kdl");
    }
}
