//! Every bound of a connection: at it all is well, one past it is refused by name.

use serde_json::json;

use crate::World;
use crate::support::wait::SOON;
use crate::support::wire::{Answer, End};
use crate::support::{Agent, Session, Wire, until};

/// The bounds as the gateway's documentation states them.
const HEAD_BYTES_MAX: usize = 64 * 1024;
const HEADER_COUNT_MAX: usize = 100;
const TARGET_BYTES_MAX: usize = 8 * 1024;
const JSON_DEPTH_MAX: usize = 128;
const CHUNK_EXTENSION_BYTES_MAX: usize = 4 * 1024;
const TRAILER_BYTES_MAX: usize = 8 * 1024;
const BATCH_ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Sends a request whole, whatever the gateway says meanwhile.
fn ask(wire: &mut Wire, request: &str) -> Answer {
    // A refusal may come, and the connection end, before everything is sent.
    let _ = wire.try_send(request);
    wire.answer()
}

/// Sends a request with a size at its bound, and one beyond.
fn check(world: &World, what: &str, status: u16, max: usize, request: impl Fn(usize) -> String) {
    let mut wire = world.gateway.connect();
    let within = ask(&mut wire, &request(max));
    assert_ne!(within.status, status, "{what}: {max} is allowed");
    let mut wire = world.gateway.connect();
    let beyond = ask(&mut wire, &request(max + 1));
    assert_eq!(beyond.status, status, "{what}: {} is too much", max + 1);
    assert!(beyond.closes(), "{what}");
    assert_ne!(wire.end_after_anything(SOON), End::Open, "{what}");
}

#[test]
fn bytes_of_a_head() {
    let world = World::start();
    let host = world.gateway.host();
    check(&world, "head", 431, HEAD_BYTES_MAX, |bytes| {
        let begin = format!("GET /livez HTTP/1.1\r\nhost: {host}\r\nx: ");
        let filler = "x".repeat(bytes - begin.len() - 4);
        format!("{begin}{filler}\r\n\r\n")
    });
}

#[test]
fn a_head_without_end_is_refused_at_the_bound() {
    let world = World::start();
    let mut wire = world.gateway.connect();
    let endless = format!(
        "GET /livez HTTP/1.1\r\nx: {}",
        "x".repeat(2 * HEAD_BYTES_MAX)
    );
    assert_eq!(ask(&mut wire, &endless).status, 431);
    let mut wire = world.gateway.connect();
    assert_eq!(
        ask(&mut wire, &"G".repeat(2 * HEAD_BYTES_MAX)).status / 100,
        4
    );
}

#[test]
fn number_of_headers() {
    let world = World::start();
    let host = world.gateway.host();
    check(&world, "headers", 431, HEADER_COUNT_MAX, |count| {
        let others = "x: y\r\n".repeat(count - 1);
        format!("GET /livez HTTP/1.1\r\nhost: {host}\r\n{others}\r\n")
    });
}

#[test]
fn bytes_of_a_target() {
    let world = World::start();
    let host = world.gateway.host();
    check(&world, "target", 414, TARGET_BYTES_MAX, |bytes| {
        let target = format!("/livez?{}", "x".repeat(bytes - "/livez?".len()));
        format!("GET {target} HTTP/1.1\r\nhost: {host}\r\n\r\n")
    });
}

#[test]
fn bytes_of_a_body() {
    let world = World::with(|setup| setup.set("body_bytes_max", 1_000));
    let host = world.gateway.host();
    let head = format!("POST /mcp HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n");
    check(&world, "body", 413, 1_000, |bytes| {
        format!("{head}content-length: {bytes}\r\n\r\n{}", " ".repeat(bytes))
    });
    check(&world, "chunked body", 413, 1_000, |bytes| {
        let half = bytes / 2;
        let rest = bytes - half;
        format!(
            "{head}transfer-encoding: chunked\r\n\r\n{half:x}\r\n{}\r\n{rest:x}\r\n{}\r\n0\r\n\r\n",
            " ".repeat(half),
            " ".repeat(rest)
        )
    });
}

#[test]
fn a_body_that_is_too_large_is_refused_before_it_is_sent() {
    let world = World::start();
    let host = world.gateway.host();
    for expect in ["", "expect: 100-continue\r\n"] {
        let mut wire = world.gateway.connect();
        wire.send(format!(
            "POST /mcp HTTP/1.1\r\nhost: {host}\r\n{expect}content-type: application/json\r\ncontent-length: 999999999\r\n\r\n"
        ));
        let answer = wire.answer();
        assert_eq!(
            answer.status, 413,
            "no 100 Continue for what would be refused"
        );
        let said = answer.text();
        assert!(said.contains("body"), "{said}");
    }
}

#[test]
fn a_body_of_the_default_bound_is_taken() {
    let world = World::start();
    let agent = Agent::anonymous(&world.gateway);
    let text = "x".repeat(4 * 1024 * 1024 - 1_000);
    assert_eq!(agent.call("echo", json!({"text": text})).status, 200);
    let request = agent.call_request("echo", json!({"text": "x".repeat(4 * 1024 * 1024)}));
    assert_eq!(ask(&mut world.gateway.connect(), &request).status, 413);
}

#[test]
fn bytes_of_chunk_extensions_and_trailers() {
    let world = World::start();
    let host = world.gateway.host();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    let mut wire = world.gateway.connect();
    let extension = "e".repeat(CHUNK_EXTENSION_BYTES_MAX + 1);
    let request = format!("{head}1;{extension}\r\n{{\r\n1\r\n}}\r\n0\r\n\r\n");
    let refused = ask(&mut wire, &request);
    assert_eq!(
        (refused.status, refused.closes()),
        (400, true),
        "{}",
        refused.text()
    );
    let mut wire = world.gateway.connect();
    let trailers = "x: y\r\n".repeat(TRAILER_BYTES_MAX / 6 + 1);
    let refused = ask(
        &mut wire,
        &format!("{head}2\r\n{{}}\r\n0\r\n{trailers}\r\n"),
    );
    assert_eq!(
        (refused.status, refused.closes()),
        (400, true),
        "{}",
        refused.text()
    );
}

#[test]
fn depth_of_json() {
    let world = World::start();
    let agent = Agent::anonymous(&world.gateway);
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let post = |body: &str| agent.send("POST", "/mcp", "", body);
    let too_deep = post(&nested(JSON_DEPTH_MAX + 1));
    assert_eq!(too_deep.status, 400);
    assert_eq!(too_deep.json()["error"]["code"], -32700);
    // Deep enough to end a parser that recurses.
    let abyss = post(&nested(1_000_000));
    assert_eq!(
        (abyss.status, abyss.json()["error"]["code"].clone()),
        (400, json!(-32700))
    );
    // Inside arguments too, where the envelope is not looked into.
    let request = agent.call_request("echo", json!({"deep": "HERE"}));
    let (head, body) = request.split_once("\r\n\r\n").expect("a head");
    let old = format!("content-length: {}", body.len());
    let body = body.replace("\"HERE\"", &nested(JSON_DEPTH_MAX + 1));
    let head = head.replace(&old, &format!("content-length: {}", body.len()));
    let answer = ask(
        &mut world.gateway.connect(),
        &format!("{head}\r\n\r\n{body}"),
    );
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(answer.json()["error"]["code"], -32700);
}

#[test]
fn connections_of_one_address() {
    let world = World::with(|setup| setup.set("connections_per_address_max", 3));
    expect_fourth_refused(&world);
}

#[test]
fn connections_in_all() {
    let world = World::with(|setup| setup.set("connections_max", 3));
    expect_fourth_refused(&world);
}

fn expect_fourth_refused(world: &World) {
    // Connections of the start (the look whether it is ready) may still be on their way out.
    let mut held = until("three connections", || {
        let mut held: Vec<Wire> = (0..3).map(|_| world.gateway.connect()).collect();
        let served = held
            .iter_mut()
            .all(|wire| wire.try_send(world.alive()).is_ok() && wire.answer().status == 200);
        served.then_some(held)
    });
    let mut fourth = world.gateway.connect();
    let _ = fourth.try_send(world.alive());
    let answer = fourth.answer();
    assert_eq!(answer.status, 503);
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    assert_ne!(fourth.end_after_anything(SOON), End::Open);
    held.pop();
    until("room for another", || {
        let mut next = world.gateway.connect();
        let _ = next.try_send(world.alive());
        (next.answer().status == 200).then_some(())
    });
    for wire in &mut held {
        wire.send(world.alive());
        assert_eq!(wire.answer().status, 200, "those that were there go on");
    }
}

#[test]
fn requests_on_one_connection() {
    let world = World::with(|setup| setup.set("requests_per_connection_max", 3));
    let mut wire = world.gateway.connect();
    wire.send(world.alive().repeat(4));
    let closes: Vec<bool> = (0..3).map(|_| wire.answer().closes()).collect();
    assert_eq!(closes, [false, false, true]);
    assert_ne!(wire.end(SOON), End::Open, "the fourth is not answered");
}

#[test]
fn messages_in_a_batch() {
    let world = World::start();
    let agent = Agent::anonymous(&world.gateway);
    let session = Session::open(&agent, "2025-03-26");
    let batch = |count: usize| {
        let ping = |id| json!({"jsonrpc": "2.0", "id": id, "method": "ping"});
        session.post(&(0..count).map(ping).collect())
    };
    let within = batch(64);
    assert_eq!(within.status, 200, "{}", within.text());
    assert_eq!(within.json().as_array().map(Vec::len), Some(64));
    let beyond = batch(65);
    assert_eq!(beyond.status, 400);
    assert_eq!(beyond.json()["error"]["code"], -32600);
}

/// Two answers of 12 MiB are too much for one batch; what comes after them is not lost.
#[test]
fn bytes_of_the_answers_to_a_batch() {
    let world = World::start();
    let agent = Agent::anonymous(&world.gateway);
    let session = Session::open(&agent, "2025-03-26");
    let item = |id: u32, tool: &str| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": {}}});
    let messages = json!([item(1, "large"), item(2, "large"), item(3, "echo")]);
    let answer = session.post(&messages);
    assert_eq!(answer.status, 200);
    assert!(answer.body.len() <= BATCH_ANSWER_BYTES_MAX, "bounded");
    let answers = answer.json();
    let [first, second, third] = answers.as_array().expect("an array").as_slice() else {
        panic!("an answer to each");
    };
    assert_eq!(first["result"]["isError"], false);
    assert_eq!(
        (&second["id"], &second["error"]["code"]),
        (&json!(2), &json!(413))
    );
    let said = second["error"]["message"].as_str().expect("a message");
    assert!(said.contains("batch"), "{said}");
    assert_eq!(third["result"]["isError"], false, "{third}");
    let calls = world.api.requests();
    assert_eq!(calls.len(), 3, "each was made, as the message says");
}
