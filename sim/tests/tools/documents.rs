//! The generated documents under `docs/`, against the lists they come from.

use smmu_sim::rules::{choices_document, rules_document};

/// `BLESS=1` writes the document; without it, a stale one fails.
fn check(name: &str, generated: &str) {
    let path = format!("../docs/{name}");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, generated).expect("the document can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == generated,
        "docs/{name} is stale; `BLESS=1 cargo test -p smmu-sim --test tools documents` writes it anew"
    );
}

#[test]
fn the_rules_are_those_of_the_model() {
    check("rules.md", &rules_document());
}

#[test]
fn the_choices_are_those_of_the_model() {
    check("choices.md", &choices_document());
}
