//! Calls of upstreams that behave, misbehave and lie, over real sockets.

mod bounds;
mod certificate;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::time::Duration;

use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::*;
use crate::limits;
use crate::snapshot::Snapshot;
use crate::snapshot::operation::{Body, Guarded};
use crate::snapshot::upstream::UpstreamId;
use crate::worker::core::FixedTimes;
use crate::worker::fixture;
use crate::worker::io::{Driver, run};

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// What a test sees of an outcome: status, body and whether it was cut at the bound.
type Seen = Result<(u16, Vec<u8>, bool), Fault>;

fn operation(idempotent: bool, head_only: bool) -> RestOperation {
    RestOperation {
        upstream: UpstreamId(0),
        idempotent,
        head_only,
        prefix: "GET /".into(),
        path: Box::default(),
        fixed_query: Guarded::default(),
        query: Box::default(),
        fixed_head: Guarded::default(),
        headers: Box::default(),
        fixed_cookies: Guarded::default(),
        cookies: Box::default(),
        body: Body::None,
        announces_empty_body: false,
        sends_request_id: false,
        sends_traceparent: false,
    }
}

pub(super) fn upstream(addresses: Vec<SocketAddr>, tls: bool) -> Upstream {
    let found = address::Addresses::default();
    found.set(addresses);
    Upstream {
        key: "http://localhost:1".into(),
        tls,
        host: "localhost".into(),
        port: 1,
        authority: "localhost".into(),
        allow: ["127.0.0.0/8".parse().unwrap()].into(),
        addresses: found.into(),
    }
}

/// One call of a test.
struct Call {
    bytes: Vec<u8>,
    idempotent: bool,
    head_only: bool,
    timeout_ms: u64,
}

impl Default for Call {
    fn default() -> Self {
        Self {
            bytes: GET.to_vec(),
            idempotent: true,
            head_only: false,
            timeout_ms: 5_000,
        }
    }
}

/// Makes the calls one after the other on one worker, with a pause before each but the first.
fn calls(
    upstream: &Upstream,
    roots: RootCertStore,
    calls: Vec<Call>,
    pause: Duration,
) -> Vec<Seen> {
    calls_within(FixedTimes::default(), upstream, roots, calls, pause)
}

/// [`calls`] with other times than those of every gateway.
fn calls_within(
    times: FixedTimes,
    upstream: &Upstream,
    roots: RootCertStore,
    calls: Vec<Call>,
    pause: Duration,
) -> Vec<Seen> {
    let shared = fixture::shared_with(Snapshot::default(), roots, times);
    run(Driver::probe(), async move {
        let core = Rc::new(fixture::core(shared));
        let sweeper = Rc::clone(&core);
        crate::worker::io::spawn(async move {
            loop {
                sleep(Duration::from_millis(10)).await;
                sweeper.deadlines.sweep(sweeper.clock.now());
            }
        });
        let mut seen = Vec::new();
        for (index, call) in calls.into_iter().enumerate() {
            if index > 0 {
                sleep(pause).await;
            }
            let operation = operation(call.idempotent, call.head_only);
            let (bytes, timeout_ms, now) = (call.bytes, call.timeout_ms, core.clock.now());
            let outbound = Outbound {
                upstream,
                operation: &operation,
                bytes,
                timeout_ms,
                now,
            };
            let pool = core.pools.of(upstream);
            seen.push(attempt_twice(&core, &pool, outbound).await.map(|received| {
                let reply = received.reply();
                let found = (reply.status, reply.body.to_vec(), reply.truncated);
                received.finish(core.clock.now());
                found
            }));
        }
        seen
    })
    .unwrap()
}

/// Reads one request without a body.
fn read_request(stream: &mut impl io::Read) -> Vec<u8> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(count @ 1..) => request.extend_from_slice(&buffer[..count]),
            _ => break,
        }
    }
    request
}

/// An upstream that hands each connection, with its number, to `serve`.
pub(super) fn serve(serve: impl Fn(usize, TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for (index, stream) in listener.incoming().flatten().enumerate() {
            serve(index, stream);
        }
    });
    address
}

/// An upstream that writes `answer` to each connection's first request and closes in order.
fn answering(answer: &'static [u8]) -> SocketAddr {
    serve(move |_, mut stream| {
        read_request(&mut stream);
        stream.write_all(answer).unwrap();
    })
}

fn one(address: SocketAddr, call: Call) -> Seen {
    let upstream = upstream(vec![address], false);
    calls(
        &upstream,
        RootCertStore::empty(),
        vec![call],
        Duration::ZERO,
    )
    .remove(0)
}

/// Closes with a reset.
fn reset(stream: TcpStream) {
    let socket = socket2::Socket::from(stream);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
}

#[test]
fn answers_of_every_framing_are_read() {
    let check = |answer: &'static [u8], status: u16, body: &[u8]| {
        let expected = Ok((status, body.to_vec(), false));
        assert_eq!(
            one(answering(answer), Call::default()),
            expected,
            "{}",
            answer.escape_ascii()
        );
    };
    check(
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
        200,
        b"hi",
    );
    check(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        200,
        b"hi",
    );
    check(
        b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
        200,
        b"until the end",
    );
    check(b"HTTP/1.0 200 OK\r\n\r\nold", 200, b"old");
    check(b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"");
    check(
        b"HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n",
        304,
        b"",
    );
    check(
        b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        200,
        b"",
    );
}

#[test]
fn broken_answers_are_faults() {
    let check = |answer: &'static [u8], fault: Fault| {
        assert_eq!(
            one(answering(answer), Call::default()),
            Err(fault),
            "{}",
            answer.escape_ascii()
        );
    };
    check(b"", Fault::Closed);
    check(b"HTTP/1.1 200 OK\r\n", Fault::Broken);
    check(
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nhi",
        Fault::Broken,
    );
    check(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n",
        Fault::Broken,
    );
    check(
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        Fault::Broken,
    );
    check(
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
        Fault::Broken,
    );
    check(
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\nx",
        Fault::Broken,
    );
    check(b"SSH-2.0-OpenSSH\r\n", Fault::Broken);
}

#[test]
fn a_body_until_close_that_is_reset_is_no_answer() {
    let address = serve(|_, mut stream| {
        read_request(&mut stream);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"balance\": 10")
            .unwrap();
        // Long enough for the bytes to be read: only the reset is then left to tell.
        std::thread::sleep(Duration::from_millis(100));
        reset(stream);
    });
    assert_eq!(one(address, Call::default()), Err(Fault::Broken));
}

#[test]
fn a_body_one_past_the_bound_is_cut_and_said_so() {
    let check = |bytes: usize, cut: bool| {
        let address = serve(move |_, mut stream| {
            read_request(&mut stream);
            let _ = write!(stream, "HTTP/1.1 200 OK\r\n\r\n");
            let _ = stream.write_all(&vec![b'x'; bytes]);
        });
        let (status, body, truncated) = one(address, Call::default()).unwrap();
        assert_eq!(
            (status, truncated, body.len()),
            (200, cut, if cut { 0 } else { bytes })
        );
    };
    check(limits::UPSTREAM_BODY_BYTES_MAX, false);
    check(limits::UPSTREAM_BODY_BYTES_MAX + 1, true);
}

#[test]
fn a_head_one_past_the_bound_is_broken() {
    let check = |bytes: usize, expected: Seen| {
        let address = serve(move |_, mut stream| {
            read_request(&mut stream);
            let (start, end) = ("HTTP/1.1 200 OK\r\nx: ", "\r\ncontent-length: 0\r\n\r\n");
            let value = "x".repeat(bytes - start.len() - end.len());
            let _ = write!(stream, "{start}{value}{end}");
        });
        assert_eq!(one(address, Call::default()), expected, "{bytes}");
    };
    check(
        limits::UPSTREAM_HEAD_BYTES_MAX,
        Ok((200, Vec::new(), false)),
    );
    check(limits::UPSTREAM_HEAD_BYTES_MAX + 1, Err(Fault::Broken));
}

#[test]
fn silence_and_dripping_end_with_the_calls_time() {
    let address = serve(|_, mut stream| {
        read_request(&mut stream);
        // One byte now and then, for ever.
        while stream.write_all(b"H").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let call = Call {
        timeout_ms: 150,
        ..Call::default()
    };
    assert!(matches!(
        one(address, call),
        Err(Fault::Timeout | Fault::Broken)
    ));
    let (_held, silent) = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    };
    let call = Call {
        timeout_ms: 150,
        ..Call::default()
    };
    assert_eq!(one(silent, call), Err(Fault::Timeout));
}

/// RFC 5737 addresses are nowhere, so connecting to one takes for ever (or fails at once without a route).
#[test]
fn all_addresses_together_have_the_calls_time() {
    let dead: Vec<SocketAddr> = (1..=60)
        .map(|last| format!("192.0.2.{last}:9").parse().unwrap())
        .collect();
    let mut upstream = upstream(dead, false);
    upstream.allow = ["192.0.2.0/24".parse().unwrap()].into();
    let clock = fixture::shared(Snapshot::default(), RootCertStore::empty());
    let begun = clock.clock.now();
    let call = Call {
        timeout_ms: 200,
        ..Call::default()
    };
    let seen = calls(
        &upstream,
        RootCertStore::empty(),
        vec![call],
        Duration::ZERO,
    )
    .remove(0);
    assert!(
        matches!(seen, Err(Fault::Timeout | Fault::Connect)),
        "{seen:?}"
    );
    assert!(
        clock.clock.now().micros_since(begun) < 2_000_000,
        "200 ms, not 200 ms for each address"
    );
}

#[test]
fn addresses_outside_the_allowed_ranges_are_never_connected_to() {
    let (connected, connections) = channel();
    let address = serve(move |index, _| connected.send(index).unwrap());
    let mut upstream = upstream(vec![address], false);
    upstream.allow = ["10.0.0.0/8".parse().unwrap()].into();
    let seen = calls(
        &upstream,
        RootCertStore::empty(),
        vec![Call::default()],
        Duration::ZERO,
    );
    assert_eq!(seen, [Err(Fault::AddressRefused)]);
    assert!(connections.try_recv().is_err());
}

#[test]
fn a_host_that_moved_is_tried_at_its_next_address() {
    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let here = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
    let upstream = upstream(vec![gone, here], false);
    let seen = calls(
        &upstream,
        RootCertStore::empty(),
        vec![Call::default()],
        Duration::ZERO,
    );
    assert_eq!(seen, [Ok((200, b"hi".to_vec(), false))]);
}

/// Response queue poisoning: the second answer was never asked for, and must reach nobody.
#[test]
fn bytes_behind_an_answer_do_not_become_the_next_callers_answer() {
    let address = serve(|index, mut stream| {
        read_request(&mut stream);
        let (head, body) = ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n", index);
        write!(stream, "{head}{body}").unwrap();
        std::thread::sleep(Duration::from_millis(30));
        let _ = write!(stream, "{head}X");
        // Kept open: only the bytes tell that something is wrong.
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_secs(3));
            drop(stream);
        });
    });
    let upstream = upstream(vec![address], false);
    let two = vec![Call::default(), Call::default()];
    let seen = calls(
        &upstream,
        RootCertStore::empty(),
        two,
        Duration::from_millis(100),
    );
    assert_eq!(
        seen,
        [
            Ok((200, b"0".to_vec(), false)),
            Ok((200, b"1".to_vec(), false))
        ]
    );
}

#[test]
fn what_is_not_idempotent_is_not_sent_on_a_connection_that_was_closed() {
    let address = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
    let upstream = upstream(vec![address], false);
    let post = || Call {
        idempotent: false,
        ..Call::default()
    };
    let seen = calls(
        &upstream,
        RootCertStore::empty(),
        vec![post(), post()],
        Duration::from_millis(50),
    );
    assert_eq!(
        seen,
        [
            Ok((200, b"hi".to_vec(), false)),
            Ok((200, b"hi".to_vec(), false))
        ]
    );
}

#[test]
fn what_reached_the_upstream_is_sent_again_only_if_idempotent() {
    for (idempotent, expected) in [
        (true, Ok((200, b"1".to_vec(), false))),
        (false, Err(Fault::Closed)),
    ] {
        let address = serve(|index, mut stream| {
            read_request(&mut stream);
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{index}"
            )
            .unwrap();
            if index == 0 {
                // Takes the second request, and then goes away without an answer.
                read_request(&mut stream);
            }
        });
        let upstream = upstream(vec![address], false);
        let second = Call {
            idempotent,
            ..Call::default()
        };
        let seen = calls(
            &upstream,
            RootCertStore::empty(),
            vec![Call::default(), second],
            Duration::ZERO,
        );
        assert_eq!(seen[1], expected, "idempotent: {idempotent}");
    }
}

#[test]
fn an_answer_before_the_request_was_read_reaches_the_caller() {
    let address = serve(|_, mut stream| {
        let mut some = [0; 1024];
        let _ = stream.read(&mut some);
        stream
            .write_all(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nbig")
            .unwrap();
        // Closing with unread bytes resets, while most of the body is still to be sent.
        std::thread::sleep(Duration::from_millis(100));
    });
    let mut bytes =
        b"PUT / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 16000000\r\n\r\n".to_vec();
    bytes.resize(bytes.len() + 16_000_000, b'x');
    let seen = one(
        address,
        Call {
            bytes,
            ..Call::default()
        },
    );
    assert_eq!(seen, Ok((413, b"big".to_vec(), false)));
}

// === TLS ===

/// One call to an upstream that speaks TLS and does with it what `serve_tls` says.
fn over_tls(serve_tls: impl Fn(StreamOwned<ServerConnection, TcpStream>) + Send + 'static) -> Seen {
    let (roots, server) = certificate::authority_and_server();
    tls_call(roots, server, serve_tls)
}

fn tls_call(
    roots: RootCertStore,
    server: ServerConfig,
    serve_tls: impl Fn(StreamOwned<ServerConnection, TcpStream>) + Send + 'static,
) -> Seen {
    let server = Arc::new(server);
    let address = serve(move |_, stream| {
        let session = ServerConnection::new(Arc::clone(&server)).unwrap();
        serve_tls(StreamOwned::new(session, stream));
    });
    calls(
        &upstream(vec![address], true),
        roots,
        vec![Call::default()],
        Duration::ZERO,
    )
    .remove(0)
}

#[test]
fn tls_answers_are_read() {
    let seen = over_tls(|mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
        let _ = stream.flush();
    });
    assert_eq!(seen, Ok((200, b"hi".to_vec(), false)));
}

/// Records of many sizes, small ones behind large ones: more plaintext in one read than a session holds.
#[test]
fn large_tls_answers_are_read_whatever_their_records() {
    const BYTES: usize = 3 * 1024 * 1024;
    let seen = over_tls(|mut stream| {
        read_request(&mut stream);
        let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {BYTES}\r\n\r\n");
        let mut left = BYTES;
        for size in [16_384, 700, 16_384, 16_384, 90, 1_400].into_iter().cycle() {
            let size = size.min(left);
            if size == 0 || stream.write_all(&vec![b'x'; size]).is_err() {
                break;
            }
            left -= size;
        }
        let _ = stream.flush();
    });
    let (status, body, truncated) = seen.unwrap();
    assert_eq!((status, body.len(), truncated), (200, BYTES, false));
}

/// Whoever can reset or close the TCP connection could otherwise shorten an answer.
#[test]
fn a_tls_body_until_close_needs_the_announced_end() {
    for announced in [true, false] {
        let seen = over_tls(move |mut stream| {
            read_request(&mut stream);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"balance\": 10");
            if announced {
                stream.conn.send_close_notify();
            }
            let _ = stream.flush();
        });
        let whole = Ok((200, b"{\"balance\": 10".to_vec(), false));
        assert_eq!(seen, if announced { whole } else { Err(Fault::Broken) });
    }
}

/// rustls takes nothing after a close_notify; waiting for it to do so stopped the worker for good.
#[test]
fn bytes_behind_a_close_notify_do_not_stop_the_worker() {
    let seen = over_tls(|mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhi");
        stream.conn.send_close_notify();
        let mut all = Vec::new();
        while stream.conn.wants_write() {
            stream.conn.write_tls(&mut all).unwrap();
        }
        all.extend_from_slice(&[0x17, 3, 3, 0, 5, 1, 2, 3, 4, 5]);
        let _ = stream.sock.write_all(&all);
    });
    assert_eq!(seen, Ok((200, b"hi".to_vec(), false)));
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let (_, server) = certificate::authority_and_server();
    let (other, _) = certificate::authority_and_server();
    let seen = tls_call(other, server, |mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    });
    assert_eq!(seen, Err(Fault::Connect));
}

#[test]
fn a_handshake_that_hangs_has_the_calls_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = upstream(vec![listener.local_addr().unwrap()], true);
    let (roots, _) = certificate::authority_and_server();
    let call = Call {
        timeout_ms: 100,
        ..Call::default()
    };
    assert_eq!(
        calls(&upstream, roots, vec![call], Duration::ZERO),
        [Err(Fault::Timeout)]
    );
}
