//! Looks through a whole segment file in small pieces: what is whole in it and where that ends.
//!
//! In pieces, because a gateway that takes up a spool of 16 MiB segments should not need as much
//! memory for it as for everything else.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::segment::{self, Frame, Header};

/// Bytes read at a time.
const PIECE_BYTES: usize = 256 * 1024;

/// What a segment file holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scan {
    /// Frames of this gateway; everything behind `valid_end` is torn.
    Whole {
        gateway_id: String,
        valid_end: u64,
        records: u64,
    },
    /// The beginning of a header.
    Incomplete,
    /// Not ours, or of a version that is not ours.
    Foreign,
}

/// Scans a segment.
///
/// # Errors
/// What reading fails with.
pub(crate) fn scan(path: &Path) -> io::Result<Scan> {
    let mut file = File::open(path)?;
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    let mut at_end = read_more(&mut file, &mut piece)?;
    let (gateway_id, mut at) = match segment::parse_header(&piece) {
        Header::Whole { gateway_id, end } => (gateway_id.to_owned(), end),
        Header::Incomplete => return Ok(Scan::Incomplete),
        Header::Foreign => return Ok(Scan::Foreign),
    };
    // Position in the file of the piece's first byte.
    let mut base = 0_u64;
    let (mut valid_end, mut records) = (at as u64, 0);
    loop {
        match segment::frame_at(&piece, at, at_end) {
            Some(Frame::Whole { end, .. }) => {
                at = end;
                valid_end = base + end as u64;
                records += 1;
            }
            Some(Frame::Damaged { end }) => at = end,
            Some(Frame::Incomplete) | None if !at_end => {
                piece.drain(..at);
                base += at as u64;
                at = 0;
                at_end = read_more(&mut file, &mut piece)?;
            }
            Some(Frame::Incomplete) | None => {
                return Ok(Scan::Whole {
                    gateway_id,
                    valid_end,
                    records,
                });
            }
        }
    }
}

/// Appends up to [`PIECE_BYTES`]; whether the file has ended.
fn read_more(file: &mut File, piece: &mut Vec<u8>) -> io::Result<bool> {
    let count = file.take(PIECE_BYTES as u64).read_to_end(piece)?;
    Ok(count < PIECE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::super::tests::frames;
    use super::*;

    fn check(bytes: &[u8], expected: &Scan) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("segment");
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(scan(&path).unwrap(), *expected);
    }

    fn whole(valid_end: usize, records: u64) -> Scan {
        Scan::Whole {
            gateway_id: "gateway-1".into(),
            valid_end: valid_end as u64,
            records,
        }
    }

    #[test]
    fn pieces_make_no_difference() {
        let mut bytes = segment::header("gateway-1");
        let header_bytes = bytes.len();
        bytes.extend_from_slice(&frames(0..12_000));
        assert!(bytes.len() > 3 * PIECE_BYTES, "it takes several pieces");
        check(&bytes, &whole(bytes.len(), 12_000));
        check(&bytes[..header_bytes], &whole(header_bytes, 0));
        let mut flipped = bytes.clone();
        // Across the border of two pieces, payload and length alike.
        for position in (PIECE_BYTES - 60..PIECE_BYTES + 60).step_by(7) {
            flipped[position] ^= 0x80;
            check(
                &flipped,
                &whole(bytes.len(), segment::whole_frames(&flipped, header_bytes).1),
            );
        }
        let torn = &bytes[..bytes.len() - 1];
        let (valid_end, records) = segment::whole_frames(torn, header_bytes);
        assert_eq!(records, 11_999);
        check(torn, &whole(valid_end, records));
        // A file that ends exactly where a piece does.
        let border = &bytes[..2 * PIECE_BYTES];
        let (valid_end, records) = segment::whole_frames(border, header_bytes);
        check(border, &whole(valid_end, records));
    }

    #[test]
    fn what_is_no_segment_is_told() {
        check(b"", &Scan::Incomplete);
        check(&segment::header("gateway-1")[..9], &Scan::Incomplete);
        check(b"not a segment of ours", &Scan::Foreign);
    }
}
