//! What changes while the gateway runs: live within a second, one bad file never costs another, and who is
//! told of a change finds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::wire::Wire;
use crate::support::{Agent, Api, Ending, Gateway, Reply, Setup, until, within};
use crate::{mirror, tool};

/// "Within a second", and as much again for a loaded machine.
const LIVE_WITHIN: Duration = Duration::from_secs(2);

fn expect_tools(agent: &Agent<'_>, expected: &[&str]) {
    expect_tools_within(LIVE_WITHIN, agent, expected);
}

fn expect_tools_within(time: Duration, agent: &Agent<'_>, expected: &[&str]) {
    within(time, &format!("the tools {expected:?}"), || {
        let mut names = agent.tools();
        names.retain(|name| !name.starts_with("stoa_"));
        (names == expected).then_some(())
    });
}

#[test]
fn files_come_change_and_go() {
    let api = mirror();
    let mut setup = Setup::new();
    let key = setup.key("acme", "agent");
    let gateway = setup.start();
    let agent = Agent::new(&gateway, &key);
    expect_tools(&agent, &[]);
    gateway.write_catalog("a.yaml", &tool("tenant-acme", "orders", &api).yaml());
    expect_tools(&agent, &["orders"]);
    std::fs::create_dir(gateway.folder().join("catalog/deeper")).expect("a folder");
    gateway.write_catalog("deeper/b.yml", &tool("tenant-acme", "refunds", &api).yaml());
    expect_tools(&agent, &["orders", "refunds"]);
    gateway.write_catalog("a.yaml", &tool("tenant-acme", "invoices", &api).yaml());
    expect_tools(&agent, &["invoices", "refunds"]);
    assert_eq!(
        agent.call("orders", json!({})).json()["error"]["code"],
        -32602,
        "what is gone cannot be called"
    );
    gateway.remove_catalog("deeper/b.yml");
    expect_tools(&agent, &["invoices"]);
}

#[test]
fn a_bad_file_keeps_its_last_good_version_and_costs_no_other() {
    let api = mirror();
    let mut setup = Setup::new()
        .catalog("good.yaml", &tool("tenant-acme", "orders", &api).yaml())
        .catalog("bad.yaml", &tool("tenant-acme", "refunds", &api).yaml());
    let key = setup.key("acme", "agent");
    let gateway = setup.start();
    let agent = Agent::new(&gateway, &key);
    expect_tools(&agent, &["orders", "refunds"]);
    let good = tool("tenant-acme", "refunds", &api).yaml();
    let broken = [
        "kind: Tool\nspec: [unclosed".to_owned(),
        good.replace("endpoint: http", "endpoint: gopher"),
        good.replace("method: GET", "method: FETCH"),
        good.replace("kind: Tool", "kind: Tol"),
        good.replace(r#"{"type":"object"}"#, r#"{"type":"no such type"}"#),
        String::from_utf8_lossy(&[0xff, 0xfe, 0]).into_owned(),
    ];
    for text in broken {
        gateway.write_catalog("bad.yaml", &text);
        let told = within(LIVE_WITHIN, "/ready to tell of the bad file", || {
            let answer = gateway.get("/ready");
            assert_eq!(answer.status, 200, "it goes on serving: {}", answer.text());
            answer.text().contains("bad.yaml").then(|| answer.text())
        });
        assert!(!told.contains("good.yaml"), "{told}");
        assert_eq!(
            agent.result("refunds", json!({}))["isError"],
            false,
            "the last good version: {text}"
        );
        // A change elsewhere is taken meanwhile.
        gateway.write_catalog("other.yaml", &tool("tenant-acme", "invoices", &api).yaml());
        expect_tools(&agent, &["invoices", "orders", "refunds"]);
        gateway.remove_catalog("other.yaml");
        expect_tools(&agent, &["orders", "refunds"]);
    }
    assert!(gateway.log().contains("bad.yaml"), "the log tells");
    gateway.write_catalog("bad.yaml", &tool("tenant-acme", "repaired", &api).yaml());
    expect_tools(&agent, &["orders", "repaired"]);
    within(LIVE_WITHIN, "/ready to be content", || {
        (!gateway.get("/ready").text().contains("bad.yaml")).then_some(())
    });
}

#[test]
fn a_bad_keys_file_keeps_the_keys_there_were() {
    let api = mirror();
    let mut setup = Setup::new().catalog("a.yaml", &tool("tenant-acme", "orders", &api).yaml());
    let key = setup.key("acme", "agent");
    let gateway = setup.start();
    let agent = Agent::new(&gateway, &key);
    assert_eq!(agent.call("orders", json!({})).status, 200);
    std::fs::write(gateway.keys(), "keys: [nonsense").expect("the keys file");
    within(LIVE_WITHIN, "the log to tell", || {
        gateway.log().contains("keys.yaml").then_some(())
    });
    assert_eq!(agent.call("orders", json!({})).status, 200);
    assert_eq!(
        Agent::anonymous(&gateway).call("orders", json!({})).status,
        401,
        "and none is never an open door"
    );
}

/// A ToolSet whose document is at a path of an API.
fn tool_set(name: &str, api: &Api, path: &str) -> String {
    format!(
        "apiVersion: gostoa.dev/v1alpha1\nkind: ToolSet\nmetadata: {{name: {name}, namespace: tenant-acme}}\n\
         spec: {{openAPISpec: {{url: '{}{path}', refreshInterval: 1s}}}}\n",
        api.url()
    )
}

/// An API with one operation that has a document, once `is_there`; before, it answers as `otherwise` says.
fn documented(is_there: &Arc<AtomicBool>, otherwise: fn() -> Reply) -> Api {
    let is_there = Arc::clone(is_there);
    let document = json!({
        "openapi": "3.0.3",
        "info": {"title": "Invoices", "version": "1"},
        "servers": [{"url": "/"}],
        "paths": {"/invoices": {"get": {
            "operationId": "list_invoices",
            "responses": {"200": {"description": "Invoices"}},
        }}},
    });
    Api::start(move |request| match request.path() {
        "/openapi.json" if is_there.load(Ordering::SeqCst) => Reply::json(200, &document),
        "/openapi.json" => otherwise(),
        _ => Reply::json(200, &json!({})),
    })
}

#[test]
fn a_document_is_waited_for_at_the_start_and_only_there() {
    let is_there = Arc::new(AtomicBool::new(false));
    let late = || Reply::json(404, &json!({})).after(Duration::from_secs(2));
    let api = documented(&is_there, late);
    let mut setup = Setup::new()
        .catalog("good.yaml", &tool("tenant-acme", "orders", &api).yaml())
        .catalog("late.yaml", &tool_set("invoices", &api, "/openapi.json"));
    let key = setup.key("acme", "agent");
    let gateway = setup.listen();
    let agent = Agent::new(&gateway, &key);
    let awaited = gateway.get("/ready");
    let catalog = &awaited.json()["catalog"];
    assert_eq!(awaited.status, 503, "{catalog}");
    let name = json!(["ToolSet tenant-acme/invoices"]);
    assert_eq!(catalog["toolsets_awaited"], name, "the reason: {catalog}");
    let served = agent.call("orders", json!({}));
    assert_eq!(served.status, 200, "who calls already is served");
    // The first try ends in vain: the gateway is ready, and says what is missing.
    until("the gateway to be ready", || {
        (gateway.get("/ready").status == 200).then_some(())
    });
    let catalog = gateway.get("/ready").json()["catalog"].clone();
    assert_eq!(catalog["toolsets_degraded"], name, "{catalog}");
    assert_eq!(catalog["toolsets_awaited"], json!([]), "{catalog}");
    let problem = catalog["problems"][0].as_str().expect("the reason");
    assert!(
        problem.contains("late.yaml") && problem.contains("404"),
        "{problem}"
    );
    // One that is added later takes nobody down, though its server says nothing at all.
    let silent = Api::start(|_| Reply::none(Ending::Silence));
    gateway.write_catalog("silent.yaml", &tool_set("silent", &silent, "/openapi.json"));
    silent_is_asked(&silent, &gateway);
    is_there.store(true, Ordering::SeqCst);
    expect_tools_within(
        Duration::from_secs(10),
        &agent,
        &["list_invoices", "orders"],
    );
    let catalog = gateway.get("/ready").json()["catalog"].clone();
    assert_eq!(catalog["toolsets_degraded"], json!([]), "{catalog}");
}

/// The document is being fetched, and the gateway stays ready.
fn silent_is_asked(silent: &Api, gateway: &Gateway) {
    until("the document to be asked for", || {
        (silent.connections() > 0).then_some(())
    });
    let ready = gateway.get("/ready");
    assert_eq!(ready.status, 200, "{}", ready.text());
}

#[test]
fn the_tools_of_a_document_are_there_when_the_gateway_is_ready() {
    let api = documented(&Arc::new(AtomicBool::new(true)), || {
        Reply::json(500, &json!({}))
    });
    let mut setup = Setup::new().catalog("set.yaml", &tool_set("invoices", &api, "/openapi.json"));
    let key = setup.key("acme", "agent");
    let gateway = setup.start();
    assert!(
        Agent::new(&gateway, &key)
            .tools()
            .contains(&"list_invoices".to_owned())
    );
}

/// A subscription of 2026-07-28, acknowledged.
fn listen(gateway: &Gateway, key: &str) -> Wire {
    let agent = Agent::new(gateway, key);
    let body = json!({
        "jsonrpc": "2.0", "id": "listen:7", "method": "subscriptions/listen",
        "params": {
            "notifications": {"toolsListChanged": true, "promptsListChanged": true},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        },
    });
    let headers = "mcp-protocol-version: 2026-07-28\r\nmcp-method: subscriptions/listen\r\n";
    let mut wire = gateway.connect();
    wire.send(agent.request("POST", "/mcp", headers, &body.to_string()));
    assert_eq!(wire.head().status, 200);
    let acknowledged = notification(&mut wire);
    assert_eq!(
        acknowledged["method"],
        "notifications/subscriptions/acknowledged"
    );
    let honoured = &acknowledged["params"]["notifications"];
    assert_eq!(honoured["toolsListChanged"], true, "{acknowledged}");
    assert_ne!(
        honoured["promptsListChanged"], true,
        "only what there is: {acknowledged}"
    );
    wire
}

/// The next message on a stream.
fn notification(wire: &mut Wire) -> Value {
    loop {
        let text = String::from_utf8(wire.chunk()).expect("UTF-8");
        assert!(!text.is_empty(), "the stream ended");
        let data: String = text
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .collect();
        if !data.is_empty() {
            let message: Value = serde_json::from_str(&data).expect("JSON");
            return message;
        }
    }
}

#[test]
fn who_is_told_of_a_change_finds_it_on_every_worker() {
    let api = mirror();
    let mut setup = Setup::new().set("workers", 4);
    let key = setup.key("acme", "agent");
    let gateway = setup.start();
    let mut stream = listen(&gateway, &key);
    for round in 0..10 {
        let name = format!("tool_{round}");
        gateway.write_catalog("a.yaml", &tool("tenant-acme", &name, &api).yaml());
        let told = notification(&mut stream);
        assert_eq!(told["method"], "notifications/tools/list_changed", "{told}");
        let tag = &told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"];
        assert_eq!(tag, "listen:7", "{told}");
        // Each connection is of its own, so that all workers are asked.
        for _ in 0..12 {
            let names = Agent::new(&gateway, &key).tools();
            assert!(names.contains(&name), "round {round}: {names:?}");
        }
    }
}

#[test]
fn only_who_sees_a_change_is_told() {
    let api = mirror();
    let mut setup = Setup::new();
    let (acme, globex) = (setup.key("acme", "agent"), setup.key("globex", "agent"));
    let gateway = setup.start();
    let mut streams = [listen(&gateway, &acme), listen(&gateway, &globex)];
    gateway.write_catalog("a.yaml", &tool("tenant-acme", "orders", &api).yaml());
    assert_eq!(
        notification(&mut streams[0])["method"],
        "notifications/tools/list_changed"
    );
    // The platform's change is for everyone; it is the first that globex hears of.
    gateway.write_catalog("b.yaml", &tool("stoa-system", "stoa_clock", &api).yaml());
    notification(&mut streams[1]);
    gateway.write_catalog("c.yaml", &tool("tenant-globex", "payroll", &api).yaml());
    notification(&mut streams[1]);
    let silent = streams[1].end_or_bytes(Duration::from_millis(300));
    assert_eq!(silent, None, "two changes, two notifications");
}

#[test]
fn check_tells_of_every_mistake() {
    let api = mirror();
    let gateway = Setup::new().start();
    gateway.write_catalog("good.yaml", &tool("tenant-acme", "orders", &api).yaml());
    let output = until("check to be content", || {
        let output = check(&gateway);
        output.status.success().then_some(output)
    });
    assert!(output.stderr.is_empty() || output.status.success());
    let bad = tool("tenant-acme", "refunds", &api).yaml();
    gateway.write_catalog("one.yaml", &bad.replace("method: GET", "method: FETCH"));
    gateway.write_catalog("two.yaml", &bad.replace("endpoint:", "endpoit:"));
    let output = check(&gateway);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    for part in ["one.yaml:", "FETCH", "two.yaml:", "endpoit", "endpoint"] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

fn check(gateway: &Gateway) -> std::process::Output {
    let mut command = crate::support::gateway::program();
    command
        .args(["check", "--config"])
        .arg(gateway.folder().join("config.yaml"));
    command
        .current_dir(gateway.folder())
        .output()
        .expect("the gateway's program")
}
