//! A hidden tool and a missing tool answer alike, on every way that names one; tenants see their own tools
//! and the platform's, nothing else.

use serde_json::{Value, json};

use crate::support::tool::Tool;
use crate::support::{Agent, Api, Gateway, Session, Setup};
use crate::{anonymised, mirror, tool};

struct World {
    gateway: Gateway,
    acme: String,
    globex: String,
    narrow: String,
    reader: String,
    admin: String,
    _api: Api,
}

const PLENTY: [&str; 4] = ["--rate", "1000000/min", "--burst", "100000"];

fn world() -> World {
    let api = mirror();
    let catalog = [
        tool("tenant-acme", "orders", &api).line("annotations: {readOnly: true}"),
        Tool::new("refunds", "POST", &format!("{}/refunds", api.url())),
        tool("tenant-globex", "payroll", &api),
        tool("tenant-globex", "orders", &api).line("displayName: Orders of Globex"),
        tool("stoa-system", "stoa_clock", &api).line("annotations: {readOnly: true}"),
    ];
    let mut setup = Setup::new().catalog("tools.yaml", &crate::support::tool::file(&catalog));
    let flags = |flags: &[&'static str]| [&PLENTY, flags].concat();
    let acme = setup.key_with("acme", "agent", &PLENTY);
    let globex = setup.key_with("tenant-globex", "agent", &PLENTY);
    let narrow = setup.key_with("acme", "narrow", &flags(&["--tool-allow", "orders"]));
    let reader = setup.key_with("acme", "reader", &flags(&["--scope", "stoa:tools:read"]));
    let admin = setup.key_with("acme", "admin", &flags(&["--role", "cpi-admin"]));
    World {
        gateway: setup.start(),
        acme,
        globex,
        narrow,
        reader,
        admin,
        _api: api,
    }
}

const BUILT_IN: [&str; 2] = ["stoa_catalog", "stoa_usage"];

fn expect_sees(agent: &Agent<'_>, own: &[&str]) {
    let mut expected: Vec<String> = own.iter().map(|name| (*name).to_owned()).collect();
    expected.extend(BUILT_IN.map(str::to_owned));
    expected.sort_unstable();
    let sorted = |mut names: Vec<String>| {
        names.sort_unstable();
        names
    };
    assert_eq!(sorted(agent.tools()), expected, "by MCP");
    let listed = agent.get("/mcp/v1/tools").json();
    assert_eq!(sorted(names(&listed["tools"])), expected, "by REST");
    assert_eq!(listed["totalCount"], expected.len());
    let found = agent.result("stoa_catalog", json!({"action": "list"}));
    let text = found["structuredContent"].to_string();
    for name in own {
        assert!(text.contains(name), "stoa_catalog knows {name}: {text}");
    }
}

fn names(tools: &Value) -> Vec<String> {
    let tools = tools.as_array().expect("a list");
    tools
        .iter()
        .map(|tool| tool["name"].as_str().expect("a name").to_owned())
        .collect()
}

#[test]
fn a_tenant_sees_its_own_tools_and_the_platform_s() {
    let world = world();
    let agent = |key| Agent::new(&world.gateway, key);
    expect_sees(&agent(&world.acme), &["orders", "refunds", "stoa_clock"]);
    expect_sees(&agent(&world.globex), &["payroll", "orders", "stoa_clock"]);
    let all = [
        "acme__orders",
        "acme__refunds",
        "globex__payroll",
        "globex__orders",
        "stoa_clock",
    ];
    expect_sees(&agent(&world.admin), &all);
}

#[test]
fn a_key_s_tool_list_and_scopes_narrow_what_it_sees() {
    let world = world();
    let narrow = Agent::new(&world.gateway, &world.narrow);
    assert_eq!(narrow.tools(), ["orders"]);
    assert_eq!(
        narrow.call("refunds", json!({})).json()["error"]["code"],
        -32602
    );
    // Who may only read is shown only what changes nothing.
    let reader = Agent::new(&world.gateway, &world.reader).tools();
    assert!(
        reader.contains(&"orders".to_owned()) && !reader.contains(&"refunds".to_owned()),
        "{reader:?}"
    );
}

#[test]
fn the_same_name_means_each_tenant_s_own_tool() {
    let world = world();
    let title = |key| {
        let described = Agent::new(&world.gateway, key)
            .get("/mcp/v1/tools/orders")
            .json();
        described["title"].clone()
    };
    assert_eq!(title(&world.globex), "Orders of Globex");
    assert_eq!(title(&world.acme), Value::Null);
}

/// Another tenant's tool, in every spelling; a tool that the key's list leaves out; each beside a name that
/// nobody has.
#[test]
fn hidden_and_missing_answer_alike() {
    let world = world();
    let pairs: [(&String, &str, &str); 5] = [
        (&world.acme, "payroll", "nothing"),
        (&world.acme, "globex:payroll", "globex:nothing"),
        (
            &world.acme,
            "tenant-globex:payroll",
            "tenant-nobody:payroll",
        ),
        (&world.acme, "globex__payroll", "globex__nothing"),
        (&world.narrow, "refunds", "nothing"),
    ];
    for (key, hidden, missing) in pairs {
        let agent = Agent::new(&world.gateway, key);
        let alike = |way: &str, ask: &dyn Fn(&str) -> crate::support::Answer| {
            let (one, other) = (ask(hidden), ask(missing));
            assert_eq!(
                anonymised(&one, hidden),
                anonymised(&other, missing),
                "{way}: {hidden}, {missing}"
            );
            one
        };
        let called = alike("call", &|name| agent.call(name, json!({})));
        let code = called.json()["error"]["code"].clone();
        assert_eq!(code, -32602, "{hidden}: {}", called.text());
        let invoked = alike("invoke", &|name| agent.invoke(name, json!({})));
        assert_eq!(
            (invoked.status, &invoked.json()["error"]["code"]),
            (404, &json!("TOOL_NOT_FOUND"))
        );
        let described = alike("describe", &|name| {
            agent.get(&format!("/mcp/v1/tools/{name}"))
        });
        assert_eq!(described.status, 404);
        alike("stoa_catalog", &|name| {
            agent.call("stoa_catalog", json!({"action": "get", "name": name}))
        });
        // Arguments that would not fit the hidden tool tell nothing either.
        alike("bad arguments", &|name| {
            agent.call(name, json!({"x": [1, 2, 3]}))
        });
    }
    let mut searched = Agent::new(&world.gateway, &world.acme)
        .result(
            "stoa_catalog",
            json!({"action": "search", "query": "payroll"}),
        )
        .to_string();
    searched.make_ascii_lowercase();
    assert!(!searched.contains("the tool payroll"), "{searched}");
}

#[test]
fn hidden_and_missing_answer_alike_in_sessions() {
    let world = world();
    let agent = Agent::new(&world.gateway, &world.acme);
    for revision in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let session = Session::open(&agent, revision);
        let call =
            |name: &str| session.request("tools/call", json!({"name": name, "arguments": {}}));
        let (hidden, missing) = (call("payroll"), call("nothing"));
        assert_eq!(
            anonymised(&hidden, "payroll"),
            anonymised(&missing, "nothing"),
            "{revision}"
        );
    }
    // And in a batch, which must not be a second way in.
    let session = Session::open(&agent, "2025-03-26");
    let message = |id, name| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name, "arguments": {}}});
    let batch = session
        .post(&json!([
            message(1, "orders"),
            message(2, "payroll"),
            message(3, "nothing")
        ]))
        .json();
    assert_eq!(batch[0]["result"]["isError"], false, "{batch}");
    assert_eq!(batch[1]["error"], batch[2]["error"], "{batch}");
}

#[test]
fn every_spelling_of_an_own_tool_is_taken() {
    let world = world();
    let agent = Agent::new(&world.gateway, &world.acme);
    for name in ["orders", "acme:orders", "tenant-acme:orders"] {
        let result = agent.result(name, json!({}));
        assert_eq!(result["structuredContent"]["target"], "/orders", "{name}");
    }
    let admin = Agent::new(&world.gateway, &world.admin);
    for name in ["globex__payroll", "globex:payroll"] {
        assert_eq!(
            admin.result(name, json!({}))["structuredContent"]["target"],
            "/payroll",
            "{name}"
        );
    }
}

#[test]
fn a_tenant_is_not_taken_from_headers() {
    let world = world();
    let headers = [
        "X-Tenant-ID",
        "X-Tenant",
        "X-Stoa-Tenant",
        "Tenant",
        "X-Forwarded-Tenant",
    ];
    for header in headers {
        let agent = Agent::new(&world.gateway, &world.acme).with(header, "globex");
        assert_eq!(
            agent.call("payroll", json!({})).json()["error"]["code"],
            -32602,
            "{header}"
        );
    }
}

#[test]
fn a_missing_scope_is_named() {
    let world = world();
    let reader = Agent::new(&world.gateway, &world.reader);
    let called = reader.call("refunds", json!({}));
    assert_eq!(called.status, 403, "{}", called.text());
    let challenge = called
        .header("www-authenticate")
        .expect("a challenge")
        .to_owned();
    assert!(
        challenge.contains("insufficient_scope") && challenge.contains("stoa:tools:execute"),
        "{challenge}"
    );
    let invoked = reader.invoke("refunds", json!({}));
    assert_eq!(
        (invoked.status, &invoked.json()["error"]["code"]),
        (403, &json!("SCOPE_INSUFFICIENT"))
    );
}
