//! Requests as they should be, as they should not be, and cut into pieces.

use super::*;
use crate::http::target::Form;
use proptest::prelude::*;

/// Parses a buffer at once.
fn parse_whole(buffer: &[u8]) -> Result<Option<Head<'_>>, Refusal> {
    parse(buffer, &mut Scan::default())
}

/// Parses a buffer that arrives in pieces ending at `ends`; the result of the first decisive one.
fn parse_split<'b>(buffer: &'b [u8], ends: &[usize]) -> Result<Option<Head<'b>>, Refusal> {
    let mut scan = Scan::default();
    for end in ends {
        match parse(&buffer[..*end], &mut scan) {
            Ok(None) => {}
            decided => return decided,
        }
    }
    parse(buffer, &mut scan)
}

/// All that a head says, for comparison.
fn summary(head: &Head<'_>) -> String {
    let headers: Vec<_> = head.headers().collect();
    format!(
        "{head:?} {:?} {:?} {:?} {headers:?} {}",
        head.target, head.host, head.repeated, head.expect_continue
    )
}

/// One good request: parses it whole and cut at every byte, and shows the head to `expect`.
fn accept(request: &str, expect: impl Fn(&Head<'_>)) {
    let bytes = request.as_bytes();
    let head = parse_whole(bytes).unwrap_or_else(|refusal| panic!("{request:?}: {refusal:?}"));
    let head = head.unwrap_or_else(|| panic!("{request:?}: incomplete"));
    expect(&head);
    for cut in 0..bytes.len() {
        let split = parse_split(bytes, &[cut]).unwrap().unwrap();
        assert_eq!(summary(&split), summary(&head), "{request:?} cut at {cut}");
    }
    let every_byte: Vec<usize> = (0..bytes.len()).collect();
    let dripped = parse_split(bytes, &every_byte).unwrap().unwrap();
    assert_eq!(
        summary(&dripped),
        summary(&head),
        "{request:?} byte by byte"
    );
}

/// One bad request: refused whole and cut at every byte. What is malformed may be named less
/// precisely where a cut hides half of it.
fn refuse(request: &[u8], expected: Refusal) {
    let shown = String::from_utf8_lossy(&request[..request.len().min(200)]).into_owned();
    assert_eq!(parse_whole(request).err(), Some(expected), "{shown:?}");
    let step = (request.len() / 500).max(1);
    let is_like = |refusal: Option<Refusal>| match (refusal, expected) {
        (Some(Refusal::Malformed(_)), Refusal::Malformed(_)) => true,
        _ => refusal == Some(expected),
    };
    for cut in (0..request.len()).step_by(step) {
        let refusal = parse_split(request, &[cut]).err();
        assert!(is_like(refusal), "{shown:?} cut at {cut}: {refusal:?}");
    }
    let pieces: Vec<usize> = (0..request.len()).step_by(step).collect();
    let refusal = parse_split(request, &pieces).err();
    assert!(is_like(refusal), "{shown:?} in pieces: {refusal:?}");
}

/// A request with these headers after a good request line and host.
fn with_headers(headers: &str) -> String {
    format!("POST /mcp HTTP/1.1\r\nHost: gateway\r\n{headers}\r\n")
}

#[test]
fn a_request_as_a_client_sends_it() {
    let request = with_headers(
        "Accept: application/json, text/event-stream\r\n\
         content-type:application/json\r\n\
         AUTHORIZATION: \t Bearer abc \t \r\n\
         Origin: http://localhost\r\n\
         Content-Length: 12\r\n\
         traceparent: 00-1-2-01\r\n\
         tracestate: a=b\r\n\
         X-Request-Id: r1\r\n\
         X-Consumer-Id: c1\r\n\
         Mcp-Session-Id: s1\r\n\
         MCP-Protocol-Version: 2026-07-28\r\n\
         Mcp-Method: tools/call\r\n\
         Mcp-Name: orders\r\n\
         Mcp-Param-Region: eu\r\n\
         Last-Event-ID: 7\r\n\
         X-Empty:\r\n\
         X-Latin: \u{fc}\r\n",
    );
    accept(&request, |head| {
        assert_eq!(head.method, Method::Post);
        assert_eq!(
            head.target,
            Target {
                form: Form::Origin,
                path: "/mcp",
                query: None
            }
        );
        assert_eq!(head.version, Version::Http11);
        assert_eq!(head.framing, Framing::Length(12));
        assert!(head.keep_alive);
        assert!(!head.expect_continue);
        assert_eq!(head.head_bytes, request.len());
        let captured = [
            (head.host, "gateway"),
            (head.accept, "application/json, text/event-stream"),
            (head.content_type, "application/json"),
            (head.authorization, "Bearer abc"),
            (head.origin, "http://localhost"),
            (head.traceparent, "00-1-2-01"),
            (head.tracestate, "a=b"),
            (head.x_request_id, "r1"),
            (head.x_consumer_id, "c1"),
            (head.mcp_session_id, "s1"),
            (head.mcp_protocol_version, "2026-07-28"),
            (head.mcp_method, "tools/call"),
            (head.mcp_name, "orders"),
            (head.last_event_id, "7"),
        ];
        for (value, expected) in captured {
            assert_eq!(
                value.map(String::from_utf8_lossy).as_deref(),
                Some(expected)
            );
        }
        assert!(head.has_mcp_params);
        assert_eq!(head.repeated, Repeated::default());
        let headers: Vec<_> = head.headers().collect();
        assert_eq!(headers.len(), 18);
        assert_eq!(headers[0], ("Host", &b"gateway"[..]));
        assert_eq!(headers[3], ("AUTHORIZATION", &b"Bearer abc"[..]));
        assert_eq!(headers[14], ("Mcp-Param-Region", &b"eu"[..]));
        assert_eq!(headers[16], ("X-Empty", &b""[..]));
        assert_eq!(headers[17], ("X-Latin", "\u{fc}".as_bytes()));
    });
}

#[test]
fn no_secret_in_debug() {
    let request = with_headers("Authorization: Bearer s3cret\r\nMcp-Session-Id: s3cret\r\n")
        .replace("/mcp", "/mcp?key=s3cret");
    let head = parse_whole(request.as_bytes()).unwrap().unwrap();
    assert!(!format!("{head:?} {head:#?}").contains("s3cret"));
}

#[test]
fn methods() {
    for name in [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get", "M-SEARCH",
    ] {
        let request = format!("{name} / HTTP/1.1\r\nhost: a\r\n\r\n");
        accept(&request, |head| {
            assert_eq!(head.method.as_str(), name);
            let is_other = matches!(head.method, Method::Other(_));
            assert_eq!(is_other, matches!(name, "get" | "M-SEARCH"));
        });
    }
}

#[test]
fn persistence() {
    let cases = [
        ("1.1", "", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "Connection: keep-alive\r\n", true),
        ("1.1", "Connection: TE, CLOSE\r\n", false),
        (
            "1.1",
            "Connection: keep-alive\r\nConnection: close\r\n",
            false,
        ),
        ("1.1", "Connection: closed\r\n", true),
        ("1.0", "", false),
        ("1.0", "Connection: Keep-Alive\r\n", true),
        ("1.0", "Connection: keep-alive, close\r\n", false),
    ];
    for (version, headers, expected) in cases {
        let request = format!("GET / HTTP/{version}\r\nhost: a\r\n{headers}\r\n");
        accept(&request, |head| {
            assert_eq!(head.keep_alive, expected, "{request}")
        });
    }
}

#[test]
fn framing() {
    let cases = [
        ("", Framing::None),
        ("Content-Length: 0\r\n", Framing::Length(0)),
        ("Content-Length: 007\r\n", Framing::Length(7)),
        (
            "Content-Length: \t18446744073709551615 \r\n",
            Framing::Length(u64::MAX),
        ),
        ("Transfer-Encoding: chunked\r\n", Framing::Chunked),
        ("transfer-encoding:\tCHUNKED \r\n", Framing::Chunked),
        // Nobody reads these as what they look like.
        ("Content_Length: 5\r\n", Framing::None),
        ("X-Transfer-Encoding: chunked\r\n", Framing::None),
    ];
    for (headers, expected) in cases {
        accept(&with_headers(headers), |head| {
            assert_eq!(head.framing, expected, "{headers}")
        });
    }
}

#[test]
fn http_1_0_needs_no_host() {
    accept("GET / HTTP/1.0\r\n\r\n", |head| {
        assert_eq!((head.version, head.host), (Version::Http10, None));
    });
    accept(
        "POST / HTTP/1.0\r\nContent-Length: 3\r\nExpect: magic\r\n\r\n",
        |head| {
            assert_eq!(head.framing, Framing::Length(3));
            assert!(!head.expect_continue);
        },
    );
}

#[test]
fn expectations() {
    let cases = [
        ("Expect: 100-continue\r\nContent-Length: 5\r\n", true),
        (
            "Expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n",
            true,
        ),
        ("Expect: 100-continue\r\n", false),
        ("Expect: 100-continue\r\nContent-Length: 0\r\n", false),
    ];
    for (headers, expected) in cases {
        accept(&with_headers(headers), |head| {
            assert_eq!(head.expect_continue, expected)
        });
    }
    for value in ["", "200-ok", "100-continue, more"] {
        let request = with_headers(&format!("Expect: {value}\r\n"));
        refuse(request.as_bytes(), Refusal::ExpectationUnknown);
    }
}

#[test]
fn empty_lines_before_a_request_are_skipped() {
    accept("\r\n\r\nGET /a HTTP/1.1\r\nhost: a\r\n\r\n", |head| {
        assert_eq!(head.target.path, "/a");
        assert_eq!(head.head_bytes, 32);
        assert_eq!(head.headers().count(), 1);
    });
}

#[test]
fn pipelined_requests_are_left_alone() {
    let first = "POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\n";
    let both = format!("{first}abcGET /b HTTP/1.1\r\nhost: b\r\n\r\n\0\n\r garbage");
    accept(&both, |head| {
        assert_eq!(head.target.path, "/a");
        assert_eq!(head.head_bytes, first.len());
        assert_eq!(head.headers().count(), 2);
    });
    let rest = &both.as_bytes()[first.len() + 3..];
    let head = parse_whole(rest).unwrap().unwrap();
    assert_eq!((head.target.path, head.host), ("/b", Some(&b"b"[..])));
}

#[test]
fn repeats_that_are_told() {
    type Told = fn(&Repeated) -> bool;
    let cases: [(&str, Told); 6] = [
        ("Accept", |repeated| repeated.accept),
        ("Mcp-Method", |repeated| repeated.mcp_method),
        ("Mcp-Name", |repeated| repeated.mcp_name),
        ("MCP-Protocol-Version", |repeated| {
            repeated.mcp_protocol_version
        }),
        ("Mcp-Session-Id", |repeated| repeated.mcp_session_id),
        ("tracestate", |repeated| repeated.tracestate),
    ];
    for (name, told) in cases {
        let lower = name.to_ascii_lowercase();
        let request = with_headers(&format!("{name}: a\r\nX-Between: x\r\n{lower}: a\r\n"));
        accept(&request, |head| {
            assert!(told(&head.repeated), "{name}");
            let count = cases
                .iter()
                .filter(|(_, told)| told(&head.repeated))
                .count();
            assert_eq!(count, 1, "{name}");
        });
        accept(&with_headers(&format!("{name}: a\r\n")), |head| {
            assert_eq!(head.repeated, Repeated::default(), "{name}");
        });
    }
    for name in ["X-Request-Id", "Last-Event-ID"] {
        let request = with_headers(&format!("{name}: first\r\n{name}: second\r\n"));
        accept(&request, |head| {
            let kept = head.x_request_id.or(head.last_event_id);
            assert_eq!(kept, Some(&b"first"[..]));
        });
    }
}

#[test]
fn trace_context() {
    let cases = [
        ("traceparent: a\r\ntracestate: b\r\n", Some("a"), Some("b")),
        ("tracestate: b\r\n", None, None),
        (
            "traceparent: a\r\ntraceparent: a\r\ntracestate: b\r\n",
            None,
            None,
        ),
    ];
    for (headers, parent, state) in cases {
        accept(&with_headers(headers), |head| {
            assert_eq!(head.traceparent, parent.map(str::as_bytes), "{headers}");
            assert_eq!(head.tracestate, state.map(str::as_bytes), "{headers}");
        });
    }
}

#[test]
fn malformed_heads() {
    use HeadFault::*;
    let cases: &[(&str, HeadFault)] = &[
        // Which body belongs to this head?
        (
            "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            LengthWithTransferEncoding,
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
            LengthWithTransferEncoding,
        ),
        (
            "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
            LengthWithTransferEncoding,
        ),
        ("Content-Length: 1\r\nContent-Length: 1\r\n", LengthRepeated),
        ("Content-Length: 1\r\ncontent-length: 2\r\n", LengthRepeated),
        ("Content-Length: 1, 1\r\n", LengthInvalid),
        ("Content-Length: 1,1\r\n", LengthInvalid),
        ("Content-Length: +1\r\n", LengthInvalid),
        ("Content-Length: -1\r\n", LengthInvalid),
        ("Content-Length: 1 1\r\n", LengthInvalid),
        ("Content-Length: 0x1\r\n", LengthInvalid),
        ("Content-Length: 1e1\r\n", LengthInvalid),
        ("Content-Length: 1.0\r\n", LengthInvalid),
        ("Content-Length: \"1\"\r\n", LengthInvalid),
        ("Content-Length: 1;a\r\n", LengthInvalid),
        ("Content-Length: \u{661}\r\n", LengthInvalid),
        ("Content-Length:\r\n", LengthInvalid),
        ("Content-Length: 18446744073709551616\r\n", LengthInvalid),
        ("Content-Length: 99999999999999999999999\r\n", LengthInvalid),
        ("Transfer-Encoding: gzip\r\n", TransferCodingOrder),
        ("Transfer-Encoding: identity\r\n", TransferCodingOrder),
        ("Transfer-Encoding: xchunked\r\n", TransferCodingOrder),
        ("Transfer-Encoding: chunked, gzip\r\n", TransferCodingOrder),
        (
            "Transfer-Encoding: chunked, identity\r\n",
            TransferCodingOrder,
        ),
        (
            "Transfer-Encoding: chunked, chunked\r\n",
            TransferCodingOrder,
        ),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            TransferCodingOrder,
        ),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            TransferCodingOrder,
        ),
        ("Transfer-Encoding: chunked,\r\n", TransferCodingOrder),
        ("Transfer-Encoding: ,chunked\r\n", TransferEncodingInvalid),
        ("Transfer-Encoding:\r\n", TransferEncodingInvalid),
        (
            "Transfer-Encoding: chunked;q=1\r\n",
            TransferEncodingInvalid,
        ),
        (
            "Transfer-Encoding: \"chunked\"\r\n",
            TransferEncodingInvalid,
        ),
        (
            "Transfer-Encoding: chunked chunked\r\n",
            TransferEncodingInvalid,
        ),
        (
            "Transfer-Encoding: \u{a0}chunked\r\n",
            TransferEncodingInvalid,
        ),
        ("Transfer-Encoding: \x0bchunked\r\n", ControlCharacter),
        ("Transfer-Encoding\r\n : chunked\r\n", ColonMissing),
        // Where does a line end, and a name?
        ("X: a\r\n b\r\n", ObsoleteFold),
        ("X: a\r\n\tb\r\n", ObsoleteFold),
        ("X:\r\n b\r\n", ObsoleteFold),
        ("X: a\r\n \r\n", ObsoleteFold),
        ("Content-Length:\r\n 5\r\n", ObsoleteFold),
        ("X: a\nY: b\r\n", BareLineFeed),
        ("X: a\n", BareLineFeed),
        ("X: a\r\n\n", BareLineFeed),
        ("X: a\rY: b\r\n", BareCarriageReturn),
        ("X: a\r\r\n", BareCarriageReturn),
        ("X\r: a\r\n", BareCarriageReturn),
        ("\rX: a\r\n", BareCarriageReturn),
        ("X : a\r\n", SpaceBeforeColon),
        ("X\t: a\r\n", SpaceBeforeColon),
        ("Content-Length : 5\r\n", SpaceBeforeColon),
        ("X Y: a\r\n", SpaceInName),
        ("Transfer Encoding: chunked\r\n", SpaceInName),
        ("X\0: a\r\n", NameInvalid),
        ("X\u{fc}: a\r\n", NameInvalid),
        ("X(: a\r\n", NameInvalid),
        (": a\r\n", NameEmpty),
        ("X\r\n", ColonMissing),
        ("X: a\0b\r\n", ControlCharacter),
        ("X: \0\r\n", ControlCharacter),
        ("X: a\x01\r\n", ControlCharacter),
        ("X: a\x0b\r\n", ControlCharacter),
        ("X: a\x0cb\r\n", ControlCharacter),
        ("X: a\x1b\r\n", ControlCharacter),
        ("X: a\x7f\r\n", ControlCharacter),
        // Who is meant, and by whom?
        ("Host: other\r\n", HostRepeated),
        ("host: gateway\r\n", HostRepeated),
        (
            "Authorization: a\r\nauthorization: b\r\n",
            AuthorizationRepeated,
        ),
        (
            "Content-Type: a\r\nContent-Type: a\r\n",
            ContentTypeRepeated,
        ),
        ("Origin: a\r\nOrigin: b\r\n", OriginRepeated),
        ("X-Consumer-Id: a\r\nX-Consumer-Id: b\r\n", ConsumerRepeated),
    ];
    for (headers, fault) in cases {
        refuse(with_headers(headers).as_bytes(), Refusal::Malformed(*fault));
    }
}

#[test]
fn malformed_first_lines() {
    use HeadFault::*;
    let cases: &[(&str, HeadFault)] = &[
        ("GET  / HTTP/1.1\r\n", RequestLine),
        ("GET /  HTTP/1.1\r\n", RequestLine),
        ("GET / HTTP/1.1 \r\n", RequestLine),
        ("GET\t/ HTTP/1.1\r\n", RequestLine),
        ("GET /\tHTTP/1.1\r\n", RequestLine),
        ("GET / a HTTP/1.1\r\n", RequestLine),
        (" GET / HTTP/1.1\r\n", RequestLine),
        ("GET /\r\n", RequestLine),
        ("GET\r\n", RequestLine),
        ("GET / HTTP/1\r\n", RequestLine),
        ("GET / HTTP/11\r\n", RequestLine),
        ("GET / http/1.1\r\n", RequestLine),
        ("GET / HTTPS/1.1\r\n", RequestLine),
        ("GE(T / HTTP/1.1\r\n", RequestLine),
        ("\u{fc} / HTTP/1.1\r\n", RequestLine),
        ("GET / HTTP/1.1\rX\r\n", BareCarriageReturn),
        ("GET /\r HTTP/1.1\r\n", BareCarriageReturn),
        ("\rGET / HTTP/1.1\r\n", BareCarriageReturn),
        ("GET / HTTP/1.1\n", BareLineFeed),
        ("\nGET / HTTP/1.1\r\n", BareLineFeed),
        ("\r\n\nGET / HTTP/1.1\r\n", BareLineFeed),
        ("GET /\0 HTTP/1.1\r\n", ControlCharacter),
        ("GET /\x7f HTTP/1.1\r\n", ControlCharacter),
        ("G\x01T / HTTP/1.1\r\n", ControlCharacter),
        ("GET / HTTP/1.1\r\n X: a\r\n", WhitespaceAtLineStart),
        ("GET / HTTP/1.1\r\n\tX: a\r\n", WhitespaceAtLineStart),
        ("GET / HTTP/1.1\r\n \r\n", WhitespaceAtLineStart),
        (
            "\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03",
            TlsHandshake,
        ),
        ("GET /a#b HTTP/1.1\r\n", TargetInvalid),
        ("GET /\u{fc} HTTP/1.1\r\n", TargetInvalid),
        ("GET a HTTP/1.1\r\n", TargetInvalid),
        ("GET * HTTP/1.1\r\n", TargetInvalid),
    ];
    for (line, fault) in cases {
        let request = format!("{line}Host: a\r\n\r\n");
        refuse(request.as_bytes(), Refusal::Malformed(*fault));
    }
}

#[test]
fn hosts() {
    let missing = Refusal::Malformed(HeadFault::HostMissing);
    refuse(b"GET / HTTP/1.1\r\n\r\n", missing);
    refuse(b"GET http://a/ HTTP/1.1\r\n\r\n", missing);
    refuse(b"GET / HTTP/1.1\r\nX-Host: a\r\n\r\n", missing);
    for host in [
        "", "a b", "a,b", "a/b", "u@a", "a:b", "a:1:2", "a?b", "[::1", "::1", "\u{fc}",
    ] {
        let invalid = Refusal::Malformed(HeadFault::HostInvalid);
        refuse(
            format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes(),
            invalid,
        );
        refuse(
            format!("GET / HTTP/1.0\r\nHost: {host}\r\n\r\n").as_bytes(),
            invalid,
        );
        // A target that names a host does not excuse a bad header.
        refuse(
            format!("GET http://ok/ HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes(),
            invalid,
        );
    }
    accept(
        "GET http://target:81/p?q HTTP/1.1\r\nHost: header\r\n\r\n",
        |head| {
            assert_eq!(head.host, Some(&b"target:81"[..]));
            assert_eq!((head.target.path, head.target.query), ("/p", Some("q")));
        },
    );
}

#[test]
fn versions_and_codings_we_do_not_speak() {
    for version in ["2.0", "0.9", "1.2", "3.0", "9.9"] {
        let request = format!("GET / HTTP/{version}\r\nHost: a\r\n\r\n");
        refuse(request.as_bytes(), Refusal::VersionUnsupported);
    }
    refuse(
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        Refusal::Http2PriorKnowledge,
    );
    for codings in [
        "gzip, chunked",
        "gzip;level=9,\tchunked",
        "identity, chunked",
    ] {
        let request = with_headers(&format!("Transfer-Encoding: {codings}\r\n"));
        refuse(request.as_bytes(), Refusal::TransferCodingUnknown);
    }
    let lines = with_headers("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n");
    refuse(lines.as_bytes(), Refusal::TransferCodingUnknown);
    let old = "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    refuse(
        old.as_bytes(),
        Refusal::Malformed(HeadFault::TransferEncodingInOldVersion),
    );
}

#[test]
fn limit_of_head_bytes() {
    let filled = |bytes: usize| {
        let frame = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".len();
        format!(
            "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
            "x".repeat(bytes - frame)
        )
    };
    let head = filled(HEAD_BYTES_MAX);
    assert_eq!(
        parse_whole(head.as_bytes()).unwrap().unwrap().head_bytes,
        HEAD_BYTES_MAX
    );
    // One past it, complete; and without an end in sight.
    refuse(filled(HEAD_BYTES_MAX + 1).as_bytes(), Refusal::HeadTooLarge);
    let endless = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(HEAD_BYTES_MAX));
    refuse(endless.as_bytes(), Refusal::HeadTooLarge);
    refuse(
        "\r\n".repeat(HEAD_BYTES_MAX / 2).as_bytes(),
        Refusal::HeadTooLarge,
    );
    // The body and what follows do not count.
    let followed = format!("{head}{}", "y".repeat(HEAD_BYTES_MAX));
    assert!(parse_whole(followed.as_bytes()).unwrap().is_some());
}

#[test]
fn limit_of_target_bytes() {
    let request =
        |bytes: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "t".repeat(bytes - 1));
    let longest = request(TARGET_BYTES_MAX);
    let head = parse_whole(longest.as_bytes()).unwrap().unwrap();
    assert_eq!(head.target.path.len(), TARGET_BYTES_MAX);
    refuse(
        request(TARGET_BYTES_MAX + 1).as_bytes(),
        Refusal::TargetTooLong,
    );
    refuse(
        request(TARGET_BYTES_MAX * 2).as_bytes(),
        Refusal::TargetTooLong,
    );
    // Refused before the line ends, so that nobody waits for it.
    let endless = format!("GET /{}", "t".repeat(REQUEST_LINE_BYTES_MAX));
    refuse(endless.as_bytes(), Refusal::TargetTooLong);
}

#[test]
fn limit_of_method_bytes() {
    let request = |bytes: usize| format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", "M".repeat(bytes));
    assert!(
        parse_whole(request(METHOD_BYTES_MAX).as_bytes())
            .unwrap()
            .is_some()
    );
    let refusal = Refusal::Malformed(HeadFault::RequestLine);
    refuse(request(METHOD_BYTES_MAX + 1).as_bytes(), refusal);
    refuse("M".repeat(REQUEST_LINE_BYTES_MAX + 2).as_bytes(), refusal);
}

#[test]
fn limit_of_header_count() {
    let request = |count: usize| {
        let headers: String = (1..count)
            .map(|index| format!("X-{index}: a\r\n"))
            .collect();
        with_headers(&headers)
    };
    let most = request(HEADER_COUNT_MAX);
    let head = parse_whole(most.as_bytes()).unwrap().unwrap();
    assert_eq!(head.headers().count(), HEADER_COUNT_MAX);
    refuse(
        request(HEADER_COUNT_MAX + 1).as_bytes(),
        Refusal::HeaderCount,
    );
}

/// A head that drips in must cost in proportion to its bytes, not to their square.
#[test]
fn a_dripping_head_is_searched_once() {
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(60_000));
    let mut scan = Scan::default();
    for end in 1..head.len() {
        assert!(parse(&head.as_bytes()[..end], &mut scan).unwrap().is_none());
        if end > 1 {
            // Everything seen is behind the search: the next call looks at new bytes only.
            assert!(!scan.may_be_whole(&head.as_bytes()[..end]).unwrap());
        }
    }
}

#[test]
fn every_fault_has_its_own_words() {
    use HeadFault::*;
    let faults = [
        AuthorizationRepeated,
        BareCarriageReturn,
        BareLineFeed,
        ChunkData,
        ChunkExtension,
        ChunkSize,
        ColonMissing,
        ConsumerRepeated,
        ContentTypeRepeated,
        ControlCharacter,
        HostInvalid,
        HostMissing,
        HostRepeated,
        LengthInvalid,
        LengthRepeated,
        LengthWithTransferEncoding,
        NameEmpty,
        NameInvalid,
        ObsoleteFold,
        OriginRepeated,
        RequestLine,
        SpaceBeforeColon,
        SpaceInName,
        StatusLine,
        TargetInvalid,
        TlsHandshake,
        Trailer,
        TrailerBytes,
        TransferCodingOrder,
        TransferEncodingInvalid,
        TransferEncodingInOldVersion,
        WhitespaceAtLineStart,
    ];
    let words: std::collections::HashSet<_> = faults.iter().map(|fault| fault.describe()).collect();
    assert_eq!(words.len(), faults.len());
}

/// Pieces that requests, good and bad, are made of.
fn any_request() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "GET",
        "POST",
        " ",
        " ",
        "/",
        "/a?b",
        "http://h/p",
        "*",
        "HTTP/1.1",
        "HTTP/1.0",
        "\r\n",
        "\r\n",
        "\r\n",
        "\n",
        "\r",
        "Host: a",
        "host: b",
        "Content-Length: 3",
        "Content-Length",
        ": ",
        ":",
        "5",
        "Transfer-Encoding: chunked",
        "Connection: close",
        "\t",
        "\0",
        "\u{fc}",
        "X: y",
        "\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "POST /mcp HTTP/1.1\r\n",
    ]);
    let patchwork = prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat().into());
    let noise = prop::collection::vec(any::<u8>(), 0..64);
    let good_then_noise = noise
        .clone()
        .prop_map(|noise| [&b"GET / HTTP/1.1\r\nHost: a\r\n"[..], &noise, b"\r\n\r\n"].concat());
    prop_oneof![patchwork, noise, good_then_noise]
}

proptest! {
    /// However a request is cut up, it is accepted as the same head or refused.
    #[test]
    fn splits_change_nothing(request in any_request(), mut ends in prop::collection::vec(0usize..400, 0..8)) {
        ends.iter_mut().for_each(|end| *end %= request.len() + 1);
        ends.sort_unstable();
        let whole = parse_whole(&request);
        let split = parse_split(&request, &ends);
        match (&whole, &split) {
            (Ok(Some(whole)), Ok(Some(split))) => prop_assert_eq!(summary(whole), summary(split)),
            (Ok(None), Ok(None)) | (Err(_), Err(_)) => {}
            // After a cut the fault may show only when the head has ended; it must show then.
            (Err(_), Ok(None)) => {
                let ended = [&request[..], b"\r\n\r\n"].concat();
                prop_assert!(parse_split(&ended, &ends).is_err());
            }
            _ => prop_assert!(false, "whole: {:?}, split: {:?}", whole, split),
        }
    }

    /// What is accepted has no reading but one: rebuilt from its parts it is the same head.
    #[test]
    fn accepted_heads_survive_being_rewritten(request in any_request()) {
        if let Ok(Some(head)) = parse_whole(&request) {
            let query = head.target.query.map(|query| format!("?{query}")).unwrap_or_default();
            let version = if head.version == Version::Http11 { "1.1" } else { "1.0" };
            let method = head.method.as_str();
            let mut again =
                format!("{method} {}{query} HTTP/{version}\r\n", head.target.path).into_bytes();
            for (name, value) in head.headers() {
                again.extend_from_slice(name.as_bytes());
                again.extend_from_slice(b": ");
                again.extend_from_slice(value);
                again.extend_from_slice(b"\r\n");
            }
            again.extend_from_slice(b"\r\n");
            let again_head = parse_whole(&again).unwrap().unwrap();
            prop_assert_eq!(again_head.framing, head.framing);
            prop_assert_eq!(again_head.keep_alive, head.keep_alive);
            prop_assert_eq!(again_head.target.path, head.target.path);
            prop_assert!(again_head.headers().eq(head.headers()));
        }
    }
}
