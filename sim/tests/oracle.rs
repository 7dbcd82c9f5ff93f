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

/// The document's session up to the first access of a device.
fn set_up(document: &str) -> Session {
    let mut session = Session::new();
    for request in requests(document).into_iter().take_while(|request| !request.contains("\"dma\"")) {
        session.handle_line(request);
    }
    session
}

#[test]
fn explaining_has_no_effect_and_says_what_dma_does() {
    let mut session = set_up(&document());
    for access in [
        json!({"sid": 2, "addr": "0x80001ffc", "len": 4, "write": true, "data": "01020304"}),
        json!({"sid": 2, "addr": "0x80001ffc", "len": 8, "write": false}),
        json!({"sid": 2, "addr": "0x80001ffc", "len": 4, "write": false, "instruction": true}),
        json!({"sid": 2, "ssid": 1, "addr": 0, "len": 4, "write": false, "privileged": true}),
        json!({"sid": 2, "addr": 0, "len": 4, "write": false, "at": "translated"}),
        json!({"sid": 3, "addr": 0, "len": 4, "write": false}),
        json!({"sid": 8, "addr": 0, "len": 4, "write": false}),
    ] {
        // Requests are counted, whatever they do: another one that does nothing takes the place of this.
        let mut other = Session::new();
        let before = ask(&mut session, "state.save", json!({}));
        ask(&mut other, "state.load", before);
        ask(&mut other, "mem.read", json!({"addr": 0, "len": 0}));
        let mut explained = ask(&mut session, "explain", access.clone());
        let [after, expected] =
            [&mut session, &mut other].map(|session| ask(session, "state.save", json!({})));
        assert_eq!(after, expected, "{access}");
        let walk = explained.as_object_mut().and_then(|answer| answer.remove("walk")).expect("a walk");
        assert_eq!(explained, ask(&mut session, "dma", access.clone()), "{access}");
        for label in explained["rules"].as_array().expect("an array") {
            let is_step = |step: &Value| step["type"] == "rule" && step["label"] == *label;
            assert!(walk.as_array().expect("an array").iter().any(is_step), "{access} {label}");
        }
    }
}

#[test]
fn a_walk_shows_structures_descriptors_and_the_event() {
    let mut session = set_up(&document());
    let access = json!({"sid": 2, "addr": "0x80002000", "len": 4, "write": true, "data": "00000000"});
    let walk = ask(&mut session, "explain", access)["walk"].take();
    let of_kind = |kind: &str| -> Vec<&Value> {
        walk.as_array().expect("an array").iter().filter(|step| step["type"] == kind).collect()
    };
    let [ste, cd] = of_kind("structure")[..] else { panic!("{walk}") };
    assert_eq!(
        (&ste["name"], &ste["at"], &ste["words"][0]),
        (&json!("STE"), &json!("0x1080"), &json!("0x200b"))
    );
    assert_eq!((&ste["fields"]["Config"], &ste["fields"]["S1ContextPtr"]), (&json!("0x5"), &json!("0x2000")));
    assert_eq!(
        (&cd["name"], &cd["at"], &cd["fields"]["ASID"]),
        (&json!("CD"), &json!("0x2000"), &json!("0x1"))
    );
    let descriptors: Vec<Value> =
        of_kind("descriptor").iter().map(|step| json!([step["level"], step["at"], step["kind"]])).collect();
    assert_eq!(
        descriptors,
        [json!([1, "0x3010", "table"]), json!([2, "0x4000", "table"]), json!([3, "0x5010", "invalid"])]
    );
    let [event] = of_kind("record")[..] else { panic!("{walk}") };
    assert_eq!(
        (&event["name"], &event["fields"]["StreamID"], &event["fields"]["InputAddr"]),
        (&json!("F_TRANSLATION"), &json!("0x2"), &json!("0x80002000"))
    );
    assert_eq!(of_kind("rule").last().map(|rule| &rule["label"]), Some(&json!("FLT-01")), "{walk}");
}

/// The STE changes without a CFGI while an access is stalled: what became of the access says that its retry used the
/// old one.
#[test]
fn a_retry_says_what_it_used() {
    let document = document();
    let mut session = Session::new();
    let of_stall = requests(&document).into_iter().skip_while(|request| !request.contains(r#""id":21,"#));
    for request in of_stall.take_while(|request| !request.contains(r#""id":26,"#)) {
        session.handle_line(request);
    }
    for params in [
        json!({"addr": "0x108f", "data": "01"}),
        json!({"addr": "0x7000", "data": "44100000020000000000000000000000"}),
    ] {
        ask(&mut session, "mem.write", params);
    }
    ask(&mut session, "mmio.write", json!({"offset": "0x98", "size": 4, "value": 1}));
    let ended = ask(&mut session, "stalls", json!({}))["resolved"].take();
    let stale = &ended[0]["stale"][0];
    assert_eq!((&stale["entry"], &stale["needs"]), (&json!("STE of StreamID 0x2"), &json!("CFGI_STE")));
    assert_eq!((&stale["cached_request"], &stale["changed_request"]), (&json!(11), &json!(15)), "{ended}");
}

fn ask(session: &mut Session, method: &str, params: Value) -> Value {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let answer = session.handle_line(&request.to_string()).expect("a request has an answer");
    let mut answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(answer.get("error"), None, "{method}");
    answer["result"].take()
}
