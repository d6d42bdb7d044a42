//! Legacy requests: what each bad one is answered with.

use super::*;

#[test]
fn legacy_table() {
    let gateway = Gateway::new();
    let token = gateway.session(Revision::V20251125);
    let session = ("Mcp-Session-Id", &*token);
    let stranger = Binding::from([2; Binding::BYTES]);
    let foreign = gateway
        .sessions
        .begin(
            &gateway.sealer,
            Revision::V20251125,
            Default::default(),
            &stranger,
            NOW_MS,
        )
        .unwrap();
    let ended = gateway.session(Revision::V20251125);
    let opened = gateway
        .sessions
        .open(&gateway.sealer, ended.as_bytes(), &gateway.binding, NOW_MS);
    gateway.sessions.end(&opened.unwrap(), NOW_MS);
    let batching = gateway.session(Revision::V20250326);

    let plain = |method: &str| request("7", method, "");
    let list = plain("tools/list");
    let ping = plain("ping");
    let level = |level: &str| request("7", "logging/setLevel", &format!(r#""level":{level}"#));
    let initialize = request(
        "7",
        "initialize",
        r#""protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}"#,
    );
    let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_owned();
    let response = r#"{"jsonrpc":"2.0","id":99,"result":{}}"#.to_owned();
    let batch = format!("[{ping},{initialized},{}]", request("null", "ping", ""));
    let version = |version: &'static str| ("MCP-Protocol-Version", version);
    #[rustfmt::skip] // one line a row
    let table: Vec<Row<'_>> = vec![
        ("initialize", vec![], initialize.clone(), 200, 0),
        ("initialize on a session", vec![session], initialize.clone(), 200, 0),
        ("initialize with a modern header", vec![version("2026-07-28")], initialize, 200, 0),
        ("initialize without a version", vec![], plain("initialize"), 200, -32602),
        ("initialize with odd capabilities", vec![], request("7", "initialize", r#""protocolVersion":"2025-06-18","capabilities":7"#), 200, -32602),
        ("no session", vec![], list.clone(), 400, -32000),
        ("no session, with a version", vec![version("2025-11-25")], list.clone(), 400, -32000),
        ("no session, notification", vec![], initialized.clone(), 400, -32000),
        ("no session, unknown method", vec![], plain("resources/list"), 400, -32000),
        ("no session, discover without _meta", vec![], plain("server/discover"), 400, -32000),
        ("unknown session", vec![("Mcp-Session-Id", "e864bab39c05")], list.clone(), 404, -32001),
        ("empty session", vec![("Mcp-Session-Id", "")], list.clone(), 404, -32001),
        ("another principal's session", vec![("Mcp-Session-Id", &foreign)], list.clone(), 404, -32001),
        ("ended session", vec![("Mcp-Session-Id", &ended)], list.clone(), 404, -32001),
        ("ended session, notification", vec![("Mcp-Session-Id", &ended)], initialized.clone(), 404, -32001),
        ("session named twice", vec![session, session], list.clone(), 400, -32600),
        ("version header missing", vec![session], list.clone(), 200, 0),
        ("version header negotiated", vec![session, version("2025-11-25")], list.clone(), 200, 0),
        ("version header of another revision", vec![session, version("2025-03-26")], list.clone(), 200, 0),
        ("version header of the modern era", vec![session, version("2026-07-28")], list.clone(), 200, 0),
        ("version header unsupported", vec![session, version("1999-01-01")], list.clone(), 400, -32600),
        ("version header bogus", vec![session, version("latest")], list.clone(), 400, -32600),
        ("version header twice", vec![session, version("2025-11-25"), version("2025-11-25")], list.clone(), 400, -32600),
        ("list before initialized", vec![session], list, 200, 0),
        ("ping", vec![session], ping, 200, 0),
        ("set level", vec![session], level(r#""debug""#), 200, 0),
        ("set an unknown level", vec![session], level(r#""loud""#), 200, -32602),
        ("set no level", vec![session], plain("logging/setLevel"), 200, -32602),
        ("unknown method", vec![session], plain("resources/list"), 200, -32601),
        ("modern method", vec![session], plain("server/discover"), 200, -32601),
        ("call", vec![session], request("7", "tools/call", r#""name":"echo","arguments":{"region":"eu"}"#), 200, 0),
        ("unknown tool", vec![session], request("7", "tools/call", r#""name":"nope""#), 200, -32602),
        ("call without name", vec![session], plain("tools/call"), 200, -32602),
        ("bogus cursor", vec![session], request("7", "tools/list", r#""cursor":"bogus""#), 200, -32602),
        ("initialized", vec![session], initialized.clone(), 202, 1),
        ("unknown notification", vec![session], r#"{"jsonrpc":"2.0","method":"notifications/x"}"#.to_owned(), 202, 1),
        ("a method sent as a notification", vec![session], r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"echo"}}"#.to_owned(), 202, 1),
        ("response with an unknown id", vec![session], response, 202, 1),
        ("bad JSON", vec![session], "{".to_owned(), 400, -32700),
        ("id null", vec![session], request("null", "ping", ""), 400, -32600),
        ("batch, 2025-11-25", vec![session], batch.clone(), 400, -32600),
        ("batch, 2025-11-25, header of 2025-03-26", vec![session, version("2025-03-26")], batch.clone(), 400, -32600),
        ("batch without session", vec![], batch.clone(), 400, -32000),
        ("batch, 2025-03-26", vec![("Mcp-Session-Id", &batching)], batch, 200, 0),
        ("batch of notifications", vec![("Mcp-Session-Id", &batching)], format!("[{initialized}]"), 202, 1),
        ("empty batch", vec![("Mcp-Session-Id", &batching)], "[]".to_owned(), 400, -32600),
    ];
    for (case, headers, body, status, code) in table {
        let answer = gateway.post(&headers, &body);
        assert_eq!((answer.0, answer.1), (status, code), "{case}: {}", answer.2);
    }
}

#[test]
fn a_batch_is_answered_in_one_array_without_the_notifications() {
    let gateway = Gateway::new();
    let token = gateway.session(Revision::V20250326);
    let modern = request("3", "tools/list", META);
    let body = format!(
        r#"[{{"jsonrpc":"2.0","id":1,"method":"ping"}},{{"jsonrpc":"2.0","method":"notifications/x"}},{{"jsonrpc":"2.0","id":{{}},"method":"ping"}},{{"jsonrpc":"2.0","id":"b","method":"ping"}},{{"jsonrpc":"2.0","id":2,"method":"initialize"}},{modern}]"#
    );
    let (_, _, answers) = gateway.post(&[("Mcp-Session-Id", &token)], &body);
    let answered: Vec<_> = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| (answer["id"].clone(), answer["error"]["code"].as_i64()))
        .collect();
    let invalid = Some(-32600);
    let expected = [
        (json!(1), None),
        (Value::Null, invalid),
        (json!("b"), None),
        (json!(2), invalid),
        (json!(3), invalid),
    ];
    assert_eq!(answered, expected);
}

#[test]
fn initialize_echoes_old_versions_and_offers_the_latest_legacy_one() {
    let gateway = Gateway::new();
    for (requested, answered) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1.0.0", "2025-11-25"),
    ] {
        let body = request(
            "0",
            "initialize",
            &format!(r#""protocolVersion":"{requested}","capabilities":{{}}"#),
        );
        let (status, _, answer) = gateway.post(&[], &body);
        assert_eq!(status, 200);
        assert_eq!(answer["id"], 0);
        assert_eq!(answer["result"]["protocolVersion"], answered, "{requested}");
    }
}
