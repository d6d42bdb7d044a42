//! Answers are read back with parsers that are not ours.

use super::*;
use crate::http::body::{BodyReader, Framing, Progress};
use crate::http::{Scan, response};

const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

fn date() -> Date {
    Date::from_unix(784_111_777)
}

fn recipient(version: Version, keep_alive: bool, is_head: bool) -> Recipient {
    Recipient {
        version,
        keep_alive,
        is_head,
    }
}

/// The head as httparse reads it, lines as `name: value`, and what follows.
fn read_back(answer: &[u8]) -> (u16, Vec<String>, Vec<u8>) {
    let mut slots = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut slots);
    let bytes = response.parse(answer).unwrap().unwrap();
    assert_eq!(response.version, Some(1));
    let headers = response.headers.iter();
    let lines = headers
        .map(|header| format!("{}: {}", header.name, String::from_utf8_lossy(header.value)))
        .collect();
    (response.code.unwrap(), lines, answer[bytes..].to_vec())
}

#[test]
fn the_bytes_of_an_answer() {
    let mut out = b"before".to_vec();
    let to = recipient(Version::Http11, true, false);
    begin(&mut out, 429, to, &date())
        .header("x-request-id", b"r1")
        .header_number("retry-after", 30)
        .body("application/json", b"{}");
    let expected = format!(
        "beforeHTTP/1.1 429 Too Many Requests\r\ndate: {DATE}\r\nx-request-id: r1\r\n\
         retry-after: 30\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn whole_answers() {
    use Version::{Http10, Http11};
    let with_body = &["content-type: text/plain", "content-length: 3"][..];
    let close = "connection: close";
    // Status, version, keep-alive, HEAD; headers after the date, body.
    let cases = [
        (200, Http11, true, false, with_body, None, "abc"),
        (200, Http11, false, false, with_body, Some(close), "abc"),
        (200, Http10, false, false, with_body, Some(close), "abc"),
        (
            200,
            Http10,
            true,
            false,
            with_body,
            Some("connection: keep-alive"),
            "abc",
        ),
        (200, Http11, true, true, with_body, None, ""),
        (404, Http10, false, true, with_body, Some(close), ""),
        (204, Http11, true, false, &[], None, ""),
        (204, Http11, false, false, &[], Some(close), ""),
        (304, Http11, true, false, &[], None, ""),
        (200, Http11, false, false, with_body, Some(close), "abc"),
    ];
    for (status, version, keep_alive, is_head, headers, connection, body) in cases {
        let mut out = Vec::new();
        let to = recipient(version, keep_alive, is_head);
        begin(&mut out, status, to, &date()).body("text/plain", b"abc");
        let (got_status, got_headers, got_body) = read_back(&out);
        let mut expected = vec![format!("date: {DATE}")];
        expected.extend(headers.iter().copied().chain(connection).map(str::to_owned));
        assert_eq!(
            (got_status, got_headers),
            (status, expected),
            "{status} {to:?}"
        );
        assert_eq!(got_body, body.as_bytes(), "{status} {to:?}");
    }
}

#[test]
fn answers_without_body() {
    for (status, length) in [
        (202, Some("content-length: 0")),
        (204, None),
        (405, Some("content-length: 0")),
    ] {
        let mut out = Vec::new();
        begin(
            &mut out,
            status,
            recipient(Version::Http11, true, false),
            &date(),
        )
        .no_body();
        let (got_status, headers, body) = read_back(&out);
        assert_eq!(
            (got_status, headers.get(1).map(String::as_str)),
            (status, length)
        );
        assert!(body.is_empty());
    }
}

#[test]
fn every_status_line_is_valid() {
    for status in (100..=999).filter(|status| *status != 101) {
        let mut out = Vec::new();
        begin(&mut out, status, Recipient::UNREADABLE, &date()).no_body();
        assert_eq!(read_back(&out).0, status);
        let line = String::from_utf8(out).unwrap();
        assert!(line.starts_with(&format!("HTTP/1.1 {status} ")), "{line}");
    }
    // Those that a caller of ours can meet have their names.
    for (status, reason) in [
        (200, "OK"),
        (408, "Request Timeout"),
        (431, "Request Header Fields Too Large"),
    ] {
        let mut out = Vec::new();
        begin(&mut out, status, Recipient::UNREADABLE, &date()).no_body();
        assert!(out.starts_with(format!("HTTP/1.1 {status} {reason}\r\n").as_bytes()));
    }
}

#[test]
fn no_value_splits_an_answer() {
    let values: &[&[u8]] = &[
        b"a\r\nset-cookie: forged",
        b"a\nb",
        b"a\rb",
        b"\r\n\r\n<html>",
        b"a\0b",
        b"\x7f\x1b",
        b"plain\ttext \xfc",
        b"",
    ];
    for value in values {
        let mut out = Vec::new();
        let to = recipient(Version::Http11, true, false);
        begin(&mut out, 200, to, &date())
            .header("x-request-id", value)
            .body("text/plain", b"abc");
        let (_, headers, body) = read_back(&out);
        assert_eq!(headers.len(), 4, "{value:?}");
        assert_eq!(body, b"abc");
    }
    let mut out = Vec::new();
    let to = recipient(Version::Http11, true, false);
    begin(&mut out, 200, to, &date())
        .header("x", b"a\r\nb\tc\xfc")
        .no_body();
    assert!(memchr::memmem::find(&out, b"x: a  b\tc\xfc\r\n").is_some());
}

/// Reads a stream with our own client side: the body, and whether the connection stays usable.
fn read_stream(answer: &[u8]) -> (Vec<u8>, bool) {
    let head = response::parse(answer, &mut Scan::default(), false)
        .unwrap()
        .unwrap();
    let rest = &answer[head.head_bytes..];
    let mut reader = BodyReader::new(head.framing, 1 << 20).unwrap();
    match reader.advance(rest).unwrap() {
        Progress::Done { consumed } => assert_eq!(consumed, rest.len()),
        Progress::More { .. } => assert_eq!(head.framing, Framing::UntilClose),
    }
    (reader.bytes(rest).to_vec(), head.keep_alive)
}

#[test]
fn streams() {
    let long = vec![b'x'; 0x1_2345];
    for (version, keep_alive, stays) in [
        (Version::Http11, true, true),
        (Version::Http11, false, false),
        (Version::Http10, true, false),
        (Version::Http10, false, false),
    ] {
        let mut out = Vec::new();
        let to = recipient(version, keep_alive, false);
        let framing = begin(&mut out, 200, to, &date()).stream("text/event-stream");
        assert_eq!(framing.closes_connection(), version == Version::Http10);
        framing.chunk(&mut out, b"hello ");
        framing.chunk(&mut out, b"");
        framing.chunk_with(&mut out, |out| out.extend_from_slice(&long));
        framing.last_chunk(&mut out);
        let (body, keep_alive) = read_stream(&out);
        assert_eq!(body, [b"hello ", &long[..]].concat(), "{to:?}");
        assert_eq!(keep_alive, stays, "{to:?}");
    }
}

#[test]
fn the_bytes_of_chunks() {
    let mut out = Vec::new();
    StreamFraming::Chunked.chunk(&mut out, b"0123456789abcdefg");
    StreamFraming::Chunked.chunk_with(&mut out, |_| {});
    StreamFraming::Chunked.last_chunk(&mut out);
    assert_eq!(out, b"00000011\r\n0123456789abcdefg\r\n0\r\n\r\n");
}

#[test]
fn a_stream_for_head_carries_nothing() {
    for version in [Version::Http10, Version::Http11] {
        let mut out = Vec::new();
        let to = recipient(version, true, true);
        let framing = begin(&mut out, 200, to, &date()).stream("text/event-stream");
        framing.chunk(&mut out, b"hello");
        framing.last_chunk(&mut out);
        assert!(out.ends_with(b"\r\n\r\n"));
        assert!(!framing.closes_connection());
        assert!(read_back(&out).2.is_empty());
    }
}

#[test]
fn continue_is_an_interim_answer() {
    let mut answer = continue_100().to_vec();
    begin(
        &mut answer,
        200,
        recipient(Version::Http11, true, false),
        &date(),
    )
    .body("a/b", b"x");
    let head = response::parse(&answer, &mut Scan::default(), false)
        .unwrap()
        .unwrap();
    assert_eq!((head.status, head.framing), (200, Framing::Length(1)));
}
