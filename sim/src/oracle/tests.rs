//! What clients may send: everything. Each answer is a JSON-RPC answer that names what is wrong.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const NEW: &str = r#"{"jsonrpc":"2.0","id":0,"method":"smmu.new"}"#;

/// A session with an SMMU.
fn session() -> Session {
    let mut session = Session::new();
    let answer = session.handle_line(NEW).expect("a request has an answer");
    assert!(answer.contains("\"result\""), "{answer}");
    session
}

/// The result of `method` with `params`, or its error.
fn call(session: &mut Session, method: &str, params: &Value) -> Result<Value, (i64, String)> {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let answer = session.handle_line(&request.to_string()).expect("a request has an answer");
    let mut answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(1)));
    match answer.get("error") {
        None => Ok(answer["result"].take()),
        Some(error) => {
            let message = error["message"].as_str().expect("a message").to_owned();
            Err((error["code"].as_i64().expect("a code"), message))
        }
    }
}

#[test]
fn malformed_lines_get_the_standard_errors() {
    let deep = "[".repeat(100_000);
    for (line, id, code, says) in [
        (
            "{",
            "null",
            -32700,
            "the line is not JSON that can be read: EOF while parsing an object at line 1 column 1",
        ),
        ("{} {}", "null", -32700, "trailing characters"),
        (&deep, "null", -32700, "recursion limit exceeded"),
        (
            r#"{"id":1,"jsonrpc":"2.0","method":"mem.read","params":{"addr":1,"len":1,"addr":2}}"#,
            "null",
            -32700,
            "the member `addr` comes twice at line 1 column 77",
        ),
        (r#"[{"id":1},{"id":1,"id":2}]"#, "null", -32700, "the member `id` comes twice"),
        ("{\"id\":1e999}", "null", -32700, "number out of range"),
        ("[]", "null", -32600, "an empty batch"),
        ("7", "null", -32600, "a request must be an object"),
        (r#"{"method":"events"}"#, "null", -32600, "jsonrpc: must be \"2.0\""),
        (r#"{"id":4,"jsonrpc":"1.0","method":"events"}"#, "4", -32600, "jsonrpc: must be \"2.0\""),
        (r#"{"id":1.5,"jsonrpc":"2.0","method":"events"}"#, "null", -32600, "id: must be"),
        (r#"{"id":[],"jsonrpc":"2.0","method":"events"}"#, "null", -32600, "id: must be"),
        (r#"{"id":"a","jsonrpc":"2.0"}"#, "\"a\"", -32600, "method: must be a string"),
        (r#"{"id":-1,"jsonrpc":"2.0","method":3}"#, "-1", -32600, "method: must be a string"),
        (r#"{"id":1,"jsonrpc":"2.0","method":"events","parms":{}}"#, "1", -32600, "parms: a request has no"),
        (
            r#"{"id":1,"jsonrpc":"2.0","method":"events","params":3}"#,
            "1",
            -32600,
            "params: must be an object",
        ),
        (
            r#"{"id":1,"jsonrpc":"2.0","method":"events","params":[]}"#,
            "1",
            -32602,
            "params: must be an object",
        ),
        (
            r#"{"id":1,"jsonrpc":"2.0","method":"event"}"#,
            "1",
            -32601,
            "method: there is no `event`; did you mean `events`?",
        ),
        (r#"{"id":null,"jsonrpc":"2.0","method":"Dma"}"#, "null", -32601, "did you mean `dma`?"),
        (r#"{"id":1,"jsonrpc":"2.0","method":"events","params":null}"#, "1", -32000, "no SMMU: call"),
        (r#"{"id":1,"jsonrpc":"2.0","method":"events"}"#, "1", -32000, "no SMMU: call smmu.new first"),
    ] {
        let answer = Session::new().handle_line(line).expect("an answer");
        let head = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{code},\"message\":");
        assert!(answer.starts_with(&head), "{line}\n{answer}");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        let message = answer["error"]["message"].as_str().expect("a message");
        assert!(message.contains(says), "{line}\n{message}");
    }
}

#[test]
fn refused_parameters_are_named() {
    let wide = "0x10000000000000000";
    for (method, params, says) in [
        ("mem.read", json!({"addr": 0}), "len: is missing; it is an integer of 64 bits, plain or as \"0x…\""),
        (
            "mem.read",
            json!({"addr": -1, "len": 1}),
            "addr: must be an integer of 64 bits, plain or as \"0x…\", not -1",
        ),
        (
            "mem.read",
            json!({"addr": "12", "len": 1}),
            "addr: must be an integer of 64 bits, plain or as \"0x…\", not \"12\"",
        ),
        ("mem.read", json!({"addr": wide, "len": 1}), "addr: must be an integer"),
        ("mem.read", json!({"addr": 1e20, "len": 1}), "addr: must be an integer"),
        (
            "mem.read",
            json!({"addr": [], "len": 1}),
            "addr: must be an integer of 64 bits, plain or as \"0x…\", not an array",
        ),
        ("mem.read", json!({"addr": 0, "len": 16_777_217}), "len: must be from 0 to 16777216, not 16777217"),
        (
            "mem.read",
            json!({"addr": "0xffffffffffffffff", "len": 2}),
            "len: reaches beyond the end of the address space",
        ),
        (
            "mem.read",
            json!({"adr": 0, "len": 1}),
            "adr: no parameter of `mem.read`, which has addr, len; did you mean `addr`?",
        ),
        ("dvm.tlbi", json!({"op": "VAE1", "asid": 1}), "va: TLBI VAE1 needs an address"),
        ("dvm.tlbi", json!({"op": "VAE1", "asid": 1, "ipa": 1}), "ipa: TLBI VAE1 has no such address"),
        ("dvm.tlbi", json!({"op": "RVAE1", "asid": 1, "va": 1, "range": 1}), "range: a range of 0x1 bytes"),
        ("dvm.tlbi", json!({"op": "ALLE1", "asid": 1}), "asid: TLBI ALLE1 has no ASID"),
        ("dvm.tlbi", json!({"op": "sync", "asid": 1}), "asid: does not go with `sync`"),
        ("endpoint", json!({"sid": 1}), "invalidations: is missing; it is \"complete\", \"unsupported\" or"),
        (
            "endpoint",
            json!({"sid": 1, "invalidations": "Complete"}),
            "invalidations: must be \"complete\", \"unsupported\" or \"timeout\", not \"Complete\"",
        ),
        ("events", json!({"zzz": 0}), "zzz: no parameter of `events`, which has none"),
        ("mem.write", json!({"addr": 0, "data": "123"}), "data: must be bytes as pairs of hex digits"),
        ("mem.write", json!({"addr": u64::MAX, "data": "0102"}), "data: reaches beyond"),
        ("mem.abort", json!({"addr": 0, "len": 1, "on": 1}), "on: must be true or false, not 1"),
        ("mmio.read", json!({"offset": 0, "size": 2}), "size: must be 4 or 8, not 2"),
        (
            "mmio.write",
            json!({"offset": 0, "size": 4, "value": "0x100000000"}),
            "value: 0x100000000 does not fit 4 bytes",
        ),
        (
            "dma",
            json!({"sid": "0x100000000", "addr": 0, "len": 4, "write": false}),
            "sid: must be an integer of 32 bits",
        ),
        (
            "dma",
            json!({"sid": 0, "ssid": 0x10_0000, "addr": 0, "len": 4, "write": false}),
            "ssid: 0x100000 does not fit 20 bits",
        ),
        (
            "dma",
            json!({"sid": 0, "addr": 0, "len": 0, "write": false}),
            "len: must be from 1 to 16777216, not 0",
        ),
        ("dma", json!({"sid": 0, "addr": 0, "len": 4, "write": true}), "data: is missing"),
        (
            "dma",
            json!({"sid": 0, "addr": 0, "len": 4, "write": true, "data": "00"}),
            "data: has 1 bytes, but len is 4",
        ),
        (
            "dma",
            json!({"sid": 0, "addr": 0, "len": 1, "write": false, "data": "00"}),
            "data: only a write has data",
        ),
        (
            "dma",
            json!({"sid": 0, "addr": 0, "len": 1, "write": false, "at": "x"}),
            "at: must be \"untranslated\" or \"translated\", not \"x\"",
        ),
        (
            "explain",
            json!({"sid": 0, "addr": 0, "len": 65537, "write": false}),
            "len: must be from 1 to 65536",
        ),
        (
            "smmu.new",
            json!({"preset": "min"}),
            "preset: must be \"max\" or \"qemu-11.1\" or \"grace\", not \"min\"",
        ),
        (
            "smmu.new",
            json!({"idr": {"IDR0.HTUU": 1}}),
            "idr.IDR0.HTUU: no ID register field is called IDR0.HTUU; did you mean IDR0.HTTU?",
        ),
        ("smmu.new", json!({"idr": {"IDR0.HTTU": 4}}), "idr.IDR0.HTTU: 0x4 does not fit IDR0.HTTU"),
        ("smmu.new", json!({"idr": {"IDR0.HTTU": "x"}}), "idr.IDR0.HTTU: must be an integer of 64 bits"),
        ("smmu.new", json!({"idr": {"IDR0": "0x0"}}), "idr: not a legal configuration: "),
        ("smmu.new", json!({"idr": 0}), "idr: must be an object of names and integers"),
        ("smmu.new", json!({"choices": {"x": 1}}), "choices.x: must be a string, not 1"),
        ("smmu.new", json!({"choices": {"x": "y"}}), "choices.x: there is no choice named `x`"),
        (
            "smmu.new",
            json!({"choices": {"page0-alias": "y"}}),
            "choices.page0-alias: the choice `page0-alias` has no answer `y`",
        ),
        (
            "smmu.new",
            json!({"caches": "some"}),
            "caches: must be \"keep\", \"none\" or \"choose\", not \"some\"",
        ),
        ("state.load", json!({"state": "x"}), "state: must begin with \"smmu-sim-state-3:\""),
        ("state.load", json!({"state": "smmu-sim-state-3:0"}), "state: is damaged"),
        ("state.load", json!({"state": "smmu-sim-state-3:1f8b"}), "state: is damaged"),
    ] {
        let (code, message) = call(&mut session(), method, &params).expect_err("a refusal");
        assert_eq!(code, -32602, "{method} {params}");
        assert!(message.starts_with(says), "{method} {params}\n{message}");
    }
}

#[test]
fn notifications_act_in_silence_and_batches_in_order() {
    let mut session = Session::new();
    assert_eq!(session.handle_line(" \t"), None);
    assert_eq!(session.handle_line(r#"{"jsonrpc":"2.0","method":"smmu.new"}"#), None);
    assert_eq!(session.handle_line(r#"[{"jsonrpc":"2.0","method":"nonsense"}]"#), None);
    let batch = r#"[{"jsonrpc":"2.0","method":"mem.write","params":{"addr":"0x10","data":"0a"}}, 5,
        {"jsonrpc":"2.0","id":"last","method":"mem.read","params":{"addr":15,"len":3}}]"#;
    let expected = concat!(
        r#"[{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"a request must be an object"}},"#,
        r#"{"jsonrpc":"2.0","id":"last","result":{"data":"000a00"}}]"#
    );
    assert_eq!(session.handle_line(batch).as_deref(), Some(expected));
}

#[test]
fn a_batch_is_bounded_in_requests_and_in_answers() {
    let read = r#"{"jsonrpc":"2.0","id":1,"method":"mem.read","params":{"addr":0,"len":16777216}}"#;
    let answer = session().handle_line(&format!("[{}]", [read; 4].join(","))).expect("an answer");
    let answers: Vec<Value> = serde_json::from_str(&answer).expect("JSON");
    let refused: Vec<bool> = answers.iter().map(|answer| answer["error"]["code"] == json!(-32003)).collect();
    assert_eq!(refused, [false, false, true, true]);
    let answer = session().handle_line(&format!("[{}0]", "0,".repeat(MAX_BATCH))).expect("an answer");
    assert!(answer.contains("-32003"), "{answer}");
}

#[test]
fn aborts_are_for_the_smmu_and_not_for_the_client() {
    let mut session = session();
    let mut does = |method, params| call(&mut session, method, &params).expect(method);
    assert_eq!(does("mem.abort", json!({"addr": 0, "len": 4096, "on": true})), json!({}));
    assert_eq!(does("mem.write", json!({"addr": 0, "data": "FF"})), json!({}));
    assert_eq!(does("mem.read", json!({"addr": 0, "len": 2})), json!({"data": "ff00"}));
}

#[test]
fn only_so_many_devices_and_ranges_are_kept() {
    let mut session = session();
    for sid in 0..1024 {
        let params = json!({"sid": sid, "invalidations": "complete"});
        assert_eq!(call(&mut session, "endpoint", &params), Ok(json!({})));
    }
    let another = json!({"sid": 1024, "invalidations": "complete"});
    assert_eq!(call(&mut session, "endpoint", &another).expect_err("no room").0, -32003);
    let again = json!({"sid": 3, "invalidations": "timeout"});
    assert_eq!(call(&mut session, "endpoint", &again), Ok(json!({})));
    let mut abort = |addr: u64, len: u64, on| {
        call(&mut session, "mem.abort", &json!({"addr": addr, "len": len, "on": on}))
            .map_err(|(code, _)| code)
    };
    for range in 0..65_536 {
        assert_eq!(abort(range * 8, 4, true), Ok(json!({})));
    }
    assert_eq!(abort(1 << 40, 4, true), Err(-32003));
    assert_eq!(abort(1, 2, false), Err(-32003), "it would cut a range in two");
    assert_eq!(abort(0, u64::MAX, false), Ok(json!({})));
    assert_eq!(abort(1 << 40, 4, true), Ok(json!({})));
}

/// Each request counts, also one that is refused, a notification, one of a batch, or one that finds no room.
#[test]
fn requests_are_counted_from_the_smmu() {
    let mut session = Session::new();
    for line in [
        r#"{"jsonrpc":"2.0","method":"events"}"#,
        r#"{"jsonrpc":"2.0","method":"smmu.new"}"#,
        r#"{"jsonrpc":"2.0","method":"nonsense"}"#,
        r#"[{"jsonrpc":"2.0","method":"events"},7]"#,
        "[",
    ] {
        session.handle_line(line);
    }
    let mut machine = session.machine.expect("smmu.new made it");
    assert_eq!(machine.bus.memory.begin(), 4);
}

#[test]
fn a_register_goes_before_its_fields() {
    let idr = json!({"HTTU": 1, "IDR0.HTTU": 1, "idr0": "0x0d44101b"});
    let answer = call(&mut Session::new(), "smmu.new", &json!({"preset": "qemu-11.1", "idr": idr}));
    assert_eq!(answer.expect("a legal configuration")["idr"][0], json!("0xd44105b"));
}

#[test]
fn optional_pages_are_reached_and_saved() {
    let mut session = Session::new();
    call(&mut session, "smmu.new", &json!({"preset": "max", "idr": {"IDR1.ECMDQ": 1}})).expect("legal");
    // ECMDQ_BASE and ECMDQ_PROD.EN; EVCNTR, EVTYPER, CNTENSET0, INTENSET0, IRQ_CTRL and CR of counter group 0.
    for (offset, size, value) in [
        (0x2_0000, 8, 0x4002_0003_u64),
        (0x2_0008, 4, 0x8000_0000),
        (0x1000, 4, 0xffff_ffff),
        (0x1400, 4, 0x2000_0001),
        (0x1a00, 4, 0xffff_ffff),
        (0x1c00, 8, 1),
        (0x1c40, 8, 1),
        (0x1e50, 4, 1),
        (0x1e04, 4, 1),
    ] {
        let write = json!({"offset": offset, "size": size, "value": value});
        call(&mut session, "mmio.write", &write).expect("a register");
    }
    let state = call(&mut session, "state.save", &json!({})).expect("a state");
    let mut other = Session::new();
    call(&mut other, "state.load", &state).expect("the same state");
    for mut session in [session, other] {
        let mut does = |method, params| call(&mut session, method, &params).expect(method);
        let enack = does("mmio.read", json!({"offset": 0x2_000c, "size": 4}));
        assert_eq!(enack, json!({"value": "0x80000000"}));
        does("dma", json!({"sid": 1, "addr": 0, "len": 4, "write": false}));
        let overflowed = does("mmio.read", json!({"offset": 0x1cc0, "size": 8}));
        assert_eq!(overflowed, json!({"value": "0x1"}));
        assert_eq!(does("interrupts", json!({})), json!({"wired": ["pmcg0"], "msi": [], "wake_ups": 0}));
    }
}

#[test]
fn a_bug_of_ours_costs_the_smmu_and_not_the_session() {
    let mut session = session();
    let machine = session.machine.as_mut().expect("smmu.new made it");
    machine.ledger.choices.push((smmu_model::choice::Choice::Page0Alias, 99));
    let (code, message) = call(&mut session, "choices", &json!({})).expect_err("no such answer");
    assert_eq!((code, message.starts_with("the model failed")), (-32603, true));
    assert_eq!(call(&mut session, "choices", &json!({})).expect_err("no SMMU").0, -32000);
    assert!(call(&mut session, "smmu.new", &json!({})).is_ok());
}

/// Names that mean something, and others.
fn names() -> impl Strategy<Value = String> {
    const PARAMETERS: &[&str] = &[
        "addr",
        "asid",
        "at",
        "caches",
        "choices",
        "data",
        "e2h",
        "execute",
        "idr",
        "instruction",
        "invalidations",
        "ipa",
        "last",
        "len",
        "no_write",
        "offset",
        "on",
        "op",
        "preset",
        "prgi",
        "privileged",
        "range",
        "read",
        "seed",
        "sid",
        "size",
        "ssid",
        "state",
        "va",
        "value",
        "vmid",
        "write",
    ];
    prop_oneof![9 => proptest::sample::select(PARAMETERS).prop_map(str::to_owned), 1 => ".*"]
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (0u64..70).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<u64>().prop_map(|value| Value::from(format!("{value:#x}"))),
        "[0-9a-f]{0,16}".prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(names(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn requests() -> impl Strategy<Value = Value> {
    let methods: Vec<&str> = method_names().collect();
    let params = proptest::collection::btree_map(names(), values(), 0..6);
    let request = (values(), proptest::sample::select(methods), params).prop_map(
        |(id, method, params)| json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}),
    );
    prop_oneof![8 => request, 1 => values()]
}

/// Whether `line` is one JSON-RPC answer, or an array of them.
fn is_answer(line: &str) -> bool {
    let one = |answer: &Value| {
        let code = &answer["error"]["code"];
        answer["jsonrpc"] == "2.0"
            && answer.get("id").is_some()
            && (answer.get("result").is_some() != (code.is_i64() && answer["error"]["message"].is_string()))
            && code != -32603
    };
    let answer: Value = serde_json::from_str(line).expect("JSON");
    answer.as_array().map_or_else(|| one(&answer), |answers| !answers.is_empty() && answers.iter().all(one))
}

proptest! {
    #[test]
    fn any_text_is_answered(line in ".*") {
        let mut session = session();
        prop_assert!(session.handle_line(&line).is_none_or(|answer| is_answer(&answer)));
    }

    #[test]
    fn any_requests_are_answered_and_the_same_twice(requests in proptest::collection::vec(requests(), 1..8)) {
        let (mut first, mut second) = (session(), session());
        for request in requests {
            let line = request.to_string();
            let answer = first.handle_line(&line);
            prop_assert!(answer.as_deref().is_none_or(is_answer), "{}\n{:?}", line, answer);
            prop_assert_eq!(second.handle_line(&line), answer);
        }
    }
}
