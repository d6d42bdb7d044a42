//! Nobody holds a connection by being slow; and who goes away stops the work done for them.

use std::time::{Duration, Instant};

use crate::World;
use crate::support::wait::{SOON, pass};
use crate::support::wire::End;
use crate::support::{until, within};

/// The configured deadline in these tests, in milliseconds.
const SHORT_MS: u64 = 400;
/// A deadline may fire late by the gateway's tick and by this machine's load, never early.
const LATE_MAX: Duration = Duration::from_secs(5);

fn expect_due(begun: Instant) {
    let waited = begun.elapsed();
    assert!(
        waited >= Duration::from_millis(SHORT_MS - 50),
        "too early: {waited:?}"
    );
    assert!(waited < LATE_MAX, "too late: {waited:?}");
}

#[test]
fn a_head_that_does_not_end() {
    let world = World::with(|setup| setup.set("head_timeout_ms", SHORT_MS));
    let mut wire = world.gateway.connect();
    let begun = Instant::now();
    wire.send("GET /livez HTTP/1.1\r\nhost:");
    let answer = wire.answer();
    expect_due(begun);
    assert_eq!((answer.status, answer.closes()), (408, true));
    assert!(answer.text().contains("head"), "{}", answer.text());
    assert_ne!(wire.end(SOON), End::Open);
}

#[test]
fn a_head_that_drips() {
    let world = World::with(|setup| setup.set("head_timeout_ms", SHORT_MS));
    let mut wire = world.gateway.connect();
    let begun = Instant::now();
    // A byte now and then does not move the deadline.
    while begun.elapsed() < 3 * Duration::from_millis(SHORT_MS) {
        if wire.try_send("x").is_err() {
            break;
        }
        pass(Duration::from_millis(50));
    }
    assert_eq!(wire.answer().status, 408);
}

#[test]
fn a_body_that_does_not_end() {
    let world = World::with(|setup| setup.set("body_timeout_ms", SHORT_MS));
    let request = world.call("echo");
    let mut wire = world.gateway.connect();
    let begun = Instant::now();
    wire.send(&request[..request.len() - 1]);
    let answer = wire.answer();
    expect_due(begun);
    assert_eq!((answer.status, answer.closes()), (408, true));
    assert!(answer.text().contains("body"), "{}", answer.text());
}

#[test]
fn an_idle_connection() {
    let world = World::with(|setup| setup.set("idle_timeout_ms", SHORT_MS));
    for requests in [0, 1] {
        let mut wire = world.gateway.connect();
        for _ in 0..requests {
            wire.send(world.alive());
            assert_eq!(wire.answer().status, 200);
        }
        let begun = Instant::now();
        assert_eq!(
            wire.end(SOON),
            End::Closed,
            "after {requests} requests, without a byte"
        );
        expect_due(begun);
    }
}

#[test]
fn a_slow_call_is_not_idle() {
    let world = World::with(|setup| {
        setup
            .set("idle_timeout_ms", 200)
            .set("head_timeout_ms", 200)
    });
    let mut wire = world.gateway.connect();
    wire.send(world.call("late"));
    assert_eq!(wire.answer().status, 200);
}

#[test]
fn a_reader_that_has_stopped() {
    let world = World::with(|setup| setup.set("write_timeout_ms", SHORT_MS));
    let mut wire = world.gateway.connect();
    wire.send(world.call("large"));
    let head = wire.head();
    assert_eq!(head.status, 200);
    let length: usize = head
        .header("content-length")
        .and_then(|value| value.parse().ok())
        .expect("a length");
    assert!(length > crate::LARGE_BYTES);
    // Nothing is read; the gateway lets go of the connection and of what it holds for it.
    pass(Duration::from_millis(4 * SHORT_MS));
    let arrived = wire.rest_or_reset();
    assert!(
        arrived < length,
        "the whole answer arrived although its time was over"
    );
}

#[test]
fn a_caller_that_goes_away_stops_the_upstream_call() {
    let world = World::start();
    let mut wire = world.gateway.connect();
    let request = world
        .call("silent")
        .replace("\r\n\r\n", "\r\nx-request-id: gone-1\r\n\r\n");
    wire.send(request);
    let call = world.api.request_to("/silent");
    let left = Instant::now();
    drop(wire);
    let seen = within(Duration::from_secs(3), "the API to see the end", || {
        world.api.gone(call.connection)
    });
    assert!(
        seen.duration_since(left) < Duration::from_secs(1),
        "seen after {:?}",
        seen.duration_since(left)
    );
    let event = world.gateway.event_of("gone-1");
    assert_eq!(event["status"], "cancelled", "{event}");
    assert_eq!(event["tool"], "silent", "{event}");
}

#[test]
fn a_caller_that_pipelined_and_goes_away_stops_the_upstream_call() {
    let world = World::start();
    let mut wire = world.gateway.connect();
    wire.send(world.call("silent"));
    let call = world.api.request_to("/silent");
    wire.send(world.alive());
    // The gateway may read both at once or one after the other; it has read them by then.
    pass(Duration::from_millis(100));
    drop(wire);
    within(Duration::from_secs(3), "the API to see the end", || {
        world.api.gone(call.connection)
    });
}

#[test]
fn a_caller_that_resets_stops_the_upstream_call() {
    let world = World::start();
    let mut wire = world.gateway.connect();
    wire.send(world.call("silent"));
    let call = world.api.request_to("/silent");
    // Closing then is a reset.
    socket2::SockRef::from(wire.stream())
        .set_linger(Some(Duration::ZERO))
        .expect("SO_LINGER");
    drop(wire);
    until("the API to see the end", || world.api.gone(call.connection));
}
