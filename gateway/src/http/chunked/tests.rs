//! Chunked bodies, good and bad, whole and cut; and a simple reference to compare with.

use super::*;
use proptest::prelude::*;

const BODY_BYTES_MAX: usize = 64 * 1024;

/// Decodes input that arrives in pieces ending at `ends`: the body and the bytes left over, or
/// `None` where the body has not ended.
fn decode(input: &[u8], ends: &[usize]) -> Result<Option<(Vec<u8>, usize)>, BodyFault> {
    let mut decoder = Decoder::new(BODY_BYTES_MAX);
    let mut body = Vec::new();
    let mut start = 0;
    for end in ends.iter().copied().chain([input.len()]) {
        let used = decoder.decode(&input[start..end], &mut body)?;
        start += used;
        if decoder.is_done() {
            assert_eq!(decoder.bytes_missing(), 0);
            return Ok(Some((body, input.len() - start)));
        }
        assert_eq!(start, end, "all input is used until the body ends");
        assert!(decoder.bytes_missing() > 0);
    }
    Ok(None)
}

/// Checks an input whole, cut at every byte, and byte by byte.
fn check(input: &[u8], expected: Result<Option<(&[u8], usize)>, BodyFault>) {
    let shown = String::from_utf8_lossy(&input[..input.len().min(100)]).into_owned();
    let expected = expected.map(|done| done.map(|(body, left)| (body.to_vec(), left)));
    assert_eq!(decode(input, &[]), expected, "{shown:?}");
    let step = (input.len() / 500).max(1);
    for cut in (0..input.len()).step_by(step) {
        assert_eq!(decode(input, &[cut]), expected, "{shown:?} cut at {cut}");
    }
    let pieces: Vec<usize> = (0..input.len()).step_by(step).collect();
    assert_eq!(decode(input, &pieces), expected, "{shown:?} in pieces");
}

#[test]
fn good_bodies() {
    let cases: &[(&str, &str, usize)] = &[
        ("0\r\n\r\n", "", 0),
        ("5\r\nhello\r\n0\r\n\r\n", "hello", 0),
        ("5\r\nhello\r\n1\r\n!\r\n000\r\n\r\n", "hello!", 0),
        ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0),
        ("a\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0),
        ("0000000000000001\r\nx\r\n0000000000000000\r\n\r\n", "x", 0),
        ("4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n", 0),
        ("1;a=b\r\nx\r\n0;c\r\n\r\n", "x", 0),
        ("1;\r\nx\r\n0;;;\r\n\r\n", "x", 0),
        ("1;a=\"\u{fc};\t \"\r\nx\r\n0\r\n\r\n", "x", 0),
        (
            "1\r\nx\r\n0\r\nA: b\r\nContent-Length: 9\r\nC:\r\n\r\n",
            "x",
            0,
        ),
        // What follows is the next request.
        ("1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n", "x", 16),
        ("0\r\n\r\n0\r\n\r\n", "", 5),
    ];
    for (input, body, left) in cases {
        check(input.as_bytes(), Ok(Some((body.as_bytes(), *left))));
    }
}

#[test]
fn unfinished_bodies() {
    for input in [
        "",
        "5",
        "5\r",
        "5\r\n",
        "5\r\nhell",
        "5\r\nhello\r\n",
        "0\r\n",
        "0\r\nA: b\r\n",
    ] {
        check(input.as_bytes(), Ok(None));
    }
}

#[test]
fn bad_bodies() {
    use HeadFault::*;
    let cases: &[(&str, HeadFault)] = &[
        ("\r\n", ChunkSize),
        (";a\r\n", ChunkSize),
        ("+5\r\nhello\r\n", ChunkSize),
        ("-5\r\nhello\r\n", ChunkSize),
        ("0x5\r\nhello\r\n", ChunkSize),
        ("5g\r\nhello\r\n", ChunkSize),
        (" 5\r\nhello\r\n", ChunkSize),
        ("5 \r\nhello\r\n", ChunkSize),
        ("5\t\r\nhello\r\n", ChunkSize),
        ("5 ;a\r\nhello\r\n", ChunkSize),
        ("5,5\r\nhello\r\n", ChunkSize),
        ("5.0\r\nhello\r\n", ChunkSize),
        ("5\0\r\nhello\r\n", ChunkSize),
        ("\u{665}\r\nhello\r\n", ChunkSize),
        ("00000000000000005\r\nhello\r\n", ChunkSize),
        ("10000000000000005\r\nhello\r\n", ChunkSize),
        ("5\r\nhello\r\n\r\n", ChunkSize),
        ("5\nhello\r\n", BareLineFeed),
        ("\n", BareLineFeed),
        ("5;a\nhello\r\n", BareLineFeed),
        ("5\rhello\r\n", BareCarriageReturn),
        ("5\r\rhello\r\n", BareCarriageReturn),
        ("5;a\rb\r\nhello\r\n", BareCarriageReturn),
        ("5;\0\r\nhello\r\n", ChunkExtension),
        ("5;\x7f\r\nhello\r\n", ChunkExtension),
        ("5\r\nhello0\r\n\r\n", ChunkData),
        ("5\r\nhello!\r\n", ChunkData),
        ("5\r\nhello\n0\r\n\r\n", ChunkData),
        ("5\r\nhello\r0\r\n\r\n", ChunkData),
        ("0\r\n\n", BareLineFeed),
        ("0\r\n\rX", BareCarriageReturn),
        ("0\r\nA: b\n\r\n", BareLineFeed),
        ("0\r\nA\n\r\n", BareLineFeed),
        ("0\r\nA: b\rC\r\n\r\n", BareCarriageReturn),
        ("0\r\nA: b\r\n c\r\n\r\n", ObsoleteFold),
        ("0\r\n A: b\r\n\r\n", ObsoleteFold),
        ("0\r\nA : b\r\n\r\n", Trailer),
        ("0\r\nA b: c\r\n\r\n", Trailer),
        ("0\r\nA\r\n\r\n", Trailer),
        ("0\r\n: b\r\n\r\n", Trailer),
        ("0\r\nA: \0\r\n\r\n", Trailer),
        ("0\r\nA: b\x7f\r\n\r\n", Trailer),
        ("0\r\nGET / HTTP/1.1\r\n", Trailer),
    ];
    for (input, fault) in cases {
        check(input.as_bytes(), Err(BodyFault::Malformed(*fault)));
    }
}

#[test]
fn limit_of_body_bytes() {
    let chunks = |bytes: usize| {
        // Two chunks, so that the sum counts.
        let (first, second) = ("a".repeat(10), "b".repeat(bytes - 10));
        format!("a\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n", bytes - 10)
    };
    let (body, _) = decode(chunks(BODY_BYTES_MAX).as_bytes(), &[])
        .unwrap()
        .unwrap();
    assert_eq!(body.len(), BODY_BYTES_MAX);
    check(
        chunks(BODY_BYTES_MAX + 1).as_bytes(),
        Err(BodyFault::TooLarge),
    );
    // The size alone is enough to know.
    for size in ["10001", "ffffffff", "ffffffffffffffff", "8000000000000000"] {
        check(format!("{size}\r\n").as_bytes(), Err(BodyFault::TooLarge));
    }
    check(b"1\r\nx\r\nffffffffffffffff\r\n", Err(BodyFault::TooLarge));
}

#[test]
fn limit_of_extension_bytes() {
    let fault = BodyFault::Malformed(HeadFault::ChunkExtension);
    // `;` counts, so this is exactly as many as allowed in one extension, and over many.
    let one = |bytes: usize| format!("1;{}\r\nx\r\n0\r\n\r\n", "e".repeat(bytes - 1));
    check(
        one(CHUNK_EXTENSION_BYTES_MAX).as_bytes(),
        Ok(Some((b"x", 0))),
    );
    check(one(CHUNK_EXTENSION_BYTES_MAX + 1).as_bytes(), Err(fault));
    let many = |bytes: usize| format!("{}0\r\n\r\n", "1;\r\nx\r\n".repeat(bytes));
    let body = vec![b'x'; CHUNK_EXTENSION_BYTES_MAX];
    check(
        many(CHUNK_EXTENSION_BYTES_MAX).as_bytes(),
        Ok(Some((&body, 0))),
    );
    check(many(CHUNK_EXTENSION_BYTES_MAX + 1).as_bytes(), Err(fault));
}

#[test]
fn limit_of_trailer_bytes() {
    let fault = BodyFault::Malformed(HeadFault::TrailerBytes);
    let trailer = |bytes: usize| format!("0\r\nA:{}\r\n\r\n", "v".repeat(bytes - 4));
    check(trailer(TRAILER_BYTES_MAX).as_bytes(), Ok(Some((b"", 0))));
    check(trailer(TRAILER_BYTES_MAX + 1).as_bytes(), Err(fault));
    let many = "A:\r\n".repeat(TRAILER_BYTES_MAX / 4);
    check(format!("0\r\n{many}\r\n").as_bytes(), Ok(Some((b"", 0))));
    check(format!("0\r\n{many}A:\r\n\r\n").as_bytes(), Err(fault));
}

/// A second decoder, as plain as can be, for whole inputs that are well formed.
fn reference(mut input: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = input.windows(2).position(|pair| pair == b"\r\n").unwrap();
        let line = std::str::from_utf8(&input[..end]).unwrap();
        let size = usize::from_str_radix(line.split(';').next().unwrap(), 16).unwrap();
        if size == 0 {
            return body;
        }
        let data = end + 2;
        body.extend_from_slice(&input[data..data + size]);
        assert_eq!(&input[data + size..data + size + 2], b"\r\n");
        input = &input[data + size + 2..];
    }
}

/// Encodes chunks, each with an extension or none, and trailers.
fn encode(chunks: &[(Vec<u8>, &str)], trailers: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for (data, extension) in chunks.iter().filter(|(data, _)| !data.is_empty()) {
        out.extend_from_slice(format!("{:X}{extension}\r\n", data.len()).as_bytes());
        out.extend_from_slice(data);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("0\r\n{trailers}\r\n").as_bytes());
    out
}

proptest! {
    #[test]
    fn round_trip(
        chunks in prop::collection::vec(
            (prop::collection::vec(any::<u8>(), 0..300), prop::sample::select(vec!["", ";a=b"])), 0..8),
        trailers in prop::sample::select(vec!["", "A: b\r\n", "A:\r\nB: \tc\r\n"]),
        next in prop::collection::vec(any::<u8>(), 0..20),
        mut ends in prop::collection::vec(0usize..3_000, 0..8),
    ) {
        let mut input = encode(&chunks, trailers);
        let whole_bytes = input.len();
        input.extend_from_slice(&next);
        ends.iter_mut().for_each(|end| *end %= input.len() + 1);
        ends.sort_unstable();
        let data: Vec<u8> = chunks.iter().flat_map(|(data, _)| data.clone()).collect();
        prop_assert_eq!(&reference(&input[..whole_bytes]), &data);
        // A piece may end behind the body; what `decode` says is left is then still right.
        ends.retain(|end| *end <= whole_bytes);
        prop_assert_eq!(decode(&input, &ends), Ok(Some((data, next.len()))));
    }

    #[test]
    fn splits_change_nothing(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "5", "0", "a", "\r\n", "\r\n", "hello", "\r", "\n", ";", " ", "A: b", "0\r\n", "\r\n\r\n",
            "5\r\nhello\r\n", "1;x\r\ny\r\n", "\0", "ffff",
        ]), 0..12),
        cut in 0usize..100,
    ) {
        let input = pieces.concat().into_bytes();
        let whole = decode(&input, &[]);
        prop_assert_eq!(&decode(&input, &[cut % (input.len() + 1)]), &whole);
        let every_byte: Vec<usize> = (0..input.len()).collect();
        prop_assert_eq!(&decode(&input, &every_byte), &whole);
    }
}
