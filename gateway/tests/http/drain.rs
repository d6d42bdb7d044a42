//! The end of the process: what is under way finishes, nothing new begins, and nothing is lost.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::World;
use crate::support::wait::SOON;
use crate::support::wire::{End, Wire};
use crate::support::{Agent, Session, until};

#[test]
fn calls_under_way_are_finished() {
    for signal in ["TERM", "INT"] {
        let mut world = World::start();
        let mut wire = world.gateway.connect();
        let request = world
            .call("late")
            .replace("\r\n\r\n", "\r\nx-request-id: last-1\r\n\r\n");
        wire.send(request);
        world.api.request_to("/late");
        world.gateway.signal(signal);
        let answer = wire.answer();
        assert_eq!(answer.status, 200, "{signal}");
        assert!(
            answer.closes(),
            "the client is told not to come again on this connection"
        );
        assert_ne!(wire.end(SOON), End::Open);
        assert!(
            world.gateway.wait(SOON).success(),
            "{signal}: {}",
            world.gateway.log()
        );
        let events = world.gateway.events();
        let last = events.iter().find(|event| event["request_id"] == "last-1");
        assert_eq!(
            last.map(|event| &event["status"]),
            Some(&"success".into()),
            "metered to the last"
        );
    }
}

#[test]
fn nothing_new_begins() {
    let world = World::start();
    let mut busy = world.gateway.connect();
    busy.send(world.call("late"));
    world.api.request_to("/late");
    let mut idle = world.gateway.connect();
    idle.send(world.alive());
    assert_eq!(idle.answer().status, 200);
    world.gateway.signal("TERM");
    assert_eq!(
        idle.end(SOON),
        End::Closed,
        "an idle connection is closed in order"
    );
    until("new connections to be refused, or told", || {
        let Ok(stream) = TcpStream::connect(world.gateway.address()) else {
            return Some(());
        };
        drop(stream);
        None
    });
    assert_eq!(busy.answer().status, 200);
}

#[test]
fn readiness_ends_first() {
    let world = World::start();
    // The connection is busy when the signal comes, so it is there to ask afterwards.
    let mut wire = world.gateway.connect();
    let host = world.gateway.host();
    wire.send(world.call("late") + &format!("GET /ready HTTP/1.1\r\nhost: {host}\r\n\r\n"));
    world.api.request_to("/late");
    world.gateway.signal("TERM");
    assert_eq!(wire.answer().status, 200);
    // Behind an answer that ends the connection nothing is answered; if it is, then with 503.
    if wire.stream().peek(&mut [0]).unwrap_or(0) > 0 {
        assert_eq!(wire.answer().status, 503);
    }
}

#[test]
fn streams_are_told() {
    let world = World::start();
    let agent = Agent::anonymous(&world.gateway);
    let session = Session::open(&agent, "2025-11-25");
    let mut legacy = world.gateway.connect();
    legacy.send(session.stream_request());
    assert_eq!(legacy.head().status, 200);
    let mut modern = listen(&world);
    let acknowledged = event(&mut modern);
    assert!(
        acknowledged.contains("notifications/subscriptions/acknowledged"),
        "{acknowledged}"
    );
    world.gateway.signal("TERM");
    let goodbye = event(&mut modern);
    assert!(
        goodbye.contains("\"result\""),
        "the subscription ends with its result: {goodbye}"
    );
    assert!(modern.chunk().is_empty(), "and with the last chunk");
    while !legacy.chunk().is_empty() {}
}

fn listen(world: &World) -> Wire {
    let agent = Agent::anonymous(&world.gateway);
    let body = serde_json::json!({
        "jsonrpc": "2.0",
        "id": "listen:0",
        "method": "subscriptions/listen",
        "params": {
            "notifications": {"toolsListChanged": true},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        },
    });
    let headers = "mcp-protocol-version: 2026-07-28\r\nmcp-method: subscriptions/listen\r\n";
    let mut wire = world.gateway.connect();
    wire.send(agent.request("POST", "/mcp", headers, &body.to_string()));
    let head = wire.head();
    assert_eq!(
        (head.status, head.header("content-type")),
        (200, Some("text/event-stream"))
    );
    wire
}

/// The next chunk that is no comment.
fn event(wire: &mut Wire) -> String {
    loop {
        let text = String::from_utf8(wire.chunk()).expect("UTF-8");
        assert!(!text.is_empty(), "the stream ended");
        if !text.starts_with(':') {
            return text;
        }
    }
}

#[test]
fn the_grace_period_ends() {
    let mut world = World::with(|setup| setup.set("grace_period_ms", 500));
    let mut wire = world.gateway.connect();
    wire.send(world.call("silent"));
    world.api.request_to("/silent");
    let begun = Instant::now();
    world.gateway.signal("TERM");
    let status = world.gateway.wait(SOON);
    let waited = begun.elapsed();
    assert!(
        waited >= Duration::from_millis(450),
        "time to finish was given: {waited:?}"
    );
    assert!(waited < Duration::from_secs(3), "and ended: {waited:?}");
    assert!(status.success(), "{status}");
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut world = World::start();
    let mut wire = world.gateway.connect();
    wire.send(world.call("silent"));
    world.api.request_to("/silent");
    world.gateway.signal("TERM");
    until("the drain to begin", || {
        TcpStream::connect(world.gateway.address())
            .is_err()
            .then_some(())
    });
    assert!(world.gateway.is_running(), "a call is under way");
    let begun = Instant::now();
    world.gateway.signal("TERM");
    world.gateway.wait(Duration::from_secs(5));
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
}
