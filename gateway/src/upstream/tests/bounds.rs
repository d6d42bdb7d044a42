//! The times of a call, and which address it goes to.

use std::time::Instant;

use super::*;

/// Far more than any bound of these tests, and far less than the time of their calls.
const SOON: Duration = Duration::from_secs(30);

/// A call that would wait for a minute.
fn patient() -> Call {
    Call {
        timeout_ms: 60_000,
        ..Call::default()
    }
}

fn call_within(times: FixedTimes, upstream: &Upstream, roots: RootCertStore) -> Seen {
    let begun = Instant::now();
    let seen = calls_within(times, upstream, roots, vec![patient()], Duration::ZERO).remove(0);
    assert!(
        begun.elapsed() < SOON,
        "{seen:?} after {:?}",
        begun.elapsed()
    );
    seen
}

#[test]
fn the_times_are_those_of_every_gateway() {
    let times = FixedTimes::default();
    assert_eq!(
        times.upstream_connect_ms,
        limits::UPSTREAM_CONNECT_TIMEOUT_MS
    );
    assert_eq!(times.upstream_idle_ms, limits::UPSTREAM_IDLE_TIMEOUT_MS);
    assert_eq!(times.stream_keep_alive_ms, limits::STREAM_KEEP_ALIVE_MS);
}

#[test]
fn silence_within_an_answer_ends_the_call() {
    let times = FixedTimes {
        upstream_idle_ms: 200,
        ..FixedTimes::default()
    };
    for begun in [
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
    ] {
        let address = serve(move |_, mut stream| {
            read_request(&mut stream);
            stream.write_all(begun.as_bytes()).unwrap();
            // Nothing more until the gateway goes.
            let _ = stream.read(&mut [0]);
        });
        let upstream = upstream(vec![address], false);
        let seen = call_within(times, &upstream, RootCertStore::empty());
        assert_eq!(seen, Err(Fault::Timeout), "{begun}");
    }
}

/// The bound is on silence: an answer that keeps coming may take longer in all.
#[test]
fn an_answer_that_keeps_coming_is_waited_for() {
    let times = FixedTimes {
        upstream_idle_ms: 2_000,
        ..FixedTimes::default()
    };
    let address = serve(|_, mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n");
        for _ in 0..12 {
            std::thread::sleep(Duration::from_millis(200));
            let _ = stream.write_all(b"x");
        }
    });
    let upstream = upstream(vec![address], false);
    let seen = call_within(times, &upstream, RootCertStore::empty());
    assert_eq!(seen, Ok((200, b"x".repeat(12), false)));
}

#[test]
fn an_address_that_does_not_finish_connecting_is_left_for_the_next() {
    let times = FixedTimes {
        upstream_connect_ms: 1_000,
        ..FixedTimes::default()
    };
    let (roots, server) = certificate::authority_and_server();
    let server = Arc::new(server);
    // Takes connections, and never answers a handshake.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = (silent.local_addr().unwrap(), silent);
    let answers = serve(move |_, stream| {
        let session = ServerConnection::new(Arc::clone(&server)).unwrap();
        let mut stream = StreamOwned::new(session, stream);
        read_request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
        let _ = stream.flush();
    });
    let both = upstream(vec![silent.0, answers], true);
    let seen = call_within(times, &both, roots.clone());
    assert_eq!(seen, Ok((200, b"hi".to_vec(), false)));
    let alone = upstream(vec![silent.0], true);
    assert_eq!(call_within(times, &alone, roots), Err(Fault::Timeout));
}

#[test]
fn a_name_without_an_address_is_waited_for_as_long_as_a_connection() {
    let brief = FixedTimes {
        upstream_connect_ms: 100,
        ..FixedTimes::default()
    };
    let unknown = upstream(Vec::new(), false);
    let seen = call_within(brief, &unknown, RootCertStore::empty());
    assert_eq!(seen, Err(Fault::Unresolved));
    // Control finds it meanwhile.
    let address = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
    let addresses = Arc::clone(&unknown.addresses);
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        addresses.set(vec![address]);
    });
    let long = FixedTimes {
        upstream_connect_ms: 20_000,
        ..FixedTimes::default()
    };
    let seen = call_within(long, &unknown, RootCertStore::empty());
    assert_eq!(seen, Ok((200, b"hi".to_vec(), false)));
}

/// Pitfall 19: a round that began anew with each call would always pick the first address.
#[test]
fn pitfall_19_connections_go_to_each_address_in_turn() {
    let first = answering(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\n1");
    let second = answering(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\n2");
    let upstream = upstream(vec![first, second], false);
    let four = (0..4).map(|_| Call::default()).collect();
    let seen = calls(&upstream, RootCertStore::empty(), four, Duration::ZERO);
    let bodies: Vec<_> = seen.into_iter().map(|seen| seen.unwrap().1).collect();
    assert_eq!(bodies, [b"1", b"2", b"1", b"2"]);
}
