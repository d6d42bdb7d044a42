use super::super::spool::{Spool, SpoolConfig};
use super::super::tests::{events, frames};
use super::super::{Record, segment};
use super::*;
use crate::worker::clock::Now;

/// A segment with these records, made by hand.
fn write_segment(directory: &std::path::Path, sequence: u64, numbers: std::ops::Range<u64>) {
    let mut bytes = segment::header("gateway-1");
    bytes.extend_from_slice(&frames(numbers));
    std::fs::write(segment::path(directory, sequence), bytes).unwrap();
}

fn options(directory: &std::path::Path) -> EventsOptions {
    EventsOptions {
        spool: directory.to_owned(),
        follow: false,
        since: None,
    }
}

fn count(text: &[u8]) -> usize {
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .count()
}

#[test]
fn a_torn_tail_is_stepped_over_and_told() {
    let directory = tempfile::tempdir().unwrap();
    write_segment(directory.path(), 1, 0..3);
    write_segment(directory.path(), 2, 3..5);
    for sequence in [1, 2] {
        let path = segment::path(directory.path(), sequence);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 5]).unwrap();
    }
    let (events, summary) = events(directory.path());
    assert_eq!(events.len(), 3);
    // In the closed segment it is damage; at the very end it may be a record in the making.
    assert_eq!((summary.damaged, summary.printed), (1, 3));
    assert!(summary.unread_bytes > 0);
}

#[test]
fn a_missing_directory_is_an_error_and_an_empty_one_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(false);
    assert_eq!(
        run(&options(directory.path()), &mut Vec::new(), &stop).unwrap(),
        EventsSummary::default()
    );
    let missing = options(&directory.path().join("missing"));
    assert_eq!(
        run(&missing, &mut Vec::new(), &stop).unwrap_err().kind(),
        io::ErrorKind::NotFound
    );
}

#[test]
fn since_leaves_out_what_is_older() {
    let directory = tempfile::tempdir().unwrap();
    write_segment(directory.path(), 1, 0..10);
    let mut out = Vec::new();
    let since = Some(UNIX_EPOCH + Duration::from_millis(1_007));
    let options = EventsOptions {
        since,
        ..options(directory.path())
    };
    assert_eq!(
        run(&options, &mut out, &AtomicBool::new(false))
            .unwrap()
            .printed,
        3
    );
    // A whole segment that was last written before is not even read.
    write_segment(directory.path(), 2, 0..1);
    let since = Some(now() + Duration::from_secs(3600));
    let options = EventsOptions { since, ..options };
    assert_eq!(
        run(&options, &mut out, &AtomicBool::new(false))
            .unwrap()
            .printed,
        0
    );
}

#[test]
fn when_is_a_time_or_a_span() {
    assert_eq!(
        parse_since("2026-11-21T09:00:00Z").map(unix_ms),
        Ok(1_795_251_600_000)
    );
    let quarter = parse_since("15m").unwrap();
    assert!((899..=901).contains(&now().duration_since(quarter).unwrap().as_secs()));
    for wrong in ["", "yesterday", "12", "999999999999999999999y"] {
        assert!(parse_since(wrong).is_err(), "{wrong}");
    }
}

/// A writer that has gone after some lines.
struct Gone(usize);

impl Write for Gone {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.0 -= 1;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_has_gone_ends_it_quietly() {
    let directory = tempfile::tempdir().unwrap();
    write_segment(directory.path(), 1, 0..10);
    for follow in [false, true] {
        let options = EventsOptions {
            follow,
            ..options(directory.path())
        };
        assert_eq!(
            run(&options, &mut Gone(2), &AtomicBool::new(false))
                .unwrap()
                .printed,
            2
        );
    }
}

/// Counts lines, and tells when there are enough.
struct Enough<'a> {
    text: Vec<u8>,
    wanted: usize,
    stop: &'a AtomicBool,
}

impl Write for Enough<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        if count(&self.text) >= self.wanted {
            self.stop.store(true, Ordering::Relaxed);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn follow_goes_along_with_a_gateway_across_segments() {
    let directory = tempfile::tempdir().unwrap();
    let config = SpoolConfig {
        segment_bytes_max: 4 * 1024,
        ..SpoolConfig::new(directory.path(), "gateway-1")
    };
    let (spool, mut meters) = Spool::start(&config, 1).unwrap();
    let stop = AtomicBool::new(false);
    let mut out = Enough {
        text: Vec::new(),
        wanted: 500,
        stop: &stop,
    };
    let options = EventsOptions {
        follow: true,
        ..options(directory.path())
    };
    std::thread::scope(|scope| {
        let follower = scope.spawn(|| run(&options, &mut out, &stop).unwrap());
        for number in 0..500_u64 {
            let request_id = format!("{number}");
            let record = Record {
                request_id: &request_id,
                ..Record::default()
            };
            meters[0].record(
                &record,
                Now {
                    mono_ns: 0,
                    unix_ms: unix_ms_now(),
                },
            );
            meters[0].flush();
            std::thread::park_timeout(Duration::from_micros(500));
        }
        let summary = follower.join().unwrap();
        assert_eq!(
            (summary.printed, summary.damaged, summary.unknown),
            (500, 0, 0)
        );
    });
    drop(meters);
    assert_eq!(spool.drain(Duration::from_secs(10)).lost, 0);
    assert!(
        segment::list(directory.path()).unwrap().len() > 3,
        "it crossed segments"
    );
    let text = String::from_utf8(out.text).unwrap();
    let ids = text.lines().map(|line| {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        event["request_id"]
            .as_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
    });
    assert!(ids.eq(0..500));
}
