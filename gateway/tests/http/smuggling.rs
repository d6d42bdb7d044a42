//! Requests that two readers could cut differently: each is refused, and nothing behind it is read.

use crate::World;
use crate::support::wait::SOON;
use crate::support::wire::End;

/// What is sent, and the status it deserves. `{host}` stands for the gateway's.
const CASES: &[(&str, &[u8], u16)] = &[
    (
        "length and chunked",
        b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "chunked and length",
        b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: chunked\r\ncontent-length: 0\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "two lengths",
        b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\ncontent-length: 5\r\n\r\nhello",
        400,
    ),
    (
        "two equal lengths",
        b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\ncontent-length: 0\r\n\r\n",
        400,
    ),
    ("a list of lengths", b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0, 0\r\n\r\n", 400),
    ("a positive length", b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ncontent-length: +0\r\n\r\n", 400),
    ("a negative length", b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ncontent-length: -1\r\n\r\n", 400),
    ("a hexadecimal length", b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0x0\r\n\r\n", 400),
    ("an empty length", b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ncontent-length:\r\n\r\n", 400),
    (
        "a length beyond 64 bits",
        b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ncontent-length: 18446744073709551616\r\n\r\n",
        400,
    ),
    (
        "a folded header",
        b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "a space before the colon",
        b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "a space in a name",
        b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ncontent length: 0\r\n\r\n",
        400,
    ),
    ("a space before the first header", b"GET /livez HTTP/1.1\r\n host: {host}\r\n\r\n", 400),
    ("a line without a colon", b"GET /livez HTTP/1.1\r\nhost: {host}\r\nnonsense\r\n\r\n", 400),
    ("a header without a name", b"GET /livez HTTP/1.1\r\nhost: {host}\r\n: value\r\n\r\n", 400),
    ("a bare line feed", b"GET /livez HTTP/1.1\nhost: {host}\n\n", 400),
    ("a bare line feed in the headers", b"GET /livez HTTP/1.1\r\nhost: {host}\nx: y\r\n\r\n", 400),
    ("a bare carriage return", b"GET /livez HTTP/1.1\r\nhost: {host}\r\nx: a\rb\r\n\r\n", 400),
    ("a NUL in a value", b"GET /livez HTTP/1.1\r\nhost: {host}\r\nx: a\0b\r\n\r\n", 400),
    ("a NUL in a name", b"GET /livez HTTP/1.1\r\nhost: {host}\r\nx\0: ab\r\n\r\n", 400),
    ("a NUL in the target", b"GET /livez\0 HTTP/1.1\r\nhost: {host}\r\n\r\n", 400),
    ("two spaces in the request line", b"GET  /livez HTTP/1.1\r\nhost: {host}\r\n\r\n", 400),
    ("a tab in the request line", b"GET\t/livez HTTP/1.1\r\nhost: {host}\r\n\r\n", 400),
    ("a fragment", b"GET /livez#x HTTP/1.1\r\nhost: {host}\r\n\r\n", 400),
    ("no host", b"GET /livez HTTP/1.1\r\n\r\n", 400),
    ("two hosts", b"GET /livez HTTP/1.1\r\nhost: {host}\r\nhost: {host}\r\n\r\n", 400),
    ("a host with a path", b"GET /livez HTTP/1.1\r\nhost: {host}/x\r\n\r\n", 400),
    ("a host with a user", b"GET /livez HTTP/1.1\r\nhost: u@{host}\r\n\r\n", 400),
    (
        "two credentials",
        b"GET /mcp/v1/tools HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n",
        400,
    ),
    (
        "chunked twice",
        b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "chunked in two headers",
        b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "another coding",
        b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        501,
    ),
    (
        "chunked in HTTP/1.0",
        b"POST /mcp HTTP/1.0\r\nhost: {host}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "a chunk size with a sign",
        b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: chunked\r\n\r\n+1\r\nx\r\n0\r\n\r\n",
        400,
    ),
    (
        "a chunk size with a prefix",
        b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n",
        400,
    ),
    (
        "a chunk size with a space",
        b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: chunked\r\n\r\n1 \r\nx\r\n0\r\n\r\n",
        400,
    ),
    (
        "a chunk size beyond 64 bits",
        b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: chunked\r\n\r\n10000000000000001\r\nx\r\n0\r\n\r\n",
        400,
    ),
    (
        "a chunk longer than its size",
        b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: chunked\r\n\r\n1\r\nxyz\r\n0\r\n\r\n",
        400,
    ),
    (
        "a chunk that ends in a bare line feed",
        b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: chunked\r\n\r\n1\nx\n0\n\n",
        400,
    ),
    (
        "a chunk extension with a line feed",
        b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: chunked\r\n\r\n1;a\nb\r\nx\r\n0\r\n\r\n",
        400,
    ),
    (
        "a trailer without a colon",
        b"POST /mcp HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: chunked\r\n\r\n0\r\nnonsense\r\n\r\n",
        400,
    ),
];

#[test]
fn ambiguous_requests_are_refused_and_the_connection_is_closed() {
    let world = World::start();
    let host = world.gateway.host();
    for (name, request, status) in CASES {
        let mut wire = world.gateway.connect();
        let text = String::from_utf8(request.to_vec()).expect("the table is ASCII");
        // A second request right behind: if it is answered, something was smuggled.
        let smuggled = text.replace("{host}", &host) + &world.alive();
        wire.send(smuggled);
        let answer = wire.answer();
        assert_eq!(answer.status, *status, "{name}: {}", answer.text());
        assert!(answer.closes(), "{name}: {answer:?}");
        assert_eq!(wire.end(SOON), End::Closed, "{name}");
    }
}

#[test]
fn a_refusal_says_what_is_wrong() {
    let world = World::start();
    let mut wire = world.gateway.connect();
    let host = world.gateway.host();
    wire.send(format!(
        "POST /mcp HTTP/1.1\r\nhost: {host}\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n"
    ));
    let answer = wire.answer().json();
    let error = &answer["error"];
    assert_eq!(error["code"], "INVALID_REQUEST");
    let details = error["details"].to_string();
    assert!(details.contains("Transfer-Encoding"), "{answer}");
    assert!(error["suggestion"].is_string(), "{answer}");
}
