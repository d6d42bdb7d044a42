//! What is a message and what is not, by table, by captured traffic, and against `serde_json::Value`.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::limits::{BATCH_MESSAGES_MAX, JSON_DEPTH_MAX};

/// `request ID METHOD`, `notification METHOD`, `response`, or the refusal and the id to answer with.
fn summary(body: &[u8]) -> String {
    match read(body) {
        Ok(Envelope::One(message)) => describe(&message),
        Ok(Envelope::Batch(messages)) => {
            let each = messages.iter().map(|message| match message {
                Ok(message) => describe(message),
                Err(fault) => describe_fault(fault),
            });
            format!("[{}]", each.collect::<Vec<_>>().join(", "))
        }
        Err(fault) => describe_fault(&fault),
    }
}

fn describe(message: &Message<'_>) -> String {
    match &message.kind {
        Kind::Request { id, method } => format!("request {} {method}", id.as_json()),
        Kind::Notification { method } => format!("notification {method}"),
        Kind::Response => "response".to_owned(),
    }
}

fn describe_fault(fault: &Fault<'_>) -> String {
    format!(
        "{:?} {}",
        fault.refusal,
        fault.id.map_or("null", Id::as_json)
    )
}

#[test]
fn messages() {
    for (body, expected) in [
        // Requests, with ids as SDKs write them, members in any order.
        (
            r#"{"jsonrpc":"2.0","id":0,"method":"ping"}"#,
            "request 0 ping",
        ),
        (
            r#"{"method":"ping","params":{},"jsonrpc":"2.0","id":1}"#,
            "request 1 ping",
        ),
        (
            r#"{"jsonrpc":"2.0","id":"server-discover-probe-1","method":"a"}"#,
            r#"request "server-discover-probe-1" a"#,
        ),
        (r#"{"jsonrpc":"2.0","id":-7,"method":"a"}"#, "request -7 a"),
        (
            r#"{"jsonrpc":"2.0","id":1.0,"method":"a"}"#,
            "request 1.0 a",
        ),
        (
            r#"{"jsonrpc":"2.0","id":123456789012345678901234567890,"method":"a"}"#,
            "request 123456789012345678901234567890 a",
        ),
        (
            r#"{"jsonrpc":"2.0","id":"","method":"a"}"#,
            r#"request "" a"#,
        ),
        (
            r#"{"jsonrpc":"2.0","id":"\u0041","method":"\u0070ing"}"#,
            r#"request "\u0041" ping"#,
        ),
        (
            " \t\r\n{\"jsonrpc\":\"2.0\" , \"id\" : 1 , \"method\" : \"a\"}\n",
            "request 1 a",
        ),
        (
            r#"{"json\u0072pc":"2.0","id":1,"method":"a"}"#,
            "request 1 a",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"a","params":null}"#,
            "request 1 a",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"a","extra":[{}],"extra":1}"#,
            "request 1 a",
        ),
        // Notifications and responses.
        (
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            "notification notifications/initialized",
        ),
        (r#"{"jsonrpc":"2.0","id":3,"result":{}}"#, "response"),
        (r#"{"jsonrpc":"2.0","id":3,"result":null}"#, "response"),
        (
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32601,"message":""}}"#,
            "response",
        ),
        // Ids that are none.
        (
            r#"{"jsonrpc":"2.0","id":null,"method":"a"}"#,
            "InvalidRequest null",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1.5,"method":"a"}"#,
            "InvalidRequest null",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1e3,"method":"a"}"#,
            "InvalidRequest null",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1.0e1,"method":"a"}"#,
            "InvalidRequest null",
        ),
        (
            r#"{"jsonrpc":"2.0","id":{},"method":"a"}"#,
            "InvalidRequest null",
        ),
        (
            r#"{"jsonrpc":"2.0","id":[1],"method":"a"}"#,
            "InvalidRequest null",
        ),
        (
            r#"{"jsonrpc":"2.0","id":true,"method":"a"}"#,
            "InvalidRequest null",
        ),
        // Not a message; the id is told where it could be read.
        (r#"{"id":4,"method":"a"}"#, "InvalidRequest 4"),
        (
            r#"{"jsonrpc":"1.0","id":4,"method":"a"}"#,
            "InvalidRequest 4",
        ),
        (
            r#"{"jsonrpc":2.0,"id":"x","method":"a"}"#,
            r#"InvalidRequest "x""#,
        ),
        (r#"{"jsonrpc":"2.0","id":4}"#, "InvalidRequest 4"),
        (r#"{"jsonrpc":"2.0","id":4,"method":7}"#, "InvalidRequest 4"),
        (
            r#"{"jsonrpc":"2.0","method":{"a":[1]},"id":4}"#,
            "InvalidRequest 4",
        ),
        (
            r#"{"jsonrpc":"2.0","id":4,"method":"a","params":[1]}"#,
            "InvalidRequest 4",
        ),
        (
            r#"{"jsonrpc":"2.0","id":4,"method":"a","params":"x"}"#,
            "InvalidRequest 4",
        ),
        (
            r#"{"jsonrpc":"2.0","id":4,"method":"a","params":7}"#,
            "InvalidRequest 4",
        ),
        (
            r#"{"jsonrpc":"2.0","id":4,"method":"a","result":{}}"#,
            "InvalidRequest 4",
        ),
        (
            r#"{"jsonrpc":"2.0","id":4,"result":{},"error":{}}"#,
            "InvalidRequest 4",
        ),
        ("{}", "InvalidRequest null"),
        ("7", "InvalidRequest null"),
        (r#""a""#, "InvalidRequest null"),
        ("null", "InvalidRequest null"),
        ("true", "InvalidRequest null"),
        // A known member twice, also where one of them hides behind an escape.
        (
            r#"{"jsonrpc":"2.0","id":1,"id":1,"method":"a"}"#,
            "InvalidRequest null",
        ),
        (
            r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"a"}"#,
            "InvalidRequest 1",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"a","m\u0065thod":"b"}"#,
            "InvalidRequest 1",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"a","params":{},"params":{}}"#,
            "InvalidRequest 1",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"name":"a","n\u0061me":"b"}}"#,
            "InvalidRequest 1",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"arguments":{},"arguments":{}}}"#,
            "InvalidRequest 1",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"_meta":{},"_meta":{}}}"#,
            "InvalidRequest 1",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"a","io.modelcontextprotocol/protocolVersion":"b"}}}"#,
            "InvalidRequest 1",
        ),
        // Not JSON.
        ("", "ParseError null"),
        (" ", "ParseError null"),
        ("{", "ParseError null"),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"a"}}"#,
            "ParseError null",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"a"} {}"#,
            "ParseError null",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"a",}"#,
            "ParseError null",
        ),
        (
            r#"{"jsonrpc":"2.0","id":01,"method":"a"}"#,
            "ParseError null",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"arguments":{"x":tru}}}"#,
            "ParseError null",
        ),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\nb\"}",
            "ParseError null",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"\ud800"}"#,
            "ParseError null",
        ),
        ("\u{feff}{}", "ParseError null"),
        ("{'jsonrpc':'2.0'}", "ParseError null"),
        // Batches: each message for itself.
        (
            r#"[{"jsonrpc":"2.0","id":1,"method":"a"},{"jsonrpc":"2.0","method":"b"},7,{"id":2},[],{"jsonrpc":"2.0","id":3,"result":1}]"#,
            "[request 1 a, notification b, InvalidRequest null, InvalidRequest 2, InvalidRequest null, response]",
        ),
        ("[]", "InvalidRequest null"),
        ("[", "ParseError null"),
        (
            r#"[{"jsonrpc":"2.0","id":1,"method":"a"}"#,
            "ParseError null",
        ),
        ("[]x", "ParseError null"),
    ] {
        assert_eq!(summary(body.as_bytes()), expected, "{body}");
    }
}

#[test]
fn text_that_is_not_utf_8_is_refused_wherever_it_stands() {
    for before in [
        &b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a"[..],
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":{\"arguments\":{\"x\":\"",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"ignored\":\"",
    ] {
        for bytes in [&b"\xff"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\xe2\x82"] {
            let body = [before, bytes, b"\"}}}"].concat();
            assert_eq!(summary(&body), "ParseError null", "{}", body.escape_ascii());
        }
    }
}

#[test]
fn nesting_is_bounded_wherever_it_stands_and_costs_no_stack() {
    for depth in [JSON_DEPTH_MAX - 4, JSON_DEPTH_MAX, 20_000, 1_000_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let nested = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            for (body, own_depth) in [
                (
                    format!(
                        r#"{{"jsonrpc":"2.0","id":1,"method":"a","params":{{"arguments":{nested}}}}}"#
                    ),
                    2,
                ),
                (
                    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"a","params":{{"x":{nested}}}}}"#),
                    2,
                ),
                (
                    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"a","x":{nested}}}"#),
                    1,
                ),
                (
                    format!(r#"{{"jsonrpc":"2.0","x":{nested},"id":1,"method":"a"}}"#),
                    1,
                ),
            ] {
                let fits = depth + own_depth <= JSON_DEPTH_MAX;
                let expected = if fits { "request 1 a" } else { "TooDeep null" };
                assert_eq!(
                    summary(body.as_bytes()),
                    expected,
                    "{depth} {}",
                    &body[..60]
                );
            }
        }
    }
    // Without its closing half, and as the whole body.
    assert_eq!(summary("[".repeat(20_000).as_bytes()), "TooDeep null");
    assert_eq!(summary("{\"a\":".repeat(20_000).as_bytes()), "TooDeep null");
    // Brackets inside strings are not nesting.
    let flat = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"a","params":{{"arguments":{{"x":"{}"}}}}}}"#,
        "[".repeat(20_000)
    );
    assert_eq!(summary(flat.as_bytes()), "request 1 a");
}

#[test]
fn bounds_hold_at_the_limit_and_one_past_it() {
    let with_id = |len: usize| {
        let id = "x".repeat(len - 2);
        summary(format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"a"}}"#).as_bytes())
    };
    assert!(with_id(REQUEST_ID_BYTES_MAX).starts_with("request"));
    assert_eq!(with_id(REQUEST_ID_BYTES_MAX + 1), "InvalidRequest null");

    let batch = |len: usize| {
        let messages = vec![r#"{"jsonrpc":"2.0","id":1,"method":"a"}"#; len].join(",");
        summary(format!("[{messages}]").as_bytes())
    };
    assert_eq!(
        batch(BATCH_MESSAGES_MAX).matches("request").count(),
        BATCH_MESSAGES_MAX
    );
    assert_eq!(batch(BATCH_MESSAGES_MAX + 1), "BatchTooLong null");
}

#[test]
fn a_kept_id_is_the_same_id() {
    for text in ["0", "-7", "1.0", r#""listen:0""#, r#""\u0041""#] {
        assert_eq!(Id::of_json(text).as_json(), text);
    }
}

#[test]
fn nothing_without_escapes_is_copied() {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","cursor":"\u0041","arguments":{ "x" : [1, 2.50] }}}"#;
    let Ok(Envelope::One(message)) = read(body.as_bytes()) else {
        panic!("{body}");
    };
    let within = body.as_bytes().as_ptr_range();
    let arguments = message.params.arguments.unwrap().get();
    assert_eq!(arguments, r#"{ "x" : [1, 2.50] }"#);
    assert!(within.contains(&arguments.as_ptr()));
    assert!(matches!(message.params.name, Text::Is(Cow::Borrowed("a"))));
    assert!(matches!(&message.params.cursor, Text::Is(Cow::Owned(text)) if text == "A"));
    assert!(matches!(
        message.kind,
        Kind::Request {
            method: Cow::Borrowed(_),
            ..
        }
    ));
}

#[test]
fn members_of_the_wrong_type_are_noted_and_null_is_none() {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "a", "params": {
        "name": 7, "arguments": null, "cursor": null, "uri": ["x"], "protocolVersion": {"x": 1},
        "level": false, "_meta": "none",
    }});
    let body = body.to_string();
    let Ok(Envelope::One(Message { params, .. })) = read(body.as_bytes()) else {
        panic!("{body}");
    };
    for member in [
        &params.name,
        &params.uri,
        &params.protocol_version,
        &params.level,
    ] {
        assert_eq!(member, &Text::Other);
    }
    assert_eq!(params.cursor, Text::Absent);
    assert!(params.arguments.is_none());
    assert_eq!(params.meta.protocol_version, Text::Absent);
}

/// What clients of five kinds were seen to send.
#[test]
fn captured_traffic() {
    const PYTHON_PROBE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"mcp","version":"0.1.0"},"io.modelcontextprotocol/clientCapabilities":{"sampling":{},"elicitation":{"form":{},"url":{}}}}}}"#;
    const TYPESCRIPT_INITIALIZE: &str = r#"{"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"roots":{"listChanged":true},"extensions":{"tasks":{}}},"clientInfo":{"name":"inspector","version":"2.12.0"}},"jsonrpc":"2.0","id":0}"#;
    const RMCP_CALL: &str = r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"_meta":{"progressToken":1,"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},"arguments":{"b":2},"name":"add"}}"#;
    const FASTMCP_CALL: &str = r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"a","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"mcp","version":"0.1.0"},"io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/logLevel":"debug","progressToken":3}}}"#;
    const TYPESCRIPT_LISTEN: &str = r#"{"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}},"jsonrpc":"2.0","id":"listen:0"}"#;
    const TYPESCRIPT_CANCEL: &str = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"listen:0","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
    const CLIENT_RESPONSE: &str =
        r#"{"jsonrpc":"2.0","id":1,"result":{"action":"accept","content":{}}}"#;

    let params = |body: &'static str| match read(body.as_bytes()) {
        Ok(Envelope::One(message)) => message.params,
        other => panic!("{other:?}"),
    };
    let version = |body| {
        params(body)
            .meta
            .protocol_version
            .as_str()
            .map(str::to_owned)
    };
    for (body, expected, modern) in [
        (PYTHON_PROBE, "request 1 server/discover", true),
        (TYPESCRIPT_INITIALIZE, "request 0 initialize", false),
        (RMCP_CALL, "request 2 tools/call", false),
        (FASTMCP_CALL, "request 3 tools/call", true),
        (
            TYPESCRIPT_LISTEN,
            r#"request "listen:0" subscriptions/listen"#,
            true,
        ),
        (
            TYPESCRIPT_CANCEL,
            "notification notifications/cancelled",
            true,
        ),
        (CLIENT_RESPONSE, "response", false),
    ] {
        assert_eq!(summary(body.as_bytes()), expected);
        assert_eq!(
            version(body),
            modern.then(|| "2026-07-28".to_owned()),
            "{body}"
        );
    }

    let probe = params(PYTHON_PROBE);
    assert!(probe.meta.client_capabilities.is_some_and(Raw::is_object));
    let info = ClientInfo::read(probe.meta.client_info);
    assert_eq!((&*info.name, &*info.version), ("mcp", "0.1.0"));
    let opening = params(TYPESCRIPT_INITIALIZE);
    assert_eq!(opening.protocol_version.as_str(), Some("2025-11-25"));
    assert_eq!(ClientInfo::read(opening.client_info).name, "inspector");
    let call = params(RMCP_CALL);
    assert_eq!(call.name.as_str(), Some("add"));
    assert_eq!(call.arguments.unwrap().get(), r#"{"b":2}"#);
    assert_eq!(call.meta.progress_token.unwrap().get(), "1");
    assert!(
        call.meta
            .traceparent
            .as_str()
            .unwrap()
            .starts_with("00-4bf9")
    );
    assert_eq!(params(FASTMCP_CALL).meta.log_level.as_str(), Some("debug"));
    assert_eq!(
        params(TYPESCRIPT_CANCEL).request_id.unwrap().get(),
        r#""listen:0""#
    );
    assert_eq!(ClientInfo::read(None), ClientInfo::default());
}

/// The same judgement made from a whole document, slowly.
fn expected_summary(document: &Value) -> String {
    let id = match &document["id"] {
        Value::String(text) => Some(Value::from(text.clone()).to_string()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    };
    let refused = format!("InvalidRequest {}", id.as_deref().unwrap_or("null"));
    let Value::Object(members) = document else {
        return refused;
    };
    let params_sound = matches!(document["params"], Value::Object(_) | Value::Null);
    if document["jsonrpc"] != "2.0" || !params_sound {
        return refused;
    }
    let results = ["result", "error"]
        .iter()
        .filter(|name| members.contains_key(**name))
        .count();
    match (
        document["method"].as_str(),
        results,
        members.contains_key("id"),
        id,
    ) {
        (Some(method), 0, false, _) => format!("notification {method}"),
        (Some(method), 0, true, Some(id)) => format!("request {id} {method}"),
        (None, 1, _, _) if document["method"].is_null() => "response".to_owned(),
        _ => refused,
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        Just(json!("2.0")),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((member_name(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn member_name() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "jsonrpc",
            "id",
            "method",
            "params",
            "result",
            "error",
            "name",
            "arguments",
            "cursor",
            "_meta",
            "progressToken",
            "io.modelcontextprotocol/protocolVersion",
        ])
        .prop_map(str::to_owned),
        ".{0,4}",
    ]
}

/// Mostly messages, with a member or two changed to anything.
fn nearly_a_message() -> impl Strategy<Value = Value> {
    let change = (
        prop::sample::select(vec![
            "jsonrpc", "id", "method", "params", "result", "error", "x",
        ]),
        any_value(),
    );
    (any_value(), prop::collection::vec(change, 0..3), any::<bool>()).prop_map(|(params, changes, keep_id)| {
        let mut message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"_meta": params}});
        let members = message.as_object_mut().unwrap();
        if !keep_id {
            members.remove("id");
        }
        members.extend(changes.into_iter().map(|(name, value)| (name.to_owned(), value)));
        message
    })
}

proptest! {
    #[test]
    fn judges_as_a_whole_document_would(document in prop_oneof![any_value(), nearly_a_message()], pretty: bool) {
        prop_assume!(!document.is_array());
        let body = if pretty { format!("{document:#}") } else { document.to_string() };
        prop_assert_eq!(summary(body.as_bytes()), expected_summary(&document), "{}", body);
    }

    #[test]
    fn reads_the_values_that_a_whole_document_has(name: String, arguments in any_value(), version: String) {
        let document = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": name, "arguments": arguments,
            "_meta": {"io.modelcontextprotocol/protocolVersion": version},
        }});
        let body = document.to_string();
        let Ok(Envelope::One(Message { params, .. })) = read(body.as_bytes()) else {
            return Err(TestCaseError::fail(body));
        };
        prop_assert_eq!(params.name.as_str(), Some(&*name));
        prop_assert_eq!(params.meta.protocol_version.as_str(), Some(&*version));
        let read_arguments = params.arguments.map_or("null", Raw::get);
        prop_assert_eq!(serde_json::from_str::<Value>(read_arguments).unwrap(), arguments);
    }

    /// Whatever comes, there is an answer, and what is accepted is JSON to serde_json, too.
    #[test]
    fn any_bytes(body in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        "[\\[\\]{}:,\"\\\\a-c0-9.e \u{e9}-]{0,48}".prop_map(String::into_bytes),
    ]) {
        let accepted = !matches!(read(&body), Err(Fault { refusal: Refusal::ParseError | Refusal::TooDeep, .. }));
        if accepted {
            prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok());
        }
    }
}
