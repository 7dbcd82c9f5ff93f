//! `docs/rules.md` and `docs/choices.md`, made from the lists of the model.

use std::fmt::Write;

use smmu_model::choice::Choice;
use smmu_model::rule::Rule;

use super::defaults::why;
use super::effect;

/// What the labels of a family have in common.
const FAMILIES: &[(&str, &str)] = &[
    ("GBP", "Global bypass (§6.3.9.6, §6.3.14)"),
    ("SID", "Stream table lookup (§3.3.1)"),
    ("STE", "STE validity (§5.2.2)"),
    ("CFG", "What a legal STE selects (§5.2)"),
    ("SUB", "SubstreamID against S1CDMax and S1DSS (§3.3.2)"),
    ("CDT", "Level 1 context descriptor and CD fetch (§5.3, §7.3.9, §7.3.10)"),
    ("CD", "CD validity (§5.4.2)"),
    ("S1", "Stage 1 translation (§3.4, §7.3.13–16)"),
    ("S2", "Stage 2 translation (§3.4, §7.3.13–16)"),
    ("FLT", "How a fault ends (§3.12, §5.5)"),
    ("STL", "Stalled transactions (§3.12.2, §4.7)"),
    ("HNT", "Page hints of clients (§3.12.4.1)"),
    ("EVQ", "Event queue (§3.5.3, §7.2, §7.4)"),
    ("CMD", "Command queue (§4.1, §7.1)"),
    ("ECQ", "Enhanced Command queues (§3.5.6)"),
    ("ATS", "ATS Translation Requests (§3.9.1, §13.7)"),
    ("ATC", "Invalidation of ATCs (§3.9.1, §4.5.1)"),
    ("PRI", "Page requests (§3.9.2, chapter 8)"),
    ("AHD", "What is fetched ahead (§3.21)"),
    ("TLB", "TLB conflicts (§3.20.1)"),
    ("DVM", "Broadcast TLB maintenance (§3.17)"),
    ("REG", "Registers (chapter 6)"),
    ("IRQ", "Interrupts (§3.18)"),
    ("ATO", "Address translation operations (chapter 9)"),
    ("PMC", "Performance Monitor Counter Groups (chapter 10)"),
];

/// `docs/rules.md`.
pub fn rules_document() -> String {
    let mut text = String::from(RULES_START);
    for (family, title) in FAMILIES {
        write!(text, "\n## {family}: {title}\n\n| label | § | what follows | rule |\n|---|---|---|---|\n")
            .expect(TO_A_STRING);
        for rule in Rule::ALL.iter().copied().filter(|rule| family_of(*rule) == *family) {
            let (label, section, rule_text) = (rule.label(), rule.section(), cell(rule.text()));
            writeln!(text, "| {label} | {section} | {} | {rule_text} |", effect(rule)).expect(TO_A_STRING);
        }
    }
    text
}

/// `docs/choices.md`.
pub fn choices_document() -> String {
    let mut text = String::from(CHOICES_START);
    for choice in Choice::ALL.iter().copied() {
        let (key, section, question) = (choice.key(), choice.section(), choice.text());
        write!(text, "\n## {key}\n\n{section}. {question}\n\n").expect(TO_A_STRING);
        let answers = choice.answers().iter().zip(choice.answer_texts());
        for (position, (answer, meaning)) in answers.enumerate() {
            let default = if position == 0 { " (default)" } else { "" };
            writeln!(text, "- `{answer}`{default}: {}", meaning.trim_start()).expect(TO_A_STRING);
        }
        writeln!(text, "\nWhy this default: {}", why(choice)).expect(TO_A_STRING);
    }
    text
}

const TO_A_STRING: &str = "a String takes everything";

const RULES_START: &str = "\
# Rules

Every architectural check and decision of the model, by the label that `smmu-sim` prints. Sections are those of
IHI 0070 G.b unless DDI 0487 is named. This file is generated from `model/src/rule/list.rs`; do not edit it.

What follows when a rule fires: an event (F_…, C_…), a command error (CERROR_…) or a FAULTCODE of PAR (INV_…) by name; `silent`: the
transaction aborts and nothing is recorded; `ignored`: something has no effect, or another one than it seems to ask
for; `decision`: one of several legal ways was taken, and nothing went wrong; `global error`: a flag of GERROR.

Labels STE-nn and CD-nn follow the validity lists of §5.2.2 and §5.4.2, and have gaps where a row needs hardware that the
model does not have.
";

const CHOICES_START: &str = "\
# Choices

Every point at which the architecture permits more than one behaviour and the model has more than one, or will have.
A scenario and the oracle set answers by name (`choices`), a seed draws them, and `explore` tries them all. Where a version
of the architecture excludes the default, the first answer that it permits stands in. This file is generated from
`model/src/choice/list.rs` and `sim/src/rules/defaults.rs`; do not edit it.
";

fn family_of(rule: Rule) -> &'static str {
    rule.label().rsplit_once('-').map_or(rule.label(), |(family, _number)| family)
}

/// Text that stays inside its cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_of_a_family_and_every_family_has_rules() {
        for rule in Rule::ALL {
            assert!(FAMILIES.iter().any(|(family, _)| *family == family_of(*rule)), "{}", rule.label());
        }
        for (family, _) in FAMILIES {
            assert!(Rule::ALL.iter().any(|rule| family_of(*rule) == *family), "{family}");
        }
    }
}
