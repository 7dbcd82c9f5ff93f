//! A walk as JSON lines: those of `docs/trace-json.md`.

use std::io::{self, Write};

use serde_json::Value;
use smmu_model::trace::Event;

use super::Walk;
use crate::output::rules_of;
use crate::scenario::Answer;
use crate::trace::{StaleUse, access_line, ended_line, event_line, stale_line};

pub(super) fn write(out: &mut impl Write, walk: &Walk) -> io::Result<()> {
    writeln!(out, "{}", access_line(None, &walk.transaction, false, None))?;
    for step in &walk.steps {
        let mut line = if let Event::Stale { entry, difference, invalidated, .. } = step.event {
            stale_line(&StaleUse::without_history(entry, difference, invalidated), "line")
        } else {
            event_line(&step.event)
        };
        line["depth"] = Value::from(step.depth);
        if let Some(held) = step.held {
            line["held"] = Value::from(held);
        }
        writeln!(out, "{line}")?;
    }
    let events: Vec<Event> = walk.steps.iter().map(|step| step.event).collect();
    writeln!(out, "{}", ended_line(None, &Answer::of(walk.outcome), &rules_of(&events)))?;
    out.flush()
}
