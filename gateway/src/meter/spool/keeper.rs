//! The spool's thread: takes batches from the workers' queues and stores, holds or gives them up.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use super::{DrainReport, SPOOL_POLL_MS, SpoolConfig, SpoolFull};
use crate::meter::ring::{Batch, Outlet};
use crate::meter::segment;
use crate::meter::state::{SpoolHealth, SpoolState};
use crate::meter::writer::{AppendFault, Writer};

/// Batches of one worker written before the next worker's turn.
const BATCHES_PER_TURN: usize = 64;
/// Time between two looks at the directory while the spool is full.
const RECOUNT_INTERVAL: Duration = Duration::from_secs(1);

/// What the thread works with.
pub(super) struct Keeper {
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
    pub(super) fn new(
        config: &SpoolConfig,
        writer: Writer,
        outlets: Vec<Outlet>,
        state: Arc<SpoolState>,
    ) -> Self {
        let directory = config.directory.clone();
        Self {
            writer,
            outlets,
            held: None,
            state,
            full: config.full,
            has_said_evicting: false,
            directory,
        }
    }

    /// Runs until it is told to stop, and by when.
    #[allow(
        clippy::disallowed_methods,
        reason = "a thread of its own with a clock of its own; not the data path"
    )]
    pub(super) fn run(&mut self, stopping: &Receiver<Instant>) {
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

    /// Deletes the oldest segment for a disk that others have filled, where it may be.
    fn gives_way(&mut self) -> bool {
        self.writer.may_evict() && self.writer.evict().unwrap_or(false)
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
    pub(super) fn close(self) -> DrainReport {
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
