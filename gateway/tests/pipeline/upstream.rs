//! The call to the API: what is passed on, what is never called, and what becomes of an API that is slow,
//! dead, or lies.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::gateway::free_port;
use crate::support::tool::{self, Tool};
use crate::support::{Agent, Api, Ending, Gateway, Reply, Setup, until};
use crate::{mirror, tool};

/// A gateway with one key before `tools`.
fn gateway(tools: &[Tool]) -> (Gateway, String) {
    with(tools, |setup| setup)
}

fn with(tools: &[Tool], prepare: impl FnOnce(Setup) -> Setup) -> (Gateway, String) {
    let mut setup = prepare(Setup::new()).catalog("tools.yaml", &tool::file(tools));
    let key = setup.key("acme", "agent");
    (setup.start(), key)
}

/// The text of a result that is an error.
fn failure(agent: &Agent<'_>, name: &str) -> String {
    let result = agent.result(name, json!({}));
    assert_eq!(result["isError"], true, "{result}");
    result["content"][0]["text"]
        .as_str()
        .expect("a text")
        .to_owned()
}

#[test]
fn ids_and_traces_are_passed_on() {
    let api = mirror();
    let (gateway, key) = gateway(&[tool("tenant-acme", "orders", &api)]);
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let agent = Agent::new(&gateway, &key)
        .with("x-request-id", "mine-42")
        .with("traceparent", parent);
    for answer in [
        agent.call("orders", json!({})),
        agent.invoke("orders", json!({})),
    ] {
        assert_eq!(answer.header("x-request-id"), Some("mine-42"));
    }
    for request in api.requests() {
        assert_eq!(request.header("x-request-id"), Some("mine-42"));
        let passed = request.header("traceparent").expect("a trace");
        assert!(
            passed.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"),
            "{passed}"
        );
        assert_ne!(passed, parent, "we are a span of our own");
        assert_eq!(
            request.header("authorization"),
            None,
            "the caller's credentials stay here"
        );
        assert_eq!(
            request.header("host"),
            Some(api.address().to_string().as_str())
        );
    }
}

#[test]
fn an_id_that_is_none_is_replaced() {
    let api = mirror();
    let (gateway, key) = gateway(&[tool("tenant-acme", "orders", &api)]);
    let mut made = Vec::new();
    for bad in ["", "two words", "\u{fc}", &"x".repeat(129)] {
        let agent = Agent::new(&gateway, &key).with("x-request-id", bad);
        let answer = agent.call("orders", json!({}));
        let id = answer.header("x-request-id").expect("an id").to_owned();
        assert!(
            id != bad && id.len() <= 128 && id.bytes().all(|byte| byte.is_ascii_graphic()),
            "{id}"
        );
        assert_eq!(gateway.event_of(&id)["tool"], "orders");
        made.push(id);
    }
    let passed: Vec<_> = api
        .requests()
        .iter()
        .map(|request| request.header("x-request-id").map(str::to_owned))
        .collect();
    assert_eq!(passed, made.into_iter().map(Some).collect::<Vec<_>>());
    let longest = "x".repeat(128);
    let answer = Agent::new(&gateway, &key)
        .with("x-request-id", &longest)
        .call("orders", json!({}));
    assert_eq!(answer.header("x-request-id"), Some(longest.as_str()));
}

#[test]
fn private_addresses_need_a_setting() {
    let api = mirror();
    let port = api.address().port();
    let tools: Vec<Tool> = [
        ("loopback", format!("http://127.0.0.1:{port}/x")),
        ("by_name", format!("http://localhost:{port}/x")),
        ("mapped", format!("http://[::ffff:127.0.0.1]:{port}/x")),
        ("other_spelling", format!("http://127.1.2.3:{port}/x")),
        (
            "metadata",
            "http://169.254.169.254/latest/meta-data".to_owned(),
        ),
        ("private", format!("http://10.0.0.1:{port}/x")),
        ("unspecified", format!("http://0.0.0.0:{port}/x")),
    ]
    .iter()
    .map(|(name, endpoint)| Tool::new(name, "GET", endpoint))
    .collect();
    let (gateway, key) = with(&tools, |setup| setup.unset("upstream_allow"));
    let agent = Agent::new(&gateway, &key);
    for name in [
        "loopback",
        "by_name",
        "mapped",
        "other_spelling",
        "metadata",
        "private",
        "unspecified",
    ] {
        let begun = Instant::now();
        let text = failure(&agent, name);
        assert!(text.contains("address range"), "{name}: {text}");
        assert!(
            !text.contains("127.") && !text.contains("169."),
            "{name} tells no address: {text}"
        );
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "{name} is refused, not tried"
        );
        let refused = agent.invoke(name, json!({}));
        assert_eq!(
            (refused.status, &refused.json()["error"]["code"]),
            (502, &json!("BACKEND_ERROR"))
        );
    }
    assert_eq!(api.connections(), 0, "nobody was called");
}

#[test]
fn a_setting_of_one_tool_allows_that_tool_alone() {
    let api = mirror();
    let allowed = tool("tenant-acme", "allowed", &api).line("upstreamAllow: [127.0.0.1/32]");
    let tools = [allowed, tool("tenant-acme", "refused", &api)];
    let (gateway, key) = with(&tools, |setup| setup.unset("upstream_allow"));
    let agent = Agent::new(&gateway, &key);
    assert_eq!(agent.result("allowed", json!({}))["isError"], false);
    failure(&agent, "refused");
    assert_eq!(api.requests().len(), 1);
}

#[test]
fn redirects_are_not_followed() {
    let elsewhere = mirror();
    let target = format!("{}/stolen", elsewhere.url());
    let api = Api::start(move |request| {
        let status = request
            .path()
            .trim_start_matches("/to/")
            .parse()
            .unwrap_or(302);
        Reply::of(status, "text/html", "<a href=elsewhere>").header("location", &target)
    });
    let tools: Vec<Tool> = [301, 302, 303, 307, 308]
        .iter()
        .map(|status| {
            Tool::new(
                &format!("to_{status}"),
                "GET",
                &format!("{}/to/{status}", api.url()),
            )
        })
        .collect();
    let (gateway, key) = gateway(&tools);
    let agent = Agent::new(&gateway, &key);
    for status in [301, 302, 303, 307, 308] {
        let text = failure(&agent, &format!("to_{status}"));
        assert!(
            text.contains(&status.to_string()) && !text.contains("stolen"),
            "{text}"
        );
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn a_slow_api_is_given_its_time_and_no_more() {
    let api = Api::start(|request| match request.path() {
        "/late" => Reply::json(200, &json!({})).after(Duration::from_millis(500)),
        _ => Reply::none(Ending::Silence),
    });
    let tools = [
        tool("tenant-acme", "silent", &api).line("timeout: 400ms"),
        tool("tenant-acme", "late", &api).line("timeout: 5s"),
        tool("tenant-acme", "by_default", &api),
    ];
    let (gateway, key) = with(&tools, |setup| setup.set("upstream_timeout_ms", 600));
    let agent = Agent::new(&gateway, &key);
    for (name, least_ms) in [("silent", 400), ("by_default", 600)] {
        let begun = Instant::now();
        let text = failure(&agent, name);
        let waited = begun.elapsed();
        assert!(text.contains("in time"), "{text}");
        assert!(
            waited >= Duration::from_millis(least_ms - 10),
            "{name}: {waited:?}"
        );
        assert!(
            waited < Duration::from_millis(least_ms + 1_500),
            "{name}: {waited:?}"
        );
    }
    let refused = agent.invoke("silent", json!({}));
    assert_eq!(
        (refused.status, &refused.json()["error"]["code"]),
        (504, &json!("BACKEND_TIMEOUT"))
    );
    assert_eq!(agent.result("late", json!({}))["isError"], false);
    let silent = api
        .requests()
        .iter()
        .find(|request| request.path() == "/silent")
        .map(|request| request.connection);
    until("the API to be let go", || api.gone(silent?));
}

#[test]
fn a_dead_api_is_an_error_of_the_tool() {
    let endpoint = format!("http://127.0.0.1:{}/x", free_port());
    let (gateway, key) = gateway(&[
        Tool::new("dead", "GET", &endpoint),
        Tool::new("nowhere", "GET", "http://no-such-host.invalid/x"),
    ]);
    let agent = Agent::new(&gateway, &key);
    for name in ["dead", "nowhere"] {
        let text = failure(&agent, name);
        assert!(text.contains("could not be reached"), "{name}: {text}");
        let refused = agent.invoke(name, json!({}));
        assert_eq!(
            (refused.status, &refused.json()["error"]["code"]),
            (502, &json!("BACKEND_ERROR")),
            "{name}"
        );
    }
    assert_eq!(
        gateway.get("/ready").status,
        200,
        "one bad API is not the gateway's end"
    );
}

/// What an API may answer, and what becomes of it.
#[test]
fn answers_become_content() {
    let api = Api::start(|request| match request.path() {
        "/json" => Reply::json(
            200,
            &json!({"a": [1, null, "\u{fc}"], "n": 12345678901234567890_u64}),
        ),
        "/list" => Reply::json(200, &json!([1, 2])),
        "/text" => Reply::of(200, "text/plain", "two\nlines"),
        "/empty" => Reply::of(204, "text/plain", ""),
        "/image" => Reply::of(200, "image/png", [0x89, b'P', b'N', b'G']),
        "/pdf" => Reply::of(200, "application/pdf", "%PDF"),
        "/chunked" => Reply::json(200, &json!({"text": "x".repeat(1_000)})).ending(Ending::Chunked),
        "/closing" => Reply::json(200, &json!({"closing": true})).ending(Ending::Close),
        "/lying" => Reply::of(200, "application/json", "{not json"),
        "/half" => Reply::json(200, &json!({"text": "x".repeat(1_000)})).ending(Ending::Half),
        "/error" => Reply::of(
            422,
            "application/problem+json",
            r#"{"detail":"the order is closed"}"#,
        ),
        _ => Reply::of(500, "text/plain", "x".repeat(1_000_000)),
    });
    let names = [
        "json", "list", "text", "empty", "image", "pdf", "chunked", "closing", "lying", "half",
        "error", "huge",
    ];
    let tools: Vec<Tool> = names
        .iter()
        .map(|name| tool("tenant-acme", name, &api))
        .collect();
    let (gateway, key) = gateway(&tools);
    let agent = Agent::new(&gateway, &key);
    let result = |name| agent.result(name, json!({}));
    let structured = |name| result(name)["structuredContent"].clone();
    assert_eq!(
        structured("json"),
        json!({"a": [1, null, "\u{fc}"], "n": 12345678901234567890_u64})
    );
    assert_eq!(
        structured("list"),
        json!([1, 2]),
        "2026-07-28 takes any JSON"
    );
    assert_eq!(
        result("text")["content"],
        json!([{"type": "text", "text": "two\nlines"}])
    );
    assert_eq!(result("empty")["isError"], false);
    let image = result("image")["content"][0].clone();
    assert_eq!(
        (&image["type"], &image["mimeType"], &image["data"]),
        (&json!("image"), &json!("image/png"), &json!("iVBORw=="))
    );
    assert_eq!(result("pdf")["content"][0]["resource"]["blob"], "JVBERg==");
    assert_eq!(
        structured("chunked")["text"].as_str().map(str::len),
        Some(1_000)
    );
    for _ in 0..3 {
        assert_eq!(
            structured("closing"),
            json!({"closing": true}),
            "a connection closed behind an answer costs nothing"
        );
    }
    assert_eq!(
        result("lying")["content"][0]["text"],
        "{not json",
        "what is no JSON is text"
    );
    assert!(failure(&agent, "half").contains("broke off"));
    let text = failure(&agent, "error");
    assert!(
        text.contains("422") && text.contains("the order is closed"),
        "{text}"
    );
    assert!(
        failure(&agent, "huge").len() < 70_000,
        "an error's body is bounded"
    );
}

/// A kept-alive connection that the API closes in the moment of the next request.
#[test]
fn a_stale_connection_is_retried_once_and_only_where_that_is_safe() {
    let api = Api::start(|request| match request.position {
        0 => Reply::json(200, &json!({"position": 0})),
        _ => Reply::none(Ending::Nothing),
    });
    let tools = [
        Tool::new("read", "GET", &format!("{}/read", api.url())),
        Tool::new("replace", "PUT", &format!("{}/replace", api.url())),
        Tool::new("create", "POST", &format!("{}/create", api.url())),
    ];
    // One worker, so that all calls share a pool.
    let (gateway, key) = with(&tools, |setup| setup.set("workers", 1));
    let agent = Agent::new(&gateway, &key);
    let seen = |path: &str| {
        api.requests()
            .iter()
            .filter(|request| request.path() == path)
            .count()
    };
    assert_eq!(agent.result("read", json!({}))["isError"], false);
    for name in ["read", "replace"] {
        let result = agent.result(name, json!({}));
        assert_eq!(
            result["structuredContent"]["position"], 0,
            "{name} on a fresh connection: {result}"
        );
    }
    assert_eq!((seen("/read"), seen("/replace")), (3, 2));
    failure(&agent, "create");
    assert_eq!(
        seen("/create"),
        1,
        "what may not be done twice is not sent twice"
    );
}

#[test]
fn an_api_that_keeps_closing_is_asked_at_most_twice() {
    let fresh = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&fresh);
    let api = Api::start(move |request| {
        // The very first request is answered, so that its connection is kept.
        if counter.fetch_add(1, Ordering::SeqCst) == 0 && request.position == 0 {
            return Reply::json(200, &json!({}));
        }
        Reply::none(Ending::Nothing)
    });
    let (gateway, key) = with(&[tool("tenant-acme", "read", &api)], |setup| {
        setup.set("workers", 1)
    });
    let agent = Agent::new(&gateway, &key);
    assert_eq!(agent.result("read", json!({}))["isError"], false);
    failure(&agent, "read");
    assert_eq!(
        api.requests().len(),
        3,
        "once, and once more on a fresh connection"
    );
}

#[test]
fn a_failing_api_is_given_time_to_recover() {
    let healthy = Arc::new(AtomicBool::new(false));
    let state = Arc::clone(&healthy);
    let api = Api::start(
        move |request| match (request.path(), state.load(Ordering::SeqCst)) {
            ("/other", _) | (_, true) => Reply::json(200, &json!({"ok": true})),
            _ => Reply::of(503, "text/plain", "down"),
        },
    );
    let other = mirror();
    let tools = [
        tool("tenant-acme", "failing", &api),
        tool("tenant-acme", "elsewhere", &other),
    ];
    let (gateway, key) = with(&tools, |setup| setup.set("workers", 1));
    let agent = Agent::new(&gateway, &key);
    let refused = until("the breaker to open", || {
        let answer = agent.invoke("failing", json!({}));
        (answer.status == 503).then_some(answer)
    });
    assert_eq!(refused.json()["error"]["code"], "SERVICE_UNAVAILABLE");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    let sent = api.requests().len();
    assert!(
        (5..=20).contains(&sent),
        "after some failures, not one: {sent}"
    );
    assert!(failure(&agent, "failing").contains("time to recover"));
    assert_eq!(api.requests().len(), sent, "nothing is sent meanwhile");
    assert_eq!(
        agent.result("elsewhere", json!({}))["isError"],
        false,
        "other APIs go on"
    );
    healthy.store(true, Ordering::SeqCst);
    until("the API to be tried again", || {
        let result = agent.result("failing", json!({}));
        (result["isError"] == false).then_some(())
    });
    for _ in 0..20 {
        assert_eq!(agent.result("failing", json!({}))["isError"], false);
    }
}

#[test]
fn a_caller_s_mistakes_do_not_open_the_breaker() {
    let api = Api::start(|request| match request.path() {
        "/orders" => Reply::json(200, &json!({"ok": true})),
        _ => Reply::json(400, &json!({"error": "bad request"})),
    });
    let schema = r#"{"type":"object","properties":{"id":{"type":"string"}},"required":["id"]}"#;
    let tools = [
        tool("tenant-acme", "orders", &api),
        tool("tenant-acme", "strict", &api).input(schema),
        tool("tenant-acme", "rejecting", &api),
    ];
    let (gateway, key) = with(&tools, |setup| setup.set("workers", 1));
    let agent = Agent::new(&gateway, &key);
    for _ in 0..50 {
        failure(&agent, "strict");
        assert!(failure(&agent, "rejecting").contains("400"));
    }
    assert_eq!(agent.result("orders", json!({}))["isError"], false);
}

#[test]
fn an_argument_never_changes_where_a_call_goes() {
    let api = mirror();
    let schema = r#"{"type":"object","properties":{"id":{"type":"string"},"q":{"type":"string"}},"required":["id"]}"#;
    let one = Tool::new("one", "GET", &format!("{}/orders/{{id}}", api.url())).input(schema);
    let (gateway, key) = gateway(&[one]);
    let agent = Agent::new(&gateway, &key);
    let attacks = [
        "../admin",
        "a/b",
        "a?x=1",
        "a#b",
        "a\r\nx: y",
        "%2e%2e",
        "a b",
        "\u{fc}",
        "a;b",
        "\0",
    ];
    for attack in attacks {
        let before = api.requests().len();
        let answer: Value = agent.call("one", json!({"id": attack, "q": attack})).json();
        let requests = api.requests();
        for request in &requests[before..] {
            assert_eq!(
                request.path().matches('/').count(),
                2,
                "{attack:?}: {}",
                request.target
            );
            assert!(
                request.path().starts_with("/orders/"),
                "{attack:?}: {}",
                request.target
            );
            assert_eq!(
                request.target.matches(['?', '#']).count(),
                1,
                "{attack:?}: {}",
                request.target
            );
            assert_eq!(request.header("x"), None, "{attack:?}");
            assert!(
                request.target.is_ascii() && !request.target.contains(' '),
                "{}",
                request.target
            );
        }
        assert!(
            requests.len() > before || answer["result"]["isError"] == true,
            "{attack:?}: {answer}"
        );
    }
    for dots in [".", ".."] {
        agent.call("one", json!({"id": dots}));
    }
    let dotted = |segment: &str| segment == "." || segment == "..";
    assert!(
        api.requests()
            .iter()
            .all(|request| !request.path().split('/').any(dotted)),
        "no dot segments"
    );
}
