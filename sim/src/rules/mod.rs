//! The list of every rule and choice of the model, each with its section.

mod defaults;
mod document;

use std::io::{self, Write};

use serde_json::json;
use smmu_model::choice::Choice;
use smmu_model::rule::{Effect, Rule};

pub use document::{choices_document, rules_document};

use crate::output::Format;

/// Writes every rule, then every choice with its answers, the default first.
///
/// In JSON, a rule is `{"type": "rule", "label", "section", "effect", "text"}` and a choice is
/// `{"type": "choice", "key", "section", "text", "answers": [{"key", "text"}]}`.
pub fn write(out: &mut impl Write, format: Format) -> io::Result<()> {
    match format {
        Format::Text => write_text(out),
        Format::Json => write_json(out),
    }
}

fn write_text(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "rules: {}", Rule::ALL.len())?;
    for rule in Rule::ALL {
        let (label, section) = (rule.label(), rule.section());
        writeln!(out, "  {label:<12} {section:<11} {:<19} {}", effect(*rule), rule.text())?;
    }
    writeln!(out, "choices: {} (the default answer is the first)", Choice::ALL.len())?;
    for choice in Choice::ALL {
        writeln!(out, "  {:<34} {:<9} {}", choice.key(), choice.section(), choice.text())?;
        for (answer, text) in choice.answers().iter().zip(choice.answer_texts()) {
            writeln!(out, "      {answer}: {}", text.trim_start())?;
        }
    }
    Ok(())
}

fn write_json(out: &mut impl Write) -> io::Result<()> {
    for rule in Rule::ALL {
        let (label, section, text) = (rule.label(), rule.section(), rule.text());
        let rule = json!({
            "type": "rule", "label": label, "section": section, "effect": effect(*rule), "text": text,
        });
        writeln!(out, "{rule}")?;
    }
    for choice in Choice::ALL {
        let answers = choice.answers().iter().zip(choice.answer_texts());
        let answers: Vec<_> =
            answers.map(|(key, text)| json!({ "key": key, "text": text.trim_start() })).collect();
        let (key, section, text) = (choice.key(), choice.section(), choice.text());
        let choice = json!({
            "type": "choice", "key": key, "section": section, "text": text, "answers": answers,
        });
        writeln!(out, "{choice}")?;
    }
    Ok(())
}

/// What follows when the rule fires, in one word: an event, a command error, or what kind of silence.
fn effect(rule: Rule) -> &'static str {
    match rule.effect() {
        Effect::Event(code) => code.name(),
        Effect::Command(error) => error.name(),
        Effect::Silent => "silent",
        Effect::Ignored => "ignored",
        Effect::Decision => "decision",
        Effect::Global => "global error",
        Effect::Operation(error) => error.name(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: Format) -> String {
        let mut out = Vec::new();
        write(&mut out, format).expect("memory takes all bytes");
        String::from_utf8(out).expect("the list is text")
    }

    #[test]
    fn every_rule_and_choice_is_listed_in_both_formats() {
        let (text, lines) = (written(Format::Text), written(Format::Json));
        assert_eq!(lines.lines().count(), Rule::ALL.len() + Choice::ALL.len());
        for rule in Rule::ALL {
            assert!(text.contains(rule.label()) && lines.contains(rule.label()), "{}", rule.label());
        }
        for choice in Choice::ALL {
            assert!(text.contains(choice.key()) && lines.contains(choice.key()), "{}", choice.key());
        }
    }

    #[test]
    fn a_line_has_label_section_effect_and_text() {
        let line = "  STE-20       §5.2.2      C_BAD_STE           S1CDMax exceeds IDR1.SSIDSIZE.\n";
        assert!(written(Format::Text).contains(line));
    }
}
