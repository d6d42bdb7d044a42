//! Bodies of every framing, arriving in pieces, with something behind them.

use super::*;

/// Shows the reader `input` as a worker would, in pieces of `step` bytes, dropping what is consumed.
/// Returns the body, and what has arrived of the bytes behind it.
fn collect(
    framing: Framing,
    bytes_max: usize,
    input: &[u8],
    step: usize,
) -> Result<(Vec<u8>, Vec<u8>), BodyFault> {
    let mut reader = BodyReader::new(framing, bytes_max)?;
    let mut buffer = Vec::new();
    for piece in input.chunks(step) {
        buffer.extend_from_slice(piece);
        match reader.advance(&buffer)? {
            Progress::Done { consumed } => {
                return Ok((reader.bytes(&buffer).to_vec(), buffer.split_off(consumed)));
            }
            Progress::More { consumed, missing } => {
                assert!(missing > 0);
                buffer.drain(..consumed);
            }
        }
    }
    assert!(reader.ends_with_connection(), "unfinished");
    Ok((reader.into_gathered(), buffer))
}

/// Checks all sizes of pieces, the last of which is the whole input.
fn check(
    framing: Framing,
    bytes_max: usize,
    input: &str,
    expected: Result<(&str, &str), BodyFault>,
) {
    for step in 1..=input.len() {
        let result = collect(framing, bytes_max, input.as_bytes(), step).map(|(body, left)| {
            (
                String::from_utf8(body).unwrap(),
                String::from_utf8(left).unwrap(),
            )
        });
        match (&result, expected) {
            (Ok((body, left)), Ok((expected_body, expected_left))) => {
                assert_eq!(body, expected_body, "{framing:?} {input:?} by {step}");
                // The reader stops at the body's end, so smaller pieces leave less behind it.
                assert!(
                    expected_left.starts_with(left),
                    "{framing:?} {input:?} by {step}"
                );
                assert!(
                    step < input.len() || left == expected_left,
                    "{framing:?} {input:?}"
                );
            }
            _ => assert_eq!(
                result.err(),
                expected.err(),
                "{framing:?} {input:?} by {step}"
            ),
        }
    }
}

#[test]
fn every_framing() {
    let cases = [
        (Framing::None, 10, "GET /", Ok(("", "GET /"))),
        (Framing::Length(0), 0, "GET /", Ok(("", "GET /"))),
        (Framing::Length(3), 10, "abcGET /", Ok(("abc", "GET /"))),
        (Framing::Length(3), 3, "abc", Ok(("abc", ""))),
        (Framing::Length(4), 3, "abcd", Err(BodyFault::TooLarge)),
        (
            Framing::Length(u64::MAX),
            3,
            "abcd",
            Err(BodyFault::TooLarge),
        ),
        (
            Framing::Chunked,
            3,
            "1\r\na\r\n2\r\nbc\r\n0\r\n\r\nGET /",
            Ok(("abc", "GET /")),
        ),
        (
            Framing::Chunked,
            3,
            "4\r\nabcd\r\n0\r\n\r\n",
            Err(BodyFault::TooLarge),
        ),
        (
            Framing::Chunked,
            3,
            "x",
            Err(BodyFault::Malformed(HeadFault::ChunkSize)),
        ),
        (Framing::UntilClose, 3, "abc", Ok(("abc", ""))),
        (Framing::UntilClose, 3, "abcd", Err(BodyFault::TooLarge)),
    ];
    for (framing, bytes_max, input, expected) in cases {
        check(framing, bytes_max, input, expected);
    }
}

#[test]
fn a_body_with_a_length_is_not_copied() {
    let mut reader = BodyReader::new(Framing::Length(3), 10).unwrap();
    let arrived = b"abcdef";
    assert_eq!(
        reader.advance(&arrived[..1]),
        Ok(Progress::More {
            consumed: 0,
            missing: 2
        })
    );
    assert_eq!(reader.advance(arrived), Ok(Progress::Done { consumed: 3 }));
    assert!(std::ptr::eq(reader.bytes(arrived), &raw const arrived[..3]));
    assert_eq!(reader.into_gathered().capacity(), 0);
}
