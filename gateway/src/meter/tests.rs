use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::events_command::{EventsOptions, EventsSummary};
use super::record::Status;
use super::spool::{SPOOL_BYTES_MIN, Spool, SpoolConfig, SpoolFull};
use super::*;

/// Sealed frames of records whose request ids are these numbers.
pub(super) fn frames(numbers: std::ops::Range<u64>) -> Vec<u8> {
    let mut out = Vec::new();
    for number in numbers {
        let request_id = format!("{number}");
        let record = Record {
            tenant: "acme",
            tool: "get_order",
            request_id: &request_id,
            ..Record::default()
        };
        let mut event_id = [0; 16];
        event_id[8..].copy_from_slice(&number.to_be_bytes());
        segment::put_frame(&mut out, |out| {
            codec::encode(&record, event_id, 1_000 + number, out)
        });
    }
    segment::seal(&mut out);
    out
}

/// What `stoa-gateway events` prints of a spool.
pub(super) fn events(directory: &Path) -> (Vec<serde_json::Value>, EventsSummary) {
    let options = EventsOptions {
        spool: directory.to_owned(),
        follow: false,
        since: None,
    };
    let mut out = Vec::new();
    let summary = events_command::run(&options, &mut out, &AtomicBool::new(false)).unwrap();
    let lines = String::from_utf8(out).unwrap();
    (
        lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
        summary,
    )
}

/// The request ids of a spool's events, as numbers.
pub(super) fn numbers(directory: &Path) -> Vec<u64> {
    let number = |event: &serde_json::Value| event["request_id"].as_str().unwrap().parse().unwrap();
    events(directory).0.iter().map(number).collect()
}

fn now(unix_ms: u64) -> Now {
    Now {
        mono_ns: 0,
        unix_ms,
    }
}

fn record(request_id: &str, status: Status) -> Record<'_> {
    Record {
        tenant: "acme",
        request_id,
        status,
        ..Record::default()
    }
}

/// A meter whose other side takes nothing until it is asked to.
fn meter(full: SpoolFull) -> (Meter, ring::Outlet, Arc<SpoolState>) {
    let state = Arc::new(SpoolState::new(1 << 30, full == SpoolFull::Refuse));
    let (ring, outlet) = ring::ring(METER_RECORDS_MAX);
    (
        Meter::new(ring, Identifiers::from_seed(1), Arc::clone(&state)),
        outlet,
        state,
    )
}

#[test]
fn a_meter_near_its_bound_refuses_calls_and_keeps_room_for_those_in_flight() {
    let (mut meter, outlet, state) = meter(SpoolFull::Refuse);
    let mut accepted = 0;
    while meter.can_accept() {
        meter.record(&record("1", Status::Success), now(1));
        accepted += 1;
    }
    assert_eq!(accepted, ACCEPT_RECORDS_MAX);
    // A flood of refused calls is dropped, the call that was in flight is kept.
    meter.record(&record("2", Status::Unauthorized), now(1));
    meter.record(&record("2", Status::RateLimited), now(1));
    assert_eq!(state.summary().dropped_ring, 2);
    for _ in ACCEPT_RECORDS_MAX..METER_RECORDS_MAX as u64 {
        meter.record(&record("3", Status::Timeout), now(1));
    }
    assert_eq!(state.summary().dropped_ring, 2);
    meter.record(&record("4", Status::Success), now(1));
    assert_eq!(state.summary().dropped_ring, 3, "one past the bound");
    while let Ok(batch) = outlet.take() {
        outlet.settle(batch);
    }
    assert!(meter.can_accept());
}

#[test]
fn a_full_spool_refuses_only_where_the_operator_chose_so() {
    for (full, expected) in [
        (SpoolFull::Refuse, false),
        (SpoolFull::DropNew, true),
        (SpoolFull::DropOldest, true),
    ] {
        let (meter, _outlet, state) = meter(full);
        assert!(meter.can_accept());
        state.set_health(state::SpoolHealth::Full);
        assert_eq!(meter.can_accept(), expected, "{full:?}");
        state.set_health(state::SpoolHealth::Failing);
        assert_eq!(meter.can_accept(), expected, "{full:?}");
        state.set_health(state::SpoolHealth::Well);
        assert!(meter.can_accept());
    }
}

#[test]
fn metering_off_accepts_and_keeps_nothing() {
    let mut meter = Meter::off();
    assert!(meter.can_accept());
    meter.record(&record("1", Status::Success), now(1));
    assert!(meter.flush());
}

#[test]
fn every_outcome_is_one_event_across_cores() {
    let directory = tempfile::tempdir().unwrap();
    let config = SpoolConfig::new(directory.path(), "gateway-1").with_bytes_max(SPOOL_BYTES_MIN);
    let (spool, mut meters) = Spool::start(&config, 3).unwrap();
    let mut expected = Vec::new();
    for (core, meter) in meters.iter_mut().enumerate() {
        for (turn, status) in Status::ALL.into_iter().enumerate() {
            let request_id = format!("{core}-{turn}");
            meter.record(
                &record(&request_id, status),
                now(1_000 + (turn * 10 + core) as u64),
            );
            expected.push((turn, core, status.as_str().to_owned()));
        }
        assert!(meter.flush());
    }
    let report = spool.drain(std::time::Duration::from_secs(10));
    assert_eq!((report.lost, report.timed_out), (0, false));
    let (events, summary) = events(directory.path());
    assert_eq!(
        summary,
        EventsSummary {
            printed: 24,
            ..EventsSummary::default()
        }
    );
    // Oldest first, although each core's batch was stored as one.
    expected.sort();
    let found: Vec<_> = events
        .iter()
        .map(|event| {
            let (core, turn) = event["request_id"]
                .as_str()
                .unwrap()
                .split_once('-')
                .unwrap();
            (
                turn.parse().unwrap(),
                core.parse().unwrap(),
                event["status"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    assert_eq!(found, expected);
    let ids: std::collections::HashSet<_> = events
        .iter()
        .map(|event| event["event_id"].clone())
        .collect();
    assert_eq!(ids.len(), 24);
}
