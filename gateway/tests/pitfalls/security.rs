//! Mistakes that let somebody do, see or learn what is not theirs.

use serde_json::{Value, json};

use crate::support::tool::{self, Tool};
use crate::support::{Agent, Session, Setup, until};
use crate::{gateway, mirror, reading};

/// As `limits.rs` states it.
const STREAMS_PER_PRINCIPAL_MAX: usize = 64;

#[test]
fn pitfall_01_each_message_of_a_batch_goes_through_every_check() {
    let api = mirror();
    let schema = r#"{"type":"object","properties":{"id":{"type":"string"}}}"#;
    let orders = Tool::new("orders", "GET", &format!("{}/orders", api.url())).input(schema);
    let payroll =
        Tool::new("payroll", "GET", &format!("{}/payroll", api.url())).of("tenant-globex");
    let mut setup = Setup::new().catalog("tools.yaml", &tool::file(&[orders, payroll]));
    // One for the session's opening (its notification costs nothing), four for the batch.
    let key = setup.key_with("acme", "agent", &["--rate", "1/min", "--burst", "5"]);
    let gateway = setup.start();
    let agent = Agent::new(&gateway, &key);
    let session = Session::open(&agent, "2025-03-26");
    let call = |id: u32, name: &str, arguments: Value| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name, "arguments": arguments}});
    let answers = session.post(&json!([
        call(1, "orders", json!({"id": "x"})),
        call(2, "payroll", json!({})),
        call(3, "orders", json!({"id": 7})),
        call(4, "orders", json!({"id": "y"})),
        call(5, "orders", json!({"id": "z"})),
        call(6, "orders", json!({"id": "z"})),
    ]));
    let answers = answers.json();
    assert_eq!(answers[0]["result"]["isError"], false, "{answers}");
    assert_eq!(answers[1]["error"]["code"], -32602, "hidden: {answers}");
    assert_eq!(
        answers[2]["result"]["isError"], true,
        "bad arguments: {answers}"
    );
    assert_eq!(answers[3]["result"]["isError"], false, "{answers}");
    assert_eq!(
        answers[5]["error"]["code"], 429,
        "the limit is used up: {answers}"
    );
    let called = api.requests();
    assert!(called.iter().all(|request| request.path() == "/orders"));
    let answered = answers.as_array().expect("a list");
    let succeeded = |answer: &&Value| answer["result"]["isError"] == false;
    assert_eq!(called.len(), answered.iter().filter(succeeded).count());
    until("an event of each message", || {
        let events = gateway.events();
        let calls = events
            .iter()
            .filter(|event| event["action"] == "tools/call");
        (calls.count() == 6).then_some(())
    });
}

#[test]
fn pitfall_04_who_comes_without_a_key_is_limited_too() {
    let api = mirror();
    let orders = Tool::new("orders", "GET", &format!("{}/orders", api.url())).of("tenant-default");
    let gateway = Setup::new()
        .set("role_tiers", "{tenant-admin: \"1/min:3\"}")
        .catalog("tools.yaml", &orders.yaml())
        .start();
    let statuses: Vec<u16> = (0..5)
        .map(|_| Agent::anonymous(&gateway).call("orders", json!({})).status)
        .collect();
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
}

#[test]
fn pitfall_06_categories_tags_and_batches_tell_of_no_hidden_tool() {
    let api = mirror();
    let tool = |name: &str, namespace: &str| {
        Tool::new(name, "GET", &format!("{}/{name}", api.url()))
            .of(namespace)
            .line(&format!("category: {name}-category"))
            .line(&format!("tags: [{name}-tag]"))
    };
    let tools = [
        tool("orders", "tenant-acme"),
        tool("payroll", "tenant-globex"),
    ];
    let (gateway, key) = gateway(Setup::new(), &tools);
    let agent = Agent::new(&gateway, &key);
    let mut told = String::new();
    for path in [
        "categories",
        "tags",
        "",
        "?category=payroll-category",
        "?tag=payroll-tag",
        "?search=payroll",
    ] {
        let separator = if path.starts_with('?') || path.is_empty() {
            ""
        } else {
            "/"
        };
        let answer = agent.get(&format!("/mcp/v1/tools{separator}{path}"));
        told += &answer.text().replace(path, "");
    }
    let session = Session::open(&agent, "2025-03-26");
    let batch = json!([{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}]);
    told += &session.post(&batch).text();
    told += &agent.call("stoa_catalog", json!({"action": "list"})).text();
    told += &agent.mcp("tools/list", json!({})).text();
    assert!(
        told.contains("orders-category") && told.contains("orders-tag"),
        "{told}"
    );
    assert!(!told.contains("payroll"), "{told}");
}

#[test]
fn pitfall_07_every_call_reaches_the_api() {
    let api = mirror();
    let tools = [
        Tool::new("read", "GET", &format!("{}/read", api.url())),
        Tool::new("pay", "POST", &format!("{}/pay", api.url())),
    ];
    let mut setup = Setup::new().catalog("tools.yaml", &tool::file(&tools));
    let keys = [setup.key("acme", "one"), setup.key("acme", "two")];
    let gateway = setup.start();
    for key in &keys {
        let agent = Agent::new(&gateway, key);
        for name in ["read", "pay"] {
            for _ in 0..2 {
                assert_eq!(agent.result(name, json!({}))["isError"], false);
                assert_eq!(agent.invoke(name, json!({})).status, 200);
            }
        }
    }
    let seen = |path: &str| {
        let requests = api.requests();
        requests
            .iter()
            .filter(|request| request.path() == path)
            .count()
    };
    assert_eq!((seen("/read"), seen("/pay")), (8, 8));
}

#[test]
fn pitfall_08_no_spelling_of_a_path_is_unguarded() {
    let api = mirror();
    let (gateway, _) = gateway(Setup::new(), &reading(&api, &["orders"]));
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "orders", "arguments": {}}});
    let paths = [
        "/mcp",
        "/mcp/",
        "/mcp?x=1",
        "/MCP",
        "//mcp",
        "/./mcp",
        "/mcp/.",
        "/mcp/../mcp",
        "/%6dcp",
        "/mcp%2f",
        "/mcp;x",
        "/sse",
        "/message",
        "/messages",
        "/ws",
        "/admin",
        "/admin/tools",
        "/api/v1/tools",
        "/proxy",
        "/tools/call",
        "/mcp/tools/call",
        "/mcp/v1",
        "/mcp/v1/tools",
        "/mcp/v1/tools/",
        "/mcp/v1/tools/orders",
        "/mcp/v1/tools/orders/invoke",
        "/mcp/v1/tools/orders/invoke/",
        "/mcp/v1/tools/%6frders/invoke",
        "/mcp/v1//tools",
        "/mcp/v1/./tools",
        "/health/../mcp/v1/tools",
        "/healthz/mcp",
        "/metrics/../mcp",
        "/orders",
        "/debug/pprof",
        "/.well-known/mcp",
        "/config",
        "/v1/chat/completions",
    ];
    for path in paths {
        for method in ["POST", "GET", "PUT", "DELETE", "PATCH"] {
            // A connection of its own each time: a refusal may end it.
            let answer = Agent::anonymous(&gateway).send(method, path, "", &body.to_string());
            // The facade's own name is no secret.
            let open = path == "/mcp/v1" && method == "GET";
            let expected: &[u16] = if open { &[200] } else { &[400, 401, 404, 405] };
            assert!(
                expected.contains(&answer.status),
                "{method} {path}: {}",
                answer.status
            );
            assert!(
                !answer.text().contains("orders\""),
                "{method} {path}: {}",
                answer.text()
            );
        }
    }
    assert_eq!(api.connections(), 0, "nothing reached the API");
}

#[test]
fn pitfall_12_one_past_the_streams_of_a_principal_is_refused() {
    let mut setup = Setup::new().set("workers", 1);
    let keys = [setup.key("acme", "one"), setup.key("acme", "two")];
    let gateway = setup.start();
    let agents = keys.each_ref().map(|key| Agent::new(&gateway, key));
    let sessions = agents
        .each_ref()
        .map(|agent| Session::open(agent, "2025-11-25"));
    let open = |session: &Session<'_>| {
        let mut wire = gateway.connect();
        wire.send(session.stream_request());
        let status = wire.head().status;
        (wire, status)
    };
    let mut held = Vec::new();
    for _ in 0..STREAMS_PER_PRINCIPAL_MAX {
        let (wire, status) = open(&sessions[0]);
        assert_eq!(status, 200);
        held.push(wire);
    }
    assert_eq!(open(&sessions[0]).1, 503);
    assert_eq!(open(&sessions[1]).1, 200, "another caller has its own");
    held.pop();
    until("a place to be free again", || {
        (open(&sessions[0]).1 == 200).then_some(())
    });
}

#[test]
fn pitfall_12_nothing_that_a_caller_names_becomes_a_series() {
    let api = mirror();
    let (gateway, key) = gateway(Setup::new(), &reading(&api, &["orders"]));
    let ask = |word: &str| {
        let agent = Agent::new(&gateway, &key)
            .with("x-request-id", word)
            .with("user-agent", word)
            .with("x-consumer-id", word);
        agent.call(word, json!({}));
        agent.invoke(word, json!({}));
        agent.mcp(word, json!({}));
        agent.get(&format!("/{word}"));
        Agent::anonymous(&gateway).send(word, "/mcp", "", "");
        Agent::new(&gateway, word).call("orders", json!({}));
        // None of it opens a session either.
        let answer = agent.mcp("tools/list", json!({}));
        assert_eq!(answer.header("mcp-session-id"), None);
    };
    let series = || {
        let text = gateway.get("/metrics").text();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let mut names: Vec<String> = lines
            .filter_map(|line| line.rsplit_once(' '))
            .map(|(name, _)| name.to_owned())
            .collect();
        names.sort_unstable();
        names
    };
    ask("first");
    let before = series();
    for number in 0..50 {
        ask(&format!("word{number}"));
    }
    let after = series();
    assert_eq!(before, after);
    assert!(after.iter().all(|name| !name.contains("word")), "{after:?}");
}

#[test]
fn pitfall_14_headers_of_proxies_say_nothing() {
    let api = mirror();
    let setup = Setup::new().set("access_log", "full");
    let (gateway, key) = gateway(setup, &reading(&api, &["orders"]));
    let believed_elsewhere = [
        ("x-forwarded-for", "203.0.113.9"),
        ("forwarded", "for=203.0.113.9"),
        ("x-real-ip", "203.0.113.9"),
        ("x-forwarded-user", "admin"),
        ("x-forwarded-email", "admin@acme.example"),
        ("x-authenticated-user", "admin"),
        ("x-remote-user", "admin"),
        ("x-ssl-client-verify", "SUCCESS"),
        ("x-ssl-client-s-dn", "CN=agent,O=acme"),
        ("x-ssl-client-cert", "MIIB"),
        ("x-forwarded-client-cert", "Subject=\"CN=agent\""),
        ("x-forwarded-host", "127.0.0.1"),
        ("x-original-url", "/livez"),
        ("x-rewrite-url", "/livez"),
        ("x-http-method-override", "GET"),
    ];
    for (name, value) in believed_elsewhere {
        let nobody = Agent::anonymous(&gateway).with(name, value);
        assert_eq!(nobody.call("orders", json!({})).status, 401, "{name}");
        assert_eq!(nobody.get("/mcp/v1/tools").status, 401, "{name}");
        let known = Agent::new(&gateway, &key).with(name, value);
        assert_eq!(
            known.result("orders", json!({}))["isError"],
            false,
            "{name}"
        );
        for request in api.requests() {
            assert_eq!(request.header(name), None, "not passed on either");
        }
    }
    let line = until("the access log", || {
        let log = gateway.log();
        let found = log.lines().find(|line| line.contains("\"remote\""));
        found.map(str::to_owned)
    });
    assert!(line.contains("\"remote\":\"127.0.0.1\""), "{line}");
    assert!(!gateway.log().contains("203.0.113.9"));
}
