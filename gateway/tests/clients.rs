//! Real MCP clients that others wrote do with the gateway what agents do: connect with a key, list, call,
//! see errors, see the list change, go.
//!
//! Python and JavaScript clients are driven by scripts in `clients/`, each as its makers document it;
//! `cargo xtask setup` installs them. Without them these tests are skipped with a printed reason, in CI they
//! fail.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests have no data path to block, and read the clock for deadlines"
)]

#[path = "support/harness.rs"]
mod support;

#[path = "clients/inspector.rs"]
mod inspector;
#[path = "clients/rust_sdk.rs"]
mod rust_sdk;

use serde_json::{Value, json};

use support::peer::{self, Script};
use support::tool::Tool;
use support::{Api, Gateway, Reply, Setup};

const ORDER_SCHEMA: &str = r#"{"type":"object","properties":{"order_id":{"type":"string","description":"e.g. A-1001"}},"required":["order_id"],"additionalProperties":false}"#;
const ORDER_OUTPUT: &str = r#"outputSchema: {"type":"object","properties":{"id":{"type":"string"},"total":{"type":"number"},"lines":{"type":"array","items":{"type":"object"}}},"required":["id","total"]}"#;

/// A gateway before an API with orders, and a caller's key.
struct World {
    gateway: Gateway,
    api: Api,
    key: String,
}

impl World {
    fn start() -> Self {
        let api = Api::start(|request| match request.path() {
            "/orders/A-1001" => Reply::json(200, &order()),
            _ => Reply::json(404, &json!({"error": "no such order"})),
        });
        let endpoint = format!("{}/orders/{{order_id}}", api.url());
        let get_order = Tool::new("get_order", "GET", &endpoint)
            .input(ORDER_SCHEMA)
            .line(ORDER_OUTPUT)
            .line("annotations: {readOnly: true}");
        let mut setup = Setup::new().catalog("orders.yaml", &get_order.yaml());
        let key = setup.key("acme", "agent");
        Self {
            gateway: setup.start(),
            api,
            key,
        }
    }

    /// Adds a tool, which clients that watch are to be told.
    fn change_list(&self) {
        let endpoint = format!("{}/payments", self.api.url());
        let tool = Tool::new("list_payments", "GET", &endpoint);
        self.gateway.write_catalog("payments.yaml", &tool.yaml());
    }

    /// Every call of a client is in the events, with how it ended.
    fn expect_events(&self) {
        let count = |tool: &str, status: &str| {
            let events = self.gateway.events();
            let of_tool = |event: &&Value| event["tool"] == tool && event["status"] == status;
            events.iter().filter(of_tool).count()
        };
        support::until("the events of all calls", || {
            let counted = (
                count("get_order", "success"),
                count("get_order", "error"),
                count("no_such_tool", "not_found"),
            );
            (counted == (1, 2, 1)).then_some(())
        });
        let calls = self.api.requests();
        assert_eq!(calls.len(), 2, "invalid arguments do not reach the API");
        for call in calls {
            assert!(
                call.headers
                    .iter()
                    .all(|(_, value)| !value.contains(&self.key)),
                "the caller's key is not passed on: {call:?}"
            );
        }
    }
}

fn order() -> Value {
    json!({"id": "A-1001", "total": 42.5, "lines": [{"item": "coffee", "count": 2}]})
}

/// What all clients have to see.
fn expect_steps(script: &mut Script, world: &World, revision: &str) {
    let connected = script.step("connected");
    assert_eq!(connected["protocol"], revision, "{connected}");
    assert_eq!(connected["server"], "stoa-gateway", "{connected}");
    let listed = script.step("listed");
    expect_tools(
        &listed["tools"],
        &["get_order", "stoa_catalog", "stoa_usage"],
    );
    expect_order(&script.step("called"));
    expect_invalid(&script.step("invalid"));
    expect_missing(&script.step("missing"));
    expect_unknown(&script.step("unknown"));
    if revision != support::agent::MODERN {
        script.step("pinged");
    }
    assert_eq!(script.step("watching")["honoured"], true);
    world.change_list();
    let changed = script.step("changed");
    let tools = ["get_order", "list_payments", "stoa_catalog", "stoa_usage"];
    expect_tools(&changed["tools"], &tools);
    script.step("closed");
}

fn expect_tools(found: &Value, expected: &[&str]) {
    let mut names: Vec<&str> = found
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    names.sort_unstable();
    assert_eq!(names, expected);
}

fn expect_order(called: &Value) {
    assert_eq!(called["is_error"], false, "{called}");
    assert_eq!(called["structured"], order(), "{called}");
    let text = called["text"].as_str().expect("a text");
    let text: Value = serde_json::from_str(text).expect("the text is the same JSON");
    assert_eq!(text, order());
}

fn expect_invalid(invalid: &Value) {
    assert_eq!(invalid["is_error"], true, "{invalid}");
    let text = invalid["text"].as_str().expect("a text");
    assert!(
        text.contains("order_id") && text.contains("string"),
        "a model must be able to correct its call: {text}"
    );
}

fn expect_missing(missing: &Value) {
    assert_eq!(missing["is_error"], true, "{missing}");
    let text = missing["text"].as_str().expect("a text");
    assert!(
        text.contains("404") && text.contains("no such order"),
        "{text}"
    );
}

fn expect_unknown(unknown: &Value) {
    assert_eq!(unknown["code"], -32602, "{unknown}");
}

fn run(world: &World, mut command: std::process::Command, revision: &str) {
    command
        .env("STOA_URL", world.gateway.url())
        .env("STOA_KEY", &world.key);
    let mut script = Script::start(command);
    expect_steps(&mut script, world, revision);
    script.finish();
    world.expect_events();
}

fn python(test: &str, mode: &str, revision: &str) {
    let Some(python) = peer::python(test) else {
        return;
    };
    let mut command = python.script("python.py");
    command.arg(mode);
    run(&World::start(), command, revision);
}

fn typescript(test: &str, arguments: &[&str], revision: &str) {
    let Some(node) = peer::node(test) else {
        return;
    };
    let mut command = node.script("typescript.mjs");
    command.args(arguments);
    run(&World::start(), command, revision);
}

#[test]
fn python_client_by_default() {
    python("python_client_by_default", "auto", "2026-07-28");
}

#[test]
fn python_client_in_legacy_mode() {
    python("python_client_in_legacy_mode", "legacy", "2025-11-25");
}

#[test]
fn typescript_sdk() {
    typescript("typescript_sdk", &["sdk"], "2025-11-25");
}

#[test]
fn typescript_client_by_default() {
    let arguments = ["client", "legacy"];
    typescript("typescript_client_by_default", &arguments, "2025-11-25");
}

#[test]
fn typescript_client_that_negotiates() {
    let arguments = ["client", "auto"];
    typescript(
        "typescript_client_that_negotiates",
        &arguments,
        "2026-07-28",
    );
}
