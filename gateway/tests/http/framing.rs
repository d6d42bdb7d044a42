//! One connection, many requests: kept alive, pipelined, chunked, expected, closed.

use serde_json::json;

use crate::World;
use crate::support::wait::SOON;
use crate::support::wire::End;
use crate::support::{Agent, Session};

#[test]
fn a_connection_is_kept_alive() {
    let world = World::start();
    let mut wire = world.gateway.connect();
    for _ in 0..100 {
        wire.send(world.alive());
        let answer = wire.answer();
        assert_eq!((answer.status, answer.closes()), (200, false));
    }
    wire.send(world.call("echo"));
    assert_eq!(wire.answer().status, 200);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let world = World::start();
    let mut wire = world.gateway.connect();
    let host = world.gateway.host();
    let requests = [
        world.call("late"),
        world.alive(),
        format!("HEAD /livez HTTP/1.1\r\nhost: {host}\r\n\r\n"),
        format!("GET /nowhere HTTP/1.1\r\nhost: {host}\r\n\r\n"),
        format!("POST /livez HTTP/1.1\r\nhost: {host}\r\ncontent-length: 5\r\n\r\nhello"),
        world.call("echo"),
    ];
    wire.send(requests.concat());
    let late = wire.answer();
    assert_eq!(
        late.json()["result"]["structuredContent"],
        json!({"late": true})
    );
    assert_eq!(wire.answer().json()["status"], "ok");
    assert_eq!(wire.answer_to_head().status, 200);
    assert_eq!(wire.answer().status, 404);
    let refused = wire.answer();
    assert_eq!(
        (refused.status, refused.header("allow")),
        (405, Some("GET, HEAD"))
    );
    let echoed = wire.answer();
    assert_eq!(
        echoed.json()["result"]["structuredContent"],
        json!({"target": "/echo"})
    );
}

#[test]
fn many_pipelined_requests_in_one_packet() {
    let world = World::start();
    let mut wire = world.gateway.connect();
    wire.send(world.alive().repeat(1_000));
    for _ in 0..1_000 {
        assert_eq!(wire.answer().status, 200);
    }
}

#[test]
fn a_request_may_arrive_byte_by_byte() {
    let world = World::start();
    let mut wire = world.gateway.connect();
    for byte in world.call("echo").as_bytes() {
        wire.send([*byte]);
    }
    assert_eq!(wire.answer().status, 200);
}

#[test]
fn chunked_requests_are_read_and_their_trailers_dropped() {
    let world = World::start();
    let mut wire = world.gateway.connect();
    let whole = world.call("echo");
    let (head, body) = whole.split_once("\r\n\r\n").expect("a head");
    let head = head.replace(
        &format!("content-length: {}", body.len()),
        "transfer-encoding: chunked",
    );
    let (first, rest) = body.split_at(7);
    let request = format!(
        "{head}\r\n\r\n7;name=\"value\"\r\n{first}\r\n{:X}\r\n{rest}\r\n000\r\nmcp-name: other\r\nx-sum: 1\r\n\r\n",
        rest.len(),
    );
    // The trailer names another tool: merged into the headers it would be a mismatch.
    wire.send(&request);
    assert_eq!(wire.answer().status, 200);
    wire.send(&request);
    wire.send(world.alive());
    assert_eq!(
        wire.answer().status,
        200,
        "the second on the same connection"
    );
    assert_eq!(
        wire.answer().json()["status"],
        "ok",
        "what follows a body is found"
    );
}

#[test]
fn event_streams_are_chunked() {
    let world = World::start();
    let agent = Agent::anonymous(&world.gateway);
    let session = Session::open(&agent, "2025-11-25");
    let mut wire = world.gateway.connect();
    wire.send(session.stream_request());
    let head = wire.head();
    assert_eq!(head.status, 200);
    assert_eq!(head.header("transfer-encoding"), Some("chunked"));
    assert_eq!(head.header("content-length"), None);
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    world.gateway.remove_catalog("tools.yaml");
    let mut text = String::new();
    while !text.contains("list_changed") {
        text.push_str(&String::from_utf8(wire.chunk()).expect("UTF-8"));
    }
}

#[test]
fn a_waiting_sender_is_told_to_go_on() {
    let world = World::start();
    let mut wire = world.gateway.connect();
    let whole = world.call("echo");
    let (head, body) = whole.split_once("\r\n\r\n").expect("a head");
    wire.send(format!("{head}\r\nexpect: 100-continue\r\n\r\n"));
    assert_eq!(wire.answer().status, 100);
    wire.send(body);
    assert_eq!(wire.answer().status, 200);
    // Who sends the body with the head does not wait, and is not kept busy with a 100.
    wire.send(format!("{head}\r\nexpect: 100-continue\r\n\r\n{body}"));
    assert_eq!(wire.answer().status, 200);
}

#[test]
fn another_expectation_is_refused() {
    let world = World::start();
    let mut wire = world.gateway.connect();
    let request = world
        .alive()
        .replace("\r\n\r\n", "\r\nexpect: a-miracle\r\n\r\n");
    wire.send(request);
    assert_eq!(wire.answer().status, 417);
}

#[test]
fn head_is_get_without_a_body() {
    let world = World::start();
    let mut wire = world.gateway.connect();
    for path in ["/livez", "/metrics", "/", "/mcp/v1/tools", "/nowhere"] {
        let request = |method| {
            let host = world.gateway.host();
            format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n\r\n")
        };
        wire.send(request("HEAD"));
        let head = wire.answer_to_head();
        wire.send(request("GET"));
        let get = wire.answer();
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(
            head.header("content-type"),
            get.header("content-type"),
            "{path}"
        );
        let length = head
            .header("content-length")
            .expect("the length that GET would have");
        // Counters move between the two.
        if path != "/metrics" && path != "/nowhere" {
            assert_eq!(length, get.body.len().to_string(), "{path}");
        }
    }
}

/// Control renders metrics for the workers; what was counted before a scrape is in it, whoever else scrapes.
#[test]
fn metrics_are_fresh_for_every_scraper() {
    let world = World::start();
    let agent = Agent::anonymous(&world.gateway);
    let counted = |text: &str| -> f64 {
        let lines = text.lines().filter(|line| {
            line.starts_with("mcp_tool_invocations_total{") && line.contains("\"echo\"")
        });
        lines
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    };
    for calls in 1..=5 {
        assert_eq!(agent.call("echo", json!({})).status, 200);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let text = world.gateway.get("/metrics").text();
                    assert_eq!(counted(&text), f64::from(calls), "{text}");
                    assert!(text.ends_with("# EOF\n"), "whole");
                });
            }
        });
    }
}

#[test]
fn close_is_honoured_and_said() {
    let world = World::start();
    for value in ["close", "Close", "keep-alive, close"] {
        let mut wire = world.gateway.connect();
        let request = world
            .alive()
            .replace("\r\n\r\n", &format!("\r\nconnection: {value}\r\n\r\n"));
        wire.send(request + &world.alive());
        let answer = wire.answer();
        assert_eq!(
            (answer.status, answer.header("connection")),
            (200, Some("close"))
        );
        assert_ne!(
            wire.end(SOON),
            End::Open,
            "the second request is not answered"
        );
    }
}

#[test]
fn http_1_0_is_closed_unless_it_asks_otherwise() {
    let world = World::start();
    let mut wire = world.gateway.connect();
    wire.send("GET /livez HTTP/1.0\r\n\r\n");
    let answer = wire.answer();
    assert_eq!((answer.status, answer.closes()), (200, true));
    assert_eq!(wire.end(SOON), End::Closed);

    let mut wire = world.gateway.connect();
    for _ in 0..3 {
        wire.send("GET /livez HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
        let answer = wire.answer();
        assert_eq!(
            (answer.status, answer.header("connection")),
            (200, Some("keep-alive"))
        );
    }
}

#[test]
fn http_1_0_gets_no_chunks() {
    let world = World::start();
    let agent = Agent::anonymous(&world.gateway);
    let session = Session::open(&agent, "2025-11-25");
    let mut wire = world.gateway.connect();
    wire.send(session.stream_request().replacen("HTTP/1.1", "HTTP/1.0", 1));
    let head = wire.head();
    assert_eq!((head.status, head.header("transfer-encoding")), (200, None));
    world.gateway.signal("TERM");
    let text = String::from_utf8(wire.rest()).expect("UTF-8");
    assert!(
        text.lines()
            .all(|line| u32::from_str_radix(line, 16).is_err() || line.is_empty()),
        "no chunk sizes: {text:?}"
    );
}

#[test]
fn absolute_targets_are_read_as_what_they_name() {
    let world = World::start();
    let host = world.gateway.host();
    let mut wire = world.gateway.connect();
    wire.send(format!(
        "GET http://{host}/livez HTTP/1.1\r\nhost: {host}\r\n\r\n"
    ));
    assert_eq!(wire.answer().json()["status"], "ok");
    // RFC 9112 section 3.2.2: the target's host counts, not the header's.
    wire.send(format!(
        "GET http://evil.example/mcp/v1/tools HTTP/1.1\r\nhost: {host}\r\n\r\n"
    ));
    assert_eq!(wire.answer().status, 421);
    wire.send(format!(
        "GET http://{host}/mcp/v1/tools HTTP/1.1\r\nhost: evil.example\r\n\r\n"
    ));
    assert_eq!(wire.answer().status, 200);
}

#[test]
fn header_names_have_no_case() {
    let world = World::start();
    let mut wire = world.gateway.connect();
    let (head, body) = {
        let whole = world.call("echo");
        let (head, body) = whole.split_once("\r\n\r\n").expect("a head");
        (head.to_owned(), body.to_owned())
    };
    let shouted: Vec<String> = head
        .split("\r\n")
        .enumerate()
        .map(|(position, line)| match line.split_once(": ") {
            Some((name, value)) if position > 0 => format!("{}:\t{value} ", name.to_uppercase()),
            _ => line.to_owned(),
        })
        .collect();
    wire.send(format!("{}\r\n\r\n{body}", shouted.join("\r\n")));
    assert_eq!(wire.answer().status, 200);
}

#[test]
fn other_protocols_are_told_what_this_is() {
    let world = World::start();
    let mut wire = world.gateway.connect();
    wire.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    let answer = wire.answer();
    assert_eq!(answer.status, 505);
    assert!(answer.text().contains("HTTP/2"), "{}", answer.text());
    assert_ne!(wire.end(SOON), End::Open);

    let mut wire = world.gateway.connect();
    wire.send(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    let answer = wire.answer();
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("TLS"), "{}", answer.text());
    assert_ne!(wire.end(SOON), End::Open);

    let mut wire = world.gateway.connect();
    wire.send("GET / HTTP/3.0\r\nhost: a\r\n\r\n");
    assert_eq!(wire.answer().status, 505);
}
