//! Whatever a scenario's text is, it ends in a diagnostic or in a run, never in a panic.

mod corpus;

use proptest::prelude::*;
use smmu_model::choice::Seeded;
use smmu_sim::scenario::{check, execute};
use smmu_sim::trace::{TextTrace, Verbosity};

/// One change of a text: where (as a part of its length), how much it removes, and what it puts there.
type Change = (prop::sample::Index, usize, String);

fn change() -> impl Strategy<Value = Change> {
    let token = prop_oneof![
        prop::sample::select(tokens()),
        "[ -~]{0,3}",
        any::<u64>().prop_map(|number| format!("{number:#x}")),
        prop::sample::select(vec![
            "{", "}", "\"", "/*", "\\\n", "=", " $", "#true", "-1", "1.5", "é", "(u8)1", ";"
        ])
        .prop_map(str::to_owned),
    ];
    (any::<prop::sample::Index>(), 0usize..12, token)
}

/// Every word of every scenario.
fn tokens() -> Vec<String> {
    let texts = corpus::scenarios().into_iter().map(|name| corpus::text(&name));
    let mut tokens: Vec<String> =
        texts.flat_map(|text| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect();
    tokens.sort();
    tokens.dedup();
    tokens
}

fn apply(text: &str, (at, removed, inserted): &Change) -> String {
    let start = text.floor_char_boundary(at.index(text.len() + 1));
    let end = text.floor_char_boundary((start + removed).min(text.len())).max(start);
    [&text[..start], inserted, &text[end..]].concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_mutated_scenario_does_not_panic(
        name in prop::sample::select(corpus::scenarios()),
        changes in prop::collection::vec(change(), 1..5),
        seed in any::<u64>(),
    ) {
        let text = changes.iter().fold(corpus::text(&name), |text, change| apply(&text, change));
        match check(&format!("scenarios/{name}"), &text, &corpus::FromRoot) {
            Ok(scenario) => {
                let mut trace = TextTrace::new(Verbosity::Verbose, true);
                execute(&scenario, &mut Seeded::new(seed), &mut trace);
            }
            Err(broken) => {
                prop_assert!(!broken.problems.is_empty());
                for problem in &broken.problems {
                    prop_assert!(!problem.render(&broken.sources).is_empty());
                }
            }
        }
    }
}
