//! Every `kdl` block of `docs/scenarios.md` runs, and what the page lists is what there is.

mod corpus;

use smmu_model::choice::Defaults;
use smmu_sim::scenario::{CLAIMS, KERNEL_CLAIMS, KERNEL_NODES, NODES, check, execute, ioctls};
use smmu_sim::trace::Deaf;

const PAGE: &str = "docs/scenarios.md";

/// A fenced block: what follows "```kdl", the line on which it begins, and its text.
struct Block {
    kind: String,
    line: usize,
    text: String,
}

#[test]
fn every_block_passes() {
    let blocks = blocks(&page());
    let beginning =
        blocks.iter().find(|block| block.kind == "beginning").expect("a block with the beginning");
    assert!(blocks.len() > 10, "the page has lost its examples");
    let mut failures = String::new();
    for block in &blocks {
        let text = match block.kind.as_str() {
            "" | "beginning" => block.text.clone(),
            "fragment" => format!("{}\n{}", beginning.text, block.text),
            other => panic!("line {}: unknown kind of block {other:?}", block.line),
        };
        let problems = match check(PAGE, &text, &corpus::FromRoot) {
            Ok(scenario) => {
                let run = execute(&scenario, &mut Defaults, &mut Deaf);
                run.failures.iter().map(|failure| failure.render(&scenario.sources)).collect::<String>()
            }
            Err(broken) => broken.problems.iter().map(|problem| problem.render(&broken.sources)).collect(),
        };
        if !problems.is_empty() {
            failures += &format!("the block on line {}:\n{problems}", block.line);
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn every_node_and_claim_is_described() {
    let page = page();
    let (registers, kernel) = page.split_once("## The kernel level").expect("the page has both levels");
    for name in NODES.iter().chain(CLAIMS) {
        assert!(registers.contains(&format!("`{name}")), "{name} is not described");
    }
    let ioctls: Vec<String> = ioctls().collect();
    let shared = ioctls.iter().map(String::as_str).chain(KERNEL_NODES.iter().chain(KERNEL_CLAIMS).copied());
    for name in shared {
        let is_described =
            kernel.contains(&format!("`{name}")) || kernel.contains(&format!("`expect {name}"));
        assert!(is_described, "{name} is not described for the kernel level");
    }
}

fn page() -> String {
    std::fs::read_to_string(corpus::root().join(PAGE)).expect("the page can be read")
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (line, text) in (1..).zip(page.lines()) {
        match (&mut open, text.strip_prefix("```")) {
            (None, Some(info)) => {
                if let Some(kind) = info.strip_prefix("kdl") {
                    open = Some(Block { kind: kind.trim().to_owned(), line, text: String::new() });
                }
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(text);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}
