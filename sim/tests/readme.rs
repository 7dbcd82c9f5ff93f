//! The output that README.md, docs/explore.md and docs/negotiation.md show, against what the commands write.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The blocks of a page in this language, in order.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(page)).expect("the page opens");
    let start = format!("```{language}\n");
    let blocks = text.split(&start).skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

/// Runs a program at the root of the workspace that finds `smmu-sim` in its path; `None` if it is not installed.
fn output_of(program: &str, arguments: &[&str]) -> Option<String> {
    let folder = Path::new(env!("CARGO_BIN_EXE_smmu-sim")).parent().expect("the binary is in a folder");
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([folder.to_owned()].into_iter().chain(std::env::split_paths(&others)));
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root()).env("PATH", path.expect("folders can be joined"));
    let output = command.env_remove("RUST_LOG").output().ok()?;
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).expect("output is text"))
}

#[test]
fn the_output_shown_is_real() {
    for page in ["README.md", "docs/explore.md", "docs/negotiation.md"] {
        let sessions = blocks(page, "console");
        assert!(sessions.len() >= 3, "{page}");
        for session in sessions {
            let (command, expected) = session.split_once('\n').expect("a session has a command");
            let command = command.strip_prefix("$ ").expect("a command follows the prompt");
            assert_eq!(output_of("sh", &["-c", command]).as_deref(), Some(expected), "{command}");
        }
    }
}

#[test]
fn the_python_example_works() {
    let (programs, outputs) = (blocks("README.md", "python"), blocks("README.md", "text"));
    assert_eq!((programs.len(), outputs.len()), (1, 1));
    if let Some(output) = output_of("python3", &["-c", &programs[0]]) {
        assert_eq!(output, outputs[0]);
    }
}
