//! The analysis of one capability, or the list of all, for people and programs.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Answer, CAPABILITIES, Capability};
use crate::output::{Format, Report};

/// Writes the analysis of one capability.
///
/// In JSON it is `{"type": "capability", "name", "fields", "documented", "software", "firmware", "enable", "way", "advice",
/// "sources"}`; each question is `{"yes", "why"}`.
pub fn write(out: &mut impl Write, format: Format, capability: &Capability) -> io::Result<()> {
    Report::new(out, format).entry(|| json(capability), |out| text(out, capability))
}

/// Writes a line for each capability, or in JSON the whole analysis of each.
pub fn write_all(out: &mut impl Write, format: Format) -> io::Result<()> {
    let mut report = Report::new(out, format);
    for capability in CAPABILITIES {
        let (name, way, documented) =
            (capability.name, capability.way().text(), capability.documented.text());
        report.entry(|| json(capability), |out| writeln!(out, "{name:<24}{way:<61}{documented}"))?;
    }
    Ok(())
}

fn text(out: &mut impl Write, capability: &Capability) -> io::Result<()> {
    let Capability { name, fields, documented, software, firmware, enable, advice, sources } = capability;
    writeln!(out, "{name}: {}", fields.join(", "))?;
    writeln!(out, "  {}", documented.text())?;
    for (question, answer) in [
        ("1. kernel software?    ", software),
        ("2. firmware data?      ", firmware),
        ("3. enable per machine? ", enable),
    ] {
        let word = if answer.is_yes { "yes" } else { "no " };
        writeln!(out, "  {question} {word}  {}", answer.why)?;
    }
    writeln!(out, "  => {}", capability.way().text())?;
    writeln!(out, "  {advice}")?;
    writeln!(out, "  sources: {}", sources.join("; "))
}

fn json(capability: &Capability) -> Value {
    let Capability { name, fields, documented, software, firmware, enable, advice, sources } = capability;
    let answer = |answer: &Answer| json!({ "yes": answer.is_yes, "why": answer.why });
    json!({
        "type": "capability", "name": name, "fields": fields, "documented": documented.key(),
        "software": answer(software), "firmware": answer(firmware), "enable": answer(enable),
        "way": capability.way().key(), "advice": advice, "sources": sources,
    })
}
