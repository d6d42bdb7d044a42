//! Where forwarding stands: a small text file beside the segments, replaced whole.
//!
//! `stoa-kafka-position 1 SEQUENCE OFFSET RECORDS\n`, in decimals. It is written to a second file,
//! synced, and renamed: after a crash either the old or the new one is there. Whatever cannot be
//! read, or does not fit the segments that are there, goes back to the oldest event, never forward:
//! events sent twice can be told by their id, events left out by nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::meter::segment::Listed;

/// The file's name.
const NAME: &str = "kafka-position";
/// Its name while it is written.
const NAME_NEW: &str = "kafka-position.new";
/// First words: what it is, and the version of its form.
const HEAD: &str = "stoa-kafka-position 1";

/// A place between two frames of the spool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// Segment.
    pub(super) sequence: u64,
    /// Bytes of it that are done; 0 is before its header.
    pub(super) offset: u64,
    /// Whole frames among them.
    pub(super) records: u64,
}

/// Brings a position to the disk.
///
/// # Errors
/// What the file system says.
pub(super) fn store(directory: &Path, position: Position) -> io::Result<()> {
    let path = directory.join(NAME_NEW);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)?;
    let Position {
        sequence,
        offset,
        records,
    } = position;
    writeln!(file, "{HEAD} {sequence} {offset} {records}")?;
    file.sync_data()?;
    fs::rename(&path, directory.join(NAME))?;
    // The name is on the disk only with its directory.
    File::open(directory)?.sync_all()
}

/// The position that was stored, made to fit the segments that are there; and what was wrong with it.
pub(super) fn load(directory: &Path, listed: &[Listed]) -> (Position, Option<String>) {
    match fs::read_to_string(directory.join(NAME)) {
        Ok(text) => match parse(&text) {
            Some(position) => fit(position, listed),
            None => (
                Position::default(),
                Some(format!("{NAME} cannot be understood")),
            ),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => (Position::default(), None),
        Err(error) => (Position::default(), Some(format!("{NAME}: {error}"))),
    }
}

fn parse(text: &str) -> Option<Position> {
    let mut numbers = text.strip_suffix('\n')?.strip_prefix(HEAD)?.split(' ');
    if !numbers.next()?.is_empty() {
        return None;
    }
    let mut number = || numbers.next()?.parse().ok();
    let position = Position {
        sequence: number()?,
        offset: number()?,
        records: number()?,
    };
    numbers.next().is_none().then_some(position)
}

fn fit(position: Position, listed: &[Listed]) -> (Position, Option<String>) {
    let last = listed.last().map_or(0, |last| last.sequence);
    if position.sequence > last {
        // An emptied directory numbers its segments from the start again.
        let gone = format!("segment {} of {NAME} is not there", position.sequence);
        return (Position::default(), Some(gone));
    }
    let here = listed
        .iter()
        .find(|segment| segment.sequence == position.sequence);
    match here {
        // A power loss has cut the segment, and other events will stand there.
        Some(segment) if position.offset > segment.bytes => (
            Position {
                offset: segment.bytes,
                ..position
            },
            Some(format!("segment {} was cut", position.sequence)),
        ),
        // Deleted to make room: the next one is looked for.
        Some(_) | None => (position, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(sequence: u64, offset: u64, records: u64) -> Position {
        Position {
            sequence,
            offset,
            records,
        }
    }

    fn listed(segments: &[(u64, u64)]) -> Vec<Listed> {
        let segment = |(sequence, bytes): &(u64, u64)| Listed {
            sequence: *sequence,
            bytes: *bytes,
        };
        segments.iter().map(segment).collect()
    }

    #[test]
    fn what_is_stored_is_loaded() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(load(directory.path(), &[]), (Position::default(), None));
        for position in [at(1, 2, 3), at(9, 500, 7)] {
            store(directory.path(), position).unwrap();
            assert_eq!(
                load(directory.path(), &listed(&[(9, 500)])).0,
                position,
                "the newest"
            );
        }
        assert!(!directory.path().join(NAME_NEW).exists());
    }

    #[test]
    fn what_does_not_fit_goes_back_never_forward() {
        let directory = tempfile::tempdir().unwrap();
        let check = |segments: &[(u64, u64)], expected: Position, told: bool| {
            store(directory.path(), at(5, 100, 3)).unwrap();
            let (found, reason) = load(directory.path(), &listed(segments));
            assert_eq!((found, reason.is_some()), (expected, told), "{segments:?}");
        };
        check(&[(4, 9), (5, 100), (6, 9)], at(5, 100, 3), false);
        check(&[(5, 99)], at(5, 99, 3), true);
        check(&[(6, 9)], at(5, 100, 3), false);
        check(&[(1, 9)], Position::default(), true);
        check(&[], Position::default(), true);
    }

    #[test]
    fn a_damaged_file_begins_anew() {
        let directory = tempfile::tempdir().unwrap();
        for text in [
            "",
            "5 1 2\n",
            "stoa-kafka-position 2 5 1 2\n",
            "stoa-kafka-position 1 5 1\n",
            "stoa-kafka-position 1 5 1 2 3\n",
            "stoa-kafka-position 1 5 1 2",
            "stoa-kafka-position 1 5 -1 2\n",
            "stoa-kafka-position 15 1 2\n",
        ] {
            fs::write(directory.path().join(NAME), text).unwrap();
            let (found, reason) = load(directory.path(), &listed(&[(9, 9)]));
            assert_eq!(found, Position::default(), "{text:?}");
            assert!(reason.is_some());
        }
    }
}
