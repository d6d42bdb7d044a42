use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::super::record::{Record, Status};
use super::super::state::SpoolHealth;
use super::super::tests::{events, numbers};
use super::super::{WORKER_TICK_MS, segment};
use super::*;
use crate::limits::METER_FLUSH_INTERVAL_MS;
use crate::worker::clock::Now;

/// Set in the child that [`a_killed_process_loses_nothing_older_than_the_flush_interval`] starts.
const CHILD_SPOOL: &str = "STOA_TEST_CHILD_SPOOL";

fn record(meter: &mut Meter, number: u64, unix_ms: u64) {
    let request_id = format!("{number}");
    let record = Record {
        tenant: "acme",
        tool: "get_order",
        action: "tools/call",
        status: Status::Success,
        request_id: &request_id,
        ..Record::default()
    };
    meter.record(
        &record,
        Now {
            mono_ns: 0,
            unix_ms,
        },
    );
}

fn unix_ms() -> u64 {
    #[allow(clippy::disallowed_methods, reason = "a test")]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_millis() as u64
}

fn wait() {
    std::thread::park_timeout(Duration::from_millis(5));
}

#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if is_so() {
            return;
        }
        wait();
    }
    panic!("{what}: not within ten seconds");
}

/// The child: a worker that ticks and says what it has recorded and when, until it is killed.
#[test]
fn child_that_records_until_it_is_killed() {
    let Ok(directory) = std::env::var(CHILD_SPOOL) else {
        return;
    };
    let (_spool, mut meters) = Spool::start(&SpoolConfig::new(directory, "gateway-1"), 1).unwrap();
    let mut ticked_at = 0;
    for number in 0.. {
        let now = unix_ms();
        record(&mut meters[0], number, now);
        println!("recorded {number} {now}");
        if now >= ticked_at + WORKER_TICK_MS {
            meters[0].flush();
            ticked_at = now;
        }
        std::thread::park_timeout(Duration::from_micros(300));
    }
}

#[test]
fn a_killed_process_loses_nothing_older_than_the_flush_interval() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "meter::spool::tests::child_that_records_until_it_is_killed",
            "--nocapture",
        ])
        .env(CHILD_SPOOL, directory.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut recorded = Vec::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut killed_at = None;
    while let Some(Ok(line)) = lines.next() {
        if let Some((number, at)) = line
            .split_once("recorded ")
            .and_then(|(_, rest)| rest.split_once(' '))
        {
            recorded.push((number.parse::<u64>().unwrap(), at.parse::<u64>().unwrap()));
        }
        if recorded.len() == 2_000 {
            killed_at.get_or_insert_with(|| {
                child.kill().unwrap();
                unix_ms()
            });
        }
    }
    child.wait().unwrap();
    // The threads of a loaded test machine may be late by this much; the promise has no such term.
    let late_ms = 300;
    let safe_until = killed_at.unwrap() - METER_FLUSH_INTERVAL_MS - late_ms;
    let stored = numbers(directory.path());
    assert_eq!(
        stored,
        (0..stored.len() as u64).collect::<Vec<_>>(),
        "a prefix, in order"
    );
    let safe = recorded.iter().filter(|(_, at)| *at <= safe_until).count();
    assert!(safe > 100, "the child ran long enough: {safe}");
    assert!(
        stored.len() >= safe,
        "{} stored of {safe} that were old enough",
        stored.len()
    );
    // And a new process takes the spool up, whatever its end looks like.
    let (spool, mut meters) =
        Spool::start(&SpoolConfig::new(directory.path(), "gateway-1"), 1).unwrap();
    record(&mut meters[0], stored.len() as u64, unix_ms());
    drop(meters);
    assert_eq!(
        spool.drain(Duration::from_secs(10)),
        DrainReport {
            lost: 0,
            timed_out: false
        }
    );
    assert_eq!(numbers(directory.path()).len(), stored.len() + 1);
}

#[test]
fn a_tick_brings_a_single_record_to_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let (_spool, mut meters) =
        Spool::start(&SpoolConfig::new(directory.path(), "gateway-1"), 1).unwrap();
    record(&mut meters[0], 0, unix_ms());
    meters[0].flush();
    until("stored", || numbers(directory.path()) == [0]);
}

#[test]
fn refused_calls_are_accepted_again_when_room_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let config = SpoolConfig {
        full: SpoolFull::Refuse,
        ..SpoolConfig::new(directory.path(), "gateway-1")
    }
    .with_bytes_max(SPOOL_BYTES_MIN);
    let (spool, mut meters) = Spool::start(&config, 1).unwrap();
    let mut recorded = 0;
    until("full", || {
        for _ in 0..50 {
            record(&mut meters[0], recorded, 1);
            recorded += 1;
        }
        meters[0].flush();
        !meters[0].can_accept()
    });
    assert_eq!(spool.state().summary().health, SpoolHealth::Full);
    let mut taken_away = Vec::new();
    for listed in segment::list(directory.path()).unwrap().iter().take(4) {
        let path = segment::path(directory.path(), listed.sequence);
        let beside = directory.path().join(format!("taken-{}", listed.sequence));
        std::fs::rename(path, &beside).unwrap();
        taken_away.push((beside, listed.sequence));
    }
    until("accepting", || meters[0].can_accept());
    drop(meters);
    // What fits by now is stored; the rest would be lost, so make room again and give it time.
    until("stored", || {
        for listed in segment::list(directory.path())
            .unwrap()
            .iter()
            .rev()
            .skip(1)
        {
            let beside = directory.path().join(format!("taken-{}", listed.sequence));
            std::fs::rename(segment::path(directory.path(), listed.sequence), &beside).unwrap();
            taken_away.push((beside, listed.sequence));
        }
        spool.state().summary().stored == recorded
    });
    assert_eq!(spool.drain(Duration::from_secs(10)).lost, 0);
    for (beside, sequence) in taken_away {
        std::fs::rename(beside, segment::path(directory.path(), sequence)).unwrap();
    }
    assert_eq!(
        numbers(directory.path()),
        (0..recorded).collect::<Vec<_>>(),
        "nothing lost, nothing twice"
    );
}

#[test]
fn new_events_are_dropped_and_counted_where_the_operator_chose_so() {
    let directory = tempfile::tempdir().unwrap();
    let config = SpoolConfig {
        full: SpoolFull::DropNew,
        ..SpoolConfig::new(directory.path(), "gateway-1")
    }
    .with_bytes_max(SPOOL_BYTES_MIN);
    let (spool, mut meters) = Spool::start(&config, 2).unwrap();
    for number in 0..10_000 {
        record(&mut meters[(number % 2) as usize], number, number);
    }
    assert!(meters[0].can_accept());
    drop(meters);
    let state = Arc::clone(spool.state());
    assert_eq!(spool.drain(Duration::from_secs(10)).lost, 0);
    let summary = state.summary();
    assert_eq!(
        (summary.stored + summary.dropped_full, summary.evicted),
        (10_000, 0)
    );
    assert!(summary.dropped_full > 0);
    assert_eq!(events(directory.path()).0.len() as u64, summary.stored);
}

#[test]
fn choices_are_read() {
    for (text, expected) in [
        ("drop_new", SpoolFull::DropNew),
        ("drop_oldest", SpoolFull::DropOldest),
        ("refuse", SpoolFull::Refuse),
    ] {
        assert_eq!(text.parse(), Ok(expected));
    }
    let intervals = [
        ("1s", Fsync::IntervalMs(1_000)),
        ("250ms", Fsync::IntervalMs(250)),
        ("1us", Fsync::IntervalMs(1)),
        ("never", Fsync::Never),
        ("every_batch", Fsync::EveryBatch),
    ];
    for (text, expected) in intervals {
        assert_eq!(text.parse(), Ok(expected));
    }
    for wrong in ["", "0s", "1", "always"] {
        assert!(
            wrong.parse::<Fsync>().unwrap_err().contains("every_batch"),
            "{wrong}"
        );
        assert!(
            wrong
                .parse::<SpoolFull>()
                .unwrap_err()
                .contains("drop_oldest"),
            "{wrong}"
        );
    }
}

#[test]
fn a_spool_that_is_too_small_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let config = SpoolConfig::new(directory.path(), "gateway-1");
    let error = Spool::start(&config.clone().with_bytes_max(SPOOL_BYTES_MIN - 1), 1).unwrap_err();
    assert!(matches!(error, SpoolError::TooSmall(_)));
    Spool::start(&config.with_bytes_max(SPOOL_BYTES_MIN), 1).unwrap();
}

/// A file system of its own, small enough to fill.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None`, with the reason printed, where this process may not mount.
    fn mount(bytes: u64) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let size = format!("size={bytes},mode=700");
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "stoa-test"])
            .arg(directory.path())
            .output();
        match output {
            Ok(output) if output.status.success() => Some(Self(directory)),
            Ok(output) => {
                println!(
                    "skipped, no small disk: {}",
                    String::from_utf8_lossy(&output.stderr).trim()
                );
                None
            }
            Err(error) => {
                println!("skipped, no mount(8): {error}");
                None
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount")
            .arg("--lazy")
            .arg(self.0.path())
            .status()
            .unwrap();
    }
}

#[test]
fn a_full_disk_holds_events_back_and_loses_none() {
    let Some(disk) = SmallDisk::mount(512 * 1024) else {
        return;
    };
    let inner = disk.0.path().join("spool");
    let config = SpoolConfig {
        full: SpoolFull::Refuse,
        ..SpoolConfig::new(&inner, "gateway-1")
    };
    let (spool, mut meters) = Spool::start(&config, 1).unwrap();
    std::fs::write(disk.0.path().join("ballast"), vec![0; 300 * 1024]).unwrap();
    let mut recorded = 0;
    until("failing", || {
        for _ in 0..200 {
            record(&mut meters[0], recorded, recorded);
            recorded += 1;
        }
        meters[0].flush();
        !meters[0].can_accept()
    });
    let summary = spool.state().summary();
    assert_eq!(summary.health, SpoolHealth::Failing);
    assert!(summary.write_faults > 0);
    // A file that ends in half a frame would show here.
    let before = events(&inner).1;
    assert_eq!((before.damaged, before.unread_bytes), (0, 0));
    std::fs::remove_file(disk.0.path().join("ballast")).unwrap();
    until("accepting", || meters[0].can_accept());
    drop(meters);
    assert_eq!(spool.drain(Duration::from_secs(10)).lost, 0);
    assert_eq!(numbers(&inner), (0..recorded).collect::<Vec<_>>());
}

#[test]
fn a_full_disk_costs_the_oldest_events_where_the_operator_chose_so() {
    let Some(disk) = SmallDisk::mount(512 * 1024) else {
        return;
    };
    let inner = disk.0.path().join("spool");
    let config = SpoolConfig {
        segment_bytes_max: 64 * 1024,
        ..SpoolConfig::new(&inner, "gateway-1")
    };
    let (spool, mut meters) = Spool::start(&config, 1).unwrap();
    for number in 0..20_000 {
        record(&mut meters[0], number, number);
        assert!(meters[0].can_accept());
    }
    drop(meters);
    let state = Arc::clone(spool.state());
    assert_eq!(spool.drain(Duration::from_secs(10)).lost, 0);
    let evicted = state.summary().evicted;
    assert!(evicted > 0);
    assert_eq!(numbers(&inner), (evicted..20_000).collect::<Vec<_>>());
}
