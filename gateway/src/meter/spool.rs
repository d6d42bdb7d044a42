//! Events on disk: the thread that takes batches from the workers and appends them to segments.
//!
//! **What is kept.** A record is written (write(2)) within
//! [`METER_FLUSH_INTERVAL_MS`](crate::limits::METER_FLUSH_INTERVAL_MS) of its call: the worker hands
//! over at least every [`WORKER_TICK_MS`](super::WORKER_TICK_MS), this thread looks every
//! [`SPOOL_POLL_MS`]. So a killed process loses nothing older; a machine that loses power loses what
//! [`Fsync`] says. Events are stored at least once: a failed sync may store one twice, under the same
//! `event_id`.
//!
//! **When it is full** the operator's [`SpoolFull`] holds. The default deletes the oldest segment:
//! nothing consumes the spool yet, so it is a bounded history, and a gateway that stopped taking
//! calls after its first gibibyte of history would surprise more people than it would help. Who
//! bills from the spool sets `refuse` and takes segments away as they are read.
//!
//! **When the disk fails**, the batch at hand is kept and tried again every poll; the queues fill to
//! their bound behind it, and then the choice holds there: calls are refused, or their events dropped
//! and counted.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Meter;
use super::identifier::Identifiers;
use super::ring::{Batch, Outlet, ring};
use super::segment;
use super::state::{SpoolHealth, SpoolState};
use super::writer::{AppendFault, Writer};
use crate::limits::{METER_RECORDS_MAX, SPOOL_BYTES_MAX_DEFAULT, SPOOL_SEGMENT_BYTES_MAX};

/// Time between two looks into the queues.
pub const SPOOL_POLL_MS: u64 = 25;
/// Batches of one worker written before the next worker's turn.
const BATCHES_PER_TURN: usize = 64;
/// Time between two looks at the directory while the spool is full.
const RECOUNT_INTERVAL: Duration = Duration::from_secs(1);
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
            fsync: Fsync::IntervalMs(1_000),
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
        let mut keeper = Keeper {
            writer,
            outlets,
            held: None,
            state: Arc::clone(&state),
            full: config.full,
            has_said_evicting: false,
            directory: config.directory.clone(),
        };
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

/// What the thread works with.
struct Keeper {
    writer: Writer,
    outlets: Vec<Outlet>,
    /// The batch that could not be stored, of which outlet, and how many of its bytes are stored.
    held: Option<(usize, Batch, usize)>,
    state: Arc<SpoolState>,
    full: SpoolFull,
    has_said_evicting: bool,
    directory: PathBuf,
}

/// How a turn over the queues ended.
#[derive(PartialEq, Eq)]
enum Turn {
    /// The spool is full or failing; a batch is held.
    Blocked,
    /// Everything is stored.
    Empty,
    /// There is more.
    More,
}

impl Keeper {
    #[allow(
        clippy::disallowed_methods,
        reason = "a thread of its own with a clock of its own; not the data path"
    )]
    fn run(&mut self, stopping: &Receiver<Instant>) {
        let began = Instant::now();
        let mut recounted = began;
        let mut deadline = None;
        loop {
            if deadline.is_none() {
                match stopping.try_recv() {
                    Ok(at) => deadline = Some(at),
                    Err(TryRecvError::Disconnected) => deadline = Some(Instant::now()),
                    Err(TryRecvError::Empty) => {}
                }
            }
            let turn = self.turn();
            let now = Instant::now();
            if deadline.is_some_and(|at| turn == Turn::Empty || now >= at) {
                return;
            }
            self.writer.tick((now - began).as_millis() as u64);
            if turn == Turn::Blocked && now - recounted >= RECOUNT_INTERVAL {
                self.writer.recount();
                recounted = now;
            }
            if turn != Turn::More {
                std::thread::park_timeout(Duration::from_millis(SPOOL_POLL_MS));
            }
        }
    }

    /// One turn over all queues.
    fn turn(&mut self) -> Turn {
        if let Some((outlet, batch, stored)) = self.held.take()
            && !self.store(outlet, batch, stored)
        {
            return Turn::Blocked;
        }
        let mut turn = Turn::Empty;
        for outlet in 0..self.outlets.len() {
            for taken in 0..BATCHES_PER_TURN {
                let Ok(mut batch) = self.outlets[outlet].take() else {
                    break;
                };
                segment::seal(&mut batch.bytes);
                if !self.store(outlet, batch, 0) {
                    return Turn::Blocked;
                }
                if taken + 1 == BATCHES_PER_TURN {
                    turn = Turn::More;
                }
            }
        }
        turn
    }

    /// Stores a batch from its byte `stored` on, or gives it up where the operator chose that.
    /// `false` where it is held instead.
    fn store(&mut self, outlet: usize, batch: Batch, mut stored: usize) -> bool {
        loop {
            match self.writer.append(&batch.bytes[stored..]) {
                Ok(()) => {
                    self.say(SpoolHealth::Well, "");
                    break;
                }
                Err((more, AppendFault::Full)) => {
                    stored += more;
                    self.say(SpoolHealth::Full, "its bound is reached");
                    if self.full != SpoolFull::Refuse {
                        let (_, records) = segment::fitting(&batch.bytes[stored..], u64::MAX);
                        self.state.dropped_full(u64::from(records));
                        break;
                    }
                    self.held = Some((outlet, batch, stored));
                    return false;
                }
                Err((more, AppendFault::Io(error))) => {
                    stored += more;
                    self.state.write_failed();
                    if error.kind() == std::io::ErrorKind::StorageFull && self.gives_way() {
                        continue;
                    }
                    self.say(SpoolHealth::Failing, &error.to_string());
                    self.held = Some((outlet, batch, stored));
                    return false;
                }
            }
        }
        if self.state.summary().evicted > 0 && !self.has_said_evicting {
            self.has_said_evicting = true;
            let directory = self.directory.display();
            tracing::warn!(%directory, "the spool is full: from now on its oldest events are deleted and counted");
        }
        self.outlets[outlet].settle(batch);
        true
    }

    /// Deletes the oldest segment for a disk that others have filled, where the operator chose so.
    fn gives_way(&mut self) -> bool {
        self.full == SpoolFull::DropOldest && self.writer.evict().unwrap_or(false)
    }

    /// Says once when the spool's health changes.
    fn say(&self, health: SpoolHealth, reason: &str) {
        if self.state.set_health(health) == health {
            return;
        }
        let directory = self.directory.display();
        let consequence = match self.full {
            SpoolFull::Refuse => "calls are refused until there is room",
            SpoolFull::DropNew | SpoolFull::DropOldest => {
                "events that do not fit in memory are dropped and counted"
            }
        };
        match health {
            SpoolHealth::Well => tracing::info!(%directory, "the spool stores events again"),
            SpoolHealth::Full | SpoolHealth::Failing => {
                tracing::error!(%directory, reason, "the spool stores no events: {consequence}");
            }
        }
    }

    /// Counts what is left, and closes the files.
    fn close(self) -> DrainReport {
        let mut lost = self.held.map_or(0, |(_, batch, stored)| {
            let (_, records) = segment::fitting(&batch.bytes[stored..], u64::MAX);
            u64::from(records)
        });
        for outlet in &self.outlets {
            while let Ok(batch) = outlet.take() {
                lost += u64::from(batch.records);
            }
        }
        self.state.dropped_full(lost);
        self.writer.close();
        DrainReport {
            lost,
            timed_out: false,
        }
    }
}

#[cfg(test)]
mod tests;
