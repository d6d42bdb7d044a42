use proptest::prelude::*;

use super::*;

/// A payload as long as the smallest record, ending in `tag`.
fn payload(tag: u8, extra: usize) -> Vec<u8> {
    let mut bytes = vec![tag; RECORD_BYTES_MIN + extra];
    bytes[0] = 0xa5;
    bytes
}

fn frames(count: u8) -> Vec<u8> {
    let mut out = Vec::new();
    for tag in 0..count {
        put_frame(&mut out, |out| {
            out.extend_from_slice(&payload(tag, usize::from(tag) * 3))
        });
    }
    seal(&mut out);
    out
}

/// The tags of the whole frames, and how many runs of damaged bytes lie between.
fn read(bytes: &[u8], closed: bool) -> (Vec<u8>, usize, bool) {
    let (mut at, mut tags, mut damaged) = (0, Vec::new(), 0);
    while let Some(frame) = frame_at(bytes, at, closed) {
        match frame {
            Frame::Whole { payload, end } => {
                tags.push(payload[1]);
                at = end;
            }
            Frame::Damaged { end } => {
                assert!(end > at, "progress");
                damaged += 1;
                at = end;
            }
            Frame::Incomplete => return (tags, damaged, true),
        }
    }
    (tags, damaged, false)
}

#[test]
fn names() {
    let cases = [
        ("0000000000000001.spool", Some(1)),
        ("ffffffffffffffff.spool", Some(u64::MAX)),
        ("000000000000001.spool", None),
        ("0000000000000001.spool.tmp", None),
        ("000000000000000G.spool", None),
        ("000000000000000A.spool", None),
        ("+000000000000001.spool", None),
        ("lock", None),
    ];
    for (name, expected) in cases {
        assert_eq!(sequence_of(name), expected, "{name}");
    }
    assert_eq!(
        path(Path::new("d"), 255),
        Path::new("d/00000000000000ff.spool")
    );
}

#[test]
fn a_header_is_whole_incomplete_or_foreign() {
    let long = "g".repeat(GATEWAY_ID_BYTES_MAX + 1);
    for id in ["", "gateway-1", "göteborg", &long[..]] {
        let bytes = header(id);
        assert!(bytes.len() <= HEADER_BYTES_MAX);
        let expected = &id[..id.len().min(GATEWAY_ID_BYTES_MAX)];
        assert_eq!(
            parse_header(&bytes),
            Header::Whole {
                gateway_id: expected,
                end: bytes.len()
            }
        );
        for length in 0..bytes.len() {
            assert_eq!(
                parse_header(&bytes[..length]),
                Header::Incomplete,
                "cut at {length}"
            );
        }
        for position in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[position] ^= 0x40;
            assert!(
                !matches!(parse_header(&flipped), Header::Whole { .. }),
                "flipped at {position}"
            );
        }
    }
    assert_eq!(parse_header(b"#!/bin/sh"), Header::Foreign);
}

#[test]
fn every_cut_leaves_the_frames_before_it() {
    let whole = frames(6);
    let ends: Vec<usize> = {
        let (mut at, mut ends) = (0, Vec::new());
        while let Some(Frame::Whole { end, .. }) = frame_at(&whole, at, true) {
            ends.push(end);
            at = end;
        }
        ends
    };
    assert_eq!(ends.len(), 6);
    for length in 0..=whole.len() {
        let count = ends.iter().filter(|end| **end <= length).count();
        let expected: Vec<u8> = (0..count as u8).collect();
        let at_border = length == 0 || ends.contains(&length);
        let (tags, damaged, incomplete) = read(&whole[..length], false);
        assert_eq!(
            (tags, damaged, incomplete),
            (expected.clone(), 0, !at_border),
            "open, cut at {length}"
        );
        let (tags, damaged, _) = read(&whole[..length], true);
        assert_eq!(
            (tags, damaged),
            (expected, usize::from(!at_border)),
            "closed, cut at {length}"
        );
        let (valid_end, frames) = whole_frames(&whole[..length], 0);
        assert_eq!(
            (valid_end, frames),
            (ends[..count].last().copied().unwrap_or(0), count as u64)
        );
    }
}

#[test]
fn every_flip_costs_one_frame() {
    let whole = frames(5);
    for position in 0..whole.len() {
        for bit in 0..8 {
            let mut flipped = whole.clone();
            flipped[position] ^= 1 << bit;
            let (tags, damaged, _) = read(&flipped, true);
            assert_eq!(
                (tags.len(), damaged),
                (4, 1),
                "bit {bit} of byte {position}"
            );
            assert!(tags.is_sorted());
        }
    }
}

#[test]
fn a_batch_is_cut_between_frames() {
    let whole = frames(4);
    let (first, _) = fitting(&whole, 0);
    assert_eq!(
        fitting(&whole, 0),
        (FRAME_HEADER_BYTES + RECORD_BYTES_MIN, 1)
    );
    assert_eq!(fitting(&whole, first as u64 + 1), (first, 1));
    assert_eq!(fitting(&whole, whole.len() as u64), (whole.len(), 4));
    assert_eq!(fitting(&[], 10), (0, 0));
}

proptest! {
    #[test]
    fn no_damage_makes_a_frame_that_was_not_written(
        cut in 0_usize..400,
        flips in proptest::collection::vec((0_usize..400, any::<u8>()), 0..6),
        garbage in proptest::collection::vec(any::<u8>(), 0..64),
        closed: bool,
    ) {
        let mut bytes = frames(6);
        bytes.truncate(cut.max(1));
        for (position, mask) in flips {
            let length = bytes.len();
            bytes[position % length] ^= mask;
        }
        bytes.extend_from_slice(&garbage);
        let (mut at, mut seen) = (0, Vec::new());
        while let Some(frame) = frame_at(&bytes, at, closed) {
            match frame {
                Frame::Whole { payload: found, end } => {
                    let tag = found[1];
                    prop_assert_eq!(found, payload(tag, usize::from(tag) * 3));
                    seen.push(tag);
                    at = end;
                }
                Frame::Damaged { end } => { prop_assert!(end > at); at = end; }
                Frame::Incomplete => { prop_assert!(!closed); break; }
            }
        }
        prop_assert!(seen.is_sorted_by(|one, two| one < two));
    }
}
