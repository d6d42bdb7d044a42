//! Upstreams' answers, honest and lying, whole and cut.

use super::*;

type Parsed = Result<Option<(u16, Framing, bool, usize)>, ResponseFault>;

fn parse_split(buffer: &[u8], ends: &[usize], was_head: bool) -> Parsed {
    let mut scan = Scan::default();
    let mut decided = Ok(None);
    for end in ends.iter().copied().chain([buffer.len()]) {
        decided = parse(&buffer[..end], &mut scan, was_head);
        if !matches!(decided, Ok(None)) {
            break;
        }
    }
    decided
        .map(|head| head.map(|head| (head.status, head.framing, head.keep_alive, head.head_bytes)))
}

/// Parses whole, cut at every byte, and byte by byte.
fn check(answer: &str, was_head: bool, expected: Parsed) {
    let bytes = answer.as_bytes();
    let shown = &answer[..answer.len().min(200)];
    assert_eq!(parse_split(bytes, &[], was_head), expected, "{shown:?}");
    let is_like = |parsed: &Parsed| match (parsed, &expected) {
        (Err(ResponseFault::Malformed(_)), Err(ResponseFault::Malformed(_))) => true,
        _ => *parsed == expected,
    };
    let step = (bytes.len() / 500).max(1);
    for cut in (0..bytes.len()).step_by(step) {
        let parsed = parse_split(bytes, &[cut], was_head);
        assert!(is_like(&parsed), "{shown:?} cut at {cut}: {parsed:?}");
    }
    let pieces: Vec<usize> = (0..bytes.len()).step_by(step).collect();
    let parsed = parse_split(bytes, &pieces, was_head);
    assert!(is_like(&parsed), "{shown:?} in pieces: {parsed:?}");
}

#[test]
fn headers_that_are_read() {
    let answer = "HTTP/1.1 429 Slow Down\r\nContent-Type: a/b\r\ncontent-encoding: gzip\r\n\
                  LOCATION: /x\r\nRetry-After: 3\r\nContent-Type: ignored\r\nX: y\r\n\
                  Content-Length: 2\r\n\r\nok";
    let mut scan = Scan::default();
    let head = parse(answer.as_bytes(), &mut scan, false).unwrap().unwrap();
    assert_eq!((head.status, head.version), (429, Version::Http11));
    assert_eq!(head.content_type, Some(&b"a/b"[..]));
    assert_eq!(head.content_encoding, Some(&b"gzip"[..]));
    assert_eq!(head.location, Some(&b"/x"[..]));
    assert_eq!(head.retry_after, Some(&b"3"[..]));
    assert_eq!(head.headers().count(), 7);
    assert_eq!(&answer[head.head_bytes..], "ok");
    assert!(!format!("{head:?}").contains("/x"));
}

#[test]
fn where_bodies_end() {
    use Framing::{Chunked, Length, None, UntilClose};
    let cases = [
        (
            "1.1 200 OK",
            "Content-Length: 5\r\n",
            false,
            Length(5),
            true,
        ),
        (
            "1.1 200 OK",
            "Content-Length: 0\r\n",
            false,
            Length(0),
            true,
        ),
        ("1.1 200", "Content-Length: 5\r\n", false, Length(5), true),
        ("1.1 200 ", "Content-Length: 5\r\n", false, Length(5), true),
        (
            "1.1 200 \u{fc}ber",
            "Content-Length: 5\r\n",
            false,
            Length(5),
            true,
        ),
        (
            "1.1 200 OK",
            "Transfer-Encoding: chunked\r\n",
            false,
            Chunked,
            true,
        ),
        ("1.1 200 OK", "", false, UntilClose, false),
        (
            "1.1 200 OK",
            "Connection: keep-alive\r\n",
            false,
            UntilClose,
            false,
        ),
        (
            "1.1 200 OK",
            "Content-Length: 5\r\nConnection: Close\r\n",
            false,
            Length(5),
            false,
        ),
        (
            "1.0 200 OK",
            "Content-Length: 5\r\n",
            false,
            Length(5),
            false,
        ),
        (
            "1.0 200 OK",
            "Content-Length: 5\r\nConnection: keep-alive\r\n",
            false,
            Length(5),
            true,
        ),
        ("1.0 200 OK", "", false, UntilClose, false),
        (
            "1.1 500 No",
            "Content-Length: 5\r\n",
            false,
            Length(5),
            true,
        ),
        (
            "1.1 999 Odd",
            "Content-Length: 5\r\n",
            false,
            Length(5),
            true,
        ),
        // No body, whatever is announced.
        ("1.1 200 OK", "Content-Length: 5\r\n", true, None, true),
        (
            "1.1 200 OK",
            "Transfer-Encoding: chunked\r\n",
            true,
            None,
            true,
        ),
        ("1.1 200 OK", "", true, None, true),
        ("1.1 304 Same", "Content-Length: 5\r\n", false, None, true),
        ("1.1 304 Same", "", false, None, true),
        ("1.1 204 None", "", false, None, true),
        ("1.1 204 None", "Content-Length: 0\r\n", false, None, true),
        ("1.1 204 None", "Content-Length: 5\r\n", false, None, false),
        (
            "1.1 204 None",
            "Transfer-Encoding: chunked\r\n",
            false,
            None,
            false,
        ),
    ];
    for (line, headers, was_head, framing, keep_alive) in cases {
        let answer = format!("HTTP/{line}\r\n{headers}\r\n");
        let status = line[4..7].parse().unwrap();
        check(
            &answer,
            was_head,
            Ok(Some((status, framing, keep_alive, answer.len()))),
        );
        // Interim answers before it change nothing.
        for interim in [
            "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.1 103 Early\r\nLink: a\r\n\r\n",
        ] {
            let answer = format!("{interim}{interim}{answer}");
            check(
                &answer,
                was_head,
                Ok(Some((status, framing, keep_alive, answer.len()))),
            );
        }
    }
    check("HTTP/1.1 100 Continue\r\n\r\n", false, Ok(Option::None));
}

#[test]
fn lies() {
    use HeadFault::*;
    let cases = [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n",
            LengthRepeated,
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n", LengthInvalid),
        ("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n", LengthInvalid),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            LengthWithTransferEncoding,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n",
            TransferCodingOrder,
        ),
        (
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n",
            TransferEncodingInOldVersion,
        ),
        ("HTTP/1.1 304 OK\r\nContent-Length: a\r\n", LengthInvalid),
        ("HTTP/1.1 200 OK\nContent-Length: 5\r\n", BareLineFeed),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\n", BareLineFeed),
        ("HTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\r\n", BareLineFeed),
        ("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n", ObsoleteFold),
        ("HTTP/1.1 200 OK\r\nX : a\r\n", SpaceBeforeColon),
        ("HTTP/1.1 200 OK\r\nX: a\0\r\n", ControlCharacter),
        ("HTTP/1.1 200 OK\r\n X: a\r\n", WhitespaceAtLineStart),
        ("\r\nHTTP/1.1 200 OK\r\n", StatusLine),
        ("\nHTTP/1.1 200 OK\r\n", StatusLine),
        (
            "HTTP/1.1 100 Continue\r\n\r\n\r\nHTTP/1.1 200 OK\r\n",
            StatusLine,
        ),
        ("HTTP/1.1 099 Low\r\n", StatusLine),
        ("HTTP/1.1 20 OK\r\n", StatusLine),
        ("HTTP/1.1 2000 OK\r\n", StatusLine),
        ("HTTP/1.1  200 OK\r\n", StatusLine),
        ("HTTP/1.1 abc OK\r\n", StatusLine),
        ("ICY 200 OK\r\n", StatusLine),
        ("hello\r\n", StatusLine),
    ];
    for (answer, fault) in cases {
        check(
            &format!("{answer}\r\n"),
            false,
            Err(ResponseFault::Malformed(fault)),
        );
    }
    let switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n";
    check(switching, false, Err(ResponseFault::UpgradeUnasked));
    let gzip = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n";
    check(gzip, false, Err(ResponseFault::TransferCodingUnknown));
    check(
        "HTTP/2.0 200 OK\r\n\r\n",
        false,
        Err(ResponseFault::VersionUnsupported),
    );
}

#[test]
fn limits() {
    let filled = |bytes: usize| {
        let frame = "HTTP/1.1 204 N\r\nX: \r\n\r\n".len();
        format!("HTTP/1.1 204 N\r\nX: {}\r\n\r\n", "x".repeat(bytes - frame))
    };
    let most = UPSTREAM_HEAD_BYTES_MAX;
    check(
        &filled(most),
        false,
        Ok(Some((204, Framing::None, true, most))),
    );
    check(&filled(most + 1), false, Err(ResponseFault::HeadTooLarge));
    // Interim answers without end are no way around it.
    let flood = "HTTP/1.1 100 Continue\r\n\r\n".repeat(most / 25 + 1);
    check(&flood, false, Err(ResponseFault::HeadTooLarge));

    let counted = |count: usize| {
        let headers: String = (0..count)
            .map(|index| format!("X-{index}: a\r\n"))
            .collect();
        format!("HTTP/1.1 204 N\r\n{headers}\r\n")
    };
    let answer = counted(HEADER_COUNT_MAX);
    check(
        &answer,
        false,
        Ok(Some((204, Framing::None, true, answer.len()))),
    );
    check(
        &counted(HEADER_COUNT_MAX + 1),
        false,
        Err(ResponseFault::HeaderCount),
    );
}
