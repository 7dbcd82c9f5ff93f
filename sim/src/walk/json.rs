//! A walk as JSON lines; [`Walk::write`] documents them.

use std::io::{self, Write};

use serde_json::{Map, Value, json};
use smmu_model::outcome::{Class, Outcome, Stage};
use smmu_model::transaction::{Direction, Privilege, Purpose, Transaction};

use super::Walk;
use super::step::{DescriptorRead, StructureRead, What};
use crate::output::{event_of, hex, rule_json};

pub(super) fn write(out: &mut impl Write, walk: &Walk) -> io::Result<()> {
    writeln!(out, "{}", transaction_json(&walk.transaction))?;
    for step in &walk.steps {
        let mut line = step_json(&step.what);
        line["depth"] = Value::from(step.depth);
        writeln!(out, "{line}")?;
    }
    writeln!(out, "{}", result_json(walk.outcome))?;
    out.flush()
}

fn transaction_json(transaction: &Transaction) -> Value {
    let access = match transaction.access.direction {
        Direction::Read => "read",
        Direction::Write => "write",
    };
    json!({
        "type": "transaction", "sid": transaction.stream.0,
        "ssid": transaction.substream.map(|substream| substream.0),
        "iova": hex(transaction.address.value()), "access": access,
        "privileged": transaction.access.privilege == Privilege::Privileged,
        "instruction": transaction.access.purpose == Purpose::Instruction,
    })
}

fn step_json(what: &What) -> Value {
    match what {
        What::Structure(StructureRead { name, at, words, fields, held }) => json!({
            "type": "structure", "name": name, "at": hex(at.value()), "held": held, "words": hexes(words),
            "fields": fields_json(fields),
        }),
        What::Descriptor(DescriptorRead { stage, class, level, at, raw, kind, fields, held }) => json!({
            "type": "descriptor", "stage": stage_number(*stage), "serves": class.map(class_name),
            "level": level, "at": hex(at.value()), "held": held, "raw": hex(*raw), "kind": kind.name(),
            "fields": fields_json(fields),
        }),
        What::DescriptorUpdate { stage, at, raw } => json!({
            "type": "update", "stage": stage_number(*stage), "at": hex(at.value()), "raw": hex(*raw),
        }),
        What::Translated { stage, class, input, output, size_log2 } => json!({
            "type": "translated", "stage": stage_number(*stage), "serves": class.map(class_name),
            "input": hex(*input), "output": hex(*output), "size_log2": size_log2,
        }),
        What::Rule(rule) => {
            let mut line = rule_json(*rule);
            line["type"] = Value::from("rule");
            line
        }
        What::Choice { choice, answer } => json!({
            "type": "choice", "key": choice.key(), "section": choice.section(), "text": choice.text(),
            "answer": answer,
        }),
        What::Record(record) => json!({
            "type": "record", "name": record.event_code().map(|code| code.name()), "words": hexes(&record.0),
        }),
        What::GlobalError(activated) => json!({
            "type": "global-error", "activated": hex(u64::from(activated.into_bits())),
        }),
        What::Interrupt { msi } => json!({
            "type": "interrupt",
            "msi": msi.map(|(at, data)| json!({ "at": hex(at.value()), "data": hex(u64::from(data)) })),
        }),
    }
}

fn result_json(outcome: Outcome) -> Value {
    let (kind, rule) = match outcome {
        Outcome::Done(done) => {
            return json!({
                "type": "result", "outcome": "ok", "pa": hex(done.pa.value()), "size_log2": done.size_log2,
                "attributes": done.attributes.to_string(),
            });
        }
        Outcome::Abort(rule) => ("abort", rule),
        Outcome::RazWi(rule) => ("raz-wi", rule),
        Outcome::Stalled { rule, .. } => ("stall", rule),
    };
    let event = event_of(rule).map(|code| code.name());
    json!({ "type": "result", "outcome": kind, "rule": rule_json(rule), "event": event })
}

fn hexes(words: &[u64]) -> Vec<Value> {
    words.iter().copied().map(hex).collect()
}

fn fields_json(fields: &[(&str, u64)]) -> Map<String, Value> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), hex(*value))).collect()
}

fn stage_number(stage: Stage) -> u8 {
    match stage {
        Stage::One => 1,
        Stage::Two => 2,
    }
}

fn class_name(class: Class) -> &'static str {
    match class {
        Class::Cd => "cd",
        Class::TableWalk(_) => "walk",
        Class::Input => "input",
    }
}
