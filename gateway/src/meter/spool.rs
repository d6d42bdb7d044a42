//! Events on disk: the thread that takes batches from the workers and appends them to segments.
//!
//! **What is kept.** A record is written (write(2)) within
//! [`METER_FLUSH_INTERVAL_MS`](crate::limits::METER_FLUSH_INTERVAL_MS) of its call: the worker hands
//! over at least every [`WORKER_TICK_MS`](super::WORKER_TICK_MS), this thread looks every
//! [`SPOOL_POLL_MS`]. So a killed process loses nothing older; a machine that loses power loses what
//! [`Fsync`] says. Events are stored at least once: a failed sync may store one twice, under the same
//! `event_id`.
//!
//! **When it is full**, segments that were sent on ([`super::kafka`]) are deleted, oldest first; until
//! then they are a bounded history. Where none is left the operator's [`SpoolFull`] holds. The default
//! deletes the oldest segment all the same, and counts: without Kafka nothing consumes the spool, and a
//! gateway that stopped taking calls after its first gibibyte of history would surprise more people than
//! it would help. Who bills sets `refuse`, and sends to Kafka or takes segments away as they are read.
//!
//! **When the disk fails**, the batch at hand is kept and tried again every poll; the queues fill to
//! their bound behind it, and then the choice holds there: calls are refused, or their events dropped
//! and counted.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Meter;
use super::identifier::Identifiers;
use super::ring::ring;
use super::state::SpoolState;
use super::writer::Writer;
use crate::limits::{METER_RECORDS_MAX, SPOOL_BYTES_MAX_DEFAULT, SPOOL_SEGMENT_BYTES_MAX};

mod keeper;

use keeper::Keeper;

/// Time between two looks into the queues.
pub const SPOOL_POLL_MS: u64 = 25;
/// The smallest bound that makes sense.
pub const SPOOL_BYTES_MIN: u64 = 256 * 1024;
/// Segments in a full spool: the oldest one, which `drop_oldest` deletes, is then a small part.
const SEGMENTS_MIN: u64 = 8;

/// What to do when the spool is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpoolFull {
    /// Delete the oldest segment, and count its events.
    #[default]
    DropOldest,
    /// Drop new events, and count them.
    DropNew,
    /// Refuse calls until there is room.
    Refuse,
}

impl std::str::FromStr for SpoolFull {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "drop_new" => Ok(Self::DropNew),
            "drop_oldest" => Ok(Self::DropOldest),
            "refuse" => Ok(Self::Refuse),
            other => Err(format!(
                "spool full {other:?}: use drop_oldest, drop_new or refuse"
            )),
        }
    }
}

/// When what was written is brought to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fsync {
    /// After every batch, before the next: a power loss loses what a killed process loses.
    EveryBatch,
    /// Every so many milliseconds, and when a segment is closed: a power loss loses that much.
    IntervalMs(u64),
    /// When the operating system likes.
    Never,
}

impl Default for Fsync {
    /// Every second.
    fn default() -> Self {
        Self::IntervalMs(1_000)
    }
}

impl std::str::FromStr for Fsync {
    type Err = String;

    /// `every_batch`, `never`, or an interval such as `1s`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "every_batch" => Ok(Self::EveryBatch),
            "never" => Ok(Self::Never),
            interval => humantime::parse_duration(interval)
                .ok()
                .filter(|interval| !interval.is_zero())
                .map(|interval| Self::IntervalMs(interval.as_millis().max(1) as u64))
                .ok_or_else(|| {
                    format!(
                        "spool fsync {text:?}: use every_batch, never or an interval such as 1s"
                    )
                }),
        }
    }
}

/// Where and how events are kept.
#[derive(Clone, Debug)]
pub struct SpoolConfig {
    /// Directory of its own; made where it is missing.
    pub directory: PathBuf,
    /// Name of this gateway in events.
    pub gateway_id: String,
    /// Bytes of all segments; at least [`SPOOL_BYTES_MIN`].
    pub bytes_max: u64,
    /// Bytes of one segment.
    pub segment_bytes_max: u64,
    /// What to do when it is full.
    pub full: SpoolFull,
    /// When what was written is brought to the disk.
    pub fsync: Fsync,
}

impl SpoolConfig {
    /// The defaults for a directory: 1 GiB, segments of 16 MiB, oldest dropped, synced every second.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>, gateway_id: impl Into<String>) -> Self {
        Self {
            directory: directory.into(),
            gateway_id: gateway_id.into(),
            bytes_max: SPOOL_BYTES_MAX_DEFAULT,
            segment_bytes_max: SPOOL_SEGMENT_BYTES_MAX,
            full: SpoolFull::default(),
            fsync: Fsync::default(),
        }
    }

    /// With another bound; segments shrink with it, so that a full spool has several.
    #[must_use]
    pub fn with_bytes_max(mut self, bytes_max: u64) -> Self {
        self.bytes_max = bytes_max;
        self.segment_bytes_max = self.segment_bytes_max.min(bytes_max / SEGMENTS_MIN);
        self
    }
}

/// Why a spool cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The file system refuses.
    #[error("the spool {directory} cannot be used: {source}", directory = .directory.display())]
    Io {
        /// The spool's directory.
        directory: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process writes there.
    #[error(
        "the spool {directory} is in use by process {process}; give each gateway a spool of its own",
        directory = .directory.display()
    )]
    Taken {
        /// The spool's directory.
        directory: PathBuf,
        /// Process id, as the other one wrote it.
        process: String,
    },
    /// The bound is below [`SPOOL_BYTES_MIN`].
    #[error("a spool needs at least {SPOOL_BYTES_MIN} bytes, not {0}")]
    TooSmall(u64),
}

/// What a drain left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainReport {
    /// Events that could not be stored.
    pub lost: u64,
    /// The disk did not answer within the time, so that even `lost` is not known.
    pub timed_out: bool,
}

/// The running spool. Dropping it drains it for at most a second.
#[derive(Debug)]
pub struct Spool {
    state: Arc<SpoolState>,
    thread: Option<Thread>,
}

#[derive(Debug)]
struct Thread {
    handle: JoinHandle<()>,
    stop: Sender<Instant>,
    done: Receiver<DrainReport>,
}

impl Spool {
    /// Opens the directory and starts the thread, with a meter for each of `cores` workers.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub fn start(config: &SpoolConfig, cores: usize) -> Result<(Self, Vec<Meter>), SpoolError> {
        if config.bytes_max < SPOOL_BYTES_MIN {
            return Err(SpoolError::TooSmall(config.bytes_max));
        }
        let state = Arc::new(SpoolState::new(
            config.bytes_max,
            config.full == SpoolFull::Refuse,
        ));
        let writer = Writer::open(config, Arc::clone(&state))?;
        let (rings, outlets): (Vec<_>, Vec<_>) =
            (0..cores).map(|_| ring(METER_RECORDS_MAX)).unzip();
        let (stop, stopping) = channel();
        let (report, done) = channel();
        let mut keeper = Keeper::new(config, writer, outlets, Arc::clone(&state));
        let run = move || {
            keeper.run(&stopping);
            // Nobody waits for the report of a spool that was given up.
            let _ = report.send(keeper.close());
        };
        let handle = std::thread::Builder::new()
            .name("stoa-spool".into())
            .spawn(run)
            .map_err(|source| SpoolError::Io {
                directory: config.directory.clone(),
                source,
            })?;
        let meters = rings
            .into_iter()
            .map(|ring| Meter::new(ring, Identifiers::from_system(), Arc::clone(&state)))
            .collect();
        Ok((
            Self {
                state,
                thread: Some(Thread { handle, stop, done }),
            },
            meters,
        ))
    }

    /// How it fares.
    #[must_use]
    pub const fn state(&self) -> &Arc<SpoolState> {
        &self.state
    }

    /// Stores what the meters have handed over (so flush or drop them before), syncs and ends.
    #[must_use]
    pub fn drain(mut self, timeout: Duration) -> DrainReport {
        self.end(timeout)
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "ends a thread of its own; not the data path"
    )]
    fn end(&mut self, timeout: Duration) -> DrainReport {
        let nothing = DrainReport {
            lost: 0,
            timed_out: false,
        };
        let Some(thread) = self.thread.take() else {
            return nothing;
        };
        // Fails only where the thread is gone; then the report fails as well.
        let _ = thread.stop.send(Instant::now() + timeout);
        thread.handle.thread().unpark();
        // A quarter more, so that a thread that gives up at the deadline is still heard.
        match thread
            .done
            .recv_timeout(timeout + timeout / 4 + Duration::from_millis(100))
        {
            Ok(report) => {
                // A panic would have been no report.
                let _ = thread.handle.join();
                report
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => DrainReport {
                timed_out: true,
                ..nothing
            },
        }
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.end(Duration::from_secs(1));
    }
}

#[cfg(test)]
mod tests;
