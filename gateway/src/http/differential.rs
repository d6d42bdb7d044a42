//! Our framing beside hyper's, on the same bytes: two independent readings of RFC 9112.
//!
//! The rule that is tested: whatever we accept, hyper accepts too, as the same requests with the
//! same bodies. The other way round we may be stricter, where a row says why. Run with
//! `--nocapture` to see each of those differences.

use std::cell::RefCell;
use std::convert::Infallible;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::body::{BodyReader, Progress};
use super::{Scan, head};

const BODY_BYTES_MAX: usize = 1 << 20;

/// A request that was read to its end.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    method: String,
    path: String,
    body: Vec<u8>,
}

/// The requests that our framing reads from a connection that carries `input` and is then closed.
fn ours(mut input: &[u8]) -> Vec<Seen> {
    let mut seen = Vec::new();
    while let Ok(Some(head)) = head::parse(input, &mut Scan::default()) {
        let arrived = &input[head.head_bytes..];
        let Ok(mut reader) = BodyReader::new(head.framing, BODY_BYTES_MAX) else {
            break;
        };
        let Ok(Progress::Done { consumed }) = reader.advance(arrived) else {
            break;
        };
        seen.push(Seen {
            method: head.method.as_str().to_owned(),
            path: head.target.path.to_owned(),
            body: reader.bytes(arrived).to_vec(),
        });
        if !head.keep_alive {
            break;
        }
        input = &arrived[consumed..];
    }
    seen
}

/// The requests that hyper's server reads from the same connection.
fn hypers(input: &[u8]) -> Vec<Seen> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let seen = RefCell::new(Vec::new());
    let service = hyper::service::service_fn(|request: hyper::Request<Incoming>| async {
        let (parts, body) = request.into_parts();
        // A body that breaks off or is malformed makes no whole request.
        if let Ok(body) = body.collect().await {
            seen.borrow_mut().push(Seen {
                method: parts.method.as_str().to_owned(),
                path: parts.uri.path().to_owned(),
                body: body.to_bytes().to_vec(),
            });
        }
        Ok::<_, Infallible>(hyper::Response::new(Empty::<Bytes>::new()))
    });
    runtime.block_on(async {
        let (mut client, server) = tokio::io::duplex(input.len().max(64 * 1024));
        let io = hyper_util::rt::TokioIo::new(server);
        let connection = hyper::server::conn::http1::Builder::new()
            .half_close(true)
            .serve_connection(io, service);
        let talk = async {
            client.write_all(input).await.unwrap();
            client.shutdown().await.unwrap();
            let mut answers = Vec::new();
            client.read_to_end(&mut answers).await.unwrap();
        };
        // What the connection ends with does not matter: what was read before does.
        let (_ended, ()) = tokio::join!(connection, talk);
    });
    seen.into_inner()
}

/// What both must read alike, after `GET / HTTP/1.1` and a host.
const ALIKE: &[&str] = &[
    "\r\n",
    "Content-Length: 3\r\n\r\nabc",
    "Content-Length: 3\r\n\r\nab",
    "Content-Length: 0\r\n\r\nGET /b HTTP/1.1\r\nHost: b\r\n\r\n",
    "Content-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\nHost: b\r\n\r\n",
    "Content-Length: 003\r\n\r\nabc",
    "\r\nGET /b HTTP/1.1\r\nHost: b\r\n\r\nGET /c HTTP/1.0\r\n\r\n",
    "Connection: close\r\n\r\nGET /b HTTP/1.1\r\nHost: b\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\nGET /b HTTP/1.1\r\nHost: b\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
    "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    "X: a\r\n b\r\n\r\n",
    "X : a\r\n\r\n",
    "X Y: a\r\n\r\n",
    ": a\r\n\r\n",
    "X\r\n\r\n",
    "X: a\0\r\n\r\n",
    "X: a\rb\r\n\r\n",
    "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "Content-Length: -3\r\n\r\nabc",
    "Content-Length: +3\r\n\r\nabc",
    "Content-Length: 3 3\r\n\r\nabc",
    "Content-Length: 0x3\r\n\r\nabc",
    "Content-Length:\r\n\r\nabc",
    "Content-Length: 99999999999999999999\r\n\r\nabc",
    "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n3\rabc\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n3;a\nb\r\nabc\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\nabc\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n0\r\nX : y\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n0\r\nX\r\n\r\n",
];

/// What both must read alike, as a whole.
const WHOLE_ALIKE: &[&str] = &[
    "GET / HTTP/1.0\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n",
    "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET http://h/p?q HTTP/1.1\r\nHost: a\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
    "GET /\r\nHost: a\r\n\r\n",
    " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
];

/// Where we stop and hyper goes on, after `GET / HTTP/1.1` and a host; and why.
const STRICTER: &[(&str, &str)] = &[
    (
        "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "equal lengths are still two",
    ),
    (
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "a peer before us may have gone by the length",
    ),
    (
        "Transfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "nobody here undoes the coding",
    ),
    (
        "Transfer-Encoding: chunked, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "chunked only once",
    ),
    (
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "chunked only once",
    ),
    (
        "Transfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n",
        "white space after a size",
    ),
    (
        "Transfer-Encoding: chunked\r\n\r\n3\t;a\r\nabc\r\n0\r\n\r\n",
        "white space after a size",
    ),
    (
        "Transfer-Encoding: chunked\r\n\r\n3;\x01\r\nabc\r\n0\r\n\r\n",
        "a control character in an extension",
    ),
    (
        "Transfer-Encoding: chunked\r\n\r\n00000000000000003\r\nabc\r\n0\r\n\r\n",
        "17 digits",
    ),
    ("X: a\n\r\n", "a bare line feed"),
    ("X: a\r\n\n", "a bare line feed"),
    ("Content-Length: 3\n\nabc", "a bare line feed"),
    ("Host: a\r\n\r\n", "two hosts"),
    (
        "Authorization: a\r\nAuthorization: b\r\n\r\n",
        "two identities",
    ),
    ("Expect: magic\r\n\r\n", "an unknown expectation"),
];

/// The same, as a whole.
const WHOLE_STRICTER: &[(&str, &str)] = &[
    ("GET / HTTP/1.1\r\n\r\n", "no host"),
    ("GET / HTTP/1.1\r\nHost:\r\n\r\n", "an empty host"),
    ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "a space in the host"),
    ("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", "two hosts, joined"),
    ("GET / HTTP/1.1\nHost: a\r\n\r\n", "a bare line feed"),
    ("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "a bare line feed"),
];

fn after_host(rest: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: a\r\n{rest}")
}

#[test]
fn what_is_read_alike() {
    let whole = WHOLE_ALIKE.iter().map(|input| (*input).to_owned());
    for input in ALIKE.iter().map(|rest| after_host(rest)).chain(whole) {
        assert_eq!(
            ours(input.as_bytes()),
            hypers(input.as_bytes()),
            "{input:?}"
        );
    }
}

#[test]
fn where_we_are_stricter() {
    let after_host = STRICTER.iter().map(|(rest, why)| (after_host(rest), *why));
    let whole = WHOLE_STRICTER
        .iter()
        .map(|(input, why)| ((*input).to_owned(), *why));
    for (input, why) in after_host.chain(whole) {
        println!("refused, while hyper accepts: {why}: {input:?}");
        assert_eq!(ours(input.as_bytes()), [], "{input:?}");
        // If hyper has become strict, too, the row belongs to those that are read alike.
        assert_eq!(hypers(input.as_bytes()).len(), 1, "{input:?}");
    }
}

/// Pieces of which connections are put together, good and bad.
fn any_connection() -> impl Strategy<Value = String> {
    let start = prop::sample::select(vec![
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "POST /b?c HTTP/1.1\r\nHost: a\r\n",
        "POST / HTTP/1.0\r\nConnection: keep-alive\r\n",
        "HEAD http://h/ HTTP/1.1\r\nHost: a\r\n",
        "GET / HTTP/1.1\r\n",
    ]);
    let header = prop::sample::select(vec![
        "",
        "",
        "Content-Length: 3\r\n",
        "Content-Length: 5\r\n",
        "Content-Length : 3\r\n",
        "Content-Length: 3,3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "transfer-encoding:\tchunked \r\n",
        "X: a\r\n b\r\n",
        "X: a\n",
        "X:\rb\r\n",
        "Connection: close\r\n",
        "Expect: 100-continue\r\n",
    ]);
    let body = prop::sample::select(vec![
        "",
        "abc",
        "0\r\n\r\n",
        "3\r\nabc\r\n0\r\n\r\n",
        "3;x\r\nabc\r\n0\r\nT: u\r\n\r\n",
        "3 \r\nabc\r\n0\r\n\r\n",
        "3\r\nabc0\r\n\r\n",
        "3\nabc\n0\n\n",
        "0\r\n",
    ]);
    let request = (start, prop::collection::vec(header, 0..3), body)
        .prop_map(|(start, headers, body)| format!("{start}{}\r\n{body}", headers.concat()));
    prop::collection::vec(request, 1..4).prop_map(|requests| requests.concat())
}

proptest! {
    /// What we read of a connection is the beginning of what hyper reads of it.
    #[test]
    fn we_accept_nothing_that_hyper_refuses(input in any_connection()) {
        let (ours, hypers) = (ours(input.as_bytes()), hypers(input.as_bytes()));
        prop_assert!(hypers.starts_with(&ours), "ours: {:?}, hyper's: {:?}", ours, hypers);
    }
}
