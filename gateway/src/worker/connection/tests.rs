//! A worker that serves real sockets, on each driver that the machine has.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::RootCertStore;

use super::*;
use crate::auth::fixture::{ACME, identity, snapshot};
use crate::auth::scope::Roles;
use crate::limits::{BODY_BYTES_MAX_DEFAULT, LINGER_BYTES_MAX, LINGER_MS_MAX};
use crate::snapshot::Snapshot;
use crate::snapshot::identity::Keys;
use crate::worker::core::{FixedTimes, Shared};
use crate::worker::io::{AcceptStopper, Driver, Listener};
use crate::worker::{bind, fixture, tick};

const ALIVE: &[u8] = b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// Serves on one worker until the test is done. A hung worker leaves its thread behind rather than the test.
fn served(driver: Driver, shared: Arc<Shared>, test: impl FnOnce(SocketAddr, &Shared)) {
    let listener = bind("127.0.0.1:0".parse().unwrap(), 1).unwrap().remove(0);
    let address = listener.local_addr().unwrap();
    let served = Arc::clone(&shared);
    std::thread::spawn(move || {
        io::run(driver, async move {
            let core = Rc::new(fixture::core(served));
            let (stopper, handle) = AcceptStopper::new();
            io::spawn_vital(tick::run(Rc::clone(&core), stopper));
            let listener = Listener::new(listener).unwrap();
            while let Ok((socket, peer)) = listener.accept(handle.clone()).await {
                accept(&core, socket, peer);
            }
            // As `worker::serve`: what is under way ends before the runtime does.
            while core.connections.get() > 0 {
                io::sleep(Duration::from_millis(10)).await;
            }
        })
    });
    test(address, &shared);
    shared.phase.drain();
}

fn each_driver(test: impl Fn(SocketAddr, &Shared)) {
    each_driver_with(
        || fixture::shared(Snapshot::default(), RootCertStore::empty()),
        test,
    );
}

fn each_driver_with(shared: impl Fn() -> Arc<Shared>, test: impl Fn(SocketAddr, &Shared)) {
    served(Driver::Epoll, shared(), &test);
    if Driver::probe() != Driver::Epoll {
        served(Driver::probe(), shared(), &test);
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    stream
}

/// The other end closes, with nothing more to say. Unlike `read`, this goes on after a signal.
fn assert_closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty(), "{rest:?}");
}

/// Status of the next answer; reads to its end.
fn status(stream: &mut TcpStream) -> u16 {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let text = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = text
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.lines().next());
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).unwrap();
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_caller_that_pipelines_without_pause_starves_nobody() {
    each_driver(|address, _| {
        let mut flood = connect(address);
        let mut answers = flood.try_clone().unwrap();
        let many = ALIVE.repeat(500);
        let flooding = std::thread::spawn(move || while flood.write_all(&many).is_ok() {});
        std::thread::spawn(move || {
            let mut buffer = vec![0; 256 * 1024];
            while matches!(answers.read(&mut buffer), Ok(1..)) {}
        });
        std::thread::sleep(Duration::from_millis(200));
        let mut other = connect(address);
        let begun = Instant::now();
        for _ in 0..20 {
            other.write_all(ALIVE).unwrap();
            assert_eq!(status(&mut other), 200);
        }
        assert!(
            begun.elapsed() < Duration::from_secs(4),
            "{:?} for 20 requests",
            begun.elapsed()
        );
        drop(flooding);
    });
}

#[test]
fn a_drain_ends_an_idle_connection() {
    each_driver(|address, shared| {
        let mut idle = connect(address);
        idle.write_all(ALIVE).unwrap();
        assert_eq!(status(&mut idle), 200);
        shared.phase.drain();
        assert_closed(&mut idle);
    });
}

#[test]
fn the_tick_comes_beside_a_caller_that_pipelines_without_pause() {
    each_driver(|address, shared| {
        let mut flood = connect(address);
        let mut answers = flood.try_clone().unwrap();
        let many = ALIVE.repeat(500);
        std::thread::spawn(move || while flood.write_all(&many).is_ok() {});
        let mut buffer = vec![0; 256 * 1024];
        for _ in 0..50 {
            assert!(answers.read(&mut buffer).unwrap() > 0);
        }
        // A drain is what only the tick tells an idle connection of.
        let mut idle = connect(address);
        idle.write_all(ALIVE).unwrap();
        assert_eq!(status(&mut idle), 200);
        let reading =
            std::thread::spawn(move || while matches!(answers.read(&mut buffer), Ok(1..)) {});
        shared.phase.drain();
        assert_closed(&mut idle);
        reading.join().unwrap();
    });
}

#[test]
fn an_idle_connection_gives_a_large_requests_memory_back() {
    let mut framer = Framer::new(BODY_BYTES_MAX_DEFAULT);
    let mut inbox = Vec::with_capacity(BODY_BYTES_MAX_DEFAULT);
    inbox.extend_from_slice(ALIVE);
    release(&mut inbox, ALIVE.len(), &mut framer);
    assert_eq!(inbox.capacity(), 0);
    // A small one is kept, and what was not answered yet stays.
    inbox.reserve(READ_BYTES);
    inbox.extend_from_slice(b"xGET");
    release(&mut inbox, 1, &mut framer);
    assert_eq!(
        (inbox.as_slice(), inbox.capacity() >= READ_BYTES),
        (&b"GET"[..], true)
    );
}

#[test]
fn a_refusal_is_read_by_a_sender_that_does_not_wait_for_it() {
    each_driver(|address, _| {
        let mut stream = connect(address);
        let length = BODY_BYTES_MAX_DEFAULT + 1;
        write!(
            stream,
            "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n"
        )
        .unwrap();
        // All of it is taken, though none of it is kept: a reset would lose the refusal on the way.
        stream.write_all(&vec![b'x'; length]).unwrap();
        assert_eq!(status(&mut stream), 413);
    });
}

/// Metrics are rendered elsewhere: a worker that waits for them, or sends a large text of them, serves others.
#[test]
fn metrics_are_waited_for_beside_other_callers() {
    const SCRAPE: &[u8] = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n";
    each_driver(|address, shared| {
        let (mut scraper, mut other) = (connect(address), connect(address));
        scraper.write_all(SCRAPE).unwrap();
        for _ in 0..50 {
            other.write_all(ALIVE).unwrap();
            assert_eq!(status(&mut other), 200, "nobody has rendered yet");
        }
        let text: Vec<u8> = (0..3_000_000u32).map(|at| b'a' + (at % 23) as u8).collect();
        shared.metrics.answer(|| text.clone());
        let mut answer = Vec::new();
        let mut buffer = vec![0; 64 * 1024];
        while answer.len() < text.len() || !answer.ends_with(&text) {
            other.write_all(ALIVE).unwrap();
            assert_eq!(status(&mut other), 200, "while the text is on its way");
            let read = scraper.read(&mut buffer).unwrap();
            assert!(read > 0, "the whole text arrives");
            answer.extend_from_slice(&buffer[..read]);
        }
        assert!(answer.starts_with(b"HTTP/1.1 200 "));
        scraper.write_all(ALIVE).unwrap();
        assert_eq!(status(&mut scraper), 200, "and the connection goes on");
    });
}

/// A caller that leaves ends its call, also when it has sent its next request already.
#[test]
fn a_caller_that_pipelined_and_leaves_is_noticed() {
    // Nobody renders metrics here, so the first request is under way for ten seconds.
    const SLOW: &[u8] = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n";
    each_driver(|address, shared| {
        for pipelined in [&b""[..], ALIVE, &ALIVE.repeat(1_000)] {
            let mut leaver = connect(address);
            leaver.write_all(SLOW).unwrap();
            // So that what follows arrives in a read of its own.
            std::thread::sleep(Duration::from_millis(100));
            leaver.write_all(pipelined).unwrap();
            std::thread::sleep(Duration::from_millis(100));
            assert_eq!(shared.census.open(), 1);
            drop(leaver);
            let begun = Instant::now();
            while shared.census.open() > 0 {
                let waited = begun.elapsed();
                assert!(waited < Duration::from_secs(4), "{} bytes", pipelined.len());
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        let mut stays = connect(address);
        stays.write_all(SLOW).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        stays.write_all(ALIVE).unwrap();
        std::thread::sleep(Duration::from_millis(200));
        shared.metrics.answer(|| b"text".to_vec());
        assert_eq!((status(&mut stays), status(&mut stays)), (200, 200));
    });
}

/// A request that is refused while its sender goes on.
fn refused(address: SocketAddr) -> TcpStream {
    let mut stream = connect(address);
    stream.write_all(b"no HTTP at all\r\n\r\n").unwrap();
    assert_eq!(status(&mut stream), 400);
    stream
}

#[test]
fn a_refused_sender_that_goes_on_slowly_is_cut_off() {
    each_driver(|address, _| {
        let mut stream = refused(address);
        let begun = Instant::now();
        while stream.write_all(b"x").is_ok() {
            let waited = begun.elapsed();
            assert!(
                waited < Duration::from_millis(20 * LINGER_MS_MAX),
                "{waited:?}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    });
}

#[test]
fn a_refused_sender_that_goes_on_at_length_is_cut_off() {
    each_driver(|address, _| {
        let mut stream = refused(address);
        let piece = vec![b'x'; 1024 * 1024];
        let mut sent = 0;
        while let Ok(bytes) = stream.write(&piece) {
            sent += bytes;
            // What is beyond the bound is in the buffers of the two sockets.
            assert!(sent < 4 * LINGER_BYTES_MAX, "{sent} bytes were taken");
        }
    });
}

#[test]
fn a_silent_stream_is_kept_alive_by_comments() {
    let shared = || {
        let mut snapshot = snapshot(Vec::new());
        snapshot.keys = Keys {
            anonymous: Some(Arc::new(identity(ACME, Roles::VIEWER))),
            ..Keys::default()
        };
        let times = FixedTimes {
            stream_keep_alive_ms: 100,
            ..FixedTimes::default()
        };
        fixture::shared_with(snapshot, RootCertStore::empty(), times)
    };
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}"#;
    each_driver_with(shared, |address, _| {
        let mut stream = connect(address);
        write!(
            stream,
            "POST /mcp HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\ncontent-type: application/json\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: subscriptions/listen\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        // Again and again: the second comment shows that the first did not end it.
        let (mut seen, mut byte) = (Vec::new(), [0]);
        while seen.windows(3).filter(|bytes| *bytes == b":\n\n").count() < 2 {
            stream.read_exact(&mut byte).unwrap();
            seen.push(byte[0]);
        }
        let text = String::from_utf8(seen).unwrap();
        assert!(
            text.starts_with("HTTP/1.1 200 ") && text.contains("acknowledged"),
            "{text}"
        );
    });
}
