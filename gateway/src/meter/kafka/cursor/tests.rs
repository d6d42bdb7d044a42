use std::ops::Range;

use super::*;
use crate::meter::tests::frames;

struct Spool(tempfile::TempDir);

impl Spool {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, sequence: u64) -> PathBuf {
        segment::path(self.0.path(), sequence)
    }

    /// Writes a segment with these records.
    fn segment(&self, sequence: u64, numbers: Range<u64>) {
        let mut bytes = segment::header("gateway-1");
        bytes.extend_from_slice(&frames(numbers));
        std::fs::write(self.path(sequence), bytes).unwrap();
    }

    fn append(&self, sequence: u64, bytes: &[u8]) {
        let mut all = std::fs::read(self.path(sequence)).unwrap();
        all.extend_from_slice(bytes);
        std::fs::write(self.path(sequence), all).unwrap();
    }

    fn cursor(&self, at: Position) -> Cursor {
        Cursor::new(self.0.path().to_owned(), at)
    }
}

/// Request ids of one batch of at most `count`.
fn batch(cursor: &mut Cursor, count: usize) -> Vec<u64> {
    let mut found = Vec::new();
    cursor
        .read(|gateway_id, stored, _| {
            assert_eq!(gateway_id, "gateway-1");
            found.push(stored.record.request_id.parse().unwrap());
            if found.len() >= count {
                Wanted::Enough
            } else {
                Wanted::More
            }
        })
        .unwrap();
    found
}

/// Everything that is there, in batches of at most `count`.
fn all(cursor: &mut Cursor, count: usize) -> Vec<u64> {
    let mut found = Vec::new();
    loop {
        let before = cursor.at();
        found.extend(batch(cursor, count));
        if cursor.at() == before {
            return found;
        }
    }
}

fn numbers(range: Range<u64>) -> Vec<u64> {
    range.collect()
}

#[test]
fn every_position_is_one_to_go_on_from() {
    let spool = Spool::new();
    spool.segment(3, 0..10);
    spool.segment(4, 10..10);
    spool.segment(7, 10..25);
    let mut cursor = spool.cursor(Position::default());
    for done in 0..25 {
        let rest = all(&mut spool.cursor(cursor.at()), 7);
        assert_eq!(rest, numbers(done..25), "{:?}", cursor.at());
        assert_eq!(batch(&mut cursor, 1), [done]);
    }
    let end = cursor.at();
    assert_eq!((end.sequence, end.records), (7, 15));
    assert_eq!(batch(&mut cursor, 1), [0; 0]);
    assert_eq!(cursor.at(), end);
}

#[test]
fn what_is_appended_is_read_whole_or_not_at_all() {
    let spool = Spool::new();
    let mut cursor = spool.cursor(Position::default());
    assert_eq!(batch(&mut cursor, 9), [0; 0], "an empty directory");
    std::fs::write(spool.path(1), &segment::header("gateway-1")[..9]).unwrap();
    assert_eq!(batch(&mut cursor, 9), [0; 0], "half a header");
    spool.segment(1, 0..2);
    assert_eq!(batch(&mut cursor, 9), [0, 1]);
    let more = frames(2..4);
    for end in 1..more.len() {
        spool.segment(1, 0..2);
        spool.append(1, &more[..end]);
        let mut here = spool.cursor(cursor.at());
        let whole = frames(2..3).len();
        assert_eq!(
            batch(&mut here, 9).len(),
            usize::from(end >= whole),
            "{end}"
        );
    }
    spool.segment(1, 0..4);
    spool.segment(2, 4..6);
    assert_eq!(all(&mut cursor, 9), [2, 3, 4, 5]);
}

#[test]
fn pieces_make_no_difference() {
    let spool = Spool::new();
    spool.segment(1, 0..12_000);
    assert!(std::fs::metadata(spool.path(1)).unwrap().len() > 3 * PIECE_BYTES as u64);
    let mut cursor = spool.cursor(Position::default());
    assert_eq!(all(&mut cursor, usize::MAX), numbers(0..12_000));
    assert_eq!(cursor.at().records, 12_000);
}

#[test]
fn what_is_damaged_or_gone_is_passed_over() {
    let spool = Spool::new();
    spool.segment(1, 0..3);
    // Longer than a piece, with no frame in it.
    spool.append(1, &vec![0xee; 3 * PIECE_BYTES]);
    spool.append(1, &frames(3..5));
    std::fs::write(spool.path(2), b"not a segment of ours").unwrap();
    spool.segment(3, 5..8);
    spool.segment(4, 8..9);
    let mut cursor = spool.cursor(Position::default());
    assert_eq!(
        all(&mut spool.cursor(Position::default()), 2),
        numbers(0..9)
    );
    assert_eq!(batch(&mut cursor, 1), [0]);
    // Open, and deleted to make room: its events were counted as given up.
    std::fs::remove_file(spool.path(1)).unwrap();
    assert_eq!(batch(&mut cursor, 1), [5]);
    std::fs::remove_file(spool.path(3)).unwrap();
    assert_eq!(all(&mut cursor, 1), [8]);
    // A torn end of the last segment is waited for; behind a newer one it is damage.
    spool.append(4, &frames(9..10)[..20]);
    assert_eq!(all(&mut cursor, 9), [0; 0]);
    spool.segment(5, 10..11);
    assert_eq!(all(&mut cursor, 9), [10]);
}
