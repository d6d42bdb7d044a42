//! Who calls: without a good key nothing is said; keys come, go and expire while the gateway runs.

use std::time::Duration;

use serde_json::json;

use crate::support::wait::SOON;
use crate::support::wire::End;
use crate::support::{Agent, Answer, Gateway, Session, Setup, until, within};
use crate::{mirror, tool};

/// What a caller gets who is nobody.
fn expect_unknown(answer: &Answer, code: &str) {
    assert_eq!(answer.status, 401, "{}", answer.text());
    let challenge = answer.header("www-authenticate").expect("a challenge");
    assert!(challenge.starts_with("Bearer"), "{challenge}");
    let error = answer.json()["error"].clone();
    assert!(error["code"] == code || error["code"] == 401, "{error}");
    let said = answer.text();
    assert!(
        !said.contains("orders"),
        "nothing is told of the catalog: {said}"
    );
}

struct World {
    gateway: Gateway,
    key: String,
    _api: crate::support::Api,
}

fn world() -> World {
    let api = mirror();
    let mut setup = Setup::new().catalog("tools.yaml", &tool("tenant-acme", "orders", &api).yaml());
    let key = setup.key("acme", "agent");
    World {
        gateway: setup.start(),
        key,
        _api: api,
    }
}

/// Every way in, asked by one caller.
fn every_way(agent: &Agent<'_>) -> Vec<Answer> {
    let initialize = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    });
    let batch = json!([{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}]);
    vec![
        agent.mcp("server/discover", json!({})),
        agent.mcp("tools/list", json!({})),
        agent.call("orders", json!({})),
        agent.mcp(
            "subscriptions/listen",
            json!({"notifications": {"toolsListChanged": true}}),
        ),
        agent.send("POST", "/mcp", "", &initialize.to_string()),
        agent.send("POST", "/mcp", "mcp-session-id: x\r\n", &batch.to_string()),
        agent.send("GET", "/mcp", "mcp-session-id: x\r\n", ""),
        agent.send("DELETE", "/mcp", "mcp-session-id: x\r\n", ""),
        agent.get("/mcp/v1/tools"),
        agent.get("/mcp/v1/tools/orders"),
        agent.get("/mcp/v1/tools/categories"),
        agent.get("/mcp/v1/tools/tags"),
        agent.invoke("orders", json!({})),
        agent.send("POST", "/mcp/v1/tools/orders", "", r#"{"arguments":{}}"#),
    ]
}

#[test]
fn every_way_asks_for_a_key() {
    let world = world();
    for (position, answer) in every_way(&Agent::anonymous(&world.gateway))
        .iter()
        .enumerate()
    {
        assert_eq!(answer.status, 401, "way {position}: {}", answer.text());
        expect_unknown(answer, "AUTH_REQUIRED");
    }
}

/// The bytes of a body that are read for anyone, as the gateway's documentation states them.
const UNREAD_BODY_BYTES_MAX: usize = 64 * 1024;

/// A head that announces a body; nothing of the body.
fn announce(gateway: &Gateway, path: &str, key: &str, framing: &str) -> String {
    let host = gateway.host();
    format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
         authorization: Bearer {key}\r\n{framing}\r\n"
    )
}

/// White space behind a document is no part of it.
fn padded(document: &str, bytes: usize) -> String {
    document.to_owned() + &" ".repeat(bytes - document.len())
}

#[test]
fn a_large_body_is_not_read_for_who_is_nobody() {
    let world = world();
    let large = format!("content-length: {}\r\n", UNREAD_BODY_BYTES_MAX + 1);
    let framings = [
        large.clone(),
        format!("expect: 100-continue\r\n{large}"),
        "expect: 100-continue\r\ntransfer-encoding: chunked\r\n".to_owned(),
    ];
    for path in ["/mcp", "/mcp/v1/tools/orders/invoke"] {
        for framing in &framings {
            let mut wire = world.gateway.connect();
            wire.send(announce(&world.gateway, path, "stoa_sk_x", framing));
            let answer = wire.answer();
            expect_unknown(&answer, "INVALID_TOKEN");
            assert!(answer.closes(), "{path}, {framing}: {answer:?}");
            assert_ne!(wire.end(SOON), End::Open, "{path}, {framing}");
            let id = answer.header("x-request-id").expect("an id").to_owned();
            let event = world.gateway.event_of(&id);
            assert_eq!(event["status"], "unauthorized", "recorded as any: {event}");
        }
    }
    let mut wire = world.gateway.connect();
    wire.send(announce(&world.gateway, "/nowhere", "stoa_sk_x", &large));
    assert_eq!(wire.answer().status, 404, "nor where there is nothing");
}

#[test]
fn a_small_body_is_read_so_that_its_refusal_names_the_request() {
    let world = world();
    let message = r#"{"jsonrpc":"2.0","id":"seven","method":"tools/list"}"#;
    for (bytes, id) in [
        (UNREAD_BODY_BYTES_MAX, json!("seven")),
        (UNREAD_BODY_BYTES_MAX + 1, json!(null)),
    ] {
        let framing = format!("content-length: {bytes}\r\n");
        let mut wire = world.gateway.connect();
        wire.send(announce(&world.gateway, "/mcp", "stoa_sk_x", &framing));
        // The larger one was refused before; its sender need not have noticed.
        let _ = wire.try_send(padded(message, bytes));
        let answer = wire.answer();
        assert_eq!(answer.status, 401, "{}", answer.text());
        assert_eq!(answer.json()["id"], id, "a body of {bytes} bytes");
    }
}

#[test]
fn a_large_body_of_a_known_caller_is_asked_for_and_read() {
    let world = world();
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"orders","arguments":{},
        "_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
    let bytes = 3 * UNREAD_BODY_BYTES_MAX;
    let modern =
        "mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: orders\r\n";
    let asks = "expect: 100-continue\r\n";
    let whole = padded(request, bytes);
    let (one, two) = whole.split_at(bytes / 2);
    let chunks = format!(
        "{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n",
        one.len(),
        two.len()
    );
    for (framing, body) in [
        (format!("content-length: {bytes}\r\n"), whole.clone()),
        ("transfer-encoding: chunked\r\n".to_owned(), chunks),
    ] {
        let mut wire = world.gateway.connect();
        let lines = format!("{modern}{asks}{framing}");
        wire.send(announce(&world.gateway, "/mcp", &world.key, &lines));
        assert_eq!(wire.answer().status, 100, "{framing}");
        wire.send(&body);
        let answer = wire.answer();
        assert_eq!(answer.status, 200, "{framing}: {}", answer.text());
        assert!(!answer.closes(), "{framing}");
        assert_eq!(answer.json()["result"]["isError"], false);
    }
}

#[test]
fn a_key_that_is_not_exactly_right_is_none() {
    let world = world();
    let key = &world.key;
    let (start, last) = key.split_at(key.len() - 1);
    let other_last = if last == "A" { "B" } else { "A" };
    let prefix = key.rsplit_once('_').expect("a key has parts").0;
    let wrong = [
        start.to_owned(),
        format!("{start}{other_last}"),
        format!("{key}A"),
        format!("{prefix}_"),
        prefix.to_owned(),
        "stoa_sk_".to_owned(),
        "x".to_owned(),
        key.to_uppercase(),
        "a".repeat(8_000),
    ];
    for key in wrong {
        for answer in every_way(&Agent::new(&world.gateway, &key)) {
            expect_unknown(&answer, "INVALID_TOKEN");
        }
    }
}

#[test]
fn a_key_is_taken_from_its_header_only() {
    let world = world();
    let key = &world.key;
    let anonymous = Agent::anonymous(&world.gateway);
    for path in [
        format!("/mcp/v1/tools?key={key}"),
        format!("/mcp/v1/tools?api_key={key}"),
        format!("/mcp/v1/tools?access_token={key}"),
    ] {
        assert_eq!(
            anonymous.get(&path).status,
            401,
            "never from a query, which ends up in logs"
        );
    }
    let cookie = format!("cookie: key={key}\r\n");
    assert_eq!(
        anonymous.send("GET", "/mcp/v1/tools", &cookie, "").status,
        401
    );
    for scheme in ["bearer", "BEARER", "Bearer"] {
        let header = format!("authorization: {scheme} {key}\r\n");
        assert_eq!(
            anonymous.send("GET", "/mcp/v1/tools", &header, "").status,
            200,
            "{scheme} has no case"
        );
    }
    for header in [
        format!("authorization: {key}\r\n"),
        format!("authorization: Basic {key}\r\n"),
    ] {
        assert_eq!(
            anonymous.send("GET", "/mcp/v1/tools", &header, "").status,
            401
        );
    }
}

fn status(world: &World, key: &str) -> u16 {
    Agent::new(&world.gateway, key)
        .call("orders", json!({}))
        .status
}

#[test]
fn keys_come_and_go_while_the_gateway_runs() {
    let world = world();
    let second = world.gateway.key("acme", "second", &["--rate", "1000/min"]);
    within(Duration::from_secs(3), "a new key to be known", || {
        (status(&world, &second) == 200).then_some(())
    });
    world.gateway.key_command(&["revoke", "--name", "second"]);
    within(
        Duration::from_secs(3),
        "a revoked key to be refused",
        || (status(&world, &second) == 401).then_some(()),
    );
    assert_eq!(status(&world, &world.key), 200, "others are not touched");
}

#[test]
fn both_keys_work_while_one_is_rotated() {
    let world = world();
    let old = &world.key;
    let successor = world
        .gateway
        .key_command(&["rotate", "--name", "agent", "--overlap", "1h"]);
    let successor = successor.trim();
    within(Duration::from_secs(3), "the successor to be known", || {
        (status(&world, successor) == 200).then_some(())
    });
    assert_eq!(status(&world, old), 200, "as promised, for an hour");
    world.gateway.key_command(&["revoke", "--name", "agent"]);
    until("both to be refused", || {
        (status(&world, old) == 401 && status(&world, successor) == 401).then_some(())
    });
}

#[test]
fn a_key_expires() {
    let world = world();
    let brief = world.gateway.key(
        "acme",
        "brief",
        &[
            "--rate",
            "1000000/min",
            "--burst",
            "100000",
            "--expires",
            "3s",
        ],
    );
    let agent = Agent::new(&world.gateway, &brief);
    until("the key to be known", || {
        (agent.call("orders", json!({})).status == 200).then_some(())
    });
    let expired = until("the key to expire", || {
        let answer = agent.invoke("orders", json!({}));
        (answer.status != 200).then_some(answer)
    });
    assert_eq!(
        (expired.status, &expired.json()["error"]["code"]),
        (401, &json!("TOKEN_EXPIRED"))
    );
}

#[test]
fn a_session_is_bound_to_its_caller() {
    let world = world();
    let other = world.gateway.key("acme", "other", &["--rate", "1000/min"]);
    until("the key to be known", || {
        (status(&world, &other) == 200).then_some(())
    });
    let (owner, thief) = (
        Agent::new(&world.gateway, &world.key),
        Agent::new(&world.gateway, &other),
    );
    let session = Session::open(&owner, "2025-11-25");
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    let stolen = thief.send("POST", "/mcp", &session.headers(), &body);
    assert_eq!(
        (stolen.status, &stolen.json()["error"]["code"]),
        (404, &json!(-32001))
    );
    assert_eq!(
        thief.send("DELETE", "/mcp", &session.headers(), "").status,
        404
    );
    let mut wire = world.gateway.connect();
    wire.send(thief.request("GET", "/mcp", &session.headers(), ""));
    assert_eq!(wire.answer().status, 404);
    assert_eq!(
        session.request("tools/list", json!({})).status,
        200,
        "its owner goes on"
    );
    assert_eq!(session.delete().status / 100, 2);
    assert_eq!(
        session.request("tools/list", json!({})).status,
        404,
        "and ends it"
    );
}

#[test]
fn a_revoked_key_s_stream_ends() {
    let world = world();
    let agent = Agent::new(&world.gateway, &world.key);
    let session = Session::open(&agent, "2025-11-25");
    let mut wire = world.gateway.connect();
    wire.send(session.stream_request());
    assert_eq!(wire.head().status, 200);
    world.gateway.key_command(&["revoke", "--name", "agent"]);
    // The stream's last chunk; keep-alive comments may come before.
    while !wire.chunk().is_empty() {}
}

#[test]
fn without_keys_the_gateway_stays_on_loopback() {
    let refused = Setup::new().set("host", "0.0.0.0").start_refused();
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("--keys"), "{said}");
}

#[test]
fn what_a_caller_without_a_key_may_do_is_said() {
    let gateway = Setup::new().start();
    until("the start line to be written", || {
        gateway.log().contains("tenant-admin").then_some(())
    });
    let help = crate::support::gateway::program()
        .arg("--help")
        .output()
        .expect("the gateway's program");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let words: Vec<&str> = help.split_whitespace().collect();
    let said = words.join(" ");
    assert!(
        said.contains("every tool of --anonymous-tenant, as its tenant-admin"),
        "{said}"
    );
}
