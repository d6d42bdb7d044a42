use super::super::spool::Fsync;
use super::super::tests::{events, frames, numbers};
use super::*;

fn config(directory: &Path, full: SpoolFull) -> SpoolConfig {
    SpoolConfig {
        bytes_max: 16 * 1024,
        segment_bytes_max: 2 * 1024,
        full,
        fsync: Fsync::IntervalMs(1),
        ..SpoolConfig::new(directory, "gateway-1")
    }
}

fn open(config: &SpoolConfig) -> (Writer, Arc<SpoolState>) {
    let state = Arc::new(SpoolState::new(
        config.bytes_max,
        config.full == SpoolFull::Refuse,
    ));
    (Writer::open(config, Arc::clone(&state)).unwrap(), state)
}

fn append(writer: &mut Writer, numbers: std::ops::Range<u64>) -> Result<(), (usize, AppendFault)> {
    writer.append(&frames(numbers))
}

fn files(directory: &Path) -> Vec<u64> {
    segment::list(directory)
        .unwrap()
        .into_iter()
        .map(|listed| listed.sequence)
        .collect()
}

#[test]
fn segments_are_closed_at_their_bound_and_read_in_order() {
    let directory = tempfile::tempdir().unwrap();
    for fsync in [Fsync::Never, Fsync::IntervalMs(1), Fsync::EveryBatch] {
        let inner = directory.path().join(format!("{fsync:?}"));
        let config = SpoolConfig {
            fsync,
            ..config(&inner, SpoolFull::Refuse)
        };
        let (mut writer, state) = open(&config);
        // One batch larger than two segments, and small ones.
        append(&mut writer, 0..60).unwrap();
        for number in 60..90 {
            append(&mut writer, number..number + 1).unwrap();
            writer.tick(number);
        }
        writer.close();
        for listed in segment::list(&inner).unwrap() {
            assert!(listed.bytes <= config.segment_bytes_max, "{listed:?}");
        }
        let summary = state.summary();
        assert_eq!(summary.segments, files(&inner).len() as u64);
        assert!(summary.segments > 2);
        assert_eq!((summary.stored, summary.evicted), (90, 0));
        assert_eq!(
            summary.bytes,
            segment::list(&inner)
                .unwrap()
                .iter()
                .map(|listed| listed.bytes)
                .sum::<u64>()
        );
        assert_eq!(numbers(&inner), (0..90).collect::<Vec<_>>());
    }
}

#[test]
fn a_spool_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("a/b");
    let (mut writer, _) = open(&config(&inner, SpoolFull::Refuse));
    append(&mut writer, 0..1).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&inner), 0o700);
    assert_eq!(mode(&segment::path(&inner, 1)), 0o600);
}

#[test]
fn two_gateways_do_not_share_a_spool() {
    let directory = tempfile::tempdir().unwrap();
    let config = config(directory.path(), SpoolFull::Refuse);
    let (first, _) = open(&config);
    let error = Writer::open(&config, Arc::new(SpoolState::new(0, false))).unwrap_err();
    assert!(matches!(error, SpoolError::Taken { .. }));
    let text = error.to_string();
    assert!(
        text.contains(&format!("process {}", std::process::id())),
        "{text}"
    );
    drop(first);
    open(&config);
}

#[test]
fn at_its_bound_it_refuses_until_somebody_makes_room() {
    let directory = tempfile::tempdir().unwrap();
    let (mut writer, state) = open(&config(directory.path(), SpoolFull::Refuse));
    let mut stored = 0;
    let fault = loop {
        match append(&mut writer, stored..stored + 1) {
            Ok(()) => stored += 1,
            Err(fault) => break fault,
        }
    };
    assert!(matches!(fault, (0, AppendFault::Full)));
    assert!(state.summary().bytes <= 16 * 1024);
    std::fs::remove_file(segment::path(directory.path(), files(directory.path())[0])).unwrap();
    assert!(append(&mut writer, stored..stored + 1).is_err());
    writer.recount();
    append(&mut writer, stored..stored + 1).unwrap();
    writer.close();
    assert_eq!(numbers(directory.path()).last(), Some(&stored));
}

#[test]
fn at_its_bound_it_deletes_the_oldest_and_counts() {
    let directory = tempfile::tempdir().unwrap();
    let config = config(directory.path(), SpoolFull::DropOldest);
    // Some of it by an earlier process, whose counts are not known.
    let (mut writer, _) = open(&config);
    append(&mut writer, 0..100).unwrap();
    writer.close();
    let (mut writer, state) = open(&config);
    for number in 100..500 {
        append(&mut writer, number..number + 1).unwrap();
        assert!(state.summary().bytes <= config.bytes_max);
    }
    writer.close();
    let left = numbers(directory.path());
    let evicted = state.summary().evicted;
    assert_eq!(left, (evicted..500).collect::<Vec<_>>());
    assert!(left.len() > 100, "only the oldest segments go");
}

/// What was sent on is deleted for room, whatever was chosen, and is no loss.
#[test]
fn what_was_sent_on_makes_room_uncounted() {
    for full in [SpoolFull::Refuse, SpoolFull::DropNew, SpoolFull::DropOldest] {
        let directory = tempfile::tempdir().unwrap();
        let (mut writer, state) = open(&config(directory.path(), full));
        let mut last = 0;
        while writer.closed.len() < 6 {
            append(&mut writer, last..last + 1).unwrap();
            last += 1;
        }
        // The first two segments, and half of the third.
        let (third, of_third) = (writer.closed[2].sequence, writer.closed[2].records.unwrap());
        let done: u64 = writer
            .closed
            .iter()
            .take(2)
            .map(|closed| closed.records.unwrap())
            .sum();
        state.forwarded(third, of_third / 2);
        let refused_at =
            (last..last + 1_000).find(|number| append(&mut writer, *number..number + 1).is_err());
        if full == SpoolFull::DropOldest {
            assert_eq!(refused_at, None);
        } else {
            assert_eq!(state.summary().evicted, 0, "{full:?}");
            assert_eq!(numbers(directory.path())[0], done, "the third is not done");
            state.forwarded(third, of_third);
            append(&mut writer, refused_at.unwrap()..refused_at.unwrap() + 1).unwrap();
            assert_eq!(numbers(directory.path())[0], done + of_third);
            continue;
        }
        // Everything that is not there was either sent on or counted.
        let left = numbers(directory.path());
        let sent = done + of_third / 2;
        assert_eq!(left[0], sent + state.summary().evicted, "{full:?}");
    }
}

#[test]
fn a_torn_end_is_cut_and_the_segment_continued_wherever_it_was_torn() {
    let directory = tempfile::tempdir().unwrap();
    let config = config(&directory.path().join("spool"), SpoolFull::Refuse);
    let (mut writer, _) = open(&config);
    append(&mut writer, 0..4).unwrap();
    writer.close();
    let path = segment::path(&config.directory, 1);
    let whole = std::fs::read(&path).unwrap();
    let header_bytes = segment::header("gateway-1").len();
    let frame_bytes = (whole.len() - header_bytes) / 4;
    for length in 0..=whole.len() {
        for listed in segment::list(&config.directory).unwrap() {
            std::fs::remove_file(segment::path(&config.directory, listed.sequence)).unwrap();
        }
        std::fs::write(&path, &whole[..length]).unwrap();
        let kept = length.saturating_sub(header_bytes) / frame_bytes;
        let torn_bytes = if length < header_bytes {
            length
        } else {
            length - header_bytes - kept * frame_bytes
        };
        let (mut writer, state) = open(&config);
        append(&mut writer, 77..78).unwrap();
        writer.close();
        let mut expected: Vec<u64> = (0..kept as u64).collect();
        expected.push(77);
        assert_eq!(numbers(&config.directory), expected, "cut at {length}");
        let summary = state.summary();
        // An empty file is no torn record, but it is no segment either.
        let torn_tails = u64::from(torn_bytes > 0 || length == 0);
        assert_eq!(
            (summary.torn_bytes, summary.torn_tails),
            (torn_bytes as u64, torn_tails),
            "cut at {length}"
        );
    }
}

#[test]
fn a_flipped_record_in_the_middle_costs_only_itself() {
    let directory = tempfile::tempdir().unwrap();
    let config = config(directory.path(), SpoolFull::Refuse);
    let (mut writer, _) = open(&config);
    append(&mut writer, 0..5).unwrap();
    writer.close();
    let path = segment::path(directory.path(), 1);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(&path, &bytes).unwrap();
    let (mut writer, state) = open(&config);
    append(&mut writer, 5..6).unwrap();
    writer.close();
    assert_eq!(numbers(directory.path()), [0, 1, 3, 4, 5]);
    assert_eq!(events(directory.path()).1.damaged, 1);
    assert_eq!(state.summary().torn_tails, 0);
}

#[test]
fn a_segment_of_another_gateway_or_version_is_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let first = config(directory.path(), SpoolFull::Refuse);
    let (mut writer, _) = open(&first);
    append(&mut writer, 0..1).unwrap();
    writer.close();
    let (mut writer, _) = open(&SpoolConfig {
        gateway_id: "gateway-2".into(),
        ..first.clone()
    });
    append(&mut writer, 1..2).unwrap();
    writer.close();
    let newer = segment::path(directory.path(), 3);
    std::fs::write(&newer, b"STOASPL1\xff\xff\x00\x00of a later version").unwrap();
    let before = std::fs::read(&newer).unwrap();
    let (mut writer, state) = open(&first);
    append(&mut writer, 2..3).unwrap();
    writer.close();
    assert_eq!(std::fs::read(&newer).unwrap(), before);
    let (events, summary) = events(directory.path());
    let found: Vec<_> = events
        .iter()
        .map(|event| event["gateway_id"].as_str().unwrap())
        .collect();
    assert_eq!(found, ["gateway-1", "gateway-2", "gateway-1"]);
    assert_eq!((summary.damaged, state.summary().segments), (1, 4));
}

#[test]
fn a_directory_that_vanishes_and_returns_costs_nothing_that_was_not_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("spool");
    let (mut writer, _) = open(&config(&inner, SpoolFull::Refuse));
    append(&mut writer, 0..1).unwrap();
    std::fs::rename(&inner, directory.path().join("elsewhere")).unwrap();
    // The open segment takes what fits; the next one cannot be begun.
    let batch = frames(1..60);
    let (stored, fault) = writer.append(&batch).unwrap_err();
    assert!(matches!(fault, AppendFault::Io(_)), "{fault:?}");
    std::fs::rename(directory.path().join("elsewhere"), &inner).unwrap();
    writer.append(&batch[stored..]).unwrap();
    writer.close();
    assert_eq!(numbers(&inner), (0..60).collect::<Vec<_>>());
}
