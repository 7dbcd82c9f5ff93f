//! The session in `docs/oracle.md`, word for word, and a session that goes on in another process.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use serde_json::{Value, json};
use smmu_sim::oracle::{Session, method_names};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/oracle.md");

fn document() -> String {
    fs::read_to_string(Path::new(DOCUMENT)).expect("the document is part of the repository")
}

/// The lines that `document` sends, in order.
fn requests(document: &str) -> Vec<&str> {
    document.lines().filter_map(|line| line.strip_prefix("→ ")).collect()
}

/// `document` with the answers that are given today.
fn answered(document: &str) -> String {
    let mut session = Session::new();
    let mut text = String::new();
    for line in document.lines().filter(|line| !line.starts_with("← ")) {
        writeln!(text, "{line}").expect("a String takes everything");
        if let Some(answer) = line.strip_prefix("→ ").and_then(|request| session.handle_line(request)) {
            writeln!(text, "← {answer}").expect("a String takes everything");
        }
    }
    text
}

#[test]
fn the_document_shows_what_is_answered() {
    let document = document();
    let answered = answered(&document);
    if env::var_os("BLESS").is_some() {
        fs::write(DOCUMENT, answered).expect("a writable working tree");
        return;
    }
    for (now, then) in answered.lines().zip(document.lines()) {
        assert_eq!(now, then);
    }
    assert_eq!(answered, document);
}

#[test]
fn the_document_names_every_method() {
    let document = document();
    for name in method_names() {
        assert!(document.contains(&format!("`{name}`")), "{name}");
    }
}

/// Saves after each line of the document's session, and lets a new session go on from there.
#[test]
fn a_loaded_state_goes_on_as_the_saved_one() {
    let document = document();
    let requests = requests(&document);
    let seeded = requests[0].replace(r#""preset":"qemu-11.1""#, r#""preset":"qemu-11.1","seed":3"#);
    let requests: Vec<&str> = [&seeded[..]].into_iter().chain(requests.into_iter().skip(1)).collect();
    for length in 1..requests.len() {
        let (before, after) = requests.split_at(length);
        let mut first = Session::new();
        for request in before {
            first.handle_line(request);
        }
        let mut second = Session::new();
        let state = ask(&mut first, "state.save", json!({}));
        assert_eq!(ask(&mut second, "state.load", state), json!({}));
        for request in after {
            assert_eq!(second.handle_line(request), first.handle_line(request), "{request}");
        }
        let [ends_as, saved] = [second, first].map(|mut session| ask(&mut session, "state.save", json!({})));
        assert_eq!(ends_as, saved);
    }
}

fn ask(session: &mut Session, method: &str, params: Value) -> Value {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let answer = session.handle_line(&request.to_string()).expect("a request has an answer");
    let mut answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(answer.get("error"), None, "{method}");
    answer["result"].take()
}
