//! Modern requests: what each bad one is answered with.

use super::*;

#[test]
fn modern_table() {
    let gateway = Gateway::new();
    let list = request("7", "tools/list", META);
    let echo = call("{}");
    let discover = |params: &str| request("7", "server/discover", params);
    let with = |method: &str| request("7", method, META);
    let unknown_version = |version: &str| request("7", "tools/list", &meta_of(version));
    let version_only = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#;
    let no_version = r#""_meta":{"io.modelcontextprotocol/clientCapabilities":{}}"#;
    let odd_capabilities = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":[]}"#;
    let notification =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"listen:0"}}"#;
    let tagged = format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":1,{META}}}}}"#
    );
    #[rustfmt::skip] // one line a row
    let table: Vec<Row<'_>> = vec![
        ("valid list", vec![VERSION, LIST], list.clone(), 200, 0),
        ("valid call", vec![VERSION, CALL, ECHO], echo.clone(), 200, 0),
        ("valid discover", vec![VERSION, ("mcp-method", "server/discover")], discover(META), 200, 0),
        ("header names in any case", vec![("MCP-PROTOCOL-VERSION", "2026-07-28"), ("mcp-METHOD", "tools/list")], list.clone(), 200, 0),
        ("white space around values", vec![VERSION, CALL, ("Mcp-Name", "  echo\t")], echo.clone(), 200, 0),
        ("version header missing", vec![LIST], list.clone(), 400, -32020),
        ("version header twice", vec![VERSION, VERSION, LIST], list.clone(), 400, -32020),
        ("no params", vec![VERSION, LIST], r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#.to_owned(), 400, -32602),
        ("_meta missing", vec![VERSION], discover(""), 400, -32602),
        ("_meta no object", vec![VERSION], discover(r#""_meta":7"#), 400, -32602),
        ("_meta without version", vec![VERSION], discover(no_version), 400, -32602),
        ("_meta without capabilities", vec![VERSION], discover(version_only), 400, -32602),
        ("capabilities no object", vec![VERSION], discover(odd_capabilities), 400, -32602),
        ("version no string", vec![VERSION], discover(r#""_meta":{"io.modelcontextprotocol/protocolVersion":1}"#), 400, -32602),
        ("header and body differ", vec![("MCP-Protocol-Version", "2025-11-25"), LIST], list.clone(), 400, -32020),
        ("body newer than header", vec![VERSION, LIST], unknown_version("v999.0.0"), 400, -32020),
        ("unknown version in both", vec![("MCP-Protocol-Version", "v999.0.0"), LIST], unknown_version("v999.0.0"), 400, -32022),
        ("later version in both", vec![("MCP-Protocol-Version", "2027-01-01"), LIST], unknown_version("2027-01-01"), 400, -32022),
        ("legacy version in both", vec![("MCP-Protocol-Version", "2025-11-25"), LIST], unknown_version("2025-11-25"), 400, -32022),
        ("Mcp-Method missing", vec![VERSION], list.clone(), 400, -32020),
        ("Mcp-Method of another", vec![VERSION, CALL], list.clone(), 400, -32020),
        ("Mcp-Method in wrong case", vec![VERSION, ("Mcp-Method", "TOOLS/LIST")], list.clone(), 400, -32020),
        ("Mcp-Method twice", vec![VERSION, LIST, LIST], list.clone(), 400, -32020),
        ("Mcp-Method is not encoded", vec![VERSION, ("Mcp-Method", "=?base64?dG9vbHMvbGlzdA==?=")], list.clone(), 400, -32020),
        ("Mcp-Name missing", vec![VERSION, CALL], echo.clone(), 400, -32020),
        ("Mcp-Name of another", vec![VERSION, CALL, ("Mcp-Name", "delete_all")], echo.clone(), 400, -32020),
        ("Mcp-Name in wrong case", vec![VERSION, CALL, ("Mcp-Name", "Echo")], echo.clone(), 400, -32020),
        ("Mcp-Name twice", vec![VERSION, CALL, ECHO, ECHO], echo.clone(), 400, -32020),
        ("Mcp-Name encoded", vec![VERSION, CALL, ("Mcp-Name", "=?base64?ZWNobw==?=")], echo.clone(), 200, 0),
        ("Mcp-Name in bad base64", vec![VERSION, CALL, ("Mcp-Name", "=?base64?ZWNobw?=")], echo.clone(), 400, -32020),
        ("Mcp-Name with another sentinel", vec![VERSION, CALL, ("Mcp-Name", "=?BASE64?ZWNobw==?=")], echo, 400, -32020),
        ("Mcp-Name where none is asked for", vec![VERSION, LIST, ECHO], list.clone(), 200, 0),
        ("Mcp-Session-Id is ignored", vec![VERSION, LIST, ("Mcp-Session-Id", "x")], list.clone(), 200, 0),
        ("bad JSON", vec![VERSION, LIST], "{".to_owned(), 400, -32700),
        ("empty body", vec![VERSION, LIST], String::new(), 400, -32700),
        ("20,000 levels", vec![VERSION, LIST], "[".repeat(20_000), 400, -32700),
        ("batch", vec![VERSION, LIST], format!("[{list}]"), 400, -32600),
        ("id null", vec![VERSION, LIST], request("null", "tools/list", META), 400, -32600),
        ("id 1.5", vec![VERSION, LIST], request("1.5", "tools/list", META), 400, -32600),
        ("id {}", vec![VERSION, LIST], request("{}", "tools/list", META), 400, -32600),
        ("response", vec![VERSION], r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned(), 400, -32600),
        ("notification", vec![VERSION], notification.to_owned(), 202, 1),
        ("notification by its _meta alone", vec![], tagged, 202, 1),
        ("unknown method", vec![VERSION, ("Mcp-Method", "unknown/method")], with("unknown/method"), 404, -32601),
        ("ping", vec![VERSION, ("Mcp-Method", "ping")], with("ping"), 404, -32601),
        ("logging/setLevel", vec![VERSION, ("Mcp-Method", "logging/setLevel")], with("logging/setLevel"), 404, -32601),
        ("initialize", vec![VERSION, ("Mcp-Method", "initialize")], with("initialize"), 404, -32601),
        ("resources/subscribe", vec![VERSION, ("Mcp-Method", "resources/subscribe")], with("resources/subscribe"), 404, -32601),
        ("prompts/list", vec![VERSION, ("Mcp-Method", "prompts/list")], with("prompts/list"), 404, -32601),
        ("unknown tool", vec![VERSION, CALL, ("Mcp-Name", "nope")], request("7", "tools/call", &format!(r#""name":"nope",{META}"#)), 200, -32602),
        ("call without name", vec![VERSION, CALL], request("7", "tools/call", META), 200, -32602),
        ("name no string", vec![VERSION, CALL, ECHO], request("7", "tools/call", &format!(r#""name":7,{META}"#)), 200, -32602),
        ("bogus cursor", vec![VERSION, LIST], request("7", "tools/list", &format!(r#""cursor":"bogus",{META}"#)), 200, -32602),
        ("empty cursor", vec![VERSION, LIST], request("7", "tools/list", &format!(r#""cursor":"",{META}"#)), 200, -32602),
        ("cursor no string", vec![VERSION, LIST], request("7", "tools/list", &format!(r#""cursor":3,{META}"#)), 200, -32602),
        ("listen", vec![VERSION, ("Mcp-Method", "subscriptions/listen")], request("7", "subscriptions/listen", &format!(r#""notifications":{{"toolsListChanged":true}},{META}"#)), 200, 0),
        ("listen without filter", vec![VERSION, ("Mcp-Method", "subscriptions/listen")], with("subscriptions/listen"), 200, -32602),
    ];
    for (case, headers, body, status, code) in table {
        let answer = gateway.post(&headers, &body);
        assert_eq!((answer.0, answer.1), (status, code), "{case}: {}", answer.2);
        // The id is echoed wherever it could be read; a listen request's comes later.
        let echoes = body.contains(r#""id":7,"#) && !body.starts_with('[') && case != "listen";
        let id = &answer.2["id"];
        assert_eq!(
            id,
            &if echoes { json!(7) } else { Value::Null },
            "{case}: {}",
            answer.2
        );
    }
}

#[test]
fn unsupported_versions_are_answered_with_those_that_discover_names() {
    let gateway = Gateway::new();
    let headers = [("MCP-Protocol-Version", "1900-01-01"), LIST];
    let (_, _, refused) = gateway.post(
        &headers,
        &request("7", "tools/list", &meta_of("1900-01-01")),
    );
    assert_eq!(refused["error"]["data"]["requested"], "1900-01-01");
    let headers = [VERSION, ("Mcp-Method", "server/discover")];
    let (_, _, discovered) = gateway.post(&headers, &request("7", "server/discover", META));
    let supported = &refused["error"]["data"]["supported"];
    assert_eq!(supported, &discovered["result"]["supportedVersions"]);
    assert_eq!(supported, &json!(["2026-07-28"]));
}
