//! One event for every call, whatever became of it, with who, what, how long and why.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Agent, Answer, Api, Ending, Gateway, Reply, Session, Setup, until};
use crate::{mirror, tool};

struct World {
    gateway: Gateway,
    agent: String,
    reader: String,
    poor: String,
    api: Api,
}

fn world() -> World {
    let api = Api::start(|request| match request.path() {
        "/late" => Reply::json(200, &json!({})).after(Duration::from_secs(2)),
        "/gone" => Reply::json(404, &json!({"error": "gone"})),
        "/silent" | "/change" => Reply::none(Ending::Silence),
        _ => Reply::json(200, &json!({"target": request.target})),
    });
    let catalog = [
        tool("tenant-acme", "orders", &api)
            .input(r#"{"type":"object","properties":{"id":{"type":"string"}}}"#)
            .line("annotations: {readOnly: true}"),
        tool("tenant-acme", "gone", &api),
        tool("tenant-acme", "late", &api).line("timeout: 300ms"),
        tool("tenant-acme", "silent", &api),
        crate::support::tool::Tool::new("change", "POST", &format!("{}/change", api.url())),
    ];
    let mut setup = Setup::new().catalog("tools.yaml", &crate::support::tool::file(&catalog));
    let plenty = ["--rate", "1000000/min", "--burst", "1000"];
    let agent = setup.key("acme", "agent");
    let reader = setup.key_with(
        "acme",
        "reader",
        &[&plenty[..], &["--scope", "stoa:tools:read"]].concat(),
    );
    let poor = setup.key_with("acme", "poor", &["--rate", "1/min", "--burst", "1"]);
    World {
        gateway: setup.start(),
        agent,
        reader,
        poor,
        api,
    }
}

impl World {
    /// Does one thing by MCP and by REST, and expects an event of each.
    fn check(&self, key: &str, name: &str, arguments: &Value, status: &str, reason: Option<&str>) {
        for transport in ["streamable-http", "rest"] {
            let id = format!("{transport}-{name}-{status}");
            let agent = Agent::new(&self.gateway, key).with("x-request-id", &id);
            let answer: Answer = match transport {
                "rest" => agent.invoke(name, arguments.clone()),
                _ => agent.call(name, arguments.clone()),
            };
            assert_eq!(answer.header("x-request-id"), Some(id.as_str()));
            let event = self.gateway.event_of(&id);
            assert_eq!(event["status"], status, "{event}");
            // What an unknown caller says is not kept.
            let tool = if status == "unauthorized" { "" } else { name };
            assert_eq!(event["tool"], tool, "{event}");
            assert_eq!(event["action"], "tools/call", "{event}");
            assert_eq!(event["transport"], transport, "{event}");
            assert_eq!(event["metadata"]["reason"].as_str(), reason, "{event}");
            let number = |field: &str| {
                event[field]
                    .as_u64()
                    .unwrap_or_else(|| panic!("{field}: {event}"))
            };
            assert!(number("latency_us") > 0, "never cut to zero: {event}");
            assert_eq!(
                number("latency_us"),
                number("gateway_us") + number("backend_us"),
                "{event}"
            );
            assert_eq!(
                number("response_bytes"),
                answer.body.len() as u64,
                "{event}"
            );
        }
    }
}

#[test]
fn every_outcome_has_its_event() {
    let world = world();
    let none = json!({});
    world.check(&world.agent, "orders", &none, "success", None);
    world.check(&world.agent, "gone", &none, "error", None);
    world.check(
        &world.agent,
        "orders",
        &json!({"id": 7}),
        "error",
        Some("arguments_invalid"),
    );
    world.check(
        &world.agent,
        "nothing",
        &none,
        "not_found",
        Some("tool_unknown"),
    );
    world.check(
        &world.agent,
        "late",
        &none,
        "timeout",
        Some("upstream_timeout"),
    );
    world.check(
        &world.reader,
        "change",
        &none,
        "policy_denied",
        Some("scope_insufficient"),
    );
    Agent::new(&world.gateway, &world.poor).call("orders", json!({}));
    world.check(
        &world.poor,
        "orders",
        &none,
        "rate_limited",
        Some("rate_limited"),
    );
    world.check(
        "stoa_sk_none",
        "orders",
        &none,
        "unauthorized",
        Some("credentials_invalid"),
    );
}

#[test]
fn a_call_that_nobody_waits_for_is_recorded() {
    let world = world();
    let agent = Agent::new(&world.gateway, &world.agent).with("x-request-id", "left");
    let mut wire = world.gateway.connect();
    wire.send(agent.call_request("silent", json!({})));
    world.api.request_to("/silent");
    drop(wire);
    assert_eq!(world.gateway.event_of("left")["status"], "cancelled");
}

#[test]
fn lists_and_the_protocol_are_recorded_too() {
    let world = world();
    let agent = Agent::new(&world.gateway, &world.agent);
    agent.mcp("server/discover", json!({}));
    agent.tools();
    let session = Session::open(&agent, "2025-11-25");
    session.request("ping", json!({}));
    session.request("tools/list", json!({}));
    agent.get("/mcp/v1/tools");
    for (action, transport) in [
        ("server/discover", "streamable-http"),
        ("initialize", "streamable-http"),
        ("ping", "streamable-http"),
        ("tools/list", "streamable-http"),
        ("tools/list", "rest"),
    ] {
        world.gateway.event(action, |event| {
            event["action"] == action && event["transport"] == transport
        });
    }
}

#[test]
fn an_event_says_who_and_what() {
    let api = mirror();
    let orders = tool("tenant-acme", "orders", &api).line("costMultiplier: 3");
    let mut setup = Setup::new()
        .set("gateway_id", "gateway-of-a-test")
        .catalog("tools.yaml", &orders.yaml());
    let flags = [
        "--rate",
        "1000/min",
        "--consumer",
        "shop",
        "--may-name-consumer",
    ];
    let (named, plain) = (
        setup.key_with("acme", "named", &flags),
        setup.key("acme", "plain"),
    );
    let gateway = setup.start();
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let call = |key: &str, id: &str, headers: &[(&str, &str)]| {
        let agent = Agent::new(&gateway, key)
            .with("x-request-id", id)
            .with("traceparent", parent);
        let agent = headers
            .iter()
            .fold(agent, |agent, (name, value)| agent.with(name, value));
        assert_eq!(agent.call("orders", json!({})).status, 200);
        gateway.event_of(id)
    };
    let event = call(&named, "one", &[]);
    assert_eq!(event["gateway_id"], "gateway-of-a-test");
    assert_eq!(event["tenant"], "acme");
    assert_eq!(event["consumer"], "shop");
    assert_eq!(event["user_id"], "named");
    assert_eq!(event["mode"], "edge-mcp");
    assert_eq!(event["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    let cost = event["cost_units"].as_f64().expect("a cost");
    assert!(
        (0.003..0.004).contains(&cost),
        "base 0.001 times 3: {event}"
    );
    let id = event["event_id"].as_str().expect("an id");
    assert_eq!(id.as_bytes()[14], b'7', "a UUID of version 7: {id}");
    let event = call(&named, "two", &[("x-consumer-id", "shop-in-berlin")]);
    assert_eq!(
        event["consumer"], "shop-in-berlin",
        "who may name a consumer does"
    );
    let event = call(&plain, "three", &[("x-consumer-id", "somebody-else")]);
    assert_eq!(event["consumer"], "plain", "who may not, does not");
}

#[test]
fn a_killed_gateway_loses_nothing_older_than_its_flush_interval() {
    let world = world();
    let agent = Agent::new(&world.gateway, &world.agent);
    const CALLS: usize = 500;
    for _ in 0..CALLS {
        assert_eq!(agent.call("orders", json!({})).status, 200);
    }
    // The stated interval, and as much again for a loaded machine.
    crate::support::wait::pass(Duration::from_millis(200));
    let mut world = world;
    world.gateway.signal("KILL");
    assert!(!world.gateway.wait(Duration::from_secs(5)).success());
    let events = world.gateway.events();
    let calls = events
        .iter()
        .filter(|event| event["tool"] == "orders")
        .count();
    assert_eq!(calls, CALLS);
}

#[test]
fn events_go_on_after_a_restart() {
    let world = world();
    let agent = Agent::new(&world.gateway, &world.agent).with("x-request-id", "before");
    agent.call("orders", json!({}));
    let gateway = world.gateway.restart();
    Agent::new(&gateway, &world.agent)
        .with("x-request-id", "after")
        .call("orders", json!({}));
    let ids: Vec<Value> = until("both events", || {
        let ids: Vec<Value> = gateway
            .events()
            .iter()
            .map(|event| event["request_id"].clone())
            .collect();
        (ids.len() >= 2).then_some(ids)
    });
    assert_eq!(ids, ["before", "after"], "oldest first");
}
