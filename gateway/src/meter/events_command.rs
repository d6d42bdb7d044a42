//! `stoa-gateway events --spool DIR [--follow] [--since WHEN]`: metering events as JSON lines.
//!
//! Oldest first: cores hand over in turns, so the spool's order may be off by a flush interval, and a
//! window of twice that puts it right. Reads beside a running gateway and ends quietly where the
//! reader of its output has gone (`| head`).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::event;
use super::reader::Reader;
use crate::limits::METER_FLUSH_INTERVAL_MS;

/// Events this much newer than another cannot have been stored before it was handed over.
const ORDER_WINDOW_MS: u64 = 2 * METER_FLUSH_INTERVAL_MS;
/// Time between two looks for new events.
const FOLLOW_POLL: Duration = Duration::from_millis(50);

/// What to print.
#[derive(Clone, Debug, clap::Args)]
pub struct EventsOptions {
    /// Directory of the spool; events that went to Kafka stay there until their room is needed
    #[arg(long, value_name = "DIR")]
    pub spool: PathBuf,
    /// Keep printing events as they are stored
    #[arg(long, short)]
    pub follow: bool,
    /// Leave out older events: a time (2026-11-21T09:00:00Z) or a span before now (15m, 2h, 1d)
    #[arg(long, value_name = "WHEN", value_parser = parse_since)]
    pub since: Option<SystemTime>,
}

/// What was read beside events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventsSummary {
    /// Events printed.
    pub printed: u64,
    /// Runs of damaged bytes that were stepped over.
    pub damaged: u64,
    /// Records of a newer gateway that were left out.
    pub unknown: u64,
    /// Bytes at the end that are no whole record.
    pub unread_bytes: u64,
}

/// Prints events to `out` until the end of the spool or, with `follow`, until `stop`.
///
/// # Errors
/// Where the spool cannot be read (a missing directory says so), or `out` fails for another reason
/// than a reader that has gone.
pub fn run(
    options: &EventsOptions,
    out: &mut impl Write,
    stop: &AtomicBool,
) -> io::Result<EventsSummary> {
    let since_unix_ms = options.since.map_or(0, unix_ms);
    let mut reader = Reader::new(options.spool.clone(), since_unix_ms);
    let mut window = Window::default();
    let ended = loop {
        let result = step(&mut reader, &mut window, since_unix_ms, options.follow, out);
        match result {
            Ok(()) if options.follow && !stop.load(Ordering::Relaxed) => wait(),
            other => break other,
        }
    };
    match ended.and_then(|()| window.print(None, out)) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        other => other?,
    }
    Ok(EventsSummary {
        printed: window.printed,
        damaged: reader.damaged,
        unknown: reader.unknown,
        unread_bytes: reader.unread_bytes() as u64,
    })
}

/// Reads what is there and prints what is certainly in order.
fn step(
    reader: &mut Reader,
    window: &mut Window,
    since_unix_ms: u64,
    follow: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    reader.read(|gateway_id, stored| {
        if stored.unix_ms < since_unix_ms {
            return Ok(());
        }
        let mut line = Vec::with_capacity(512);
        event::write_json(stored, gateway_id, &mut line);
        line.push(b'\n');
        window.add((stored.unix_ms, stored.event_id), line, out)
    })?;
    let passed_ms = if follow {
        unix_ms_now().saturating_sub(ORDER_WINDOW_MS)
    } else {
        u64::MAX
    };
    window.print(Some(passed_ms), out)?;
    out.flush()
}

/// Milliseconds and event id: what events are sorted by.
type Order = (u64, [u8; 16]);

/// Holds events back until none can come before them.
#[derive(Default)]
struct Window {
    waiting: BinaryHeap<Reverse<(Order, Vec<u8>)>>,
    newest_unix_ms: u64,
    printed: u64,
}

impl Window {
    fn add(&mut self, order: Order, line: Vec<u8>, out: &mut impl Write) -> io::Result<()> {
        self.newest_unix_ms = self.newest_unix_ms.max(order.0);
        self.waiting.push(Reverse((order, line)));
        self.print(
            Some(self.newest_unix_ms.saturating_sub(ORDER_WINDOW_MS)),
            out,
        )
    }

    /// Prints what is older than `before_unix_ms`, or everything.
    fn print(&mut self, before_unix_ms: Option<u64>, out: &mut impl Write) -> io::Result<()> {
        while let Some(Reverse(((unix_ms, _), line))) = self.waiting.peek() {
            if before_unix_ms.is_some_and(|before| *unix_ms >= before) {
                break;
            }
            out.write_all(line)?;
            self.printed += 1;
            self.waiting.pop();
        }
        Ok(())
    }
}

/// A point in time, or a span before now.
fn parse_since(text: &str) -> Result<SystemTime, String> {
    if let Ok(span) = humantime::parse_duration(text) {
        return now()
            .checked_sub(span)
            .ok_or_else(|| format!("{text} ago is before all time"));
    }
    humantime::parse_rfc3339_weak(text).map_err(|error| {
        format!("{error}; give a time such as 2026-11-21T09:00:00Z or a span such as 15m")
    })
}

#[allow(
    clippy::disallowed_methods,
    reason = "a command of its own; not the data path"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

#[allow(
    clippy::disallowed_methods,
    reason = "a command of its own; not the data path"
)]
fn wait() {
    std::thread::sleep(FOLLOW_POLL);
}

fn unix_ms_now() -> u64 {
    unix_ms(now())
}

fn unix_ms(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests;
